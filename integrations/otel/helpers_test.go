package otelmihu_test

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/mihu-go/mihu"
	otelmihu "github.com/mihu-go/mihu/integrations/otel"
	"github.com/mihu-go/mihu/mihutest"
)

var frontDesk = mihu.TrunkID{PhoneNumber: "+12345678901", Channel: mihu.ChannelCall}

// swift retries without noticeable waits.
var swift = mihu.WithRetryPolicy(mihu.RetryPolicy{
	BaseDelay: time.Millisecond, MaxDelay: 2 * time.Millisecond, RateLimitDelay: time.Millisecond,
})

// wantedTrunk sets everything that cannot be read back.
func wantedTrunk(agent string) *mihu.TrunkCreateRequest {
	return &mihu.TrunkCreateRequest{
		TrunkID: frontDesk, AgentUUID: agent, Name: "Front desk", Direction: mihu.DirectionInbound,
		SIP: &mihu.SIPCredentials{Gateway: "sip.example.com", Username: "planted-user", Password: "planted-s3cret"},
	}
}

// recorder receives what hooks record.
type recorder struct {
	spans  *tracetest.InMemoryExporter
	reader *sdkmetric.ManualReader
	tracer trace.Tracer
	hooks  mihu.Option
}

func newRecorder(t *testing.T, opts ...otelmihu.Option) *recorder {
	t.Helper()
	r := &recorder{spans: tracetest.NewInMemoryExporter(), reader: sdkmetric.NewManualReader()}
	tracers := sdktrace.NewTracerProvider(sdktrace.WithSyncer(r.spans))
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(r.reader))
	t.Cleanup(func() {
		require.NoError(t, tracers.Shutdown(context.WithoutCancel(t.Context())))
		require.NoError(t, meters.Shutdown(context.WithoutCancel(t.Context())))
	})
	r.tracer = tracers.Tracer("test")
	opts = append([]otelmihu.Option{
		otelmihu.WithTracerProvider(tracers), otelmihu.WithMeterProvider(meters), otelmihu.WithPropagator(propagation.TraceContext{}),
	}, opts...)
	r.hooks = mihu.WithHooks(otelmihu.Hooks(opts...))
	return r
}

// span is what a test compares of a span.
type span struct {
	Name   string
	Kind   trace.SpanKind
	Parent string
	Attrs  map[string]any
	Status sdktrace.Status
	Events []event
}

type event struct {
	Name  string
	Attrs map[string]any
}

var failed = sdktrace.Status{Code: codes.Error}

func values(attrs []attribute.KeyValue) map[string]any {
	all := make(map[string]any, len(attrs))
	for _, attr := range attrs {
		all[string(attr.Key)] = attr.Value.AsInterface()
	}
	return all
}

// started returns the spans in the order in which they started.
func (r *recorder) started(t *testing.T) []span {
	t.Helper()
	ended := r.spans.GetSpans()
	slices.SortStableFunc(ended, func(a, b tracetest.SpanStub) int { return a.StartTime.Compare(b.StartTime) })
	names := map[trace.SpanID]string{}
	var all []span
	for _, stub := range ended {
		names[stub.SpanContext.SpanID()] = stub.Name
		require.Equal(t, "github.com/mihu-go/mihu/integrations/otel", stub.InstrumentationScope.Name)
		require.Equal(t, mihu.Version, stub.InstrumentationScope.Version)
		require.NotEmpty(t, stub.InstrumentationScope.SchemaURL)
		s := span{Name: stub.Name, Kind: stub.SpanKind, Attrs: values(stub.Attributes), Status: stub.Status}
		if stub.Parent.IsValid() {
			s.Parent = names[stub.Parent.SpanID()]
		}
		s.Events = eventsOf(stub)
		all = append(all, s)
	}
	return all
}

func eventsOf(stub tracetest.SpanStub) (all []event) {
	for _, e := range stub.Events {
		all = append(all, event{e.Name, values(e.Attributes)})
	}
	return all
}

// metrics returns all metrics by name.
func (r *recorder) metrics(t *testing.T) map[string]metricdata.Metrics {
	t.Helper()
	var collected metricdata.ResourceMetrics
	require.NoError(t, r.reader.Collect(t.Context(), &collected))
	all := map[string]metricdata.Metrics{}
	for _, scope := range collected.ScopeMetrics {
		require.Equal(t, "github.com/mihu-go/mihu/integrations/otel", scope.Scope.Name)
		for _, m := range scope.Metrics {
			all[m.Name] = m
		}
	}
	return all
}

// address returns the host and port of a fake server.
func address(t *testing.T, srv *mihutest.Server) (host string, port int) {
	t.Helper()
	u, err := url.Parse(srv.URL())
	require.NoError(t, err)
	port, err = strconv.Atoi(u.Port())
	require.NoError(t, err)
	return u.Hostname(), port
}

func post(f mihutest.Fault) mihutest.Fault {
	f.On.Method, f.On.Path = "POST", "/phone-numbers/trunks"
	return f
}

func get(f mihutest.Fault) mihutest.Fault {
	f.On.Method, f.On.Path = "GET", "/phone-numbers/channels"
	return f
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

type noSuchHost struct{}

func (noSuchHost) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "acme.mihu.ai", IsNotFound: true}}
}

func histogram(t *testing.T, m metricdata.Metrics) []metricdata.HistogramDataPoint[float64] {
	t.Helper()
	data, ok := m.Data.(metricdata.Histogram[float64])
	require.True(t, ok, "%s is a %T", m.Name, m.Data)
	return data.DataPoints
}
