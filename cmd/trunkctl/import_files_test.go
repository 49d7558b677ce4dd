package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mihu-go/mihu/cmd/trunkctl/internal/term"
	"github.com/mihu-go/mihu/mihutest"
	"github.com/stretchr/testify/require"
)

// TestImportFiles: files that are unsuitable for their flag are refused before anything is sent,
// and the advice is never to remove one of them.
func TestImportFiles(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ flags, want string }{
		"journal is the input":        {"--journal DIR/numbers.csv", "--journal: DIR/numbers.csv is the file to import"},
		"journal is the input, again": {"--journal DIR/numbers.csv --resume", "--journal: DIR/numbers.csv is the file to import"},
		"journal is the secrets":      {"--secrets DIR/secrets --journal DIR/secrets", "--journal: DIR/secrets is the --secrets file"},
		"failed is the settings":      {"--settings-file DIR/secrets --failed DIR/secrets --force", "--failed: DIR/secrets is the --settings-file"},
		"failed is the username":      {"--sip-username-file DIR/secrets --failed DIR/secrets --force", "--failed: DIR/secrets is the --sip-username-file"},
		"failed is the password":      {"--sip-password-file DIR/secrets --failed DIR/secrets --force", "--failed: DIR/secrets is the --sip-password-file"},
		"failed is the token":         {"--token-file DIR/secrets --failed DIR/secrets --force", "--failed: DIR/secrets is the --token-file"},
		"journal is a directory":      {"--journal DIR", "--journal: DIR is not a regular file"},
		"journal is a device":         {"--journal /dev/null --resume", "--journal: /dev/null is not a regular file"},
		"no directory for failed":     {"--failed DIR/none/failed.csv", "--failed: DIR/none: no such file or directory"},
		"failed rows below a file":    {"--failed DIR/secrets/failed.csv", "--failed: DIR/secrets is not a directory"},
		"no failures at all":          {"--max-failures 0", "--max-failures: want 1 or more"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, anyAgent())
			f.rows(1)
			f.file("secrets", "{}")
			got := f.run(append([]string{"import", "DIR/numbers.csv", "--yes"}, strings.Fields(c.flags)...)...)
			require.Equal(t, exitUsage, got.code, got.stderr)
			require.Contains(t, f.anywhere(got.stderr), c.want)
			require.NotContains(t, got.stderr, "remove ")
			require.Zero(t, f.RequestCount())
		})
	}
}

// TestImportStreams: a file that a standard stream reads or writes is neither the journal nor the file
// of failed rows, which --force would remove.
func TestImportStreams(t *testing.T) {
	t.Parallel()
	for _, flag := range []string{"--failed", "--journal"} {
		for i, name := range []string{"standard input", "standard output", "standard error"} {
			t.Run(flag+" is "+name, func(t *testing.T) {
				t.Parallel()
				f := newFake(t, anyAgent())
				f.rows(1)
				f.file("other", "")
				input := f.read("numbers.csv")
				cmd := f.process("import", "-", "--yes", "--force", "--resume", "--journal", "journal", flag, []string{"numbers.csv", "other", "other"}[i])
				var stderr bytes.Buffer
				stdin, err := os.Open(filepath.Join(f.dir, "numbers.csv"))
				require.NoError(t, err)
				defer func() { require.NoError(t, stdin.Close()) }()
				other, err := os.OpenFile(filepath.Join(f.dir, "other"), os.O_WRONLY|os.O_APPEND, 0)
				require.NoError(t, err)
				defer func() { require.NoError(t, other.Close()) }()
				cmd.Stdin, cmd.Stderr = stdin, &stderr
				switch name {
				case "standard output":
					cmd.Stdout = other
				case "standard error":
					cmd.Stderr = other
				}
				require.Error(t, cmd.Run())
				require.Equal(t, exitUsage, cmd.ProcessState.ExitCode())
				require.Contains(t, stderr.String()+f.read("other"), " is "+name)
				require.Zero(t, f.RequestCount())
				require.Equal(t, input, f.read("numbers.csv"))
			})
		}
	}
}

// TestJournalRemoved: an import succeeds although somebody removes its journal before it ends.
func TestJournalRemoved(t *testing.T) {
	t.Parallel()
	f := newFake(t, anyAgent())
	f.rows(20)
	f.at(20, func() { _ = os.Remove(filepath.Join(f.dir, "numbers.csv.journal")) })
	got := f.run("import", "DIR/numbers.csv", "--yes")
	require.Equal(t, exitDone, got.code, got.stderr)
	f.requireRows(20)
}

// TestJournalLinked: a journal behind a symbolic link is removed when every row is done, and cannot be the
// file of failed rows too. The link stays.
func TestJournalLinked(t *testing.T) {
	t.Parallel()
	f := newFake(t, anyAgent())
	f.rows(1)
	link, target := filepath.Join(f.dir, "numbers.csv.journal"), filepath.Join(f.dir, "journal")
	require.NoError(t, os.Symlink("journal", link))
	refused := f.run("import", "DIR/numbers.csv", "--yes", "--failed", "DIR/journal")
	require.Equal(t, exitUsage, refused.code, refused.stderr)
	require.Contains(t, refused.stderr, "is the journal")
	require.Zero(t, f.RequestCount())
	got := f.run("import", "DIR/numbers.csv", "--yes")
	require.Equal(t, exitDone, got.code, got.stderr)
	require.NoFileExists(t, target)
	_, err := os.Lstat(link)
	require.NoError(t, err)
	got = f.run("import", "DIR/numbers.csv", "--yes")
	require.Equal(t, exitDone, got.code, got.stderr)
}

// TestInputChanged: the advice for a file that has changed is to start over, since its journal is
// invalid.
func TestInputChanged(t *testing.T) {
	t.Parallel()
	f := newFake(t, anyAgent())
	f.rows(20)
	f.at(20, func() { f.file("numbers.csv", f.read("numbers.csv")+"\n\n") })
	got := f.run("import", "DIR/numbers.csv", "--yes", "--workers", "1")
	require.Equal(t, exitFailed, got.code, got.stderr)
	require.Contains(t, got.stderr, "input changed since it was opened")
	require.NotContains(t, got.stderr, "--resume")
	require.Contains(t, f.anywhere(got.stderr), "remove DIR/numbers.csv.journal and start over")
	require.NoError(t, os.Remove(filepath.Join(f.dir, "numbers.csv.journal")))
	require.Equal(t, exitDone, f.run("import", "DIR/numbers.csv", "--yes").code)
	f.requireRows(20)
}

// TestAdviceCanBeRun runs the command lines that an import of a file with an odd name prints.
func TestAdviceCanBeRun(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.agent(1)
	f.file("-it's mine.csv", "phone_number,channel,agent_uuid\n"+number(1)+",call,"+agent1+"\n"+number(2)+",call,"+agent9+"\n")
	shell := func(line string) (code int, out string) {
		cmd := f.process()
		sh := exec.CommandContext(t.Context(), "/bin/sh", "-c", fmt.Sprintf(`trunkctl() { %s "$@"; }; %s`, term.ShellQuote(cmd.Path), line))
		sh.Dir, sh.Env = cmd.Dir, cmd.Env
		text, err := sh.CombinedOutput()
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			return exit.ExitCode(), string(text)
		}
		require.NoError(t, err)
		return exitDone, string(text)
	}
	advised := func(out, after string) string {
		_, line, found := strings.Cut(out, after)
		require.True(t, found, out)
		line, _, _ = strings.Cut(line, "\n")
		return line
	}
	const first = `trunkctl import --yes -- "-it's mine.csv"`
	code, out := shell(first)
	require.Equal(t, exitPartial, code, out)
	corrected := advised(out, ", then run: ")
	_, out = shell(first)
	resume := advised(out, "resume it: ")
	_, out = shell(resume)
	force := advised(out, "replace it: ")

	code, out = shell(force)
	require.Equal(t, exitPartial, code, out)
	require.Contains(t, out, "resuming: 1 row already done")
	f.agent(9)
	code, out = shell(corrected)
	require.Equal(t, exitDone, code, out)
	require.Len(t, f.Trunks(), 2)
}

// TestUnknownTakesPrecedence: an unknown outcome decides the exit code, whatever else has ended the
// run.
func TestUnknownTakesPrecedence(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"import", "numbers.csv", "--yes", "-o", "csv"},
		{"rotate", "--file", "passwords", number(0), "--yes", "-o", "table"},
	} {
		t.Run(args[0], func(t *testing.T) {
			t.Parallel()
			f := newFake(t, anyAgent())
			f.rows(1)
			require.Equal(t, exitDone, f.run("import", "DIR/numbers.csv", "--yes").code)
			require.NoError(t, f.Inject(mihutest.Fault{On: mihutest.Match{Method: http.MethodPatch, Times: -1}, Status: http.StatusInternalServerError}))
			reader, writer, err := os.Pipe()
			require.NoError(t, err)
			require.NoError(t, reader.Close())
			cmd := f.process(args...)
			var stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = writer, &stderr
			exit, ok := errors.AsType[*exec.ExitError](cmd.Run())
			require.True(t, ok)
			require.Equal(t, exitUnknown, exit.ExitCode(), stderr.String())
			require.Contains(t, stderr.String(), "outcome unknown for 1")
			require.NoError(t, writer.Close())
		})
	}
}
