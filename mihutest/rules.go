package mihutest

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/textproto"
	"strings"
	"time"
)

// Rules decide what the contract of the API leaves open. The zero value of each field means the
// default in its comment.
type Rules struct {
	// OnDuplicate is what becomes of registering a number that already has a trunk on that channel.
	// The default is RefuseDuplicate.
	OnDuplicate OnDuplicate
	// DuplicateStatus is the status of that if it is refused: any 4xx; 0 means 409.
	DuplicateStatus int
	// OnBusyAgent is what becomes of a request for an agent that serves another number on that
	// channel. The default is RefuseBusyAgent, as documented.
	OnBusyAgent OnBusyAgent
	// AgentBusyStatus is the status of that if it is refused: any 4xx; 0 means 409.
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
	// UnknownTrunkStatus is the status of updating, assigning and deleting a trunk that does not
	// exist: any 4xx; 0 means 404.
	UnknownTrunkStatus int
	// DeleteMissing makes deleting a trunk that does not exist a success, with DeleteStatus. By
	// default it is refused with UnknownTrunkStatus.
	DeleteMissing bool
	// UnboundUnknown makes reading the channels of a number that is not registered return a snapshot
	// in which no channel is bound, without a UUID, as it may be after the last trunk is deleted. By
	// default it is a 404.
	UnboundUnknown bool
	// RefuseEmptyName and RefuseEmptyPort refuse an update with an empty name, and one that clears the
	// port with "". By default both are accepted.
	RefuseEmptyName, RefuseEmptyPort bool
	// UpdatedAt makes lists have the time of the last change in updated_at, an assignment and an update
	// included. By default it is null.
	UpdatedAt bool
	// AnyAgent makes an agent exist for every well-formed UUID. An agent that was not added is
	// named "Agent" and the first eight characters of the UUID, and is not listed. By default, only
	// agents that were added exist.
	AnyAgent bool
	// NoPagination makes lists ignore page and per_page: they return all items at once, without
	// a pagination object. By default, lists obey both parameters. See [SuccessShape] for other
	// forms of lists.
	NoPagination bool
	// MaxPerPage is the largest per_page; 0 means 200.
	MaxPerPage int
	// ClampPerPage makes lists use MaxPerPage instead of a larger per_page. By default that is refused
	// with 422.
	ClampPerPage bool
	// OnPageAfterLast is what a list returns for a page after its last. The default is EmptyPage.
	OnPageAfterLast OnPageAfterLast
	// ErrorShape is the JSON form of errors. The default is ErrorEnvelope.
	ErrorShape ErrorShape
	// ErrorShapes is the JSON form of errors with certain statuses, 400 to 499, instead of ErrorShape.
	// nil means none.
	ErrorShapes map[int]ErrorShape
	// RequestIDHeader is the header with the ID of a request; "" means X-Request-Id.
	RequestIDHeader string
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

// OnDuplicate is what becomes of registering a number that has a trunk on the channel.
type OnDuplicate int

// The outcomes of a duplicate.
const (
	// RefuseDuplicate refuses it with DuplicateStatus.
	RefuseDuplicate OnDuplicate = iota
	// UpdateDuplicate makes the trunk match the request, agent included, and succeeds.
	UpdateDuplicate
	// KeepDuplicate succeeds, and changes nothing.
	KeepDuplicate
)

// OnBusyAgent is what becomes of a request for an agent that serves another number.
type OnBusyAgent int

// The outcomes of a busy agent.
const (
	// RefuseBusyAgent refuses it with AgentBusyStatus.
	RefuseBusyAgent OnBusyAgent = iota
	// ShareBusyAgent lets the agent serve both numbers.
	ShareBusyAgent
	// TakeBusyAgent takes the agent from the other number, whose trunk is gone.
	TakeBusyAgent
)

// OnPageAfterLast is what a list returns for a page after its last.
type OnPageAfterLast int

// What there may be after the last page.
const (
	// EmptyPage returns no items.
	EmptyPage OnPageAfterLast = iota
	// NoSuchPage returns a 404.
	NoSuchPage
	// LastPageAgain returns the last page.
	LastPageAgain
)

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
		{"UnknownTrunkStatus", &r.UnknownTrunkStatus, http.StatusNotFound, 400, 499, 0},
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
	r.MaxPerPage = cmp.Or(r.MaxPerPage, maxPerPage)
	r.RequestIDHeader = cmp.Or(r.RequestIDHeader, "X-Request-Id")
	r.ErrorShapes = maps.Clone(r.ErrorShapes)
	if violation := r.choices(); violation != "" {
		return r, fmt.Errorf("WithRules: %s", violation)
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

// maxPerPage is the largest page that the vendor's command requests.
const maxPerPage = 200

// choices is the first rule with an impossible value; "" means none.
func (r *Rules) choices() string {
	shapes := maps.Clone(r.ErrorShapes)
	if shapes == nil {
		shapes = map[int]ErrorShape{}
	}
	shapes[http.StatusBadRequest] = cmp.Or(shapes[http.StatusBadRequest], r.ErrorShape)
	for status, shape := range shapes {
		switch {
		case status < 400 || status > 499:
			return fmt.Sprintf("ErrorShapes cannot have %d", status)
		case shape < ErrorEnvelope || shape > ErrorFramework:
			return fmt.Sprintf("there is no ErrorShape %d", shape)
		}
	}
	switch {
	case r.OnDuplicate < RefuseDuplicate || r.OnDuplicate > KeepDuplicate:
		return fmt.Sprintf("there is no OnDuplicate %d", r.OnDuplicate)
	case r.OnBusyAgent < RefuseBusyAgent || r.OnBusyAgent > TakeBusyAgent:
		return fmt.Sprintf("there is no OnBusyAgent %d", r.OnBusyAgent)
	case r.OnPageAfterLast < EmptyPage || r.OnPageAfterLast > LastPageAgain:
		return fmt.Sprintf("there is no OnPageAfterLast %d", r.OnPageAfterLast)
	case r.MaxPerPage < 1 || r.MaxPerPage > maxPerPage:
		return fmt.Sprintf("MaxPerPage cannot be %d", r.MaxPerPage)
	case r.RequestIDHeader != textproto.CanonicalMIMEHeaderKey(r.RequestIDHeader), strings.ContainsAny(r.RequestIDHeader, " :\r\n"):
		return fmt.Sprintf("RequestIDHeader cannot be %q", r.RequestIDHeader)
	}
	return ""
}

// shapeOf returns the form of an error.
func (r *Rules) shapeOf(status int) ErrorShape {
	if shape, ok := r.ErrorShapes[status]; ok {
		return shape
	}
	return r.ErrorShape
}
