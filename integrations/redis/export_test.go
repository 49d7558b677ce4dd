package mihuredis

import (
	"context"
	"time"
)

// Grant is Wait, and returns when the request took its place.
func (l *Limiter) Grant(ctx context.Context) (at time.Time, err error) { return l.grant(ctx) }
