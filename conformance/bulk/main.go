// Command bulk measures what "trunkctl import" promises: every row is applied although 1 % of the
// requests fail, and memory hardly grows with the input.
//
//	go run ./bulk [-rows n] [-small n] [-workers n] [-faults share] [-kills n]
//	go run ./bulk -state [-rows n] [-workers n]
//
// It builds trunkctl from this checkout and imports a small and a large file into a fake server in
// another process, then compares the server's trunks with the rows. Then it imports the large file
// again, kills the import at random moments and resumes it each time. For comparison, a plain loop
// with http.DefaultClient creates the same trunks sequentially and without retries. The exit status is
// 1 if a requirement is not met. With -state it measures runs of one file with a state, in which all
// rows are new, 1 % has changed and nothing has changed. Memory is the maximum resident set size, as GNU time prints it.
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
	defaultRows  = 100_000
	maxMemoryKiB = 64 << 10
	// maxGrowth is that of memory with many rows, relative to few. A row costs 27 bytes, and some twice that
	// until a collection.
	maxGrowth = 1.3
)

type settings struct {
	rows, small, workers, kills int
	faults                      float64
}

func main() {
	var s settings
	serve := flag.Bool("serve", false, "run as the server; used internally")
	flag.IntVar(&s.rows, "rows", defaultRows, "number of rows")
	flag.IntVar(&s.small, "small", 10_000, "number of rows of the small file")
	flag.IntVar(&s.workers, "workers", 64, "number of concurrent rows")
	flag.Float64Var(&s.faults, "faults", 0.01, "share of requests that fail")
	flag.IntVar(&s.kills, "kills", 20, "number of times to kill the import of the large file")
	remembers := flag.Bool("state", false, "measure runs with a state instead, by default of 1,000,000 rows")
	apply := flag.String("apply", "", "apply this file; used internally")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	run := func() error { return measure(ctx, s) }
	switch {
	case *serve:
		run = func() error { return serveOn(os.Stdin, os.Stdout, s.faults) }
	case *apply != "":
		run = func() error { return applyFile(ctx, *apply, s.workers) }
	case *remembers:
		if s.rows == defaultRows {
			s.rows = 1_000_000
		}
		run = func() error { return measureState(ctx, s) }
	}
	err := run()
	stop()
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "bulk:", err)
		os.Exit(1)
	}
}

// measure does all runs and compares their figures with the requirements.
func measure(ctx context.Context, s settings) error {
	dir, err := os.MkdirTemp("", "bulk-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	program := filepath.Join(dir, "trunkctl")
	build := exec.CommandContext(ctx, "go", "build", "-o", program, ".") //nolint:gosec // a temporary directory of this program
	build.Dir = filepath.Join("..", "cmd", "trunkctl")
	build.Env = append(os.Environ(), "GOWORK=") // use the one of its directory
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
		fmt.Printf("trunkctl import, %7d rows, %d workers, %g %% faults: %8.1f s, %5.1f MiB, all rows applied\n",
			r.rows, s.workers, 100*s.faults, r.into.wall.Seconds(), float64(r.into.memory)/1024)
	}
	if s.kills > 0 {
		wall, err := runKilled(ctx, program, dir, s, large.wall)
		if err != nil {
			return fmt.Errorf("killed import: %w", err)
		}
		fmt.Printf("trunkctl import, %7d rows, killed %d times:           %8.1f s, all rows applied, no finished row sent again\n",
			s.rows, s.kills, wall.Seconds())
	}
	wall, lost, err := runLoop(ctx, s)
	if err != nil {
		return fmt.Errorf("plain loop: %w", err)
	}
	fmt.Printf("plain loop,      %7d rows, http.DefaultClient:       %8.1f s, %d rows not applied\n", s.rows, wall.Seconds(), lost)
	growth := float64(large.memory) / float64(small.memory)
	fmt.Printf("memory with %d rows is %.2f times that with %d\n", s.rows, growth, s.small)
	switch {
	case max(small.memory, large.memory) >= maxMemoryKiB:
		return fmt.Errorf("memory exceeds %d MiB", maxMemoryKiB>>10)
	case growth > maxGrowth:
		return fmt.Errorf("memory grows by more than a factor of %g", maxGrowth)
	}
	return nil
}

// figures are the results of one run.
type figures struct {
	wall   time.Duration
	memory int64 // KiB
}
