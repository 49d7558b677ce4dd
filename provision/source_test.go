package provision_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/provision"
)

const (
	desk   = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
	header = "phone_number,channel,agent_uuid\n"
	line   = "+12025550142,call," + desk + "\n"
)

func spool(t *testing.T, text string, opts provision.ReadOptions) (*provision.Source, error) {
	t.Helper()
	source, err := provision.Spool(strings.NewReader(text), opts)
	if err == nil {
		t.Cleanup(func() { assert.NoError(t, source.Close()) })
	}
	return source, err
}

func read(t *testing.T, text string, opts provision.ReadOptions) []provision.Item {
	t.Helper()
	source, err := spool(t, text, opts)
	require.NoError(t, err)
	return all(t, source)
}

func all(t *testing.T, source *provision.Source) []provision.Item {
	t.Helper()
	var items []provision.Item
	for item, err := range source.Items() {
		require.NoError(t, err)
		items = append(items, item)
	}
	require.Len(t, items, source.Len())
	return items
}

func inputError(t *testing.T, text string, opts provision.ReadOptions) *provision.InputError {
	t.Helper()
	_, err := spool(t, text, opts)
	require.ErrorIs(t, err, mihu.ErrInvalid)
	found, ok := errors.AsType[*provision.InputError](err)
	require.True(t, ok, err)
	return found
}

func onCall(number string, lineNumber int) provision.Item {
	return provision.Item{
		Trunk: mihu.TrunkCreateRequest{
			TrunkID: mihu.TrunkID{PhoneNumber: number, Channel: mihu.ChannelCall}, AgentUUID: desk,
		},
		Line: lineNumber,
	}
}

// The same two rows in every notation.
func TestReadWhatSpreadsheetsWrite(t *testing.T) {
	t.Parallel()
	const first, second = "+12025550142", "+12025550143"
	plain := header + first + ",call," + desk + "\n" + second + ",call," + desk + "\n"
	for name, test := range map[string]struct {
		text  string
		lines [2]int
	}{
		"as it should be":          {plain, [2]int{2, 3}},
		"byte order mark":          {"\ufeff" + plain, [2]int{2, 3}},
		"CR LF":                    {strings.ReplaceAll(plain, "\n", "\r\n"), [2]int{2, 3}},
		"CR alone":                 {strings.ReplaceAll(plain, "\n", "\r"), [2]int{2, 3}},
		"no line end at the end":   {strings.TrimSuffix(plain, "\n"), [2]int{2, 3}},
		"semicolons":               {strings.ReplaceAll(plain, ",", ";"), [2]int{2, 3}},
		"tabs":                     {strings.ReplaceAll(plain, ",", "\t"), [2]int{2, 3}},
		"a line for a spreadsheet": {"sep=;\r\n" + strings.ReplaceAll(plain, ",", ";"), [2]int{3, 4}},
		"the same in quotes":       {"\"sep=|\"\n" + strings.ReplaceAll(plain, ",", "|"), [2]int{3, 4}},
		"blank lines":              {"\n  \n" + strings.ReplaceAll(plain, "\n", "\n\n ,, \n\n"), [2]int{7, 11}},
		"trailing empty columns":   {strings.ReplaceAll(plain, "\n", ",,, \n"), [2]int{2, 3}},
		"headers by hand":          {" Phone Number ,CHANNEL,Agent.UUID\n" + first + ",call," + desk + "\n" + second + ",call," + desk, [2]int{2, 3}},
		"all in quotes":            {`"` + strings.ReplaceAll(strings.ReplaceAll(strings.TrimSpace(plain), ",", `","`), "\n", "\"\n\"") + `"`, [2]int{2, 3}},
		"channels in capitals":     {strings.ReplaceAll(plain, ",call,", ", CALL ,"), [2]int{2, 3}},
		"an apostrophe before +":   {strings.ReplaceAll(plain, "+", "'+"), [2]int{2, 3}},
		"a column more, empty":     {"phone_number,,channel,agent_uuid\n" + first + ",,call," + desk + "\n" + second + ", ,call," + desk, [2]int{2, 3}},
		"columns in another order": {"agent_uuid,phone_number,channel\n" + desk + "," + first + ",call\n" + desk + "," + second + ",call\n", [2]int{2, 3}},
		"columns of a file of failures": {
			"reason,source_line,phone_number,channel,agent_uuid\nbusy,7," + first + ",call," + desk + "\n\"a\nb\",8," + second + ",call," + desk + "\n",
			[2]int{7, 8},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			items := read(t, test.text, provision.ReadOptions{})
			assert.Equal(t, []provision.Item{onCall(first, test.lines[0]), onCall(second, test.lines[1])}, items)
		})
	}
}

func TestReadEveryField(t *testing.T) {
	t.Parallel()
	want := provision.Item{
		Trunk: mihu.TrunkCreateRequest{
			TrunkID:   mihu.TrunkID{PhoneNumber: "+493012345678", Channel: mihu.ChannelCall},
			AgentUUID: desk, Name: `Berlin, "Mitte"`, Direction: mihu.DirectionInbound,
			SIP: &mihu.SIPCredentials{
				Gateway: "sip.example.com", Port: 5060, Username: "user", Password: `'=p;"w`, SecondaryGateway: "10.0.0.1",
			},
			AdditionalSettings: map[string]any{"n": jsonNumber("12345678901234567890"), "a": []any{"b\n", nil}},
		},
		SecretName: "berlin", Line: 2,
	}
	csv := "phone_number,channel,agent_uuid,name,direction,sip_gateway,sip_port,sip_username,sip_password,sip_secondary_gateway,additional_settings,secret_name\n" +
		"+49 (30) 123456-78,call," + desk + `,"Berlin, ""Mitte""",Inbound,sip.example.com, 5060 ,user,"''=p;""w",10.0.0.1,` +
		`"{""n"":12345678901234567890,` + "\n" + `""a"":[""b\n"",null]}",berlin` + "\n"
	assert.Equal(t, []provision.Item{want}, read(t, csv, provision.ReadOptions{}))

	json := `{"phone_number":"+49 (30) 123456-78","channel":"call","agent_uuid":"` + desk + `","name":"\u0020Berlin, \"Mitte\"\u0020","direction":"inbound",` +
		`"sip":{"gateway":"sip.example.com","port":5060,"username":"\u0020user\u0020","password":"'=p;\"w","secondary_gateway":"10.0.0.1"},` +
		`"additional_settings":{"n":12345678901234567890,"a":["b\n",null]},"secret_name":"berlin","reason":1}`
	want.Line, want.Trunk.Name, want.Trunk.SIP.Username = 3, ` Berlin, "Mitte" `, " user "
	assert.Equal(t, []provision.Item{want}, read(t, "\r\n \r\n"+json, provision.ReadOptions{}))
}

func TestReadEscapes(t *testing.T) {
	t.Parallel()
	items := read(t, `{"phone_number":"\u002b12025550142","channel":"call","agent_uuid":"`+desk+`","name":"\ud83d\ude00\\ud83d\ufffd"}`, provision.ReadOptions{})
	assert.Equal(t, "😀\\ud83d\ufffd", items[0].Trunk.Name)
	assert.Equal(t, "+12025550142", items[0].Trunk.PhoneNumber)
}

func TestReadKeepsEmptySettings(t *testing.T) {
	t.Parallel()
	items := read(t, strings.TrimSpace(header)+",additional_settings\n"+strings.TrimSpace(line)+",{}\n+12025550143,call,"+desk+",\n", provision.ReadOptions{})
	assert.Equal(t, map[string]any{}, items[0].Trunk.AdditionalSettings, "an empty object clears")
	assert.Nil(t, items[1].Trunk.AdditionalSettings, "nothing leaves")
	items = read(t, `{"phone_number":"+12025550142","channel":"call","agent_uuid":"`+desk+`","sip":{},"name":"","additional_settings":{}}`, provision.ReadOptions{})
	assert.Equal(t, map[string]any{}, items[0].Trunk.AdditionalSettings)
	assert.Nil(t, items[0].Trunk.SIP, "nothing is set in it")
}

func TestReadDetectsTheFormat(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]provision.Format{
		header + line: provision.FormatCSV,
		"\ufeff\n {\"phone_number\":\"+12025550142\",\"channel\":\"call\",\"agent_uuid\":\"" + desk + "\"}": provision.FormatJSON,
	} {
		source, err := spool(t, text, provision.ReadOptions{})
		require.NoError(t, err)
		assert.Equal(t, want, source.Format())
		assert.Len(t, all(t, source), 1)
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	defaults := provision.Item{
		Trunk: mihu.TrunkCreateRequest{
			TrunkID:   mihu.TrunkID{PhoneNumber: "not used", Channel: mihu.ChannelCall},
			AgentUUID: desk, Name: "desk", Direction: mihu.DirectionBoth,
			SIP:                &mihu.SIPCredentials{Gateway: "sip.example.com", Port: 5060, Username: "user", Password: "pw"},
			AdditionalSettings: map[string]any{"a": 1},
		},
		Line: 5,
	}
	items := read(t, "phone_number,channel,name,sip_port,secret_name,additional_settings\n"+
		"+12025550142,,,,,\n"+
		"+12025550143,call,night,5070,,{}\n"+
		"+12025550144,whatsapp,,,,\n"+
		"+12025550145,call,,,vault,\n", provision.ReadOptions{Defaults: defaults})
	require.Len(t, items, 4)

	want := defaults
	want.Trunk.PhoneNumber, want.Line = "+12025550142", 2
	assert.Equal(t, want, items[0])
	assert.Equal(t, "night", items[1].Trunk.Name)
	assert.Equal(t, 5070, items[1].Trunk.SIP.Port)
	assert.Equal(t, "sip.example.com", items[1].Trunk.SIP.Gateway)
	assert.Empty(t, items[1].Trunk.AdditionalSettings, "settings are a whole")
	assert.Nil(t, items[2].Trunk.SIP, "WhatsApp has none")
	assert.Empty(t, items[2].Trunk.Direction)
	assert.Equal(t, &mihu.SIPCredentials{Gateway: "sip.example.com", Port: 5060}, items[3].Trunk.SIP, "the secret has username and password")

	items = read(t, header+line, provision.ReadOptions{Defaults: provision.Item{SecretName: "vault"}})
	assert.Equal(t, "vault", items[0].SecretName)

	_, err := spool(t, header+line, provision.ReadOptions{Defaults: provision.Item{Trunk: mihu.TrunkCreateRequest{
		TrunkID: mihu.TrunkID{Channel: "fax"}, SIP: &mihu.SIPCredentials{Port: 70000, Password: "hunter2"},
	}}})
	require.ErrorIs(t, err, mihu.ErrInvalid)
	assert.ErrorContains(t, err, "invalid defaults")
	assert.NotContains(t, err.Error(), "hunter2")
	invalid, ok := errors.AsType[*mihu.ValidationError](err)
	require.True(t, ok)
	assert.Len(t, invalid.Violations, 2)
}

// The caller may change its options after the call.
func TestDefaultsAreCopied(t *testing.T) {
	t.Parallel()
	defaults := provision.Item{Trunk: mihu.TrunkCreateRequest{SIP: &mihu.SIPCredentials{Port: 5060}, AdditionalSettings: map[string]any{"a": "b"}}}
	source, err := spool(t, header+line+line, provision.ReadOptions{Defaults: defaults})
	require.NoError(t, err)
	defaults.Trunk.SIP.Port = 1
	defaults.Trunk.AdditionalSettings["a"] = "c"
	items := all(t, source)
	items[0].Trunk.AdditionalSettings["a"] = "d"
	items[0].Trunk.SIP.Port = 2
	assert.Equal(t, 5060, items[1].Trunk.SIP.Port)
	assert.Equal(t, map[string]any{"a": "b"}, items[1].Trunk.AdditionalSettings)
}

func TestIgnore(t *testing.T) {
	t.Parallel()
	csv := "Our ref,phone_number,channel,agent_uuid,our.REF 2\nbad\xff,+12025550142,call," + desk + ",x\n"
	assert.Equal(t, []provision.Item{onCall("+12025550142", 2)}, read(t, csv, provision.ReadOptions{Ignore: []string{"our ref", "Our-Ref-2"}}))
	json := `{"Ref":null,"sip":{"x":1},"phone_number":"+12025550142","channel":"call","agent_uuid":"` + desk + `"}`
	assert.Equal(t, []provision.Item{onCall("+12025550142", 1)}, read(t, json, provision.ReadOptions{Ignore: []string{"Ref", "sip.x"}}))
}

func TestTheSameRowTwice(t *testing.T) {
	t.Parallel()
	text := header + line + strings.ToUpper(strings.ReplaceAll(line, "+1", "+1 ")) + "+12025550142,whatsapp," + desk + "\n"
	assert.Len(t, read(t, text, provision.ReadOptions{}), 3, "duplicates are for Run to see")
}

func TestOpen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "numbers.csv")
	require.NoError(t, os.WriteFile(path, []byte(header+line), 0o600))
	source, err := provision.Open(path, provision.ReadOptions{})
	require.NoError(t, err)
	assert.Len(t, all(t, source), 1)
	require.NoError(t, source.Close())
	for _, err := range source.Items() {
		assert.ErrorIs(t, err, os.ErrClosed)
	}
	assert.ErrorIs(t, source.Close(), os.ErrClosed)

	_, err = provision.Open(dir, provision.ReadOptions{})
	assert.ErrorContains(t, err, "is a directory")
	_, err = provision.Open(filepath.Join(dir, "none"), provision.ReadOptions{})
	assert.ErrorIs(t, err, os.ErrNotExist)
	_, err = provision.Open(os.DevNull, provision.ReadOptions{})
	assert.ErrorContains(t, err, "use Spool")
	_, err = provision.Open(path, provision.ReadOptions{Format: "xlsx"})
	assert.ErrorContains(t, err, `unknown format "xlsx"`)

	require.NoError(t, os.WriteFile(path, []byte(header+"1"), 0o600))
	_, err = provision.Open(path, provision.ReadOptions{})
	assert.ErrorContains(t, err, "numbers.csv has 3 errors: line 2, column 1: phone_number ")
}

func TestZeroSource(t *testing.T) {
	t.Parallel()
	var source provision.Source
	for _, err := range source.Items() {
		assert.ErrorIs(t, err, os.ErrClosed)
	}
	assert.Zero(t, source.Len())
	assert.NoError(t, source.Close())
}

func TestReadNothing(t *testing.T) {
	t.Parallel()
	_, err := provision.Spool(nil, provision.ReadOptions{})
	require.ErrorIs(t, err, mihu.ErrInvalid)
	for _, column := range []string{"", "phone_number"} {
		_, err := provision.ReadNumbers(nil, provision.NumberOptions{Column: column})
		require.ErrorIs(t, err, mihu.ErrInvalid)
	}
}

func TestItemsOfJSONStop(t *testing.T) {
	t.Parallel()
	row := `{"phone_number":"+12025550142","channel":"call","agent_uuid":"` + desk + "\"}\n"
	source, err := spool(t, row+row, provision.ReadOptions{})
	require.NoError(t, err)
	count := 0
	for _, err := range source.Items() {
		require.NoError(t, err)
		count++
		break
	}
	assert.Equal(t, 1, count)
}

// Standard input may hold secrets, which nobody else is to read and no killed program is to leave
// behind.
func TestSpoolLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	source, err := provision.Spool(strings.NewReader(header+line), provision.ReadOptions{})
	require.NoError(t, err)
	assert.Len(t, all(t, source), 1)
	require.NoError(t, source.Close())
	_, err = provision.Spool(io.MultiReader(strings.NewReader(header), brokenReader{}), provision.ReadOptions{})
	assert.ErrorIs(t, err, errBroken)
	_, err = provision.Spool(strings.NewReader("x"), provision.ReadOptions{})
	assert.ErrorIs(t, err, mihu.ErrInvalid)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, left)

	t.Setenv("TMPDIR", filepath.Join(dir, "none"))
	_, err = provision.Spool(strings.NewReader(header+line), provision.ReadOptions{})
	assert.ErrorIs(t, err, os.ErrNotExist)
}

var errBroken = errors.New("broken")

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errBroken }

func TestItemsConcurrently(t *testing.T) {
	t.Parallel()
	source, err := spool(t, rows(2000), provision.ReadOptions{})
	require.NoError(t, err)
	for item, err := range source.Items() {
		require.NoError(t, err)
		require.Equal(t, 2, item.Line)
		break
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			next := 2
			for item, err := range source.Items() {
				if !assert.NoError(t, err) || !assert.Equal(t, next, item.Line) {
					return
				}
				next++
			}
			assert.Equal(t, 2002, next)
		})
	}
	wg.Wait()
}

// rows is a file of n good rows, each of a number of its own.
func rows(n int) string {
	var b strings.Builder
	b.WriteString(header)
	for i := range n {
		fmt.Fprintf(&b, "+1202%07d,call,%s\n", i, desk)
	}
	return b.String()
}

func TestItemsOfAChangedFile(t *testing.T) {
	t.Parallel()
	good := header + line + "+12025550143,call," + desk + "\n"
	for name, test := range map[string]struct {
		changed string
		items   int // that are yielded before it shows
	}{
		"another number": {strings.ReplaceAll(good, "0143", "0144"), 2},
		"longer":         {good + "+12025550145,call," + desk + "\n", 2},
		"shorter":        {header + line, 1},
		"emptied":        {"", 0},
		"one bad row":    {strings.ReplaceAll(good, "+12025550143,call", "+12025550143,ca,l"), 1},
		"more rows":      {header + strings.Repeat("1\n", 100), 0},
		"blank rows":     {strings.ReplaceAll(good, "+12025550143,call,"+desk, strings.Repeat("\n", len("+12025550143,call,"+desk))), 1},
		"other names":    {strings.ReplaceAll(good, "channel", "chennal"), 0},
		"short rows":     {header + "+42,call," + desk + "\n+43,call," + desk + "\n+44,call," + desk + "\n", 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "numbers.csv")
			require.NoError(t, os.WriteFile(path, []byte(good), 0o600))
			source, err := provision.Open(path, provision.ReadOptions{})
			require.NoError(t, err)
			defer func() { assert.NoError(t, source.Close()) }()
			require.NoError(t, os.WriteFile(path, []byte(test.changed), 0o600))
			items, last := 0, error(nil)
			for _, err := range source.Items() {
				if last = err; err == nil {
					items++
				}
			}
			require.ErrorIs(t, last, provision.ErrInputChanged)
			assert.Equal(t, test.items, items)
		})
	}
}

func TestItemsAreNeverMoreThanLen(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "numbers.csv")
	require.NoError(t, os.WriteFile(path, []byte(header+line+strings.Repeat("\n", 100)), 0o600))
	source, err := provision.Open(path, provision.ReadOptions{})
	require.NoError(t, err)
	defer func() { assert.NoError(t, source.Close()) }()
	require.NoError(t, os.WriteFile(path, []byte(header+line+line+strings.Repeat("\n", 100-len(line))), 0o600))
	items := 0
	for _, err := range source.Items() {
		if err == nil {
			items++
		} else {
			require.ErrorIs(t, err, provision.ErrInputChanged)
		}
	}
	assert.Equal(t, source.Len(), items)
}

// Places are found in one pass: a line with a hundred thousand violations takes no longer than as
// many lines.
func TestALineOfViolations(t *testing.T) {
	t.Parallel()
	text := "{" + strings.Repeat(`"é":1,`, 100_000) + `"ü":1}`
	found := inputError(t, text, provision.ReadOptions{})
	assert.Equal(t, 100_000+1+3, len(found.Violations)+found.More)
	assert.Equal(t, 2+6*999, found.Violations[999].Column)
}

func TestFingerprint(t *testing.T) {
	t.Parallel()
	of := func(text string, defaults provision.Item) string {
		source, err := spool(t, text, provision.ReadOptions{Defaults: defaults, Ignore: []string{"x"}})
		require.NoError(t, err)
		return source.Fingerprint()
	}
	seen := map[string]bool{}
	for _, fingerprint := range []string{
		of(header+line, provision.Item{}),
		of("\n"+header+line, provision.Item{}),
		of(header+line, provision.Item{SecretName: "a"}),
		of(header+line, provision.Item{Trunk: mihu.TrunkCreateRequest{Name: "a"}}),
		of(header+line, provision.Item{Trunk: mihu.TrunkCreateRequest{SIP: &mihu.SIPCredentials{Password: "a"}}}),
	} {
		assert.Regexp(t, "^[0-9a-f]{64}$", fingerprint)
		assert.False(t, seen[fingerprint])
		seen[fingerprint] = true
	}
	assert.True(t, seen[of(header+line, provision.Item{Line: 3})], "the same again, and what is not used")
}
