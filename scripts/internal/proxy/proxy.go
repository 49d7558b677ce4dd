// Package proxy writes modules into a folder that Go accepts as a module proxy.
package proxy

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"
	modzip "golang.org/x/mod/zip"

	"github.com/mihu-go/mihu/scripts/internal/tree"
)

// Add adds a version of a module of a tree to the proxy in a folder. It returns the hashes of the
// module's zip and of its go.mod, as in go.sum.
func Add(dir string, t *tree.Tree, m tree.Module, version string) (zipHash, modHash string, err error) {
	escaped, err := module.EscapePath(m.Path)
	if err != nil {
		return "", "", err
	}
	versions := filepath.Join(dir, filepath.FromSlash(escaped), "@v")
	if err := os.MkdirAll(versions, 0o755); err != nil {
		return "", "", err
	}
	base := filepath.Join(versions, version)
	gomod, err := os.ReadFile(t.File(m, "go.mod"))
	if err != nil {
		return "", "", err
	}
	if err := createZip(base+".zip", t, m, version); err != nil {
		return "", "", fmt.Errorf("zip of %s: %w", m.Path, err)
	}
	info := fmt.Sprintf("{\"Version\":%q,\"Time\":%q}\n", version, time.Now().UTC().Format(time.RFC3339))
	for name, content := range map[string][]byte{base + ".mod": gomod, base + ".info": []byte(info)} {
		if err := os.WriteFile(name, content, 0o644); err != nil {
			return "", "", err
		}
	}
	if err := appendLine(filepath.Join(versions, "list"), version); err != nil {
		return "", "", err
	}
	return hashes(base+".zip", gomod)
}

func hashes(zipFile string, gomod []byte) (zipHash, modHash string, err error) {
	zipHash, err = dirhash.HashZip(zipFile, dirhash.Hash1)
	if err != nil {
		return "", "", err
	}
	modHash, err = dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(gomod)), nil
	})
	return zipHash, modHash, err
}

// createZip zips a module. Like Go, it adds the license of the repository to a module that has none.
func createZip(name string, t *tree.Tree, m tree.Module, version string) error {
	license := t.File(m, "LICENSE")
	if _, err := os.Stat(license); os.IsNotExist(err) {
		content, err := os.ReadFile(filepath.Join(t.Root, "LICENSE"))
		if err != nil {
			return err
		}
		if err := os.WriteFile(license, content, 0o644); err != nil {
			return err
		}
		defer os.Remove(license) //nolint:errcheck // the tree is a copy
	}
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // closed below
	mod := module.Version{Path: m.Path, Version: version}
	if err := modzip.CreateFromDir(file, mod, filepath.Join(t.Root, filepath.FromSlash(m.Dir))); err != nil {
		return err
	}
	return file.Close()
}

func appendLine(name, line string) error {
	file, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // closed below
	if _, err := fmt.Fprintln(file, line); err != nil {
		return err
	}
	return file.Close()
}
