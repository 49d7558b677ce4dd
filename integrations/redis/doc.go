// Package mihuredis keeps all processes that share one workspace below one rate. Its [Limiter] is a
// [mihu.Limiter] whose state is in Redis: every client that names the same key, in whatever process,
// takes from the same rate, and a 429 that one of them is answered pauses all of them.
//
//	rdb := redis.NewClient(&redis.Options{Addr: "localhost:6379", ContextTimeoutEnabled: true})
//	limiter, err := mihuredis.New(rdb, "acme", 200, mihuredis.WithLogger(logger))
//	if err != nil {
//		return err
//	}
//	client, err := mihu.New("acme", token, mihu.WithLimiter(limiter))
//
// # How it waits
//
// The rate is kept by the GCRA of redis_rate, with a small burst and with Redis's clock, so that the
// clocks of the processes do not matter: each learns from every answer how far its own is from it. A
// process asks Redis once for as many requests as are waiting, up to 50 ms of the rate, and is told
// when each of them is due: the requests form one queue across all processes, and while it is
// shorter than a second nobody polls. Only one goroutine of a limiter asks at a time, and the others
// follow it in the order in which they came. There is no other goroutine. A request that is held up
// so long after it was due that it would come too close to the following ones gives up its place and
// asks anew; see [WithBurst] for what is promised.
//
// # While Redis is away
//
// A question to Redis takes 250 ms at most. When one fails, the limiter says so in the log, once,
// and keeps the process below its own share of the rate, [WithShare]. Redis is asked again after
// half a second, then less often, up to every 5 s, by a request that waits anyway; when it answers,
// the limiter says so and the common rate counts again. A Redis that restarts without its data has
// forgotten the places that it granted, at most 75 ms of the rate for each process. Apart from that,
// go-redis logs each connection that it could not make, on stderr; see redis.SetLogger.
//
// # What Redis holds
//
// Two keys, named after a hash of the limiter's key, see [Limiter.Keys]: a number that says up to
// when the rate is taken, and for as long as a pause lasts its existence. Both expire. No token,
// number, tenant or request is sent to Redis. In a cluster both are in one slot.
package mihuredis
