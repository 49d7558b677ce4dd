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
	// maxAnswer bounds an answer, unpacked; a page of 200 numbers takes about 200 KB. errTooLarge
	// names it.
	maxAnswer = 8 << 20
	// maxKept bounds what an APIError keeps of it.
	maxKept = 64 << 10
)

const (
	errTooLarge = malformed("larger than 8 MiB")
	errCutShort = malformed("cut short")
	errNoData   = malformed("it holds no data")
)

// errRefused is "success": false under a 2xx.
var errRefused = errors.New(`"success": false`)

// malformed is a kind of ErrMalformedResponse. Being constant, it is not made at every start of a
// program.
type malformed string

func (m malformed) Error() string { return ErrMalformedResponse.Error() + ": " + string(m) }
func (malformed) Unwrap() error   { return ErrMalformedResponse }

// readAnswer reads a body to its end, which keeps the connection, or to the bound.
func readAnswer(r io.Reader, length int64) ([]byte, error) {
	const most = 1 << 20 // what a header may make us allocate before a byte has come
	if length > maxAnswer {
		return nil, errTooLarge
	}
	size := int64(1024)
	if length >= 0 {
		size = min(length, most) + 1 // one more, so that the end is seen without growing
	}
	buf := make([]byte, 0, size)
	for {
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case len(buf) > maxAnswer:
			return buf[:maxAnswer], errTooLarge
		case err == io.EOF:
			return buf, nil
		case err != nil:
			return buf, err
		case len(buf) == cap(buf):
			buf = append(buf, 0)[:len(buf)]
		}
	}
}

// envelope is what a success comes in. Success is true before it is decoded, since it may be left
// out. Data holds a pointer, which encoding/json decodes into.
type envelope struct {
	Success bool `json:"success"`
	Data    any  `json:"data"`
}

// decodeAnswer decodes the data of a success into what into points to; a nil into wants none. The
// answer is decoded as it should be, and only where that fails once more with tolerance. A failure
// leaves nothing behind. Where into points to something that is not blank, it is decoded beside it.
func decodeAnswer(body []byte, into any, blank bool) error {
	if len(bytes.TrimSpace(body)) == 0 {
		if into == nil {
			return nil
		}
		return fmt.Errorf("%w: empty", ErrMalformedResponse)
	}
	var fresh reflect.Value
	env := envelope{Success: true}
	if into != nil {
		if fresh = reflect.ValueOf(into); !blank && !fresh.Elem().IsZero() {
			fresh = reflect.New(fresh.Type().Elem())
		}
		env.Data = fresh.Interface()
	}
	err := decodeTwice(body, &env, fresh)
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

// decodeTwice decodes as encoding/json does and, where that fails, once more with tolerance.
func decodeTwice(body []byte, env *envelope, fresh reflect.Value) error {
	if err := json.Unmarshal(body, env); err != nil {
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
			// Its own words repeat the value.
			return fmt.Errorf("%w: %s does not fit %s", ErrMalformedResponse, mismatch.Field, mismatch.Type)
		}
		if err != nil && !errors.Is(err, errRefused) {
			return fmt.Errorf("%w: %w", ErrMalformedResponse, err)
		}
		return err
	}
	return nil
}

func hasData(body []byte) bool {
	var probe map[string]json.RawMessage
	return json.Unmarshal(body, &probe) == nil && len(probe["data"]) > 0
}

// notJSON wraps a syntax error, which quotes a character and never the text around it.
func notJSON(err error) error { return fmt.Errorf("%w: not JSON: %w", ErrMalformedResponse, err) }

// tolerate rewrites an answer so that it fits what it is decoded into.
func tolerate(body []byte, data reflect.Value) ([]byte, error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var answer map[string]any
	if err := decoder.Decode(&answer); err != nil {
		return nil, errors.New("not a JSON object")
	}
	if success, ok := lenient.Bool(answer["success"]); ok {
		if !success {
			return nil, errRefused // whatever its data is
		}
		answer["success"] = success
	}
	if data.IsValid() {
		var err error
		if answer["data"], err = lenient.Value(answer["data"], data.Type(), "data"); err != nil {
			return nil, err
		}
	}
	return json.Marshal(answer)
}

// problem is what an answer says about a failure, in any of the shapes that are known.
type problem struct {
	code, message, details string
	fields                 map[string][]string
}

// decodeProblem never fails: what it cannot read it leaves out, since the status says the rest.
func decodeProblem(body []byte) (problem, error) {
	var p problem
	var answer map[string]any
	if err := json.Unmarshal(body, &answer); err != nil {
		if len(bytes.TrimSpace(body)) == 0 {
			return p, fmt.Errorf("%w: empty", ErrMalformedResponse)
		}
		if _, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return p, fmt.Errorf("%w: not a JSON object", ErrMalformedResponse)
		}
		return p, notJSON(err)
	}
	p.message = textOf(answer["message"])
	switch nested := answer["error"].(type) {
	case map[string]any:
		p.code, p.details = textOf(nested["code"]), textOf(nested["details"])
		if field := textOf(nested["field"]); field != "" {
			p.addField(field, firstOf(p.details, p.message, p.code, "refused"))
		}
	case string:
		p.code = nested
	}
	if data, ok := answer["data"].(map[string]any); ok && p.code == "" {
		p.code = textOf(data["error"])
	}
	switch nested := answer["errors"].(type) {
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
	const most = 100
	if p.fields == nil {
		p.fields = make(map[string][]string)
	}
	if len(p.fields) < most && len(p.fields[field]) < most {
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

// requestID finds the id in the headers that servers and proxies of this kind use.
func requestID(header http.Header) string {
	return firstOf(header.Get("X-Request-Id"), header.Get("X-Correlation-Id"), header.Get("Cf-Ray"))
}

// contentNote says what an answer that is not JSON claims to be.
func contentNote(header http.Header, size int) string {
	kind, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil || kind == "" {
		kind = "no content type"
	}
	return fmt.Sprintf("(%s, %d bytes)", kind, size)
}

// redirectTarget is the host that a redirect names, and nothing else of it.
func redirectTarget(header http.Header) string {
	u, err := url.Parse(header.Get("Location"))
	switch {
	case err != nil:
		return "a place that is not a URL"
	case header.Get("Location") == "":
		return "nowhere"
	case u.Opaque != "":
		return "a place that is not on the web"
	case u.Host == "":
		return "the same host"
	case u.Scheme == "":
		return u.Host
	}
	return u.Scheme + "://" + u.Host
}
