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

// Run runs a program and gives what it printed, on both its outputs. A server stands for the real
// workspace and is named as one; with a nil server the program starts its fake.
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

// Golden compares what was printed with a file of testdata; the flag -update writes the file.
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
	want := strings.ReplaceAll(string(text), "\r\n", "\n") // as git may check it out on Windows
	if printed != want {
		t.Errorf("the program printed\n%s\nwant, as in %s,\n%s", printed, file, want)
	}
}
