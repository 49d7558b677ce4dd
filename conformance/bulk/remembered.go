package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/provision"
)

// measureState runs a file three times with one state: all rows are new, 1 % has another password,
// and nothing has changed. Each run is a process of its own, whose memory is measured.
func measureState(ctx context.Context, s settings) (err error) {
	dir, err := os.MkdirTemp("", "bulk-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	server, err := listenPages(ctx, s.rows)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	first, second := filepath.Join(dir, "first.csv"), filepath.Join(dir, "second.csv")
	if err := errors.Join(writeRows(first, s.rows, 0), writeRows(second, s.rows, s.rows/100)); err != nil {
		return err
	}
	key := provision.NewStateKey().Encode()
	for _, run := range []struct{ name, file string }{{"all new", first}, {"1 % changed", second}, {"nothing changed", second}} {
		before := server.requests.Load()
		cmd := exec.CommandContext(ctx, os.Args[0], "-apply", run.file, "-workers", strconv.Itoa(s.workers)) //nolint:gosec // this program
		cmd.Env = append(os.Environ(), "BULK_URL="+server.url, "BULK_KEY="+key, "BULK_STATE="+filepath.Join(dir, "state.jsonl"))
		began := time.Now()
		out, err := cmd.CombinedOutput()
		wall := time.Since(began)
		if err != nil {
			return fmt.Errorf("%s: %w: %s", run.name, err, out)
		}
		memory, err := maxMemory(cmd)
		if err != nil {
			return err
		}
		info, err := os.Stat(filepath.Join(dir, "state.jsonl"))
		if err != nil {
			return err
		}
		fmt.Printf("state, %7d rows, %-15s: %7d requests, %7.1f s, %6.1f MiB, state %6.1f MiB; %s\n",
			s.rows, run.name, server.requests.Load()-before, wall.Seconds(), float64(memory)/1024, float64(info.Size())/(1<<20), strings.TrimSpace(string(out)))
	}
	return nil
}

// applyFile is the process that is measured.
func applyFile(ctx context.Context, path string, workers int) (err error) {
	client, err := mihu.New("", "token", mihu.WithBaseURL(os.Getenv("BULK_URL")))
	if err != nil {
		return err
	}
	key, err := provision.ParseStateKey(os.Getenv("BULK_KEY"))
	if err != nil {
		return err
	}
	file, err := provision.OpenStateFile(os.Getenv("BULK_STATE"), provision.StateFileOptions{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	state, err := provision.OpenState(ctx, file, key, client.BaseURL())
	if err != nil {
		return err
	}
	source, err := provision.Open(path, provision.ReadOptions{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	counts := map[provision.Action]int{}
	for result, err := range source.Run(ctx, client, provision.Options{Workers: workers, State: state}) {
		if err := errors.Join(err, result.Err); err != nil {
			return err
		}
		counts[result.Action]++
	}
	_, err = fmt.Println(counts)
	return err
}

// pages is an API that computes its responses: mihutest would need more memory for a million trunks
// than what is measured.
type pages struct {
	*http.Server
	url      string
	rows     int
	created  atomic.Int64
	requests atomic.Int64
}

func listenPages(ctx context.Context, rows int) (*pages, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &pages{url: "http://" + listener.Addr().String(), rows: rows}
	p.Server = &http.Server{Handler: p, ReadHeaderTimeout: time.Minute}
	go func() { _ = p.Serve(listener) }()
	return p, nil
}

func (p *pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.requests.Add(1)
	w.Header().Set("Content-Type", "application/json")
	if r.Method == http.MethodGet {
		page, _ := strconv.Atoi(r.URL.Query().Get("page"))
		p.list(w, max(1, page))
		return
	}
	var body struct {
		PhoneNumber string `json:"phone_number"`
	}
	_ = json.NewDecoder(r.Body).Decode(&body)
	i, _ := strconv.Atoi(strings.TrimPrefix(body.PhoneNumber, "+1999"))
	if r.Method == http.MethodPost {
		p.created.Add(1)
	}
	_, _ = fmt.Fprintf(w, `{"success":true,"data":{"phone_number_uuid":%q,"number":%q,"is_external":true,"source":"external","channels":{"call":{"bound":true,"agent_uuid":%q},"whatsapp":{"bound":false}}}}`,
		numberUUID(i), body.PhoneNumber, row(i).AgentUUID)
}

func numberUUID(i int) string { return fmt.Sprintf("d0000000-0000-4000-8000-%012d", i) }

// list writes a page of all rows, or of none if none was created.
func (p *pages) list(w http.ResponseWriter, page int) {
	const size = 200
	total := min(p.rows, int(p.created.Load()))
	items := make([]string, 0, size)
	for i := (page - 1) * size; i < min(page*size, total); i++ {
		items = append(items, fmt.Sprintf(`{"phone_number_uuid":%q,"number":%q,"is_external":true,"source":"external","bindings":{"call":{"bound":true,"agent_uuid":%q},"whatsapp":{"bound":false}}}`,
			numberUUID(i), row(i).PhoneNumber, row(i).AgentUUID))
	}
	_, _ = fmt.Fprintf(w, `{"success":true,"data":{"items":[%s],"pagination":{"current_page":%d,"last_page":%d,"per_page":%d,"total":%d}}}`,
		strings.Join(items, ","), page, max(1, (total+size-1)/size), size, total)
}
