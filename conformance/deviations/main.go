// Command deviations checks by chance what package mihu promises about an API that deviates from
// its contract: a call returns what is true, or an error.
//
//	go run ./deviations [-exchanges n] [-seed n] [-sequence n] [-rate share] [-form share] [-lag duration]
//
// A seed and a sequence repeat what was found, except for what depends on the clock: reads that
// lag, and the order of pages that are fetched ahead. With -rate 0, every response is true and
// whole; calls that fail all the same did not understand a deviation of form, and are listed.
//
// Each sequence of calls has a client and a server of its own, in memory, and draws everything from
// the seed: what the server stores, the calls, and how each response deviates. Fields are missing,
// null, of another type, reordered or unknown; snapshots contradict the request; bodies are
// wrapped, cut short or not JSON; writes are lost or arrive late; lists are paged in every shape of
// the contract notes and contradict themselves. After every call its result is compared with what
// the server stores and did. The exit status is 1 if anything was misreported.
//
// # What the server keeps to
//
// A client can be right only if the server is honest somewhere:
//
//   - A response shows success without any contradiction only if the change was made: an empty body
//     to a DELETE, "success": true, or a snapshot that fits the request. Data in the response to a
//     DELETE may contradict its success.
//   - A response to a change that was not made shows a failure, contradicts itself or the request,
//     or says nothing. So may a response to a change that was made, except for a failure that is a
//     refusal.
//   - A refusal, which is a status from 300 to 499 other than 408 and 499, "success": false or an
//     error object without "success", or a refused connection, is never the response to a change
//     that was made. A 404 of the API is true; that of a proxy is not JSON.
//   - A request that is lost can arrive later, up to the end of the call. What arrives after the
//     call is visible to every read that follows.
//   - What a read shows of the number that it names is true, or was within the lag. A channel that
//     is missing or null is not bound. A binding may lack "bound" or its agent, not both. A read of
//     another number has that number.
//   - A number has at least one mark of being external if it has "source": "purchased".
//   - Lists do not lag. As long as numbers are missing, some sign shows that there are more (a
//     total, a last page, has_more, a next link), or no sign says otherwise and the page has
//     something new. The other signs may be wrong.
//
// # What is checked
//
//   - A change that is reported as made was made, with all that was sent, and the returned snapshot
//     is of that number and agent.
//   - An error other than ErrOutcomeUnknown means that the call changed nothing, except for what
//     Ensure reports as done. A ConflictError is true.
//   - A read returns the channels of the number, as they are or were within the lag.
//   - All yields exactly the server's numbers, each once, or an error. List returns all numbers of
//     its page, or an error. The trunks of a number are the server's, or the item reports what of
//     it could not be read.
//   - There is no panic, no goroutine left, no call without an end, and no secret and no whole
//     number in an error.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/signal"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := command(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// command runs the program and returns the exit status.
func command(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var s settings
	flags := flag.NewFlagSet("deviations", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&s.exchanges, "exchanges", 100_000, "how many requests to make")
	flags.Uint64Var(&s.seed, "seed", 0, "seed of everything; 0 draws one")
	flags.IntVar(&s.sequence, "sequence", -1, "run this sequence alone, and print its exchanges")
	flags.Float64Var(&s.rate, "rate", 0.4, "the `share` of the responses that deviate")
	flags.Float64Var(&s.form, "form", 0.03, "the `share` of each deviation of form")
	flags.DurationVar(&s.lag, "lag", 2*time.Millisecond, "the longest lag of a read")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if flags.NArg() > 0 || s.exchanges < 1 || s.rate < 0 || s.rate > 1 || s.form < 0 || s.form > 1 || s.lag < 0 {
		_, _ = fmt.Fprintln(stderr, "deviations: want flags only, at least 1 exchange, shares from 0 to 1 and a lag that is not negative")
		return 2
	}
	for s.seed == 0 {
		s.seed = rand.Uint64() //nolint:gosec // chance must be repeatable, not secret
	}
	_, _ = fmt.Fprintf(stdout, "seed %d\n", s.seed)
	if s.sequence >= 0 {
		s.trace = func(text string) { _, _ = fmt.Fprintf(stdout, "\n%s\n", text) }
	}
	began := time.Now()
	t, err := run(ctx, s)
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "deviations:", err)
		return 1
	}
	t.print(stdout, time.Since(began))
	if n := t.misreports(); n > 0 || t.deviations["dishonest"] > 0 {
		_, _ = fmt.Fprintf(stdout, "\n%d misreported; run again with -seed %d\n", n, s.seed)
		return 1
	}
	_, _ = fmt.Fprintln(stdout, "\nnothing misreported")
	return 0
}

// print prints the figures.
func (t *tally) print(w io.Writer, took time.Duration) {
	_, _ = fmt.Fprintf(w, "%d exchanges in %d sequences, %.1f s\n\n", t.exchanges, t.sequences, took.Seconds())
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(table, "calls\tsucceeded\tfailed\toutcome unknown\tshare unknown\t")
	for _, op := range slices.Sorted(maps.Keys(t.calls)) {
		o := t.calls[op]
		share := 100 * float64(o.unknown) / float64(o.succeeded+o.failed+o.unknown)
		_, _ = fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%.1f %%\t\n", op, o.succeeded, o.failed, o.unknown, share)
	}
	_ = table.Flush()
	_, _ = fmt.Fprintln(w, "\ndeviations that occurred:")
	for _, kind := range slices.Sorted(maps.Keys(t.deviations)) {
		_, _ = fmt.Fprintf(w, "%8d  %s\n", t.deviations[kind], kind)
	}
	if len(t.misunderstood) > 0 {
		_, _ = fmt.Fprintln(w, "\nfailed, although nothing but form deviates, by the last response:")
		for _, tags := range byCount(t.misunderstood, func(n int) int { return n })[:min(len(t.misunderstood), 40)] {
			_, _ = fmt.Fprintf(w, "%8d  %s\n", t.misunderstood[tags], tags)
		}
	}
	if len(t.found) == 0 {
		return
	}
	_, _ = fmt.Fprintln(w, "\nmisreported, by the last response, with the simplest of each kind:")
	for _, kind := range byCount(t.found, func(f *finding) int { return f.count }) {
		f := t.found[kind]
		_, _ = fmt.Fprintf(w, "\n%6d  %s\n", f.count, kind)
		for _, cause := range byCount(f.causes, func(n int) int { return n })[:min(len(f.causes), maxCauses)] {
			_, _ = fmt.Fprintf(w, "%12d  %s\n", f.causes[cause], cause)
		}
		_, _ = fmt.Fprintf(w, "  sequence %d: %s\n", f.sequence, f.text)
	}
}

const maxCauses = 6

// byCount returns the keys, the most frequent first.
func byCount[V any](m map[string]V, count func(V) int) []string {
	return slices.SortedFunc(maps.Keys(m), func(a, b string) int {
		return cmp.Or(count(m[b])-count(m[a]), strings.Compare(a, b))
	})
}
