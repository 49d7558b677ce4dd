package mihutest

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
)

// Fault is something that goes wrong with a request. It has to do something: delay, answer with a
// status or a body, change the headers of the answer, cut it short, or drop the connection.
//
// Without AfterChange, a fault with Status, Body or Drop comes before the request is handled,
// also before its token is looked at, and what the server holds is not touched. A fault with none
// of these three lets the request be handled and only affects its timing, its answer's headers or
// its answer's end.
type Fault struct {
	// Method is the method of the requests meant, such as "POST"; "" means any.
	Method string
	// Path is the path of the requests meant, relative to the server's URL, such as
	// "/phone-numbers/trunks"; "" means any. It is a pattern of [path.Match]:
	// "/phone-numbers/*/channels" means that of every number.
	Path string
	// Times is how many requests the fault is for. 0 means one; a negative number means all.
	Times int
	// Skip is how many of the requests meant pass first. One that another fault took does not
	// count.
	Skip int

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

// HTMLPage is the fault of a proxy that answers with a page of its own, once, to any request.
func HTMLPage(status int) Fault {
	text := fmt.Sprintf("%d %s", status, http.StatusText(status))
	return Fault{
		Status:      status,
		Body:        fmt.Appendf(nil, "<html>\n<head><title>%[1]s</title></head>\n<body><h1>%[1]s</h1></body>\n</html>\n", text),
		ContentType: "text/html; charset=utf-8",
	}
}

// replaces says that the fault stands in for the ordinary answer.
func (f *Fault) replaces() bool { return f.Status != 0 || f.Body != nil || f.Drop }

func (f *Fault) setsHeader() bool {
	return f.RetryAfter != "" || f.ContentType != "" || len(f.Header) > 0
}

func (f *Fault) idle() bool {
	return !f.replaces() && !f.setsHeader() && !f.Truncate && f.Delay == 0 && f.DelayAfter == 0
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

// wrong says why a fault cannot be or can never match; "" means that nothing is wrong.
func (f *Fault) wrong() string {
	says := f.Code != "" || f.Message != "" || f.Field != ""
	noBody := f.Status == http.StatusNoContent || f.Status == http.StatusNotModified
	_, badPattern := path.Match(f.Path, "")
	switch {
	case f.Status != 0 && (f.Status < 200 || f.Status > 599):
		return fmt.Sprintf("Status %d is not 200 to 599", f.Status)
	case f.Method != strings.ToUpper(f.Method):
		return fmt.Sprintf("Method %q is not in capitals", f.Method)
	case badPattern != nil:
		return fmt.Sprintf("Path %q is not a pattern", f.Path)
	case f.Path != "" && (f.Path[0] != '/' || strings.Contains(f.Path, "?") || strings.HasPrefix(f.Path, basePath)):
		return fmt.Sprintf("Path %q is not a path relative to the server's URL, without query", f.Path)
	case f.Skip < 0 || f.Delay < 0 || f.DelayAfter < 0:
		return "Skip, Delay or DelayAfter is negative"
	case f.Drop && (f.Status != 0 || f.Body != nil || f.Truncate || f.setsHeader()):
		return "Drop gives no answer, but the fault says what to answer"
	case says && (f.Status == 0 || f.Body != nil):
		return "Code, Message and Field need a Status and no Body"
	case noBody && (len(f.Body) > 0 || f.Truncate || says), f.Truncate && f.Body != nil && len(f.Body) == 0:
		return "an answer without a body has nothing to say and nothing to truncate"
	case f.AfterChange && !f.replaces() && !f.Truncate:
		return "AfterChange needs a Status, a Body, Drop or Truncate"
	case f.Detached && (f.Delay == 0 || f.replaces() && !f.AfterChange):
		return "Detached needs a Delay, and a request that is handled"
	}
	for key := range f.Header {
		if key = http.CanonicalHeaderKey(key); key == "Content-Length" || key == "Transfer-Encoding" {
			return "Header " + key + " is the server's own"
		}
	}
	return ""
}

// faults are the faults to come.
type faults struct {
	mu     sync.Mutex
	queue  []*Fault // Skip and Times count down; Times is never 0
	choose func(Request) *Fault
}

// Inject adds faults. They are used in the order in which they were injected: of those that fit a
// request, the first that has uses left is the one. A fault that cannot be, can never fit or
// would do nothing is an error, and then none is added.
func (s *Server) Inject(injected ...Fault) error {
	added := make([]*Fault, 0, len(injected))
	for i, f := range injected {
		wrong := f.wrong()
		if wrong == "" && f.idle() {
			wrong = "it does nothing"
		}
		if wrong != "" {
			return fmt.Errorf("mihutest: Inject: fault %d: %s", i, wrong)
		}
		if f.Times == 0 {
			f.Times = 1
		}
		f.Header, f.Body = f.Header.Clone(), bytes.Clone(f.Body)
		added = append(added, &f)
	}
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.queue = append(s.faults.queue, added...)
	return nil
}

// InjectFunc sets a function that is asked about every request for which no injected fault is
// used; nil from it means no fault, and a nil function none at all. It replaces the one before.
// Method, Path, Times and Skip of its faults are ignored. A fault that cannot be, such as one
// with Status 42, is answered 500 INVALID_FAULT. The function is called from many goroutines at
// once and has to return; the server reads the fault and does not change it.
func (s *Server) InjectFunc(choose func(Request) *Fault) {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.choose = choose
}

// ClearFaults forgets all faults, injected ones and the function of InjectFunc. A fault that a
// request is already waiting in goes on.
func (s *Server) ClearFaults() {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.queue, s.faults.choose = nil, nil
}

// FaultsLeft is the number of injected faults that have uses left. A test can see by it that its
// faults happened. A fault for all requests always counts; the function of InjectFunc does not.
func (s *Server) FaultsLeft() int {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	return len(s.faults.queue)
}

// take is the fault for a request; the zero Fault where there is none.
func (f *faults) take(req *Request) Fault {
	fault, choose := f.next(req)
	if choose == nil {
		return fault
	}
	chosen := choose(req.clone())
	if chosen == nil {
		return Fault{}
	}
	fault = *chosen
	fault.Method, fault.Path = "", ""
	fault.Times, fault.Skip = 0, 0
	if wrong := fault.wrong(); wrong != "" {
		return Fault{Status: http.StatusInternalServerError, Code: "INVALID_FAULT", Message: "InjectFunc: " + wrong}
	}
	return fault
}

// next uses up an injected fault, or hands out the function to ask instead.
func (f *faults) next(req *Request) (Fault, func(Request) *Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, fault := range f.queue {
		if fault.Method != "" && fault.Method != req.Method {
			continue
		}
		if ok, _ := path.Match(fault.Path, req.Path); !ok && fault.Path != "" {
			continue
		}
		if fault.Skip > 0 {
			fault.Skip--
			continue
		}
		if fault.Times > 0 {
			fault.Times--
		}
		if fault.Times == 0 {
			f.queue = slices.Delete(f.queue, i, i+1)
		}
		return *fault, nil
	}
	return Fault{}, f.choose
}
