package provision_test

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/provision"
)

func write(t *testing.T, format provision.Format, reason string, items ...provision.Item) string {
	t.Helper()
	var b bytes.Buffer
	w := provision.NewWriter(&b, format)
	for _, item := range items {
		require.NoError(t, w.Write(item, reason))
	}
	require.NoError(t, w.Flush())
	return b.String()
}

func fullItem() provision.Item {
	item := onCall("+12025550142", 7)
	item.Trunk.Name, item.Trunk.Direction = `=1+1, "a"`, mihu.DirectionBoth
	item.Trunk.SIP = &mihu.SIPCredentials{Gateway: "sip.example.com", Port: 5060, Username: "u<", Password: "=p\"", SecondaryGateway: "::1"}
	item.Trunk.AdditionalSettings = map[string]any{"n": json.Number("1"), "a": "<b>"}
	item.SecretName = "vault"
	return item
}

func TestWriteCSV(t *testing.T) {
	t.Parallel()
	bare := onCall("+12025550143", 0)
	bare.Trunk.AdditionalSettings = map[string]any{}
	assert.Equal(t, strings.TrimSpace(wide)+",reason,source_line\n"+
		"'+12025550142,call,"+desk+`,"'=1+1, ""a""",both,sip.example.com,5060,u<,"'=p""",::1,"{""a"":""\u003cb\u003e"",""n"":1}",vault,'@busy,7`+"\n"+
		"'+12025550143,call,"+desk+`,,,,,,,,{},,'@busy,`+"\n", write(t, provision.FormatAuto, "@busy", fullItem(), bare))
}

func TestWriteJSON(t *testing.T) {
	t.Parallel()
	bare := onCall("+12025550143", 0)
	bare.Trunk.SIP = new(mihu.SIPCredentials)
	want := []string{
		`{"phone_number":"+12025550142","channel":"call","agent_uuid":"` + desk + `","name":"=1+1, \"a\"","direction":"both",` +
			`"sip":{"gateway":"sip.example.com","port":5060,"username":"u<","password":"=p\"","secondary_gateway":"::1"},` +
			`"additional_settings":{"a":"<b>","n":1},"secret_name":"vault","reason":"busy","source_line":7}`,
		`{"phone_number":"+12025550143","channel":"call","agent_uuid":"` + desk + `","reason":"busy"}`,
	}
	assert.Equal(t, want, strings.Split(strings.TrimSuffix(write(t, provision.FormatJSON, "busy", fullItem(), bare), "\n"), "\n"))
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for _, format := range []provision.Format{provision.FormatCSV, provision.FormatJSON} {
		want := fullItem()
		assert.Equal(t, []provision.Item{want}, read(t, write(t, format, "a\nb", fullItem()), provision.ReadOptions{}))
	}
}

// A file of failed items can be read, and what is wrong with them is found there.
func TestWriteInvalidItems(t *testing.T) {
	t.Parallel()
	item := onCall("nonsense", 3)
	item.Trunk.Channel = "fax"
	for _, format := range []provision.Format{provision.FormatCSV, provision.FormatJSON} {
		found := inputError(t, write(t, format, "", item), provision.ReadOptions{})
		assert.Len(t, found.Violations, 2)
	}
}

func TestWriteRefusesWhatWouldChange(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*provision.Item){
		"name":     func(i *provision.Item) { i.Trunk.Name = "\xff" },
		"password": func(i *provision.Item) { i.Trunk.SIP = &mihu.SIPCredentials{Password: "hunter2\xff"} },
		"settings": func(i *provision.Item) { i.Trunk.AdditionalSettings = map[string]any{"a": "\xff"} },
		"numbers":  func(i *provision.Item) { i.Trunk.AdditionalSettings = map[string]any{"a": math.NaN()} },
	} {
		for _, format := range []provision.Format{provision.FormatCSV, provision.FormatJSON} {
			var b bytes.Buffer
			w := provision.NewWriter(&b, format)
			item := onCall("+12025550142", 1)
			change(&item)
			err := w.Write(item, "")
			require.ErrorContains(t, err, "provision: not written: ", name)
			assert.NotContains(t, err.Error(), "hunter2")
			require.NoError(t, w.Write(onCall("+12025550143", 2), ""), "the next one can be")
			require.NoError(t, w.Flush())
			assert.NotContains(t, b.String(), "2025550142")
			assert.Contains(t, b.String(), "2025550143")
		}
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errBroken }

func TestWriteErrors(t *testing.T) {
	t.Parallel()
	for _, format := range []provision.Format{provision.FormatCSV, provision.FormatJSON} {
		w := provision.NewWriter(fullDisk{}, format)
		require.NoError(t, w.Write(onCall("+12025550142", 1), ""), "it is buffered")
		require.ErrorIs(t, w.Flush(), errBroken)
		require.ErrorIs(t, w.Flush(), errBroken)
		require.ErrorIs(t, w.Write(onCall("+12025550142", 1), ""), errBroken)

		w = provision.NewWriter(fullDisk{}, format)
		require.ErrorIs(t, w.Write(onCall("+12025550142", 1), strings.Repeat("a", 1<<20)), errBroken)
	}
	for want, w := range map[string]*provision.Writer{
		`unknown format "xlsx"`:    provision.NewWriter(fullDisk{}, "xlsx"),
		"w is nil":                 provision.NewWriter(nil, provision.FormatCSV),
		"not created by NewWriter": new(provision.Writer),
	} {
		require.ErrorContains(t, w.Flush(), want)
		require.ErrorContains(t, w.Write(onCall("+12025550142", 1), ""), want)
		require.ErrorContains(t, w.Flush(), want)
	}
}

func TestWriteNothing(t *testing.T) {
	t.Parallel()
	for _, format := range []provision.Format{provision.FormatCSV, provision.FormatJSON} {
		assert.Empty(t, write(t, format, ""))
	}
}

func TestApostrophesAreKept(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"'", "''", "'a", "=", "'=", "''=", "+1", "'+1", "-", "@a", "'-'", " =", "\u00a0", "a'=", "''", "O'Neill"} {
		item := onCall("+12025550142", 2)
		item.Trunk.Name, item.SecretName = name, name
		item.Trunk.SIP = &mihu.SIPCredentials{Username: name, Password: name}
		assert.Equal(t, []provision.Item{item}, read(t, write(t, provision.FormatCSV, name, item), provision.ReadOptions{}), name)
	}
}

// Every valid item is read as it was written, in either format. An invalid one is a violation.
func FuzzWriteAndRead(f *testing.F) {
	f.Add("desk", "user", "pw", "vault", "sip.example.com", 5060, `{"a":[1.50,{"b":null}]}`, "why", false)
	f.Add("=a\"'", " u ", "'=p,;\t", "+", "[::1]", 1, `{"a":12345678901234567890}`, "a\r\nb\"", false)
	f.Add("'=\u00a0", "\ufeffu", "\u2028", "'", "", 0, `{}`, "\x00\ufeff", true)
	f.Add("", "", "", "", "", 0, "", "", true)
	f.Fuzz(func(t *testing.T, name, user, password, secret, gateway string, port int, settings, reason string, whatsapp bool) {
		gateway = strings.Join(strings.Fields(gateway), "") // spaces around it are taken away
		item := onCall("+12025550142", 1)
		item.Trunk.Name, item.SecretName = name, secret
		if sip := (mihu.SIPCredentials{Gateway: gateway, Port: port, Username: user, Password: password}); sip != (mihu.SIPCredentials{}) {
			item.Trunk.SIP = &sip
		}
		if whatsapp {
			item.Trunk.Channel = mihu.ChannelWhatsApp
		}
		decoder := json.NewDecoder(strings.NewReader(settings))
		decoder.UseNumber()
		if decoder.Decode(&item.Trunk.AdditionalSettings) != nil {
			item.Trunk.AdditionalSettings = nil
		}
		good := item.Trunk.Validate() == nil && (secret == "" || !whatsapp && !strings.ContainsFunc(secret, func(r rune) bool { return r < ' ' || r == 0x7f }))
		for _, format := range []provision.Format{provision.FormatCSV, provision.FormatJSON} {
			var b bytes.Buffer
			w := provision.NewWriter(&b, format)
			if err := w.Write(item, reason); err != nil {
				continue
			}
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
			source, err := provision.Spool(&b, provision.ReadOptions{Format: format})
			if (err == nil) != good {
				t.Fatalf("%s, good: %v: %v", format, good, err)
			}
			if err != nil {
				continue
			}
			for read, err := range source.Items() {
				if err != nil {
					t.Fatal(err)
				}
				require.Equal(t, item, read, format)
			}
			require.Equal(t, 1, source.Len())
			require.NoError(t, source.Close())
		}
	})
}
