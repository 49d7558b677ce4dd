package provision_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
	"github.com/mihu-go/mihu/provision"
)

// fake is a Mihu for the examples that has every agent.
func fake() (*mihu.Client, *mihutest.Server) {
	server, err := mihutest.Start(mihutest.WithRules(mihutest.Rules{AnyAgent: true}))
	if err != nil {
		log.Fatal(err)
	}
	client, err := server.NewClient()
	if err != nil {
		log.Fatal(err)
	}
	return client, server
}

// Thousands of numbers, in a run that can be killed and started again.
func ExampleRun() {
	client, server := fake()
	defer server.Close()
	dir, err := os.MkdirTemp("", "provision")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()

	items := func(yield func(provision.Item, error) bool) {
		for i := range 1000 {
			item := provision.Item{Trunk: mihu.TrunkCreateRequest{
				TrunkID:   mihu.TrunkID{PhoneNumber: fmt.Sprintf("+1234%07d", i), Channel: mihu.ChannelCall},
				AgentUUID: fmt.Sprintf("3c90c3cc-0d44-4b50-8888-%012d", i),
			}}
			if !yield(item, nil) {
				return
			}
		}
	}
	for range 2 { // the second run finds everything finished
		journal, err := provision.OpenJournal(filepath.Join(dir, "numbers.journal"), "numbers of November")
		if err != nil {
			fmt.Println(err)
			return
		}
		count := map[provision.Action]int{}
		for result, err := range provision.Run(context.Background(), client, items, provision.Options{Workers: 32, Journal: journal}) {
			switch {
			case err != nil:
				fmt.Println(err) // of the run; what was not done, the next one does
				return
			case result.Err != nil:
				fmt.Println(result.Item.Trunk.TrunkID, result.Err)
			}
			count[result.Action]++
		}
		if err := journal.Close(); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(count)
	}
	// Output:
	// map[created:1000]
	// map[resumed:1000]
}

// A plan reports what a run would do, without making changes.
func ExamplePlan() {
	client, server := fake()
	defer server.Close()
	for _, i := range []int{1, 6} {
		if err := server.AddTrunk(mihutest.Trunk{ID: trunk(i), AgentUUID: agent(i)}); err != nil {
			fmt.Println(err)
			return
		}
	}
	items := []provision.Item{want(1, 2), want(3, 1), want(4, 6)}
	for result, err := range provision.Plan(context.Background(), client, stream(nil, items...), provision.Options{}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		if busy, ok := errors.AsType[*provision.AgentBusyError](result.Err); ok {
			fmt.Println(result.Item.Trunk.TrunkID, result.Action, "its agent serves", busy.Holder)
			continue
		}
		fmt.Println(result.Item.Trunk.TrunkID, result.Action)
	}
	// Output:
	// +1234•••0001/call assign
	// +1234•••0003/call create
	// +1234•••0004/call failed its agent serves +1234•••0006/call
}

// One trunk, with credentials that are kept elsewhere.
func ExampleApply() {
	client, server := fake()
	defer server.Close()
	secrets := func(_ context.Context, name string) (mihu.SIPCredentials, error) {
		return mihu.SIPCredentials{Gateway: "sip.example.com", Username: name, Password: "from the vault"}, nil
	}
	item := want(1, 1)
	item.SecretName = "front-desk"
	done, err := provision.Apply(context.Background(), client, item, secrets)
	if err != nil {
		fmt.Println(err)
		return
	}
	held, _ := server.Trunk(trunk(1))
	fmt.Println(done.Action, held.SIP.Username)
	// Output: created front-desk
}

// Two numbers cannot swap their agents. The error has an order that works with a spare agent.
func ExampleCycleError() {
	client, server := fake()
	defer server.Close()
	for i := range 2 {
		if err := server.AddTrunk(mihutest.Trunk{ID: trunk(i), AgentUUID: agent(i)}); err != nil {
			fmt.Println(err)
			return
		}
	}
	items := []provision.Item{want(0, 1), want(1, 0)}
	var results []provision.Result
	for result, err := range provision.Run(context.Background(), client, stream(nil, items...), provision.Options{}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		results = append(results, result)
	}
	slices.SortFunc(results, func(a, b provision.Result) int { return a.Index - b.Index })
	if cycle, ok := errors.AsType[*provision.CycleError](results[0].Err); ok {
		for _, swap := range cycle.Swaps {
			fmt.Println(swap.Trunk, "wants", swap.WantedUUID)
		}
	}
	// Output:
	// +1234•••0000/call wants 3c90c3cc-0d44-4b50-8888-000000000001
	// +1234•••0001/call wants 3c90c3cc-0d44-4b50-8888-000000000000
}
