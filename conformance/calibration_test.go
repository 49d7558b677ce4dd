package conformance

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/internal/probe"
	"github.com/mihu-go/mihu/internal/probe/probetest"
	"github.com/mihu-go/mihu/internal/probe/report"
	"github.com/mihu-go/mihu/mihutest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// calibrations counts what became of random sets of rules.
type calibrations struct {
	probed, refused, stopped, clean, named, exchanges, violations int
	questions                                                     map[string]int // those that reports name
}

// A fake server with the rules of a report is valid under the contract, or the report names each
// question whose answer the contract does not allow. CALIBRATION_TEST_SETS is the number of sets of
// rules.
func TestCalibratedFakeIsValidOrTheReportSaysWhy(t *testing.T) {
	t.Parallel()
	newContract(t) // outside the bubbles
	sum := &calibrations{questions: map[string]int{}}
	for seed := range uint64(calibrationSets(t)) {
		rules := probetest.Random(seed)
		if seed%2 == 1 {
			rules = probetest.Sparse(seed)
		}
		if probetest.Refuses(rules) {
			sum.refused++
			continue
		}
		sum.calibrate(t, seed, rules)
	}
	t.Logf("%+v", *sum)
	assert.Positive(t, sum.clean)
	assert.Positive(t, sum.named)
	assert.Positive(t, sum.violations)
}

func calibrationSets(t *testing.T) int {
	t.Helper()
	text := os.Getenv("CALIBRATION_TEST_SETS")
	switch {
	case text != "":
		sets, err := strconv.Atoi(text)
		require.NoError(t, err)
		return sets
	case testing.Short():
		return 50
	}
	return 200
}

// calibrate probes a server with these rules, and judges a server that is calibrated by the report.
func (sum *calibrations) calibrate(t *testing.T, seed uint64, rules mihutest.Rules) {
	t.Helper()
	observed, text := observe(t, rules, varied(seed))
	read, _, err := mihutest.ReadRules(text)
	require.NoError(t, err, "seed %d", seed)
	exchanges := traffic(t, read)
	violations, problems := judge(t, observed, exchanges)
	require.Empty(t, problems, "seed %d: %+v", seed, rules)
	sum.probed++
	sum.exchanges += len(exchanges)
	sum.violations += violations
	if observed.Stopped != "" {
		sum.stopped++
	}
	for _, question := range observed.Contract {
		sum.questions[question]++
	}
	if len(observed.Contract) > 0 {
		sum.named++
		return
	}
	sum.clean++
	require.Zero(t, violations, "seed %d: the report names no question", seed)
}

// varied changes the options of some probes, so that they leave some questions open.
func varied(seed uint64) func(*probe.Options) {
	return func(o *probe.Options) {
		if seed%4 == 3 {
			o.Numbers, o.Agents = o.Numbers[:1], o.Agents[:1]
		}
		o.WhatsApp = seed%5 == 0
		if seed%7 == 0 {
			o.MaxRequests = 15 + int(seed%40)
		}
	}
}

// observe probes a new server, and returns the report and its JSON.
func observe(t *testing.T, rules mihutest.Rules, change func(*probe.Options)) (observed *report.Report, text []byte) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		options := probetest.Options(probetest.Workspace(t, rules), new(probe.Memory))
		change(&options)
		result, err := probe.Run(t.Context(), options)
		require.NoError(t, err, "%+v", rules)
		observed = result.Report
		text, err = observed.Write()
		require.NoError(t, err)
	})
	return observed, text
}

// judge checks the exchanges with a calibrated server, and counts those that are invalid under the
// contract. The report must have an answer that is about each deviation, and name each such question.
// Each question that it names must be about one. problems are where that is not so.
func judge(t *testing.T, observed *report.Report, exchanges []exchange) (violations int, problems []string) {
	t.Helper()
	seen := map[string]bool{}
	for _, e := range exchanges {
		found := deviations(t, &e)
		if e.response != nil {
			violations++
			if len(found) == 0 {
				problems = append(problems, fmt.Sprintf("a violation of an unknown kind: %v\n%s", e.response, e))
			}
		}
		for _, d := range found {
			named := false
			for _, o := range observed.Observations {
				if o.Observed == "" || !d.isAnswer(o.Question, o.Observed) {
					continue
				}
				if named, seen[o.Question] = true, true; !slices.Contains(observed.Contract, o.Question) {
					problems = append(problems, fmt.Sprintf("the report does not name %s: %s", o.Question, o.Observed))
				}
			}
			if !named {
				problems = append(problems, fmt.Sprintf("no answer is about %s: %v\n%s", d.what, e.response, e))
			}
		}
	}
	for _, question := range observed.Contract {
		if !seen[question] && !inWords(question) {
			problems = append(problems, fmt.Sprintf("no response is about %s: %s", question, observed.Observed(question)))
		}
	}
	return violations, problems
}

// inWords reports whether an answer to the question is judged by what the documentation says in
// words, which no schema has: who is refused, and with which status.
func inWords(question string) bool {
	return slices.Contains([]string{
		"auth.missing", "error.route", "error.malformed_json", "create.duplicate", "duplicate.other", "agent.busy", "agent.busy_assign", "update.port_empty",
		"list.max", "whatsapp.trunk", "whatsapp.direction",
	}, question)
}

// deviation is one way in which a response deviates from the contract.
type deviation struct {
	what string
	// isAnswer reports whether the answer to a question is about it, so that the contract does not allow
	// the answer.
	isAnswer func(question, observed string) bool
}

// form returns a deviation of the form of responses, and the questions that may have it as an answer.
func form(what, answer string, questions ...string) deviation {
	return deviation{what, func(question, observed string) bool {
		return slices.Contains(questions, question) && strings.Contains(observed, answer)
	}}
}

// deviations lists how a response deviates from the contract. It reads the response itself, so that the
// validator need not be asked for its reasons.
func deviations(t *testing.T, e *exchange) (found []deviation) {
	t.Helper()
	body, marked := bytes.CutPrefix(e.got, []byte("\ufeff"))
	if marked {
		found = append(found, form("a byte order mark", "byte order mark", "success.shape"))
	}
	if e.operation == "" || e.status >= http.StatusBadRequest {
		return found
	}
	if !newContract(t).has(e.operation, e.status) {
		found = append(found, statusDeviation(e))
	}
	switch {
	case e.status == http.StatusNoContent:
		return found
	case len(body) == 0:
		return append(found, form("no body", "empty", "delete.body"))
	}
	var object map[string]any
	require.NoError(t, json.Unmarshal(body, &object), "%s", e)
	if object["success"] != true {
		found = append(found, form("no success", "no success", "success.shape"))
	}
	data, isList := object["data"], strings.HasPrefix(e.operation, "list")
	if outer, ok := data.(map[string]any); ok && len(outer) == 1 && outer["data"] != nil {
		inner, nested := outer["data"].(map[string]any)
		if nested {
			data = inner
		}
		if nested || !isList { // a list may have its items there
			found = append(found, form("data in data", "wrapped", "success.shape"))
		}
	}
	if isList {
		return append(found, listDeviations(data)...)
	}
	if hasOtherTime(data) {
		found = append(found, otherTime)
	}
	return found
}

// statusDeviation returns that of a status that the operation does not have.
func statusDeviation(e *exchange) deviation {
	questions := map[string][]string{
		"createTrunk": {"create.", "duplicate.", "agent.", "whatsapp."},
		"updateTrunk": {"update."},
		"assignTrunk": {"assign.", "agent.busy_assign"},
		"deleteTrunk": {"delete.", "unknown.delete"},
	}[e.operation]
	return deviation{fmt.Sprint("status ", e.status), func(question, observed string) bool {
		isAbout := slices.ContainsFunc(questions, func(prefix string) bool { return strings.HasPrefix(question, prefix) })
		isBody := strings.HasSuffix(question, ".body") && observed == "no body" && e.status == http.StatusNoContent
		return isAbout && (isBody || strings.HasSuffix(observed, fmt.Sprint(" ", e.status)))
	}}
}

// listDeviations returns those of a list with this data.
func listDeviations(data any) (found []deviation) {
	object, _ := data.(map[string]any)
	items, ok := object["items"].([]any)
	if !ok {
		found = append(found, deviation{"no items", func(question, observed string) bool {
			withoutItems := slices.Contains([]string{"array", "framework", "simple"}, observed)
			return question == "list.members" && withoutItems || question == "list.items" && observed != "items" ||
				question == "success.shape" && strings.Contains(observed, "wrapped")
		}})
		if items, ok = data.([]any); !ok {
			items, _ = object["data"].([]any)
		}
	}
	if slices.ContainsFunc(items, hasOtherTime) {
		return append(found, otherTime)
	}
	return found
}

var otherTime = deviation{"a time of another form", func(question, observed string) bool {
	return question == "list.times" && observed != "null" && observed != "absent" && observed != "RFC 3339"
}}

// hasOtherTime reports whether a number has a time that is not in the form of RFC 3339.
func hasOtherTime(item any) bool {
	object, _ := item.(map[string]any)
	at := object["updated_at"]
	text, isText := at.(string)
	_, err := time.Parse(time.RFC3339, text)
	return at != nil && (!isText || err != nil)
}

// has reports whether an operation has a success with this status.
func (c *contract) has(operation string, status int) bool {
	for _, path := range c.doc.Paths.Map() {
		for _, op := range path.Operations() {
			if op.OperationID == operation {
				return op.Responses.Status(status) != nil
			}
		}
	}
	return false
}

// traffic sends the requests of ordinary users to a server with these rules, and returns the exchanges.
func traffic(t *testing.T, rules mihutest.Rules) (exchanges []exchange) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv := probetest.Workspace(t, rules)
		place := settle(t, srv, rules)
		check := newChecker(t, srv.HTTPClient().Transport)
		for _, r := range place.requests() {
			send(t, srv, check, r.method, r.path, r.body, r.header)
		}
		for _, r := range refusals() {
			if !r.fits { // the others are about another workspace
				send(t, srv, check, r.method, r.path, r.body, r.header)
			}
		}
		exchanges = check.take()
	})
	return exchanges
}

// settlers are trunks with an agent each, for requests that do not depend on each other.
type settlers struct {
	numbers, agents []string // the first seven numbers have a trunk of the agent with the same index
	uuid            string   // of the first number
}

// settle adds the trunks to a workspace, and waits until reads show them.
func settle(t *testing.T, srv *mihutest.Server, rules mihutest.Rules) *settlers {
	t.Helper()
	s := &settlers{}
	for i := range 12 {
		s.numbers = append(s.numbers, fmt.Sprintf("+120255503%02d", i))
		s.agents = append(s.agents, srv.AddAgent(fmt.Sprint("settler ", i)))
		if i < 7 {
			id := mihu.TrunkID{PhoneNumber: s.numbers[i], Channel: mihu.ChannelCall}
			require.NoError(t, srv.AddTrunk(mihutest.Trunk{ID: id, AgentUUID: s.agents[i]}))
			trunk, _ := srv.Trunk(id)
			if i == 0 {
				s.uuid = trunk.PhoneNumberUUID
			}
		}
	}
	require.NoError(t, srv.AddRates(mihu.Rate{CountryCode: "IT", DestinationPrefix: "39", Price: mihu.Price{Amount: "0.1", Currency: "EUR"}}))
	time.Sleep(rules.ReadLag)
	return s
}

// requests are those of ordinary traffic: what changes something, what is read before and after it, and
// what is refused.
func (s *settlers) requests() []refusal {
	const trunks, assigned = "/phone-numbers/trunks", "/phone-numbers/trunks/assign"
	ask := func(method, path string, body map[string]any) refusal {
		text := ""
		if body != nil {
			encoded, err := json.Marshal(body)
			text = string(encoded)
			if err != nil {
				text = err.Error()
			}
		}
		return refusal{method: method, path: path, body: text}
	}
	create := func(number, agent string) refusal {
		return ask("POST", trunks, map[string]any{"phone_number": number, "channel": "call", "agent_uuid": agent})
	}
	update := func(number, field string, value any) refusal {
		return ask("PATCH", trunks, map[string]any{"phone_number": number, "channel": "call", field: value})
	}
	assign := func(number, agent string) refusal {
		return ask("PUT", assigned, map[string]any{"phone_number": number, "channel": "call", "agent_uuid": agent})
	}
	remove := func(number, channel string) refusal {
		return ask("DELETE", trunks+"?channel="+channel+"&phone_number="+strings.TrimPrefix(number, "+"), nil)
	}
	get := func(path string) refusal { return ask("GET", path, nil) }
	channels := func(number string) refusal { return get("/phone-numbers/channels?number=%2B" + number[1:]) }
	n, a := s.numbers, s.agents
	all := []refusal{
		// Creates: new, on WhatsApp, again, with another agent, of a busy, unknown and malformed agent, purchased.
		create(n[8], a[8]), channels(n[8]),
		ask("POST", trunks, map[string]any{
			"phone_number": n[8], "channel": "whatsapp", "agent_uuid": a[8], "name": "Chat", "direction": "inbound", "additional_settings": settings,
		}),
		create(n[0], a[0]), create(n[0], a[9]), channels(n[0]),
		create(n[9], a[1]), create(n[10], nobody), create(n[11], "x"), create(probetest.Purchased, a[10]),
		// Updates, also of nothing and of what the contract does not have.
		update(n[2], "name", "Desk"), update(n[2], "name", ""), update(n[2], "sip", map[string]any{"port": ""}), update(n[2], "sip", map[string]any{"port": 5060}),
		update(n[2], "additional_settings", map[string]any{}), update(n[2], "direction", "both"), update(n[2], "name", nil), update(n[2], "shade", "red"),
		update(n[2], "channel", "call"), update(n[11], "name", "Desk"), channels(n[2]),
		// Assignments: to a free, the same, a busy and an unknown agent, and of no trunk.
		assign(n[3], a[11]), assign(n[4], a[4]), assign(n[5], a[6]), assign(n[4], nobody), assign(n[11], a[3]), channels(n[3]),
	}
	all = append(all, lists()...)
	return append(
		all,
		get("/phone-numbers/"+s.uuid+"/channels"), get("/phone-numbers/"+nobody+"/channels"), channels(n[11]), channels(probetest.Purchased),
		ask("PATCH", "/phone-numbers/"+s.uuid, map[string]any{"channel_settings": map[string]any{"inbound": map[string]any{"enabled": false}}}),
		// Deletions: of a trunk, again, on another channel, and of no trunk.
		remove(n[4], "call"), remove(n[4], "call"), remove(n[8], "whatsapp"), remove(n[11], "call"), channels(n[4]),
		get(trunks),
	)
}

// lists are requests for lists.
func lists() (all []refusal) {
	for _, path := range []string{"/phone-numbers/trunks", "/phone-numbers", "/agents", "/phone-numbers/rates"} {
		for _, query := range []string{"", "?page=1&per_page=1", "?page=2&per_page=3", "?per_page=200", "?page=99", "?cursor=after-1", "?page=0", "?per_page=201", "?x=1"} {
			all = append(all, refusal{method: "GET", path: path + query})
		}
	}
	return all
}

// The statuses that reports call a contradiction are those that the contract does not have.
func TestReportsJudgeStatusesByTheContract(t *testing.T) {
	t.Parallel()
	for operation, questions := range map[string][]string{
		"createTrunk":         {"create.status", "agent.unknown", "agent.malformed", "whatsapp.trunk", "whatsapp.direction"},
		"updateTrunk":         {"update.status", "update.name_empty", "update.port_empty", "update.null", "update.unknown_field", "update.nothing", "unknown.update"},
		"assignTrunk":         {"assign.status", "assign.same", "unknown.assign"},
		"deleteTrunk":         {"delete.status", "delete.twice", "unknown.delete"},
		"getChannelsByNumber": {"channels.unknown", "read.after_delete"},
		"listAgents":          {"error.query_unknown"},
	} {
		for _, question := range questions {
			verb := map[string]string{"channels.unknown": "unbound", "read.after_delete": "unbound"}[question]
			for status := 200; status < 300; status++ {
				observed := fmt.Sprint(cmp.Or(verb, "accepted"), " ", status)
				assert.Equal(t, newContract(t).has(operation, status), !report.Contradicts(question, observed), "%s: %s", question, observed)
			}
			// Each operation may respond with any error, but what is sure to succeed must succeed.
			succeeds := inWords(question) || strings.HasSuffix(question, ".status")
			for status := 400; status < 500; status++ {
				assert.Equal(t, succeeds, report.Contradicts(question, fmt.Sprint("refused ", status)), "%s: refused %d", question, status)
			}
		}
	}
	for path, item := range newContract(t).doc.Paths.Map() {
		for method, operation := range item.Operations() {
			assert.NotNil(t, operation.Responses.Default(), "%s %s may not respond with any error", method, path)
		}
	}
}

// Where a question says that a status is documented, any other is a contradiction, and the page on the
// contract has it. The page has each success of the contract too.
func TestReportsJudgeStatusesByTheDocumentation(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/contract.md")
	require.NoError(t, err)
	observed, _ := observe(t, mihutest.Rules{}, func(*probe.Options) {})
	asked := map[string]string{}
	for _, o := range observed.Observations {
		if status, err := strconv.Atoi(o.Documented); err == nil {
			asked[o.Question] = o.Documented
			assert.Regexp(t, `(?m)^\| statuses .*\b`+o.Documented+`\b.* \| D \|$`, string(page))
			for other := 400; other < 500; other++ {
				assert.Equal(t, other != status, report.Contradicts(o.Question, fmt.Sprint("refused ", other)), "%s: %d", o.Question, other)
			}
		}
	}
	assert.Equal(t, map[string]string{"auth.missing": "401", "error.route": "404", "error.malformed_json": "400"}, asked)
	for _, item := range newContract(t).doc.Paths.Map() {
		for _, operation := range item.Operations() {
			for status := range operation.Responses.Map() {
				if status != "default" {
					assert.Regexp(t, `(?m)^\| .*\b`+status+`\b.* \| [DI] \|$`, string(page))
				}
			}
		}
	}
}

// The forms that reports call a contradiction are those that the contract does not allow.
func TestReportsJudgeFormsByTheContract(t *testing.T) {
	t.Parallel()
	const (
		item  = `{"number":"+12345678901","updated_at":null}`
		pages = `"pagination":{"current_page":1,"per_page":50,"total":1,"last_page":1,"from":1,"to":1,"has_more":false}`
		list  = "/phone-numbers/trunks"
	)
	timed := func(at string) string {
		return `{"success":true,"data":{"items":[` + strings.Replace(item, "null", at, 1) + `],` + pages + `}}`
	}
	snapshot := `{"success":true,"data":{"number":"+12345678901","is_external":true,"source":"external","channels":{}}}`
	for _, tt := range []struct {
		question, answer string
		method           string // "" is GET
		status           int    // 0 is 200
		body             string // the template of a list if there is no method
	}{
		{question: "list.members", answer: "full", body: `{"success":true,"data":{"items":[` + item + `],` + pages + `}}`},
		{question: "list.members", answer: "partial", body: `{"success":true,"data":{"items":[` + item + `],"pagination":{"current_page":1,"per_page":50}}}`},
		{question: "list.members", answer: "framework", body: `{"success":true,"data":{"current_page":1,"data":[` + item + `],"last_page":1,"total":1}}`},
		{question: "list.members", answer: "simple", body: `{"success":true,"data":{"current_page":1,"data":[` + item + `],"next_page_url":null}}`},
		{question: "list.members", answer: "array", body: `{"success":true,"data":[` + item + `]}`},
		{question: "list.members", answer: "cursor", body: `{"success":true,"data":{"items":[` + item + `],"next_cursor":null}}`},
		{question: "list.members", answer: "none", body: `{"success":true,"data":{"items":[` + item + `]}}`},
		{question: "list.items", answer: "items", body: `{"success":true,"data":{"items":[` + item + `]}}`},
		{question: "list.items", answer: "results", body: `{"success":true,"data":{"results":[` + item + `]}}`},
		{question: "list.times", answer: "null", body: timed("null")},
		{question: "list.times", answer: "absent", body: strings.Replace(timed("null"), `,"updated_at":null`, "", 1)},
		{question: "list.times", answer: "RFC 3339", body: timed(`"2026-01-02T03:04:05.123Z"`)},
		{question: "list.times", answer: "without zone", body: timed(`"2026-01-02 03:04:05"`)},
		{question: "list.times", answer: "seconds", body: timed("1767323045")},
		{question: "list.times", answer: "other", body: timed(`"yesterday"`)},
		{question: "create.body", answer: "channels", method: "POST", status: 201, body: snapshot},
		{question: "create.body", answer: "no body", method: "POST", status: 204},
		{question: "create.body", answer: "empty", method: "POST", status: 201},
		{question: "create.body", answer: "other", method: "POST", status: 201, body: `{"success":true,"data":{}}`},
		{question: "delete.body", answer: "message", method: "DELETE", body: `{"success":true,"message":"Deleted"}`},
		{question: "delete.body", answer: "channels", method: "DELETE", body: snapshot},
		{question: "delete.body", answer: "no body", method: "DELETE", status: 204},
		{question: "delete.body", answer: "empty", method: "DELETE"},
		{question: "success.shape", answer: "as documented", method: "POST", body: snapshot},
		{question: "success.shape", answer: "no success", method: "POST", body: strings.Replace(snapshot, `"success":true,`, "", 1)},
		{question: "success.shape", answer: "wrapped", method: "POST", body: `{"success":true,"data":` + strings.Replace(snapshot, `"success":true,`, "", 1) + `}`},
		{question: "success.shape", answer: "byte order mark", method: "POST", body: "\ufeff" + snapshot},
		{question: "error.shapes", answer: "404 envelope", status: 404, body: `{"success":false,"message":"No","error":{"code":"A","details":"No"}}`},
		{question: "error.shapes", answer: "404 data", status: 404, body: `{"success":false,"message":"No","data":{"error":"a"}}`},
		{question: "error.shapes", answer: "422 framework", status: 422, body: `{"message":"No","errors":{"name":["No"]}}`},
		{question: "error.shapes", answer: "404 text", status: 404, body: `"No"`},
		{question: "error.shapes", answer: "404 empty", status: 404},
		{question: "error.shapes", answer: "404 other", status: 404, body: `{"error":"No"}`},
	} {
		t.Run(tt.question+" "+tt.answer, func(t *testing.T) {
			t.Parallel()
			method, status := tt.method, tt.status
			if method == "" {
				method = http.MethodGet
			}
			if status == 0 {
				status = http.StatusOK
			}
			response := jsonStub(status, tt.body)
			if tt.body == "" {
				response.contentType = ""
			}
			check := newChecker(t, response)
			req, err := http.NewRequestWithContext(t.Context(), method, base+list, http.NoBody)
			require.NoError(t, err)
			resp, err := check.RoundTrip(req)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			e := check.one(t)
			assert.Equal(t, e.response != nil, report.Contradicts(tt.question, tt.answer), "%v", e.response)
		})
	}
}

// The judgement detects a report that does not name a deviation, and one that names a question whose
// answer does not deviate.
func TestJudgeDetectsWrongReports(t *testing.T) {
	t.Parallel()
	newContract(t)
	rules := mihutest.Rules{AssignStatus: http.StatusAccepted, UpdatedAt: true, TimeFormat: mihutest.TimeSeconds}
	observed, text := observe(t, rules, func(*probe.Options) {})
	require.Equal(t, []string{"assign.same", "assign.status", "list.times"}, observed.Contract)
	read, _, err := mihutest.ReadRules(text)
	require.NoError(t, err)
	exchanges := traffic(t, read)
	for _, tt := range []struct {
		name     string
		contract []string
		problem  string // "" means none
	}{
		{"the report", observed.Contract, ""},
		{"one of two names for a status", []string{"assign.status", "list.times"}, "does not name assign.same: accepted 202"},
		{"no name for a form", []string{"assign.same", "assign.status"}, "does not name list.times: seconds"},
		{"a name too many", append([]string{"create.status"}, observed.Contract...), "no response is about create.status"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := *observed
			r.Contract = tt.contract
			_, problems := judge(t, &r, exchanges)
			if tt.problem == "" {
				assert.Empty(t, problems)
				return
			}
			require.NotEmpty(t, problems)
			assert.Contains(t, problems[0], tt.problem)
		})
	}
}
