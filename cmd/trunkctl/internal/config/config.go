package config

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mihu-go/mihu/cmd/trunkctl/internal/files"
)

// Version is the version of the file's format. A file of a later one is refused: rewriting it would
// discard what this program does not know.
const Version = 1

// Workspace is a workspace of the config.
type Workspace struct {
	// Name is chosen by the user. It need not be that of the address.
	Name string `json:"name"`
	// Address is the base URL of the API. No two workspaces have the same.
	Address string `json:"address"`
	// Rate limits requests, as --rate does; "" means no limit.
	Rate string `json:"rate,omitempty"`
	// ConflictStatuses are the statuses with which this API refuses a trunk that exists or a busy agent,
	// beside 400, 409 and 422.
	ConflictStatuses []int `json:"conflict_statuses,omitempty"`
	// Production marks a workspace whose name has to be typed before it is changed.
	Production bool `json:"production,omitempty"`
}

// Config is the content of the file. Its zero value is that of a file that does not exist.
type Config struct {
	Version int `json:"version"`
	// Current is the name of the workspace that is used if nothing else selects one; "" is none.
	Current    string      `json:"current,omitempty"`
	Workspaces []Workspace `json:"workspaces"`
}

// Find returns the workspace of a name, or nil.
func (c *Config) Find(name string) *Workspace {
	return c.first(func(w Workspace) bool { return w.Name == name })
}

// At returns the workspace of an address, or nil.
func (c *Config) At(address string) *Workspace {
	return c.first(func(w Workspace) bool { return w.Address == address })
}

func (c *Config) first(match func(Workspace) bool) *Workspace {
	if i := slices.IndexFunc(c.Workspaces, match); i >= 0 {
		return &c.Workspaces[i]
	}
	return nil
}

// Remove removes the workspace of a name, and its selection.
func (c *Config) Remove(name string) {
	c.Workspaces = slices.DeleteFunc(c.Workspaces, func(w Workspace) bool { return w.Name == name })
	if c.Current == name {
		c.Current = ""
	}
}

// maxName is the maximum length of a name, in bytes.
const maxName = 63

// ValidName reports whether a text can be the name of a workspace: letters, digits, dots, dashes
// and underscores, beginning with a letter or a digit.
func ValidName(name string) bool {
	const alphanumeric = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	return name != "" && len(name) <= maxName && strings.ContainsRune(alphanumeric, rune(name[0])) &&
		strings.Trim(name, alphanumeric+"._-") == ""
}

// File is the file in a directory of settings.
type File struct {
	// Dir returns the directory that holds the settings of programs.
	Dir func() (string, error)
}

// Path returns the name of the file.
func (f File) Path() (string, error) {
	dir, err := f.Dir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "trunkctl", "config.json"), nil
}

// Read returns the content of the file. A file that does not exist, or cannot because there is no
// directory for it, is empty.
func (f File) Read() (Config, error) {
	path, err := f.Path()
	if err != nil {
		return Config{Version: Version}, nil //nolint:nilerr // see above
	}
	return read(path)
}

// Change changes the file: it reads it, calls change, and replaces it if change returns nil. Other
// processes that change it wait until then, so that no change is lost.
func (f File) Change(ctx context.Context, change func(*Config) error) error {
	path, err := f.Path()
	if err != nil {
		return fmt.Errorf("no directory for the config: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	release, err := files.Hold(ctx, path+".lock")
	if err != nil {
		return err
	}
	defer release()
	c, err := read(path)
	if err != nil {
		return err
	}
	if err := change(&c); err != nil {
		return err
	}
	// A link to a file elsewhere, as in a repository of settings, stays a link.
	return files.Replace(files.Resolve(path), func(w io.Writer) error {
		encoder := json.NewEncoder(w)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		return encoder.Encode(c)
	})
}

func read(path string) (Config, error) {
	content, err := os.ReadFile(path) //nolint:gosec // a file of this program's own
	if errors.Is(err, fs.ErrNotExist) {
		return Config{Version: Version}, nil
	}
	if err != nil {
		return Config{}, err
	}
	var c Config
	decoder := json.NewDecoder(bytes.NewReader(content))
	if err := decoder.Decode(&c); err != nil {
		return Config{}, fmt.Errorf("%s: not valid JSON: correct it or remove it", path)
	}
	if c.Version > Version {
		return Config{}, fmt.Errorf("%s: written by a later version of trunkctl: install that", path)
	}
	if err := c.check(); err != nil {
		return Config{}, fmt.Errorf("%s: %w", path, err)
	}
	c.Version = Version
	return c, nil
}

// check checks what a person may have edited.
func (c *Config) check() error {
	names, addresses := map[string]bool{}, map[string]bool{}
	for i, w := range c.Workspaces {
		switch {
		case !ValidName(w.Name):
			return fmt.Errorf("workspace %d: invalid name; want letters, digits, dots, dashes and underscores", i+1)
		case names[w.Name]:
			return fmt.Errorf("workspace %d: duplicate name %s", i+1, w.Name)
		case w.Address == "":
			return fmt.Errorf("workspace %d: no address", i+1)
		case addresses[w.Address]:
			return fmt.Errorf("workspace %d: duplicate address", i+1)
		}
		names[w.Name], addresses[w.Address] = true, true
	}
	if c.Current != "" && !names[c.Current] {
		return errors.New("the current workspace is not in the list")
	}
	return nil
}
