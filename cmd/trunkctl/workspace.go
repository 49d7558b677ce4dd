package main

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/term"
)

// checkGlobal checks the global flags before a command starts.
func (a *app) checkGlobal() error {
	if !slices.Contains(term.Formats, a.global.output) {
		problem := "--output: want one of " + strings.Join(term.Formats, ", ")
		if meant := formatsElsewhere[a.global.output]; meant != "" {
			problem += "; did you mean " + meant + "?"
		}
		return &usageError{problem: problem}
	}
	if !slices.Contains(term.Colors, a.global.color) {
		return usagef("--color: want auto, always or never")
	}
	if a.global.timeout <= 0 {
		return usagef("--timeout: want more than 0, such as 30s")
	}
	if _, err := parseRate(a.global.rate); err != nil {
		return err
	}
	return a.checkLogDays()
}

// workspace is the client that a command uses.
type workspace struct {
	*target

	client *mihu.Client
	// token is the token of the client. It is never printed.
	token string
	// tokenFrom is where the token was found, for people.
	tokenFrom string
}

// workspaceName identifies a workspace in the files that this program writes.
func (a *app) workspaceName(w *workspace) string {
	if a.global.demo {
		return "demo" // its port differs with every run
	}
	return w.base
}

// open returns a client for the workspace that the flags, the environment and the config select. It
// sends nothing.
func (a *app) open(ctx context.Context) (*workspace, error) {
	if a.global.demo {
		options, err := a.clientOptions(nil)
		if err != nil {
			return nil, err
		}
		return a.openDemo(options)
	}
	t, err := a.target()
	if err != nil {
		return nil, err
	}
	options, err := a.clientOptions(t)
	if err != nil {
		return nil, err
	}
	token, from, err := a.findToken(ctx, t)
	if err != nil {
		return nil, err
	}
	client, err := mihu.New("", token, append(options, mihu.WithBaseURL(t.base))...)
	if err != nil {
		return nil, &advisedError{err, "the token is from " + from}
	}
	return &workspace{t, client, token, from}, nil
}

// clientOptions returns the options of a client, without its address.
func (a *app) clientOptions(t *target) ([]mihu.Option, error) {
	rate := a.global.rate
	if rate == "" && t != nil && t.entry != nil {
		rate = t.entry.Rate
	}
	limit, err := parseRate(rate)
	if err != nil {
		return nil, err
	}
	options := []mihu.Option{
		mihu.WithUserAgent("trunkctl/" + version()), mihu.WithAttemptTimeout(a.global.timeout), mihu.WithLimiter(paced(limit)),
	}
	if t != nil && t.entry != nil {
		options = append(options, mihu.WithConflictStatuses(t.entry.ConflictStatuses...))
	}
	if a.transport != nil {
		options = append(options, mihu.WithHTTPClient(&http.Client{Transport: a.transport}))
	}
	if a.global.debug {
		options = append(options, mihu.WithLogger(a.debugLog()))
	}
	return options, nil
}

// debugLog returns the log of --debug.
func (a *app) debugLog() *slog.Logger {
	return slog.New(slog.NewTextHandler(a.console, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
