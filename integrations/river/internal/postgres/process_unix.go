//go:build unix

package postgres

import (
	"errors"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// PostgreSQL's signals.
const (
	fastShutdown      = syscall.SIGINT
	immediateShutdown = syscall.SIGQUIT
)

func supported() error { return nil }

// credential is a user.
type credential struct{ uid, gid int }

// unprivileged returns a user who is not root.
func unprivileged() (*credential, error) {
	for _, name := range []string{"postgres", "nobody"} {
		who, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.Atoi(who.Uid)
		if err != nil {
			return nil, err
		}
		gid, err := strconv.Atoi(who.Gid)
		if err != nil {
			return nil, err
		}
		return &credential{uid, gid}, nil
	}
	return nil, errors.New("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")
}

// runAs makes a command run as a user; nil is the user of this process.
func runAs(cmd *exec.Cmd, as *credential) {
	cmd.SysProcAttr = new(syscall.SysProcAttr)
	if as != nil {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(as.uid), Gid: uint32(as.gid)} //nolint:gosec // ids of users
	}
}
