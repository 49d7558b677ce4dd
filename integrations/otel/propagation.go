package otelmihu

import (
	"context"

	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/propagation"
)

// withoutBaggage passes a trace on and nothing else.
type withoutBaggage struct{ propagation.TextMapPropagator }

// Inject leaves the baggage of the context out.
func (p withoutBaggage) Inject(ctx context.Context, carrier propagation.TextMapCarrier) {
	p.TextMapPropagator.Inject(baggage.ContextWithoutBaggage(ctx), carrier)
}
