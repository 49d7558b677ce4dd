package mihu

import (
	"errors"
	"math"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The tables of the package documentation and of the README equal the policy in the code.
func TestDocumentedPolicy(t *testing.T) {
	t.Parallel()
	var want [][]string
	for failed := range numFailures {
		row := []string{failed.String()}
		for _, cell := range failed.rule().retry {
			row = append(row, cell.String())
		}
		want = append(want, append(row, failed.rule().applied.String()))
	}
	for _, table := range []struct {
		file, header string
		cells        func(string) []string
	}{
		{"doc.go", "//\tthe attempt ", func(line string) []string { return columns(strings.TrimPrefix(line, "//\t")) }},
		{"README.md", "| the attempt |", func(line string) []string {
			return strings.Split(strings.Trim(line, "| \n"), " | ")
		}},
	} {
		text, err := os.ReadFile(table.file)
		require.NoError(t, err)
		_, rest, found := strings.Cut(string(text), table.header)
		require.True(t, found, table.file)
		var got [][]string
		for line := range strings.Lines(rest) {
			cells := table.cells(line)
			switch {
			case strings.HasPrefix(line, "|---"):
			case slices.Contains(cells, "PUT PATCH DELETE"):
				assert.Equal(t, []string{"GET", "PUT PATCH DELETE", "POST", "reconciling", "applied?"}, cells[len(cells)-5:], table.file)
			case len(cells) == 6:
				got = append(got, cells)
			}
			if strings.TrimSpace(strings.TrimPrefix(line, "//")) == "" {
				break
			}
		}
		assert.Equal(t, want, got, table.file)
	}
}

// What follows a failure depends on the column, on the number of attempts, and on whether the same
// failure was seen before.
func TestNext(t *testing.T) {
	t.Parallel()
	policy := RetryPolicy{}.withDefaults()
	seen := func(failed failure) (all [numFailures]bool) {
		all[failed] = true
		return all
	}
	tests := []struct {
		name       string
		history    history
		failed     failure
		retryAfter time.Duration
		want       decision
	}{
		{"a read", history{column: columnReads, attempts: 1}, failedLost, 0, retry},
		{"a POST that may have been applied", history{column: columnPosts, attempts: 1}, failedLost, 0, giveUp},
		{"a POST that was not sent", history{column: columnPosts, attempts: 1}, failedNeverSent, 0, retry},
		{"an idempotent POST", history{column: columnWrites, attempts: 1}, failedLost, 0, retry},
		{"the last attempt", history{column: columnReads, attempts: 4}, failedLost, 0, giveUp},
		{"reconciling, attempts left", history{column: columnReconciles, attempts: 7}, failedServer, 0, retry},
		{"reconciling, the last attempt", history{column: columnReconciles, attempts: 8}, failedServer, 0, giveUp},
		{"500", history{column: columnReads, attempts: 1}, failedServer, 0, giveUp},
		{"unknown host", history{column: columnReads, attempts: 1}, failedUnknownHost, 0, retry},
		{"unknown host again", history{column: columnReads, attempts: 2, seen: seen(failedUnknownHost)}, failedUnknownHost, 0, giveUp},
		{"unknown host after another failure", history{column: columnReads, attempts: 2, seen: seen(failedLost)}, failedUnknownHost, 0, retry},
		{"rejected token", history{column: columnPosts, attempts: 1}, failedUnauthorized, 0, renewToken},
		{"rejected token again", history{column: columnPosts, attempts: 2, seen: seen(failedUnauthorized)}, failedUnauthorized, 0, giveUp},
		{"rejected token on the last attempt", history{column: columnPosts, attempts: 4}, failedUnauthorized, 0, giveUp},
		{"rate limited", history{column: columnPosts, attempts: 1}, failedRateLimited, time.Minute, retry},
		{"rate limited for too long", history{column: columnPosts, attempts: 1}, failedRateLimited, time.Minute + 1, giveUp},
		{"the caller's context ended", history{column: columnReconciles, attempts: 1}, failedByCaller, 0, giveUp},
	}
	for _, tt := range tests {
		assert.Equal(t, tt.want, policy.next(&tt.history, tt.failed, tt.retryAfter), tt.name)
		assert.True(t, tt.history.seen[tt.failed], tt.name)
	}
	once := RetryPolicy{MaxAttempts: 1}.withDefaults()
	assert.Equal(t, giveUp, once.next(&history{column: columnReconciles, attempts: 1}, failedLost, 0), "1 turns retries off")
}

func columns(line string) []string {
	return regexp.MustCompile(`\s{2,}|\t`).Split(strings.TrimSpace(line), -1)
}

func TestParseRetryAfter(t *testing.T) {
	t.Parallel()
	const maximum = 365 * 24 * time.Hour
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
		"9223372037":                        maximum,
		"9223372036854775808":               maximum,
		"1e400":                             0, // out of range
		"Wed, 04 Mar 2026 12:00:30 GMT":     30 * time.Second,
		"Wednesday, 04-Mar-26 12:00:30 GMT": 30 * time.Second,
		"Wed Mar  4 12:00:30 2026":          30 * time.Second,
		"Wed, 04 Mar 2026 12:00:00 GMT":     0,
		"Wed, 04 Mar 2026 11:59:59 GMT":     0,
		"Mon, 01 Jan 0001 00:00:00 GMT":     0,
		"Fri, 31 Dec 9999 23:59:59 GMT":     maximum,
		"2026-03-04T12:00:30Z":              0, // not a date of HTTP
	}
	for value, want := range tests {
		assert.Equal(t, want, parseRetryAfter(value, now), "%q", value)
	}
}

// The delay of any policy and attempt is at least Retry-After, at most the bound, and never
// negative.
func TestDelay(t *testing.T) {
	t.Parallel()
	const longest = math.MaxInt64
	tests := []struct {
		policy     RetryPolicy
		attempt    int
		retryAfter time.Duration
		maximum    time.Duration
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
				assert.LessOrEqual(t, got, tt.maximum)
			}
		}, "%+v attempt %d", tt.policy, tt.attempt)
	}
}

// The kind of an error takes precedence over whether there was a connection, and an unknown host
// over other failures to connect.
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
