package main

import (
	"context"
	"net/http"

	"github.com/digitalocean/godo"
)

// balancerJSON is the response of DigitalOcean to an update of a load balancer.
const balancerJSON = `{"load_balancer":{"id":"4de7ac8b-495b-4884-9a69-1050c6793cd6","name":"reception","ip":"104.131.186.241",` +
	`"size_unit":1,"algorithm":"round_robin","status":"active","created_at":"2026-02-04T21:14:05Z",` +
	`"forwarding_rules":[{"entry_protocol":"https","entry_port":443,"target_protocol":"http","target_port":80,"tls_passthrough":false}],` +
	`"health_check":{"protocol":"http","port":80,"path":"/","check_interval_seconds":10,"response_timeout_seconds":5,` +
	`"healthy_threshold":5,"unhealthy_threshold":3},"sticky_sessions":{"type":"none"},"droplet_ids":[3164444,3164445],` +
	`"redirect_http_to_https":false,"enable_proxy_protocol":false,"project_id":"9cc10173-e9ea-4176-9dbc-a4cee4c4ff30"}}`

// newGodo is godo. It updates a load balancer.
func newGodo(at place) (caller, error) {
	transport, closeIdle := at.own(standard())
	client, err := godo.New(&http.Client{Transport: transport}, godo.SetBaseURL(at.URL+"/"),
		godo.SetRequestHeaders(map[string]string{"Authorization": "Bearer " + token}))
	if err != nil {
		return caller{}, err
	}
	change := &godo.LoadBalancerRequest{
		Name: "reception", Region: "fra1", Algorithm: "round_robin", DropletIDs: []int{3164444, 3164445},
		ForwardingRules: []godo.ForwardingRule{{EntryProtocol: "https", EntryPort: 443, TargetProtocol: "http", TargetPort: 80}},
	}
	c := plainCaller(func(ctx context.Context, method, path string, in, into any) error {
		req, err := client.NewRequest(ctx, method, path, in)
		if err != nil {
			return err
		}
		_, err = client.Do(ctx, req, into)
		return err
	}, closeIdle)
	c.update = func(ctx context.Context) error {
		balancer, _, err := client.LoadBalancers.Update(ctx, "4de7ac8b-495b-4884-9a69-1050c6793cd6", change)
		if err == nil && balancer.Name != "reception" {
			err = errResponse
		}
		return err
	}
	return c, nil
}
