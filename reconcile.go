package mihu

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/mihu-go/mihu/internal/redact"
)

// WithoutReconciliation makes Create return an *UnknownOutcomeError at once if its response is
// lost, without reading the number's channels or sending anything again.
func WithoutReconciliation() CallOption {
	return callOption(func(c *callConfig) { c.unreconciled = true })
}

// ConflictError is a Create that was refused by what the API shows: its response was lost, and the
// number turned out to be on another agent, or purchased. Ensure returns it for a purchased number.
// It matches ErrConflict and the failures before it.
type ConflictError struct {
	// Op is the operation: OpTrunksCreate or OpTrunksEnsure.
	Op string
	// Trunk is the trunk that was to be created.
	Trunk TrunkID `json:"-"`
	// AgentUUID is the agent that the number is bound to on the channel; "" if there is none.
	AgentUUID string
	// External is false for a purchased number, which cannot have a trunk.
	External bool
	// Causes are the failures that made Create look, oldest first.
	Causes []error
}

// Error names the agent, and what to do.
func (e *ConflictError) Error() string {
	holder := "is on agent " + redact.Text(redact.OneLine(e.AgentUUID, 64)) + "; move it with Assign"
	if !e.External {
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

// reconciliation finds out what became of a POST that may have been applied. A bound channel proves
// the trunk; an unbound one proves nothing, since a delayed request can still be applied.
type reconciliation struct {
	client   *Client
	post     *call
	want     *TrunkCreateRequest
	opts     []CallOption
	causes   []error
	requests int // sent beside the POSTs
	advice   string
}

// reconcile continues until the trunk is there, is on another agent, or nothing more can be done.
// snap is what the POST decodes into.
func (c *call) reconcile(client *Client, want *TrunkCreateRequest, snap *ChannelSnapshot, opts []CallOption) (*ChannelSnapshot, error) {
	r := &reconciliation{client: client, post: c, want: want, opts: opts, advice: c.spec.advice}
	c.reconciliation = r
	defer func() { c.ambiguous = nil }() // the error of the reconciliation has them
	for {
		r.causes = append(r.causes, c.err)
		found, err := r.read()
		if err != nil {
			return nil, r.unknown(err)
		}
		if found.Binding(want.Channel).Bound || isPurchased(found) {
			if err := r.conflict(found); err != nil {
				return nil, err
			}
			return r.complete(found)
		}
		if err := r.waitForTurn(); err != nil {
			return nil, r.unknown(err)
		}
		err = c.run()
		if err == nil {
			return snap, nil
		}
		// The refusal may come from the trunk that an earlier attempt created after all. The API
		// documents neither the status nor the code of that.
		if !c.lastIsAmbiguous() && !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrConflict) {
			return nil, r.unknown(err)
		}
	}
}

func (c *call) lastIsAmbiguous() bool { return c.attempt != nil && c.attempt.ambiguous }

// read reads the channels of the number. A number that is not found is not bound. It may be a proxy
// that does not find it: what follows is another POST, which the API itself judges.
func (r *reconciliation) read() (*ChannelSnapshot, error) {
	if r.post.ctx.Err() != nil {
		return nil, contextError(r.post.ctx)
	}
	if !r.post.core.budget.take() {
		return nil, errBudgetExhausted
	}
	found := new(ChannelSnapshot)
	err := r.send(channelsByNumber(OpTrunksCreateRead, r.want.PhoneNumber), found)
	switch {
	case errors.Is(err, ErrNotFound):
		return found, nil
	case err != nil:
		return nil, err
	case redact.IsE164(found.Number) && found.Number != r.want.PhoneNumber, found.Number == "":
		return nil, fmt.Errorf("%w: channels of another number, or of none", ErrMalformedResponse)
	}
	return found, nil
}

// isPurchased reports whether the number cannot have a trunk, bound or not.
func isPurchased(found *ChannelSnapshot) bool {
	return found.Source == SourcePurchased && !found.IsExternal
}

// conflict returns nil if the number is bound as requested.
func (r *reconciliation) conflict(found *ChannelSnapshot) error {
	agent := found.Binding(r.want.Channel).AgentUUID
	if found.External() && strings.EqualFold(agent, r.want.AgentUUID) {
		return nil
	}
	return &ConflictError{Op: r.post.spec.op, Trunk: r.want.TrunkID, AgentUUID: agent, External: found.External(), Causes: r.causes}
}

// complete sends again what cannot be read back, so that the trunk is what was requested, whichever
// request created it.
func (r *reconciliation) complete(found *ChannelSnapshot) (*ChannelSnapshot, error) {
	update := r.want.update()
	if update.isEmpty() {
		return found, nil
	}
	snap := new(ChannelSnapshot)
	if err := r.send(update.spec(OpTrunksCreateUpdate, r.want.TrunkID), snap); err != nil {
		r.advice = "the trunk exists and is on the agent; send its name, direction, SIP credentials and settings with Update"
		return nil, r.unknown(err)
	}
	if snap.Binding(r.want.Channel).Bound {
		if err := r.conflict(snap); err != nil {
			return nil, err
		}
	}
	return snap, nil
}

// send makes a call of its own, which is retried more often than others, and counts its requests.
func (r *reconciliation) send(s *spec, into any) error {
	s.column = columnReconciles
	c, err := r.client.newCall(r.post.ctx, s, into, r.opts)
	if err != nil {
		return err
	}
	c.opts.response = nil // the caller's is for the Create
	if sip := r.want.SIP; sip != nil {
		c.secrets = append(c.secrets, sip.Username, sip.Password)
	}
	err = c.run()
	if c.watch.wantsCallEnd() {
		c.watch.callEnds(c.ctx, c.result(err))
	}
	r.requests += c.history.attempts
	if c.responded != nil {
		r.post.responded = c.responded
	}
	return err
}

// waitForTurn waits before the POST is sent again, or returns why it is not.
func (r *reconciliation) waitForTurn() error {
	c := r.post
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
func (r *reconciliation) unknown(err error) error {
	if last := r.causes[len(r.causes)-1]; r.post.ctx.Err() == nil || !errors.Is(last, r.post.ctx.Err()) {
		r.causes = append(r.causes, err)
	}
	return &UnknownOutcomeError{Op: r.post.spec.op, Causes: r.causes, Advice: r.advice}
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
