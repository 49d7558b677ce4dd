package mihutest

import (
	"time"
)

// Rules decide what the contract of the API leaves open. The zero value of each field means the
// default in its comment.
type Rules struct {
	// OnDuplicate is what becomes of registering a number that already has a trunk on that channel.
	// The default is RefuseDuplicate.
	OnDuplicate OnDuplicate
	// DuplicateStatus is the status of that. If it is refused: any 4xx; 0 means 409. Otherwise: 200,
	// 201, 202 or 204; 0 means CreateStatus.
	DuplicateStatus int
	// OnBusyAgent is what becomes of a request for an agent that serves another number on that
	// channel. The default is RefuseBusyAgent, as documented.
	OnBusyAgent OnBusyAgent
	// AgentBusyStatus is the status of that if it is refused: any 4xx; 0 means 409.
	AgentBusyStatus int
	// OnBusyAssign and AssignBusyStatus are the same for assigning a trunk to such an agent. nil and 0
	// mean OnBusyAgent and AgentBusyStatus.
	OnBusyAssign     *OnBusyAgent
	AssignBusyStatus int
	// PurchasedStatus is the status of registering a number of the purchased inventory: any 4xx; 0
	// means 409.
	PurchasedStatus int
	// UnknownAgentStatus is the status if the agent does not exist: any 4xx; 0 means 422. The agent
	// is a field of the body, so by default a 404 always means that there is no such trunk.
	UnknownAgentStatus int
	// MalformedAgentStatus is the status if the agent is not a UUID: any 4xx; 0 means ValidationStatus.
	MalformedAgentStatus int
	// CreateStatus is the status of a successful registration: 200, 201, 202, or 204 without a body; 0
	// means 201. The contract has 201 and 200.
	CreateStatus int
	// UpdateStatus and AssignStatus are the statuses of a successful update and assignment: 200, 201,
	// 202, or 204 without a body; 0 means 200, which is the only one of the contract.
	UpdateStatus, AssignStatus int
	// DeleteStatus is the status of a successful removal: 200, 201, 202, or 204 without a body; 0 means
	// 200. The contract has 200 and 204.
	DeleteStatus int
	// DeleteBody is the body of a successful removal. The default is DeleteMessage.
	DeleteBody DeleteBody
	// AssignSameStatus is the status of assigning a trunk to the agent that it has, if that is refused:
	// any 4xx. 0 means that it is a success.
	AssignSameStatus int
	// EmptyUpdateStatus is the status of an update without a field to change, if that is refused: any
	// 4xx. 0 means that it is a success.
	EmptyUpdateStatus int
	// UnknownTrunkStatus is the status of updating, assigning and deleting a trunk that does not
	// exist: any 4xx; 0 means 404.
	UnknownTrunkStatus int
	// UnknownTrunkStatuses replaces UnknownTrunkStatus for some of the methods PATCH, PUT and DELETE:
	// any 4xx. nil means none.
	UnknownTrunkStatuses map[string]int
	// DeleteMissing makes deleting a trunk that does not exist a success, with DeleteStatus. By
	// default it is refused with UnknownTrunkStatus.
	DeleteMissing bool
	// UnboundUnknown makes reading the channels of a number that is not registered return a snapshot
	// in which no channel is bound, without a UUID. By default it is refused with
	// UnknownNumberStatus.
	UnboundUnknown bool
	// UnboundDeleted is UnboundUnknown for a number whose last trunk was deleted.
	UnboundDeleted bool
	// UnknownNumberStatus is the status of reading the channels of a number that is not registered, if
	// that is refused: any 4xx; 0 means 404.
	UnknownNumberStatus int
	// RefuseEmptyName and RefuseEmptyPort refuse an update with an empty name, and one that clears the
	// port with "". By default both are accepted.
	RefuseEmptyName, RefuseEmptyPort bool
	// EmptyNameStatus and EmptyPortStatus are the statuses of these refusals: any 4xx; 0 means
	// ValidationStatus.
	EmptyNameStatus, EmptyPortStatus int
	// ValidationStatus is the status of a request with an invalid, unknown or missing field or
	// parameter: any 4xx; 0 means 422.
	ValidationStatus int
	// MalformedJSONStatus is the status of a body that is not a JSON object: any 4xx; 0 means 400.
	MalformedJSONStatus int
	// MissingTokenStatus is the status of a request without a token: any 4xx; 0 means 401, as
	// documented.
	MissingTokenStatus int
	// UnknownRouteStatus is the status of a path that the API does not have: any 4xx; 0 means 404.
	UnknownRouteStatus int
	// AcceptNull makes requests treat null as an omitted field. By default null is refused.
	AcceptNull bool
	// IgnoreUnknownFields and IgnoreUnknownParameters make requests ignore what the contract does not
	// have in a body and in a query. By default it is refused.
	IgnoreUnknownFields, IgnoreUnknownParameters bool
	// UpdatedAt makes lists have the time of the last change in updated_at, an assignment and an update
	// included. By default it is null.
	UpdatedAt bool
	// UpdateKeepsTime makes an update leave updated_at as it is.
	UpdateKeepsTime bool
	// TimeFormat is the form of updated_at. The default is TimeRFC3339.
	TimeFormat TimeFormat
	// AnyAgent makes an agent exist for every well-formed UUID. An agent that was not added is
	// named "Agent" and the first eight characters of the UUID, and is not listed. By default, only
	// agents that were added exist.
	AnyAgent bool
	// NoPagination makes lists ignore page and per_page: they return all items at once, without
	// a pagination object. By default, lists obey both parameters. See [SuccessShape] for other
	// forms of lists.
	NoPagination bool
	// PerPageOnly makes lists ignore page, and obey per_page.
	PerPageOnly bool
	// NewestFirst reverses the order of lists of numbers. By default they are in order of registration.
	NewestFirst bool
	// MaxPerPage is the largest per_page; 0 means 200.
	MaxPerPage int
	// ClampPerPage makes lists use MaxPerPage instead of a larger per_page. By default that is refused
	// with PerPageStatus.
	ClampPerPage bool
	// PerPageStatus is the status of that if it is refused: any 4xx; 0 means ValidationStatus.
	PerPageStatus int
	// OnPageAfterLast is what a list returns for a page after its last. The default is EmptyPage.
	OnPageAfterLast OnPageAfterLast
	// PageAfterLastStatus is the status of NoSuchPage: any 4xx; 0 means 404.
	PageAfterLastStatus int
	// ErrorShape is the JSON form of errors. The default is ErrorEnvelope.
	ErrorShape ErrorShape
	// ErrorShapes is the JSON form of errors with certain statuses, 400 to 499, instead of ErrorShape.
	// nil means none.
	ErrorShapes map[int]ErrorShape
	// ErrorField is which errors name the field that they are about. The default is FieldOn422.
	ErrorField ErrorField
	// RequestIDHeaders are the headers with the ID of a request. nil means X-Request-Id; empty but not
	// nil means none.
	RequestIDHeaders []string
	// RateLimitHeaders are headers about the rate limit, such as X-Ratelimit-Remaining, which every
	// response has. Their values mean nothing. nil means none.
	RateLimitHeaders []string
	// ClockSkew is how far the clock of the header Date is ahead; negative means behind. The default is
	// 0.
	ClockSkew time.Duration
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

// OnDuplicate is what becomes of registering a number that has a trunk on the channel: [RefuseDuplicate],
// [UpdateDuplicate] or [KeepDuplicate].
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

// OnBusyAgent is what becomes of a request for an agent that serves another number: [RefuseBusyAgent],
// [ShareBusyAgent] or [TakeBusyAgent].
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

// OnPageAfterLast is what a list returns for a page after its last: [EmptyPage], [NoSuchPage] or
// [LastPageAgain].
type OnPageAfterLast int

// What there may be after the last page.
const (
	// EmptyPage returns no items.
	EmptyPage OnPageAfterLast = iota
	// NoSuchPage refuses it with PageAfterLastStatus.
	NoSuchPage
	// LastPageAgain returns the last page.
	LastPageAgain
)

// DeleteBody is the body of a successful removal: [DeleteMessage], [DeleteSnapshot] or [DeleteEmpty].
type DeleteBody int

// The bodies of a successful removal.
const (
	// DeleteMessage is the envelope with a message.
	DeleteMessage DeleteBody = iota
	// DeleteSnapshot is the envelope with the channels of the number after the removal.
	DeleteSnapshot
	// DeleteEmpty is no body.
	DeleteEmpty
)

// TimeFormat is the form of times: [TimeRFC3339], [TimeWithoutZone] or [TimeSeconds].
type TimeFormat int

// The forms of times.
const (
	// TimeRFC3339 is 2026-01-02T03:04:05Z.
	TimeRFC3339 TimeFormat = iota
	// TimeWithoutZone is 2026-01-02 03:04:05, in UTC.
	TimeWithoutZone
	// TimeSeconds is the number of seconds since 1970.
	TimeSeconds
)

// ErrorField is which errors name the field that they are about: [FieldOn422], [FieldAlways] or
// [FieldNever].
type ErrorField int

// The errors that name a field.
const (
	// FieldOn422 is those with status 422, as documented.
	FieldOn422 ErrorField = iota
	// FieldAlways is all that are about a field, whatever the status.
	FieldAlways
	// FieldNever is none.
	FieldNever
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
