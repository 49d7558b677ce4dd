// Package api compares the exported API of the modules of two trees.
package api

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/exp/apidiff"
	"golang.org/x/tools/go/packages"

	"github.com/mihu-go/mihu/scripts/internal/tree"
)

// Compare returns what has changed in the published modules of a tree. All that a new module
// exports is new. A module that is gone is an incompatible change.
func Compare(before, after *tree.Tree) (incompatible, compatible []string, err error) {
	for _, was := range before.Published() {
		if _, stays := after.Find(was.Path); !stays {
			incompatible = append(incompatible, "module "+was.Path+": removed")
		}
	}
	for _, is := range after.Published() {
		was, old := before.Find(is.Path)
		if !old {
			compatible = append(compatible, "module "+is.Path+": added")
			continue
		}
		changes, err := compare(before, was, after, is)
		if err != nil {
			return nil, nil, err
		}
		for _, change := range changes {
			text := strings.TrimPrefix(is.Path+" "+change.Message, before.Modules[0].Path+" ")
			if change.Compatible {
				compatible = append(compatible, text)
			} else {
				incompatible = append(incompatible, text)
			}
		}
	}
	return incompatible, compatible, nil
}

func compare(before *tree.Tree, was tree.Module, after *tree.Tree, is tree.Module) ([]apidiff.Change, error) {
	oldModule, err := load(before, was)
	if err != nil {
		return nil, err
	}
	newModule, err := load(after, is)
	if err != nil {
		return nil, err
	}
	return apidiff.ModuleChanges(oldModule, newModule).Changes, nil
}

// load loads the packages of a module that users can import.
func load(t *tree.Tree, m tree.Module) (*apidiff.Module, error) {
	dir := filepath.Dir(t.File(m, "go.mod"))
	env := append(os.Environ(), "GOWORK=off")
	if work := filepath.Join(dir, "go.work"); exists(work) {
		env = append(env, "GOWORK="+work)
	}
	config := &packages.Config{
		Mode: packages.NeedName | packages.NeedTypes | packages.NeedImports | packages.NeedDeps | packages.NeedExportFile,
		Dir:  dir,
		Env:  env,
	}
	loaded, err := packages.Load(config, "./...")
	if err != nil {
		return nil, fmt.Errorf("loading %s: %w", m.Path, err)
	}
	module := &apidiff.Module{Path: m.Path}
	for _, p := range loaded {
		if p.Name == "main" || strings.Contains("/"+p.PkgPath+"/", "/internal/") {
			continue
		}
		for _, loadErr := range p.Errors {
			err = errors.Join(err, fmt.Errorf("loading %s: %w", p.PkgPath, loadErr))
		}
		module.Packages = append(module.Packages, p.Types)
	}
	return module, err
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}
