package mihutest

import (
	"cmp"
	"fmt"
	"net/http"
	"path"
	"strings"
	"time"
)

// Fault is something that goes wrong with a request. It must have an effect: delay the request,
// replace the response's status or body, change its headers or its JSON, truncate it, or drop the
// connection.
//
// Without AfterChange, a fault with Status, Body or Drop takes the place of the request's handling:
// the token is not checked and the state does not change. A fault with none of these three lets the
// server handle the request. It then affects only the timing of the request, the state that a read
// sees, and parts of the response.
type Fault struct {
	// On selects the requests that the fault affects. Its zero value selects the next request.
	On Match

	// Status is the status of the response, 200 to 599. 0 means the ordinary response, or 200 for
	// a Body without AfterChange. Without a Body, the response is an error in the shape of
	// Rules.ErrorShape, even if the status means success; 204 and 304 have no body.
	Status int
	// Code, Message and Field are the code, the message and the field of that error. If they are
	// "", the error has the name of the status, such as TOO_MANY_REQUESTS, its text, and no field.
	// The field is sent with 422 only.
	Code, Message, Field string
	// RetryAfter is the Retry-After header of the response, sent unchanged; "" sends none.
	RetryAfter string
	// Header overrides headers of the response.
	Header http.Header
	// Body replaces the body of the response. nil keeps the ordinary body; empty but not nil sends
	// none.
	Body []byte
	// ContentType is the media type of the response; "" means application/json, whatever the body.
	ContentType string

	// Delay delays the request before it is handled, DelayAfter after it was handled and before
	// the response is sent. Both end early if the client cancels the request or the server is
	// closed. The request is then not handled, or gets no response.
	Delay, DelayAfter time.Duration
	// Detached lets the server handle the request after the whole Delay even if the client has
	// canceled it. The request takes effect late, as one does that a proxy has already forwarded.
	Detached bool
	// Drop closes the TCP connection without a response: the client sees a reset or an end of
	// file. On HTTP/2, all requests of the connection lose it.
	Drop bool
	// AfterChange lets the server handle the request, and make its change, before Status, Body or
	// Drop replaces the response.
	AfterChange bool
	// Truncate declares the full length of the body, sends half of it and closes the connection.
	// If the response has no body, Truncate is the same as Drop.
	Truncate bool

	// SuccessShape replaces Rules.SuccessShape for the response; nil keeps it.
	SuccessShape *SuccessShape
	// ReadLag replaces Rules.ReadLag if the request is a read; 0 keeps it. The maximum is
	// Rules.MaxReadLag.
	ReadLag time.Duration
	// Contradict makes the snapshot in the response contradict the request. The request is handled
	// and makes its change. It has no effect on responses without a snapshot: lists, DELETE and
	// errors. OtherNumber also applies to the number that changing channel settings returns.
	Contradict Contradiction
}

// Contradiction is a way in which a snapshot contradicts the request.
type Contradiction int

// The ways in which a snapshot contradicts the request.
const (
	// NoContradiction is the ordinary snapshot.
	NoContradiction Contradiction = iota
	// OtherNumber is the snapshot of a number that differs in its last digit and has another UUID.
	OtherNumber
	// OtherAgent is a snapshot in which every bound channel has another agent.
	OtherAgent
	// NotBound is a snapshot in which no channel is bound.
	NotBound
)

// apply makes a snapshot contradict the request.
func (c Contradiction) apply(d snapshotData) snapshotData {
	bindings := []*bindingData{&d.Channels.Call.bindingData, &d.Channels.SMS.bindingData, &d.Channels.WhatsApp}
	switch c {
	case OtherNumber:
		d.Number, d.PhoneNumberUUID = otherNumber(d.Number), nullable(newUUID())
	case OtherAgent:
		for _, b := range bindings {
			if b.Bound {
				b.AgentUUID, b.AgentName = new(newUUID()), new("Another agent")
			}
		}
	case NotBound:
		for _, b := range bindings {
			*b = bindingData{}
		}
	default:
	}
	return d
}

// otherNumber returns a number that differs in its last digit.
func otherNumber(e164 string) string {
	last := len(e164) - 1
	return e164[:last] + string('0'+(e164[last]-'0'+1)%10)
}

// Match selects requests. Its zero value selects the next request, whatever it is.
type Match struct {
	// Method is the method of the requests, such as "POST"; "" means any.
	Method string
	// Path is the path of the requests relative to the server's URL, such as
	// "/phone-numbers/trunks"; "" means any. It is a pattern of [path.Match]: "*" matches one
	// segment, as in "/phone-numbers/*/channels".
	Path string
	// Times is the number of requests that the fault affects. 0 means one; a negative number means
	// all.
	Times int
	// Skip is the number of matching requests that pass first. A request that another fault
	// affects is not counted.
	Skip int
}

// selects reports whether the method and the path of a request match. It ignores Times and Skip.
func (m Match) selects(req *Request) bool {
	if m.Method != "" && m.Method != req.Method {
		return false
	}
	ok, _ := path.Match(m.Path, req.Path)
	return ok || m.Path == ""
}

// HTMLPage returns the fault of a proxy that responds with an HTML page of its own. It affects the
// next request.
func HTMLPage(status int) Fault {
	text := fmt.Sprintf("%d %s", status, http.StatusText(status))
	return Fault{
		Status:      status,
		Body:        fmt.Appendf(nil, "<html>\n<head><title>%[1]s</title></head>\n<body><h1>%[1]s</h1></body>\n</html>\n", text),
		ContentType: "text/html; charset=utf-8",
	}
}

// replace applies Status, Body and Contradict to a response. If the request was not handled, resp is
// zero.
func (f *Fault) replace(resp response) response {
	switch data := resp.data.(type) {
	case snapshotData:
		resp.data = f.Contradict.apply(data)
	case itemData:
		if f.Contradict == OtherNumber {
			data.Number, data.PhoneNumberUUID = otherNumber(data.Number), newUUID()
			resp.data = data
		}
	}
	switch {
	case f.Body != nil:
		resp.status, resp.raw = cmp.Or(f.Status, resp.status, http.StatusOK), f.Body
	case f.Status != 0:
		text := http.StatusText(f.Status)
		if text == "" {
			text = fmt.Sprintf("Status %d", f.Status)
		}
		code := strings.ToUpper(strings.NewReplacer(" ", "_", "-", "_", "'", "").Replace(text))
		resp.status = f.Status
		resp.problem = &problem{
			status:  f.Status,
			code:    cmp.Or(f.Code, code),
			message: cmp.Or(f.Message, text),
			details: "Injected fault",
			field:   f.Field,
		}
	}
	return resp
}

// setHeader sets the headers of the fault.
func (f *Fault) setHeader(h http.Header) {
	for key, values := range f.Header {
		h[http.CanonicalHeaderKey(key)] = values
	}
	if f.RetryAfter != "" {
		h.Set("Retry-After", f.RetryAfter)
	}
	if f.ContentType != "" {
		h.Set("Content-Type", f.ContentType)
	}
}
