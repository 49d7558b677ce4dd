package main

import (
	"bytes"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// imports measures the cost of importing a contender. It builds each adapter as a program, and for
// comparison one with only net/http (FLOOR) and one with encoding/json (NAIVE).
func (b *bench) imports() error {
	b.log("compiling net/http once")
	base := filepath.Join(b.tmp, "cache")
	for _, c := range contenders {
		if err := b.writeProgram(c); err != nil {
			return err
		}
	}
	if _, _, err := b.compile(contenders[0], base); err != nil {
		return err
	}
	got := newSheet()
	for round := range b.times(2) {
		for _, c := range rotated(contenders, round) {
			if err := b.importOnce(c, base, got); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
		}
	}
	got.beyond("cpu beyond", "cpu", floor)
	got.beyond("size beyond", "size", naive)
	got.beyond("stripped beyond", "stripped", naive)
	b.tables = append(b.tables, got.table(table{
		Name: "import", Title: "What an import costs, with net/http compiled already",
		Columns: []column{
			{Key: "cpu beyond", Title: "compile CPU beyond FLOOR, s", Format: "%.2f", Spread: true},
			{Key: "cpu modules", Title: "outside of the standard library", Format: "%.2f", Spread: true},
			{Key: "memory", Title: "peak compiler memory, MB", Format: "%.0f", Scale: 1e6},
			{Key: "size beyond", Title: "binary beyond NAIVE, MB", Format: "%.2f", Scale: 1e6},
			{Key: "stripped beyond", Title: "the same, stripped", Format: "%.2f", Scale: 1e6},
			{Key: "modules", Title: "other modules linked", Format: "%.0f"},
			{Key: "init", Title: "start-up, µs", Format: "%.0f", Scale: 1e-6},
			{Key: "init allocs", Title: "start-up allocations", Format: "%.0f"},
			{Key: "init own", Title: "of its own module", Format: "%.0f"},
		},
	}))
	return nil
}

// beyond adds a figure: the difference of another figure to that of a base in the same round.
func (s *sheet) beyond(key, of, base string) {
	for _, name := range s.names {
		for i, value := range s.samples[name][of] {
			s.add(name, key, value-s.samples[base][of][i])
		}
	}
}

func (b *bench) importOnce(c contender, base string, into *sheet) error {
	cache := base + "-of-one"
	if err := os.RemoveAll(cache); err != nil {
		return err
	}
	if err := os.CopyFS(cache, os.DirFS(base)); err != nil {
		return err
	}
	cpu, memory, err := b.compile(c, cache)
	if err != nil {
		return err
	}
	modulesCPU, err := b.modulesCPU(c)
	if err != nil {
		return err
	}
	binary, err := b.link(c, cache)
	if err != nil {
		return err
	}
	info, err := os.Stat(binary)
	if err != nil {
		return err
	}
	stripped, err := os.Stat(binary + strippedSuffix)
	if err != nil {
		return err
	}
	modules, err := linkedModules(binary, c.module)
	if err != nil {
		return err
	}
	seconds, allocs, own, err := b.startUp(binary, c.module)
	if err != nil {
		return err
	}
	into.add(c.name, "cpu", cpu)
	into.add(c.name, "cpu modules", modulesCPU)
	into.add(c.name, "memory", memory)
	into.add(c.name, "size", float64(info.Size()))
	into.add(c.name, "stripped", float64(stripped.Size()))
	into.add(c.name, "modules", float64(modules))
	into.add(c.name, "init", seconds)
	into.add(c.name, "init allocs", allocs)
	into.add(c.name, "init own", own)
	return nil
}

func (b *bench) programDir(c contender) string {
	return filepath.Join(b.tmp, strings.TrimSuffix(c.file, ".go"))
}

// writeProgram writes a program that makes one call with one contender.
func (b *bench) writeProgram(c contender) error {
	here, err := os.Getwd()
	if err != nil {
		return err
	}
	files := map[string][]byte{}
	for _, name := range []string{"go.mod", "go.sum", "work.go", c.file} {
		if files[name], err = os.ReadFile(name); err != nil {
			return err
		}
	}
	files["go.mod"] = bytes.ReplaceAll(files["go.mod"], []byte("=> ../"), []byte("=> "+filepath.Dir(here)))
	files["main.go"] = fmt.Appendf(nil, `package main

import (
	"context"
	"os"
)

func main() {
	if len(os.Args) < 2 {
		return
	}
	client, err := %s(place{URL: os.Args[1]})
	if err == nil {
		err = client.update(context.Background())
	}
	if err != nil {
		panic(err)
	}
}
`, c.maker)
	dir := b.programDir(c)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// compile compiles the program and its imports without linking.
func (b *bench) compile(c contender, cache string) (cpu, memory float64, err error) {
	state, err := b.goCommand(c, cache, "list", "-export", "-debug-actiongraph="+b.actions(c), "-f", "{{.Export}}", ".")
	if err != nil {
		return 0, 0, err
	}
	usage, ok := state.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0, 0, fmt.Errorf("the usage of a process is a %T", state.SysUsage())
	}
	// Linux reports kB, and the maximum of the process and its children.
	return (state.UserTime() + state.SystemTime()).Seconds(), float64(usage.Maxrss) * 1024, nil
}

// actions is the file of the go command's -debug-actiongraph.
func (b *bench) actions(c contender) string { return filepath.Join(b.programDir(c), "actions.json") }

// modulesCPU returns the CPU time of compiling packages outside the standard library. The standard
// library is only compiled once per Go release.
func (b *bench) modulesCPU(c contender) (seconds float64, err error) {
	written, err := os.ReadFile(b.actions(c))
	if err != nil {
		return 0, err
	}
	var actions []struct {
		Mode, Package   string
		CmdUser, CmdSys time.Duration
	}
	if err := json.Unmarshal(written, &actions); err != nil {
		return 0, err
	}
	for _, a := range actions {
		if a.Mode == "build" && isOfModule(a.Package) && a.Package != "github.com/mihu-go/mihu/benchmarks" {
			seconds += (a.CmdUser + a.CmdSys).Seconds()
		}
	}
	return seconds, nil
}

// isOfModule reports whether a package is outside the standard library.
func isOfModule(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return strings.Contains(first, ".")
}

const strippedSuffix = ".stripped"

// link links the program like go build, then again without debug information.
func (b *bench) link(c contender, cache string) (binary string, err error) {
	binary = filepath.Join(b.programDir(c), "program")
	if _, err = b.goCommand(c, cache, "build", "-o", binary, "."); err == nil {
		_, err = b.goCommand(c, cache, "build", "-ldflags=-s -w", "-o", binary+strippedSuffix, ".")
	}
	return binary, err
}

func (b *bench) goCommand(c contender, cache string, args ...string) (*os.ProcessState, error) {
	cmd := exec.CommandContext(b.ctx, "go", args...)
	cmd.Dir = b.programDir(c)
	cmd.Env = append(os.Environ(), "GOCACHE="+cache, "GOFLAGS=-buildvcs=false", "GOWORK=off", "CGO_ENABLED=0")
	if output, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go %s: %w: %s", args[0], err, output)
	}
	return cmd.ProcessState, nil
}

// linkedModules counts the modules in a binary without the contender's own.
func linkedModules(binary, own string) (int, error) {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, module := range info.Deps {
		if module.Path != own {
			n++
		}
	}
	return n, nil
}

var initLine = regexp.MustCompile(`^init (\S+) @\S+ ms, (\S+) ms clock, \d+ bytes, (\d+) allocs`)

// startUp sums up the initialization of packages outside the standard library. own is the part of one
// module.
func (b *bench) startUp(binary, module string) (seconds, allocs, own float64, err error) {
	cmd := exec.CommandContext(b.ctx, binary)
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	output, err := cmd.CombinedOutput()
	if err != nil {
		return 0, 0, 0, fmt.Errorf("%w: %s", err, output)
	}
	for line := range strings.Lines(string(output)) {
		found := initLine.FindStringSubmatch(line)
		if len(found) < 2 || !isOfModule(found[1]) {
			continue
		}
		milliseconds, err := strconv.ParseFloat(found[2], 64)
		if err != nil {
			return 0, 0, 0, err
		}
		count, err := strconv.ParseFloat(found[3], 64)
		if err != nil {
			return 0, 0, 0, err
		}
		seconds += milliseconds / 1000
		allocs += count
		if module != "" && (found[1] == module || strings.HasPrefix(found[1], module+"/")) {
			own += count
		}
	}
	return seconds, allocs, own, nil
}

func (b *bench) log(text string) { fmt.Fprintln(os.Stderr, text) }
