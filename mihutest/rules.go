package mihutest

import (
	"cmp"
	"fmt"
	"net/http"
	"time"
)

// Rules decide what the contract of the API leaves open. The zero value of each field means the
// default in its comment.
type Rules struct {
	// DuplicateStatus is the status of registering a number that already has a trunk on that
	// channel: any 4xx; 0 means 409.
	DuplicateStatus int
	// AgentBusyStatus is the status if the agent serves another number on that channel: any 4xx;
	// 0 means 409.
	AgentBusyStatus int
	// PurchasedStatus is the status of registering a number of the purchased inventory: any 4xx; 0
	// means 409.
	PurchasedStatus int
	// UnknownAgentStatus is the status if the agent does not exist: any 4xx; 0 means 422. The agent
	// is a field of the body, so by default a 404 always means that there is no such trunk.
	UnknownAgentStatus int
	// CreateStatus is the status of a successful registration: 201 or 200; 0 means 201.
	CreateStatus int
	// DeleteStatus is the status of a successful removal: 200 with a message or 204 without a body;
	// 0 means 200.
	DeleteStatus int
	// AnyAgent makes an agent exist for every well-formed UUID. An agent that was not added is
	// named "Agent" and the first eight characters of the UUID, and is not listed. By default, only
	// agents that were added exist.
	AnyAgent bool
	// NoPagination makes lists ignore page and per_page: they return all items at once, without
	// a pagination object. By default, lists obey both parameters. See [SuccessShape] for other
	// forms of lists.
	NoPagination bool
	// ErrorShape is the JSON form of errors. The default is ErrorEnvelope.
	ErrorShape ErrorShape
	// SuccessShape is the JSON form of successful responses. The default is the documented form.
	SuccessShape SuccessShape
	// ReadLag makes reads return the state as it was that long ago. Writes, and their responses,
	// always use the current state. It has no effect on the agents' fields and the rates. The default
	// is 0.
	ReadLag time.Duration
	// MaxReadLag is the maximum of Fault.ReadLag. The server keeps the changes of this time. 0 means
	// ReadLag, so that by default the server keeps no changes.
	MaxReadLag time.Duration
}

// ErrorShape is one of the JSON forms of errors that a client must expect.
type ErrorShape int

// The JSON forms of errors.
const (
	// ErrorEnvelope is the documented form:
	//
	//	{"success":false,"message":"…","error":{"code":"…","details":"…","field":"…"}}
	//
	// field is sent with 422 only.
	ErrorEnvelope ErrorShape = iota
	// ErrorData is the form that the API documents for buying a number, with the code in lower
	// case:
	//
	//	{"success":false,"message":"…","data":{"error":"…"}}
	ErrorData
	// ErrorFramework is the form of the framework that the API appears to be built on. It has no
	// code:
	//
	//	{"message":"…","errors":{"phone_number":["…"]}}
	//
	// errors is sent with 422 only. A 401 is {"message":"Unauthenticated."}.
	ErrorFramework
)

// complete returns r with its defaults filled in. It returns an error if a rule is impossible.
func (r Rules) complete() (Rules, error) {
	for _, rule := range []struct {
		name     string
		status   *int
		byDef    int
		min, max int
		or       int // another status that is allowed
	}{
		{"DuplicateStatus", &r.DuplicateStatus, http.StatusConflict, 400, 499, 0},
		{"AgentBusyStatus", &r.AgentBusyStatus, http.StatusConflict, 400, 499, 0},
		{"PurchasedStatus", &r.PurchasedStatus, http.StatusConflict, 400, 499, 0},
		{"UnknownAgentStatus", &r.UnknownAgentStatus, http.StatusUnprocessableEntity, 400, 499, 0},
		{"CreateStatus", &r.CreateStatus, http.StatusCreated, 200, 201, 0},
		{"DeleteStatus", &r.DeleteStatus, http.StatusOK, 200, 200, 204},
	} {
		if *rule.status == 0 {
			*rule.status = rule.byDef
		}
		if s := *rule.status; (s < rule.min || s > rule.max) && s != rule.or {
			return r, fmt.Errorf("WithRules: %s cannot be %d", rule.name, s)
		}
	}
	if r.ErrorShape < ErrorEnvelope || r.ErrorShape > ErrorFramework {
		return r, fmt.Errorf("WithRules: there is no ErrorShape %d", r.ErrorShape)
	}
	r.MaxReadLag = cmp.Or(r.MaxReadLag, r.ReadLag)
	violation := r.SuccessShape.violation()
	if r.ReadLag < 0 || r.MaxReadLag < r.ReadLag {
		violation = "ReadLag is negative or more than MaxReadLag"
	}
	if violation != "" {
		return r, fmt.Errorf("WithRules: %s", violation)
	}
	return r, nil
}
