package provision

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestDidYouMean(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]string{
		"agnet_uuid": "agent_uuid", "agent_id": "agent_uuid", "gateway": "sip_gateway", "user": "sip_username", "phone": "phone_number",
		"sip_pasword": "sip_password", "chanel": "channel", "settings": "additional_settings",
		"id": "", "comment": "", "our_reference": "", "e": "",
	} {
		if want != "" {
			want = "; did you mean " + want + ", or"
		} else {
			want = "; is it to be ignored? Known are phone_number,"
		}
		assert.Contains(t, didYouMean(written, new(parser).columnNames()), want, written)
	}
	assert.Contains(t, didYouMean("abcdefgh", []string{"abcdefxy", "abcdefgx", "abcdexyz"}), "mean abcdefgx,", "the nearest")
}

func TestDistance(t *testing.T) {
	t.Parallel()
	assert.Equal(t, 0, distance("", ""))
	assert.Equal(t, 3, distance("abc", ""))
	assert.Equal(t, 2, distance("agnet", "agent"))
	assert.Equal(t, 1, distance("sip_prt", "sip_port"))
	assert.Equal(t, 3, distance("kitten", "sitting"))
	assert.GreaterOrEqual(t, distance(strings.Repeat("a", 1<<20), "a"), 40)
}
