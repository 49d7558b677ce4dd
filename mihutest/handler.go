package mihutest

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxBody is the maximum size of a request body that the server reads, in bytes.
const maxBody = 1 << 20

// delivery is what reaches the client.
type delivery struct {
	outcome  outcome
	status   int
	header   http.Header
	body     []byte // as far as it is sent
	declared int    // the size of the body that Content-Length announces
}

// outcome is how a request ends for the client.
type outcome int

const (
	delivered outcome = iota
	dropped           // the connection is lost without a response
	abandoned         // the client has canceled the request, or the server is closed
)

// arrival is a request that was read and recorded, and its fault.
type arrival struct {
	http      *http.Request
	body      []byte
	readError *problem
	path      string // relative to the base path; "" outside of it
	record    *Request
	fault     Fault
}

// receive reads and records a request, and chooses its fault.
func (s *Server) receive(r *http.Request) *arrival {
	body, readError := readBody(r.Body)
	path, inside := strings.CutPrefix(r.URL.EscapedPath(), basePath)
	req := newRequest(r, path, body)
	s.record.add(req)
	if !inside {
		path = ""
	}
	return &arrival{r, body, readError, path, req, s.faults.take(req, &s.rules)}
}

// process handles a request and applies its fault. ctx ends when the client cancels the request or
// the server is closed.
func (s *Server) process(ctx context.Context, in *arrival) delivery {
	fault := &in.fault
	patience := ctx
	if fault.Detached {
		patience = s.ctx
	}
	if !wait(patience, s.latency+fault.Delay) {
		return delivery{outcome: abandoned}
	}
	var resp response
	if fault.handles() {
		resp = s.handle(in)
		if resp.changed {
			s.record.setChanged(in.record)
		}
	}
	if !wait(ctx, fault.DelayAfter) {
		return delivery{outcome: abandoned}
	}
	if fault.Drop {
		return delivery{outcome: dropped}
	}
	return s.deliver(in.record, fault.replace(resp), fault)
}

// readBody returns nil and a problem if the body is too large or cannot be read.
func readBody(r io.Reader) ([]byte, *problem) {
	body, err := io.ReadAll(io.LimitReader(r, maxBody+1))
	switch {
	case err != nil:
		return nil, refused(http.StatusBadRequest, "MALFORMED_BODY", "", "The body could not be read")
	case len(body) > maxBody:
		return nil, refused(http.StatusRequestEntityTooLarge, "BODY_TOO_LARGE", "", "The body is over 1 MiB")
	}
	return body, nil
}

// deliver encodes a response and records its status.
func (s *Server) deliver(req *Request, resp response, fault *Fault) delivery {
	success := s.rules.SuccessShape
	if fault.SuccessShape != nil {
		success = *fault.SuccessShape
	}
	body := resp.body(success, s.rules.shapeOf(resp.status), s.rules.ErrorField)
	if fault.Truncate && len(body) == 0 {
		return delivery{outcome: dropped}
	}
	d := delivery{status: resp.status, header: http.Header{}, body: body, declared: len(body)}
	s.setHeader(d.header)
	if len(body) > 0 {
		d.header.Set("Content-Type", "application/json")
		d.header.Set("Content-Length", strconv.Itoa(len(body)))
	}
	if resp.problem != nil && resp.problem.allow != "" {
		d.header.Set("Allow", resp.problem.allow)
	}
	fault.setHeader(d.header)
	if fault.Truncate {
		d.body = body[:len(body)/2]
	}
	s.record.setStatus(req, d.status)
	return d
}

// setHeader sets the headers that every response has.
func (s *Server) setHeader(h http.Header) {
	n := s.requests.Add(1)
	for _, name := range s.rules.RequestIDHeaders {
		h.Set(name, fmt.Sprintf("mihutest-%06d", n))
	}
	for _, name := range s.rules.RateLimitHeaders {
		h.Set(name, "60")
	}
	if s.rules.ClockSkew != 0 {
		h.Set("Date", time.Now().Add(s.rules.ClockSkew).UTC().Format(http.TimeFormat))
	}
}

// serveHTTP is the handler of the HTTP server.
func (s *Server) serveHTTP(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	if !s.begin() {
		cut(ctx)
		return
	}
	defer s.work.Done()
	switch d := s.process(ctx, s.receive(r)); d.outcome {
	case dropped:
		cut(ctx)
	case abandoned:
		// net/http would respond 200 if the handler returned. On HTTP/2 a client can cancel one
		// request of many: then the connection stays open, and net/http ignores the response.
		if s.ctx.Err() != nil || r.ProtoMajor < 2 {
			cut(ctx)
		}
	case delivered:
		maps.Copy(w.Header(), d.header)
		w.WriteHeader(d.status)
		// If this is less than Content-Length announces, net/http cuts the connection.
		_, _ = w.Write(d.body) // the client may be gone
	}
}

type connKey struct{}

// cut closes the connection of a request so that its client sees a reset. On HTTP/1.1 this request
// gets no response; on HTTP/2 no request of the connection does.
func cut(ctx context.Context) {
	conn, _ := ctx.Value(connKey{}).(net.Conn)
	if c, ok := conn.(interface{ NetConn() net.Conn }); ok { // TLS would send a close notification first
		conn = c.NetConn()
	}
	if c, ok := conn.(*net.TCPConn); ok {
		_ = c.SetLinger(0) // reset instead of an orderly end
	}
	if conn != nil {
		_ = conn.Close()
	}
}

// wait waits for d and reports whether it did: false means that ctx ended first.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
