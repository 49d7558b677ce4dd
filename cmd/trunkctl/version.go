package main

import (
	"runtime"
	"runtime/debug"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/term"
	"github.com/spf13/cobra"
)

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "version",
		Short:             "Print the version",
		Args:              noArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(*cobra.Command, []string) error { return a.printVersion() },
	}
}

func (a *app) printVersion() error {
	built := readBuild(debug.ReadBuildInfo())
	return a.printOne([]term.Column{{Name: "trunkctl"}, {Name: "commit"}, {Name: "date"}, {Name: "mihu"}, {Name: "go"}, {Name: "platform"}}, versionRecord{
		Trunkctl: built.version, Commit: built.commit, Date: built.date,
		Mihu: mihu.Version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
	})
}

type versionRecord struct {
	Trunkctl string `json:"trunkctl"`
	Commit   string `json:"commit,omitzero"`
	Date     string `json:"date,omitzero"`
	Mihu     string `json:"mihu"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func (v versionRecord) Cells() []string {
	return []string{v.Trunkctl, v.Commit, v.Date, v.Mihu, v.Go, v.Platform}
}

// version returns the version of the module that was built, or "devel" if Go does not know it.
func version() string { return readBuild(debug.ReadBuildInfo()).version }

// build is what Go has put into the binary about its source.
type build struct {
	version string // "devel" if it is unknown
	commit  string // "" if it is unknown: "go install" of a version does not know it
	date    string // of the commit, as in RFC 3339; "" if it is unknown
}

func readBuild(info *debug.BuildInfo, ok bool) build {
	b := build{version: "devel"}
	if !ok {
		return b
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		b.version = v
	}
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			b.commit = setting.Value
		case "vcs.time":
			b.date = setting.Value
		}
	}
	return b
}
