package probe_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/internal/probe"
	"github.com/mihu-go/mihu/internal/probe/report"
	"github.com/mihu-go/mihu/mihutest"
)

// tripper is a transport as a function.
type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// at calls do for the n-th request, counted from 0, and passes on the others.
func at(n int, next http.RoundTripper, do func(*http.Request) (*http.Response, error)) http.RoundTripper {
	count := -1
	return tripper(func(r *http.Request) (*http.Response, error) {
		if count++; count == n {
			return do(r)
		}
		return next.RoundTrip(r)
	})
}

var errLost = &lostConnection{}

type lostConnection struct{}

func (*lostConnection) Error() string { return "connection reset by peer" }
func (*lostConnection) Unwrap() error { return syscall.ECONNRESET }

func respondWith(status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)),
	}
}

// interferences are what may happen to one request, or from one on.
func interferences(srv *mihutest.Server, n int) map[string]http.RoundTripper {
	next := srv.HTTPClient().Transport
	once := func(status int) http.RoundTripper {
		return at(n, next, func(*http.Request) (*http.Response, error) { return respondWith(status, `{"message":"no"}`), nil })
	}
	after := func(status int) http.RoundTripper {
		return at(n, next, func(r *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(r)
			if err == nil {
				_ = resp.Body.Close()
			}
			return respondWith(status, "<html>unavailable</html>"), err
		})
	}
	revoked := false
	count := -1
	return map[string]http.RoundTripper{
		"401": once(401), "403": once(403), "429": once(429), "503": once(503),
		"401 after it was applied": after(401), "429 after it was applied": after(429), "503 after it was applied": after(503),
		"cut off": at(n, next, func(r *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(r)
			if err == nil {
				_ = resp.Body.Close()
				resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"success":true,`), failing{}))
			}
			return resp, err
		}),
		"revoked token after it was applied": tripper(func(r *http.Request) (*http.Response, error) {
			if count++; count < n {
				return next.RoundTrip(r)
			}
			resp, err := next.RoundTrip(r)
			if err == nil {
				_ = resp.Body.Close()
			}
			return respondWith(401, `{"success":false,"message":"Unauthenticated."}`), err
		}),
		"lost before": at(n, next, func(*http.Request) (*http.Response, error) { return nil, errLost }),
		"lost after": at(n, next, func(r *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(r)
			if err == nil {
				_ = resp.Body.Close()
			}
			return nil, errLost
		}),
		"revoked token": tripper(func(r *http.Request) (*http.Response, error) {
			if n--; n < 0 || revoked {
				revoked = true
				r.Header.Set("Authorization", "Bearer revoked")
			}
			return next.RoundTrip(r)
		}),
		"429 from then on": tripper(func(r *http.Request) (*http.Response, error) {
			if n--; n < 0 {
				return respondWith(429, `{"message":"slow down"}`), nil
			}
			return next.RoundTrip(r)
		}),
	}
}

// laterThan reports whether a lag is above another.
func laterThan(observed, truth string) bool {
	lag := func(text string) time.Duration {
		d, _ := time.ParseDuration(text[strings.LastIndex(text, " ")+1:]) // "at once" is 0
		return d
	}
	return lag(observed) > lag(truth)
}

// falseObservations returns the answers that differ from the true ones.
func falseObservations(truth *report.Report, got *probe.Result) (wrong []string) {
	if got == nil || got.Report == nil {
		return nil
	}
	for _, o := range got.Report.Observations {
		if o.Observed == "" || o.Question == "error.shapes" || o.Question == "error.field" { // these are parts of the whole
			continue
		}
		if o.Question == "read.after_write" && laterThan(o.Observed, truth.Observed(o.Question)) { // it is an upper bound
			continue
		}
		if o.Observed != truth.Observed(o.Question) {
			wrong = append(wrong, o.Question+": "+o.Observed)
		}
	}
	for shape := range strings.SplitSeq(got.Report.Observed("error.shapes"), ", ") {
		if !strings.Contains(truth.Observed("error.shapes"), shape) {
			wrong = append(wrong, shape)
		}
	}
	return wrong
}

// interfere probes with an interference at the n-th request and cleans up afterwards if something may be
// left. It returns the false observations, and whether the run was longer than n requests.
func interfere(t *testing.T, rules mihutest.Rules, truth *report.Report, kind string, n int, m probe.Mutation) (wrong []string, reached bool) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv := workspace(t, rules)
		before := srv.Trunks()
		journal := new(probe.Memory)
		o := options(srv, journal)
		o.Transport = interferences(srv, n)[kind]
		result, err := probe.RunMutated(t.Context(), o, m)
		wrong = falseObservations(truth, result)
		reached = srv.RequestCount() >= n
		_, left := errors.AsType[*probe.LeftError](err)
		_, refused := errors.AsType[*probe.RefusedError](err)
		if m == probe.NoMutation && (left || err != nil && !refused && len(journal.Changes) > 0) {
			o = options(srv, nil)
			_, err := probe.CleanAfter(t.Context(), o, journal)
			require.NoError(t, err, "%s at %d", kind, n)
		}
		require.Equal(t, before, srv.Trunks(), "%s at %d: %v", kind, n, err)
	})
	return wrong, reached
}

// oddRules are far from the default ones.
var oddRules = map[string]mihutest.Rules{
	"default": {},
	"late and taking": {
		OnBusyAgent: mihutest.TakeBusyAgent, OnDuplicate: mihutest.UpdateDuplicate, AnyAgent: true, DeleteStatus: 204, UnknownNumberStatus: 403,
		ReadLag: 2 * time.Second, ErrorShape: mihutest.ErrorFramework, UnknownTrunkStatuses: map[string]int{"DELETE": 429},
	},
	"small pages and wrapped": {
		UnboundUnknown: true, DeleteMissing: true, MissingTokenStatus: 403, MalformedJSONStatus: 429, MaxPerPage: 2, ClampPerPage: true, NewestFirst: true,
		UpdatedAt: true, OnBusyAssign: new(mihutest.ShareBusyAgent), SuccessShape: mihutest.SuccessShape{Wrapped: true, OmitSuccess: true},
	},
}

// Whatever happens to any request: no answer is false, and nothing is left.
func TestInterference(t *testing.T) {
	t.Parallel()
	every := 3
	if everything() {
		every = 1
	}
	for name, rules := range oddRules {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			truth, _ := observe(t, rules, nil)
			tried := 0
			for kind := range interferences(workspace(t, mihutest.Rules{}), 0) {
				for n := tried % every; ; n += every {
					wrong, reached := interfere(t, rules, truth.Report, kind, n, probe.NoMutation)
					assert.Empty(t, wrong, "%s at request %d", kind, n)
					if tried++; !reached {
						break
					}
				}
			}
			t.Logf("%d runs", tried)
		})
	}
}

// killed is a process that ends at its n-th request: nothing is sent, and nothing is recorded, from then
// on.
type killed struct {
	probe.Memory
	dead atomic.Bool
}

func (k *killed) Record(c probe.Change) error {
	if k.dead.Load() {
		return errors.New("killed")
	}
	return k.Memory.Record(c)
}

// Killed at any request, before and after it was applied, or with a request that is applied late: the
// clean-up removes everything, and nothing else.
func TestKilled(t *testing.T) {
	t.Parallel()
	every := 4
	if everything() {
		every = 1
	}
	for i, rules := range []mihutest.Rules{
		{},
		{OnBusyAgent: mihutest.TakeBusyAgent, AnyAgent: true},
		{OnBusyAgent: mihutest.ShareBusyAgent, OnDuplicate: mihutest.UpdateDuplicate, ReadLag: 2 * time.Second},
		{UnknownNumberStatus: 403, DeleteStatus: 204},
	} {
		for first, when := range []string{"before", "after", "late"} {
			for n := (first + i) % every; n < 90; n += every {
				kill(t, rules, when, n)
			}
		}
	}
}

func kill(t *testing.T, rules mihutest.Rules, when string, n int) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv := workspace(t, rules)
		before := srv.Trunks()
		journal := new(killed)
		next := srv.HTTPClient().Transport
		count := 0
		o := options(srv, journal)
		o.Transport = tripper(func(r *http.Request) (*http.Response, error) {
			if journal.dead.Load() {
				return nil, errLost
			}
			if count++; count <= n {
				return next.RoundTrip(r)
			}
			journal.dead.Store(true)
			switch when {
			case "after":
				if resp, err := next.RoundTrip(r); err == nil {
					_ = resp.Body.Close()
				}
			case "late":
				body, _ := io.ReadAll(r.Body)
				late := r.Clone(context.Background())
				late.Body = io.NopCloser(bytes.NewReader(body))
				go func() {
					time.Sleep(25 * time.Second)
					if resp, err := next.RoundTrip(late); err == nil {
						_ = resp.Body.Close()
					}
				}()
			}
			return nil, errLost
		})
		ctx, cancel := context.WithCancel(t.Context())
		stopped := make(chan struct{})
		go func() {
			defer close(stopped)
			_, _ = probe.Run(ctx, o) // what it does after the kill reaches nothing
		}()
		for !journal.dead.Load() && ctx.Err() == nil {
			select {
			case <-stopped:
				cancel()
			case <-time.After(100 * time.Millisecond):
			}
		}
		cancel()
		<-stopped
		if len(journal.Changes) > 0 && journal.dead.Load() {
			_, err := probe.CleanAfter(t.Context(), options(srv, nil), &journal.Memory)
			require.NoError(t, err, "%s request %d of %+v", when, n, rules)
		}
		time.Sleep(time.Minute)
		require.Equal(t, before, srv.Trunks(), "%s request %d of %+v", when, n, rules)
	})
}

// An orderly end: what was registered is removed.
func TestStop(t *testing.T) {
	t.Parallel()
	for after := range 45 {
		synctest.Test(t, func(t *testing.T) {
			srv := workspace(t, mihutest.Rules{})
			before := srv.Trunks()
			stop := make(chan struct{})
			o := options(srv, new(probe.Memory))
			o.Stop = stop
			go func() {
				time.Sleep(time.Duration(after)*time.Second + 500*time.Millisecond)
				close(stop)
			}()
			result, err := probe.Run(t.Context(), o)
			if _, refused := errors.AsType[*probe.RefusedError](err); !refused && result != nil {
				require.NoError(t, err)
			}
			require.Equal(t, before, srv.Trunks(), "%d s", after)
			time.Sleep(time.Minute)
		})
	}
}

// Whatever the limit: a probe sends no more requests, its clean-up included, leaves nothing, and has no
// half answers.
func TestMaxRequests(t *testing.T) {
	t.Parallel()
	for name, rules := range oddRules {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			limited := func(most int, isOne bool) *probe.Result {
				result, _ := observe(t, rules, func(o *probe.Options) {
					if o.MaxRequests = most; isOne {
						one(o)
					}
				})
				return result
			}
			truths := map[bool]*probe.Result{true: limited(500, true), false: limited(500, false)}
			for limit := 15; limit < 80; limit++ {
				truth, result := truths[limit%2 == 0], limited(limit, limit%2 == 0)
				assert.LessOrEqual(t, result.Requests-result.Preflight, limit)
				assert.Empty(t, falseObservations(truth.Report, result), "%d requests", limit)
				for _, o := range result.Report.Observations {
					assert.False(t, o.Observed == "" && strings.Contains(o.Missing, "limit") && len(o.Evidence) > 0, "%s with %d requests", o.Question, limit)
				}
			}
		})
	}
}

func TestGuard(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ method, number, channel, agent string }{
		{"POST", "+12025550100", "call", agentOne},
		{"PATCH", "+12025550100", "call", agentOne},
		{"PUT", "+12025550100", "call", agentOne},
		{"DELETE", "+12025550100", "call", agentOne},
		{"POST", numberOne, "call", "3c90c3cc-0d44-4b50-8888-000000000000"},
		{"POST", numberOne, "sms", agentOne},
		{"POST", numberOne, "whatsapp", agentOne},
		{"RELEASE", numberOne, "call", agentOne},
	} {
		for _, m := range []probe.Mutation{probe.NoMutation, probe.NoGuard} {
			srv := workspace(t, mihutest.Rules{})
			err := probe.Stray(t.Context(), options(srv, new(probe.Memory)), m, test.method, test.number, test.channel, test.agent)
			assert.Equal(t, m == probe.NoMutation, probe.Held(err), "%v %v", test, err)
			assert.Equal(t, m == probe.NoGuard, srv.RequestCount() == 1, "%v", test)
		}
	}
}

// journaled reports whether each change was in the journal before it arrived.
func journaled(t *testing.T, m probe.Mutation) (ok bool) {
	t.Helper()
	ok = true
	synctest.Test(t, func(t *testing.T) {
		srv := workspace(t, mihutest.Rules{})
		journal := new(probe.Memory)
		o := options(srv, journal)
		next, sent := o.Transport, 0
		o.Transport = tripper(func(r *http.Request) (*http.Response, error) {
			if r.Method != http.MethodGet {
				sent++
				lines := 0
				for _, c := range journal.Changes {
					if c.Status == 0 && c.Method != "" {
						lines++
					}
				}
				ok = ok && lines == sent && journal.Changes[len(journal.Changes)-1].Method == r.Method
			}
			return next.RoundTrip(r)
		})
		_, err := probe.RunMutated(t.Context(), o, m)
		require.NoError(t, err)
	})
	return ok
}

// Each part of a probe that keeps it safe or honest is needed: without it, a test fails.
func TestMutationsOfTheProbe(t *testing.T) {
	t.Parallel()
	assert.True(t, journaled(t, probe.NoMutation))
	assert.False(t, journaled(t, probe.NoJournal))

	truth, _ := observe(t, mihutest.Rules{}, nil)
	wrong := 0
	for n := range 20 {
		found, _ := interfere(t, mihutest.Rules{}, truth.Report, "revoked token", n, probe.NoMutation)
		require.Empty(t, found)
	}
	for n := 5; n < 12 && wrong == 0; n++ {
		synctest.Test(t, func(t *testing.T) {
			srv := workspace(t, mihutest.Rules{})
			o := options(srv, new(probe.Memory))
			o.Transport = interferences(srv, n)["revoked token"]
			result, _ := probe.RunMutated(t.Context(), o, probe.NoControl)
			wrong += len(falseObservations(truth.Report, result))
		})
	}
	assert.Positive(t, wrong, "without the control read, a revoked token is taken for an answer")

	for _, m := range []probe.Mutation{probe.NoMutation, probe.NoPreflight} {
		synctest.Test(t, func(t *testing.T) {
			srv := workspace(t, mihutest.Rules{OnBusyAgent: mihutest.TakeBusyAgent})
			customer := mihu.TrunkID{PhoneNumber: "+12025550170", Channel: mihu.ChannelCall}
			require.NoError(t, srv.AddTrunk(mihutest.Trunk{ID: customer, AgentUUID: agentOne}))
			_, err := probe.RunMutated(t.Context(), options(srv, new(probe.Memory)), m)
			_, refused := errors.AsType[*probe.RefusedError](err)
			_, kept := srv.Trunk(customer)
			assert.Equal(t, m == probe.NoMutation, refused && kept)
		})
	}

	assert.Empty(t, planted(t, probe.NoMutation))
	assert.NotEmpty(t, planted(t, probe.NoRedaction))
}

// plants are texts that no report may have. They stand in responses and headers.
var plants = []string{
	"acme-secret-workspace", "sk_live_4f9b2c", "Margaret Hamilton", "+491701234567", "491701234567", "deadbeef-dead-4eef-8eef-deadbeefdead", "ACME_SECRET_CODE",
	"https://acme.mihu.ai", "acme_secret_member", "trunk of Margaret", "9f86d081884c7d659a2feaa0c55ad015",
}

// plant adds the plants to a JSON value: as values, names, codes and items. What is planted into the
// bindings of a number looks like the binding of a free channel: a probe begins only where it can read
// all of them.
func plant(value any, within string) any {
	switch value := value.(type) {
	case map[string]any:
		for name, v := range value {
			if text, ok := v.(string); ok && slices.Contains([]string{"message", "details", "name", "agent_name", "code"}, name) {
				value[name] = plants[len(text)%len(plants)]
				continue
			}
			value[name] = plant(v, name)
		}
		for i, text := range plants {
			if within == "bindings" {
				value[text] = map[string]any{"agent_uuid": nil, "agent_name": text, text: []any{text}}
				continue
			}
			value[text], value[fmt.Sprintf("extra_%d", i)] = text, map[string]any{text: []any{text}}
		}
		return value
	case []any:
		for i := range value {
			value[i] = plant(value[i], within)
		}
	}
	return value
}

var (
	anyNumber = regexp.MustCompile(`\d{5,}`)
	someUUID  = regexp.MustCompile(`(?i)[0-9a-f]{8}-[0-9a-f]{4}`)
)

// planted returns what a report has of the plants, of the targets, and of all that looks like a number or
// a UUID.
func planted(t *testing.T, m probe.Mutation) (found []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv := workspace(t, mihutest.Rules{UpdatedAt: true})
		o := options(srv, new(probe.Memory))
		next := o.Transport
		o.Transport = tripper(func(r *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(r)
			if err != nil {
				return nil, err
			}
			body, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			var value any
			if json.Unmarshal(body, &value) == nil {
				body, err = json.Marshal(plant(value, ""))
				require.NoError(t, err)
			}
			for i, text := range plants {
				resp.Header.Add(fmt.Sprintf("X-Acme-Request-Id-%d", i), text)
				resp.Header.Set("X-Request-Id", text)
				resp.Header.Set("X-Ratelimit-Remaining", text)
			}
			resp.Body = io.NopCloser(bytes.NewReader(body))
			resp.ContentLength = int64(len(body))
			return resp, nil
		})
		result, err := probe.RunMutated(t.Context(), o, m)
		require.NoError(t, err)
		text, err := result.Report.Write()
		require.NoError(t, err)
		plain := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">").Replace(string(text))
		for _, secret := range slices.Concat(plants, []string{numberOne, numberTwo, agentOne, agentTwo, srv.Token(), "mihutest.invalid", "Spare", "other 1", "X-Acme"}) {
			if strings.Contains(strings.ToLower(plain), strings.ToLower(secret)) {
				found = append(found, secret)
			}
		}
		for _, pattern := range []*regexp.Regexp{anyNumber, someUUID} {
			found = append(found, pattern.FindAllString(strings.ReplaceAll(plain, "page=100000", ""), -1)...)
		}
	})
	return found
}

func TestPlantedSecrets(t *testing.T) {
	t.Parallel()
	assert.Empty(t, planted(t, probe.NoMutation))
}
