package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What package mihu promises, in a run of two to three seconds with another seed every time.
func TestNothingIsMisreported(t *testing.T) {
	t.Parallel()
	s := settings{exchanges: 8000, seed: rand.Uint64(), sequence: -1, rate: 0.4, form: 0.03, lag: time.Millisecond}
	if testing.Short() {
		s.exchanges /= 10
	}
	found, err := run(t.Context(), s)
	require.NoError(t, err)
	var report strings.Builder
	found.print(&report, 0)
	assert.Empty(t, found.found, "seed %d\n%s", s.seed, &report)
	assert.Zero(t, found.deviations["dishonest"])
	if testing.Verbose() {
		t.Logf("seed %d\n%s", s.seed, &report)
	}
}

// Without deviations every call has its one possible outcome.
func TestWithoutDeviationsNothingIsUnknown(t *testing.T) {
	t.Parallel()
	found, err := run(t.Context(), settings{exchanges: 2000, seed: 1, sequence: -1})
	require.NoError(t, err)
	for op, o := range found.calls {
		assert.Zero(t, o.unknown, op)
		assert.NotZero(t, o.succeeded, op)
		if strings.HasPrefix(op, "all") {
			assert.Zero(t, o.failed, op)
		}
	}
	assert.Empty(t, found.misunderstood)
}

// Every kind of deviation that the package documentation lists occurs.
func TestEveryDeviationOccurs(t *testing.T) {
	t.Parallel()
	found, err := run(t.Context(), settings{exchanges: 14_000, seed: 1, sequence: -1, rate: 0.5, form: 0.05, lag: time.Millisecond / 2})
	require.NoError(t, err)
	for _, kind := range []string{
		"form: UUID in upper case", "form: agent missing beside bound", "form: agent null beside bound",
		"form: billing of another type", "form: bindings for channels", "form: bindings of another type", "form: boolean of another type",
		"form: bound missing beside an agent", "form: bound null beside an agent", "form: byte-order mark",
		"form: data wrapped once more", "form: empty object as []", "form: errors empty", "form: fields reordered",
		"form: is_external and source missing", "form: is_external missing", "form: items as an object",
		"form: list as an object", "form: null list", "form: number as a JSON number", "form: number as text",
		"form: optional field missing", "form: request repeated in a problem", "form: source contradicts is_external",
		"form: success missing", "form: text that is not UTF-8", "form: time in another form",
		"form: unbound channel missing", "form: unbound channel null", "form: unknown field",
		"list: 200 and empty list with an error", "list: broken item null", "list: broken item number not UTF-8",
		"list: empty page in the middle", "list: first page again after the end", "list: has_more is wrong",
		"list: item twice on a page", "list: items missing from a page", "list: last page again after the end",
		"list: last_page is wrong", "list: last_page missing", "list: next link is wrong", "list: no sign at all",
		"list: page and per_page ignored, whole list", "list: page parameter ignored, part of the list",
		"list: page repeated in the middle", "list: page repeated instead of another",
		"list: pages overlap, a number missing", "list: pages overlap, nothing missing", "list: per_page clamped",
		"list: per_page is wrong", "list: total is wrong", "list: total missing",
		"read: lags", "read: snapshot of another number", "read: snapshot without a number",
		"read: snapshot without channels", "read: success without data", "read: cut short, length none",
		"shape: array", "shape: cursor", "shape: items and pagination", "shape: meta and links",
		"shape: paginator in data", "shape: simple paginator",
		"write: 200 and null", "write: 200 and message alone", "write: 200 and error object without success",
		"write: 200 and success false with a snapshot that fits", "write: 429", "write: 503", "write: applied late",
		"write: delete, still bound", "write: delete, with data that denies it",
		"write: delete, with an error in the data", "write: connection refused", "write: cut short, length none", "write: cut short, length right", "write: lost",
		"write: refused under 200", "write: snapshot of another agent", "write: snapshot of another number",
		"write: snapshot unbound", "write: success with an error object", "write: success without data",
		"write: success, data []", "write: the caller's context ends", "write: wrong length",
		"problem: not JSON", "problem: problem+json", "problem: list of field and message", "problem: nested errors",
		"problem: errors as text", "problem: error.message", "problem: fields in data", "problem: code in data.error",
	} {
		assert.NotZero(t, found.deviations[kind], kind)
	}
}

// A response that shows nothing but success belongs to a change that was made, and a refusal to one
// that was not. The responses are read here in another way than they are made.
func TestServerIsHonest(t *testing.T) {
	t.Parallel()
	tally := newTally()
	shown := map[string]int{}
	for i := range 300 {
		q, err := newSequence(settings{seed: 7, rate: 0.6, form: 0.05}, tally, i)
		require.NoError(t, err)
		for n := range callsEach {
			q.call(t.Context(), n)
			for _, e := range q.srv.op.exchanges {
				if e.effect == "" {
					continue
				}
				made := strings.HasPrefix(e.effect, "applied")
				kind := readEvidence(e)
				shown[fmt.Sprint(kind, " ", made)]++
				assert.False(t, kind == "success" && !made, "success shown: %v", e)
				assert.False(t, kind == "refusal" && made, "refusal shown: %v", e)
			}
		}
	}
	assert.NotZero(t, shown["success true"])
	assert.NotZero(t, shown["refusal false"])
	assert.NotZero(t, shown["unclear true"])
	assert.NotZero(t, shown["unclear false"])
	assert.Zero(t, tally.deviations["dishonest"])
}

// readEvidence reads a response to a change as a careful person would.
func readEvidence(e *exchange) string {
	text := strings.TrimSpace(strings.TrimPrefix(strings.ToValidUTF8(e.response, "?"), "\ufeff"))
	switch {
	case e.status == 0 && strings.Contains(e.response, "connection refused"):
		return "refusal"
	case e.status == 0, e.status >= 500, e.status == http.StatusRequestTimeout, e.status == 499:
		return "unclear"
	case e.status >= 300:
		return "refusal"
	case text == "" && e.method == http.MethodDelete:
		return "success"
	}
	var body map[string]any
	if json.Unmarshal([]byte(text), &body) != nil || body == nil {
		return "unclear"
	}
	for _, key := range []string{"error", "errors"} {
		switch v := body[key].(type) {
		case nil:
		case []any:
		case map[string]any:
			if len(v) > 0 {
				return map[bool]string{true: "refusal", false: "unclear"}[body["success"] == nil]
			}
		default:
			return "unclear"
		}
	}
	switch fmt.Sprint(body["success"]) {
	case "false", "0":
		return "refusal"
	case "true", "1":
		if data, _ := body["data"].(map[string]any); e.method == http.MethodDelete && len(data) > 0 {
			return "unclear"
		}
		if e.method == http.MethodDelete {
			return "success"
		}
	}
	return readSnapshot(e, body)
}

// readSnapshot reads the data of a success that no error contradicts.
func readSnapshot(e *exchange, body map[string]any) string {
	marked := body["success"] != nil
	data, _ := body["data"].(map[string]any)
	if inner, ok := data["data"].(map[string]any); ok {
		data = inner
	}
	channels, _ := data["channels"].(map[string]any)
	if channels == nil {
		channels, _ = data["bindings"].(map[string]any)
	}
	var sent struct {
		Number  string `json:"phone_number"`
		Channel string
		Agent   string `json:"agent_uuid"`
	}
	if json.Unmarshal([]byte(e.request), &sent) != nil || channels == nil {
		if marked {
			return "success"
		}
		return "unclear"
	}
	number := strings.TrimSuffix(fmt.Sprintf("+%.0f", data["number"]), "%!f(string="+fmt.Sprint(data["number"])+")")
	if text, ok := data["number"].(string); ok {
		number = "+" + strings.TrimPrefix(text, "+")
	}
	binding, _ := channels[sent.Channel].(map[string]any)
	agent, _ := binding["agent_uuid"].(string)
	bound := fmt.Sprint(binding["bound"])
	switch {
	case number != sent.Number,
		bound == "false" || bound == "0" || binding == nil,
		sent.Agent != "" && agent != "" && !strings.EqualFold(agent, sent.Agent):
		return "unclear"
	}
	return "success"
}

// A fair list can be read without a mistake: by going on as long as any sign says that there is
// more, and by failing if a sign that there is more is not kept.
func TestListsAreFair(t *testing.T) {
	t.Parallel()
	whole, failed := 0, 0
	for i := range 5000 {
		d := &dice{Rand: rand.New(rand.NewPCG(3, uint64(i))), tag: func(string) {}}
		var all []string
		for n := range d.IntN(14) {
			all = append(all, numberOf(n))
		}
		p := newPlan(d, all, 1+d.IntN(20), d.Float64())
		got, ok := readPlan(p)
		if !ok {
			failed++
			continue
		}
		whole++
		assert.Len(t, got, len(all), "%v", p)
	}
	assert.Greater(t, whole, failed)
}

// readPlan reads a list. It returns the numbers, or false.
func readPlan(p *plan) (map[string]bool, bool) {
	seen := map[string]bool{}
	total, last := 0, 0
	for number := 1; ; number++ {
		page := p.at(number)
		before := len(seen)
		for i, n := range page.numbers {
			if page.broken[i] {
				return nil, false
			}
			seen[n] = true
		}
		s := page.signs
		ended := said(s.hasMore, false) || said(s.next, false)
		if s.total != nil {
			total = max(total, *s.total)
			ended = true
		}
		if s.lastPage != nil {
			last = max(last, *s.lastPage)
			ended = true
		}
		more := said(s.hasMore, true) || said(s.next, true) || total > len(seen) || last > number
		switch {
		case len(seen) == before && number > len(p.pages):
			return seen, !more
		case len(seen) == before && more, number > 100:
			continue
		case !more && (ended || total > 0 || last > 0 || len(seen) == before):
			return seen, true
		}
	}
}
