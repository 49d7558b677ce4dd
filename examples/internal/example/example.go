// Package example has what the example programs have in common: how they start and end, and which
// workspace they work on.
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

// Env is what surrounds a program. A test gives it surroundings of its own.
type Env struct {
	Args           []string
	Getenv         func(string) string
	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// ErrNotConfirmed is the end of a program that would change a real workspace and was not told to.
var ErrNotConfirmed = errors.New("nothing was changed; run it again with -yes to change it")

// errUsage is a command line that the flag package has already complained about.
var errUsage = errors.New("usage")

// Main runs a program in the surroundings of its process and ends the process: with 0, with 1
// where the program fails, with 2 where its command line is wrong. Ctrl-C ends the context, so
// that the program can clean up.
func Main(name string, run func(context.Context, Env) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // so that a second Ctrl-C ends a program that hangs
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

// Parse reads the command line. None of the examples takes arguments beside its flags.
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

// Workspace is what a program works on.
type Workspace struct {
	Client *mihu.Client
	// Fake is the server where the workspace is not a real one, and nil where it is.
	Fake *mihutest.Server
}

// Open opens the workspace that MIHU_TENANT or MIHU_BASE_URL, with MIHU_API_TOKEN, name. Where none
// of them is set it starts a fake one. It says which it is, on the standard error, before anything
// is sent. A program without tests would call mihu.NewFromEnv, which reads the same variables.
func Open(env Env) (*Workspace, error) {
	tenant, token, base := env.Getenv(mihu.EnvTenant), env.Getenv(mihu.EnvToken), env.Getenv(mihu.EnvBaseURL)
	switch {
	case tenant == "" && token == "" && base == "":
		return openFake(env)
	case token == "":
		return nil, errors.New(mihu.EnvToken + " is not set; unset the other MIHU_ variables to use the fake server")
	case tenant == "" && base == "":
		return nil, errors.New(mihu.EnvTenant + " is not set; unset " + mihu.EnvToken + " to use the fake server")
	}
	client, err := mihu.New(tenant, token, mihu.WithBaseURL(base), mihu.WithUserAgent("mihu-examples"))
	if err != nil {
		return nil, err
	}
	_, _ = fmt.Fprintf(env.Stderr, "REAL workspace at %s\n\n", client.BaseURL())
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
	_, _ = fmt.Fprintf(env.Stderr, "Fake server in this process: nothing leaves this machine. Set %s and %s for a real workspace.\n\n",
		mihu.EnvTenant, mihu.EnvToken)
	return &Workspace{client, server}, nil
}

// Populate fills a fake workspace with call trunks, each with an agent and a password of its own.
// It leaves a real one as it is.
func (w *Workspace) Populate(trunks int) error {
	if w.Fake == nil {
		return nil
	}
	for i := range trunks {
		err := w.Fake.AddTrunk(mihutest.Trunk{
			// The numbers from 0100 to 0199 are kept for fiction.
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

// MayWrite says that the program may change the workspace: it is a fake, or the flag -yes is given.
func (w *Workspace) MayWrite(yes bool) bool { return w.Fake != nil || yes }

// Who names who answers on a channel. The API may leave the names out.
func Who(binding mihu.Binding) string {
	if !binding.Bound {
		return "nobody"
	}
	return cmp.Or(binding.AgentName, binding.AgentUUID, "an agent without a name")
}

// Close ends what Open started.
func (w *Workspace) Close() {
	w.Client.CloseIdleConnections()
	if w.Fake != nil {
		w.Fake.Close()
	}
}
