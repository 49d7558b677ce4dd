package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/mihu-go/mihu"
)

// ErrNoTrunk is returned for a number without a call trunk, which cannot be moved.
var ErrNoTrunk = errors.New("no call trunk")

// Rota decides which agent answers which number.
type Rota struct {
	client *mihu.Client
	log    *slog.Logger
}

// Put makes an agent answer a number's calls. If it returns nil, the agent does.
func (r *Rota) Put(ctx context.Context, number, agentUUID string) error {
	id := mihu.TrunkID{PhoneNumber: number, Channel: mihu.ChannelCall}
	_, err := r.client.Trunks.Assign(ctx, id, agentUUID)
	switch {
	case err == nil:
		r.log.InfoContext(ctx, "moved", slog.Any("trunk", id), slog.String("agent", agentUUID))
		return nil
	case errors.Is(err, mihu.ErrOutcomeUnknown):
		return r.verify(ctx, id, agentUUID, err)
	case errors.Is(err, mihu.ErrNotFound) && !errors.Is(err, mihu.ErrMalformedResponse):
		return fmt.Errorf("%v: %w: %w", id, ErrNoTrunk, err)
	}
	return fmt.Errorf("%v: %w", id, err)
}

// verify finds out which agent answers after a move with an unknown outcome.
func (r *Rota) verify(ctx context.Context, id mihu.TrunkID, agentUUID string, unknown error) error {
	snap, err := r.client.Channels.GetByNumber(ctx, id.PhoneNumber)
	if err != nil {
		return fmt.Errorf("%v: %w", id, errors.Join(unknown, err))
	}
	if !strings.EqualFold(snap.Binding(id.Channel).AgentUUID, agentUUID) {
		return fmt.Errorf("%v: %w", id, unknown)
	}
	r.log.WarnContext(ctx, "moved, although the response was lost", slog.Any("trunk", id), slog.String("agent", agentUUID))
	return nil
}
