// Package provision creates and updates thousands of trunks, from a file or a stream, in a run that
// can be stopped, killed and resumed. It also rotates SIP passwords and normalizes phone numbers.
//
//	source, err := provision.Open("numbers.csv", provision.ReadOptions{})
//	if err != nil {
//		return err // lists everything that is wrong with the file
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
//			return err // of the run; the next run does the rest
//		case result.Err != nil:
//			log.Printf("line %d: %v", result.Item.Line, result.Err)
//		}
//	}
//
// # Items
//
// An [Item] is one trunk as it should be. Items come as a stream. A [Source] reads CSV and JSON
// lines, and validates the whole file before anything is sent. Any iterator of a program serves
// too. [Source.Run] and [Source.Plan] are for the first, [Run] and [Plan] for the second. A plan
// reports what a run would do, without making changes: a run has [Created], a plan has [Create]. [Apply] does a single item. A [Writer]
// writes items, such as those that failed, to a file that can be read again. [ReadNumbers] reads
// phone numbers alone, and [NormalizeNumber] normalizes one.
//
// # What a file means
//
// One set of rules is for all files. [Open], [Spool] and [ReadNumbers] read rows and numbers,
// [ReadSecrets] SIP credentials by name, [ReadSettings] additional settings, and [ReadSecret] a token
// or a password. A value is what the person meant who wrote it, or a violation with line and column:
//
//   - Blanks around the cells of a CSV file are removed if the header and the row have them at every
//     delimiter. Otherwise, a text that begins or ends with a blank is a violation. A blank cell is
//     empty.
//   - What a spreadsheet makes of a number, such as 1.20256E+10 or 12025550110.0, is a violation in
//     every column of text. If it is right, write an apostrophe before it. In JSON, write a
//     character of it as an escape, such as \u0031.
//   - A character that cannot be seen, such as a no-break space, is named in the violation. Names may
//     have those of their script, and an escape of JSON is always accepted.
//   - An apostrophe before what a spreadsheet would change is removed. Before a SIP username or
//     password it may belong to the value: write two if it does, and none if it does not. In a file
//     of a [Writer], the Writer has written it.
//   - A last row without a line end may be cut. It is done when the file was seen whole, and a file
//     that grows is refused.
//
// # What happens to an item
//
//   - It is validated, and compared with the items before it. An item that is the same as an
//     earlier one is a [Duplicate]. One that asks for something else of the same trunk fails with a
//     [*DuplicateError], and one that wants the same agent with a [*SharedAgentError]. Nothing is
//     sent for any of them. A file is refused as a whole: [Open] and [Spool] refuse the second kind,
//     [Source.Run] and [Source.Plan] the third.
//   - Its credentials are looked up.
//   - Its trunk is looked up, in the list of the workspace or singly, whichever takes fewer
//     requests; see [Reader].
//   - What differs is sent: a trunk is created, assigned to the item's agent, or updated with what
//     cannot be read back. Transient errors are retried. If the trunk is not as the list showed it,
//     [mihu.TrunksService.Ensure] creates it, or updates it to match.
//   - If its agent serves another number, the item waits for the end of the stream. It is done as
//     soon as other items have freed the agent. If none does, it fails with an [*AgentBusyError] or
//     a [*CycleError]. [Options.SpareAgent] breaks cycles.
//
// # Stop and resume
//
// A [Journal] is written and synced before a result is yielded. A run with the journal of an
// earlier one, which was stopped, was killed or failed in part, skips what is recorded as finished
// and tries the rest. An item that was in progress when a process was killed may have been applied
// without being recorded. Doing it again does no harm.
//
// A journal belongs to one input, and is refused with any other, a corrected one included. Start
// over with a journal of its own for the corrected input, which does every item again. Or let a
// [Writer] write the failed items to a file of their own, and correct only that.
//
// To stop at Ctrl-C, pass the signal to [Options.Stop]. The end of the run's context would cancel
// requests in flight:
//
//	interrupted, release := signal.NotifyContext(context.Background(), os.Interrupt)
//	defer release()
//	context.AfterFunc(interrupted, release) // a second Ctrl-C ends the process
//	results := source.Run(ctx, client, provision.Options{Journal: journal, Stop: interrupted.Done()})
//
// # Files of carriers
//
// [ReadOptions.Map] says which fields the columns of a file hold, [ReadOptions.CountryCodes] which
// country codes numbers may have without a plus, and [ReadOptions.EditRow] changes rows. [OpenRows]
// takes rows of any format from a [RowReader]. Nothing is guessed.
//
// # Plans
//
// [Reconcile] compares a source with the workspace, and returns a plan. It can be shown, approved by
// its ID in another process, and applied:
//
//	plan, err := provision.Reconcile(ctx, client, source, provision.ReconcileOptions{
//		Options: provision.Options{State: state},
//		Prune:   true, // delete what the state manages and no row names
//		Scope:   provision.Scope{Channels: []mihu.Channel{mihu.ChannelCall}},
//	})
//	if err != nil {
//		return err
//	}
//	for change := range plan.Changes() {
//		fmt.Println(change.Action, change.PhoneNumber, change.Sends, change.Reasons)
//	}
//	if err := plan.CheckLimits(); err != nil {
//		return err // more deletions, moves or clears than are allowed
//	}
//	results := plan.Run(ctx)
//
// A column that the file does not have is not managed. An empty cell clears a field that the state
// has as set. [Run] ignores empty cells, deletes nothing, and has no limits unless [Options.Limits]
// is set.
//
// # State
//
// The API does not return name, direction, SIP credentials and settings, so a run sends them each
// time. A [State] remembers what was last sent, as digests under a secret key. With [Options.State],
// only fields that differ are sent, and a trunk of which nothing has changed takes no request of its
// own:
//
//	file, err := provision.OpenStateFile("acme.state.jsonl", provision.StateFileOptions{})
//	if err != nil {
//		return err
//	}
//	defer file.Close()
//	key, err := provision.ParseStateKey(os.Getenv("STATE_KEY")) // of NewStateKey().Encode()
//	if err != nil {
//		return err
//	}
//	state, err := provision.OpenState(ctx, file, key, client.BaseURL())
//	if err != nil {
//		return err
//	}
//	results := source.Run(ctx, client, provision.Options{State: state})
//
// Before a request, the fields that it sends are marked, durably. A program that is killed leaves them
// in doubt, and the next run sends them again. If the state or its key is lost, everything is sent
// once. What somebody else changes is noticed if the list of the workspace shows it: another agent,
// a trunk that is gone, or one that was made again. [Options.Resend] sends everything.
//
// A program that changes single trunks of a workspace with a state calls [State.Track], and [Rotate]
// has [RotateOptions.State]. A [StateStore] keeps the state in a database instead of a file.
//
// [Options.Audit] is called for every change that was tried, with its outcome and without values. An
// [AuditWriter] writes JSON lines.
//
// # Passwords
//
// [Rotate] sets new SIP passwords. A [PasswordStore] of the caller keeps each password before it is
// sent, because the API never returns one.
//
// # No secrets in logs or errors
//
// Items, results and errors print with numbers masked and without SIP username and password, for
// every verb of package fmt and with slog. Their fields hold everything.
package provision
