package probe_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/internal/probe"
	"github.com/mihu-go/mihu/mihutest"
)

// Impossible options are refused before anything is sent.
func TestOptions(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(o *probe.Options){
		"want one or two numbers, and one or two agents": func(o *probe.Options) { o.Numbers = nil },
		"a number is not in E.164":                       func(o *probe.Options) { o.Numbers = []string{"2025550181"} },
		"an agent is not a UUID":                         func(o *probe.Options) { o.Agents = []string{agentOne, "Spare"} },
		"the two numbers, and the two agents, must differ": func(o *probe.Options) {
			o.Agents = []string{agentOne, strings.ToUpper(agentOne)}
		},
		"there is no journal":       func(o *probe.Options) { o.Journal = nil },
		"the base URL is malformed": func(o *probe.Options) { o.BaseURL = "acme" },
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			srv := mihutest.NewServer(t, mihutest.WithInMemoryTransport())
			o := options(srv, new(probe.Memory))
			change(&o)
			_, err := probe.Run(t.Context(), o)
			require.ErrorContains(t, err, want)
			assert.Zero(t, srv.RequestCount())
		})
	}
}

// A target that is in use, or that cannot be seen to be free, keeps a probe from beginning.
func TestPreflight(t *testing.T) {
	t.Parallel()
	bind := func(number, agent string, channel mihu.Channel) func(*testing.T, *mihutest.Server) {
		return func(t *testing.T, srv *mihutest.Server) {
			t.Helper()
			require.NoError(t, srv.AddTrunk(mihutest.Trunk{ID: mihu.TrunkID{PhoneNumber: number, Channel: channel}, AgentUUID: agent}))
		}
	}
	const stranger = "3c90c3cc-0d44-4b50-8888-8dd257360aaa"
	for name, test := range map[string]struct {
		rules   mihutest.Rules
		prepare func(*testing.T, *mihutest.Server)
		wrap    func(http.RoundTripper) http.RoundTripper
		change  func(*probe.Options)
		want    string
	}{
		"a number that is bound": {prepare: func(t *testing.T, srv *mihutest.Server) {
			t.Helper()
			require.NoError(t, srv.AddAgentWithUUID(stranger, "Stranger"))
			bind(numberTwo, stranger, mihu.ChannelCall)(t, srv)
		}, want: "number-2 is in use or purchased"},
		"a number that is purchased":     {change: func(o *probe.Options) { o.Numbers = []string{"+12025550150"} }, want: "number-1 is in use or purchased"},
		"a purchased number in capitals": {change: purchased, wrap: rewritten(`"purchased"`, `"Purchased"`), want: "number-1 is in use or purchased"},
		"a purchased number by its flag": {
			change: purchased, wrap: rewritten(`"source":"purchased"`, `"source":null`), want: "number-1 is in use or purchased",
		},
		"a number that may be purchased": {
			change: purchased, wrap: rewritten(`"source":"purchased"`, `"origin":""`, `"is_external":false`, `"origin_2":""`), want: "number-1 is in use or purchased",
		},
		"an agent that serves a number":    {prepare: bind("+12025550199", agentTwo, mihu.ChannelCall), want: "agent-2 serves a number"},
		"an agent that serves on WhatsApp": {prepare: bind("+12025550199", agentOne, mihu.ChannelWhatsApp), want: "agent-1 serves a number"},
		"a wrong token":                    {change: func(o *probe.Options) { o.Token = "wrong" }, want: "the API refuses to list numbers with 401"},
		"a server that is down":            {wrap: answered(503, "", refusal), want: "the API responds with 503"},
		"channels that cannot be read":     {wrap: answered(200, "/channels", `{"success":true}`), want: "the channels of number-1 cannot be read"},
		"pages that are refused":           {rules: mihutest.Rules{MaxPerPage: 2}, wrap: answered(422, "?page=2&", refusal), want: "a list of numbers responds with 422 to a page"},
		"a page that is refused for the rate, without an extent": {
			rules: mihutest.Rules{MaxPerPage: 2, SuccessShape: mihutest.SuccessShape{Paging: mihutest.PagingNone}}, wrap: limited("?page=2&"),
			want: "the API responds with 429",
		},
		"one page again and again": {
			rules: mihutest.Rules{MaxPerPage: 2, PerPageOnly: true}, want: "a list of numbers shows one page again and again",
		},
		"pages that cannot be told apart": {
			rules: mihutest.Rules{MaxPerPage: 1, PerPageOnly: true, SuccessShape: mihutest.SuccessShape{Paging: mihutest.PagingNone}},
			want:  "a list of numbers does not tell how many pages it has",
		},
		"page is ignored, and there is no extent": {
			rules: mihutest.Rules{PerPageOnly: true, SuccessShape: mihutest.SuccessShape{Paging: mihutest.PagingNone}},
			want:  "a list of numbers ignores page, and may have more items",
		},
		"responses without data": {rules: mihutest.Rules{SuccessShape: mihutest.SuccessShape{OmitData: true}}, want: "a list of numbers cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := workspace(t, test.rules)
				if test.prepare != nil {
					test.prepare(t, srv)
				}
				o := options(srv, new(probe.Memory))
				if test.wrap != nil {
					o.Transport = test.wrap(o.Transport)
				}
				if test.change != nil {
					test.change(&o)
				}
				before := srv.Trunks()
				_, err := probe.Run(t.Context(), o)
				require.ErrorContains(t, err, test.want)
				require.ErrorContains(t, err, "nothing was changed")
				assert.Equal(t, before, srv.Trunks())
			})
		})
	}
}

func purchased(o *probe.Options) { o.Numbers = []string{"+12025550150"} }

// rewritten replaces texts of responses.
func rewritten(oldAndNew ...string) func(http.RoundTripper) http.RoundTripper {
	return func(next http.RoundTripper) http.RoundTripper {
		return tripper(func(r *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(r)
			if err != nil {
				return nil, err
			}
			body, err := io.ReadAll(resp.Body)
			return respondWith(resp.StatusCode, strings.NewReplacer(oldAndNew...).Replace(string(body))), err
		})
	}
}

const refusal = `{"success":false,"message":"no"}`

// answered gives some requests a response of its own.
func answered(status int, match, body string) func(http.RoundTripper) http.RoundTripper {
	return func(next http.RoundTripper) http.RoundTripper {
		return tripper(func(r *http.Request) (*http.Response, error) {
			if strings.Contains(r.URL.String(), match) {
				return respondWith(status, body), nil
			}
			return next.RoundTrip(r)
		})
	}
}

// limited lets every second request of some fail with 429.
func limited(match string) func(http.RoundTripper) http.RoundTripper {
	return func(next http.RoundTripper) http.RoundTripper {
		n := 0
		return tripper(func(r *http.Request) (*http.Response, error) {
			if strings.Contains(r.URL.String(), match) {
				if n++; n%2 == 1 {
					return respondWith(429, `{"message":"slow down"}`), nil
				}
			}
			return next.RoundTrip(r)
		})
	}
}
