package mihu

import (
	"context"
	"net/http"
)

const trunksPath = "/phone-numbers/trunks"

// TrunksService registers, changes, moves, lists and removes trunks. It is a field of [Client].
type TrunksService struct{ client *Client }

// Create registers a number on one channel of one agent and gives the number's channels as they
// are then. The API documents that the number must not be in the purchased inventory nor bound on
// the channel, and that the agent must not serve another number on it. It documents no status for
// that: expect ErrConflict or ErrInvalid.
//
// The API knows no idempotency key, so a request whose answer was lost is not simply sent again.
// Create settles it: it reads the number's channels. Bound to the agent, the trunk is there; what
// cannot be read back of it is sent once more with PATCH, and the number's channels are returned.
// Bound to another agent, it is a *ConflictError. A trunk that was there before with the same agent
// is taken for the one to be made; what the request leaves out then keeps its value. Not bound, the request is sent again, and what
// refuses it then is settled in the same way. If it stays open whether the trunk was made, the
// error is an *UnknownOutcomeError, which matches ErrOutcomeUnknown. [Response] tells whether a call was
// settled; [WithoutReconciliation] turns it off.
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
	snap := new(ChannelSnapshot)
	x, err := s.client.exchange(ctx, &Request{
		op: op, Method: http.MethodPost, Path: trunksPath, Body: &body,
		advice: "read the number's channels with Channels.GetByNumber to find out whether the trunk was made",
	}, snap, opts)
	if err != nil {
		return nil, err
	}
	err = x.run()
	if err != nil && len(x.open) > 0 && !x.unsettled {
		snap, err = (&settlement{client: s.client, post: x, want: &body, opts: opts}).settle(snap)
		x.open = nil // the settlement's error has them
	}
	if err = x.finish(err); err != nil {
		return nil, err
	}
	return snap, nil
}

// Update changes what the request names and leaves the rest as it is; see [TrunkUpdateRequest] for
// what clears a field. It gives the number's channels, in which none of what it changes can be
// read back. It is repeated after a failure, since it sets absolute values.
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
	return snapshot(ctx, s.client, req.request(op, id), opts)
}

// Assign moves a trunk to another agent on the same channel. The API documents that SIP
// credentials and settings are kept. It gives the number's channels as they are then.
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
	return snapshot(ctx, s.client, &Request{
		op: op, Method: http.MethodPut, Path: trunksPath + "/assign", Body: &trunkAssignBody{id, agentUUID},
		advice: "read the number's channels with Channels.GetByNumber to find out which agent answers",
	}, opts)
}

// Get returns the binding of a trunk: which agent it is on. It returns ErrNotFound if the workspace does not
// have the number, if nothing is bound on the channel, or if the number is purchased, since only an external
// number has trunks. Name, direction, SIP credentials and settings cannot be read back.
//
// API: GET /phone-numbers/channels.
func (s TrunksService) Get(ctx context.Context, id TrunkID, opts ...CallOption) (*Binding, error) {
	const op = OpTrunksGet
	var found violations
	found.trunk(id, false)
	if err := found.err(op); err != nil {
		return nil, err
	}
	snap, err := snapshot(ctx, s.client, &Request{
		op: op, Method: http.MethodGet, Path: "/phone-numbers/channels", Query: numberQuery{id.PhoneNumber},
	}, opts)
	if err != nil {
		return nil, err
	}
	binding := snap.Binding(id.Channel)
	switch {
	case !binding.Bound:
		return nil, &noTrunkError{id, "no agent is bound to it on the channel"}
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

// Delete removes the trunk: the agent's binding and, where nothing else is bound to the number, the
// number's connection too, as the API documents. The number may be given without its plus. A trunk
// that is not there is ErrNotFound, unless an earlier attempt of the same call may have removed it.
// Since a proxy may repeat a DELETE of its own accord, ErrNotFound says that the trunk is not there
// and not that this call has not removed it.
//
// API: DELETE /phone-numbers/trunks.
func (s TrunksService) Delete(ctx context.Context, id TrunkID, opts ...CallOption) error {
	const op = OpTrunksDelete
	var found violations
	found.trunk(id, true)
	if err := found.err(op); err != nil {
		return err
	}
	x, err := s.client.exchange(ctx, &Request{
		op: op, Method: http.MethodDelete, Path: trunksPath, Query: trunkDeleteQuery(id),
		advice: "send it again: a trunk that is gone answers ErrNotFound",
	}, nil, opts)
	if err != nil {
		return err
	}
	err = x.run()
	if len(x.open) > 0 && isGone(err) {
		err = nil
	}
	return x.finish(err)
}

// snapshot sends a request that is answered with a snapshot.
func snapshot(ctx context.Context, c *Client, req *Request, opts []CallOption) (*ChannelSnapshot, error) {
	snap := new(ChannelSnapshot)
	req.blankData = true
	if err := c.Do(ctx, req, snap, opts...); err != nil {
		return nil, err
	}
	return snap, nil
}

func nilRequest(op string) error {
	var found violations
	found.add("request", "", "nil")
	return found.err(op)
}

// Validate checks the id: nil, or a *ValidationError with every fault. Nothing is sent. Delete alone
// also takes a number without its plus.
func (id TrunkID) Validate() error {
	var found violations
	found.trunk(id, false)
	return found.err(OpValidate)
}

// Validate checks the request as Create does: nil, or a *ValidationError with every fault. Nothing
// is sent.
func (r *TrunkCreateRequest) Validate() error {
	if r == nil {
		return nilRequest(OpValidate)
	}
	return r.check(OpValidate)
}

// Validate checks the request as Update does for that trunk: nil, or a *ValidationError with every
// fault. Nothing is sent.
func (r *TrunkUpdateRequest) Validate(id TrunkID) error {
	if r == nil {
		return nilRequest(OpValidate)
	}
	return r.check(OpValidate, id)
}

func (r *TrunkCreateRequest) check(op string) error {
	var found violations
	found.trunk(r.TrunkID, false)
	found.uuid("agent_uuid", r.AgentUUID)
	found.text("name", r.Name)
	if r.Direction != "" {
		found.direction(r.Channel, r.Direction)
	}
	found.settings(r.AdditionalSettings)
	sip := r.SIP
	if sip == nil || *sip == (SIPCredentials{}) {
		return found.err(op)
	}
	found.sipOn(r.Channel)
	found.gateway("sip.gateway", sip.Gateway)
	if sip.Port != 0 {
		found.port("sip.port", sip.Port)
	}
	found.text("sip.username", sip.Username)
	found.text("sip.password", sip.Password)
	found.gateway("sip.secondary_gateway", sip.SecondaryGateway)
	return found.hide(&sip.Username, &sip.Password).err(op)
}

func (r *TrunkUpdateRequest) check(op string, id TrunkID) error {
	var found violations
	found.trunk(id, false)
	if r.isEmpty() {
		found.add("request", "", "changes nothing; set at least one field")
	}
	found.optionalText("name", r.Name)
	if r.Direction != nil {
		found.direction(id.Channel, *r.Direction)
	}
	found.settings(r.AdditionalSettings)
	if r.noSIP() {
		return found.err(op)
	}
	sip := r.SIP
	found.sipOn(id.Channel)
	if sip.Port != nil && !sip.Port.clear {
		found.port("sip.port", sip.Port.port)
	}
	found.optionalGateway("sip.gateway", sip.Gateway)
	found.optionalText("sip.username", sip.Username)
	found.optionalText("sip.password", sip.Password)
	found.optionalGateway("sip.secondary_gateway", sip.SecondaryGateway)
	return found.hide(sip.Username, sip.Password).err(op)
}

func (r *TrunkUpdateRequest) noSIP() bool { return r.SIP == nil || *r.SIP == (SIPUpdate{}) }

func (r *TrunkUpdateRequest) isEmpty() bool {
	return r.Name == nil && r.Direction == nil && r.noSIP() && r.AdditionalSettings == nil
}

// request is the PATCH of a trunk.
func (r *TrunkUpdateRequest) request(op string, id TrunkID) *Request {
	body := trunkUpdateBody{TrunkID: id, TrunkUpdateRequest: *r}
	if r.noSIP() {
		body.SIP = nil
	}
	return &Request{
		op: op, Method: http.MethodPatch, Path: trunksPath, Body: &body,
		advice: "send the update again: it sets absolute values, and the API reads none of them back",
	}
}
