package main

import (
	"slices"
	"strings"
	"time"

	"github.com/mihu-go/mihu"
)

// lagOption is the client's option for reads that lag behind its own writes: longer than the lag of
// the server, or off.
func lagOption(lag time.Duration) mihu.Option {
	if lag == 0 {
		return mihu.WithMaxReadLag(-1)
	}
	return mihu.WithMaxReadLag(5 * lag)
}

// unreadable reports whether an item reports that it could not be read which trunks it has.
func unreadable(item *mihu.PhoneNumber) bool {
	return slices.ContainsFunc(item.Unreadable, func(path string) bool {
		return strings.HasPrefix(path, "bindings") || path == "is_external" || path == "source"
	})
}

// unknownBinding reports whether a snapshot reports that the binding of a channel could not be
// read.
func unknownBinding(snap *mihu.ChannelSnapshot, channel mihu.Channel) bool {
	return slices.Contains(snap.Unreadable, "channels."+string(channel)+".bound")
}
