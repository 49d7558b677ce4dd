package probe_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/mihu-go/mihu/internal/probe"
	"github.com/mihu-go/mihu/internal/probe/probetest"
	"github.com/mihu-go/mihu/mihutest"
)

const (
	numberOne, numberTwo = probetest.NumberOne, probetest.NumberTwo
	agentOne, agentTwo   = probetest.AgentOne, probetest.AgentTwo
)

func workspace(t *testing.T, rules mihutest.Rules) *mihutest.Server {
	t.Helper()
	return probetest.Workspace(t, rules)
}

func options(srv *mihutest.Server, journal probe.Journal) probe.Options {
	return probetest.Options(srv, journal)
}

// byDefault is what a probe with two numbers and two agents observes under the default rules. An answer
// in parentheses is the reason why there is none.
var byDefault = map[string]string{
	"agents.shape":         "as documented",
	"auth.missing":         "refused 401",
	"channels.unknown":     "refused 404",
	"error.route":          "refused 404",
	"unknown.update":       "refused 404",
	"unknown.delete":       "refused 404",
	"unknown.assign":       "refused 404",
	"agent.unknown":        "refused 422",
	"agent.malformed":      "refused 422",
	"error.malformed_json": "refused 400",
	"create.status":        "accepted 201",
	"create.body":          "channels",
	"read.again":           "yes",
	"create.duplicate":     "refused 409",
	"duplicate.other":      "refused 409",
	"assign.same":          "accepted 200",
	"update.moves_time":    "(not observable: there is no time)",
	"update.status":        "accepted 200",
	"update.name_empty":    "accepted 200",
	"update.port_empty":    "accepted 200",
	"update.null":          "refused 422",
	"update.unknown_field": "refused 422",
	"update.nothing":       "accepted 200",
	"error.query_unknown":  "refused 422",
	"list.paging":          "page and per_page",
	"list.after_last":      "empty",
	"agent.busy_assign":    "refused 409",
	"delete.status":        "accepted 200",
	"read.after_delete":    "refused 404",
	"delete.twice":         "refused 404",
	"agent.busy":           "refused 409",
	"assign.status":        "accepted 200",
	"whatsapp.trunk":       "(not asked: sends channel whatsapp)",
	"whatsapp.direction":   "(not asked: sends channel whatsapp)",
	"list.order":           "oldest first",
	"list.shows":           "each once",
	"list.times":           "null",
	"list.members":         "full",
	"list.items":           "items",
	"list.max":             "200",
	"delete.body":          "message",
	"read.after_write":     "at once",
	"http.protocol":        "HTTP/1.1",
	"http.clock":           "right",
	"http.request_id":      "X-Request-Id",
	"http.rate_limit":      "none",
	"success.shape":        "as documented",
	"success.values":       "as documented",
	"error.shapes":         "400 envelope, 401 envelope, 404 envelope, 409 envelope, 422 envelope",
	"error.field":          "with 422",
}

// optionalQuestions are asked only if requests are left.
var optionalQuestions = []string{
	"agent.malformed", "error.malformed_json", "read.again", "update.null", "update.unknown_field", "update.nothing", "error.query_unknown",
}

const (
	needsNumbers = "(not asked: needs two numbers)"
	needsAgents  = "(not asked: needs two agents)"
)

// What a probe observes under the default rules, and how many requests that takes beside the preflight.
func TestDefault(t *testing.T) {
	t.Parallel()
	oneNumber := map[string]string{"agent.busy": needsNumbers, "agent.busy_assign": needsNumbers}
	for name, test := range map[string]struct {
		numbers, agents    int
		whatsApp           bool
		differs            map[string]string
		requests, optional int // beside the preflight: all, and those of the optional questions
		preflight          int
	}{
		"two numbers and two agents": {numbers: 2, agents: 2, requests: 52, optional: 11, preflight: 4},
		"one of each": {
			numbers: 1, agents: 1, requests: 36, optional: 11, preflight: 3,
			differs: merged(oneNumber, map[string]string{"duplicate.other": needsAgents, "assign.status": needsAgents}),
		},
		"two agents": {numbers: 1, agents: 2, requests: 43, optional: 11, preflight: 3, differs: oneNumber},
		"two numbers": {
			numbers: 2, agents: 1, requests: 45, optional: 11, preflight: 4,
			differs: map[string]string{"duplicate.other": needsAgents, "assign.status": needsAgents, "agent.busy_assign": needsAgents},
		},
		"with WhatsApp": {
			numbers: 2, agents: 2, whatsApp: true, requests: 57, optional: 11 + 4, preflight: 4,
			differs: map[string]string{"whatsapp.trunk": "accepted 201", "whatsapp.direction": "accepted 201"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result, _ := observe(t, mihutest.Rules{}, func(o *probe.Options) {
				o.Numbers, o.Agents, o.WhatsApp = o.Numbers[:test.numbers], o.Agents[:test.agents], test.whatsApp
			})
			got, optional := map[string]string{}, 0
			for _, o := range result.Report.Observations {
				got[o.Question] = o.Observed
				if o.Observed == "" {
					got[o.Question] = "(" + o.Missing + ")"
				}
				if slices.Contains(optionalQuestions, o.Question) || strings.HasPrefix(o.Question, "whatsapp.") {
					optional += len(o.Evidence)
				}
			}
			assert.Equal(t, merged(byDefault, test.differs), got)
			assert.Empty(t, result.Left)
			assert.Empty(t, result.Report.Stopped)
			assert.Empty(t, result.Report.Contract)
			assert.Equal(t, test.preflight, result.Preflight)
			assert.Equal(t, test.requests, result.Requests-result.Preflight)
			assert.Equal(t, test.optional, optional)
			most := 50
			if test.numbers == 1 && test.agents == 1 {
				most = 25
			}
			assert.LessOrEqual(t, test.requests-test.optional, most, "the questions that are not optional")
		})
	}
}

// merged returns the members of both, and of those that both have the one of changes.
func merged(all, changes map[string]string) map[string]string {
	both := maps.Clone(all)
	maps.Copy(both, changes)
	return both
}
