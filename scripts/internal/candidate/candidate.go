// Package candidate makes a release of a tree, in a copy: what its files would be, and a module
// proxy that has it.
package candidate

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/module"

	"github.com/mihu-go/mihu/scripts/internal/proxy"
	"github.com/mihu-go/mihu/scripts/internal/tree"
)

// Write writes a version and a date into the files of a tree: its source, its change log and its
// requirements.
func Write(t *tree.Tree, version string, date time.Time) error {
	if err := t.SetVersion(version); err != nil {
		return err
	}
	return t.SetChangelog(version, date)
}

// Serve adds all published modules of a tree to a proxy, those first that others require. If sums
// is true, it writes the hashes of a module into the go.sum of those that require it and do not
// replace it. Only a module that others require this way can have them: its zip has no go.sum of
// theirs.
func Serve(dir string, t *tree.Tree, version string, sums bool) error {
	hashes := map[string][2]string{}
	for _, m := range inOrder(t.Published()) {
		for _, required := range m.Requires {
			hash, ours := hashes[required]
			if !sums || !ours || slices.Contains(m.Replaces, required) {
				continue
			}
			mod := module.Version{Path: required, Version: version}
			if err := tree.SetSums(t.File(m, "go.sum"), mod, hash[0], hash[1]); err != nil {
				return err
			}
		}
		zipHash, modHash, err := proxy.Add(dir, t, m, version)
		if err != nil {
			return err
		}
		hashes[m.Path] = [2]string{zipHash, modHash}
	}
	return nil
}

// inOrder sorts modules so that each comes after those that it requires.
func inOrder(modules []tree.Module) []tree.Module {
	var ordered []tree.Module
	var add func(m tree.Module)
	add = func(m tree.Module) {
		if slices.ContainsFunc(ordered, func(o tree.Module) bool { return o.Path == m.Path }) {
			return
		}
		for _, required := range modules {
			if required.Path != m.Path && slices.Contains(m.Requires, required.Path) {
				add(required)
			}
		}
		ordered = append(ordered, m)
	}
	for _, m := range modules {
		add(m)
	}
	return ordered
}

// Tidy runs "go mod tidy" in the published modules. For a module that requires others of the tree
// without a replace, it does so with a replace that it removes again: these versions are not
// published yet.
func Tidy(ctx context.Context, t *tree.Tree) error {
	for _, m := range t.Published() {
		var missing []string
		for _, required := range m.Requires {
			if _, ours := t.Find(required); ours && !slices.Contains(m.Replaces, required) {
				missing = append(missing, required)
			}
		}
		if err := tidy(ctx, t, m, missing); err != nil {
			return fmt.Errorf("go mod tidy of %s: %w", m.Path, err)
		}
	}
	return nil
}

func tidy(ctx context.Context, t *tree.Tree, m tree.Module, missing []string) error {
	dir := filepath.Dir(t.File(m, "go.mod"))
	var replace, drop []string
	for _, path := range missing {
		required, _ := t.Find(path)
		replace = append(replace, "-replace="+path+"="+filepath.Dir(t.File(required, "go.mod")))
		drop = append(drop, "-dropreplace="+path)
	}
	if err := dropSums(filepath.Join(dir, "go.sum"), missing); err != nil {
		return err
	}
	commands := [][]string{{"mod", "tidy"}}
	if len(missing) > 0 {
		commands = [][]string{
			append([]string{"mod", "edit"}, replace...),
			{"mod", "tidy"},
			append([]string{"mod", "edit"}, drop...),
		}
	}
	for _, args := range commands {
		cmd := exec.CommandContext(ctx, "go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOWORK=off")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%w\n%s", err, out)
		}
	}
	return nil
}

// dropSums removes the lines of modules from a go.sum, whose hashes are of another tree.
func dropSums(name string, paths []string) error {
	if len(paths) == 0 {
		return nil
	}
	content, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	var kept strings.Builder
	for line := range strings.Lines(string(content)) {
		if path, _, _ := strings.Cut(line, " "); !slices.Contains(paths, path) {
			kept.WriteString(line)
		}
	}
	return os.WriteFile(name, []byte(kept.String()), 0o644)
}
