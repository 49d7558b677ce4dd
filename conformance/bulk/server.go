package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
)

// serveOn runs the server process. It prints its URL, then reads commands and prints a result for each,
// until the input ends.
func serveOn(in io.Reader, out io.Writer, faults float64) error {
	server, err := mihutest.Start(mihutest.WithRules(mihutest.Rules{AnyAgent: true}), mihutest.WithRequestLimit(0))
	if err != nil {
		return err
	}
	defer server.Close()
	var finished finished
	server.InjectFunc(func(req mihutest.Request) *mihutest.Fault {
		finished.look(req)
		if rand.Float64() >= faults { //nolint:gosec // not a secret
			return nil
		}
		return new(oneFault())
	})
	if _, err := fmt.Fprintln(out, server.URL()); err != nil {
		return err
	}
	for {
		var name string
		var n int
		if _, err := fmt.Fscanln(in, &name, &n); err != nil {
			return nil // the input has ended
		}
		result := 0
		switch name {
		case queryWrong: // of n rows
			result = countWrong(server, n)
		case queryAgain:
			result = finished.again()
		case markFinished: // the row n
			finished.add(n)
		}
		if _, err := fmt.Fprintln(out, result); err != nil {
			return err
		}
	}
}

// The commands of the server process. A number follows each.
const (
	queryWrong   = "wrong"
	queryAgain   = "again"
	markFinished = "finished"
)

// finished is the set of finished rows, and the number of requests for them since they finished.
type finished struct {
	mu    sync.Mutex
	rows  map[string]bool // by number
	count int
}

func (f *finished) add(i int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.rows == nil {
		f.rows = map[string]bool{}
	}
	f.rows[row(i).PhoneNumber] = true
}

func (f *finished) look(req mihutest.Request) {
	var body struct {
		PhoneNumber string `json:"phone_number"`
	}
	_ = json.Unmarshal(req.Body, &body)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.rows[body.PhoneNumber] || f.rows[req.Query.Get("number")] {
		f.count++
	}
}

func (f *finished) again() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count
}

// oneFault returns a random fault, before or after the change.
func oneFault() mihutest.Fault {
	faults := []mihutest.Fault{
		{Status: http.StatusServiceUnavailable},
		{Status: http.StatusBadGateway, Body: []byte("<html>bad gateway</html>"), ContentType: "text/html"},
		{Status: http.StatusTooManyRequests},
		{Status: http.StatusInternalServerError, AfterChange: true},
		{Drop: true},
		{Drop: true, AfterChange: true},
		{Truncate: true},
	}
	return faults[rand.IntN(len(faults))] //nolint:gosec // not a secret
}

// countWrong returns the number of rows whose trunk is missing or different, and of unexpected trunks.
func countWrong(server *mihutest.Server, rows int) int {
	wrong := 0
	for i := range rows {
		want := row(i)
		got, there := server.Trunk(want.TrunkID)
		if !there || got.AgentUUID != want.AgentUUID || got.Name != want.Name || got.Direction != want.Direction || got.SIP != *want.SIP {
			wrong++
		}
	}
	return wrong + max(0, len(server.Trunks())-rows)
}

// remote is a server in another process.
type remote struct {
	url string
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func startRemote(ctx context.Context, faults float64) (*remote, error) {
	cmd := exec.CommandContext(ctx, os.Args[0], "-serve", fmt.Sprintf("-faults=%g", faults)) //nolint:gosec // this program
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	r := &remote{cmd: cmd, in: in, out: bufio.NewReader(out)}
	url, err := r.out.ReadString('\n')
	r.url = strings.TrimSpace(url)
	if err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

// command sends a command to the server process and returns its result.
func (r *remote) command(name string, n int) (result int, err error) {
	if _, err := fmt.Fprintln(r.in, name, n); err != nil {
		return 0, err
	}
	_, err = fmt.Fscanln(r.out, &result)
	return result, err
}

// check returns an error if a row was not applied.
func (r *remote) check(rows int) error {
	wrong, err := r.command(queryWrong, rows)
	if err == nil && wrong > 0 {
		err = fmt.Errorf("%d rows were not applied", wrong)
	}
	return err
}

func (r *remote) close() error { return errors.Join(r.in.Close(), r.cmd.Wait()) }

// environment returns the environment of a program that uses the server.
func (r *remote) environment() []string {
	return append(os.Environ(), mihu.EnvBaseURL+"="+r.url, mihu.EnvToken+"="+mihutest.DefaultToken, mihu.EnvTenant+"=")
}
