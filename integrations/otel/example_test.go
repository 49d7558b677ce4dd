package otelmihu_test

import (
	"context"
	"fmt"
	"net/http"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/mihu-go/mihu"
	otelmihu "github.com/mihu-go/mihu/integrations/otel"
	"github.com/mihu-go/mihu/mihutest"
)

// A Create whose response is a 503 and that finds out whether the trunk was created.
func ExampleHooks() {
	exporter := tracetest.NewInMemoryExporter() // a program has its own, and sets its provider with otel.SetTracerProvider
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter))
	server, err := mihutest.Start() // stands for the workspace
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()

	client, err := mihu.New("acme", server.Token(), mihu.WithBaseURL(server.URL()),
		mihu.WithHooks(otelmihu.Hooks(otelmihu.WithTracerProvider(provider))),
		mihu.WithRetryPolicy(mihu.RetryPolicy{BaseDelay: time.Millisecond}))
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := server.Inject(mihutest.Fault{On: mihutest.Match{Method: http.MethodPost}, Status: http.StatusServiceUnavailable, AfterChange: true}); err != nil {
		fmt.Println(err)
		return
	}
	_, err = client.Trunks.Create(context.Background(), &mihu.TrunkCreateRequest{
		TrunkID:   mihu.TrunkID{PhoneNumber: "+12025550142", Channel: mihu.ChannelCall},
		AgentUUID: server.AddAgent("Day desk"),
	})
	fmt.Println(err)
	for _, span := range exporter.GetSpans() { // in the order in which they ended
		fmt.Println(span.SpanKind, span.Name, span.Status.Code)
	}
	// Output:
	// <nil>
	// client POST /phone-numbers/trunks Error
	// client GET /phone-numbers/channels Unset
	// internal mihu trunks.create.read Unset
	// internal mihu trunks.create Unset
}
