package provision_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/provision"
)

// A spreadsheet from a carrier. It does not have what is the same for all rows.
func ExampleSpool() {
	input := strings.NewReader("Phone Number;Name\r\n'+1 (202) 555-0142;Front desk\r\n+1 202 555 0143;\"Back; office\"\r\n")
	source, err := provision.Spool(input, provision.ReadOptions{Defaults: provision.Item{Trunk: mihu.TrunkCreateRequest{
		TrunkID:   mihu.TrunkID{Channel: mihu.ChannelCall},
		AgentUUID: "3c90c3cc-0d44-4b50-8888-8dd25736052a",
	}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = source.Close() }()
	for item, err := range source.Items() {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(item.Line, mihu.MaskNumber(item.Trunk.PhoneNumber), item.Trunk.Name)
	}
	// Output:
	// 2 +1202•••0142 Front desk
	// 3 +1202•••0143 Back; office
}

// The export of a carrier, with columns of other names and numbers without a plus.
func ExampleOpenRows() {
	codes, err := provision.ParseCountryCodes("1,49:12-13")
	if err != nil {
		fmt.Println(err)
		return
	}
	rows := &sliceReader{{"MSISDN", "Gateway:Port", "Agent"}, {"12025550142", "sip.example.com:5061", "3c90c3cc-0d44-4b50-8888-8dd25736052a"}}
	source, err := provision.OpenRows(rows, provision.ReadOptions{
		Map:          provision.ColumnMap{"MSISDN": "phone_number", "Gateway:Port": provision.MapGatewayPort},
		CountryCodes: codes,
		Defaults:     provision.Item{Trunk: mihu.TrunkCreateRequest{TrunkID: mihu.TrunkID{Channel: mihu.ChannelCall}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = source.Close() }()
	for item, err := range source.Items() {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(item.Line, mihu.MaskNumber(item.Trunk.PhoneNumber), item.Trunk.SIP.Gateway, item.Trunk.SIP.Port)
	}
	fmt.Println("numbers without a plus, by country code:", source.CountryCodeCounts())
	// Output:
	// 2 +1202•••0142 sip.example.com 5061
	// numbers without a plus, by country code: map[1:1]
}

// sliceReader reads rows from a slice.
type sliceReader [][]string

func (r *sliceReader) ReadRow() (provision.RawRow, error) {
	if len(*r) == 0 {
		return provision.RawRow{}, io.EOF
	}
	row := provision.RawRow{Line: 3 - len(*r)}
	for _, text := range (*r)[0] {
		row.Cells = append(row.Cells, provision.RawCell{Text: text})
	}
	*r = (*r)[1:]
	return row, nil
}

// Numbers alone, of a spreadsheet that was made for something else.
func ExampleReadNumbers() {
	input := strings.NewReader("Customer;Phone Number\r\nAnna;'+1 (202) 555-0142\r\nBert;+1 202 555 0143\r\nAnna;+12025550142\r\n")
	numbers, err := provision.ReadNumbers(input, provision.NumberOptions{Column: "phone number"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, number := range numbers {
		fmt.Println(mihu.MaskNumber(number))
	}
	// Output:
	// +1202•••0142
	// +1202•••0143
}

// Everything that is wrong is reported at once, before anything is sent.
func ExampleInputError() {
	input := strings.NewReader("phone_number,channel,agent_uuid,sip_prot\n" +
		"12025550142,call,3c90c3cc-0d44-4b50-8888-8dd25736052a,5060\n" +
		"1.20256E+10,cal,3c90c3cc-0d44-4b50-8888-8dd25736052a,5060\n")
	_, err := provision.Spool(input, provision.ReadOptions{})
	if invalid, ok := errors.AsType[*provision.InputError](err); ok {
		for _, violation := range invalid.Violations {
			fmt.Println(violation)
		}
	}
	// Output:
	// line 1, column 33: "sip_prot": unknown column; did you mean sip_port? If not, ignore it by name
	// line 2, column 1: phone_number "1202•••0142": missing country code; use +49… or that of the number's country
	// line 3, column 1: phone_number "1.2••••?+10": in scientific notation: a spreadsheet has destroyed the digits; format the column as text and enter the number again
	// line 3, column 13: channel "cal": want "call" or "whatsapp"
}

// Failed items are written to a file that can be corrected and read again.
func ExampleWriter() {
	w := provision.NewWriter(os.Stdout, provision.FormatJSON)
	item := provision.Item{
		Trunk: mihu.TrunkCreateRequest{
			TrunkID:   mihu.TrunkID{PhoneNumber: "+12025550142", Channel: mihu.ChannelCall},
			AgentUUID: "3c90c3cc-0d44-4b50-8888-8dd25736052a",
		},
		Line: 17,
	}
	if err := errors.Join(w.Write(item, "no such agent"), w.Flush()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// {"phone_number":"+12025550142","channel":"call","agent_uuid":"3c90c3cc-0d44-4b50-8888-8dd25736052a","reason":"no such agent","source_line":17}
}
