package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/examples/internal/example"
	"github.com/mihu-go/mihu/mihutest"
)

// cleanUpTime is what is left for the removal of the trunk after Ctrl-C.
const cleanUpTime = 30 * time.Second

// tour is one trunk on its way through its life.
type tour struct {
	env            example.Env
	client         *mihu.Client
	fake           *mihutest.Server
	id             mihu.TrunkID
	agent, toAgent string
	steps          int
	passwords      []string // that were sent, oldest first
	registered     bool     // there is, or may be, a trunk of ours to remove
	unsure         bool     // registering it had no definite answer
}

func (t *tour) run(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, t.cleanUp(ctx)) }()
	for _, step := range []func(context.Context) error{
		t.register, t.rotate, t.clear, t.move, t.list, t.channels, t.refusedHere, t.refusedThere, t.remove,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (t *tour) register(ctx context.Context) error {
	t.step("register", "%v with SIP credentials", t.id)
	snap, err := t.client.Trunks.Create(ctx, &mihu.TrunkCreateRequest{
		TrunkID:   t.id,
		AgentUUID: t.agent,
		Name:      "quickstart",
		SIP: &mihu.SIPCredentials{
			Gateway:          "sip1.example.net",
			Port:             5060,
			Username:         "quickstart",
			Password:         t.newPassword(),
			SecondaryGateway: "sip2.example.net",
		},
	})
	t.unsure = errors.Is(err, mihu.ErrOutcomeUnknown)
	t.registered = err == nil || t.unsure
	if err != nil {
		return err
	}
	t.note("answered by %s", example.Who(snap.Binding(t.id.Channel)))
	t.stored()
	return nil
}

// rotate sends one field: what an update does not name stays as it is.
func (t *tour) rotate(ctx context.Context) error {
	t.step("rotate", "the SIP password, and nothing else")
	_, err := t.client.Trunks.Update(ctx, t.id, &mihu.TrunkUpdateRequest{
		SIP: &mihu.SIPUpdate{Password: new(t.newPassword())},
	})
	if err == nil {
		t.stored()
	}
	return err
}

// clear sends the empty string, which is what clears a credential.
func (t *tour) clear(ctx context.Context) error {
	t.step("clear", "the secondary gateway")
	_, err := t.client.Trunks.Update(ctx, t.id, &mihu.TrunkUpdateRequest{
		SIP: &mihu.SIPUpdate{SecondaryGateway: new("")},
	})
	if err == nil {
		t.stored()
	}
	return err
}

func (t *tour) move(ctx context.Context) error {
	t.step("move", "the trunk to another agent; its credentials stay")
	snap, err := t.client.Trunks.Assign(ctx, t.id, t.toAgent)
	if err != nil {
		return err
	}
	t.note("answered by %s", example.Who(snap.Binding(t.id.Channel)))
	t.stored()
	return nil
}

func (t *tour) list(ctx context.Context) error {
	t.step("list", "the numbers with trunks, until ours comes")
	place := 0
	for number, err := range t.client.Trunks.All(ctx, nil) {
		if err != nil {
			return err
		}
		place++
		if number.Number == t.id.PhoneNumber {
			t.note("found in place %d: source %s, status %s", place, number.Source, number.Status)
			return nil
		}
	}
	return fmt.Errorf("%v is not in the list of %d numbers", t.id, place)
}

func (t *tour) channels(ctx context.Context) error {
	t.step("channels", "of the number")
	snap, err := t.client.Channels.GetByNumber(ctx, t.id.PhoneNumber)
	if err != nil {
		return err
	}
	for _, channel := range []mihu.Channel{mihu.ChannelCall, mihu.ChannelSMS, mihu.ChannelWhatsApp} {
		t.note("%-8s is answered by %s", channel, example.Who(snap.Binding(channel)))
	}
	return nil
}

// refusedHere makes four mistakes at once. They are found before anything is sent.
func (t *tour) refusedHere(ctx context.Context) error {
	t.step("refused", "by this package, without a request")
	_, err := t.client.Trunks.Create(ctx, &mihu.TrunkCreateRequest{
		TrunkID:   mihu.TrunkID{PhoneNumber: "(202) 555-0142", Channel: mihu.ChannelCall},
		AgentUUID: "front desk",
		SIP:       &mihu.SIPCredentials{Gateway: "sip:sip1.example.net:5060", Port: 70000},
	})
	invalid, ok := errors.AsType[*mihu.ValidationError](err)
	if !ok {
		return fmt.Errorf("want a validation error, got %w", err)
	}
	for _, fault := range invalid.Violations {
		t.note("%v", fault)
	}
	return nil
}

// refusedThere registers the number a second time.
func (t *tour) refusedThere(ctx context.Context) error {
	t.step("refused", "by the API: the number is registered already")
	_, err := t.client.Trunks.Create(ctx, &mihu.TrunkCreateRequest{TrunkID: t.id, AgentUUID: t.toAgent})
	switch {
	case err == nil:
		return errors.New("the API registered the number a second time, which it documents that it does not")
	case !errors.Is(err, mihu.ErrConflict) && !errors.Is(err, mihu.ErrInvalid):
		return err
	}
	t.note("%v", err)
	if refusal, ok := errors.AsType[*mihu.APIError](err); ok {
		t.note("status %d, code %s, request id %s", refusal.StatusCode, refusal.Code, refusal.RequestID)
	}
	t.note("a conflict: %t", errors.Is(err, mihu.ErrConflict))
	return nil
}

func (t *tour) remove(ctx context.Context) error {
	t.step("remove", "the trunk")
	if err := t.client.Trunks.Delete(ctx, t.id); err != nil {
		return err
	}
	t.registered = false
	t.note("removed")
	return nil
}

// cleanUp removes what a failed step left behind. The context may have ended, so that the removal
// has one of its own.
func (t *tour) cleanUp(ctx context.Context) error {
	if !t.registered {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTime)
	defer cancel()
	if t.unsure {
		// The trunk may not be there, or may have become somebody else's: look before removing it.
		snap, err := t.client.Channels.GetByNumber(ctx, t.id.PhoneNumber)
		if err != nil && !errors.Is(err, mihu.ErrNotFound) {
			return fmt.Errorf("%v may be left behind, look for it: %w", t.id, err)
		}
		if err != nil || !snap.Binding(t.id.Channel).Bound {
			return fmt.Errorf("%v was not there when it was to be removed, and may still appear: look for it", t.id)
		}
		if binding := snap.Binding(t.id.Channel); !strings.EqualFold(binding.AgentUUID, t.agent) {
			return fmt.Errorf("%v is answered by %s now, not by our agent: it is left as it is", t.id, example.Who(binding))
		}
	}
	t.step("clean up", "remove %v after the failure", t.id)
	if err := t.client.Trunks.Delete(ctx, t.id); err != nil && !errors.Is(err, mihu.ErrNotFound) {
		return fmt.Errorf("%v is left behind, remove it by hand: %w", t.id, err)
	}
	t.note("removed")
	return nil
}

func (t *tour) step(name, format string, args ...any) {
	t.steps++
	t.env.Printf("%d. %-8s  %s\n", t.steps, name, fmt.Sprintf(format, args...))
}

func (t *tour) note(format string, args ...any) {
	t.env.Printf("   %-8s  %s\n", "", fmt.Sprintf(format, args...))
}

func (t *tour) newPassword() string {
	password := rand.Text()
	t.passwords = append(t.passwords, password)
	return password
}

// stored shows what the fake server holds of the credentials, without the secrets.
func (t *tour) stored() {
	if t.fake == nil {
		t.note("accepted; the API never reads credentials back")
		return
	}
	trunk, _ := t.fake.Trunk(t.id)
	show := func(value string) string {
		if value == "" {
			return "cleared"
		}
		return value
	}
	password := "cleared"
	for i, sent := range t.passwords {
		if trunk.SIP.Password == sent {
			password = fmt.Sprintf("set, no. %d", i+1)
		}
	}
	username := "cleared"
	if trunk.SIP.Username != "" {
		username = "set"
	}
	t.note("stored: gateway %s, port %d, secondary %s", show(trunk.SIP.Gateway), trunk.SIP.Port, show(trunk.SIP.SecondaryGateway))
	t.note("        username %s, password %s", username, password)
}
