//go:build !linux

package postgres

import "syscall"

// dieWithParent exists on Linux only.
func dieWithParent(*syscall.SysProcAttr) {}
