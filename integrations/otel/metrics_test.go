package otelmihu_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"

	"github.com/mihu-go/mihu"
	otelmihu "github.com/mihu-go/mihu/integrations/otel"
	"github.com/mihu-go/mihu/mihutest"
)

// counter is the expected value of a counter.
func counter(name, unit, description string, points ...metricdata.DataPoint[int64]) metricdata.Metrics {
	return metricdata.Metrics{Name: name, Unit: unit, Description: description, Data: metricdata.Sum[int64]{
		DataPoints: points, Temporality: metricdata.CumulativeTemporality, IsMonotonic: true,
	}}
}

func point(value int64, attrs ...attribute.KeyValue) metricdata.DataPoint[int64] {
	return metricdata.DataPoint[int64]{Attributes: attribute.NewSet(attrs...), Value: value}
}

// A Create that is reconciled, a Delete whose outcome stays unknown, a list that is retried.
func TestMetrics(t *testing.T) {
	t.Parallel()
	rec, srv := newRecorder(t), mihutest.NewServer(t)
	client := srv.Client(t, swift, rec.hooks)
	require.NoError(t, srv.Inject(post(mihutest.Fault{Drop: true, AfterChange: true})))
	_, err := client.Trunks.Create(t.Context(), wantedTrunk(srv.AddAgent("Ada")))
	require.NoError(t, err)
	require.NoError(t, srv.Inject(mihutest.Fault{Status: 500}))
	require.ErrorIs(t, client.Trunks.Delete(t.Context(), frontDesk), mihu.ErrOutcomeUnknown)
	require.NoError(t, srv.Inject(mihutest.Fault{On: mihutest.Match{Times: 2}, Status: 503}))
	_, err = client.Trunks.List(t.Context(), nil)
	require.NoError(t, err)

	got := rec.metrics(t)
	op := func(name string) attribute.KeyValue { return attribute.String("mihu.operation", name) }
	out := func(outcome string) attribute.KeyValue { return attribute.String("mihu.outcome", outcome) }
	errorType := func(name string) attribute.KeyValue { return attribute.String("error.type", name) }
	for _, want := range []metricdata.Metrics{
		counter("mihu.calls", "{call}", "Calls that have ended.",
			point(1, op("trunks.create"), out("success")), point(1, op("trunks.create.read"), out("success")),
			point(1, op("trunks.create.update"), out("success")),
			point(1, op("trunks.delete"), out("unknown"), errorType("outcome_unknown")), point(1, op("trunks.list"), out("success"))),
		counter("mihu.attempts", "{attempt}", "Requests that have ended, including retries.",
			point(1, op("trunks.create")), point(1, op("trunks.create.read")), point(1, op("trunks.create.update")),
			point(1, op("trunks.delete")), point(3, op("trunks.list"))),
		counter("mihu.retries", "{attempt}", "Requests that were retries.", point(2, op("trunks.list"))),
		counter("mihu.reconciled", "{call}", "Creates whose response was lost and that were reconciled.",
			point(1, op("trunks.create"), out("success"))),
		counter("mihu.outcome.unknown", "{call}", "Calls whose change may have been applied.", point(1, op("trunks.delete"))),
	} {
		metricdatatest.AssertEqual(t, want, got[want.Name], metricdatatest.IgnoreTimestamp(), metricdatatest.IgnoreExemplars())
	}

	host, port := address(t, srv)
	request := func(method string, more ...attribute.KeyValue) attribute.Set {
		return attribute.NewSet(append(more, attribute.String("http.request.method", method),
			attribute.String("server.address", host), attribute.Int("server.port", port))...)
	}
	status := func(code int) attribute.KeyValue { return attribute.Int("http.response.status_code", code) }
	version := attribute.String("network.protocol.version", "1.1")
	assert.Equal(t, map[attribute.Set]uint64{
		request("POST", errorType("connection_lost")):             1,
		request("GET", status(200), version):                      2,
		request("PATCH", status(200), version):                    1,
		request("DELETE", status(500), version, errorType("500")): 1,
		request("GET", status(503), version, errorType("503")):    2,
	}, counts(t, got["http.client.request.duration"]))
	assert.Equal(t, "s", got["http.client.request.duration"].Unit)
	assert.Equal(t, []float64{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10},
		histogram(t, got["http.client.request.duration"])[0].Bounds)

	assert.Equal(t, map[attribute.Set]uint64{
		attribute.NewSet(op("trunks.list"), attribute.String("mihu.wait.reason", "backoff")): 2,
	}, counts(t, got["mihu.wait.duration"]))
	assert.Equal(t, map[attribute.Set]uint64{
		attribute.NewSet(op("trunks.create"), out("success")):                               1,
		attribute.NewSet(op("trunks.create.read"), out("success")):                          1,
		attribute.NewSet(op("trunks.create.update"), out("success")):                        1,
		attribute.NewSet(op("trunks.delete"), out("unknown"), errorType("outcome_unknown")): 1,
		attribute.NewSet(op("trunks.list"), out("success")):                                 1,
	}, counts(t, got["mihu.call.duration"]))
	assert.Len(t, got, 8, "this test covers every metric")
}

func counts(t *testing.T, m metricdata.Metrics) map[attribute.Set]uint64 {
	t.Helper()
	all := map[attribute.Set]uint64{}
	for _, p := range histogram(t, m) {
		assert.Positive(t, p.Sum)
		all[p.Attributes] += p.Count
	}
	return all
}

// A Create that cannot complete what it found is one unknown outcome, not two.
func TestUnknownOutcomeIsCountedOnce(t *testing.T) {
	t.Parallel()
	rec, srv := newRecorder(t), mihutest.NewServer(t)
	require.NoError(t, srv.Inject(post(mihutest.Fault{Drop: true, AfterChange: true}), mihutest.Fault{On: mihutest.Match{Method: "PATCH", Times: -1}, Status: 500}))
	_, err := srv.Client(t, swift, rec.hooks).Trunks.Create(t.Context(), wantedTrunk(srv.AddAgent("Ada")))
	require.ErrorIs(t, err, mihu.ErrOutcomeUnknown)
	metricdatatest.AssertEqual(t,
		counter("mihu.outcome.unknown", "{call}", "Calls whose change may have been applied.",
			point(1, attribute.String("mihu.operation", "trunks.create"))),
		rec.metrics(t)["mihu.outcome.unknown"], metricdatatest.IgnoreTimestamp(), metricdatatest.IgnoreExemplars())
}

// A meter that cannot create instruments is reported, and calls still work.
func TestFailingMeter(t *testing.T) {
	var reported []error
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { reported = append(reported, err) }))
	t.Cleanup(func() { otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) {})) })
	rec, srv := newRecorder(t, otelmihu.WithMeterProvider(failing{})), mihutest.NewServer(t)
	require.Len(t, reported, 1)
	require.ErrorIs(t, reported[0], errNoInstrument)
	_, err := srv.Client(t, rec.hooks).Trunks.List(context.WithoutCancel(t.Context()), nil)
	require.NoError(t, err)
	assert.Len(t, rec.started(t), 2)
}

var errNoInstrument = errors.New("no such instrument")

type failing struct{ noop.MeterProvider }

func (failing) Meter(string, ...metric.MeterOption) metric.Meter { return failingMeter{} }

type failingMeter struct{ noop.Meter }

func (failingMeter) Int64Counter(string, ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	return nil, errNoInstrument
}
