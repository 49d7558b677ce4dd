package mihu_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
)

// scriptedTokens is a token source that returns its tokens in turn, and then an error. It records
// its calls and the rejected tokens.
type scriptedTokens struct {
	tokens   []string
	fail     error
	calls    int
	rejected []string
}

func (s *scriptedTokens) Refresh(ctx context.Context, rejected string) (string, error) {
	s.rejected = append(s.rejected, rejected)
	return s.Token(ctx)
}

func (s *scriptedTokens) Token(context.Context) (string, error) {
	s.calls++
	if s.calls > len(s.tokens) {
		return "", s.fail
	}
	return s.tokens[s.calls-1], nil
}

func TestTokenSource(t *testing.T) {
	t.Parallel()
	errVault := errors.New("the vault is sealed")
	tests := []struct {
		name     string
		steps    []step
		tokens   []string
		sent     []string
		rejected []string
		want     []error // nil is success
	}{
		{"is called before every attempt", []step{apiError(503), apiError(429), ok()}, []string{"a", "b", "c"}, []string{"a", "b", "c"}, nil, nil},
		{"is called again after its token is rejected", []step{apiError(401), ok()}, []string{"a", "b"}, []string{"a", "b"}, []string{"a"}, nil},
		{"is called again only once", []step{apiError(401)}, []string{"a", "b", "c"}, []string{"a", "b"}, []string{"a"}, []error{mihu.ErrUnauthorized}},
		{"returns the rejected token again", []step{apiError(401)}, []string{"a", "a", "b"}, []string{"a"}, []string{"a"}, []error{mihu.ErrUnauthorized}},
		{
			"is called before every later attempt too",
			[]step{apiError(401), apiError(503), ok()},
			[]string{"a", "b", "b"},
			[]string{"a", "b", "b"},
			[]string{"a"},
			nil,
		},
		{
			"returned another token before the rejection",
			[]step{apiError(503), apiError(401), ok()},
			[]string{"a", "b", "c"},
			[]string{"a", "b", "c"},
			[]string{"b"},
			nil,
		},
		{"fails", []step{ok()}, nil, nil, nil, []error{}},
		{"fails after a rejected token", []step{apiError(401)}, []string{"a"}, []string{"a"}, []string{"a"}, []error{mihu.ErrUnauthorized}},
		{"fails after another failure", []step{apiError(429)}, []string{"a"}, []string{"a"}, nil, []error{mihu.ErrRateLimited}},
	}
	for _, tt := range tests {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			t.Run(method+" "+tt.name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					source := &scriptedTokens{tokens: tt.tokens, fail: errVault}
					wire := newWire(t, tt.steps...)
					client, err := mihu.New("acme", "", mihu.WithTokenSource(source), mihu.WithHTTPClient(&http.Client{Transport: wire}))
					require.NoError(t, err)
					err = client.Do(t.Context(), &mihu.Request{Method: method, Path: "/x", Idempotent: true}, nil)
					var sent []string
					for _, got := range wire.Sent() {
						sent = append(sent, strings.TrimPrefix(got.Header.Get("Authorization"), "Bearer "))
					}
					assert.Equal(t, tt.sent, sent)
					assert.Equal(t, tt.rejected, source.rejected)
					if tt.want == nil {
						require.NoError(t, err)
						return
					}
					assertMatches(t, err, tt.want...)
					if strings.HasPrefix(tt.name, "fails") {
						require.ErrorIs(t, err, errVault)
						assert.Contains(t, err.Error(), "token source: the vault is sealed")
						assert.Equal(t, len(tt.sent), requireTransportError(t, err).Attempts)
					}
				})
			})
		}
	}
}

// A POST whose token was rejected was not applied, and is retried with another token.
func TestPostIsRetriedWithAnotherToken(t *testing.T) {
	t.Parallel()
	wire := newWire(t, apiError(401), ok())
	client, err := mihu.New("acme", "", mihu.WithTokenSource(tokens("a", "b")), mihu.WithHTTPClient(&http.Client{Transport: wire}))
	require.NoError(t, err)
	_, err = client.Trunks.Create(t.Context(), createRequest(agentUUID))
	require.NoError(t, err)
	require.Equal(t, 2, wire.Attempts())
	assert.Equal(t, wire.Sent()[0].Body, wire.Sent()[1].Body)
}

// MaxAttempts bounds the attempts with another token too.
func TestMaxAttemptsBoundsTokenRenewal(t *testing.T) {
	t.Parallel()
	wire := newWire(t, apiError(401), ok())
	client, err := mihu.New("acme", "", mihu.WithTokenSource(tokens("a", "b")), mihu.WithHTTPClient(&http.Client{Transport: wire}), withoutRetries)
	require.NoError(t, err)
	err = doRequest(t.Context(), client, http.MethodGet)
	assert.Equal(t, 1, wire.Attempts())
	require.ErrorIs(t, err, mihu.ErrUnauthorized)
}

// An invalid token of a source is an error that does not contain the token.
func TestTokenSourceWithAnInvalidToken(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "pl4nted\n", "pl4nted x", "pl4nt\x00ed", "pl4nt\u00e9d"} {
		client, err := mihu.New("acme", "", mihu.WithTokenSource(tokens(bad)), mihu.WithHTTPClient(&http.Client{Transport: newWire(t, ok())}))
		require.NoError(t, err)
		err = doRequest(t.Context(), client, http.MethodPost)
		assertMatches(t, err)
		assert.Zero(t, requireTransportError(t, err).Attempts)
		assert.Contains(t, err.Error(), "token source: the token cannot be used: ")
		assert.NotContains(t, err.Error(), "pl4nt")
	}
}

// tokens returns a source of the tokens in turn. It repeats the last one.
func tokens(all ...string) mihu.TokenSource {
	next := make(chan string, len(all))
	for _, each := range all {
		next <- each
	}
	return mihu.TokenFunc(func(context.Context) (string, error) {
		if len(next) == 0 {
			return all[len(all)-1], nil
		}
		return <-next, nil
	})
}
