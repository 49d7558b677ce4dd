package otelmihu

import (
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Option changes what [Hooks] gives. The last of a kind wins.
type Option func(*config)

type config struct {
	tracers    trace.TracerProvider
	meters     metric.MeterProvider
	propagator propagation.TextMapPropagator
}

// WithTracerProvider records spans with a provider; nil is the default, the global one. That of
// go.opentelemetry.io/otel/trace/noop records none.
func WithTracerProvider(provider trace.TracerProvider) Option {
	return func(c *config) { c.tracers = provider }
}

// WithMeterProvider records metrics with a provider; nil is the default, the global one. That of
// go.opentelemetry.io/otel/metric/noop records none.
func WithMeterProvider(provider metric.MeterProvider) Option {
	return func(c *config) { c.meters = provider }
}

// WithPropagator sends what the propagator makes of the context with every request, such as the
// traceparent of propagation.TraceContext. nil is the default: the global propagator, without
// baggage, since what a program passes on to its own services in there may not be for others to
// read. An empty propagation.NewCompositeTextMapPropagator() sends nothing.
func WithPropagator(propagator propagation.TextMapPropagator) Option {
	return func(c *config) { c.propagator = propagator }
}

func (c config) withDefaults() config {
	if c.tracers == nil {
		c.tracers = otel.GetTracerProvider()
	}
	if c.meters == nil {
		c.meters = otel.GetMeterProvider()
	}
	if c.propagator == nil {
		c.propagator = withoutBaggage{otel.GetTextMapPropagator()}
	}
	return c
}
