package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestImportAdvice: errors and advice use the terms of the command line.
func TestImportAdvice(t *testing.T) {
	t.Parallel()
	const header = "phone_number,channel,agent_uuid,secret_name\n"
	for name, test := range map[string]struct {
		file, content string
		code          int
		want          string
	}{
		"a workbook": {"book", "PK\x03\x04", exitInput, "DIR/book:1:1: the workbook is damaged"},
		"an error in a column": {
			"rows", header + number(1) + ",calls," + agent1 + ",\n", exitInput, "DIR/rows:2:14: channel \"calls\": want",
		},
		"a directory": {".", "", exitUsage, "is a directory; want a file"},
		"a device":    {"/dev/null", "", exitUsage, "trunkctl import - --journal FILE < /dev/null"},
		"a secret name without --secrets": {
			"rows", header + number(1) + ",call," + agent1 + ",carrier\n", exitInput,
			"pass the file of SIP credentials with --secrets",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, anyAgent())
			path := test.file
			if path != os.DevNull {
				path = "DIR/" + path
			}
			if test.content != "" {
				f.file(test.file, test.content)
			}
			got := f.run("import", path, "--yes")
			require.Equal(t, test.code, got.code, got.stderr)
			require.Contains(t, f.anywhere(got.stderr), test.want)
			require.NotContains(t, got.stderr, "Options.")
			require.NotContains(t, got.stderr, "Spool")
			require.Empty(t, f.Trunks())
		})
	}
}

// TestSecretsViolations: rows whose credentials are missing, and credentials that the API would
// refuse, are reported before anything is sent, also by a dry run.
func TestSecretsViolations(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		rows, secrets string
		want          []string
	}{
		"CSV": {
			"phone_number,channel,agent_uuid,secret_name\n" + number(1) + ",call," + agent1 + ",carrier\n" + number(2) + ",call," + agent2 + ",career\n",
			`{"carrier": {"password": "` + secretPassword + `"}}`,
			[]string{`DIR/rows:3:56: secret_name "career": there are no credentials with this name`, "1 error in DIR/rows; nothing was sent"},
		},
		"JSON lines": {
			`{"phone_number":"` + number(1) + `","channel":"call","agent_uuid":"` + agent1 + `","secret_name":"career"}`,
			`{"carrier": {"password": "` + secretPassword + `"}}`,
			[]string{`DIR/rows:1:115: secret_name "career": there are no credentials with this name`},
		},
		"an empty file of secrets": {
			`{"phone_number":"` + number(1) + `","channel":"call","agent_uuid":"` + agent1 + `","secret_name":"career"}`,
			"{}",
			[]string{`secret_name "career": there are no credentials with this name`},
		},
		"a misspelled key": {
			"phone_number,channel,agent_uuid,secret_name\n" + number(1) + ",call," + agent1 + ",carrier\n",
			`{"carrier": {"pasword": "` + secretPassword + `"}}`,
			[]string{`DIR/secrets:1:14: "pasword": unknown key; did you mean password?`, "DIR/secrets:1:43: password: empty"},
		},
		"a name twice": {
			"phone_number,channel,agent_uuid,secret_name\n" + number(1) + ",call," + agent1 + ",carrier\n",
			`{"other": null, "carrier": {"password": "` + secretPassword + `"}, "carrier": {"password": "another"}}`,
			[]string{`DIR/secrets:1:11: "other": is null`, `DIR/secrets:1:62: "carrier": duplicate key`},
		},
		"a field twice": {
			"phone_number,channel,agent_uuid,secret_name\n" + number(1) + ",call," + agent1 + ",carrier\n",
			`{"other": {"password": "` + secretPassword + `"}, "carrier": {"password": "` + secretPassword + `", "port": 5060, "Password": "another"}}`,
			[]string{`DIR/secrets:1:103: "Password": unknown key; did you mean password?`},
		},
		"more than an object": {
			"phone_number,channel,agent_uuid,secret_name\n" + number(1) + ",call," + agent1 + ",carrier\n",
			`{"carrier": {"password": "` + secretPassword + `"}}}`,
			[]string{"DIR/secrets:1:46: invalid JSON from here on", "1 error in DIR/secrets; nothing was sent"},
		},
		"credentials that cannot be used": {
			"phone_number,channel,agent_uuid,secret_name\n" + number(1) + ",call," + agent1 + ",carrier\n",
			`{"carrier": {"gateway": "sip:sip.example.com", "port": 70000, "password": "` + secretPassword + `\n"}, "` + number(1) + `": {"port": -1}}`,
			[]string{
				`DIR/secrets:1:25: gateway: has a scheme`, `DIR/secrets:1:56: port "70000": not a port`,
				`DIR/secrets:1:75: password: has a control character`, `DIR/secrets:1:123: port: not a port`, `DIR/secrets:1:125: password: empty`,
				"5 errors in DIR/secrets; nothing was sent",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, anyAgent())
			f.file("rows", test.rows)
			f.file("secrets", test.secrets)
			for _, how := range []string{"--yes", "--dry-run"} {
				got := f.run("import", "DIR/rows", "--secrets", "DIR/secrets", how)
				require.Equal(t, exitInput, got.code, got.stderr)
				for _, text := range test.want {
					require.Contains(t, f.anywhere(got.stderr), text)
				}
				require.Zero(t, f.RequestCount(), "nothing is sent")
				require.NoFileExists(t, filepath.Join(f.dir, "rows.journal"))
			}
		})
	}
}

// TestJournalCannotBeWritten: the advice is where else the journal can be.
func TestJournalCannotBeWritten(t *testing.T) {
	t.Parallel()
	f := newFake(t, anyAgent())
	f.file("rows", "phone_number,channel,agent_uuid\n"+number(1)+",call,"+agent1+"\n")
	got := f.run("import", "DIR/rows", "--yes", "--journal", "DIR/missing/journal")
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.stderr, "name a writable file with --journal")
	require.Zero(t, f.RequestCount())
}
