package provision_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/provision"
)

// sip returns the item of a row with a name and credentials.
func sip(name, username, password string) provision.Item {
	item := onCall("+12025550142", 2)
	item.Trunk.Name = name
	if credentials := (mihu.SIPCredentials{Username: username, Password: password}); credentials != (mihu.SIPCredentials{}) {
		item.Trunk.SIP = &credentials
	}
	return item
}

// Blanks around cells are removed if the whole file has them, and a blank cell is empty.
func TestPadding(t *testing.T) {
	t.Parallel()
	const columns = "phone_number,channel,agent_uuid,name,sip_username,sip_password\n"
	padded := strings.ReplaceAll(columns, ",", ", ")
	for name, test := range map[string]struct {
		text string
		want provision.Item
	}{
		"behind delimiters":       {padded + "+12025550142, call, " + desk + ", , user1, pw\n", sip("", "user1", "pw")},
		"a name of two words":     {padded + "+12025550142, call, " + desk + ", Front desk, user1, pw\n", sip("Front desk", "user1", "pw")},
		"an empty cell between":   {padded + "+12025550142, call, " + desk + ",, user1, pw\n", sip("", "user1", "pw")},
		"with tabs":               {strings.ReplaceAll(columns, ",", ",\t") + "+12025550142,\tcall,\t" + desk + ",\t,\tuser1,\tpw\n", sip("", "user1", "pw")},
		"with no-break spaces":    {strings.ReplaceAll(columns, ",", ",\u00a0") + "+12025550142,\u00a0call,\u00a0" + desk + ",\u00a0,\u00a0user1,\u00a0pw\n", sip("", "user1", "pw")},
		"in quotes":               {"\"phone_number\",\" channel\",\" agent_uuid\",\" name\",\" sip_username\",\" sip_password\"\n\"+12025550142\",\" call\",\" " + desk + "\",\" \",\" user1\",\" pw\"\n", sip("", "user1", "pw")},
		"before delimiters":       {strings.ReplaceAll(columns, ",", " ,") + "+12025550142 ,call ," + desk + " , ,user1 ,pw\n", sip("", "user1", "pw")},
		"on both sides":           {strings.ReplaceAll(columns, ",", " , ") + "+12025550142 , call , " + desk + " ,  , user1 , pw\n", sip("", "user1", "pw")},
		"semicolons":              {strings.ReplaceAll(padded, ",", ";") + "+12025550142; call; " + desk + "; ; user1; pw\n", sip("", "user1", "pw")},
		"blank cells alone":       {columns + "+12025550142,call," + desk + ", ,\t,\u00a0\n", sip("", "", "")},
		"blank cells in quotes":   {columns + "+12025550142,call," + desk + ",\" \",\"\",\"\u200b\"\n", sip("", "", "")},
		"not what a person types": {columns + " +12025550142 , call , " + desk + " ,a b,user1,pw\n", sip("a b", "user1", "pw")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, []provision.Item{test.want}, read(t, test.text, provision.ReadOptions{}))
		})
	}

	const begins, ends = "begins with a space; remove it", "ends with a space; remove it"
	row := func(name, username, password string) string {
		return columns + "+12025550142,call," + desk + "," + name + "," + username + "," + password + "\n"
	}
	for name, test := range map[string]struct {
		text, field, problem string
	}{
		"a name":                       {row(" a", "user1", "pw"), "name", begins},
		"a user":                       {row("a", " user1", "pw"), "sip_username", begins},
		"a password":                   {row("a", "user1", " pw"), "sip_password", begins},
		"behind a name":                {row("a ", "user1", "pw"), "name", ends},
		"behind a user":                {row("a", "user1\t", "pw"), "sip_username", "ends with a tab"},
		"in quotes":                    {row("a", `" user1"`, "pw"), "sip_username", begins},
		"a no-break space":             {row("a", "user1", "pw\u00a0"), "sip_password", "ends with U+00A0 (no-break space); remove it"},
		"the header alone":             {padded + "+12025550142,call," + desk + ",a, user1,pw\n", "sip_username", begins},
		"the row alone":                {columns + "+12025550142, call, " + desk + ", a,user1,pw\n", "name", begins},
		"the other side":               {padded + "+12025550142, call, " + desk + ", a, user1 , pw\n", "sip_username", ends},
		"padded but for the last cell": {padded + "+12025550142, call, " + desk + ", a,user1,pw\n", "name", begins},
		"JSON lines":                   {`{"phone_number":"+12025550142","channel":"call","agent_uuid":"` + desk + `","sip":{"username":" user1"}}`, "sip.username", begins},
		"a line feed":                  {row("a", "\"user1\n\"", "pw"), "sip_username", "ends with a line feed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := inputError(t, test.text, provision.ReadOptions{}).Violations
			require.Len(t, found, 1)
			assert.Equal(t, test.field, found[0].Field)
			assert.Contains(t, found[0].Problem, test.problem)
			assert.Empty(t, found[0].Value)
		})
	}
	_, err := spool(t, padded+`+12025550142, "call", `+desk+",,,\n", provision.ReadOptions{})
	assert.ErrorContains(t, err, "blank before a quote; remove the blank")
	_, err = spool(t, columns+`+12025550142,"call" ,`+desk+",,,\n", provision.ReadOptions{})
	assert.ErrorContains(t, err, "or remove the blank behind it")
}

// What a spreadsheet has made of a number is an error in every column of text.
func TestDamagedBySpreadsheets(t *testing.T) {
	t.Parallel()
	for text, problem := range map[string]string{
		"1.20256E+10": "in scientific notation", "1,20256E+10": "in scientific notation", "1.20256e10": "in scientific notation",
		"-1E+10": "in scientific notation", "2E04": "in scientific notation", "120256E+5": "in scientific notation",
		"12025550110.0": "a decimal number", "12025550110,00": "a decimal number", "+12025550110.0": "a decimal number",
		"12,025,550,110": "digits in groups", "12.025.550.110": "digits in groups", "12,025,550,110.00": "digits in groups",
		"#NAME?": "an error of a spreadsheet", "#N/A": "an error of a spreadsheet", "########": "an error of a spreadsheet", "Err:508": "an error of a spreadsheet",
	} {
		for _, column := range []string{"name", "sip_username", "sip_password", "secret_name"} {
			table := "phone_number,channel,agent_uuid," + column + "\n+12025550142,call," + desk + ","
			found := inputError(t, table+`"`+text+"\"\n", provision.ReadOptions{}).Violations
			require.Len(t, found, 1, "%s: %s", column, text)
			assert.Equal(t, column, found[0].Field)
			assert.Contains(t, found[0].Problem, problem, text)
			assert.Contains(t, found[0].Problem, "; if it is right, write an apostrophe before it")
			assert.Empty(t, found[0].Value)

			// If it is right, there is a way to write it.
			item := read(t, table+`"'`+text+"\"\n", provision.ReadOptions{})[0]
			assert.Equal(t, text, valueOf(item, column))
			key := strings.Replace(column, "sip_", "", 1)
			object := `"` + key + `":"` + text + `"`
			exact := strings.Replace(object, `:"`+text[:1], `:"\u00`+hex(text[0]), 1)
			if key != column {
				object, exact = `"sip":{`+object+"}", `"sip":{`+exact+"}"
			}
			line := `{"phone_number":"+12025550142","channel":"call","agent_uuid":"` + desk + `",`
			found = inputError(t, line+object+"}", provision.ReadOptions{}).Violations
			require.Len(t, found, 1, object)
			assert.Contains(t, found[0].Problem, problem)
			assert.Equal(t, text, valueOf(read(t, line+exact+"}", provision.ReadOptions{})[0], column))
		}
	}
	for _, right := range []string{"192.168.100.200", "1.2.3", "v1.0", "12025550110", "00123", "E10", "#1", "1e", "Line 2.0", "#abc!", "3.14", "a1E5"} {
		assert.Equal(t, right, read(t, "phone_number,channel,agent_uuid,sip_username\n+12025550142,call,"+desk+","+right+"\n", provision.ReadOptions{})[0].Trunk.SIP.Username)
	}
}

func hex(c byte) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[c>>4], digits[c&15]})
}

func valueOf(item provision.Item, column string) string {
	switch column {
	case "name":
		return item.Trunk.Name
	case "secret_name":
		return item.SecretName
	case "sip_username":
		return item.Trunk.SIP.Username
	}
	return item.Trunk.SIP.Password
}

// What a spreadsheet would change is protected in the file of failed rows, and the protection is
// removed when that is read.
func TestWriterProtects(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"12025550110", "0012", "1.20256E+10", "12025550110.0", "=1+1", "+1", "-1", "@a", "\ta", "1-2", "3/4", "12:30", "10%", "5 Mar", "Mar-5", "march 2026",
		"TRUE", "false", "#N/A", "2E04", "1 234", "'12", "''12", "'=p", " a", "a ", "\u00a0", "a\u200b", "\u3164", " ", "$5", "(5)", "1e5", "'' a",
	} {
		item := sip(text, text, text)
		item.SecretName = text
		written := write(t, provision.FormatCSV, text, item)
		assert.GreaterOrEqual(t, strings.Count(written, "'"+text), 4, "%q is not protected: %s", text, written)
		if !strings.Contains(text, "\t") {
			assert.Equal(t, []provision.Item{item}, read(t, written, provision.ReadOptions{}), "%q", text)
		}
	}
	for _, text := range []string{"user1", "a b", "Ada-1", "may be", "1a", "sip.example.com", "O'Neill", "'s-Gravenhage", "Marcus 5", "❤️", "山田"} {
		written := write(t, provision.FormatCSV, "", sip(text, text, text))
		assert.NotContains(t, written, "'"+text, "%q need not be protected", text)
	}
	item := sip("", "", "")
	item.Trunk.AgentUUID = "12345678-1234-1234-1234-123456789012"
	item.Trunk.SIP = &mihu.SIPCredentials{Gateway: "10.0.0.1", SecondaryGateway: "::1"}
	assert.Equal(t, []provision.Item{item}, read(t, write(t, provision.FormatCSV, "", item), provision.ReadOptions{}))
}

// An apostrophe in a file that no Writer has written may be part of a password.
func TestApostrophes(t *testing.T) {
	t.Parallel()
	const columns = "phone_number,channel,agent_uuid,name,sip_username,sip_password\n+12025550142,call," + desk + ","
	for text, want := range map[string]provision.Item{
		"'=a,u,p":           sip("=a", "u", "p"),
		"'12,u,p":           sip("12", "u", "p"),
		"'a,'u,'p":          sip("'a", "'u", "'p"),
		"''=a,''12,''=p":    sip("'=a", "'12", "'=p"),
		"a,'1E+10,'1.0":     sip("a", "1E+10", "1.0"),
		"'s-Gravenhage,u,p": sip("'s-Gravenhage", "u", "p"),
	} {
		assert.Equal(t, []provision.Item{want}, read(t, columns+text+"\n", provision.ReadOptions{}), text)
	}
	for text, field := range map[string]string{"a,'12,p": "sip_username", "a,u,'=p": "sip_password", "a,u,'2026": "sip_password"} {
		found := inputError(t, columns+text+"\n", provision.ReadOptions{}).Violations
		require.Len(t, found, 1)
		assert.Equal(t, field, found[0].Field)
		assert.Contains(t, found[0].Problem, "begins with an apostrophe")
	}
	found := inputError(t, columns+"'s-Gravenhage ,u,p\n", provision.ReadOptions{}).Violations
	assert.Contains(t, found[0].Problem, "ends with a space")
}

// A character that cannot be seen is named.
func TestInvisibleCharacters(t *testing.T) {
	t.Parallel()
	const row = "+12025550142,call," + desk
	for character, name := range map[string]string{
		"\u3164": "U+3164 (Hangul filler)", "\ufe0f": "U+FE0F (variation selector)", "\u200b": "U+200B (zero width space)", "\u00a0": "U+00A0 (no-break space)",
		"\u202f": "U+202F (no-break space)", "\u2060": "U+2060", "\ufeff": "U+FEFF (byte order mark)", "\u00ad": "U+00AD (soft hyphen)", "\u200d": "U+200D (zero width joiner)",
		"\u2800": "U+2800 (braille blank)", "\uffa0": "U+FFA0 (Hangul filler)", "\u034f": "U+034F", "\u202e": "U+202E", "\u3000": "U+3000 (ideographic space)", "\U000e0100": "U+E0100 (variation selector)",
	} {
		for _, column := range []string{"sip_username", "sip_password", "secret_name"} {
			for _, text := range []string{character + "user", "us" + character + "er", "user" + character} {
				found := inputError(t, "phone_number,channel,agent_uuid,"+column+"\n"+row+","+text+"\n", provision.ReadOptions{}).Violations
				require.Len(t, found, 1, "%q", text)
				assert.Equal(t, column, found[0].Field)
				assert.Contains(t, found[0].Problem, name)
			}
		}
		_, err := spool(t, "phone_number,channel,agent_uuid,name\n"+row+",Ada"+character+"\n", provision.ReadOptions{})
		require.ErrorContains(t, err, "name: ends with "+name)
		object := `{"phone_number":"+12025550142","channel":"call","agent_uuid":"` + desk + `","sip":{"username":"us` + character + `er"}}`
		_, err = spool(t, object, provision.ReadOptions{})
		require.ErrorContains(t, err, "sip.username: has "+name)
		_, err = spool(t, "phone_number,channel,agent_"+character+"uuid\n"+row+"\n", provision.ReadOptions{})
		if err != nil { // a space within a name of a column is no matter
			require.ErrorContains(t, err, name)
		}
	}
	for _, character := range []string{"\u3164", "\ufe0f", "\u2800"} {
		for _, text := range []string{
			"+1202555" + character + "0142,call," + desk, "+12025550142,ca" + character + "ll," + desk, "+12025550142,call," + desk + character,
		} {
			found := inputError(t, header+text+"\n", provision.ReadOptions{}).Violations
			require.Len(t, found, 1)
			assert.Contains(t, found[0].Problem, "has U+")
		}
	}
	// Names may have what belongs to a script or an emoji.
	for _, name := range []string{"山田 太郎", "نامه\u200cها", "❤️", "Support ☎️", "👨\u200d👩\u200d👧 family", "葛\U000e0100城", "Anna\u00a0Berg"} {
		assert.Equal(t, name, read(t, "phone_number,channel,agent_uuid,name\n"+row+","+name+"\n", provision.ReadOptions{})[0].Trunk.Name)
	}
}

// A column without a name is read by nobody, and can be ignored if it has values.
func TestColumnsWithoutAName(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		",phone_number,channel,agent_uuid\nx,+12025550142,call," + desk + "\n",
		"phone_number,,channel, ,agent_uuid,\u00a0\n+12025550142,x,call,y," + desk + ",z\n",
	} {
		want := []provision.Item{onCall("+12025550142", 2)}
		assert.Equal(t, want, read(t, text, provision.ReadOptions{Ignore: []string{""}}))
		found := inputError(t, text, provision.ReadOptions{Ignore: []string{"x"}}).Violations
		assert.Contains(t, found[0].Problem, "which has no name; name it in the first row, or ignore columns without a name")
	}
	_, err := spool(t, header+"+12025550142,call,"+desk+",x\n", provision.ReadOptions{Ignore: []string{""}})
	assert.ErrorContains(t, err, "value without a column", "it is behind the last column")
	object := `{"":1,"phone_number":"+12025550142","channel":"call","agent_uuid":"` + desk + `"}`
	assert.Len(t, read(t, object, provision.ReadOptions{Ignore: []string{""}}), 1)
}

// What separates cells is found in the whole header.
func TestHeadersOfSeveralLines(t *testing.T) {
	t.Parallel()
	for _, delimiter := range []string{",", ";", "\t"} {
		for _, end := range []string{"\n", "\r\n", "\r"} {
			for _, head := range []string{`"Phone` + end + `number";channel;"agent` + end + `uuid"`, end + `"Phone` + end + end + `number";"channel";"agent` + end + `uuid"`} {
				text := strings.ReplaceAll(head+end+`+12025550142;call;"`+desk+`"`+end, ";", delimiter)
				source, err := spool(t, text, provision.ReadOptions{})
				require.NoError(t, err, "%q", text)
				items := all(t, source)
				require.Len(t, items, 1)
				assert.Equal(t, "+12025550142", items[0].Trunk.PhoneNumber)
				numbers, err := provision.ReadNumbers(strings.NewReader(text), provision.NumberOptions{Column: "phone number"})
				require.NoError(t, err)
				assert.Equal(t, []string{"+12025550142"}, numbers)
			}
		}
	}
	assert.Equal(t, 4, read(t, "\"phone\nnumber\";channel;\"agent\nuuid\"\n+12025550142;call;"+desk+"\n", provision.ReadOptions{})[0].Line)
	found := inputError(t, "\"phone\nnumber;channel;agent_uuid\n+12025550142;call;"+desk+"\n", provision.ReadOptions{}).Violations
	assert.Contains(t, found[0].Problem, "unclosed quote")
}

// The line of an item is kept when it goes through a file of failed rows, as often as it does, and
// violations have the lines of the file that is read.
func TestLinesSurviveTheWriter(t *testing.T) {
	t.Parallel()
	for _, format := range []provision.Format{provision.FormatCSV, provision.FormatJSON} {
		items := []provision.Item{onCall("+12025550142", 900), onCall("+12025550143", 7), onCall("+12025550144", 0)}
		for range 2 {
			again := read(t, write(t, format, "busy", items...), provision.ReadOptions{})
			assert.Equal(t, []int{900, 7}, []int{again[0].Line, again[1].Line})
			again[2].Line = 0
			assert.Equal(t, items, again)
		}
		other := onCall("+12025550142", 12)
		other.Trunk.Name = "another"
		found := inputError(t, write(t, format, "busy", items[0], other), provision.ReadOptions{}).Violations
		require.Len(t, found, 1)
		line := map[provision.Format]int{provision.FormatCSV: 2, provision.FormatJSON: 1}[format]
		assert.Equal(t, line+1, found[0].Line)
		assert.Contains(t, found[0].Problem, "same trunk as in line "+string(rune('0'+line)))
	}
	const columns = "phone_number,channel,agent_uuid,source_line\n+12025550142,call," + desk + ","
	for _, wrong := range []string{"0", "-1", "7.0", "x", "99999999999"} {
		found := inputError(t, columns+wrong+"\n", provision.ReadOptions{}).Violations
		assert.Equal(t, "source_line", found[0].Field)
	}
	assert.Equal(t, 2, read(t, columns+"x\n", provision.ReadOptions{Ignore: []string{"source_line"}})[0].Line)
}

// growing is a file to which another program adds the rest a moment later.
func growing(t *testing.T, content, rest string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "numbers")
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	now := time.Now()
	require.NoError(t, os.Chtimes(path, now, now))
	if rest == "" {
		return path
	}
	go func() {
		time.Sleep(400 * time.Millisecond)
		file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		if assert.NoError(t, err) {
			_, err = file.WriteString(rest)
			assert.NoError(t, err)
			assert.NoError(t, file.Close())
			now := time.Now()
			assert.NoError(t, os.Chtimes(path, now, now))
		}
	}()
	return path
}

// A file that is still being written, cut within a number, makes no trunk of the part.
func TestAFileThatIsStillBeingWritten(t *testing.T) {
	t.Parallel()
	defaults := provision.ReadOptions{Defaults: provision.Item{Trunk: mihu.TrunkCreateRequest{
		TrunkID: mihu.TrunkID{Channel: mihu.ChannelCall}, AgentUUID: desk,
	}}}
	const cut, rest = "phone_number\n+4930123456\n+493012", "3457\n"
	for name, read := range map[string]func(path string) error{
		"Open": func(path string) error {
			source, err := provision.Open(path, defaults)
			if err == nil {
				err = source.Close()
			}
			return err
		},
		"Spool": func(path string) error {
			file, err := os.Open(path)
			if err != nil {
				return err
			}
			source, err := provision.Spool(file, defaults)
			if err == nil {
				err = source.Close()
			}
			assert.NoError(t, file.Close())
			return err
		},
		"ReadNumbers of a column": func(path string) error {
			file, err := os.Open(path)
			if err != nil {
				return err
			}
			_, err = provision.ReadNumbers(file, provision.NumberOptions{Column: "phone_number"})
			assert.NoError(t, file.Close())
			return err
		},
		"ReadNumbers": func(path string) error {
			file, err := os.Open(path)
			if err != nil {
				return err
			}
			if _, err := io.CopyN(io.Discard, file, int64(len("phone_number\n"))); err != nil {
				return err
			}
			_, err = provision.ReadNumbers(file, provision.NumberOptions{})
			assert.NoError(t, file.Close())
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				err := read(growing(t, cut, rest))
				require.ErrorContains(t, err, "the last row has no line end, and the file is still being written")
				synctest.Wait()
				require.NoError(t, read(growing(t, cut+rest, "")), "it has its end")
				time.Sleep(time.Second)
				require.NoError(t, read(growing(t, strings.TrimSuffix(cut+rest, "\n"), "")), "it does not grow")
				time.Sleep(time.Second)
			})
		})
	}
}

// The last row is not yielded if the file has grown by then.
func TestTheLastRowIsHeldBack(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "numbers.csv")
	require.NoError(t, os.WriteFile(path, []byte("phone_number\n+4930123456\n+493012"), 0o600))
	before := time.Now().Add(-time.Minute)
	require.NoError(t, os.Chtimes(path, before, before))
	source, err := provision.Open(path, provision.ReadOptions{Defaults: provision.Item{Trunk: mihu.TrunkCreateRequest{
		TrunkID: mihu.TrunkID{Channel: mihu.ChannelCall}, AgentUUID: desk,
	}}})
	require.NoError(t, err)
	defer func() { assert.NoError(t, source.Close()) }()
	require.Len(t, all(t, source), 2)

	api := newMemory()
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = file.WriteString("3457\n")
	require.NoError(t, err)
	require.NoError(t, file.Close())
	results, err := collect(t, source.Run(t.Context(), api.client(t), provision.Options{}))
	require.ErrorIs(t, err, provision.ErrInputChanged)
	assert.Len(t, results, 1)
	assert.NotContains(t, api.trunks, mihu.TrunkID{PhoneNumber: "+493012", Channel: mihu.ChannelCall})
}
