package provision_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/provision"
)

// A callback can make a field of several columns, and refuse rows, with the places of their cells.
func TestEditRow(t *testing.T) {
	t.Parallel()
	file := "CC,Number,State,channel,agent_uuid\n" +
		"1,2025550123,active,," + desk + "\n49,301234567,ported,call," + desk + "\n1,202555012,active,call," + desk + "\n"
	opts := provision.ReadOptions{
		Map: provision.ColumnMap{"cc": "ignore", "number": "ignore", "state": "ignore"},
		EditRow: func(row *provision.Row) {
			row.SetField("phone_number", "+"+row.Column("CC")+row.Column("number"))
			if row.Field("channel") == "" {
				row.SetField("channel", "call")
			}
			switch {
			case row.Column("State") != "active":
				row.Refuse("State", "not active; remove the row, or wait for "+row.Column("Number"))
			case row.Column("nothing") != "" || row.Field("nothing") != "" || row.Line() < 2:
				row.Refuse("", "never")
			}
		},
	}
	_, input := spoolMapped(t, file, opts)
	require.NotNil(t, input)
	assertViolations(t, input.Violations,
		wanted{3, 14, "", "", "not active; remove the row, or wait for 30•••67"}, wanted{4, 1, "phone_number", "+12••••••12", "want exactly 10 digits"})

	items, input := spoolMapped(t, strings.Join(strings.SplitAfter(file, "\n")[:2], ""), opts)
	require.Nil(t, input)
	assert.Equal(t, mihu.TrunkID{PhoneNumber: "+12025550123", Channel: mihu.ChannelCall}, items[0].Trunk.TrunkID)
}

// What the callback does to fields that are not there, or wrong, is a violation like those of a file.
func TestEditRowViolations(t *testing.T) {
	t.Parallel()
	const file = "phone_number,channel,agent_uuid\n+12025550123,call," + desk + "\n"
	for name, test := range map[string]struct {
		edit func(*provision.Row)
		want wanted
	}{
		"an unknown field": {func(r *provision.Row) { r.SetField("phonenumber", "x") }, wanted{2, 1, "", "", "sets a field that is not known"}},
		"nothing left":     {func(r *provision.Row) { r.SetField("channel", "") }, wanted{2, 14, "channel", "", "empty"}},
		"a refused field":  {func(r *provision.Row) { r.Refuse("agent_uuid", "no\nline") }, wanted{2, 19, "agent_uuid", "", "no line"}},
		"a refused row":    {func(r *provision.Row) { r.Refuse("", "no") }, wanted{2, 1, "", "", "no"}},
		"a new field":      {func(r *provision.Row) { r.SetField("sip.port", "x") }, wanted{2, 1, "sip_port", "", "not a port"}},
	} {
		_, input := spoolMapped(t, file, provision.ReadOptions{EditRow: test.edit})
		require.NotNil(t, input, name)
		assertViolations(t, input.Violations, test.want)
	}
	items, input := spoolMapped(t, `{"phone_number":"+12025550123","agent_uuid":"`+desk+`","sip":{"port":5060}}`, provision.ReadOptions{EditRow: func(r *provision.Row) {
		r.SetField("channel", r.Column("x")+"call")
		r.SetField("sip_port", r.Field("sip_port")[:3]+"1")
	}})
	require.Nil(t, input)
	assert.Equal(t, 5061, items[0].Trunk.SIP.Port)
}

// A callback that does something else the second time is noticed if a row becomes wrong.
func TestEditRowThatChanges(t *testing.T) {
	t.Parallel()
	refuse := false
	source, err := provision.Spool(strings.NewReader("phone_number,channel,agent_uuid\n+12025550123,call,"+desk+"\n"), provision.ReadOptions{
		EditRow: func(r *provision.Row) {
			if refuse {
				r.Refuse("", "no")
			}
		},
	})
	require.NoError(t, err)
	defer func() { assert.NoError(t, source.Close()) }()
	refuse = true
	for _, err := range source.Items() {
		require.ErrorIs(t, err, provision.ErrInputChanged)
	}
}
