// Package mihuriver provisions trunks with jobs of River, which are stored in PostgreSQL: the work survives
// deployments and crashes, and all processes share it.
//
//	workers := river.NewWorkers()
//	river.AddWorker(workers, mihuriver.NewWorker(pool, client, mihuriver.WorkerOptions{Secrets: secrets}))
//	config := &river.Config{Workers: workers}
//	if err := mihuriver.Configure(config, 16); err != nil {
//		return err
//	}
//	riverClient, err := river.NewClient(riverpgxv5.New(pool), config)
//	…
//	queue, err := mihuriver.NewQueue(riverClient, pool, mihuriver.QueueOptions{})
//	…
//	enqueued, err := queue.Enqueue(ctx, "autumn", source.Items()) // in any process
//	…
//	err = riverClient.Start(ctx) // in the processes that work
//	…
//	summary, err := queue.Summary(ctx, "autumn")
//	…
//	canceled, err := queue.Cancel(ctx, "autumn") // if it was the wrong file
//
// A process that only enqueues needs neither workers nor Start: a river.Client with an empty [river.Config] is
// enough. River's tables must exist; see its package rivermigrate. Stop of the river.Client ends the work of a
// process after the running attempts. When the context of Start ends, attempts are interrupted, and retried
// later. QueuePause and QueueResume of the river.Client, with [QueueName], hold back and resume the work of all
// processes.
//
// # Guarantees
//
// Every enqueued item is worked on with [mihu.TrunksService.Ensure], which is safe to retry, until its result is
// known. A job whose process was killed is retried.
//
// An item is not enqueued twice while its first job is unfinished. Jobs of one trunk do not run at the same
// time, and the newest takes precedence: A, then B, then A again ends as A. A job that has a newer one of its
// trunk is superseded and sends nothing. The order is that of enqueuing; jobs that were canceled before they
// began do not count.
//
// An unknown outcome stays unknown until an attempt finds it out: if an attempt may have changed the trunk and a
// later one is refused, the job is [Unknown] and not [Refused].
//
// Canceling a job with [Queue.Cancel] or River's JobCancel does not interrupt its attempt, so no trunk is left
// half-done. The job is not retried.
//
// No SIP username or password is stored in clear. Items have the name of credentials, which a
// [provision.Secrets] looks up in the worker, or a [Sealer] seals the credentials. Phone numbers are stored in
// full, and so are gateways, names and AdditionalSettings. Errors are stored with numbers masked.
//
// # Limits
//
// A running job is rescued after RescueStuckJobsAfter, which [Configure] keeps above JobTimeout. A process that
// was frozen for longer may still send one request late. The clocks of all processes and of the database must
// agree to half a minute.
//
// The status of a job is known as long as River keeps the job; see the retention periods of [river.Config].
// Migrations are River's own, and there is no other table.
package mihuriver
