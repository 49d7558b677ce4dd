package provision

import (
	"context"
	"fmt"
	"iter"

	"github.com/mihu-go/mihu"
)

// Plan reports what [Run] would do, without making changes. It lists the workspace once, and then
// yields one result per item, in the order of the stream. Items that wait for an agent that another
// item frees come last. Result.Ensured has what would be done, without a snapshot.
//
// Plan and Run decide in the same way. What Run would refuse is refused here too: invalid items,
// duplicates, items that want the agent of an earlier one, purchased numbers that are listed,
// agents that serve another number, a purchased one included, cycles, and credentials that cannot
// be looked up. Plan therefore calls Options.Secrets. It reads the journal, and does not write it.
//
// Plan knows what the list shows at that time, and no more. It assumes that a number that is not
// listed is not registered, though the number may be in the purchased inventory, and that an agent
// exists and is free unless the list shows another number. If the list fails or is not whole, Plan
// yields the error.
//
// The options and errors are those of Run. Memory grows with the trunks of the workspace too, by
// some 30 bytes each. [Source.Plan] sends fewer requests for few rows, and takes less memory.
func Plan(ctx context.Context, client *mihu.Client, items iter.Seq2[Item, error], opts Options) iter.Seq2[Result, error] {
	return func(yield func(Result, error) bool) {
		newPlan(ctx, client, items, opts, newComparison(opts.AllowSharedAgents)).run(yield)
	}
}

func newPlan(ctx context.Context, client *mihu.Client, items iter.Seq2[Item, error], opts Options, duplicates duplicates) *engine {
	e := newEngine(ctx, client, items, opts, duplicates)
	e.mode = &plan{engine: e}
	return e
}

// errHeld is the refusal of an agent that serves another number.
var errHeld = fmt.Errorf("provision: the agent serves another number: %w", mihu.ErrConflict)

// plan is the mode of Plan: it starts from what the workspace has, and notes what the items would
// make of it.
type plan struct{ *engine }

func (*plan) name() string { return "plan" }

func (*plan) records() bool { return false }

func (*plan) action(done Action) Action { return done.Planned() }

// begin makes the same input always have the same plan.
func (p *plan) begin() { p.opts.Workers = 1 }

// expect lists the workspace at once for a stream, which may have any number of items.
func (p *plan) expect(asks *expectation) error {
	if asks != nil && p.opts.Lookup != LookupList {
		return nil
	}
	return p.list()
}

// list lists everything.
func (p *plan) list() error {
	if err := p.world.reader.complete(p.ctx); err != nil {
		err = fmt.Errorf("provision: listing the trunks: %w", err)
		p.end(err)
		return err
	}
	return nil
}

// attempt finds out what Run would do.
func (p *plan) attempt(item *Item) effect {
	req, err := resolve(p.ctx, *item, p.opts.Secrets)
	if err != nil {
		return effect{err: err}
	}
	if p.sync != nil && hasPlaceholder(req.SIP) {
		return effect{err: invalid("reconcile", mihu.FieldViolation{Field: "credentials", Problem: placeholderProblem})}
	}
	trunk, _ := keyOf(req.TrunkID)
	agent, _ := agentOf(req.AgentUUID, req.Channel)
	var found Reading
	err = p.retry(func() (err error) { found, err = p.world.get(p.ctx, trunk); return err })
	if err != nil {
		return effect{ensured: new(mihu.EnsureResult), err: err}
	}
	state, err := p.opts.State.track(p.ctx, req.TrunkID)
	if err != nil {
		return effect{err: err}
	}
	done := effect{ensured: new(mihu.EnsureResult), known: found.Known}
	send, clears := p.toSend(state, item, req, found)
	done.sent = send | clears
	if p.sync != nil {
		done.planned = p.sync.notes(state, item, req, found, send, clears)
	}
	switch needOf(req, found, done.sent != 0) {
	case needsLook:
		done.ensured, done.err = nil, &mihu.ConflictError{Op: mihu.OpTrunksEnsure, Trunk: req.TrunkID, AgentUUID: found.AgentUUID, Purchased: true}
		return done
	case needsNothing:
		done.ensured.Action = mihu.ActionUnchanged
		return done
	case needsUpdate:
		done.ensured.Action = mihu.ActionUpdated
		return done
	case needsAgent:
		done.ensured.Action, done.ensured.PreviousAgentUUID = mihu.ActionAssigned, found.AgentUUID
	case needsTrunk:
		done.ensured.Action, done.sent = mihu.ActionCreated, fieldsOf(req)
		if done.planned != nil {
			done.planned.clears = 0
		}
	}
	if p.opts.Lookup != LookupRows {
		if err := p.list(); err != nil {
			return effect{ensured: new(mihu.EnsureResult), err: err}
		}
	}
	if p.isHeld(trunk, agent) {
		return effect{ensured: new(mihu.EnsureResult), known: found.Known, err: errHeld}
	}
	before, ok := agentOf(found.AgentUUID, req.Channel)
	if !ok {
		before = agentKey{}
	}
	p.world.moved(trunk, before, agent)
	return done
}

func (*plan) holds(trunkKey, agentKey) bool { return true }

func (*plan) assignSpare(mihu.TrunkID, agentKey) error { return nil }
