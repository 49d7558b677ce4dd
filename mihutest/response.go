package mihutest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// response is a response before it is encoded.
type response struct {
	status  int
	message string   // "" is omitted
	data    any      // nil is omitted
	problem *problem // not nil: replaces message and data
	raw     []byte   // not nil: replaces the JSON
	empty   bool     // there is no body
	changed bool     // the request changed the state
}

// respond returns the response of an operation, or of the problem that it had.
func respond(p *problem, changed bool, status int, message string, data any) response {
	if p != nil {
		return p.response()
	}
	return response{status: status, message: message, data: data, changed: changed}
}

// problem is why a request was refused.
type problem struct {
	status  int
	code    string
	message string
	details string
	field   string
	allow   string // the Allow header
	placed  bool   // status is that of a rule for this very refusal
}

// refused returns a problem. Messages contain no values of the request, so they can be logged.
func refused(status int, code, field, message string) *problem {
	return &problem{status: status, code: code, message: message, details: message, field: field}
}

// invalid returns the problem of a field that breaks a rule.
func invalid(field, rule string) *problem {
	p := refused(http.StatusUnprocessableEntity, "VALIDATION_ERROR", field, "The given data was invalid")
	p.details = "The field " + field + " " + rule
	return p
}

// restate gives a refusal the status that the rules have for its kind.
func (p *problem) restate(rules *Rules) {
	status, ok := map[string]int{
		"VALIDATION_ERROR":   rules.ValidationStatus,
		"MALFORMED_JSON":     rules.MalformedJSONStatus,
		"MISSING_AUTH_TOKEN": rules.MissingTokenStatus,
		"ROUTE_NOT_FOUND":    rules.UnknownRouteStatus,
		"PAGE_NOT_FOUND":     rules.PageAfterLastStatus,
	}[p.code]
	if ok && !p.placed {
		p.status = status
	}
}

// place sets the status of a refusal that has a rule of its own.
func (p *problem) place(status int) { p.status, p.placed = status, true }

func (p *problem) response() response { return response{status: p.status, problem: p} }

// err returns the problem as the error of a method of Server.
func (p *problem) err(method string) error {
	return fmt.Errorf("mihutest: %s: %d %s: %s", method, p.status, p.code, p.details)
}

type errorData struct {
	Code    string `json:"code"`
	Details string `json:"details"`
	Field   string `json:"field,omitempty"`
}

type envelope struct {
	Success *bool               `json:"success,omitempty"`
	Message string              `json:"message,omitempty"`
	Error   *errorData          `json:"error,omitempty"`
	Errors  map[string][]string `json:"errors,omitempty"`
	Data    any                 `json:"data,omitempty"`
}

// body encodes the response.
func (r response) body(success SuccessShape, failure ErrorShape, field ErrorField) []byte {
	if r.empty {
		return nil
	}
	if r.raw != nil || r.status == http.StatusNoContent || r.status == http.StatusNotModified {
		return r.raw
	}
	e := envelope{Success: new(true), Message: r.message, Data: r.data}
	if success.Wrapped && r.data != nil {
		e.Data = map[string]any{"data": r.data}
	}
	if success.OmitData {
		e.Data = nil
	}
	if success.OmitSuccess {
		e.Success = nil
	}
	if r.problem != nil {
		e = r.problem.envelope(failure, field)
	}
	b, err := json.Marshal(e)
	if err != nil { // cannot happen: the types of this package can be encoded
		return fmt.Appendf(nil, `{"success":false,"message":%q}`, err)
	}
	if success.ByteOrderMark {
		b = append([]byte(byteOrderMark), b...)
	}
	return b
}

const byteOrderMark = "\ufeff"

// envelope returns the problem in one of the shapes of errors.
func (p *problem) envelope(shape ErrorShape, named ErrorField) envelope {
	field := p.field
	if named == FieldNever || named == FieldOn422 && p.status != http.StatusUnprocessableEntity {
		field = ""
	}
	switch shape {
	case ErrorFramework:
		e := envelope{Message: p.message}
		if p.status == http.StatusUnauthorized {
			e.Message = "Unauthenticated."
		}
		if field != "" {
			e.Errors = map[string][]string{field: {p.details}}
		}
		return e
	case ErrorData:
		return envelope{Success: new(false), Message: p.message, Data: map[string]string{"error": strings.ToLower(p.code)}}
	default:
		return envelope{Success: new(false), Message: p.message, Error: &errorData{p.code, p.details, field}}
	}
}
