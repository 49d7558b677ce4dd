package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/mihu-go/mihu"
	"github.com/spf13/cobra"
)

func (a *app) doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Check address, connection, clock and token, and say what to fix",
		Long: `Check what stands between this machine and the workspace, one thing after the other, and say what to
fix. The only request that is sent asks for a list of one number. Where a proxy is set for the
workspace's address, the connection itself is left to it.`,
		Example:           `  trunkctl doctor --tenant acme`,
		Args:              noArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, _ []string) error { return a.doctor(cmd.Context()) },
	}
}

// finding is the result of one check.
type finding struct {
	Check  string `json:"check"`
	Result string `json:"result"`
	Detail string `json:"detail"`
	Fix    string `json:"fix,omitempty"`
}

const (
	checkOK   = "ok"
	checkWarn = "warn"
	checkFail = "fail"
)

func (f finding) cells() []string { return []string{f.Check, f.Result, f.Detail, f.Fix} }

// checkError is the first check that failed. What it found has been printed.
type checkError struct {
	check string
	err   error
}

func (e *checkError) Error() string { return "the check of " + e.check + " failed" }
func (e *checkError) Unwrap() error { return e.err }

// examination is a run of the checks. A check that cannot be made because one before it failed is
// left out.
type examination struct {
	app   *app
	out   *records
	err   error // of the first check that failed
	write error
	// proxied says that a proxy makes the connection.
	proxied bool
}

func (a *app) doctor(ctx context.Context) error {
	e := &examination{app: a}
	if a.global.output != formatTable {
		e.out = a.records([]column{{name: "check"}, {name: "result"}, {name: "detail"}, {name: "fix"}})
	}
	e.examine(ctx)
	if e.out != nil && e.write == nil {
		e.write = e.out.end()
	}
	if e.write != nil {
		return e.write
	}
	if e.err != nil {
		// The findings have said everything.
		return &advisedError{e.err, ""}
	}
	return nil
}

// tell prints a finding as soon as it is there.
func (e *examination) tell(f finding) {
	if e.write != nil {
		return
	}
	if e.out != nil {
		e.write = e.out.add(f)
		return
	}
	colors := e.app.colors(e.app.stdout)
	s := map[string]style{checkWarn: strong, checkFail: alarm}[f.Result]
	text := paint(colors, s, fmt.Sprintf("%-4s", f.Result)) + "  " + fmt.Sprintf("%-9s", f.Check) + "  " + printable(f.Detail) + "\n"
	if f.Fix != "" {
		text += "      " + strings.Repeat(" ", 11) + "fix: " + printable(f.Fix) + "\n"
	}
	_, e.write = fmt.Fprint(e.app.stdout, text)
}

func (e *examination) ok(check, detail string) { e.tell(finding{check, checkOK, detail, ""}) }

func (e *examination) fail(check string, err error, fix string) {
	if e.err == nil {
		e.err = &checkError{check, err}
	}
	e.tell(finding{check, checkFail, plainText(err), fix})
}

func (e *examination) examine(ctx context.Context) {
	client, ok := e.examineAddress(ctx)
	if !ok {
		return
	}
	base, err := url.Parse(client.BaseURL())
	if err != nil {
		e.fail("workspace", err, "check --base-url")
		return
	}
	if !e.examineConnection(ctx, base) {
		return
	}
	e.examineAPI(ctx, client)
}

// examineAddress looks at what is set, without sending anything.
func (e *examination) examineAddress(ctx context.Context) (*mihu.Client, bool) {
	if !e.app.global.demo {
		tenant, base, err := e.app.address()
		if err != nil {
			e.fail("workspace", err, "set MIHU_TENANT to the subdomain of the workspace's address, acme of acme.mihu.ai")
			return nil, false
		}
		unsendable, err := mihu.New(tenant, "-", mihu.WithBaseURL(base))
		if err != nil {
			e.fail("workspace", err, "correct --tenant, --base-url, MIHU_TENANT or MIHU_BASE_URL")
			return nil, false
		}
		e.ok("workspace", unsendable.BaseURL())
	}
	w, err := e.app.open(ctx)
	if err != nil {
		e.fail("token", err, "run \"trunkctl login\", set MIHU_API_TOKEN, or give --token-file")
		return nil, false
	}
	if e.app.global.demo {
		e.ok("workspace", w.client.BaseURL())
	}
	e.ok("token", "well-formed, from "+w.tokenFrom)
	return w.client, true
}

// examineConnection looks up the host, connects and shakes hands, to say which of these fails.
func (e *examination) examineConnection(ctx context.Context, base *url.URL) bool {
	proxy, err := http.ProxyFromEnvironment(&http.Request{URL: base})
	if err != nil {
		e.fail("proxy", errors.New("the proxy's address is not a URL"), "correct HTTPS_PROXY")
		return false
	}
	if proxy != nil {
		e.ok("proxy", "through "+proxy.Host)
		e.proxied = true
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, e.app.global.timeout)
	defer cancel()
	began := time.Now()
	if _, err := net.DefaultResolver.LookupHost(ctx, base.Hostname()); err != nil {
		e.fail("dns", err, "check the spelling of --tenant, and this machine's name servers")
		return false
	}
	e.ok("dns", base.Hostname()+" found in "+took(began))
	port := base.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[base.Scheme]
	}
	began = time.Now()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(base.Hostname(), port))
	if err != nil {
		e.fail("tcp", err, "a firewall may be in the way: port "+port+" has to be open, or set HTTPS_PROXY")
		return false
	}
	defer func() { _ = conn.Close() }()
	e.ok("tcp", "connected in "+took(began))
	if base.Scheme != "https" {
		e.ok("tls", "none, on this machine's own loopback")
		return true
	}
	began = time.Now()
	secure := tls.Client(conn, &tls.Config{ServerName: base.Hostname(), MinVersion: tls.VersionTLS12})
	if err := secure.HandshakeContext(ctx); err != nil {
		e.fail("tls", err, "check this machine's clock and its certificate authorities; a proxy that reads along needs its own installed")
		return false
	}
	state := secure.ConnectionState()
	detail := fmt.Sprintf("%s in %s", tls.VersionName(state.Version), took(began))
	const soon = 7 * 24 * time.Hour
	if left := time.Until(state.PeerCertificates[0].NotAfter); left < soon {
		e.tell(finding{"tls", checkWarn, detail + "; the certificate ends in " + left.Round(time.Hour).String(), "tell Mihu"})
	} else {
		e.ok("tls", detail)
	}
	return true
}

// examineAPI asks for a list of one number, and compares the clocks.
func (e *examination) examineAPI(ctx context.Context, client *mihu.Client) {
	var meta mihu.Response
	began := time.Now()
	page, err := client.Trunks.List(ctx, &mihu.ListOptions{PerPage: 1}, mihu.WithResponse(&meta))
	e.examineClock(meta.Header.Get("Date"))
	if err != nil {
		fix := e.app.advice(err)
		if errors.Is(err, mihu.ErrNotFound) {
			fix = "there is no such workspace or path: check --tenant and --base-url"
		}
		if e.proxied && isA[*net.OpError](err) {
			fix = "check HTTPS_PROXY and NO_PROXY: it is the proxy that cannot be reached"
		}
		e.fail("api", err, strings.ReplaceAll(fix, "\n", " "))
		return
	}
	detail := "the token is accepted"
	if page.Pagination != nil {
		detail += ", " + counted(page.Pagination.Total, "number")
	}
	e.ok("api", detail+", in "+took(began))
}

func (e *examination) examineClock(date string) {
	const most = time.Minute
	there, err := http.ParseTime(date)
	if err != nil {
		return // a server need not say what time it is
	}
	off := time.Since(there)
	if off.Abs() < most {
		e.ok("clock", "within a minute of the server's")
		return
	}
	direction := "ahead of"
	if off < 0 {
		direction = "behind"
	}
	e.tell(finding{
		"clock", checkWarn, fmt.Sprintf("%v %s the server's", off.Abs().Round(time.Second), direction),
		"set this machine's clock: certificates and tokens go by it",
	})
}

func took(began time.Time) string { return time.Since(began).Round(time.Millisecond).String() }
