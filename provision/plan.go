package provision

import (
	"context"
	"fmt"
	"iter"

	"github.com/mihu-go/mihu"
)

// Plan says what [Run] would do, and sends nothing that changes anything. It lists the workspace
// once, and then yields a result per item, in the order of the stream; those that wait for an agent
// that another item frees come last. EnsureResult has what would be done, without a snapshot. What Run
// would refuse is refused here: faults, duplicates, agents that serve another number, cycles, and
// secrets that cannot be looked up, which therefore are. A journal is read and not written.
//
// It can know no more than the list tells, at the time of the list. A number that is not in it is
// taken as not registered, though it may be in the purchased inventory, and an agent as free and as
// there, unless the list says otherwise.
//
// The options and errors are those of Run. Memory grows with the trunks of the workspace as well, by
// some 100 bytes each.
func Plan(ctx context.Context, client *mihu.Client, items iter.Seq2[Item, error], opts Options) iter.Seq2[Result, error] {
	return func(yield func(Result, error) bool) { newPlan(ctx, client, items, opts).run(yield) }
}

func newPlan(ctx context.Context, client *mihu.Client, items iter.Seq2[Item, error], opts Options) *engine {
	e := newEngine("plan", ctx, client, items, opts)
	w := &workspace{engine: e, serves: map[trunkKey]agentKey{}, holder: map[agentKey]trunkKey{}}
	e.prepare = w.list
	e.attempt = w.attempt
	e.bindings = w.bindings
	return e
}

// errHeld is the refusal of an agent that serves another number.
var errHeld = fmt.Errorf("provision: the agent serves another number: %w", mihu.ErrConflict)

// workspace is what the list tells, and what the items of a plan would make of it.
type workspace struct {
	*engine
	serves map[trunkKey]agentKey
	holder map[agentKey]trunkKey
}

// list lists the trunks. There is one worker from then on, which makes one plan of one input.
func (w *workspace) list() error {
	for at, err := range w.listed() {
		if err != nil {
			return fmt.Errorf("provision: listing the trunks: %w", err)
		}
		w.put(at)
	}
	w.opts.Workers = 1
	return nil
}

func (w *workspace) put(at binding) {
	w.serves[at.trunk] = at.agent
	if at.agent != (agentKey{}) {
		w.holder[at.agent] = at.trunk
	}
}

func (w *workspace) bindings() iter.Seq2[binding, error] {
	return func(yield func(binding, error) bool) {
		for trunk, agent := range w.serves {
			if !yield(binding{trunk, agent}, nil) {
				return
			}
		}
	}
}

// attempt finds out what Ensure would do.
func (w *workspace) attempt(item *Item) (*mihu.EnsureResult, error) {
	req, err := resolve(w.ctx, *item, w.opts.Secrets)
	if err != nil {
		return nil, err
	}
	trunk, _ := keyOf(req.TrunkID)
	agent, _ := agentOf(req.AgentUUID, req.Channel)
	before, there := w.serves[trunk]
	done := new(mihu.EnsureResult)
	if there && before == agent {
		done.Action = mihu.ActionUnchanged
		if sendsMore(req) {
			done.Action = mihu.ActionUpdated
		}
		return done, nil
	}
	if _, held := w.holder[agent]; held {
		return done, errHeld
	}
	if there {
		delete(w.holder, before)
		done.Action = mihu.ActionAssigned
		if before != (agentKey{}) {
			done.PreviousAgentUUID = before.uuid()
		}
	} else {
		done.Action = mihu.ActionCreated
	}
	w.put(binding{trunk, agent})
	return done, nil
}

// sendsMore says that the request holds what cannot be read back.
func sendsMore(req *mihu.TrunkCreateRequest) bool {
	return req.Name != "" || req.Direction != "" || req.AdditionalSettings != nil || req.SIP != nil && *req.SIP != (mihu.SIPCredentials{})
}
