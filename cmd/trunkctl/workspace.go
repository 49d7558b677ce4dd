package main

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/mihu-go/mihu"
	"golang.org/x/time/rate"
)

// checkGlobal checks the global flags before any command begins.
func (a *app) checkGlobal() error {
	if !isFormat(a.global.output) {
		return usagef("--output %q is no format; want one of %s", a.global.output, strings.Join(formats, ", "))
	}
	switch a.global.color {
	case "auto", "always", "never":
	default:
		return usagef("--color %q: want auto, always or never", a.global.color)
	}
	if a.global.timeout <= 0 {
		return usagef("--timeout %v: want more than 0, such as 30s", a.global.timeout)
	}
	_, err := parseRate(a.global.rate)
	return err
}

// workspace is where a command sends its requests, and how.
type workspace struct {
	client *mihu.Client
	// tokenFrom says where the token was found, for people.
	tokenFrom string
}

// workspaceName tells workspaces apart in the files that this program keeps.
func (a *app) workspaceName(w *workspace) string {
	if a.global.demo {
		return "demo" // its port is another one every time
	}
	return w.client.BaseURL()
}

// open makes the client of the workspace that the flags and the environment name. It sends nothing.
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
	tenant, base, err := a.address()
	if err != nil {
		return nil, err
	}
	options = append(options, mihu.WithBaseURL(base))
	// A client that cannot send tells what is wrong with the address, and its whole form, under which
	// tokens are kept.
	unsendable, err := mihu.New(tenant, "-", options...)
	if err != nil {
		return nil, err
	}
	token, from, err := a.findToken(ctx, unsendable.BaseURL())
	if err != nil {
		return nil, err
	}
	client, err := mihu.New(tenant, token, options...)
	if err != nil {
		return nil, &advisedError{err, "the token is from " + from}
	}
	return &workspace{client, from}, nil
}

// address is the subdomain and the base URL that the flags and the environment name; a flag goes
// before the environment, and --tenant before MIHU_BASE_URL.
func (a *app) address() (tenant, base string, err error) {
	tenant, base = a.global.tenant, a.global.baseURL
	if tenant == "" {
		tenant = a.getenv(mihu.EnvTenant)
		if base == "" {
			base = a.getenv(mihu.EnvBaseURL)
		}
	}
	if tenant == "" && base == "" {
		return "", "", &usageError{
			problem: "which workspace?",
			advice:  "give --tenant, or set MIHU_TENANT: the subdomain of the workspace's address, acme of acme.mihu.ai;\nto try this command without an account, add --demo",
		}
	}
	return tenant, base, nil
}

// parseRate reads a rate such as 10/s; "" is none. The requests are spread evenly, so that no second
// sees more than its share.
func parseRate(text string) (*rate.Limiter, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // no limit is an answer
	}
	count, unit, found := strings.Cut(text, "/")
	per := map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour}[unit]
	n, err := strconv.ParseFloat(count, 64)
	if !found {
		per = time.Second
	}
	if err != nil || !(n > 0) || n > 1e6 || per == 0 {
		return nil, usagef("--rate %q: want requests a second, minute or hour, such as 10/s, 600/m or 1000/h", text)
	}
	return rate.NewLimiter(rate.Limit(n/per.Seconds()), 1), nil
}

// pace lets go one after the other of those who wait. Of a limiter alone, a machine that was busy for a
// moment lets all go at once whose turn came meanwhile.
type pace struct {
	limiter *rate.Limiter
	turn    chan struct{} // holds one while nobody waits
}

// paced keeps to a limiter; nil is none.
func paced(limiter *rate.Limiter) mihu.Limiter {
	if limiter == nil {
		return nil
	}
	p := &pace{limiter, make(chan struct{}, 1)}
	p.turn <- struct{}{}
	return p
}

// Wait is that of a mihu.Limiter.
func (p *pace) Wait(ctx context.Context) error {
	select {
	case <-p.turn:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { p.turn <- struct{}{} }()
	return p.limiter.Wait(ctx)
}
