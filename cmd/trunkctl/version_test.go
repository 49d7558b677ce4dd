package main

import (
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestVersion: --version prints what the command version prints, in every format.
func TestVersion(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"table", "json", "csv", "yaml"} {
		want := invocation{args: []string{"version", "-o", format}}.run(t)
		require.Equal(t, exitDone, want.code)
		require.Contains(t, want.stdout, version())
		require.Equal(t, want, invocation{args: []string{"--version", "-o", format}}.run(t))
	}
}

// TestReadBuild: the version, the commit and its date are those that Go has put into the binary.
func TestReadBuild(t *testing.T) {
	t.Parallel()
	commit := []debug.BuildSetting{{Key: "vcs.revision", Value: "4f0c"}, {Key: "vcs.time", Value: "2026-11-28T08:00:00Z"}}
	for _, test := range []struct {
		name string
		info *debug.BuildInfo
		want build
	}{
		{"no information", nil, build{version: "devel"}},
		{"a build without version control", &debug.BuildInfo{Main: debug.Module{Version: "(devel)"}}, build{version: "devel"}},
		{"go install", &debug.BuildInfo{Main: debug.Module{Version: "v0.1.0"}}, build{version: "v0.1.0"}},
		{
			"a package", &debug.BuildInfo{Main: debug.Module{Version: "v0.1.0"}, Settings: commit},
			build{version: "v0.1.0", commit: "4f0c", date: "2026-11-28T08:00:00Z"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, test.want, readBuild(test.info, test.info != nil))
		})
	}
}
