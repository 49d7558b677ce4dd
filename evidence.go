package mihu

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/mihu-go/mihu/internal/lenient"
	"github.com/mihu-go/mihu/internal/redact"
)

// expectation is what a response has to be about, and what it has to show, to count as a success of
// the operation that asked. The zero expectation accepts every snapshot.
type expectation struct {
	// number is the number that was asked for, in E.164, with or without its plus; "" for any.
	number string
	// anyText accepts a text without digits as the number, such as the placeholder in the API's
	// examples. Nothing is decided on such a snapshot.
	anyText bool
	// uuid is the UUID that was asked for; "" for any.
	uuid string
	// channel must be bound; "" for none.
	channel Channel
	// agent must be bound on the channel; "" for any.
	agent string
}

// contradiction is a response that is not about what was asked for, or does not show what it
// should.
type contradiction struct{ what string }

func (e *contradiction) Error() string {
	return ErrMalformedResponse.Error() + ": it contradicts the request: " + e.what
}

func (e *contradiction) Unwrap() error { return ErrMalformedResponse }

// check returns nil if the snapshot is about what was asked for and shows what is expected.
func (e *expectation) check(s *ChannelSnapshot) error {
	if e == nil {
		return nil
	}
	if digits := digitsOf(s.Number); e.number != "" && digits != digitsOf(e.number) && (digits != "" || !e.anyText) {
		return &contradiction{"it is about another number, " + redact.AnyNumber(s.Number)}
	}
	if e.uuid != "" && s.PhoneNumberUUID != "" && !strings.EqualFold(s.PhoneNumberUUID, e.uuid) {
		return &contradiction{"it is about another number, with UUID " + shownUUID(s.PhoneNumberUUID)}
	}
	if e.channel == "" {
		return nil
	}
	binding := s.Binding(e.channel)
	switch {
	case !binding.Bound:
		return &contradiction{fmt.Sprintf("no agent is bound on %s", e.channel)}
	case e.agent != "" && !strings.EqualFold(binding.AgentUUID, e.agent):
		return &contradiction{fmt.Sprintf("the number is on another agent on %s, %s", e.channel, shownUUID(binding.AgentUUID))}
	}
	return nil
}

func shownUUID(s string) string {
	if s == "" {
		return "which it does not name"
	}
	return redact.Text(redact.OneLine(s, 64))
}

// digitsOf returns the digits of a number, by which numbers are compared, since a backend may format
// them.
func digitsOf(s string) string {
	return strings.Map(func(r rune) rune {
		if isDigit(r) {
			return r
		}
		return -1
	}, s)
}

// snapshotTarget is a snapshot to decode.
type snapshotTarget struct {
	snap ChannelSnapshot
	// channel is the one that is decided on; "" for none.
	channel Channel
}

func (t *snapshotTarget) into() any { return &t.snap }
func (t *snapshotTarget) reset()    { t.snap = ChannelSnapshot{} }

// isWhole reports whether the snapshot has a number, and nothing that it says is in doubt: a
// channel that is not bound may be one that is missing.
func (t *snapshotTarget) isWhole() bool {
	c := &t.snap.Channels
	for _, b := range [...]*Binding{&c.Call.Binding, &c.SMS.Binding, &c.WhatsApp} {
		if !b.Bound && b.AgentUUID != "" {
			return false
		}
	}
	if t.channel != "" && !t.snap.Binding(t.channel).Bound {
		return false
	}
	return t.snap.Number != "" && (c.Call.Bound || c.WhatsApp.Bound)
}

// shape unwraps the snapshot, and refuses one without a number or channels: what is missing is not
// zero.
func (t *snapshotTarget) shape(data any, _ map[string]any, r *lenient.Reader) (any, error) {
	fields, ok := lenient.Object(data)
	if data == nil || ok && len(fields) == 0 {
		return nil, errNoData
	}
	if !ok {
		return nil, malformed("its data is not an object")
	}
	if inner, wrapped := fields["data"].(map[string]any); wrapped && fields["number"] == nil && fields["channels"] == nil {
		fields = inner
	}
	channels, ok := lenient.Object(fields["channels"])
	if !ok {
		return nil, malformed("it has no channels")
	}
	fields["channels"] = channels
	for _, channel := range [...]Channel{ChannelCall, ChannelSMS, ChannelWhatsApp} {
		if !inferBound(channels[string(channel)]) && channel != ChannelSMS {
			r.Problems = append(r.Problems, lenient.Problem{Path: boundPath(channel)})
		}
	}
	return r.Fields(fields, reflect.TypeFor[ChannelSnapshot](), ""), nil
}

// inferBound fills in whether a channel is bound from its agent, if only that is sent. It returns
// false if neither is.
func inferBound(channel any) bool {
	binding, ok := channel.(map[string]any)
	if !ok {
		return false
	}
	agent, named := binding["agent_uuid"]
	if binding["bound"] == nil {
		if !named {
			return false
		}
		text, _ := agent.(string)
		binding["bound"] = text != ""
	}
	return true
}

func boundPath(channel Channel) string { return "channels." + string(channel) + ".bound" }

func (t *snapshotTarget) note(r *lenient.Reader) error {
	t.snap.Unreadable = paths(r.Problems)
	if t.snap.Number == "" {
		return malformed("it has no number")
	}
	return nil
}

// knows reports whether the snapshot says if the channel is bound.
func (s *ChannelSnapshot) knows(channel Channel) bool {
	return !slices.Contains(s.Unreadable, boundPath(channel))
}

// paths returns the places of what could not be read, sorted.
func paths(problems []lenient.Problem) []string {
	var all []string
	for _, p := range problems {
		all = append(all, p.Path)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
