package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/credentials"
	"github.com/mihu-go/mihu/mihutest"
	"github.com/stretchr/testify/require"
)

// memory returns a keyring that stores secrets in a map.
func memory(secrets map[string]string) credentials.Keyring {
	return credentials.Keyring{
		Get: func(name string) (string, error) {
			secret, ok := secrets[name]
			if !ok {
				return "", credentials.ErrNoSecret
			}
			return secret, nil
		},
		Set: func(name, secret string) error { secrets[name] = secret; return nil },
		Remove: func(name string) error {
			if _, ok := secrets[name]; !ok {
				return credentials.ErrNoSecret
			}
			delete(secrets, name)
			return nil
		},
		Usable: func(func(string) string) error { return nil },
	}
}

// TestTokens: a token is stored in the keyring, or in a file if there is none, is used for its own
// base URL only, and can be removed.
func TestTokens(t *testing.T) {
	t.Parallel()
	for name, secrets := range map[string]map[string]string{"keyring": {}, "file": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			config := t.TempDir()
			run := func(stdin string, base string, args ...string) outcome {
				i := invocation{args: args, stdin: stdin, config: config, env: map[string]string{mihu.EnvBaseURL: base}}
				if secrets != nil {
					i.keyring = memory(secrets)
				}
				return i.run(t)
			}
			require.Equal(t, exitUsage, run("", f.URL(), "list").code)

			require.NoError(t, f.Inject(mihutest.Fault{Status: 401}))
			refused := run(secretToken+"\n", f.URL(), "login", "--token-file", "-")
			require.Equal(t, exitRefused, refused.code)
			require.Contains(t, refused.stderr, "the token was not stored")
			require.Empty(t, secrets)

			stored := run(secretToken+"\r\n", f.URL(), "login", "--token-file", "-")
			require.Equal(t, exitDone, stored.code, stored.stderr)
			path := filepath.Join(config, "trunkctl")
			files, _ := os.ReadDir(path)
			files = slices.DeleteFunc(files, func(file os.DirEntry) bool { return strings.HasPrefix(file.Name(), "config.json") })
			if secrets != nil {
				require.Equal(t, secretToken, secrets[f.URL()])
				require.Contains(t, stored.stderr, " in the system keyring")
				require.Empty(t, files)
			} else {
				require.Contains(t, stored.stderr, " in "+config)
				require.Len(t, files, 1)
				info, err := files[0].Info()
				require.NoError(t, err)
				require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
			}
			require.Equal(t, exitDone, run("", f.URL(), "list").code)
			require.Equal(t, exitUsage, run("", "http://127.0.0.1:1/api/v1", "list").code, "no token of another address")
			require.Contains(t, run("", f.URL(), "logout").stderr, "removed the token for ")
			require.Contains(t, run("", f.URL(), "logout").stderr, "no token is stored")
			require.Equal(t, exitUsage, run("", f.URL(), "list").code)
		})
	}
}
