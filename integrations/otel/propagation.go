package otelmihu

import (
	"context"

	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/propagation"
)

// withoutBaggage injects the trace and nothing else.
type withoutBaggage struct{ propagation.TextMapPropagator }

// Inject removes the baggage of the context first.
func (p withoutBaggage) Inject(ctx context.Context, carrier propagation.TextMapCarrier) {
	p.TextMapPropagator.Inject(baggage.ContextWithoutBaggage(ctx), carrier)
}
