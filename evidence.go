package mihu

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
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
type contradiction struct {
	what string
	// agentOnly is true if the response is about the number and shows the channel bound, but not to
	// the agent.
	agentOnly bool
}

func (e *contradiction) Error() string {
	return ErrMalformedResponse.Error() + ": it contradicts the request: " + e.what
}

func (e *contradiction) Unwrap() error { return ErrMalformedResponse }

// check returns nil if the snapshot is about what was asked for and shows what is expected.
func (e *expectation) check(s *ChannelSnapshot) error {
	if e == nil {
		return nil
	}
	if !e.isAbout(s.Number) {
		return &contradiction{what: "it is about another number, " + redact.AnyNumber(s.Number)}
	}
	if e.uuid != "" && s.PhoneNumberUUID != "" && !strings.EqualFold(s.PhoneNumberUUID, e.uuid) {
		return &contradiction{what: "it is about another number, with UUID " + shownUUID(s.PhoneNumberUUID)}
	}
	if e.channel == "" {
		return nil
	}
	binding := s.Binding(e.channel)
	switch {
	case !binding.Bound:
		return &contradiction{what: fmt.Sprintf("no agent is bound on %s", e.channel)}
	case e.agent != "" && binding.AgentUUID == "":
		return &contradiction{what: fmt.Sprintf("it does not name the agent on %s", e.channel), agentOnly: true}
	case e.agent != "" && !strings.EqualFold(binding.AgentUUID, e.agent):
		return &contradiction{what: fmt.Sprintf("the number is on another agent on %s, %s", e.channel, shownUUID(binding.AgentUUID)), agentOnly: true}
	}
	return nil
}

// checkDone returns an error if the status of a success does not say that the change is made.
func checkDone(status int, _ []byte) error {
	if status == http.StatusAccepted || status == http.StatusMultiStatus {
		return malformed(fmt.Sprintf("status %d does not report that the change is made", status))
	}
	return nil
}

// isAbout reports whether the number is the one that was asked for.
func (e *expectation) isAbout(number string) bool {
	if e.number == "" || number == e.number {
		return true
	}
	digits := digitsOf(number)
	return digits == digitsOf(e.number) || digits == "" && e.anyText
}

// needsRead reports whether a write succeeded, and only a read can show the channels that belong to
// it.
func needsRead(err error) bool {
	if errors.Is(err, errAcknowledged) {
		return true
	}
	wrong, ok := errors.AsType[*contradiction](err)
	return ok && wrong.agentOnly
}

func shownUUID(s string) string {
	return redact.Text(redact.OneLine(s, 64))
}

// digitsOf returns the digits of a number, by which numbers are compared, since a backend may
// format them.
func digitsOf(s string) string {
	return strings.Map(func(r rune) rune {
		if isDigit(r) {
			return r
		}
		return -1
	}, s)
}

// snapshotTarget is a snapshot to decode.
type snapshotTarget struct{ snap ChannelSnapshot }

func (t *snapshotTarget) into() any { return &t.snap }
func (t *snapshotTarget) reset()    { t.snap = ChannelSnapshot{} }

// isWhole reports whether the snapshot has a number, and nothing that it says is in doubt: a
// channel that is not bound may be one that is missing.
func (t *snapshotTarget) isWhole(body []byte) bool {
	c := &t.snap.Channels
	return t.snap.Number != "" && (t.snap.Source != "" || t.snap.IsExternal) && saysBound(body, "channels", 1) &&
		areWhole(&c.Call.Binding, &c.SMS.Binding, &c.WhatsApp)
}

// saysBound reports whether the body says of every channel of n numbers whether it is bound, in n
// objects of that name. It counts, since what encoding/json decodes does not tell a channel that is
// missing from one that is not bound.
func saysBound(body []byte, name string, n int) bool {
	if bytes.Count(body, []byte(`"`+name+`"`)) < n {
		return false
	}
	said := 0
	for {
		_, rest, found := bytes.Cut(body, []byte(`"bound"`))
		if !found {
			return said >= 3*n
		}
		if value := bytes.TrimLeft(rest, ": \t\r\n"); len(value) > 0 && (value[0] == 't' || value[0] == 'f') {
			said++
		}
		body = rest
	}
}

// areWhole reports whether no binding has an agent without being bound.
func areWhole(bindings ...*Binding) bool {
	return !slices.ContainsFunc(bindings, func(b *Binding) bool { return !b.Bound && b.AgentUUID != "" })
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
	inferBindings(channels, "channels.", r)
	noteSource(fields, r)
	return r.Fields(fields, reflect.TypeFor[ChannelSnapshot](), ""), nil
}

// inferBindings fills in which channels are bound, and notes those of trunks for which that is not
// known.
func inferBindings(channels map[string]any, path string, r *lenient.Reader) {
	for _, channel := range [...]Channel{ChannelCall, ChannelSMS, ChannelWhatsApp} {
		if !inferBound(channels[string(channel)]) && channel != ChannelSMS {
			r.Problems = append(r.Problems, lenient.Problem{Path: path + string(channel) + ".bound"})
		}
	}
}

// noteSource notes that it is not known whether a number is external: both of its marks are
// missing.
func noteSource(fields map[string]any, r *lenient.Reader) {
	if fields["is_external"] == nil && fields["source"] == nil {
		r.Problems = append(r.Problems, lenient.Problem{Path: "source"})
	}
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

func (t *snapshotTarget) note(r *lenient.Reader) error {
	t.snap.Unreadable = paths(r.Problems)
	if t.snap.Number == "" {
		return malformed("it has no number")
	}
	return nil
}

// knows reports whether the snapshot says if the channel is bound.
func (s *ChannelSnapshot) knows(channel Channel) bool {
	return !slices.Contains(s.Unreadable, "channels."+string(channel)+".bound")
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
