package mihutest

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
)

// complete returns r with its defaults filled in. It returns an error if a rule is impossible.
func (r Rules) complete() (Rules, error) {
	if violation := r.choices(); violation != "" {
		return r, fmt.Errorf("WithRules: %s", violation)
	}
	r.MaxPerPage = cmp.Or(r.MaxPerPage, maxPerPage)
	if r.RequestIDHeaders == nil {
		r.RequestIDHeaders = []string{"X-Request-Id"}
	}
	r.RequestIDHeaders, r.RateLimitHeaders = slices.Clone(r.RequestIDHeaders), slices.Clone(r.RateLimitHeaders)
	r.ErrorShapes, r.UnknownTrunkStatuses = maps.Clone(r.ErrorShapes), maps.Clone(r.UnknownTrunkStatuses)
	if r.OnBusyAssign == nil {
		r.OnBusyAssign = new(r.OnBusyAgent)
	} else {
		r.OnBusyAssign = new(*r.OnBusyAssign)
	}
	for _, rule := range r.statuses() {
		if *rule.status == 0 {
			*rule.status = rule.byDef()
		}
		if s := *rule.status; s != 0 && !rule.possible(s) {
			return r, fmt.Errorf("WithRules: %s cannot be %d", rule.name, s)
		}
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

// statusRule is a rule that is the status of a response.
type statusRule struct {
	name     string
	status   *int
	byDef    func() int // its default, which may be that of an earlier rule
	possible func(int) bool
}

func isRefusal(status int) bool { return status >= 400 && status <= 499 }

func isSuccess(status int) bool {
	return slices.Contains([]int{http.StatusOK, http.StatusCreated, http.StatusAccepted, http.StatusNoContent}, status)
}

// statuses returns the rules that are statuses. Those that are the default of others come first.
func (r *Rules) statuses() []statusRule {
	fixed := func(status int) func() int { return func() int { return status } }
	like := func(status *int) func() int { return func() int { return *status } }
	duplicate, possible := fixed(http.StatusConflict), isRefusal
	if r.OnDuplicate != RefuseDuplicate {
		duplicate, possible = like(&r.CreateStatus), isSuccess
	}
	return []statusRule{
		{"CreateStatus", &r.CreateStatus, fixed(http.StatusCreated), isSuccess},
		{"UpdateStatus", &r.UpdateStatus, fixed(http.StatusOK), isSuccess},
		{"AssignStatus", &r.AssignStatus, fixed(http.StatusOK), isSuccess},
		{"DeleteStatus", &r.DeleteStatus, fixed(http.StatusOK), isSuccess},
		{"ValidationStatus", &r.ValidationStatus, fixed(http.StatusUnprocessableEntity), isRefusal},
		{"DuplicateStatus", &r.DuplicateStatus, duplicate, possible},
		{"AgentBusyStatus", &r.AgentBusyStatus, fixed(http.StatusConflict), isRefusal},
		{"AssignBusyStatus", &r.AssignBusyStatus, like(&r.AgentBusyStatus), isRefusal},
		{"PurchasedStatus", &r.PurchasedStatus, fixed(http.StatusConflict), isRefusal},
		{"UnknownAgentStatus", &r.UnknownAgentStatus, fixed(http.StatusUnprocessableEntity), isRefusal},
		{"MalformedAgentStatus", &r.MalformedAgentStatus, like(&r.ValidationStatus), isRefusal},
		{"UnknownTrunkStatus", &r.UnknownTrunkStatus, fixed(http.StatusNotFound), isRefusal},
		{"UnknownNumberStatus", &r.UnknownNumberStatus, fixed(http.StatusNotFound), isRefusal},
		{"AssignSameStatus", &r.AssignSameStatus, fixed(0), isRefusal},
		{"EmptyUpdateStatus", &r.EmptyUpdateStatus, fixed(0), isRefusal},
		{"EmptyNameStatus", &r.EmptyNameStatus, like(&r.ValidationStatus), isRefusal},
		{"EmptyPortStatus", &r.EmptyPortStatus, like(&r.ValidationStatus), isRefusal},
		{"PerPageStatus", &r.PerPageStatus, like(&r.ValidationStatus), isRefusal},
		{"PageAfterLastStatus", &r.PageAfterLastStatus, fixed(http.StatusNotFound), isRefusal},
		{"MalformedJSONStatus", &r.MalformedJSONStatus, fixed(http.StatusBadRequest), isRefusal},
		{"MissingTokenStatus", &r.MissingTokenStatus, fixed(http.StatusUnauthorized), isRefusal},
		{"UnknownRouteStatus", &r.UnknownRouteStatus, fixed(http.StatusNotFound), isRefusal},
	}
}

// choices is the first rule with an impossible value that is not a status; "" means none.
func (r *Rules) choices() string {
	for status, shape := range r.ErrorShapes {
		if !isRefusal(status) {
			return fmt.Sprintf("ErrorShapes cannot have %d", status)
		}
		if !among(shape, ErrorFramework) {
			return fmt.Sprintf("there is no ErrorShape %d", shape)
		}
	}
	for method, status := range r.UnknownTrunkStatuses {
		if !isRefusal(status) || !slices.Contains([]string{http.MethodPatch, http.MethodPut, http.MethodDelete}, method) {
			return fmt.Sprintf("UnknownTrunkStatuses cannot have %d of %q", status, method)
		}
	}
	for name, known := range map[string]bool{
		fmt.Sprintf("OnDuplicate %d", r.OnDuplicate):         among(r.OnDuplicate, KeepDuplicate),
		fmt.Sprintf("OnBusyAgent %d", r.OnBusyAgent):         among(r.OnBusyAgent, TakeBusyAgent),
		fmt.Sprintf("OnPageAfterLast %d", r.OnPageAfterLast): among(r.OnPageAfterLast, LastPageAgain),
		fmt.Sprintf("ErrorShape %d", r.ErrorShape):           among(r.ErrorShape, ErrorFramework),
		fmt.Sprintf("ErrorField %d", r.ErrorField):           among(r.ErrorField, FieldNever),
		fmt.Sprintf("DeleteBody %d", r.DeleteBody):           among(r.DeleteBody, DeleteEmpty),
		fmt.Sprintf("TimeFormat %d", r.TimeFormat):           among(r.TimeFormat, TimeSeconds),
	} {
		if !known {
			return "there is no " + name
		}
	}
	if r.OnBusyAssign != nil && !among(*r.OnBusyAssign, TakeBusyAgent) {
		return fmt.Sprintf("there is no OnBusyAgent %d", *r.OnBusyAssign)
	}
	if r.MaxPerPage < 0 || r.MaxPerPage > maxPerPage {
		return fmt.Sprintf("MaxPerPage cannot be %d", r.MaxPerPage)
	}
	return r.headers()
}

// headers is the first header with an impossible name; "" means none.
func (r *Rules) headers() string {
	for _, header := range []struct {
		rule  string
		names []string
	}{{"RequestIDHeaders", r.RequestIDHeaders}, {"RateLimitHeaders", r.RateLimitHeaders}} {
		for _, name := range header.names {
			if name == "" || strings.ContainsAny(name, " :\r\n") || name != textproto.CanonicalMIMEHeaderKey(name) {
				return fmt.Sprintf("%s cannot have %q", header.rule, name)
			}
		}
	}
	return ""
}

// among reports whether a choice is one of those from 0 to last.
func among[T ~int](choice, last T) bool { return choice >= 0 && choice <= last }

// shapeOf returns the form of an error.
func (r *Rules) shapeOf(status int) ErrorShape {
	if shape, ok := r.ErrorShapes[status]; ok {
		return shape
	}
	return r.ErrorShape
}

// unknownTrunk returns the refusal of a request with a method about a trunk that does not exist.
func (r *Rules) unknownTrunk(method string) *problem {
	status, ok := r.UnknownTrunkStatuses[method]
	if !ok {
		status = r.UnknownTrunkStatus
	}
	return refused(status, "TRUNK_NOT_FOUND", "", "There is no such trunk")
}
