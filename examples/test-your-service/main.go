// Test-your-service is a small service with tests. The type in service.go moves numbers between
// agents. service_test.go tests it with package mihutest, including network failures. To try it:
//
//	go test ./examples/test-your-service
//	go run ./examples/test-your-service
//
// With MIHU_TENANT and MIHU_API_TOKEN set, the command prints which agent answers a number's calls.
// With -yes, it moves the number to the agent of -to-agent.
package main

import (
	"context"
	"errors"
	"flag"
	"log/slog"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/examples/internal/example"
)

func main() { example.Main("test-your-service", run) }

func run(ctx context.Context, env example.Env) error {
	flags := flag.NewFlagSet("test-your-service", flag.ContinueOnError)
	number := flags.String("number", "", "E.164 `number` to move")
	agent := flags.String("to-agent", "", "`UUID` of the agent to move the number to")
	yes := flags.Bool("yes", false, "change a real workspace")
	if err := env.Parse(flags); err != nil {
		return err
	}
	workspace, err := example.Open(env)
	if err != nil {
		return err
	}
	defer workspace.Close()
	if workspace.Fake != nil {
		if err := workspace.Populate(1); err != nil {
			return err
		}
		*number, *agent = workspace.Fake.Trunks()[0].ID.PhoneNumber, workspace.Fake.AddAgent("Night desk")
	}
	if *number == "" || *agent == "" {
		return errors.New("a real workspace requires -number and -to-agent")
	}
	printAgent := func(when string) error {
		snap, err := workspace.Client.Channels.GetByNumber(ctx, *number)
		if err == nil {
			env.Printf("%-7s answered by %s\n", when+":", example.Who(snap.Binding(mihu.ChannelCall)))
		}
		return err
	}
	if err := printAgent("before"); err != nil {
		return err
	}
	if !workspace.MayWrite(*yes) {
		return example.ErrNotConfirmed
	}
	rota := &Rota{workspace.Client, slog.New(slog.NewTextHandler(env.Stderr, nil))}
	if err := rota.Put(ctx, *number, *agent); err != nil {
		return err
	}
	return printAgent("after")
}
