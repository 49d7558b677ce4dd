package provision

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/mihu-go/mihu"
)

// AuditOutcome is what became of a change.
type AuditOutcome string

// The outcomes.
const (
	// AuditApplied means that the change was made.
	AuditApplied AuditOutcome = "applied"
	// AuditNotApplied means that nothing was changed.
	AuditNotApplied AuditOutcome = "not applied"
	// AuditPartlyApplied means that the trunk was assigned, and what was to be sent after that was
	// not.
	AuditPartlyApplied AuditOutcome = "partly applied"
	// AuditUnknown means that the change may have been made.
	AuditUnknown AuditOutcome = "unknown"
)

// AuditBinding is the agent of a trunk.
type AuditBinding struct {
	// Bound reports whether there was a trunk.
	Bound bool `json:"bound"`
	// AgentUUID is its agent; "" if there is none, or if it is not known.
	AgentUUID string `json:"agent_uuid,omitempty"`
	// AgentName is the name of the agent, if a response has shown it.
	AgentName string `json:"agent_name,omitempty"`
}

// AuditRecord is a change of a trunk that was tried, for a log of who changed what. It has the
// number in clear, no secret, and no value of a field. It prints with the number masked.
type AuditRecord struct {
	// Time is when the outcome was known.
	Time time.Time `json:"time"`
	// Plan is the ID of the plan that the change belongs to; "" for a change without a plan.
	Plan string `json:"plan,omitempty"`
	// Op is [Create], [Assign], [Update] or [Delete]; "" if the item failed before it was known what
	// it needs.
	Op Action `json:"op,omitempty"`
	// PhoneNumber and Channel are the trunk.
	PhoneNumber string       `json:"phone_number"`
	Channel     mihu.Channel `json:"channel"`
	// Before and After are the binding before and after the change; nil if it is not known.
	Before *AuditBinding `json:"before,omitempty"`
	After  *AuditBinding `json:"after,omitempty"`
	// Fields are the names of the fields that were sent and cannot be read back.
	Fields []string `json:"fields,omitempty"`
	// Line is the line of the file; 0 if there is none.
	Line int `json:"line,omitempty"`
	// Outcome is what became of it.
	Outcome AuditOutcome `json:"outcome"`
	// RequestID is that of the last response; "" if there is none.
	RequestID string `json:"request_id,omitempty"`
	// Error is why it failed; "" if it did not. It has no secret, and numbers only masked.
	Error string `json:"error,omitempty"`
}

// String returns the change with the number masked.
func (r AuditRecord) String() string {
	id := mihu.TrunkID{PhoneNumber: r.PhoneNumber, Channel: r.Channel}
	return fmt.Sprintf("AuditRecord{%s %s %s}", r.Op, id, r.Outcome)
}

// Format prints String for every verb.
func (r AuditRecord) Format(f fmt.State, verb rune) { format(f, verb, r.String()) }

// boundTo returns the binding to an agent.
func boundTo(agentUUID string) *AuditBinding {
	return &AuditBinding{Bound: true, AgentUUID: strings.ToLower(agentUUID)}
}

// as fills in the outcome of a change.
func (r AuditRecord) as(err error, partly bool) *AuditRecord {
	r.Time, r.Outcome = time.Now(), AuditApplied
	if err == nil {
		return &r
	}
	r.Error = err.Error()
	if refused, ok := errors.AsType[*mihu.APIError](err); ok {
		r.RequestID = cmp.Or(refused.RequestID, r.RequestID)
	}
	_, lost := errors.AsType[*stateError](err)
	switch {
	case errors.Is(err, mihu.ErrOutcomeUnknown):
		r.Outcome, r.After = AuditUnknown, nil
	case partly:
		r.Outcome = AuditPartlyApplied
	case lost: // the change was made, and could not be recorded
	default:
		r.Outcome, r.After = AuditNotApplied, nil
	}
	return &r
}

// auditOf returns the record of an item; nil if no request was begun that changes something.
func auditOf(item *Item, done effect) *AuditRecord {
	if !done.tried || done.ensured == nil || done.err == nil && done.ensured.Action == mihu.ActionUnchanged {
		return nil
	}
	id := item.Trunk.TrunkID
	change := done.begun
	if rank(done.ensured.Action) >= rank(change.Action) {
		change = *done.ensured
	}
	record := AuditRecord{
		PhoneNumber: id.PhoneNumber, Channel: id.Channel, Fields: done.sent.names(), Line: item.Line, RequestID: done.requestID,
		Op: Action(change.Action).Planned(), After: boundTo(item.Trunk.AgentUUID),
	}
	switch change.Action {
	case mihu.ActionCreated:
		record.Before = new(AuditBinding)
	case mihu.ActionAssigned:
		record.Before = boundTo(change.PreviousAgentUUID)
	case mihu.ActionUpdated:
		record.Before = record.After
	case mihu.ActionUnchanged: // and the next request failed
		record.Op = ""
	}
	if snap := done.ensured.Snapshot; snap != nil {
		if now := snap.Binding(id.Channel); strings.EqualFold(now.AgentUUID, item.Trunk.AgentUUID) {
			record.After.AgentName = now.AgentName
		}
	}
	return record.as(done.err, done.ensured.Action == mihu.ActionAssigned)
}

// audited is the event of a change that is no item's result.
type audited struct{ *AuditRecord }

func (audited) addTo(*Progress) {}

// audit sends a record to the audit sink.
func (e *engine) audit(record *AuditRecord) {
	if e.opts.Audit != nil {
		e.events <- audited{record}
	}
}

// tellAudit calls the audit sink with what an event has changed.
func (e *engine) tellAudit(event event) {
	var record *AuditRecord
	switch event := event.(type) {
	case *outcome:
		record = event.audit
	case audited:
		record = event.AuditRecord
	}
	if record != nil && e.opts.Audit != nil {
		record.Plan = e.planID
		e.opts.Audit(*record)
	}
}

// AuditWriter writes records as JSON lines. Make one with [NewAuditWriter].
type AuditWriter struct {
	mu  sync.Mutex
	out *json.Encoder
	err error
}

// NewAuditWriter returns a writer, the Write of which is an [Options].Audit. The lines have whole
// numbers: keep them where only those read them who may.
func NewAuditWriter(w io.Writer) *AuditWriter { return &AuditWriter{out: json.NewEncoder(w)} }

// Write writes a record as one line. After an error it writes nothing more; Err returns it.
func (w *AuditWriter) Write(record AuditRecord) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = w.out.Encode(record)
	}
}

// Err returns the first error of a write; nil if there was none.
func (w *AuditWriter) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}
