package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// maxExchanges bounds the requests of one call: no call may go on without end.
const maxExchanges = 500

// exchange is a request and what became of it, for the judge and for reports.
type exchange struct {
	method, target, request string
	status                  int
	response                string
	effect                  string // of a change: what the server did
	tags                    []string
}

func (e *exchange) String() string {
	text := e.method + " " + e.target
	if e.request != "" {
		text += " " + e.request
	}
	if e.effect != "" {
		text += "\n      server: " + e.effect
	}
	return text + fmt.Sprintf("\n      response: %d %s", e.status, clip(e.response))
}

func clip(text string) string {
	const longest = 1200
	if len(text) > longest {
		return text[:longest] + "…"
	}
	return text
}

// delayed is a change whose request is lost on its way and arrives later.
type delayed struct {
	change *change
	after  int // exchanges
}

// operation is one call of the client as the server sees it.
type operation struct {
	index     int
	cancel    context.CancelFunc
	canceled  bool
	exchanges []*exchange
	applied   []string // the methods of the changes that were made, in order
	pages     map[int]*listPage
	plan      *plan
	seen      map[string]int
	secrets   []string // that no error may show
	planted   string   // those of the exchange under way
}

// server is the API: an in-memory http.RoundTripper that deviates from its contract.
type server struct {
	seed   [2]uint64
	rate   float64
	form   float64
	lag    time.Duration
	agents []string
	uuids  map[string]string
	count  func(kind string)

	mu       sync.Mutex
	now      state
	versions []version // oldest first; the last one is now
	pending  []delayed
	op       *operation
}

func (s *server) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		var err error
		body, err = io.ReadAll(req.Body)
		_ = req.Body.Close()
		if err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	s.arrive(1)
	e := &exchange{method: req.Method, target: strings.TrimPrefix(req.URL.RequestURI(), "/api/v1"), request: string(body)}
	s.op.exchanges = append(s.op.exchanges, e)
	if len(s.op.exchanges) > maxExchanges {
		return nil, errors.New("the call does not end")
	}
	d := s.dice(e)
	s.op.planted = ""
	for i, secret := range s.op.secrets {
		if i == 0 || strings.Contains(e.target, secret) || strings.Contains(e.request, secret) {
			s.op.planted += secret + " "
		}
	}
	reply := s.serve(d, req, body, e)
	return reply.deliver(req, s, e)
}

// dice returns the source of chance for an exchange. It depends on what was requested and how often
// in this call, and not on the order of concurrent requests.
func (s *server) dice(e *exchange) *dice {
	key := e.method + e.target
	s.op.seen[key]++
	h := fnv.New64a()
	_, _ = fmt.Fprint(h, s.seed, s.op.index, key, s.op.seen[key])
	source := rand.New(rand.NewPCG(s.seed[0], h.Sum64())) //nolint:gosec // chance must be repeatable, not secret
	return &dice{Rand: source, form: s.form, tag: func(kind string) {
		e.tags = append(e.tags, kind)
		s.count(kind)
	}}
}

// arrive lets the delayed changes arrive that are due after so many more exchanges.
func (s *server) arrive(exchanges int) {
	var waiting []delayed
	for _, late := range s.pending {
		if late.after -= exchanges; late.after > 0 {
			waiting = append(waiting, late)
		} else if s.now.check(late.change) == accepted {
			s.apply(late.change)
		}
	}
	s.pending = waiting
}

func (s *server) apply(c *change) {
	s.now = s.now.with(c)
	s.op.applied = append(s.op.applied, c.method)
	now := time.Now()
	s.versions = append(s.versions, version{now, s.now})
	for len(s.versions) > 1 && now.Sub(s.versions[1].since) > 10*s.lag {
		s.versions = s.versions[1:]
	}
}

// begin starts a call of the client.
func (s *server) begin(index int, cancel context.CancelFunc, secrets []string) *operation {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.op = &operation{index: index, cancel: cancel, seen: map[string]int{}, pages: map[int]*listPage{}, secrets: secrets}
	return s.op
}

// end lets everything arrive that is delayed. What arrives after the call is visible at once: the
// client cannot know when that is.
func (s *server) end() state {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.pending) > 0 {
		s.arrive(maxExchanges)
		s.versions = []version{{state: s.now}}
	}
	return s.now
}

// visible returns the states that a read can have shown since that moment.
func (s *server) visible(since time.Time) truths {
	s.mu.Lock()
	defer s.mu.Unlock()
	states := truths{s.now}
	for i, v := range s.versions {
		if i+1 == len(s.versions) || s.versions[i+1].since.After(since.Add(-s.lag)) {
			states = append(states, v.state)
		}
	}
	return states
}

// read returns the state that a read shows, which may lag.
func (s *server) read(d *dice) state {
	if s.lag <= 0 || d.Float64() < 0.6 {
		return s.now
	}
	at := time.Now().Add(-time.Duration(d.Int64N(int64(s.lag))))
	for i, v := range slices.Backward(s.versions) {
		if i == 0 || !v.since.After(at) {
			if i+1 < len(s.versions) {
				d.tag("read: lags")
			}
			return v.state
		}
	}
	return s.now
}

// uuid returns the UUID of a number, the same at all times.
func (s *server) uuid(number string) string {
	if s.uuids[number] == "" {
		s.uuids[number] = fmt.Sprintf("b0000000-0000-4000-8000-%012s", strings.TrimPrefix(number, "+"))
	}
	return s.uuids[number]
}

// serve finds out what is requested, and draws the response.
func (s *server) serve(d *dice, req *http.Request, body []byte, e *exchange) *reply {
	const numbers, trunks = "/api/v1/phone-numbers/", "/api/v1/phone-numbers/trunks"
	query := req.URL.Query()
	switch path := req.URL.Path; {
	case req.Method == http.MethodGet && path == trunks:
		return s.list(d, query.Get("page"), query.Get("per_page"))
	case req.Method == http.MethodGet && path == numbers+"channels":
		return s.channels(d, query.Get("number"))
	case req.Method == http.MethodGet:
		uuid := strings.TrimSuffix(strings.TrimPrefix(path, numbers), "/channels")
		for _, number := range slices.Sorted(maps.Keys(s.uuids)) {
			if s.uuids[number] == uuid {
				return s.channels(d, number)
			}
		}
		return s.channels(d, "")
	}
	c := &change{method: req.Method}
	if req.Method == http.MethodDelete {
		c.number, c.channel = "+"+strings.TrimPrefix(query.Get("phone_number"), "+"), query.Get("channel")
	} else {
		if err := json.Unmarshal(body, &c.fields); err != nil {
			return &reply{status: http.StatusBadRequest, body: d.problem("not JSON", "")}
		}
		c.number, c.channel, c.agent = textOf(c.fields["phone_number"]), textOf(c.fields["channel"]), textOf(c.fields["agent_uuid"])
		if c.fields["agent_uuid"] == nil {
			c.agent = ""
		}
	}
	return s.change(d, c, e)
}

// reply is a response, or the loss of one.
type reply struct {
	status int
	body   []byte
	header http.Header
	cut    int    // bytes that are delivered, if it is cut short
	length string // "", "none" or "wrong": what the response says about its length
	lost   error
	cancel bool // the caller's context ends instead
}

// deliver is the way of a reply to the client.
func (r *reply) deliver(req *http.Request, s *server, e *exchange) (*http.Response, error) {
	if r.cancel {
		s.op.canceled = true
		s.op.cancel()
		r.lost = context.Canceled
	}
	if r.lost != nil {
		e.response = "(" + r.lost.Error() + ")"
		return nil, r.lost
	}
	e.status, e.response = r.status, string(r.body)
	resp := &http.Response{
		Status: fmt.Sprintf("%d %s", r.status, http.StatusText(r.status)), StatusCode: r.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: r.header, ContentLength: int64(len(r.body)), Request: req,
	}
	if resp.Header == nil {
		resp.Header = http.Header{"Content-Type": {"application/json"}}
	}
	var content io.Reader = bytes.NewReader(r.body)
	switch {
	case r.cut > 0:
		e.response = "(cut short, length " + r.length + ") " + string(r.body[:r.cut])
		content = bytes.NewReader(r.body[:r.cut])
		if r.length == "none" {
			resp.ContentLength = -1
		} else {
			content = io.MultiReader(content, brokenReader{})
		}
	case r.length == "wrong":
		e.response = "(wrong length) " + e.response
		resp.ContentLength += 17
		content = io.MultiReader(content, brokenReader{})
	case r.length == "none":
		resp.ContentLength = -1
	}
	resp.Body = io.NopCloser(content)
	return resp, nil
}

// brokenReader is the end of a connection before that of its response.
type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

var (
	errReset = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	errDial  = &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
)
