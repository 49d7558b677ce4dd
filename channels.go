package mihu

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// ChannelsService reads the channels of a number. It is a field of [Client].
type ChannelsService struct{ client *Client }

// Get returns the channels of the number with that UUID, which lists and snapshots contain. It
// returns ErrNotFound if the workspace does not have the number, and ErrMalformedResponse if the
// response is about another number or has no channels. Unlike GetByNumber, it reads once.
//
// API: GET /phone-numbers/{uuid}/channels.
func (s ChannelsService) Get(ctx context.Context, phoneNumberUUID string, opts ...CallOption) (*ChannelSnapshot, error) {
	const op = OpChannelsGet
	var found violations
	found.uuid("phone_number_uuid", phoneNumberUUID)
	if err := found.err(op); err != nil {
		return nil, err
	}
	return s.client.snapshot(ctx, &spec{
		op: op, method: http.MethodGet, path: "/phone-numbers/{uuid}/channels", args: map[string]string{"uuid": phoneNumberUUID},
		expect: expectation{uuid: phoneNumberUUID},
	}, opts)
}

// GetByNumber returns the channels of a number in E.164. It returns ErrNotFound if the workspace
// does not have the number, and ErrMalformedResponse if the response is about another number or has
// no channels. If the response contradicts what this client wrote within the last seconds,
// GetByNumber reads again; see [WithMaxReadLag].
//
// API: GET /phone-numbers/channels.
func (s ChannelsService) GetByNumber(ctx context.Context, number string, opts ...CallOption) (*ChannelSnapshot, error) {
	const op = OpChannelsGetByNumber
	var found violations
	found.number("number", number)
	if err := found.err(op); err != nil {
		return nil, err
	}
	return s.client.channelsOf(ctx, op, TrunkID{PhoneNumber: number}, opts)
}

// snapshot sends a request whose response is a snapshot.
func (c *Client) snapshot(ctx context.Context, s *spec, opts []CallOption) (*ChannelSnapshot, error) {
	t := new(snapshotTarget)
	if err := c.do(ctx, s, t, opts); err != nil {
		return nil, err
	}
	return &t.snap, nil
}

// channelsOf reads the channels of a number, and again if they contradict a recent write of this
// client. If the ID has a channel, the snapshot is read for a decision on it.
func (c *Client) channelsOf(ctx context.Context, op string, id TrunkID, opts []CallOption) (*ChannelSnapshot, error) {
	var wait time.Duration
	for {
		t := new(snapshotTarget)
		request := channelsByNumber(op, id.PhoneNumber)
		request.expect.anyText = id.Channel == ""
		sent := time.Now()
		err := c.do(ctx, request, t, opts)
		if err == nil || isGone(err) {
			if left := c.core.recent.contradicted(id.PhoneNumber, found(t, err), sent); left > 0 {
				if err := reread(ctx, left, &wait); err != nil {
					return nil, fmt.Errorf("mihu: %s: %w", op, err)
				}
				continue
			}
		}
		if err != nil {
			return nil, err
		}
		return &t.snap, nil
	}
}

// found returns the snapshot that was read, or nil if there is none.
func found(t *snapshotTarget, err error) *ChannelSnapshot {
	if err != nil {
		return nil
	}
	return &t.snap
}

// channelsByNumber is the request for the channels of a number.
func channelsByNumber(op, number string) *spec {
	return &spec{op: op, method: http.MethodGet, path: "/phone-numbers/channels", query: numberQuery{number}, expect: expectation{number: number}}
}
