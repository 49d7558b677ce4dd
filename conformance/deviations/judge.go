package main

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/mihu-go/mihu"
)

// judge compares what a call returned with what the server has and did.
func (q *sequence) judge(c *call, now state) {
	q.tally.count(c)
	var cause *exchange
	if n := len(c.seen.exchanges); n > 0 {
		cause = c.seen.exchanges[n-1]
	}
	bad := func(format string, args ...any) { q.report(c, fmt.Sprintf(format, args...), cause) }
	if len(c.seen.exchanges) > maxExchanges {
		bad("the call does not end")
	}
	q.judgeSecrets(c, bad)
	if q.settings.rate == 0 && c.err != nil && cause != nil && cause.isSuccess() && !mihu.IsRefusal(c.err) {
		q.tally.misunderstood[strings.Join(slices.Compact(slices.Sorted(slices.Values(cause.tags))), ", ")]++
	}
	switch c.op {
	case "create", "ensure", "update", "assign", "delete":
		if c.err == nil {
			c.judgeDone(now, bad)
		} else if !errors.Is(c.err, mihu.ErrOutcomeUnknown) {
			c.judgeNotDone(bad)
		}
		q.judgeConflict(c, bad)
	case "get", "channels by number", "channels":
		c.judgeRead(q.srv.visible(c.began), bad)
	default:
		c.judgeList(now, bad)
	}
}

// count counts the call by what it reports.
func (t *tally) count(c *call) {
	o := t.calls[c.op]
	if o == nil {
		o = new(outcomes)
		t.calls[c.op] = o
	}
	switch {
	case c.err == nil:
		o.succeeded++
	case errors.Is(c.err, mihu.ErrOutcomeUnknown):
		o.unknown++
	default:
		o.failed++
	}
}

// judgeSecrets looks for what no error may show, in all forms in which it can be printed.
func (q *sequence) judgeSecrets(c *call, bad func(string, ...any)) {
	if c.err == nil {
		return
	}
	texts := []string{c.err.Error(), fmt.Sprintf("%+v %#v %q", c.err, c.err, c.err)}
	for i, name := range []string{"the token", "the SIP username", "the SIP password", "the number"} {
		for _, text := range texts {
			if strings.Contains(text, c.secrets[i]) {
				bad("%s is in the error", name)
				return
			}
		}
	}
}

// judgeDone judges a change that is reported as made.
func (c *call) judgeDone(now state, bad func(string, ...any)) {
	is, exists := now[c.id.PhoneNumber][string(c.id.Channel)]
	if c.op == "delete" {
		if exists {
			bad("success, and the trunk is there")
		}
		return
	}
	if !exists {
		bad("success, and there is no trunk")
		return
	}
	if c.op != "update" && is.agent != c.agent {
		bad("success, and the trunk is on another agent")
	}
	if field := is.lacks(c.fields); c.op != "assign" && field != "" {
		bad("success, and what was sent is not there: %s", field)
	}
	c.judgeSnapshot(bad)
	if c.ensured != nil {
		switch action := c.ensured.Action; {
		case action == mihu.ActionUnchanged && len(c.seen.applied) > 0:
			bad("success, reported as unchanged, and something was changed")
		case action == "":
			bad("success without an action")
		}
	}
}

// judgeSnapshot judges the channels that a successful change returned.
func (c *call) judgeSnapshot(bad func(string, ...any)) {
	if c.snapshot == nil {
		bad("success without a snapshot")
		return
	}
	binding := c.snapshot.Binding(c.id.Channel)
	switch {
	case c.snapshot.Number == "":
		bad("success with a snapshot without a number")
	case !sameNumber(c.snapshot.Number, c.id.PhoneNumber):
		bad("success with a snapshot of another number")
	case !binding.Bound:
		bad("success with a snapshot that is not bound")
	case c.op != "update" && binding.AgentUUID == "":
		bad("success with a snapshot without the agent")
	case c.op != "update" && !strings.EqualFold(binding.AgentUUID, c.agent):
		bad("success with a snapshot of another agent")
	}
}

// sameNumber compares numbers, with or without their plus.
func sameNumber(a, b string) bool { return strings.TrimPrefix(a, "+") == strings.TrimPrefix(b, "+") }

// judgeNotDone judges a change that is reported as not made. Of an Ensure, what it reports as done
// before its error counts.
func (c *call) judgeNotDone(bad func(string, ...any)) {
	for _, method := range c.seen.applied {
		if c.ensured != nil && slices.Contains(methodsOf[c.ensured.Action], method) {
			continue
		}
		bad("refused or failed, and applied: %s", method)
		return
	}
}

// methodsOf are the requests that an action of an Ensure with an error accounts for.
var methodsOf = map[mihu.Action][]string{
	mihu.ActionCreated:  {http.MethodPost, http.MethodPatch},
	mihu.ActionAssigned: {http.MethodPut},
	mihu.ActionUpdated:  {http.MethodPatch},
}

// judgeConflict judges an error that names the agent on which the number is. Nobody else changes
// anything, and no number is purchased.
func (q *sequence) judgeConflict(c *call, bad func(string, ...any)) {
	conflict, ok := errors.AsType[*mihu.ConflictError](c.err)
	if !ok {
		return
	}
	is, exists := c.before[c.id.PhoneNumber][string(c.id.Channel)]
	switch {
	case conflict.Purchased:
		bad("conflict: the number is not purchased")
	case !exists:
		bad("conflict, and there was no trunk")
	case !strings.EqualFold(conflict.AgentUUID, is.agent):
		bad("conflict, and the trunk is not on that agent")
	case strings.EqualFold(conflict.AgentUUID, c.agent):
		bad("conflict, and the trunk is on the agent that was wanted")
	}
}

// truths are the states that a read can have shown.
type truths []state

// bound reports whether the number was bound on the channel, to that agent if it is not "".
func (t truths) bound(number string, channel mihu.Channel, agent string) bool {
	return slices.ContainsFunc(t, func(s state) bool {
		trunk, ok := s[number][string(channel)]
		return ok && (agent == "" || strings.EqualFold(trunk.agent, agent))
	})
}

// unbound reports whether the number was not bound on the channel.
func (t truths) unbound(number string, channel mihu.Channel) bool {
	return slices.ContainsFunc(t, func(s state) bool {
		_, ok := s[number][string(channel)]
		return !ok
	})
}

// absent reports whether the server did not have the number.
func (t truths) absent(number string) bool {
	return slices.ContainsFunc(t, func(s state) bool { return s[number] == nil })
}

// judgeRead judges the channels of a number, or their absence. They must have been so at some
// moment within the lag.
func (c *call) judgeRead(visible truths, bad func(string, ...any)) {
	number := c.id.PhoneNumber
	switch {
	case c.err != nil:
		gone := errors.Is(c.err, mihu.ErrNotFound) && !errors.Is(c.err, mihu.ErrMalformedResponse)
		missing := visible.absent(number) || c.op == "get" && visible.unbound(number, c.id.Channel)
		if gone && !missing {
			bad("not found, and it is there")
		}
	case c.binding != nil:
		if !c.binding.Bound || !visible.bound(number, c.id.Channel, c.binding.AgentUUID) {
			bad("returned a binding that is not there")
		}
	case c.snapshot.Number == "":
		bad("returned a snapshot without a number")
	case !sameNumber(c.snapshot.Number, number):
		bad("returned a snapshot of another number")
	default:
		c.judgeBindings(visible, bad)
	}
}

// judgeBindings judges the bindings of a snapshot that was read.
func (c *call) judgeBindings(visible truths, bad func(string, ...any)) {
	for _, channel := range []mihu.Channel{mihu.ChannelCall, mihu.ChannelWhatsApp} {
		switch b := c.snapshot.Binding(channel); {
		case b.Bound && !visible.bound(c.id.PhoneNumber, channel, b.AgentUUID):
			bad("returned a binding that is not there")
		case !b.Bound && !visible.unbound(c.id.PhoneNumber, channel) && !unknownBinding(c.snapshot, channel):
			bad("returned no binding, and there is one")
		}
	}
}

// judgeList judges the numbers of a list.
func (c *call) judgeList(now state, bad func(string, ...any)) {
	seen := map[string]bool{}
	for _, number := range c.numbers {
		full := "+" + strings.TrimPrefix(number, "+")
		if seen[full] && c.op != "list" {
			bad("a number twice")
			return
		}
		seen[full] = true
		switch {
		case number == "":
			bad("a number that is empty")
			return
		case now[full] == nil:
			bad("a number that the server does not have")
			return
		}
	}
	c.judgeItems(now, bad)
	switch page := c.seen.pages[c.page]; {
	case c.err != nil || c.left:
	case c.op == "list":
		for i, number := range page.numbers {
			if page.broken[i] || !seen[number] {
				bad("a page without one of its numbers")
				return
			}
		}
	case len(seen) != len(now):
		bad("%s", missing(len(seen)))
	}
}

// judgeItems judges the trunks of the listed numbers, if these do not report that something could
// not be read. An agent may be missing.
func (c *call) judgeItems(now state, bad func(string, ...any)) {
	for i := range c.items {
		item := &c.items[i]
		left := maps.Clone(now["+"+strings.TrimPrefix(item.Number, "+")])
		for id, binding := range item.Trunks() {
			t, ok := left[string(id.Channel)]
			if !ok || binding.AgentUUID != "" && !strings.EqualFold(binding.AgentUUID, t.agent) {
				bad("a number with a trunk that is not there")
				return
			}
			delete(left, string(id.Channel))
		}
		if len(left) > 0 && !unreadable(item) {
			bad("a number without its trunks")
			return
		}
	}
}

func missing(seen int) string {
	if seen == 0 {
		return "an empty list without an error"
	}
	return "numbers missing without an error"
}

// isSuccess reports whether the response is a success, or a page of a list.
func (e *exchange) isSuccess() bool {
	return slices.ContainsFunc(e.tags, func(tag string) bool {
		return strings.HasPrefix(tag, "write: success") || strings.HasPrefix(tag, "read: success") || strings.HasPrefix(tag, "shape: ")
	})
}
