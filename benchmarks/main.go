//go:debug x509usefallbackroots=1

// Program benchmarks compares this package with its alternatives: net/http by hand, go-retryablehttp,
// and the clients of other APIs. See README.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"
)

// bench is one run.
type bench struct {
	ctx    context.Context
	tmp    string
	binary string // of the workers
	rounds int
	short  bool

	goVersion, nextVersion string
	worker, nextWorker     *worker
	servers                map[wire]*server
	tables                 []table
}

// times returns the number of rounds of a measurement.
func (b *bench) times(usual int) int {
	switch {
	case b.rounds > 0:
		return b.rounds
	case b.short:
		return 2
	}
	return usual
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "benchmarks:", err)
		os.Exit(1)
	}
}

func run() error {
	only := flag.String("run", ".", "run the measurements whose names match this regular `expression`")
	rounds := flag.Int("rounds", 0, "how many rounds each has; 0 is as many as are good for it")
	short := flag.Bool("short", false, "a quick look that proves nothing")
	out := flag.String("out", "", "the `directory` for the results; by default results, and none with -run or -short")
	next := flag.String("next", "go1.27.4", "the newer Go release to compare with; none where it is empty")
	isWorker := flag.Bool("worker", false, "be a worker of another run")
	flag.Parse()
	if *isWorker {
		return serveOrders(os.Stdin, os.Stdout)
	}
	matching, err := regexp.Compile(*only)
	if err != nil {
		return err
	}
	if *out == "" && *only == "." && !*short {
		*out = "results"
	}
	tmp, err := os.MkdirTemp("", "mihu-benchmarks")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	b := &bench{ctx: context.Background(), tmp: tmp, rounds: *rounds, short: *short, goVersion: runtime.Version()}
	if err := b.start(*next); err != nil {
		return err
	}
	defer b.stop()
	for _, m := range b.measurements() {
		if !matching.MatchString(m.name) {
			continue
		}
		start, done := time.Now(), len(b.tables)
		if err := m.run(); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		for _, t := range b.tables[done:] {
			fmt.Println(t.markdown())
		}
		fmt.Fprintf(os.Stderr, "%s took %s\n", m.name, time.Since(start).Round(time.Second))
	}
	return b.report(*out)
}

// start builds the workers and starts the servers.
func (b *bench) start(next string) error {
	if _, err := os.Stat("contenders.go"); err != nil {
		return errors.New("to be run in its own directory, since it builds what it finds there")
	}
	b.binary = filepath.Join(b.tmp, "worker")
	if err := b.build("", b.binary); err != nil {
		return err
	}
	b.servers = map[wire]*server{}
	for _, w := range []wire{http1, http1TLS, http2} {
		b.servers[w] = startServer(w)
	}
	root := b.servers[http2].root()
	var err error
	if b.worker, err = startWorker(b.ctx, b.binary, root); err != nil {
		return err
	}
	if next == "" {
		return nil
	}
	binary := filepath.Join(b.tmp, "worker-next")
	if err := b.build(next, binary); err != nil {
		fmt.Fprintf(os.Stderr, "without %s: %v\n", next, err)
		return nil
	}
	b.nextVersion = next
	b.nextWorker, err = startWorker(b.ctx, binary, root)
	return err
}

// build builds this program with a Go release; "" means the current one.
func (b *bench) build(release, binary string) error {
	cmd := exec.CommandContext(b.ctx, "go", "build", "-o", binary, ".")
	cmd.Env = os.Environ()
	if release != "" {
		cmd.Env = append(cmd.Env, "GOTOOLCHAIN="+release)
	}
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(output)))
	}
	return nil
}

func (b *bench) stop() {
	for _, w := range []*worker{b.worker, b.nextWorker} {
		if w != nil {
			w.stop()
		}
	}
	for _, s := range b.servers {
		s.Close()
	}
}

type measurement struct {
	name string
	run  func() error
}

func (b *bench) measurements() []measurement {
	all := []measurement{{"call", b.noSocketCalls}}
	for _, s := range scenes {
		all = append(all, measurement{s.name, func() error { return b.loopback(s) }})
	}
	return append(all,
		measurement{"canceled-http1", func() error { return b.canceled("canceled-http1", http1) }},
		measurement{"canceled-http2", func() error { return b.canceled("canceled-http2", http2) }},
		measurement{"list", b.lists},
		measurement{"import", b.imports},
	)
}
