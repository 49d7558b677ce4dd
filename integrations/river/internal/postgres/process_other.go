//go:build !linux

package postgres

import "os/exec"

// dieWithParent exists on Linux only.
func dieWithParent(*exec.Cmd) {}
