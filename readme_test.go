package mihu_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/scanner"
	gotoken "go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every Go snippet of the README is part of an example that is compiled and run. Comments and
// layout may differ.
func TestReadmeCompiles(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("examples/*/*_test.go")
	require.NoError(t, err)
	var compiled strings.Builder
	for _, file := range append(files, "example_test.go", "provision/example_import_test.go", "mihutest/example_test.go") {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		compiled.WriteString(codeOf(string(source)))
	}
	snippets := readSnippets(t, "README.md")
	require.NotEmpty(t, snippets)
	for _, s := range snippets {
		assert.Contains(t, compiled.String(), codeOf(s.code), "README.md:%d", s.line)
	}
}

// codeOf returns the code without comments and white space.
func codeOf(code string) string {
	var s scanner.Scanner
	file := gotoken.NewFileSet().AddFile("", -1, len(code))
	s.Init(file, []byte(code), nil, 0)
	text := " "
	for {
		_, tok, literal := s.Scan()
		switch {
		case tok == gotoken.EOF:
			return text
		case tok == gotoken.SEMICOLON:
		case literal != "":
			text += literal + " "
		default:
			text += tok.String() + " "
		}
	}
}

// snippet is a block of Go in a page of Markdown, and the line at which its code begins.
type snippet struct {
	code string
	line int
}

func readSnippets(t *testing.T, page string) []snippet {
	t.Helper()
	content, err := os.ReadFile(page)
	require.NoError(t, err)
	var found []snippet
	for _, at := range regexp.MustCompile("(?s)```go\n(.*?)```").FindAllSubmatchIndex(content, -1) {
		found = append(found, snippet{string(content[at[2]:at[3]]), 1 + bytes.Count(content[:at[2]], []byte("\n"))})
	}
	return found
}

// importable are the packages that a snippet can use without an import of its own.
var importable = map[string]string{
	"mihu": "github.com/mihu-go/mihu", "mihutest": "github.com/mihu-go/mihu/mihutest", "provision": "github.com/mihu-go/mihu/provision",
	"context": "context", "errors": "errors", "fmt": "fmt", "http": "net/http", "httptest": "net/http/httptest", "json": "encoding/json",
	"os": "os", "rand": "crypto/rand", "signal": "os/signal", "slog": "log/slog", "sql": "database/sql", "strconv": "strconv",
	"io": "io", "strings": "strings", "testing": "testing", "time": "time", "url": "net/url",
}

// surroundings are what a snippet can use without declaring it.
const surroundings = `package page
var ctx context.Context
var client *mihu.Client
var id mihu.TrunkID
var agent, path, token string
var log *slog.Logger
var t *testing.T
`

// The Go of the README and of each guide compiles. The blocks of a page are one package: statements
// become the body of a function, which can use what other blocks declare.
func TestDocumentationCompiles(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("docs/*.md")
	require.NoError(t, err)
	require.NotEmpty(t, pages)
	exported := exportData(t)
	for _, page := range append(pages, "README.md") {
		t.Run(page, func(t *testing.T) {
			t.Parallel()
			set := gotoken.NewFileSet()
			files := []*ast.File{parseSnippet(t, set, page+" (surroundings)", surroundings)}
			for _, s := range readSnippets(t, page) {
				line := fmt.Sprintf("//line %s:%d\n", filepath.Base(page), s.line)
				source := "package page\n" + line + s.code
				if !regexp.MustCompile(`(?m)^(func|type|var|const) `).MatchString(s.code) {
					source = "package page\nfunc _() (err error) {\n" + line + s.code + "\nreturn nil\n}\n"
				}
				files = append(files, parseSnippet(t, set, page, source))
			}
			config := types.Config{
				Importer: importer.ForCompiler(set, runtime.Compiler, func(path string) (io.ReadCloser, error) { return os.Open(exported[path]) }),
				Error: func(err error) {
					if problem, ok := err.(types.Error); !ok || !problem.Soft { //nolint:errorlint // go/types hands it over as it is
						t.Error(err)
					}
				},
			}
			_, _ = config.Check("page", set, files, nil) // Error has every error
		})
	}
}

// parseSnippet parses the source of a package, with the imports that it needs.
func parseSnippet(t *testing.T, set *gotoken.FileSet, name, source string) *ast.File {
	t.Helper()
	var imports strings.Builder
	imports.WriteString("package page\n")
	for _, used := range slices.Sorted(maps.Keys(importable)) {
		if regexp.MustCompile(`\b` + used + `\.[A-Z]`).MatchString(source) {
			fmt.Fprintf(&imports, "import %s %q\n", used, importable[used])
		}
	}
	file, err := parser.ParseFile(set, name, strings.Replace(source, "package page\n", imports.String(), 1), parser.SkipObjectResolution)
	require.NoError(t, err)
	return file
}

// exportData returns the files in which the compiler describes the importable packages and all
// that they import.
func exportData(t *testing.T) map[string]string {
	t.Helper()
	args := append([]string{"list", "-export", "-deps", "-f", "{{.ImportPath}} {{.Export}}"}, slices.Sorted(maps.Values(importable))...)
	command := exec.CommandContext(t.Context(), "go", args...)
	var problems strings.Builder
	command.Stderr = &problems
	listed, err := command.Output()
	require.NoError(t, err, problems.String())
	files := map[string]string{}
	for line := range strings.Lines(string(listed)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		files[path] = file
	}
	return files
}

// The README has every row of the table in the package documentation.
func TestReadmeHasThePolicy(t *testing.T) {
	t.Parallel()
	documentation, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	words := func(s string) string {
		return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune("|/; \t\n", r) }), " ")
	}
	table := regexp.MustCompile(`(?s)//\tthe attempt.*?\n//\n`).FindString(string(documentation))
	require.NotEmpty(t, table)
	for row := range strings.Lines(table) {
		if row = words(strings.TrimPrefix(row, "//")); row != "" {
			assert.Contains(t, words(string(readme)), row)
		}
	}
}
