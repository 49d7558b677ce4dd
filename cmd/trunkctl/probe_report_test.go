package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mihu-go/mihu/mihutest"
	"github.com/stretchr/testify/require"
)

// TestProbeReportCannotBeWritten: what is known of the file before the probe is said before it. If the
// file fails afterwards, the answers are shown, and no file is named that is not there.
func TestProbeReportCannotBeWritten(t *testing.T) {
	t.Parallel()
	f := probeFake(t)
	f.file("file", "")
	require.NoError(t, os.Symlink("nowhere", filepath.Join(f.dir, "dangling")))
	for _, path := range []string{"", "DIR", "DIR/file", "DIR/dangling", "DIR/none/x", "DIR/file/x", "/proc/x.json", "/dev/null", "DIR/" + strings.Repeat("x", 300)} {
		got := f.run(probeArgs(append(confirmed, "--report", path)...)...)
		require.Equal(t, exitUsage, got.code, "%s: %s", path, got.stderr)
		require.Contains(t, got.stderr, "--report: ")
		for _, request := range f.Requests() {
			require.Contains(t, request.Path, "/agents", "only the name of an agent is looked up")
		}
	}
	require.NoFileExists(t, filepath.Join(f.dir, "report.json"))

	for stopped, code := range map[bool]int{false: exitFailed, true: exitPartial} {
		f = probeFake(t)
		require.NoError(t, os.Mkdir(filepath.Join(f.dir, "away"), 0o700))
		f.InjectFunc(func(r mihutest.Request) *mihutest.Fault {
			if r.Method == http.MethodPut {
				_ = os.RemoveAll(filepath.Join(f.dir, "away"))
				if stopped {
					return &mihutest.Fault{Drop: true}
				}
			}
			return nil
		})
		got := f.run(probeArgs(append(confirmed, "--report", "DIR/away/report.json")...)...)
		require.Equal(t, code, got.code, got.stderr)
		require.Contains(t, got.stderr, "report.json: no such file")
		require.Contains(t, got.stdout, "agents.shape")
		require.NotContains(t, got.stderr, "wrote ")
		require.NotContains(t, got.stderr, "the other answers are in")
	}
}

// TestProbeDiffOfHostileFiles: a file that is no report is refused, however long it is, and none prints
// control characters.
func TestProbeDiffOfHostileFiles(t *testing.T) {
	t.Parallel()
	f := probeFake(t)
	observed := func(name, value string) string {
		text, err := json.Marshal(value)
		require.NoError(t, err)
		return `{"format":1,"date":"2026-11-28","observations":[{"question":"a","` + name + `":` + string(text) + `}]}`
	}
	f.file("fine.json", observed("observed", "accepted 200"))
	for name, text := range map[string]string{
		"empty": "", "control": "\x1b[31m{", "deep": strings.Repeat("[", 100_000), "long": strings.Repeat(" ", 5<<20) + "{}",
		"question": strings.Replace(observed("observed", "x"), `"a"`, `"\u001b[2Ja"`, 1), "observed": observed("observed", "\x1b[31mred"),
		"documented": observed("documented", "\x1b[31mred"), "missing": observed("missing", "\x1b]0;x\a"),
	} {
		f.file("hostile.json", text)
		for _, args := range [][]string{{"--diff", "DIR/hostile.json", "--report", "DIR/fine.json"}, {"--diff", "DIR/fine.json", "--report", "DIR/hostile.json"}} {
			for _, output := range []string{"table", "csv", "json"} {
				got := f.run(append([]string{"probe", "-o", output}, args...)...)
				require.Equal(t, exitUsage, got.code, "%s: %s", name, got.stderr)
				require.NotContains(t, got.stdout+got.stderr, "\x1b", name)
			}
		}
	}
	if _, err := os.Stat("/dev/zero"); err == nil {
		got := f.run("probe", "--diff", "/dev/zero", "--report", "DIR/fine.json")
		require.Equal(t, exitUsage, got.code)
		require.Contains(t, got.stderr, "too large")
	}
	require.Zero(t, f.RequestCount())
}

// TestProbeOfTheDemo: the report of a demo says so, and is not taken for that of an API.
func TestProbeOfTheDemo(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "demo.json")
	got := invocation{args: []string{"--demo", "probe", "--number", spareNumber, "--agent", "Spare", "--report", path}}.run(t)
	require.Zero(t, got.code, got.stderr)
	require.Contains(t, got.stderr, "which is about the fake server and not about the API")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	_, _, err = mihutest.ReadRules(text)
	require.ErrorContains(t, err, "not about your API")
}
