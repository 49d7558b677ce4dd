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

// runKilled kills an import of many rows at random moments, goes on with it each time, and checks that each row
// ends as wanted, and that no row is asked for after the journal had it as finished. pace is how long it takes
// where nobody kills it.
func runKilled(ctx context.Context, program, dir string, s settings, pace time.Duration) (wall time.Duration, err error) {
	file := filepath.Join(dir, "killed.csv")
	if err := writeRows(file, s.rows); err != nil {
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
		cmd := importing(ctx, program, file, server, s)
		var said strings.Builder
		cmd.Stdout, cmd.Stderr = &said, &said
		if err := cmd.Start(); err != nil {
			return 0, err
		}
		if kill < s.kills {
			killer := time.AfterFunc(rand.N(2*pace/time.Duration(s.kills+1)), func() { _ = cmd.Process.Kill() }) //nolint:gosec // nobody gains by guessing it
			_ = cmd.Wait()
			killer.Stop()
			if cmd.ProcessState.Exited() { // and was not killed
				return 0, fmt.Errorf("ended by itself after %d kills, %v: %s", kill, cmd.ProcessState, &said)
			}
			if err := tell(server, file+".journal", known); err != nil {
				return 0, err
			}
			continue
		}
		if err := cmd.Wait(); err != nil {
			return 0, fmt.Errorf("%w: %s", err, &said)
		}
	}
	wall = time.Since(began)
	again, err := server.ask(askAgain, 0)
	if err == nil && again > 0 {
		err = fmt.Errorf("%d requests were for rows that were finished", again)
	}
	return wall, errors.Join(err, server.check(s.rows))
}

// tell tells the server which rows a journal has as finished, beside those that it was told of before.
func tell(server *remote, path string, known map[int]bool) error {
	file, err := os.Open(path) //nolint:gosec // that of a file of this program's own
	if errors.Is(err, os.ErrNotExist) {
		return nil // killed before there was one
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
			continue // a torn line, the head, or nothing that is finished
		}
		known[entry.Index] = true
		if _, err := server.ask(tellFinished, entry.Index); err != nil {
			return err
		}
	}
	return nil
}
