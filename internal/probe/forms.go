package probe

import (
	"maps"
	"slices"
	"strings"
)

// shows is what pages of the list of trunks say about the numbers of the probe.
type shows struct{ once, twice, notAll, otherTotal bool }

// see notes a page that must have these numbers, if it is the whole list.
func (s *shows) see(l *list, numbers []string) {
	whole, err := complete(l, 1, len(l.items))
	if len(l.items) > 0 && (err != nil && l.page <= 1 && l.last <= 1) {
		s.otherTotal = true
	}
	for _, e164 := range numbers {
		count := 0
		for i := range l.items {
			if text, _ := l.items[i]["number"].(string); digits(text) == digits(e164) {
				count++
			}
		}
		switch {
		case count > 1:
			s.twice = true
		case count == 1:
			s.once = true
		case whole:
			s.notAll = true
		}
	}
}

func readShows(p *past, _ []answer) (observed, missing string) {
	var wrong []string
	for _, each := range []struct {
		is   bool
		name string
	}{{p.shows.twice, "twice"}, {p.shows.notAll, "not all"}, {p.shows.otherTotal, "another total"}} {
		if each.is {
			wrong = append(wrong, each.name)
		}
	}
	switch {
	case wrong != nil:
		return strings.Join(wrong, ", "), ""
	case p.shows.once:
		return "each once", ""
	}
	return "", notListed
}

// readValues reads how the values of the probe's own numbers are written.
func readValues(p *past, _ []answer) (observed, missing string) {
	wrong, seen := map[string]bool{}, false
	for i := range p.answers {
		a := &p.answers[i]
		if !a.accepted() {
			continue
		}
		data, _ := a.data()
		if object, ok := data.(map[string]any); ok && a.snapshot() != nil {
			seen = p.value(object, "channels", a.agents, wrong) || seen
			continue
		}
		if l := a.list(p.wrapped, p.shaped); l != nil {
			for _, item := range l.items {
				seen = p.value(item, "bindings", a.agents, wrong) || seen
			}
		}
	}
	switch names := slices.Sorted(maps.Keys(wrong)); {
	case len(names) > 0:
		return strings.Join(names, ", "), ""
	case !seen:
		return "", "not observable: there was no success"
	}
	return "as documented", ""
}

// value adds what is wrong with the values of a number. It reports whether the number is the probe's.
func (p *past) value(number map[string]any, channels string, known agents, wrong map[string]bool) bool {
	e164, _ := number["number"].(string)
	own := func(n role) bool { return p.numbers[n] != "" && digits(p.numbers[n]) == digits(e164) }
	if !own(number1) && !own(number2) {
		return false
	}
	if !strings.HasPrefix(e164, "+") {
		wrong["number without plus"] = true
	}
	bound := false
	bindings, _ := number[channels].(map[string]any)
	for _, name := range []string{callChannel, whatsAppChannel, "sms"} {
		binding, ok := bindings[name].(map[string]any)
		if !ok {
			wrong["a channel is missing"] = true
			continue
		}
		bound = valueOf(binding, known, wrong) != unbound || bound
	}
	uuid, _ := number["phone_number_uuid"].(string)
	if bound && !isUUID.MatchString(uuid) {
		wrong["phone_number_uuid is no UUID"] = true
	}
	if bound && number["is_external"] != true {
		wrong["is_external is not true"] = true
	}
	return true
}

// valueOf adds what is wrong with the values of a binding, and returns its agent.
func valueOf(binding map[string]any, known agents, wrong map[string]bool) role {
	agent := agentOf(binding, known)
	uuid, _ := binding["agent_uuid"].(string)
	flag, isFlag := binding["bound"].(bool)
	switch {
	case !isFlag:
		wrong["bound is no boolean"] = true
	case flag != (agent != unbound):
		wrong["bound contradicts the agent"] = true
	}
	if uuid != strings.ToLower(uuid) {
		wrong["agent in upper case"] = true
	}
	return agent
}
