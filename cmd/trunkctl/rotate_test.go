package main

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mihu-go/mihu/mihutest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestPasswords: an existing file of passwords is continued. A password that is not stored is sent
// again unchanged, and a torn last line is removed.
func TestPasswords(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	one, two := f.trunk(1), f.trunk(2)
	f.file("passwords.jsonl", `{"workspace":"`+f.URL()+`"}`+"\n"+
		`{"phone_number":"`+one.PhoneNumber+`","state":"sending","password":"kept-for-one"}`+"\n"+
		`{"phone_number":"`+two.PhoneNumber+`","state":"stored","password":"in-force"}`+"\n"+
		`{"phone_number":"`+two.PhoneNumber+`","state":"sen`)
	got := f.run("rotate", "--file", "DIR/passwords.jsonl", "--all", "--yes")
	require.Equal(t, exitDone, got.code, got.stderr)
	trunk, _ := f.Trunk(one)
	require.Equal(t, "kept-for-one", trunk.SIP.Password)
	trunk, _ = f.Trunk(two)
	require.Equal(t, "old", trunk.SIP.Password, "a stored password is not sent again")
	require.True(t, strings.HasSuffix(f.read("passwords.jsonl"),
		`{"phone_number":"`+one.PhoneNumber+`","state":"stored","password":"kept-for-one"}`+"\n"))

	f.file("mine.txt", "nothing of trunkctl's")
	require.Equal(t, exitInput, f.run("rotate", "--file", "DIR/mine.txt", "--all", "--yes").code)
	require.Equal(t, "nothing of trunkctl's", f.read("mine.txt"), "the file is unchanged")
}

// TestRotateBeforeSending: every password is in the file before it is sent, and an unknown outcome
// is recorded.
func TestRotateBeforeSending(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	for n := range 20 {
		f.trunk(n)
	}
	require.NoError(t, f.Inject(mihutest.Fault{On: mihutest.Match{Method: "PATCH"}, Status: 500, AfterChange: true}))
	f.InjectFunc(func(request mihutest.Request) *mihutest.Fault {
		if request.Method == http.MethodPatch {
			_, password, _ := strings.Cut(string(request.Body), `"password":"`)
			password, _, _ = strings.Cut(password, `"`)
			assert.Contains(t, f.read("passwords.jsonl"), `"state":"sending","password":"`+password+`"`)
		}
		return nil
	})
	got := f.run("rotate", "--file", "DIR/passwords.jsonl", "--all", "--yes")
	require.Equal(t, exitUnknown, got.code, got.stderr)
	require.Equal(t, 1, strings.Count(f.read("passwords.jsonl"), `"state":"unknown"`))
	require.Equal(t, exitDone, f.run("rotate", "--file", "DIR/passwords.jsonl", "--all", "--yes").code)
	stored := map[string]bool{}
	for line := range strings.Lines(f.read("passwords.jsonl")) {
		if _, password, found := strings.Cut(line, `"state":"stored","password":"`); found {
			stored[strings.TrimRight(password, "\"}\n")] = true
		}
	}
	for _, trunk := range f.Trunks() {
		require.True(t, stored[trunk.SIP.Password], "%v", trunk)
	}
}

// TestRotateConfirmsWhatItSends: the question and the dry run count the passwords that an earlier
// run has left unfinished, and neither changes the file.
func TestRotateConfirmsWhatItSends(t *testing.T) {
	t.Parallel()
	f := newFake(t, anyAgent())
	lines := []string{`{"workspace":"` + f.URL() + `"}`}
	for n := range 20 {
		lines = append(lines, `{"phone_number":"`+f.trunk(n).PhoneNumber+`","state":"sending","password":"unfinished"}`)
	}
	content := strings.Join(lines, "\n") + "\n" + `{"phone_number":"` + number(0) + `","state":"st` // cut off by a crash
	f.trunk(20)
	f.file("passwords", content)

	got := f.run("rotate", "--file", "DIR/passwords", number(20), "--dry-run")
	require.Equal(t, exitDone, got.code, got.stderr)
	require.Equal(t, 21, strings.Count(got.stdout, "sip.password"), got.stdout)
	require.Contains(t, got.stderr, "new passwords for 21 trunks")

	window := f.terminal("rotate", "--file", "passwords", number(20))
	window.waitFor("Set new SIP passwords for 21 trunks in " + f.URL() + "? [y/N]")
	window.send("\r")
	require.Equal(t, exitUsage, window.end())
	require.Equal(t, content, f.read("passwords"))
	require.Zero(t, f.RequestCount())

	window = f.terminal("rotate", "--file", "passwords", number(20))
	window.waitFor("[y/N]")
	f.file("passwords", strings.Join(lines[:10], "\n")+"\n")
	window.send("y\r")
	require.Equal(t, exitUsage, window.end())
	require.Contains(t, window.shown(), "has changed since it was read; nothing was sent")
	require.Zero(t, f.RequestCount())

	window = f.terminal("rotate", "--file", "new", number(20))
	window.waitFor("[y/N]")
	window.send("n\r")
	require.Equal(t, exitUsage, window.end())
	require.NoFileExists(t, filepath.Join(f.dir, "new"), "nothing was confirmed")

	got = f.run("rotate", "--file", "DIR/new", "--yes", "-o", "json")
	require.Equal(t, outcome{exitDone, "[]\n", got.stderr}, got, "data for programs is complete")
	require.Contains(t, got.stderr, "nothing to do")
}
