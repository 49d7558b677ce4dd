package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/mihu-go/mihu"
	"github.com/stretchr/testify/require"
)

// wire is a request that the client has not validated.
type wire struct {
	method, path string
	body         map[string]any // nil means none
}

// trunkBody returns a request for a trunk with one field replaced.
func trunkBody(method, path, field string, value any) wire {
	body := map[string]any{"phone_number": number, "channel": "call"}
	switch {
	case method == http.MethodPost, path == "/phone-numbers/trunks/assign":
		body["agent_uuid"] = uuid
	}
	put(body, field, value)
	return wire{method, path, body}
}

// The client and the contract have the same rule for each field for which both have one. This does
// not include gateways, which are any text in the contract.
func TestClientValidatesLikeTheContract(t *testing.T) {
	t.Parallel()
	const (
		trunks   = "/phone-numbers/trunks"
		assigned = "/phone-numbers/trunks/assign"
	)
	update := func(id mihu.TrunkID, req mihu.TrunkUpdateRequest) call {
		return func(ctx context.Context, c *mihu.Client) error { return errorOf(c.Trunks.Update(ctx, id, &req)) }
	}
	numbers := []string{
		"", "+", "+0", "+1", "+12", "+123456789012345", "+1234567890123456", "+0123456789", "12345678901", "012345678901", "1", "12", "++12345678901",
		"+1 234 567 8901", " +12345678901", "+12345678901 ", "+12345678901\n", "+12345678901a", "+١٢٣٤٥٦٧٨٩", "00123456789", "-12345678901", "+12345678901;1",
	}
	agree(t, "number of a trunk", numbers, func(s string) (call, wire) {
		return update(mihu.TrunkID{PhoneNumber: s, Channel: mihu.ChannelCall}, mihu.TrunkUpdateRequest{Name: new("a")}),
			trunkBody(http.MethodPatch, trunks, "phone_number", s)
	})
	agree(t, "number of a trunk to delete", numbers, func(s string) (call, wire) {
		return remove(mihu.TrunkID{PhoneNumber: s, Channel: mihu.ChannelCall}),
			wire{http.MethodDelete, trunks + "?channel=call&phone_number=" + url.QueryEscape(s), nil}
	})
	agree(t, "number to look up", numbers, func(s string) (call, wire) {
		return channelsByNumber(s), wire{http.MethodGet, "/phone-numbers/channels?number=" + url.QueryEscape(s), nil}
	})

	uuids := []string{
		"", uuid, strings.ToUpper(uuid), "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
		strings.ReplaceAll(uuid, "-", ""), "{" + uuid + "}", "urn:uuid:" + uuid, uuid + "0", uuid[1:], strings.Replace(uuid, "3", "g", 1),
		uuid + "\n", " " + uuid, strings.Replace(uuid, "-", "0", 1), strings.Replace(uuid, "3", "-", 1), "..", "a/b", uuid + "/x",
	}
	agree(t, "agent", uuids, func(s string) (call, wire) {
		return assign(callID, s), trunkBody(http.MethodPut, assigned, "agent_uuid", s)
	})
	agree(t, "UUID of a number", uuids, func(s string) (call, wire) {
		return channels(s), wire{http.MethodGet, "/phone-numbers/" + url.PathEscape(s) + "/channels", nil}
	})

	names := []string{"", "call", "whatsapp", "sms", "CALL", "Call", "call ", "fax", "inbound", "outbound", "both", "BOTH"}
	agree(t, "channel", names, func(s string) (call, wire) {
		return assign(mihu.TrunkID{PhoneNumber: number, Channel: mihu.Channel(s)}, uuid), trunkBody(http.MethodPut, assigned, "channel", s)
	})
	agree(t, "direction", names, func(s string) (call, wire) {
		return update(callID, mihu.TrunkUpdateRequest{Direction: new(mihu.Direction(s))}), trunkBody(http.MethodPatch, trunks, "direction", s)
	})

	// 0 is an invalid port in an update, but means an omitted field in a create.
	agree(t, "port", []int{-1 << 62, -1, 0, 1, 5060, 65535, 65536, 1 << 62}, func(n int) (call, wire) {
		return update(callID, mihu.TrunkUpdateRequest{SIP: &mihu.SIPUpdate{Port: mihu.SetPort(n)}}), trunkBody(http.MethodPatch, trunks, "sip.port", n)
	})
	counts := []int{-1 << 62, -1, 1, 2, 199, 200, 201, 65535, 65536, 1 << 62}
	agree(t, "port of a new trunk", counts, func(n int) (call, wire) {
		req := mihu.TrunkCreateRequest{TrunkID: callID, AgentUUID: uuid, SIP: &mihu.SIPCredentials{Port: n}}
		return func(ctx context.Context, c *mihu.Client) error { return errorOf(c.Trunks.Create(ctx, &req)) },
			trunkBody(http.MethodPost, trunks, "sip.port", n)
	})
	agree(t, "page", counts, func(n int) (call, wire) {
		return list(&mihu.ListOptions{Page: n}), wire{http.MethodGet, fmt.Sprint(trunks, "?page=", n), nil}
	})
	agree(t, "page size", counts, func(n int) (call, wire) {
		return list(&mihu.ListOptions{PerPage: n}), wire{http.MethodGet, fmt.Sprint(trunks, "?per_page=", n), nil}
	})
}

// agree compares whether the client refuses each value with whether the contract does.
func agree[V any](t *testing.T, name string, values []V, with func(V) (call, wire)) {
	t.Helper()
	for _, value := range values {
		t.Run(fmt.Sprintf("%s %#v", name, value), func(t *testing.T) {
			t.Parallel()
			call, wire := with(value)
			byContract := wire.judge(t)
			check := newChecker(t, confirm(http.StatusOK))
			byClient := call(t.Context(), newClient(t, check))
			if byContract == nil {
				require.NoError(t, byClient)
				check.valid(t)
				return
			}
			require.ErrorIs(t, byClient, mihu.ErrInvalid, "the contract says: %v", byContract)
			require.Empty(t, check.take(), "what is refused is not sent")
		})
	}
}

func (w wire) judge(t *testing.T) error {
	t.Helper()
	var body []byte
	if w.body != nil {
		var err error
		body, err = json.Marshal(w.body)
		require.NoError(t, err)
	}
	req, err := http.NewRequestWithContext(t.Context(), w.method, base+w.path, http.NoBody)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer token")
	req.Header.Set("Content-Type", "application/json")
	_, err = newContract(t).request(req, body)
	return err
}
