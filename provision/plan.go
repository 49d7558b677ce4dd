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
// What Run would refuse is refused here too: invalid items, duplicates, purchased numbers that are
// listed, agents that serve another number, a purchased one included, cycles, and credentials that cannot be looked up. Plan therefore calls Options.Secrets.
// It reads the journal, and does not write it.
//
// Plan knows what the list shows at that time, and no more. It assumes that a number that is not
// listed is not registered, though the number may be in the purchased inventory, and that an agent
// exists and is free unless the list shows another number.
//
// The options and errors are those of Run. Memory grows with the trunks of the workspace too, by
// some 100 bytes each.
func Plan(ctx context.Context, client *mihu.Client, items iter.Seq2[Item, error], opts Options) iter.Seq2[Result, error] {
	return func(yield func(Result, error) bool) { newPlan(ctx, client, items, opts, newComparison()).run(yield) }
}

func newPlan(ctx context.Context, client *mihu.Client, items iter.Seq2[Item, error], opts Options, duplicates duplicates) *engine {
	e := newEngine(ctx, client, items, opts, duplicates)
	e.mode = &plan{workspace: e.workspace, ctx: ctx, secrets: opts.Secrets, serves: map[trunkKey]agentKey{}, holder: map[agentKey]trunkKey{}, purchased: map[trunkKey]bool{}}
	return e
}

// errHeld is the refusal of an agent that serves another number.
var errHeld = fmt.Errorf("provision: the agent serves another number: %w", mihu.ErrConflict)

// plan is the mode of Plan: it starts from the list of the workspace, and keeps what the items
// would make of it.
type plan struct {
	workspace
	ctx     context.Context //nolint:containedctx // a plan is one call
	secrets Secrets
	serves  map[trunkKey]agentKey
	holder  map[agentKey]trunkKey
	// purchased are the numbers that can have no trunk. serves and holder have their agents too.
	purchased map[trunkKey]bool
}

func (*plan) name() string { return "plan" }

func (*plan) records() bool { return false }

// begin lists the trunks. With one worker, the same input always has the same plan.
func (p *plan) begin(opts *Options) error {
	for at, err := range p.workspace.bindings(p.ctx) {
		if err != nil {
			return fmt.Errorf("provision: listing the trunks: %w", err)
		}
		p.bind(at)
	}
	opts.Workers = 1
	return nil
}

func (p *plan) bind(at binding) {
	p.serves[at.trunk] = at.agent
	if at.purchased {
		p.purchased[at.trunk] = true
	}
	if at.agent != (agentKey{}) {
		p.holder[at.agent] = at.trunk
	}
}

func (p *plan) bindings() iter.Seq2[binding, error] {
	return func(yield func(binding, error) bool) {
		for trunk, agent := range p.serves {
			if !yield(binding{trunk, agent, p.purchased[trunk]}, nil) {
				return
			}
		}
	}
}

// attempt finds out what Ensure would do.
func (p *plan) attempt(item *Item) (*mihu.EnsureResult, error) {
	req, err := resolve(p.ctx, *item, p.secrets)
	if err != nil {
		return nil, err
	}
	trunk, _ := keyOf(req.TrunkID)
	agent, _ := agentOf(req.AgentUUID, req.Channel)
	before, there := p.serves[trunk]
	if p.purchased[trunk] {
		conflict := &mihu.ConflictError{Op: mihu.OpTrunksEnsure, Trunk: req.TrunkID, Purchased: true}
		if before != (agentKey{}) {
			conflict.AgentUUID = before.uuid()
		}
		return nil, conflict
	}
	done := new(mihu.EnsureResult)
	if there && before == agent {
		done.Action = mihu.ActionUnchanged
		if sendsMore(req) {
			done.Action = mihu.ActionUpdated
		}
		return done, nil
	}
	if _, held := p.holder[agent]; held {
		return done, errHeld
	}
	if there {
		delete(p.holder, before)
		done.Action = mihu.ActionAssigned
		if before != (agentKey{}) {
			done.PreviousAgentUUID = before.uuid()
		}
	} else {
		done.Action = mihu.ActionCreated
	}
	p.bind(binding{trunk: trunk, agent: agent})
	return done, nil
}

// sendsMore reports whether the request has fields that cannot be read back.
func sendsMore(req *mihu.TrunkCreateRequest) bool {
	return req.Name != "" || req.Direction != "" || req.AdditionalSettings != nil || req.SIP != nil && *req.SIP != (mihu.SIPCredentials{})
}
