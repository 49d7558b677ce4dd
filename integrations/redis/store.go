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

// store is the limiter's state in Redis. Every round trip has its own timeout; see roundTrip.
type store struct {
	client   redis.UniversalClient
	key      string // without the "rate:" that redis_rate puts before it
	pauseKey string
	limit    redis_rate.Limit
	farthest time.Duration // the queue cannot reach further ahead than this
	timeout  time.Duration
}

// newStore names the keys after a hash, because a key may be the name of a workspace or worse. The
// braces put both keys into one slot of a cluster.
func newStore(client redis.UniversalClient, key string, p plan, timeout time.Duration) store {
	sum := sha256.Sum256([]byte("mihuredis " + key))
	name := "mihu:{" + hex.EncodeToString(sum[:12]) + "}"
	return store{client: client, key: name, pauseKey: "pause:" + name, limit: p.limit, farthest: p.farthest, timeout: timeout}
}

func (s *store) rateKey() string { return "rate:" + s.key }

// state comes with every response.
type state struct {
	reading
	pause   time.Duration // what is left of the pause; 0 or less if there is none
	endless bool          // there is a pause without an expiry
	removed bool          // the rate key held what it cannot hold, and was removed
}

// reservation is the result of reserve. If nothing was granted, retryAfter is when it may be;
// otherwise resetAfter is how far the queue now reaches.
type reservation struct {
	state
	granted    int
	resetAfter time.Duration
	retryAfter time.Duration
}

// roundTrip calls send with the timeout of a round trip. If that returns an error long after its time
// was up, this process was suspended. That does not mean that Redis is unavailable, so send is called
// once more.
func (s *store) roundTrip(ctx context.Context, send func(context.Context) error) error {
	attempt := func() (suspended bool, err error) {
		limited, cancel := context.WithTimeout(ctx, s.timeout)
		defer cancel()
		start := time.Now()
		err = send(limited)
		return time.Since(start) > s.timeout+s.timeout/10, err
	}
	suspended, err := attempt()
	if err != nil && suspended && ctx.Err() == nil {
		_, err = attempt()
	}
	return err
}

// reserve reserves n places in the queue, all or none.
func (s *store) reserve(ctx context.Context, n int) (r reservation, err error) {
	err = s.roundTrip(ctx, func(ctx context.Context) (err error) { r, err = s.tryReserve(ctx, n); return err })
	return r, err
}

func (s *store) tryReserve(ctx context.Context, n int) (reservation, error) {
	both := combined{UniversalClient: s.client, store: s}
	result, err := redis_rate.NewLimiter(&both).AllowN(ctx, s.key, s.limit, n)
	switch {
	case both.err == nil && both.state.removed:
		// Whatever the key held made the script of redis_rate fail, or its result meaningless.
		return reservation{state: both.state}, nil
	case err != nil:
		return reservation{}, err
	case both.err != nil:
		return reservation{}, both.err
	}
	return reservation{both.state, result.Allowed, result.ResetAfter, result.RetryAfter}, nil
}

// readState reads the state without a reservation.
func (s *store) readState(ctx context.Context) (read state, err error) {
	err = s.roundTrip(ctx, func(ctx context.Context) (err error) {
		sent := time.Now()
		read, err = parseState(s.sendState(ctx, s.client), sent)
		return err
	})
	return read, err
}

// combined is a client that reads the state in the round trip of redis_rate's script.
type combined struct {
	redis.UniversalClient
	store *store
	state state
	err   error
}

func (c *combined) EvalSha(ctx context.Context, sha string, keys []string, args ...any) *redis.Cmd {
	return c.send(ctx, func(pipe redis.Pipeliner) *redis.Cmd { return pipe.EvalSha(ctx, sha, keys, args...) })
}

func (c *combined) Eval(ctx context.Context, script string, keys []string, args ...any) *redis.Cmd {
	return c.send(ctx, func(pipe redis.Pipeliner) *redis.Cmd { return pipe.Eval(ctx, script, keys, args...) })
}

func (c *combined) send(ctx context.Context, script func(redis.Pipeliner) *redis.Cmd) *redis.Cmd {
	pipe := c.Pipeline()
	reserved, sent := script(pipe), time.Now()
	read := c.store.sendState(ctx, pipe) // after the reservation, so that no place is due too early
	_, _ = pipe.Exec(ctx)                // each command has its own error
	c.state, c.err = parseState(read, sent)
	return reserved
}

// stateScript returns the time to live of the pause, Redis's time, and whether it removed a rate key that
// holds no number or one that is too far ahead. It is a script, because a cluster would send a bare TIME
// to any node. The comparison is false for NaN.
const stateScript = `
redis.replicate_commands()
local t = redis.call("TIME")
local removed = 0
local held = redis.pcall("GET", KEYS[2])
if held then
  local reach = type(held) == "string" and tonumber(held)
  if not (reach and reach - (t[1] - 1483228800 + t[2] / 1000000) <= tonumber(ARGV[1])) then
    redis.call("DEL", KEYS[2])
    removed = 1
  end
end
return {redis.call("PTTL", KEYS[1]), tonumber(t[1]), tonumber(t[2]), removed}`

func (s *store) sendState(ctx context.Context, c redis.Scripter) *redis.Cmd {
	return c.Eval(ctx, stateScript, []string{s.pauseKey, s.rateKey()}, s.farthest.Seconds())
}

// withoutExpiry is the PTTL of a key that does not expire.
const withoutExpiry = -1

func parseState(cmd *redis.Cmd, sent time.Time) (state, error) {
	received := time.Now()
	values, err := cmd.Int64Slice()
	if err != nil {
		return state{}, err
	}
	if len(values) != 4 {
		return state{}, fmt.Errorf("redis returned %d values, want 4", len(values))
	}
	now := time.Duration(values[1])*time.Second + time.Duration(values[2])*time.Microsecond
	return state{
		reading: reading{sent, received, now},
		pause:   time.Duration(values[0]) * time.Millisecond,
		endless: values[0] == withoutExpiry,
		removed: values[3] != 0,
	}, nil
}

// writePause sets a pause, or extends it. The pause expires, unless there is one without an expiry.
func (s *store) writePause(ctx context.Context, d time.Duration) error {
	script := redis.NewScript(`
local left = redis.call("PTTL", KEYS[1])
if left ~= -1 and left < tonumber(ARGV[1]) then
  redis.call("SET", KEYS[1], "429", "PX", ARGV[1])
end
return 0`)
	return s.roundTrip(ctx, func(ctx context.Context) error {
		return script.Run(ctx, s.client, []string{s.pauseKey}, max(d.Milliseconds(), 1)).Err()
	})
}
