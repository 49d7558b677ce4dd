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
	return a.printOne([]term.Column{{Name: "trunkctl"}, {Name: "mihu"}, {Name: "go"}, {Name: "platform"}}, versionRecord{
		Trunkctl: version(), Mihu: mihu.Version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
	})
}

type versionRecord struct {
	Trunkctl string `json:"trunkctl"`
	Mihu     string `json:"mihu"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func (v versionRecord) Cells() []string { return []string{v.Trunkctl, v.Mihu, v.Go, v.Platform} }

// version returns the version of the module that "go install" has built, or "devel" for a build of
// a checkout.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "devel"
	}
	return info.Main.Version
}
