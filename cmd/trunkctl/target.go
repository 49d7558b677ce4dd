package main

import (
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/config"
)

// envWorkspace is the variable that selects a workspace in one shell, as --workspace does.
const envWorkspace = "MIHU_WORKSPACE"

// What selects a workspace, for people.
const (
	byWorkspaceFlag = "--workspace"
	byBaseURLFlag   = "--base-url"
	byCurrent       = "the current workspace of the config"
)

// target is the workspace that a command addresses, and why.
type target struct {
	// name identifies the workspace for people: that of the config, the workspace, or its base URL.
	name string
	// base is the base URL, in the one form under which tokens and settings are stored.
	base string
	// source is what selected it.
	source string
	// entry is the workspace's entry in the config, or nil.
	entry *config.Workspace
}

func (t *target) production() bool { return t.entry != nil && t.entry.Production }

// String returns the address and its source, to tell two of them apart.
func (t *target) String() string { return t.base + " of " + t.source }

func (a *app) config() config.File { return config.File{Dir: a.configDir} }

// target returns the workspace that is selected: by --workspace, --base-url, MIHU_WORKSPACE,
// MIHU_TENANT or MIHU_BASE_URL, or the config, in this order.
func (a *app) target() (*target, error) {
	cfg, err := a.config().Read()
	if err != nil {
		return nil, err
	}
	switch {
	case a.global.workspace != "":
		return a.targetOfFlags(&cfg)
	case a.global.baseURL != "":
		return targetOf(&cfg, "", a.global.baseURL, byBaseURLFlag)
	case a.getenv(envWorkspace) != "":
		return targetNamed(&cfg, a.getenv(envWorkspace), envWorkspace)
	}
	if t, err := a.targetOfEnvironment(&cfg); t != nil || err != nil {
		return t, err
	}
	if cfg.Current != "" {
		return targetNamed(&cfg, cfg.Current, byCurrent)
	}
	return nil, &usageError{
		problem: "no workspace selected",
		advice: "pass --workspace NAME, set MIHU_WORKSPACE, or run \"trunkctl login --workspace NAME\" once: acme of acme.mihu.ai;\n" +
			"to try this command without a workspace, add --demo",
	}
}

// targetOfFlags returns the workspace of --workspace. If --base-url is another one, it cannot tell
// which is meant.
func (a *app) targetOfFlags(cfg *config.Config) (*target, error) {
	named, err := targetNamed(cfg, a.global.workspace, byWorkspaceFlag)
	if err != nil || a.global.baseURL == "" {
		return named, err
	}
	other, err := targetOf(cfg, "", a.global.baseURL, byBaseURLFlag)
	if err != nil {
		return nil, err
	}
	if other.base != named.base {
		return nil, &usageError{
			problem: fmt.Sprintf("two workspaces: %v, and %v; nothing was sent", named, other), advice: "pass one of the two flags",
		}
	}
	return named, nil
}

// targetOfEnvironment returns the workspace of MIHU_TENANT and MIHU_BASE_URL, which a token in
// MIHU_API_TOKEN belongs to. It returns nil if neither is set.
func (a *app) targetOfEnvironment(cfg *config.Config) (*target, error) {
	name, base := a.getenv(mihu.EnvTenant), a.getenv(mihu.EnvBaseURL)
	switch {
	case base != "":
		return targetOf(cfg, name, base, mihu.EnvBaseURL)
	case name != "":
		return targetOf(cfg, name, "", mihu.EnvTenant)
	}
	return nil, nil //nolint:nilnil // the variables are optional
}

// targetNamed returns the workspace of a name of the config, or else of a subdomain.
func targetNamed(cfg *config.Config, name, source string) (*target, error) {
	if entry := cfg.Find(name); entry != nil {
		return targetOf(cfg, "", entry.Address, source)
	}
	return targetOf(cfg, name, "", source)
}

// targetOf returns the workspace of a subdomain or of a base URL.
func targetOf(cfg *config.Config, workspace, base, source string) (*target, error) {
	// A client with a dummy token validates the address.
	probe, err := mihu.New(workspace, "-", mihu.WithBaseURL(base))
	if err != nil {
		return nil, &advisedError{err, "correct the value of " + source}
	}
	t := &target{base: canonical(probe.BaseURL()), source: source}
	t.entry = cfg.At(t.base)
	switch name := subdomain(t.base); {
	case t.entry != nil:
		t.name = t.entry.Name
	case name != "" && cfg.Find(name) == nil:
		t.name = name
	default:
		t.name = t.base // the config has another workspace under the name of the subdomain
	}
	return t, nil
}

// canonical returns a base URL in one form, so that another way to write it is not another
// workspace: without the default port, and without the dot at the end of the host. The client has
// validated it.
func canonical(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return base
	}
	host, port := strings.TrimSuffix(u.Hostname(), "."), u.Port()
	if port == map[string]string{"https": "443", "http": "80"}[u.Scheme] {
		port = ""
	}
	switch {
	case port != "":
		host = net.JoinHostPort(host, port)
	case strings.Contains(host, ":"):
		host = "[" + host + "]"
	}
	return strings.Replace(base, "//"+u.Host, "//"+host, 1)
}

// subdomain returns acme of https://acme.mihu.ai/api/v1, and "" for any other base URL.
func subdomain(base string) string {
	rest, found := strings.CutPrefix(base, "https://")
	name, end, dotted := strings.Cut(rest, ".")
	if !found || !dotted || end != "mihu.ai/api/v1" {
		return ""
	}
	return name
}
