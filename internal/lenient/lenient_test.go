package lenient_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu/internal/lenient"
)

type nested struct {
	Text string `json:"text"`
}

type embedded struct {
	Inner bool `json:"inner"`
}

type everything struct {
	Text     string            `json:"text"`
	Int      int               `json:"int"`
	Small    int8              `json:"small"`
	Uint     uint16            `json:"uint"`
	Float    float64           `json:"float"`
	Bool     bool              `json:"bool"`
	Pointer  *int              `json:"pointer"`
	List     []int             `json:"list"`
	Array    [2]int            `json:"array"`
	Map      map[string]int    `json:"map"`
	Struct   nested            `json:"struct"`
	Structs  []nested          `json:"structs"`
	Maps     map[string]nested `json:"maps"`
	Time     time.Time         `json:"time"`
	Any      any               `json:"any"`
	Raw      json.RawMessage   `json:"raw"`
	Number   json.Number       `json:"number"`
	Address  netip.Addr        `json:"address"`
	Duration time.Duration     `json:"duration"`
	Untagged string
	Ignored  string `json:"-"`
	embedded
}

// decode decodes as package mihu does: it converts the value, and then decodes it as usual.
func decode(t *testing.T, text string, into any) []lenient.Problem {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var tree any
	require.NoError(t, decoder.Decode(&tree), text)
	r := new(lenient.Reader)
	converted := r.Value(tree, reflect.TypeOf(into).Elem(), "at")
	encoded, err := json.Marshal(converted)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(encoded, into), "a converted value must decode")
	return r.Problems
}

func TestValue(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		text string
		want everything
	}{
		{`{}`, everything{}},
		{`[]`, everything{}},
		{`null`, everything{}},
		{`{"text": "x"}`, everything{Text: "x"}},
		{`{"text": 12345678901234567890}`, everything{Text: "12345678901234567890"}},
		{`{"text": true}`, everything{Text: "true"}},
		{`{"text": null, "int": null, "bool": null, "list": null, "map": null, "struct": null, "time": null, "any": null}`, everything{}},
		{`{"int": 7}`, everything{Int: 7}},
		{`{"int": "7"}`, everything{Int: 7}},
		{`{"int": " -7 "}`, everything{Int: -7}},
		{`{"int": 7.0}`, everything{Int: 7}},
		{`{"int": "7.0"}`, everything{Int: 7}},
		{`{"int": 7e2}`, everything{Int: 700}},
		{`{"int": ""}`, everything{}},
		{`{"int": 9223372036854775807}`, everything{Int: 9223372036854775807}},
		{`{"int": 9007199254740992.0}`, everything{Int: 1 << 53}},
		{`{"small": "-128", "uint": "65535"}`, everything{Small: -128, Uint: 65535}},
		{`{"float": "1.5"}`, everything{Float: 1.5}},
		{`{"float": 1e3}`, everything{Float: 1000}},
		{`{"bool": 1}`, everything{Bool: true}},
		{`{"bool": "TRUE"}`, everything{Bool: true}},
		{`{"bool": 0}`, everything{}},
		{`{"bool": "0"}`, everything{}},
		{`{"bool": ""}`, everything{}},
		{`{"pointer": "0"}`, everything{Pointer: new(0)}},
		{`{"pointer": ""}`, everything{}},
		{`{"list": ["1", 2, 3.0]}`, everything{List: []int{1, 2, 3}}},
		{`{"list": {}}`, everything{List: []int{}}},
		{`{"list": {"0": 1, "10": 3, "2": 2}}`, everything{List: []int{1, 2, 3}}},
		{`{"array": ["1", 2]}`, everything{Array: [2]int{1, 2}}},
		{`{"map": {"a": "1"}}`, everything{Map: map[string]int{"a": 1}}},
		{`{"map": []}`, everything{Map: map[string]int{}}},
		{`{"struct": {"text": 1}}`, everything{Struct: nested{"1"}}},
		{`{"struct": []}`, everything{}},
		{`{"structs": [{"text": 1}, []]}`, everything{Structs: []nested{{"1"}, {}}}},
		{`{"maps": {"a": {"text": 1}}}`, everything{Maps: map[string]nested{"a": {"1"}}}},
		{`{"time": "2026-03-04T12:00:00Z"}`, everything{Time: noon}},
		{`{"time": "2026-03-04 12:00:00"}`, everything{Time: noon}},
		{`{"time": "2026-03-04T12:00:00.000"}`, everything{Time: noon}},
		{`{"time": "2026-03-04T14:00:00+02:00"}`, everything{Time: noon}},
		{`{"time": ""}`, everything{}},
		{`{"time": "0000-00-00 00:00:00"}`, everything{}},
		{`{"time": 1772625600}`, everything{Time: noon}},
		{`{"time": 1772625600.000}`, everything{Time: noon}},
		{`{"time": "1772625600"}`, everything{Time: noon}},
		{`{"time": 1772625600000}`, everything{Time: noon}},
		{`{"time": "2026-03-04T12:00:00+0000"}`, everything{Time: noon}},
		{`{"time": "2026-03-04 14:00:00+02"}`, everything{Time: noon}},
		{`{"time": "2026-03-04 12:00:00Z"}`, everything{Time: noon}},
		{`{"time": "Wed, 04 Mar 2026 12:00:00 GMT"}`, everything{Time: noon}},
		{`{"any": 12345678901234567890}`, everything{Any: 12345678901234567890.0}},
		{`{"any": [1]}`, everything{Any: []any{1.0}}},
		{`{"raw": {"a": [1]}}`, everything{Raw: json.RawMessage(`{"a":[1]}`)}},
		{`{"number": 1.50}`, everything{Number: "1.50"}},
		{`{"address": "192.0.2.1"}`, everything{Address: netip.MustParseAddr("192.0.2.1")}},
		{`{"duration": "1000000000"}`, everything{Duration: time.Second}},
		{`{"Untagged": 7, "Ignored": {}, "-": 1, "hidden": "x", "unknown": [1]}`, everything{Untagged: "7"}},
		{`{"inner": "1"}`, everything{embedded: embedded{true}}},
	}
	for _, tt := range tests {
		var got everything
		require.Empty(t, decode(t, tt.text, &got), tt.text)
		assert.Equal(t, tt.want, got, tt.text)
	}
}

// A problem has the path of the value that cannot be converted, and not the value.
func TestValueThatCannotBeConverted(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		`"x"`:                             `at: want an object, got text`,
		`[1]`:                             `at: want an object, got a list`,
		`{"text": {}}`:                    `at.text: want text, got an object`,
		`{"text": []}`:                    `at.text: want text, got a list`,
		`{"int": "seven"}`:                `at.int: want a number, got text`,
		`{"int": 7.5}`:                    `at.int: want a number`,
		`{"int": true}`:                   `at.int: want a number, got true or false`,
		`{"int": {}}`:                     `at.int: want a number, got an object`,
		`{"int": 9223372036854775808}`:    `at.int: want a number`,
		`{"int": 1e300}`:                  `at.int: want a number`,
		`{"int": "NaN"}`:                  `at.int: want a number, got text`,
		`{"small": 128}`:                  `at.small: want a number`,
		`{"small": "-129"}`:               `at.small: want a number`,
		`{"uint": -1}`:                    `at.uint: want a number`,
		`{"uint": 65536}`:                 `at.uint: want a number`,
		`{"float": "Inf"}`:                `at.float: want a number, got text`,
		`{"float": "NaN"}`:                `at.float: want a number, got text`,
		`{"float": []}`:                   `at.float: want a number, got a list`,
		`{"bool": 2}`:                     `at.bool: want true or false, got a number`,
		`{"bool": "yes"}`:                 `at.bool: want true or false, got text`,
		`{"bool": []}`:                    `at.bool: want true or false, got a list`,
		`{"list": "1"}`:                   `at.list: want a list, got text`,
		`{"list": {"a": 1}}`:              `at.list: want a list, got an object`,
		`{"list": {"0": 1, "01": 2}}`:     `at.list: want a list, got an object`,
		`{"time": "tomorrow"}`:            `at.time: want a time, got text`,
		`{"time": 7}`:                     `at.time: want a time, got a number`,
		`{"time": []}`:                    `at.time: want a time, got a list`,
		`{"address": "nowhere"}`:          `at.address: want Addr, got text`,
		`{"list": [1, "x"]}`:              `at.list[1]: want a number, got text`,
		`{"map": {"a": "x"}}`:             `at.map.a: want a number, got text`,
		`{"map": "x"}`:                    `at.map: want an object, got text`,
		`{"struct": [{}]}`:                `at.struct: want an object, got a list`,
		`{"struct": {"text": []}}`:        `at.struct.text: want text, got a list`,
		`{"structs": [{}, {"text": {}}]}`: `at.structs[1].text: want text, got an object`,
	}
	for text, want := range tests {
		problems := decode(t, text, new(everything))
		require.Len(t, problems, 1, text)
		got := problems[0].Path + ": want " + problems[0].Want + ", got " + problems[0].Got
		assert.True(t, strings.HasPrefix(got, want), "%s: %s", text, got)
	}
}

// What cannot be converted is left out, and costs nothing else.
func TestOtherValuesAreKept(t *testing.T) {
	t.Parallel()
	var got everything
	problems := decode(t, `{"text": "kept", "int": "seven", "list": [1, "x", 3], "struct": {"text": []}, "time": "soon", "bool": 1}`, &got)
	assert.Equal(t, everything{Text: "kept", List: []int{1, 3}, Bool: true}, got)
	var paths []string
	for _, p := range problems {
		paths = append(paths, p.Path)
	}
	assert.ElementsMatch(t, []string{"at.int", "at.list[1]", "at.struct.text", "at.time"}, paths)
}

// If the text was not UTF-8, a replacement character stands for bytes that are not known.
func TestBadText(t *testing.T) {
	t.Parallel()
	for _, suspect := range []bool{false, true} {
		r := &lenient.Reader{BadText: suspect}
		fields := r.Fields(map[string]any{"text": "Andr\ufffd", "Untagged": "x"}, reflect.TypeFor[everything](), "")
		assert.Equal(t, "x", fields["Untagged"])
		if suspect {
			assert.Nil(t, fields["text"])
			assert.Equal(t, "text", r.Problems[0].Path)
		} else {
			assert.Equal(t, "Andr\ufffd", fields["text"])
			assert.Empty(t, r.Problems)
		}
	}
}

func TestBool(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"true": "true true", "false": "false true", `"true"`: "true true", `"False"`: "false true", "1": "true true", "0": "false true",
		`"1"`: "true true", `"0"`: "false true", `""`: "false true", "null": "false false", "2": "false false", `"yes"`: "false false",
		"[]": "false false", "{}": "false false",
	} {
		decoder := json.NewDecoder(strings.NewReader(text))
		decoder.UseNumber()
		var v any
		require.NoError(t, decoder.Decode(&v))
		value, ok := lenient.Bool(v)
		assert.Equal(t, want, fmt.Sprint(value, " ", ok), text)
	}
}
