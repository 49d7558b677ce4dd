// Command lab measures the guarantees of package mihuriver, with processes that are killed and a PostgreSQL
// and a Redis that are restarted.
//
//	go run . [-short] [-run regexp]
//
// It starts a PostgreSQL and a Redis in temporary directories, a fake server in a process of its own, and
// processes of workers. All traffic stays on the loopback interface and Unix sockets. The exit status is 1 if
// a required figure is missed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"
)

// scenario is one measurement.
type scenario struct {
	name, about string
	run         func(ctx context.Context, l *lab) error
}

var scenarios = []scenario{
	{"fleet", "three processes complete at least 2.5 times the work of one, or twice in the short form, under faults, and all trunks are exactly as wanted", fleet},
	{"limit", "three processes share 200 requests a second", limit},
	{"kill", "a worker is killed every few seconds, PostgreSQL and Redis are restarted", kill},
	{"million", "enqueuing takes constant memory", million},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := command(ctx, os.Args[1:])
	stop()
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "lab:", err)
		os.Exit(1)
	}
}

// command runs the scenarios, or the role of one of their processes.
func command(ctx context.Context, args []string) error {
	if len(args) > 0 {
		switch args[0] {
		case "serve":
			return serve(ctx)
		case "work":
			return work(ctx)
		case "enqueue":
			return enqueue(ctx)
		}
	}
	flags := flag.NewFlagSet("lab", flag.ContinueOnError)
	short := flags.Bool("short", false, "run the bounded form")
	pattern := flags.String("run", "", "run the scenarios whose name matches this `regexp`")
	if err := flags.Parse(args); err != nil {
		return err
	}
	wanted, err := regexp.Compile(*pattern)
	if err != nil {
		return err
	}
	var missed []error
	for _, s := range scenarios {
		if !wanted.MatchString(s.name) || ctx.Err() != nil {
			continue
		}
		fmt.Printf("== %s: %s\n", s.name, s.about)
		began := time.Now()
		if err := inLab(ctx, *short, s.run); err != nil {
			missed = append(missed, fmt.Errorf("%s: %w", s.name, err))
			fmt.Printf("   FAILED: %v\n", err)
		}
		fmt.Printf("   %.1f s\n", time.Since(began).Seconds())
	}
	return errors.Join(missed...)
}
