package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
)

// chain runs the complete life of trunks: create, read, update, read, assign, read, delete, and read
// again. It compares every report with the state of the server at once. The server must accept any
// agent.
type chain struct {
	client  *mihu.Client
	srv     *mihutest.Server
	proxied bool // a proxy in front of the server may retry a DELETE

	mu      sync.Mutex
	calls   int
	writes  int
	reads   int
	failed  []string // calls that failed
	verdict verdict
	open    []entry        // unknown outcomes, judged after the last request
	over    []mihu.TrunkID // trunks that were deleted and must not exist at the end
}

// agentOf returns an agent that no other trunk has.
func agentOf(i, which int) string { return fmt.Sprintf("%08x-0000-4000-8000-%012x", which, i) }

var anyAgent = mihutest.WithRules(mihutest.Rules{AnyAgent: true})

// live runs the life of trunk number i. It stops at the first error.
func (c *chain) live(ctx context.Context, i int) {
	req := wanted(i, agentOf(i, 1))
	created := asTrunk(req)
	changed := *created
	changed.Name, changed.AdditionalSettings = fmt.Sprintf("Renamed %d", i), map[string]any{"updated": float64(i)}
	moved := changed
	moved.AgentUUID = agentOf(i, 2)
	complete := c.write(entry{op: "create", id: req.TrunkID, after: created}, func() (*mihu.ChannelSnapshot, error) {
		return c.client.Trunks.Create(ctx, req)
	}) && c.read(ctx, created) &&
		c.write(entry{op: "update", id: req.TrunkID, before: created, after: &changed}, func() (*mihu.ChannelSnapshot, error) {
			return c.client.Trunks.Update(ctx, req.TrunkID, &mihu.TrunkUpdateRequest{
				Name: &changed.Name, AdditionalSettings: changed.AdditionalSettings,
			})
		}) && c.read(ctx, &changed) &&
		c.write(entry{op: "assign", id: req.TrunkID, before: &changed, after: &moved}, func() (*mihu.ChannelSnapshot, error) {
			return c.client.Trunks.Assign(ctx, req.TrunkID, moved.AgentUUID)
		}) && c.read(ctx, &moved) &&
		c.write(entry{op: "delete", id: req.TrunkID, before: &moved, proxyRetries: c.proxied}, func() (*mihu.ChannelSnapshot, error) {
			return nil, c.client.Trunks.Delete(ctx, req.TrunkID)
		}) && c.miss(ctx, req.TrunkID)
	if complete {
		c.mu.Lock()
		c.over = append(c.over, req.TrunkID)
		c.mu.Unlock()
	}
}

// write makes a change and reports whether it succeeded.
func (c *chain) write(e entry, call func() (*mihu.ChannelSnapshot, error)) bool {
	e.snapshot, e.err = call()
	now := truth{trunks: map[mihu.TrunkID]mihutest.Trunk{}, registrations: map[mihu.TrunkID]int{e.id: 1}}
	if trunk, ok := c.srv.Trunk(e.id); ok {
		now.trunks[e.id] = trunk
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls++
	c.writes++
	c.verdict.judge(&e, now)
	if e.report() == unknown {
		c.open = append(c.open, e)
	}
	return c.note(e.op, e.err)
}

// read reads the channels of a trunk that must exist.
func (c *chain) read(ctx context.Context, want *mihutest.Trunk) bool {
	snap, err := c.client.Channels.GetByNumber(ctx, want.ID.PhoneNumber)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls++
	c.reads++
	if err == nil && !showsAgent(snap, want) {
		c.verdict.misreported = append(c.verdict.misreported, fmt.Sprintf("read %v returned the channels of another trunk", want.ID))
	}
	return c.note("read", err)
}

// miss reads the channels of a trunk that must not exist.
func (c *chain) miss(ctx context.Context, id mihu.TrunkID) bool {
	_, err := c.client.Channels.GetByNumber(ctx, id.PhoneNumber)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls++
	c.reads++
	if err == nil {
		c.verdict.misreported = append(c.verdict.misreported, fmt.Sprintf("read %v found a deleted trunk", id))
	}
	if errors.Is(err, mihu.ErrNotFound) {
		err = nil
	}
	return c.note("read", err)
}

// note records a failed call. The caller must hold the lock.
func (c *chain) note(op string, err error) bool {
	if err != nil {
		c.failed = append(c.failed, op+": "+causes(err))
	}
	return err == nil
}

// run runs lives, starting with a number, until enough returns true.
func (c *chain) run(ctx context.Context, workers, from int, enough func(calls int) bool) {
	parallel(ctx, workers, math.MaxInt, func(i int) bool {
		c.mu.Lock()
		calls, failed := c.calls, len(c.failed)
		c.mu.Unlock()
		if enough(calls) {
			return false
		}
		if c.live(ctx, from+i); c.failures() > failed {
			_ = pause(ctx, 10*time.Millisecond) // as a program would, and to reduce the load
		}
		return true
	})
}

func (c *chain) failures() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.failed)
}

// end judges the unknown outcomes after the last request.
func (c *chain) end(ctx context.Context) (verdict, error) {
	if err := quiesce(ctx, c.srv); err != nil {
		return verdict{}, err
	}
	v := c.verdict
	v.unknown = nil // judged below
	facts := truthOf(c.srv)
	last := judge(c.open, facts)
	v.twice, v.unknown = last.twice, last.unknown
	v.misreported = append(v.misreported, last.misreported...)
	for _, id := range c.over {
		if facts.holds(id) != nil {
			v.lost = append(v.lost, fmt.Sprintf("%v was deleted, but exists again", id))
		}
	}
	return v, nil
}
