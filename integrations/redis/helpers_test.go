package mihuredis_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	mihuredis "github.com/mihu-go/mihu/integrations/redis"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// If this variable is set, the test binary is a process of a crew.
const worker = "MIHUREDIS_TEST_WORKER"

func TestMain(m *testing.M) {
	if spec := os.Getenv(worker); spec != "" {
		if err := work(spec); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	redis.SetLogger(silent{})
	goleak.VerifyTestMain(m)
}

// silent discards what go-redis prints when its server dies.
type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

func newLimiter(t *testing.T, s *server, key string, rate int, opts ...mihuredis.Option) *mihuredis.Limiter {
	t.Helper()
	limiter, err := mihuredis.New(s.client(), key, rate, opts...)
	require.NoError(t, err)
	return limiter
}

// grants are the times at which requests took their places, in order. The times at which Wait returns
// would depend on what else the machine does.
type grants []time.Time

// busiest returns the largest number in any period, whenever it begins.
func (g grants) busiest(period time.Duration) int {
	largest, first := 0, 0
	for i := range g {
		for g[i].Sub(g[first]) > period {
			first++
		}
		largest = max(largest, i-first+1)
	}
	return largest
}

// take takes places in a loop in some goroutines for each limiter, until the context ends.
func take(ctx context.Context, goroutines int, limiters ...*mihuredis.Limiter) (grants, error) {
	var (
		group  sync.WaitGroup
		mu     sync.Mutex
		all    grants
		failed []error
	)
	for _, limiter := range limiters {
		for range goroutines {
			group.Go(func() {
				for {
					at, err := limiter.Grant(ctx)
					mu.Lock()
					if err == nil {
						all = append(all, at)
					} else if !errors.Is(err, context.DeadlineExceeded) {
						failed = append(failed, err)
					}
					mu.Unlock()
					if err != nil {
						return
					}
				}
			})
		}
	}
	group.Wait()
	slices.SortFunc(all, time.Time.Compare)
	return all, errors.Join(failed...)
}

// takeFor is take for a time.
func takeFor(t *testing.T, d time.Duration, goroutines int, limiters ...*mihuredis.Limiter) grants {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	all, err := take(ctx, goroutines, limiters...)
	require.NoError(t, err)
	return all
}

// crew is several processes that share one rate.
type crew struct {
	t        *testing.T
	commands []*exec.Cmd
	shares   []grants
	group    sync.WaitGroup
}

// startWorkers returns when all of them have started.
func startWorkers(t *testing.T, s *server, processes, goroutines, rate int, d time.Duration) *crew {
	t.Helper()
	c := &crew{t: t, shares: make([]grants, processes)}
	stdins := make([]io.Closer, processes)
	var ready sync.WaitGroup
	for i := range processes {
		command := exec.CommandContext(t.Context(), os.Args[0])
		command.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d %d %v", worker, s.addr, goroutines, rate, d))
		command.Stderr = os.Stderr
		stdin, err := command.StdinPipe()
		require.NoError(t, err)
		stdout, err := command.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, command.Start())
		c.commands, stdins[i] = append(c.commands, command), stdin
		ready.Add(1)
		c.group.Go(func() {
			lines := bufio.NewScanner(stdout)
			assert.True(t, lines.Scan(), "a worker is not ready")
			ready.Done()
			for lines.Scan() {
				at, err := strconv.ParseInt(lines.Text(), 10, 64)
				assert.NoError(t, err)
				c.shares[i] = append(c.shares[i], time.Unix(0, at))
			}
			assert.NoError(t, command.Wait())
		})
	}
	ready.Wait()
	for _, stdin := range stdins {
		require.NoError(t, stdin.Close())
	}
	return c
}

func (c *crew) signal(i int, signal os.Signal) {
	c.t.Helper()
	require.NoError(c.t, c.commands[i].Process.Signal(signal))
}

// wait returns the grants of each process.
func (c *crew) wait() []grants {
	c.group.Wait()
	return c.shares
}

func work(spec string) error {
	var addr string
	var goroutines, rate int
	var during string
	if _, err := fmt.Sscan(spec, &addr, &goroutines, &rate, &during); err != nil {
		return err
	}
	d, err := time.ParseDuration(during)
	if err != nil {
		return err
	}
	client := redis.NewClient(&redis.Options{Network: "unix", Addr: addr, ContextTimeoutEnabled: true})
	defer func() { _ = client.Close() }()
	limiter, err := mihuredis.New(client, "workers", rate)
	if err != nil {
		return err
	}
	fmt.Println("ready")
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	all, err := take(ctx, goroutines, limiter)
	if err != nil {
		return err
	}
	var out strings.Builder
	for _, at := range all {
		fmt.Fprintln(&out, at.UnixNano())
	}
	_, err = os.Stdout.WriteString(out.String())
	return err
}

// records is a log that is safe for concurrent use.
type records struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *records) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *records) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

func (r *records) logger() *slog.Logger { return slog.New(slog.NewTextHandler(r, nil)) }

func (r *records) count(text string) int { return strings.Count(r.String(), text) }
