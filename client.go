package mihu

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// Version is the version of this package, as in its User-Agent.
const Version = "0.1.0"

// The environment variables that NewFromEnv reads. The first two are those of the vendor's
// quickstart.
const (
	// EnvTenant is the workspace; the vendor calls it tenant.
	EnvTenant = "MIHU_TENANT"
	// EnvToken is the API token.
	EnvToken = "MIHU_API_TOKEN"
	// EnvBaseURL is the base URL, if it is not the workspace's own.
	EnvBaseURL = "MIHU_BASE_URL"
)

// Client calls the API of one workspace. Make it with [New] or [NewFromEnv], and use one client for
// everything: it is safe for concurrent use, and its calls share connections. It has no goroutine
// of its own. It prints without its token. The zero Client refuses every call with a
// *ValidationError.
type Client struct {
	// Trunks creates, updates, assigns, lists and deletes trunks.
	Trunks TrunksService
	// Channels reads the channels of a number.
	Channels ChannelsService
	// Agents lists and finds the agents that answer on trunks.
	Agents AgentsService
	// Numbers lists all numbers, purchased and external, changes their channel settings, and lists
	// the rates of outbound calls.
	Numbers NumbersService

	core *core
}

// New returns a client for the workspace at https://{workspace}.mihu.ai/api/v1, with a token of
// that workspace. It validates everything and sends nothing. It does not read the environment,
// except for the proxy variables of net/http. The workspace is one DNS label; it may be "" if
// [WithBaseURL] is given. The token may be "" if [WithTokenSource] is given. Every violation is
// listed in one *ValidationError.
func New(workspace, token string, opts ...Option) (*Client, error) {
	cfg := gather(opts)
	if cfg.baseURL == "" || workspace != "" {
		cfg.found.workspace("workspace", workspace)
	}
	switch {
	case cfg.tokens == nil:
		cfg.found.token("token", token)
	case token != "":
		cfg.found.add("token", "", "set a token or a token source, not both")
	}
	return cfg.client(workspace, token)
}

// NewFromEnv is [New] with the workspace of MIHU_TENANT and the token of MIHU_API_TOKEN. If
// MIHU_BASE_URL is set, it is the base URL, as with [WithBaseURL], and MIHU_TENANT is not required.
// Options override variables. A missing variable is named in the *ValidationError.
func NewFromEnv(opts ...Option) (*Client, error) {
	workspace, token := os.Getenv(EnvTenant), os.Getenv(EnvToken)
	cfg := gather(append([]Option{WithBaseURL(os.Getenv(EnvBaseURL))}, opts...))
	switch {
	case workspace != "":
		cfg.found.workspace(EnvTenant, workspace)
	case cfg.baseURL == "":
		cfg.found.add(EnvTenant, "", "not set; set it to the workspace, or set "+EnvBaseURL)
	}
	switch {
	case cfg.tokens != nil:
	case token == "":
		cfg.found.add(EnvToken, "", "not set; set it to a token of the workspace")
	default:
		cfg.found.token(EnvToken, token)
	}
	return cfg.client(workspace, token)
}

func gather(opts []Option) *config {
	cfg := new(config)
	for _, opt := range opts {
		if opt != nil {
			opt.apply(cfg)
		}
	}
	return cfg
}

// client returns a client if there are no violations.
func (cfg *config) client(workspace, token string) (*Client, error) {
	if err := cfg.found.err(OpNew); err != nil {
		return nil, err
	}
	if cfg.baseURL == "" {
		cfg.baseURL = "https://" + strings.ToLower(workspace) + ".mihu.ai/api/v1"
	}
	if cfg.tokens == nil {
		cfg.tokens = TokenFunc(func(context.Context) (string, error) { return token, nil })
	}
	blank, err := http.NewRequestWithContext(context.Background(), http.MethodGet, cfg.baseURL, nil) //nolint:gocritic // a copy without a body has to have none
	if err != nil {
		return nil, (violations{{Field: "base URL", Problem: "not a URL"}}).err(OpNew)
	}
	c := &Client{core: newCore(cfg, blank)}
	c.Trunks.client, c.Channels.client, c.Agents.client, c.Numbers.client = c, c, c, c
	return c, nil
}

// BaseURL returns the base URL with its path, the host in lower case.
func (c *Client) BaseURL() string {
	if c == nil || c.core == nil {
		return ""
	}
	return c.core.base
}

// CloseIdleConnections closes the connections that no call is using. The client stays usable. It
// also closes those of the transport of an *http.Client that was given with [WithHTTPClient].
func (c *Client) CloseIdleConnections() {
	if c == nil || c.core == nil {
		return
	}
	if closer, ok := c.core.transport.(interface{ CloseIdleConnections() }); ok {
		closer.CloseIdleConnections()
	}
}

// String returns the client's base URL.
func (c Client) String() string { return "mihu.Client(" + c.BaseURL() + ")" }

// Format prints String under every verb.
func (c Client) Format(f fmt.State, verb rune) { formatText(f, verb, c.String()) }

// LogValue is String.
func (c Client) LogValue() slog.Value { return slog.StringValue(c.String()) }

// core is what all calls of a client share.
type core struct {
	base      string
	blank     *http.Request // to the base URL; every request is a copy of it
	transport http.RoundTripper
	loop      *loop
	// token is a function so that nothing that prints a client can reach what it closes over.
	token     func(ctx context.Context, rejected string) (string, error)
	last      atomic.Pointer[bearer]
	policy    RetryPolicy
	timeout   time.Duration
	late      error // the error of an attempt that takes longer
	limiter   Limiter
	log       *slog.Logger
	userAgent []string
	gate      gate
	budget    budget
	recent    recentWrites
	conflicts []int // statuses of refusals that are conflicts, beside 409
	hooks     []Hooks
	host      string // for hooks
	port      int    // for hooks
}

func newCore(cfg *config, blank *http.Request) *core {
	c := &core{
		base:      cfg.baseURL,
		blank:     blank,
		transport: cfg.httpClient.Transport,
		loop:      newLoop(cfg.httpClient.Jar),
		token:     tokenFunc(cfg.tokens),
		policy:    cfg.policy.withDefaults(),
		timeout:   cfg.attemptTimeout,
		limiter:   cfg.limiter,
		log:       cfg.logger,
		userAgent: []string{userAgent(cfg.userAgent)},
		conflicts: cfg.conflicts,
	}
	if c.transport == nil {
		c.transport = newTransport()
	}
	if c.timeout == 0 {
		c.timeout = cfg.httpClient.Timeout
	}
	if c.timeout == 0 {
		c.timeout = defaultAttemptTimeout
	}
	c.late = attemptTimeout(c.timeout)
	c.budget.init(c.policy.Budget)
	c.recent.init(cfg.readLag)
	if c.hooks = cfg.hooks; c.hooks != nil {
		c.host, c.port = serverOf(c.base)
	}
	return c
}

// at returns the URL of an escaped path below the base URL.
func (c *core) at(path, query string) url.URL {
	u := *c.blank.URL
	if u.RawPath != "" || strings.Contains(path, "%") {
		u.RawPath = u.EscapedPath() + path
		path, _ = url.PathUnescape(path)
	}
	u.Path += path
	u.RawQuery = query
	return u
}
