package main

import (
	"context"
	"net/http"
	"time"

	"github.com/mihu-go/mihu"
)

// newMihu is this package with its defaults. Only the delays before a retry are shorter, as for every
// contender with retries.
func newMihu(at place) (caller, error) {
	options := []mihu.Option{
		mihu.WithBaseURL(at.URL + "/v1"),
		mihu.WithRetryPolicy(mihu.RetryPolicy{BaseDelay: time.Millisecond, MaxDelay: time.Millisecond, Budget: -1}),
	}
	if at.Transport != nil {
		options = append(options, mihu.WithHTTPClient(&http.Client{Transport: at.Transport}))
	}
	client, err := mihu.New("", token, options...)
	if err != nil {
		return caller{}, err
	}
	id := mihu.TrunkID{PhoneNumber: number, Channel: mihu.ChannelCall}
	request := &mihu.TrunkUpdateRequest{
		Name: new("Reception"),
		SIP:  &mihu.SIPUpdate{Gateway: new("sip.example.com"), Username: new("reception"), Password: new("s3cret-0123456789")},
	}
	return caller{
		update: func(ctx context.Context) error {
			snap, err := client.Trunks.Update(ctx, id, request)
			if err == nil && (snap.Number != number || snap.Channels.Call.AgentName == "") {
				err = errResponse
			}
			return err
		},
		page: func(ctx context.Context, number int) (int, error) {
			page, err := client.Trunks.List(ctx, &mihu.ListOptions{Page: number, PerPage: 200})
			if err != nil {
				return 0, err
			}
			return len(page.Items), nil
		},
		close: client.CloseIdleConnections,
	}, nil
}
