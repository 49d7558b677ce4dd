package mihuriver_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	mihuriver "github.com/mihu-go/mihu/integrations/river"
)

// An item with settings that cannot be stored is refused by its line, and no other.
func TestEnqueueSettingsThatCannotBeStored(t *testing.T) {
	t.Parallel()
	p := newPlace(t, mihuriver.QueueOptions{})
	for _, c := range []struct {
		name     string
		settings map[string]any
		secret   string
		says     string
	}{
		{"U+0000 in a value", map[string]any{"a": "x\x00y"}, "", "additional_settings: has the character U+0000"},
		{"U+0000 in a name", map[string]any{"x\x00y": 1}, "", "additional_settings: has the character U+0000"},
		{"U+0000 inside", map[string]any{"a": []any{map[string]any{"b": "\x00"}}}, "", "additional_settings: has the character U+0000"},
		{"number out of range", map[string]any{"a": number("1e200000")}, "", "additional_settings: has a number out of range"},
		{"negative number out of range", map[string]any{"a": []any{number("-1e400")}}, "", "additional_settings: has a number out of range"},
		{"U+0000 in the secret name", nil, "desk\x00", "secret_name: has a control character"},
		{"secret name that is not UTF-8", nil, "desk\xff", "secret_name: has a control character or is not valid UTF-8"},
	} {
		bad := item(two, nobody)
		bad.Line, bad.Trunk.AdditionalSettings, bad.SecretName = 3, c.settings, c.secret
		_, err := p.queue.Enqueue(t.Context(), "x", stream(item(one, nobody), bad))
		require.ErrorIs(t, err, mihu.ErrInvalid, c.name)
		require.ErrorContains(t, err, "item 2 (line 3)", c.name)
		require.ErrorContains(t, err, c.says, c.name)
	}
	assert.Empty(t, p.jobs())
}

// Settings reach the API as they were enqueued, although jsonb rewrites numbers.
func TestSettingsAreStoredAsTheyAre(t *testing.T) {
	t.Parallel()
	p := newPlace(t, mihuriver.QueueOptions{})
	wanted := item(one, p.mihu.AddAgent("A"))
	wanted.Trunk.AdditionalSettings = map[string]any{
		"a": number("1.10e2"), "b": number("12345678901234567890.10"), "c": number("1e-200000"), "d": number("-0"), "e": number("1E5"), "text": `<\u0000>`,
	}
	p.enqueue("x", wanted)
	assert.Equal(t, 1, p.enqueue("x", wanted).Unfinished)
	p.work(1, mihuriver.WorkerOptions{})
	assert.Equal(t, 1, p.until(mihuriver.Summary.Finished).Done)
	requests := p.mihu.Requests()
	body := string(requests[len(requests)-1].Body)
	for _, text := range []string{`"a":1.10e2`, `"b":12345678901234567890.10`, `"c":1e-200000`, `"d":-0`, `"e":1E5`} {
		assert.Contains(t, body, text)
	}
	assert.Contains(t, body, `\\u0000`)

	cleared := item(two, p.mihu.AddAgent("B"))
	cleared.Trunk.AdditionalSettings = map[string]any{}
	p.enqueue("x", cleared)
	p.until(mihuriver.Summary.Finished)
	requests = p.mihu.Requests()
	assert.Contains(t, string(requests[len(requests)-1].Body), `"additional_settings":{}`)
}

func number(text string) json.Number { return json.Number(text) }
