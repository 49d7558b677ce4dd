package main

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
)

// carrierFile is a file as a carrier or a phone system exports it, with the column Agent that people
// add. Either it is imported, or refused with an error that says what to do.
type carrierFile struct {
	name, content string
	flags         []string
	// want are the trunks: number, name, gateway, port and username. If there are none, problems are
	// parts of the error.
	want     []string
	problems []string
}

func columns(mappings ...string) (flags []string) {
	for _, m := range mappings {
		flags = append(flags, "--map", m)
	}
	return flags
}

func with(flags []string, more ...string) []string { return append(flags, more...) }

// carriers in CSV. Numbers are those that are reserved for examples.
var carriers = []carrierFile{
	{
		name:    "Twilio, incoming numbers",
		content: "Sid,Account Sid,Friendly Name,Phone Number,Voice URL,Agent\nPN1,AC1,Lobby,+12025550123,https://example.com,Sales\n",
		flags:   columns("Friendly Name=name", "Sid=ignore", "Account Sid=ignore", "Voice URL=ignore"),
		want:    []string{"+12025550123 Lobby  0 "},
	},
	{
		name:    "Telnyx, numbers",
		content: "\"Phone Number\",\"Status\",\"Connection Name\",\"Agent\"\n\"+12025550123\",\"active\",\"x\",\"Sales\"\n\"+12025550124\",\"active\",\"\",\"Support\"\n",
		flags:   []string{"--ignore", "status,connection name"},
		want:    []string{"+12025550123   0 ", "+12025550124   0 "},
	},
	{
		name:     "Bandwidth, TNs without the 1",
		content:  "TN,City,Agent\n2025550123,WASHINGTON,Sales\n",
		flags:    with(columns("TN=phone_number", "City=ignore"), "--country-codes", "1,20:12"),
		problems: []string{"DIR/list:2:1: phone_number", "ten digits, as a number of country code 1 without its 1; write it with +"},
	},
	{
		name:    "Vonage, MSISDNs",
		content: "country,msisdn,type,features,Agent\nUS,12025550123,landline,VOICE,Sales\nGB,442079460123,landline,VOICE,Support\n",
		flags:   with(columns("msisdn=phone_number", "country=ignore", "type=ignore", "features=ignore"), "--country-codes", "1,44:12"),
		want:    []string{"+12025550123   0 ", "+442079460123   0 "},
	},
	{
		name:     "Vonage, with a country that is not named",
		content:  "msisdn,Agent\n12025550123,Sales\n33199001234,Support\n",
		flags:    with(columns("msisdn=phone_number"), "--country-codes", "1,44:12"),
		problems: []string{"DIR/list:3:1: phone_number", "begins with none of those that are named; write it with +"},
	},
	{
		name:    "Plivo, rented numbers",
		content: "number,alias,type,monthly_rental_rate,Agent\n12025550123,Front,local,0.80,Sales\n",
		flags:   with(columns("number=phone_number", "alias=name", "type=ignore", "monthly_rental_rate=ignore"), "--country-codes", "1"),
		want:    []string{"+12025550123 Front  0 "},
	},
	{
		name:    "sipgate, with a byte order mark",
		content: "\ufeffRufnummer;Bezeichnung;Agent\r\n+49 30 23125 123;Empfang;Sales\r\n+49 (30) 23125-124;Büro;Support\r\n",
		flags:   columns("Rufnummer=phone_number", "Bezeichnung=name"),
		want:    []string{"+493023125123 Empfang  0 ", "+493023125124 Büro  0 "},
	},
	{
		name:     "Telekom, as numbers are dialed within Germany",
		content:  "Rufnummer;Agent\n030 23125123;Sales\n",
		flags:    with(columns("Rufnummer=phone_number"), "--country-codes", "49:11-13"),
		problems: []string{"DIR/list:2:1: phone_number", "missing country code; use +49…"},
	},
	{
		name:     "Telekom, with 00",
		content:  "Rufnummer;Agent\n0049 30 23125123;Sales\n",
		flags:    with(columns("Rufnummer=phone_number"), "--country-codes", "49:11-13"),
		problems: []string{"starts with 00; use + and the country code"},
	},
	{
		name:     "a German file in Latin-1",
		content:  "Rufnummer;Bezeichnung;Agent\n+49 30 23125 123;B\xfcro;Sales\n",
		flags:    columns("Rufnummer=phone_number", "Bezeichnung=name"),
		problems: []string{"DIR/list:2:19", "not UTF-8 text; save the file as CSV UTF-8"},
	},
	{
		name:    "OVH, in French",
		content: "Numéro;Description;Agent\n+33 1 99 00 12 34;Accueil;Sales\n",
		flags:   columns("Numéro=phone_number", "Description=name"),
		want:    []string{"+33199001234 Accueil  0 "},
	},
	{
		name:     "Orange, as numbers are dialed within France",
		content:  "Numéro SDA;Site;Agent\n01 99 00 12 34;Paris;Sales\n",
		flags:    with(columns("Numéro SDA=phone_number", "Site=name"), "--country-codes", "33:11"),
		problems: []string{"missing country code"},
	},
	{
		name:    "Telefónica, in Spanish",
		content: "Número de teléfono,Descripción,Agente\n34910123456,Recepción,Sales\n",
		flags:   with(columns("Número de teléfono=phone_number", "Descripción=name", "Agente=agent"), "--country-codes", "34:11"),
		want:    []string{"+34910123456 Recepción  0 "},
	},
	{
		name:    "TIM, in Italian, whose numbers keep their zero",
		content: "Numero;Descrizione;Agent\n390655501234;Sede;Sales\n",
		flags:   with(columns("Numero=phone_number", "Descrizione=name"), "--country-codes", "39:11-13"),
		want:    []string{"+390655501234 Sede  0 "},
	},
	{
		name:    "Vivo, in Portuguese",
		content: "Número;Nome;Agente\n551155501234;Recepção;Sales\n5511955501234;Plantão;Support\n",
		flags:   with(columns("Número=phone_number", "Nome=name", "Agente=agent"), "--country-codes", "55:12-13"),
		want:    []string{"+551155501234 Recepção  0 ", "+5511955501234 Plantão  0 "},
	},
	{
		name:     "KPN, with a zero in parentheses",
		content:  "Telefoonnummer;Omschrijving;Agent\n+31 (0)20 555 0123;Balie;Sales\n",
		flags:    columns("Telefoonnummer=phone_number", "Omschrijving=name"),
		problems: []string{"has a zero in parentheses, which is not dialed everywhere"},
	},
	{
		name:     "Orange Polska, in UTF-16",
		content:  "\xff\xfe" + utf16le("Numer;Opis;Agent\r\n+48225550123;Biuro;Sales\r\n"),
		flags:    columns("Numer=phone_number", "Opis=name"),
		problems: []string{"UTF-16 text; save the file as CSV UTF-8"},
	},
	{
		name:    "NTT, in Japanese",
		content: "電話番号,名称,Agent\n+81-3-5550-1234,受付,Sales\n",
		flags:   columns("電話番号=phone_number", "名称=name"),
		want:    []string{"+81355501234 受付  0 "},
	},
	{
		name:    "MTS, in Russian",
		content: "Номер;Описание;Agent\n74955550123;Офис;Sales\n",
		flags:   with(columns("Номер=phone_number", "Описание=name"), "--country-codes", "7:11"),
		want:    []string{"+74955550123 Офис  0 "},
	},
	{
		name:    "FreePBX, inbound routes, whose number is the extension",
		content: "cidnum,extension,destination,description,Agent\n,12025550123,\"from-did-direct,100,1\",Lobby,Sales\n",
		flags:   with(columns("extension=phone_number", "description=name", "cidnum=ignore", "destination=ignore"), "--country-codes", "1"),
		want:    []string{"+12025550123 Lobby  0 "},
	},
	{
		name:     "FreePBX, without the 1",
		content:  "cidnum,extension,description,Agent\n,2025550123,Lobby,Sales\n",
		flags:    columns("extension=phone_number", "description=name", "cidnum=ignore"),
		problems: []string{"missing country code; use +49… or that of the number's country"},
	},
	{
		name:    "3CX, DIDs with their gateway",
		content: "DID;Name;Host:Port;Auth ID;Agent\n+12025550123;Main;sip.example.com:5061;trunk-1;Sales\n+12025550124;Fax;[2001:db8::1]:5060;;Support\n",
		flags:   columns("DID=phone_number", "Host:Port=sip_gateway:sip_port", "Auth ID=sip_username"),
		want:    []string{"+12025550123 Main sip.example.com 5061 trunk-1", "+12025550124 Fax [2001:db8::1] 5060 "},
	},
	{
		name:     "3CX, with an IPv6 address without brackets",
		content:  "DID;Host:Port;Agent\n+12025550123;2001:db8::1;Sales\n",
		flags:    columns("DID=phone_number", "Host:Port=sip_gateway:sip_port"),
		problems: []string{"DIR/list:2:14: sip_gateway:sip_port", "write an IPv6 address in brackets"},
	},
	{
		name: "FusionPBX, destinations",
		content: "destination_type,destination_number,destination_context,destination_description,destination_enabled,Agent\n" +
			"inbound,12025550123,public,Lobby,true,Sales\n",
		flags: with(columns("destination_number=phone_number", "destination_description=name", "destination_type=ignore", "destination_context=ignore",
			"destination_enabled=ignore"), "--country-codes", "1"),
		want: []string{"+12025550123 Lobby  0 "},
	},
	{
		name:    "Teams, phone number assignments",
		content: "\"TelephoneNumber\",\"NumberType\",\"ActivationState\",\"City\",\"Agent\"\r\n\"+12025550123\",\"DirectRouting\",\"Activated\",\"\",\"Sales\"\r\n",
		flags:   columns("TelephoneNumber=phone_number", "NumberType=ignore", "ActivationState=ignore", "City=ignore"),
		want:    []string{"+12025550123   0 "},
	},
	{
		name:     "Teams, with the line that PowerShell writes first",
		content:  "#TYPE Selected.PSCustomObject\r\n\"TelephoneNumber\",\"Agent\"\r\n\"+12025550123\",\"Sales\"\r\n",
		flags:    columns("TelephoneNumber=phone_number"),
		problems: []string{"DIR/list:1:1: the first row must name the columns, such as phone_number,agent_uuid\n"},
	},
	{
		name:    "Teams, line URIs",
		content: "UserPrincipalName,LineURI,Agent\na@example.com,tel:+12025550123,Sales\n",
		flags:   columns("LineURI=phone_number", "UserPrincipalName=ignore"),
		want:    []string{"+12025550123   0 "},
	},
	{
		name:     "Teams, line URIs with an extension",
		content:  "UserPrincipalName,LineURI,Agent\na@example.com,tel:+12025550123;ext=100,Sales\n",
		flags:    columns("LineURI=phone_number", "UserPrincipalName=ignore"),
		problems: []string{"has an extension or a second number; write one complete number"},
	},
	{
		name:     "Zoom, as numbers are dialed within the US",
		content:  "Number,Number Type,Assigned To,Agent\n(202) 555-0123,Toll,x,Sales\n",
		flags:    with(columns("Number=phone_number", "Number Type=ignore", "Assigned To=ignore"), "--country-codes", "1"),
		problems: []string{"country code 1 without its 1"},
	},
	{
		name:    "RingCentral, with a line for the spreadsheet",
		content: "sep=;\r\nPhone Number;Label;Agent\r\n+1 (202) 555-0123;Main;Sales\r\n",
		flags:   columns("Label=name"),
		want:    []string{"+12025550123 Main  0 "},
	},
	{
		name:     "Cisco, with an escaped plus",
		content:  "Line 1 number,Agent\n\\+12025550123,Sales\n",
		flags:    columns("Line 1 number=phone_number"),
		problems: []string{"has a character that does not belong in a number"},
	},
	{
		name:     "saved by a spreadsheet that destroyed the digits",
		content:  "MSISDN;Agent\n1,20256E+10;Sales\n",
		flags:    with(columns("MSISDN=phone_number"), "--country-codes", "1"),
		problems: []string{"in scientific notation: a spreadsheet has destroyed the digits; format the column as text"},
	},
	{
		name:    "with tabs and the line ends of old Macs",
		content: "MSISDN\tLabel\tAgent\r12025550123\tA\tSales\r12025550124\tB\tSupport\r",
		flags:   with(columns("MSISDN=phone_number", "Label=name"), "--country-codes", "1"),
		want:    []string{"+12025550123 A  0 ", "+12025550124 B  0 "},
	},
	{
		name:     "a range in one cell",
		content:  "Range;Agent\n+49 30 23125 100 - 199;Sales\n",
		flags:    columns("Range=phone_number"),
		problems: []string{"as in a range; write one complete number"},
	},
	{
		name:     "two numbers in one cell",
		content:  "DIDs;Agent\n\"+493023125100, +493023125101\";Sales\n",
		flags:    columns("DIDs=phone_number"),
		problems: []string{"has an extension or a second number"},
	},
	{
		name:     "columns that nobody knows",
		content:  "Leitung;Inhaber\n+493023125100;x\n",
		problems: []string{`the first row must name the columns`, `it has "Leitung", "Inhaber"`, "add --map COLUMN=FIELD; to ignore it: --map Leitung=ignore --map Inhaber=ignore"},
	},
}

func utf16le(s string) string {
	var out []byte
	for _, unit := range utf16.Encode([]rune(s)) {
		out = binary.LittleEndian.AppendUint16(out, unit)
	}
	return string(out)
}

// workbookOf returns a workbook with the cells of a sheet, changed by edit.
func workbookOf(t *testing.T, edit func(*excelize.File), table ...[]any) string {
	t.Helper()
	book := excelize.NewFile()
	defer func() { require.NoError(t, book.Close()) }()
	for i, row := range table {
		require.NoError(t, book.SetSheetRow("Sheet1", fmt.Sprintf("A%d", i+1), &row))
	}
	if edit != nil {
		edit(book)
	}
	out, err := book.WriteToBuffer()
	require.NoError(t, err)
	return out.String()
}

// workbooks are carriers in XLSX.
func workbooks(t *testing.T) []carrierFile {
	t.Helper()
	header, row := []any{"MSISDN", "Label", "Agent"}, []any{12025550123, "Lobby", "Sales"}
	flags := with(columns("MSISDN=phone_number", "Label=name"), "--country-codes", "1")
	second := func(b *excelize.File) {
		_, err := b.NewSheet("Old list")
		require.NoError(t, err)
		require.NoError(t, b.SetSheetRow("Old list", "A1", &header))
		require.NoError(t, b.SetSheetRow("Old list", "A2", &[]any{12025550124, "Old", "Sales"}))
	}
	set := func(cell string, value any) func(*excelize.File) {
		return func(b *excelize.File) { require.NoError(t, b.SetCellValue("Sheet1", cell, value)) }
	}
	locked, err := excelize.Encrypt([]byte(workbookOf(t, nil, header, row)), &excelize.Options{Password: secretPassword})
	require.NoError(t, err)
	return []carrierFile{
		{name: "MSISDNs as numbers", content: workbookOf(t, nil, header, row), flags: flags, want: []string{"+12025550123 Lobby  0 "}},
		{
			name: "a date in a column that is ignored", content: workbookOf(t, nil, append(header[:2:2], "Agent", "Since"), append(row[:3:3], time.Now())),
			flags: with(flags[:len(flags):len(flags)], "--map", "Since=ignore"), want: []string{"+12025550123 Lobby  0 "},
		},
		{
			name: "a date in a column that is read", content: workbookOf(t, set("B2", time.Now()), header, row), flags: flags,
			problems: []string{"Sheet1!B2: name: a date or a time; format the cell as text"},
		},
		{
			name: "a decimal number", content: workbookOf(t, set("A2", 12025550123.5), header, row), flags: flags,
			problems: []string{"Sheet1!A2: phone_number: a decimal number; format the cell as text"},
		},
		{
			name: "a formula without a value", flags: flags, problems: []string{"Sheet1!B2: name: a formula without a value; open the workbook"},
			content: workbookOf(t, func(b *excelize.File) { require.NoError(t, b.SetCellFormula("Sheet1", "B2", "=A1")) }, header, append(row[:1:1], nil, "Sales")),
		},
		{
			name: "two sheets", content: workbookOf(t, second, header, row), flags: flags,
			problems: []string{"several sheets of the workbook have rows", "name one of them: --sheet Sheet1, --sheet 'Old list'"},
		},
		{
			name: "two sheets, one named", content: workbookOf(t, second, header, row), flags: with(flags[:len(flags):len(flags)], "--sheet", "Old list"),
			want: []string{"+12025550124 Old  0 "},
		},
		{name: "encrypted", content: string(locked), flags: flags, problems: []string{"encrypted, or in the older format .xls; save it as .xlsx"}},
		{
			name: "a title above the header", content: workbookOf(t, nil, []any{"DIDs of Example Inc."}, header, row), flags: flags,
			problems: []string{"DIR/list: Sheet1!A1: the first row must name the columns, such as phone_number,agent_uuid\n"},
		},
		{
			name: "hidden rows", flags: flags, want: []string{"+12025550123 Lobby  0 "},
			content: workbookOf(t, func(b *excelize.File) {
				require.NoError(t, b.SetRowVisible("Sheet1", 2, false))
				require.NoError(t, b.SetColVisible("Sheet1", "B:D", false))
			}, header, row),
		},
	}
}

// TestCarriers imports files as carriers and phone systems export them, or refuses them with an error
// that says what to do.
func TestCarriers(t *testing.T) {
	t.Parallel()
	all := carriers
	for _, file := range workbooks(t) {
		file.name = "workbook, " + file.name
		all = append(all, file)
	}
	require.GreaterOrEqual(t, len(all), 40)
	for _, file := range all {
		t.Run(file.name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.named("Sales", "Support")
			f.file("list", file.content)
			args := with([]string{"import", "DIR/list", "--channel", "call", "--yes"}, file.flags...)
			if len(file.want) == 0 {
				got := f.run(args...)
				require.Contains(t, []int{exitInput, exitUsage}, got.code, got.stderr)
				require.Empty(t, f.Trunks())
				for _, problem := range file.problems {
					require.Contains(t, f.anywhere(got.stderr), problem)
				}
				return
			}
			got := f.run(args...)
			require.Equal(t, exitDone, got.code, got.stderr)
			var trunks []string
			for _, trunk := range f.Trunks() {
				name := trunk.Name
				if strings.HasPrefix(name, "call_trunk_") {
					name = "" // the default
				}
				trunks = append(trunks, fmt.Sprintf("%s %s %s %d %s", trunk.ID.PhoneNumber, name, trunk.SIP.Gateway, trunk.SIP.Port, trunk.SIP.Username))
			}
			require.ElementsMatch(t, file.want, trunks)
			require.Equal(t, strings.Contains(file.name, "hidden"), strings.Contains(got.stderr, "sheet Sheet1: hidden columns are read too: B, C\n"), got.stderr)
			require.Equal(t, strings.Contains(file.name, "hidden"), strings.Contains(got.stderr, "sheet Sheet1: hidden rows are read too: 2"), got.stderr)
		})
	}
}

// TestMapAdvice: the error of unknown columns has the flags that would map them, and with
// these flags it is imported.
func TestMapAdvice(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.named("Sales")
	f.file("list", "MSISDN;Agent;Gateway:Port;Kunden-Nr\n12025550123;Sales;sip.example.com:5061;\n")
	args := []string{"import", "DIR/list", "--channel", "call", "--yes"}
	got := f.run(args...)
	require.Equal(t, exitInput, got.code)
	require.Contains(t, got.stderr, `"MSISDN": unknown column; did you mean phone_number? If not, ignore it by name; if so, map it: MSISDN=phone_number`)
	require.Contains(t, got.stderr, "add: --map MSISDN=phone_number --map Gateway:Port=sip_gateway:sip_port\n")
	require.Contains(t, got.stderr, "to ignore it: --map Kunden-Nr=ignore\n")
	require.Empty(t, f.Trunks())

	args = append(args, columns("MSISDN=phone_number", "Gateway:Port=sip_gateway:sip_port", "Kunden-Nr=ignore")...)
	require.Contains(t, f.run(args...).stderr, "missing country code")
	got = f.run(append(args, "--country-codes", "1,49:12-13")...)
	require.Equal(t, exitDone, got.code, got.stderr)
	require.Contains(t, got.stderr, "numbers without +: 1 of country code 1, 0 of country code 49\n")
	require.Equal(t, 5061, f.Trunks()[0].SIP.Port)
}

// TestFileFlags: a map file is read, --map takes precedence over it, and what is wrong with a flag is a
// usage error that shows it.
func TestFileFlags(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.named("Sales")
	f.file("list", "MSISDN;Agent;Label\n+12025550123;Sales;x\n")
	f.file("carrier.map", "# a carrier\nMSISDN = phone_number\nLabel = ignore\n")
	f.file("wrong.map", "MSISDN = phone\n")
	args := []string{"import", "DIR/list", "--channel", "call", "--dry-run"}
	got := f.run(append(args, "--map-file", "DIR/carrier.map", "--map", "Label=name", "-o", "csv")...)
	require.Equal(t, exitDone, got.code, got.stderr)
	require.Contains(t, got.stdout, "name")
	for flags, want := range map[string]string{
		"--map Label":                       `--map: "Label": has no equal sign`,
		"--map Label=nme":                   `--map: "Label=nme": has an unknown field; known are phone_number`,
		"--map-file DIR/none":               "--map-file: open DIR/none",
		"--map-file DIR/wrong.map":          "DIR/wrong.map:1:1: \"MSISDN = phone\": has an unknown field",
		"--country-codes 49":                `--country-codes: "49": needs the number of digits`,
		"--sheet A":                         "--sheet: DIR/list is not a workbook",
		"--format xlsx":                     "--format xlsx: DIR/list is not a workbook",
		"--format xls":                      "--format: want csv, jsonl or xlsx",
		"--map-file DIR/c --journal DIR/c":  "--journal: DIR/c is the --map-file",
		"--map label=name --map LABEL=name": "has this column twice",
	} {
		got := f.run(append(args, strings.Fields(flags)...)...)
		require.Contains(t, []int{exitUsage, exitInput}, got.code, flags)
		require.Contains(t, f.anywhere(got.stderr), want, flags)
	}
	require.Contains(t, f.runWith("a=name\n", "import", "-", "--map-file", "-", "--dry-run").stderr, "--map-file and import - cannot both read standard input")
	require.Contains(t, f.run("rotate", "--file", "DIR/p", "--map", "a=name", number(1)).stderr, "need --from")
	require.Contains(t, f.run("rotate", "--file", "DIR/p", "--from", "DIR/list", "--column", "Label", "--map", "a=name").stderr, "--column and a map cannot be combined")
}

// TestWorkbookFromStdin: a workbook can be standard input, and name agents, for which it is read twice.
func TestWorkbookFromStdin(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.named("Sales")
	book := workbookOf(t, func(b *excelize.File) {
		empty, err := b.NewSheet("Empty")
		require.NoError(t, err)
		b.SetActiveSheet(empty)
		require.NoError(t, b.SetSheetVisible("Sheet1", false))
	}, []any{"phone_number", "channel", "agent"}, []any{number(1), "call", "Sales"})
	got := f.runWith(book, "import", "-", "--journal", "DIR/journal", "--yes")
	require.Equal(t, exitDone, got.code, got.stderr)
	require.Len(t, f.Trunks(), 1)
	require.Equal(t, 1, strings.Count(got.stderr, "sheet Sheet1 is hidden, and is read"), got.stderr)
	require.Contains(t, f.runWith(book, "import", "-", "--format", "csv", "--dry-run").stderr, "--format csv: standard input is a workbook")
	require.Contains(t, f.runWith(book, "import", "-", "--sheet", "x", "--dry-run").stderr, "standard input: the workbook has no sheet \"x\"")

	// A list for a rotation may be a workbook too.
	args := []string{"rotate", "--file", "DIR/passwords", "--from", "-", "--yes"}
	require.Equal(t, exitDone, f.runWith(book, args...).code)
	book = workbookOf(t, nil, []any{"MSISDN", "since"}, []any{12025550001, time.Now()})
	got = f.runWith(book, append(args, "--map", "MSISDN=phone_number", "--country-codes", "1")...)
	require.Equal(t, exitDone, got.code, got.stderr)
	require.Contains(t, got.stderr, "numbers without +: 1 of country code 1")
	got = f.runWith(book, append(args, "--column", "since")...)
	require.Contains(t, got.stderr, "standard input: Sheet1!B2: since: a date or a time")
}

// TestSyncCarrier: a sync reads a carrier's file too. The same cells as a workbook and as CSV are the
// same plan, and an empty cell of gateway and port clears both.
func TestSyncCarrier(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.named("Sales", "Desk")
	flags := with(columns("MSISDN=phone_number", "Gateway:Port=sip_gateway:sip_port"), "--country-codes", "1", "--channel", "call", "--yes")
	header := []any{"MSISDN", "Agent", "Gateway:Port"}
	f.file("list.xlsx", workbookOf(t, nil, header, []any{12025550123, "Sales", "sip.example.com:5061"}))
	got := f.kept(with([]string{"sync", "DIR/list.xlsx"}, flags...)...)
	require.Equal(t, exitDone, got.code, got.stderr)
	require.Equal(t, 1, strings.Count(got.stderr, "numbers without +: 1 of country code 1\n"), got.stderr)
	require.Equal(t, 5061, f.Trunks()[0].SIP.Port)

	f.ResetRequests()
	f.file("list.csv", "MSISDN;Agent;Gateway:Port\n12025550123;Sales;sip.example.com:5061\n")
	got = f.kept(with([]string{"sync", "DIR/list.csv"}, flags...)...)
	require.Equal(t, exitDone, got.code, got.stderr)
	f.requireReadsOnly()

	f.file("list.xlsx", workbookOf(t, nil, header, []any{12025550123, "Sales", nil}, []any{12025550124, "Desk", "sip.example.com:5061"}))
	got = f.kept(with([]string{"sync", "DIR/list.xlsx"}, flags...)...)
	require.Equal(t, exitDone, got.code, got.stderr)
	require.Empty(t, f.Trunks()[0].SIP.Gateway)
	require.Zero(t, f.Trunks()[0].SIP.Port)
}
