package main

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/twilio/twilio-go"
	"github.com/twilio/twilio-go/client"
	trunking "github.com/twilio/twilio-go/rest/trunking/v1"
)

// trunkJSON is the response of Twilio to an update of a trunk, without its links.
const trunkJSON = `{"account_sid":"ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","auth_type":"CREDENTIAL_LIST","auth_type_set":["CREDENTIAL_LIST"],` +
	`"cnam_lookup_enabled":true,"date_created":"2026-01-02T11:23:45Z","date_updated":"2026-01-02T11:23:45Z",` +
	`"disaster_recovery_method":"POST","disaster_recovery_url":"https://disaster-recovery.example.com",` +
	`"domain_name":"reception.pstn.twilio.com","friendly_name":"Reception","recording":{"mode":"do-not-record","trim":"do-not-trim"},` +
	`"secure":true,"sid":"TKaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","transfer_mode":"disable-all","transfer_caller_id":"from-transferor",` +
	`"symmetric_rtp_enabled":false,"url":"https://trunking.twilio.com/v1/Trunks/TKaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}`

// twilioElsewhere redirects requests to another host, because twilio-go cannot set the host.
type twilioElsewhere struct {
	*client.Client
	base string
}

func (t *twilioElsewhere) SendRequest(method, to string, data url.Values, headers map[string]any, body ...byte) (*http.Response, error) {
	return t.Client.SendRequest(method, t.base+strings.TrimPrefix(to, "https://trunking.twilio.com"), data, headers, body...)
}

// newTwilio is twilio-go. It updates a trunk. It does not support contexts.
func newTwilio(at place) (caller, error) {
	transport, closeIdle := at.own(standard())
	base := &client.Client{
		Credentials: client.NewCredentials("AC0123456789", token),
		HTTPClient:  &http.Client{Transport: transport},
	}
	base.SetAccountSid("AC0123456789")
	api := twilio.NewRestClientWithParams(twilio.ClientParams{Client: &twilioElsewhere{base, at.URL}})
	change := new(trunking.UpdateTrunkParams).SetFriendlyName("Reception").SetSecure(true).SetTransferMode("disable-all")
	return caller{
		update: func(context.Context) error {
			trunk, err := api.TrunkingV1.UpdateTrunk("TKaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", change)
			if err == nil && (trunk.FriendlyName == nil || *trunk.FriendlyName != "Reception") {
				err = errResponse
			}
			return err
		},
		close: closeIdle,
	}, nil
}
