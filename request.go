package mihu

import (
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/go-querystring/query"

	"github.com/mihu-go/mihu/internal/redact"
)

// Request is a call to any endpoint of the API, for [Client.Do].
type Request struct {
	// Method is GET, POST, PUT, PATCH or DELETE.
	Method string
	// Path is relative to the base URL, such as "/phone-numbers/{uuid}/channels". A segment in
	// braces stands for the argument of that name.
	Path string
	// PathArgs are the arguments of Path. They are escaped. One that could change the endpoint is
	// refused: "", ".", "..", and any with a slash, a backslash or a control character.
	PathArgs map[string]string
	// Query is a struct with `url` tags, as go-querystring reads them, or url.Values; nil is none.
	Query any
	// Body is sent as JSON, as encoding/json writes it; nil is none. A body of null is refused.
	Body any
	// Idempotent allows a POST to be repeated like the other methods, after a failure that leaves
	// open whether it was carried out. Set it only where carrying it out twice does no harm.
	Idempotent bool

	// op is the name in errors and logs; "" is the method and path.
	op string
	// advice says how to find out what became of a request whose outcome is unknown.
	advice string
	// blankData says that the data to decode into is zero, without looking at all of it.
	blankData bool
	// settling says that the request is part of a Create.
	settling bool
}

// Response is what is known of a call beside its data, filled by [WithResponse]. After an error it
// tells what is known of the last answer; where none came, only Attempts can be set. It prints without headers
// and body.
type Response struct {
	// StatusCode is the HTTP status.
	StatusCode int
	// Header has the headers of the answer.
	Header http.Header
	// RequestID is as in [APIError].
	RequestID string
	// Attempts counts the requests that were sent for the call.
	Attempts int
	// Reconciled says that the call's own answers left its outcome open and that the number's channels
	// were looked up to find it out, see [TrunksService.Create]; whether that succeeded, the error
	// says. The answer described here may then be that of a request which did so, and Attempts
	// counts all of them.
	Reconciled bool
	// Body is the answer as it came, unpacked, with the request's secrets removed where the server
	// repeated them.
	Body []byte
}

// LogValue shows the response without headers and body.
func (r Response) LogValue() slog.Value {
	return slog.GroupValue(slog.Int("status", r.StatusCode), slog.String("request_id", r.RequestID),
		slog.Int("attempts", r.Attempts), slog.Bool("settled", r.Reconciled), slog.Int("bytes", len(r.Body)))
}

// Format prints what LogValue shows, under every verb.
func (r Response) Format(f fmt.State, verb rune) { formatGroup(f, verb, "Response", r) }

// CallOption changes one call.
type CallOption interface{ applyCall(c *callConfig) }

type callOption func(*callConfig)

func (o callOption) applyCall(c *callConfig) { o(c) }

type callConfig struct {
	found       violations
	response    *Response
	header      http.Header
	unsettled   bool
	callLimiter Limiter
}

// WithResponse fills in what is known of the call beside its data, once it ends. nil is nothing.
func WithResponse(into *Response) CallOption {
	return callOption(func(c *callConfig) { c.response = into })
}

// WithHeader sets a header of the call's requests. Those that this package or net/http answers for
// are refused, such as Authorization, and so is Idempotency-Key, which the API does not document
// and which would make net/http repeat a POST of its own accord.
func WithHeader(name, value string) CallOption {
	return callOption(func(c *callConfig) {
		name = http.CanonicalHeaderKey(name)
		if problem := headerProblem(name, value); problem != "" {
			c.found.add("header "+redact.Quote(name), "", problem)
			return
		}
		if c.header == nil {
			c.header = make(http.Header)
		}
		c.header.Set(name, value)
	})
}

// WithCallLimiter asks a limiter before every attempt of the call, and of what settles it, after the
// client's own limiter of [WithLimiter]. An error of it ends the call, unsent. nil is the default:
// no limit but the client's.
func WithCallLimiter(limiter Limiter) CallOption {
	limiter = orNoLimiter(limiter)
	return callOption(func(c *callConfig) { c.callLimiter = limiter })
}

func headerProblem(name, value string) string {
	if name == "" || strings.ContainsFunc(name, func(r rune) bool {
		return !isDigit(r) && !isLetter(r) && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	}) {
		return "not the name of a header"
	}
	if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) || !utf8.ValidString(value) {
		return "its value holds a control character or is not UTF-8"
	}
	switch name {
	case "Authorization", "Proxy-Authorization", "Host", "Content-Length", "Content-Type", "Transfer-Encoding", "Connection",
		"Accept-Encoding", "Expect", "Trailer", "Te", "Upgrade":
		return "is this package's own to set"
	case "Idempotency-Key", "X-Idempotency-Key":
		return "would make net/http repeat the request; the API documents no such key"
	}
	return ""
}

// target fills the path's arguments in.
func (r *Request) target(found *violations) string {
	var filled strings.Builder
	path, rooted := strings.CutPrefix(r.Path, "/")
	plain, names := rooted, map[string]bool(nil)
	for segment := range strings.SplitSeq(path, "/") {
		name, isArg := argName(segment)
		if !isArg {
			plain = plain && isPlainSegment(segment)
			continue
		}
		arg, ok := r.PathArgs[name]
		if problem := argProblem(arg); !ok {
			found.add("path argument "+redact.Quote(name), "", "missing")
		} else if problem != "" {
			found.add("path argument "+redact.Quote(name), "", problem)
		}
		if names == nil {
			names = make(map[string]bool, 1)
		}
		names[name] = true
	}
	if !plain {
		found.add("path", "", `want a path from the base URL on, such as "/phone-numbers/{uuid}/channels", without query, fragment, empty and dot segments`)
	}
	if len(names) != len(r.PathArgs) {
		for _, name := range slices.Sorted(maps.Keys(r.PathArgs)) {
			if !names[name] {
				found.add("path argument "+redact.Quote(name), "", "the path has no such segment; one takes a whole segment, such as /a/{name}/b")
			}
		}
	}
	if names == nil {
		return r.Path
	}
	for segment := range strings.SplitSeq(path, "/") {
		if name, isArg := argName(segment); isArg {
			segment = url.PathEscape(r.PathArgs[name])
		}
		filled.WriteString("/" + segment)
	}
	return filled.String()
}

func argName(segment string) (string, bool) {
	name, opens := strings.CutPrefix(segment, "{")
	name, closes := strings.CutSuffix(name, "}")
	return name, opens && closes && name != ""
}

// argProblem refuses what could make a server see another path. The slash is refused even though
// it can be escaped: frameworks match their routes against the unescaped path.
func argProblem(arg string) string {
	switch {
	case arg == "":
		return "empty"
	case arg == "." || arg == "..":
		return "is a dot segment, which would change the endpoint"
	case strings.ContainsAny(arg, `/\`):
		return "has a slash, which would change the endpoint"
	case strings.ContainsFunc(arg, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "has a control character"
	case !utf8.ValidString(arg):
		return "is not valid UTF-8"
	case len(arg) > 1024:
		return "is longer than 1024 bytes"
	}
	return ""
}

// isPlainSegment takes what needs no escaping.
func isPlainSegment(segment string) bool {
	for i := range len(segment) {
		if c := segment[i]; !isLetter(rune(c)) && !isDigit(rune(c)) && c != '-' && c != '_' && c != '.' && c != '~' {
			return false
		}
	}
	return segment != "" && segment != "." && segment != ".."
}

func hasDotSegment(path string) bool {
	segments := strings.Split(path, "/")
	return slices.Contains(segments, ".") || slices.Contains(segments, "..")
}

func encodeQuery(q any, found *violations) string {
	var values url.Values
	switch q := q.(type) {
	case nil:
		return ""
	case url.Values:
		values = q
	default:
		var err error
		if values, err = query.Values(q); err != nil {
			found.add("query", "", fmt.Sprintf("want a struct with url tags or url.Values, got %T", q))
		}
	}
	for name, each := range values {
		if !utf8.ValidString(name) || slices.ContainsFunc(each, func(s string) bool { return !utf8.ValidString(s) }) {
			found.add("query "+redact.Quote(name), "", "not valid UTF-8")
		}
	}
	return values.Encode()
}

func clipPlain(s string) string {
	s = redact.Text(redact.OneLine(s, 128))
	if s == " " {
		return "do"
	}
	return strings.TrimSpace(s)
}
