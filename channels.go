package mihu

import (
	"context"
	"net/http"
)

// ChannelsService reads the channels of a number. It is a field of [Client].
type ChannelsService struct{ client *Client }

// Get gives the channels of the number with that UUID, which a list or a snapshot tells. A number
// that is not there is ErrNotFound.
//
// API: GET /phone-numbers/{uuid}/channels.
func (s ChannelsService) Get(ctx context.Context, phoneNumberUUID string, opts ...CallOption) (*ChannelSnapshot, error) {
	const op = OpChannelsGet
	var found violations
	found.uuid("phone_number_uuid", phoneNumberUUID)
	if err := found.err(op); err != nil {
		return nil, err
	}
	return snapshot(ctx, s.client, &Request{
		op: op, Method: http.MethodGet, Path: "/phone-numbers/{uuid}/channels", PathArgs: map[string]string{"uuid": phoneNumberUUID},
	}, opts)
}

// GetByNumber gives the channels of a number, in E.164. A number that the workspace does not have
// is ErrNotFound.
//
// API: GET /phone-numbers/channels.
func (s ChannelsService) GetByNumber(ctx context.Context, number string, opts ...CallOption) (*ChannelSnapshot, error) {
	const op = OpChannelsGetByNumber
	var found violations
	found.number("number", number)
	if err := found.err(op); err != nil {
		return nil, err
	}
	return snapshot(ctx, s.client, &Request{
		op: op, Method: http.MethodGet, Path: "/phone-numbers/channels", Query: numberQuery{number},
	}, opts)
}
