// Package mihuriver makes trunks be as wanted by jobs of River, which are kept in PostgreSQL: work that
// survives deployments and crashes and is shared by all processes that take part.
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
// A process that only enqueues needs neither workers nor Start: a river.Client of an empty [river.Config]
// will do. River's tables have to be there, see its package rivermigrate. Stop of the river.Client ends the
// work of a process after what has begun; the end of the context of Start breaks that off, and it is done
// again. To hold back the work of all processes, and to go on, there are QueuePause and QueueResume of the
// river.Client, with [QueueName].
//
// # What is guaranteed
//
// Every item that was enqueued is worked on until its end is known, by [mihu.TrunksService.Ensure],
// which can be repeated for ever: a job whose worker was killed is worked on again.
//
// The same item is not enqueued twice while the first is unfinished. Jobs of one trunk do not run at
// the same time, and the newest wins: A, then B, then A again ends as A. A job that has a newer one
// of its trunk ends without a request; it is superseded. New is what was enqueued later and was not
// canceled by [Queue.Cancel] before it began.
//
// Work that has begun is not broken off when its job is canceled, by [Queue.Cancel] or by River's
// JobCancel: a trunk is not left half-done. It ends as it would, and is not tried again.
//
// No SIP username and no password is in a job, in clear. Items name them, and a [provision.Secrets]
// looks them up in the worker; or a [Sealer] seals them. Phone numbers are in the jobs, whole, and so
// are gateways, names and AdditionalSettings. Errors that River keeps have their numbers masked.
//
// # What is not
//
// A job that is worked on is given back after RescueStuckJobsAfter, which [Configure] keeps above
// JobTimeout. Work of a process that was frozen for longer may still send one request late. The
// clocks of all processes and of the database have to agree to half a minute.
//
// What became of a job is known as long as River keeps it; see the retention periods of
// [river.Config]. Migrations are River's own, and there is no other table.
package mihuriver
