package provision_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/provision"
)

func TestReadSecrets(t *testing.T) {
	t.Parallel()
	const text = "\ufeff\r\n {\"berlin\": {\"username\": \"u\", \"password\": \"p\\u0020\", \"gateway\": \"sip.example.com\", \"port\": 5060},\r\n\"münchen\":{\"password\":\"12025550110\",\"username\":\"'=x\",\"secondary_gateway\":\"10.0.0.1\"}}\n"
	secrets, err := provision.ReadSecrets(strings.NewReader(text), "")
	require.NoError(t, err)
	assert.Equal(t, []string{"berlin", "münchen"}, slices.Collect(secrets.Names()))
	for name, want := range map[string]mihu.SIPCredentials{
		"berlin":  {Username: "u", Password: "p ", Gateway: "sip.example.com", Port: 5060},
		"münchen": {Username: "'=x", Password: "12025550110", SecondaryGateway: "10.0.0.1"},
	} {
		assert.True(t, secrets.Has(name))
		found, err := secrets.Lookup(t.Context(), name)
		require.NoError(t, err)
		assert.Equal(t, want, found)
	}
	assert.False(t, secrets.Has("hamburg"))
	_, err = secrets.Lookup(t.Context(), "hamburg")
	require.ErrorContains(t, err, "there are no credentials with this name")
	assert.Equal(t, "NamedSecrets{2}", fmt.Sprintf("%+v", secrets))
	assert.Equal(t, "NamedSecrets{2}", secrets.LogValue().String())
	assert.False(t, new(provision.NamedSecrets).Has(""))
	empty, err := provision.ReadSecrets(strings.NewReader("{}"), "")
	require.NoError(t, err)
	assert.Empty(t, slices.Collect(empty.Names()))
}

// Every § is the place of a violation.
func TestReadSecretsViolations(t *testing.T) {
	t.Parallel()
	const good = `"username":"u","password":"hunter2"`
	for name, test := range map[string]struct {
		text string
		want []wantedThere
	}{
		"nothing":           {"§", []wantedThere{{"", "", "empty; want a JSON object"}}},
		"blank":             {"\n \n§", []wantedThere{{"", "", "empty; want a JSON object"}}},
		"null":              {"§null", []wantedThere{{"", "", "is null; want a JSON object"}}},
		"an array":          {" §[]", []wantedThere{{"", "", "is an array; want a JSON object"}}},
		"a secret is null":  {`{"a":§null}`, []wantedThere{{"", "a", "is null; want an object"}}},
		"a secret is text":  {`{"a":§"hunter2"}`, []wantedThere{{"", "a", "is a string; want an object"}}},
		"nothing in it":     {`{"a":{§}}`, []wantedThere{{"password", "", "empty; want username and password"}}},
		"a part is null":    {"{\n\"a\":{\"username\":\"u\",\n\"password\":§null}}", []wantedThere{{"password", "", "null; omit the key instead"}}},
		"a part is missing": {`{"a":{"username":"u"§}}`, []wantedThere{{"password", "", "empty; want username and password"}}},
		"a part is empty":   {`{"a":{"username":"","password":§" "}}`, []wantedThere{{"password", "", "empty"}}},
		"wrong types": {
			`{"a":{"username":§1,"password":§["hunter2"],"port":§"5060","gateway":§{}},` + "\n" + `"b":§true}`,
			[]wantedThere{
				{"username", "", "is a number; want a string, in quotes"},
				{"password", "", "is an array; want a string"},
				{"port", "", "is a string; want a number, without quotes"},
				{"gateway", "", "is an object; want a string"},
				{"", "b", "is a boolean; want an object"},
			},
		},
		"ports":              {`{"a":{` + good + `,"port":§0},"b":{` + good + `,"port":§5060.0},"c":{` + good + `,"port":§65536}}`, []wantedThere{{"port", "0", "not a port"}, {"port", "", "not a port"}, {"port", "65536", "not a port"}}},
		"a gateway":          {`{"a":{` + good + `,"gateway":§"sip://sip.example.com"}}`, []wantedThere{{"gateway", "sip://sip.example.com", "has a scheme"}}},
		"Latin-1":            {"{\"a\":{\"username\":\"u\",\n\"password\":\"hunter§\xfc\"}}", []wantedThere{{"", "", "not UTF-8 text; save the file as UTF-8"}}},
		"UTF-16":             {"§\xff\xfe{\x00}\x00", []wantedThere{{"", "", "UTF-16 text"}}},
		"NUL":                {"{§\x00}", []wantedThere{{"", "", "has a NUL byte"}}},
		"half a character":   {`{"a":{"username":"u","password":"§\ud800hunter2"}}`, []wantedThere{{"", "", "half of a surrogate pair"}}},
		"the same, in names": {`{"§\udc00":{` + good + `}}`, []wantedThere{{"", "", "half of a surrogate pair"}}},
		"a name twice":       {`{"a":{` + good + `},§"a":{` + good + `}}`, []wantedThere{{"", "a", "duplicate key"}}},
		"twice by an escape": {`{"a":{` + good + `},§"\u0061":{` + good + `}}`, []wantedThere{{"", "a", "duplicate key"}}},
		"a part twice":       {`{"a":{` + good + `,§"password":"hunter3"}}`, []wantedThere{{"password", "", "duplicate key"}}},
		"an unknown part":    {`{"a":{"username":"u",§"pasword":"hunter2"§}}`, []wantedThere{{"", "pasword", "did you mean password?"}, {"password", "", "empty"}}},
		"capitals":           {`{"a":{"username":"u",§"Password":"hunter2"§}}`, []wantedThere{{"", "Password", "did you mean password?"}, {"password", "", "empty"}}},
		"something behind":   {`{"a":{` + good + `}} §x`, []wantedThere{{"", "", "invalid JSON from here on"}}},
		"another object":     {`{"a":{` + good + "}}\n§{}", []wantedThere{{"", "", "invalid JSON from here on"}}},
		"cut off":            {`{"a":{` + good + `}§`, []wantedThere{{"", "", "invalid JSON from here on"}}},
		"a comma too many":   {`{"a":{` + good + `,§}}`, []wantedThere{{"", "", "invalid JSON from here on"}}},
		"control characters": {`{"a":{"username":§"u\u0007","password":§"a\nb"},§"x\u0001":{` + good + `}}`, []wantedThere{{"username", "", "control character"}, {"password", "", "control character"}, {"", `x\x01`, "name has a control character"}}},
		"a raw one":          {"{\"a\":{\"username\":\"u§\x07\"}}", []wantedThere{{"", "", "invalid JSON from here on"}}},
		"names":              {`{§"":{` + good + `},§" a":{` + good + `},§"a\u200bb":{` + good + `}}`, []wantedThere{{"", "", "empty name"}, {"", " a", "name begins with a space"}, {"", `a\u200bb`, "name has U+200B"}}},
		"blanks and damage":  {`{"a":{"username":§" u","password":§"hunter2\u00a0` + "\u00a0" + `"},"b":{"username":§"1.20256E+10","password":§"12025550110.0"}}`, []wantedThere{{"username", "", "begins with a space"}, {"password", "", "ends with U+00A0"}, {"username", "", "in scientific notation"}, {"password", "", "a decimal number"}}},
		"a number as a name": {`{"+12025550142":§1}`, []wantedThere{{"", "", "is a number; want an object"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, places := marked(test.text)
			require.Len(t, places, len(test.want))
			_, err := provision.ReadSecrets(strings.NewReader(text), "secrets.json")
			require.ErrorIs(t, err, mihu.ErrInvalid)
			found, ok := errors.AsType[*provision.InputError](err)
			require.True(t, ok)
			var want []wanted
			for i, w := range test.want {
				want = append(want, wanted{places[i][0], places[i][1], w.field, w.value, w.problem})
			}
			assertViolations(t, found.Violations, want...)
			assert.NotContains(t, err.Error(), "hunter")
			assert.NotContains(t, err.Error(), "2025550142")
			assert.ErrorContains(t, err, "provision: secrets.json has ")
		})
	}
	_, err := provision.ReadSecrets(nil, "")
	require.ErrorIs(t, err, mihu.ErrInvalid)
	_, err = provision.ReadSecrets(brokenReader{}, "")
	require.ErrorIs(t, err, errBroken)
}

// What is wrong with a file of credentials is found before anything is sent, and what is right is
// sent as it is.
func TestSecretsOfAFile(t *testing.T) {
	t.Parallel()
	secrets, err := provision.ReadSecrets(strings.NewReader("\ufeff{\"berlin\":{\"username\":\"u\",\"password\":\"'=p\"}}"), "")
	require.NoError(t, err)
	const columns = "phone_number,channel,agent_uuid,secret_name\n"
	source, err := spool(t, columns+"+12025550142,call,"+desk+",berlin\n", provision.ReadOptions{HasSecret: secrets.Has})
	require.NoError(t, err)
	srv := newServer(t)
	results, err := collect(t, source.Run(t.Context(), srv.Client(t), provision.Options{Secrets: secrets.Lookup}))
	require.NoError(t, err)
	require.NoError(t, results[0].Err)
	assert.Equal(t, mihu.SIPCredentials{Username: "u", Password: "'=p"}, srv.Trunks()[0].SIP)
	_, err = spool(t, columns+"+12025550142,call,"+desk+",hamburg\n", provision.ReadOptions{HasSecret: secrets.Has})
	require.ErrorContains(t, err, "there are no credentials with this name")
}

func TestReadSettings(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]map[string]any{
		"\ufeff{\"a\":12345678901234567890}\r\n": {"a": jsonNumber("12345678901234567890")},
		"\n {}":                                  {},
		`{"a":[null,{"b":"\ud83d\ude00\n"}]}`:    {"a": []any{nil, map[string]any{"b": "😀\n"}}},
	} {
		settings, err := provision.ReadSettings(strings.NewReader(text), "")
		require.NoError(t, err)
		assert.Equal(t, want, settings)
	}
	for text, problem := range map[string]string{
		"": "line 1, column 1: empty; want a JSON object", " \n": "line 2, column 1: empty", "null": "line 1, column 1: is null; want a JSON object",
		"[]": "is an array", "7": "is a number", `"{}"`: "is a string", "{\n\"a\":1,\n\"a\":2}": "line 3, column 1: duplicate key",
		"{\"ä\":{\"b\":1,\"b\":1}}": "line 1, column 13: duplicate key", `{"a":"\ud800"}`: "line 1, column 7: has half of a surrogate pair",
		"{\"a\":\"\xe9\"}": "line 1, column 7: not UTF-8 text", "{} {}": "line 1, column 4: not a JSON object", "{\"a\":\"\x01\"}": "line 1, column 7: not a JSON object",
		"\xfe\xff\x00{": "UTF-16 text", "{\n\"a\":": "line 2, column 5: not a JSON object", "{\"a\":1}\x00": "line 1, column 8: has a NUL byte",
	} {
		_, err := provision.ReadSettings(strings.NewReader(text), "")
		require.ErrorIs(t, err, mihu.ErrInvalid, "%q", text)
		assert.ErrorContains(t, err, problem, "%q", text)
		assert.ErrorContains(t, err, "provision: settings has 1 error")
	}
	_, err := provision.ReadSettings(brokenReader{}, "")
	assert.ErrorIs(t, err, errBroken)
}

func TestReadSecret(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"7|t0ken": "7|t0ken", "7|t0ken\n": "7|t0ken", "\ufeff7|t0ken\r\n": "7|t0ken", "pass word\r": "pass word", "pä\n": "pä",
	} {
		secret, err := provision.ReadSecret(strings.NewReader(text), "")
		require.NoError(t, err, "%q", text)
		assert.Equal(t, want, secret)
	}
	for text, problem := range map[string]string{
		"": "line 1, column 1: empty", "\n": "empty", " \n": "empty", "\ufeff\n": "empty", " hunter2\n": "begins with a space; remove it",
		"hunter2 ": "ends with a space", "hunter2\n\n": "line 1, column 8: has more than one line", "hunter2\nhunter3\n": "has more than one line",
		"hunter\u200b2": "has U+200B (zero width space)", "hunter2\u00a0": "ends with U+00A0", "\ufeff\ufeffhunter2": "begins with U+FEFF",
		"hunter\xe9": "line 1, column 7: not UTF-8", "\xff\xfeh\x00": "UTF-16 text", "hunter\x002": "has a NUL byte", "hunter\x072": "line 1, column 7: has a control character",
	} {
		_, err := provision.ReadSecret(strings.NewReader(text), "token")
		require.ErrorIs(t, err, mihu.ErrInvalid, "%q", text)
		assert.ErrorContains(t, err, problem, "%q", text)
		assert.NotContains(t, err.Error(), "hunter")
	}
	_, err := provision.ReadSecret(strings.NewReader(strings.Repeat("x", 64<<20+1)), "")
	assert.ErrorContains(t, err, "larger than 64 MiB")
	_, err = provision.ReadSecret(nil, "")
	assert.ErrorIs(t, err, mihu.ErrInvalid)
}

// Whatever is read, the credentials can be sent, or the violations can be printed.
func FuzzReadSecrets(f *testing.F) {
	for _, text := range []string{
		"", "\ufeff{}", `{"a":{"username":"u","password":"p","port":1}}`, `{"a":null,"b":{},"a":{"username":" "}}`, "{\"a\":\n{\"x\":{\"y\":1},\"password\":\"\\u0020\"}}",
		`{"\ud800":{}}`, "[", "{\"a\":{\"username\":\"\xff\"}}", "null", `{"a":{"username":1,"port":"x","gateway":"sip://x"}}`, "\r\r\n{\"a\":\r{}}",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		secrets, err := provision.ReadSecrets(strings.NewReader(text), "")
		if err != nil {
			found, ok := errors.AsType[*provision.InputError](err)
			if !ok || len(found.Violations) == 0 {
				t.Fatal(err)
			}
			for _, v := range found.Violations {
				if v.Line < 1 || v.Column < 1 || v.Line > 1+strings.Count(text, "\n")+strings.Count(text, "\r") {
					t.Fatal(v)
				}
			}
			return
		}
		for name := range secrets.Names() {
			sip, err := secrets.Lookup(t.Context(), name)
			if err != nil || sip.Password == "" {
				t.Fatalf("%q: %v", name, err)
			}
			request := mihu.TrunkCreateRequest{TrunkID: trunk(1), AgentUUID: agent(1), SIP: &sip}
			if err := request.Validate(); err != nil {
				t.Fatal(err)
			}
		}
	})
}
