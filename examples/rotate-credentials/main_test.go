package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/examples/internal/example"
	"github.com/mihu-go/mihu/examples/internal/exampletest"
	"github.com/mihu-go/mihu/mihutest"
)

const trunks = 20

// realServer plays a real workspace with call trunks and one WhatsApp trunk.
func realServer(t *testing.T) *mihutest.Server {
	t.Helper()
	server := mihutest.NewServer(t)
	add := func(i int, channel mihu.Channel) {
		err := server.AddTrunk(mihutest.Trunk{
			ID:        mihu.TrunkID{PhoneNumber: fmt.Sprintf("+120255501%02d", i), Channel: channel},
			AgentUUID: server.AddAgent("Agent"),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range trunks {
		add(i, mihu.ChannelCall)
	}
	add(99, mihu.ChannelWhatsApp)
	return server
}

type line struct{ Number, State, Password string }

func readJournal(t *testing.T, file string) (lines []line) {
	t.Helper()
	text, err := os.ReadFile(filepath.Clean(file))
	if err != nil {
		t.Fatal(err)
	}
	for text := range strings.Lines(string(text)) {
		var l line
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, l)
	}
	return lines
}

func TestFakeServer(t *testing.T) {
	t.Parallel()
	printed, err := exampletest.Run(t.Context(), t, run, nil, "")
	if err != nil {
		t.Error(err)
	}
	exampletest.Golden(t, "fake.golden", printed)
}

func TestAll(t *testing.T) {
	t.Parallel()
	server, out := realServer(t), filepath.Join(t.TempDir(), "new.jsonl")
	server.InjectFunc(func(request mihutest.Request) *mihutest.Fault {
		if request.Method == http.MethodPatch {
			wantOnDisk(t, out, request)
		}
		return nil
	})
	printed, err := exampletest.Run(t.Context(), t, run, server, "", "-out", out, "-workers", "4", "-yes")
	if err != nil {
		t.Error(err)
	}
	stored := map[string]string{}
	for _, l := range readJournal(t, out) {
		if l.State == "stored" {
			stored[l.Number] = l.Password
		}
		if strings.Contains(printed, l.Password) {
			t.Error("a password was printed")
		}
	}
	for _, trunk := range server.Trunks() {
		if trunk.SIP.Password != stored[trunk.ID.PhoneNumber] {
			t.Errorf("the password of %v is not in the file", trunk)
		}
	}
	if len(stored) != trunks {
		t.Errorf("the file contains %d passwords, want %d", len(stored), trunks)
	}
	info, err := os.Stat(out)
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode().Perm(); mode != 0o600 && runtime.GOOS != "windows" { // Windows has no such bits
		t.Errorf("the file mode is %o, want 600", mode)
	}
}

// wantOnDisk checks that the password of a request is in the file before the request is handled.
func wantOnDisk(t *testing.T, out string, request mihutest.Request) {
	t.Helper()
	var body struct {
		SIP struct{ Password string }
	}
	text, err := os.ReadFile(filepath.Clean(out))
	if err := errors.Join(err, json.Unmarshal(request.Body, &body)); err != nil {
		t.Error(err)
	}
	if body.SIP.Password == "" || !strings.Contains(string(text), body.SIP.Password) {
		t.Error("sent a password that is not in the file")
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	server, out := realServer(t), filepath.Join(t.TempDir(), "new.jsonl")
	err := server.Inject(
		mihutest.Fault{On: mihutest.Match{Method: "PATCH"}, Status: http.StatusForbidden},
		mihutest.Fault{On: mihutest.Match{Method: "PATCH"}, Status: http.StatusInternalServerError, AfterChange: true},
	)
	if err != nil {
		t.Fatal(err)
	}
	list := "+12025550100\r\n\n+12025550101\n+12025550100\n+12025550102\n2025550103\n+12025550198"
	printed, err := exampletest.Run(t.Context(), t, run, server, list, "-out", out, "-numbers", "-", "-workers", "1", "-yes")
	if err == nil || !strings.Contains(err.Error(), "4 trunks failed") {
		t.Errorf("got %v, want 4 failures", err)
	}
	var got []string
	for _, l := range readJournal(t, out) {
		got = append(got, l.Number+" "+l.State)
		if l.Password == "" {
			t.Errorf("no password for %s", l.Number)
		}
	}
	want := []string{
		"+12025550100 sending", "+12025550100 failed",
		"+12025550101 sending", "+12025550101 unknown",
		"+12025550102 sending", "+12025550102 stored",
		"2025550103 sending", "2025550103 failed",
		"+12025550198 sending", "+12025550198 failed",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the file contains %q, want %q", got, want)
	}
	for _, part := range []string{"0100/call: ", "0101/call: ", "0198/call: ", "updated 1 of 5 trunks"} {
		if !strings.Contains(printed, part) {
			t.Errorf("no %q in\n%s", part, printed)
		}
	}
}

func TestUnconfirmed(t *testing.T) {
	t.Parallel()
	server, out := realServer(t), filepath.Join(t.TempDir(), "new.jsonl")
	printed, err := exampletest.Run(t.Context(), t, run, server, "", "-out", out)
	if !errors.Is(err, example.ErrNotConfirmed) {
		t.Errorf("got %v, want ErrNotConfirmed", err)
	}
	exampletest.Golden(t, "unconfirmed.golden", printed)
	wantNoChange(t, server)
	if _, err := os.Stat(out); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file exists: %v", err)
	}
}

// TestNotStarted checks that nothing is sent if a password could be lost or the list is incomplete.
func TestNotStarted(t *testing.T) {
	t.Parallel()
	existing := filepath.Join(t.TempDir(), "old.jsonl")
	if err := os.WriteFile(existing, []byte("valid passwords\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"no file":           {"-yes"},
		"file exists":       {"-yes", "-out", existing},
		"no such directory": {"-yes", "-out", filepath.Join(t.TempDir(), "none", "new.jsonl")},
		"no such list":      {"-yes", "-out", filepath.Join(t.TempDir(), "new.jsonl"), "-numbers", existing + ".none"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := realServer(t)
			if _, err := exampletest.Run(t.Context(), t, run, server, "", args...); err == nil {
				t.Error("want an error")
			}
			wantNoChange(t, server)
		})
	}
}

// TestInterrupted cancels the program while it updates a trunk. It must report every trunk.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	server, out := realServer(t), filepath.Join(t.TempDir(), "new.jsonl")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if err := server.Inject(mihutest.Fault{On: mihutest.Match{Method: "PATCH", Skip: 3}, Status: http.StatusForbidden}); err != nil {
		t.Fatal(err)
	}
	server.InjectFunc(func(request mihutest.Request) *mihutest.Fault {
		if request.Method == http.MethodPatch && server.FaultsLeft() == 0 {
			cancel()
		}
		return nil
	})
	printed, err := exampletest.Run(ctx, t, run, server, "", "-out", out, "-workers", "1", "-yes")
	if err == nil {
		t.Error("want an error")
	}
	if n := strings.Count(printed, "not attempted: context canceled"); n != trunks-5 {
		t.Errorf("%d trunks were not attempted, want %d:\n%s", n, trunks-5, printed)
	}
	if lines := readJournal(t, out); len(lines) != 2*5 {
		t.Errorf("the file contains %d lines, want 10", len(lines))
	}
}

func wantNoChange(t *testing.T, server *mihutest.Server) {
	t.Helper()
	for _, request := range server.Requests() {
		if request.Method != http.MethodGet {
			t.Errorf("sent %v, want reads only", request)
		}
	}
}
