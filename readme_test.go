package mihu_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every piece of Go in the README stands, line by line, in a file that is compiled and run.
func TestReadmeCompiles(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	files, err := filepath.Glob("examples/*/*_test.go")
	require.NoError(t, err)
	var compiled strings.Builder
	for _, file := range append(files, "example_test.go", "provision/example_import_test.go") {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		compiled.WriteString(unindent(string(source)))
	}
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(readme), -1)
	require.NotEmpty(t, blocks)
	for _, block := range blocks {
		assert.Contains(t, compiled.String(), unindent(block[1]))
	}
}

func unindent(source string) string {
	lines := strings.Split(source, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSpace(line)
	}
	return strings.Join(lines, "\n")
}

// The table of the package documentation and that of the README say the same.
func TestReadmeHasThePolicyOfTheDocumentation(t *testing.T) {
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
