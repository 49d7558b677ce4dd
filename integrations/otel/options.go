package otelmihu

import (
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Option configures [Hooks]. The order of options does not matter, but of several of one kind the last
// takes precedence. A nil Option is ignored.
type Option interface{ apply(c *config) }

type option func(*config)

func (o option) apply(c *config) { o(c) }

type config struct {
	tracers    trace.TracerProvider
	meters     metric.MeterProvider
	propagator propagation.TextMapPropagator
}

// WithTracerProvider sets the provider of the tracer that records spans. nil means the default, the global
// provider. The provider of go.opentelemetry.io/otel/trace/noop records no spans.
func WithTracerProvider(provider trace.TracerProvider) Option {
	return option(func(c *config) { c.tracers = provider })
}

// WithMeterProvider sets the provider of the meter that records metrics. nil means the default, the global
// provider. The provider of go.opentelemetry.io/otel/metric/noop records no metrics.
func WithMeterProvider(provider metric.MeterProvider) Option {
	return option(func(c *config) { c.meters = provider })
}

// WithPropagator sets the propagator, which adds headers to every request, such as the traceparent of
// propagation.TraceContext. nil means the default: the global propagator without baggage, because baggage
// may be meant for the program's own services only. An empty propagation.NewCompositeTextMapPropagator()
// adds no headers.
func WithPropagator(propagator propagation.TextMapPropagator) Option {
	return option(func(c *config) { c.propagator = propagator })
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
