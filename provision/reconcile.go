package provision

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/internal/rows"
)

// ReconcileOptions are the options of [Reconcile]. The zero value of each is its default.
type ReconcileOptions struct {
	// Options are those of [Run]. Journal must be nil: [Reconciliation.Run] keeps its own. If Limits
	// is nil, the defaults of [Limits] hold. Without a State, nothing can be pruned or cleared, and a
	// plan has no ID.
	Options
	// Prune deletes trunks that no row names, if the State manages them and they are in the Scope.
	// A trunk that somebody else has moved or made again is not deleted.
	Prune bool
	// Scope is what the source is about. A row outside it is an error. Prune requires one.
	Scope Scope
	// Expect is the ID of the plan that was approved. Reconcile returns a [*StalePlanError] if the
	// plan is another one now. "" accepts any plan.
	Expect string
	// JournalDir is a directory for the journals of expected plans. With it, a plan that was
	// interrupted can be run again with the same Expect, and one that was finished is refused. ""
	// means no journals.
	JournalDir string
}

// Reconcile compares the rows of a source with the workspace, and returns the plan of what would
// make them match. It sends only reads. [Reconciliation.Run] carries the plan out.
//
// A column that the source does not have, or that is empty in every row, is not managed: a [Writer]
// writes all columns, also those of which it knows nothing. Otherwise, an empty cell clears a field if
// the state has it as set: the name becomes the documented default, the direction both.
//
// Errors: [*mihu.ValidationError] for invalid options, [*InputError] for rows that are outside the
// scope, hold a placeholder instead of a credential or want one agent, [*StalePlanError], and those
// of the list and of the state. What is wrong with single rows is no error: see
// [Reconciliation.Failures].
func Reconcile(ctx context.Context, client *mihu.Client, source *Source, opts ReconcileOptions) (*Reconciliation, error) {
	if violations := opts.violations(source); len(violations) > 0 {
		return nil, invalid("reconcile", violations...)
	}
	valued, err := opts.checkRows(source)
	if err != nil {
		return nil, err
	}
	r := &Reconciliation{client: client, source: source, opts: opts, key: opts.State.digestKey(), valued: valued}
	if err := r.plan(ctx); err != nil {
		return nil, err
	}
	if err := r.expect(); err != nil {
		return nil, err
	}
	return r, nil
}

func (o *ReconcileOptions) violations(source *Source) []mihu.FieldViolation {
	violations := o.Scope.violations()
	add := func(field, value, problem string) {
		violations = append(violations, mihu.FieldViolation{Field: field, Value: value, Problem: problem})
	}
	if source == nil || source.file == nil {
		add("source", "", "nil or closed; open one with Open")
	}
	if o.Journal != nil {
		add("journal", "", "not used by a plan; set JournalDir")
	}
	if o.Prune && o.State == nil {
		add("prune", "", "needs a State, which knows what may be deleted")
	}
	if o.Prune && o.Scope.IsZero() {
		add("prune", "", "needs a Scope, which says what the source is about, such as channel=call")
	}
	switch {
	case o.Expect == "":
	case o.State == nil:
		add("expect", plain(o.Expect), "needs a State, the key of which makes the ID of a plan")
	case len(o.Expect) != 2*planIDSize || strings.Trim(strings.ToLower(o.Expect), "0123456789abcdef") != "":
		add("expect", plain(o.Expect), "not the ID of a plan, which has 24 hexadecimal digits")
	}
	return violations
}

// checkRows returns the fields that at least one row has a value for, and an error for rows that no
// plan can have.
func (o *ReconcileOptions) checkRows(source *Source) (valued fieldSet, err error) {
	found := &InputError{Name: cmp.Or(source.name, "input")}
	for item, err := range source.Items() {
		if err != nil {
			return 0, err
		}
		trunk := &item.Trunk
		valued |= fieldsOf(trunk)
		if !o.Scope.Contains(trunk.TrunkID, trunk.AgentUUID) {
			found.add(rows.Violation{
				Line: item.Line, Column: 1, Field: "phone_number", Value: mihu.MaskNumber(trunk.PhoneNumber),
				Problem: "outside the scope " + o.Scope.String() + "; remove the row, or widen the scope",
			})
		}
		if hasPlaceholder(trunk.SIP) {
			found.add(rows.Violation{Line: item.Line, Column: 1, Field: "sip_password", Problem: placeholderProblem})
		}
	}
	if len(found.Violations) > 0 {
		return 0, found
	}
	return valued, nil
}

const placeholderProblem = "a placeholder and no credential; write the credential, or remove the column to leave it as it is"

func hasPlaceholder(sip *mihu.SIPCredentials) bool {
	return sip != nil && (isPlaceholder(sip.Username) || isPlaceholder(sip.Password))
}

// isPlaceholder reports whether a program has written the text in place of a secret.
func isPlaceholder(text string) bool {
	const fewest = 3
	text = strings.ToLower(text)
	stars := strings.Trim(text, "*•x")
	switch {
	case len(text) >= fewest && stars == "":
		return true
	case text == "redacted", text == "[redacted]", text == "<redacted>", text == "(hidden)", text == "<hidden>", text == "(sensitive value)":
		return true
	}
	return false
}

// Reconciliation is a plan: what would make the workspace match a source. It is not safe for
// concurrent use. It holds no secret, and prints without numbers. It uses the source, which the
// caller closes after it.
type Reconciliation struct {
	client *mihu.Client
	source *Source
	opts   ReconcileOptions
	key    StateKey
	valued fieldSet // fields that a row has a value for

	made     time.Time
	begun    bool // it was run
	sum      [planIDSize]byte
	changes  []plannedChange
	failures []Result
	drift    []Drift
	summary  PlanSummary
	world    *world
	journal  *planJournal
}

// PlanSummary counts what a plan would do.
type PlanSummary struct {
	// Create, Assign, Update and Delete count changes by what they do. A trunk that is moved and
	// updated counts as Assign.
	Create int `json:"create"`
	Assign int `json:"assign"`
	Update int `json:"update"`
	Delete int `json:"delete"`
	// Clear counts those of them that clear at least one field.
	Clear int `json:"clear"`
	// Unchanged counts rows that are as they should be, and Failed those that cannot be done.
	Unchanged int `json:"unchanged"`
	Failed    int `json:"failed"`
	// Drift counts managed trunks that somebody else has changed, as far as can be seen.
	Drift int `json:"drift"`
	// Managed is the number of trunks that the state manages.
	Managed int `json:"managed"`
}

// Changes returns the number of changes.
func (s PlanSummary) Changes() int { return s.Create + s.Assign + s.Update + s.Delete }

// PlannedChange is one change of a plan. It names fields, and has no value of any. It prints with the
// number masked.
type PlannedChange struct {
	// Action is [Create], [Assign], [Update] or [Delete].
	Action Action `json:"action"`
	// PhoneNumber and Channel are the trunk.
	PhoneNumber string       `json:"phone_number"`
	Channel     mihu.Channel `json:"channel"`
	// AgentUUID is the agent that the trunk will have; "" for a deletion. PreviousAgentUUID is the
	// one that it has; "" for a creation, or if the API names none.
	AgentUUID         string `json:"agent_uuid,omitempty"`
	PreviousAgentUUID string `json:"previous_agent_uuid,omitempty"`
	// Sends and Clears are the names of fields that cannot be read back, and are sent with a value
	// or cleared.
	Sends  []string `json:"sends,omitempty"`
	Clears []string `json:"clears,omitempty"`
	// Reasons say why, such as "not in the workspace".
	Reasons []string `json:"reasons,omitempty"`
	// Line is the line of the source; 0 for a deletion.
	Line int `json:"line,omitempty"`
}

// Trunk returns the trunk.
func (c PlannedChange) Trunk() mihu.TrunkID {
	return mihu.TrunkID{PhoneNumber: c.PhoneNumber, Channel: c.Channel}
}

// String returns the change with the number masked.
func (c PlannedChange) String() string {
	return fmt.Sprintf("PlannedChange{%s %s}", c.Action, c.Trunk())
}

// Format prints String for every verb.
func (c PlannedChange) Format(f fmt.State, verb rune) { format(f, verb, c.String()) }

// DriftKind is how a trunk differs from what the state has of it.
type DriftKind string

// The kinds of drift that can be seen. What cannot be read back cannot be seen to differ.
const (
	// DriftDeleted means that the trunk is not there any more.
	DriftDeleted DriftKind = "deleted"
	// DriftRecreated means that the number was removed and added again, so that nothing of what was
	// sent is known to be there.
	DriftRecreated DriftKind = "made again"
	// DriftMoved means that the trunk is on another agent.
	DriftMoved DriftKind = "moved"
)

// Drift is a managed trunk that somebody else has changed. It prints with the number masked.
type Drift struct {
	// Trunk is the trunk.
	Trunk mihu.TrunkID `json:"-"`
	// Kind says how it differs.
	Kind DriftKind `json:"kind"`
	// AgentUUID is the agent that it has now, and WasAgentUUID the one that the state has; "" if it
	// is not known.
	AgentUUID    string `json:"agent_uuid,omitempty"`
	WasAgentUUID string `json:"was_agent_uuid,omitempty"`
}

// String returns the drift with the number masked.
func (d Drift) String() string { return fmt.Sprintf("Drift{%s %s}", d.Trunk, d.Kind) }

// Format prints String for every verb.
func (d Drift) Format(f fmt.State, verb rune) { format(f, verb, d.String()) }

// ID identifies the plan: what it changes, from what, to which values. Another value of a password
// makes another ID, though the plan shows no value. It is "" without a State, the key of which it
// needs.
func (r *Reconciliation) ID() string {
	if r.opts.State == nil {
		return ""
	}
	return fmt.Sprintf("%x", r.sum)
}

// Changes iterates over the changes, ordered by number.
func (r *Reconciliation) Changes() iter.Seq[PlannedChange] {
	return func(yield func(PlannedChange) bool) {
		for i := range r.changes {
			if !yield(r.changes[i].exported()) {
				return
			}
		}
	}
}

// Failures iterates over the rows that cannot be done, and why: an agent that serves another number,
// a purchased number, a cycle without a spare agent. They are not part of the plan.
func (r *Reconciliation) Failures() iter.Seq[Result] {
	return func(yield func(Result) bool) {
		for _, failure := range r.failures {
			if !yield(failure) {
				return
			}
		}
	}
}

// Drift iterates over the managed trunks that somebody else has changed, as far as the plan has
// looked.
func (r *Reconciliation) Drift() iter.Seq[Drift] {
	return func(yield func(Drift) bool) {
		for _, drift := range r.drift {
			if !yield(drift) {
				return
			}
		}
	}
}

// Summary returns the counts of the plan.
func (r *Reconciliation) Summary() PlanSummary { return r.summary }

// CheckLimits returns a [*LimitError] if the plan would change more than the limits allow. Run
// returns the same error, and changes nothing.
func (r *Reconciliation) CheckLimits() error {
	return r.opts.Limits.Check(r.summary.Delete, r.summary.Assign, r.summary.Clear, max(r.summary.Managed, r.summary.existing()))
}

// existing is the number of rows that have a trunk.
func (s PlanSummary) existing() int { return s.Assign + s.Update + s.Unchanged }

// String returns the counts.
func (r *Reconciliation) String() string {
	s := r.summary
	return fmt.Sprintf("Reconciliation{%d create, %d assign, %d update, %d delete, %d unchanged, %d failed}", s.Create, s.Assign, s.Update, s.Delete, s.Unchanged, s.Failed)
}

// Format prints String for every verb.
func (r *Reconciliation) Format(f fmt.State, verb rune) { format(f, verb, r.String()) }
