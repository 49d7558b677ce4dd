package mihu_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
)

// A gateway is a host name or an IP address. Anything else is rejected, and the error does not
// contain what could be a username and a password.
func TestGateway(t *testing.T) {
	t.Parallel()
	const (
		scheme   = "has a scheme; want a host name or an IP address such as sip.example.com"
		notAHost = "is more than a host; want"
		port     = "has a port, which belongs in sip.port; want"
		other    = "not a host name; want"
	)
	label := strings.Repeat("a", 63)
	longest := strings.Repeat(label+".", 3) + strings.Repeat("a", 61)
	tests := []struct{ gateway, problem string }{
		{"sip.example.com", ""},
		{"localhost", ""},
		{"SIP.Example.COM", ""},
		{"sip.example.com.", ""},
		{"_sip._udp.example.com", ""},
		{"gw_1.example.com", ""},
		{"xn--mnchen-3ya.example", ""},
		{"198.51.100.7", ""},
		{"2001:db8::7", ""},
		{"[2001:db8::7]", ""},
		{label + ".example", ""},
		{longest, ""},

		{"sip:sip.example.com", scheme},
		{"SIPS:sip.example.com", scheme},
		{"https://sip.example.com", scheme},
		{"odd://sip.example.com", scheme},
		{"sip.example.com/path", notAHost},
		{"sip.example.com?x", notAHost},
		{"sip.example.com#x", notAHost},
		{"sip.example.com:5060", port},
		{"198.51.100.7:5060", port},
		{"sip.example.com:", port},
		{"[2001:db8::7]:5060", other},
		{"[2001:db8::7", other},
		{"2001:db8::7]", other},
		{"[198.51.100.7]", other},
		{"2001:db8::zz", other},
		{"fe80::1%eth0", other},
		{"10.0.0.256", other},
		{"198.51.100", other},
		{"sip example.com", other},
		{" sip.example.com", other},
		{"sip.example.com\n", other},
		{"sip.exämple.com", other},
		{"sip..example.com", other},
		{".example.com", other},
		{".", other},
		{"sip.example.com..", other},
		{"-sip.example.com", other},
		{"sip-.example.com", other},
		{"sip,example", other},
		{label + "a.example", other},
		{longest + "a", other},
		{"alice:pl4nted@sip.example.com", notAHost},
		{"sip:alice:pl4nted@sip.example.com", scheme},
	}
	for _, tt := range tests {
		t.Run(tt.gateway, func(t *testing.T) {
			t.Parallel()
			for _, field := range []string{"sip.gateway", "sip.secondary_gateway"} {
				sip := mihu.SIPCredentials{Gateway: tt.gateway}
				change := mihu.SIPUpdate{Gateway: &tt.gateway}
				if field == "sip.secondary_gateway" {
					sip = mihu.SIPCredentials{SecondaryGateway: tt.gateway}
					change = mihu.SIPUpdate{SecondaryGateway: &tt.gateway}
				}
				client := newClient(t, newWire(t, ok()))
				_, created := client.Trunks.Create(t.Context(), &mihu.TrunkCreateRequest{TrunkID: frontDesk, AgentUUID: agentUUID, SIP: &sip})
				_, updated := client.Trunks.Update(t.Context(), frontDesk, &mihu.TrunkUpdateRequest{SIP: &change})
				if tt.problem == "" {
					require.NoError(t, created)
					require.NoError(t, updated)
					continue
				}
				for op, err := range map[string]error{"trunks.create": created, "trunks.update": updated} {
					invalid := requireViolations(t, err, op, field)
					assert.Contains(t, invalid.Violations[0].Problem, tt.problem)
					assert.NotContains(t, err.Error(), "pl4nted")
					assert.NotContains(t, err.Error(), "\n")
				}
			}
		})
	}
}

// A secret in the wrong field is not in the validation error.
func TestValidationErrorsHideMisplacedSecrets(t *testing.T) {
	t.Parallel()
	_, err := mustNotSend(t).Trunks.Create(t.Context(), &mihu.TrunkCreateRequest{
		TrunkID: mihu.TrunkID{PhoneNumber: number, Channel: "pl4nted"}, AgentUUID: "pl4nted",
		SIP: &mihu.SIPCredentials{Gateway: "pl4nted/", Username: "alice", Password: "pl4nted"},
	})
	requireViolations(t, err, "trunks.create", "channel", "agent_uuid", "sip.gateway")
	assert.NotContains(t, err.Error(), "pl4nted")

	_, err = mustNotSend(t).Trunks.Update(t.Context(), frontDesk, &mihu.TrunkUpdateRequest{
		Direction: new(mihu.Direction("pl4nted")), SIP: &mihu.SIPUpdate{Gateway: new("pl4nted/"), Password: new("pl4nted")},
	})
	requireViolations(t, err, "trunks.update", "direction", "sip.gateway")
	assert.NotContains(t, err.Error(), "pl4nted")
}

// Validate reports the violations that the call would report, without a client.
func TestValidate(t *testing.T) {
	t.Parallel()
	require.NoError(t, frontDesk.Validate())
	require.NoError(t, createRequest(agentUUID).Validate())
	require.NoError(t, rename.Validate(whatsAppTrunk))

	requireViolations(t, mihu.TrunkID{PhoneNumber: "12345678901", Channel: mihu.ChannelSMS}.Validate(), "validate", "phone_number", "channel")
	requireViolations(t, (*mihu.TrunkCreateRequest)(nil).Validate(), "validate", "request")
	requireViolations(t, new(mihu.TrunkCreateRequest).Validate(), "validate", "phone_number", "channel", "agent_uuid")
	requireViolations(t, (*mihu.TrunkUpdateRequest)(nil).Validate(frontDesk), "validate", "request")
	requireViolations(t, new(mihu.TrunkUpdateRequest).Validate(mihu.TrunkID{}), "validate", "phone_number", "channel", "request")
	both := &mihu.TrunkUpdateRequest{Direction: new(mihu.DirectionBoth)}
	require.NoError(t, both.Validate(frontDesk))
	requireViolations(t, both.Validate(whatsAppTrunk), "validate", "direction")
}
