package mihutest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"strconv"
	"syscall"
	"time"
)

// memoryURL is the base URL of a server without a listener. Nothing resolves its host.
const memoryURL = "https://mihutest.invalid" + basePath

// memoryTransport passes requests to a server without a network. A request is handled in the
// goroutine of its caller, so that no goroutine outlives a call. Only a detached request has a
// goroutine of its own, which ends with its delay or when the server is closed.
type memoryTransport struct{ server *Server }

// RoundTrip implements [http.RoundTripper]. Its errors are like those of a TCP connection.
func (t memoryTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	s, ctx := t.server, req.Context()
	r := serverRequest(req)
	defer func() { _ = r.Body.Close() }()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if !s.begin() {
		return nil, lost("dial", "connect", syscall.ECONNREFUSED)
	}
	defer s.work.Done()
	trace := httptrace.ContextClientTrace(ctx)
	if trace != nil && trace.GotConn != nil {
		trace.GotConn(httptrace.GotConnInfo{})
	}
	arrived := s.receive(r)
	if trace != nil && trace.WroteRequest != nil {
		trace.WroteRequest(httptrace.WroteRequestInfo{})
	}
	d := t.process(ctx, arrived)
	switch {
	case d.outcome == abandoned && ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case d.outcome != delivered:
		return nil, lost("read", "read", syscall.ECONNRESET)
	}
	if trace != nil && trace.GotFirstResponseByte != nil {
		trace.GotFirstResponseByte()
	}
	return d.response(req), nil
}

// process handles a request until the client cancels it or the server is closed.
func (t memoryTransport) process(ctx context.Context, arrived *arrival) delivery {
	s := t.server
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()
	if !arrived.fault.Detached {
		return s.process(ctx, arrived)
	}
	done := make(chan delivery, 1)
	s.work.Go(func() { done <- s.process(ctx, arrived) })
	select {
	case d := <-done:
		return d
	case <-ctx.Done():
		return delivery{outcome: abandoned}
	}
}

// serverRequest returns the request of a client as a server receives it.
func serverRequest(req *http.Request) *http.Request {
	r := req.Clone(req.Context())
	if r.Header == nil {
		r.Header = http.Header{}
	}
	if r.Host == "" {
		r.Host = r.URL.Host
	}
	if r.Body == nil {
		r.Body = http.NoBody
	}
	return r
}

// lost returns the error of a lost connection.
func lost(op, call string, err error) error {
	return &net.OpError{Op: op, Net: "mihutest", Err: os.NewSyscallError(call, err)}
}

// response returns the response that a client receives. It sets the headers that net/http would set.
func (d *delivery) response(req *http.Request) *http.Response {
	if d.header.Get("Date") == "" {
		d.header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	}
	if d.status != http.StatusNoContent && d.status != http.StatusNotModified {
		d.header.Set("Content-Length", strconv.Itoa(d.declared))
	}
	body := &memoryBody{ctx: req.Context(), declared: d.declared}
	if req.Method != http.MethodHead {
		body.left = *bytes.NewReader(d.body)
	} else {
		body.declared = 0
	}
	return &http.Response{
		Status:     fmt.Sprintf("%d %s", d.status, http.StatusText(d.status)),
		StatusCode: d.status,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        d.header,
		Body:          body,
		ContentLength: int64(d.declared),
		Request:       req,
	}
}

// memoryBody is the body of a response. It ends with an error if it is truncated or if the request
// was canceled.
type memoryBody struct {
	ctx      context.Context //nolint:containedctx // the body belongs to the request
	left     bytes.Reader
	declared int
	closed   bool
}

// Read implements [io.Reader].
func (b *memoryBody) Read(p []byte) (int, error) {
	if b.closed {
		return 0, http.ErrBodyReadAfterClose
	}
	if b.ctx.Err() != nil {
		return 0, context.Cause(b.ctx)
	}
	n, err := b.left.Read(p)
	if err == io.EOF && b.left.Size() < int64(b.declared) { //nolint:errorlint // Reader returns it unwrapped
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// Close implements [io.Closer].
func (b *memoryBody) Close() error {
	b.closed = true
	return nil
}
