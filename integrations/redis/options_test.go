package mihuredis_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	mihuredis "github.com/mihu-go/mihu/integrations/redis"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// unused is a client that no test sends anything with.
func unused(t *testing.T) *redis.Client {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", Password: "pl4nted", ContextTimeoutEnabled: true})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		key  string
		rate int
		opts []mihuredis.Option
		want []string
	}{
		{"no key", "", 200, nil, []string{"key: empty; want a name that all processes that share the rate use"}},
		{"no rate", "k", 0, nil, []string{"rate 0: want at least 1"}},
		{"negative rate", "k", -1, nil, []string{"rate -1: want at least 1"}},
		{"rate above what can be timed", "k", 100_001, nil, []string{"rate 100001 per 1s: want at most one request in 10µs"}},
		{"short period", "k", 1, []mihuredis.Option{mihuredis.WithPeriod(99 * time.Millisecond)}, []string{"period 99ms: want at least 100ms"}},
		{"negative period", "k", 1, []mihuredis.Option{mihuredis.WithPeriod(-1)}, []string{"period -1ns: want at least 100ms"}},
		{"negative burst", "k", 200, []mihuredis.Option{mihuredis.WithBurst(-1)}, []string{"burst -1: want at least 1"}},
		{"burst that cannot be timed", "k", 1000, []mihuredis.Option{mihuredis.WithBurst(4)}, []string{"burst 4: want at least 5, which is 5ms of the rate"}},
		{"burst above the rate", "k", 10, []mihuredis.Option{mihuredis.WithBurst(11)}, []string{"burst 11: want at most the rate, 10"}},
		{"negative share", "k", 10, []mihuredis.Option{mihuredis.WithShare(-0.1)}, []string{"share -0.1: want above 0 and at most 1"}},
		{"share above 1", "k", 10, []mihuredis.Option{mihuredis.WithShare(1.1)}, []string{"share 1.1: want above 0 and at most 1"}},
		{"share not a number", "k", 10, []mihuredis.Option{mihuredis.WithShare(math.NaN())}, []string{"share NaN: want above 0 and at most 1"}},
		{"negative timeout", "k", 10, []mihuredis.Option{mihuredis.WithTimeout(-1)}, []string{"timeout -1ns: negative"}},
		{"negative pause", "k", 10, []mihuredis.Option{mihuredis.WithMaxPause(-1)}, []string{"maximum pause -1ns: want at least 1ms"}},
		{
			"all at once", "", 0,
			[]mihuredis.Option{mihuredis.WithShare(2), mihuredis.WithTimeout(-1)},
			[]string{"key: empty", "rate 0", "share 2", "timeout -1ns"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			limiter, err := mihuredis.New(unused(t), tt.key, tt.rate, tt.opts...)
			require.Error(t, err)
			assert.Nil(t, limiter)
			assert.ErrorContains(t, err, "mihuredis: ")
			for _, want := range tt.want {
				assert.ErrorContains(t, err, want)
			}
		})
	}
}

// A client that does not obey a context's deadline could delay every request for seconds.
func TestNewRefusesClients(t *testing.T) {
	t.Parallel()
	const unset = "client: ContextTimeoutEnabled is not set; set it"
	tests := []struct {
		name   string
		client redis.UniversalClient
		want   string
	}{
		{"nil", nil, "client: nil; want a client of go-redis"},
		{"nil of a type", (*redis.Client)(nil), "client: nil; want a client of go-redis"},
		{"client", redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"}), unset},
		{"cluster", redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{"127.0.0.1:1"}}), unset},
		{"ring", redis.NewRing(&redis.RingOptions{}), unset},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.want == unset {
				defer func() { _ = tt.client.Close() }()
			}
			_, err := mihuredis.New(tt.client, "k", 200)
			require.ErrorContains(t, err, tt.want)
		})
	}
}

// The zero value of every option is its default, nil is ignored, and the last of a kind takes precedence.
func TestZeroOptions(t *testing.T) {
	t.Parallel()
	_, err := mihuredis.New(unused(t), "k", 200, mihuredis.WithPeriod(-1), mihuredis.WithBurst(-1), mihuredis.WithShare(-1),
		mihuredis.WithTimeout(-1), mihuredis.WithMaxPause(-1), nil, mihuredis.WithLogger(nil),
		mihuredis.WithPeriod(0), mihuredis.WithBurst(0), mihuredis.WithShare(0), mihuredis.WithTimeout(0), mihuredis.WithMaxPause(0))
	require.NoError(t, err)
	for _, rate := range []int{1, 19, 20, 999, 1000, 1001, 99_999, 100_000} {
		_, err := mihuredis.New(unused(t), "k", rate)
		require.NoError(t, err, rate)
	}
}

// A printed limiter shows neither its key nor Redis's password.
func TestPrintedLimiter(t *testing.T) {
	t.Parallel()
	limiter, err := mihuredis.New(unused(t), "pl4nted-key", 200)
	require.NoError(t, err)
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		for _, value := range []any{limiter, fmt.Sprintf(format, limiter)} {
			printed := fmt.Sprintf(format, value)
			assert.NotContains(t, printed, "pl4nted-key")
			assert.NotContains(t, printed, "pl4nted")
		}
	}
}
