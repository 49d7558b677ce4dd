package files

import (
	"fmt"
	"path/filepath"
	"runtime"
)

// Directories finds the directories of a user's programs, after the XDG Base Directory
// Specification on every system: a variable such as XDG_CONFIG_HOME, or its default. Windows has
// defaults of its own, %AppData% and %LocalAppData%.
type Directories struct {
	Getenv func(name string) string
}

// Config returns the directory of settings: XDG_CONFIG_HOME, ~/.config or %AppData%.
func (d Directories) Config() (string, error) {
	return d.find("XDG_CONFIG_HOME", "AppData", ".config")
}

// State returns the directory of logs: XDG_STATE_HOME, ~/.local/state or %LocalAppData%.
func (d Directories) State() (string, error) {
	return d.find("XDG_STATE_HOME", "LocalAppData", ".local", "state")
}

// Cache returns the directory of what can be fetched again: XDG_CACHE_HOME, ~/.cache or
// %LocalAppData%.
func (d Directories) Cache() (string, error) {
	return d.find("XDG_CACHE_HOME", "LocalAppData", ".cache")
}

// find returns the directory of a variable. The specification ignores a relative one.
func (d Directories) find(variable, windows string, fallback ...string) (string, error) {
	if dir := d.Getenv(variable); filepath.IsAbs(dir) {
		return dir, nil
	}
	base := "HOME"
	if runtime.GOOS == "windows" {
		base, fallback = windows, nil
	}
	dir := d.Getenv(base)
	if dir == "" {
		return "", fmt.Errorf("neither %s nor %s is set", variable, base)
	}
	return filepath.Join(append([]string{dir}, fallback...)...), nil
}
