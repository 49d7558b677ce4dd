package rows

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// trunks is a table as package provision has it.
var trunks = &Table{
	Fields: []Field{
		{Key: "phone_number"},
		{Key: "channel"},
		{Key: "agent_uuid"},
		{Key: "name"},
		{Key: "direction"},
		{Key: "sip.gateway"},
		{Key: "sip.port", Kind: Number},
		{Key: "sip.username"},
		{Key: "sip.password"},
		{Key: "sip.secondary_gateway"},
		{Key: "additional_settings", Kind: Object},
		{Key: "secret_name"},
	},
	Required: []int{0, 1, 2},
	Unread:   []string{"reason", "source_line"},
}

func TestDidYouMean(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]string{
		"agnet_uuid": "agent_uuid", "agent_id": "agent_uuid", "gateway": "sip_gateway", "user": "sip_username", "phone": "phone_number",
		"sip_pasword": "sip_password", "chanel": "channel", "settings": "additional_settings",
		"id": "", "comment": "", "our_reference": "", "e": "",
	} {
		if want != "" {
			want = "; did you mean " + want + "? If not, ignore it by name"
		} else {
			want = "; known are phone_number,"
		}
		assert.Contains(t, new(Table).didYouMean(written, trunks.Columns()), want, written)
	}
	assert.Contains(t, new(Table).didYouMean("abcdefgh", []string{"abcdefxy", "abcdefgx", "abcdexyz"}), "mean abcdefgx?", "the nearest")
}

func TestDistance(t *testing.T) {
	t.Parallel()
	assert.Equal(t, 0, Distance("", ""))
	assert.Equal(t, 3, Distance("abc", ""))
	assert.Equal(t, 2, Distance("agnet", "agent"))
	assert.Equal(t, 1, Distance("sip_prt", "sip_port"))
	assert.Equal(t, 3, Distance("kitten", "sitting"))
	assert.GreaterOrEqual(t, Distance(strings.Repeat("a", 1<<20), "a"), 40)
}
