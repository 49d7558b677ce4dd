package otelmihu

import (
	"context"
	"net/http"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/mihu-go/mihu"
)

// scope is the instrumentation scope of all spans and metrics.
const scope = "github.com/mihu-go/mihu/integrations/otel"

// The attributes of this package.
const (
	operationKey   = attribute.Key("mihu.operation")
	attemptsKey    = attribute.Key("mihu.attempts")
	reconciledKey  = attribute.Key("mihu.reconciled")
	reconcilingKey = attribute.Key("mihu.reconciling")
	outcomeKey     = attribute.Key("mihu.outcome")
	requestIDKey   = attribute.Key("mihu.request_id")
	reasonKey      = attribute.Key("mihu.wait.reason")
	durationKey    = attribute.Key("mihu.wait.duration")
	waitAttemptKey = attribute.Key("mihu.wait.attempt")
	interruptedKey = attribute.Key("mihu.wait.interrupted")
)

// minEvent is the shortest wait for a limiter that is recorded as an event. The limiter is called before
// every request, and nearly always returns at once.
const minEvent = time.Millisecond

// Hooks returns hooks that record calls; pass them to mihu.WithHooks. Many clients may share them. Pass
// them to each client once: twice records everything twice. The global providers may be set before or
// after. If a meter cannot create the instruments, the error goes to the error handler of package otel, and
// no metrics are recorded. The caller shuts the providers down, which sends what they still hold.
func Hooks(opts ...Option) mihu.Hooks {
	var cfg config
	for _, opt := range opts {
		if opt != nil {
			opt.apply(&cfg)
		}
	}
	cfg = cfg.withDefaults()
	t := &telemetry{
		tracer:      cfg.tracers.Tracer(scope, trace.WithInstrumentationVersion(mihu.Version), trace.WithSchemaURL(semconv.SchemaURL)),
		propagator:  cfg.propagator,
		instruments: newInstruments(cfg.meters.Meter(scope, metric.WithInstrumentationVersion(mihu.Version), metric.WithSchemaURL(semconv.SchemaURL))),
	}
	return mihu.Hooks{
		CallStart: t.callStart, CallEnd: t.callEnd,
		AttemptStart: t.attemptStart, AttemptEnd: t.attemptEnd,
		WaitEnd: t.waitEnd,
	}
}

type telemetry struct {
	tracer      trace.Tracer
	propagator  propagation.TextMapPropagator
	instruments instruments
}

// callKey and attemptKey find the spans that these hooks started: other hooks may have put their own spans
// into the context.
type (
	callKey    struct{ *telemetry }
	attemptKey struct{ *telemetry }
)

func (t *telemetry) callStart(ctx context.Context, call mihu.CallInfo) context.Context {
	attrs := []attribute.KeyValue{operationKey.String(call.Op)}
	if call.Reconciling {
		attrs = append(attrs, reconcilingKey.Bool(true))
	}
	ctx, span := t.tracer.Start(ctx, "mihu "+call.Op, trace.WithSpanKind(trace.SpanKindInternal), trace.WithAttributes(attrs...))
	return context.WithValue(ctx, callKey{t}, span)
}

func (t *telemetry) callEnd(ctx context.Context, call mihu.CallInfo, result mihu.CallResult) {
	t.instruments.call(ctx, call, result)
	span, ok := ctx.Value(callKey{t}).(trace.Span)
	if !ok {
		return
	}
	defer span.End()
	if !span.IsRecording() {
		return
	}
	span.SetAttributes(outcomeKey.String(outcome(result)), attemptsKey.Int(result.Attempts), reconciledKey.Bool(result.Reconciled))
	finish(span, result.RequestID, result.Err)
}

func (t *telemetry) attemptStart(ctx context.Context, attempt mihu.AttemptInfo, header http.Header) context.Context {
	call := attempt.Call
	attrs := []attribute.KeyValue{
		semconv.HTTPRequestMethodKey.String(call.Method), semconv.ServerAddress(call.Host), semconv.ServerPort(call.Port),
		semconv.URLTemplate(call.Path), operationKey.String(call.Op),
	}
	if attempt.Number > 1 {
		attrs = append(attrs, semconv.HTTPRequestResendCount(attempt.Number-1))
	}
	ctx, span := t.tracer.Start(ctx, call.Method+" "+call.Path, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attrs...))
	t.propagator.Inject(ctx, propagation.HeaderCarrier(header))
	return context.WithValue(ctx, attemptKey{t}, span)
}

func (t *telemetry) attemptEnd(ctx context.Context, attempt mihu.AttemptInfo, result mihu.AttemptResult) {
	t.instruments.attempt(ctx, attempt, result)
	span, ok := ctx.Value(attemptKey{t}).(trace.Span)
	if !ok {
		return
	}
	defer span.End()
	if !span.IsRecording() {
		return
	}
	span.SetAttributes(responseAttributes(result)...)
	finish(span, result.RequestID, result.Err)
}

func (t *telemetry) waitEnd(ctx context.Context, wait mihu.WaitInfo, result mihu.WaitResult) {
	t.instruments.wait(ctx, wait, result)
	span, ok := ctx.Value(callKey{t}).(trace.Span)
	if !ok || !span.IsRecording() || wait.Reason == mihu.WaitLimiter && result.Duration < minEvent && !result.Interrupted {
		return
	}
	attrs := []attribute.KeyValue{
		reasonKey.String(string(wait.Reason)), durationKey.Float64(result.Duration.Seconds()), waitAttemptKey.Int(wait.Attempt),
	}
	if result.Interrupted {
		attrs = append(attrs, interruptedKey.Bool(true))
	}
	span.AddEvent("mihu.wait", trace.WithAttributes(attrs...))
}

// finish sets how a call or request ended. It omits the error's text, part of which is the server's.
func finish(span trace.Span, requestID string, err error) {
	if requestID != "" {
		span.SetAttributes(requestIDKey.String(requestID))
	}
	if err != nil {
		span.SetAttributes(semconv.ErrorTypeKey.String(errorType(err)))
		span.SetStatus(codes.Error, "")
	}
}

// responseAttributes are the HTTP conventions' attributes of a response; none if there was no response.
func responseAttributes(result mihu.AttemptResult) []attribute.KeyValue {
	if result.StatusCode == 0 {
		return nil
	}
	attrs := []attribute.KeyValue{semconv.HTTPResponseStatusCode(result.StatusCode)}
	if version, ok := strings.CutPrefix(result.Proto, "HTTP/"); ok {
		attrs = append(attrs, semconv.NetworkProtocolVersion(strings.TrimSuffix(version, ".0")))
	}
	return attrs
}

// outcome is the value of mihu.outcome.
func outcome(result mihu.CallResult) string {
	switch {
	case result.OutcomeUnknown:
		return "unknown"
	case result.Err != nil:
		return "failure"
	}
	return "success"
}
