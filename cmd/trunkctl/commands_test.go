package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/mihu-go/mihu/mihutest"
	"github.com/stretchr/testify/require"
)

const (
	agent1 = "a0000000-0000-4000-8000-000000000001"
	agent2 = "a0000000-0000-4000-8000-000000000002"
	agent3 = "a0000000-0000-4000-8000-000000000003"
	agent9 = "a0000000-0000-4000-8000-000000000009" // does not exist
)

// TestCommands compares the output and the exit code of every command with golden files. The
// workspace has trunks 1 and 2 with agents of the same numbers, and agent 3 without a trunk.
func TestCommands(t *testing.T) {
	t.Parallel()
	for name, lines := range map[string][]string{
		"create": {
			"create +12025550123 --agent " + agent3 + " --name Desk --gateway sip.example.com --port 5061 --sip-username-env SIP_USER --sip-password-file DIR/password",
			"create +12025550123 --agent " + agent3,
			"create +12025550124 --agent " + agent3 + " -o json",
			"create +12025550124 --agent " + agent9 + " --channel whatsapp",
			"create +12025550124 --agent " + agent3 + " --channel whatsapp --settings-file DIR/settings.json -o yaml",
			"create 2025550124 --agent not-one --port 70000",
			"create +12025550124",
			"create +12025550124 --agent " + agent3 + " --settings [1]",
			"create +12025550124 --agent " + agent3 + " --sip-password-env NOT_SET",
			"create +12025550124 --agent " + agent3 + " --sip-prompt",
			"create +12025550124 --agent " + agent3 + " --sip-password-file -  --settings-file -",
			"create +12025550124 --token=abc --agent " + agent3,
			"create +12025550124 -pplanted-password",
		},
		"create_plan": {
			"create +12025550123 --agent " + agent3 + " --gateway sip.example.com --sip-password-file DIR/password --dry-run",
			"create +12025550001 --agent " + agent3 + " --dry-run",
			"create +12025550001 --agent " + agent3 + " --dry-run -o json",
		},
		"update": {
			"update +12025550001 --name= --clear-port --gateway= --clear-sip-username --settings {}",
			"update +12025550001 --direction inbound --sip-password-env SIP_PASSWORD -o csv",
			"update +12025550001 --name Desk --dry-run",
			"update +12025550123 --name Desk --dry-run",
			"update +12025550123 --name Desk",
			"update +12025550001",
			"update +12025550001 --direction=",
			"update +12025550001 --port 0",
			"update +12025550001 --port 5061 --clear-port",
		},
		"assign": {
			"assign +12025550001 --agent " + agent3 + " --dry-run",
			"assign +12025550001 --agent " + agent3,
			"assign +12025550001 --agent " + agent3 + " --dry-run",
			"assign +12025550001 --agent " + agent2,
			"assign +12025550123 --agent " + agent2,
			"assign +12025550123 --agent " + agent2 + " --dry-run",
			"assign +12025550001 --agent reception",
		},
		"delete": {
			"delete +12025550001",
			"delete +12025550001 +12025550123 --dry-run",
			"delete +12025550001 --yes",
			"delete +12025550001 --yes",
			"delete +12025550002 +12025550123 --yes -o json",
			"delete 12025550002",
		},
		"ensure": {
			"ensure +12025550123 --agent " + agent3 + " --dry-run",
			"ensure +12025550123 --agent " + agent3,
			"ensure +12025550123 --agent " + agent3,
			"ensure +12025550001 --agent " + agent1 + " --name Desk --dry-run",
			"ensure +12025550001 --agent " + agent1 + " --name Desk -o json",
			"ensure +12025550001 --agent " + agent2 + " --dry-run",
			"ensure +12025550001 --agent " + agent2,
		},
		"list": {
			"list", "list -o json", "list -o csv", "list -o yaml", "list --channel whatsapp", "list --channel whatsapp -o json",
			"list --channel whatsapp -o yaml", "list --channel whatsapp -o csv", "list --channel whatsapp --agent " + agent2, "list --agent " + strings.ToUpper(agent2), "list --channel sms",
			"list everything", "list --color always",
		},
		"channels": {
			"channels +12025550001", "channels b0000000-0000-4000-8000-000000000002", "channels +12025550001 -o json",
			"channels +12025550001 -o csv", "channels +12025550001 -o yaml", "channels +12025550123", "channels 0123",
		},
		"export": {
			"export", "export --format jsonl", "export --channel whatsapp --quiet", "export --file DIR/trunks.csv",
			"export --file DIR/trunks.csv", "export --file DIR/trunks.csv --force", "export --format xml", "export -o json",
			"import DIR/trunks.csv --dry-run",
		},
		"import": {
			"import DIR/numbers.csv --dry-run --workers 1",
			"import DIR/numbers.csv --dry-run -o csv",
			"import DIR/numbers.csv",
			"import DIR/numbers.csv --yes --workers 1",
			"import DIR/numbers.csv --yes --workers 1",
			"import DIR/numbers.csv --yes --workers 1 --resume",
			"import DIR/numbers.csv --yes --workers 1 --resume --dry-run",
			"import DIR/numbers.csv --yes --workers 1 --resume --force -o json",
			"import DIR/good.jsonl --yes --workers 1 --secrets DIR/secrets.json -o table",
			"import DIR/good.jsonl --yes --workers 1 --secrets DIR/secrets.json --quiet",
			"import DIR/good.jsonl --yes --workers 1 --journal DIR/none/journal --secrets DIR/secrets.json",
			"import DIR/bad.csv --yes",
			"import DIR/bad.csv --yes -o json",
			"import DIR/nothing.csv",
			"import DIR/good.jsonl --secrets DIR/password",
			"import - --yes",
			"import DIR/numbers.csv --name x --workers 0",
			"import DIR/numbers.csv --workers 0",
		},
		"rotate": {
			"rotate --file DIR/passwords.jsonl +12025550001 +12025550002 +12025550001 --dry-run",
			"rotate --file DIR/passwords.jsonl --all",
			"rotate --file DIR/passwords.jsonl +12025550001 +12025550123 --yes --workers 1",
			"rotate --file DIR/passwords.jsonl --all --yes --workers 1 -o json",
			"rotate --file DIR/stored.jsonl --all --yes --workers 1",
			"rotate --file DIR/stored.jsonl --all --yes --workers 1",
			"rotate --file DIR/stored.jsonl --yes",
			"rotate --file DIR/list.jsonl --from DIR/numbers.csv --column Phone_Number --yes --dry-run",
			"rotate --file DIR/list.jsonl --from DIR/bad.txt --yes",
			"rotate --file DIR/list.jsonl --from DIR/numbers.csv --column number --yes",
			"rotate --file DIR/other.jsonl --all --yes",
			"rotate --file DIR/password --all --yes",
			"rotate --file DIR/list.jsonl --all --length 8",
			"rotate --all",
		},
		"usage": {
			"lst", "list --output xml", "list --rate fast", "list --color sometimes", "list --timeout 0s", "list --nothing",
			"list --json", "list --yaml", "list -o yml", "list -o text", "create --tenant x", "list --worksapce x", "list -v", "list --version",
			"list --rate", "list -o", "create", "delete", "update 1 2", "rotate --file x --all --from y", "workspace use",
			"help exit-codes", "help files", "--help", "import --help", "completion tcsh",
		},
		"global": {
			"list --debug", "--demo list", "--demo --quiet create +12025550123 --agent " + agent3, "--demo doctor", "--demo login",
			"doctor", "doctor -o json", "list --rate 1000/s --quiet", "list --token-file DIR/password",
			"list --workspace acme.mihu.ai --base-url https://acme.mihu.ai/#", "list --token-file DIR/nothing",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.trunk(1)
			f.trunk(2)
			f.agent(3)
			f.file("password", secretPassword+"\n")
			f.file("settings.json", `{"ani_format": "e164", "id": 12345678901234567890}`)
			f.file("secrets.json", `{"carrier": {"username": "`+secretUsername+`", "password": "`+secretPassword+`"}}`)
			f.file("numbers.csv", "\uFEFFphone_number;channel;agent_uuid;name;sip_password\r\n"+
				"'+1 202-555-0001;call;"+agent1+";;\r\n"+
				"+12025550003;call;"+agent3+";Desk;"+secretPassword+"\r\n"+
				"+12025550004;call;"+agent9+";;"+secretPassword+"\r\n")
			f.file("good.jsonl", `{"phone_number":"+12025550005","channel":"whatsapp","agent_uuid":"`+agent3+`"}`+"\n"+
				`{"phone_number":"+12025550003","channel":"call","agent_uuid":"`+agent3+`","secret_name":"carrier"}`+"\n")
			f.file("bad.csv", "phone_number,channel,agent_uuid,sip_port\n12025550001,call,"+agent1+",sip\n+12025550003,fax,"+agent1+",5060\n")
			f.file("bad.txt", "+12025550001\n\nplanted-password\n2025550003\n")
			f.file("other.jsonl", `{"workspace":"https://other.mihu.ai/api/v1"}`+"\n")
			var got strings.Builder
			for _, line := range lines {
				args := strings.Fields(line)
				f.session(&got, args, f.run(args...))
			}
			golden(t, name, got.String())
		})
	}
}

// TestRefusals: every way in which a request can fail has an exit code and advice.
func TestRefusals(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	f := newFake(t)
	f.trunk(1)
	for _, fault := range []mihutest.Fault{
		{Status: http.StatusUnauthorized},
		{Status: http.StatusForbidden},
		{Status: http.StatusNotFound, Body: []byte("<html>no such host</html>"), ContentType: "text/html"},
		{Status: http.StatusTooManyRequests, RetryAfter: "3600"},
		{Status: http.StatusInternalServerError},
		{Status: http.StatusFound, Header: http.Header{"Location": {"https://elsewhere.test/"}}},
		{Status: http.StatusOK, Body: []byte("<html>welcome</html>"), ContentType: "text/html"},
		{Status: http.StatusInternalServerError, AfterChange: true},
		{Status: http.StatusOK, Body: []byte(`{"success": false, "message": "It exists", "error": {"code": "TRUNK_EXISTS"}}`)},
	} {
		f.ClearFaults()
		require.NoError(t, f.Inject(fault))
		args := []string{"update", number(1), "--name", "Desk"}
		f.session(&got, args, f.run(args...))
	}
	f.ClearFaults()
	f.Close()
	args := []string{"channels", number(1), "--timeout", "1s"}
	f.session(&got, args, invocation{args: args, env: f.env(mihuBase("http://127.0.0.1:1"))}.run(t))
	golden(t, "refusals", got.String())
}

func mihuBase(url string) string { return "MIHU_BASE_URL=" + url }

// TestUpdateSends: a flag that is not given is not sent, and an empty one clears its field.
func TestUpdateSends(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	id := f.trunk(1)
	for _, c := range []struct{ args, want string }{
		{"--name Desk", `{"phone_number":"+12025550001","channel":"call","name":"Desk"}`},
		{"--name=", `{"phone_number":"+12025550001","channel":"call","name":""}`},
		{"--clear-port --gateway=", `{"phone_number":"+12025550001","channel":"call","sip":{"gateway":"","port":""}}`},
		{"--port 5061 --clear-sip-password", `{"phone_number":"+12025550001","channel":"call","sip":{"port":5061,"password":""}}`},
		{"--settings {}", `{"phone_number":"+12025550001","channel":"call","additional_settings":{}}`},
		{"--sip-username-env SIP_USER", `{"phone_number":"+12025550001","channel":"call","sip":{"username":"` + secretUsername + `"}}`},
	} {
		f.ResetRequests()
		require.Equal(t, exitDone, f.run(append([]string{"update", id.PhoneNumber}, strings.Fields(c.args)...)...).code)
		require.JSONEq(t, c.want, string(f.Requests()[0].Body))
	}
}
