// Package mihuredis shares one rate limit among all processes that use the same workspace. Its
// [Limiter] is a [mihu.Limiter] whose state is in Redis: all limiters with the same key, in whatever
// process, share one rate, and a 429 response to one client pauses all of them.
//
//	rdb := redis.NewClient(&redis.Options{Addr: "localhost:6379", ContextTimeoutEnabled: true})
//	limiter, err := mihuredis.New(rdb, "acme", 200, mihuredis.WithLogger(logger))
//	if err != nil {
//		return err
//	}
//	client, err := mihu.New("acme", token, mihu.WithLimiter(limiter))
//
// # How it limits
//
// The rate is enforced by redis_rate's GCRA with a small burst and Redis's own clock, so the clocks of
// the processes need not agree: every response from Redis shows how far the two clocks are apart. A
// process reserves places for all requests that are waiting, up to 50 ms of the rate, in one round
// trip, and learns when each of them is due. All processes share one queue, and nobody polls while
// the queue is shorter than a second. One goroutine of a limiter talks to Redis at a time; the others
// follow in the order in which they came. The limiter starts no goroutine. A request that is delayed
// so long after it was due that it would come too close to the next ones discards its place and
// reserves another. [WithBurst] says what is guaranteed.
//
// # When Redis is unavailable
//
// A round trip to Redis takes at most 250 ms. If one fails, the limiter logs one warning and limits the
// process to its own share of the rate; see [WithShare]. It tries Redis again after half a second, then
// less often, at least every 5 s plus a quarter, on behalf of a request that is waiting anyway. If the
// process was suspended during a round trip, it tries once more before it takes Redis for unavailable. When
// Redis is available again, the limiter logs that and uses the shared rate. A Redis that restarts
// without its data has lost the places that it granted: at most 75 ms of the rate for each process.
// go-redis itself logs every connection that it could not make to stderr; see redis.SetLogger.
//
// # What Redis stores
//
// Redis stores two keys, named after a hash of the limiter's key; see [Limiter.Keys]. One is a number:
// until when the rate is taken. The other exists while a pause lasts. Both expire. No token, phone
// number, workspace or request is sent to Redis. In a cluster both keys are in one slot.
//
// If a key holds something else, the limiter logs a warning and starts over; see the README.
package mihuredis
