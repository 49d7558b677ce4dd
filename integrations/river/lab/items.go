package main

import (
	"context"
	"fmt"
	"iter"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
	"github.com/mihu-go/mihu/provision"
)

// trunkOf returns the trunk of a number, from 0.
func trunkOf(n int) mihu.TrunkID {
	return mihu.TrunkID{PhoneNumber: fmt.Sprintf("+1555%07d", n), Channel: mihu.ChannelCall}
}

func agentOf(n int) string { return fmt.Sprintf("3c90c3cc-0d44-4b50-8888-%012x", n) }

// items yields every so many of a count of items, as wanted in the end or, if outdated, as wanted before.
func items(count, every int, outdated bool) iter.Seq2[provision.Item, error] {
	return func(yield func(provision.Item, error) bool) {
		for n := 0; n < count; n += every {
			item := provision.Item{
				SecretName: fmt.Sprintf("desk %d", n),
				Trunk: mihu.TrunkCreateRequest{
					TrunkID: trunkOf(n), AgentUUID: agentOf(n), Name: "wanted",
					SIP:                &mihu.SIPCredentials{Gateway: "sip.example.com", Port: 5061},
					AdditionalSettings: map[string]any{"ani_format": "e164"},
				},
			}
			if outdated {
				item.Trunk.Name, item.Trunk.AgentUUID = "outdated", agentOf(count+n)
			}
			if !yield(item, nil) {
				return
			}
		}
	}
}

func secrets(_ context.Context, name string) (mihu.SIPCredentials, error) {
	return mihu.SIPCredentials{Username: "front", Password: "of " + name}, nil
}

// asWanted reports whether a trunk of the fake server is exactly as its item wants it.
func asWanted(n int, got mihutest.Trunk) bool {
	return got.AgentUUID == agentOf(n) && got.Name == "wanted" && got.Direction == mihu.DirectionBoth &&
		got.SIP == mihu.SIPCredentials{Gateway: "sip.example.com", Port: 5061, Username: "front", Password: fmt.Sprintf("of desk %d", n)} &&
		len(got.AdditionalSettings) == 1 && got.AdditionalSettings["ani_format"] == "e164"
}
