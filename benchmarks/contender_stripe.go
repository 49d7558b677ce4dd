package main

import (
	"context"
	"net/http"

	"github.com/stripe/stripe-go/v85"
)

// customerJSON is the response of Stripe to an update of a customer.
const customerJSON = `{"id":"cus_NffrFeUfNV2Hib","object":"customer","address":{"city":"Sassari","country":"IT","line1":"Via Roma 1",` +
	`"line2":null,"postal_code":"07100","state":null},"balance":0,"created":1680893993,"currency":"eur","default_source":null,` +
	`"delinquent":false,"description":"Front desk","email":"reception@example.com","invoice_prefix":"0759376C",` +
	`"invoice_settings":{"custom_fields":null,"default_payment_method":null,"footer":null,"rendering_options":null},"livemode":false,` +
	`"metadata":{"order_id":"6735"},"name":"Reception","next_invoice_sequence":1,"phone":"+12345678901",` +
	`"preferred_locales":["it"],"shipping":null,"tax_exempt":"none","test_clock":null}`

// newStripe is stripe-go. It updates a customer.
func newStripe(at place) (caller, error) {
	transport, closeIdle := at.own(standard())
	client := stripe.NewClient(token, stripe.WithBackends(stripe.NewBackendsWithConfig(&stripe.BackendConfig{
		URL:           new(at.URL),
		HTTPClient:    &http.Client{Transport: transport},
		LeveledLogger: &stripe.LeveledLogger{Level: stripe.LevelNull},
	})))
	return caller{
		update: func(ctx context.Context) error {
			customer, err := client.V1Customers.Update(ctx, "cus_NffrFeUfNV2Hib", &stripe.CustomerUpdateParams{
				Name: new("Reception"), Email: new("reception@example.com"), Description: new("Front desk"),
			})
			if err == nil && customer.Name != "Reception" {
				err = errResponse
			}
			return err
		},
		close: closeIdle,
	}, nil
}
