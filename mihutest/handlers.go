package mihutest

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// maxBody is the size of body that the server reads, in bytes.
const maxBody = 1 << 20

// endpoint is one operation of the API.
type endpoint struct {
	fields  []string // of the body, or of the query where there is no body
	hasBody bool
	run     func(in input) answer
}

// input is a request that has no fields but those of its endpoint.
type input struct {
	*form
	uuid string // of the path
}

// endpoints are the operations by path and method; * stands for a UUID.
func (s *Server) endpoints() map[string]map[string]endpoint {
	list := func(l *numberList) endpoint {
		return endpoint{fields: []string{"page", "per_page"}, run: func(in input) answer { return s.list(in, l) }}
	}
	create := []string{"phone_number", "agent_uuid", "channel", "name", "direction", "sip", "additional_settings"}
	update := []string{"phone_number", "channel", "name", "direction", "sip", "additional_settings"}
	return map[string]map[string]endpoint{
		"/phone-numbers": {http.MethodGet: list(&s.state.inventory)},
		"/phone-numbers/trunks": {
			http.MethodPost:   {create, true, s.createTrunk},
			http.MethodPatch:  {update, true, s.updateTrunk},
			http.MethodDelete: {[]string{"phone_number", "channel"}, false, s.deleteTrunk},
			http.MethodGet:    list(&s.state.external),
		},
		"/phone-numbers/trunks/assign": {http.MethodPut: {[]string{"phone_number", "channel", "agent_uuid"}, true, s.assignTrunk}},
		"/phone-numbers/channels":      {http.MethodGet: {[]string{"number"}, false, s.channelsByNumber}},
		"/phone-numbers/*/channels":    {http.MethodGet: {nil, false, s.channelsByUUID}},
	}
}

// serve takes a request from its arrival to its answer, with whatever is to go wrong on the way.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	if !s.begin() {
		cut(ctx)
		return
	}
	defer s.work.Done()

	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	tooLarge := len(body) > maxBody
	if err != nil || tooLarge {
		body = nil
	}
	path, inside := strings.CutPrefix(r.URL.EscapedPath(), basePath)
	req := newRequest(r, path, body)
	s.record.add(req)
	fault := s.faults.take(req)

	if !wait(s.patience(ctx, fault.Detached), s.latency+fault.Delay) {
		s.abandon(r)
		return
	}
	var a answer
	if fault.AfterChange || !fault.replaces() {
		switch {
		case err != nil:
			a = refused(http.StatusBadRequest, "MALFORMED_BODY", "", "The body could not be read").answer()
		case tooLarge:
			a = refused(http.StatusRequestEntityTooLarge, "BODY_TOO_LARGE", "", "The body is over 1 MiB").answer()
		case !inside:
			a = s.handle(r, "", body)
		default:
			a = s.handle(r, path, body)
		}
		if a.changed {
			s.record.changed(req)
		}
	}
	if !wait(ctx, fault.DelayAfter) {
		s.abandon(r)
		return
	}
	if a = fault.answer(a); fault.Drop {
		cut(ctx)
		return
	}
	s.answer(w, r, req, a, &fault)
}

// patience ends when a wait is to end early: with the client's request, or with the server alone.
func (s *Server) patience(ctx context.Context, detached bool) context.Context {
	if detached {
		return s.ctx
	}
	return ctx
}

// abandon leaves a request whose client went away or that Close interrupts, and sees to it that
// net/http does not answer in its place. On HTTP/2 a client can give up one request of many.
func (s *Server) abandon(r *http.Request) {
	if s.ctx.Err() != nil || r.ProtoMajor < 2 {
		cut(r.Context())
	}
}

// answer sends a, or half of it.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, req *Request, a answer, fault *Fault) {
	body := a.body(s.rules.ErrorShape)
	if fault.Truncate && len(body) == 0 {
		cut(r.Context())
		return
	}
	h := w.Header()
	h.Set("X-Request-Id", fmt.Sprintf("mihutest-%06d", s.requests.Add(1)))
	if len(body) > 0 {
		h.Set("Content-Type", "application/json")
		h.Set("Content-Length", strconv.Itoa(len(body)))
	}
	if a.problem != nil && a.problem.allow != "" {
		h.Set("Allow", a.problem.allow)
	}
	fault.header(h)
	s.record.answered(req, a.status)
	w.WriteHeader(a.status)
	if fault.Truncate { // less than what was announced: net/http then cuts the connection
		body = body[:len(body)/2]
	}
	_, _ = w.Write(body) //nolint:gosec // JSON, or what the test wants; the client may have gone
}

// handle does what a request asks for.
func (s *Server) handle(r *http.Request, path string, body []byte) answer {
	if p := s.authenticate(r.Header); p != nil {
		return p.answer()
	}
	in, methods := input{}, s.routes[path]
	if uuid, ok := uuidOf(path); methods == nil && ok {
		in.uuid, methods = uuid, s.routes["/phone-numbers/*/channels"]
	}
	if methods == nil || strings.Contains(path, "*") {
		return refused(http.StatusNotFound, "ROUTE_NOT_FOUND", "", "There is no such path").answer()
	}
	e, ok := methods[r.Method]
	if !ok {
		p := refused(http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", "", "The path does not have this method")
		p.allow = strings.Join(slices.Sorted(maps.Keys(methods)), ", ")
		return p.answer()
	}
	var p *problem
	if in.form, p = queryForm(r.URL.RawQuery); p != nil {
		return p.answer()
	}
	if e.hasBody {
		in.only(nil)
		if in.problem != nil {
			return in.problem.answer()
		}
		in.form, p = bodyForm(r.Header, body)
	} else if len(body) > 0 {
		p = refused(http.StatusBadRequest, "UNEXPECTED_BODY", "", "The request takes no body")
	}
	if p != nil {
		return p.answer()
	}
	in.only(e.fields)
	if in.problem != nil {
		return in.problem.answer()
	}
	return e.run(in)
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

// uuidOf is the one segment between /phone-numbers/ and /channels.
func uuidOf(path string) (string, bool) {
	rest, ok := strings.CutPrefix(path, "/phone-numbers/")
	uuid, has := strings.CutSuffix(rest, "/channels")
	return strings.ToLower(uuid), ok && has && isUUID(uuid)
}

// bodyForm is the form of a JSON body.
func bodyForm(h http.Header, body []byte) (*form, *problem) {
	mediaType, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	charset, has := params["charset"]
	if err != nil || mediaType != "application/json" || has && !strings.EqualFold(charset, "utf-8") {
		return nil, refused(http.StatusBadRequest, "INVALID_CONTENT_TYPE", "", "The Content-Type is not application/json")
	}
	fields, err := decodeObject(body)
	if err != nil {
		return nil, refused(http.StatusBadRequest, "MALFORMED_JSON", "", "The body "+err.Error())
	}
	return &form{fields: fields}, nil
}

// reply is the answer of an operation that was done, or the problem that it had.
func reply(p *problem, changed bool, status int, message string, data any) answer {
	if p != nil {
		return p.answer()
	}
	return answer{status: status, message: message, data: data, changed: changed}
}

func (s *Server) createTrunk(in input) answer {
	id, agent, c := in.trunkID(), in.agent(), in.change(false)
	if in.problem != nil {
		return in.problem.answer()
	}
	data, p := s.state.create(id, agent, c, in.uuid)
	return reply(p, true, s.rules.CreateStatus, "Trunk created", data)
}

func (s *Server) updateTrunk(in input) answer {
	id, c := in.trunkID(), in.change(true)
	if in.problem != nil {
		return in.problem.answer()
	}
	data, changed, p := s.state.update(id, c)
	return reply(p, changed, http.StatusOK, "Trunk updated", data)
}

func (s *Server) assignTrunk(in input) answer {
	id, agent := in.trunkID(), in.agent()
	if in.problem != nil {
		return in.problem.answer()
	}
	data, changed, p := s.state.assign(id, agent)
	return reply(p, changed, http.StatusOK, "Trunk assigned", data)
}

func (s *Server) deleteTrunk(in input) answer {
	if number, ok := in.fields["phone_number"].(string); ok && !strings.HasPrefix(number, "+") {
		in.fields["phone_number"] = "+" + number
	}
	id := in.trunkID()
	if in.problem != nil {
		return in.problem.answer()
	}
	return reply(s.state.remove(id), true, s.rules.DeleteStatus, "Trunk deleted", nil)
}

func (s *Server) list(in input, l *numberList) answer {
	page, perPage := 1, 50
	if !s.rules.NoPagination {
		in.count("page", &page, math.MaxInt)
		in.count("per_page", &perPage, 200)
	}
	if in.problem != nil {
		return in.problem.answer()
	}
	return answer{status: http.StatusOK, data: s.state.list(l, page, perPage)}
}

// count reads a parameter of a list that is from 1 to a maximum.
func (f *form) count(name string, to *int, maximum int) {
	if s := f.text(name); s != nil {
		n, err := strconv.Atoi(*s)
		if *to = n; err != nil || n < 1 || n > maximum {
			f.refuse(name, fmt.Sprintf("must be 1 to %d", maximum))
		}
	}
}

func (s *Server) channelsByNumber(in input) answer {
	e164 := in.required("number", "must be an E.164 number", isE164)
	if in.problem != nil {
		return in.problem.answer()
	}
	data, p := s.state.lookup(func() *number { return s.state.numbers[e164] })
	return reply(p, false, http.StatusOK, "", data)
}

func (s *Server) channelsByUUID(in input) answer {
	data, p := s.state.lookup(func() *number { return s.state.uuids[in.uuid] })
	return reply(p, false, http.StatusOK, "", data)
}
