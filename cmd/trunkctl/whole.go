package main

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/mihu-go/mihu"
)

// wholeTrunks returns the trunks of a workspace for commands that must not miss one. A number of which
// it is not known which trunks it has is an error.
func wholeTrunks(ctx context.Context, client *mihu.Client, filter trunkFilter) iter.Seq2[trunkRow, error] {
	return func(yield func(trunkRow, error) bool) {
		for number, err := range client.Trunks.All(ctx, &mihu.AllOptions{Prefetch: 1}) {
			if err == nil && isDoubtful(number) {
				err = fmt.Errorf("%w: what decides which trunks %s has is missing or cannot be read",
					mihu.ErrMalformedResponse, mihu.MaskNumber(number.Number))
			}
			if err != nil {
				yield(trunkRow{}, err)
				return
			}
			for _, trunk := range rowsOf(number) {
				if filter.matches(trunk) && !yield(trunk, nil) {
					return
				}
			}
		}
	}
}

// hasUnreadableBindings reports whether it is not known which agents a number has.
func hasUnreadableBindings(number *mihu.PhoneNumber) bool {
	return slices.ContainsFunc(number.Unreadable, func(path string) bool {
		parts := strings.Split(path, ".")
		return parts[0] == "bindings" && (len(parts) < 3 || parts[2] == "bound" || parts[2] == "agent_uuid")
	})
}

// isDoubtful reports whether it is not known which trunks a number has, since a field that decides it
// is missing or cannot be read.
func isDoubtful(number mihu.PhoneNumber) bool {
	unreadable := func(paths ...string) bool {
		return slices.ContainsFunc(paths, func(path string) bool { return slices.Contains(number.Unreadable, path) })
	}
	if unreadable("source", "is_external") {
		return true
	}
	return number.External() && unreadable("bindings", "bindings.call", "bindings.call.bound", "bindings.call.agent_uuid",
		"bindings.whatsapp", "bindings.whatsapp.bound", "bindings.whatsapp.agent_uuid")
}
