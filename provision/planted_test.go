package provision_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu/provision"
)

// planted are rows that each have one violation, of a kind of its own, where the § is. NUM stands
// for a number that no other row has.
var planted = []struct{ row, field, problem string }{
	{"§12025550142,call,AGENT", "phone_number", "missing country code"},
	{"§0012025550142,call,AGENT", "phone_number", "starts with 00"},
	{"§+49 (0)30 123456,call,AGENT", "phone_number", "has a zero in parentheses"},
	{"§1.20256E+10,call,AGENT", "phone_number", "in scientific notation"},
	{"§+12025550142.0,call,AGENT", "phone_number", "a decimal number"},
	{"§+1800FLOWERS,call,AGENT", "phone_number", "has letters"},
	{"§+12025550142 x12,call,AGENT", "phone_number", "has an extension"},
	{"§tel:+12025550142;ext=1,call,AGENT", "phone_number", "has an extension"},
	{"§+12025550142+12025550143,call,AGENT", "phone_number", "has more than one +"},
	{"§+02025550142,call,AGENT", "phone_number", "country code starts with 0"},
	{"§+1202555014212345,call,AGENT", "phone_number", "has too few or too many digits"},
	{"§+12025550142*,call,AGENT", "phone_number", "has a character"},
	{"§+１2025550142,call,AGENT", "phone_number", "has digits of another script"},
	{"§\"+1202\n5550142\",call,AGENT", "phone_number", "spans several lines"},
	{"§,call,AGENT", "phone_number", "empty"},
	{"NUM,§,AGENT", "channel", "empty"},
	{"NUM,§fax,AGENT", "channel", "want \"call\""},
	{"NUM,§sms,AGENT", "channel", "not a channel of a trunk"},
	{"NUM,call,§", "agent_uuid", "empty"},
	{"NUM,call,§3c90c3cc", "agent_uuid", "not a UUID"},
	{"NUM,call§", "agent_uuid", "empty"},
	{"NUM,call,AGENT,§\"a\nb\"", "name", "has a control character"},
	{"NUM,call,AGENT,caf§\xe9", "name", "not UTF-8"},
	{"NUM,call,AGENT,a§\x00b", "name", "has a NUL byte"},
	{"NUM,call,AGENT,,§sideways", "direction", "want \"inbound\""},
	{"NUM,whatsapp,AGENT,,§both", "direction", "a WhatsApp trunk has none"},
	{"NUM,whatsapp,AGENT,,,§sip.example.com", "sip_gateway", "a WhatsApp trunk has no SIP"},
	{"NUM,call,AGENT,,,§sip://sip.example.com", "sip_gateway", "has a scheme"},
	{"NUM,call,AGENT,,,§sip.example.com:5060", "sip_gateway", "has a port"},
	{"NUM,call,AGENT,,,§sip.example.com/a", "sip_gateway", "is more than a host"},
	{"NUM,call,AGENT,,,,§65536", "sip_port", "not a port"},
	{"NUM,call,AGENT,,,,,,§a\tb", "sip_password", "has a control character"},
	{"NUM,call,AGENT,,,,,,,§-", "sip_secondary_gateway", "not a host name"},
	{"NUM,call,AGENT,,,,,,,,§[]", "additional_settings", "is an array"},
	{"NUM,call,AGENT,,,,,,,,§\"{\"\"a\"\":1,\"\"a\"\":1}\"", "additional_settings", "duplicate key"},
	{"NUM,whatsapp,AGENT,,,,,,,,,§vault", "secret_name", "a WhatsApp trunk"},
	{"NUM,call,AGENT,,,,,,,,,,§13", "", "value without a column"},
	{"NUM,call,AGENT,the §\"desk\"", "", "quote in an unquoted field"},
	{"NUM,call,AGENT,\"the §\"desk\"\"", "", "quote in a quoted field"},
	{"§+12020000000,call,AGENT,other", "phone_number", "same trunk as in line 2"},
}

func TestFortyViolationsInTenThousandRows(t *testing.T) {
	t.Parallel()
	rows := make([]string, 10_000)
	for i := range rows {
		rows[i] = fmt.Sprintf("+1202%07d,call,AGENT,Desk %d,both,sip.example.com,5060,user%d,\"p\"\"w,%d\",,\"{\"\"n\"\":%d}\",", i, i, i, i, i)
	}
	where := rand.New(rand.NewPCG(1, 2)).Perm(len(rows) - 1)[:len(planted)]
	slices.Sort(where)
	for i, at := range where {
		rows[at+1] = strings.ReplaceAll(planted[i].row, "NUM", fmt.Sprintf("+1303%07d", i))
	}
	for _, lineEnd := range []string{"\n", "\r\n"} {
		text, places := marked(wide + strings.ReplaceAll(strings.Join(rows, "\n"), "AGENT", desk))
		require.Len(t, places, len(planted))
		var want []wanted
		for i, place := range places {
			want = append(want, wanted{place[0], place[1], planted[i].field, "", planted[i].problem})
		}
		found := inputError(t, strings.ReplaceAll(text, "\n", lineEnd), provision.ReadOptions{})
		assert.Zero(t, found.More)
		for i := range found.Violations {
			found.Violations[i].Value = "" // other tests check it
		}
		assertViolations(t, found.Violations, want...)
	}
}
