package mihu_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
)

// If the response to the POST is lost, the trunk is created exactly once, as requested.
func TestCreateIsReconciled(t *testing.T) {
	t.Parallel()
	applied := []string{"GET channels 200", "PATCH trunks 200"}
	notApplied := []string{"GET channels 404", "POST trunks 201"}
	tests := []struct {
		name  string
		fault mihutest.Fault
		want  []string
	}{
		{"lost after the change", mihutest.Fault{Drop: true, AfterChange: true}, applied},
		{"lost before the change", mihutest.Fault{Drop: true}, notApplied},
		{"500 after the change", mihutest.Fault{Status: 500, AfterChange: true}, applied},
		{"500 before the change", mihutest.Fault{Status: 500}, notApplied},
		{"502 after the change", mihutest.Fault{Status: 502, AfterChange: true}, applied},
		{"502 before the change", mihutest.Fault{Status: 502}, notApplied},
		{"503 after the change", mihutest.Fault{Status: 503, AfterChange: true}, applied},
		{"503 before the change", mihutest.Fault{Status: 503}, notApplied},
		{"504 after the change", mihutest.Fault{Status: 504, AfterChange: true}, applied},
		{"504 before the change", mihutest.Fault{Status: 504}, notApplied},
		{"response cut short", mihutest.Fault{Truncate: true}, applied},
		{"HTML instead of the response", mihutest.Fault{Body: []byte("<html>"), ContentType: "text/html", AfterChange: true}, applied},
		{"no data in the response", mihutest.Fault{Body: []byte(`{"success":true}`), Status: 201, AfterChange: true}, []string{"GET channels 200"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			srv := mihutest.NewServer(t)
			agent := srv.AddAgent("Ada")
			require.NoError(t, srv.Inject(onPost(test.fault)))
			var meta mihu.Response
			snap, err := srv.Client(t, fastRetries).Trunks.Create(t.Context(), createRequest(strings.ToUpper(agent)), mihu.WithResponse(&meta))
			require.NoError(t, err)
			assert.True(t, snap.Binding(mihu.ChannelCall).Bound)
			assertStored(t, srv, agent)
			assert.True(t, meta.Reconciled)
			assert.Equal(t, len(test.want)+1, meta.Attempts)
			assert.Equal(t, test.want, requestLines(srv)[1:])
		})
	}
}

// A Create whose outcome is known is not reconciled.
func TestCreateIsNotReconciled(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		fault mihutest.Fault
		want  error
		sent  int
	}{
		{"success", mihutest.Fault{Header: http.Header{"X-Fine": {"1"}}}, nil, 1},
		{"rate limited", mihutest.Fault{Status: 429}, nil, 2},
		{"invalid", mihutest.Fault{Status: 422}, mihu.ErrInvalid, 1},
		{"conflict", mihutest.Fault{Status: 409}, mihu.ErrConflict, 1},
		{"unauthorized", mihutest.Fault{Status: 401}, mihu.ErrUnauthorized, 1},
		{"not found", mihutest.Fault{Status: 404}, mihu.ErrNotFound, 1},
		{"redirected", mihutest.Fault{Status: 302}, mihu.ErrRedirect, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			srv := mihutest.NewServer(t)
			require.NoError(t, srv.Inject(onPost(test.fault)))
			var meta mihu.Response
			_, err := srv.Client(t, fastRetries).Trunks.Create(t.Context(), createRequest(srv.AddAgent("Ada")), mihu.WithResponse(&meta))
			require.ErrorIs(t, err, test.want)
			require.NotErrorIs(t, err, mihu.ErrOutcomeUnknown)
			assert.False(t, meta.Reconciled)
			assert.Equal(t, test.sent, srv.RequestCount())
		})
	}
}

// If the request sets nothing that cannot be read back, there is no PATCH, and Create returns the
// channels that were read.
func TestReconciledCreateWithoutSettings(t *testing.T) {
	t.Parallel()
	srv := mihutest.NewServer(t)
	require.NoError(t, srv.Inject(onPost(mihutest.Fault{Status: 502, AfterChange: true})))
	snap, err := srv.Client(t, fastRetries).Trunks.Create(t.Context(),
		&mihu.TrunkCreateRequest{TrunkID: frontDesk, AgentUUID: srv.AddAgent("Ada")}, mihu.WithHeader("X-Team", "telecom"))
	require.NoError(t, err)
	assert.True(t, snap.Binding(mihu.ChannelCall).Bound)
	assert.Equal(t, []string{"POST trunks 502", "GET channels 200"}, requestLines(srv))
	assert.Equal(t, "telecom", srv.Requests()[1].Header.Get("X-Team"), "every request of the call has its headers")
}

func TestCreateOfAnExistingTrunk(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 409, 422} {
		srv := mihutest.NewServer(t, mihutest.WithRules(mihutest.Rules{DuplicateStatus: status}))
		ada, eve := srv.AddAgent("Ada"), srv.AddAgent("Eve")
		client := srv.Client(t, fastRetries)
		require.NoError(t, srv.AddTrunk(mihutest.Trunk{ID: frontDesk, AgentUUID: ada, Name: "Old name"}))

		_, err := client.Trunks.Create(t.Context(), createRequest(ada))
		require.Error(t, err, "a refusal of the first request is returned")
		require.NotErrorIs(t, err, mihu.ErrOutcomeUnknown)

		require.NoError(t, srv.Inject(onPost(mihutest.Fault{Drop: true})))
		_, err = client.Trunks.Create(t.Context(), createRequest(ada))
		require.NoError(t, err)
		assertStored(t, srv, ada)

		require.NoError(t, srv.Inject(onPost(mihutest.Fault{Status: 504})))
		_, err = client.Trunks.Create(t.Context(), createRequest(eve))
		conflict, ok := errors.AsType[*mihu.ConflictError](err)
		require.True(t, ok, "%v", err)
		require.ErrorIs(t, err, mihu.ErrConflict)
		require.ErrorIs(t, err, mihu.ErrServer, "the failure before the read is a cause")
		require.NotErrorIs(t, err, mihu.ErrOutcomeUnknown)
		assert.Equal(t, ada, conflict.AgentUUID)
		assert.Equal(t, "mihu: trunks.create: conflict: +1234•••8901/call is on agent "+ada+"; move it with Assign", err.Error())
		assertStored(t, srv, ada)
	}
}

// A bound channel of a purchased number is not a trunk.
func TestCreateOnAPurchasedNumber(t *testing.T) {
	t.Parallel()
	srv := mihutest.NewServer(t)
	agent := srv.AddAgent("Ada")
	_, err := srv.AddPurchasedNumber(frontDesk.PhoneNumber)
	require.NoError(t, err)
	for _, bound := range []bool{false, true} {
		if bound {
			require.NoError(t, srv.BindPurchased(frontDesk.PhoneNumber, mihu.ChannelCall, agent))
		}
		require.NoError(t, srv.Inject(onPost(mihutest.Fault{Drop: true})))
		_, err = srv.Client(t, fastRetries).Trunks.Create(t.Context(), createRequest(agent))
		conflict, ok := errors.AsType[*mihu.ConflictError](err)
		require.True(t, ok, "%v", err)
		assert.True(t, conflict.Purchased)
		assert.Contains(t, err.Error(), "purchased number")
		assert.Empty(t, srv.Trunks())
	}
}

// interceptor is a transport that can change what happens to a request.
type interceptor func(req *http.Request, send func(*http.Request) (*http.Response, error)) (*http.Response, error)

func (i interceptor) RoundTrip(req *http.Request) (*http.Response, error) {
	return i(req, http.DefaultTransport.RoundTrip)
}

// detached returns a copy of a request that can be sent after its context has ended.
func detached(t *testing.T, req *http.Request) *http.Request {
	t.Helper()
	copied := req.Clone(context.WithoutCancel(req.Context()))
	body, err := req.GetBody()
	require.NoError(t, err)
	copied.Body = body
	return copied
}

// The first POST is applied after the read found no trunk.
func TestCreateIsAppliedLate(t *testing.T) {
	t.Parallel()
	srv := mihutest.NewServer(t)
	agent := srv.AddAgent("Ada")
	var late *http.Request
	transport := interceptor(func(req *http.Request, send func(*http.Request) (*http.Response, error)) (*http.Response, error) {
		if req.Method != http.MethodPost {
			return send(req)
		}
		if late == nil {
			late = detached(t, req)
			return nil, errLost
		}
		resp, err := send(late)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		return send(req)
	})
	_, err := srv.Client(t, fastRetries, mihu.WithHTTPClient(&http.Client{Transport: transport})).Trunks.Create(t.Context(), createRequest(agent))
	require.NoError(t, err)
	assert.Equal(t, []string{
		"GET channels 404", "POST trunks 201", "POST trunks 409", "GET channels 200", "PATCH trunks 200",
	}, requestLines(srv))
	assertStored(t, srv, agent)
}

// A read cannot prove that a POST will not be applied later, so the outcome stays unknown.
func TestCreateWithUnknownOutcome(t *testing.T) {
	t.Parallel()
	broken := mihutest.Fault{On: mihutest.Match{Times: -1}, Status: 503}
	tests := []struct {
		name   string
		faults []mihutest.Fault
		want   []error
		text   string
		sent   int
	}{
		{
			"no response to any POST",
			[]mihutest.Fault{onPost(mihutest.Fault{On: mihutest.Match{Times: -1}, Drop: true})},
			nil,
			"there after request 4, the last", 8,
		},
		{
			"the read fails",
			[]mihutest.Fault{onPost(broken), onGet(broken)},
			[]error{mihu.ErrServer},
			"trunks.create.read", 9,
		},
		{
			"the read is refused",
			[]mihutest.Fault{onPost(broken), onGet(mihutest.Fault{Status: 403})},
			[]error{mihu.ErrForbidden, mihu.ErrServer},
			"403 FORBIDDEN", 2,
		},
		{
			"the read echoes the credentials",
			[]mihutest.Fault{onPost(broken), onGet(mihutest.Fault{Status: 403, Message: "no GET for alice with s3cret"})},
			[]error{mihu.ErrForbidden},
			"no GET for [redacted] with [redacted]", 2,
		},
		{
			"the read returns another number",
			[]mihutest.Fault{onPost(broken), onGet(mihutest.Fault{On: mihutest.Match{Times: -1}, Body: []byte(`{"success":true,"data":{"number":"+4930123456","channels":{"call":{"bound":false},"whatsapp":{"bound":false}}}}`)})},
			[]error{mihu.ErrMalformedResponse},
			"another number", 9,
		},
		{
			"the next POST is refused for another reason",
			[]mihutest.Fault{onPost(mihutest.Fault{Drop: true}), onPost(mihutest.Fault{Status: 401})},
			[]error{mihu.ErrUnauthorized},
			"401", 3,
		},
		{
			"every later POST is refused, and no trunk is found",
			[]mihutest.Fault{onPost(mihutest.Fault{Drop: true}), onPost(mihutest.Fault{On: mihutest.Match{Times: -1}, Status: 422})},
			[]error{mihu.ErrInvalid},
			"there after request 4, the last", 8,
		},
		{
			"the PATCH is refused",
			[]mihutest.Fault{onPost(mihutest.Fault{Drop: true, AfterChange: true}), onPatch(mihutest.Fault{Status: 422})},
			[]error{mihu.ErrInvalid},
			"with Update", 3,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			srv := mihutest.NewServer(t)
			require.NoError(t, srv.Inject(test.faults...))
			snap, err := srv.Client(t, fastRetries).Trunks.Create(t.Context(), createRequest(srv.AddAgent("Ada")))
			assert.Nil(t, snap)
			require.ErrorIs(t, err, mihu.ErrOutcomeUnknown)
			for _, want := range test.want {
				require.ErrorIs(t, err, want)
			}
			assert.ErrorContains(t, err, test.text)
			assert.NotContains(t, err.Error(), frontDesk.PhoneNumber)
			assert.NotContains(t, err.Error(), "s3cret")
			assert.Equal(t, test.sent, srv.RequestCount(), requestLines(srv))
		})
	}
}

func TestWithoutReconciliation(t *testing.T) {
	t.Parallel()
	srv := mihutest.NewServer(t)
	require.NoError(t, srv.Inject(onPost(mihutest.Fault{Drop: true, AfterChange: true})))
	var meta mihu.Response
	_, err := srv.Client(t, fastRetries).Trunks.Create(t.Context(), createRequest(srv.AddAgent("Ada")), mihu.WithoutReconciliation(), mihu.WithResponse(&meta))
	require.ErrorIs(t, err, mihu.ErrOutcomeUnknown)
	assert.Contains(t, err.Error(), "call Ensure", "the advice is how to find out")
	assert.False(t, meta.Reconciled)
	assert.Equal(t, 1, srv.RequestCount())
	assert.Len(t, srv.Trunks(), 1)
}

// If the caller's context ends during the request, nothing more is sent.
func TestCreateCanceledDuringTheRequest(t *testing.T) {
	t.Parallel()
	srv := mihutest.NewServer(t)
	errShutdown := errors.New("the program shuts down")
	ctx, cancel := context.WithCancelCause(t.Context())
	transport := interceptor(func(req *http.Request, send func(*http.Request) (*http.Response, error)) (*http.Response, error) {
		resp, err := send(detached(t, req))
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		cancel(errShutdown)
		return nil, req.Context().Err()
	})
	_, err := srv.Client(t, mihu.WithHTTPClient(&http.Client{Transport: transport})).Trunks.Create(ctx, createRequest(srv.AddAgent("Ada")))
	require.ErrorIs(t, err, mihu.ErrOutcomeUnknown)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, err, errShutdown)
	assert.Equal(t, 1, strings.Count(err.Error(), errShutdown.Error()))
	assert.Equal(t, 1, srv.RequestCount())
}

// Another client moves the trunk between the read and the PATCH.
func TestTrunkIsMovedDuringReconciliation(t *testing.T) {
	t.Parallel()
	srv := mihutest.NewServer(t)
	ada, eve := srv.AddAgent("Ada"), srv.AddAgent("Eve")
	other := srv.Client(t)
	transport := interceptor(func(req *http.Request, send func(*http.Request) (*http.Response, error)) (*http.Response, error) {
		if req.Method == http.MethodPatch {
			_, err := other.Trunks.Assign(req.Context(), frontDesk, eve)
			require.NoError(t, err)
		}
		return send(req)
	})
	require.NoError(t, srv.Inject(onPost(mihutest.Fault{Drop: true, AfterChange: true})))
	_, err := srv.Client(t, fastRetries, mihu.WithHTTPClient(&http.Client{Transport: transport})).Trunks.Create(t.Context(), createRequest(ada))
	conflict, ok := errors.AsType[*mihu.ConflictError](err)
	require.True(t, ok, "%v", err)
	assert.Equal(t, eve, conflict.AgentUUID)
}

// Two callers create the same trunk, and both first responses are lost.
func TestConcurrentCreates(t *testing.T) {
	t.Parallel()
	for range 20 {
		srv := mihutest.NewServer(t)
		agent := srv.AddAgent("Ada")
		client := srv.Client(t, fastRetries)
		require.NoError(t, srv.Inject(onPost(mihutest.Fault{On: mihutest.Match{Times: 2}, Drop: true, AfterChange: true})))
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				_, err := client.Trunks.Create(t.Context(), createRequest(agent))
				assert.NoError(t, err)
			})
		}
		wg.Wait()
		assertStored(t, srv, agent)
	}
}

// Reconciling reads that fail spend the retry budget.
func TestReconciliationSpendsTheBudget(t *testing.T) {
	t.Parallel()
	srv := mihutest.NewServer(t)
	client := srv.Client(t, mihu.WithRetryPolicy(mihu.RetryPolicy{BaseDelay: time.Millisecond, Budget: 1}))
	require.NoError(t, srv.Inject(mihutest.Fault{On: mihutest.Match{Times: -1}, Status: 503}))
	for range 3 {
		_, err := client.Trunks.Create(t.Context(), createRequest(srv.AddAgent("Ada")))
		require.ErrorIs(t, err, mihu.ErrOutcomeUnknown)
	}
	assert.Equal(t, 4, srv.RequestCount(), "three POSTs and one read")
}

// A reconciling read that the server answers costs nothing, also if it lags or does not find the
// number. Only the POSTs that are sent again do, which the successes pay for.
func TestAnsweredReadsDoNotSpendTheBudget(t *testing.T) {
	t.Parallel()
	for _, read := range []*mihutest.Fault{
		nil,
		{Status: http.StatusNotFound, Body: []byte(`{"success": false, "error": {"code": "NOT_FOUND"}}`)},
	} {
		srv := mihutest.NewServer(t)
		posts := 0
		srv.InjectFunc(func(req mihutest.Request) *mihutest.Fault {
			if req.Method == http.MethodGet {
				return read
			}
			if posts++; posts%2 == 1 {
				return &mihutest.Fault{Drop: true}
			}
			return nil
		})
		client := srv.Client(t, mihu.WithRetryPolicy(mihu.RetryPolicy{BaseDelay: time.Millisecond, Budget: 10}))
		for i := range 15 {
			req := createRequest(srv.AddAgent("Ada"))
			req.PhoneNumber = fmt.Sprintf("+120255501%02d", i)
			_, err := client.Trunks.Create(t.Context(), req)
			require.NoError(t, err, "create %d", i+1)
		}
	}
}

// The POST is not sent again if the wait would pass the deadline.
func TestReconciliationObeysTheDeadline(t *testing.T) {
	t.Parallel()
	srv := mihutest.NewServer(t)
	require.NoError(t, srv.Inject(onPost(mihutest.Fault{Drop: true})))
	client := srv.Client(t, mihu.WithRetryPolicy(mihu.RetryPolicy{BaseDelay: 1 << 60, MaxDelay: 1 << 62}))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err := client.Trunks.Create(ctx, createRequest(srv.AddAgent("Ada")))
	require.ErrorIs(t, err, mihu.ErrOutcomeUnknown)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NoError(t, ctx.Err(), "the call returns before the deadline")
}

// No attempt keeps what the response to an earlier one said.
func TestEveryAttemptStartsAnew(t *testing.T) {
	t.Parallel()
	other := `{"success": true, "data": {"number": "+4930123456", "source": "external", "channels": {` +
		`"call": {"bound": true, "agent_uuid": "b0000000-0000-4000-8000-000000000001"}, "sms": {"bound": false}, "whatsapp": {"bound": false}}}}`
	nameless := `{"success": true, "data": {"number": "+12345678901", "source": "external", "channels": {` +
		`"call": {"bound": true}, "sms": {"bound": false}, "whatsapp": {"bound": false}}}}`
	wire := newWire(t, lost(), respondWith(http.StatusOK, other), respondWith(http.StatusOK, nameless))
	_, err := newClient(t, wire, fastRetries).Trunks.Create(t.Context(), &mihu.TrunkCreateRequest{TrunkID: frontDesk, AgentUUID: agentUUID})
	require.ErrorIs(t, err, mihu.ErrOutcomeUnknown)
	require.ErrorContains(t, err, "does not name the agent")
	_, isConflict := errors.AsType[*mihu.ConflictError](err)
	assert.False(t, isConflict, "the agent is not known")
}
