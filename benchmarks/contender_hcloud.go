package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"
)

// networkJSON is the response of Hetzner Cloud to an update of a network.
const networkJSON = `{"network":{"id":4711,"name":"reception","ip_range":"10.0.0.0/16",` +
	`"subnets":[{"type":"cloud","ip_range":"10.0.1.0/24","network_zone":"eu-central","gateway":"10.0.0.1"},` +
	`{"type":"vswitch","ip_range":"10.0.2.0/24","network_zone":"eu-central","gateway":"10.0.0.1","vswitch_id":1000}],` +
	`"routes":[{"destination":"10.100.1.0/24","gateway":"10.0.1.1"},{"destination":"10.100.2.0/24","gateway":"10.0.1.2"}],` +
	`"servers":[42,43,44,45],"load_balancers":[42,43],"protection":{"delete":false},` +
	`"labels":{"environment":"prod","example.com/my":"label","team":"reception"},` +
	`"created":"2026-01-30T23:50:00+00:00","expose_routes_to_vswitch":false}}`

// newHcloud is hcloud-go. It updates a network.
func newHcloud(at place) (caller, error) {
	transport, closeIdle := at.own(standard())
	client := hcloud.NewClient(hcloud.WithEndpoint(at.URL), hcloud.WithToken(token),
		hcloud.WithHTTPClient(&http.Client{Transport: transport}),
		hcloud.WithRetryOpts(hcloud.RetryOpts{BackoffFunc: hcloud.ConstantBackoff(time.Millisecond), MaxRetries: 5}))
	network := &hcloud.Network{ID: 4711}
	change := hcloud.NetworkUpdateOpts{Name: "reception", Labels: map[string]string{"environment": "prod", "team": "reception"}}
	c := plainCaller(func(ctx context.Context, method, path string, in, into any) error {
		var body io.Reader
		if in != nil {
			encoded, err := json.Marshal(in)
			if err != nil {
				return err
			}
			body = bytes.NewReader(encoded)
		}
		req, err := client.NewRequest(ctx, method, path, body)
		if err != nil {
			return err
		}
		_, err = client.Do(req, into)
		return err
	}, closeIdle)
	c.update = func(ctx context.Context) error {
		got, _, err := client.Network.Update(ctx, network, change)
		if err == nil && got.Name != "reception" {
			err = errResponse
		}
		return err
	}
	return c, nil
}
