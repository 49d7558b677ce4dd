package probe_test

import (
	"errors"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu/internal/probe"
	"github.com/mihu-go/mihu/mihutest"
)

// choice sets one rule to one of its values. Value 0 is the default.
type choice struct {
	name   string
	values int
	set    func(r *mihutest.Rules, value int, rnd *rand.Rand)
}

func anyRefusal(rnd *rand.Rand) int { return 400 + rnd.IntN(100) }

func refusalRule(name string, field func(*mihutest.Rules) *int) choice {
	return choice{name, 3, func(r *mihutest.Rules, value int, rnd *rand.Rand) {
		*field(r) = []int{0, []int{401, 403, 429, 404, 409, 422}[rnd.IntN(6)], anyRefusal(rnd)}[value]
	}}
}

func successRule(name string, field func(*mihutest.Rules) *int) choice {
	return choice{name, 5, func(r *mihutest.Rules, value int, _ *rand.Rand) { *field(r) = []int{0, 200, 201, 202, 204}[value] }}
}

func flagRule(name string, field func(*mihutest.Rules) *bool) choice {
	return choice{name, 2, func(r *mihutest.Rules, value int, _ *rand.Rand) { *field(r) = value == 1 }}
}

// choices are all rules that a probe can see.
func choices() []choice {
	return []choice{
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

// observe probes a new server with these rules, and checks that nothing else was touched.
func observe(t *testing.T, rules mihutest.Rules, change func(*probe.Options)) (*probe.Result, []byte) {
	t.Helper()
	var result *probe.Result
	var text []byte
	synctest.Test(t, func(t *testing.T) {
		srv := workspace(t, rules)
		before := srv.Trunks()
		journal := new(probe.Memory)
		o := options(srv, journal)
		if change != nil {
			change(&o)
		}
		var err error
		result, err = probe.Run(t.Context(), o)
		require.NoError(t, err, "%+v", rules)
		require.Equal(t, before, srv.Trunks(), "%+v", rules)
		require.True(t, journal.Ended)
		result.Report.Date = "2026-01-02"
		text, err = result.Report.Write()
		require.NoError(t, err)
	})
	return result, text
}

// roundTrip checks that the report of a server whose rules come from a report is that report.
func roundTrip(t *testing.T, rules mihutest.Rules, change func(*probe.Options)) *probe.Result {
	t.Helper()
	first, text := observe(t, rules, change)
	read, _, err := mihutest.ReadRules(text)
	if !assert.NoError(t, err, "%+v", rules) {
		t.Log(string(text))
		t.FailNow()
	}
	_, again := observe(t, read, change)
	if !assert.Equal(t, string(text), string(again), "%+v\n%+v", rules, read) {
		t.FailNow()
	}
	return first
}

// refused checks that a probe does not begin.
func refused(t *testing.T, rules mihutest.Rules) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv := workspace(t, rules)
		_, err := probe.Run(t.Context(), options(srv, new(probe.Memory)))
		_, ok := errors.AsType[*probe.RefusedError](err)
		require.True(t, ok, "%v\n%+v", err, rules)
		for _, r := range srv.Requests() {
			require.Equal(t, http.MethodGet, r.Method)
		}
	})
}

func one(o *probe.Options) { o.Numbers, o.Agents = o.Numbers[:1], o.Agents[:1] }

// sets is how many random sets of rules are tried; PROBE_TEST_SETS overrides it.
func sets(t *testing.T, byDefault int) int {
	t.Helper()
	if text := os.Getenv("PROBE_TEST_SETS"); text != "" {
		n, err := strconv.Atoi(text)
		require.NoError(t, err)
		return n
	}
	if testing.Short() {
		return byDefault / 4
	}
	return byDefault
}

func random(seed uint64) mihutest.Rules {
	rnd := rand.New(rand.NewPCG(seed, 20261128))
	var rules mihutest.Rules
	share := rnd.Float64()
	for _, c := range choices() {
		if rnd.Float64() < share {
			c.set(&rules, rnd.IntN(c.values), rnd)
		}
	}
	return rules
}

func TestRoundTripOfRandomRules(t *testing.T) {
	t.Parallel()
	most := map[int]int{}
	for seed := range sets(t, 200) {
		rules := random(uint64(seed))
		if refuses(rules) {
			refused(t, rules)
			continue
		}
		change, targets := (func(*probe.Options))(nil), 2
		if seed%4 == 3 {
			change, targets = one, 1
		}
		result := roundTrip(t, rules, change)
		most[targets] = max(most[targets], result.Requests-result.Preflight)
	}
	t.Logf("most requests, by numbers: %v", most)
	assert.LessOrEqual(t, most[2], 80)
	assert.LessOrEqual(t, most[1], 45)
}

// refuses reports whether a probe cannot see the whole workspace under these rules: page is ignored, and
// a page need not have all numbers.
func refuses(rules mihutest.Rules) bool {
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
