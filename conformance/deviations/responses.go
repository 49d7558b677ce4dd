package main

import (
	"bytes"
	"net/http"
	"strconv"
)

// evidence is what a response to a change shows.
type evidence int

const (
	// proof: every sign of the response is that the change was made.
	proof evidence = iota
	// mixed: at least one sign contradicts the change, whatever the others say.
	mixed
	// silent: nothing in the response says whether the change was made.
	silent
	// denial: the change was refused, and nothing was changed.
	denial
)

// change decides what becomes of a change, and what the response shows of it.
func (s *server) change(d *dice, c *change, e *exchange) *reply {
	why := s.now.check(c)
	ways := []struct {
		weight int
		draw   func(d *dice, c *change, why refusal) (evidence, *reply)
	}{
		{18, s.contradict},
		{18, s.saySuccessAlone},
		{18, s.sayNothing},
		{12, s.refuse},
		{8, s.denyUnder200},
		{14, s.fail},
		{14, s.lose},
		{7, s.cutShort},
		{3, s.dial},
		{3, s.limitRate},
		{2, s.rejectToken},
		{1, s.redirect},
		{2, s.cancel},
	}
	weights := make([]int, len(ways))
	for i := range ways {
		weights[i] = ways[i].weight
	}
	if d.Float64() >= s.rate {
		shown, r := s.obey(d, c, why)
		return s.settle(d, c, why, shown, r, e)
	}
	shown, r := ways[d.weighted(weights)].draw(d, c, why)
	return s.settle(d, c, why, shown, r, e)
}

// settle makes the change, or does not, or makes it later, as the evidence permits: proof only of
// what is done, denial only of what is not.
func (s *server) settle(d *dice, c *change, why refusal, shown evidence, r *reply, e *exchange) *reply {
	switch {
	case why != accepted:
		e.effect = "not applied: " + string(why)
		if shown == proof { // must not happen; see TestServerIsHonest
			e.effect = "DISHONEST: " + e.effect
			s.count("dishonest")
		}
	case shown == denial:
		e.effect = "not applied"
	case shown == proof || d.Float64() < 0.5:
		s.apply(c)
		e.effect = "applied"
	case shown == silent && d.Float64() < 0.5:
		s.pending = append(s.pending, delayed{c, 1 + d.IntN(3)})
		d.tag("write: applied late")
		e.effect = "applied later"
	default:
		e.effect = "not applied, though it could be"
	}
	return r
}

func ok(d *dice, body []byte) *reply {
	return &reply{status: one(d, http.StatusOK, http.StatusOK, http.StatusCreated), body: body}
}

// after returns the number's channels as they are after the change, made or not.
func (s *server) after(c *change) map[string]trunk {
	if s.now.check(c) == accepted {
		return s.now.with(c)[c.number]
	}
	channels := map[string]trunk{c.channel: {agent: c.agent}}
	if c.agent == "" {
		channels[c.channel] = trunk{agent: s.agents[0]}
	}
	return channels
}

// obey responds as the contract says, in one of the forms that it may have.
func (s *server) obey(d *dice, c *change, why refusal) (evidence, *reply) {
	if why != accepted {
		return s.refuseTruly(d, why)
	}
	if c.method == http.MethodDelete {
		d.tag("write: success")
		switch d.IntN(4) {
		case 0:
			return proof, &reply{status: http.StatusNoContent}
		case 1:
			return proof, &reply{status: http.StatusOK}
		case 2:
			return proof, ok(d, d.encode(d.success(one[any](d, nil, []any{}, object{}))))
		}
		return proof, ok(d, d.encode(d.success()))
	}
	d.tag("write: success with a snapshot")
	snapshot := d.snapshot(c.number, s.uuid(c.number), s.after(c))
	if d.odd("success missing") {
		return proof, ok(d, d.encode(d.unmarked(snapshot)))
	}
	return proof, ok(d, d.encode(d.success(snapshot)))
}

// saySuccessAlone is a success without data.
func (s *server) saySuccessAlone(d *dice, c *change, why refusal) (evidence, *reply) {
	if why != accepted {
		return s.refuseTruly(d, why)
	}
	if c.method == http.MethodDelete {
		return s.obey(d, c, why)
	}
	switch d.IntN(5) {
	case 0:
		d.tag("write: success, null data")
		return proof, ok(d, d.encode(d.success(nil)))
	case 1:
		d.tag("write: success, data []")
		return proof, ok(d, d.encode(d.success([]any{})))
	case 2:
		d.tag("write: success, data {}")
		return proof, ok(d, d.encode(d.success(object{})))
	case 3:
		d.tag("write: success, snapshot without number and channels")
		return proof, ok(d, d.encode(d.success(object{{"phone_number_uuid", s.uuid(c.number)}, {"is_external", true}})))
	}
	d.tag("write: success without data")
	return proof, ok(d, d.encode(d.success()))
}

// refuseTruly refuses what cannot be done.
func (s *server) refuseTruly(d *dice, why refusal) (evidence, *reply) {
	d.tag("write: refused, " + string(why))
	status := one(d, http.StatusConflict, http.StatusUnprocessableEntity, http.StatusBadRequest)
	if why == refusedMissing && d.Float64() < 0.7 {
		status = http.StatusNotFound
	}
	if d.form > 0 && d.Float64() < 0.1 {
		_, body := d.refusedUnder200(string(why), nil)
		d.tag("write: refused under 200")
		return denial, ok(d, d.encode(body))
	}
	return denial, &reply{status: status, body: d.problem(string(why), s.op.planted)}
}

// refuse refuses what could be done. Only what is in front of the API may say 404 of a trunk that
// is there.
func (s *server) refuse(d *dice, c *change, why refusal) (evidence, *reply) {
	if why != accepted {
		return s.refuseTruly(d, why)
	}
	status := one(d, 400, 402, 403, 404, 405, 409, 413, 415, 422, 422, 451)
	d.tag("write: refused without need, " + strconv.Itoa(status))
	if status == http.StatusNotFound && c.method != http.MethodPost {
		return denial, &reply{status: status, body: []byte("<html><body>404 Not Found</body></html>"), header: http.Header{"Content-Type": {"text/html"}}}
	}
	return denial, &reply{status: status, body: d.problem("The request is refused.", s.op.planted)}
}

// denyUnder200 refuses under a status of success.
func (s *server) denyUnder200(d *dice, c *change, _ refusal) (evidence, *reply) {
	var snapshot object
	if c.method != http.MethodDelete {
		snapshot = d.snapshot(c.number, s.uuid(c.number), s.after(c))
	}
	kind, body := d.refusedUnder200("The request is refused.", snapshot)
	d.tag("write: 200 and " + kind)
	return denial, ok(d, d.encode(body))
}

// contradict responds with success and with something that contradicts it.
func (s *server) contradict(d *dice, c *change, why refusal) (evidence, *reply) {
	channels := s.after(c)
	number := c.number
	plain := &dice{Rand: d.Rand, tag: d.tag} // without deviations of form, in which the sign could vanish
	kind := "success with an error object"
	if c.method != http.MethodDelete {
		kind = one(d, "snapshot of another number", "snapshot of another agent", "snapshot unbound", kind)
	}
	d.tag("write: " + kind)
	shown := mixed
	switch kind {
	case "snapshot of another number":
		number = s.otherNumber(d, number)
	case "snapshot of another agent":
		channels = map[string]trunk{c.channel: {agent: s.otherAgent(d, channels[c.channel].agent)}}
		if c.method == http.MethodPatch { // an update does not say which agent: nothing is contradicted
			if why != accepted {
				return s.refuseTruly(d, why)
			}
			shown = proof
		}
	case "snapshot unbound":
		channels = map[string]trunk{}
	}
	envelope := d.success
	if kind != "success with an error object" && d.Float64() < 0.3 {
		envelope = d.unmarked
	}
	if c.method == http.MethodDelete && d.IntN(2) == 0 {
		return shown, ok(d, d.encode(object{{"success", true}}.with("data", s.denyingData(d, plain, c))))
	}
	if c.method == http.MethodDelete || kind == "success with an error object" && d.Float64() < 0.5 {
		return shown, ok(d, d.encode(d.withError(object{{"success", d.boolean(true)}, {"message", "OK"}})))
	}
	body := envelope(plain.snapshot(number, s.uuid(number), channels))
	if kind == "success with an error object" {
		body = d.withError(object{{"success", true}}).with("data", d.snapshot(number, s.uuid(number), channels))
	}
	return shown, ok(d, d.encode(body))
}

// denyingData is data that contradicts the success of a DELETE.
func (s *server) denyingData(d, plain *dice, c *change) any {
	switch d.IntN(3) {
	case 0:
		d.tag("write: delete, with data that denies it")
		return one(d, object{{"deleted", false}}, object{{"success", false}})
	case 1:
		d.tag("write: delete, with an error in the data")
		return d.withError(object{})
	}
	d.tag("write: delete, still bound")
	return plain.snapshot(c.number, s.uuid(c.number), map[string]trunk{c.channel: {agent: one(d, s.agents...)}})
}

func (d *dice) withError(o object) object {
	switch d.IntN(3) {
	case 0:
		return o.with("errors", object{{"phone_number", []any{"The phone number is taken."}}})
	case 1:
		return o.with("error", "The phone number is taken.")
	}
	return o.with("error", object{{"code", d.code()}, {"details", "The phone number is taken."}})
}

func (s *server) otherNumber(d *dice, number string) string {
	for {
		if other := numberOf(d.IntN(trunkNumbers)); other != number {
			return other
		}
	}
}

func (s *server) otherAgent(d *dice, agent string) string {
	for {
		if other := one(d, s.agents...); other != agent {
			return other
		}
	}
}

// sayNothing responds with success and without any evidence.
func (s *server) sayNothing(d *dice, c *change, _ refusal) (evidence, *reply) {
	kinds := []struct {
		name string
		body any
	}{
		{"null", nil},
		{"{}", object{}},
		{"[]", []any{}},
		{"data null", object{{"data", nil}}},
		{"data []", object{{"data", []any{}}}},
		{"data {}", object{{"data", object{}}}},
		{"message alone", object{{"message", "Unauthenticated."}}},
		{"success null", object{{"success", nil}, {"message", "OK"}}},
		{"text", "OK"},
		{"true", true},
		{"a page of a proxy", nil},
		{"empty", nil},
	}
	k := one(d, kinds...)
	switch {
	case k.name == "a page of a proxy", k.name == "empty" && c.method == http.MethodDelete:
		d.tag("write: 200 and a page of a proxy")
		return silent, &reply{status: http.StatusOK, body: []byte("<html><body>Sign in</body></html>"), header: http.Header{"Content-Type": {"text/html"}}}
	case k.name == "empty":
		d.tag("write: 200 and empty")
		return silent, &reply{status: http.StatusOK}
	}
	d.tag("write: 200 and " + k.name)
	return silent, ok(d, d.encode(k.body))
}

// fail is a failure that may come after the change.
func (s *server) fail(d *dice, _ *change, _ refusal) (evidence, *reply) {
	status := one(d, 500, 502, 503, 504, 408, 499, 520)
	d.tag("write: " + strconv.Itoa(status))
	return silent, &reply{status: status, body: d.problem("Try again.", s.op.planted)}
}

// lose loses the request or the response.
func (s *server) lose(d *dice, _ *change, _ refusal) (evidence, *reply) {
	d.tag("write: lost")
	return silent, &reply{lost: errReset}
}

// cutShort is a success of which only a part is delivered.
func (s *server) cutShort(d *dice, c *change, why refusal) (evidence, *reply) {
	if why == accepted && d.Float64() < 0.3 {
		shown, r := s.obey(d, c, why)
		if len(r.body) > 0 {
			d.tag("write: wrong length")
			r.length = "wrong"
		}
		return shown, r
	}
	r := ok(d, d.encode(d.success(d.snapshot(c.number, s.uuid(c.number), s.after(c)))))
	return silent, d.cut(r, "write")
}

func (d *dice) cut(r *reply, what string) *reply {
	begun := bytes.IndexByte(r.body, '{') + 1 // what is blank would be an empty body
	r.cut = begun + d.IntN(max(len(r.body)-2-begun, 1))
	r.length = one(d, "none", "right")
	d.tag(what + ": cut short, length " + r.length)
	return r
}

func (s *server) dial(d *dice, _ *change, _ refusal) (evidence, *reply) {
	d.tag("write: connection refused")
	return denial, &reply{lost: errDial}
}

func (s *server) limitRate(d *dice, _ *change, _ refusal) (evidence, *reply) {
	d.tag("write: 429")
	return denial, d.tooMany(s.op.planted)
}

func (d *dice) tooMany(planted string) *reply {
	header := http.Header{"Content-Type": {"application/json"}}
	if d.Float64() < 0.5 {
		header.Set("Retry-After", one(d, "0", "3", "soon", "-1", "Fri, 02 Jan 2026 03:04:05 GMT"))
	}
	return &reply{status: http.StatusTooManyRequests, body: d.problem("Slow down.", planted), header: header}
}

func (s *server) rejectToken(d *dice, _ *change, _ refusal) (evidence, *reply) {
	d.tag("write: 401")
	return denial, &reply{status: http.StatusUnauthorized, body: d.problem("Unauthenticated.", s.op.planted)}
}

func (s *server) redirect(d *dice, _ *change, _ refusal) (evidence, *reply) {
	d.tag("write: redirect")
	return denial, &reply{status: http.StatusFound, header: http.Header{"Location": {"https://login.test/?next=" + s.op.planted}}}
}

func (s *server) cancel(d *dice, _ *change, _ refusal) (evidence, *reply) {
	d.tag("write: the caller's context ends")
	return silent, &reply{cancel: true}
}

// channels is the response to a read of a number's channels. What it says of the number that it
// names is true, but for the lag.
func (s *server) channels(d *dice, number string) *reply {
	seen := s.read(d)
	honest := func() *reply {
		if seen[number] == nil {
			d.tag("read: 404")
			return &reply{status: http.StatusNotFound, body: d.problem("Not found.", s.op.planted)}
		}
		d.tag("read: success")
		return ok(d, d.encode(d.envelope(d.snapshot(number, s.uuid(number), seen[number]))))
	}
	if d.Float64() >= s.rate*2/3 {
		return honest()
	}
	return s.misread(d, number, honest)
}

// misread deviates in a way that the client can see.
func (s *server) misread(d *dice, number string, honest func() *reply) *reply {
	switch d.IntN(9) {
	case 0:
		other := s.otherNumber(d, number)
		d.tag("read: snapshot of another number")
		channels := s.now[other]
		if channels == nil {
			channels = map[string]trunk{channelCall: {agent: one(d, s.agents...)}}
		}
		o := d.snapshot(other, "", channels).without("phone_number_uuid").with("phone_number_uuid", s.uuid(other))
		return ok(d, d.encode(d.envelope(o)))
	case 1:
		d.tag("read: snapshot without channels")
		o := d.identity(number, s.uuid(number))
		if d.Float64() < 0.5 {
			o = o.with("channels", nil)
		}
		return ok(d, d.encode(d.envelope(o)))
	case 2:
		d.tag("read: snapshot without a number")
		o := d.snapshot(number, s.uuid(number), s.now[number]).without("number")
		return ok(d, d.encode(d.envelope(o)))
	case 3:
		_, r := s.sayNothing(d, &change{method: http.MethodDelete}, accepted)
		d.tag("read: nothing")
		return r
	case 4:
		kind, body := d.refusedUnder200("The request is refused.", d.snapshot(number, s.uuid(number), s.now[number]))
		d.tag("read: 200 and " + kind)
		return ok(d, d.encode(body))
	case 5:
		d.tag("read: success without data")
		return ok(d, d.encode(d.success(one[any](d, nil, []any{}, object{}))))
	}
	return s.failRead(d, honest)
}

// failRead is a read that fails.
func (s *server) failRead(d *dice, honest func() *reply) *reply {
	switch d.IntN(8) {
	case 0:
		d.tag("read: lost")
		return &reply{lost: errReset}
	case 1:
		if r := honest(); len(r.body) > 3 && r.status < 300 {
			return d.cut(r, "read")
		}
		return &reply{lost: errDial}
	case 2:
		d.tag("read: the caller's context ends")
		return &reply{cancel: d.Float64() < 0.2, lost: errReset}
	case 3:
		d.tag("read: 429")
		return d.tooMany(s.op.planted)
	case 4:
		status := one(d, 400, 401, 403, 409, 422)
		d.tag("read: 4xx")
		return &reply{status: status, body: d.problem("The request is refused.", s.op.planted)}
	case 5:
		d.tag("read: 404 of a proxy")
		return &reply{status: 404, body: []byte("<html><body>404 Not Found</body></html>"), header: http.Header{"Content-Type": {"text/html"}}}
	}
	status := one(d, 500, 502, 503, 504, 408)
	d.tag("read: 5xx or 408")
	return &reply{status: status, body: d.problem("Try again.", s.op.planted)}
}

func (o object) without(key string) object {
	var rest object
	for _, f := range o {
		if f.key != key {
			rest = append(rest, f)
		}
	}
	return rest
}

// list is the response to a request for a page. Lists do not lag.
func (s *server) list(d *dice, page, perPage string) *reply {
	number, size := 1, 50
	if n, err := strconv.Atoi(page); err == nil {
		number = n
	}
	if n, err := strconv.Atoi(perPage); err == nil {
		size = n
	}
	if s.op.plan == nil {
		var all []string
		for n := range s.now {
			all = append(all, n)
		}
		s.op.plan = newPlan(s.planDice(), all, size, s.rate)
		for _, trait := range s.op.plan.traits {
			s.count(trait)
		}
	}
	s.op.pages[number] = s.op.plan.at(number)
	honest := func() *reply {
		return ok(d, d.encode(s.op.plan.body(d, number, s.uuid, func(n string) map[string]trunk { return s.now[n] })))
	}
	if d.Float64() >= s.rate/6 {
		return honest()
	}
	return s.mislist(d, honest)
}

// planDice is the source of chance for the list of a call, the same whichever page is requested
// first.
func (s *server) planDice() *dice {
	return s.dice(&exchange{method: "plan"})
}

func (s *server) mislist(d *dice, honest func() *reply) *reply {
	kinds := []struct {
		name string
		body any
	}{
		{"null", nil},
		{"{}", object{}},
		{"data null", object{{"success", true}, {"data", nil}}},
		{"data {}", object{{"success", true}, {"data", object{}}}},
		{"message alone", object{{"message", "Unauthenticated."}}},
		{"success without data", object{{"success", d.boolean(true)}}},
		{"items null", object{{"success", true}, {"data", object{{"items", nil}}}}},
		{"another name for items", object{{"data", object{{"trunks", []any{}}}}}},
		{"empty list with an error", d.withError(object{{"success", true}, {"data", object{{"items", []any{}}}}})},
		{"error without success", object{{"error", object{{"code", d.code()}, {"message", "no"}}}, {"data", []any{}}}},
		{"success false", object{{"success", d.boolean(false)}, {"data", object{{"items", []any{}}}}}},
	}
	if d.Float64() < 0.5 {
		k := one(d, kinds...)
		d.tag("list: 200 and " + k.name)
		return ok(d, d.encode(k.body))
	}
	return s.failRead(d, honest)
}
