package mihu

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// problem is what a response says about a failure, in any of the known shapes.
type problem struct {
	code, message, details string
	fields                 map[string][]string
	count                  int // of the messages in fields
}

// maxProblems bounds the fields of a problem, and the messages of each.
const maxProblems = 100

// decodeProblem reads as much as it can: the status tells the rest. Its error is why the body could
// not be read.
func decodeProblem(body []byte) (problem, error) {
	var p problem
	body = bytes.TrimPrefix(body, byteOrderMark)
	var fields map[string]any
	if err := json.Unmarshal(body, &fields); err != nil {
		if len(bytes.TrimSpace(body)) == 0 {
			return p, fmt.Errorf("%w: empty", ErrMalformedResponse)
		}
		if json.Valid(body) {
			return p, fmt.Errorf("%w: not a JSON object", ErrMalformedResponse)
		}
		return p, notJSON(err)
	}
	p.read(fields)
	return p, nil
}

// read takes what the shapes have: the documented envelope, the framework's default, and RFC 9457.
func (p *problem) read(fields map[string]any) {
	p.message = firstOf(messageOf(fields["message"]), textOf(fields["title"]))
	p.details = firstOf(messageOf(fields["details"]), messageOf(fields["detail"]))
	p.code = textOf(fields["code"])
	switch nested := fields["error"].(type) {
	case map[string]any:
		p.readError(nested)
	case string:
		p.code = firstOf(p.code, nested)
		p.details = firstOf(p.details, textOf(fields["error_description"]))
	case []any:
		p.addAll("", nested)
	}
	if p.code == "" && strings.Contains(textOf(fields["type"]), ":") { // a URI, of RFC 9457
		if kind := textOf(fields["type"]); kind != "about:blank" {
			p.code = kind[strings.LastIndexAny(kind, ":/")+1:]
		}
	}
	if data, ok := fields["data"].(map[string]any); ok {
		p.readData(data)
	}
	for _, name := range []string{"errors", "invalid-params", "violations"} {
		if text, ok := fields[name].(string); ok {
			p.explain(text)
		} else {
			p.addAll("", fields[name])
		}
	}
}

// explain keeps a text that is for no field.
func (p *problem) explain(text string) {
	if p.message == "" {
		p.message = text
	} else if p.details == "" && text != p.message {
		p.details = text
	}
}

// readError reads the error object of the documented envelope.
func (p *problem) readError(nested map[string]any) {
	p.code = firstOf(textOf(nested["code"]), p.code, textOf(nested["type"]))
	p.explain(messageOf(nested["message"]))
	switch details := nested["details"].(type) {
	case map[string]any, []any:
		p.addAll("", details)
		if p.count == 0 {
			p.explain(compact(details))
		}
	default:
		p.details = firstOf(textOf(details), p.details)
	}
	if field := textOf(nested["field"]); field != "" {
		p.add(field, firstOf(p.details, p.message, p.code, "refused"))
	}
	p.addAll("", nested["errors"])
}

// readData reads the data of a failure: an error code beside other values, or messages by field.
func (p *problem) readData(data map[string]any) {
	if p.code == "" {
		p.code = textOf(data["error"])
	}
	p.explain(messageOf(data["message"]))
	for field, messages := range data {
		if list, ok := messages.([]any); ok && isTexts(list) && field != "error" {
			p.addAll(field, list)
		}
	}
	p.addAll("", data["errors"])
}

// isTexts reports whether a list has nothing but texts, as messages of a field are.
func isTexts(list []any) bool {
	return len(list) > 0 && !slices.ContainsFunc(list, func(v any) bool { _, ok := v.(string); return !ok })
}

// addAll adds messages by field, however they are nested: {"sip": {"port": ["…"]}} is of sip.port.
func (p *problem) addAll(field string, v any) {
	switch v := v.(type) {
	case map[string]any:
		if p.addNamed(field, v) {
			return
		}
		for name, nested := range v {
			if field != "" {
				name = field + "." + name
			}
			p.addAll(name, nested)
		}
	case []any:
		for _, nested := range v {
			p.addAll(field, nested)
		}
	default:
		if text := textOf(v); text != "" {
			p.add(firstOf(field, "request"), text)
		}
	}
}

// addNamed adds an object that names its field: {"field": "name", "message": "…"}, or what RFC 9457
// and others call them.
func (p *problem) addNamed(prefix string, v map[string]any) bool {
	field := firstOf(textOf(v["field"]), textOf(v["name"]), textOf(v["path"]), textOf(v["param"]), pointer(textOf(v["pointer"])))
	message := firstOf(textOf(v["message"]), textOf(v["reason"]), textOf(v["detail"]), textOf(v["details"]), textOf(v["error"]), textOf(v["msg"]))
	if message == "" || field == "" && prefix != "" {
		return false
	}
	p.add(firstOf(field, "request"), message)
	return true
}

// pointer returns a JSON pointer, such as "#/sip/port", as a field.
func pointer(s string) string {
	return strings.ReplaceAll(strings.TrimPrefix(strings.TrimPrefix(s, "#"), "/"), "/", ".")
}

func (p *problem) add(field, message string) {
	if p.fields == nil {
		p.fields = make(map[string][]string)
	}
	if (len(p.fields) < maxProblems || p.fields[field] != nil) && len(p.fields[field]) < maxProblems && !slices.Contains(p.fields[field], message) {
		p.fields[field] = append(p.fields[field], message)
		p.count++
	}
}

// messageOf returns a text, or the texts of a list.
func messageOf(v any) string {
	if list, ok := v.([]any); ok && isTexts(list) {
		texts := make([]string, len(list))
		for i := range list {
			texts[i] = textOf(list[i])
		}
		return strings.Join(texts, "; ")
	}
	return textOf(v)
}

// compact returns a value as JSON, so that nothing that the server sent is lost.
func compact(v any) string {
	b, err := json.Marshal(v)
	if err != nil || string(b) == "{}" || string(b) == "[]" {
		return ""
	}
	return string(b)
}

func textOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}
