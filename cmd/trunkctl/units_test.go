package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
	"github.com/mihu-go/mihu/provision"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestExitCode(t *testing.T) {
	t.Parallel()
	refused := &mihu.APIError{StatusCode: 409}
	for name, c := range map[string]struct {
		err         error
		interrupted bool
		want        int
	}{
		"done":                    {nil, false, exitDone},
		"no answer":               {&mihu.TransportError{Err: io.EOF}, false, exitFailed},
		"a failing server":        {&mihu.APIError{StatusCode: 503}, false, exitFailed},
		"a wrong flag":            {usagef("no"), false, exitUsage},
		"a wrong value":           {&mihu.ValidationError{}, false, exitUsage},
		"a faulty file":           {&provision.InputError{Violations: make([]provision.InputViolation, 1)}, false, exitInput},
		"refused":                 {fmt.Errorf("line 1: %w", refused), false, exitRefused},
		"refused by an agent":     {&provision.AgentBusyError{}, false, exitRefused},
		"some failed":             {&partlyError{failed: 1}, false, exitPartly},
		"some unknown":            {&partlyError{failed: 2, unknown: 1}, false, exitUnknown},
		"some unknown, at Ctrl-C": {&partlyError{failed: 2, unknown: 1}, true, exitUnknown},
		"some failed, at Ctrl-C":  {&partlyError{failed: 1}, true, exitInterrupted},
		"unknown":                 {&mihu.UnknownOutcomeError{Causes: []error{refused}}, false, exitUnknown},
		"unknown, at Ctrl-C":      {&mihu.UnknownOutcomeError{Causes: []error{context.Canceled}}, true, exitUnknown},
		"Ctrl-C":                  {&mihu.TransportError{Err: context.Canceled}, true, exitInterrupted},
		"a reader that went away": {&os.PathError{Err: syscall.EPIPE}, false, exitClosed},
		"with advice":             {&advisedError{refused, "do"}, false, exitRefused},
	} {
		assert.Equal(t, c.want, exitCode(c.err, c.interrupted), name)
	}
	documented := "\n" + exitCodesTopic().Long
	for _, code := range []int{exitDone, exitFailed, exitUsage, exitInput, exitRefused, exitPartly, exitUnknown, exitInterrupted, exitClosed} {
		assert.Contains(t, documented, fmt.Sprintf("\n  %-4d ", code), "the code is documented")
	}
}

func TestParseRate(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]float64{"10/s": 10, "600/m": 10, "36000/h": 10, "0.5/s": 0.5, "7": 7} {
		limiter, err := parseRate(text)
		require.NoError(t, err, text)
		assert.InDelta(t, want, float64(limiter.Limit()), 1e-9, text)
		assert.Equal(t, 1, limiter.Burst())
	}
	for _, text := range []string{"0/s", "-1/s", "fast", "10/d", "/s", "NaN", "Inf/s", "1e9/s"} {
		_, err := parseRate(text)
		assert.Equal(t, exitUsage, exitCode(err, false), text)
	}
}

func TestShellLine(t *testing.T) {
	t.Parallel()
	got := shellLine("trunkctl", "import", "it's mine.csv", "--name=", "", "+12", "a$b")
	out, err := exec.CommandContext(t.Context(), "bash", "-c", "printf '<%s>' "+got).Output()
	require.NoError(t, err)
	require.Equal(t, "<trunkctl><import><it's mine.csv><--name=><><+12><a$b>", string(out))
}

func printTable(terminal int, rows ...[]string) string {
	var out bytes.Buffer
	w := bufio.NewWriter(&out)
	table := newTable(w, []column{{name: "number"}, {name: "agent", flexible: true}, {name: "state"}}, terminal, false)
	for _, row := range rows {
		_ = table.add(row)
	}
	_ = table.end()
	_ = w.Flush()
	return out.String()
}

func TestTable(t *testing.T) {
	t.Parallel()
	rows := func() [][]string {
		return [][]string{{"+1", "総合受付 the front desk", "on"}, {"+12345", "Zoë\x1b[2J\u202e", "off"}}
	}
	for name, c := range map[string]struct {
		terminal int
		want     string
	}{
		"a pipe": {0, "NUMBER  AGENT                    STATE\n+1      総合受付 the front desk  on\n+12345  Zoë [2J                  off\n"},
		"wide":   {80, "NUMBER  AGENT                    STATE\n+1      総合受付 the front desk  on\n+12345  Zoë [2J                  off\n"},
		"cut":    {26, "NUMBER  AGENT        STATE\n+1      総合受付 t…  on\n+12345  Zoë [2J      off\n"},
		"narrow": {12, "+1\n  agent: 総合受付 the front desk\n  state: on\n+12345\n  agent: Zoë [2J \n  state: off\n"},
	} {
		got := printTable(c.terminal, rows()...)
		assert.Equal(t, c.want, got, name)
	}
}

// TestTableStreams has a table hold no more than its first rows.
func TestTableStreams(t *testing.T) {
	t.Parallel()
	w := bufio.NewWriterSize(io.Discard, 16)
	table := newTable(w, []column{{name: "number"}}, 0, false)
	for range 10_000 {
		require.NoError(t, table.add([]string{"+1"}))
		require.Less(t, len(table.sample), tableSample)
	}
}

func TestProgress(t *testing.T) {
	t.Parallel()
	a := &app{console: newConsole(io.Discard, false)}
	a.global.quiet = true
	p := a.progress(1000, nil)
	defer p.end()
	for i := range 250 {
		p.step(i < 3, i < 50)
	}
	p.setWaiting(4)
	now := p.began.Add(10 * time.Second)
	assert.Equal(t, "250/1000 done, 3 failed, 20.0/s, 38s left, 4 waiting for an agent", p.line(now, 0))
	assert.Equal(t, "250/1000 done, 3 failed, 20.0/s, 38s left", p.line(now, 60))
	assert.Equal(t, "250/1000 done, 3 failed", p.line(now, 30))
	assert.Equal(t, "250/1000 done", p.line(now, 5))
	p.setStopping()
	assert.Equal(t, "250/1000 done, 3 failed, 20.0/s, 4 waiting for an agent, stopping", p.line(now, 0))
	assert.Equal(t, "1s 3m10s 2h05m", duration(0)+" "+duration(190*time.Second)+" "+duration(125*time.Minute))
}

// TestConsole has lines go before the progress line, which is drawn again after them.
func TestConsole(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	c := &console{w: &out, terminal: true}
	c.redraw("1/2")
	c.redraw("1/2")
	_, _ = io.WriteString(c, "a note\n")
	c.redraw("")
	_, _ = io.WriteString(c, "the end\n")
	require.Equal(t, "\r\x1b[K1/2"+"\r\x1b[Ka note\n1/2"+"\r\x1b[K"+"the end\n", out.String())
	out.Reset()
	c.terminal = false
	c.redraw("1/2")
	require.Empty(t, out.String(), "nothing is redrawn on what is no terminal")
}

func TestNewPassword(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	counts := map[rune]int{}
	for range 2000 {
		password := newPassword(24)
		require.Len(t, password, 24)
		require.False(t, seen[password])
		seen[password] = true
		for _, r := range password {
			counts[r]++
		}
	}
	require.Len(t, counts, len(passwordAlphabet))
	expected := 2000 * 24 / len(passwordAlphabet)
	for r, n := range counts {
		require.InDelta(t, expected, n, float64(expected)/4, "%c", r)
	}
	require.NotContains(t, passwordAlphabet, "0")
}

// memory is a keyring of a test.
func memory(secrets map[string]string) keyring {
	return keyring{
		get: func(name string) (string, error) {
			secret, there := secrets[name]
			if !there {
				return "", errNoSecret
			}
			return secret, nil
		},
		set: func(name, secret string) error { secrets[name] = secret; return nil },
		remove: func(name string) error {
			if _, there := secrets[name]; !there {
				return errNoSecret
			}
			delete(secrets, name)
			return nil
		},
		usable: func(func(string) string) error { return nil },
	}
}

// TestTokens keeps a token in the keyring, or in a file where there is none, uses it for its own
// address alone, and forgets it.
func TestTokens(t *testing.T) {
	t.Parallel()
	for name, secrets := range map[string]map[string]string{"keyring": {}, "file": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			config := t.TempDir()
			run := func(stdin string, base string, args ...string) outcome {
				i := invocation{args: args, stdin: stdin, config: config, env: map[string]string{mihu.EnvBaseURL: base}}
				if secrets != nil {
					i.keyring = memory(secrets)
				}
				return i.run(t)
			}
			require.Equal(t, exitUsage, run("", f.URL(), "list").code)

			require.NoError(t, f.Inject(mihutest.Fault{Status: 401}))
			refused := run(secretToken+"\n", f.URL(), "login", "--token-file", "-")
			require.Equal(t, exitRefused, refused.code)
			require.Contains(t, refused.stderr, "the token was not kept")
			require.Empty(t, secrets)

			kept := run(secretToken+"\r\n", f.URL(), "login", "--token-file", "-")
			require.Equal(t, exitDone, kept.code, kept.stderr)
			path := filepath.Join(config, "trunkctl")
			files, _ := os.ReadDir(path)
			if secrets != nil {
				require.Equal(t, secretToken, secrets[f.URL()])
				require.Contains(t, kept.stderr, "is kept in the system's keyring")
				require.Empty(t, files)
			} else {
				require.Contains(t, kept.stderr, "is kept in "+config)
				require.Len(t, files, 1)
				info, err := files[0].Info()
				require.NoError(t, err)
				require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
			}
			require.Equal(t, exitDone, run("", f.URL(), "list").code)
			require.Equal(t, exitUsage, run("", "http://127.0.0.1:1/api/v1", "list").code, "no token of another address")
			require.Contains(t, run("", f.URL(), "logout").stderr, "is forgotten")
			require.Contains(t, run("", f.URL(), "logout").stderr, "no token was kept")
			require.Equal(t, exitUsage, run("", f.URL(), "list").code)
		})
	}
}

// TestKeyringThatHangs is given up after a few seconds.
func TestKeyringThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		woken := make(chan struct{})
		defer close(woken)
		hanging := memory(nil)
		hanging.get = func(string) (string, error) { <-woken; return "", errNoSecret }
		a := &app{environment: environment{keyring: hanging, getenv: func(string) string { return "" }}}
		began := time.Now()
		_, err := a.askKeyring(t.Context(), func(k keyring) (string, error) { return k.get("x") })
		require.ErrorContains(t, err, "no answer within 3s")
		require.Equal(t, keyringTimeout, time.Since(began))
	})
}

func TestHasSystemKeyring(t *testing.T) {
	t.Parallel()
	env := func(name, value string) func(string) string {
		return func(asked string) string {
			if asked == name {
				return value
			}
			return ""
		}
	}
	require.NoError(t, hasSystemKeyring(env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/x")))
	if hasSystemKeyring(env("", "")) != nil { // a system that reaches its keyring by a bus
		require.ErrorIs(t, hasSystemKeyring(env("XDG_RUNTIME_DIR", t.TempDir())), errNoKeyring)
	}
}

// TestPasswords continues a file of passwords: what is not stored is sent again with the same
// password, and a torn last line is dropped.
func TestPasswords(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	one, two := f.trunk(1), f.trunk(2)
	f.file("passwords.jsonl", `{"workspace":"`+f.URL()+`"}`+"\n"+
		`{"phone_number":"`+one.PhoneNumber+`","state":"sending","password":"kept-for-one"}`+"\n"+
		`{"phone_number":"`+two.PhoneNumber+`","state":"stored","password":"in-force"}`+"\n"+
		`{"phone_number":"`+two.PhoneNumber+`","state":"sen`)
	got := f.run("rotate", "--file", "DIR/passwords.jsonl", "--all", "--yes")
	require.Equal(t, exitDone, got.code, got.stderr)
	trunk, _ := f.Trunk(one)
	require.Equal(t, "kept-for-one", trunk.SIP.Password)
	trunk, _ = f.Trunk(two)
	require.Equal(t, "old", trunk.SIP.Password, "what is stored is left alone")
	require.True(t, strings.HasSuffix(f.read("passwords.jsonl"),
		`{"phone_number":"`+one.PhoneNumber+`","state":"stored","password":"kept-for-one"}`+"\n"))

	f.file("mine.txt", "nothing of trunkctl's")
	require.Equal(t, exitInput, f.run("rotate", "--file", "DIR/mine.txt", "--all", "--yes").code)
	require.Equal(t, "nothing of trunkctl's", f.read("mine.txt"), "another file is left as it is")
}

// TestRotateBeforeSending has every password be in the file before it is sent, and an outcome that is
// not known be marked so.
func TestRotateBeforeSending(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	for n := range 20 {
		f.trunk(n)
	}
	require.NoError(t, f.Inject(mihutest.Fault{On: mihutest.Match{Method: "PATCH"}, Status: 500, AfterChange: true}))
	f.InjectFunc(func(request mihutest.Request) *mihutest.Fault {
		if request.Method == http.MethodPatch {
			_, password, _ := strings.Cut(string(request.Body), `"password":"`)
			password, _, _ = strings.Cut(password, `"`)
			assert.Contains(t, f.read("passwords.jsonl"), `"state":"sending","password":"`+password+`"`)
		}
		return nil
	})
	got := f.run("rotate", "--file", "DIR/passwords.jsonl", "--all", "--yes")
	require.Equal(t, exitUnknown, got.code, got.stderr)
	require.Equal(t, 1, strings.Count(f.read("passwords.jsonl"), `"state":"unknown"`))
	require.Equal(t, exitDone, f.run("rotate", "--file", "DIR/passwords.jsonl", "--all", "--yes").code)
	stored := map[string]bool{}
	for line := range strings.Lines(f.read("passwords.jsonl")) {
		if _, password, found := strings.Cut(line, `"state":"stored","password":"`); found {
			stored[strings.TrimRight(password, "\"}\n")] = true
		}
	}
	for _, trunk := range f.Trunks() {
		require.True(t, stored[trunk.SIP.Password], "%v", trunk)
	}
}

// TestClosedOutput ends a list whose reader goes away, as head does, without a word.
func TestClosedOutput(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	for n := range 300 {
		f.trunk(n)
	}
	reader, writer, err := os.Pipe()
	require.NoError(t, err)
	require.NoError(t, reader.Close())
	cmd := f.process("list", "-o", "csv")
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = writer, &stderr
	exit, ok := errors.AsType[*exec.ExitError](cmd.Run())
	require.True(t, ok)
	require.Equal(t, exitClosed, exit.ExitCode())
	require.Empty(t, stderr.String())
	require.NoError(t, writer.Close())
}

// TestFullDisk reports data that could not be written.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		return // a system without that device
	}
	defer func() { _ = full.Close() }()
	f := newFake(t)
	f.trunk(1)
	for _, args := range [][]string{
		{"list"},
		{"list", "-o", "json"},
		{"list", "-o", "yaml"},
		{"list", "-o", "csv"},
		{"export"},
		{"version"},
		{"doctor"},
		{},
		{"--help"},
		{"list", "--help"},
		{"help"},
		{"help", "files"},
		{"completion", "bash"},
	} {
		cmd := f.process(args...)
		var stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = full, &stderr
		exit, ok := errors.AsType[*exec.ExitError](cmd.Run())
		require.True(t, ok, "%v", args)
		require.Equal(t, exitFailed, exit.ExitCode(), "%v", args)
		require.Equal(t, 1, strings.Count(stderr.String(), "no space left"), stderr.String())
	}
}

// TestCompletion has the shells that are there read their scripts, and completion ask nothing.
func TestCompletion(t *testing.T) {
	t.Parallel()
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		got := invocation{args: []string{"completion", shell}}.run(t)
		require.Equal(t, exitDone, got.code)
		require.Contains(t, got.stdout, "trunkctl")
		if program, err := exec.LookPath(shell); err == nil && shell != "powershell" {
			path := filepath.Join(t.TempDir(), "script")
			require.NoError(t, os.WriteFile(path, []byte(got.stdout), 0o600))
			out, err := exec.CommandContext(t.Context(), program, "-n", path).CombinedOutput()
			require.NoError(t, err, string(out))
		}
	}
	for line, want := range map[string]string{
		"create --channel ": "call\nwhatsapp\n:4\n",
		"list -o ":          "table\njson\ncsv\nyaml\n:4\n",
		"list ":             ":4\n",
		"import ":           ":0\n",
		"create --agent ":   ":4\n",
	} {
		args := append([]string{"__complete"}, strings.Split(line, " ")...)
		require.Equal(t, want, invocation{args: args}.run(t).stdout, line)
	}
}
