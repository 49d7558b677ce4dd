package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestStrayArguments: an unexpected argument is refused and not shown, since it may be a number.
func TestStrayArguments(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	for _, args := range [][]string{
		{number(1)},
		{"list", number(1)},
		{"export", number(1)},
		{"login", number(1)},
		{"doctor", number(1)},
		{"version", number(1)},
		{"create", number(1), number(2)},
		{"import", number(1), number(2)},
	} {
		got := f.run(args...) // run checks what is printed
		require.Equal(t, exitUsage, got.code, args)
		require.Contains(t, got.stderr, "--help", args)
	}
	require.Zero(t, f.RequestCount())
	require.Contains(t, f.run("creat").stderr, `unknown command "creat"; did you mean create?`)
}

// TestHelp: help for an unknown command fails, and suggests the one that was probably meant.
func TestHelp(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	for line, want := range map[string]string{
		"help nosuch":           `unknown command "nosuch"`,
		"help rotat":            `unknown command "rotat"; did you mean rotate?`,
		"help list nosuch":      `unknown command "nosuch"`,
		"help " + number(1):     "trunkctl: unknown command\n",
		"help --nothing":        "unknown flag: --nothing",
		"help list --output=no": "want one of table, json, csv, yaml",
	} {
		got := f.run(strings.Fields(line)...)
		require.Equal(t, exitUsage, got.code, line)
		require.Contains(t, got.stderr, want, line)
		require.Contains(t, got.stderr, "--help", line)
		require.Empty(t, got.stdout, line)
	}
	for line, want := range map[string]string{
		"help": "One trunk:", "help list": "trunkctl list [flags]", "help help": "trunkctl help [command]", "help files": "phone_number",
	} {
		got := f.run(strings.Fields(line)...)
		require.Equal(t, exitDone, got.code, line)
		require.Contains(t, got.stdout, want, line)
		require.Empty(t, got.stderr, line)
	}
	require.Equal(t, f.run("list", "--help").stdout, f.run("help", "list").stdout)
	complete := f.run("__complete", "help", "rot")
	require.Contains(t, complete.stdout, "rotate")
}

// TestMistypedValues: an error about a value that is empty or in the wrong place does not quote
// what may be a secret.
func TestMistypedValues(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.trunk(1)
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{""}, "unknown command \"\"\n"},
		{[]string{"rotate", "--file", "", "--all", "--yes"}, "--file: empty; want the name of a file"},
		{[]string{"update", number(1), "--sip-password-env", secretPassword}, "--sip-password-env: the variable is not set"},
		{[]string{"update", number(1), "--sip-username-env", "SIP_USERNAME"}, "--sip-username-env: the variable SIP_USERNAME is not set"},
	} {
		got := f.run(c.args...)
		require.Equal(t, exitUsage, got.code, got.stderr)
		require.Contains(t, got.stderr, c.want)
	}
	require.Zero(t, f.RequestCount())
}

// TestValuesAreNotShown: a secret or a number that is typed as the value of a flag, or as its name,
// is not shown. Flags that name a file are different: an error has to say which file.
func TestValuesAreNotShown(t *testing.T) {
	t.Parallel()
	f := newFake(t, anyAgent())
	f.trunk(1)
	f.rows(1)
	agent := " --agent " + agent2
	for _, command := range []string{
		"list --channel VALUE", "list --agent VALUE", "export --format VALUE", "export --channel VALUE",
		"list --output VALUE", "list --color VALUE", "list --rate VALUE", "list --timeout VALUE", "list --quiet=VALUE", "list --demo=VALUE",
		"list --workspace VALUE/", "list --base-url VALUE", "list --VALUE", "list --=VALUE", "list -VALUE", "completion VALUE", "help 7VALUE",
		"create +12025550123 --direction VALUE" + agent, "create +12025550123 --port VALUE" + agent, "create +12025550123 --channel VALUE" + agent,
		"create +12025550123 --agent VALUE", "create +12025550123 --settings VALUE" + agent, "update +12025550001 --direction VALUE",
		"update +12025550001 --port VALUE", "update +12025550001 --channel VALUE --name x", "assign +12025550001 --channel VALUE" + agent,
		"delete +12025550001 --channel VALUE --yes", "delete xVALUE --yes", "channels VALUE/", "ensure +12025550001 --direction VALUE" + agent,
		"import DIR/numbers.csv --workers VALUE", "import DIR/numbers.csv --max-failures VALUE", "import DIR/numbers.csv --format VALUE",
		"import DIR/numbers.csv --direction VALUE", "import DIR/numbers.csv --channel VALUE", "import DIR/numbers.csv --port VALUE",
		"rotate --file DIR/p --all --length VALUE", "rotate --file DIR/p --all --workers VALUE", "rotate --file DIR/p xVALUE",
	} {
		for _, value := range []string{secretPassword, secretPassword + "!", secretToken, number(1), strings.TrimPrefix(number(1), "+")} {
			if value == secretPassword && strings.Contains(command, "--VALUE") {
				continue // it could be the name of a flag
			}
			got := f.run(strings.Fields(strings.ReplaceAll(command, "VALUE", value))...) // run checks what is printed
			require.Equal(t, exitUsage, got.code, "%s %s: %s", command, value, got.stderr)
		}
	}
}

// TestAgentFilter: an agent that is neither a UUID nor a name is refused. No trunk has it, and an
// empty list or export would pass for a result.
func TestAgentFilter(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	for _, command := range []string{"list", "export"} {
		for _, agent := range []string{agent1 + "0", agent1[1:], "{" + agent1 + "}"} {
			got := f.run(command, "--agent", agent)
			require.Equal(t, exitUsage, got.code)
			require.Empty(t, got.stdout)
			require.Contains(t, got.stderr, "--agent: not a UUID such as ")
		}
	}
	require.Zero(t, f.RequestCount())
	for _, command := range []string{"list", "export"} {
		got := f.run(command, "--agent", "reception")
		require.Equal(t, exitUsage, got.code)
		require.Empty(t, got.stdout)
		require.Contains(t, got.stderr, "--agent: no agent has this name")
	}
	require.Equal(t, 2, f.RequestCount(), "only the agents are listed")
}
