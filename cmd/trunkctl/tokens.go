package main

import (
	"context"
	"fmt"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/config"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/credentials"
)

// tokens returns the tokens that "trunkctl login" has stored.
func (a *app) tokens() *credentials.Tokens {
	return &credentials.Tokens{Keyring: a.keyring, ConfigDir: a.configDir, Getenv: a.getenv, Note: a.note}
}

// findToken returns the token for a workspace and where it comes from: --token-file,
// MIHU_API_TOKEN, or what login has stored for that very address. A token is never an argument,
// which everybody on the machine can see.
func (a *app) findToken(ctx context.Context, t *target) (token, from string, err error) {
	if name := a.global.tokenFile; name != "" {
		token, err := a.readSecret("--token-file", name)
		return token, "--token-file", err
	}
	if token := a.getenv(mihu.EnvToken); token != "" {
		return token, mihu.EnvToken, a.checkTokenOfEnvironment(t)
	}
	token, from, err = a.tokens().Load(ctx, t.base)
	switch {
	case isA[*credentials.KeyringError](err):
		err = &advisedError{err, "set MIHU_API_TOKEN, pass --token-file, or run \"trunkctl login --file\""}
	case err != nil:
		err = tokenError(err)
	case token == "":
		err = &usageError{
			problem: "no token for " + t.base,
			advice:  "run \"trunkctl login\", set MIHU_API_TOKEN, or pass --token-file;\nto try this command without a workspace, add --demo",
		}
	}
	return token, from, err
}

// checkTokenOfEnvironment refuses to send the token in MIHU_API_TOKEN to an address that it does
// not belong to. It belongs to that of MIHU_TENANT or MIHU_BASE_URL. If neither is set, a flag or
// MIHU_WORKSPACE must name the address: the config's current workspace may be that of another
// terminal.
func (a *app) checkTokenOfEnvironment(t *target) error {
	const otherwise = "unset MIHU_API_TOKEN to use the token that \"trunkctl login\" has stored, or pass --token-file"
	owner, err := a.targetOfEnvironment(&config.Config{})
	switch {
	case err != nil:
		return err
	case owner == nil && t.source == byCurrent:
		return &usageError{
			problem: fmt.Sprintf("MIHU_API_TOKEN is set, and nothing selects its workspace; it is not sent to %v", t),
			advice:  "set MIHU_TENANT to the token's workspace, or pass --workspace NAME;\n" + otherwise,
		}
	case owner != nil && owner.base != t.base:
		return &usageError{
			problem: fmt.Sprintf("MIHU_API_TOKEN belongs to %v; it is not sent to %v", owner, t),
			advice:  otherwise,
		}
	}
	return nil
}

// tokenError adds what to do to an error of the stored tokens.
func tokenError(err error) error {
	if isA[*credentials.NoDirectoryError](err) {
		return &usageError{problem: err.Error(), advice: "set one of these, or pass the token in MIHU_API_TOKEN or with --token-file"}
	}
	return err
}
