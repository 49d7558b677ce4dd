package provision

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"

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
	number    [16]byte // the UUID of the number; zero if the API sends none
	purchased bool
	// uncertain means that the list leaves open whether there is a trunk.
	uncertain bool
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

// bindingsOf returns the bindings of one number. A channel is uncertain if the list does not say,
// in a form that can be read, whether the number is external and which agent is bound. A purchased
// number has no trunk, whatever is bound.
func bindingsOf(number *mihu.PhoneNumber) []binding {
	all := make([]binding, 0, 2)
	external := number.External()
	purchased := !external && number.Source != ""
	bound := number.Bindings.Call.Bound || number.Bindings.WhatsApp.Bound || number.Bindings.SMS.Bound
	for _, channel := range [...]mihu.Channel{mihu.ChannelCall, mihu.ChannelWhatsApp} {
		found := number.Binding(channel)
		at := binding{purchased: purchased, uncertain: !purchased && (!external || !bound || isUnreadable(number, channel))}
		at.number = uuidOf(number.PhoneNumberUUID)
		var ok bool
		if at.trunk, ok = keyOf(mihu.TrunkID{PhoneNumber: number.Number, Channel: channel}); !ok || !found.Bound && external && !at.uncertain {
			continue
		}
		if agent, ok := agentOf(found.AgentUUID, channel); ok && found.Bound {
			at.agent = agent
		}
		all = append(all, at)
	}
	return all
}

// isUnreadable reports whether something that decides on the binding on a channel is missing, or
// could not be read.
func isUnreadable(number *mihu.PhoneNumber, channel mihu.Channel) bool {
	return slices.ContainsFunc(number.Unreadable, func(path string) bool {
		return path == "bindings" || path == "source" || path == "is_external" || strings.HasPrefix(path+".", "bindings."+string(channel)+".")
	})
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
