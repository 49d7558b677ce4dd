package mihu_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
)

const updateResponse = `{"success":true,"message":"Updated","data":{"phone_number_uuid":"3c90c3cc-0d44-4b50-8888-8dd25736052a",` +
	`"number":"+12345678901","is_external":true,"source":"external","channels":{"call":{"capable":true,"enabled":true,` +
	`"channel_limit":10,"whitelisted_destinations":["US"],"bound":true,"agent_uuid":"3c90c3cc-0d44-4b50-8888-8dd25736052a",` +
	`"agent_name":"Ada"},"sms":{"capable":false,"enabled":false,"channel_limit":null,"whitelisted_destinations":[],"bound":false,` +
	`"agent_uuid":null,"agent_name":null},"whatsapp":{"bound":false,"agent_uuid":null,"agent_name":null},` +
	`"inbound":{"enabled":true,"channel_limit":10}}}}`

// instantClient returns an http.Client that responds at once, without a socket.
func instantClient(body string) *http.Client {
	return &http.Client{Transport: transportFunc(func(req *http.Request) (*http.Response, error) {
		if req.Body != nil {
			_, _ = io.Copy(io.Discard, req.Body)
		}
		return &http.Response{
			StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Request: req,
			Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
		}, nil
	})}
}

// The allocations of a call do not depend on the machine. The bounds are tight, so that an addition
// to every call fails the test. Raise them only for a reason.
func TestAllocationsOfACall(t *testing.T) {
	if raceEnabled {
		return // the race detector allocates too
	}
	update := &mihu.TrunkUpdateRequest{Name: new("Reception"), SIP: &mihu.SIPUpdate{Password: new("n3w"), SecondaryGateway: new("")}}
	var items []string
	for i := range 200 {
		items = append(items, fmt.Sprintf(`{"number":"+1%010d","country_code":"US","is_external":true,"source":"external",`+
			`"bindings":{"call":{"bound":true,"agent_uuid":"3c90c3cc-0d44-4b50-8888-8dd25736052a","agent_name":"Ada"},"sms":{"bound":false},"whatsapp":{"bound":false}}}`, i))
	}
	page := `{"success":true,"data":{"items":[` + strings.Join(items, ",") + `],"pagination":{"current_page":1,"last_page":1}}}`
	plain := testing.AllocsPerRun(20, func() {
		var into struct{ Data mihu.Page[mihu.PhoneNumber] }
		if err := json.Unmarshal([]byte(page), &into); err != nil {
			t.Error(err)
		}
	})
	tests := []struct {
		name    string
		body    string
		maximum float64
		call    func(context.Context, *mihu.Client) error
	}{
		{"update", updateResponse, 58, func(ctx context.Context, c *mihu.Client) error {
			_, err := c.Trunks.Update(ctx, frontDesk, update)
			return err
		}},
		{"channels by number", updateResponse, 58, func(ctx context.Context, c *mihu.Client) error {
			_, err := c.Channels.GetByNumber(ctx, frontDesk.PhoneNumber)
			return err
		}},
		{"a page of 200 numbers", page, plain + 40, func(ctx context.Context, c *mihu.Client) error {
			_, err := c.Trunks.List(ctx, nil)
			return err
		}},
	}
	for _, test := range tests {
		client, err := mihu.New("acme", token, mihu.WithHTTPClient(instantClient(test.body)))
		require.NoError(t, err)
		got := testing.AllocsPerRun(200, func() {
			if err := test.call(context.Background(), client); err != nil {
				t.Error(err)
			}
		})
		t.Logf("%s: %.0f allocations, at most %.0f", test.name, got, test.maximum)
		assert.LessOrEqual(t, got, test.maximum, test.name)
	}
}
