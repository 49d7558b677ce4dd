package provision_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
	"github.com/mihu-go/mihu/provision"
)

// trunk returns the trunk of the i-th number.
func trunk(i int) mihu.TrunkID {
	return mihu.TrunkID{PhoneNumber: fmt.Sprintf("+1234%07d", i), Channel: mihu.ChannelCall}
}

// agent returns the UUID of the i-th agent.
func agent(i int) string { return fmt.Sprintf("3c90c3cc-0d44-4b50-8888-%012x", i) }

// want returns an item with an agent for a number, and nothing else.
func want(number, agentOf int) provision.Item {
	return provision.Item{Trunk: mihu.TrunkCreateRequest{TrunkID: trunk(number), AgentUUID: agent(agentOf)}, Line: number + 2}
}

// many yields n items with a new trunk each.
func many(n int) iter.Seq2[provision.Item, error] {
	return func(yield func(provision.Item, error) bool) {
		for i := range n {
			if !yield(want(i, i), nil) {
				return
			}
		}
	}
}

// stream yields items, and then the error if it is not nil.
func stream(err error, items ...provision.Item) iter.Seq2[provision.Item, error] {
	return func(yield func(provision.Item, error) bool) {
		for _, item := range items {
			if !yield(item, nil) {
				return
			}
		}
		if err != nil {
			yield(provision.Item{}, err)
		}
	}
}

// newServer starts a fake server that has every agent.
func newServer(t *testing.T, opts ...mihutest.Option) *mihutest.Server {
	t.Helper()
	return mihutest.NewServer(t, append([]mihutest.Option{mihutest.WithRules(mihutest.Rules{AnyAgent: true}), mihutest.WithRequestLimit(1_000_000)}, opts...)...)
}

// collect returns the results in the order of the input, and the error of the run.
func collect(t *testing.T, run iter.Seq2[provision.Result, error]) ([]provision.Result, error) {
	t.Helper()
	var results []provision.Result
	var ended error
	for result, err := range run {
		require.NoError(t, ended, "an error of the run comes last and once")
		if err != nil {
			require.Zero(t, result)
			ended = err
			continue
		}
		results = append(results, result)
	}
	slices.SortStableFunc(results, func(a, b provision.Result) int { return cmp.Compare(a.Index, b.Index) })
	return results, ended
}

// actions returns the actions of results.
func actions(results []provision.Result) []provision.Action {
	var all []provision.Action
	for _, result := range results {
		all = append(all, result.Action)
	}
	return all
}

// verbs returns the actions of results as a plan names them.
func verbs(results []provision.Result) []provision.Action {
	all := actions(results)
	for i := range all {
		all[i] = all[i].Planned()
	}
	return all
}

// memory is an API without a socket, for tests with testing/synctest.
type memory struct {
	latency time.Duration
	// fault is called with every request, counted from 1. If it returns nil, nil, the request is
	// handled. With late, the change is made before what fault returns.
	fault func(n int, req *http.Request) (*http.Response, error)
	late  bool
	// forgets makes every number new each time.
	forgets bool

	mu          sync.Mutex
	trunks      map[mihu.TrunkID]string
	flow        []string
	updated     int
	inFlight    int
	inFlightMax int
}

func newMemory() *memory { return &memory{trunks: map[mihu.TrunkID]string{}} }

func (m *memory) client(tb testing.TB, opts ...mihu.Option) *mihu.Client {
	tb.Helper()
	client, err := mihu.New("acme", "t0ken", append([]mihu.Option{mihu.WithHTTPClient(&http.Client{Transport: m})}, opts...)...)
	require.NoError(tb, err)
	return client
}

// Flow returns the requests in order.
func (m *memory) Flow() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.flow)
}

func (m *memory) enter(method string, req *http.Request) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.forgets {
		m.flow = append(m.flow, method+" "+strings.TrimPrefix(req.URL.Path, "/api/v1/phone-numbers"))
	}
	m.inFlight++
	m.inFlightMax = max(m.inFlightMax, m.inFlight)
	return len(m.flow)
}

func (m *memory) RoundTrip(req *http.Request) (*http.Response, error) {
	n := m.enter(req.Method, req)
	defer func() {
		m.mu.Lock()
		m.inFlight--
		m.mu.Unlock()
	}()
	if m.latency > 0 {
		select {
		case <-time.After(m.latency):
		case <-req.Context().Done():
			return nil, req.Context().Err()
		}
	}
	var body []byte
	if req.Body != nil {
		body, _ = io.ReadAll(req.Body)
	}
	var resp *http.Response
	var err error
	if m.fault != nil {
		resp, err = m.fault(n, req)
	}
	if m.late || resp == nil && err == nil {
		handled := m.handle(req, body)
		if resp == nil && err == nil {
			resp = handled
		}
	}
	return resp, err
}

func (m *memory) handle(req *http.Request, body []byte) *http.Response {
	var in mihu.TrunkCreateRequest
	if body != nil {
		if err := json.Unmarshal(body, &in); err != nil {
			return answer(http.StatusBadRequest, `{"message":"malformed"}`)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch path := strings.TrimPrefix(req.URL.Path, "/api/v1/phone-numbers"); req.Method + path {
	case "GET/channels":
		in.PhoneNumber, in.Channel = req.URL.Query().Get("number"), mihu.ChannelCall
	case "POST/trunks":
		m.trunks[in.TrunkID] = in.AgentUUID
	case "PUT/trunks/assign":
		m.trunks[in.TrunkID] = in.AgentUUID
	case "PATCH/trunks":
		m.updated++
	default:
		return m.list()
	}
	is, ok := m.trunks[in.TrunkID]
	if m.forgets {
		delete(m.trunks, in.TrunkID)
	}
	if !ok {
		return answer(http.StatusNotFound, `{"success":false,"message":"no such number"}`)
	}
	return answer(http.StatusOK, fmt.Sprintf(`{"success":true,"data":{"number":%q,"is_external":true,"channels":{"call":{"bound":true,"agent_uuid":%q}}}}`, in.PhoneNumber, is))
}

// list returns all trunks as one page.
func (m *memory) list() *http.Response {
	var items []string
	for id, agent := range m.trunks {
		items = append(items, fmt.Sprintf(`{"number":%q,"is_external":true,"bindings":{"call":{"bound":true,"agent_uuid":%q}}}`, id.PhoneNumber, agent))
	}
	return answer(http.StatusOK, fmt.Sprintf(`{"success":true,"data":{"items":[%s],"pagination":{"current_page":1,"last_page":1,"total":%d}}}`, strings.Join(items, ","), len(items)))
}

func answer(status int, body string, header ...string) *http.Response {
	resp := &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
	for pair := range slices.Chunk(header, 2) {
		resp.Header.Set(pair[0], pair[1])
	}
	return resp
}

// passes injects no fault.
func passes() (*http.Response, error) {
	return nil, nil //nolint:nilnil // no response and no error: the request is handled
}

// problem is the response of a refusal.
func problem(status int, header ...string) *http.Response {
	return answer(status, `{"success":false,"message":"Refused","error":{"code":"CODE_`+strconv.Itoa(status)+`"}}`, header...)
}

var errLost = errors.New("connection lost")

// onceOnly makes a client retry nothing itself.
var onceOnly = mihu.WithRetryPolicy(mihu.RetryPolicy{MaxAttempts: 1})

type limiterFunc func(context.Context) error

func (f limiterFunc) Wait(ctx context.Context) error { return f(ctx) }

// closed returns a closed channel.
func closed() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}
