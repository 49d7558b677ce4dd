package mihuredis

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/go-redis/redis_rate/v10"
	"github.com/redis/go-redis/v9"
)

// store is what Redis is asked. Every question has its own time.
type store struct {
	client   redis.UniversalClient
	key      string // as redis_rate is given it, which puts "rate:" before it
	pauseKey string
	limit    redis_rate.Limit
	timeout  time.Duration
}

// newStore names the keys after a hash, because a key may be chosen after a tenant or worse. The
// braces put both keys into one slot of a cluster.
func newStore(client redis.UniversalClient, key string, limit redis_rate.Limit, timeout time.Duration) store {
	sum := sha256.Sum256([]byte("mihuredis " + key))
	name := "mihu:{" + hex.EncodeToString(sum[:12]) + "}"
	return store{client: client, key: name, pauseKey: "pause:" + name, limit: limit, timeout: timeout}
}

func (s *store) rateKey() string { return "rate:" + s.key }

// state is what every answer tells besides.
type state struct {
	reading
	pause time.Duration // how long there is one; 0 and less is none
}

// answer is what Redis says to an order of places. Where none is granted, retryAfter is when it could
// be; otherwise resetAfter is how far the queue then reaches.
type answer struct {
	state
	granted    int
	resetAfter time.Duration
	retryAfter time.Duration
}

// reserve orders n places in the queue, all or none.
func (s *store) reserve(ctx context.Context, n int) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	both := question{UniversalClient: s.client, store: s}
	result, err := redis_rate.NewLimiter(&both).AllowN(ctx, s.key, s.limit, n)
	if err != nil {
		return answer{}, err
	}
	if both.err != nil {
		return answer{}, both.err
	}
	return answer{both.state, result.Allowed, result.ResetAfter, result.RetryAfter}, nil
}

// readState asks for the state alone.
func (s *store) readState(ctx context.Context) (state, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	asked := time.Now()
	return readState(s.askState(ctx, s.client), asked)
}

// question is a client that asks for the state on the same way as it runs the script of redis_rate.
type question struct {
	redis.UniversalClient
	store *store
	state state
	err   error
}

func (q *question) EvalSha(ctx context.Context, sha string, keys []string, args ...any) *redis.Cmd {
	return q.ask(ctx, func(pipe redis.Pipeliner) *redis.Cmd { return pipe.EvalSha(ctx, sha, keys, args...) })
}

func (q *question) Eval(ctx context.Context, script string, keys []string, args ...any) *redis.Cmd {
	return q.ask(ctx, func(pipe redis.Pipeliner) *redis.Cmd { return pipe.Eval(ctx, script, keys, args...) })
}

func (q *question) ask(ctx context.Context, order func(redis.Pipeliner) *redis.Cmd) *redis.Cmd {
	pipe := q.Pipeline()
	ordered, asked := order(pipe), time.Now()
	stated := q.store.askState(ctx, pipe)
	_, _ = pipe.Exec(ctx) // each command has its own error
	q.state, q.err = readState(stated, asked)
	return ordered
}

// askState is a script, and not two commands, since a cluster would ask any node for its time.
func (s *store) askState(ctx context.Context, c redis.Scripter) *redis.Cmd {
	return c.Eval(ctx, `local t = redis.call("TIME") return {redis.call("PTTL", KEYS[1]), tonumber(t[1]), tonumber(t[2])}`, []string{s.pauseKey})
}

func readState(cmd *redis.Cmd, asked time.Time) (state, error) {
	read := time.Now()
	values, err := cmd.Int64Slice()
	if err != nil {
		return state{}, err
	}
	if len(values) != 3 {
		return state{}, fmt.Errorf("redis answered %d values instead of 3", len(values))
	}
	now := time.Duration(values[1])*time.Second + time.Duration(values[2])*time.Microsecond
	return state{reading{asked, read, now}, time.Duration(values[0]) * time.Millisecond}, nil
}

// reset forgets how far the queue reaches.
func (s *store) reset(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	return redis_rate.NewLimiter(s.client).Reset(ctx, s.key)
}

// writePause sets a pause, or makes it longer; it expires by itself.
func (s *store) writePause(ctx context.Context, d time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	script := redis.NewScript(`
if redis.call("PTTL", KEYS[1]) < tonumber(ARGV[1]) then
  redis.call("SET", KEYS[1], "429", "PX", ARGV[1])
end
return 0`)
	return script.Run(ctx, s.client, []string{s.pauseKey}, max(d.Milliseconds(), 1)).Err()
}
