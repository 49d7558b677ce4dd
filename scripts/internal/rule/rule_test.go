package rule

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	removed := Change{Incompatible: []string{"F: removed"}}
	announced := Change{Incompatible: removed.Incompatible, Announced: true}
	added := Change{Compatible: []string{"G: added"}}
	for _, test := range []struct {
		name, last, version string
		change              Change
		err                 string // part of the error, "" if the version is allowed
	}{
		{name: "the first version", version: "v0.1.0"},
		{name: "no change of the API", last: "v0.1.0", version: "v0.1.1"},
		{name: "no version", version: "0.1.0", err: "is not a version"},
		{name: "a short version", version: "v0.1", err: "is not a version"},
		{name: "another module path", last: "v1.4.0", version: "v2.0.0", err: "ends in /v2"},
		{name: "the same version", last: "v0.1.0", version: "v0.1.0", err: "does not come after"},
		{name: "an older version", last: "v0.2.0", version: "v0.1.9", err: "does not come after"},
		{name: "a version left out", last: "v0.1.0", version: "v0.1.2", err: "leaves out"},
		{name: "a removal in a patch version", last: "v0.1.0", version: "v0.1.1", change: announced, err: "F: removed"},
		{name: "a removal that is not announced", last: "v0.1.0", version: "v0.2.0", change: removed, err: "no heading Breaking"},
		{name: "a removal that is announced", last: "v0.1.0", version: "v0.2.0", change: announced},
		{name: "a removal on the way to version 1", last: "v0.9.0", version: "v1.0.0", change: announced},
		{name: "a removal after version 1", last: "v1.0.0", version: "v1.1.0", change: announced, err: "another module path"},
		{name: "an addition before version 1", last: "v0.1.0", version: "v0.1.1", change: added},
		{name: "an addition in a patch version", last: "v1.0.0", version: "v1.0.1", change: added, err: "G: added"},
		{name: "an addition in a minor version", last: "v1.0.0", version: "v1.1.0", change: added},
		{name: "a prerelease", last: "v0.1.0", version: "v0.2.0-rc.1"},
		{name: "the version after its prerelease", last: "v0.2.0-rc.1", version: "v0.2.0"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := Check(test.last, test.version, test.change)
			if test.err == "" {
				assert.NoError(t, err)
			} else {
				assert.ErrorContains(t, err, test.err)
			}
		})
	}
}
