package mihu_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// mapped are the folders of which the map of CONTRIBUTING.md has every file; "." is the root alone.
var mapped = []string{".", "internal", "provision", "mihutest", "cmd/trunkctl", "integrations", "conformance"}

// The map of CONTRIBUTING.md names every file that is not a test exactly once, and no other, and the
// journeys pass files of the map.
func TestLayout(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("CONTRIBUTING.md")
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(content), "\n## The map of the house\n")
	require.True(t, found, "the map is missing")
	tables, journeys, found := strings.Cut(rest, "\n## Three journeys\n")
	require.True(t, found, "the journeys are missing")

	named := namedFiles(tables)
	for file, count := range named {
		assert.Equal(t, 1, count, "lines of the map for %s", file)
		assert.FileExists(t, file)
	}
	for _, folder := range mapped {
		for _, file := range sourceFiles(t, folder) {
			assert.Positive(t, named[file], "lines of the map for %s", file)
		}
	}
	passed := regexp.MustCompile("`([^` ]+\\.go)`").FindAllStringSubmatch(journeys, -1)
	require.NotEmpty(t, passed)
	for _, match := range passed {
		inCommand := "cmd/trunkctl/" + match[1]
		assert.True(t, named[match[1]] > 0 || named[inCommand] > 0, "a journey passes %s, which the map does not have", match[1])
	}
}

// namedFiles counts the lines of the map by the files that they are for. The heading above a line
// names its folder.
func namedFiles(tables string) map[string]int {
	heading := regexp.MustCompile("^### `([^`]+/)`$")
	row := regexp.MustCompile("^\\| `([^`]+\\.go)` \\| \\S.* \\|$")
	named := map[string]int{}
	folder := ""
	for line := range strings.Lines(tables) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "#") {
			folder = ""
		}
		if match := heading.FindStringSubmatch(line); match != nil {
			folder = match[1]
		}
		if match := row.FindStringSubmatch(line); match != nil {
			named[path.Join(folder, match[1])]++
		}
	}
	return named
}

// sourceFiles returns the files of Go in a folder that are not tests, with slashes.
func sourceFiles(t *testing.T, folder string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(folder, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != folder && (folder == "." || entry.Name() == "testdata"):
			return fs.SkipDir
		case !entry.IsDir() && strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go"):
			files = append(files, filepath.ToSlash(name))
		}
		return nil
	})
	require.NoError(t, err)
	require.NotEmpty(t, files, "%s has no files", folder)
	return files
}
