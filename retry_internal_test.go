package mihu

import (
	"context"
	"errors"
	"math"
	"net"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The table of the package documentation is the policy, word for word.
func TestDocumentedPolicy(t *testing.T) {
	t.Parallel()
	rows := map[string][]failure{
		"never sent: dial, TLS handshake":    {failedNeverSent},
		"never sent: host name unknown":      {failedUnknownHost},
		"certificate not trusted":            {failedUntrusted},
		"connection lost, attempt timed out": {failedLost},
		"2xx cut short":                      {failedCutShort},
		"2xx too large, not JSON, no data":   {failedUnreadable},
		"429":                                {failedRateLimited},
		"401":                                {failedUnauthorized},
		"502, 503, 504":                      {failedGateway},
		"500, 408, other 5xx":                {failedServer},
		"any other answer":                   {failedRefused},
		"the caller's context ended":         {failedByCaller},
	}
	words := map[string]repeat{"never": never, "once": once, "always": always}

	documentation, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	_, table, found := strings.Cut(string(documentation), "//\tthe attempt ")
	require.True(t, found)
	header, table, _ := strings.Cut(table, "\n")
	require.Equal(t, []string{"GET", "PUT PATCH DELETE", "POST", "was it carried out?"}, columns(header))
	table, _, _ = strings.Cut(table, "\n//\n")

	covered := map[failure]bool{}
	for line := range strings.Lines(table) {
		cells := columns(strings.TrimPrefix(line, "//\t"))
		require.Contains(t, rows, cells[0])
		for _, failed := range rows[cells[0]] {
			covered[failed] = true
			rule := failed.rule()
			if failed == failedUnauthorized {
				assert.Equal(t, []string{"401", "once, if the token source has another token", "no"}, cells)
				assert.Equal(t, rule, failed.rule())
				for _, each := range []repeat{rule.reads, rule.writes, rule.posts} {
					assert.Equal(t, ifTokenDiffers, each, cells[0])
				}
				assert.False(t, rule.open)
				continue
			}
			require.Len(t, cells, 5, line)
			assert.Equal(t, words[cells[1]], rule.reads, line)
			assert.Equal(t, words[cells[2]], rule.writes, line)
			assert.Equal(t, words[cells[3]], rule.posts, line)
			switch cells[4] {
			case "no":
				assert.False(t, rule.open, line)
			case "perhaps":
				assert.True(t, rule.open, line)
			default: // it depends on whether the request was sent, which is known elsewhere
				assert.Equal(t, "perhaps, if it was sent", cells[4])
				assert.Equal(t, failedByCaller, failed)
			}
		}
		delete(rows, cells[0])
	}
	assert.Empty(t, rows, "rows that the documentation has not")
	for failed := failedNeverSent; failed <= failedByCaller; failed++ {
		assert.True(t, covered[failed], "failure %d has no row", failed)
	}
}

func columns(line string) []string {
	return regexp.MustCompile(`\s{2,}|\t`).Split(strings.TrimSpace(line), -1)
}

func TestParseRetryAfter(t *testing.T) {
	t.Parallel()
	const most = 365 * 24 * time.Hour
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	tests := map[string]time.Duration{
		"":                                  0,
		" ":                                 0,
		"0":                                 0,
		"120":                               2 * time.Minute,
		" 120\t":                            2 * time.Minute,
		"1.5":                               1500 * time.Millisecond,
		"-1":                                0,
		"-0":                                0,
		"-1e300":                            0,
		"soon":                              0,
		"1 2":                               0,
		"NaN":                               0,
		"9223372037":                        most,
		"9223372036854775808":               most,
		"1e400":                             0, // no number of seconds
		"Wed, 04 Mar 2026 12:00:30 GMT":     30 * time.Second,
		"Wednesday, 04-Mar-26 12:00:30 GMT": 30 * time.Second,
		"Wed Mar  4 12:00:30 2026":          30 * time.Second,
		"Wed, 04 Mar 2026 12:00:00 GMT":     0,
		"Wed, 04 Mar 2026 11:59:59 GMT":     0,
		"Mon, 01 Jan 0001 00:00:00 GMT":     0,
		"Fri, 31 Dec 9999 23:59:59 GMT":     most,
		"2026-03-04T12:00:30Z":              0, // not a date of HTTP
	}
	for value, want := range tests {
		assert.Equal(t, want, parseRetryAfter(value, now), "%q", value)
	}
}

// Whatever the policy and the attempt, a delay is at least what the server asked for, at most the
// bound, and never negative.
func TestDelay(t *testing.T) {
	t.Parallel()
	const longest = math.MaxInt64
	tests := []struct {
		policy     RetryPolicy
		attempt    int
		retryAfter time.Duration
		most       time.Duration
	}{
		{RetryPolicy{}.withDefaults(), 1, 0, 200 * time.Millisecond},
		{RetryPolicy{}.withDefaults(), 3, 0, 800 * time.Millisecond},
		{RetryPolicy{}.withDefaults(), 1000, 0, 8 * time.Second},
		{RetryPolicy{}.withDefaults(), math.MaxInt, 0, 8 * time.Second},
		{RetryPolicy{}.withDefaults(), 1, time.Minute, time.Minute},
		{RetryPolicy{BaseDelay: 1, MaxDelay: longest}, 63, 0, longest},
		{RetryPolicy{BaseDelay: 1, MaxDelay: longest}, 64, 0, longest},
		{RetryPolicy{BaseDelay: 3, MaxDelay: longest}, 1000, 0, longest},
		{RetryPolicy{BaseDelay: longest, MaxDelay: longest}, 1, 0, longest},
		{RetryPolicy{BaseDelay: longest, MaxDelay: longest}, 2, 0, longest},
		{RetryPolicy{BaseDelay: longest - 1, MaxDelay: longest - 1}, 5, 0, longest - 1},
	}
	for _, tt := range tests {
		assert.NotPanics(t, func() {
			for range 100 {
				got := tt.policy.delay(tt.attempt, failedGateway, tt.retryAfter)
				assert.GreaterOrEqual(t, got, tt.retryAfter)
				assert.LessOrEqual(t, got, tt.most)
			}
		}, "%+v attempt %d", tt.policy, tt.attempt)
	}
}

// What an error says of itself goes before what is known of the connection, and a host that is
// unknown before other failures to reach it.
func TestClassify(t *testing.T) {
	t.Parallel()
	unknown := &net.OpError{Op: "dial", Err: &net.DNSError{IsNotFound: true}}
	tests := []struct {
		err  error
		sent bool
		want failure
	}{
		{unknown, false, failedUnknownHost},
		{unknown, true, failedLost},
		{&net.DNSError{IsTimeout: true}, false, failedNeverSent},
		{errors.New("anything"), false, failedNeverSent},
		{errors.New("anything"), true, failedLost},
		{&APIError{StatusCode: 200, Err: errCutShort}, true, failedCutShort},
		{&APIError{StatusCode: 200, Err: errTooLarge}, true, failedUnreadable},
		{&APIError{StatusCode: 200, Err: errRefused}, true, failedRefused},
		{&APIError{StatusCode: 503, Err: errCutShort}, true, failedGateway},
		{&APIError{StatusCode: 302, Err: ErrRedirect}, true, failedRefused},
	}
	for _, tt := range tests {
		assert.Equal(t, tt.want, classify(tt.err, tt.sent), "%v, sent %t", tt.err, tt.sent)
	}
}

func TestBudgetIsNeverMoreThanItWas(t *testing.T) {
	t.Parallel()
	var b budget
	b.init(2)
	b.earn()
	took := 0
	for b.take() {
		took++
	}
	assert.Equal(t, 2, took)
	b.earn()
	assert.False(t, b.take(), "one success is half a repetition")
	b.earn()
	assert.True(t, b.take())
}

// A gate that is closed for longer stays so; one that is closed for less is not opened by it.
func TestGate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var g gate
		require.NoError(t, g.wait(t.Context(), nil))
		assert.Zero(t, time.Since(start), "it is open to begin with")

		g.closeFor(10 * time.Second)
		g.closeFor(time.Second)
		time.AfterFunc(9*time.Second, func() { g.closeFor(10 * time.Second) })
		require.NoError(t, g.wait(t.Context(), nil))
		assert.GreaterOrEqual(t, time.Since(start), 19*time.Second)
		assert.LessOrEqual(t, time.Since(start), 21*time.Second)

		g.closeFor(10 * time.Second)
		soon, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		before := time.Now()
		require.ErrorIs(t, g.wait(soon, nil), ErrRateLimited)
		assert.Zero(t, time.Since(before), "what cannot be waited for is known at once")
	})
}
