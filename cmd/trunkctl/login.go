package main

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"github.com/mihu-go/mihu"
	"github.com/spf13/cobra"
)

func (a *app) loginCommand() *cobra.Command {
	var inFile, unchecked bool
	cmd := &cobra.Command{
		Use:   "login",
		Short: "Store the API token of a workspace",
		Long: `Store the API token of a workspace in the system keyring or, if that cannot be used, in a file that
only its owner can read. Login prompts for the token, or reads it from --token-file, and tries it with
a read before storing it. A token is stored for one base URL and never sent to another. Login adds the
workspace to the config, and makes it the current one; see "trunkctl workspace --help".`,
		Example: `  trunkctl login --workspace acme
  trunkctl login --workspace acme --token-file - < token`,
		Args:              noArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, _ []string) error { return a.login(cmd.Context(), inFile, unchecked) },
	}
	cmd.Flags().BoolVar(&inFile, "file", false, "store the token in a file instead of the system keyring")
	cmd.Flags().BoolVar(&unchecked, "no-check", false, "store the token without trying it")
	return cmd
}

func (a *app) login(ctx context.Context, inFile, unchecked bool) error {
	if a.global.demo {
		return usagef("the demo needs no token")
	}
	t, err := a.target() // before prompting for a secret
	if err != nil {
		return err
	}
	options, err := a.clientOptions(t)
	if err != nil {
		return err
	}
	var token string
	if a.global.tokenFile != "" {
		token, err = a.readSecret("--token-file", a.global.tokenFile)
	} else {
		token, err = a.askSecret(ctx, "API token", "pass it with --token-file FILE, - for standard input; "+mihu.EnvToken+" needs no login")
	}
	if err != nil {
		return err
	}
	token = strings.TrimSpace(token)
	client, err := mihu.New("", token, append(options, mihu.WithBaseURL(t.base))...)
	if err != nil {
		return err
	}
	if !unchecked {
		if _, err := client.Trunks.List(ctx, &mihu.ListOptions{PerPage: 1}); err != nil {
			advice := cmp.Or(a.advice(err), "run \"trunkctl doctor\", or pass --no-check")
			if errors.Is(err, mihu.ErrUnauthorized) {
				advice = "it was refused: check that it is complete, belongs to this workspace and has not been revoked"
			}
			return &advisedError{err, "the token was not stored; " + advice}
		}
	}
	where, err := a.tokens().Store(ctx, t.base, token, inFile)
	if err != nil {
		return tokenError(err)
	}
	a.note("stored the token for %s in %s", t.base, where)
	name, err := a.remember(ctx, t)
	if err != nil {
		return &advisedError{err, "the token is stored; the config is unchanged"}
	}
	a.note("the current workspace is %s, in all shells", name)
	a.noteOverrides(name)
	if a.getenv(mihu.EnvToken) != "" {
		a.note("%s is set and takes precedence: unset it to use the stored token", mihu.EnvToken)
	}
	return nil
}

func (a *app) logoutCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "logout",
		Short:             "Remove the stored token of a workspace",
		Args:              noArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, _ []string) error { return a.logout(cmd.Context()) },
	}
}

func (a *app) logout(ctx context.Context) error {
	t, err := a.target()
	if err != nil {
		return err
	}
	found, err := a.tokens().Remove(ctx, t.base)
	if err != nil {
		return tokenError(err)
	}
	if found {
		a.note("removed the token for %s; it stays valid until it is revoked in the workspace", t.base)
	} else {
		a.note("no token is stored for %s", t.base)
	}
	return nil
}
