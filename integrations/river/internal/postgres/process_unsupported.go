//go:build !unix

package postgres

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
)

// There are no such signals here.
var fastShutdown, immediateShutdown = os.Kill, os.Kill

func supported() error {
	return fmt.Errorf("a PostgreSQL server for tests needs Unix sockets and signals: %w on %s", errors.ErrUnsupported, runtime.GOOS)
}

type credential struct{ uid, gid int }

func unprivileged() (*credential, error) { return nil, supported() }

func runAs(*exec.Cmd, *credential) {}
