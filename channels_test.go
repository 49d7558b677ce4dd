package mihu_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestChannelsGet(t *testing.T) {
	t.Parallel()
	client, got := endpoint(t, http.MethodGet, "/phone-numbers/9bcb8f00-c0c5-4ee1-9b75-ad1e87a2bd8b/channels", snapshotJSON)
	snap, err := client.Channels.Get(t.Context(), numberUUID)
	require.NoError(t, err)
	assert.Empty(t, got.Query)
	assert.Empty(t, got.Body)
	assert.Equal(t, numberUUID, snap.PhoneNumberUUID)
}

func TestChannelsGetByNumber(t *testing.T) {
	t.Parallel()
	client, got := endpoint(t, http.MethodGet, "/phone-numbers/channels", snapshotJSON)
	snap, err := client.Channels.GetByNumber(t.Context(), number)
	require.NoError(t, err)
	assert.Equal(t, "number=%2B12345678901", got.Query)
	assert.Empty(t, got.Body)
	assert.Equal(t, number, snap.Number)
}

// Only a UUID becomes part of a path.
func TestChannelsGetRejectsInvalidUUIDs(t *testing.T) {
	t.Parallel()
	hostile := []string{
		"", ".", "..", "trunks", "../trunks", "%2e%2e", "%2F", "a/b", `a\b`, "x#y", "?number=1", "\r\nHost: evil", "\x00",
		"9bcb8f00-c0c5-4ee1-9b75-ad1e87a2bd8b/", " 9bcb8f00-c0c5-4ee1-9b75-ad1e87a2bd8b", "9bcb8f00c0c54ee19b75ad1e87a2bd8b",
		"{9bcb8f00-c0c5-4ee1-9b75-ad1e87a2bd8b}", "9bcb8f00-c0c5-4ee1-9b75-ad1e87a2bd8/", "9bcb8f00-c0c5-4ee1-9b75-ad1e87a2bd8\xff",
		strings.Repeat("9", 1<<20), number,
	}
	for _, uuid := range hostile {
		snap, err := mustNotSend(t).Channels.Get(t.Context(), uuid)
		assert.Nil(t, snap)
		requireViolations(t, err, "channels.get", "phone_number_uuid")
		assert.Less(t, len(err.Error()), 300)
		assert.NotContains(t, err.Error(), "\n")
	}
}

func TestChannelsGetByNumberRejectsInvalidNumbers(t *testing.T) {
	t.Parallel()
	for _, number := range []string{"", "12345678901", "+0", "+1 2345678901", "+12345678901&x=y", "tel:+12345678901", strings.Repeat("9", 1<<20)} {
		snap, err := mustNotSend(t).Channels.GetByNumber(t.Context(), number)
		assert.Nil(t, snap)
		requireViolations(t, err, "channels.get_by_number", "number")
		assert.Less(t, len(err.Error()), 300)
	}
}
