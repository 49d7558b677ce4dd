package mihuriver

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
)

// QueueOptions configure [NewQueue]. The zero value of each field is its default.
type QueueOptions struct {
	// Sealer seals SIP credentials in items. nil means that items with credentials return ErrPlainSecret.
	Sealer *Sealer
	// Priority is River's priority of the jobs, 1 (highest) to 4; 0 means 1.
	Priority int
}

// Queue enqueues items, cancels them and returns their status. [NewQueue] creates one. It is safe for
// concurrent use; every method of the zero value returns an error.
type Queue struct {
	client  *river.Client[pgx.Tx]
	pool    *pgxpool.Pool
	options QueueOptions
	queries queries
}

// NewQueue creates a Queue from a River client, which need not work on jobs, and the client's pool of
// connections. Both stay the caller's, who closes the pool.
func NewQueue(client *river.Client[pgx.Tx], pool *pgxpool.Pool, options QueueOptions) (*Queue, error) {
	switch {
	case client == nil:
		return nil, errors.New("mihuriver: NewQueue: no River client")
	case pool == nil:
		return nil, errNoPool
	case options.Priority < 0 || options.Priority > 4:
		return nil, fmt.Errorf("mihuriver: NewQueue: Priority %d; want 1 to 4, or 0", options.Priority)
	}
	return &Queue{client, pool, options, newQueries(client.Schema())}, nil
}

// check returns an error for a Queue that NewQueue has not created, and for an invalid name of a batch.
func (q *Queue) check(batch string) error {
	if q == nil || q.pool == nil {
		return errors.New("mihuriver: a Queue that NewQueue has not created")
	}
	if batch == "" || !utf8.ValidString(batch) || utf8.RuneCountInString(batch) > 100 || strings.ContainsFunc(batch, unicode.IsControl) {
		return errors.New("mihuriver: batch: want a name of 1 to 100 characters without control characters")
	}
	return nil
}
