package mihu

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"unicode/utf8"

	"github.com/mihu-go/mihu/internal/lenient"
)

const (
	// maxBody bounds a response, decompressed. A page of 200 numbers takes about 200 KB.
	// errTooLarge names it.
	maxBody = 8 << 20
	// maxKept bounds what an APIError keeps of a body.
	maxKept = 64 << 10
)

const (
	errTooLarge = malformed("larger than 8 MiB")
	errCutShort = malformed("cut short")
	errNoData   = malformed("it has no data")
	// errAcknowledged is a success that the API reports in so many words, without the data that
	// goes with it.
	errAcknowledged = malformed("it reports success, without data")
	errNotSuccess   = malformed("it does not report success")
	errBothWays     = malformed("it reports success and an error")
)

// errRefused is "success": false, or an error, under a 2xx.
var errRefused = errors.New(`"success": false`)

var byteOrderMark = []byte("\xef\xbb\xbf")

// malformed is a kind of ErrMalformedResponse. It is a constant, so that no program makes it at its
// start.
type malformed string

func (m malformed) Error() string { return ErrMalformedResponse.Error() + ": " + string(m) }
func (malformed) Unwrap() error   { return ErrMalformedResponse }

// errNotModified is a 304, which answers a condition that no request of this package has.
const errNotModified malformed = "not modified, although the request had no condition; check the proxies and caches on the way"

// readBody reads a body to its end, so that the connection can be used again, or up to the bound.
func readBody(r io.Reader, length int64) ([]byte, error) {
	const maxAhead = 1 << 20 // what a header can make us allocate before a byte was received
	if length > maxBody {
		return nil, errTooLarge
	}
	size := int64(1024)
	if length >= 0 {
		size = min(length, maxAhead) + 1 // one more, so that the end is seen without growing
	}
	buf := make([]byte, 0, size)
	for {
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case len(buf) > maxBody:
			return buf[:maxBody], errTooLarge
		case err == io.EOF:
			return buf, nil
		case err != nil:
			return buf, err
		case len(buf) == cap(buf):
			buf = append(buf, 0)[:len(buf)]
		}
	}
}

// endsWithItsConnection reports whether only the end of the connection marks the end of the body,
// so that a body that was cut short looks complete.
func endsWithItsConnection(resp *http.Response) bool {
	return resp.ContentLength < 0 && len(resp.TransferEncoding) == 0 && resp.ProtoMajor == 1 && !resp.Uncompressed
}

// envelope is what a success is wrapped in. Success is true before it is decoded, since it may be
// omitted. Data holds a pointer, which encoding/json decodes into.
type envelope struct {
	Success bool   `json:"success"`
	Data    any    `json:"data"`
	Error   filled `json:"error"`
	Errors  filled `json:"errors"`
}

// reportsError reports whether the envelope has an error, whatever its status.
func (e *envelope) reportsError() bool { return bool(e.Error || e.Errors) }

// filled is whether an error field has something to report.
type filled bool

func (f *filled) UnmarshalJSON(b []byte) error {
	switch string(bytes.TrimSpace(b)) {
	case "null", "false", "0", `""`, "[]", "{}":
		*f = false
	default:
		*f = true
	}
	return nil
}

// target is what the data of a success is decoded into.
type target interface {
	// into is the pointer that encoding/json decodes into.
	into() any
	// reset forgets what was decoded.
	reset()
	// isWhole reports whether what was decoded from the body leaves no doubt about its form.
	isWhole(body []byte) bool
	// shape returns the data in the form that into decodes, or why it is none. root is all of the
	// response.
	shape(data any, root map[string]any, r *lenient.Reader) (any, error)
	// note keeps which fields could not be read, and returns an error if something essential is
	// missing.
	note(r *lenient.Reader) error
}

// plain is a target without shapes: a value of the caller. The data is decoded beside it, unless it
// is zero, so that a failure leaves it as it is.
type plain struct{ caller, fresh reflect.Value }

func plainTarget(into any) plain {
	p := plain{caller: reflect.ValueOf(into)}
	if p.fresh = p.caller; !p.caller.Elem().IsZero() {
		p.fresh = reflect.New(p.caller.Type().Elem())
	}
	return p
}

func (p plain) into() any           { return p.fresh.Interface() }
func (p plain) reset()              { p.fresh.Elem().SetZero() }
func (p plain) isWhole([]byte) bool { return !p.fresh.Elem().IsZero() } // a missing data is zero too

func (p plain) shape(data any, _ map[string]any, r *lenient.Reader) (any, error) {
	if data == nil {
		return nil, errNoData
	}
	data = r.Value(data, p.fresh.Type(), "data")
	if len(r.Problems) > 0 {
		problem := r.Problems[0]
		return nil, fmt.Errorf("%w: %s: want %s, got %s", ErrMalformedResponse, problem.Path, problem.Want, problem.Got)
	}
	return data, nil
}

func (p plain) note(*lenient.Reader) error { return nil }

// decodeResponse reads a success: it decodes the data into what into points to; a nil into wants
// none. It decodes strictly first and, only if that fails or leaves a doubt, once more with
// tolerance for the form. What proves nothing is an error, and leaves nothing behind.
func decodeResponse(body []byte, into any) error {
	body = bytes.TrimPrefix(body, byteOrderMark)
	if into == nil {
		return decodeAcknowledgment(body)
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return fmt.Errorf("%w: empty", ErrMalformedResponse)
	}
	t, ok := into.(target)
	if !ok {
		t = plainTarget(into)
	}
	t.reset() // an earlier attempt may have decoded what was not accepted
	if !decodeStrictly(body, t) {
		t.reset()
		if err := decodeTolerantly(body, t); err != nil {
			t.reset()
			return err
		}
	}
	if p, ok := t.(plain); ok {
		p.caller.Elem().Set(p.fresh.Elem())
	}
	return nil
}

// decodeAcknowledgment reads the success of a request that wants no data: an empty body, or one
// that reports success. A body that reports an error is one, and any other proves nothing.
func decodeAcknowledgment(body []byte) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	root, err := object(body)
	if err != nil {
		return err
	}
	success, err := successOf(root)
	if err == nil && !success {
		err = errNotSuccess
	}
	return err
}

// hasData reports whether the response has data that is not empty.
func hasData(body []byte) bool {
	var got struct {
		Data filled `json:"data"`
	}
	err := json.Unmarshal(bytes.TrimPrefix(body, byteOrderMark), &got)
	return err == nil && bool(got.Data)
}

// successOf reports whether the response reports success in so many words. It returns an error if
// the response reports a failure.
func successOf(root map[string]any) (bool, error) {
	raw := root["success"]
	success, told := lenient.Bool(raw)
	if raw != nil && !told {
		return false, malformed("success: want true or false")
	}
	told = told && raw != nil
	switch failed := hasError(root); {
	case told && !success, failed && !told:
		return false, errRefused
	case failed:
		return false, errBothWays
	}
	return told, nil
}

// hasError reports whether the body has an error, whatever its status.
func hasError(root map[string]any) bool {
	for _, name := range []string{"error", "errors"} {
		switch v := root[name].(type) {
		case nil:
		case map[string]any:
			if len(v) > 0 {
				return true
			}
		case []any:
			if len(v) > 0 {
				return true
			}
		case bool:
			if v {
				return true
			}
		default:
			if s := fmt.Sprint(v); s != "" && s != "0" {
				return true
			}
		}
	}
	return false
}

// decodeStrictly decodes as encoding/json does. It reports false if that fails, or if the result
// has to be looked at more closely.
func decodeStrictly(body []byte, t target) bool {
	if !utf8.Valid(body) || hasLoneSurrogate(body) {
		return false
	}
	env := envelope{Success: true, Data: t.into()}
	return json.Unmarshal(body, &env) == nil && env.Success && env.Data != nil && !env.reportsError() && t.isWhole(body)
}

// hasLoneSurrogate reports whether the body has half of a surrogate pair, which encoding/json
// replaces silently.
func hasLoneSurrogate(body []byte) bool {
	for {
		i := bytes.Index(body, []byte(`\u`))
		if i < 0 || len(body) < i+escapeLen {
			return false
		}
		escaped, escape := isEscaped(body, i), body[i:]
		body = escape[escapeLen:]
		switch {
		case escaped || !isSurrogate(escape, '8', 'f'):
		case isSurrogate(escape, '8', 'b') && isSurrogate(body, 'c', 'f'):
			body = body[escapeLen:] // a pair
		default:
			return true
		}
	}
}

// escapeLen is the length of an escape such as \ud83d.
const escapeLen = 6

// isSurrogate reports whether the body begins with the escape of a surrogate whose second digit is
// in the range.
func isSurrogate(body []byte, from, to byte) bool {
	if len(body) < escapeLen || body[0] != '\\' || body[1] != 'u' || body[2]|0x20 != 'd' {
		return false
	}
	digit := body[3] | 0x20 // digits have this bit too
	return from <= digit && (digit <= '9' || 'a' <= digit) && digit <= to
}

// isEscaped reports whether the backslash at i is itself escaped.
func isEscaped(body []byte, i int) bool {
	n := 0
	for i--; i >= 0 && body[i] == '\\'; i-- {
		n++
	}
	return n%2 == 1
}

// object decodes a JSON object, with its numbers as they are written.
func object(body []byte) (map[string]any, error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var root map[string]any
	err := decoder.Decode(&root)
	switch {
	case err == nil && root == nil:
		return nil, errNoData
	case err == nil:
		if rest := bytes.TrimSpace(body[decoder.InputOffset():]); len(rest) > 0 {
			return nil, fmt.Errorf("%w: not JSON: something follows the object", ErrMalformedResponse)
		}
		return root, nil
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return nil, fmt.Errorf("%w: the JSON does not end", errCutShort)
	case json.Valid(body):
		return nil, fmt.Errorf("%w: not a JSON object", ErrMalformedResponse)
	}
	return nil, notJSON(err)
}

// notJSON wraps a syntax error, which quotes a character and never the text around it.
func notJSON(err error) error { return fmt.Errorf("%w: not JSON: %w", ErrMalformedResponse, err) }

// decodeTolerantly accepts every form that such backends send, and is strict about the meaning:
// what is missing is not zero.
func decodeTolerantly(body []byte, t target) error {
	root, err := object(body)
	if err != nil {
		return err
	}
	success, err := successOf(root)
	if err != nil {
		return err
	}
	r := &lenient.Reader{BadText: !utf8.Valid(body) || hasLoneSurrogate(body)}
	data, err := t.shape(root["data"], root, r)
	if errors.Is(err, errNoData) && success {
		return errAcknowledged
	}
	if err != nil {
		return err
	}
	b, err := json.Marshal(data)
	if err == nil {
		err = json.Unmarshal(b, t.into())
	}
	if mismatch, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		// Its own text quotes the value.
		return fmt.Errorf("%w: %s does not fit %s", ErrMalformedResponse, mismatch.Field, mismatch.Type)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMalformedResponse, err)
	}
	return t.note(r)
}

// requestID returns the ID in the headers that servers and proxies of this kind use.
func requestID(header http.Header) string {
	for _, name := range [...]string{"X-Request-Id", "X-Correlation-Id", "Cf-Ray"} { // canonical, so that Get has nothing to do
		if values := header[name]; len(values) > 0 && values[0] != "" {
			return values[0]
		}
	}
	return ""
}

// contentNote returns the media type and size of a response that is not JSON.
func contentNote(header http.Header, size int) string {
	kind, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil || kind == "" {
		kind = "no content type"
	}
	return fmt.Sprintf("(%s, %d bytes)", kind, size)
}

// redirectTarget returns the host that a redirect names, and nothing else of it.
func redirectTarget(header http.Header) string {
	u, err := url.Parse(header.Get("Location"))
	switch {
	case err != nil:
		return "a location that is not a URL"
	case header.Get("Location") == "":
		return "nowhere"
	case u.Opaque != "":
		return "a location that is not on the web"
	case u.Host == "":
		return "the same host"
	case u.Scheme == "":
		return u.Host
	}
	return u.Scheme + "://" + u.Host
}
