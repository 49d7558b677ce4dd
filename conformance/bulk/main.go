// Command bulk shows by measurement what "trunkctl import" promises: every row ends as wanted although
// one request in a hundred fails, and memory hardly grows with the input.
//
//	go run ./bulk [-rows n] [-small n] [-workers n] [-faults share] [-kills n]
//
// It builds trunkctl from this checkout and runs it, once with few and once with many rows, against a
// server in a process of its own, which is then asked what it holds. Then it runs the many rows again, kills
// the import at random moments and goes on each time. A plain loop with
// http.DefaultClient does the many rows as well, one after the other and without a second try. The exit
// status is 1 where a required figure is missed. Memory is the maximum resident set as the system
// counts it, the figure that GNU time prints.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"time"
)

const (
	mostMemory = 64 << 10 // KiB
	mostGrowth = 1.2      // of the memory of many rows and of few
)

type settings struct {
	rows, small, workers, kills int
	faults                      float64
}

func main() {
	var s settings
	serve := flag.Bool("serve", false, "be the server; for the program itself")
	flag.IntVar(&s.rows, "rows", 100_000, "how many rows")
	flag.IntVar(&s.small, "small", 10_000, "how many rows to compare the memory with")
	flag.IntVar(&s.workers, "workers", 64, "how many rows at once")
	flag.Float64Var(&s.faults, "faults", 0.01, "the share of requests that fail")
	flag.IntVar(&s.kills, "kills", 20, "how often to kill an import of the many rows")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	run := func() error { return measure(ctx, s) }
	if *serve {
		run = func() error { return serveOn(os.Stdin, os.Stdout, s.faults) }
	}
	err := run()
	stop()
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "bulk:", err)
		os.Exit(1)
	}
}

// measure does all runs, one after the other, and holds their figures against what is required.
func measure(ctx context.Context, s settings) error {
	dir, err := os.MkdirTemp("", "bulk-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	program := filepath.Join(dir, "trunkctl")
	build := exec.CommandContext(ctx, "go", "build", "-o", program, ".") //nolint:gosec // into a folder of this program's own
	build.Dir = filepath.Join("..", "cmd", "trunkctl")
	build.Env = append(os.Environ(), "GOWORK=") // that of its folder
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	var small, large figures
	for _, r := range []struct {
		into *figures
		rows int
	}{{&small, s.small}, {&large, s.rows}} {
		if *r.into, err = runImport(ctx, program, dir, r.rows, s); err != nil {
			return fmt.Errorf("import of %d rows: %w", r.rows, err)
		}
		fmt.Printf("trunkctl import, %7d rows, %d workers, %g %% faults: %8.1f s, %5.1f MiB, all as wanted\n",
			r.rows, s.workers, 100*s.faults, r.into.wall.Seconds(), float64(r.into.memory)/1024)
	}
	if s.kills > 0 {
		wall, err := runKilled(ctx, program, dir, s, large.wall)
		if err != nil {
			return fmt.Errorf("import that is killed: %w", err)
		}
		fmt.Printf("trunkctl import, %7d rows, killed %d times:           %8.1f s, all as wanted, no finished row asked for again\n",
			s.rows, s.kills, wall.Seconds())
	}
	wall, lost, err := runLoop(ctx, s)
	if err != nil {
		return fmt.Errorf("plain loop: %w", err)
	}
	fmt.Printf("plain loop,      %7d rows, http.DefaultClient:       %8.1f s, %d rows not as wanted\n", s.rows, wall.Seconds(), lost)
	growth := float64(large.memory) / float64(small.memory)
	fmt.Printf("memory of %d rows is %.2f times that of %d\n", s.rows, growth, s.small)
	switch {
	case max(small.memory, large.memory) >= mostMemory:
		return fmt.Errorf("more memory than the %d MiB that are allowed", mostMemory>>10)
	case growth > mostGrowth:
		return fmt.Errorf("memory grows by more than the factor of %g that is allowed", mostGrowth)
	}
	return nil
}

// figures are those of one run.
type figures struct {
	wall   time.Duration
	memory int64 // KiB
}
