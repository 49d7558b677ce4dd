package probe_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu/internal/probe"
	"github.com/mihu-go/mihu/internal/probe/probetest"
	"github.com/mihu-go/mihu/internal/probe/report"
	"github.com/mihu-go/mihu/mihutest"
)

// attempt probes a new server with these rules, and checks that nothing else was touched.
func attempt(t *testing.T, rules mihutest.Rules, change func(*probe.Options)) (result *probe.Result, text []byte, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv := workspace(t, rules)
		before := srv.Trunks()
		journal := new(probe.Memory)
		o := options(srv, journal)
		if change != nil {
			change(&o)
		}
		result, err = probe.Run(t.Context(), o)
		assert.Equal(t, before, srv.Trunks(), "%+v", rules)
		if err == nil {
			assert.True(t, journal.Ended)
			result.Report.Date = "2026-01-02"
			text, err = result.Report.Write()
		}
	})
	return result, text, err
}

// observe is attempt for rules under which a probe ends well.
func observe(t *testing.T, rules mihutest.Rules, change func(*probe.Options)) (*probe.Result, []byte) {
	t.Helper()
	result, text, err := attempt(t, rules, change)
	require.NoError(t, err, "%+v", rules)
	return result, text
}

// roundTrip checks that the report of a server whose rules come from a report is that report. The result
// is nil if it is not, or if the probe ends with an error.
func roundTrip(t *testing.T, name string, rules mihutest.Rules, change func(*probe.Options)) *probe.Result {
	t.Helper()
	first, text, err := attempt(t, rules, change)
	if !assert.NoError(t, err, "%s: %+v", name, rules) {
		return nil
	}
	read, _, err := mihutest.ReadRules(text)
	if !assert.NoError(t, err, "%s: %+v", name, rules) {
		return nil
	}
	_, again, err := attempt(t, read, change)
	if !assert.NoError(t, err, "%s: %+v", name, read) {
		return nil
	}
	if strings.Contains(string(text), "request limit") { // what was not asked may cost fewer requests
		if assert.Empty(t, disagreements(t, text, again), "%s: %+v\n%+v", name, rules, read) {
			return first
		}
		return nil
	}
	if !assert.Equal(t, string(text), string(again), "%s: %+v\n%+v", name, rules, read) {
		return nil
	}
	return first
}

// parts are the answers that grow with the number of responses.
var parts = []string{"error.shapes", "error.field"}

// disagreements returns the answers of a report that another does not have.
func disagreements(t *testing.T, text, other []byte) (questions []string) {
	t.Helper()
	one, err := report.Read(text)
	require.NoError(t, err)
	two, err := report.Read(other)
	require.NoError(t, err)
	for _, o := range one.Observations {
		if o.Observed != "" && !slices.Contains(parts, o.Question) && o.Observed != two.Observed(o.Question) {
			questions = append(questions, fmt.Sprintf("%s: %s, then %s", o.Question, o.Observed, two.Observed(o.Question)))
		}
	}
	return questions
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

func whatsApp(o *probe.Options) { o.WhatsApp = true }

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

// check is roundTrip, or a refusal where a probe must not begin. It returns how many requests the probe
// sent beside the preflight.
func check(t *testing.T, name string, rules mihutest.Rules, change func(*probe.Options)) (requests int) {
	t.Helper()
	if probetest.Refuses(rules) {
		refused(t, rules)
		return 0
	}
	if result := roundTrip(t, name, rules, change); result != nil {
		requests = result.Requests - result.Preflight
	}
	return requests
}

// Random sets of rules that have found mistakes, with all kinds of targets.
func TestRoundTripOfTellingRules(t *testing.T) {
	t.Parallel()
	for _, seed := range []uint64{1, 12, 361, 576, 769, 970, 1933} {
		for name, test := range map[string]struct {
			change func(*probe.Options)
			most   int
		}{"two of each": {nil, 80}, "one of each": {one, 45}, "with WhatsApp": {whatsApp, 80}} {
			requests := check(t, fmt.Sprint("seed ", seed, " ", name), probetest.Random(seed), test.change)
			assert.LessOrEqual(t, requests, test.most, "seed %d %s", seed, name)
		}
	}
}

// With any rules, the report can be read back, and the requests stay within their limits.
func TestRoundTripOfRandomRules(t *testing.T) {
	t.Parallel()
	most := map[int]int{}
	for seed := range sets(t, 120) {
		change, targets := (func(*probe.Options))(nil), 2
		switch seed % 8 {
		case 3, 7:
			change, targets = one, 1
		case 5:
			change = whatsApp
		}
		requests := check(t, fmt.Sprint("seed ", seed), probetest.Random(uint64(seed)), change)
		most[targets] = max(most[targets], requests)
		if t.Failed() {
			t.FailNow()
		}
	}
	t.Logf("most requests, by numbers: %v", most)
	assert.LessOrEqual(t, most[2], 80)
	assert.LessOrEqual(t, most[1], 45)
}

// pairs calls do for each pair of rules, with each pair of their values, and for each rule alone.
func pairs(do func(i int, name string, rules mihutest.Rules)) (count int) {
	all := probetest.Choices()
	try := func(name string, set ...func(*mihutest.Rules, *rand.Rand)) {
		var rules mihutest.Rules
		rnd := rand.New(rand.NewPCG(uint64(count), 20261128))
		for _, each := range set {
			each(&rules, rnd)
		}
		do(count, name, rules)
		count++
	}
	value := func(c probetest.Choice, v int) func(*mihutest.Rules, *rand.Rand) {
		return func(r *mihutest.Rules, rnd *rand.Rand) { c.Set(r, v, rnd) }
	}
	for i, a := range all {
		for v := range a.Values {
			if v > 0 {
				try(fmt.Sprint(a.Name, " ", v), value(a, v))
			}
			for _, b := range all[i+1:] {
				for w := range b.Values {
					if v > 0 && w > 0 {
						try(fmt.Sprint(a.Name, " ", v, ", ", b.Name, " ", w), value(a, v), value(b, w))
					}
				}
			}
		}
	}
	return count
}

// everything reports whether all cases are tried, and not a sample of them.
func everything() bool { return os.Getenv("PROBE_TEST_SETS") != "" }

// Each pair of rules, with each pair of values, can be read back.
func TestRoundTripOfPairs(t *testing.T) {
	t.Parallel()
	most, tried, every := map[bool]int{}, 0, 97
	if everything() {
		every = 1
	}
	count := pairs(func(i int, name string, rules mihutest.Rules) {
		if i%every != 0 {
			return
		}
		tried++
		most[false] = max(most[false], check(t, name, rules, nil))
		if i%2 == 0 {
			most[true] = max(most[true], check(t, name+" with one of each", rules, one))
		}
	})
	t.Logf("%d of %d tried; most requests with two of each: %d, one of each: %d", tried, count, most[false], most[true])
	assert.LessOrEqual(t, most[false], 80)
	assert.LessOrEqual(t, most[true], 45)
}

// places are the statuses of refusals, by the question that shows them.
var places = map[string]func(r *mihutest.Rules, status int){
	"create.duplicate":     func(r *mihutest.Rules, status int) { r.DuplicateStatus = status },
	"duplicate.other":      func(r *mihutest.Rules, status int) { r.DuplicateStatus = status },
	"agent.busy":           func(r *mihutest.Rules, status int) { r.AgentBusyStatus = status },
	"agent.busy_assign":    func(r *mihutest.Rules, status int) { r.AssignBusyStatus = status },
	"agent.unknown":        func(r *mihutest.Rules, status int) { r.UnknownAgentStatus = status },
	"agent.malformed":      func(r *mihutest.Rules, status int) { r.MalformedAgentStatus = status },
	"assign.same":          func(r *mihutest.Rules, status int) { r.AssignSameStatus = status },
	"update.nothing":       func(r *mihutest.Rules, status int) { r.EmptyUpdateStatus = status },
	"unknown.update":       func(r *mihutest.Rules, status int) { r.UnknownTrunkStatus = status },
	"unknown.assign":       func(r *mihutest.Rules, status int) { r.UnknownTrunkStatuses = map[string]int{"PUT": status} },
	"unknown.delete":       func(r *mihutest.Rules, status int) { r.UnknownTrunkStatuses = map[string]int{"DELETE": status} },
	"delete.twice":         func(r *mihutest.Rules, status int) { r.UnknownTrunkStatus = status },
	"channels.unknown":     func(r *mihutest.Rules, status int) { r.UnknownNumberStatus = status },
	"read.after_delete":    func(r *mihutest.Rules, status int) { r.UnknownNumberStatus = status },
	"update.name_empty":    func(r *mihutest.Rules, status int) { r.RefuseEmptyName, r.EmptyNameStatus = true, status },
	"update.port_empty":    func(r *mihutest.Rules, status int) { r.RefuseEmptyPort, r.EmptyPortStatus = true, status },
	"update.null":          func(r *mihutest.Rules, status int) { r.ValidationStatus = status },
	"update.unknown_field": func(r *mihutest.Rules, status int) { r.ValidationStatus = status },
	"error.query_unknown":  func(r *mihutest.Rules, status int) { r.ValidationStatus = status },
	"error.malformed_json": func(r *mihutest.Rules, status int) { r.MalformedJSONStatus = status },
	"auth.missing":         func(r *mihutest.Rules, status int) { r.MissingTokenStatus = status },
	"error.route":          func(r *mihutest.Rules, status int) { r.UnknownRouteStatus = status },
	"list.max":             func(r *mihutest.Rules, status int) { r.MaxPerPage, r.PerPageStatus = 100, status },
	"list.after_last": func(r *mihutest.Rules, status int) {
		r.OnPageAfterLast, r.PageAfterLastStatus = mihutest.NoSuchPage, status
	},
}

// Each status of a refusal is seen as it is, in each place.
func TestRoundTripOfStatuses(t *testing.T) {
	t.Parallel()
	most, tried := 0, 0
	for i, question := range slices.Sorted(maps.Keys(places)) {
		for status := 400; status < 500; status++ {
			special := slices.Contains([]int{401, 403, 404, 429}, status)
			if !everything() && !special && status%50 != i {
				continue
			}
			var rules mihutest.Rules
			places[question](&rules, status)
			name := fmt.Sprint(question, " with ", status)
			result := roundTrip(t, name, rules, func(o *probe.Options) { o.MaxRequests = 100 }) // no question is cut
			if result == nil {
				continue
			}
			tried++
			most = max(most, result.Requests-result.Preflight)
			want := fmt.Sprint("refused ", status)
			if question == "list.max" {
				want = "100, larger " + want
			}
			assert.Equal(t, want, result.Report.Observed(question), name)
		}
	}
	t.Logf("%d tried; most requests: %d", tried, most)
	assert.LessOrEqual(t, most, 80)
}
