package tree

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/module"
)

// checkout writes a small checkout: the root, a command with a go.work, an integration with a
// replace, and a module that is not published.
func checkout(t *testing.T) *Tree {
	t.Helper()
	root := t.TempDir()
	for name, content := range map[string]string{
		"go.mod":                   "module example.com/m\n\ngo 1.26\n",
		"client.go":                "package m\n\nconst Version = \"0.1.0\"\n",
		"CHANGELOG.md":             "# Changelog\n\n## [Unreleased]\n\nThis will be 0.2.0.\n\n### Added\n\n- A thing.\n\n## [0.1.0] - 2026-01-02\n\n- The first.\n",
		"cmd/tool/go.mod":          "module example.com/m/cmd/tool\n\ngo 1.26\n\nrequire example.com/m v0.1.0\n",
		"cmd/tool/go.sum":          "example.com/m v0.1.0 h1:old=\nexample.com/m v0.1.0/go.mod h1:old=\nexample.com/mm v1.0.9 h1:kept=\nexample.com/mm v1.0.10 h1:kept=\n",
		"cmd/tool/go.work":         "go 1.26\n\nuse (\n\t.\n\t../..\n)\n\nreplace example.com/m v0.1.0 => ../..\n",
		"integrations/x/go.mod":    "module example.com/m/integrations/x\n\ngo 1.26\n\nrequire (\n\texample.com/m v0.0.0\n\texample.com/other v1.2.3\n)\n\nreplace example.com/m => ../..\n",
		"lab/go.mod":               "module example.com/m/lab\n\ngo 1.26\n\nrequire example.com/m/integrations/x v0.0.0\n",
		"testdata/ignored/go.mod":  "module example.com/ignored\n",
		"integrations/x/doc.go":    "package x\n",
		"cmd/tool/internal/a/a.go": "package a\n",
	} {
		file := filepath.Join(root, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o700))
		require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
	}
	tree, err := Load(root)
	require.NoError(t, err)
	return tree
}

func (t *Tree) read(tb testing.TB, name string) string {
	tb.Helper()
	content, err := os.ReadFile(filepath.Join(t.Root, filepath.FromSlash(name)))
	require.NoError(tb, err)
	return string(content)
}

func TestPublished(t *testing.T) {
	t.Parallel()
	var tags []string
	for _, m := range checkout(t).Published() {
		tags = append(tags, m.Tag("v0.2.0"))
	}
	assert.Equal(t, []string{"v0.2.0", "cmd/tool/v0.2.0", "integrations/x/v0.2.0"}, tags)
}

func TestChanged(t *testing.T) {
	t.Parallel()
	tree := checkout(t)
	for _, test := range []struct {
		name  string
		files []string
		want  []string
	}{
		{"nothing", nil, nil},
		{"an integration", []string{"integrations/x/doc.go"}, []string{"integrations/x"}},
		{"the root, and so all that require it", []string{"client.go"}, []string{".", "cmd/tool", "integrations/x"}},
		{"what is not published", []string{"lab/main.go"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var dirs []string
			for _, m := range tree.Changed(test.files) {
				dirs = append(dirs, m.Dir)
			}
			assert.Equal(t, test.want, dirs)
		})
	}
}

// TestSetVersion: a version is written wherever the modules of the tree name each other, and the
// versions of other modules stay.
func TestSetVersion(t *testing.T) {
	t.Parallel()
	tree := checkout(t)
	require.NoError(t, tree.SetVersion("v0.2.0"))
	version, err := tree.Version()
	require.NoError(t, err)
	assert.Equal(t, "v0.2.0", version)
	assert.Contains(t, tree.read(t, "cmd/tool/go.mod"), "example.com/m v0.2.0\n")
	assert.Contains(t, tree.read(t, "cmd/tool/go.work"), "replace example.com/m v0.2.0 => ../..\n")
	assert.Contains(t, tree.read(t, "integrations/x/go.mod"), "\texample.com/m v0.2.0\n\texample.com/other v1.2.3\n")
	assert.Contains(t, tree.read(t, "lab/go.mod"), "example.com/m/integrations/x v0.2.0\n")
}

func TestSetSums(t *testing.T) {
	t.Parallel()
	tree := checkout(t)
	mod := module.Version{Path: "example.com/m", Version: "v0.2.0"}
	require.NoError(t, SetSums(filepath.Join(tree.Root, "cmd", "tool", "go.sum"), mod, "h1:zip=", "h1:mod="))
	assert.Equal(t, "example.com/m v0.2.0 h1:zip=\nexample.com/m v0.2.0/go.mod h1:mod=\nexample.com/mm v1.0.9 h1:kept=\nexample.com/mm v1.0.10 h1:kept=\n",
		tree.read(t, "cmd/tool/go.sum"))
}

func TestSetChangelog(t *testing.T) {
	t.Parallel()
	tree := checkout(t)
	date := time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC)
	require.NoError(t, tree.SetChangelog("v0.2.0", date))
	assert.Equal(t, "# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - 2026-11-28\n\n### Added\n\n- A thing.\n\n## [0.1.0] - 2026-01-02\n\n- The first.\n",
		tree.read(t, "CHANGELOG.md"))
	section, err := tree.Section("v0.2.0")
	require.NoError(t, err)
	assert.Equal(t, "### Added\n\n- A thing.\n", section)
	require.ErrorContains(t, tree.SetChangelog("v0.3.0", date), "says nothing under Unreleased")
}
