package mihu

import (
	"context"
	"net/http"
)

// ChannelsService reads the channels of a number. It is a field of [Client].
type ChannelsService struct{ client *Client }

// Get returns the channels of the number with that UUID, which lists and snapshots contain. It
// returns ErrNotFound if the workspace does not have the number.
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
	}, opts)
}

// GetByNumber returns the channels of a number in E.164. It returns ErrNotFound if the workspace
// does not have the number.
//
// API: GET /phone-numbers/channels.
func (s ChannelsService) GetByNumber(ctx context.Context, number string, opts ...CallOption) (*ChannelSnapshot, error) {
	const op = OpChannelsGetByNumber
	var found violations
	found.number("number", number)
	if err := found.err(op); err != nil {
		return nil, err
	}
	return s.client.snapshot(ctx, channelsByNumber(op, number), opts)
}

// snapshot sends a request whose response is a snapshot.
func (c *Client) snapshot(ctx context.Context, s *spec, opts []CallOption) (*ChannelSnapshot, error) {
	snap := new(ChannelSnapshot)
	if err := c.do(ctx, s, snap, opts); err != nil {
		return nil, err
	}
	return snap, nil
}

// channelsByNumber is the request for the channels of a number.
func channelsByNumber(op, number string) *spec {
	return &spec{op: op, method: http.MethodGet, path: "/phone-numbers/channels", query: numberQuery{number}}
}
