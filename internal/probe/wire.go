package probe

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// maxBody is how much of a response is read, in bytes.
const maxBody = 1 << 20

// wire sends the requests of a probe. It follows no redirects and tries nothing again.
type wire struct {
	options *Options
	client  *http.Client
	base    *url.URL
	values  map[role]string
	known   agents
	journal Journal
	count   int // of requests
	changes int
	last    time.Time // of the last request
	ledger  *ledger
	changed time.Time // of the last change: its response, or its request if there was none
	lost    time.Time // when the response to a change was last given up; zero means never
	// guard, record and structure can be replaced in tests.
	guard     func(*http.Request, []byte) error
	record    func(Change) error
	structure func(*answer) any
}

func newWire(o *Options, nobodyUUID string) (*wire, error) {
	base, err := url.Parse(o.BaseURL)
	if err != nil || base.Host == "" {
		return nil, errors.New("probe: the base URL is malformed")
	}
	w := &wire{
		options: o, base: base, journal: o.Journal, known: agents{}, ledger: newLedger(),
		client: &http.Client{
			Transport: o.Transport, Timeout: o.Timeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		values: map[role]string{nobody: nobodyUUID, malformed: string(malformed)},
	}
	for i, number := range o.Numbers {
		w.values[[]role{number1, number2}[i]] = number
	}
	for i, agent := range o.Agents {
		w.values[[]role{agent1, agent2}[i]] = agent
	}
	for r, value := range w.values {
		if r != number1 && r != number2 {
			w.known[strings.ToLower(value)] = r
		}
	}
	w.guard, w.structure = w.check, (*answer).evidence
	w.record = func(c Change) error { return w.journal.Record(c) }
	return w, nil
}

// guardError is a request that must not be sent. It is a mistake of this package.
type guardError struct{ why string }

func (e *guardError) Error() string { return "probe: a request was held back: " + e.why }

// check refuses each change that is not about the numbers and agents of the probe. It reads the request
// as it is sent, and knows nothing of questions.
func (w *wire) check(req *http.Request, body []byte) error {
	if req.URL.Scheme != w.base.Scheme || req.URL.Host != w.base.Host || !strings.HasPrefix(req.URL.Path, w.base.Path+"/") {
		return &guardError{"it leaves the base URL"}
	}
	path := strings.TrimPrefix(req.URL.Path, w.base.Path)
	if req.Method == http.MethodGet && len(body) == 0 || req.Method == http.MethodPost && path == trunksPath && string(body) == "{" {
		return nil // it changes nothing, or is no JSON, so that it names nothing
	}
	about, err := aboutWhat(req, path, body)
	switch {
	case err != nil:
		return err
	case !slices.Contains(w.options.Numbers, about.Number):
		return &guardError{"it is about another number"}
	case about.Channel != callChannel && (about.Channel != whatsAppChannel || !w.options.WhatsApp):
		return &guardError{"it is about another channel"}
	case about.Agent != nil && w.known.role(*about.Agent) == stranger:
		return &guardError{"it is about another agent"}
	}
	return nil
}

// about is the trunk that a change is about.
type about struct {
	Number  string  `json:"phone_number"`
	Channel string  `json:"channel"`
	Agent   *string `json:"agent_uuid"`
}

// aboutWhat returns the trunk that a change is about as it is sent.
func aboutWhat(req *http.Request, path string, body []byte) (a about, err error) {
	switch {
	case req.Method == http.MethodDelete && path == trunksPath && len(body) == 0:
		query := req.URL.Query()
		a.Number, a.Channel = query.Get("phone_number"), query.Get("channel")
	case slices.Contains([]string{http.MethodPost, http.MethodPatch}, req.Method) && path == trunksPath, req.Method == http.MethodPut && path == assignPath:
		if json.Unmarshal(body, &a) != nil {
			err = &guardError{"its body is no JSON"}
		}
	default:
		err = &guardError{req.Method + " is not for this path"}
	}
	return a, err
}

// lostError is a request whose response did not arrive.
type lostError struct{ err error }

func (e *lostError) Error() string { return "no response: " + e.err.Error() }
func (e *lostError) Unwrap() error { return e.err }

// send sends a request and reads its response. want is the agent that the number must have if it
// succeeds. The error is a [lostError] if the outcome of the request is unknown.
func (w *wire) send(ctx context.Context, s *step, want role) (answer, error) {
	query, body := s.encode(w.values)
	target := *w.base
	target.Path, target.RawQuery = w.base.Path+s.path, query
	req, err := http.NewRequestWithContext(ctx, s.method, target.String(), bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", w.options.UserAgent)
	if !s.noToken {
		req.Header.Set("Authorization", "Bearer "+w.options.Token)
	}
	if len(body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	if err := w.guard(req, body); err != nil {
		return answer{}, err
	}
	c := w.change(s)
	if c != nil {
		if err := w.record(*c); err != nil {
			return answer{}, err
		}
		w.changed = c.Time
	}
	a, err := w.exchange(req, s)
	if err != nil {
		w.lose(c)
		return answer{}, &lostError{err}
	}
	a.number, a.want = w.values[s.number], want
	if s.path == channelsPath {
		w.noteRead(&a)
	}
	err = w.conclude(c, &a)
	return a, err
}

// noteRead keeps what a read has shown. One that waits for a deletion may still show the trunk.
func (w *wire) noteRead(a *answer) {
	data, _ := a.data()
	object, _ := data.(map[string]any)
	channels, _ := object["channels"].(map[string]any)
	for name, value := range channels {
		channel, _ := value.(map[string]any)
		agent, _ := channel["agent_uuid"].(string)
		if agent != "" && a.step.poll && a.step.until == unbound {
			continue
		}
		w.ledger.read(target{a.number, name}, agent)
	}
	if a.refused() && !a.uncertain() {
		w.ledger.read(target{a.number, callChannel}, "")
		w.ledger.read(target{a.number, whatsAppChannel}, "")
	}
}

// change returns the change that a request makes, or nil.
func (w *wire) change(s *step) *Change {
	if !s.changes() {
		return nil
	}
	w.changes++
	return &Change{
		N: w.changes, Time: time.Now(), Method: s.method, Number: w.values[s.number], Channel: cmp.Or(s.channel, callChannel), Agent: w.values[s.agent],
	}
}

// lose notes that a change may have been applied, or be about to.
func (w *wire) lose(c *Change) {
	if c != nil {
		w.changed = time.Now()
		w.lost = w.changed
		w.ledger.doubt(c)
	}
}

// conclude records the response to a change.
func (w *wire) conclude(c *Change, a *answer) error {
	if c == nil {
		return nil
	}
	w.changed = time.Now()
	switch {
	case a.status >= http.StatusInternalServerError:
		w.lose(c)
	case a.uncertain():
		w.ledger.doubt(c)
	case a.accepted():
		w.ledger.note(c)
	}
	return w.record(Change{N: c.N, Time: w.changed, Status: a.status})
}

func (w *wire) exchange(req *http.Request, s *step) (answer, error) {
	w.count++
	began := time.Now()
	w.last = began
	resp, err := w.client.Do(req)
	if err != nil {
		return answer{}, fmt.Errorf("%s: %w", s.method, withoutTexts(err))
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err == nil && len(body) > maxBody {
		err = errors.New("the body is over 1 MiB")
	}
	if err != nil {
		return answer{}, withoutTexts(err)
	}
	a := newAnswer(s, resp, body, w.known)
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		a.skew, a.dated = date.Sub(began.Add(time.Since(began)/2)), true
	}
	return a, nil
}

// foreign matches what an error of net/http quotes of a response, and what may be a number.
var foreign = regexp.MustCompile(`"(\\.|[^"\\])*"|\+?\d{7,}`)

// quotingError is an error without what it quotes.
type quotingError struct {
	error
	text string
}

func (e *quotingError) Error() string { return e.text }
func (e *quotingError) Unwrap() error { return e.error }

// withoutTexts removes the URL from an error of net/http, since it has a number, and what it quotes of
// the response, which may have anything.
func withoutTexts(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	if text := err.Error(); foreign.MatchString(text) {
		return &quotingError{err, foreign.ReplaceAllString(text, "<string>")}
	}
	return err
}

// wait waits, unless stop is closed or the context ends.
func wait(ctx context.Context, stop <-chan struct{}, d time.Duration) error {
	select {
	case <-stop:
		return &stopError{stopInterrupted}
	default:
	}
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-stop:
		return &stopError{stopInterrupted}
	case <-ctx.Done():
		return ctx.Err()
	}
}
