package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/mihu-go/mihu/provision"
)

// runKilled kills an import of many rows at random moments and resumes it each time. It checks that
// each row was applied, and that no request was sent for a row that the journal recorded as finished.
// pace is the duration of an import that is not killed.
func runKilled(ctx context.Context, program, dir string, s settings, pace time.Duration) (wall time.Duration, err error) {
	file := filepath.Join(dir, "killed.csv")
	if err := writeRows(file, s.rows, 0); err != nil {
		return 0, err
	}
	server, err := startRemote(ctx, s.faults)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, server.close()) }()
	began := time.Now()
	known := map[int]bool{}
	for kill := range s.kills + 1 {
		cmd := importCommand(ctx, program, file, server, s)
		var output strings.Builder
		cmd.Stdout, cmd.Stderr = &output, &output
		if err := cmd.Start(); err != nil {
			return 0, err
		}
		if kill < s.kills {
			killer := time.AfterFunc(rand.N(2*pace/time.Duration(s.kills+1)), func() { _ = cmd.Process.Kill() }) //nolint:gosec // not a secret
			_ = cmd.Wait()
			killer.Stop()
			if cmd.ProcessState.Exited() { // it was not killed
				return 0, fmt.Errorf("exited without a kill, after %d kills, %v: %s", kill, cmd.ProcessState, &output)
			}
			if err := reportFinished(server, file+".journal", known); err != nil {
				return 0, err
			}
			continue
		}
		if err := cmd.Wait(); err != nil {
			return 0, fmt.Errorf("%w: %s", err, &output)
		}
	}
	wall = time.Since(began)
	again, err := server.command(queryAgain, 0)
	if err == nil && again > 0 {
		err = fmt.Errorf("%d requests were sent for finished rows", again)
	}
	return wall, errors.Join(err, server.check(s.rows))
}

// reportFinished reports to the server which rows a journal has recorded as finished since the last
// report.
func reportFinished(server *remote, path string, known map[int]bool) error {
	file, err := os.Open(path) //nolint:gosec // a file of this program
	if errors.Is(err, os.ErrNotExist) {
		return nil // killed before the journal existed
	}
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var entry struct {
			Index  int              `json:"index"`
			Action provision.Action `json:"action"`
		}
		if json.Unmarshal(lines.Bytes(), &entry) != nil || entry.Action == "" || entry.Action == provision.Failed || known[entry.Index] {
			continue // an incomplete line, the header, or a row that is not finished
		}
		known[entry.Index] = true
		if _, err := server.command(markFinished, entry.Index); err != nil {
			return err
		}
	}
	return nil
}
