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

// counter is what a counter should have come to.
func counter(name, unit, description string, points ...metricdata.DataPoint[int64]) metricdata.Metrics {
	return metricdata.Metrics{Name: name, Unit: unit, Description: description, Data: metricdata.Sum[int64]{
		DataPoints: points, Temporality: metricdata.CumulativeTemporality, IsMonotonic: true,
	}}
}

func point(value int64, attrs ...attribute.KeyValue) metricdata.DataPoint[int64] {
	return metricdata.DataPoint[int64]{Attributes: attribute.NewSet(attrs...), Value: value}
}

// A Create that is settled, a Delete whose outcome stays open, a list that is repeated.
func TestMetrics(t *testing.T) {
	t.Parallel()
	lab, srv := newLab(t), mihutest.NewServer(t)
	client := srv.Client(t, swift, lab.hooks)
	require.NoError(t, srv.Inject(post(mihutest.Fault{Drop: true, AfterChange: true})))
	_, err := client.Trunks.Create(t.Context(), wantedTrunk(srv.AddAgent("Ada")))
	require.NoError(t, err)
	require.NoError(t, srv.Inject(mihutest.Fault{Status: 500}))
	require.ErrorIs(t, client.Trunks.Delete(t.Context(), frontDesk), mihu.ErrOutcomeUnknown)
	require.NoError(t, srv.Inject(mihutest.Fault{On: mihutest.Match{Times: 2}, Status: 503}))
	_, err = client.Trunks.List(t.Context(), nil)
	require.NoError(t, err)

	got := lab.measured(t)
	op := func(name string) attribute.KeyValue { return attribute.String("mihu.operation", name) }
	out := func(outcome string) attribute.KeyValue { return attribute.String("mihu.outcome", outcome) }
	errorType := func(name string) attribute.KeyValue { return attribute.String("error.type", name) }
	for _, want := range []metricdata.Metrics{
		counter("mihu.calls", "{call}", "Calls that have ended.",
			point(1, op("trunks.create"), out("success")), point(1, op("trunks.create.read"), out("success")),
			point(1, op("trunks.create.update"), out("success")),
			point(1, op("trunks.delete"), out("unknown"), errorType("outcome_unknown")), point(1, op("trunks.list"), out("success"))),
		counter("mihu.attempts", "{attempt}", "Requests that have ended, repetitions included.",
			point(1, op("trunks.create")), point(1, op("trunks.create.read")), point(1, op("trunks.create.update")),
			point(1, op("trunks.delete")), point(3, op("trunks.list"))),
		counter("mihu.retries", "{attempt}", "Requests that were repetitions.", point(2, op("trunks.list"))),
		counter("mihu.settled", "{call}", "Creates whose answers were lost and that looked for what had become of them.",
			point(1, op("trunks.create"), out("success"))),
		counter("mihu.outcome.unknown", "{call}", "Calls that may or may not have changed something.", point(1, op("trunks.delete"))),
	} {
		metricdatatest.AssertEqual(t, want, got[want.Name], metricdatatest.IgnoreTimestamp(), metricdatatest.IgnoreExemplars())
	}

	host, port := place(t, srv)
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
	assert.Len(t, got, 8, "no metric is left out of this test")
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

// A Create that cannot complete what it found is one open outcome, not two.
func TestAnOpenOutcomeIsCountedOnce(t *testing.T) {
	t.Parallel()
	lab, srv := newLab(t), mihutest.NewServer(t)
	require.NoError(t, srv.Inject(post(mihutest.Fault{Drop: true, AfterChange: true}), mihutest.Fault{On: mihutest.Match{Method: "PATCH", Times: -1}, Status: 500}))
	_, err := srv.Client(t, swift, lab.hooks).Trunks.Create(t.Context(), wantedTrunk(srv.AddAgent("Ada")))
	require.ErrorIs(t, err, mihu.ErrOutcomeUnknown)
	metricdatatest.AssertEqual(t,
		counter("mihu.outcome.unknown", "{call}", "Calls that may or may not have changed something.",
			point(1, attribute.String("mihu.operation", "trunks.create"))),
		lab.measured(t)["mihu.outcome.unknown"], metricdatatest.IgnoreTimestamp(), metricdatatest.IgnoreExemplars())
}

// A meter that makes no instruments is reported, and calls go on.
func TestMeterThatFails(t *testing.T) {
	var reported []error
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { reported = append(reported, err) }))
	t.Cleanup(func() { otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) {})) })
	lab, srv := newLab(t, otelmihu.WithMeterProvider(failing{})), mihutest.NewServer(t)
	require.Len(t, reported, 1)
	require.ErrorIs(t, reported[0], errNoInstrument)
	_, err := srv.Client(t, lab.hooks).Trunks.List(context.WithoutCancel(t.Context()), nil)
	require.NoError(t, err)
	assert.Len(t, lab.seen(t), 2)
}

var errNoInstrument = errors.New("no such instrument")

type failing struct{ noop.MeterProvider }

func (failing) Meter(string, ...metric.MeterOption) metric.Meter { return failingMeter{} }

type failingMeter struct{ noop.Meter }

func (failingMeter) Int64Counter(string, ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	return nil, errNoInstrument
}
