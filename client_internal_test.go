package mihu

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A request's URL, assembled from the parsed base URL, equals the one that parsing the whole text
// returns.
func TestRequestURL(t *testing.T) {
	t.Parallel()
	tests := []struct{ base, path, query string }{
		{"https://acme.mihu.ai/api/v1", "/phone-numbers/trunks", ""},
		{"https://acme.mihu.ai/api/v1", "/phone-numbers/trunks", "page=2&per_page=200"},
		{"https://acme.mihu.ai", "/a", "number=%2B1"},
		{"https://acme.mihu.ai/api/v1", "/a/b%20c/d%3Fe", ""},
		{"https://acme.mihu.ai/api/v1", "/a/b%2Fc%25/d", "q=1"},
		{"https://acme.mihu.ai/api%2Fv1", "/a/b", ""},
		{"https://acme.mihu.ai/api%2Fv1/%7e", "/a%20b/c", "q=1"},
		{"https://acme.mihu.ai/a%20b", "/c", ""},
		{"https://acme.mihu.ai/ä", "/c", ""},
		{"https://acme.mihu.ai/ä", "/%C3%A4", ""},
		{"http://[::1]:8080/v1", "/a", ""},
	}
	for _, test := range tests {
		client, err := New("", "t0ken", WithBaseURL(test.base))
		require.NoError(t, err)
		whole := test.base + test.path
		if test.query != "" {
			whole += "?" + test.query
		}
		want, err := url.Parse(whole)
		require.NoError(t, err)
		got := client.core.at(test.path, test.query)
		assert.Equal(t, want.String(), got.String())
		assert.Equal(t, want.RequestURI(), got.RequestURI())
		assert.Equal(t, want.Path, got.Path)
		assert.Equal(t, want.Host, got.Host)
	}
}
