package provision

import (
	"context"
	"errors"
	"iter"

	"github.com/mihu-go/mihu"
)

// workspace reads what the workspace has.
type workspace struct {
	client *mihu.Client
	call   []mihu.CallOption
}

func newWorkspace(client *mihu.Client, limiter mihu.Limiter) workspace {
	return workspace{client: client, call: []mihu.CallOption{mihu.WithCallLimiter(limiter)}}
}

// binding is a trunk and its agent. The agent is zero if the API names none.
type binding struct {
	trunk trunkKey
	agent agentKey
}

// bindings lists the trunks of the workspace.
func (w workspace) bindings(ctx context.Context) iter.Seq2[binding, error] {
	return func(yield func(binding, error) bool) {
		for number, err := range w.client.Trunks.All(ctx, &mihu.AllOptions{Prefetch: 1}, w.call...) {
			if err != nil {
				yield(binding{}, err)
				return
			}
			for id, bound := range number.Trunks() {
				trunk, ok := keyOf(id)
				if !ok {
					continue
				}
				agent, ok := agentOf(bound.AgentUUID, id.Channel)
				if !ok {
					agent = agentKey{}
				}
				if !yield(binding{trunk, agent}, nil) {
					return
				}
			}
		}
	}
}

// isPurchased reports whether a number may be of the purchased inventory, so that the API refuses
// the number and not the agent.
func (w workspace) isPurchased(ctx context.Context, number string) bool {
	found, err := w.client.Channels.GetByNumber(ctx, number, w.call...)
	if err != nil {
		return !errors.Is(err, mihu.ErrNotFound)
	}
	return !found.External()
}
