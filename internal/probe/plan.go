package probe

// Planned is a question of a plan. Nothing was sent for it.
type Planned struct {
	// Question identifies it. Asks is the question in words, and Documented what the documentation says.
	Question, Asks, Documented string
	// Given is what holds before it, such as "number-1 has agent-1"; the probe sees to that.
	Given []string
	// Requests are those that it sends, in order, by roles. One that depends on what came before says so.
	Requests []string
	// Optional is set if it is asked only while requests are left.
	Optional bool
	// Missing is why it is not asked with these targets; "" means that it is.
	Missing string
}

// Plan returns the questions that Run would ask with these options, in order. It sends nothing, and needs
// no journal. The questions that all responses answer have no requests.
func Plan(options Options) ([]Planned, error) {
	options.Journal = new(Memory)
	r, err := newRun(options)
	if err != nil {
		return nil, err
	}
	var plan []Planned
	for _, q := range questions(r.lastNumber()) {
		p := Planned{
			Question: q.id, Asks: q.asks, Documented: q.documented, Given: r.given(&q), Optional: q.optional, Missing: r.missingTargets(&q),
		}
		if q.checked {
			p.Requests = append(p.Requests, "GET "+channelsPath+" number="+string(number1))
		}
		for i := range q.steps {
			if !r.has(q.steps[i].find) {
				continue
			}
			p.Requests = append(p.Requests, q.steps[i].planned())
		}
		plan = append(plan, p)
		for _, also := range q.also {
			plan = append(plan, Planned{Question: also.id, Asks: also.asks, Documented: also.documented, Missing: p.Missing})
		}
	}
	for _, of := range byAll() {
		plan = append(plan, Planned{Question: of.id, Asks: of.asks, Documented: of.documented})
	}
	return plan, nil
}

// given returns what a question begins with, as far as the probe has the numbers and agents.
func (r *run) given(q *question) (all []string) {
	for _, each := range q.given {
		switch {
		case r.wire.values[each.number] == "", each.agent != unbound && each.agent != anyAgent && r.wire.values[each.agent] == "":
		case each.agent == unbound:
			all = append(all, string(each.number)+" has no trunk")
		case each.agent == anyAgent:
			all = append(all, string(each.number)+" has a trunk")
		default:
			all = append(all, string(each.number)+" has "+string(each.agent))
		}
	}
	return all
}

// missingTargets returns why a question cannot be asked with the targets of a probe.
func (r *run) missingTargets(q *question) string {
	for _, need := range q.needs {
		if r.wire.values[need] == "" {
			return "not asked: needs " + map[role]string{number2: "two numbers", agent2: "two agents"}[need]
		}
	}
	if q.whatsApp && !r.WhatsApp {
		return "not asked: sends channel whatsapp"
	}
	return ""
}

// planned describes the request, and when it is sent.
func (s *step) planned() string {
	text := s.String()
	switch {
	case s.poll && s.until == unbound:
		text += ", repeated until it shows no agent"
	case s.poll:
		text += ", repeated until it shows " + string(s.until)
	case s.later:
		text += ", a second later"
	case s.soon:
		text += ", at once"
	}
	if s.accepted || s.poll {
		text += ", if the first is accepted"
	}
	return text
}
