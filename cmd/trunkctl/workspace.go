package main

import (
	"context"
	"log/slog"
	"slices"
	"strings"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/term"
)

// checkGlobal checks the global flags before a command starts.
func (a *app) checkGlobal() error {
	if !slices.Contains(term.Formats, a.global.output) {
		return usagef("--output: want one of %s", strings.Join(term.Formats, ", "))
	}
	if !slices.Contains(term.Colors, a.global.color) {
		return usagef("--color: want auto, always or never")
	}
	if a.global.timeout <= 0 {
		return usagef("--timeout: want more than 0, such as 30s")
	}
	_, err := parseRate(a.global.rate)
	return err
}

// workspace is the client that a command uses.
type workspace struct {
	client *mihu.Client
	// tokenFrom is where the token was found, for people.
	tokenFrom string
}

// workspaceName identifies a workspace in the files that this program writes.
func (a *app) workspaceName(w *workspace) string {
	if a.global.demo {
		return "demo" // its port differs with every run
	}
	return w.client.BaseURL()
}

// open returns a client for the workspace that the flags and the environment select. It sends
// nothing.
func (a *app) open(ctx context.Context) (*workspace, error) {
	limit, err := parseRate(a.global.rate)
	if err != nil {
		return nil, err
	}
	options := []mihu.Option{
		mihu.WithUserAgent("trunkctl/" + version()), mihu.WithAttemptTimeout(a.global.timeout), mihu.WithLimiter(paced(limit)),
	}
	if a.global.debug {
		handler := slog.NewTextHandler(a.console, &slog.HandlerOptions{Level: slog.LevelDebug})
		options = append(options, mihu.WithLogger(slog.New(handler)))
	}
	if a.global.demo {
		return a.openDemo(options)
	}
	name, base, err := a.address()
	if err != nil {
		return nil, err
	}
	options = append(options, mihu.WithBaseURL(base))
	// A client with a dummy token validates the address, and returns the full base URL that tokens
	// are stored under.
	probe, err := mihu.New(name, "-", options...)
	if err != nil {
		return nil, err
	}
	token, from, err := a.findToken(ctx, probe.BaseURL())
	if err != nil {
		return nil, err
	}
	client, err := mihu.New(name, token, options...)
	if err != nil {
		return nil, &advisedError{err, "the token is from " + from}
	}
	return &workspace{client, from}, nil
}

// address returns the workspace and the base URL that the flags and the environment select. Flags
// override the environment, and --workspace overrides MIHU_BASE_URL too.
func (a *app) address() (name, base string, err error) {
	name, base = a.global.workspace, a.global.baseURL
	if name == "" {
		name = a.getenv(mihu.EnvTenant)
		if base == "" {
			base = a.getenv(mihu.EnvBaseURL)
		}
	}
	if name == "" && base == "" {
		return "", "", &usageError{
			problem: "no workspace selected",
			advice:  "pass --workspace or set MIHU_TENANT: acme of acme.mihu.ai;\nto try this command without a workspace, add --demo",
		}
	}
	return name, base, nil
}
