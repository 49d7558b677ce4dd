package otelmihu_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/mihu-go/mihu"
	otelmihu "github.com/mihu-go/mihu/integrations/otel"
	"github.com/mihu-go/mihu/mihutest"
)

// The first response is a 429, and that of the retry is lost after the trunk was created. The channels are
// read, at the second attempt, and what cannot be read of the trunk is sent with a PATCH.
func TestTraceOfReconciledCreate(t *testing.T) {
	t.Parallel()
	rec, srv := newRecorder(t), mihutest.NewServer(t)
	require.NoError(t, srv.Inject(
		post(mihutest.Fault{Status: 429}), post(mihutest.Fault{Drop: true, AfterChange: true}), get(mihutest.Fault{Status: 503}),
	))
	ctx, parent := rec.tracer.Start(t.Context(), "provisioning")
	_, err := srv.Client(t, swift, rec.hooks).Trunks.Create(ctx, wantedTrunk(srv.AddAgent("Ada")))
	require.NoError(t, err)

	host, port := address(t, srv)
	ids := []string{"mihutest-000001", "", "mihutest-000002", "mihutest-000003", "mihutest-000004"} // a lost response has none
	request := func(op, method, path string, more map[string]any) map[string]any {
		attrs := map[string]any{
			"http.request.method": method, "server.address": host, "server.port": int64(port), "url.template": path, "mihu.operation": op,
		}
		maps.Copy(attrs, more)
		return attrs
	}
	spans := rec.started(t)
	for _, s := range spans {
		for _, e := range s.Events {
			assert.Positive(t, e.Attrs["mihu.wait.duration"])
			delete(e.Attrs, "mihu.wait.duration")
		}
	}
	waited := []event{{"mihu.wait", map[string]any{"mihu.wait.reason": "backoff", "mihu.wait.attempt": int64(2)}}}
	const trunks, channels = "/phone-numbers/trunks", "/phone-numbers/channels"
	assert.Equal(t, []span{
		{
			Name: "mihu trunks.create", Kind: trace.SpanKindInternal, Events: waited,
			Attrs: map[string]any{
				"mihu.operation": "trunks.create", "mihu.outcome": "success", "mihu.attempts": int64(5), "mihu.reconciled": true,
				"mihu.request_id": ids[4],
			},
		},
		{
			Name: "POST " + trunks, Kind: trace.SpanKindClient, Parent: "mihu trunks.create", Status: failed,
			Attrs: request("trunks.create", "POST", trunks, map[string]any{
				"http.response.status_code": int64(429), "error.type": "429", "network.protocol.version": "1.1", "mihu.request_id": ids[0],
			}),
		},
		{
			Name: "POST " + trunks, Kind: trace.SpanKindClient, Parent: "mihu trunks.create", Status: failed,
			Attrs: request("trunks.create", "POST", trunks, map[string]any{
				"http.request.resend_count": int64(1), "error.type": "connection_lost",
			}),
		},
		{
			Name: "mihu trunks.create.read", Kind: trace.SpanKindInternal, Parent: "mihu trunks.create", Events: waited,
			Attrs: map[string]any{
				"mihu.operation": "trunks.create.read", "mihu.reconciling": true, "mihu.outcome": "success", "mihu.attempts": int64(2),
				"mihu.reconciled": false, "mihu.request_id": ids[3],
			},
		},
		{
			Name: "GET " + channels, Kind: trace.SpanKindClient, Parent: "mihu trunks.create.read", Status: failed,
			Attrs: request("trunks.create.read", "GET", channels, map[string]any{
				"http.response.status_code": int64(503), "error.type": "503", "network.protocol.version": "1.1", "mihu.request_id": ids[2],
			}),
		},
		{
			Name: "GET " + channels, Kind: trace.SpanKindClient, Parent: "mihu trunks.create.read",
			Attrs: request("trunks.create.read", "GET", channels, map[string]any{
				"http.request.resend_count": int64(1), "http.response.status_code": int64(200), "network.protocol.version": "1.1",
				"mihu.request_id": ids[3],
			}),
		},
		{
			Name: "mihu trunks.create.update", Kind: trace.SpanKindInternal, Parent: "mihu trunks.create",
			Attrs: map[string]any{
				"mihu.operation": "trunks.create.update", "mihu.reconciling": true, "mihu.outcome": "success", "mihu.attempts": int64(1),
				"mihu.reconciled": false, "mihu.request_id": ids[4],
			},
		},
		{
			Name: "PATCH " + trunks, Kind: trace.SpanKindClient, Parent: "mihu trunks.create.update",
			Attrs: request("trunks.create.update", "PATCH", trunks, map[string]any{
				"http.response.status_code": int64(200), "network.protocol.version": "1.1", "mihu.request_id": ids[4],
			}),
		},
	}, spans)

	// Every request carries the span of its attempt, in the caller's trace.
	var sent, clients []string
	for _, r := range srv.Requests() {
		sent = append(sent, r.Header.Get("Traceparent"))
	}
	for _, stub := range rec.spans.GetSpans() {
		assert.Equal(t, parent.SpanContext().TraceID(), stub.SpanContext.TraceID())
		if stub.Name == "mihu trunks.create" {
			assert.Equal(t, parent.SpanContext().SpanID(), stub.Parent.SpanID())
		}
		if stub.SpanKind == trace.SpanKindClient {
			clients = append(clients, "00-"+stub.SpanContext.TraceID().String()+"-"+stub.SpanContext.SpanID().String()+"-01")
		}
	}
	assert.Equal(t, clients, sent)
}

func TestTraceOfUnknownOutcome(t *testing.T) {
	t.Parallel()
	rec, srv := newRecorder(t), mihutest.NewServer(t)
	require.NoError(t, srv.Inject(mihutest.Fault{Status: 500}))
	client := srv.Client(t, swift, rec.hooks)
	err := client.Trunks.Delete(t.Context(), frontDesk)
	require.ErrorIs(t, err, mihu.ErrOutcomeUnknown)
	spans := rec.started(t)
	require.Len(t, spans, 2)
	assert.Equal(t, span{
		Name: "mihu trunks.delete", Kind: trace.SpanKindInternal, Status: failed,
		Attrs: map[string]any{
			"mihu.operation": "trunks.delete", "mihu.outcome": "unknown", "mihu.attempts": int64(1), "mihu.reconciled": false,
			"mihu.request_id": "mihutest-000001", "error.type": "outcome_unknown",
		},
	}, spans[0])
	assert.Equal(t, "500", spans[1].Attrs["error.type"])
}

// A call that sends nothing has a span without children; one that fails validation has no span.
func TestTraceOfUnsentCall(t *testing.T) {
	t.Parallel()
	rec, srv := newRecorder(t), mihutest.NewServer(t)
	full := errors.New("the bucket is empty")
	client := srv.Client(t, rec.hooks, mihu.WithLimiter(limiterFunc(func(context.Context) error { return full })))
	_, err := client.Channels.GetByNumber(t.Context(), frontDesk.PhoneNumber)
	require.ErrorIs(t, err, full)
	_, err = client.Channels.GetByNumber(t.Context(), "12")
	require.ErrorIs(t, err, mihu.ErrInvalid)
	spans := rec.started(t)
	require.Len(t, spans, 1)
	require.Len(t, spans[0].Events, 1)
	delete(spans[0].Events[0].Attrs, "mihu.wait.duration")
	assert.Equal(t, span{
		Name: "mihu channels.get_by_number", Kind: trace.SpanKindInternal, Status: failed,
		Attrs: map[string]any{
			"mihu.operation": "channels.get_by_number", "mihu.outcome": "failure", "mihu.attempts": int64(0), "mihu.reconciled": false,
			"error.type": "_OTHER",
		},
		Events: []event{{"mihu.wait", map[string]any{
			"mihu.wait.reason": "limiter", "mihu.wait.attempt": int64(1), "mihu.wait.interrupted": true,
		}}},
	}, spans[0])
}

type limiterFunc func(context.Context) error

func (f limiterFunc) Wait(ctx context.Context) error { return f(ctx) }

// A limiter that returns at once causes no event.
func TestLimiterWithoutWait(t *testing.T) {
	t.Parallel()
	instant := roundTrip(func(req *http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: http.StatusOK, Request: req, Body: io.NopCloser(strings.NewReader(`{"success": true, "data": {"items": []}}`)),
		}, nil
	})
	for _, wait := range []time.Duration{0, 5 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			rec := newRecorder(t)
			client, err := mihu.New("acme", "token", rec.hooks, mihu.WithHTTPClient(&http.Client{Transport: instant}),
				mihu.WithLimiter(limiterFunc(func(context.Context) error { time.Sleep(wait); return nil })))
			require.NoError(t, err)
			_, err = client.Trunks.List(t.Context(), nil)
			require.NoError(t, err)
			var want []event
			if wait > 0 {
				want = []event{{"mihu.wait", map[string]any{
					"mihu.wait.reason": "limiter", "mihu.wait.attempt": int64(1), "mihu.wait.duration": wait.Seconds(),
				}}}
			}
			spans := rec.spans.GetSpans()
			assert.Equal(t, want, eventsOf(spans[len(spans)-1]))
			points := histogram(t, rec.metrics(t)["mihu.wait.duration"])
			require.Len(t, points, 1, "it is measured anyway")
			assert.InDelta(t, wait.Seconds(), points[0].Sum, 1e-9)
			assert.Equal(t, map[string]any{"mihu.operation": "trunks.list", "mihu.wait.reason": "limiter"}, values(points[0].Attributes.ToSlice()))
		})
	}
}

// Two sets of hooks each end their own spans, although both put spans into the context.
func TestHooksBesideOthers(t *testing.T) {
	t.Parallel()
	one, other, srv := newRecorder(t), newRecorder(t), mihutest.NewServer(t)
	require.NoError(t, srv.Inject(mihutest.Fault{Status: 503}))
	_, err := srv.Client(t, swift, one.hooks, other.hooks).Trunks.List(t.Context(), nil)
	require.NoError(t, err)
	for _, rec := range []*recorder{one, other} {
		var names []string
		for _, s := range rec.started(t) {
			names = append(names, s.Name)
			assert.NotNil(t, s.Attrs["mihu.operation"])
			assert.True(t, s.Attrs["mihu.outcome"] != nil || s.Attrs["http.response.status_code"] != nil, "it ended with its result")
		}
		assert.Equal(t, []string{"mihu trunks.list", "GET /phone-numbers/trunks", "GET /phone-numbers/trunks"}, names)
	}
}

// Baggage is not sent, unless the propagator is set explicitly.
func TestPropagation(t *testing.T) {
	t.Parallel()
	both := propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})
	tests := []struct {
		name           string
		propagator     propagation.TextMapPropagator
		trace, baggage bool
	}{
		{"a trace", propagation.TraceContext{}, true, false},
		{"everything", both, true, true},
		{"nothing", propagation.NewCompositeTextMapPropagator(), false, false},
		{"the global one, which no test sets", nil, false, false},
	}
	member, err := baggage.NewMember("customer", "planted-customer")
	require.NoError(t, err)
	bag, err := baggage.New(member)
	require.NoError(t, err)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			rec, srv := newRecorder(t, otelmihu.WithPropagator(test.propagator), nil), mihutest.NewServer(t)
			_, err := srv.Client(t, rec.hooks).Trunks.List(baggage.ContextWithBaggage(t.Context(), bag), nil)
			require.NoError(t, err)
			header := srv.Requests()[0].Header
			assert.Equal(t, test.trace, header.Get("Traceparent") != "")
			assert.Equal(t, test.baggage, header.Get("Baggage") != "")
		})
	}
}

// Without providers calls work and nothing is recorded.
func TestHooksWithTheGlobalProviders(t *testing.T) {
	t.Parallel()
	srv := mihutest.NewServer(t)
	require.NoError(t, srv.Inject(mihutest.Fault{Status: 503}))
	_, err := srv.Client(t, swift, mihu.WithHooks(otelmihu.Hooks(nil))).Trunks.List(t.Context(), nil)
	require.NoError(t, err)
}

// error.type is one of few values, whatever happens.
func TestErrorTypes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		fault mihutest.Fault
		want  string
	}{
		{"a status", mihutest.Fault{Status: 404}, "404"},
		{"a redirect", mihutest.Fault{Status: 302}, "302"},
		{"a page", mihutest.HTMLPage(502), "502"},
		{"a page under 200", mihutest.HTMLPage(200), "malformed_response"},
		{"cut short", mihutest.Fault{Truncate: true}, "malformed_response"},
		{"success: false", mihutest.Fault{Body: []byte(`{"success": false, "message": "no"}`)}, "refused"},
		{"lost", mihutest.Fault{Drop: true}, "connection_lost"},
		{"attempt timeout", mihutest.Fault{Delay: time.Minute}, "timeout"},
	}
	once := mihu.WithRetryPolicy(mihu.RetryPolicy{MaxAttempts: 1})
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			rec, srv := newRecorder(t), mihutest.NewServer(t)
			require.NoError(t, srv.Inject(test.fault))
			opts := []mihu.Option{once, rec.hooks}
			if test.want == "timeout" {
				opts = append(opts, mihu.WithAttemptTimeout(20*time.Millisecond))
			}
			_, err := srv.Client(t, opts...).Trunks.List(t.Context(), nil)
			require.Error(t, err)
			for _, s := range rec.started(t) {
				assert.Equal(t, test.want, s.Attrs["error.type"], s.Name)
				assert.Equal(t, failed, s.Status, "without a description")
			}
		})
	}
	without := func(name, want string, change func(t *testing.T, srv *mihutest.Server) (context.Context, []mihu.Option)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rec, srv := newRecorder(t), mihutest.NewServer(t)
			ctx, opts := change(t, srv)
			_, err := srv.Client(t, append(opts, once, rec.hooks)...).Trunks.List(ctx, nil)
			require.Error(t, err)
			assert.Equal(t, want, rec.started(t)[0].Attrs["error.type"], "%v", err)
		})
	}
	without("canceled", "canceled", func(t *testing.T, _ *mihutest.Server) (context.Context, []mihu.Option) {
		t.Helper()
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errors.New("leaving"))
		return ctx, nil
	})
	without("deadline exceeded", "deadline_exceeded", func(t *testing.T, srv *mihutest.Server) (context.Context, []mihu.Option) {
		t.Helper()
		require.NoError(t, srv.Inject(mihutest.Fault{Delay: time.Minute}))
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		t.Cleanup(cancel)
		return ctx, nil
	})
	without("connection refused", "connect", func(t *testing.T, srv *mihutest.Server) (context.Context, []mihu.Option) {
		t.Helper()
		srv.Close()
		return t.Context(), nil
	})
	without("untrusted certificate", "certificate", func(t *testing.T, _ *mihutest.Server) (context.Context, []mihu.Option) {
		t.Helper()
		secure := mihutest.NewServer(t, mihutest.WithTLS())
		return t.Context(), []mihu.Option{mihu.WithBaseURL(secure.URL()), mihu.WithHTTPClient(http.DefaultClient)}
	})
	without("unknown host", "name_resolution", func(t *testing.T, _ *mihutest.Server) (context.Context, []mihu.Option) {
		t.Helper()
		return t.Context(), []mihu.Option{mihu.WithHTTPClient(&http.Client{Transport: noSuchHost{}})}
	})
}

// Another agent has the trunk of a Create whose response was lost.
func TestErrorTypeOfConflict(t *testing.T) {
	t.Parallel()
	rec, srv := newRecorder(t), mihutest.NewServer(t)
	require.NoError(t, srv.AddTrunk(mihutest.Trunk{ID: frontDesk, AgentUUID: srv.AddAgent("Eve")}))
	require.NoError(t, srv.Inject(post(mihutest.Fault{Drop: true})))
	_, err := srv.Client(t, swift, rec.hooks).Trunks.Create(t.Context(), wantedTrunk(srv.AddAgent("Ada")))
	require.ErrorIs(t, err, mihu.ErrConflict)
	assert.Equal(t, "conflict", rec.started(t)[0].Attrs["error.type"])
}

// A call that the client's pause would hold past its deadline fails as paused.
func TestErrorTypeOfPause(t *testing.T) {
	t.Parallel()
	rec, srv := newRecorder(t), mihutest.NewServer(t)
	require.NoError(t, srv.Inject(mihutest.Fault{Status: 429, RetryAfter: "50"}))
	client := srv.Client(t, rec.hooks, mihu.WithRetryPolicy(mihu.RetryPolicy{MaxAttempts: 2}))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for range 2 {
		_, err := client.Trunks.List(ctx, nil)
		require.ErrorIs(t, err, mihu.ErrRateLimited)
	}
	spans := rec.started(t)
	require.Len(t, spans, 3)
	assert.Equal(t, "429", spans[0].Attrs["error.type"])
	assert.Equal(t, "paused", spans[2].Attrs["error.type"])
}

// The transport receives the context of the attempt, so its own spans are children of the attempt's.
func TestTransportContext(t *testing.T) {
	t.Parallel()
	rec, srv := newRecorder(t), mihutest.NewServer(t)
	var below trace.SpanContext
	transport := roundTrip(func(req *http.Request) (*http.Response, error) {
		below = trace.SpanContextFromContext(req.Context())
		return http.DefaultTransport.RoundTrip(req)
	})
	_, err := srv.Client(t, rec.hooks, mihu.WithHTTPClient(&http.Client{Transport: transport})).Trunks.List(t.Context(), nil)
	require.NoError(t, err)
	stubs := rec.spans.GetSpans()
	i := slices.IndexFunc(stubs, func(s tracetest.SpanStub) bool { return strings.HasPrefix(s.Name, "GET ") })
	assert.Equal(t, stubs[i].SpanContext.SpanID(), below.SpanID())
}
