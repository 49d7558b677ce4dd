package runlog

import "time"

// Version is the version of the records' format.
const Version = 1

// The events of a run, in their order. A run without an end was killed, or is still running.
const (
	Start  = "start"
	Change = "change"
	End    = "end"
)

// The outcomes of a change.
const (
	Applied       = "applied"
	PartlyApplied = "partly applied"
	NotApplied    = "not applied"
	Unknown       = "unknown"
)

// Binding is the agent of a trunk, before or after a change.
type Binding struct {
	Bound     bool   `json:"bound"`
	AgentUUID string `json:"agent_uuid,omitempty"`
	AgentName string `json:"agent_name,omitempty"`
}

// Record is one line of the log.
type Record struct {
	Version int       `json:"v"`
	Event   string    `json:"event"`
	Run     string    `json:"run"`
	Time    time.Time `json:"time"`

	// The fields of a start. Arguments has the names of flags, and the number of other arguments,
	// without values.
	Command   string   `json:"command,omitempty"`
	Arguments []string `json:"arguments,omitempty"`
	Trunkctl  string   `json:"trunkctl,omitempty"`
	Workspace string   `json:"workspace,omitempty"`
	Address   string   `json:"address,omitempty"`

	// Plan is the ID of the plan that a change belongs to.
	Plan string `json:"plan,omitempty"`

	// The fields of a change. Before and After are nil if they are not known. Fields lists the fields
	// that were sent and that the API does not return, without values.
	Action      string   `json:"action,omitempty"`
	PhoneNumber string   `json:"phone_number,omitempty"`
	Channel     string   `json:"channel,omitempty"`
	Before      *Binding `json:"before,omitempty"`
	After       *Binding `json:"after,omitempty"`
	Fields      []string `json:"fields,omitempty"`
	Line        int      `json:"line,omitempty"`
	Outcome     string   `json:"outcome,omitempty"`
	Error       string   `json:"error,omitempty"`
	RequestID   string   `json:"request_id,omitempty"`

	// ExitCode is that of an end, and nil in other records.
	ExitCode *int `json:"exit_code,omitempty"`
}
