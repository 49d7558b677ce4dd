package mihuriver

import (
	"errors"
	"fmt"
	"time"

	"github.com/riverqueue/river"
)

const (
	defaultTimeout   = 2 * time.Minute
	rescueGrace      = time.Minute
	minGrace         = 5 * time.Second
	defaultRetention = 7 * 24 * time.Hour
)

// Configure sets the queue [QueueName] with this number of workers, and the fields that are unset: JobTimeout to
// 2 minutes; RescueStuckJobsAfter to a minute more, which is how long the jobs of a killed process wait; and
// the retention of finished jobs to 7 days, which is how long summaries count them. All processes that share
// the database should have the same values.
//
// It returns an error if JobTimeout is unlimited, or RescueStuckJobsAfter is less than 5 s above it: two jobs of
// a trunk could then run at the same time.
func Configure(config *river.Config, workers int) error {
	switch {
	case config == nil:
		return errors.New("mihuriver: Configure: no configuration: config is nil")
	case workers < 1 || workers > river.QueueNumWorkersMax:
		return fmt.Errorf("mihuriver: Configure: %d workers; want 1 to %d", workers, river.QueueNumWorkersMax)
	case config.JobTimeout < 0:
		return errors.New("mihuriver: Configure: a JobTimeout without end; want a positive duration, or 0 for the default")
	}
	set(&config.JobTimeout, defaultTimeout)
	set(&config.RescueStuckJobsAfter, config.JobTimeout+rescueGrace)
	set(&config.CompletedJobRetentionPeriod, defaultRetention)
	set(&config.CancelledJobRetentionPeriod, defaultRetention)
	set(&config.DiscardedJobRetentionPeriod, defaultRetention)
	if config.RescueStuckJobsAfter < config.JobTimeout+minGrace {
		return fmt.Errorf("mihuriver: Configure: RescueStuckJobsAfter %v: want at least %v, %v above JobTimeout",
			config.RescueStuckJobsAfter, config.JobTimeout+minGrace, minGrace)
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
