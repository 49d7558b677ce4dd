package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/credentials"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/term"
	"github.com/mihu-go/mihu/mihutest"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the golden files and the outputs in README.md")

// asTrunkctl is set to run the test binary as trunkctl, in a process of its own.
const asTrunkctl = "TRUNKCTL_TEST_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asTrunkctl) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// These secrets are planted in every test, and must never be printed.
const (
	secretToken    = "7|planted-token"
	secretUsername = "planted-username"
	secretPassword = "planted-password"
)

// wholeNumber matches the unmasked numbers of the tests.
var wholeNumber = regexp.MustCompile(`(1202555|44207946)\d{4}`)

// invocation is a run of the program in the test's process.
type invocation struct {
	args    []string
	stdin   string
	env     map[string]string
	config  string
	keyring credentials.Keyring
	// transport sends the requests; nil is the default.
	transport http.RoundTripper
}

type outcome struct {
	code           int
	stdout, stderr string
}

// run runs it, and fails the test if it prints a secret.
func (i invocation) run(t *testing.T) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if i.config == "" {
		i.config = t.TempDir()
	}
	code := run(t.Context(), environment{
		args:      i.args,
		stdin:     strings.NewReader(i.stdin),
		stdout:    &stdout,
		stderr:    &stderr,
		getenv:    func(name string) string { return i.env[name] },
		configDir: func() (string, error) { return i.config, nil },
		stateDir:  func() (string, error) { return filepath.Join(i.config, "state"), nil },
		cacheDir:  func() (string, error) { return filepath.Join(i.config, "cache"), nil },
		keyring:   i.keyring,
		transport: i.transport,
	})
	checkPrinted(t, stdout.String(), stderr.String())
	return outcome{code, stdout.String(), stderr.String()}
}

func checkPrinted(t *testing.T, stdout, stderr string) {
	t.Helper()
	for _, secret := range []string{secretToken, secretUsername, secretPassword} {
		require.NotContains(t, stdout+stderr, secret, "a secret was printed")
	}
	require.NotRegexp(t, wholeNumber, stderr, "a whole number was printed on the standard error")
}

// fake is the workspace of a test: a fake server, and a directory for files.
type fake struct {
	*mihutest.Server
	t   *testing.T
	dir string
}

func newFake(t *testing.T, options ...mihutest.Option) *fake {
	t.Helper()
	return &fake{mihutest.NewServer(t, append([]mihutest.Option{mihutest.WithToken(secretToken)}, options...)...), t, t.TempDir()}
}

// agent adds the agent with this number and returns its UUID.
func (f *fake) agent(n int) string {
	uuid := fmt.Sprintf("a0000000-0000-4000-8000-%012d", n)
	require.NoError(f.t, f.AddAgentWithUUID(uuid, fmt.Sprintf("Agent %d", n)))
	return uuid
}

// trunk adds a call trunk with an agent of the same number.
func (f *fake) trunk(n int) mihu.TrunkID {
	id := mihu.TrunkID{PhoneNumber: number(n), Channel: mihu.ChannelCall}
	require.NoError(f.t, f.AddTrunk(mihutest.Trunk{
		ID: id, AgentUUID: f.agent(n), PhoneNumberUUID: fmt.Sprintf("b0000000-0000-4000-8000-%012d", n),
		SIP: mihu.SIPCredentials{Gateway: "sip.example.com", Port: 5060, Username: "old", Password: "old"},
	}))
	return id
}

func number(n int) string { return fmt.Sprintf("+1202555%04d", n) }

// file writes a file in the test's directory.
func (f *fake) file(name, content string) {
	path := filepath.Join(f.dir, name)
	require.NoError(f.t, os.WriteFile(path, []byte(content), 0o600))
}

func (f *fake) read(name string) string {
	content, err := os.ReadFile(filepath.Join(f.dir, name))
	require.NoError(f.t, err)
	return string(content)
}

func (f *fake) env(more ...string) map[string]string {
	env := map[string]string{mihu.EnvBaseURL: f.URL(), mihu.EnvToken: secretToken}
	for _, variable := range more {
		name, value, _ := strings.Cut(variable, "=")
		env[name] = value
	}
	return env
}

// run runs the program in the test's process. DIR in an argument is the test's directory.
func (f *fake) run(args ...string) outcome { return f.runWith("", args...) }

func (f *fake) runWith(stdin string, args ...string) outcome {
	f.t.Helper()
	args = slices.Clone(args)
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "DIR", f.dir)
	}
	return invocation{args: args, stdin: stdin, env: f.env("SIP_USER="+secretUsername, "SIP_PASSWORD="+secretPassword)}.run(f.t)
}

// process returns a command that runs the program in a process of its own, without the test's
// environment.
func (f *fake) process(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(f.t.Context(), os.Args[0], args...)
	cmd.Dir = f.dir
	cmd.Env = []string{asTrunkctl + "=1", "HOME=" + f.dir, "XDG_CONFIG_HOME=" + f.dir, "XDG_STATE_HOME=" + filepath.Join(f.dir, "state"), "XDG_CACHE_HOME=" + filepath.Join(f.dir, "cache"), "TMPDIR=" + os.TempDir(), "TERM=xterm"}
	for _, name := range slices.Sorted(maps.Keys(f.env())) {
		cmd.Env = append(cmd.Env, name+"="+f.env()[name])
	}
	return cmd
}

// session writes what a run has printed, for a golden file.
func (f *fake) session(w io.Writer, args []string, got outcome) {
	_, _ = fmt.Fprintf(w, "$ trunkctl %s\n", term.ShellLine(args...))
	for _, stream := range []struct{ mark, text string }{{"1| ", got.stdout}, {"2| ", got.stderr}} {
		for line := range strings.Lines(f.anywhere(stream.text)) {
			_, _ = fmt.Fprintln(w, strings.TrimRight(stream.mark+line, "\n "))
		}
	}
	_, _ = fmt.Fprintf(w, "exit %d\n\n", got.code)
}

// anywhere replaces what differs between runs.
func (f *fake) anywhere(text string) string {
	text = strings.NewReplacer(f.URL(), "http://SERVER", f.dir, "DIR").Replace(text)
	text = regexp.MustCompile(`http://127\.0\.0\.1:\d{4,}/api/v1`).ReplaceAllString(text, "http://DEMO")
	for pattern, instead := range map[string]string{
		`in \d+(\.\d+)?(µs|ms|s)\b`:            "in TIME",
		`SERVER/api/v1`:                        "SERVER",
		`dial tcp 127.0.0.1:\d+`:               "dial tcp SERVER",
		`time=\S+`:                             "time=TIME",
		`duration=\S+`:                         "duration=TIME",
		`(read|write) tcp [0-9.:]+->[0-9.:]+:`: "$1 tcp:",
	} {
		text = regexp.MustCompile(pattern).ReplaceAllString(text, instead)
	}
	return text
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	wantLines, gotLines := strings.Split(string(want), "\n"), strings.Split(got, "\n")
	for i := range min(len(wantLines), len(gotLines)) {
		require.Equal(t, wantLines[i], gotLines[i], "%s:%d; -update rewrites it", path, i+1)
	}
	require.Len(t, gotLines, len(wantLines), path)
}
