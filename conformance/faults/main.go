// Command faults measures what package mihu promises. Every call reports one of three outcomes, and
// the report is always true: the change was applied, it was not applied, or the outcome is unknown
// and the error contains advice how to find out.
//
//	go run ./faults [-short] [-run regexp] [-seed n]
//
// Every scenario runs the client against an in-process fake server and injects faults. Afterwards it
// compares what the calls reported with the state of the server. All traffic stays on the loopback
// interface. The exit status is 1 if a requirement is not met.
package main

import (
	"context"
	"flag"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"regexp"
	"time"
)

// scenario is one kind of failure.
type scenario struct {
	name  string
	about string
	run   func(context.Context, *lab) error
}

var scenarios = []scenario{
	{"creates", "creates with injected faults, over HTTP/1.1", createsHTTP1},
	{"creates-http2", "creates with injected faults, over HTTP/2: a lost connection fails all of its requests", createsHTTP2},
	{"creates-toxiproxy", "creates through TCP proxies that fail and recover at random", createsToxiproxy},
	{"changes", "updates, assigns and deletes with injected faults", changes},
	{"creates-lagging", "creates with injected faults and reads that lag", createsLagging},
	{"creates-deviating", "the same, with contradicting snapshots, successes without data and other envelopes", createsDeviating},
	{"changes-deviating", "updates, assigns and deletes with all of these", changesDeviating},
	{"lives-deviating", "trunks that are created, moved, deleted and read by one client, with all of these", livesDeviating},
	{"lists", "lists in all forms of pagination, with injected faults", lists},
	{"outage-503", "a server that responds with 503 to every request, then recovers", outage503},
	{"outage-refused", "a server that refuses connections, then recovers", outageRefused},
	{"pool", "connections and throughput while 2 % of the responses are 503", pool},
	{"black-hole", "an HTTP/2 connection whose packets are lost", blackHole},
	{"nginx-reload", "nginx that limits the rate, closes connections and is reloaded continually", nginxReload},
	{"nginx-restart", "nginx in front of a server that is restarted continually", nginxRestart},
}

// scenarioTimeout ends a scenario that hangs.
const scenarioTimeout = 10 * time.Minute

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := command(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// command runs the selected scenarios and returns the exit status.
func command(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("faults", flag.ContinueOnError)
	flags.SetOutput(stderr)
	pattern := flags.String("run", "", "run the scenarios whose name matches this `regexp`")
	short := flags.Bool("short", false, "run a short form of every scenario")
	seed := flags.Uint64("seed", 0, "seed of the faults; 0 means a random seed")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	wanted, err := regexp.Compile(*pattern)
	if err != nil || flags.NArg() > 0 {
		_, _ = fmt.Fprintln(stderr, "faults: want only flags, and a valid regular expression for -run:", err)
		return 2
	}
	for *seed == 0 {
		*seed = rand.Uint64() //nolint:gosec // faults must be reproducible, not secret
	}
	_, _ = fmt.Fprintf(stdout, "seed %d\n", *seed)

	ran, missed := 0, 0
	for _, s := range scenarios {
		if !wanted.MatchString(s.name) || ctx.Err() != nil {
			continue
		}
		ran++
		l := newLab(*short, *seed, s.name)
		began := time.Now()
		limited, cancel := context.WithTimeout(ctx, scenarioTimeout)
		if err := s.run(limited, l); err != nil {
			l.add("completed", err.Error(), "yes", false)
		}
		cancel()
		missed += l.missed()
		_, _ = fmt.Fprintf(stdout, "\n%s: %s (%.1f s)\n", s.name, s.about, time.Since(began).Seconds())
		l.print(stdout)
	}
	switch {
	case ctx.Err() != nil:
		_, _ = fmt.Fprintln(stderr, "faults: interrupted")
		return 1
	case ran == 0:
		_, _ = fmt.Fprintln(stderr, "faults: no scenario matches", *pattern)
		return 2
	case missed > 0:
		_, _ = fmt.Fprintf(stdout, "\n%d requirements not met; reproduce with -seed %d\n", missed, *seed)
		return 1
	}
	_, _ = fmt.Fprintf(stdout, "\nall requirements met in %d scenarios\n", ran)
	return 0
}

// newLab gives each scenario its own random source, so that it can be reproduced without the others.
func newLab(short bool, seed uint64, name string) *lab {
	h := fnv.New64a()
	_, _ = io.WriteString(h, name)
	return &lab{short: short, rng: rand.New(rand.NewPCG(seed, h.Sum64()))} //nolint:gosec // faults must be reproducible, not secret
}
