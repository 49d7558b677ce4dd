// Package otelmihu records what a mihu.Client does as OpenTelemetry traces and metrics: a span for
// every call with one for each of its requests beneath it, and metrics of calls, requests, waits and
// outcomes.
//
//	client, err := mihu.New("acme", token, mihu.WithHooks(otelmihu.Hooks()))
//
// A context that holds a span gets the spans of the call as its children. No span, event or metric
// holds a phone number, a token, a SIP credential, a query, an argument of a path or the text of an
// error: what went wrong is told by error.type alone. The README lists every attribute and metric.
package otelmihu
