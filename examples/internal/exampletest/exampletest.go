// Package exampletest runs the example programs in tests.
package exampletest

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/examples/internal/example"
	"github.com/mihu-go/mihu/mihutest"
)

var update = flag.Bool("update", false, "write the golden files")

// Program is the run function of an example.
type Program func(context.Context, example.Env) error

// Run runs a program and returns what it printed to standard output and standard error. The program
// uses server as if it were a real workspace. If server is nil, the program starts its fake server.
func Run(ctx context.Context, t *testing.T, program Program, server *mihutest.Server, stdin string, args ...string) (string, error) {
	t.Helper()
	variables := map[string]string{}
	if server != nil {
		variables[mihu.EnvBaseURL], variables[mihu.EnvToken] = server.URL(), server.Token()
	}
	var out bytes.Buffer
	err := program(ctx, example.Env{
		Args:   args,
		Getenv: func(name string) string { return variables[name] },
		Stdin:  strings.NewReader(stdin),
		Stdout: &out,
		Stderr: &out,
	})
	printed := out.String()
	if server != nil {
		printed = strings.ReplaceAll(printed, server.URL(), "https://acme.mihu.ai/api/v1")
	}
	return printed, err
}

// Golden compares the output with a file in testdata. The flag -update writes the file.
func Golden(t *testing.T, name, printed string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(printed), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(filepath.Clean(file))
	if err != nil {
		t.Fatal(err)
	}
	want := strings.ReplaceAll(string(text), "\r\n", "\n") // git may check it out with CRLF on Windows
	if printed != want {
		t.Errorf("got:\n%s\nwant, from %s:\n%s", printed, file, want)
	}
}
