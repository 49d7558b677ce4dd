package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/mihu-go/mihu/mihutest"
	"github.com/stretchr/testify/require"
)

// TestDoctorLists: doctor reports which lists the token may read, and that they are missing is no
// failure.
func TestDoctorLists(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.trunk(1)
	f.InjectFunc(func(r mihutest.Request) *mihutest.Fault {
		switch {
		case strings.HasSuffix(r.Path, "/agents"):
			return &mihutest.Fault{Status: http.StatusForbidden}
		case strings.HasSuffix(r.Path, "/rates"):
			return &mihutest.Fault{Status: http.StatusNotFound}
		}
		return nil
	})
	got := f.run("doctor")
	require.Equal(t, exitDone, got.code, got.stderr)
	require.Contains(t, got.stdout, "warn  agents     the token may not read them (403)\n")
	require.Contains(t, got.stdout, "ok    numbers    readable, 1 number\n")
	require.Contains(t, got.stdout, "warn  rates      the API does not have them (404)\n")
	require.Equal(t, 4, f.RequestCount())
}
