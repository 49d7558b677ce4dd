package main

import (
	"cmp"
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
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/term"
	"github.com/spf13/cobra"
)

func (a *app) doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Check the connection to the workspace",
		Long: `Check address, token, connection, clock and API access, in this order, and print what to fix. Then
check which lists the token may read: agents, numbers and rates. The requests are four lists of one
item each. If a proxy is set for the workspace's address, the checks of
DNS, TCP and TLS are skipped.`,
		Example:           `  trunkctl doctor --workspace acme`,
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

func (f finding) Cells() []string { return []string{f.Check, f.Result, f.Detail, f.Fix} }

// checkError is the first check that failed. Its finding has been printed.
type checkError struct {
	check string
	err   error
}

func (e *checkError) Error() string { return e.check + " check failed" }
func (e *checkError) Unwrap() error { return e.err }

// examination is a run of the checks. It ends with the first one that fails.
type examination struct {
	app   *app
	out   *term.Records
	err   error // of the first check that failed
	write error // of the output
	// proxied is set if a proxy makes the connection.
	proxied bool
}

func (a *app) doctor(ctx context.Context) error {
	e := &examination{app: a}
	if a.global.output != term.FormatTable {
		e.out = a.records([]term.Column{{Name: "check"}, {Name: "result"}, {Name: "detail"}, {Name: "fix"}})
	}
	e.examine(ctx)
	if e.out != nil && e.write == nil {
		e.write = e.out.End()
	}
	if e.write != nil {
		return e.write
	}
	if e.err != nil {
		return &advisedError{e.err, ""} // the findings have the advice
	}
	return nil
}

// print prints a finding.
func (e *examination) print(f finding) {
	if e.write != nil {
		return
	}
	if e.out != nil {
		e.write = e.out.Add(f)
		return
	}
	colors := e.app.colors(e.app.stdout)
	s := map[string]term.Style{checkWarn: term.Strong, checkFail: term.Alarm}[f.Result]
	text := term.Paint(colors, s, fmt.Sprintf("%-4s", f.Result)) + "  " + fmt.Sprintf("%-9s", f.Check) + "  " + term.Printable(f.Detail) + "\n"
	if f.Fix != "" {
		text += strings.Repeat(" ", 17) + "fix: " + term.Printable(f.Fix) + "\n"
	}
	_, e.write = fmt.Fprint(e.app.stdout, text)
}

func (e *examination) ok(check, detail string) { e.print(finding{check, checkOK, detail, ""}) }

func (e *examination) fail(check string, err error, fix string) {
	if e.err == nil {
		e.err = &checkError{check, err}
	}
	e.print(finding{check, checkFail, plainText(err), strings.ReplaceAll(fix, "\n", " ")})
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

// examineAddress checks the settings without sending anything.
func (e *examination) examineAddress(ctx context.Context) (*mihu.Client, bool) {
	if !e.app.global.demo {
		t, err := e.app.target()
		if err != nil {
			e.fail("workspace", err, cmp.Or(e.app.advice(err), "correct --workspace, --base-url, MIHU_WORKSPACE, MIHU_TENANT or MIHU_BASE_URL"))
			return nil, false
		}
		e.ok("workspace", t.base+", from "+t.source)
	}
	w, err := e.app.open(ctx)
	if err != nil {
		e.fail("token", err, cmp.Or(e.app.advice(err), "run \"trunkctl login\", set MIHU_API_TOKEN, or pass --token-file"))
		return nil, false
	}
	if e.app.global.demo {
		e.ok("workspace", w.client.BaseURL())
	}
	e.ok("token", "well-formed, from "+w.tokenFrom)
	return w.client, true
}

// examineConnection checks DNS, TCP and TLS one by one.
func (e *examination) examineConnection(ctx context.Context, base *url.URL) bool {
	proxy, err := http.ProxyFromEnvironment(&http.Request{URL: base})
	if err != nil {
		e.fail("proxy", errors.New("the address of the proxy is not a URL"), "correct HTTPS_PROXY")
		return false
	}
	if proxy != nil {
		e.ok("proxy", "through "+proxy.Host)
		e.proxied = true
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, e.app.global.timeout)
	defer cancel()
	start := time.Now()
	if _, err := net.DefaultResolver.LookupHost(ctx, base.Hostname()); err != nil {
		e.fail("dns", err, "check the spelling of --workspace, and the name servers of this machine")
		return false
	}
	e.ok("dns", base.Hostname()+" found in "+took(start))
	port := base.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[base.Scheme]
	}
	start = time.Now()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(base.Hostname(), port))
	if err != nil {
		fix := "open port " + port + " in the firewall, or set HTTPS_PROXY"
		if isRefusedByLoopback(err) {
			fix = e.app.advice(err)
		}
		e.fail("tcp", err, fix)
		return false
	}
	defer func() { _ = conn.Close() }()
	e.ok("tcp", "connected in "+took(start))
	if base.Scheme != "https" {
		e.ok("tls", "none: loopback")
		return true
	}
	return e.examineTLS(ctx, conn, base.Hostname())
}

func (e *examination) examineTLS(ctx context.Context, conn net.Conn, host string) bool {
	start := time.Now()
	secure := tls.Client(conn, &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12})
	if err := secure.HandshakeContext(ctx); err != nil {
		e.fail("tls", err, "check the clock and the certificate authorities of this machine; install that of a proxy that inspects TLS")
		return false
	}
	state := secure.ConnectionState()
	detail := fmt.Sprintf("%s in %s", tls.VersionName(state.Version), took(start))
	const soon = 7 * 24 * time.Hour
	if left := time.Until(state.PeerCertificates[0].NotAfter); left < soon {
		e.print(finding{"tls", checkWarn, detail + "; the certificate expires in " + left.Round(time.Hour).String(), "inform Mihu"})
	} else {
		e.ok("tls", detail)
	}
	return true
}

// examineAPI lists one number, and compares the clocks.
func (e *examination) examineAPI(ctx context.Context, client *mihu.Client) {
	var meta mihu.Response
	start := time.Now()
	page, err := client.Trunks.List(ctx, &mihu.ListOptions{PerPage: 1}, mihu.WithResponse(&meta))
	e.examineClock(meta.Header.Get("Date"))
	if err != nil {
		fix := e.app.advice(err)
		if errors.Is(err, mihu.ErrNotFound) {
			fix = "no such workspace or path: check --workspace and --base-url"
		}
		if e.proxied && isA[*net.OpError](err) {
			fix = "the proxy cannot be reached: check HTTPS_PROXY and NO_PROXY"
		}
		e.fail("api", err, fix)
		return
	}
	detail := "token accepted"
	if page.Pagination != nil {
		detail += ", " + counted(page.Pagination.Total, "number")
	}
	e.ok("api", detail+", in "+took(start))
	e.examineLists(ctx, client)
}

// examineLists checks which other lists the token may read. Without them, the rest still works.
func (e *examination) examineLists(ctx context.Context, client *mihu.Client) {
	one := &mihu.ListOptions{PerPage: 1}
	agents, err := client.Agents.List(ctx, one)
	e.examineList("agents", "agent", totalOf(agents), err, "\"trunkctl agents\" and names of agents cannot be used; UUIDs still work")
	numbers, err := client.Numbers.List(ctx, one)
	e.examineList("numbers", "number", totalOf(numbers), err, "\"trunkctl numbers\" cannot be used; \"trunkctl list\" still works")
	rates, err := client.Numbers.Rates(ctx, &mihu.RateOptions{PerPage: 1})
	e.examineList("rates", "rate", totalOf(rates), err, "\"trunkctl rates\" cannot be used")
}

// totalOf returns the number of items of a list, or -1 if the API does not report it.
func totalOf[T any](page *mihu.Page[T]) int {
	if page == nil || page.Pagination == nil {
		return -1
	}
	return page.Pagination.Total
}

func (e *examination) examineList(check, item string, total int, err error, without string) {
	switch {
	case err == nil && total >= 0:
		e.ok(check, "readable, "+counted(total, item))
	case err == nil:
		e.ok(check, "readable")
	case errors.Is(err, mihu.ErrForbidden):
		e.print(finding{check, checkWarn, "the token may not read them (403)", without})
	case errors.Is(err, mihu.ErrNotFound):
		e.print(finding{check, checkWarn, "the API does not have them (404)", without})
	default:
		e.print(finding{check, checkWarn, plainText(err), without})
	}
}

func (e *examination) examineClock(date string) {
	const tolerance = time.Minute
	server, err := http.ParseTime(date)
	if err != nil {
		return // the header is optional
	}
	off := time.Since(server)
	if off.Abs() < tolerance {
		e.ok("clock", "within a minute of the server clock")
		return
	}
	direction := "ahead of"
	if off < 0 {
		direction = "behind"
	}
	e.print(finding{
		"clock", checkWarn, fmt.Sprintf("%v %s the server clock", off.Abs().Round(time.Second), direction),
		"set the clock of this machine: certificates and tokens depend on it",
	})
}

func took(start time.Time) string { return time.Since(start).Round(time.Millisecond).String() }
