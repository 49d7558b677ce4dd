package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// process is another process of this program.
type process struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout *bufio.Reader
}

const (
	envDatabase = "LAB_DATABASE"
	envMihu     = "LAB_MIHU"
	envWorkers  = "LAB_WORKERS"
	envQuick    = "LAB_QUICK"
	envItems    = "LAB_ITEMS"
	envRedis    = "LAB_REDIS"
	envRate     = "LAB_RATE"
)

// start starts a process in a role: serve, work or enqueue. Its standard input ends with this process, and
// then so does it.
func (l *lab) start(ctx context.Context, role string, env ...string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.CommandContext(ctx, self, role)} //nolint:gosec // this program
	p.cmd.Env = append(os.Environ(), append(env, envDatabase+"="+l.url)...)
	p.cmd.Stderr = os.Stderr
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.stdout = bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	l.procs = append(l.procs, p)
	return p, nil
}

// request sends a line and decodes the response, one line of JSON.
func (p *process) request(line string, response any) error {
	if _, err := io.WriteString(p.stdin, line+"\n"); err != nil {
		return err
	}
	return p.receive(response)
}

func (p *process) receive(into any) error {
	text, err := p.stdout.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("no response from the process: %w", err)
	}
	return json.Unmarshal(text, into)
}

// kill ends it as a crash would.
func (p *process) kill() {
	if p.cmd.ProcessState == nil {
		_ = p.cmd.Process.Kill() // it may have ended
		_ = p.cmd.Wait()         // by a signal
	}
}

// stop ends it with SIGTERM and waits.
func (p *process) stop() error {
	if p.cmd.ProcessState != nil {
		return nil
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	timer := time.AfterFunc(30*time.Second, func() { _ = p.cmd.Process.Kill() })
	defer timer.Stop()
	return p.cmd.Wait()
}

// withParent returns a context that ends when the parent process does.
func withParent(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	return ctx, cancel
}

func number(env string) (int, error) {
	n, err := strconv.Atoi(os.Getenv(env))
	if err != nil {
		return 0, fmt.Errorf("%s: %w", env, err)
	}
	return n, nil
}

// send writes one line of JSON to the parent process.
func send(v any) error { return json.NewEncoder(os.Stdout).Encode(v) }
