package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/mihu-go/mihu/cmd/trunkctl/internal/term"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func (a *app) manCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "man DIR",
		Short: "Write the man pages to a directory",
		Long: `Write a man page for every command and help topic to a directory, from the same text as the help.
Pages that are there are replaced.`,
		Example: `  mkdir -p ~/.local/share/man/man1 && trunkctl man ~/.local/share/man/man1
  man trunkctl-import`,
		Args: cobra.ExactArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveDefault
		},
		RunE: func(_ *cobra.Command, args []string) error { return a.writeManPages(args[0]) },
	}
}

func (a *app) writeManPages(dir string) error {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return usagef("%s is not a directory that exists", dir)
	}
	// The help of this run may be wrapped to the terminal.
	plain := &app{environment: environment{stdout: io.Discard, stderr: io.Discard, getenv: a.getenv}, console: term.NewConsole(io.Discard, true)}
	pages := 0
	var write func(*cobra.Command) error
	write = func(cmd *cobra.Command) error {
		if cmd.Hidden || cmd.Name() == "help" {
			return nil
		}
		pages++
		path := filepath.Join(dir, manName(cmd)+".1")
		if err := os.WriteFile(path, []byte(manPage(cmd)), 0o644); err != nil { //nolint:gosec // man pages are for everybody
			return err
		}
		for _, child := range cmd.Commands() {
			if err := write(child); err != nil {
				return err
			}
		}
		return nil
	}
	if err := write(plain.rootCommand()); err != nil {
		return err
	}
	a.note("wrote %s to %s", counted(pages, "page"), dir)
	return nil
}

func manName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// manPage returns the man page of a command.
func manPage(cmd *cobra.Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH \"%s\" 1 \"\" \"trunkctl %s\" \"\"\n", roff(strings.ToUpper(manName(cmd))), roff(version()))
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", roff(manName(cmd)), roff(cmd.Short))
	if cmd.Runnable() {
		fmt.Fprintf(&b, ".SH SYNOPSIS\n.B %s\n", roff(cmd.UseLine()))
	}
	b.WriteString(".SH DESCRIPTION\n")
	roffText(&b, cmd.Long+"\n")
	if cmd.Long == "" {
		b.WriteString(roff(cmd.Short) + ".\n")
	}
	if cmd.Example != "" {
		b.WriteString(".SH EXAMPLES\n")
		roffText(&b, cmd.Example)
	}
	roffFlags(&b, "OPTIONS", cmd.LocalFlags())
	if cmd.HasParent() && cmd.Runnable() {
		b.WriteString(".SH GLOBAL OPTIONS\nThe options of\n.BR trunkctl (1)\napply to every command.\n")
	}
	var others []string
	if cmd.HasParent() {
		others = append(others, manName(cmd.Parent()))
	}
	for _, child := range cmd.Commands() {
		if !child.Hidden && child.Name() != "help" {
			others = append(others, manName(child))
		}
	}
	b.WriteString(".SH SEE ALSO\n")
	for i, other := range others {
		end := ","
		if i == len(others)-1 {
			end = ""
		}
		fmt.Fprintf(&b, ".BR %s (1)%s\n", roff(other), end)
	}
	return b.String()
}

// roffText writes paragraphs. Indented lines are kept as they are.
func roffText(b *strings.Builder, text string) {
	literal := false
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		if indented := strings.HasPrefix(line, " "); line != "" && indented != literal {
			literal = indented
			b.WriteString(map[bool]string{true: ".PP\n.nf\n", false: ".fi\n.PP\n"}[literal])
		}
		switch {
		case line == "" && literal:
			b.WriteString("\n")
		case line == "":
			b.WriteString(".PP\n")
		default:
			b.WriteString(roff(line) + "\n")
		}
	}
	if literal {
		b.WriteString(".fi\n")
	}
}

func roffFlags(b *strings.Builder, title string, flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	b.WriteString(".SH " + title + "\n")
	flags.VisitAll(func(flag *pflag.Flag) {
		if flag.Hidden {
			return
		}
		placeholder, usage := pflag.UnquoteUsage(flag)
		b.WriteString(".TP\n")
		if flag.Shorthand != "" {
			b.WriteString(`\fB\-` + flag.Shorthand + `\fR, `)
		}
		b.WriteString(`\fB\-\-` + roff(flag.Name) + `\fR`)
		if placeholder != "" {
			b.WriteString(` \fI` + roff(placeholder) + `\fR`)
		}
		b.WriteString("\n" + roff(usage))
		if value := flag.DefValue; value != "" && value != "false" && value != "0" && value != "[]" && !strings.Contains(usage, "(default") {
			b.WriteString(" (default " + roff(value) + ")")
		}
		b.WriteString("\n")
	})
}

// roff escapes a line of text.
func roff(line string) string {
	line = strings.NewReplacer(`\`, `\e`, "-", `\-`, `"`, `\(dq`, "…", `\[u2026]`, "•", `\[u2022]`, "→", `\[u2192]`).Replace(line)
	if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
		line = `\&` + line
	}
	return line
}
