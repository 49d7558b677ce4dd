package mihu

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/mihu-go/mihu/internal/redact"
)

// WithoutReconciliation makes Create leave an outcome open that its own answers leave open: it then ends
// with an *UnknownOutcomeError at once, without reading the number's channels or sending anything again.
func WithoutReconciliation() CallOption {
	return callOption(func(c *callConfig) { c.unsettled = true })
}

// ConflictError is a Create whose answer was lost and that found, when it looked, the number
// answering to somebody else. It matches ErrConflict and the failures before it.
type ConflictError struct {
	// Op is "trunks.create".
	Op string
	// Trunk is what was to be created.
	Trunk TrunkID `json:"-"`
	// AgentUUID is the agent that the number answers to on the channel.
	AgentUUID string
	// External is false for a number of the purchased inventory, which cannot have a trunk.
	External bool
	// Causes are the failures that made Create look, oldest first.
	Causes []error
}

// Error says who answers, and what to do.
func (e *ConflictError) Error() string {
	who := "answers to agent " + redact.Text(redact.OneLine(e.AgentUUID, 64)) + "; Assign moves a trunk"
	if !e.External {
		who = "is in the purchased inventory, which cannot have trunks"
	}
	return "mihu: " + e.Op + ": conflict: " + e.Trunk.String() + " " + who
}

// Is matches ErrConflict.
func (e *ConflictError) Is(target error) bool { return target == ErrConflict }

// Unwrap gives the failures before it.
func (e *ConflictError) Unwrap() []error { return e.Causes }

// LogValue is the error as a group.
func (e *ConflictError) LogValue() slog.Value {
	return slog.GroupValue(slog.String("error", e.Error()), slog.String("op", e.Op))
}

// Format prints the text of Error under every verb.
func (e *ConflictError) Format(f fmt.State, verb rune) { formatText(f, verb, e.Error()) }

// settlement finds out what became of a POST that may have been carried out. What it reads is
// evidence of a trunk and never of its absence, since a delayed request can still land.
type settlement struct {
	client *Client
	post   *exchange
	want   *TrunkCreateRequest
	opts   []CallOption
	causes []error
}

// settle goes on until the trunk is there, belongs to somebody else, or nothing more can be done.
func (s *settlement) settle(snap *ChannelSnapshot) (*ChannelSnapshot, error) {
	for {
		s.causes = append(s.causes, s.post.failed)
		found, err := s.read()
		if err != nil {
			return nil, s.unknown(err)
		}
		if found.Binding(s.want.Channel).Bound || isPurchased(found) {
			if err := s.conflict(found); err != nil {
				return nil, err
			}
			return s.complete(found)
		}
		if err := s.sendAgain(); err != nil {
			return nil, s.unknown(err)
		}
		err = s.post.run()
		if err == nil {
			return snap, nil
		}
		// What refuses it now may be the trunk that an earlier request has made after all. The API
		// documents neither status nor code for that.
		if !s.post.lastOpen && !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrConflict) {
			return nil, s.unknown(err)
		}
	}
}

// read reads the channels of the number; one that is not there is not bound. It may be a proxy that
// says so, since all that follows is another request, which the API itself judges.
func (s *settlement) read() (*ChannelSnapshot, error) {
	s.post.settled = true
	if s.post.ctx.Err() != nil {
		return nil, contextError(s.post.ctx)
	}
	if !s.post.budget.take() {
		return nil, errBudgetSpent
	}
	found := new(ChannelSnapshot)
	err := s.send(&Request{
		op: OpTrunksCreateRead, Method: http.MethodGet, Path: "/phone-numbers/channels", Query: numberQuery{s.want.PhoneNumber},
	}, found)
	switch {
	case errors.Is(err, ErrNotFound):
		return found, nil
	case err != nil:
		return nil, err
	case redact.IsE164(found.Number) && found.Number != s.want.PhoneNumber, found.Number == "":
		return nil, fmt.Errorf("%w: channels of another number, or of none", ErrMalformedResponse)
	}
	return found, nil
}

// isPurchased says that the number cannot have a trunk, bound or not.
func isPurchased(found *ChannelSnapshot) bool {
	return found.Source == SourcePurchased && !found.IsExternal
}

// conflict is nil where the number is bound as it was to be.
func (s *settlement) conflict(found *ChannelSnapshot) error {
	agent := found.Binding(s.want.Channel).AgentUUID
	if found.External() && strings.EqualFold(agent, s.want.AgentUUID) {
		return nil
	}
	return &ConflictError{Op: s.post.op, Trunk: s.want.TrunkID, AgentUUID: agent, External: found.External(), Causes: s.causes}
}

// complete sends what cannot be read back once more, so that the trunk is what was asked for
// however it came to be.
func (s *settlement) complete(found *ChannelSnapshot) (*ChannelSnapshot, error) {
	update := s.want.update()
	if update.isEmpty() {
		return found, nil
	}
	snap := new(ChannelSnapshot)
	req := update.request(OpTrunksCreateUpdate, s.want.TrunkID)
	if err := s.send(req, snap); err != nil {
		s.post.advice = "the trunk is there and answers to the agent; send its name, direction, SIP credentials and settings with Update"
		return nil, s.unknown(err)
	}
	if snap.Binding(s.want.Channel).Bound {
		if err := s.conflict(snap); err != nil {
			return nil, err
		}
	}
	return snap, nil
}

// send makes a call of its own, more patient than others, and counts it as part of this one.
func (s *settlement) send(req *Request, into any) error {
	req.settling = true
	x, err := s.client.exchange(s.post.ctx, req, into, s.opts)
	if err != nil {
		return err
	}
	x.response, x.stubborn = nil, true
	if sip := s.want.SIP; sip != nil {
		x.secrets = append(x.secrets, sip.Username, sip.Password)
	}
	err = x.run()
	x.callEnds(err)
	s.post.beside += x.attempts
	if x.answer.StatusCode != 0 {
		s.post.answer = x.answer
	}
	return err
}

// sendAgain waits for its turn to send the request again, or says why it is not sent.
func (s *settlement) sendAgain() error {
	x := s.post
	if x.attempts >= x.policy.MaxAttempts {
		return fmt.Errorf("the trunk was not there when it was looked for after request %d, the last, and may still appear", x.attempts)
	}
	wait := x.policy.delay(x.attempts, failedLost, 0)
	switch {
	case pastDeadline(x.ctx, wait):
		return fmt.Errorf("the trunk was not there, and %w before it could be sent again", context.DeadlineExceeded)
	case !x.budget.take():
		return errBudgetSpent
	}
	return x.watch.sleep(x.ctx, WaitBackoff, wait)
}

var errBudgetSpent = errors.New("the budget of repetitions is spent")

// unknown is the end of a settlement that found nothing out.
func (s *settlement) unknown(err error) error {
	if last := s.causes[len(s.causes)-1]; s.post.ctx.Err() == nil || !errors.Is(last, s.post.ctx.Err()) {
		s.causes = append(s.causes, err)
	}
	return &UnknownOutcomeError{Op: s.post.op, Causes: s.causes, Advice: s.post.advice}
}

// update is what of a new trunk can be changed, which is all that cannot be read back.
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

// set is nil for what a create request does not send.
func set[T ~string](value T) *T {
	if value == "" {
		return nil
	}
	return &value
}
