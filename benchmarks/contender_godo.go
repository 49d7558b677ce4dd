package main

import (
	"context"
	"net/http"

	"github.com/digitalocean/godo"
)

// policyJSON is the answer of DigitalOcean to the update of an alert policy.
const policyJSON = `{"policy":{"uuid":"78b3da62-27e5-49ba-ac70-5db0b5935c64","type":"v1/insights/droplet/cpu",` +
	`"description":"CPU of the front desk is above 80 % for five minutes; somebody has to look at it before the calls pile up",` +
	`"compare":"GreaterThan","value":80,"window":"5m","entities":["192018292","192018293","192018294"],` +
	`"tags":["reception","production"],"alerts":{"slack":[{"channel":"Production Alerts",` +
	`"url":"https://hooks.slack.com/services/T1234567/AAAAAAAA/ZZZZZZ"},{"channel":"Reception",` +
	`"url":"https://hooks.slack.com/services/T1234567/BBBBBBBB/ZZZZZZ"}],"email":["reception@example.com"]},"enabled":true}}`

// newGodo is godo, which updates an alert policy.
func newGodo(at place) (caller, error) {
	transport, closeIdle := at.own(standard())
	client, err := godo.New(&http.Client{Transport: transport}, godo.SetBaseURL(at.URL+"/"),
		godo.SetRequestHeaders(map[string]string{"Authorization": "Bearer " + token}))
	if err != nil {
		return caller{}, err
	}
	change := &godo.AlertPolicyUpdateRequest{
		Type: "v1/insights/droplet/cpu", Description: "CPU of the front desk", Compare: godo.GreaterThan, Value: 80, Window: "5m",
		Entities: []string{"192018292"}, Alerts: godo.Alerts{Email: []string{"reception@example.com"}}, Enabled: new(true),
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
		policy, _, err := client.Monitoring.UpdateAlertPolicy(ctx, "78b3da62-27e5-49ba-ac70-5db0b5935c64", change)
		if err == nil && policy.Window != "5m" {
			err = errAnswer
		}
		return err
	}
	return c, nil
}
