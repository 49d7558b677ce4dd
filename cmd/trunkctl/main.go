package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/mihu-go/mihu/cmd/trunkctl/internal/credentials"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/files"
)

func main() {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	// Closing the terminal ends the program in good order as well, unless it runs under nohup.
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(signals, syscall.SIGHUP)
	}
	// If a reader such as "head" goes away, the write fails instead of the process, so that a
	// change in flight is finished and recorded.
	signal.Ignore(syscall.SIGPIPE)
	directories := files.Directories{Getenv: os.Getenv}
	os.Exit(run(context.Background(), environment{
		args:           os.Args[1:],
		stdin:          os.Stdin,
		stdout:         os.Stdout,
		stderr:         os.Stderr,
		getenv:         os.Getenv,
		configDir:      directories.Config,
		stateDir:       directories.State,
		cacheDir:       directories.Cache,
		keyring:        credentials.SystemKeyring(),
		signals:        signals,
		releaseSignals: func() { signal.Stop(signals) },
	}))
}
