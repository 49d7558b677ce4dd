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

	"github.com/mihu-go/mihu/internal/redact"
)

// Version is the version of this package, as its User-Agent names it.
const Version = "0.1.0"

// The environment variables that NewFromEnv reads; the first two are those of the vendor's own
// quickstart.
const (
	EnvTenant  = "MIHU_TENANT"
	EnvToken   = "MIHU_API_TOKEN"
	EnvBaseURL = "MIHU_BASE_URL"
)

// Client speaks to one workspace. Make it with [New] or [NewFromEnv] and use one for everything:
// it is safe for concurrent use, and its calls share connections. It owns no goroutine. It prints
// without its token. The zero Client refuses every call with a *ValidationError.
type Client struct {
	// Trunks registers, changes, moves, lists and removes trunks.
	Trunks TrunksService
	// Channels reads the channels of a number.
	Channels ChannelsService

	core *core
}

// New makes a client for the workspace of that subdomain, at https://{subdomain}.mihu.ai/api/v1,
// with a token of that workspace. It validates everything, reads nothing of the environment but
// the proxy variables that net/http knows, and sends nothing. The subdomain is one DNS label, and
// may be "" where [WithBaseURL] is given. The token may be "" where [WithTokenSource] is given.
// Every fault is listed in one *ValidationError.
func New(workspace, token string, opts ...Option) (*Client, error) {
	cfg := gather(opts)
	if cfg.baseURL == "" || workspace != "" {
		checkWorkspace(&cfg.found, "workspace", workspace)
	}
	switch {
	case cfg.tokens == nil:
		checkToken(&cfg.found, "token", token)
	case token != "":
		cfg.found.add("token", "", "give a token or a token source, not both")
	}
	return cfg.client(workspace, token)
}

// NewFromEnv is [New] with the subdomain of MIHU_TENANT and the token of MIHU_API_TOKEN. Where
// MIHU_BASE_URL is set it is the base URL, as with [WithBaseURL], and MIHU_TENANT is not needed.
// An option goes before a variable. A missing variable is named in the *ValidationError.
func NewFromEnv(opts ...Option) (*Client, error) {
	workspace, token := os.Getenv(EnvTenant), os.Getenv(EnvToken)
	cfg := gather(append([]Option{WithBaseURL(os.Getenv(EnvBaseURL))}, opts...))
	switch {
	case workspace != "":
		checkWorkspace(&cfg.found, EnvTenant, workspace)
	case cfg.baseURL == "":
		cfg.found.add(EnvTenant, "", "not set; it is the workspace's subdomain, or set "+EnvBaseURL)
	}
	switch {
	case cfg.tokens != nil:
	case token == "":
		cfg.found.add(EnvToken, "", "not set; it is a token of the workspace")
	default:
		checkToken(&cfg.found, EnvToken, token)
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

// client makes a client where nothing is wrong.
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
	blank, err := http.NewRequestWithContext(context.Background(), http.MethodGet, cfg.baseURL, nil) //nolint:gosec,gocritic // the URL was checked, and a copy without a body has to have none
	if err != nil {
		return nil, (violations{{Field: "base URL", Problem: "not a URL"}}).err(OpNew)
	}
	c := &Client{core: newCore(*cfg)}
	c.core.blank = blank
	c.Trunks.client, c.Channels.client = c, c
	return c, nil
}

// BaseURL is the base URL that the client sends to, whole with its path, its host in small letters.
func (c *Client) BaseURL() string {
	if c == nil || c.core == nil {
		return ""
	}
	return c.core.base
}

// CloseIdleConnections closes the connections that no call is using. The client stays usable. It
// reaches the transport of an *http.Client given with [WithHTTPClient] too.
func (c *Client) CloseIdleConnections() {
	if c == nil || c.core == nil {
		return
	}
	if closer, ok := c.core.transport.(interface{ CloseIdleConnections() }); ok {
		closer.CloseIdleConnections()
	}
}

// String names the client by its base URL.
func (c Client) String() string { return "mihu.Client(" + c.BaseURL() + ")" }

// Format prints String under every verb.
func (c Client) Format(f fmt.State, verb rune) { formatText(f, verb, c.String()) }

// LogValue is String.
func (c Client) LogValue() slog.Value { return slog.StringValue(c.String()) }

// core is what all calls of a client share.
type core struct {
	base      string
	blank     *http.Request // to the base URL, which every request is a copy of
	transport http.RoundTripper
	jar       http.CookieJar
	// token is a function so that no printing of a client can reach what it closes over.
	token     func(ctx context.Context, rejected string) (string, error)
	last      atomic.Pointer[bearer]
	policy    RetryPolicy
	timeout   time.Duration
	late      error // the end of an attempt that took longer
	limiter   Limiter
	log       *slog.Logger
	userAgent []string
	gate      gate
	budget    budget
	hooks     []Hooks
	host      string // for hooks
	port      int    // for hooks
}

func newCore(cfg config) *core {
	c := &core{
		base:      cfg.baseURL,
		transport: cfg.httpClient.Transport,
		jar:       cfg.httpClient.Jar,
		token:     tokenFunc(cfg.tokens),
		policy:    cfg.policy.withDefaults(),
		timeout:   cfg.attemptTimeout,
		limiter:   cfg.limiter,
		log:       cfg.logger,
		userAgent: []string{userAgent(cfg.userAgent)},
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
	if c.hooks = cfg.hooks; c.hooks != nil {
		c.host, c.port = hooksServer(c.base)
	}
	return c
}

// at is the URL of an escaped path below the base URL.
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

func checkToken(found *violations, field, token string) {
	if problem := tokenProblem(token); problem != "" {
		found.add(field, "", problem)
	}
}

func checkWorkspace(found *violations, field, workspace string) {
	const example = `; want one DNS label such as "acme"`
	if workspace == "" {
		found.add(field, "", "empty"+example)
		return
	}
	if len(workspace) > 63 {
		found.add(field, "", "longer than the 63 characters of a DNS label"+example)
		return
	}
	for i, r := range workspace {
		edge := i == 0 || i == len(workspace)-1
		if !isDigit(r) && !isLetter(r) && (r != '-' || edge) {
			// The value is not shown: a token may have taken the subdomain's place.
			found.add(field, "", fmt.Sprintf("%q at position %d is not allowed"+example, r, i+1))
			return
		}
	}
}

// checkBaseURL gives the base URL without a trailing slash, and its host in small letters, so that one workspace
// has one base URL.
func checkBaseURL(found *violations, base string) string {
	const field = "base URL"
	u, err := url.Parse(base)
	if err != nil {
		found.add(field, "", "not a URL") // the parser's own words repeat it, credentials and all
		return base
	}
	switch {
	case u.User != nil:
		found.add(field, "", "it must not carry credentials; the token goes to New")
	case u.RawQuery != "" || u.ForceQuery:
		found.add(field, "", "it must not have a query")
	case strings.Contains(base, "#"):
		found.add(field, "", "it must not have a fragment")
	case u.Hostname() == "":
		found.add(field, "", "it has no host; want the whole of it, such as https://acme.mihu.ai/api/v1")
	case u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())):
		found.add(field, redact.Clip(u.Scheme+"://"+u.Host), "want https, or http to this machine's own loopback, for the token is sent there")
	case hasDotSegment(u.Path):
		found.add(field, redact.Clip(u.Scheme+"://"+u.Host), `its path must not have a segment "." or ".."`)
	}
	rest := strings.TrimRight(base, "/")[len(u.Scheme):]
	return u.Scheme + strings.Replace(rest, "//"+u.Host, "//"+strings.ToLower(u.Host), 1)
}
