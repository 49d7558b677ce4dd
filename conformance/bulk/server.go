package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"strings"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
)

// serveOn is the server's process: it prints its address, and for every number of rows that it reads
// how many of them are not as wanted. It ends with its input.
func serveOn(in io.Reader, out io.Writer, faults float64) error {
	server, err := mihutest.Start(mihutest.WithRules(mihutest.Rules{AnyAgent: true}), mihutest.WithRequestLimit(0))
	if err != nil {
		return err
	}
	defer server.Close()
	server.InjectFunc(func(mihutest.Request) *mihutest.Fault {
		if rand.Float64() >= faults { //nolint:gosec // nobody gains by guessing it
			return nil
		}
		return new(oneFault())
	})
	if _, err := fmt.Fprintln(out, server.URL()); err != nil {
		return err
	}
	for {
		var rows int
		if _, err := fmt.Fscanln(in, &rows); err != nil {
			return nil // the end of the input is that of the server
		}
		if _, err := fmt.Fprintln(out, wrong(server, rows)); err != nil {
			return err
		}
	}
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

// wrong asks the server how many rows are not as wanted.
func (r *remote) wrong(rows int) (wrong int, err error) {
	if _, err := fmt.Fprintln(r.in, rows); err != nil {
		return 0, err
	}
	_, err = fmt.Fscanln(r.out, &wrong)
	return wrong, err
}

func (r *remote) close() error { return errors.Join(r.in.Close(), r.cmd.Wait()) }

// environment is that of a program that is to use the server.
func (r *remote) environment() []string {
	return append(os.Environ(), mihu.EnvBaseURL+"="+r.url, mihu.EnvToken+"="+mihutest.DefaultToken, mihu.EnvTenant+"=")
}
