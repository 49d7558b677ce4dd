package main

import (
	"cmp"
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const wordLetters = "abcdefghijklmnopqrstuvwxyz-"

// isWord reports whether a text can be the name of a command or a flag. Anything else may be a
// secret or a number, and is not shown.
func isWord(text string) bool { return strings.Trim(text, wordLetters) == "" }

// flagError rewrites an error of the flag parser, which quotes what was typed.
func flagError(cmd *cobra.Command, err error) error {
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		flag := invalid.GetFlag()
		want := map[string]string{"int": "a whole number", "duration": "a duration such as 30s", "bool": "true or false"}[flag.Value.Type()]
		if want == "" {
			return errors.New("--" + flag.Name + ": invalid value")
		}
		return errors.New("--" + flag.Name + ": want " + want)
	}
	if isA[*pflag.InvalidSyntaxError](err) {
		return errors.New("bad flag syntax")
	}
	if missing, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		placeholder, _ := pflag.UnquoteUsage(missing.GetFlag())
		return errors.New("--" + missing.GetFlag().Name + ": no value; want " + cmp.Or(placeholder, "one"))
	}
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		return unknownFlag(cmd, unknown)
	}
	return err
}

// unknownFlag refuses a flag that does not exist, and suggests the one that was probably meant.
func unknownFlag(cmd *cobra.Command, unknown *pflag.NotExistError) error {
	name := unknown.GetSpecifiedName()
	if unknown.GetSpecifiedShortnames() != "" {
		problem := "unknown flag: -" + name
		if name == "v" {
			problem += "; use --version, or --debug to log requests"
		}
		return errors.New(problem)
	}
	if !isWord(name) {
		return errors.New("unknown flag")
	}
	problem := "unknown flag: --" + name
	if slices.Contains([]string{"token", "password", "username", "sip-password", "sip-username"}, name) {
		return errors.New(problem + "; secrets are never arguments, which everybody on the machine can see: " +
			"use --token-file, --sip-username-file, --sip-password-file, or --sip-password-env with the name of a variable")
	}
	if instead := cmp.Or(flagsElsewhere[name], nearestFlag(cmd, name)); instead != "" {
		problem += "; use " + instead
	}
	return errors.New(problem)
}

// flagsElsewhere has flags of other programs, and what they are called here.
var flagsElsewhere = map[string]string{
	"json": "-o json", "yaml": "-o yaml", "yml": "-o yaml", "csv": "-o csv", "table": "-o table", "format": "-o, --output",
	"tenant": "--workspace", "subdomain": "--workspace", "profile": "--workspace", "context": "--workspace", "account": "--workspace",
	"url": "--base-url", "endpoint": "--base-url", "host": "--base-url", "verbose": "--debug", "silent": "--quiet",
	"no-color": "--color never", "version": "it without a command: trunkctl --version", "number": "the number as an argument",
	"phone-number": "the number as an argument",
}

// nearestFlag returns the flag of a command that a name abbreviates, or that differs from it by at most
// two letters; "" if there is none.
func nearestFlag(cmd *cobra.Command, name string) (nearest string) {
	const maxDistance = 2
	best := maxDistance + 1
	visit := func(flag *pflag.Flag) {
		d := distance(name, flag.Name)
		if len(name) > maxDistance && strings.HasPrefix(flag.Name, name) {
			d = 0
		}
		if d < best && d < len(name) && !flag.Hidden {
			best, nearest = d, "--"+flag.Name
		}
	}
	cmd.LocalFlags().VisitAll(visit)
	cmd.InheritedFlags().VisitAll(visit)
	return nearest
}

// distance returns the number of letters to insert, remove or replace to make one word of another.
func distance(from, to string) int {
	row := make([]int, len(to)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(from) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(to) {
			next := min(row[j], row[j+1]) + 1
			if from[i] == to[j] {
				next = min(next, diagonal)
			} else {
				next = min(next, diagonal+1)
			}
			diagonal, row[j+1] = row[j+1], next
		}
	}
	return row[len(to)]
}

// formatsElsewhere has values of --output in other programs, and what they are called here.
var formatsElsewhere = map[string]string{
	"yml": "yaml", "jsonl": "json", "ndjson": "json", "text": "table", "txt": "table", "plain": "table", "wide": "table", "tsv": "csv",
}

var (
	wrongCount     = regexp.MustCompile(`^(accepts|requires) .*arg\(s\), (only )?received (\d+)$`)
	missingFlags   = regexp.MustCompile(`^required flag\(s\) "(.*)" not set$`)
	exclusiveFlags = regexp.MustCompile(`^if any flags in the group .* none of the others can be; \[(.*)\] were all set$`)
)

// commandLineError rewrites an error that the command-line library returns before a command
// starts. Its texts are of its own making, and have no value that was typed.
func commandLineError(cmd *cobra.Command, args []string, problem string) string {
	if wrongCount.MatchString(problem) {
		_, want, _ := strings.Cut(cmd.Use, " ")
		return "want " + strings.TrimSuffix(want, " [flags]") + "; got " + counted(len(args), "argument")
	}
	if match := missingFlags.FindStringSubmatch(problem); match != nil {
		return "--" + strings.ReplaceAll(match[1], `", "`, ", --") + " is required"
	}
	if match := exclusiveFlags.FindStringSubmatch(problem); match != nil {
		return "--" + strings.ReplaceAll(match[1], " ", " and --") + " cannot be combined"
	}
	return problem
}
