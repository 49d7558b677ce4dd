package otelmihu_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
)

// Nothing that was planted is exported, whatever the server does with it.
func TestNoPrivateDataIsExported(t *testing.T) {
	t.Parallel()
	const token, agent, uuid = "planted-t0ken", "3c90c3cc-0d44-4b50-8888-8dd25736052a", "9bcb8f00-c0c5-4ee1-9b75-ad1e87a2bd8b"
	planted := []string{
		token, frontDesk.PhoneNumber, strings.TrimPrefix(frontDesk.PhoneNumber, "+"), "planted-user", "planted-s3cret", "planted-name",
		"planted-query", "planted-arg", "planted-header", "planted-text", uuid, agent,
	}
	var at int
	const lost = 0
	// 404 follows a response that is not retried: otherwise it proves that a Delete was applied.
	statuses := []int{429, 503, 500, 404, 422, lost, 302, 200}
	echo := roundTrip(func(req *http.Request) (*http.Response, error) {
		status := statuses[at%len(statuses)]
		if at++; status == lost {
			return nil, fmt.Errorf("planted-text: %v %s", req.Header, req.URL)
		}
		var sent []byte
		if req.Body != nil {
			sent, _ = io.ReadAll(req.Body)
		}
		text, err := json.Marshal(fmt.Sprint("planted-text ", req.Header, req.URL, string(sent)))
		if err != nil {
			return nil, err
		}
		id := "id-" + token
		if digits := strings.TrimPrefix(frontDesk.PhoneNumber, "+"); strings.Contains(req.URL.RawQuery+string(sent), digits) {
			id += "-" + frontDesk.PhoneNumber // the other requests do not hold the number
		}
		return &http.Response{
			StatusCode: status, Proto: "HTTP/1.1", Request: req,
			Header: http.Header{"X-Request-Id": {id}, "Location": {"/?planted-query"}},
			Body:   io.NopCloser(strings.NewReader(`{"success": false, "message": ` + string(text) + `, "error": {"code": "PLANTED-TEXT"}}`)),
		}, nil
	})
	rec := newRecorder(t)
	client, err := mihu.New("acme", token, swift, rec.hooks, mihu.WithHTTPClient(&http.Client{Transport: echo}))
	require.NoError(t, err)
	want := wantedTrunk(agent)
	want.Name = "planted-name"
	header := mihu.WithHeader("X-Planted", "planted-header")
	for range 40 {
		_, createErr := client.Trunks.Create(t.Context(), want, header)
		_, updateErr := client.Trunks.Update(t.Context(), frontDesk, &mihu.TrunkUpdateRequest{Name: new("planted-name")}, header)
		_ = client.Trunks.Delete(t.Context(), frontDesk, header) // some of the reads that verify it find no number
		_, readErr := client.Channels.GetByNumber(t.Context(), frontDesk.PhoneNumber, header)
		_, getErr := client.Channels.Get(t.Context(), uuid, header)
		doErr := client.Do(t.Context(), &mihu.Request{
			Method: http.MethodGet, Path: "/numbers/" + strings.TrimPrefix(frontDesk.PhoneNumber, "+") + "/{arg}",
			PathArgs: map[string]string{"arg": "planted-arg"}, Query: map[string][]string{"number": {frontDesk.PhoneNumber}, "q": {"planted-query"}},
		}, nil, header)
		for _, err := range []error{createErr, updateErr, readErr, getErr, doErr} {
			require.Error(t, err)
		}
	}
	assertNoneExported(t, rec, planted)
}

// The same with the fake server, if all calls succeed in the end.
func TestNoPrivateDataOfSuccessfulCallsIsExported(t *testing.T) {
	t.Parallel()
	rec, srv := newRecorder(t), mihutest.NewServer(t)
	agent := srv.AddAgent("planted-agent")
	require.NoError(t, srv.Inject(post(mihutest.Fault{Status: 429}), post(mihutest.Fault{Drop: true, AfterChange: true})))
	client := srv.Client(t, swift, rec.hooks)
	_, err := client.Trunks.Ensure(t.Context(), wantedTrunk(agent))
	require.NoError(t, err)
	for _, err := range client.Trunks.All(t.Context(), nil) {
		require.NoError(t, err)
	}
	require.NoError(t, client.Trunks.Delete(t.Context(), frontDesk))
	assertNoneExported(t, rec, []string{
		srv.Token(), frontDesk.PhoneNumber, strings.TrimPrefix(frontDesk.PhoneNumber, "+"), "planted", "Front desk", "sip.example.com", agent,
	})
}

func assertNoneExported(t *testing.T, rec *recorder, planted []string) {
	t.Helper()
	stubs := rec.spans.GetSpans()
	require.NotEmpty(t, stubs)
	spans, err := json.Marshal(stubs)
	require.NoError(t, err)
	measured := rec.metrics(t)
	metrics, err := json.Marshal(measured)
	require.NoError(t, err)
	all := strings.ToLower(fmt.Sprintf("%s %s %+v %+v", spans, metrics, rec.started(t), measured))
	require.Contains(t, all, "trunks.create")
	for _, secret := range planted {
		if i := strings.Index(all, strings.ToLower(secret)); i >= 0 {
			assert.Fail(t, "exported", "%s in …%s…", secret, all[max(i-80, 0):min(i+80, len(all))])
		}
	}
}
