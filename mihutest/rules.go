package mihutest

import (
	"fmt"
	"net/http"
)

// Rules are what the contract of the API does not say and the server therefore has to decide.
// The zero value of each field is the default that its comment names.
type Rules struct {
	// DuplicateStatus refuses to register a number that already has a trunk on that channel; 0
	// means 409. Any 4xx can be set.
	DuplicateStatus int
	// AgentBusyStatus refuses an agent that serves another number on that channel; 0 means 409.
	// Any 4xx can be set.
	AgentBusyStatus int
	// PurchasedStatus refuses to register a number of the purchased inventory; 0 means 409. Any
	// 4xx can be set.
	PurchasedStatus int
	// UnknownAgentStatus refuses an agent that does not exist; 0 means 422, because the agent is
	// a field of the body, and 404 then says one thing only: that there is no such trunk. Any
	// 4xx can be set.
	UnknownAgentStatus int
	// CreateStatus answers a trunk that was registered: 201 or 200; 0 means 201.
	CreateStatus int
	// DeleteStatus answers a trunk that was removed: 200 with a message or 204 without a body; 0
	// means 200.
	DeleteStatus int
	// AnyAgent takes every well-formed agent UUID for that of an agent, named "Agent" and the
	// first eight characters of the UUID if it was not added. By default only agents that were
	// added exist.
	AnyAgent bool
	// NoPagination has lists send all numbers at once and no pagination object, whatever page
	// and per_page say, as a backend does that does not know them. By default they are obeyed.
	NoPagination bool
	// ErrorShape is the form of errors. The default is ErrorEnvelope.
	ErrorShape ErrorShape
}

// ErrorShape is one of the forms of error that a client has to expect.
type ErrorShape int

// The forms of errors.
const (
	// ErrorEnvelope is the documented form:
	//
	//	{"success":false,"message":"…","error":{"code":"…","details":"…","field":"…"}}
	//
	// where field is sent with 422 only.
	ErrorEnvelope ErrorShape = iota
	// ErrorData is the form that the API documents for buying a number, with the code in small
	// letters:
	//
	//	{"success":false,"message":"…","data":{"error":"…"}}
	ErrorData
	// ErrorFramework is the form of the framework that the API appears to be built on, which has
	// no code:
	//
	//	{"message":"…","errors":{"phone_number":["…"]}}
	//
	// where errors is sent with 422 only and a 401 is {"message":"Unauthenticated."}.
	ErrorFramework
)

// complete is r with its defaults filled in, and an error where it asks for what cannot be.
func (r Rules) complete() (Rules, error) {
	for _, rule := range []struct {
		name     string
		status   *int
		byDef    int
		min, max int
		or       int // one more that is allowed
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
	return r, nil
}
