package mihutest

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
)

// Request is a request as the server received it. It prints as method, path and status, because
// the query and the body hold numbers and credentials.
type Request struct {
	// Method is as sent. Host is the host that the client asked for.
	Method, Host string
	// Path is relative to the server's URL, such as "/phone-numbers/trunks", and still escaped.
	// A path outside of it is whole.
	Path string
	// RawQuery is the query as sent; Query is what could be read of it.
	RawQuery string
	Query    url.Values
	// Header is as sent, but Authorization is "Bearer [redacted]" where there was one.
	Header http.Header
	// Body is as sent; empty where there was none, where it was over 1 MiB and where it could
	// not be read to its end.
	Body []byte
	// Status is what was answered. It is 0 while the request is being handled, and stays 0 where
	// there was no answer.
	Status int
	// Changed says that the request changed what the server holds.
	Changed bool
}

func (r Request) clone() Request {
	r.Query = url.Values(http.Header(r.Query).Clone())
	r.Header = r.Header.Clone()
	r.Body = bytes.Clone(r.Body)
	return r
}

// String is method, path and status, such as "POST /phone-numbers/trunks 201".
func (r Request) String() string { return r.Method + " " + r.Path + " " + strconv.Itoa(r.Status) }

// Format prints String, whatever the verb.
func (r Request) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, r.String()) }

// LogValue is String.
func (r Request) LogValue() slog.Value { return slog.StringValue(r.String()) }

// MarshalText is String, for loggers that encode.
func (r Request) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// recorder keeps the newest requests, in order of arrival: a ring once it is full.
type recorder struct {
	mu    sync.Mutex
	limit int
	count int
	ring  []*Request
}

func (r *recorder) add(req *Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case len(r.ring) < r.limit:
		r.ring = append(r.ring, req)
	case r.limit > 0:
		r.ring[r.count%r.limit] = req
	}
	r.count++
}

// changed and answered are set as soon as they are so: a client that has given up waiting can be
// told from one that was never heard.
func (r *recorder) changed(req *Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	req.Changed = true
}

func (r *recorder) answered(req *Request, status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	req.Status = status
}

// Requests are the newest requests, in order of arrival, those included that are being handled;
// see [WithRequestLimit]. They are copies. A request is there before its answer is, and its
// Status and Changed are final when its client has the answer.
func (s *Server) Requests() []Request {
	r := s.record
	r.mu.Lock()
	defer r.mu.Unlock()
	oldest := 0
	if len(r.ring) == r.limit && r.limit > 0 {
		oldest = r.count % r.limit
	}
	requests := make([]Request, 0, len(r.ring))
	for _, req := range slices.Concat(r.ring[oldest:], r.ring[:oldest]) {
		requests = append(requests, req.clone())
	}
	return requests
}

// RequestCount is the number of all requests since the start or the last ResetRequests, also of
// those that Requests no longer keeps.
func (s *Server) RequestCount() int {
	s.record.mu.Lock()
	defer s.record.mu.Unlock()
	return s.record.count
}

// ResetRequests forgets the requests so far. Trunks and faults stay.
func (s *Server) ResetRequests() {
	s.record.mu.Lock()
	defer s.record.mu.Unlock()
	s.record.ring, s.record.count = nil, 0
}

// newRequest is what is recorded of r.
func newRequest(r *http.Request, path string, body []byte) *Request {
	header := maps.Clone(r.Header) // the values are never changed in place
	if header.Get("Authorization") != "" {
		header.Set("Authorization", "Bearer [redacted]")
	}
	return &Request{
		Method:   r.Method,
		Host:     r.Host,
		Path:     path,
		RawQuery: r.URL.RawQuery,
		Query:    r.URL.Query(),
		Header:   header,
		Body:     body,
	}
}
