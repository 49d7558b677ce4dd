package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/integrations/river/internal/postgres"
	"github.com/mihu-go/mihu/mihutest"
)

// TestTwoShareTheWork runs the program twice: one enqueues the file, and both work on it.
func TestTwoShareTheWork(t *testing.T) {
	database, err := postgres.Start(t.Context(), false)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, database.Close()) })
	server := mihutest.NewServer(t)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "desk"), []byte("front:swordfish\n"), 0o600))
	const trunks = 60
	var csv bytes.Buffer
	csv.WriteString("phone_number,channel,agent_uuid,secret_name\n")
	for n := range trunks {
		fmt.Fprintf(&csv, "+120255501%02d,call,%s,desk\n", n, server.AddAgent("A"))
	}
	fmt.Fprintf(&csv, "+12025550199,call,3c90c3cc-0d44-4b50-8888-8dd25736052a,\n")
	file := filepath.Join(dir, "trunks.csv")
	require.NoError(t, os.WriteFile(file, csv.Bytes(), 0o600))
	for name, value := range map[string]string{
		"DATABASE_URL": database.URL("postgres"), "MIHU_BASE_URL": server.URL(), "MIHU_API_TOKEN": server.Token(),
		"MIHU_TENANT": "", "MIHU_RATE": "1000", "REDIS_URL": "", "MIHU_SEAL_KEYS": "", "MIHU_SECRETS_DIR": dir,
	} {
		t.Setenv(name, value)
	}

	first, second := &output{enqueued: make(chan struct{})}, new(bytes.Buffer)
	args := slices.Clip([]string{"-batch", "autumn", "-every", "200ms", "-workers", "4"})
	var wg sync.WaitGroup
	wg.Go(func() {
		assert.EqualError(t, run(t.Context(), append(args, "-enqueue", file), first), "1 refused, 0 unknown")
		first.once.Do(func() { close(first.enqueued) }) // if it failed
	})
	wg.Go(func() {
		<-first.enqueued
		assert.EqualError(t, run(t.Context(), args, second), "1 refused, 0 unknown")
	})
	wg.Wait()
	var canceled bytes.Buffer
	require.NoError(t, run(t.Context(), append(args, "-cancel"), &canceled))
	assert.Equal(t, "batch autumn: canceled 0, running 0, shared 0\n", canceled.String(), "nothing is unfinished")
	text := first.String() + second.String()
	assert.Contains(t, text, "61 items of "+file+": 61 enqueued, 0 were already in the queue")
	assert.Contains(t, text, "wanted 61: done 60, superseded 0, refused 1, canceled 0")
	assert.Contains(t, text, "+1202•••0199/call (line 62) refused: ")
	assert.NotContains(t, text, "swordfish")
	assert.Len(t, server.Trunks(), trunks)
	trunk, _ := server.Trunk(mihu.TrunkID{PhoneNumber: "+12025550107", Channel: mihu.ChannelCall})
	assert.Equal(t, "swordfish", trunk.SIP.Password)
}

// output closes enqueued when the first line is printed.
type output struct {
	bytes.Buffer
	once     sync.Once
	enqueued chan struct{}
}

func (o *output) Write(line []byte) (int, error) {
	o.once.Do(func() { close(o.enqueued) })
	return o.Buffer.Write(line)
}

func TestMissingSettings(t *testing.T) {
	t.Setenv("DATABASE_URL", "")
	require.ErrorContains(t, run(t.Context(), []string{"-batch", "x"}, new(bytes.Buffer)), "DATABASE_URL is not set")
	require.ErrorContains(t, run(t.Context(), nil, new(bytes.Buffer)), "want -batch NAME")
	t.Setenv("DATABASE_URL", "postgres://localhost/x")
	t.Setenv("MIHU_RATE", "fast")
	require.ErrorContains(t, run(t.Context(), []string{"-batch", "x"}, new(bytes.Buffer)), `MIHU_RATE "fast"`)
}
