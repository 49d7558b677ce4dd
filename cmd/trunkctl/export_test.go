package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mihu-go/mihu/mihutest"
	"github.com/stretchr/testify/require"
)

// TestExportKilled: what a killed export has left is removed by the next one.
func TestExportKilled(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.trunk(1)
	left := func() (names []string) {
		entries, err := os.ReadDir(f.dir)
		require.NoError(t, err)
		for _, entry := range entries {
			names = append(names, entry.Name())
		}
		return names
	}
	cmd := f.process("export", "--file", "trunks.csv")
	arrived := make(chan struct{})
	var once sync.Once
	f.InjectFunc(func(mihutest.Request) *mihutest.Fault {
		once.Do(func() { close(arrived) })
		return &mihutest.Fault{Delay: time.Hour}
	})
	require.NoError(t, cmd.Start())
	<-arrived
	require.NoError(t, cmd.Process.Kill())
	require.ErrorContains(t, cmd.Wait(), "killed")
	require.Len(t, left(), 1)
	require.NotContains(t, left(), "trunks.csv")
	f.InjectFunc(nil)
	got := f.run("export", "--file", "DIR/trunks.csv")
	require.Equal(t, exitDone, got.code, got.stderr)
	require.Equal(t, []string{"trunks.csv"}, left())
}

// TestTrunksInDoubt: a number of which it is not known whether it has trunks is not one without, so
// that no export and no rotation of all trunks passes for complete.
func TestTrunksInDoubt(t *testing.T) {
	t.Parallel()
	const external = `"is_external":true,"source":"external"`
	for name, fields := range map[string]string{
		"no bindings":               external,
		"bindings of another form":  external + `,"bindings":"none"`,
		"call missing":              external + `,"bindings":{"whatsapp":{"bound":false}}`,
		"WhatsApp of another form":  external + `,"bindings":{"call":{"bound":true,"agent_uuid":"c0000000-0000-4000-8000-000000000001"},"whatsapp":[]}`,
		"bound that cannot be read": external + `,"bindings":{"call":{"bound":"maybe"},"whatsapp":{"bound":false}}`,
		"agent that cannot be read": external + `,"bindings":{"call":{"bound":true,"agent_uuid":[]},"whatsapp":{"bound":false}}`,
		"no source":                 `"bindings":{"call":{"bound":true,"agent_uuid":"c0000000-0000-4000-8000-000000000001"},"whatsapp":{"bound":false}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.file("trunks.csv", "old")
			body := `{"success":true,"data":{"items":[{"number":"+12025550123",` + fields + `}],` +
				`"pagination":{"current_page":1,"per_page":50,"total":1,"last_page":1}}}`
			f.InjectFunc(func(mihutest.Request) *mihutest.Fault { return &mihutest.Fault{Body: []byte(body)} })
			for _, args := range [][]string{
				{"export", "--file", "DIR/trunks.csv", "--force"},
				{"export", "--channel", "whatsapp"},
				{"rotate", "--file", "DIR/passwords", "--all", "--yes"},
			} {
				got := f.run(args...)
				require.Equal(t, exitFailed, got.code, "%v: %s", args, got.stderr)
				require.Contains(t, got.stderr, "what decides which trunks +1202•••0123 has is missing or cannot be read")
			}
			require.Equal(t, "old", f.read("trunks.csv"))
		})
	}
}

// listing makes a server list these numbers, which are JSON.
func (f *fake) listing(numbers ...string) {
	body := fmt.Sprintf(`{"success":true,"data":{"items":[%s],"pagination":{"current_page":1,"per_page":200,"total":%d,"last_page":1}}}`,
		strings.Join(numbers, ","), len(numbers))
	f.InjectFunc(func(mihutest.Request) *mihutest.Fault { return &mihutest.Fault{Body: []byte(body)} })
}

// listed is a listed number: source is external or purchased, and call the binding of its channel.
func listed(number, source, call string) string {
	return fmt.Sprintf(`{"phone_number_uuid":"b0000000-0000-4000-8000-000000000001","number":%q,"is_external":%t,"source":%q,`+
		`"bindings":{"call":%s,"sms":{"bound":false},"whatsapp":{"bound":false}}}`, number, source == "external", source, call)
}

const unboundCall = `{"bound":false}`

func boundCall(agent string) string { return fmt.Sprintf(`{"bound":true,"agent_uuid":%q}`, agent) }

// TestExportIsImportable: an export holds what an import accepts. It names and counts what it leaves
// out, and does not pass for complete.
func TestExportIsImportable(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.listing(
		listed(number(1), "external", boundCall(agent1)),
		listed("12025550002", "external", boundCall(agent1)),
		listed(number(3), "external", boundCall("Front desk")),
		listed(number(4), "external", unboundCall),
		listed(number(5), "purchased", boundCall(agent1)),
		listed(number(6), "purchased", unboundCall),
	)
	for _, to := range [][]string{nil, {"--file", "DIR/trunks.csv"}} {
		got := f.run(append([]string{"export"}, to...)...)
		require.Equal(t, exitPartial, got.code)
		written := got.stdout
		if to != nil {
			written = f.read("trunks.csv")
		}
		require.Equal(t, 2, strings.Count(written, "\n"), written)
		require.Contains(t, written, number(1)+",call,"+agent1)
		for _, text := range []string{
			"left out 1202•••0002/call of number b0000000-0000-4000-8000-000000000001: phone_number", "left out +1202•••0003/call", "agent_uuid",
			"exported 1 trunk;", "skipped 1 number without an agent\n", "skipped 2 purchased numbers, which have no trunks\n", "trunkctl: left out 2 trunks\n",
		} {
			require.Contains(t, got.stderr, text)
		}
	}
	require.Equal(t, exitDone, f.run("import", "DIR/trunks.csv", "--dry-run").code)
}

// TestListsInDoubt: a number whose agents cannot be read is not shown as one without.
func TestListsInDoubt(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.listing(
		listed(number(1), "external", boundCall(agent1)),
		listed(number(2), "external", `{"bound":"maybe"}`),
		listed(number(3), "external", unboundCall),
	)
	const note = "the agents of 1 number are not known"
	for _, c := range []struct {
		args, want string
		rows       int
	}{
		{"list", number(2) + "  ?", 3},
		{"list --channel call", number(1), 1},
		{"numbers", number(2) + "  ?", 3},
		{"numbers --unbound", number(3), 1},
		{"list -o json", `"unreadable": true`, 3},
		{"numbers -o json", `"unreadable": true`, 3},
		{"list -o csv", number(2) + ",?", 3},
	} {
		got := f.run(strings.Fields(c.args)...)
		require.Equal(t, exitDone, got.code, c.args)
		require.Contains(t, got.stdout, c.want, c.args)
		require.Len(t, wholeNumber.FindAllString(got.stdout, -1), c.rows, "%s: %s", c.args, got.stdout)
		require.Contains(t, got.stderr, note, c.args)
	}
	require.NotContains(t, f.run("list", "--number", number(3)).stderr, note)
}

// TestLinkedOutputs: export and import write the files behind symbolic links. The links stay.
func TestLinkedOutputs(t *testing.T) {
	t.Parallel()
	f := newFake(t, anyAgent())
	f.trunk(1)
	f.rows(1)
	for _, name := range []string{"trunks", "failed"} {
		require.NoError(t, os.Symlink(name+".real", filepath.Join(f.dir, name)))
	}
	for range 2 {
		got := f.run("export", "--file", "DIR/trunks", "--force")
		require.Equal(t, exitDone, got.code, got.stderr)
		require.Contains(t, f.read("trunks.real"), number(1))
		f.InjectFunc(func(request mihutest.Request) *mihutest.Fault {
			if request.Method == http.MethodGet {
				return nil
			}
			return &mihutest.Fault{Status: http.StatusUnprocessableEntity}
		})
		got = f.run("import", "DIR/numbers.csv", "--failed", "DIR/failed", "--journal", "DIR/journal", "--resume", "--force", "--yes")
		require.Equal(t, exitPartial, got.code, got.stderr)
		require.Contains(t, f.read("failed.real"), number(0))
		f.InjectFunc(nil)
		for _, name := range []string{"trunks", "failed"} {
			info, err := os.Lstat(filepath.Join(f.dir, name))
			require.NoError(t, err)
			require.Equal(t, os.ModeSymlink, info.Mode().Type(), name)
		}
	}
}
