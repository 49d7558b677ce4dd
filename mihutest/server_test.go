package mihutest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
)

const (
	ada   = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
	bob   = "9bcb8f00-c0c5-4ee1-9b75-ad1e87a2bd8b"
	n1    = "+12345678901"
	n2    = "+390791234567"
	n3    = "+442071234567"
	own   = "+12084439178" // of the purchased inventory
	trunk = "/phone-numbers/trunks"
)

// transports are the ways to reach a server.
var transports = map[string][]mihutest.Option{
	"HTTP/1.1":  nil,
	"HTTP/2":    {mihutest.WithTLS()},
	"in memory": {mihutest.WithInMemoryTransport()},
}

// world is a server with two agents, Ada and Bob, and a plain HTTP client: the tests define what is
// sent, byte by byte.
type world struct {
	*mihutest.Server
	t    *testing.T
	http *http.Client
}

func newWorld(t *testing.T, opts ...mihutest.Option) *world {
	t.Helper()
	w := &world{Server: mihutest.NewServer(t, opts...), t: t}
	w.http = w.HTTPClient()
	t.Cleanup(w.http.CloseIdleConnections)
	require.NoError(t, w.AddAgentWithUUID(ada, "Ada"))
	require.NoError(t, w.AddAgentWithUUID(bob, "Bob"))
	return w
}

// request returns a request with the right token and, if it has a body, the right media type.
// headers are pairs of key and value to set; a value of "" removes the key.
func (w *world) request(ctx context.Context, method, path, body string, headers ...string) *http.Request {
	var r io.Reader = http.NoBody
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, w.URL()+path, r)
	require.NoError(w.t, err)
	req.Header.Set("Authorization", "Bearer "+w.Token())
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
		if headers[i+1] == "" {
			req.Header.Del(headers[i])
		}
	}
	return req
}

// response is a response as far as it was received. Its zero value means none.
type response struct {
	status int
	proto  int
	length int64 // as announced
	header http.Header
	body   string
}

// try sends a request. It can return both a part of the response and an error.
func (w *world) try(req *http.Request) (response, error) {
	resp, err := w.http.Do(req)
	if err != nil {
		return response{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	return response{resp.StatusCode, resp.ProtoMajor, resp.ContentLength, resp.Header, string(body)}, err
}

// send sends a request that must get a complete response.
func (w *world) send(method, path, body string, headers ...string) response {
	w.t.Helper()
	got, err := w.try(w.request(w.t.Context(), method, path, body, headers...))
	require.NoError(w.t, err)
	return got
}

// must sends a request, compares the status and returns the body.
func (w *world) must(status int, method, path, body string) string {
	w.t.Helper()
	got := w.send(method, path, body)
	require.Equal(w.t, status, got.status, "%s %s: %s", method, path, got.body)
	return got.body
}

// exactly compares byte by byte: assert.JSONEq ignores the order of fields.
func exactly(t *testing.T, want, got string) {
	t.Helper()
	assert.Equal(t, want, got)
}

// refuses sends a request, compares the status, code and field of the error, and checks that the
// state did not change.
func (w *world) refuses(status int, code, field, method, path, body string, headers ...string) {
	w.t.Helper()
	before := w.Trunks()
	resp := w.send(method, path, body, headers...)
	var got struct {
		Success *bool
		Message string
		Error   struct{ Code, Details, Field string }
	}
	require.NoError(w.t, json.Unmarshal([]byte(resp.body), &got), resp.body)
	require.NotNil(w.t, got.Success, resp.body)
	assert.False(w.t, *got.Success)
	assert.NotEmpty(w.t, got.Message)
	assert.NotEmpty(w.t, got.Error.Details)
	assert.Equal(w.t, fmt.Sprint(status, code, field), fmt.Sprint(resp.status, got.Error.Code, got.Error.Field), resp.body)
	assert.Equal(w.t, before, w.Trunks())
	requests := w.Requests()
	assert.False(w.t, requests[len(requests)-1].Changed)
}

// create registers a trunk with a request.
func (w *world) create(number, channel, agent string) string {
	w.t.Helper()
	return w.must(http.StatusCreated, "POST", trunk, fmt.Sprintf(`{"phone_number":%q,"channel":%q,"agent_uuid":%q}`, number, channel, agent))
}

func (w *world) held(number string, channel mihu.Channel) mihutest.Trunk {
	w.t.Helper()
	held, ok := w.Trunk(mihu.TrunkID{PhoneNumber: number, Channel: channel})
	require.True(w.t, ok, "no trunk on %s", channel)
	return held
}

// tb records the calls of a testing.TB.
type tb struct {
	cleanups []func()
	fatal    string
}

func (*tb) Helper()                          {}
func (b *tb) Cleanup(f func())               { b.cleanups = append(b.cleanups, f) }
func (b *tb) Fatalf(format string, a ...any) { b.fatal = fmt.Sprintf(format, a...) }
func (b *tb) end() {
	for _, f := range b.cleanups {
		f()
	}
}

func dial(t *testing.T, url string) error {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	if err == nil {
		_ = resp.Body.Close()
	}
	return err
}

// This test comes first and is not parallel: no other server may run while it counts goroutines.
func TestCloseEndsAllGoroutines(t *testing.T) {
	for _, opts := range [][]mihutest.Option{nil, {mihutest.WithTLS()}} {
		srv, err := mihutest.Start(opts...)
		require.NoError(t, err)
		require.NoError(t, srv.Inject(mihutest.Fault{On: mihutest.Match{Path: "/phone-numbers/trunks", Times: -1}, Delay: time.Hour}))
		client := srv.HTTPClient()
		var calls sync.WaitGroup
		for i := range 8 {
			path := []string{"/phone-numbers", "/phone-numbers/trunks"}[i%2] // one is idle after its response, one is delayed
			calls.Go(func() {
				req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL()+path, http.NoBody)
				if resp, err := client.Do(req); err == nil {
					_, _ = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
				}
			})
		}
		idle, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimSuffix(srv.URL()[strings.Index(srv.URL(), "//")+2:], "/api/v1"))
		require.NoError(t, err) // a connection without a request
		require.Eventually(t, func() bool { return srv.RequestCount() == 8 }, 10*time.Second, time.Millisecond)
		srv.Close()
		calls.Wait()
		client.CloseIdleConnections()
		require.NoError(t, idle.Close())
		assert.Eventually(t, func() bool {
			stacks := make([]byte, 1<<20)
			stacks = stacks[:runtime.Stack(stacks, true)]
			return !bytes.Contains(stacks, []byte("net/http.")) && !bytes.Contains(stacks, []byte("mihutest.(*Server)"))
		}, 10*time.Second, time.Millisecond, "goroutines are still running")
	}
}

func TestNewServerClosesWithItsTest(t *testing.T) {
	t.Parallel()
	var b tb
	srv := mihutest.NewServer(&b)
	require.NoError(t, dial(t, srv.URL()))
	b.end()
	require.Error(t, dial(t, srv.URL()))
	assert.Empty(t, b.fatal)
}

func TestInvalidOptions(t *testing.T) {
	t.Parallel()
	for name, opt := range map[string]mihutest.Option{
		"WithToken: the token is empty":              mihutest.WithToken(""),
		"WithLatency: -1s is negative":               mihutest.WithLatency(-time.Second),
		"WithRequestLimit: -1 is negative":           mihutest.WithRequestLimit(-1),
		"WithRules: DuplicateStatus cannot be 500":   mihutest.WithRules(mihutest.Rules{DuplicateStatus: 500}),
		"WithRules: AgentBusyStatus cannot be 399":   mihutest.WithRules(mihutest.Rules{AgentBusyStatus: 399}),
		"WithRules: PurchasedStatus cannot be 200":   mihutest.WithRules(mihutest.Rules{PurchasedStatus: 200}),
		"WithRules: UnknownAgentStatus cannot be 42": mihutest.WithRules(mihutest.Rules{UnknownAgentStatus: 42}),
		"WithRules: CreateStatus cannot be 203":      mihutest.WithRules(mihutest.Rules{CreateStatus: 203}),
		"WithRules: DeleteStatus cannot be 404":      mihutest.WithRules(mihutest.Rules{DeleteStatus: 404}),
		"WithRules: there is no ErrorShape 3":        mihutest.WithRules(mihutest.Rules{ErrorShape: 3}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := mihutest.Start(opt)
			require.EqualError(t, err, "mihutest: "+name)
			var b tb
			assert.Nil(t, mihutest.NewServer(&b, opt))
			assert.Equal(t, "mihutest: "+name, b.fatal)
		})
	}
}

func TestToken(t *testing.T) {
	t.Parallel()
	const (
		missing = `{"success":false,"message":"Missing authentication token","error":{"code":"MISSING_AUTH_TOKEN","details":"The request has no bearer token"}}`
		invalid = `{"success":false,"message":"Invalid authentication token","error":{"code":"INVALID_AUTH_TOKEN","details":"The provided token is invalid or has been revoked"}}`
	)
	w := newWorld(t, mihutest.WithToken("first"))
	for _, c := range []struct{ header, want string }{
		{"", missing},
		{"first", missing},
		{"Basic first", missing},
		{"Bearer", missing},
		{"Bearer other", invalid},
		{"Bearer firstly", invalid},
		{"Bearer first", ""},
	} {
		for _, path := range []string{"/phone-numbers", "/nowhere"} { // the token comes first
			got := w.send("GET", path, "", "Authorization", c.header)
			if c.want == "" {
				assert.NotEqual(t, http.StatusUnauthorized, got.status)
				continue
			}
			assert.Equal(t, http.StatusUnauthorized, got.status, c.header)
			assert.Equal(t, c.want, got.body, c.header)
		}
	}

	two := w.request(t.Context(), "GET", "/phone-numbers", "")
	two.Header.Add("Authorization", "Bearer first")
	got, err := w.try(two)
	require.NoError(t, err)
	assert.Equal(t, http.StatusUnauthorized, got.status)
	exactly(t, invalid, got.body)

	w.SetToken("second")
	assert.Equal(t, "second", w.Token())
	w.refuses(http.StatusUnauthorized, "INVALID_AUTH_TOKEN", "", "GET", trunk, "", "Authorization", "Bearer first")
	w.must(http.StatusOK, "GET", trunk, "")
	w.SetToken("")
	w.refuses(http.StatusUnauthorized, "INVALID_AUTH_TOKEN", "", "GET", trunk, "", "Authorization", "Bearer second")
}

func TestDefaultToken(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "mihutest-token", mihutest.NewServer(t).Token())
}

func TestEveryResponseHasARequestID(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.NoError(t, w.Inject(mihutest.Fault{On: mihutest.Match{Method: "PUT"}, Status: 500}))
	seen := map[string]bool{}
	for _, method := range []string{"GET", "HEAD", "PUT", "DELETE", "OPTIONS"} {
		got := w.send(method, trunk, "")
		seen[got.header.Get("X-Request-Id")] = true
	}
	assert.Len(t, seen, 5)
	assert.NotContains(t, seen, "")
}

func TestCloseEndsDelays(t *testing.T) {
	t.Parallel()
	for name, delay := range map[string]mihutest.Fault{
		"before":   {Delay: time.Hour},
		"after":    {DelayAfter: time.Hour},
		"detached": {Delay: time.Hour, Detached: true},
	} {
		for transport, opts := range transports {
			t.Run(name+", "+transport, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, opts...)
				require.NoError(t, w.Inject(delay))
				failed := make(chan error, 1)
				go func() {
					_, err := w.try(w.request(t.Context(), "GET", trunk, ""))
					failed <- err
				}()
				require.Eventually(t, func() bool { return w.RequestCount() == 1 }, 10*time.Second, time.Millisecond)
				start := time.Now()
				w.Close()
				assert.Less(t, time.Since(start), time.Second)
				require.Error(t, <-failed)
				assert.Zero(t, w.Requests()[0].Status)
				w.Close() // no effect
			})
		}
	}
}

func TestCloseWithAFunctionThatNeverReturns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.InjectFunc(func(mihutest.Request) *mihutest.Fault {
		w.Close() // waits for the request that calls this function
		return nil
	})
	_, err := w.try(w.request(t.Context(), "GET", trunk, ""))
	require.Error(t, err)
}

func TestStateOfAClosedServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create(n1, "call", ada)
	w.Close()
	assert.Len(t, w.Trunks(), 1)
	assert.Len(t, w.Requests(), 1)
}

func TestLatency(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mihutest.WithLatency(50*time.Millisecond))
	start := time.Now()
	w.must(http.StatusOK, "GET", trunk, "")
	assert.GreaterOrEqual(t, time.Since(start), 50*time.Millisecond)
}

func TestTLS(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mihutest.WithTLS())
	assert.True(t, strings.HasPrefix(w.URL(), "https://127.0.0.1:"))
	require.Error(t, dial(t, w.URL()), "only the server's own clients trust its certificate")

	got := w.send("GET", trunk, "")
	assert.Equal(t, 2, got.proto)

	req := w.request(t.Context(), "GET", trunk, "")
	req.URL.Host, req.Host = "acme.mihu.ai", ""
	_, err := w.try(req)
	require.NoError(t, err, "HTTPClient sends a workspace's requests to the server")
	assert.Equal(t, "acme.mihu.ai", w.Requests()[1].Host)

	_, err = w.Client(t).Trunks.List(t.Context(), nil)
	require.NoError(t, err)
	client, err := mihu.New("acme", w.Token(), mihu.WithHTTPClient(w.http))
	require.NoError(t, err)
	_, err = client.Trunks.List(t.Context(), nil)
	require.NoError(t, err)
}

func TestClient(t *testing.T) {
	t.Parallel()
	srv := mihutest.NewServer(t)
	old := srv.Client(t)
	_, err := old.Trunks.List(t.Context(), nil)
	require.NoError(t, err)

	srv.SetToken("rotated")
	_, err = old.Trunks.List(t.Context(), nil)
	require.ErrorIs(t, err, mihu.ErrUnauthorized, "a client keeps the token that it was created with")
	_, err = srv.Client(t).Trunks.List(t.Context(), nil)
	require.NoError(t, err)
	source := mihu.TokenFunc(func(context.Context) (string, error) { return srv.Token(), nil })
	_, err = srv.Client(t, mihu.WithTokenSource(source)).Trunks.List(t.Context(), nil)
	require.NoError(t, err)

	var b tb
	assert.Nil(t, srv.Client(&b, mihu.WithBaseURL("ftp://example.com")))
	assert.NotEmpty(t, b.fatal)
}

func TestServerPrintsWithoutItsSecrets(t *testing.T) {
	t.Parallel()
	srv := mihutest.NewServer(t, mihutest.WithToken("t0p-s3cret"))
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("", slog.Any("server", srv))
	for _, text := range []string{fmt.Sprintf("%v %+v %#v %s %d", srv, srv, srv, srv, srv), log.String()} {
		assert.Contains(t, text, srv.URL())
		assert.NotContains(t, text, "t0p")
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mihutest.WithRules(mihutest.Rules{AnyAgent: true}), mihutest.WithRequestLimit(10))
	w.InjectFunc(func(r mihutest.Request) *mihutest.Fault {
		if strings.HasSuffix(r.Path, "/assign") {
			return &mihutest.Fault{Status: 503}
		}
		return nil
	})
	const workers = 16
	var statuses [workers]int
	var done sync.WaitGroup
	for i := range workers {
		done.Go(func() {
			// All workers create the same trunk: one succeeds.
			got, err := w.try(w.request(t.Context(), "POST", trunk, `{"phone_number":"+12345678901","channel":"call","agent_uuid":"`+ada+`"}`))
			if err == nil {
				statuses[i] = got.status
			}
			// Each worker also has a trunk of its own.
			number := fmt.Sprintf("+1999%07d", i)
			agent := fmt.Sprintf("00000000-0000-4000-8000-%012d", i)
			body := `{"phone_number":"` + number + `","channel":"call","agent_uuid":"` + agent + `"}`
			for _, step := range []struct{ method, path, body string }{
				{"POST", trunk, body},
				{"PATCH", trunk, `{"phone_number":"` + number + `","channel":"call","additional_settings":{"a":[1]}}`},
				{"PUT", trunk + "/assign", body},
				{"GET", trunk, ""},
				{"DELETE", trunk + "?channel=call&phone_number=" + number[1:], ""},
				{"POST", trunk, body},
			} {
				_, err := w.try(w.request(t.Context(), step.method, step.path, step.body))
				if err != nil {
					t.Error(err)
				}
				w.Trunks()
				w.Requests()
				w.SetToken(w.Token())
			}
		})
	}
	done.Wait()
	created := 0
	for _, status := range statuses {
		if status == http.StatusCreated {
			created++
		} else {
			assert.Equal(t, http.StatusConflict, status)
		}
	}
	assert.Equal(t, 1, created)
	assert.Len(t, w.Trunks(), workers+1)
	assert.Equal(t, workers*7, w.RequestCount())
	assert.Len(t, w.Requests(), 10)
}
