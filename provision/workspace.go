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

// binding is a number on a channel and its agent there. The agent is zero if the API names none. On
// a purchased number it is no trunk, and its agent is held all the same.
type binding struct {
	trunk     trunkKey
	agent     agentKey
	purchased bool
}

// bindings lists the bindings of all numbers of the workspace. For a purchased number it yields
// both channels, bound or not, because there can be no trunk on either.
func (w workspace) bindings(ctx context.Context) iter.Seq2[binding, error] {
	return func(yield func(binding, error) bool) {
		for number, err := range w.client.Trunks.All(ctx, &mihu.AllOptions{Prefetch: 1}, w.call...) {
			if err != nil {
				yield(binding{}, err)
				return
			}
			for _, at := range bindingsOf(&number) {
				if !yield(at, nil) {
					return
				}
			}
		}
	}
}

// bindingsOf returns the bindings of one number.
func bindingsOf(number *mihu.PhoneNumber) []binding {
	all := make([]binding, 0, 2)
	for _, channel := range [...]mihu.Channel{mihu.ChannelCall, mihu.ChannelWhatsApp} {
		bound := number.Binding(channel)
		trunk, ok := keyOf(mihu.TrunkID{PhoneNumber: number.Number, Channel: channel})
		if !ok || !bound.Bound && number.External() {
			continue
		}
		at := binding{trunk: trunk, purchased: !number.External()}
		if agent, ok := agentOf(bound.AgentUUID, channel); ok && bound.Bound {
			at.agent = agent
		}
		all = append(all, at)
	}
	return all
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
