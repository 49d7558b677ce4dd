// Package tree knows the modules of a checkout of this repository.
package tree

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
)

// Tree is a checkout.
type Tree struct {
	Root    string
	Modules []Module // the root module first, then by folder
}

// Module is a module of a checkout.
type Module struct {
	Dir       string // relative to the root, with slashes; "." is the root module
	Path      string
	Requires  []string // the paths of all required modules
	Replaces  []string // the paths of all replaced modules
	Published bool     // users install it: it is the root module, or in cmd/ or integrations/
}

// Tag returns the tag of a version of the module.
func (m Module) Tag(version string) string {
	if m.Dir == "." {
		return version
	}
	return m.Dir + "/" + version
}

// Load finds the modules below a folder.
func Load(root string) (*Tree, error) {
	t := &Tree{Root: root}
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "testdata"):
			return fs.SkipDir
		case entry.IsDir() || entry.Name() != "go.mod":
			return nil
		}
		module, err := load(root, filepath.Dir(name))
		t.Modules = append(t.Modules, module)
		return err
	})
	if err != nil {
		return nil, err
	}
	// WalkDir visits .ci before the go.mod of the root.
	slices.SortStableFunc(t.Modules, func(a, b Module) int { return strings.Compare(a.Dir, b.Dir) })
	i := slices.IndexFunc(t.Modules, func(m Module) bool { return m.Dir == "." })
	if i < 0 {
		return nil, fmt.Errorf("%s has no go.mod", root)
	}
	module := t.Modules[i]
	t.Modules = slices.Insert(slices.Delete(t.Modules, i, i+1), 0, module)
	return t, nil
}

func load(root, dir string) (Module, error) {
	file, err := parse(filepath.Join(dir, "go.mod"))
	if err != nil {
		return Module{}, err
	}
	rel, err := filepath.Rel(root, dir)
	if err != nil {
		return Module{}, err
	}
	m := Module{Dir: filepath.ToSlash(rel), Path: file.Module.Mod.Path}
	m.Published = m.Dir == "." || path.Dir(m.Dir) == "cmd" || path.Dir(m.Dir) == "integrations"
	for _, require := range file.Require {
		m.Requires = append(m.Requires, require.Mod.Path)
	}
	for _, replace := range file.Replace {
		m.Replaces = append(m.Replaces, replace.Old.Path)
	}
	return m, nil
}

func parse(name string) (*modfile.File, error) {
	content, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return modfile.Parse(name, content, nil)
}

// Published returns the modules that users install.
func (t *Tree) Published() []Module {
	return slices.DeleteFunc(slices.Clone(t.Modules), func(m Module) bool { return !m.Published })
}

// Find returns the module with a path.
func (t *Tree) Find(modulePath string) (Module, bool) {
	i := slices.IndexFunc(t.Modules, func(m Module) bool { return m.Path == modulePath })
	if i < 0 {
		return Module{}, false
	}
	return t.Modules[i], true
}

// File returns the path of a file of a module.
func (t *Tree) File(m Module, name string) string {
	return filepath.Join(t.Root, filepath.FromSlash(m.Dir), name)
}

// Changed returns the published modules that have one of the files, which are relative to the root,
// or that require such a module of this tree.
func (t *Tree) Changed(files []string) []Module {
	touched := map[string]bool{}
	for _, file := range files {
		if m, ok := t.owner(file); ok {
			touched[m.Path] = true
		}
	}
	for grew := true; grew; {
		grew = false
		for _, m := range t.Modules {
			if !touched[m.Path] && slices.ContainsFunc(m.Requires, func(path string) bool { return touched[path] }) {
				touched[m.Path], grew = true, true
			}
		}
	}
	return slices.DeleteFunc(t.Published(), func(m Module) bool { return !touched[m.Path] })
}

// owner returns the module that has a file: the one in the deepest folder above it.
func (t *Tree) owner(file string) (owner Module, found bool) {
	for _, m := range t.Modules {
		if m.Dir == "." || strings.HasPrefix(file, m.Dir+"/") {
			if !found || owner.Dir == "." || len(m.Dir) > len(owner.Dir) {
				owner, found = m, true
			}
		}
	}
	return owner, found
}

// versionLine is the line of client.go with the version.
var versionLine = regexp.MustCompile(`(?m)^const Version = "([^"]*)"$`)

// VersionFile is the file of the root module with the constant Version.
const VersionFile = "client.go"

// Version returns the version that the source names, as in "v0.1.0".
func (t *Tree) Version() (string, error) {
	content, err := os.ReadFile(filepath.Join(t.Root, VersionFile))
	if err != nil {
		return "", err
	}
	match := versionLine.FindSubmatch(content)
	if match == nil {
		return "", errors.New(VersionFile + ` has no line const Version = "…"`)
	}
	return "v" + string(match[1]), nil
}
