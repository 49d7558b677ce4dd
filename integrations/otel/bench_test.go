package otelmihu_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/propagation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/mihu-go/mihu"
	otelmihu "github.com/mihu-go/mihu/integrations/otel"
)

// BenchmarkCall measures a PATCH without a socket: without hooks, with global providers that record
// nothing, and with those of the SDK.
func BenchmarkCall(b *testing.B) {
	const response = `{"success":true,"data":{"number":"+12345678901","channels":{"call":{"bound":true}}}}`
	instant := roundTrip(func(req *http.Request) (*http.Response, error) {
		_, _ = io.Copy(io.Discard, req.Body)
		return &http.Response{
			StatusCode: http.StatusOK, Proto: "HTTP/1.1", Request: req, Header: http.Header{"X-Request-Id": {"1f0c6e7a"}},
			Body: io.NopCloser(strings.NewReader(response)), ContentLength: int64(len(response)),
		}, nil
	})
	tracers := sdktrace.NewTracerProvider()
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader()))
	unsampled := sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.NeverSample()))
	trace := otelmihu.WithPropagator(propagation.TraceContext{})
	for _, test := range []struct {
		name string
		opts []mihu.Option
	}{
		{"without hooks", nil},
		{"hooks without functions", []mihu.Option{mihu.WithHooks(mihu.Hooks{})}},
		{"providers that record nothing", []mihu.Option{mihu.WithHooks(otelmihu.Hooks())}},
		{"metrics", []mihu.Option{mihu.WithHooks(otelmihu.Hooks(trace, otelmihu.WithMeterProvider(meters), otelmihu.WithTracerProvider(unsampled)))}},
		{"metrics and spans", []mihu.Option{mihu.WithHooks(otelmihu.Hooks(trace, otelmihu.WithMeterProvider(meters), otelmihu.WithTracerProvider(tracers)))}},
	} {
		b.Run(test.name, func(b *testing.B) {
			opts := append([]mihu.Option{mihu.WithHTTPClient(&http.Client{Transport: instant})}, test.opts...)
			client, err := mihu.New("acme", "token", opts...)
			require.NoError(b, err)
			update := &mihu.TrunkUpdateRequest{Name: new("Reception"), SIP: &mihu.SIPUpdate{Password: new("n3w")}}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := client.Trunks.Update(b.Context(), frontDesk, update); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
