package main

import (
	"strings"
	"testing"

	"github.com/mihu-go/mihu"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestSecretsThatWouldBeLost: whatever would reach the API changed, or not at all, is reported
// before anything is sent.
func TestSecretsThatWouldBeLost(t *testing.T) {
	t.Parallel()
	for secrets, want := range map[string][]string{
		`{"carrier": null}`: {`DIR/secrets:1:13: "carrier": is null; want an object`, "1 error in DIR/secrets; nothing was sent"},
		`{"carrier": {}}`:   {`DIR/secrets:1:14: password: empty; want username and password`},
		`{"carrier": {"username": "u", "password": null, "gateway": "", "port": 0}}`: {
			`DIR/secrets:1:43: password: null; omit the key instead`, `DIR/secrets:1:72: port "0": not a port`, "2 errors in",
		},
		"{\"carrier\": {\"password\": \"planted-\xe9\"}}":                     {"DIR/secrets:1:", "not UTF-8 text"},
		"{\"carri\xe9r\": {\"password\": \"planted-password\"}}":              {"DIR/secrets:1:", "not UTF-8 text"},
		`{"carrier": {"password": "planted-password\ud800"}}`:                 {"DIR/secrets:1:", "has half of a surrogate pair"},
		`{"carrier": {"password": "planted-password\udc00\ud800"}}`:           {"DIR/secrets:1:", "has half of a surrogate pair"},
		`{"carrier": {"password": "planted-password\ud800\u0041"}}`:           {"DIR/secrets:1:", "has half of a surrogate pair"},
		`{"carrier": {"password": "planted-password", "pa\u017fsword": "x"}}`: {`DIR/secrets:1:46: unknown key`},
	} {
		f := newFake(t, anyAgent())
		f.file("rows", "phone_number,channel,agent_uuid,secret_name\n"+number(1)+",call,"+agent1+",carrier\n")
		f.file("secrets", secrets)
		for _, how := range []string{"--yes", "--dry-run"} {
			got := f.run("import", "DIR/rows", "--secrets", "DIR/secrets", how)
			require.Equal(t, exitInput, got.code, "%s\n%s", secrets, got.stderr)
			for _, text := range want {
				require.Contains(t, f.anywhere(got.stderr), text)
			}
			require.Zero(t, f.RequestCount(), "nothing is sent")
		}
	}
}

// TestSettingsThatWouldBeLost is the same for --settings.
func TestSettingsThatWouldBeLost(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.trunk(1)
	for settings, want := range map[string]string{
		"{\"a\": \"\xe9\"}":         "not UTF-8 text",
		`{"a": "\udfff"}`:           "has half of a surrogate pair",
		`{"a": 1, "a": 2}`:          "line 1, column 10: duplicate key",
		`{"a": [{"b": 1, "b": 2}]}`: "line 1, column 17: duplicate key",
	} {
		f.file("settings", settings)
		for flag, value := range map[string]string{"--settings": settings, "--settings-file": "DIR/settings"} {
			got := f.run("update", number(1), flag, value)
			require.Equal(t, exitUsage, got.code, "%s %s", flag, settings)
			require.Contains(t, got.stderr, flag+": line 1, column ")
			require.Contains(t, got.stderr, want)
		}
	}
	require.Zero(t, f.RequestCount())
	for _, settings := range []string{`{"a": "\ud83d\ude00 \\ud800 \\"}`, `{"a": {"b": 1}, "b": {"B": 1, "b": [{"b": 1}, {"b": 2}]}}`} {
		require.Equal(t, exitDone, f.run("update", number(1), "--settings", settings).code, settings)
	}
}

// TestByteOrderMark: the byte order mark of an editor is not part of a secret.
func TestByteOrderMark(t *testing.T) {
	t.Parallel()
	f := newFake(t, anyAgent())
	f.trunk(1)
	f.file("token", "\uFEFF"+secretToken+"\r\n")
	f.file("password", "\uFEFF"+secretPassword+"\n")
	f.file("settings", "\uFEFF{}")
	f.file("secrets", "\uFEFF"+`{"carrier": {"password": "`+secretPassword+`"}}`)
	f.file("rows", "phone_number,channel,agent_uuid,secret_name\n"+number(2)+",call,"+agent2+",carrier\n")
	got := f.run("update", number(1), "--token-file", "DIR/token", "--sip-password-file", "DIR/password", "--settings-file", "DIR/settings")
	require.Equal(t, exitDone, got.code, got.stderr)
	got = f.run("import", "DIR/rows", "--secrets", "DIR/secrets", "--yes")
	require.Equal(t, exitDone, got.code, got.stderr)
	for n := 1; n <= 2; n++ {
		trunk, _ := f.Trunk(mihu.TrunkID{PhoneNumber: number(n), Channel: mihu.ChannelCall})
		require.Equal(t, secretPassword, trunk.SIP.Password)
	}
}

// TestSecretsAreUTF8: a secret that is not UTF-8 is refused, since JSON would change it.
func TestSecretsAreUTF8(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.trunk(1)
	f.file("latin-1", "geh\xe9im")
	f.file("utf-16", "\xff\xfes\x00e\x00")
	for _, args := range []string{
		"--sip-password-file DIR/latin-1", "--sip-username-file DIR/utf-16", "--name x --token-file DIR/utf-16", "--sip-password-env LATIN1",
	} {
		got := f.run(append([]string{"update", number(1)}, strings.Fields(args)...)...)
		if strings.Contains(args, "LATIN1") {
			got = invocation{args: append([]string{"update", number(1)}, strings.Fields(args)...), env: f.env("LATIN1=geh\xe9im")}.run(t)
		}
		assert.Equal(t, exitUsage, got.code, args)
		assert.Contains(t, got.stderr, "not UTF-8 text", args)
	}
	require.Zero(t, f.RequestCount())
}

// TestSecretAsFileName: a token or a credential in place of the file that holds it is not shown.
func TestSecretAsFileName(t *testing.T) {
	t.Parallel()
	f := newFake(t, anyAgent())
	create := []string{"create", number(1), "--agent", agent1}
	for _, args := range [][]string{
		{"list", "--token-file", secretToken},
		{"login", "--token-file", secretToken},
		append(create, "--sip-username-file", secretUsername),
		append(create, "--sip-password-file", secretPassword),
	} {
		got := f.run(args...) // fails the test if it prints the secret
		require.Equal(t, exitUsage, got.code, got.stderr)
		require.Contains(t, got.stderr, "no such file")
	}
	require.Zero(t, f.RequestCount())
}
