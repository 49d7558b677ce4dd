// Package otelmihu records the calls of a mihu.Client as OpenTelemetry traces and metrics: a span for
// every call, a child span for each of its requests, and metrics of calls, requests, waits and outcomes.
//
//	client, err := mihu.New("acme", token, mihu.WithHooks(otelmihu.Hooks()))
//
// If the context of a call holds a span, the span of the call is its child. No span, event or metric
// holds a phone number, a token, a SIP credential, a query, a path argument or an error's text; error.type
// classifies what failed. The README lists every attribute and metric.
package otelmihu
