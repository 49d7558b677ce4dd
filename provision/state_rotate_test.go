package provision_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/provision"
)

// onePassword is a store with the same new password for every trunk.
type onePassword string

func (p onePassword) Prepare(context.Context, mihu.TrunkID) (string, error) { return string(p), nil }

func (onePassword) Confirm(context.Context, mihu.TrunkID) error { return nil }

// A file that still has the password from before a rotation does not bring it back. Any other password
// of the file is sent.
func TestRotationIsNotUndone(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	file := func(name, password string) *provision.Source {
		return sheet(t, sheetRow(0, 0, name+",,sip.example.com,"+password))
	}
	rotate := func(password string) {
		trunks := func(yield func(mihu.TrunkID, error) bool) { yield(trunk(0), nil) }
		for result, err := range provision.Rotate(t.Context(), o.client, trunks, onePassword(password), provision.RotateOptions{State: o.state}) {
			require.NoError(t, err)
			require.NoError(t, result.Err)
		}
	}
	o.apply(file("Desk", "first"))
	for _, step := range []struct {
		name  string
		do    func()
		plans []string
		has   string
	}{
		{"rotated", func() { rotate("second") }, []string{}, "second"},
		{"rotated again", func() { rotate("third") }, []string{}, "third"},
		{"another field changes", func() { o.apply(file("Other", "first")) }, nil, "third"},
		{"the file has the new password", func() { o.apply(file("Other", "third")) }, nil, "third"},
		{"and the old one again, on purpose", func() { o.apply(file("Other", "first")) }, nil, "first"},
		{"rotated once more", func() { rotate("fourth") }, nil, "fourth"},
		{"the file has another password", func() { o.apply(file("Other", "fifth")) }, nil, "fifth"},
	} {
		step.do()
		is, _ := o.srv.Trunk(trunk(0))
		assert.Equal(t, step.has, is.SIP.Password, step.name)
		if step.plans != nil {
			plan, err := o.plan(file("Desk", "first"))
			require.NoError(t, err)
			assert.Equal(t, step.plans, shown(plan), step.name)
		}
	}
}
