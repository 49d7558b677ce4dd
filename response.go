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
	"strconv"

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
)

// errRefused is "success": false under a 2xx.
var errRefused = errors.New(`"success": false`)

// malformed is a kind of ErrMalformedResponse. It is a constant, so that no program makes it at its
// start.
type malformed string

func (m malformed) Error() string { return ErrMalformedResponse.Error() + ": " + string(m) }
func (malformed) Unwrap() error   { return ErrMalformedResponse }

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

// envelope is what a success is wrapped in. Success is true before it is decoded, since it may be
// omitted. Data holds a pointer, which encoding/json decodes into.
type envelope struct {
	Success bool `json:"success"`
	Data    any  `json:"data"`
}

// decodeResponse decodes the data of a success into what into points to; a nil into wants none. It
// decodes strictly first and, only if that fails, once more with tolerance. A failure leaves
// nothing behind. If into points to a value that is not zero, the data is decoded beside it first.
func decodeResponse(body []byte, into any) error {
	if len(bytes.TrimSpace(body)) == 0 {
		if into == nil {
			return nil
		}
		return fmt.Errorf("%w: empty", ErrMalformedResponse)
	}
	var fresh reflect.Value
	env := envelope{Success: true}
	if into != nil {
		if fresh = reflect.ValueOf(into); !fresh.Elem().IsZero() {
			fresh = reflect.New(fresh.Type().Elem())
		}
		env.Data = fresh.Interface()
	}
	err := decodeEnvelope(body, &env, fresh)
	switch {
	case err != nil:
	case !env.Success:
		err = errRefused
	case into == nil:
		return nil
	case env.Data == nil, fresh.Elem().IsZero() && !hasData(body):
		err = errNoData
	}
	if into == nil {
		return err
	}
	if err != nil {
		fresh.Elem().SetZero()
		return err
	}
	reflect.ValueOf(into).Elem().Set(fresh.Elem())
	return nil
}

// decodeEnvelope decodes as encoding/json does and, if that fails, once more with tolerance.
func decodeEnvelope(body []byte, env *envelope, fresh reflect.Value) error {
	err := json.Unmarshal(body, env)
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*json.SyntaxError](err); ok {
		return notJSON(err)
	}
	if body, err = tolerate(body, fresh); err == nil {
		*env = envelope{Success: true}
		if fresh.IsValid() {
			fresh.Elem().SetZero()
			env.Data = fresh.Interface()
		}
		err = json.Unmarshal(body, env)
	}
	if mismatch, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		// Its own text repeats the value.
		return fmt.Errorf("%w: %s does not fit %s", ErrMalformedResponse, mismatch.Field, mismatch.Type)
	}
	if err != nil && !errors.Is(err, errRefused) {
		return fmt.Errorf("%w: %w", ErrMalformedResponse, err)
	}
	return err
}

func hasData(body []byte) bool {
	var probe map[string]json.RawMessage
	return json.Unmarshal(body, &probe) == nil && len(probe["data"]) > 0
}

// notJSON wraps a syntax error, which quotes a character and never the text around it.
func notJSON(err error) error { return fmt.Errorf("%w: not JSON: %w", ErrMalformedResponse, err) }

// tolerate rewrites a response so that it fits what it is decoded into.
func tolerate(body []byte, data reflect.Value) ([]byte, error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var fields map[string]any
	if err := decoder.Decode(&fields); err != nil {
		return nil, errors.New("not a JSON object")
	}
	if success, ok := lenient.Bool(fields["success"]); ok {
		if !success {
			return nil, errRefused // whatever its data is
		}
		fields["success"] = success
	}
	if data.IsValid() {
		var err error
		if fields["data"], err = lenient.Value(fields["data"], data.Type(), "data"); err != nil {
			return nil, err
		}
	}
	return json.Marshal(fields)
}

// problem is what a response says about a failure, in any of the known shapes.
type problem struct {
	code, message, details string
	fields                 map[string][]string
}

// decodeProblem reads as much as it can: the status tells the rest. Its error is why the body could
// not be read.
func decodeProblem(body []byte) (problem, error) {
	var p problem
	var fields map[string]any
	if err := json.Unmarshal(body, &fields); err != nil {
		if len(bytes.TrimSpace(body)) == 0 {
			return p, fmt.Errorf("%w: empty", ErrMalformedResponse)
		}
		if _, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return p, fmt.Errorf("%w: not a JSON object", ErrMalformedResponse)
		}
		return p, notJSON(err)
	}
	p.message = textOf(fields["message"])
	switch nested := fields["error"].(type) {
	case map[string]any:
		p.code, p.details = textOf(nested["code"]), textOf(nested["details"])
		if field := textOf(nested["field"]); field != "" {
			p.addField(field, firstOf(p.details, p.message, p.code, "refused"))
		}
	case string:
		p.code = nested
	}
	if data, ok := fields["data"].(map[string]any); ok && p.code == "" {
		p.code = textOf(data["error"])
	}
	switch nested := fields["errors"].(type) {
	case map[string]any:
		for field, messages := range nested {
			p.addMessages(field, messages)
		}
	case []any:
		p.addMessages("request", nested)
	}
	return p, nil
}

func (p *problem) addField(field, message string) {
	const maxFields = 100
	if p.fields == nil {
		p.fields = make(map[string][]string)
	}
	if len(p.fields) < maxFields && len(p.fields[field]) < maxFields {
		p.fields[field] = append(p.fields[field], message)
	}
}

func (p *problem) addMessages(field string, messages any) {
	list, ok := messages.([]any)
	if !ok {
		list = []any{messages}
	}
	for _, message := range list {
		if text := textOf(message); text != "" {
			p.addField(field, text)
		}
	}
}

func textOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// requestID returns the ID in the headers that servers and proxies of this kind use.
func requestID(header http.Header) string {
	return firstOf(header.Get("X-Request-Id"), header.Get("X-Correlation-Id"), header.Get("Cf-Ray"))
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
