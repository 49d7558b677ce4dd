package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/creack/pty"
	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/term"
	"github.com/mihu-go/mihu/mihutest"
	"github.com/stretchr/testify/require"
)

// screensFake is a workspace with usual names, and one that is long.
func screensFake(t *testing.T) *fake {
	t.Helper()
	f := newFake(t)
	added, err := f.process("workspace", "add", "acme", "--base-url", f.URL()).CombinedOutput()
	require.NoError(t, err, string(added))
	uuids := f.named("Front desk", "Sales", "Réception de l'hôtel Bellevue à Genève", "Night line")
	for i, id := range []mihu.TrunkID{
		{PhoneNumber: number(1), Channel: mihu.ChannelCall},
		{PhoneNumber: "+442079460102", Channel: mihu.ChannelWhatsApp},
		{PhoneNumber: number(3), Channel: mihu.ChannelCall},
	} {
		require.NoError(t, f.AddTrunk(mihutest.Trunk{
			ID: id, AgentUUID: uuids[i], PhoneNumberUUID: fmt.Sprintf("b0000000-0000-4000-8000-%012d", i+1),
		}))
	}
	_, err = f.AddPurchasedNumber(number(4))
	require.NoError(t, err)
	require.NoError(t, f.AddRates(
		mihu.Rate{
			CountryCode: "IT", CountryName: "Italy", DestinationPrefix: "39", Origination: "any", Description: "Italy, landline",
			MinDurationSeconds: 60, BillingIncrementSeconds: 60, Price: mihu.Price{Amount: "0.0200", Currency: "USD"},
		},
		mihu.Rate{
			CountryCode: "GB", CountryName: "United Kingdom", DestinationPrefix: "447", Origination: "any",
			Description: "United Kingdom, mobile, and personal numbers of all kinds", MinDurationSeconds: 1, BillingIncrementSeconds: 1,
			Price: mihu.Price{Amount: "0.040", Currency: "USD"},
		},
	))
	f.file("names.csv", "phone_number,channel,agent,name\n"+number(1)+",call,Night line,\n"+number(5)+",call,Front desk,Lobby\n")
	f.file("wrong.csv", "phone_number,channel,agent\n"+number(1)+",call,Night lin\n")
	f.file("uuids.csv", "phone_number,channel,agent_uuid,name,sip_gateway,sip_port,sip_password\n"+number(1)+",call,"+uuids[3]+",Desk,sip.example.com,5060,"+secretPassword+"\n")
	f.file("long.csv", "phone_number,channel,agent,name\n"+number(3)+",call,Night line,Reception\n"+number(1)+",call,Réception de l'hôtel Bellevue à Genève,\n")
	f.file("busy.csv", "phone_number,channel,agent_uuid\n"+number(7)+",call,"+uuids[3]+"\n"+number(8)+",call,"+uuids[0]+"\n"+number(9)+",call,"+agent9+"\n"+number(10)+",call,a0000000-0000-4000-8000-000000000008\n")
	return f
}

// screens are the commands whose screens are compared.
var screens = []string{
	"agents", "list", `list --agent Front\ desk --sort number`, `list --agent Night\ line`, "numbers", "numbers --unbound", "rates --country GB",
	"rates --country US", "limits " + number(1), "limits " + number(1) + " --limit 5 --destinations us,ca --dry-run",
	`create ` + number(6) + ` --agent Night\ line --dry-run`, `create ` + number(6) + ` --agent Night`, "channels " + number(1),
	"import names.csv --dry-run", "import wrong.csv --dry-run", `assign ` + number(1) + ` --agent Night\ line --dry-run`, "doctor",
	"import uuids.csv --dry-run", "import long.csv --dry-run", "import names.csv --dry-run --all", "create " + number(1) + " --agent Sales --dry-run",
	"delete " + number(1) + " " + number(9) + " --dry-run",
	"import busy.csv --yes --workers 1",
}

// redrawn matches a status line with what erases it. Whether there is one depends on the time.
var redrawn = regexp.MustCompile(`\r\x1b\[K(\[[#.]+\][^\r\n]*\r\x1b\[K)?`)

func words(line string) (args []string) {
	for _, word := range regexp.MustCompile(`(\\ |\S)+`).FindAllString(line, -1) {
		args = append(args, strings.ReplaceAll(word, `\ `, " "))
	}
	return args
}

// TestScreens compares what commands show on terminals of three widths, in a pipe, without colors,
// and in a locale without UTF-8. On 80 columns, nothing is wider than the terminal.
func TestScreens(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		width uint16 // 0 is a pipe
		env   []string
	}{
		"60": {60, nil}, "80": {80, nil}, "120": {120, nil}, "pipe": {0, nil},
		"no_color": {80, []string{"NO_COLOR=1"}}, "ascii": {80, []string{"NO_COLOR=1", "LC_ALL=C"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := screensFake(t)
			var got strings.Builder
			for _, line := range screens {
				args := words(line)
				cmd := f.process(args...)
				cmd.Env = append(cmd.Env, c.env...)
				var shown string
				if c.width == 0 {
					var out bytes.Buffer
					cmd.Stdout, cmd.Stderr = &out, &out
					_ = cmd.Run()
					shown = out.String()
				} else {
					window := startTerminal(t, cmd, pty.Winsize{Rows: 50, Cols: c.width})
					_ = cmd.Wait() // its exit code is shown by other tests
					window.read.Wait()
					shown = strings.ReplaceAll(window.shown(), "\r\n", "\n")
				}
				shown = redrawn.ReplaceAllString(shown, "")
				plain := regexp.MustCompile("\x1b\\[[0-9;]*[mK]").ReplaceAllString(shown, "")
				for each := range strings.Lines(plain) {
					each = strings.TrimRight(each, "\n")
					if c.width == 80 && args[0] != "doctor" && !strings.Contains(each, "then run: ") {
						require.LessOrEqual(t, term.TextWidth(each), 80, each)
					}
				}
				if name == "ascii" {
					require.NotRegexp(t, "[…•→]", plain)
				}
				if strings.Contains(name, "color") || name == "ascii" || name == "pipe" {
					require.NotContains(t, shown, "\x1b")
				}
				_, _ = fmt.Fprintf(&got, "$ trunkctl %s\n%s\n", line, requestOf.ReplaceAllString(strings.ReplaceAll(f.anywhere(shown), "\x1b", "ESC"), " (request ID)"))
			}
			golden(t, "screens_"+name, got.String())
		})
	}
}

// generated is a transport that serves a list of any length without holding it.
type generated struct {
	total    int
	requests atomic.Int64 // a page is fetched while the one before is used
	item     func(i int) string
}

func (g *generated) RoundTrip(request *http.Request) (*http.Response, error) {
	g.requests.Add(1)
	page, perPage := 1, 50
	_, _ = fmt.Sscan(request.URL.Query().Get("page"), &page)
	_, _ = fmt.Sscan(request.URL.Query().Get("per_page"), &perPage)
	var body strings.Builder
	body.WriteString(`{"success":true,"data":{"items":[`)
	end := min(page*perPage, g.total)
	for i := (page - 1) * perPage; i < end; i++ {
		if i > (page-1)*perPage {
			body.WriteByte(',')
		}
		body.WriteString(g.item(i))
	}
	last := (g.total + perPage - 1) / perPage
	_, _ = fmt.Fprintf(&body, `],"pagination":{"current_page":%d,"per_page":%d,"total":%d,"last_page":%d,"has_more":%t}}}`, page, perPage, g.total, last, page < last)
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body.String())), Request: request,
	}, nil
}

// sampler is a standard output that samples the memory in use, and counts lines.
type sampler struct {
	writes, lines int
	highest       uint64
}

func (s *sampler) Write(p []byte) (int, error) {
	s.lines += bytes.Count(p, []byte("\n"))
	if s.writes++; s.writes%1000 == 0 {
		var now runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&now)
		s.highest = max(s.highest, now.HeapAlloc)
	}
	return len(p), nil
}

// TestListMemory: a long list is printed and filtered in bounded memory, and costs its pages and
// nothing more. It is not parallel, since it measures the memory of the process.
func TestListMemory(t *testing.T) { //nolint:paralleltest // see above
	agent := func(i int) string {
		return fmt.Sprintf(`{"agent_uuid":"c0000000-0000-4000-8000-%012d","name":"Agent %d","status":"active","description":%q}`, i, i, strings.Repeat("x", 500))
	}
	listed := func(i int) string {
		return fmt.Sprintf(`{"phone_number_uuid":"b0000000-0000-4000-8000-%012d","number":"+1202%07d","country_code":"US","is_external":true,`+
			`"source":"external","status":"active","bindings":{"call":{"bound":%t,"agent_uuid":"c0000000-0000-4000-8000-%012d","agent_name":"Agent %d"},`+
			`"sms":{"bound":false},"whatsapp":{"bound":false}},"channel_settings":{}}`, i, i, i%2 == 0, i%5000, i%5000)
	}
	for _, c := range []struct {
		args         []string
		total, lines int
		item         func(int) string
	}{
		{[]string{"agents"}, 5_000, 5_001, agent},
		{[]string{"numbers"}, 100_000, 100_001, listed},
		{[]string{"numbers", "--unbound"}, 100_000, 50_001, listed},
		{[]string{"numbers", "--agent", "c0000000-0000-4000-8000-000000000002", "-o", "csv"}, 100_000, 21, listed},
		{[]string{"list", "--channel", "call", "-o", "json"}, 100_000, 450_002, listed},
	} {
		api := &generated{total: c.total, item: c.item}
		out := new(sampler)
		var stderr bytes.Buffer
		var before runtime.MemStats
		debug.FreeOSMemory()
		runtime.ReadMemStats(&before)
		code := run(t.Context(), environment{
			args: c.args, stdin: strings.NewReader(""), stdout: out, stderr: &stderr, transport: api,
			getenv: func(name string) string {
				return map[string]string{mihu.EnvTenant: "acme", mihu.EnvToken: secretToken}[name]
			},
			configDir: func() (string, error) { return t.TempDir(), nil }, stateDir: func() (string, error) { return t.TempDir(), nil },
			cacheDir: func() (string, error) { return t.TempDir(), nil },
		})
		require.Equal(t, exitDone, code, stderr.String())
		require.Equal(t, c.lines, out.lines, c.args)
		require.Equal(t, int64(c.total/200), api.requests.Load(), "the pages and nothing more")
		require.Less(t, int64(out.highest)-int64(before.HeapAlloc), int64(16<<20), "bytes held by %v", c.args)
		t.Logf("%v: %d requests, at most %d KiB held", c.args, api.requests.Load(), (int64(out.highest)-int64(before.HeapAlloc))>>10)
	}
}
