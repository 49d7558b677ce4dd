package mihu

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/mihu-go/mihu/internal/redact"
)

// WithoutReconciliation makes Create return an *UnknownOutcomeError at once if its response is lost
// or does not prove the trunk, without reading the number's channels or sending anything again. It
// also applies to the Create of Ensure. It does not affect Update, Assign and Delete.
func WithoutReconciliation() CallOption {
	return callOption(func(c *callConfig) { c.unreconciled = true })
}

// ConflictError reports that a read showed the number on another agent, or as purchased. Create
// returns it if its response was lost, and Ensure for a purchased number. It matches ErrConflict
// and the failures before it.
type ConflictError struct {
	// Op is the operation: OpTrunksCreate or OpTrunksEnsure.
	Op string
	// Trunk is the trunk that was to be created.
	Trunk TrunkID `json:"-"`
	// AgentUUID is the agent that the number is bound to on the channel; "" if there is none.
	AgentUUID string
	// Purchased reports whether the number is purchased, and so cannot have a trunk.
	Purchased bool
	// Causes are the failures that made Create read the channels, oldest first; nil if Op is
	// OpTrunksEnsure.
	Causes []error
}

// Error names the agent, and what to do.
func (e *ConflictError) Error() string {
	holder := "is on agent " + redact.Text(redact.OneLine(e.AgentUUID, 64)) + "; move it with Assign"
	if e.Purchased {
		holder = "is a purchased number, which cannot have trunks"
	}
	return "mihu: " + e.Op + ": conflict: " + e.Trunk.String() + " " + holder
}

// Is matches ErrConflict.
func (e *ConflictError) Is(target error) bool { return target == ErrConflict }

// Unwrap returns the failures before it.
func (e *ConflictError) Unwrap() []error { return e.Causes }

// LogValue is the error as a group.
func (e *ConflictError) LogValue() slog.Value {
	return slog.GroupValue(slog.String("error", e.Error()), slog.String("op", e.Op))
}

// Format prints the text of Error under every verb.
func (e *ConflictError) Format(f fmt.State, verb rune) { formatText(f, verb, e.Error()) }

// reconciliation finds out the result of a write whose response does not prove it, with calls of
// its own.
type reconciliation struct {
	client   *Client
	write    *call
	id       TrunkID
	opts     []CallOption
	secrets  []string
	requests int // sent beside the write's own
}

func (c *call) reconcileWith(client *Client, id TrunkID, opts []CallOption) *reconciliation {
	c.reconciliation = &reconciliation{client: client, write: c, id: id, opts: opts}
	return c.reconciliation
}

// read reads the channels of the number once. A number that is not found is an error that isGone
// reports, or a proxy's page.
func (r *reconciliation) read(op string, isFirst bool) (*ChannelSnapshot, error) {
	t := new(snapshotTarget)
	err := r.readInto(channelsByNumber(op, r.id.PhoneNumber), t, isFirst)
	return found(t, err), err
}

// readInto sends a read, if the context and the budget allow it. A first read takes one from the
// budget, so that a server that is down is not flooded, and returns it once the server has answered,
// even if the answer lags. A read that follows it takes nothing.
func (r *reconciliation) readInto(s *spec, into any, isFirst bool) error {
	if r.write.ctx.Err() != nil {
		return contextError(r.write.ctx)
	}
	budget := &r.write.core.budget
	if isFirst && !budget.take() {
		return errBudgetExhausted
	}
	err := r.send(s, into)
	if isFirst && (err == nil || isGone(err)) {
		budget.giveBack()
	}
	return err
}

// send makes a call of its own, which is retried more often than others, and counts its requests.
func (r *reconciliation) send(s *spec, into any) error {
	s.column = columnReconciles
	c, err := r.client.newCall(r.write.ctx, s, into, r.opts)
	if err != nil {
		return err
	}
	c.opts.response = nil // the caller's is for the write
	c.secrets = append(c.secrets, r.secrets...)
	err = c.run()
	if c.watch.wantsCallEnd() {
		c.watch.callEnds(c.ctx, c.result(err))
	}
	r.requests += c.history.attempts
	if c.responded != nil {
		r.write.responded = c.responded
	}
	return err
}

// verify finds out whether a PUT, PATCH or DELETE was applied, by reading the channels until they
// show what is expected. A read that does not show it proves nothing, since a delayed request can
// still be applied; nor does one that may be older than an earlier change.
func (r *reconciliation) verify(op string, expected func(*ChannelSnapshot) error) (*ChannelSnapshot, error) {
	return r.verifyBy(func(isFirst bool) (*ChannelSnapshot, error) { return r.read(op, isFirst) }, expected)
}

// verifyBy is verify with a read of another kind.
func (r *reconciliation) verifyBy(read func(isFirst bool) (*ChannelSnapshot, error), expected func(*ChannelSnapshot) error) (*ChannelSnapshot, error) {
	c := r.write
	recent := &c.core.recent
	began := time.Now()
	var wait time.Duration
	for {
		sent := time.Now()
		snap, err := read(wait == 0)
		if isGone(err) {
			snap, err = new(ChannelSnapshot), nil
		}
		if err == nil {
			left := recent.contradicted(r.id.PhoneNumber, snap, sent)
			if err = expected(snap); err != nil {
				left = max(left, recent.lag-sent.Sub(began))
			}
			if left > 0 {
				again := reread(c.ctx, left, &wait)
				if again == nil {
					continue
				}
				err = cmp.Or(err, again)
			}
		}
		causes := c.ambiguous
		c.ambiguous = nil // they are resolved, or the error has them
		if err != nil {
			return nil, &UnknownOutcomeError{Op: c.spec.op, Causes: append(causes, err), Advice: c.spec.advice}
		}
		return snap, nil
	}
}

// creation is the reconciliation of a POST. A bound channel proves the trunk; an unbound one proves
// nothing, since a delayed request can still be applied.
type creation struct {
	*reconciliation
	want   *TrunkCreateRequest
	causes []error
	advice string
	// lost is when the last request ended that may have created the trunk; refused is set if the
	// API has refused another one since.
	lost    time.Time
	refused bool
}

// reconcileCreate continues until the trunk is there, is on another agent, or nothing more can be
// done. t is what the POST decodes into.
func (c *call) reconcileCreate(client *Client, want *TrunkCreateRequest, t *snapshotTarget, opts []CallOption) (*ChannelSnapshot, error) {
	r := &creation{reconciliation: c.reconcileWith(client, want.TrunkID, opts), want: want, advice: c.spec.advice}
	if sip := want.SIP; sip != nil {
		r.secrets = []string{sip.Username, sip.Password}
	}
	defer func() { c.ambiguous = nil }() // the error of the reconciliation has them
	for {
		r.causes = append(r.causes, c.err)
		if r.refused = !c.lastIsAmbiguous(); !r.refused {
			r.lost = time.Now()
		}
		acknowledged := errors.Is(c.err, errAcknowledged)
		found, err := r.find()
		if err != nil {
			return nil, r.unknown(err)
		}
		if found.Binding(want.Channel).Bound || isPurchased(found) {
			if err := r.conflict(found); err != nil {
				return nil, err
			}
			if acknowledged {
				return found, nil
			}
			return r.complete(found)
		}
		if err := r.waitForTurn(); err != nil {
			return nil, r.unknown(err)
		}
		err = c.run()
		if err == nil {
			return &t.snap, nil
		}
		// The refusal may come from the trunk that an earlier attempt created after all. The API
		// documents neither the status nor the code of that.
		if !c.lastIsAmbiguous() && !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrConflict) {
			return nil, r.unknown(err)
		}
	}
}

func (c *call) lastIsAmbiguous() bool { return c.attempt != nil && c.attempt.ambiguous }

// find reads the channels of the number. A number that is not found is not bound. It may be a proxy
// that does not find it: what follows is another POST, which the API itself judges. After a refusal
// find reads until the trunk is there, or until reads cannot lag any more behind the last request
// that may have created it: the refusal may come from that trunk.
func (r *creation) find() (*ChannelSnapshot, error) {
	recent := &r.write.core.recent
	var wait time.Duration
	for {
		sent := time.Now()
		snap, err := r.read(OpTrunksCreateRead, wait == 0)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return nil, err
		}
		if snap == nil {
			snap = new(ChannelSnapshot)
		}
		left := recent.contradicted(r.id.PhoneNumber, snap, sent)
		if r.refused && !snap.Binding(r.id.Channel).Bound {
			left = max(left, recent.lag-sent.Sub(r.lost))
		}
		if left <= 0 {
			return snap, nil
		}
		if err := reread(r.write.ctx, left, &wait); err != nil {
			return nil, err
		}
	}
}

// isPurchased reports whether the number cannot have a trunk, bound or not.
func isPurchased(found *ChannelSnapshot) bool {
	isUnclear := func(path string) bool { return path == "source" || path == "is_external" }
	return !found.External() && found.Number != "" && (found.Source != "" || !slices.ContainsFunc(found.Unreadable, isUnclear))
}

// conflict returns nil if the number is bound as requested.
func (r *creation) conflict(found *ChannelSnapshot) error {
	binding := found.Binding(r.want.Channel)
	switch purchased := isPurchased(found); {
	case !purchased && binding.Bound && binding.AgentUUID == "":
		return r.unknown(r.write.spec.expect.check(found))
	case !purchased && strings.EqualFold(binding.AgentUUID, r.want.AgentUUID):
		return nil
	default:
		return &ConflictError{Op: r.write.spec.op, Trunk: r.id, AgentUUID: binding.AgentUUID, Purchased: purchased, Causes: r.causes}
	}
}

// complete sends again what cannot be read back, so that the trunk is what was requested, whichever
// request created it.
func (r *creation) complete(found *ChannelSnapshot) (*ChannelSnapshot, error) {
	update := r.want.update()
	if update.isEmpty() {
		return found, nil
	}
	t := new(snapshotTarget)
	s := update.spec(OpTrunksCreateUpdate, r.id)
	s.expect.agent = r.want.AgentUUID
	err := r.send(s, t)
	switch {
	case errors.Is(err, errAcknowledged): // what it has to show was read before
		return found, nil
	case needsRead(err): // the trunk may have been moved meanwhile
		if found, err = r.find(); err != nil {
			return nil, r.unknown(err)
		}
		if err := r.conflict(found); err != nil {
			return nil, err
		}
		return found, nil
	case err != nil:
		r.advice = "the trunk exists and is on the agent; send its name, direction, SIP credentials and settings with Update"
		return nil, r.unknown(err)
	}
	return &t.snap, nil
}

// waitForTurn waits before the POST is sent again, or returns why it is not.
func (r *creation) waitForTurn() error {
	c := r.write
	sent := c.history.attempts
	if sent >= c.core.policy.MaxAttempts {
		return fmt.Errorf("the trunk was not there after request %d, the last, and may still appear", sent)
	}
	wait := c.core.policy.delay(sent, failedLost, 0)
	switch {
	case pastDeadline(c.ctx, wait):
		return fmt.Errorf("the trunk was not there, and %w before it could be sent again", context.DeadlineExceeded)
	case !c.core.budget.take():
		return errBudgetExhausted
	}
	return c.watch.sleep(c.ctx, WaitBackoff, wait)
}

// unknown is the end of a reconciliation that did not find out what happened.
func (r *creation) unknown(err error) error {
	if last := r.causes[len(r.causes)-1]; r.write.ctx.Err() == nil || !errors.Is(last, r.write.ctx.Err()) {
		r.causes = append(r.causes, err)
	}
	return &UnknownOutcomeError{Op: r.write.spec.op, Causes: r.causes, Advice: r.advice}
}

// update returns what of a new trunk can be changed, which is all that cannot be read back.
func (r *TrunkCreateRequest) update() *TrunkUpdateRequest {
	update := &TrunkUpdateRequest{Name: set(r.Name), Direction: set(r.Direction), AdditionalSettings: r.AdditionalSettings}
	if r.SIP != nil {
		update.SIP = &SIPUpdate{
			Gateway: set(r.SIP.Gateway), Username: set(r.SIP.Username), Password: set(r.SIP.Password),
			SecondaryGateway: set(r.SIP.SecondaryGateway),
		}
		if r.SIP.Port != 0 {
			update.SIP.Port = SetPort(r.SIP.Port)
		}
	}
	return update
}

// set returns nil for what a create request does not send.
func set[T ~string](value T) *T {
	if value == "" {
		return nil
	}
	return &value
}
