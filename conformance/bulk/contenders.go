package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/mihu-go/mihu/mihutest"
)

// runImport imports rows into a new server with trunkctl and checks that each row was applied.
func runImport(ctx context.Context, program, dir string, rows int, s settings) (f figures, err error) {
	file := filepath.Join(dir, strconv.Itoa(rows)+".csv")
	if err := writeRows(file, rows, 0); err != nil {
		return f, err
	}
	server, err := startRemote(ctx, s.faults)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, server.close()) }()
	cmd := importCommand(ctx, program, file, server, s)
	began := time.Now()
	out, err := cmd.CombinedOutput()
	f.wall = time.Since(began)
	if err != nil {
		return f, fmt.Errorf("%w: %s", err, out)
	}
	if f.memory, err = maxMemory(cmd); err != nil {
		return f, err
	}
	return f, server.check(rows)
}

// importCommand returns the command that imports a file, or resumes its import.
func importCommand(ctx context.Context, program, file string, server *remote, s settings) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, "import", file, "--resume", "--yes", "--workers", strconv.Itoa(s.workers)) //nolint:gosec // built above
	// The log of the changes goes to the directory of the file.
	cmd.Env = append(server.environment(), "XDG_STATE_HOME="+filepath.Dir(file))
	return cmd
}

// maxMemory returns the maximum resident set size of a process that has ended, in KiB.
func maxMemory(cmd *exec.Cmd) (int64, error) {
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0, errors.New("this system does not report the memory of a process")
	}
	return usage.Maxrss, nil // in KiB on Linux
}

// runLoop does what one writes in ten minutes: a loop around a POST. It returns the number of rows
// that were not applied.
func runLoop(ctx context.Context, s settings) (wall time.Duration, lost int, err error) {
	server, err := startRemote(ctx, s.faults)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, server.close()) }()
	began := time.Now()
	for i := range s.rows {
		if err := ctx.Err(); err != nil {
			return 0, 0, err
		}
		body, err := json.Marshal(row(i))
		if err != nil {
			return 0, 0, err
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, server.url+"/phone-numbers/trunks", bytes.NewReader(body))
		if err != nil {
			return 0, 0, err
		}
		req.Header.Set("Authorization", "Bearer "+mihutest.DefaultToken)
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			continue // counted at the end
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
	wall = time.Since(began)
	lost, err = server.command(queryWrong, s.rows)
	return wall, lost, err
}
