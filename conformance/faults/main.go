// Command faults shows by measurement what package mihu promises: a call that moves a company's
// phone line ends in one of three ways, always the true one. It happened, it did not, or the
// outcome is unknown and the error says how to find out.
//
//	go run ./faults [-short] [-run regexp] [-seed n]
//
// Every scenario runs the client against a server that lives in this process and whose state is
// the truth, with faults in between, and compares what the calls reported with that truth. All
// traffic stays on the loopback interface. The exit status is 1 where a required figure is missed.
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

// scenario is one way in which things go wrong.
type scenario struct {
	name  string
	about string
	run   func(context.Context, *lab) error
}

var scenarios = []scenario{
	{"creates", "creates under the server's own faults, over HTTP/1.1", createsHTTP1},
	{"creates-http2", "the same over HTTP/2, where a lost connection takes every request on it along", createsHTTP2},
	{"creates-toxiproxy", "the same through TCP proxies that go bad and recover at random", createsToxiproxy},
	{"changes", "updates, assigns and deletes under the server's own faults", changes},
	{"outage-503", "a server that answers 503 to everything, and recovers", outage503},
	{"outage-refused", "a server that refuses connections, and recovers", outageRefused},
	{"pool", "connections and speed while 2 % of the answers are 503", pool},
	{"black-hole", "an HTTP/2 connection whose packets vanish", blackHole},
	{"nginx-reload", "nginx in front that limits the rate, closes connections and is reloaded all the time", nginxReload},
	{"nginx-restart", "nginx in front of a server that is restarted all the time", nginxRestart},
}

// longest bounds a scenario that hangs.
const longest = 10 * time.Minute

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := command(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// command runs the scenarios that are asked for and gives the exit status.
func command(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("faults", flag.ContinueOnError)
	flags.SetOutput(stderr)
	pattern := flags.String("run", "", "run the scenarios whose name matches this `regexp`")
	short := flags.Bool("short", false, "run every scenario in its bounded form")
	seed := flags.Uint64("seed", 0, "seed of the faults; 0 draws one")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	wanted, err := regexp.Compile(*pattern)
	if err != nil || flags.NArg() > 0 {
		_, _ = fmt.Fprintln(stderr, "faults: want flags only, and a regular expression to -run:", err)
		return 2
	}
	for *seed == 0 {
		*seed = rand.Uint64() //nolint:gosec // faults are to be repeatable, not secret
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
		limited, cancel := context.WithTimeout(ctx, longest)
		if err := s.run(limited, l); err != nil {
			l.add("could be run", err.Error(), "yes", false)
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
		_, _ = fmt.Fprintf(stdout, "\n%d required figures missed; repeat with -seed %d\n", missed, *seed)
		return 1
	}
	_, _ = fmt.Fprintf(stdout, "\nevery required figure is met, in %d scenarios\n", ran)
	return 0
}

// newLab gives each scenario a random source of its own, so that one can be repeated without the
// others.
func newLab(short bool, seed uint64, name string) *lab {
	h := fnv.New64a()
	_, _ = io.WriteString(h, name)
	return &lab{short: short, rng: rand.New(rand.NewPCG(seed, h.Sum64()))} //nolint:gosec // faults are to be repeatable, not secret
}
