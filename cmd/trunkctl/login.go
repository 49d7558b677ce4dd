package main

import (
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
		Short: "Keep the token of a workspace",
		Long: `Keep a token for the workspace's address, in the system's keyring or, where that cannot be used, in
a file that its owner alone can read; it says which. The token is asked for on the terminal, or read
from --token-file. It is tried first, with a request that changes nothing. A token that is kept for
one address is never sent to another.`,
		Example: `  trunkctl login --tenant acme
  trunkctl login --tenant acme --token-file - < token`,
		Args:              noArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, _ []string) error { return a.login(cmd.Context(), inFile, unchecked) },
	}
	cmd.Flags().BoolVar(&inFile, "file", false, "keep it in a file, without asking the system's keyring")
	cmd.Flags().BoolVar(&unchecked, "no-check", false, "do not try the token first")
	return cmd
}

func (a *app) login(ctx context.Context, inFile, unchecked bool) error {
	if a.global.demo {
		return usagef("the demo needs no token")
	}
	tenant, base, err := a.address()
	if err != nil {
		return err
	}
	options := []mihu.Option{mihu.WithBaseURL(base), mihu.WithUserAgent("trunkctl/" + version()), mihu.WithAttemptTimeout(a.global.timeout)}
	if _, err := mihu.New(tenant, "-", options...); err != nil {
		return err // before a secret is asked for
	}
	var token string
	if a.global.tokenFile != "" {
		token, err = a.readSecret("--token-file", a.global.tokenFile)
	} else {
		token, err = a.askSecret(ctx, "Token", "give it in a file with --token-file, - for the standard input; "+mihu.EnvToken+" needs no login")
	}
	if err != nil {
		return err
	}
	token = strings.TrimSpace(token)
	client, err := mihu.New(tenant, token, options...)
	if err != nil {
		return err
	}
	if !unchecked {
		if _, err := client.Trunks.List(ctx, &mihu.ListOptions{PerPage: 1}); err != nil {
			advice := otherwise(a.advice(err), "run \"trunkctl doctor\", or give --no-check")
			if errors.Is(err, mihu.ErrUnauthorized) {
				advice = "it was refused: is it whole, of this workspace, and not revoked?"
			}
			return &advisedError{err, "the token was not kept; " + advice}
		}
	}
	where, err := a.storeToken(ctx, client.BaseURL(), token, inFile)
	if err != nil {
		return err
	}
	a.note("the token for %s is kept in %s", client.BaseURL(), where)
	if a.getenv(mihu.EnvToken) != "" {
		a.note("%s is set and goes before it: unset that to use what is kept", mihu.EnvToken)
	}
	return nil
}

func otherwise(text, instead string) string {
	if text == "" {
		return instead
	}
	return text
}

func (a *app) logoutCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "logout",
		Short:             "Forget the token of a workspace",
		Args:              noArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, _ []string) error { return a.logout(cmd.Context()) },
	}
}

func (a *app) logout(ctx context.Context) error {
	tenant, base, err := a.address()
	if err != nil {
		return err
	}
	client, err := mihu.New(tenant, "-", mihu.WithBaseURL(base))
	if err != nil {
		return err
	}
	found, err := a.dropToken(ctx, client.BaseURL())
	if err != nil {
		return err
	}
	if found {
		a.note("the token for %s is forgotten; it stays valid until it is revoked in the workspace", client.BaseURL())
	} else {
		a.note("no token was kept for %s", client.BaseURL())
	}
	return nil
}
