package mihutest_test

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu/mihutest"
)

// Every fault affects a POST that would create a trunk.
func TestFaults(t *testing.T) {
	t.Parallel()
	const created = `{"success":true,"message":"Trunk created"`
	const page = "<html>\n<head><title>502 Bad Gateway</title></head>\n<body><h1>502 Bad Gateway</h1></body>\n</html>\n"
	for name, c := range map[string]struct {
		fault   mihutest.Fault
		status  int    // 0: the connection is lost before the response
		body    string // the beginning of it
		header  string // "Key: value"
		cut     bool   // the connection is lost within the body
		changed bool
	}{
		"status": {
			fault:  mihutest.Fault{Status: 503},
			status: 503, body: `{"success":false,"message":"Service Unavailable","error":{"code":"SERVICE_UNAVAILABLE","details":"Injected fault"}}`,
		},
		"status after the change": {
			fault:  mihutest.Fault{Status: 500, AfterChange: true},
			status: 500, body: `{"success":false,"message":"Internal Server Error"`, changed: true,
		},
		"code and message": {
			fault:  mihutest.Fault{Status: 403, Code: "PURCHASE_LIMIT", Message: "No more"},
			status: 403, body: `{"success":false,"message":"No more","error":{"code":"PURCHASE_LIMIT","details":"Injected fault"}}`,
		},
		"field": {
			fault:  mihutest.Fault{Status: 422, Field: "sip.gateway"},
			status: 422, body: `{"success":false,"message":"Unprocessable Entity","error":{"code":"UNPROCESSABLE_ENTITY","details":"Injected fault","field":"sip.gateway"}}`,
		},
		"no success under 200": {
			fault:  mihutest.Fault{Status: 200},
			status: 200, body: `{"success":false,"message":"OK"`,
		},
		"a status without a name": {
			fault:  mihutest.Fault{Status: 520},
			status: 520, body: `{"success":false,"message":"Status 520","error":{"code":"STATUS_520"`,
		},
		"no content": {
			fault:  mihutest.Fault{Status: 204},
			status: 204,
		},
		"redirect": {
			fault:  mihutest.Fault{Status: 302, Header: http.Header{"location": {"https://example.com"}}},
			status: 302, header: "Location: https://example.com",
		},
		"retry after": {
			fault:  mihutest.Fault{Status: 429, RetryAfter: "Fri, 31 Dec 1999 23:59:59 GMT"},
			status: 429, header: "Retry-After: Fri, 31 Dec 1999 23:59:59 GMT",
		},
		"headers of the ordinary response": {
			fault:  mihutest.Fault{Header: http.Header{"X-Request-Id": {"mine"}}},
			status: 201, body: created, header: "X-Request-Id: mine", changed: true,
		},
		"media type of the ordinary response": {
			fault:  mihutest.Fault{ContentType: "text/html"},
			status: 201, body: created, header: "Content-Type: text/html", changed: true,
		},
		"HTML page": {
			fault:  mihutest.HTMLPage(502),
			status: 502, body: page, header: "Content-Type: text/html; charset=utf-8",
		},
		"garbage": {
			fault:  mihutest.Fault{Body: []byte("{]")},
			status: 200, body: "{]", header: "Content-Type: application/json",
		},
		"garbage after the change": {
			fault:  mihutest.Fault{Body: []byte("{]"), AfterChange: true},
			status: 201, body: "{]", changed: true,
		},
		"empty": {
			fault:  mihutest.Fault{Status: 502, Body: []byte{}},
			status: 502, header: "Content-Type: ",
		},
		"empty after the change": {
			fault:  mihutest.Fault{Body: []byte{}, AfterChange: true},
			status: 201, header: "Content-Length: 0", changed: true,
		},
		"drop":                  {fault: mihutest.Fault{Drop: true}},
		"drop after the change": {fault: mihutest.Fault{Drop: true, AfterChange: true}, changed: true},
		"truncate":              {fault: mihutest.Fault{Truncate: true}, status: 201, body: created, cut: true, changed: true},
		"truncate an error":     {fault: mihutest.Fault{Status: 500, Truncate: true}, status: 500, body: `{"success":false`, cut: true},
		"truncate garbage":      {fault: mihutest.Fault{Body: []byte("0123456789"), Truncate: true}, status: 200, body: "01234", cut: true},
		"a delay":               {fault: mihutest.Fault{Delay: time.Millisecond}, status: 201, body: created, changed: true},
		"a delay and an error":  {fault: mihutest.Fault{Delay: time.Millisecond, Status: 500}, status: 500},
	} {
		for transport, opts := range transports {
			t.Run(name+", "+transport, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, opts...)
				require.NoError(t, w.Inject(c.fault))
				w.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
				got, err := w.try(w.request(t.Context(), "POST", trunk, with("")))
				if c.cut || c.status == 0 {
					require.Error(t, err)
				} else {
					require.NoError(t, err)
				}
				if c.status != 0 {
					assert.Equal(t, c.status, got.status)
					assert.True(t, strings.HasPrefix(got.body, c.body), got.body)
					key, value, _ := strings.Cut(c.header, ": ")
					assert.Equal(t, value, got.header.Get(key))
					assert.NotEmpty(t, got.header.Get("X-Request-Id"))
				}
				if c.cut {
					require.ErrorIs(t, err, io.ErrUnexpectedEOF)
					assert.Equal(t, got.length/2, int64(len(got.body)))
				}
				recorded := w.Requests()[0]
				assert.Equal(t, c.status, recorded.Status)
				assert.Equal(t, c.changed, recorded.Changed)
				assert.Equal(t, c.changed, len(w.Trunks()) == 1)

				// The fault is used up.
				assert.Zero(t, w.FaultsLeft())
				w.must(map[bool]int{true: 409, false: 201}[c.changed], "POST", trunk, with(""))
			})
		}
	}
}

func TestTruncateWithoutBodyDrops(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mihutest.WithRules(mihutest.Rules{DeleteStatus: 204}))
	w.create(n1, "call", ada)
	require.NoError(t, w.Inject(mihutest.Fault{Truncate: true}))
	_, err := w.try(w.request(t.Context(), "DELETE", trunk+"?phone_number=12345678901&channel=call", ""))
	require.Error(t, err)
	assert.Zero(t, w.Requests()[1].Status)
	assert.Empty(t, w.Trunks())
}

func TestInjectRefusesInvalidFaults(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good := mihutest.Fault{Status: 500}
	for want, fault := range map[string]mihutest.Fault{
		"it has no effect":                    {On: mihutest.Match{Method: "GET", Times: 3}},
		"Status 42 is not 200 to 599":         {Status: 42},
		"Status 100 is not 200 to 599":        {Status: 100},
		"Status 600 is not 200 to 599":        {Status: 600},
		"Status -1 is not 200 to 599":         {Status: -1},
		`On.Method "post" is not in capitals`: {On: mihutest.Match{Method: "post"}, Drop: true},
		`On.Path "/[" is not a pattern`:       {On: mihutest.Match{Path: "/["}, Drop: true},
		`On.Path "phone-numbers" is not a path relative to the server's URL, without query`:         {On: mihutest.Match{Path: "phone-numbers"}, Drop: true},
		`On.Path "/phone-numbers?page=1" is not a path relative to the server's URL, without query`: {On: mihutest.Match{Path: "/phone-numbers?page=1"}, Drop: true},
		`On.Path "/api/v1/phone-numbers" is not a path relative to the server's URL, without query`: {On: mihutest.Match{Path: "/api/v1/phone-numbers"}, Drop: true},
		"On.Skip is negative":                                                                  {On: mihutest.Match{Skip: -1}, Drop: true},
		"Delay, DelayAfter or ReadLag is negative":                                             {Delay: -1},
		"Drop sends no response, but the fault describes one":                                  {Drop: true, Status: 500},
		"Code, Message and Field need a Status and no Body":                                    {Code: "X"},
		"a response without a body cannot have a Body, a Code, a Message, a Field or Truncate": {Status: 204, Truncate: true},
		"AfterChange needs a Status, a Body, Drop or Truncate":                                 {Delay: 1, AfterChange: true},
		"Detached needs a Delay, and a request that is handled":                                {DelayAfter: 1, Detached: true},
		"Header Content-Length is set by the server":                                           {Header: http.Header{"content-length": {"1"}}},
	} {
		require.EqualError(t, w.Inject(good, fault), "mihutest: Inject: fault 1: "+want)
	}
	for _, fault := range []mihutest.Fault{
		{Drop: true, Delay: -1},
		{Drop: true, DelayAfter: -1},
		{Drop: true, Body: []byte("x")},
		{Drop: true, Truncate: true},
		{Drop: true, RetryAfter: "1"},
		{Drop: true, Header: http.Header{"X": {"y"}}},
		{Drop: true, ContentType: "text/html"},
		{Drop: true, Message: "x"},
		{Status: 500, Body: []byte("x"), Message: "x"},
		{Status: 304, Body: []byte("x")},
		{Status: 204, Field: "x"},
		{Body: []byte{}, Truncate: true},
		{Header: http.Header{"Transfer-Encoding": {"chunked"}}},
		{Delay: 1, Detached: true, Drop: true},
		{Delay: 1, Detached: true, Status: 503},
		{},
	} {
		require.Error(t, w.Inject(fault), "%+v", fault)
	}
	assert.Zero(t, w.FaultsLeft(), "Inject adds all faults or none")
	w.must(http.StatusOK, "GET", trunk, "")
}

// statuses sends a GET to each path and returns the statuses.
func (w *world) statuses(paths ...string) (statuses []int) {
	w.t.Helper()
	for _, path := range paths {
		statuses = append(statuses, w.send("GET", path, "").status)
	}
	return statuses
}

func TestFaultSelection(t *testing.T) {
	t.Parallel()
	const numbers, channels = "/phone-numbers", "/phone-numbers/" + bob + "/channels"
	for name, c := range map[string]struct {
		faults []mihutest.Fault
		paths  []string
		want   []int
		left   int
	}{
		"once":            {[]mihutest.Fault{{Status: 500}}, []string{trunk, trunk}, []int{500, 200}, 0},
		"twice":           {[]mihutest.Fault{{On: mihutest.Match{Times: 2}, Status: 500}}, []string{trunk, numbers, trunk}, []int{500, 500, 200}, 0},
		"always":          {[]mihutest.Fault{{On: mihutest.Match{Times: -1}, Status: 500}}, []string{trunk, trunk, trunk}, []int{500, 500, 500}, 1},
		"skip":            {[]mihutest.Fault{{On: mihutest.Match{Skip: 2}, Status: 500}}, []string{trunk, trunk, trunk, trunk}, []int{200, 200, 500, 200}, 0},
		"path":            {[]mihutest.Fault{{On: mihutest.Match{Path: numbers}, Status: 500}}, []string{trunk, numbers, numbers}, []int{200, 500, 200}, 0},
		"skip by path":    {[]mihutest.Fault{{On: mihutest.Match{Path: numbers, Skip: 1}, Status: 500}}, []string{trunk, numbers, trunk, numbers}, []int{200, 200, 200, 500}, 0},
		"pattern":         {[]mihutest.Fault{{On: mihutest.Match{Path: "/phone-numbers/*/channels"}, Status: 500}}, []string{trunk, channels, channels}, []int{200, 500, 404}, 0},
		"method":          {[]mihutest.Fault{{On: mihutest.Match{Method: "POST"}, Status: 500}}, []string{trunk}, []int{200}, 1},
		"in order":        {[]mihutest.Fault{{Status: 500}, {Status: 502}}, []string{trunk, trunk, trunk}, []int{500, 502, 200}, 0},
		"the first match": {[]mihutest.Fault{{On: mihutest.Match{Path: numbers}, Status: 500}, {Status: 502}}, []string{trunk, numbers}, []int{502, 500}, 0},
		"the next one during a skip": {
			[]mihutest.Fault{{On: mihutest.Match{Skip: 1}, Status: 500}, {Status: 502}},
			[]string{trunk, trunk, trunk},
			[]int{502, 500, 200},
			0,
		},
		"a request of another fault is not skipped": {
			[]mihutest.Fault{{On: mihutest.Match{Times: 2}, Status: 500}, {On: mihutest.Match{Skip: 1}, Status: 502}},
			[]string{trunk, trunk, trunk, trunk},
			[]int{500, 500, 200, 502},
			0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			require.NoError(t, w.Inject(c.faults...))
			assert.Equal(t, c.want, w.statuses(c.paths...))
			assert.Equal(t, c.left, w.FaultsLeft())
			require.NoError(t, w.Inject(mihutest.Fault{On: mihutest.Match{Times: -1}, Status: 503}))
			w.ClearFaults()
			assert.Zero(t, w.FaultsLeft())
			assert.Equal(t, []int{200}, w.statuses(trunk))
		})
	}
}

func TestInjectFunc(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var calls atomic.Int64
	w.InjectFunc(func(r mihutest.Request) *mihutest.Fault {
		calls.Add(1)
		r.Header.Set("X-Mine", "modified")
		switch r.Query.Get("page") {
		case "1":
			return &mihutest.Fault{On: mihutest.Match{Method: "post", Path: "elsewhere", Skip: -7, Times: -1}, Status: 503} // On is ignored
		case "2":
			return &mihutest.Fault{} // a fault without an effect
		case "3":
			return &mihutest.Fault{Status: 42}
		}
		return nil
	})
	assert.Equal(t, []int{503, 200, 200}, w.statuses(trunk+"?page=1", trunk+"?page=2", trunk))
	assert.JSONEq(t, `{"success":false,"message":"InjectFunc: Status 42 is not 200 to 599","error":{"code":"INVALID_FAULT","details":"Injected fault"}}`,
		w.must(http.StatusInternalServerError, "GET", trunk+"?page=3", ""))
	assert.Empty(t, w.Requests()[0].Header.Get("X-Mine"))

	require.NoError(t, w.Inject(mihutest.Fault{Status: 502}))
	assert.Equal(t, []int{502}, w.statuses(trunk+"?page=1"), "an injected fault takes precedence")
	assert.EqualValues(t, 4, calls.Load())
	w.InjectFunc(nil)
	assert.Equal(t, []int{200}, w.statuses(trunk+"?page=1"))
	w.InjectFunc(func(mihutest.Request) *mihutest.Fault { return &mihutest.Fault{Status: 500} })
	w.ClearFaults()
	assert.Equal(t, []int{200}, w.statuses(trunk))
}

func TestInjectCopiesFaults(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fault := mihutest.Fault{Status: 500, Body: []byte("mine"), Header: http.Header{"X-Mine": {"mine"}}}
	require.NoError(t, w.Inject(fault))
	copy(fault.Body, "thei")
	fault.Header.Set("X-Mine", "theirs")
	got := w.send("GET", trunk, "")
	assert.Equal(t, "mine", got.body)
	assert.Equal(t, "mine", got.header.Get("X-Mine"))
}

// A fault without AfterChange happens in front of the API: the token does not matter.
func TestFaultsPrecedeTheToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.NoError(t, w.Inject(mihutest.Fault{Status: 503}, mihutest.Fault{Status: 502, AfterChange: true}))
	for _, want := range []int{503, 502, 401} {
		got := w.send("POST", trunk, with(""), "Authorization", "")
		assert.Equal(t, want, got.status)
	}
	assert.Empty(t, w.Trunks())
}

// If the client cancels a request during a delay, it is not handled, or gets no response.
func TestCancelEndsDelays(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault   mihutest.Fault
		changed bool
	}{
		"before":               {mihutest.Fault{Delay: time.Hour}, false},
		"after":                {mihutest.Fault{DelayAfter: time.Hour}, true},
		"before, and an error": {mihutest.Fault{DelayAfter: time.Hour, Status: 500}, false},
	} {
		for transport, opts := range transports {
			t.Run(name+", "+transport, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, opts...)
				require.NoError(t, w.Inject(c.fault))
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				failed := make(chan error, 1)
				go func() {
					_, err := w.try(w.request(ctx, "POST", trunk, with("")))
					failed <- err
				}()
				require.Eventually(t, func() bool {
					return slices.ContainsFunc(w.Requests(), func(r mihutest.Request) bool { return r.Changed == c.changed })
				}, 10*time.Second, time.Millisecond)
				cancel()
				require.ErrorIs(t, <-failed, context.Canceled)
				assert.Equal(t, c.changed, len(w.Trunks()) == 1)
				assert.Zero(t, w.Requests()[0].Status)
			})
		}
	}
}

func TestDelaysAddUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mihutest.WithLatency(20*time.Millisecond))
	require.NoError(t, w.Inject(mihutest.Fault{Delay: 20 * time.Millisecond, DelayAfter: 20 * time.Millisecond}))
	start := time.Now()
	w.must(http.StatusOK, "GET", trunk, "")
	assert.GreaterOrEqual(t, time.Since(start), 60*time.Millisecond)
}
