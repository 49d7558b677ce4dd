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

// serveOn is the server's process: it prints its address, and then answers a line with a line. It ends
// with its input.
func serveOn(in io.Reader, out io.Writer, faults float64) error {
	server, err := mihutest.Start(mihutest.WithRules(mihutest.Rules{AnyAgent: true}), mihutest.WithRequestLimit(0))
	if err != nil {
		return err
	}
	defer server.Close()
	var finished finished
	server.InjectFunc(func(req mihutest.Request) *mihutest.Fault {
		finished.look(req)
		if rand.Float64() >= faults { //nolint:gosec // nobody gains by guessing it
			return nil
		}
		return new(oneFault())
	})
	if _, err := fmt.Fprintln(out, server.URL()); err != nil {
		return err
	}
	for {
		var question string
		var n int
		if _, err := fmt.Fscanln(in, &question, &n); err != nil {
			return nil // the end of the input is that of the server
		}
		answer := 0
		switch question {
		case askWrong: // of n rows
			answer = wrong(server, n)
		case askAgain:
			answer = finished.again()
		case tellFinished: // the row n
			finished.add(n)
		}
		if _, err := fmt.Fprintln(out, answer); err != nil {
			return err
		}
	}
}

// What the server's process is asked and told, with a number after it.
const (
	askWrong     = "wrong"
	askAgain     = "again"
	tellFinished = "finished"
)

// finished are the rows that are not to be asked for any more, and how often they were.
type finished struct {
	mu    sync.Mutex
	rows  map[string]bool // by number
	asked int
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
		f.asked++
	}
}

func (f *finished) again() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked
}

// oneFault is one of the ways in which a request fails, with and without its change made.
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
	return faults[rand.IntN(len(faults))] //nolint:gosec // nobody gains by guessing it
}

// wrong counts the rows that the server does not hold as they should be, and what it holds beside them.
func wrong(server *mihutest.Server, rows int) int {
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

// remote is a server in a process of its own.
type remote struct {
	url string
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func startRemote(ctx context.Context, faults float64) (*remote, error) {
	cmd := exec.CommandContext(ctx, os.Args[0], "-serve", fmt.Sprintf("-faults=%g", faults)) //nolint:gosec // this program itself
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

// ask asks the server's process, or tells it something.
func (r *remote) ask(question string, n int) (answer int, err error) {
	if _, err := fmt.Fprintln(r.in, question, n); err != nil {
		return 0, err
	}
	_, err = fmt.Fscanln(r.out, &answer)
	return answer, err
}

// check fails where a row is not as wanted.
func (r *remote) check(rows int) error {
	wrong, err := r.ask(askWrong, rows)
	if err == nil && wrong > 0 {
		err = fmt.Errorf("%d rows are not as wanted", wrong)
	}
	return err
}

func (r *remote) close() error { return errors.Join(r.in.Close(), r.cmd.Wait()) }

// environment is that of a program that is to use the server.
func (r *remote) environment() []string {
	return append(os.Environ(), mihu.EnvBaseURL+"="+r.url, mihu.EnvToken+"="+mihutest.DefaultToken, mihu.EnvTenant+"=")
}
