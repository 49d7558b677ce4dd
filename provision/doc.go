// Package provision makes thousands of trunks be what they should be, in a run that can be stopped,
// killed and continued.
//
//	source, err := provision.Open("numbers.csv", provision.ReadOptions{})
//	if err != nil {
//		return err // lists every fault of the file
//	}
//	defer source.Close()
//	journal, err := provision.OpenJournal("numbers.csv.journal", source.Fingerprint())
//	if err != nil {
//		return err
//	}
//	defer journal.Close()
//	for result, err := range source.Run(ctx, client, provision.Options{Journal: journal}) {
//		switch {
//		case err != nil:
//			return err // of the run; whatever was not done is done by the next
//		case result.Err != nil:
//			log.Printf("line %d: %v", result.Item.Line, result.Err)
//		}
//	}
//
// # Items
//
// An [Item] is one trunk as it should be. Items come as a stream: those of a [Source], which reads CSV
// and JSON lines and finds all faults of a file before anything is sent, or any iterator of a
// program's own. [Source.Run] does the first, [Run] the second. [Source.Plan] and [Plan] say what they
// would do, and change nothing. [Apply] does a single item. A [Writer] writes items into a file that
// can be read again, such as those that have failed. [ReadNumbers] reads phone numbers alone.
//
// # What happens to an item
//
// It is checked, and looked for among those before it: the same again is [Duplicate], and another
// wish for the same trunk fails with a [*DuplicateError]; nothing is sent for either. (In a file,
// two wishes for one trunk are a fault already, which [Open] and [Spool] refuse.) Then its
// credentials are looked up, and [mihu.TrunksService.Ensure] makes the trunk be what it says. What
// fails in passing is repeated. What wants an agent that serves another number waits for the end of
// the stream, and is done as soon as other items have freed the agent; what cannot be done in any
// order is reported as [*AgentBusyError] or [*CycleError].
//
// # Stopping and continuing
//
// A [Journal] is written and synced before a result is yielded. A run with the journal of an earlier
// one, which was stopped, has failed in part or was killed, does nothing again that is recorded
// there, and tries the rest. What was under way when a process was killed may have been done without
// being recorded; doing it again does no harm. The journal refuses another input than the one that
// it was begun with, and so one that was corrected. That can have a journal of its own, which does every
// item again; or a [Writer] has written what failed into a file of its own, and only that is corrected.
//
// To stop at Ctrl-C, give the signal to [Options.Stop] and not to the context of the run, whose end
// breaks off what is under way:
//
//	interrupted, release := signal.NotifyContext(context.Background(), os.Interrupt)
//	defer release()
//	context.AfterFunc(interrupted, release) // a second Ctrl-C ends the process
//	results := source.Run(ctx, client, provision.Options{Journal: journal, Stop: interrupted.Done()})
//
// # What is printed
//
// Items, results and errors print with numbers masked and without SIP username and password, under
// every verb of package fmt and with slog. Their fields hold everything.
package provision
