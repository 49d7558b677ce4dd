package mihutest

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Fault is something that goes wrong with a request. It must have an effect: delay the request,
// replace the response's status or body, change its headers, truncate it, or drop the connection.
//
// Without AfterChange, a fault with Status, Body or Drop takes the place of the request's handling:
// the token is not checked and what the server holds does not change. A fault with none of these
// three lets the server handle the request. It then affects only the timing of the request, the
// headers of the response or the end of the response.
type Fault struct {
	// On selects the requests that the fault affects. Its zero value selects the next request.
	On Match

	// Status is the status to answer with, 200 to 599. 0 means the ordinary answer, or 200 for a
	// Body that comes before the change. Without a Body the answer is an error in the shape of
	// Rules.ErrorShape, also under a status that means success; 204 and 304 have no body.
	Status int
	// Code, Message and Field are the code, the message and the field of that error. "" means
	// the name of the status, such as TOO_MANY_REQUESTS, its text, and no field. The field is
	// sent with 422 only.
	Code, Message, Field string
	// RetryAfter is the Retry-After header of the answer, as it stands; "" sends none.
	RetryAfter string
	// Header is set on the answer over what it has.
	Header http.Header
	// Body is sent instead of JSON. nil leaves the ordinary body; empty but not nil sends none.
	Body []byte
	// ContentType is the answer's media type; "" means application/json, whatever the body is.
	ContentType string

	// Delay is how long to wait before the request is handled; DelayAfter, after it was handled
	// and before it is answered. Both end early when the client goes away, which then leaves the
	// request unhandled or unanswered, and when the server is closed.
	Delay, DelayAfter time.Duration
	// Detached has the request handled after the whole Delay even where the client has gone
	// away: it lands late, as one does that something in front of the API has already passed on.
	Detached bool
	// Drop closes the TCP connection without an answer: the client sees a reset or an end of
	// file. On HTTP/2 all requests of the connection lose it.
	Drop bool
	// AfterChange has the request handled first, and its change made, before Status, Body or
	// Drop take the place of its answer.
	AfterChange bool
	// Truncate announces the whole length of the body, sends half of it and cuts the connection.
	// An answer that has no body is dropped.
	Truncate bool
}

// Match selects requests. Its zero value selects the next request, whatever it is.
type Match struct {
	// Method is the method of the requests, such as "POST"; "" means any.
	Method string
	// Path is the path of the requests, relative to the server's URL, such as
	// "/phone-numbers/trunks"; "" means any. It is a pattern of [path.Match]:
	// "/phone-numbers/*/channels" selects the channels of every number by UUID.
	Path string
	// Times is the number of requests that the fault affects. 0 means one; a negative number means
	// all.
	Times int
	// Skip is the number of matching requests that pass first. A request that another fault
	// affected does not count.
	Skip int
}

// HTMLPage is the fault of a proxy that answers with a page of its own, once, to any request.
func HTMLPage(status int) Fault {
	text := fmt.Sprintf("%d %s", status, http.StatusText(status))
	return Fault{
		Status:      status,
		Body:        fmt.Appendf(nil, "<html>\n<head><title>%[1]s</title></head>\n<body><h1>%[1]s</h1></body>\n</html>\n", text),
		ContentType: "text/html; charset=utf-8",
	}
}

// answer is what the fault makes of the ordinary answer, which is the zero answer where the
// request was not handled.
func (f *Fault) answer(a answer) answer {
	switch {
	case f.Body != nil:
		a.status, a.raw = cmp.Or(f.Status, a.status, http.StatusOK), f.Body
	case f.Status != 0:
		text := http.StatusText(f.Status)
		if text == "" {
			text = fmt.Sprintf("Status %d", f.Status)
		}
		code := strings.ToUpper(strings.NewReplacer(" ", "_", "-", "_", "'", "").Replace(text))
		a.status = f.Status
		a.problem = &problem{
			status:  f.Status,
			code:    cmp.Or(f.Code, code),
			message: cmp.Or(f.Message, text),
			details: "Injected fault",
			field:   f.Field,
		}
	}
	return a
}

// header sets the headers of the fault.
func (f *Fault) header(h http.Header) {
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
