package mihutest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mihu-go/mihu/internal/probe/report"
)

// BeyondError is a report with answers that no rule expresses.
type BeyondError struct {
	// Questions are the questions with these answers, such as create.status. docs/probe.md lists all
	// questions.
	Questions []string
	answers   []string
}

// Error names the questions and their answers.
func (e *BeyondError) Error() string {
	return "mihutest: ReadRules: no rule expresses " + strings.Join(e.answers, "; ")
}

// ReadRules reads the report of "trunkctl probe" and returns the rules by which a server behaves as the
// API was observed to. unseen are the questions that the report does not answer: their rules have the
// defaults.
//
//	rules, unseen, err := mihutest.ReadRules(report)
//	srv := mihutest.NewServer(t, mihutest.WithRules(rules))
//
// The error is a [BeyondError] if no rule expresses an answer. The rules that come with it express the
// others. Any other error means that data is not a report that this version reads.
func ReadRules(data []byte) (rules Rules, unseen []string, err error) {
	r, err := report.Read(data)
	if err == nil && r.Demo {
		err = errors.New("the report is about the fake server of \"trunkctl --demo\", and not about your API; probe your workspace")
	}
	if err != nil {
		return Rules{}, nil, fmt.Errorf("mihutest: ReadRules: %w", err)
	}
	c := &calibration{report: r, beyond: map[string]bool{}}
	c.writes()
	c.refusals()
	c.reads()
	c.forms()
	e := &BeyondError{}
	for _, o := range r.Observations {
		switch {
		case o.Observed == "":
			unseen = append(unseen, o.Question)
		case c.beyond[o.Question] || !slices.Contains(c.known, o.Question):
			e.Questions = append(e.Questions, o.Question)
			e.answers = append(e.answers, o.Question+": "+o.Observed)
		}
	}
	if _, err := c.rules.complete(); err != nil {
		return Rules{}, nil, fmt.Errorf("mihutest: ReadRules: %w", err)
	}
	if len(e.Questions) > 0 {
		return c.rules, unseen, e
	}
	return c.rules, unseen, nil
}

// calibration turns a report into rules.
type calibration struct {
	report *report.Report
	rules  Rules
	known  []string // the questions that were looked at
	beyond map[string]bool
}

// take returns the answer to a question; "" means that there is none.
func (c *calibration) take(question string) string {
	c.known = append(c.known, question)
	return c.report.Observed(question)
}

// is marks a question as beyond the rules unless ok is set or there is no answer.
func (c *calibration) is(question string, ok bool) {
	if !ok && c.report.Observed(question) != "" {
		c.beyond[question] = true
	}
}

// status returns the verb and the status of an answer such as "refused 409". ok is false if it has
// another form.
func status(answer string) (verb string, status int, ok bool) {
	verb, text, ok := strings.Cut(answer, " ")
	status, err := strconv.Atoi(text)
	return verb, status, ok && err == nil && len(text) == 3
}

// refusal sets the status of a refusal. It reports whether the answer is one.
func refusal(answer string, to *int) bool {
	verb, s, ok := status(answer)
	if ok = ok && verb == "refused" && isRefusal(s); ok {
		*to = s
	}
	return ok
}

// success sets the status of a success. It reports whether the answer is one.
func success(answer string, to *int) bool {
	verb, s, ok := status(answer)
	if ok = ok && verb == "accepted" && isSuccess(s); ok {
		*to = s
	}
	return ok
}

// either reads an answer that is a refusal, or a success with a status. It reports whether it is a
// success.
func (c *calibration) either(question string, refused *int, accepted int) (isSuccess bool) {
	answer := c.take(question)
	switch {
	case answer == "" || refusal(answer, refused):
		return false
	case answer == fmt.Sprintf("accepted %d", accepted):
		return true
	}
	c.beyond[question] = true
	return false
}

// orDefault returns the status of a success, or its default.
func orDefault(status, otherwise int) int {
	if status == 0 {
		return otherwise
	}
	return status
}

// writes reads what succeeds: its statuses, and what duplicates and busy agents get.
func (c *calibration) writes() {
	r := &c.rules
	for question, to := range map[string]*int{
		"create.status": &r.CreateStatus, "update.status": &r.UpdateStatus, "assign.status": &r.AssignStatus, "delete.status": &r.DeleteStatus,
	} {
		c.is(question, success(c.take(question), to))
	}
	// What was not asked may have been seen elsewhere.
	for _, other := range []struct {
		to        *int
		questions []string
	}{
		{&r.CreateStatus, []string{"agent.unknown"}},
		{&r.AssignStatus, []string{"assign.same", "agent.busy_assign"}},
		{&r.DeleteStatus, []string{"unknown.delete"}},
		{&r.UpdateStatus, []string{"update.name_empty", "update.port_empty"}},
	} {
		for _, question := range other.questions {
			verb, s, ok := status(c.report.Observed(question))
			if *other.to == 0 && ok && isSuccess(s) && slices.Contains([]string{"accepted", "shared", "taken"}, verb) {
				*other.to = s
			}
		}
	}
	body := c.take("create.body")
	c.is("create.body", body == "channels" || body == "no body" && r.CreateStatus == 204)
	switch body := c.take("delete.body"); body {
	case "channels":
		r.DeleteBody = DeleteSnapshot
	case "empty":
		r.DeleteBody = DeleteEmpty
	case "no body":
		r.DeleteStatus = orDefault(r.DeleteStatus, 204)
		c.is("delete.body", r.DeleteStatus == 204)
	default:
		c.is("delete.body", body == "message")
	}
	c.either("assign.same", &r.AssignSameStatus, orDefault(r.AssignStatus, 200))
	c.duplicates()
	c.busy()
	created := fmt.Sprintf("accepted %d", orDefault(r.CreateStatus, 201))
	for _, question := range []string{"whatsapp.trunk", "whatsapp.direction"} {
		c.is(question, c.take(question) == created)
	}
}

// duplicates reads the two questions about a trunk that exists.
func (c *calibration) duplicates() {
	r := &c.rules
	same, other := c.take("create.duplicate"), c.take("duplicate.other")
	if refusal(same, &r.DuplicateStatus) {
		c.is("duplicate.other", other == same)
		return
	}
	if same == "" {
		c.is("duplicate.other", refusal(other, &r.DuplicateStatus))
		return
	}
	if !success(same, &r.DuplicateStatus) {
		c.beyond["create.duplicate"], c.beyond["duplicate.other"] = true, true
		return
	}
	verb, s, ok := status(other)
	switch {
	case ok && s == r.DuplicateStatus && verb == "updated":
		r.OnDuplicate = UpdateDuplicate
	case other == "", ok && s == r.DuplicateStatus && verb == "kept":
		r.OnDuplicate = KeepDuplicate
	default:
		r.OnDuplicate = KeepDuplicate
		c.beyond["duplicate.other"] = true
	}
}

// busy reads the two questions about a busy agent.
func (c *calibration) busy() {
	r := &c.rules
	read := func(question string, refused *int, accepted int) (rule OnBusyAgent, seen bool) {
		answer := c.take(question)
		verb, s, ok := status(answer)
		switch {
		case answer == "":
			return RefuseBusyAgent, false
		case refusal(answer, refused):
			return RefuseBusyAgent, true
		case ok && s == accepted && verb == "shared":
			return ShareBusyAgent, true
		case ok && s == accepted && verb == "taken":
			return TakeBusyAgent, true
		}
		c.beyond[question] = true
		return RefuseBusyAgent, false
	}
	r.OnBusyAgent, _ = read("agent.busy", &r.AgentBusyStatus, orDefault(r.CreateStatus, 201))
	if rule, seen := read("agent.busy_assign", &r.AssignBusyStatus, orDefault(r.AssignStatus, 200)); seen {
		r.OnBusyAssign = &rule
	}
}

// refusals reads what is refused, and what is accepted instead.
func (c *calibration) refusals() {
	r := &c.rules
	updated := orDefault(r.UpdateStatus, 200)
	r.AnyAgent = c.either("agent.unknown", &r.UnknownAgentStatus, orDefault(r.CreateStatus, 201))
	r.RefuseEmptyName = refusal(c.report.Observed("update.name_empty"), new(0))
	r.RefuseEmptyPort = refusal(c.report.Observed("update.port_empty"), new(0))
	c.either("update.name_empty", &r.EmptyNameStatus, updated)
	c.either("update.port_empty", &r.EmptyPortStatus, updated)
	c.either("update.nothing", &r.EmptyUpdateStatus, updated)
	for question, to := range map[string]*int{
		"auth.missing": &r.MissingTokenStatus, "error.route": &r.UnknownRouteStatus, "agent.malformed": &r.MalformedAgentStatus,
		"error.malformed_json": &r.MalformedJSONStatus,
	} {
		c.is(question, refusal(c.take(question), to))
	}
	for _, question := range []struct {
		name     string
		accepted *bool
		status   int
	}{
		{"update.null", &r.AcceptNull, updated}, {"update.unknown_field", &r.IgnoreUnknownFields, updated}, {"error.query_unknown", &r.IgnoreUnknownParameters, 200},
	} {
		before := r.ValidationStatus
		*question.accepted = c.either(question.name, &r.ValidationStatus, question.status)
		if before != 0 && r.ValidationStatus != before { // there is one rule for all of them
			r.ValidationStatus = before
			c.beyond[question.name] = true
		}
	}
	c.unknownTrunks()
	c.unknownNumbers()
}

// unknownTrunks reads what requests about no trunk get.
func (c *calibration) unknownTrunks() {
	statuses := map[string]int{}
	for question, method := range map[string]string{"unknown.update": "PATCH", "unknown.assign": "PUT"} {
		s := 0
		if refusal(c.take(question), &s) {
			statuses[method] = s
		} else {
			c.is(question, false)
		}
	}
	unknown, twice := c.take("unknown.delete"), c.take("delete.twice")
	answer, from := unknown, "unknown.delete"
	if answer == "" {
		answer, from = twice, "delete.twice"
	}
	s := 0
	switch {
	case refusal(answer, &s):
		statuses["DELETE"] = s
	case answer == fmt.Sprintf("accepted %d", orDefault(c.rules.DeleteStatus, 200)):
		c.rules.DeleteMissing = true
	default:
		c.is(from, false)
		c.is("delete.twice", twice != unknown)
	}
	if unknown != "" && twice != unknown {
		c.is("delete.twice", false)
	}
	if len(statuses) > 0 {
		c.rules.UnknownTrunkStatuses = statuses
	}
}

// unknownNumbers reads what the channels of a number without a trunk get.
func (c *calibration) unknownNumbers() {
	r := &c.rules
	before, after := c.take("channels.unknown"), c.take("read.after_delete")
	const unbound = "unbound 200"
	switch {
	case before == unbound:
		r.UnboundUnknown = true
		c.is("read.after_delete", after == unbound)
	case before != "" && !refusal(before, &r.UnknownNumberStatus):
		c.beyond["channels.unknown"] = true
		r.UnboundDeleted = after == unbound
	case after == unbound:
		r.UnboundDeleted = true
	case before == "":
		c.is("read.after_delete", refusal(after, &r.UnknownNumberStatus))
	default:
		c.is("read.after_delete", after == before)
	}
}

// lags are rules for how soon a read shows a write: each is seen as its answer again.
var lags = map[string]time.Duration{
	"at once": 0, "within 100ms": 50 * time.Millisecond, "within 300ms": 200 * time.Millisecond, "within 700ms": 500 * time.Millisecond,
	"within 1.5s": 1100 * time.Millisecond, "within 3s": 2200 * time.Millisecond, "within 6s": 4500 * time.Millisecond, "within 10s": 8 * time.Second,
	"not within 10s": 15 * time.Second,
}

// reads reads lists, times, and how late reads are.
func (c *calibration) reads() {
	r := &c.rules
	lag, ok := lags[c.take("read.after_write")]
	r.ReadLag = lag
	c.is("read.after_write", ok)
	c.pages()
	switch answer := c.take("list.after_last"); answer {
	case "empty", "":
	case "last page":
		r.OnPageAfterLast = LastPageAgain
	default:
		if r.OnPageAfterLast = NoSuchPage; !refusal(answer, &r.PageAfterLastStatus) {
			r.OnPageAfterLast, c.beyond["list.after_last"] = EmptyPage, true
		}
	}
	order := c.take("list.order")
	r.NewestFirst = order == "newest first"
	c.is("list.order", order == "newest first" || order == "oldest first")
	format, ok := map[string]TimeFormat{"RFC 3339": TimeRFC3339, "without zone": TimeWithoutZone, "seconds": TimeSeconds}[c.take("list.times")]
	r.UpdatedAt, r.TimeFormat = ok, format
	c.is("list.times", ok || c.report.Observed("list.times") == "null")
	moves := c.take("update.moves_time")
	r.UpdateKeepsTime = moves == "stays" && r.UpdatedAt
	c.is("update.moves_time", r.UpdatedAt && (moves == "stays" || moves == "moves"))
	for question, only := range map[string]string{
		"agents.shape": "as documented", "success.values": "as documented", "list.shows": "each once", "read.again": "yes",
	} {
		c.is(question, c.take(question) == only)
	}
}

// pages reads what pages lists have.
func (c *calibration) pages() {
	r := &c.rules
	members := c.take("list.members")
	paging, ok := map[string]Paging{
		"full": PagingFull, "partial": PagingPartial, "framework": PagingFramework, "simple": PagingSimple, "array": PagingArray,
		"cursor": PagingCursor, "none": PagingNone,
	}[members]
	r.SuccessShape.Paging = paging
	c.is("list.members", ok)
	key := c.take("list.items")
	if c.is("list.items", key != "other" && key != "varies" && !strings.Contains(key, "<")); key != "items" && !c.beyond["list.items"] {
		r.SuccessShape.ItemsKey = key
	}
	switch answer := c.take("list.paging"); answer {
	case "page and per_page", "":
	case "per_page only":
		r.PerPageOnly = true
	case "neither":
		r.NoPagination = members == "none" || members == "array"
		r.SuccessShape.IgnorePage = !r.NoPagination
	default:
		c.beyond["list.paging"] = true
	}
	size, larger, _ := strings.Cut(c.take("list.max"), ", larger ")
	n, err := strconv.Atoi(size)
	ok = err == nil && n >= 1 && n <= maxPerPage
	switch {
	case !ok:
	case larger == "clamped":
		r.MaxPerPage, r.ClampPerPage = n, true
	case larger != "":
		r.MaxPerPage = n
		ok = refusal(larger, &r.PerPageStatus)
	default:
		ok = n == maxPerPage
	}
	c.is("list.max", ok)
}

// forms reads the forms of responses, and their headers.
func (c *calibration) forms() {
	r := &c.rules
	protocol := c.take("http.protocol") // a server has it by its options
	c.is("http.protocol", protocol == "HTTP/1.1" || protocol == "HTTP/2.0")
	skew, ok := map[string]time.Duration{"right": 0, "ahead": time.Hour, "behind": -time.Hour}[c.take("http.clock")]
	r.ClockSkew = skew
	c.is("http.clock", ok)
	r.RequestIDHeaders = c.headers("http.request_id")
	r.RateLimitHeaders = c.headers("http.rate_limit")
	for form := range strings.SplitSeq(c.take("success.shape"), ", ") {
		switch form {
		case "", "as documented":
		case "wrapped":
			r.SuccessShape.Wrapped = true
		case "no success":
			r.SuccessShape.OmitSuccess = true
		case "byte order mark":
			r.SuccessShape.ByteOrderMark = true
		default:
			c.beyond["success.shape"] = true
		}
	}
	c.errors()
}

// headers returns the headers of an answer. The result is nil if there is no answer.
func (c *calibration) headers(question string) []string {
	answer := c.take(question)
	switch answer {
	case "":
		return nil
	case "none":
		return []string{}
	}
	var names []string
	for name := range strings.FieldsSeq(answer) {
		if strings.Contains(name, "<") {
			c.beyond[question] = true
			continue
		}
		names = append(names, name)
	}
	return names
}

// errors reads the forms of errors.
func (c *calibration) errors() {
	r := &c.rules
	shapes := map[string]ErrorShape{"envelope": ErrorEnvelope, "data": ErrorData, "framework": ErrorFramework}
	if all := c.take("error.shapes"); all != "" {
		r.ErrorShapes = map[int]ErrorShape{}
		for each := range strings.SplitSeq(all, ", ") {
			text, name, _ := strings.Cut(each, " ")
			s, err := strconv.Atoi(text)
			shape, ok := shapes[name]
			if err != nil || !isRefusal(s) || !ok {
				c.beyond["error.shapes"] = true
				continue
			}
			r.ErrorShapes[s] = shape
		}
	}
	field, ok := map[string]ErrorField{"with 422": FieldOn422, "always": FieldAlways, "never": FieldNever}[c.take("error.field")]
	r.ErrorField = field
	c.is("error.field", ok)
}
