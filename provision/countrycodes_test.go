package provision_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/provision"
)

func codes(t *testing.T, list string) provision.CountryCodes {
	t.Helper()
	parsed, err := provision.ParseCountryCodes(list)
	require.NoError(t, err)
	return parsed
}

// Digits that fit exactly one country code get a plus. Nothing else does.
func TestCountryCodesNormalize(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]struct{ list, number, code, problem string }{
		"12025550123":              {list: "1,49:12-13", number: "+12025550123", code: "1"},
		"4930123456":               {list: "1,49:10-13", number: "+4930123456", code: "49"},
		"49 30 1234-567":           {list: "49:11", number: "+49301234567", code: "49"},
		"'49301234567":             {list: "49:11", number: "+49301234567", code: "49"},
		"1 (202) 555-0123":         {list: "1", number: "+12025550123", code: "1"},
		"tel:491512345678":         {list: "49:12", number: "+491512345678", code: "49"},
		"390612345678":             {list: "39:11-13", number: "+390612345678", code: "39"},
		"+442079460000":            {list: "1", number: "+442079460000"}, // it has its plus
		"79161234567":              {list: "7:11", number: "+79161234567", code: "7"},
		"35312345678":              {list: "353:11", number: "+35312345678", code: "353"},
		"442079460001":             {list: "1,49:12-13", problem: "begins with none of those that are named"},
		"49301234":                 {list: "49:12-13", problem: "has 8 digits and begins with 49, whose numbers have 12 to 13"},
		"493012345":                {list: "49:12", problem: "whose numbers have 12;"},
		"2025550123":               {list: "1,20:12", problem: "ten digits, as a number of country code 1 without its 1"},
		"2025550124":               {list: "20:12", problem: "begins with 20, whose numbers have 12"},
		"2025550125":               {list: "1,20:10-12", problem: "may be a number of country code 20, or one of country code 1 without its 1"},
		"4522345678":               {list: "1,45:10", problem: "may be a number of country code 45, or one of country code 1"},
		"4520123456":               {list: "1,45:10", number: "+4520123456", code: "45"}, // no exchange begins with 0
		"11025550123":              {list: "1", problem: "not a number of country code 1, whose area codes"},
		"12021550123":              {list: "1", problem: "not a number of country code 1"},
		"15112345678":              {list: "1", problem: "not a number of country code 1"}, // 511 is no area code
		"02025550123":              {list: "1,20:12", problem: "missing country code"},
		"0012025550123":            {list: "1", problem: "starts with 00"},
		"4903012345678":            {list: "49:12-13", problem: "has a zero after +49"},
		"49301234567 / 12":         {list: "49:12-14", problem: "slash"},
		"4930 1234-1240":           {list: "49:12", problem: "range"},
		"49301234567.0":            {list: "49:12-13", problem: "a decimal number"},
		"4.930123E+11":             {list: "49:12", problem: "scientific notation"},
		"49301234567 ext 5":        {list: "49:12-13", problem: "extension"},
		"":                         {list: "1", problem: "no digits"},
		strings.Repeat("1", 10000): {list: "1", problem: "too long"},
		"12025550199":              {list: "", problem: "missing country code"},
	} {
		var list provision.CountryCodes
		if want.list != "" {
			list = codes(t, want.list)
		}
		number, code, err := list.Normalize(written)
		if want.problem != "" {
			invalid, ok := err.(*mihu.ValidationError) //nolint:errorlint // it is returned as it is
			require.True(t, ok, written)
			assert.Contains(t, invalid.Violations[0].Problem, want.problem, written)
			assert.NotContains(t, err.Error(), "5550", written)
			assert.Empty(t, number+code)
			continue
		}
		require.NoError(t, err, written)
		assert.Equal(t, []string{want.number, want.code}, []string{number, code}, written)
	}
}

// A German mobile number whose zero a spreadsheet has dropped has the digits of a number in Texas.
// The documentation says so.
func TestNationalNumberThatCannotBeTold(t *testing.T) {
	t.Parallel()
	number, code, err := codes(t, "1,49:12-13").Normalize("15123456789")
	require.NoError(t, err)
	assert.Equal(t, []string{"+15123456789", "1"}, []string{number, code})
}

// A US number without its 1 in an MSISDN column is an error, and not an Egyptian number.
func TestUSNumberWithoutItsOne(t *testing.T) {
	t.Parallel()
	const file = "MSISDN,channel,agent_uuid\n2025550123,call," + desk + "\n"
	for _, list := range []string{"", "1", "1,20:12", "1,20:10-12", "20:11-12"} {
		opts := provision.ReadOptions{Map: provision.ColumnMap{"MSISDN": "phone_number"}}
		if list != "" {
			opts.CountryCodes = codes(t, list)
		}
		_, err := provision.Spool(strings.NewReader(file), opts)
		var input *provision.InputError
		require.ErrorAs(t, err, &input, list)
		assertViolations(t, input.Violations, wanted{2, 1, "phone_number", "20•••23", ""})
	}
}

func TestParseCountryCodes(t *testing.T) {
	t.Parallel()
	for list, problem := range map[string]string{
		"1": "", "1,49:12-13,39:11-13": "", "1 , 49:12": "", "+49:12": "", "353:12": "",
		"":            "empty; want a list",
		"1,":          "empty; want a list",
		"49":          "needs the number of digits",
		"49:":         "has no lengths",
		"49:x":        "has no lengths",
		"49:12-":      "has no lengths",
		"4:12":        "not a country code",
		"999999:12":   "not a country code",
		"493:12":      "not a country code",
		"0:12":        "not a country code",
		"x:12":        "not a country code",
		"1:10":        "have 11 digits",
		"49:13-12":    "want a length",
		"49:2":        "from 3 to 15",
		"49:12-16":    "from 3 to 15",
		"49:12,49:13": "twice",
	} {
		parsed, err := provision.ParseCountryCodes(list)
		if problem != "" {
			require.ErrorContains(t, err, problem, list)
			require.ErrorIs(t, err, mihu.ErrInvalid)
			continue
		}
		require.NoError(t, err, list)
		again, err := provision.ParseCountryCodes(parsed.String())
		require.NoError(t, err)
		assert.Equal(t, parsed, again)
	}
	_, err := provision.Spool(strings.NewReader(""), provision.ReadOptions{CountryCodes: provision.CountryCodes{{Code: "4"}}})
	require.ErrorContains(t, err, "not a country code")
	_, _, err = provision.CountryCodes{{Code: "4"}}.Normalize("+12025550123")
	require.ErrorContains(t, err, "not a country code")
	_, err = provision.ReadNumbers(strings.NewReader(""), provision.NumberOptions{CountryCodes: provision.CountryCodes{{Code: "4"}}})
	require.ErrorContains(t, err, "not a country code")
}

// The summary says how many numbers each country code took.
func TestCountryCodeCounts(t *testing.T) {
	t.Parallel()
	file := "phone_number\n12025550123\n+12025550124\n12025550125\n49301234567\n"
	opts := provision.ReadOptions{CountryCodes: codes(t, "1,49:11,39:12")}
	opts.Defaults.Trunk.Channel, opts.Defaults.Trunk.AgentUUID = mihu.ChannelCall, desk
	source, err := provision.Spool(strings.NewReader(file), opts)
	require.NoError(t, err)
	defer func() { assert.NoError(t, source.Close()) }()
	for range 2 {
		assert.Equal(t, map[string]int{"1": 2, "49": 1}, source.CountryCodeCounts())
		for _, err := range source.Items() {
			require.NoError(t, err)
		}
	}
	counts := map[string]int{}
	numbers, err := provision.ReadNumbers(strings.NewReader("12025550123\n+12025550124\n49301234567\n"), provision.NumberOptions{CountryCodes: codes(t, "1,49:11"), Counts: counts})
	require.NoError(t, err)
	assert.Equal(t, []string{"+12025550123", "+12025550124", "+49301234567"}, numbers)
	assert.Equal(t, map[string]int{"1": 1, "49": 1}, counts)
}
