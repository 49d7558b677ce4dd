package probe

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// Codes of plain words are kept in reports, and nothing that may be a name.
func TestCodes(t *testing.T) {
	t.Parallel()
	for text, kept := range map[string]bool{
		"PHONE_NUMBER_IN_USE": true, "phone_in_use": true, "NOT_FOUND": true, "ALREADY_EXISTS": true, "unauthenticated": true, "AGENT_BUSY": true,
		"ACME_NOT_FOUND": false, "Not_Found": false, "NOT FOUND": false, "": false, "_": false, "NUMBER_12025550123": false, "AGENT_ADA_BUSY": false,
		"NOT__FOUND": false, "NO_NO_NO_NO_NO_NO_NO": false, "NOT_FOUND_": false, "ＮＯＴ_ＦＯＵＮＤ": false,
	} {
		assert.Equal(t, kept, isCode(text), text)
	}
}
