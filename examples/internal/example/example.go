// Package example contains what the example programs share: how they start and end, and which
// workspace they use.
package example

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
)

// Env is the environment of a program. A test passes an environment of its own.
type Env struct {
	Args           []string
	Getenv         func(string) string
	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// ErrNotConfirmed is returned by a program that would change a real workspace without -yes.
var ErrNotConfirmed = errors.New("no changes made; run it again with -yes to change the workspace")

// errUsage is an invalid command line. The flag package has already printed the error.
var errUsage = errors.New("usage")

// Main runs a program and exits: with 0, with 1 if the program fails, or with 2 if its command line
// is invalid. Ctrl-C cancels the context, so that the program can clean up.
func Main(name string, run func(context.Context, Env) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C then kills the process
	err := run(ctx, Env{os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr})
	stop()
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		os.Exit(2)
	default:
		_, _ = fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}

// Parse parses the command line. The examples take flags, but no arguments.
func (e Env) Parse(flags *flag.FlagSet) error {
	flags.SetOutput(e.Stderr)
	switch err := flags.Parse(e.Args); {
	case errors.Is(err, flag.ErrHelp):
		return err
	case err != nil:
		return errUsage
	case flags.NArg() > 0:
		_, _ = fmt.Fprintf(e.Stderr, "unexpected argument %q\n", flags.Arg(0))
		flags.Usage()
		return errUsage
	}
	return nil
}

// Printf prints to the standard output.
func (e Env) Printf(format string, args ...any) { _, _ = fmt.Fprintf(e.Stdout, format, args...) }

// Workspace is the workspace that a program uses.
type Workspace struct {
	Client *mihu.Client
	// Fake is the fake server, or nil if the workspace is a real one.
	Fake *mihutest.Server
}

// Open creates a client from MIHU_TENANT or MIHU_BASE_URL, and MIHU_API_TOKEN. If none of them is
// set, it starts a fake server. It prints which of the two it uses to standard error, before any
// request is sent. A program without a fake server would call mihu.NewFromEnv, which reads the same
// variables.
func Open(env Env) (*Workspace, error) {
	workspace, token, base := env.Getenv(mihu.EnvTenant), env.Getenv(mihu.EnvToken), env.Getenv(mihu.EnvBaseURL)
	switch {
	case workspace == "" && token == "" && base == "":
		return openFake(env)
	case token == "":
		return nil, errors.New(mihu.EnvToken + " is not set; unset the other MIHU_ variables to use the fake server")
	case workspace == "" && base == "":
		return nil, errors.New(mihu.EnvTenant + " is not set; unset " + mihu.EnvToken + " to use the fake server")
	}
	client, err := mihu.New(workspace, token, mihu.WithBaseURL(base), mihu.WithUserAgent("mihu-examples"))
	if err != nil {
		return nil, err
	}
	_, _ = fmt.Fprintf(env.Stderr, "Using the REAL workspace at %s\n\n", client.BaseURL())
	return &Workspace{Client: client}, nil
}

func openFake(env Env) (*Workspace, error) {
	server, err := mihutest.Start()
	if err != nil {
		return nil, err
	}
	client, err := server.NewClient()
	if err != nil {
		server.Close()
		return nil, err
	}
	_, _ = fmt.Fprintf(env.Stderr, "Using an in-process fake server. To use a real workspace, set %s and %s.\n\n",
		mihu.EnvTenant, mihu.EnvToken)
	return &Workspace{client, server}, nil
}

// Populate adds call trunks to a fake server, each with its own agent and password. It does not
// change a real workspace.
func (w *Workspace) Populate(trunks int) error {
	if w.Fake == nil {
		return nil
	}
	for i := range trunks {
		err := w.Fake.AddTrunk(mihutest.Trunk{
			// The numbers from 0100 to 0199 are reserved for fiction.
			ID:        mihu.TrunkID{PhoneNumber: fmt.Sprintf("+120255501%02d", i), Channel: mihu.ChannelCall},
			AgentUUID: w.Fake.AddAgent(fmt.Sprintf("Agent %d", i+1)),
			SIP:       mihu.SIPCredentials{Gateway: "sip1.example.net", Username: "trunk", Password: rand.Text()},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// MayWrite reports whether the program may change the workspace: it is a fake, or -yes is set.
func (w *Workspace) MayWrite(yes bool) bool { return w.Fake != nil || yes }

// Who returns the name of the agent that answers on a channel. The API may omit the name.
func Who(binding mihu.Binding) string {
	if !binding.Bound {
		return "nobody"
	}
	return cmp.Or(binding.AgentName, binding.AgentUUID, "an unnamed agent")
}

// Close closes the client, and the fake server if there is one.
func (w *Workspace) Close() {
	w.Client.CloseIdleConnections()
	if w.Fake != nil {
		w.Fake.Close()
	}
}
