package otelmihu

import (
	"context"
	"errors"
	"slices"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/mihu-go/mihu"
)

// instruments are all metrics.
type instruments struct {
	requests   metric.Float64Histogram
	duration   metric.Float64Histogram
	waits      metric.Float64Histogram
	calls      metric.Int64Counter
	attempts   metric.Int64Counter
	retries    metric.Int64Counter
	reconciled metric.Int64Counter
	unknown    metric.Int64Counter
}

// newInstruments creates the instruments of a meter. If it cannot, it passes the error to the global error
// handler, and nothing is measured.
func newInstruments(meter metric.Meter) instruments {
	created, err := createInstruments(meter)
	if err != nil {
		otel.Handle(err)
		created, _ = createInstruments(noop.Meter{}) // never fails
	}
	return created
}

func createInstruments(meter metric.Meter) (instruments, error) {
	// The conventions' buckets for http.client.request.duration, and longer ones for what includes waits.
	requestBuckets := []float64{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10}
	callBuckets := append(slices.Clone(requestBuckets), 30, 60, 120)
	var created instruments
	var errs [8]error
	created.requests, errs[0] = meter.Float64Histogram("http.client.request.duration", metric.WithUnit("s"),
		metric.WithDescription("Duration of HTTP client requests."), metric.WithExplicitBucketBoundaries(requestBuckets...))
	created.duration, errs[1] = meter.Float64Histogram("mihu.call.duration", metric.WithUnit("s"),
		metric.WithDescription("Duration of calls, including their retries and waits."), metric.WithExplicitBucketBoundaries(callBuckets...))
	created.waits, errs[2] = meter.Float64Histogram("mihu.wait.duration", metric.WithUnit("s"),
		metric.WithDescription("Duration of waits within calls."), metric.WithExplicitBucketBoundaries(callBuckets...))
	created.calls, errs[3] = meter.Int64Counter("mihu.calls", metric.WithUnit("{call}"),
		metric.WithDescription("Calls that have ended."))
	created.attempts, errs[4] = meter.Int64Counter("mihu.attempts", metric.WithUnit("{attempt}"),
		metric.WithDescription("Requests that have ended, including retries."))
	created.retries, errs[5] = meter.Int64Counter("mihu.retries", metric.WithUnit("{attempt}"),
		metric.WithDescription("Requests that were retries."))
	created.reconciled, errs[6] = meter.Int64Counter("mihu.reconciled", metric.WithUnit("{call}"),
		metric.WithDescription("Creates whose response was lost and that were reconciled."))
	created.unknown, errs[7] = meter.Int64Counter("mihu.outcome.unknown", metric.WithUnit("{call}"),
		metric.WithDescription("Calls whose change may have been applied."))
	return created, errors.Join(errs[:]...)
}

func (m instruments) call(ctx context.Context, call mihu.CallInfo, result mihu.CallResult) {
	op, out := operationKey.String(call.Op), outcomeKey.String(outcome(result))
	attrs := make([]attribute.KeyValue, 0, 3)
	attrs = append(attrs, op, out)
	if result.Err != nil {
		attrs = append(attrs, semconv.ErrorTypeKey.String(errorType(result.Err)))
	}
	set := metric.WithAttributeSet(attribute.NewSet(attrs...))
	m.calls.Add(ctx, 1, set)
	m.duration.Record(ctx, result.Duration.Seconds(), set)
	if result.Reconciled {
		m.reconciled.Add(ctx, 1, metric.WithAttributes(op, out))
	}
	if result.OutcomeUnknown && !call.Reconciling { // the Create that it belongs to is counted
		m.unknown.Add(ctx, 1, metric.WithAttributes(op))
	}
}

func (m instruments) attempt(ctx context.Context, attempt mihu.AttemptInfo, result mihu.AttemptResult) {
	call := attempt.Call
	attrs := make([]attribute.KeyValue, 0, 6)
	attrs = append(attrs, semconv.HTTPRequestMethodKey.String(call.Method), semconv.ServerAddress(call.Host), semconv.ServerPort(call.Port))
	attrs = append(attrs, responseAttributes(result)...)
	if result.Err != nil {
		attrs = append(attrs, semconv.ErrorTypeKey.String(errorType(result.Err)))
	}
	m.requests.Record(ctx, result.Duration.Seconds(), metric.WithAttributeSet(attribute.NewSet(attrs...)))
	op := metric.WithAttributeSet(attribute.NewSet(operationKey.String(call.Op)))
	m.attempts.Add(ctx, 1, op)
	if attempt.Number > 1 {
		m.retries.Add(ctx, 1, op)
	}
}

func (m instruments) wait(ctx context.Context, wait mihu.WaitInfo, result mihu.WaitResult) {
	m.waits.Record(ctx, result.Duration.Seconds(),
		metric.WithAttributes(operationKey.String(wait.Call.Op), reasonKey.String(string(wait.Reason))))
}
