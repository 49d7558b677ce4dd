package provision_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/provision"
)

func jsonNumber(s string) json.Number { return json.Number(s) }

// wanted is an expected violation. Its problem contains the text.
type wanted struct {
	line, column          int
	field, value, problem string
}

func assertViolations(t *testing.T, got []provision.InputViolation, want ...wanted) {
	t.Helper()
	var texts []string
	for _, violation := range got {
		texts = append(texts, violation.String())
	}
	if !assert.Len(t, got, len(want), strings.Join(texts, "\n")) {
		return
	}
	for i, w := range want {
		found := wanted{got[i].Line, got[i].Column, got[i].Field, got[i].Value, w.problem}
		assert.Equal(t, w, found, got[i].Problem)
		assert.Contains(t, got[i].Problem, w.problem)
		assert.NotContains(t, got[i].Problem, "\n")
	}
}

const wide = "phone_number,channel,agent_uuid,name,direction,sip_gateway,sip_port,sip_username,sip_password,sip_secondary_gateway,additional_settings,secret_name\n"

func TestCSVViolations(t *testing.T) {
	t.Parallel()
	const good = "+12025550142,call," + desk
	for name, test := range map[string]struct {
		text string
		want []wanted
	}{
		// The file.
		"empty":               {"", []wanted{{1, 1, "", "", "has no rows; the first row must name the columns, such as phone_number,channel,agent_uuid"}}},
		"blank":               {"\ufeff\n,,\n \n", []wanted{{1, 1, "", "", "has no rows"}}},
		"a header alone":      {header + "\n,,\n", []wanted{{1, 1, "", "", "has no rows"}}},
		"UTF-16":              {"\xff\xfep\x00h\x00", []wanted{{1, 1, "", "", "UTF-16 text; save the file as CSV UTF-8"}}},
		"UTF-16 big end":      {"\xfe\xff\x00p\x00h", []wanted{{1, 1, "", "", "UTF-16 text"}}},
		"UTF-16 without mark": {"p\x00h\x00o\x00n\x00e\x00\n\x00+\x00", []wanted{{1, 2, "", "", "has a NUL byte; is the file UTF-16"}}},
		"a workbook":          {"PK\x03\x04\x14\x00", []wanted{{1, 1, "", "", "a workbook"}}},

		// The header.
		"no header":          {good + "\n" + good, []wanted{{1, 1, "", "", "the first row must name the columns"}}},
		"header not UTF-8":   {"phone_number,ch\xe4nnel\n", []wanted{{1, 16, "", "", "not UTF-8 text; save the file as CSV UTF-8"}}},
		"header with quotes": {"phone_number,chan\"nel\n" + good, []wanted{{1, 18, "", "", "quote in an unquoted field"}}},
		"unknown column": {
			"phone_number,channel,agnet_uuid,agent_uuid\n+12025550142,call,x," + desk,
			[]wanted{{1, 22, "", "agnet_uuid", "unknown column; did you mean agent_uuid? If not, ignore it by name"}},
		},
		"half a name": {
			"phone_number,channel,agent_uuid,gateway\n" + good,
			[]wanted{{1, 33, "", "gateway", "did you mean sip_gateway? If not, ignore it by name"}},
		},
		"a name far from all": {
			"phone_number,channel,agent_uuid,Our Reference\n" + good,
			[]wanted{{1, 33, "", "Our Reference", "known are phone_number, channel,"}},
		},
		"a column twice": {
			"phone_number,channel,agent_uuid,Phone Number\n" + good + ",1",
			[]wanted{{1, 33, "phone_number", "", "same name as column number 1"}},
		},
		"required columns missing": {
			"channel,name\ncall,a\ncall,b\n",
			[]wanted{{1, 1, "phone_number", "", "required column is missing"}, {1, 1, "agent_uuid", "", "required column is missing"}},
		},
		"rows of a bad header are looked at": {
			"phone_number,channel,agnt\n+12025550142,fax,x\n",
			[]wanted{
				{1, 1, "agent_uuid", "", "required column is missing"},
				{1, 22, "", "agnt", "did you mean agent? If not, ignore it by name"},
				{2, 14, "channel", "", `want "call" or "whatsapp"`},
			},
		},

		// Rows that cannot be split into cells.
		"too many fields": {
			header + good + ",,a,b\n" + line,
			[]wanted{{2, 57, "", "", "value without a column: the header names 3"}},
		},
		"too few fields": {
			header + "+12025550142,call\n",
			[]wanted{{2, 18, "agent_uuid", "", "empty; want a UUID"}},
		},
		"a quote in the middle": {
			header + `+1202"5550142,call,` + desk + "\n+1,fax,x",
			[]wanted{
				{2, 6, "", "", "quote in an unquoted field"},
				{3, 1, "phone_number", "+•", "too few or too many digits"},
				{3, 4, "channel", "", "want"},
				{3, 8, "agent_uuid", "", "not a UUID"},
			},
		},
		"a quote in quotes": {
			wide + good + `,"6" pipe"` + "\n" + line,
			[]wanted{{2, 58, "", "", "quote in a quoted field; double it"}},
		},
		"a quote that is not closed": {
			wide + good + `,"ä` + "\n+49,call,x\n",
			[]wanted{
				{2, 56, "", "", "unclosed quote"},
				{3, 10, "agent_uuid", "", "not a UUID"},
			},
		},
		"a quote that another line closes wrongly": {
			wide + good + `,"night` + "\n" + `+12025550143,call,` + desk + `,"day"` + "\n+1,call," + desk + "\n",
			[]wanted{
				{2, 56, "", "", "unclosed quote: the next one, in line 3, column 56, does not end a field"},
				{4, 1, "phone_number", "+•", "too few"},
			},
		},
		"a line without end": {
			header + strings.Repeat("1", 2<<20) + "\n+1,call," + desk,
			[]wanted{{2, 1, "", "", "longer than 1 MiB"}, {3, 1, "phone_number", "+•", "too few"}},
		},
		"a record without end": {
			header + good + ",\"" + strings.Repeat(strings.Repeat("1", 10_000)+"\n", 400),
			append([]wanted{{2, 56, "", "", "unclosed quote"}}, repeated(400)...),
		},
		"columns without end": {
			header + strings.Repeat(",", 20001) + "\n+1,call," + desk,
			[]wanted{{2, 1, "", "", "has more than 20000 fields"}, {3, 1, "phone_number", "+•", "too few"}},
		},

		// Cells.
		"not UTF-8": {
			wide + good + ",\"a\nü\xfcb\",inbound\n",
			[]wanted{{3, 2, "name", "", "not UTF-8"}},
		},
		"NUL in a number": {header + "+1202\x005550142,call," + desk, []wanted{{2, 6, "phone_number", "", "has a NUL byte"}}},
		"characters, not bytes": {
			"name,phone_number,channel,agent_uuid\näöü€😀,1,call," + desk,
			[]wanted{{2, 7, "phone_number", "•", "missing country code"}},
		},
		"a byte order mark is no character": {
			"\ufeffphone_number,channel,agent_uuid,nome\n" + good,
			[]wanted{{1, 33, "", "nome", "did you mean name? If not, ignore it by name"}},
		},
		"empty cells": {
			header + ",,x\n",
			[]wanted{{2, 1, "phone_number", "", "empty"}, {2, 2, "channel", "", "empty"}, {2, 3, "agent_uuid", "", "not a UUID"}},
		},
		"what the API would not take": {
			wide + good + ",a\x07b,up,sip://sip.example.com,65536,a\x01,b\x01,sip.example.com:5060,[],c\x01\n",
			[]wanted{
				{2, 56, "name", "", "control character"},
				{2, 60, "direction", "", `want "inbound"`},
				{2, 63, "sip_gateway", "sip://sip.example.com", "has a scheme"},
				{2, 85, "sip_port", "65536", "not a port"},
				{2, 91, "sip_username", "", "control character"},
				{2, 94, "sip_password", "", "control character"},
				{2, 97, "sip_secondary_gateway", "sip.example.com:5060", "has a port"},
				{2, 118, "additional_settings", "", "is an array; want a JSON object, at character 1 of the field"},
				{2, 121, "secret_name", "", "control character"},
			},
		},
		"near misses are shown": {
			wide + "+12025550142,cal,3c90c3cc-0d44-4b50-8888-8dd25736052,,inbond\n",
			[]wanted{
				{2, 14, "channel", "cal", "want"},
				{2, 18, "agent_uuid", "3c90c3cc-0d44-4b50-8888-8dd25736052", "not a UUID"},
				{2, 55, "direction", "inbond", "want"},
			},
		},
		"WhatsApp with what calls have": {
			wide + "+12025550142,whatsapp," + desk + ",,both,,5060,,,,,x\n",
			[]wanted{
				{2, 61, "direction", "", "a WhatsApp trunk has none"},
				{2, 67, "sip_port", "", "a WhatsApp trunk has no SIP credentials"},
				{2, 76, "secret_name", "", "a WhatsApp trunk has no SIP credentials"},
			},
		},
		"ports": {
			"phone_number,channel,agent_uuid,sip_port\n" + good + ",0\n" + good + ",5060.0\n" + good + ",-1\n" + good + ",123456\n" + good + ",+5060\n",
			[]wanted{
				{2, 56, "sip_port", "0", "not a port"},
				{3, 56, "sip_port", "", "not a port"},
				{4, 56, "sip_port", "", "not a port"},
				{5, 56, "sip_port", "", "not a port"},
				{6, 56, "sip_port", "", "not a port"},
			},
		},
		"settings": {
			"phone_number,channel,agent_uuid,additional_settings\n" + good + `,"{""a"":1,""a"":2}"` + "\n" + good + ",{]\n" + good + ",null\n" + good + ",{\n" + good + `,"{""a"":""\ud800""}"` + "\n",
			[]wanted{
				{2, 56, "additional_settings", "", "duplicate key, at character 8 of the field"},
				{3, 56, "additional_settings", "", "not a JSON object, at character 2 of the field"},
				{4, 56, "additional_settings", "", "is null; want a JSON object"},
				{5, 56, "additional_settings", "", "not a JSON object, at character 2 of the field"},
				{6, 56, "additional_settings", "", "half of a surrogate pair"},
			},
		},

		// Across rows.
		"the same trunk with other content": {
			"phone_number,channel,agent_uuid,name\n" + good + ",a\n" + good + ",a\n+1 (202) 555-0142,call," + desk + ",b\n",
			[]wanted{{4, 1, "phone_number", "+1202•••0142", "same trunk as in line 2, with different content"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := inputError(t, test.text, provision.ReadOptions{Format: provision.FormatCSV})
			want := test.want
			if len(want) > 1000 {
				assert.Equal(t, len(want)-1000, found.More)
				want = want[:1000]
			}
			assertViolations(t, found.Violations, want...)
		})
	}
}

// repeated returns the violations of n lines from line 3 that hold ten thousand digits and nothing
// else.
func repeated(n int) []wanted {
	var all []wanted
	for i := range n - 1 {
		all = append(
			all,
			wanted{i + 3, 1, "phone_number", "1111••••••••••••••••••••…", "too long for a number"},
			wanted{i + 3, 10_001, "channel", "", "empty"},
			wanted{i + 3, 10_001, "agent_uuid", "", "empty"},
		)
	}
	return all
}

// wantedThere is a violation at a § of the text.
type wantedThere struct{ field, value, problem string }

// marked removes the § from a text, and returns their places.
func marked(text string) (clean string, places [][2]int) {
	line, column := 1, 1
	for _, r := range text {
		switch r {
		case '§':
			places = append(places, [2]int{line, column})
			continue
		case '\n':
			line, column = line+1, 0
		}
		column++
	}
	return strings.ReplaceAll(text, "§", ""), places
}

func TestJSONViolations(t *testing.T) {
	t.Parallel()
	const good = `"phone_number":"+12025550142","channel":"call","agent_uuid":"` + desk + `"`
	for name, test := range map[string]struct {
		text string
		want []wantedThere
	}{
		"empty":                 {"§", []wantedThere{{"", "", "has no rows"}}},
		"an array":              {`§[{` + good + `}]`, []wantedThere{{"", "", "a JSON array; want one object per line"}}},
		"an indented array":     {"§[\n{" + good + "}\n]", []wantedThere{{"", "", "a JSON array; want one object per line"}}},
		"an indented object":    {"\n§ {\n" + good + "\n}", []wantedThere{{"", "", "an object that spans several lines"}}},
		"not an object":         {`{` + good + "}\n §7\n§null\n§\"a\"\n§[]\n§true\n", []wantedThere{{"", "", "a number;"}, {"", "", "null;"}, {"", "", "a string;"}, {"", "", "an array;"}, {"", "", "a boolean;"}}},
		"not JSON":              {`{"ä":§x}`, []wantedThere{{"", "", "invalid JSON from here on"}}},
		"cut off":               {`{` + good + "}\n{" + good + "§", []wantedThere{{"", "", "invalid JSON from here on"}}},
		"something behind":      {`{` + good + `} §x`, []wantedThere{{"", "", "invalid JSON from here on"}}},
		"two in a line":         {`{` + good + `}§{}`, []wantedThere{{"", "", "invalid JSON from here on"}}},
		"not UTF-8":             {`{` + good + ",\"name\":\"ü§\xfc\"}", []wantedThere{{"", "", "not UTF-8 text; save the file as UTF-8"}}},
		"a replacement is none": {`{` + good + ",§\"nome\":\"\ufffd\"}", []wantedThere{{"", "nome", "did you mean name? If not, ignore it by name"}}},
		"NUL":                   {"{§\x00}", []wantedThere{{"", "", "has a NUL byte"}}},
		"too long":              {`{` + good + "}\n§{" + strings.Repeat(" ", 2<<20) + "}\n{}§x", []wantedThere{{"", "", "longer than 1 MiB"}, {"", "", "invalid JSON"}}},
		"nothing in it":         {`{§§§}`, []wantedThere{{"phone_number", "", "empty"}, {"channel", "", "empty"}, {"agent_uuid", "", "empty"}}},
		"unknown keys": {
			`{` + good + `,"sip":{§"pasword":"x", "port":5060},§"nme":1,§"x\n":1}`,
			[]wantedThere{
				{"", "sip.pasword", "did you mean sip.password? If not, ignore it by name"},
				{"", "nme", "did you mean name? If not, ignore it by name"},
				{"", "", "unknown key; known are phone_number"},
			},
		},
		"keys twice": {
			`{` + good + `,§"channel":"call","sip":{"port":1,§"port":2},§"sip":{},§"x":1,§"x":2}`,
			[]wantedThere{
				{"channel", "", "duplicate key"},
				{"sip.port", "", "duplicate key"},
				{"sip", "", "duplicate key"},
				{"", "x", "unknown key"},
				{"", "", "duplicate key"},
			},
		},
		"wrong types": {
			`{"phone_number":§12025550142,"channel":§true,"agent_uuid":§["x"],"name":§{},"direction":§1,"sip":§[],"additional_settings":§"{}","secret_name":§1}`,
			[]wantedThere{
				{"phone_number", "", "is a number; want a string, in quotes"},
				{"channel", "", "is a boolean"},
				{"agent_uuid", "", "is an array"},
				{"name", "", "is an object"},
				{"direction", "", "is a number"},
				{"sip", "", "is an array; want an object"},
				{"additional_settings", "", "is a string; want an object"},
				{"secret_name", "", "is a number"},
			},
		},
		"ports": {
			`{` + good + `,"sip":{"port":§"5060"}}` + "\n" + `{` + good + `,"sip":{"port":§5060.0}}` + "\n" + `{` + good + `,"sip":{"port":§0}}`,
			[]wantedThere{{"sip.port", "", "is a string; want a number, without quotes"}, {"sip.port", "", "not a port"}, {"sip.port", "0", "not a port"}},
		},
		"null": {
			`{"phone_number":§null,"channel":"call","agent_uuid":"` + desk + `","sip":§null,"x":§null}`,
			[]wantedThere{{"phone_number", "", "null; omit the key instead"}, {"sip", "", "null; omit the key instead"}, {"", "", "null; omit the key instead"}},
		},
		"what the API would not take": {
			`{"phone_number":§"00491234","channel":§"Call","agent_uuid":"` + desk + `","sip":{"gateway":§"sip.example.com:5060"},"additional_settings":{"é":{"a":1,§"a":2}}}`,
			[]wantedThere{
				{"phone_number", "00••••34", "starts with 00"},
				{"channel", "Call", "want"},
				{"sip.gateway", "sip.example.com:5060", "has a port"},
				{"additional_settings", "", "duplicate key"},
			},
		},
		"half a character": {
			`{` + good + `,"name":§"\ud83d\ude00 \\ud800 \uD83D","additional_settings":{"a":"§\ude00"}}`,
			[]wantedThere{{"name", "", "half of a surrogate pair"}, {"additional_settings", "", "half of a surrogate pair"}},
		},
		"the same trunk with other content": {
			`{` + good + "}\n{" + good + "}\n{" + strings.Replace(good, `"+`, `§"+`, 1) + `,"name":"b"}`,
			[]wantedThere{{"phone_number", "+1202•••0142", "same trunk as in line 1, with different content"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, places := marked(test.text)
			require.Len(t, places, len(test.want))
			var want []wanted
			for i, w := range test.want {
				want = append(want, wanted{places[i][0], places[i][1], w.field, w.value, w.problem})
			}
			found := inputError(t, text, provision.ReadOptions{Format: provision.FormatJSON})
			assertViolations(t, found.Violations, want...)
		})
	}
}

func TestInputErrorText(t *testing.T) {
	t.Parallel()
	found := inputError(t, header+"1,call,"+desk, provision.ReadOptions{})
	assert.EqualError(t, found, `provision: input has 1 error: line 2, column 1: phone_number "•": missing country code; use +49… or that of the number's country`)

	found = inputError(t, header+strings.Repeat("+1,call,"+desk+"\n", 1234), provision.ReadOptions{})
	assert.Len(t, found.Violations, 1000)
	assert.Equal(t, 234, found.More)
	text := found.Error()
	assert.True(t, strings.HasPrefix(text, "provision: input has 1234 errors: line 2, column 1: "), text)
	assert.True(t, strings.HasSuffix(text, "; and 1224 more"), text)
	assert.Equal(t, 10, strings.Count(text, "phone_number"))
}

// A secret in the wrong column is not shown.
func TestNoSecretIsShown(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{"hunter2!", "hunter", "deadbeef1234", "4711081", "47110815", "user:hunter", "sip:user:hunter2", "p/hunter2", `{"a":"hunter2"`} {
		for column := range 12 {
			cells := make([]string, 12)
			cells[column] = `"` + strings.ReplaceAll(secret, `"`, `""`) + `"`
			row := strings.Join(cells, ",")
			for _, text := range []string{
				wide + row + "\n", // under any column
				row + "\n" + row,  // in place of the header
				wide + strings.ReplaceAll(row, `"`, `"""`) + "\n",
				"{\"phone_number\":" + fmt.Sprintf("%q", secret) + ",\"agent_uuid\":" + fmt.Sprintf("%q", secret) + ",\"sip\":" + fmt.Sprintf("%q", secret) + "}",
				"{\"additional_settings\":{" + secret,
			} {
				source, err := spool(t, text, provision.ReadOptions{})
				require.ErrorIs(t, err, mihu.ErrInvalid, "%v", source)
				for _, shown := range []string{err.Error(), fmt.Sprintf("%+v %#v", err, err)} {
					assert.NotContains(t, shown, secret)
					assert.NotContains(t, shown, "hunter")
				}
			}
		}
	}
}

// A row that names credentials that do not exist is a violation, before anything is sent.
func TestHasSecret(t *testing.T) {
	t.Parallel()
	const good = "+12025550142,call," + desk
	asked := map[string]int{}
	options := provision.ReadOptions{HasSecret: func(name string) bool {
		asked[name]++
		return name == "berlin" || name == "fallback"
	}}
	const columns = "phone_number,channel,agent_uuid,secret_name\n"
	text := columns + good + ",berlin\n+12025550143,call," + desk + ",münchen\n+12025550144,whatsapp," + desk + ",\n" +
		"+12025550145,fax," + desk + ",hunter2\n+12025550146,call," + desk + "," + strings.Repeat("long", 50) + "\n+12025550147,call," + desk + ",a\x01\n"
	const problem = "there are no credentials with this name"
	assertViolations(t, inputError(t, text, options).Violations,
		wanted{3, 56, "secret_name", "münchen", problem},
		wanted{5, 14, "channel", "", "want"},
		wanted{5, 55, "secret_name", "", problem},
		wanted{6, 56, "secret_name", strings.Repeat("long", 16) + "…", problem},
		wanted{7, 56, "secret_name", "", "control character"},
	)
	assert.Len(t, asked, 4)

	object := `{"phone_number":"+12025550142","channel":"call","agent_uuid":"` + desk + `","secret_name":§"+49 30 1234567"}`
	object, places := marked(object)
	assertViolations(t, inputError(t, object, options).Violations, wanted{places[0][0], places[0][1], "secret_name", "+4930•••4567", problem})

	moved := "phone_number,channel,agentuuid,secret_name\n" + good + ",hunter2\n"
	assert.NotContains(t, inputError(t, moved, options).Error(), "hunter2", "it may be of another column")

	options.Defaults.SecretName = "fallback"
	clear(asked)
	source, err := spool(t, columns+good+",\n+12025550143,call,"+desk+",berlin\n", options)
	require.NoError(t, err)
	items := all(t, source)
	assert.Equal(t, []string{"fallback", "berlin"}, []string{items[0].SecretName, items[1].SecretName})
	assert.Equal(t, map[string]int{"fallback": 1, "berlin": 1}, asked, "once, and not as items are read again")

	options.Defaults.SecretName = "12025550142"
	_, err = spool(t, header+line, options)
	require.ErrorIs(t, err, mihu.ErrInvalid)
	assert.EqualError(t, err, `provision: invalid defaults: mihu: provision.read: not sent: secret name "1202•••0142": `+problem)

	options.HasSecret = nil
	_, err = spool(t, columns+good+",münchen\n", options)
	assert.NoError(t, err, "nothing is looked up")
}
