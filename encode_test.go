package mihu_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
)

// textMarshaler encodes itself as a text that is not UTF-8.
type textMarshaler struct{}

func (textMarshaler) MarshalText() ([]byte, error) { return []byte("a\xff"), nil }

// failingMarshaler fails to encode itself, with a secret in its error.
type failingMarshaler struct{}

func (failingMarshaler) MarshalJSON() ([]byte, error) {
	return nil, errors.New("the password is s3cret")
}

// wrappingMarshaler fails likewise, and wraps an error of encoding/json.
type wrappingMarshaler struct{}

func (wrappingMarshaler) MarshalJSON() ([]byte, error) {
	return nil, fmt.Errorf("the password is s3cret: %w", &json.UnsupportedValueError{Str: "x"})
}

// Settings are the caller's own JSON. Values that JSON cannot express, or would change, are
// rejected.
func TestAdditionalSettings(t *testing.T) {
	t.Parallel()
	type text string
	tests := []struct {
		name     string
		settings map[string]any
		sent     string // "" if the settings are rejected
	}{
		{"empty", map[string]any{}, `{}`},
		{"every type", map[string]any{"a": 1, "b": 1.5, "c": "x", "d": true, "e": []int{1}, "f": map[string]any{}}, `{"a":1,"b":1.5,"c":"x","d":true,"e":[1],"f":{}}`},
		{"nested nulls", map[string]any{"a": nil, "b": []any{nil}}, `{"a":null,"b":[null]}`},
		{"raw JSON", map[string]any{"a": json.RawMessage(`{"x": [1, 2]}`)}, `{"a":{"x":[1,2]}}`},
		{"raw JSON null", map[string]any{"a": json.RawMessage(`null`)}, `{"a":null}`},
		{"replacement characters", map[string]any{"a": "\ufffd", "\ufffd": "x"}, `{"a":"` + "\ufffd" + `","` + "\ufffd" + `":"x"}`},
		{
			"a replacement character beside types with their own encoding",
			map[string]any{"a": "\ufffd", "b": []byte("\xff"), "c": [1]netip.Addr{netip.MustParseAddr("192.0.2.1")}, "d": struct{ A *string }{}},
			`{"a":"` + "\ufffd" + `","b":"/w==","c":["192.0.2.1"],"d":{"A":null}}`,
		},
		{"the escape of a replacement character, as text", map[string]any{"a": `\ufffd`, "b": `\\ufffd`}, `{"a":"\\ufffd","b":"\\\\ufffd"}`},

		{"not a number", map[string]any{"a": math.NaN()}, ""},
		{"infinity", map[string]any{"a": []any{math.Inf(1)}}, ""},
		{"a channel", map[string]any{"a": make(chan int)}, ""},
		{"a function", map[string]any{"a": func() {}}, ""},
		{"a complex number", map[string]any{"a": 1i}, ""},
		{"invalid raw JSON", map[string]any{"a": json.RawMessage(`{`)}, ""},
		{"an invalid json.Number", map[string]any{"a": json.Number("1;2")}, ""},
		{"a type whose encoding fails", map[string]any{"a": failingMarshaler{}}, ""},
		{"a type whose encoding fails with an error of encoding/json", map[string]any{"a": wrappingMarshaler{}}, ""},
		{"a value that is not UTF-8", map[string]any{"a": "x\xff"}, ""},
		{"a typed value that is not UTF-8", map[string]any{"a": text("x\xff")}, ""},
		{"a nested value that is not UTF-8", map[string]any{"a": []any{map[string]any{"b": []string{"x\xff"}}}}, ""},
		{"a field that is not UTF-8", map[string]any{"a": struct{ A, B string }{"x", "x\xff"}}, ""},
		{"an item that is not UTF-8", map[string]any{"a": [2]string{"x", "x\xff"}}, ""},
		{"a key that is not UTF-8", map[string]any{"a\xff": 1}, ""},
		{"a nested key that is not UTF-8", map[string]any{"a": map[string]string{"b\xff": "c"}}, ""},
		{"JSON that is not UTF-8", map[string]any{"a": json.RawMessage("\"x\xff\"")}, ""},
		{"a text marshaler that is not UTF-8", map[string]any{"a": textMarshaler{}}, ""},
		{"a text marshaler as a key", map[string]any{"a": map[textMarshaler]int{{}: 1}}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.sent == "" {
				_, err := mustNotSend(t).Trunks.Update(t.Context(), frontDesk, &mihu.TrunkUpdateRequest{AdditionalSettings: tt.settings})
				requireViolations(t, err, "trunks.update", "additional_settings")
				assert.NotContains(t, err.Error(), "s3cret")
				_, err = mustNotSend(t).Trunks.Create(t.Context(), &mihu.TrunkCreateRequest{
					TrunkID: frontDesk, AgentUUID: agentUUID, AdditionalSettings: tt.settings,
				})
				requireViolations(t, err, "trunks.create", "additional_settings")
				return
			}
			client, got := endpoint(t, http.MethodPatch, trunks, snapshotJSON)
			_, err := client.Trunks.Update(t.Context(), frontDesk, &mihu.TrunkUpdateRequest{AdditionalSettings: tt.settings})
			require.NoError(t, err)
			assert.Equal(t, `{"phone_number":"+12345678901","channel":"call","additional_settings":`+tt.sent+`}`, got.Body)
		})
	}
}

// A nil pointer is sent as null, even if its type has its own encoding.
func TestAdditionalSettingsWithANilPointer(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"x", "\ufffd"} {
		client, got := endpoint(t, http.MethodPatch, trunks, snapshotJSON)
		assert.NotPanics(t, func() {
			_, err := client.Trunks.Update(t.Context(), frontDesk, &mihu.TrunkUpdateRequest{
				AdditionalSettings: map[string]any{"a": text, "b": (*netip.Addr)(nil)},
			})
			assert.NoError(t, err)
		})
		assert.Equal(t, `{"phone_number":"+12345678901","channel":"call","additional_settings":{"a":"`+text+`","b":null}}`, got.Body)
	}
}
