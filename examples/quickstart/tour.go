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

// cleanUpTimeout limits the deletion of the trunk after a failure or Ctrl-C.
const cleanUpTimeout = 30 * time.Second

// tour is the trunk and the steps that it goes through.
type tour struct {
	env            example.Env
	client         *mihu.Client
	fake           *mihutest.Server
	id             mihu.TrunkID
	agent, toAgent string
	steps          int
	passwords      []string // sent so far, oldest first
	created        bool     // our trunk exists, or may exist: delete it
	unknown        bool     // the outcome of Create is unknown
}

func (t *tour) run(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, t.cleanUp(ctx)) }()
	for _, step := range []func(context.Context) error{
		t.create, t.rotate, t.clear, t.move, t.list, t.channels, t.invalid, t.conflict, t.delete,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (t *tour) create(ctx context.Context) error {
	t.step("create", "%v with SIP credentials", t.id)
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
	t.unknown = errors.Is(err, mihu.ErrOutcomeUnknown)
	t.created = err == nil || t.unknown
	if err != nil {
		return err
	}
	t.note("agent: %s", example.Who(snap.Binding(t.id.Channel)))
	t.printStored()
	return nil
}

// rotate sends one field. Update leaves omitted fields unchanged.
func (t *tour) rotate(ctx context.Context) error {
	t.step("rotate", "the SIP password only")
	_, err := t.client.Trunks.Update(ctx, t.id, &mihu.TrunkUpdateRequest{
		SIP: &mihu.SIPUpdate{Password: new(t.newPassword())},
	})
	if err == nil {
		t.printStored()
	}
	return err
}

// clear sends an empty string, which clears a credential.
func (t *tour) clear(ctx context.Context) error {
	t.step("clear", "the secondary gateway")
	_, err := t.client.Trunks.Update(ctx, t.id, &mihu.TrunkUpdateRequest{
		SIP: &mihu.SIPUpdate{SecondaryGateway: new("")},
	})
	if err == nil {
		t.printStored()
	}
	return err
}

func (t *tour) move(ctx context.Context) error {
	t.step("move", "to another agent; the credentials stay")
	snap, err := t.client.Trunks.Assign(ctx, t.id, t.toAgent)
	if err != nil {
		return err
	}
	t.note("agent: %s", example.Who(snap.Binding(t.id.Channel)))
	t.printStored()
	return nil
}

func (t *tour) list(ctx context.Context) error {
	t.step("list", "the numbers with trunks, until ours is found")
	position := 0
	for number, err := range t.client.Trunks.All(ctx, nil) {
		if err != nil {
			return err
		}
		position++
		if number.Number == t.id.PhoneNumber {
			t.note("found at position %d: source %s, status %s", position, number.Source, number.Status)
			return nil
		}
	}
	return fmt.Errorf("%v is not in the list of %d numbers", t.id, position)
}

func (t *tour) channels(ctx context.Context) error {
	t.step("read", "the channels of the number")
	snap, err := t.client.Channels.GetByNumber(ctx, t.id.PhoneNumber)
	if err != nil {
		return err
	}
	for _, channel := range []mihu.Channel{mihu.ChannelCall, mihu.ChannelSMS, mihu.ChannelWhatsApp} {
		t.note("%-8s  %s", channel, example.Who(snap.Binding(channel)))
	}
	return nil
}

// invalid makes four mistakes in one request. The package reports them all and sends nothing.
func (t *tour) invalid(ctx context.Context) error {
	t.step("invalid", "request: refused by the package before it is sent")
	_, err := t.client.Trunks.Create(ctx, &mihu.TrunkCreateRequest{
		TrunkID:   mihu.TrunkID{PhoneNumber: "(202) 555-0142", Channel: mihu.ChannelCall},
		AgentUUID: "front desk",
		SIP:       &mihu.SIPCredentials{Gateway: "sip:sip1.example.net:5060", Port: 70000},
	})
	invalid, ok := errors.AsType[*mihu.ValidationError](err)
	if !ok {
		return fmt.Errorf("want a ValidationError, got %w", err)
	}
	for _, violation := range invalid.Violations {
		t.note("%v", violation)
	}
	return nil
}

// conflict creates the same trunk a second time.
func (t *tour) conflict(ctx context.Context) error {
	t.step("conflict", "refused by the API: the trunk exists")
	_, err := t.client.Trunks.Create(ctx, &mihu.TrunkCreateRequest{TrunkID: t.id, AgentUUID: t.toAgent})
	switch {
	case err == nil:
		return errors.New("the API created the same trunk twice, contrary to its documentation")
	case !errors.Is(err, mihu.ErrConflict) && !errors.Is(err, mihu.ErrInvalid):
		return err
	}
	t.note("%v", err)
	if refusal, ok := errors.AsType[*mihu.APIError](err); ok {
		t.note("status %d, code %s, request ID %s", refusal.StatusCode, refusal.Code, refusal.RequestID)
	}
	t.note("errors.Is(err, mihu.ErrConflict): %t", errors.Is(err, mihu.ErrConflict))
	return nil
}

func (t *tour) delete(ctx context.Context) error {
	t.step("delete", "the trunk")
	if err := t.client.Trunks.Delete(ctx, t.id); err != nil {
		return err
	}
	t.created = false
	t.note("deleted")
	return nil
}

// cleanUp deletes the trunk after a failed step. The context may have ended, so cleanUp uses its own.
func (t *tour) cleanUp(ctx context.Context) error {
	if !t.created {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTimeout)
	defer cancel()
	if t.unknown {
		// The trunk may not exist, or may belong to another program: check before deleting it.
		snap, err := t.client.Channels.GetByNumber(ctx, t.id.PhoneNumber)
		if err != nil && !errors.Is(err, mihu.ErrNotFound) {
			return fmt.Errorf("%v may exist, check and delete it: %w", t.id, err)
		}
		if err != nil || !snap.Binding(t.id.Channel).Bound {
			return fmt.Errorf("%v does not exist yet, but may still be created: check and delete it", t.id)
		}
		if binding := snap.Binding(t.id.Channel); !strings.EqualFold(binding.AgentUUID, t.agent) {
			return fmt.Errorf("%v now has the agent %s, not ours: not deleted", t.id, example.Who(binding))
		}
	}
	t.step("clean up", "delete %v after the failure", t.id)
	if err := t.client.Trunks.Delete(ctx, t.id); err != nil && !errors.Is(err, mihu.ErrNotFound) {
		return fmt.Errorf("%v still exists, delete it: %w", t.id, err)
	}
	t.note("deleted")
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

// printStored prints the stored credentials of the fake server, without the secrets.
func (t *tour) printStored() {
	if t.fake == nil {
		t.note("accepted; the API cannot read credentials back")
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
