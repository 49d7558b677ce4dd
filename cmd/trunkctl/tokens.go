package main

import (
	"context"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/credentials"
)

// tokens returns the tokens that "trunkctl login" has stored.
func (a *app) tokens() *credentials.Tokens {
	return &credentials.Tokens{Keyring: a.keyring, ConfigDir: a.configDir, Getenv: a.getenv, Note: a.note}
}

// findToken returns the token of a base URL and where it comes from: --token-file, MIHU_API_TOKEN,
// or what login has stored for that very URL. A token is never an argument, which everybody on the
// machine can see.
func (a *app) findToken(ctx context.Context, base string) (token, from string, err error) {
	if name := a.global.tokenFile; name != "" {
		token, err := a.readSecret("--token-file", name)
		return token, "--token-file", err
	}
	if token := a.getenv(mihu.EnvToken); token != "" {
		return token, mihu.EnvToken, nil
	}
	token, from, err = a.tokens().Load(ctx, base)
	switch {
	case isA[*credentials.KeyringError](err):
		err = &advisedError{err, "set MIHU_API_TOKEN, pass --token-file, or run \"trunkctl login --file\""}
	case err != nil:
		err = tokenError(err)
	case token == "":
		err = &usageError{
			problem: "no token for " + base,
			advice:  "run \"trunkctl login\", set MIHU_API_TOKEN, or pass --token-file;\nto try this command without a workspace, add --demo",
		}
	}
	return token, from, err
}

// tokenError adds what to do to an error of the stored tokens.
func tokenError(err error) error {
	if isA[*credentials.NoDirectoryError](err) {
		return &usageError{problem: err.Error(), advice: "set one of these, or pass the token in MIHU_API_TOKEN or with --token-file"}
	}
	return err
}
