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

// Request is a request that the server received. It prints as method, path and status, because the
// query and the body contain numbers and credentials.
type Request struct {
	// Method is the method as sent. Host is the host that the client addressed.
	Method, Host string
	// Path is the escaped path relative to the server's URL, such as "/phone-numbers/trunks". A
	// path outside the server's URL is complete.
	Path string
	// RawQuery is the query as sent; Query is the part of it that could be parsed.
	RawQuery string
	Query    url.Values
	// Header is the header as sent, but a token in Authorization is replaced by "[redacted]".
	Header http.Header
	// Body is the body as sent. It is empty if there was none, if it was over 1 MiB, and if it
	// could not be read completely.
	Body []byte
	// Status is the status of the response. It is 0 until the response is sent, and stays 0 if
	// none is sent.
	Status int
	// Changed reports whether the request changed the state of the server.
	Changed bool
}

func (r Request) clone() Request {
	r.Query = url.Values(http.Header(r.Query).Clone())
	r.Header = r.Header.Clone()
	r.Body = bytes.Clone(r.Body)
	return r
}

// String returns method, path and status, such as "POST /phone-numbers/trunks 201".
func (r Request) String() string { return r.Method + " " + r.Path + " " + strconv.Itoa(r.Status) }

// Format prints String, whatever the verb.
func (r Request) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, r.String()) }

// LogValue returns String.
func (r Request) LogValue() slog.Value { return slog.StringValue(r.String()) }

// MarshalText returns String, for loggers that encode their arguments.
func (r Request) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// recorder keeps the newest requests in order of arrival. It is a ring buffer when it is full.
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

// setChanged and setStatus are called as soon as they apply, so that a test can watch a request
// that its client has canceled.
func (r *recorder) setChanged(req *Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	req.Changed = true
}

func (r *recorder) setStatus(req *Request, status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	req.Status = status
}

// Requests returns copies of the newest requests in order of arrival; see [WithRequestLimit]. They
// include requests in flight. The Status and Changed of a request are final when its client has the
// response.
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

// RequestCount returns the number of requests since the start or the last ResetRequests, including
// those that were discarded.
func (s *Server) RequestCount() int {
	s.record.mu.Lock()
	defer s.record.mu.Unlock()
	return s.record.count
}

// ResetRequests discards the recorded requests. Trunks and faults stay.
func (s *Server) ResetRequests() {
	s.record.mu.Lock()
	defer s.record.mu.Unlock()
	s.record.ring, s.record.count = nil, 0
}

// newRequest returns the record of r.
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
