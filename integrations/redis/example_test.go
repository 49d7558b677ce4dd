package mihuredis_test

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/mihu-go/mihu"
	mihuredis "github.com/mihu-go/mihu/integrations/redis"
	"github.com/redis/go-redis/v9"
)

// Every replica of a service creates its limiter in the same way.
func Example() {
	options, err := redis.ParseURL("redis://localhost:6379/0") // such as os.Getenv("REDIS_URL")
	if err != nil {
		fmt.Println(err)
		return
	}
	options.ContextTimeoutEnabled = true
	rdb := redis.NewClient(options)
	defer func() { _ = rdb.Close() }()

	limiter, err := mihuredis.New(rdb, "acme", 200,
		mihuredis.WithShare(1.0/6), // there are six replicas
		mihuredis.WithLogger(slog.New(slog.NewTextHandler(os.Stderr, nil))))
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := mihu.New("acme", "token", mihu.WithLimiter(limiter))
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = client.Trunks // all replicas together send at most 200 requests a second
	fmt.Println(limiter.Keys())
	// Output: rate:mihu:{899ec4103fac7856b1d29cf9} pause:mihu:{899ec4103fac7856b1d29cf9}
}
