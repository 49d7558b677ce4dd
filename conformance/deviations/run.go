package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/mihu-go/mihu"
)

const (
	trunkNumbers  = 5  // that calls are made for
	bulkNumbers   = 12 // that make lists longer
	callsEach     = 10 // calls of a sequence
	agentsOfTrunk = 4
)

func numberOf(i int) string { return fmt.Sprintf("+1202555%04d", 1000+i) }

func agentUUID(i int) string { return fmt.Sprintf("a0000000-0000-4000-8000-%012x", 0xabc0+i) }

// settings are what a run is asked for.
type settings struct {
	exchanges int
	seed      uint64
	sequence  int // -1: all
	rate      float64
	form      float64 // of each deviation of form
	lag       time.Duration
	trace     func(string)
}

// tally is what a run found.
type tally struct {
	exchanges, sequences int
	deviations           map[string]int
	calls                map[string]*outcomes
	found                map[string]*finding
	// misunderstood counts the deviations of form in the last response of calls that failed
	// although nothing but form deviates.
	misunderstood map[string]int
}

// outcomes counts the calls of an operation by what they report.
type outcomes struct{ succeeded, failed, unknown int }

// finding is a kind of misreport: how often it was found, what the last response was like, and the
// simplest instance.
type finding struct {
	count, sequence int
	causes          map[string]int
	size            int
	text            string
}

func newTally() *tally {
	return &tally{
		deviations: map[string]int{}, calls: map[string]*outcomes{}, found: map[string]*finding{}, misunderstood: map[string]int{},
	}
}

func (t *tally) misreports() (n int) {
	for _, f := range t.found {
		n += f.count
	}
	return n
}

// run makes sequences of calls until there were enough exchanges.
func run(ctx context.Context, s settings) (*tally, error) {
	t := newTally()
	first := max(s.sequence, 0)
	for i := first; t.exchanges < s.exchanges && ctx.Err() == nil; i++ {
		q, err := newSequence(s, t, i)
		if err != nil {
			return nil, err
		}
		q.run(ctx)
		t.sequences++
		if s.sequence >= 0 {
			break
		}
	}
	return t, ctx.Err()
}

// sequence is a server in some state, a client, and calls one after the other.
type sequence struct {
	settings settings
	tally    *tally
	index    int
	rng      *rand.Rand
	srv      *server
	client   *mihu.Client
	token    string
	unique   int
}

func newSequence(s settings, t *tally, index int) (*sequence, error) {
	q := &sequence{
		settings: s, tally: t, index: index,
		rng:   rand.New(rand.NewPCG(s.seed, uint64(index))), //nolint:gosec // chance must be repeatable, not secret
		token: fmt.Sprintf("token-%d-of-sequence", index),
	}
	q.srv = &server{
		seed: [2]uint64{s.seed, uint64(index)}, rate: s.rate, form: s.form, lag: s.lag, uuids: map[string]string{}, //nolint:gosec // not negative
		now: state{}, count: func(kind string) { t.deviations[kind]++ },
	}
	for i := range agentsOfTrunk {
		q.srv.agents = append(q.srv.agents, agentUUID(i))
	}
	for i := range trunkNumbers + bulkNumbers {
		q.srv.uuid(numberOf(i))
	}
	q.fill()
	var err error
	q.client, err = mihu.New("", q.token,
		mihu.WithBaseURL("https://api.test/api/v1"), mihu.WithHTTPClient(&http.Client{Transport: q.srv}),
		mihu.WithRetryPolicy(mihu.RetryPolicy{
			BaseDelay: time.Nanosecond, RateLimitDelay: time.Nanosecond, MaxDelay: time.Microsecond, MaxRetryAfter: time.Millisecond, Budget: -1,
		}),
		lagOption(s.lag))
	return q, err
}

// fill draws what the server stores at first.
func (q *sequence) fill() {
	for i := range q.rng.IntN(bulkNumbers + 1) {
		q.srv.now[numberOf(trunkNumbers+i)] = map[string]trunk{channelCall: {agent: agentUUID(100 + i)}}
	}
	for i := range trunkNumbers {
		if q.rng.IntN(2) == 0 {
			c := &change{method: http.MethodPost, number: numberOf(i), channel: q.channel(), agent: q.agent()}
			if q.srv.now.check(c) == accepted {
				q.srv.now = q.srv.now.with(c)
			}
		}
	}
	q.srv.versions = []version{{state: q.srv.now}}
}

func (q *sequence) channel() string {
	if q.rng.IntN(4) == 0 {
		return channelWhatsApp
	}
	return channelCall
}

func (q *sequence) agent() string { return q.srv.agents[q.rng.IntN(len(q.srv.agents))] }

func (q *sequence) id() mihu.TrunkID {
	id := mihu.TrunkID{PhoneNumber: numberOf(q.rng.IntN(trunkNumbers)), Channel: mihu.Channel(q.channel())}
	if existing := slices.Sorted(maps.Keys(q.srv.now)); q.rng.IntN(2) == 0 && len(existing) > 0 && existing[0] < numberOf(trunkNumbers) {
		id.PhoneNumber = existing[0]
		id.Channel = mihu.Channel(slices.Sorted(maps.Keys(q.srv.now[existing[0]]))[0])
	}
	return id
}

func (q *sequence) run(ctx context.Context) {
	goroutines := runtime.NumGoroutine()
	for i := range callsEach {
		if ctx.Err() != nil {
			return
		}
		q.call(ctx, i)
	}
	q.client.CloseIdleConnections()
	for range 100 {
		if runtime.NumGoroutine() <= goroutines {
			return
		}
		time.Sleep(time.Millisecond)
	}
	q.report(&call{op: "any"}, "goroutines are left", nil)
}

// call is one call of the client, with all that is needed to judge it.
type call struct {
	op, text string
	id       mihu.TrunkID
	agent    string
	fields   map[string]json.RawMessage
	secrets  []string
	began    time.Time
	before   state
	seen     *operation

	err      error
	snapshot *mihu.ChannelSnapshot
	binding  *mihu.Binding
	ensured  *mihu.EnsureResult
	numbers  []string
	items    []mihu.PhoneNumber
	page     int
	left     bool // the loop over a list was left
}

var operations = []struct {
	weight int
	op     string
	make   func(*sequence, context.Context, *call)
}{
	{5, "create", (*sequence).create},
	{4, "ensure", (*sequence).ensure},
	{4, "update", (*sequence).update},
	{4, "assign", (*sequence).assign},
	{3, "delete", (*sequence).delete},
	{2, "get", (*sequence).get},
	{2, "channels by number", (*sequence).channelsByNumber},
	{1, "channels", (*sequence).channelsByUUID},
	{1, "list", (*sequence).list},
	{2, "all", (*sequence).all},
	{2, "all, prefetching", (*sequence).prefetch},
}

// call draws a call, makes it and judges it.
func (q *sequence) call(ctx context.Context, index int) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	at, sum := q.rng.IntN(30), 0
	chosen := &operations[0]
	for i := range operations {
		if sum += operations[i].weight; at < sum {
			chosen = &operations[i]
			break
		}
	}
	c := &call{op: chosen.op, id: q.id(), agent: q.agent(), before: q.srv.now, began: time.Now()}
	c.secrets = []string{q.token, q.secret("user"), q.secret("password"), strings.TrimPrefix(c.id.PhoneNumber, "+")}
	c.seen = q.srv.begin(index, cancel, c.secrets)
	func() {
		defer func() {
			if p := recover(); p != nil {
				q.report(c, fmt.Sprint("panic: ", p), nil)
			}
		}()
		chosen.make(q, ctx, c)
	}()
	now := q.srv.end()
	q.tally.exchanges += len(c.seen.exchanges)
	q.judge(c, now)
	if q.settings.trace != nil {
		q.settings.trace(c.String())
	}
}

func (q *sequence) secret(kind string) string {
	q.unique++
	return fmt.Sprintf("%s-%d-%d", kind, q.index, q.unique)
}

// request draws a request to create a trunk, and keeps what it sends.
func (q *sequence) request(c *call) *mihu.TrunkCreateRequest {
	req := &mihu.TrunkCreateRequest{TrunkID: c.id, AgentUUID: c.agent}
	if q.rng.IntN(3) > 0 {
		req.Name = q.secret("name")
	}
	if q.rng.IntN(3) == 0 {
		req.AdditionalSettings = map[string]any{"n": q.unique}
	}
	if c.id.Channel == mihu.ChannelCall && q.rng.IntN(2) == 0 {
		req.Direction = mihu.DirectionInbound
		req.SIP = &mihu.SIPCredentials{Gateway: "sip.example.com", Port: 5060 + q.rng.IntN(9), Username: c.secrets[1], Password: c.secrets[2]}
	}
	c.keep(req)
	return req
}

// keep keeps what a request sends.
func (c *call) keep(req any) {
	text, err := json.Marshal(req)
	if err == nil {
		err = json.Unmarshal(text, &c.fields)
	}
	if err != nil {
		panic(err)
	}
	for _, identity := range []string{"phone_number", "channel", "agent_uuid"} {
		delete(c.fields, identity)
	}
	c.text = string(text)
}

func (q *sequence) create(ctx context.Context, c *call) {
	var opts []mihu.CallOption
	if q.rng.IntN(20) == 0 {
		opts = append(opts, mihu.WithoutReconciliation())
	}
	c.snapshot, c.err = q.client.Trunks.Create(ctx, q.request(c), opts...)
}

func (q *sequence) ensure(ctx context.Context, c *call) {
	c.ensured, c.err = q.client.Trunks.Ensure(ctx, q.request(c))
	c.snapshot = c.ensured.Snapshot
}

func (q *sequence) update(ctx context.Context, c *call) {
	req := &mihu.TrunkUpdateRequest{Name: new(q.secret("name"))}
	if q.rng.IntN(3) == 0 {
		req.AdditionalSettings = map[string]any{"n": q.unique}
	}
	if c.id.Channel == mihu.ChannelCall && q.rng.IntN(2) == 0 {
		req.SIP = &mihu.SIPUpdate{Username: &c.secrets[1], Password: &c.secrets[2], Port: mihu.ClearPort(), SecondaryGateway: new("")}
	}
	c.keep(req)
	c.snapshot, c.err = q.client.Trunks.Update(ctx, c.id, req)
}

func (q *sequence) assign(ctx context.Context, c *call) {
	c.snapshot, c.err = q.client.Trunks.Assign(ctx, c.id, c.agent)
}

func (q *sequence) delete(ctx context.Context, c *call) {
	c.err = q.client.Trunks.Delete(ctx, c.id)
}

func (q *sequence) get(ctx context.Context, c *call) {
	c.binding, c.err = q.client.Trunks.Get(ctx, c.id)
}

func (q *sequence) channelsByNumber(ctx context.Context, c *call) {
	c.snapshot, c.err = q.client.Channels.GetByNumber(ctx, c.id.PhoneNumber)
}

func (q *sequence) channelsByUUID(ctx context.Context, c *call) {
	c.snapshot, c.err = q.client.Channels.Get(ctx, q.srv.uuid(c.id.PhoneNumber))
}

func (q *sequence) list(ctx context.Context, c *call) {
	c.page = 1 + q.rng.IntN(2)
	page, err := q.client.Trunks.List(ctx, &mihu.ListOptions{Page: c.page, PerPage: 1 + q.rng.IntN(20)})
	if c.err = err; err != nil {
		return
	}
	c.items = page.Items
	for i := range page.Items {
		c.numbers = append(c.numbers, page.Items[i].Number)
	}
}

func (q *sequence) all(ctx context.Context, c *call) { q.iterate(ctx, c, 0) }

func (q *sequence) prefetch(ctx context.Context, c *call) { q.iterate(ctx, c, 1+q.rng.IntN(4)) }

func (q *sequence) iterate(ctx context.Context, c *call, prefetch int) {
	leave := -1
	if q.rng.IntN(10) == 0 {
		leave = q.rng.IntN(5)
	}
	options := &mihu.AllOptions{PerPage: one(&dice{Rand: q.rng}, 0, 1, 2, 3, 5, 200), Prefetch: prefetch}
	for item, err := range q.client.Trunks.All(ctx, options) {
		if c.err = err; err != nil {
			continue // nothing may follow
		}
		c.numbers = append(c.numbers, item.Number)
		c.items = append(c.items, item)
		if len(c.numbers)-1 == leave {
			c.left = true
			return
		}
	}
}

func (c *call) String() string {
	var b strings.Builder
	_, _ = fmt.Fprintf(&b, "%s %s %s agent %s %s", c.op, c.id.PhoneNumber, c.id.Channel, c.agent, c.text)
	if t, ok := c.before[c.id.PhoneNumber][string(c.id.Channel)]; ok {
		_, _ = fmt.Fprintf(&b, "\n    before: on agent %s", t.agent)
	} else {
		b.WriteString("\n    before: no trunk")
	}
	if c.seen != nil {
		if c.seen.plan != nil {
			_, _ = fmt.Fprintf(&b, "\n    %v", c.seen.plan)
		}
		for _, e := range c.seen.exchanges {
			_, _ = fmt.Fprintf(&b, "\n    %v", e)
		}
	}
	_, _ = fmt.Fprintf(&b, "\n    returned: error %v", c.err)
	if c.snapshot != nil {
		binding := c.snapshot.Binding(c.id.Channel)
		_, _ = fmt.Fprintf(&b, "; snapshot of %q, bound %v, agent %q", c.snapshot.Number, binding.Bound, binding.AgentUUID)
	}
	if c.ensured != nil {
		_, _ = fmt.Fprintf(&b, "; action %q", c.ensured.Action)
	}
	if c.numbers != nil {
		_, _ = fmt.Fprintf(&b, "; numbers %q", c.numbers)
	}
	return b.String()
}

// report counts a misreport and keeps the simplest of its kind. The cause is the last exchange.
func (q *sequence) report(c *call, problem string, cause *exchange) {
	kind := c.op + ": " + problem
	f := q.tally.found[kind]
	if f == nil {
		f = &finding{causes: map[string]int{}, size: math.MaxInt}
		q.tally.found[kind] = f
	}
	f.count++
	size := 0
	if cause != nil {
		f.causes[cmp.Or(strings.Join(cause.meaning(), ", "), "nothing but form")]++
		for _, e := range c.seen.exchanges {
			size += 10 + len(e.tags)
		}
		if c.seen.plan != nil {
			size += len(c.seen.plan.traits) + len(c.seen.plan.all)
		}
	}
	if size < f.size {
		f.size, f.sequence, f.text = size, q.index, c.String()
	}
}

// meaning returns the deviations that are not of form.
func (e *exchange) meaning() []string {
	return slices.DeleteFunc(slices.Clone(e.tags), func(tag string) bool {
		return strings.HasPrefix(tag, "form: ") || strings.HasPrefix(tag, "problem: ")
	})
}
