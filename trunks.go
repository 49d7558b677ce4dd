package mihu

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"time"
)

const trunksPath = "/phone-numbers/trunks"

// TrunksService creates, updates, assigns, lists and deletes trunks. It is a field of [Client].
type TrunksService struct{ client *Client }

// Create registers a phone number with an agent on one channel and returns the number's channels.
// The API documents that the number must not be purchased nor have a trunk on the channel already,
// and that the agent must not serve another number on it. It does not document the status of these
// refusals: expect ErrConflict or ErrInvalid.
//
// Create is not idempotent at the API. If its response is lost, or is a success that does not show
// the number on the agent, Create reconciles: it reads the number's channels to find out whether
// the trunk exists.
//   - If the number is on the agent, the trunk exists. Create sends again with PATCH what cannot be
//     read back, and returns the channels. It sends no PATCH if a response reported success and
//     only lacked the channels. A trunk that existed before on the same agent counts as the one to
//     create; fields that req omits then keep their values.
//   - If the number is on another agent, or purchased, Create returns a *ConflictError.
//   - If the number is not bound, Create sends the request again. If that is refused with 400, 409
//     or 422, it reads the channels again, since the refusal may come from the trunk that the lost
//     request created. After any other failure, such as 403, the outcome is unknown.
//   - If the outcome remains unknown, Create returns an *UnknownOutcomeError, which matches
//     ErrOutcomeUnknown. The trunk may or may not exist. If it exists and only the PATCH failed,
//     Advice is to send the fields with Update.
//
// [Response] reports whether a call was reconciled; [WithoutReconciliation] turns it off.
//
// API: POST /phone-numbers/trunks.
func (s TrunksService) Create(ctx context.Context, req *TrunkCreateRequest, opts ...CallOption) (*ChannelSnapshot, error) {
	const op = OpTrunksCreate
	if req == nil {
		return nil, nilRequest(op)
	}
	if err := req.check(op); err != nil {
		return nil, err
	}
	body := *req
	if body.SIP != nil && *body.SIP == (SIPCredentials{}) {
		body.SIP = nil
	}
	t := new(snapshotTarget)
	c, err := s.client.newCall(ctx, &spec{
		op: op, method: http.MethodPost, path: trunksPath, body: &body,
		expect: expectation{number: req.PhoneNumber, channel: req.Channel, agent: req.AgentUUID},
		advice: "call Ensure with the same request: it creates the trunk if it does not exist",
	}, t, opts)
	if err != nil {
		return nil, err
	}
	snap := &t.snap
	err = c.run()
	if err != nil && len(c.ambiguous) > 0 && !c.opts.unreconciled {
		snap, err = c.reconcileCreate(s.client, &body, t, opts)
	}
	return c.finishWrite(req.TrunkID, snap, err)
}

// finishWrite ends a call that changes a trunk, and keeps what the trunk is now. An update does not
// change what reads show.
func (c *call) finishWrite(id TrunkID, snap *ChannelSnapshot, err error) (*ChannelSnapshot, error) {
	err = c.finish(err)
	changesBinding := c.spec.method != http.MethodPatch
	if err == nil {
		if changesBinding {
			c.core.recent.wrote(id, c.spec.expect.agent)
		}
		return snap, nil
	}
	if changesBinding && errors.Is(err, ErrOutcomeUnknown) {
		c.core.recent.mayHaveWritten(id, c.spec.expect.agent)
	}
	return nil, err
}

// Update changes the fields that req sets and leaves the others unchanged; see [TrunkUpdateRequest]
// for what clears a field. It returns the number's channels, which do not contain any of the fields
// that it changes. It is idempotent and retried.
//
// If the response reports success without the channels, Update reads them. If they do not show the
// trunk, or if the response is another success without proof, such as status 202 or 207, Update
// returns an *UnknownOutcomeError.
//
// API: PATCH /phone-numbers/trunks.
func (s TrunksService) Update(ctx context.Context, id TrunkID, req *TrunkUpdateRequest, opts ...CallOption) (*ChannelSnapshot, error) {
	const op = OpTrunksUpdate
	if req == nil {
		return nil, nilRequest(op)
	}
	if err := req.check(op, id); err != nil {
		return nil, err
	}
	return s.update(ctx, id, "", req, opts)
}

// update is Update of a trunk that has to be on the agent; "" is any.
func (s TrunksService) update(ctx context.Context, id TrunkID, agent string, req *TrunkUpdateRequest, opts []CallOption) (*ChannelSnapshot, error) {
	spec := req.spec(OpTrunksUpdate, id)
	spec.expect.agent = agent
	t := new(snapshotTarget)
	c, err := s.client.newCall(ctx, spec, t, opts)
	if err != nil {
		return nil, err
	}
	snap := &t.snap
	err = c.run()
	if needsRead(err) || err == nil && c.core.recent.contradicted(id.PhoneNumber, snap, time.Now()) > 0 {
		// The update is made; only the channels are not known.
		snap, err = c.reconcileWith(s.client, id, opts).verify(OpTrunksUpdateRead, c.spec.expect.check)
	}
	return c.finishWrite(id, snap, err)
}

// Assign moves a trunk to another agent on the same channel and returns the number's channels. The
// API documents that SIP credentials and settings are kept. It is idempotent and retried. It
// returns ErrNotFound if there is no such trunk; if the agent serves another number on the channel,
// expect ErrConflict or ErrInvalid, since the API does not document the status.
//
// If a success does not show the trunk on the agent, Assign reads the number's channels. If they do
// not show it either, Assign returns an *UnknownOutcomeError.
//
// API: PUT /phone-numbers/trunks/assign.
func (s TrunksService) Assign(ctx context.Context, id TrunkID, agentUUID string, opts ...CallOption) (*ChannelSnapshot, error) {
	const op = OpTrunksAssign
	var found violations
	found.trunk(id, false)
	found.uuid("agent_uuid", agentUUID)
	if err := found.err(op); err != nil {
		return nil, err
	}
	t := new(snapshotTarget)
	c, err := s.client.newCall(ctx, &spec{
		op: op, method: http.MethodPut, path: trunksPath + "/assign", body: &trunkAssignBody{id, agentUUID},
		expect: expectation{number: id.PhoneNumber, channel: id.Channel, agent: agentUUID},
		advice: "read the number's channels with Channels.GetByNumber to find out which agent it is on",
	}, t, opts)
	if err != nil {
		return nil, err
	}
	snap := &t.snap
	err = c.run()
	if isUnproven(err) {
		snap, err = c.reconcileWith(s.client, id, opts).verify(OpTrunksAssignRead, c.spec.expect.check)
	}
	return c.finishWrite(id, snap, err)
}

// isUnproven reports whether the last response was a success that does not prove what it should.
func isUnproven(err error) bool {
	api, ok := err.(*APIError) //nolint:errorlint // the error of the last attempt is not wrapped
	return ok && api.StatusCode/100 == 2 && errors.Is(err, ErrMalformedResponse)
}

// Get returns the binding of a trunk, with its agent. It returns ErrNotFound if the workspace does
// not have the number, if nothing is bound on the channel, or if the number is purchased, since
// only an external number has trunks. Name, direction, SIP credentials and settings cannot be read
// back. If the response does not show whether the channel is bound, Get returns
// ErrMalformedResponse.
//
// If the response contradicts what this client wrote within the last seconds, Get reads again; see
// [WithMaxReadLag].
//
// API: GET /phone-numbers/channels.
func (s TrunksService) Get(ctx context.Context, id TrunkID, opts ...CallOption) (*Binding, error) {
	const op = OpTrunksGet
	var found violations
	found.trunk(id, false)
	if err := found.err(op); err != nil {
		return nil, err
	}
	snap, err := s.client.channelsOf(ctx, op, id, opts)
	if err != nil {
		return nil, err
	}
	binding := snap.Binding(id.Channel)
	switch {
	case !binding.Bound && !snap.knows(id.Channel):
		return nil, &incompleteError{op, "it does not say whether " + id.String() + " is bound"}
	case !binding.Bound:
		return nil, &noTrunkError{id, "no agent is bound on the channel"}
	case isPurchased(snap):
		return nil, &noTrunkError{id, "the number is purchased"}
	}
	return &binding, nil
}

// noTrunkError is a number that the workspace has, without that trunk.
type noTrunkError struct {
	id  TrunkID
	why string
}

func (e *noTrunkError) Error() string {
	return "mihu: " + OpTrunksGet + ": not found: " + e.id.String() + " is not a trunk: " + e.why
}

func (e *noTrunkError) Is(target error) bool { return target == ErrNotFound }

// LogValue is the text of the error.
func (e *noTrunkError) LogValue() slog.Value { return slog.StringValue(e.Error()) }

// Format prints the text of Error under every verb: fmt would print the whole number of the ID.
func (e *noTrunkError) Format(f fmt.State, verb rune) { formatText(f, verb, e.Error()) }

// List returns one page of the numbers that have trunks, one item per number. nil options are those
// of the first page. A page without items, or with an item that has no number, is an
// ErrMalformedResponse. What cannot be read of a single item is in its Unreadable.
//
// API: GET /phone-numbers/trunks. Its parameters are not documented, see [ListOptions].
func (s TrunksService) List(ctx context.Context, options *ListOptions, opts ...CallOption) (*Page[PhoneNumber], error) {
	return listNumbers(ctx, s.client, OpTrunksList, trunksPath, options, opts)
}

// All iterates over every number that has trunks, each once. It fetches the next page when the one
// before is used up, or ahead of that with [AllOptions.Prefetch]. If the loop is left, the fetches
// in progress are canceled. [WithResponse] describes the last page; it is refused with Prefetch,
// since pages are then fetched concurrently.
//
// The list is complete, or All yields an error, once and with a zero number. If a page reports a
// total, a last page or a next page and the list ends earlier, All yields an error that matches
// ErrMalformedResponse. If the pages report nothing of this kind, All continues until a page is
// empty or has nothing new. What cannot be read of a single item is in its Unreadable.
//
// Numbers that are added while All runs may be missed. If numbers are removed while All runs, it
// may yield an error: list again. All remembers some 16 bytes of every number.
func (s TrunksService) All(ctx context.Context, options *AllOptions, opts ...CallOption) iter.Seq2[PhoneNumber, error] {
	return allNumbers(ctx, s.client, OpTrunksAll, OpTrunksList, trunksPath, options, opts)
}

// Delete removes the trunk: the agent's binding and, if nothing else is bound to the number, the
// number's connection with its SIP credentials, as the API documents. The number may be given
// without its plus. Delete is idempotent and retried. It returns ErrNotFound if there is no such
// trunk, unless an earlier attempt of the same call may have removed it. After ErrNotFound the
// trunk is gone, unless the error is a proxy's page, which matches ErrMalformedResponse too. This
// call may have removed it, since a proxy may retry a DELETE on its own.
//
// Success is an empty response, or one with "success": true that has no data, or a snapshot of the
// number without the trunk. After any other response under a 2xx, Delete reads the number's
// channels; so after status 202 and 207. If the trunk is still there, Delete returns an
// *UnknownOutcomeError.
//
// API: DELETE /phone-numbers/trunks.
func (s TrunksService) Delete(ctx context.Context, id TrunkID, opts ...CallOption) error {
	const op = OpTrunksDelete
	var found violations
	found.trunk(id, true)
	if err := found.err(op); err != nil {
		return err
	}
	c, err := s.client.newCall(ctx, &spec{
		op: op, method: http.MethodDelete, path: trunksPath, query: trunkDeleteQuery(id), done: id.checkRemoval,
		advice: "send it again: if the trunk is gone, the error is ErrNotFound",
	}, nil, opts)
	if err != nil {
		return err
	}
	err = c.run()
	switch {
	case len(c.ambiguous) > 0 && isGone(err):
		err = nil
	case isUnproven(err):
		_, err = c.reconcileWith(s.client, id, opts).verify(OpTrunksDeleteRead, id.checkGone)
	}
	_, err = c.finishWrite(id, new(ChannelSnapshot), err)
	return err
}

// checkRemoval returns why the success of a Delete leaves in doubt that the trunk is gone. The API
// documents no data; a snapshot in it may show the trunk.
func (id TrunkID) checkRemoval(status int, body []byte) error {
	if err := checkDone(status, body); err != nil || !hasData(body) {
		return err
	}
	t := new(snapshotTarget)
	if err := decodeResponse(body, t); err != nil {
		return malformed("it has data that does not show the trunk removed")
	}
	about := expectation{number: id.PhoneNumber}
	if err := about.check(&t.snap); err != nil {
		return err
	}
	if err := id.checkGone(&t.snap); err != nil || t.snap.Binding(id.Channel).AgentUUID != "" {
		return &contradiction{what: fmt.Sprintf("it does not show %s free", id.Channel)}
	}
	return nil
}

// checkGone returns an error if the trunk is still there, or if the snapshot does not say so.
func (id TrunkID) checkGone(found *ChannelSnapshot) error {
	if found.Binding(id.Channel).Bound {
		return errors.New("the trunk is still there")
	}
	if found.Number != "" && !found.knows(id.Channel) {
		return fmt.Errorf("%w: it does not say whether the channel is bound", ErrMalformedResponse)
	}
	return nil
}

func (r *TrunkUpdateRequest) noSIP() bool { return r.SIP == nil || *r.SIP == (SIPUpdate{}) }

func (r *TrunkUpdateRequest) isEmpty() bool {
	return r.Name == nil && r.Direction == nil && r.noSIP() && r.AdditionalSettings == nil
}

// spec is the PATCH of a trunk.
func (r *TrunkUpdateRequest) spec(op string, id TrunkID) *spec {
	body := trunkUpdateBody{TrunkID: id, TrunkUpdateRequest: *r}
	if r.noSIP() {
		body.SIP = nil
	}
	return &spec{
		op: op, method: http.MethodPatch, path: trunksPath, body: &body, done: checkDone,
		expect: expectation{number: id.PhoneNumber, channel: id.Channel},
		advice: "send the update again: it is idempotent, and the API does not read back what it sets",
	}
}
