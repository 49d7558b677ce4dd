package provision

import (
	"strings"
	"testing"
)

// FuzzColumnMap reads a map file and a file with its columns: either all items are valid, or the
// violations can be printed. What is read of a map is the same when its fingerprint is.
func FuzzColumnMap(f *testing.F) {
	const values = "\n+12025550123,call," + fuzzAgent + ",a,b:5060\n"
	f.Add("x = name\n\"Gateway:Port\" = sip_gateway:sip_port", "phone_number,channel,agent_uuid,x,Gateway:Port"+values, "1")
	f.Add("# a\nMSISDN=phone_number\r\na=b=ignore", "MSISDN;channel;agent_uuid;a=b\n49301234567;call;"+fuzzAgent+";x\n", "49:11,1")
	f.Add("Numéro = phone_number", "Numéro\tagent_uuid\tchannel\n", "4")
	f.Fuzz(func(t *testing.T, mapping, text, list string) {
		columns, err := ReadColumnMap(strings.NewReader(mapping), "")
		if err != nil {
			checkViolations(t, mapping, err)
			return
		}
		for name, field := range columns {
			if again, same, err := ParseColumnMapping(`"` + strings.ReplaceAll(name, `"`, `""`) + `"=` + field); err != nil || again != name || same != field {
				t.Fatalf("%q=%q: %q %q %v", name, field, again, same, err)
			}
		}
		codes, err := ParseCountryCodes(list)
		if err != nil {
			codes = nil
		}
		source, err := Spool(strings.NewReader(text), ReadOptions{Map: columns, CountryCodes: codes})
		if err != nil {
			checkViolations(t, text, err)
			return
		}
		for item, err := range source.Items() {
			if err == nil {
				err = item.Trunk.Validate()
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := source.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
