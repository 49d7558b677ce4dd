package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/config"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/credentials"
	"github.com/stretchr/testify/require"
)

// recorder is a workspace that records the tokens that reach it.
type recorder struct {
	mu     sync.Mutex
	tokens []string
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tokens = append(r.tokens, strings.TrimPrefix(request.Header.Get("Authorization"), "Bearer "))
	_, _ = io.WriteString(w, `{"success": true, "data": {"items": []}}`)
}

// taken returns the tokens since the last call.
func (r *recorder) taken() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	tokens := r.tokens
	r.tokens = nil
	return tokens
}

// elsewhere sends requests for loopback addresses over the network, and hands all others to a
// recorder.
type elsewhere struct{ *recorder }

func (e elsewhere) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.URL.Scheme == "http" {
		return http.DefaultTransport.RoundTrip(request)
	}
	recorded := httptest.NewRecorder()
	e.ServeHTTP(recorded, request)
	return recorded.Result(), nil
}

const acmeBase = "https://acme.mihu.ai/api/v1"

// tokenTest has two workspaces on loopback addresses, which the config calls a and b, and acme.
type tokenTest struct {
	t         *testing.T
	recorders map[string]*recorder // by address
	a, b      string
	transport http.RoundTripper
}

func newTokenTest(t *testing.T) *tokenTest {
	t.Helper()
	test := &tokenTest{t: t, recorders: map[string]*recorder{}}
	start := func() string {
		r := new(recorder)
		server := httptest.NewServer(r)
		t.Cleanup(server.Close)
		base := server.URL + "/api/v1"
		test.recorders[base] = r
		return base
	}
	test.a, test.b = start(), start()
	test.recorders[acmeBase] = new(recorder)
	test.transport = elsewhere{test.recorders[acmeBase]}
	return test
}

// configure returns a directory of settings with the workspaces a and b.
func (test *tokenTest) configure(current string) string {
	dir := test.t.TempDir()
	err := config.File{Dir: func() (string, error) { return dir, nil }}.Change(test.t.Context(), func(c *config.Config) error {
		c.Current = current
		c.Workspaces = []config.Workspace{{Name: "a", Address: test.a}, {Name: "b", Address: test.b}}
		return nil
	})
	require.NoError(test.t, err)
	return dir
}

// store stores a token for every address, in a keyring or in files.
func (test *tokenTest) store(how, dir string) credentials.Keyring {
	var keyring credentials.Keyring
	if how == "keyring" {
		keyring = memory(map[string]string{})
	}
	tokens := credentials.Tokens{
		Keyring: keyring, ConfigDir: func() (string, error) { return dir, nil },
		Getenv: func(string) string { return "" }, Note: func(string, ...any) {},
	}
	if how != "none" {
		for base := range test.recorders {
			_, err := tokens.Store(test.t.Context(), base, "stored-for-"+base, how == "file")
			require.NoError(test.t, err)
		}
	}
	return keyring
}

const (
	tokenOfEnvironment = "token-of-the-environment"
	tokenOfFile        = "token-of-the-file"
)

// choice is one combination of flags, variables, config and stored tokens; "" is not set.
type choice struct{ workspace, baseURL, envWorkspace, tenant, envBase, token, file, current, stored string }

// address returns the address that a name selects.
func (test *tokenTest) address(name string) string {
	return map[string]string{"a": test.a, "b": test.b, "acme": acmeBase}[name]
}

// selected returns the address that a choice selects and whether the config's current workspace
// does; "" if the choice is contradictory or selects none.
func (test *tokenTest) selected(c choice) (base string, current bool) {
	switch {
	case c.workspace != "" && c.baseURL != "" && test.address(c.workspace) != c.baseURL:
		return "", false
	case c.workspace != "":
		return test.address(c.workspace), false
	case c.baseURL != "":
		return c.baseURL, false
	case c.envWorkspace != "":
		return test.address(c.envWorkspace), false
	case c.envBase != "":
		return c.envBase, false
	case c.tenant != "":
		return test.address(c.tenant), false
	}
	return test.address(c.current), true
}

// want returns which token a choice sends, and where; "" if none may be sent.
func (test *tokenTest) want(c choice) (base, token string) {
	base, current := test.selected(c)
	switch {
	case base == "":
		return "", ""
	case c.file != "":
		return base, tokenOfFile
	case c.token != "":
		owner := c.envBase
		if owner == "" {
			owner = test.address(c.tenant)
		}
		if owner == base || owner == "" && !current {
			return base, tokenOfEnvironment
		}
		return "", ""
	case c.stored == "none":
		return "", ""
	}
	return base, "stored-for-" + base
}

func (c choice) invocation() invocation {
	i := invocation{args: []string{"list", "--quiet"}, env: map[string]string{
		envWorkspace: c.envWorkspace, mihu.EnvTenant: c.tenant, mihu.EnvBaseURL: c.envBase, mihu.EnvToken: c.token,
	}}
	for flag, value := range map[string]string{"--workspace": c.workspace, "--base-url": c.baseURL, "--token-file": c.file} {
		if value != "" {
			i.args = append(i.args, flag, value)
		}
	}
	return i
}

// choices returns every combination. Each of two settings can select the address of the other, or
// another one.
func (test *tokenTest) choices(file string) (all []choice) {
	all = []choice{{}}
	for _, set := range []struct {
		field  func(*choice) *string
		values []string
	}{
		{func(c *choice) *string { return &c.workspace }, []string{"", "a", "acme"}},
		{func(c *choice) *string { return &c.baseURL }, []string{"", test.a, test.b}},
		{func(c *choice) *string { return &c.envWorkspace }, []string{"", "b", "acme"}},
		{func(c *choice) *string { return &c.tenant }, []string{"", "acme"}},
		{func(c *choice) *string { return &c.envBase }, []string{"", test.a}},
		{func(c *choice) *string { return &c.token }, []string{"", tokenOfEnvironment}},
		{func(c *choice) *string { return &c.file }, []string{"", file}},
		{func(c *choice) *string { return &c.current }, []string{"", "b"}},
		{func(c *choice) *string { return &c.stored }, []string{"none", "keyring", "file"}},
	} {
		var more []choice
		for _, c := range all {
			for _, value := range set.values {
				*set.field(&c) = value
				more = append(more, c)
			}
		}
		all = more
	}
	return all
}

// TestTokensStayInTheirWorkspace: over every combination of flags, variables, config and stored
// tokens, a token reaches its own workspace or none. Whatever is refused is a usage error, and
// nothing is sent.
func TestTokensStayInTheirWorkspace(t *testing.T) {
	t.Parallel()
	test := newTokenTest(t)
	file := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(file, []byte(tokenOfFile), 0o600))
	dirs, keyrings := map[string]string{}, map[string]credentials.Keyring{}
	for _, current := range []string{"", "a", "b"} {
		for _, stored := range []string{"none", "keyring", "file"} {
			dirs[current+stored] = test.configure(current)
			keyrings[current+stored] = test.store(stored, dirs[current+stored])
		}
	}
	sent := map[string]int{}
	for _, c := range test.choices(file) {
		i := c.invocation()
		i.config, i.keyring, i.transport = dirs[c.current+c.stored], keyrings[c.current+c.stored], test.transport
		got := i.run(t)
		base, token := test.want(c)
		for address, r := range test.recorders {
			if taken := r.taken(); address == base {
				require.Equal(t, []string{token}, taken, "%+v", c)
			} else {
				require.Empty(t, taken, "%s: %+v", address, c)
			}
		}
		if base == "" {
			require.Equal(t, exitUsage, got.code, "%+v: %s", c, got.stderr)
			continue
		}
		require.Equal(t, exitDone, got.code, "%+v: %s", c, got.stderr)
		sent[token]++
	}
	require.Len(t, sent, 5, "every token is sent by some combination")
}

// TestRefusedTokens: a refusal names both addresses, and what to do.
func TestRefusedTokens(t *testing.T) {
	t.Parallel()
	test := newTokenTest(t)
	for name, c := range map[string]struct {
		choice choice
		want   []string
	}{
		"flag": {
			choice{baseURL: test.a, tenant: "acme", token: tokenOfEnvironment},
			[]string{"MIHU_API_TOKEN belongs to " + acmeBase + " of MIHU_TENANT", "not sent to " + test.a + " of --base-url", "unset MIHU_API_TOKEN"},
		},
		"variable": {
			choice{envWorkspace: "b", envBase: test.a, token: tokenOfEnvironment},
			[]string{"belongs to " + test.a + " of MIHU_BASE_URL", "not sent to " + test.b + " of MIHU_WORKSPACE"},
		},
		"current": {
			choice{current: "a", token: tokenOfEnvironment},
			[]string{"not sent to " + test.a + " of the current workspace of the config", "set MIHU_TENANT"},
		},
		"two flags": {
			choice{workspace: "a", baseURL: test.b},
			[]string{test.a + " of --workspace", test.b + " of --base-url", "pass one of the two"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := c.choice.invocation()
			i.config, i.transport = test.configure(c.choice.current), test.transport
			got := i.run(t)
			require.Equal(t, exitUsage, got.code)
			for _, text := range c.want {
				require.Contains(t, got.stderr, text)
			}
		})
	}
}

// TestOneAddress: another way to write an address is not another workspace.
func TestOneAddress(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ workspace, base, want, name string }{
		{"ACME", "", acmeBase, "acme"},
		{"", "https://acme.mihu.ai:443/api/v1/", acmeBase, "acme"},
		{"", "HTTPS://Acme.Mihu.Ai./api/v1", "https://acme.mihu.ai/api/v1", "acme"},
		{"", "http://127.0.0.1:80/x", "http://127.0.0.1/x", "http://127.0.0.1/x"},
		{"", "http://[::1]:80/x", "http://[::1]/x", "http://[::1]/x"},
		{"", "http://[::1]:81/x", "http://[::1]:81/x", "http://[::1]:81/x"},
		{"", "https://acme.mindhunters.ai/api/v1", "https://acme.mindhunters.ai/api/v1", "https://acme.mindhunters.ai/api/v1"},
	} {
		got, err := targetOf(&config.Config{}, c.workspace, c.base, "test")
		require.NoError(t, err)
		require.Equal(t, c.want, got.base)
		require.Equal(t, c.name, got.name)
	}
}
