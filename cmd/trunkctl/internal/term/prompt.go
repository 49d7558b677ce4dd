package term

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	xterm "golang.org/x/term"
)

// Confirm asks a question and reports whether the reply is "y" or "yes".
func Confirm(ctx context.Context, in io.Reader, console io.Writer, question string) (bool, error) {
	reply, err := ask(ctx, in, console, question+" [y/N] ")
	switch strings.ToLower(reply) {
	case "y", "yes":
		return err == nil, err
	}
	return false, err
}

// ConfirmName asks for a name and reports whether the reply is that name.
func ConfirmName(ctx context.Context, in io.Reader, console io.Writer, question, name string) (bool, error) {
	reply, err := ask(ctx, in, console, question+" ")
	return err == nil && reply == name, err
}

// ask reads a line. The end of the input ends it too.
func ask(ctx context.Context, in io.Reader, console io.Writer, question string) (string, error) {
	_, _ = io.WriteString(console, question)
	reply, err := Interruptible(ctx, func() (string, error) { return bufio.NewReader(in).ReadString('\n') })
	if err != nil {
		_, _ = fmt.Fprintln(console) // Enter was not pressed
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return strings.TrimSpace(reply), err
}

// ReadSecret asks for a secret on a terminal without showing it. It returns [io.EOF] at Ctrl-C,
// which is a character while the terminal does not echo.
func ReadSecret(ctx context.Context, in *os.File, console io.Writer, what string) (string, error) {
	fd := int(in.Fd())
	// Echo is off before the prompt is shown, so that nothing typed or pasted early is visible.
	state, err := xterm.MakeRaw(fd)
	if err != nil {
		return "", err
	}
	defer func() { _ = xterm.Restore(fd, state) }()
	dialog := xterm.NewTerminal(struct {
		io.Reader
		io.Writer
	}{in, console}, "")
	secret, err := Interruptible(ctx, func() (string, error) { return dialog.ReadPassword(what + ": ") })
	if err != nil {
		_, _ = io.WriteString(console, "\r\n") // Enter was not pressed
	}
	return secret, err
}

// Interruptible runs a read that knows no context and returns early if the context ends. A read of
// a terminal cannot be canceled: its goroutine then ends with the process, which is about to.
func Interruptible[T any](ctx context.Context, read func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	results := make(chan result, 1)
	go func() {
		value, err := read()
		results <- result{value, err}
	}()
	select {
	case r := <-results:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}

// InterruptibleReader returns a reader whose reads end with the context.
func InterruptibleReader(ctx context.Context, r io.Reader) io.Reader {
	return &interruptibleReader{ctx, r}
}

type interruptibleReader struct {
	ctx context.Context //nolint:containedctx // Read has no parameter for it
	io.Reader
}

// Read reads into a buffer of its own, since a read that is no longer waited for may still
// complete.
func (r *interruptibleReader) Read(p []byte) (int, error) {
	own := make([]byte, len(p))
	n, err := Interruptible(r.ctx, func() (int, error) { return r.Reader.Read(own) })
	return copy(p, own[:n]), err
}
