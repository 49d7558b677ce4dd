package mihutest

import (
	"cmp"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"
)

// endpoint is one operation of the API.
type endpoint struct {
	fields  []string // of the body, or of the query if there is no body
	hasBody bool
	run     func(in input) response
}

// input is a request whose fields are all known to its endpoint.
type input struct {
	*form
	path, uuid string // uuid is the one in the path
	shape      SuccessShape
	lag        time.Duration
}

// endpoints returns the operations by path and method; * stands for a UUID.
func (s *Server) endpoints() map[string]map[string]endpoint {
	parameters := []string{"page", "per_page"}
	if s.rules.SuccessShape.Paging == PagingCursor {
		parameters = append(parameters, "cursor")
	}
	list := func(l source, filters ...string) endpoint {
		return endpoint{fields: append(filters, parameters...), run: func(in input) response { return s.list(in, l) }}
	}
	create := []string{"phone_number", "agent_uuid", "channel", "name", "direction", "sip", "additional_settings"}
	update := []string{"phone_number", "channel", "name", "direction", "sip", "additional_settings"}
	return map[string]map[string]endpoint{
		"/agents":              {http.MethodGet: list(s.state.listAgents)},
		"/phone-numbers":       {http.MethodGet: list(s.state.lister(&s.state.inventory))},
		"/phone-numbers/rates": {http.MethodGet: list(s.state.listRates, "country_code", "prefix")},
		"/phone-numbers/*":     {http.MethodPatch: {[]string{"channel_settings"}, true, s.updateSettings}},
		"/phone-numbers/trunks": {
			http.MethodPost:   {create, true, s.createTrunk},
			http.MethodPatch:  {update, true, s.updateTrunk},
			http.MethodDelete: {[]string{"phone_number", "channel"}, false, s.deleteTrunk},
			http.MethodGet:    list(s.state.lister(&s.state.external)),
		},
		"/phone-numbers/trunks/assign": {http.MethodPut: {[]string{"phone_number", "channel", "agent_uuid"}, true, s.assignTrunk}},
		"/phone-numbers/channels":      {http.MethodGet: {[]string{"number"}, false, s.channelsByNumber}},
		"/phone-numbers/*/channels":    {http.MethodGet: {nil, false, s.channelsByUUID}},
	}
}

// handle checks a request in the documented order and runs its operation.
func (s *Server) handle(arrived *arrival) response {
	resp := s.operate(arrived)
	if resp.problem != nil {
		resp.problem.restate(&s.rules)
		resp.status = resp.problem.status
	}
	return resp
}

func (s *Server) operate(arrived *arrival) response {
	if arrived.readError != nil {
		return arrived.readError.response()
	}
	r := arrived.http
	if p := s.authenticate(r.Header); p != nil {
		return p.response()
	}
	e, uuid, p := s.route(r.Method, arrived.path)
	if p != nil {
		return p.response()
	}
	fields, p := e.read(r, arrived.body, &s.rules)
	if p != nil {
		return p.response()
	}
	shape := s.rules.SuccessShape
	if arrived.fault.SuccessShape != nil {
		shape = *arrived.fault.SuccessShape
	}
	return e.run(input{fields, arrived.path, uuid, shape, cmp.Or(arrived.fault.ReadLag, s.rules.ReadLag)})
}

func (s *Server) authenticate(h http.Header) *problem {
	sent := h.Values("Authorization")
	switch {
	case len(sent) == 0 || !strings.HasPrefix(sent[0], "Bearer "):
		p := refused(http.StatusUnauthorized, "MISSING_AUTH_TOKEN", "", "Missing authentication token")
		p.details = "The request has no bearer token"
		return p
	case len(sent) > 1 || sent[0] != "Bearer "+s.Token():
		p := refused(http.StatusUnauthorized, "INVALID_AUTH_TOKEN", "", "Invalid authentication token")
		p.details = "The provided token is invalid or has been revoked"
		return p
	}
	return nil
}

// route returns the endpoint of a method and a path, and the UUID in the path.
func (s *Server) route(method, path string) (e endpoint, uuid string, p *problem) {
	methods := s.routes[path]
	if id, pattern := uuidOf(path); methods == nil && pattern != "" {
		uuid, methods = id, s.routes[pattern]
	}
	if methods == nil || strings.Contains(path, "*") {
		return e, "", refused(http.StatusNotFound, "ROUTE_NOT_FOUND", "", "There is no such path")
	}
	e, ok := methods[method]
	if !ok {
		p = refused(http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", "", "The path does not have this method")
		p.allow = strings.Join(slices.Sorted(maps.Keys(methods)), ", ")
		return e, "", p
	}
	return e, uuid, nil
}

// uuidOf returns the segment after /phone-numbers/ if it is a UUID, and the path with * in its
// place.
func uuidOf(path string) (uuid, pattern string) {
	rest, ok := strings.CutPrefix(path, "/phone-numbers/")
	uuid, has := strings.CutSuffix(rest, "/channels")
	switch {
	case !ok || !isUUID(uuid):
		return "", ""
	case has:
		return strings.ToLower(uuid), "/phone-numbers/*/channels"
	}
	return strings.ToLower(uuid), "/phone-numbers/*"
}

// read returns the fields of the body, or of the query if the endpoint takes no body.
func (e *endpoint) read(r *http.Request, body []byte, rules *Rules) (*form, *problem) {
	f, p := queryForm(r.URL.RawQuery)
	if p != nil {
		return nil, p
	}
	if !e.hasBody {
		f.tolerate(false, rules.IgnoreUnknownParameters, e.fields)
	} else {
		f.tolerate(false, rules.IgnoreUnknownParameters, nil)
	}
	if !e.hasBody && len(body) > 0 {
		return nil, refused(http.StatusBadRequest, "UNEXPECTED_BODY", "", "The request takes no body")
	}
	if e.hasBody {
		if f.only(nil); f.problem != nil {
			return nil, f.problem
		}
		if f, p = bodyForm(r.Header, body); p != nil {
			return nil, p
		}
		f.tolerate(rules.AcceptNull, rules.IgnoreUnknownFields, e.fields)
		if sip, ok := f.fields["sip"].(map[string]any); ok {
			(&form{fields: sip}).tolerate(rules.AcceptNull, rules.IgnoreUnknownFields, sipFields)
		}
	}
	f.only(e.fields)
	return f, f.problem
}

func (s *Server) createTrunk(in input) response {
	id, agent, c := in.trunkID(), in.agent(&s.rules), in.change(false)
	if in.problem != nil {
		return in.problem.response()
	}
	data, done, p := s.state.create(id, agent, c, in.uuid)
	status := s.rules.CreateStatus
	if done.duplicate {
		status = s.rules.DuplicateStatus
	}
	return respond(p, done.changed, status, "Trunk created", data)
}

func (s *Server) updateTrunk(in input) response {
	id, c := in.trunkID(), in.change(true)
	if in.problem == nil {
		in.problem = s.refusedUpdate(in, c)
	}
	if in.problem != nil {
		return in.problem.response()
	}
	data, changed, p := s.state.update(id, c)
	return respond(p, changed, s.rules.UpdateStatus, "Trunk updated", data)
}

// refusedUpdate returns the problem of an update that is well-formed, and that a rule refuses.
func (s *Server) refusedUpdate(in input, c *change) (p *problem) {
	switch {
	case s.rules.RefuseEmptyName && c.name != nil && *c.name == "":
		p = invalid("name", "must not be empty")
		p.place(s.rules.EmptyNameStatus)
	case s.rules.RefuseEmptyPort && c.port != nil && *c.port == 0:
		p = invalid("sip.port", "must be an integer")
		p.place(s.rules.EmptyPortStatus)
	case s.rules.EmptyUpdateStatus != 0 && len(in.fields) == 2: // the number and the channel
		p = invalid("name", "or another field must be sent")
		p.place(s.rules.EmptyUpdateStatus)
	}
	return p
}

func (s *Server) assignTrunk(in input) response {
	id, agent := in.trunkID(), in.agent(&s.rules)
	if in.problem != nil {
		return in.problem.response()
	}
	data, changed, p := s.state.assign(id, agent)
	return respond(p, changed, s.rules.AssignStatus, "Trunk assigned", data)
}

func (s *Server) deleteTrunk(in input) response {
	if number, ok := in.fields["phone_number"].(string); ok && !strings.HasPrefix(number, "+") {
		in.fields["phone_number"] = "+" + number
	}
	id := in.trunkID()
	if in.problem != nil {
		return in.problem.response()
	}
	after, changed, p := s.state.remove(id)
	resp := respond(p, changed, s.rules.DeleteStatus, "Trunk deleted", nil)
	switch {
	case p != nil || s.rules.DeleteBody == DeleteMessage:
	case s.rules.DeleteBody == DeleteSnapshot:
		resp.data = after
	case s.rules.DeleteBody == DeleteEmpty:
		resp.empty = true
	}
	return resp
}

// source returns a part of a list, from part.offset on, with up to limit items, or all that are
// left if the list is not paged. It sets the items, their count and the total.
type source func(in input, part *slice, limit int)

func (s *Server) list(in input, list source) response {
	part := slice{page: 1, perPage: 50, url: s.url + in.path, unpaged: s.rules.NoPagination}
	if !part.unpaged && !in.shape.IgnorePage {
		in.count("page", &part.page, math.MaxInt)
		s.perPage(in, &part.perPage)
	}
	if s.rules.PerPageOnly {
		part.page = 1
	}
	// This keeps the product from overflowing: there is no such page.
	part.offset = min(part.page-1, math.MaxInt/200-1) * part.perPage
	limit := part.perPage
	switch {
	case part.unpaged:
		limit = math.MaxInt
	case in.shape.IgnorePage:
	case in.shape.Paging == PagingCursor:
		part.offset = in.cursor()
	}
	if in.problem != nil {
		return in.problem.response()
	}
	list(in, &part, limit)
	if p := s.afterLast(in, list, &part, limit); p != nil {
		return p.response()
	}
	return response{status: http.StatusOK, data: part.data(in.shape)}
}

// perPage reads the size of a page.
func (s *Server) perPage(in input, size *int) {
	*size = min(*size, s.rules.MaxPerPage)
	maximum := s.rules.MaxPerPage
	if s.rules.ClampPerPage {
		maximum = math.MaxInt
	}
	had := in.problem
	if in.count("per_page", size, maximum); in.problem != had && *size > maximum {
		in.problem.place(s.rules.PerPageStatus)
	}
	*size = min(*size, s.rules.MaxPerPage)
}

// afterLast applies the rule for a page after the last.
func (s *Server) afterLast(in input, list source, part *slice, limit int) *problem {
	if in.problem != nil || part.unpaged || part.count > 0 || part.page <= part.lastPage() {
		return in.problem
	}
	switch s.rules.OnPageAfterLast {
	case NoSuchPage:
		return refused(http.StatusNotFound, "PAGE_NOT_FOUND", "", "There is no such page")
	case LastPageAgain:
		part.page = part.lastPage()
		part.offset = (part.page - 1) * part.perPage
		list(in, part, limit)
	case EmptyPage:
	}
	return in.problem
}

func (s *Server) channelsByNumber(in input) response {
	e164 := in.required("number", "must be an E.164 number", isE164)
	if in.problem != nil {
		return in.problem.response()
	}
	data, p := s.state.lookup(e164, func() *number { return s.state.numberAt(e164, in.lag) })
	return respond(p, false, http.StatusOK, "", data)
}

func (s *Server) channelsByUUID(in input) response {
	data, p := s.state.lookup("", func() *number { return s.state.uuidAt(in.uuid, in.lag) })
	return respond(p, false, http.StatusOK, "", data)
}
