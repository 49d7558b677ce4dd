package probe_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/internal/probe"
	"github.com/mihu-go/mihu/mihutest"
)

// A proxy that knows no path answers 404 as well. It does not show that a trunk is gone.
func TestCleanBehindABrokenProxy(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]struct {
		status int
		body   string
	}{
		"404 of a proxy":       {404, "<html>404 page not found</html>"},
		"404 JSON":             {404, `{"message":"no such route"}`},
		"200 of a portal":      {200, "<html>Welcome to the hotel</html>"},
		"200 of another API":   {200, `{"success":true,"data":{}}`},
		"redirect of a portal": {302, ""},
		"no success":           {200, `{"success":false,"message":"no"}`},
		"400":                  {400, `{"message":"no"}`},
		"401":                  {401, `{"message":"no"}`},
		"503":                  {503, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			srv := workspace(t, mihutest.Rules{})
			before := srv.Trunks()
			file := journalOf(t)
			text := journalText(t, srv)
			header := bytes.IndexByte(text, '\n') + 1
			leave(t, srv, file, text[:header+bytes.IndexByte(text[header:], '\n')+1]) // killed before the response
			o := options(srv, nil)
			o.Transport = tripper(func(*http.Request) (*http.Response, error) { return respondWith(answer.status, answer.body), nil })
			_, err := probe.Clean(t.Context(), file, o)
			_, left := errors.AsType[*probe.LeftError](err)
			require.True(t, left, "%s: %v", name, err)
			require.FileExists(t, file.Path)
			_, err = probe.Clean(t.Context(), file, options(srv, nil))
			require.NoError(t, err)
			require.Equal(t, before, srv.Trunks())
		})
	}
}

// The same at the end of a run.
func TestRunBehindABrokenProxy(t *testing.T) {
	t.Parallel()
	for n := range 45 {
		synctest.Test(t, func(t *testing.T) {
			srv := workspace(t, mihutest.Rules{})
			before := srv.Trunks()
			journal := new(probe.Memory)
			o := options(srv, journal)
			next, count := o.Transport, 0
			o.Transport = tripper(func(r *http.Request) (*http.Response, error) {
				if count++; count > n {
					return respondWith(404, "<html>404 page not found</html>"), nil
				}
				return next.RoundTrip(r)
			})
			_, err := probe.Run(t.Context(), o)
			_, left := errors.AsType[*probe.LeftError](err)
			if !left {
				require.Equal(t, before, srv.Trunks(), "request %d: %v", n, err)
			}
		})
	}
}

// Somebody registers a number of the probe, or gives an agent of it a number, at any time. Their trunk
// stays as it is.
func TestSomebodyElseRegisters(t *testing.T) {
	t.Parallel()
	for _, number := range []string{numberOne, numberTwo} {
		for n := range 45 {
			synctest.Test(t, func(t *testing.T) {
				srv := workspace(t, mihutest.Rules{OnDuplicate: mihutest.UpdateDuplicate})
				theirs := mihutest.Trunk{ID: mihu.TrunkID{PhoneNumber: number, Channel: mihu.ChannelCall}, AgentUUID: "3c90c3cc-0d44-4b50-8888-00000000abcd", Name: "theirs"}
				require.NoError(t, srv.AddAgentWithUUID(theirs.AgentUUID, "Theirs"))
				o := options(srv, new(probe.Memory))
				next, count, added := o.Transport, 0, false
				o.Transport = tripper(func(r *http.Request) (*http.Response, error) {
					if count++; count >= n && !added && r.Method == http.MethodGet {
						_, taken := srv.Trunk(theirs.ID)
						added = !taken && srv.AddTrunk(theirs) == nil
					}
					return next.RoundTrip(r)
				})
				_, err := probe.Run(t.Context(), o)
				if !added {
					return
				}
				trunk, ok := srv.Trunk(theirs.ID)
				assert.True(t, ok && trunk.AgentUUID == theirs.AgentUUID, "%s at %d: %v", number, n, err)
			})
		}
	}
}

// A request that times out and is applied 25 s later: nothing is left.
func TestTimeouts(t *testing.T) {
	t.Parallel()
	for n := range 50 {
		synctest.Test(t, func(t *testing.T) {
			srv := workspace(t, mihutest.Rules{})
			before := srv.Trunks()
			o := options(srv, new(probe.Memory))
			next := o.Transport
			o.Transport = at(n, next, func(r *http.Request) (*http.Response, error) {
				body, _ := io.ReadAll(r.Body)
				late := r.Clone(context.Background())
				late.Body = io.NopCloser(bytes.NewReader(body))
				go func() {
					time.Sleep(25 * time.Second)
					if resp, err := next.RoundTrip(late); err == nil {
						_ = resp.Body.Close()
					}
				}()
				return nil, context.DeadlineExceeded
			})
			_, err := probe.Run(t.Context(), o)
			_, left := errors.AsType[*probe.LeftError](err)
			require.False(t, left, "request %d: %v", n, err)
			time.Sleep(time.Minute)
			require.Equal(t, before, srv.Trunks(), "request %d: %v", n, err)
		})
	}
}
