package report_test

import (
	"io"
	"net/http"
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

// A server that behaves by default contradicts nothing.
func TestDefaultRulesContradictNothing(t *testing.T) {
	t.Parallel()
	assert.Empty(t, observe(t, mihutest.Rules{}, nil).Contract)
}

// Each question that the contract judges is named for some server: by rules where there are some, and
// else by a server that no rule expresses.
func TestEachJudgedQuestionIsReachable(t *testing.T) {
	t.Parallel()
	const accepted = http.StatusAccepted
	reached := map[string]bool{}
	for question, rules := range map[string]mihutest.Rules{
		"auth.missing":         {MissingTokenStatus: 403},
		"error.route":          {UnknownRouteStatus: 400},
		"error.malformed_json": {MalformedJSONStatus: 422},
		"unknown.delete":       {DeleteMissing: true, DeleteStatus: accepted},
		"delete.twice":         {DeleteMissing: true, DeleteStatus: accepted},
		"agent.unknown":        {AnyAgent: true, CreateStatus: accepted},
		"create.status":        {CreateStatus: accepted},
		"create.body":          {CreateStatus: 204},
		"create.duplicate":     {OnDuplicate: mihutest.KeepDuplicate, DuplicateStatus: accepted},
		"duplicate.other":      {OnDuplicate: mihutest.UpdateDuplicate, DuplicateStatus: accepted},
		"assign.status":        {AssignStatus: accepted},
		"assign.same":          {AssignStatus: accepted},
		"update.status":        {UpdateStatus: accepted},
		"update.name_empty":    {UpdateStatus: accepted},
		"update.port_empty":    {RefuseEmptyPort: true},
		"update.null":          {AcceptNull: true, UpdateStatus: accepted},
		"update.unknown_field": {IgnoreUnknownFields: true, UpdateStatus: accepted},
		"update.nothing":       {UpdateStatus: accepted},
		"agent.busy":           {OnBusyAgent: mihutest.ShareBusyAgent},
		"agent.busy_assign":    {OnBusyAssign: new(mihutest.TakeBusyAgent)},
		"delete.status":        {DeleteStatus: accepted},
		"delete.body":          {DeleteBody: mihutest.DeleteEmpty},
		"whatsapp.trunk":       {CreateStatus: accepted},
		"whatsapp.direction":   {CreateStatus: accepted},
		"list.times":           {UpdatedAt: true, TimeFormat: mihutest.TimeSeconds},
		"list.members":         {SuccessShape: mihutest.SuccessShape{Paging: mihutest.PagingArray}},
		"list.items":           {SuccessShape: mihutest.SuccessShape{ItemsKey: "results"}},
		"list.max":             {MaxPerPage: 100},
		"success.shape":        {SuccessShape: mihutest.SuccessShape{OmitSuccess: true}},
	} {
		reached[question] = true
		t.Run(question, func(t *testing.T) {
			t.Parallel()
			assert.Contains(t, observe(t, rules, nil).Contract, question)
		})
	}
	const (
		failure  = `{"success":false,"message":"No"}`
		snapshot = `{"success":true,"data":{"number":"` + probetest.NumberOne + `","channels":{}}}`
	)
	for question, deviates := range map[string]deviation{
		"agents.shape":        {"GET /agents", "", 200, `{"success":true,"data":{"items":[{"id":1}]}}`},
		"channels.unknown":    {"GET /phone-numbers/channels", probetest.NumberOne[1:], 202, snapshot},
		"unknown.update":      {"PATCH /phone-numbers/trunks", `"probe"`, 202, `{"success":true}`},
		"unknown.assign":      {"PUT /phone-numbers/trunks/assign", probetest.AgentOne, 202, `{"success":true}`},
		"agent.malformed":     {"POST /phone-numbers/trunks", "malformed", 202, `{"success":true}`},
		"error.query_unknown": {"GET /agents", "x_probe", 302, ""},
		"list.paging":         {"GET /phone-numbers/trunks", "page=2&per_page=1", 422, failure},
		"list.after_last":     {"GET /phone-numbers/trunks", "page=100000", 302, ""},
		"read.after_delete":   {"GET /phone-numbers/channels", probetest.NumberTwo[1:], 302, ""},
		"success.values":      {"GET /phone-numbers/channels", probetest.NumberOne[1:], 200, snapshot},
		"error.shapes":        {"GET /phone-numbers/trunks/probe-no-such", "", 404, "<html>"},
	} {
		require.False(t, reached[question], question)
		reached[question] = true
		t.Run(question, func(t *testing.T) {
			t.Parallel()
			assert.Contains(t, observe(t, mihutest.Rules{}, &deviates).Contract, question)
		})
	}
	for _, question := range report.Judged() {
		assert.True(t, reached[question], question)
	}
	assert.Len(t, reached, len(report.Judged()))
}

// deviation is the response to requests with a method and a path, and a text in their query or body, that
// replaces the server's.
type deviation struct {
	request, text string
	status        int
	body          string
}

func (d *deviation) matches(req *http.Request, body string) bool {
	return req.Method+" "+strings.TrimPrefix(req.URL.Path, "/api/v1") == d.request && strings.Contains(req.URL.RawQuery+body, d.text)
}

// deviating sends requests to a server, and replaces some responses.
type deviating struct {
	*deviation
	server http.RoundTripper
}

// RoundTrip implements [http.RoundTripper].
func (d deviating) RoundTrip(req *http.Request) (*http.Response, error) {
	sent, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	req = req.Clone(req.Context())
	req.Body = io.NopCloser(strings.NewReader(string(sent)))
	resp, err := d.server.RoundTrip(req)
	if err != nil || d.deviation == nil || !d.matches(req, string(sent)) {
		return resp, err
	}
	resp.StatusCode, resp.Body = d.status, io.NopCloser(strings.NewReader(d.body))
	return resp, nil
}

// observe probes a server with these rules.
func observe(t *testing.T, rules mihutest.Rules, deviates *deviation) (r *report.Report) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		options := probetest.Options(probetest.Workspace(t, rules), new(probe.Memory))
		options.WhatsApp = true
		options.Transport = deviating{deviates, options.Transport}
		result, err := probe.Run(t.Context(), options)
		if result == nil {
			require.NoError(t, err)
		}
		r = result.Report // a server that deviates may keep a trunk
	})
	return r
}
