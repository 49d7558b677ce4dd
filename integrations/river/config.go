package mihuriver

import (
	"errors"
	"fmt"
	"time"

	"github.com/riverqueue/river"
)

const (
	defaultTimeout   = 2 * time.Minute
	graceOfRescue    = time.Minute
	leastGrace       = 5 * time.Second
	defaultRetention = 7 * 24 * time.Hour
)

// Configure fills in what the jobs of this package need and config leaves open: the queue
// [QueueName] with this many workers, a JobTimeout of 2 minutes, RescueStuckJobsAfter a minute later, for
// a killed worker's jobs wait as long, and retention of finished jobs for 7 days, which is as long as
// summaries see them. All processes that share the database should use the same values.
//
// It is an error if RescueStuckJobsAfter is less than 5 s above JobTimeout, or JobTimeout has no end:
// two jobs of a trunk could then run at the same time.
func Configure(config *river.Config, workers int) error {
	switch {
	case config == nil:
		return errors.New("mihuriver: Configure: no configuration")
	case workers < 1 || workers > river.QueueNumWorkersMax:
		return fmt.Errorf("mihuriver: Configure: %d workers; want 1 to %d", workers, river.QueueNumWorkersMax)
	case config.JobTimeout < 0:
		return errors.New("mihuriver: Configure: a JobTimeout without end")
	}
	set(&config.JobTimeout, defaultTimeout)
	set(&config.RescueStuckJobsAfter, config.JobTimeout+graceOfRescue)
	set(&config.CompletedJobRetentionPeriod, defaultRetention)
	set(&config.CancelledJobRetentionPeriod, defaultRetention)
	set(&config.DiscardedJobRetentionPeriod, defaultRetention)
	if config.RescueStuckJobsAfter < config.JobTimeout+leastGrace {
		return fmt.Errorf("mihuriver: Configure: RescueStuckJobsAfter %v has to be at least %v, %v above JobTimeout",
			config.RescueStuckJobsAfter, config.JobTimeout+leastGrace, leastGrace)
	}
	if config.Queues == nil {
		config.Queues = map[string]river.QueueConfig{}
	}
	queue := config.Queues[QueueName]
	queue.MaxWorkers = workers
	config.Queues[QueueName] = queue
	return nil
}

func set(d *time.Duration, value time.Duration) {
	if *d == 0 {
		*d = value
	}
}
