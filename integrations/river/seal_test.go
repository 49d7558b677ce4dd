package mihuriver_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	mihuriver "github.com/mihu-go/mihu/integrations/river"
	"github.com/mihu-go/mihu/mihutest"
	"github.com/mihu-go/mihu/provision"
)

func sealKey(id string, fill byte) mihuriver.SealKey {
	return mihuriver.SealKey{ID: id, Key: bytes.Repeat([]byte{fill}, 32)}
}

func sealer(t *testing.T, keys ...mihuriver.SealKey) *mihuriver.Sealer {
	t.Helper()
	s, err := mihuriver.NewSealer(keys...)
	require.NoError(t, err)
	return s
}

func withPassword(number, agent, password string) provision.Item {
	made := item(number, agent)
	made.Trunk.SIP = &mihu.SIPCredentials{Gateway: "sip.example.com", Port: 5061, Username: "front", Password: password}
	return made
}

func TestSealedCredentials(t *testing.T) {
	t.Parallel()
	first, second := sealKey("2026-11", 1), sealKey("2026-12", 2)
	for _, c := range []struct {
		name  string
		opens []mihuriver.SealKey
		// change is what somebody did to the job in the meantime.
		change string
		status mihuriver.Status
		reason string
	}{
		{"with the key that sealed them", []mihuriver.SealKey{first}, "", mihuriver.Done, ""},
		{"after a rotation", []mihuriver.SealKey{second, first}, "", mihuriver.Done, ""},
		{"without that key, which may still be deployed", []mihuriver.SealKey{second}, "", mihuriver.Waiting, "a key that this Sealer does not have"},
		{"without a sealer", nil, "", mihuriver.Waiting, "set WorkerOptions.Sealer"},
		{"with another key of that name", []mihuriver.SealKey{sealKey("2026-11", 3)}, "", mihuriver.Refused, "do not open"},
		{"changed", []mihuriver.SealKey{first}, `jsonb_set(args, '{sealed}', to_jsonb(overlay(args->>'sealed' placing 'AAAA' from 30)))`, mihuriver.Refused, "do not open"},
		{"not even base64", []mihuriver.SealKey{first}, `jsonb_set(args, '{sealed}', '"2026-11:%"')`, mihuriver.Refused, "do not open"},
		{"moved to another trunk", []mihuriver.SealKey{first}, `jsonb_set(args, '{trunk,phone_number}', '"` + two + `"')`, mihuriver.Refused, "do not open"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, mihuriver.QueueOptions{Sealer: sealer(t, first)})
			want := withPassword(one, p.mihu.AddAgent("A"), "swordfish")
			p.enqueue("x", want)
			assert.Equal(t, "swordfish", want.Trunk.SIP.Password, "the caller's item is unchanged")
			if c.change != "" {
				_, err := p.pool.Exec(t.Context(), "UPDATE river_job SET args = "+c.change)
				require.NoError(t, err)
			}
			var options mihuriver.WorkerOptions
			if c.opens != nil {
				options.Sealer = sealer(t, c.opens...)
			}
			p.work(1, options, func(config *river.Config) { config.RetryPolicy = late{} })
			if c.status == mihuriver.Done {
				p.until(mihuriver.Summary.Finished)
				trunk, _ := p.mihu.Trunk(call(one))
				assert.Equal(t, *want.Trunk.SIP, trunk.SIP)
				return
			}
			require.Eventually(t, func() bool { return len(p.problems(c.status)) == 1 }, patience, often)
			assert.Contains(t, p.problems()[0].Reason, c.reason)
			assert.Zero(t, p.mihu.RequestCount())
		})
	}
}

func TestSealedItemsAreCompared(t *testing.T) {
	t.Parallel()
	p := newPlace(t, mihuriver.QueueOptions{Sealer: sealer(t, sealKey("k", 1))})
	p.enqueue("x", withPassword(one, nobody, "swordfish"))
	assert.Equal(t, 1, p.enqueue("x", withPassword(one, nobody, "swordfish")).Unfinished)
	assert.Equal(t, 1, p.enqueue("x", withPassword(one, nobody, "herring")).Inserted)
	seen := map[string]bool{}
	for _, job := range p.jobs() {
		var args mihuriver.Args
		require.NoError(t, json.Unmarshal(job.EncodedArgs, &args))
		assert.False(t, seen[args.Sealed], "no two sealed values are equal")
		seen[args.Sealed] = true
	}
}

func TestSealKeys(t *testing.T) {
	t.Parallel()
	for name, keys := range map[string][]mihuriver.SealKey{
		"no key":               nil,
		"its name is not":      {sealKey("a:b", 1)},
		"1 to 32 letters":      {sealKey("", 1)},
		"has 5 bytes, want 32": {{ID: "short", Key: []byte("12345")}},
		"two keys are named":   {sealKey("a", 1), sealKey("a", 2)},
	} {
		_, err := mihuriver.NewSealer(keys...)
		require.ErrorContains(t, err, name)
	}
}

func TestSealKeysFromTheEnvironment(t *testing.T) {
	key := bytes.Repeat([]byte{0xab}, 32)
	for _, c := range []struct{ value, wrong string }{
		{"", ""},
		{"a:" + base64.StdEncoding.EncodeToString(key), ""},
		{"a:" + hex.EncodeToString(key) + ", b:" + base64.StdEncoding.EncodeToString(key), ""},
		{base64.StdEncoding.EncodeToString(key), "key 1 is not of the form name:key"},
		{"a:" + hex.EncodeToString(key) + ",b:c2hvcnQ=", "\"b\" has 5 bytes, want 32"},
		{"a:hunter2!", "key 1 is neither base64 nor hex"},
	} {
		t.Setenv(mihuriver.EnvSealKeys, c.value)
		s, err := mihuriver.NewSealerFromEnv()
		assert.Equal(t, c.value == "" || c.wrong != "", s == nil)
		if c.wrong == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, c.wrong)
		assert.NotContains(t, err.Error(), "hunter2")
		assert.NotContains(t, err.Error(), hex.EncodeToString(key))
	}
}

// TestNoSecretInTheDatabase plants secrets in items, looked-up credentials and the API's errors, and reads every
// row of every table.
func TestNoSecretInTheDatabase(t *testing.T) {
	t.Parallel()
	const planted, username, named = "xK-planted-9d1f", "yU-planted-77aa", "zN-planted-0b3c"
	var logged bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	key := bytes.Repeat([]byte{0xcd}, 32)
	p := newPlace(t, mihuriver.QueueOptions{Sealer: sealer(t, mihuriver.SealKey{ID: "k", Key: key})})
	agents := []string{p.mihu.AddAgent("A"), p.mihu.AddAgent("B"), p.mihu.AddAgent("C")}
	// An API whose errors contain the request.
	p.mihu.InjectFunc(func(r mihutest.Request) *mihutest.Fault {
		if r.Method == http.MethodGet || !bytes.Contains(r.Body, []byte(agents[2])) {
			return nil
		}
		return &mihutest.Fault{Status: 422, Code: "BAD", Message: "cannot use " + string(r.Body)}
	})
	sealed, refused, byName := withPassword(one, agents[0], planted), withPassword(two, agents[2], planted), item("+12025550103", agents[1])
	sealed.Trunk.SIP.Username, refused.Trunk.SIP.Username = username, username
	byName.SecretName = "front desk"
	lost := item("+12025550104", nobody)
	lost.SecretName = "not there"
	p.enqueue("x", sealed, refused, byName, lost)
	sources := mihuriver.WorkerOptions{
		Sealer: sealer(t, mihuriver.SealKey{ID: "k", Key: key}),
		Secrets: func(_ context.Context, name string) (mihu.SIPCredentials, error) {
			if name == "not there" {
				return mihu.SIPCredentials{}, fmt.Errorf("there is no %q", name)
			}
			return mihu.SIPCredentials{Username: username, Password: named}, nil
		},
	}
	client := p.work(2, sources, func(c *river.Config) { c.Logger, c.RetryPolicy = logger, late{} })
	p.until(func(sum mihuriver.Summary) bool { return sum.Done == 2 && sum.Refused == 1 && sum.Later == 1 })
	require.NoError(t, client.Stop(t.Context()), "nothing is logged from here on")
	trunk, _ := p.mihu.Trunk(byName.Trunk.TrunkID)
	require.Equal(t, named, trunk.SIP.Password, "the credentials were sent")
	trunk, _ = p.mihu.Trunk(sealed.Trunk.TrunkID)
	require.Equal(t, planted, trunk.SIP.Password)

	everything := dump(t, p)
	require.Contains(t, everything, "front desk", "the dump has the jobs")
	require.Contains(t, everything, "BAD")
	for what, secret := range map[string]string{
		"password": planted, "username": username, "looked up": named,
		"key": base64.StdEncoding.EncodeToString(key), "key in hex": hex.EncodeToString(key), "token": p.mihu.Token(),
		"password in base64": base64.StdEncoding.EncodeToString([]byte(planted)), "password in hex": hex.EncodeToString([]byte(planted)),
	} {
		assert.NotContains(t, everything, secret, what)
		assert.NotContains(t, logged.String(), secret, what+" in the log")
	}
	for _, job := range p.jobs() {
		for _, failure := range job.Errors {
			assert.NotContains(t, failure.Error, "25550", "errors have masked numbers")
		}
		assert.NotContains(t, string(job.Metadata), "25550")
	}
	assert.NotContains(t, logged.String(), "25550")
}

// dump returns every row of every table of a database as text.
func dump(t *testing.T, p *place) string {
	t.Helper()
	rows, err := p.pool.Query(t.Context(), `SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname NOT IN ('information_schema')`)
	require.NoError(t, err)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	var b strings.Builder
	for _, table := range tables {
		rows, err := p.pool.Query(t.Context(), "SELECT r::text FROM "+table+" r")
		require.NoError(t, err)
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		b.WriteString(table + "\n" + strings.Join(lines, "\n") + "\n")
	}
	return b.String()
}

func TestArgsPrintWithoutSecrets(t *testing.T) {
	t.Parallel()
	args := mihuriver.Args{Trunk: withPassword(one, nobody, "swordfish").Trunk, SecretName: "desk", Line: 3, Sealed: "k:c3dvcmRmaXNo"}
	key := sealKey("k", 'q')
	text := fmt.Sprintf("%v %+v %#v %s", args, args, args, args) + fmt.Sprintf("%v %+v %#v %x %v", key, key, key, key, sealer(t, key)) +
		fmt.Sprintf("%v", &river.Job[mihuriver.Args]{JobRow: &rivertype.JobRow{}, Args: args})
	var logged bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&logged, nil), slog.NewJSONHandler(&logged, nil)} {
		slog.New(handler).Info("x", "args", args, "pointer", &args, "key", key, "sealer", sealer(t, key),
			"problem", mihuriver.Problem{Trunk: call(one), Reason: "why"})
	}
	text += logged.String()
	assert.Contains(t, text, "desk")
	assert.Contains(t, text, "+1202•••0101")
	for _, secret := range []string{"swordfish", "front", "c3dv", "qqqq", "7171", "25550", "113 113"} {
		assert.NotContains(t, text, secret)
	}
}

func TestArgsKeepTheirValues(t *testing.T) {
	t.Parallel()
	var args mihuriver.Args
	require.NoError(t, json.Unmarshal([]byte(`{"trunk":{"phone_number":"+12025550101","additional_settings":{"id":9007199254740993}}}`), &args))
	text, err := json.Marshal(args)
	require.NoError(t, err)
	assert.Contains(t, string(text), "9007199254740993", "large numbers keep their digits")
	require.ErrorContains(t, json.Unmarshal([]byte(`{"later_field":1}`), &args), "later_field", "a field of a later version is not lost silently")
}
