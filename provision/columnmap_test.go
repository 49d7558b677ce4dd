package provision_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/provision"
)

func spoolMapped(t *testing.T, file string, opts provision.ReadOptions) ([]provision.Item, *provision.InputError) {
	t.Helper()
	source, err := provision.Spool(strings.NewReader(file), opts)
	if err != nil {
		var input *provision.InputError
		require.ErrorAs(t, err, &input)
		return nil, input
	}
	defer func() { assert.NoError(t, source.Close()) }()
	var items []provision.Item
	for item, err := range source.Items() {
		require.NoError(t, err)
		items = append(items, item)
	}
	return items, nil
}

// A map reads the columns of any file. It takes precedence over the names of fields.
func TestColumnMap(t *testing.T) {
	t.Parallel()
	file := "Rufnummer;Kanal;Agent UUID;Name;Gateway:Port;Kunde\n" +
		"+49 30 1234567;Call;" + desk + ";Empfang;[2001:db8::1]:5061;\"x\"\"y\"\n"
	items, input := spoolMapped(t, file, provision.ReadOptions{Map: provision.ColumnMap{
		"RUFNUMMER": "phone_number", "Kanal": "channel", "Name": "sip.username", "Gateway:Port": provision.MapGatewayPort, "Kunde": provision.MapIgnore,
	}})
	require.Nil(t, input)
	require.Len(t, items, 1)
	assert.Equal(t, mihu.TrunkCreateRequest{
		TrunkID: mihu.TrunkID{PhoneNumber: "+49301234567", Channel: mihu.ChannelCall}, AgentUUID: desk,
		SIP: &mihu.SIPCredentials{Gateway: "[2001:db8::1]", Port: 5061, Username: "Empfang"},
	}, items[0].Trunk)
}

// What is wrong with a map, or does not fit the file, is an error that says where.
func TestColumnMapViolations(t *testing.T) {
	t.Parallel()
	const row = "\n+12025550123,call," + desk + ",\n"
	for name, test := range map[string]struct {
		file    string
		columns provision.ColumnMap
		want    []wanted
	}{
		"a column that is not there": {
			"phone_number,channel,agent_uuid,x" + row,
			provision.ColumnMap{"Rufnummer": "name", "x": "ignore"},
			[]wanted{{1, 1, "", "rufnummer", "the map has this column, and the file does not"}},
		},
		"two columns for a field": {
			"phone_number,channel,agent_uuid,Rufnummer" + row,
			provision.ColumnMap{"Rufnummer": "phone_number"},
			[]wanted{{1, 33, "phone_number", "", "holds the same field as column number 1"}},
		},
		"JSON lines": {`{"phone_number":"x"}`, provision.ColumnMap{"x": "name"}, []wanted{{1, 1, "", "", "JSON lines, whose keys cannot be mapped"}}},
		"a value that is wrong": {
			"Ruf,channel,agent_uuid,x\n+1202,call," + desk + ",\n",
			provision.ColumnMap{"Ruf": "phone_number", "x": "name"},
			[]wanted{{2, 1, "phone_number", "+1202", "want exactly 10 digits"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, input := spoolMapped(t, test.file, provision.ReadOptions{Map: test.columns})
			require.NotNil(t, input)
			if test.want[0].value == "+1202" {
				test.want[0].value = input.Violations[0].Value
			}
			assertViolations(t, input.Violations, test.want...)
		})
	}
	for problem, columns := range map[string]provision.ColumnMap{
		"has an unknown field; known are phone_number": {"x": "phonenumber"},
		"without a name":        {" ": "name"},
		"has this column twice": {"My Name": "name", "my_name": "agent"},
		"that is ignored too":   {"Y": "name"},
	} {
		_, err := provision.Spool(strings.NewReader(""), provision.ReadOptions{Map: columns, Ignore: []string{"y"}})
		require.ErrorContains(t, err, problem)
		require.ErrorIs(t, err, mihu.ErrInvalid)
	}
}

// The error of unknown columns has what was seen, what is known, and what exact synonyms are.
// Nothing is mapped by itself, and a row of values is not shown.
func TestUnknownColumns(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		file    string
		want    []wanted
		unknown []provision.UnknownColumn
	}{
		"some": {
			"MSISDN;channel;Agent;Gateway:Port;Numéro;Kunde\n",
			[]wanted{
				{1, 1, "", "MSISDN", "did you mean phone_number? If not, ignore it by name; if so, map it: MSISDN=phone_number"},
				{1, 1, "phone_number", "", "required column is missing"},
				{1, 22, "", "Gateway:Port", "map it: Gateway:Port=sip_gateway:sip_port"},
				{1, 35, "", "Numéro", "map it: Numéro=phone_number"},
				{1, 42, "", "Kunde", "unknown column; known are phone_number"},
			},
			[]provision.UnknownColumn{{Name: "MSISDN", Field: "phone_number"}, {Name: "Gateway:Port", Field: provision.MapGatewayPort}, {Name: "Numéro", Field: "phone_number"}, {Name: "Kunde"}},
		},
		"all": {
			"Rufnummer\tZiel\n+49301234567\tx\n",
			[]wanted{{1, 1, "", "", `the first row must name the columns, such as phone_number,channel,agent_uuid; it has "Rufnummer", "Ziel", and known are phone_number, channel,`}},
			[]provision.UnknownColumn{{Name: "Rufnummer", Field: "phone_number"}, {Name: "Ziel"}},
		},
		"nearly a synonym": {
			"Rufnummern;x\n", []wanted{{1, 1, "", "", `"Rufnummern", "x"`}}, []provision.UnknownColumn{{Name: "Rufnummern"}, {Name: "x"}},
		},
		"values":                       {"+12025550123,planted-password\n", []wanted{{1, 1, "", "", "the first row must name the columns"}}, nil},
		"a synonym in a row of values": {"server,+12025550123,planted-password\n", []wanted{{1, 1, "", "", "the first row must name the columns"}}, nil},
		"one word":                     {"planted\n", []wanted{{1, 1, "", "", "the first row must name the columns"}}, nil},
		"words and a password":         {"Leitung,Inhaber,planted!\n", []wanted{{1, 1, "", "", "the first row must name the columns"}}, nil},
		"an address":                   {"a@example.com,planted-password\n", []wanted{{1, 1, "", "", "the first row must name the columns"}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, input := spoolMapped(t, test.file, provision.ReadOptions{})
			require.NotNil(t, input)
			assertViolations(t, input.Violations, test.want...)
			assert.Equal(t, test.unknown, input.UnknownColumns)
			assert.NotContains(t, input.Error(), "planted")
		})
	}
}

// One cell may hold host and port.
func TestGatewayAndPort(t *testing.T) {
	t.Parallel()
	for cell, want := range map[string]struct {
		port, gateway string
		number        int
		problem       string
	}{
		"sip.example.com:5061":     {gateway: "sip.example.com", number: 5061},
		"sip.example.com : 5061":   {gateway: "sip.example.com", number: 5061},
		"sip.example.com":          {gateway: "sip.example.com"},
		"192.0.2.1:5060":           {gateway: "192.0.2.1", number: 5060},
		"[2001:db8::1]:5061":       {gateway: "[2001:db8::1]", number: 5061},
		"[2001:db8::1]":            {gateway: "[2001:db8::1]"},
		"2001:db8::1":              {problem: "write an IPv6 address in brackets"},
		"sip:sip.example.com:5060": {problem: "no scheme such as sip:"},
		"[2001:db8::1":             {problem: "not closed"},
		"[2001:db8::1]5060":        {problem: "something other than a port"},
		"[2001:db8::1]:":           {problem: "no port behind the colon"},
		"sip.example.com:":         {problem: "no port behind the colon"},
		":5060":                    {problem: "no host before the colon"},
		"sip.example.com:70000":    {problem: "not a port"},
		"sip.example.com:x":        {problem: "not a port"},
		"sip:example.com":          {problem: "not a port"},
		"a b:5060":                 {problem: "not a host name"},
		"two.example.com:5061":     {port: "5062", problem: "does not agree with the column that holds sip.port"},
		"three.example.com:5061":   {port: "5061", gateway: "three.example.com", number: 5061},
		"four.example.com":         {port: "5062", gateway: "four.example.com", number: 5062},
		"":                         {port: "", gateway: ""},
	} {
		file := "phone_number,channel,agent_uuid,Host,sip_port\n+12025550123,call," + desk + "," + cell + "," + want.port + "\n"
		items, input := spoolMapped(t, file, provision.ReadOptions{Map: provision.ColumnMap{"Host": provision.MapGatewayPort}})
		if want.problem != "" {
			require.NotNil(t, input, cell)
			require.Len(t, input.Violations, 1, cell)
			assert.Equal(t, [2]int{2, 56}, [2]int{input.Violations[0].Line, input.Violations[0].Column}, cell)
			assert.Contains(t, input.Violations[0].Problem, want.problem, cell)
			continue
		}
		require.Nil(t, input, cell)
		sip := mihu.SIPCredentials{}
		if items[0].Trunk.SIP != nil {
			sip = *items[0].Trunk.SIP
		}
		assert.Equal(t, mihu.SIPCredentials{Gateway: want.gateway, Port: want.number}, sip, cell)
	}
}

// A map file has a mapping a line, and comments.
func TestReadColumnMap(t *testing.T) {
	t.Parallel()
	columns, err := provision.ReadColumnMap(strings.NewReader("\ufeff# a carrier\r\n\r\nRufnummer = phone_number\rGateway:Port=sip_gateway:sip_port\n"+
		"\"# \"\"DID\"\"\" = ignore\n a=b = SIP Port \n"), "")
	require.NoError(t, err)
	assert.Equal(t, provision.ColumnMap{
		"Rufnummer": "phone_number", "Gateway:Port": provision.MapGatewayPort, `# "DID"`: "ignore", "a=b": "sip_port",
	}, columns)

	for file, want := range map[string][]wanted{
		"":                        {{1, 1, "", "", "has no columns"}},
		"# nothing\n":             {{1, 1, "", "", "has no columns"}},
		"\xff\xfea\x00":           {{1, 1, "", "", "UTF-16"}},
		"a\n=name\nb=nme\n":       {{1, 1, "", "a", "no equal sign"}, {2, 1, "", "=name", "no name of a column"}, {3, 1, "", "b=nme", "unknown field; known are"}},
		"a b=name\nA_B = agent\n": {{2, 1, "", "A_B = agent", "has the column of line 1 again"}},
	} {
		_, err := provision.ReadColumnMap(strings.NewReader(file), "carrier.map")
		var input *provision.InputError
		require.ErrorAs(t, err, &input, file)
		assert.Equal(t, "carrier.map", input.Name)
		assertViolations(t, input.Violations, want...)
	}
	_, _, err = provision.ParseColumnMapping("x")
	require.ErrorIs(t, err, mihu.ErrInvalid)
	_, err = provision.ReadColumnMap(nil, "")
	require.Error(t, err)
}

// The map and the country codes decide what the items are, so they are a part of the fingerprint.
func TestFingerprintOfMaps(t *testing.T) {
	t.Parallel()
	const file = "phone_number,channel,agent_uuid,name,label\n+12025550123,call," + desk + ",a,b\n"
	seen := map[string]string{}
	for name, opts := range map[string]provision.ReadOptions{
		"none":    {Ignore: []string{"label"}},
		"map":     {Map: provision.ColumnMap{"label": "name", "name": "ignore"}},
		"ignored": {Map: provision.ColumnMap{"label": "ignore"}},
		"codes":   {Ignore: []string{"label"}, CountryCodes: codes(t, "1")},
		"codes 2": {Ignore: []string{"label"}, CountryCodes: codes(t, "49:12")},
	} {
		source, err := provision.Spool(strings.NewReader(file), opts)
		require.NoError(t, err)
		assert.Empty(t, seen[source.Fingerprint()], name)
		seen[source.Fingerprint()] = name
		require.NoError(t, source.Close())
	}
	again, err := provision.Spool(strings.NewReader(file), provision.ReadOptions{Map: provision.ColumnMap{"LABEL": "Name", "name": "ignore"}})
	require.NoError(t, err)
	assert.Equal(t, "map", seen[again.Fingerprint()])
	require.NoError(t, again.Close())
}
