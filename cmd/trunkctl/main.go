package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	// A terminal that is closed is a reason to end in good order as well, unless nohup is to keep it from that.
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(signals, syscall.SIGHUP)
	}
	// A reader that goes away, as "head" does, is an error of the write, so that a change that is
	// under way is finished and recorded.
	signal.Ignore(syscall.SIGPIPE)
	os.Exit(run(context.Background(), environment{
		args:           os.Args[1:],
		stdin:          os.Stdin,
		stdout:         os.Stdout,
		stderr:         os.Stderr,
		getenv:         os.Getenv,
		configDir:      os.UserConfigDir,
		keyring:        systemKeyring(),
		signals:        signals,
		releaseSignals: func() { signal.Stop(signals) },
	}))
}
