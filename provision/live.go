package provision

import (
	"cmp"
	"iter"
	"slices"

	"github.com/mihu-go/mihu"
)

// live is the mode of Run: it changes the workspace.
type live struct {
	workspace
	*stopper
	secrets Secrets
}

func (*live) name() string { return "run" }

func (*live) begin(*Options) error { return nil }

func (*live) records() bool { return true }

func (l *live) bindings() iter.Seq2[binding, error] { return l.workspace.bindings(l.ctx) }

// attempt creates the trunk of an item, or updates it to match, with retries.
func (l *live) attempt(item *Item) (*mihu.EnsureResult, error) {
	req, err := resolve(l.ctx, *item, l.secrets)
	if err != nil {
		return nil, err
	}
	done := new(mihu.EnsureResult)
	err = l.retry(func() error {
		did, err := l.client.Trunks.Ensure(l.ctx, req, l.call...)
		addResult(done, did)
		return err
	})
	return done, err
}

// addResult adds what an attempt did to what the attempts before it did.
func addResult(done, did *mihu.EnsureResult) {
	if did.Snapshot != nil {
		done.Snapshot = did.Snapshot
	}
	done.PreviousAgentUUID = cmp.Or(done.PreviousAgentUUID, did.PreviousAgentUUID)
	if rank(did.Action) > rank(done.Action) {
		done.Action = did.Action
	}
}

// rank orders actions. Of several attempts, the action that changed the most counts.
func rank(action mihu.Action) int {
	return slices.Index([]mihu.Action{mihu.ActionUnchanged, mihu.ActionUpdated, mihu.ActionAssigned, mihu.ActionCreated}, action)
}
