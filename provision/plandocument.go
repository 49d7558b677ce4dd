package provision

import (
	"encoding/json"
	"io"
)

// PlanVersion is the version of the document that [Reconciliation.WriteJSON] writes. It grows if a
// member is removed or changes its meaning; members may be added.
const PlanVersion = 1

// planDocument is a plan without its lists.
type planDocument struct {
	Version   int         `json:"version"`
	ID        string      `json:"id,omitempty"`
	Workspace string      `json:"workspace"`
	Prune     bool        `json:"prune"`
	Scope     string      `json:"scope,omitempty"`
	Summary   PlanSummary `json:"summary"`
}

// plannedDrift is a drift with its number.
type plannedDrift struct {
	PhoneNumber string `json:"phone_number"`
	Channel     string `json:"channel"`
	Kind        string `json:"kind"`
	AgentUUID   string `json:"agent_uuid,omitempty"`
	WasAgent    string `json:"was_agent_uuid,omitempty"`
}

// plannedFailure is a row that cannot be done.
type plannedFailure struct {
	PhoneNumber string `json:"phone_number"`
	Channel     string `json:"channel"`
	Line        int    `json:"line,omitempty"`
	Error       string `json:"error"`
}

// WriteJSON writes the plan as one JSON object: version, id, workspace, prune, scope, summary,
// changes, failures and drift. It has whole numbers, the names of fields, and no value of a field.
func (r *Reconciliation) WriteJSON(w io.Writer) error {
	head, err := json.Marshal(planDocument{
		Version: PlanVersion, ID: r.ID(), Workspace: r.client.BaseURL(), Prune: r.opts.Prune, Scope: r.opts.Scope.String(), Summary: r.summary,
	})
	if err != nil {
		return err
	}
	out := &memberWriter{w: w}
	out.write(head[:len(head)-1])
	out.list("changes", func(add func(any)) {
		for change := range r.Changes() {
			add(change)
		}
	})
	out.list("failures", func(add func(any)) {
		for failure := range r.Failures() {
			trunk := failure.Item.Trunk.TrunkID
			add(plannedFailure{trunk.PhoneNumber, string(trunk.Channel), failure.Item.Line, failure.Err.Error()})
		}
	})
	out.list("drift", func(add func(any)) {
		for drift := range r.Drift() {
			add(plannedDrift{drift.Trunk.PhoneNumber, string(drift.Trunk.Channel), string(drift.Kind), drift.AgentUUID, drift.WasAgentUUID})
		}
	})
	out.write([]byte("}\n"))
	return out.err
}

// memberWriter writes members of an object one at a time, so that a large plan is never a large
// text.
type memberWriter struct {
	w   io.Writer
	err error
}

func (m *memberWriter) write(text []byte) {
	if m.err == nil {
		_, m.err = m.w.Write(text)
	}
}

func (m *memberWriter) list(name string, all func(add func(any))) {
	m.write([]byte(",\n\"" + name + "\":["))
	separator := "\n"
	all(func(value any) {
		text, err := json.Marshal(value)
		if err != nil && m.err == nil {
			m.err = err
		}
		m.write([]byte(separator))
		m.write(text)
		separator = ",\n"
	})
	m.write([]byte("]"))
}
