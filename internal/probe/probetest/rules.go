// Package probetest has what several tests of probes share: sets of rules, and a workspace to probe.
package probetest

import (
	"math/rand/v2"
	"time"

	"github.com/mihu-go/mihu/mihutest"
)

// Choice sets one rule to one of its values. Value 0 is the default.
type Choice struct {
	// Name is that of the rule, and Values how many values it can get.
	Name   string
	Values int
	// Set sets it to a value. rnd chooses among values that are alike, such as statuses.
	Set func(r *mihutest.Rules, value int, rnd *rand.Rand)
}

func anyRefusal(rnd *rand.Rand) int { return 400 + rnd.IntN(100) }

func refusalRule(name string, field func(*mihutest.Rules) *int) Choice {
	return Choice{name, 3, func(r *mihutest.Rules, value int, rnd *rand.Rand) {
		*field(r) = []int{0, []int{401, 403, 429, 404, 409, 422}[rnd.IntN(6)], anyRefusal(rnd)}[value]
	}}
}

func successRule(name string, field func(*mihutest.Rules) *int) Choice {
	return Choice{name, 5, func(r *mihutest.Rules, value int, _ *rand.Rand) { *field(r) = []int{0, 200, 201, 202, 204}[value] }}
}

func flagRule(name string, field func(*mihutest.Rules) *bool) Choice {
	return Choice{name, 2, func(r *mihutest.Rules, value int, _ *rand.Rand) { *field(r) = value == 1 }}
}

// Choices returns all rules that a probe can see.
func Choices() []Choice {
	return []Choice{
		{"OnDuplicate", 4, func(r *mihutest.Rules, v int, rnd *rand.Rand) {
			r.OnDuplicate = []mihutest.OnDuplicate{mihutest.RefuseDuplicate, mihutest.RefuseDuplicate, mihutest.UpdateDuplicate, mihutest.KeepDuplicate}[v]
			switch {
			case v == 1:
				r.DuplicateStatus = anyRefusal(rnd)
			case v > 1:
				r.DuplicateStatus = []int{0, 200, 201, 202, 204}[rnd.IntN(5)]
			}
		}},
		{"OnBusyAgent", 3, func(r *mihutest.Rules, v int, _ *rand.Rand) { r.OnBusyAgent = mihutest.OnBusyAgent(v) }},
		refusalRule("AgentBusyStatus", func(r *mihutest.Rules) *int { return &r.AgentBusyStatus }),
		{"OnBusyAssign", 4, func(r *mihutest.Rules, v int, _ *rand.Rand) {
			if v > 0 {
				r.OnBusyAssign = new(mihutest.OnBusyAgent(v - 1))
			}
		}},
		refusalRule("AssignBusyStatus", func(r *mihutest.Rules) *int { return &r.AssignBusyStatus }),
		refusalRule("UnknownAgentStatus", func(r *mihutest.Rules) *int { return &r.UnknownAgentStatus }),
		refusalRule("MalformedAgentStatus", func(r *mihutest.Rules) *int { return &r.MalformedAgentStatus }),
		successRule("CreateStatus", func(r *mihutest.Rules) *int { return &r.CreateStatus }),
		successRule("UpdateStatus", func(r *mihutest.Rules) *int { return &r.UpdateStatus }),
		successRule("AssignStatus", func(r *mihutest.Rules) *int { return &r.AssignStatus }),
		successRule("DeleteStatus", func(r *mihutest.Rules) *int { return &r.DeleteStatus }),
		{"DeleteBody", 3, func(r *mihutest.Rules, v int, _ *rand.Rand) { r.DeleteBody = mihutest.DeleteBody(v) }},
		refusalRule("AssignSameStatus", func(r *mihutest.Rules) *int { return &r.AssignSameStatus }),
		refusalRule("EmptyUpdateStatus", func(r *mihutest.Rules) *int { return &r.EmptyUpdateStatus }),
		refusalRule("UnknownTrunkStatus", func(r *mihutest.Rules) *int { return &r.UnknownTrunkStatus }),
		{"UnknownTrunkStatuses", 4, func(r *mihutest.Rules, v int, rnd *rand.Rand) {
			if v > 0 {
				r.UnknownTrunkStatuses = map[string]int{[]string{"", "PATCH", "PUT", "DELETE"}[v]: anyRefusal(rnd)}
			}
		}},
		flagRule("DeleteMissing", func(r *mihutest.Rules) *bool { return &r.DeleteMissing }),
		flagRule("UnboundUnknown", func(r *mihutest.Rules) *bool { return &r.UnboundUnknown }),
		flagRule("UnboundDeleted", func(r *mihutest.Rules) *bool { return &r.UnboundDeleted }),
		refusalRule("UnknownNumberStatus", func(r *mihutest.Rules) *int { return &r.UnknownNumberStatus }),
		flagRule("RefuseEmptyName", func(r *mihutest.Rules) *bool { return &r.RefuseEmptyName }),
		flagRule("RefuseEmptyPort", func(r *mihutest.Rules) *bool { return &r.RefuseEmptyPort }),
		refusalRule("EmptyNameStatus", func(r *mihutest.Rules) *int { return &r.EmptyNameStatus }),
		refusalRule("EmptyPortStatus", func(r *mihutest.Rules) *int { return &r.EmptyPortStatus }),
		refusalRule("ValidationStatus", func(r *mihutest.Rules) *int { return &r.ValidationStatus }),
		refusalRule("MalformedJSONStatus", func(r *mihutest.Rules) *int { return &r.MalformedJSONStatus }),
		refusalRule("MissingTokenStatus", func(r *mihutest.Rules) *int { return &r.MissingTokenStatus }),
		refusalRule("UnknownRouteStatus", func(r *mihutest.Rules) *int { return &r.UnknownRouteStatus }),
		flagRule("AcceptNull", func(r *mihutest.Rules) *bool { return &r.AcceptNull }),
		flagRule("IgnoreUnknownFields", func(r *mihutest.Rules) *bool { return &r.IgnoreUnknownFields }),
		flagRule("IgnoreUnknownParameters", func(r *mihutest.Rules) *bool { return &r.IgnoreUnknownParameters }),
		flagRule("UpdatedAt", func(r *mihutest.Rules) *bool { return &r.UpdatedAt }),
		flagRule("UpdateKeepsTime", func(r *mihutest.Rules) *bool { return &r.UpdateKeepsTime }),
		{"TimeFormat", 3, func(r *mihutest.Rules, v int, _ *rand.Rand) { r.TimeFormat = mihutest.TimeFormat(v) }},
		flagRule("AnyAgent", func(r *mihutest.Rules) *bool { return &r.AnyAgent }),
		flagRule("NoPagination", func(r *mihutest.Rules) *bool { return &r.NoPagination }),
		flagRule("PerPageOnly", func(r *mihutest.Rules) *bool { return &r.PerPageOnly }),
		flagRule("NewestFirst", func(r *mihutest.Rules) *bool { return &r.NewestFirst }),
		{"MaxPerPage", 5, func(r *mihutest.Rules, v int, rnd *rand.Rand) {
			r.MaxPerPage = []int{0, 1, 100, 50, 1 + rnd.IntN(200)}[v]
		}},
		flagRule("ClampPerPage", func(r *mihutest.Rules) *bool { return &r.ClampPerPage }),
		refusalRule("PerPageStatus", func(r *mihutest.Rules) *int { return &r.PerPageStatus }),
		{"OnPageAfterLast", 3, func(r *mihutest.Rules, v int, _ *rand.Rand) { r.OnPageAfterLast = mihutest.OnPageAfterLast(v) }},
		refusalRule("PageAfterLastStatus", func(r *mihutest.Rules) *int { return &r.PageAfterLastStatus }),
		{"ErrorShape", 3, func(r *mihutest.Rules, v int, _ *rand.Rand) { r.ErrorShape = mihutest.ErrorShape(v) }},
		{"ErrorShapes", 3, func(r *mihutest.Rules, v int, rnd *rand.Rand) {
			if v > 0 {
				r.ErrorShapes = map[int]mihutest.ErrorShape{}
				for _, s := range []int{400, 401, 404, 409, 422, anyRefusal(rnd)} {
					r.ErrorShapes[s] = mihutest.ErrorShape(rnd.IntN(3))
				}
			}
		}},
		{"ErrorField", 3, func(r *mihutest.Rules, v int, _ *rand.Rand) { r.ErrorField = mihutest.ErrorField(v) }},
		{"RequestIDHeaders", 3, func(r *mihutest.Rules, v int, _ *rand.Rand) {
			r.RequestIDHeaders = [][]string{nil, {}, {"Cf-Ray", "X-Request-Id"}}[v]
		}},
		{"RateLimitHeaders", 2, func(r *mihutest.Rules, v int, _ *rand.Rand) {
			r.RateLimitHeaders = [][]string{nil, {"X-Ratelimit-Limit", "X-Ratelimit-Remaining"}}[v]
		}},
		{"ClockSkew", 3, func(r *mihutest.Rules, v int, _ *rand.Rand) {
			r.ClockSkew = []time.Duration{0, 3 * time.Minute, -4 * time.Second}[v]
		}},
		{"Paging", 7, func(r *mihutest.Rules, v int, _ *rand.Rand) { r.SuccessShape.Paging = mihutest.Paging(v) }},
		flagRule("IgnorePage", func(r *mihutest.Rules) *bool { return &r.SuccessShape.IgnorePage }),
		{"ItemsKey", 2, func(r *mihutest.Rules, v int, _ *rand.Rand) { r.SuccessShape.ItemsKey = []string{"", "data"}[v] }},
		flagRule("Wrapped", func(r *mihutest.Rules) *bool { return &r.SuccessShape.Wrapped }),
		flagRule("OmitSuccess", func(r *mihutest.Rules) *bool { return &r.SuccessShape.OmitSuccess }),
		flagRule("ByteOrderMark", func(r *mihutest.Rules) *bool { return &r.SuccessShape.ByteOrderMark }),
		{"ReadLag", 5, func(r *mihutest.Rules, v int, rnd *rand.Rand) {
			r.ReadLag = []time.Duration{0, 250 * time.Millisecond, 2 * time.Second, 20 * time.Second, time.Duration(rnd.Int64N(int64(11 * time.Second)))}[v]
		}},
	}
}

// Random returns the set of rules of a seed. Some sets have few rules that differ from the default, and
// some have many.
func Random(seed uint64) mihutest.Rules {
	rnd := rand.New(rand.NewPCG(seed, 20261128)) //nolint:gosec // the same for a seed every time
	return some(rnd, rnd.Float64())
}

// Sparse is Random with few rules that differ from the default: about five.
func Sparse(seed uint64) mihutest.Rules {
	rnd := rand.New(rand.NewPCG(seed, 20261129)) //nolint:gosec // the same for a seed every time
	return some(rnd, 0.2*rnd.Float64())
}

// some sets a share of the rules.
func some(rnd *rand.Rand, share float64) mihutest.Rules {
	var rules mihutest.Rules
	for _, c := range Choices() {
		if rnd.Float64() < share {
			c.Set(&rules, rnd.IntN(c.Values), rnd)
		}
	}
	return rules
}

// Refuses reports whether a probe cannot see the whole workspace under these rules: page is ignored, and
// a page need not have all numbers.
func Refuses(rules mihutest.Rules) bool {
	if !rules.PerPageOnly || rules.NoPagination || rules.SuccessShape.IgnorePage {
		return false
	}
	switch rules.SuccessShape.Paging {
	case mihutest.PagingCursor:
		return false
	case mihutest.PagingPartial, mihutest.PagingArray, mihutest.PagingNone:
		return true
	default:
		return rules.MaxPerPage > 0 && rules.MaxPerPage < 4
	}
}
