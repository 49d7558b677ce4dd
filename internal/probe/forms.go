package probe

import (
	"fmt"
	"maps"
	"net/http"
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

func readSuccess(p *past, _ []answer) (observed, missing string) {
	forms := map[string]bool{}
	for _, a := range p.answers {
		object, ok := a.json.(map[string]any)
		if !a.accepted() || !ok {
			continue
		}
		var form []string
		// Lists and messages cannot tell whether data is wrapped once more.
		if _, wrapped := a.data(); a.snapshot() != nil && wrapped || a.snapshot() == nil && p.wrapped {
			form = append(form, "wrapped")
		}
		if !has(object, "success") {
			form = append(form, "no success")
		}
		if has(object, "success") && object["success"] != true {
			form = append(form, "success is no boolean")
		}
		if a.mark {
			form = append(form, "byte order mark")
		}
		if !strings.HasPrefix(strings.ToLower(a.header.Get("Content-Type")), "application/json") {
			form = append(form, "another content type")
		}
		forms[strings.Join(form, ", ")] = true
	}
	switch names := slices.Sorted(maps.Keys(forms)); {
	case len(names) == 0:
		return "", "not observable: there was no success"
	case len(names) > 1:
		return "varies", ""
	case names[0] == "":
		return "as documented", ""
	default:
		return names[0], ""
	}
}

// shape returns the form of an error.
func (a *answer) shape() string {
	object, ok := a.json.(map[string]any)
	if !ok {
		text := strings.ToLower(string(a.body))
		switch {
		case a.empty():
			return "empty"
		case strings.Contains(text, "<html") || strings.Contains(text, "<!doctype"):
			return "html"
		}
		return "text"
	}
	_, message := object["message"].(string)
	nested, isNested := object["error"].(map[string]any)
	data, _ := object["data"].(map[string]any)
	_, inData := data["error"].(string)
	switch {
	case message && object["success"] == false && isNested && isText(nested["code"]):
		return "envelope"
	case message && object["success"] == false && inData:
		return "data"
	case message && !has(object, "success") && !isNested && data == nil:
		return "framework"
	}
	return "other"
}

func isText(value any) bool {
	_, ok := value.(string)
	return ok
}

func readShapes(p *past, _ []answer) (observed, missing string) {
	shapes := map[int]string{}
	for _, a := range p.answers {
		if a.status < 400 || a.status > 499 {
			continue
		}
		shape := a.shape()
		if before, ok := shapes[a.status]; ok && before != shape {
			shape = "varies"
		}
		shapes[a.status] = shape
	}
	var texts []string
	for _, status := range slices.Sorted(maps.Keys(shapes)) {
		texts = append(texts, fmt.Sprintf("%d %s", status, shapes[status]))
	}
	if texts == nil {
		return "", "not observable: nothing was refused"
	}
	return strings.Join(texts, ", "), ""
}

// namesField reports whether an error names the field that it is about.
func (a *answer) namesField() bool {
	object, _ := a.json.(map[string]any)
	nested, _ := object["error"].(map[string]any)
	field, _ := nested["field"].(string)
	errors, _ := object["errors"].(map[string]any)
	return field != "" || len(errors) > 0
}

// isAboutField reports whether the request was refused because of one of its fields, as far as the
// request tells.
func (a *answer) isAboutField() bool {
	if a.status < 400 || a.status > 499 || a.step.raw != "" || a.step.noToken || a.shape() != "envelope" && a.shape() != "framework" {
		return false
	}
	return a.exists || a.step.path == agentsPath
}

func readField(p *past, _ []answer) (observed, missing string) {
	with, without := map[bool]bool{}, map[bool]bool{} // by whether the status is 422
	for _, a := range p.answers {
		if a.isAboutField() {
			map[bool]map[bool]bool{true: with, false: without}[a.namesField()][a.status == http.StatusUnprocessableEntity] = true
		}
	}
	switch {
	case len(with)+len(without) == 0 || len(with) == 0 && !without[true]:
		return "", "not observable: no error with 422 is about a field"
	case with[true] && without[true] || with[false] && without[false] || with[false] && without[true]:
		return "varies", ""
	case with[false]:
		return "always", ""
	case with[true]:
		return "with 422", ""
	}
	return "never", ""
}
