package main

import (
	"context"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"time"
)

// server is a server that counts its connections. It serves one contender at a time.
type server struct {
	*httptest.Server
	play   atomic.Pointer[play]
	opened atomic.Int64
	asked  atomic.Int64
}

// play is how the server currently responds.
type play struct {
	manner   manner
	response string
}

// wire is the protocol of a server.
type wire string

const (
	http1    wire = "HTTP/1.1"
	http1TLS wire = "HTTP/1.1 with TLS"
	http2    wire = "HTTP/2"
)

func startServer(kind wire) *server {
	s := new(server)
	s.play.Store(new(play))
	s.Server = httptest.NewUnstartedServer(s)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.opened.Add(1)
		}
	}
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // connections that a contender dials and drops
	switch kind {
	case http1:
		s.Start()
	case http2:
		s.EnableHTTP2 = true
		s.StartTLS()
	default:
		s.StartTLS()
	}
	return s
}

// root returns the certificate of all servers with TLS.
func (s *server) root() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
}

// manner is how a server sends a response.
type manner string

const (
	whole   manner = "whole"   // with Content-Length
	chunked manner = "chunked" // in two pieces
	faulty  manner = "faulty"  // 503 to every fiftieth
	slow    manner = "slow"    // after 2 ms, so that there is time to cancel
	paged   manner = "paged"   // a list, each page after 20 ms
)

const pageTime = 20 * time.Millisecond

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return // the client has disconnected
	}
	now := s.play.Load()
	w.Header().Set("Content-Type", "application/json")
	switch now.manner {
	case whole:
	case chunked:
		half := len(now.response) / 2
		_, _ = io.WriteString(w, now.response[:half])
		_ = http.NewResponseController(w).Flush()
		_, _ = io.WriteString(w, now.response[half:])
		return
	case faulty:
		if s.asked.Add(1)%50 == 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, `{"success":false,"message":"try again","error":{"code":"UNAVAILABLE"}}`)
			return
		}
	case slow:
		sleep(r.Context(), 2*time.Millisecond)
	case paged:
		start := time.Now()
		number, _ := strconv.Atoi(r.URL.Query().Get("page"))
		page := pageJSON(number)
		w.Header().Set("Content-Length", strconv.Itoa(len(page)))
		sleep(r.Context(), pageTime-time.Since(start))
		_, _ = w.Write(page)
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(now.response)))
	_, _ = io.WriteString(w, now.response)
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
