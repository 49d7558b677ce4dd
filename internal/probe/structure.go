package probe

import (
	"maps"
	"slices"
	"strings"
)

// The names and texts that reports have, beside codes of plain words. All others are replaced.
var (
	allowedNames = set(
		"success", "message", "data", "error", "errors", "code", "details", "detail", "field", "title", "status", "type", "items", "pagination",
		"current_page", "per_page", "total", "last_page", "from", "to", "has_more", "next_page_url", "prev_page_url", "first_page_url",
		"last_page_url", "path", "links", "meta", "next_cursor", "phone_number_uuid", "number", "is_external", "source", "channels", "call", "sms",
		"whatsapp", "inbound", "voice", "capable", "enabled", "channel_limit", "whitelisted_destinations", "bound", "agent_uuid", "agent_name",
		"country_code", "location", "compliance", "requirements", "capabilities", "mms", "fax", "emergency", "local_calling", "channel_settings",
		"billing", "monthly_fee", "currency", "bindings", "purchased_at", "updated_at", "created_at", "name", "description", "company_name",
		"role", "language", "timezone", "phone_number", "channel", "direction", "sip", "sip.port", "additional_settings", "x_probe",
	)
	allowedTexts = set(
		"external", "purchased", "call", "sms", "whatsapp", "local", "active", "phone_number", "agent_uuid", "channel", "name", "sip.port", "per_page",
		"x_probe", "additional_settings", "Unauthenticated.",
	)
	// codeWords are the words of codes that are kept, such as PHONE_NUMBER_IN_USE. A code with any other
	// word may name somebody.
	codeWords = set(
		"access", "agent", "agents", "allowed", "already", "api", "assigned", "auth", "authentication", "authorization", "bad", "bound", "busy", "call",
		"carrier", "channel", "code", "conflict", "constraint", "denied", "duplicate", "empty", "entity", "entry", "error", "exceeded", "exist", "exists",
		"expired", "failed", "field", "forbidden", "format", "found", "has", "in", "input", "invalid", "is", "json", "key", "limit", "line", "malformed",
		"method", "missing", "no", "not", "number", "owned", "page", "parameter", "parse", "permission", "permitted", "phone", "processable",
		"purchased", "rate", "refused", "request", "required", "resource", "route", "same", "server", "sip", "state", "supported", "taken", "token",
		"trunk", "unauthenticated", "unauthorized", "unique", "unknown", "unprocessable", "unsupported", "use", "used", "uuid", "validation", "value",
		"violation", "whatsapp", "wrong",
	)
)

// places are the members that say where a page is in its list. Whether they are null depends on how much
// a workspace has.
var places = set("next_page_url", "prev_page_url", "first_page_url", "last_page_url", "next_cursor", "from", "to")

func set(names ...string) map[string]bool {
	m := map[string]bool{}
	for _, name := range names {
		m[name] = true
	}
	return m
}

// maxDepth bounds the structure of a response.
const maxDepth = 8

// structure returns the structure of a response: names, types, and allowed texts. A list has the
// structure of its first item.
func structure(value any, depth int) any {
	if depth > maxDepth {
		return "<deep>"
	}
	switch value := value.(type) {
	case nil:
		return nil
	case bool:
		return "<boolean>"
	case float64:
		return "<number>"
	case string:
		if allowedTexts[value] || isCode(value) {
			return value
		}
		return otherText
	case []any:
		if len(value) == 0 {
			return []any{}
		}
		return []any{structure(value[0], depth+1)}
	case map[string]any:
		object := map[string]any{}
		for _, name := range slices.Sorted(maps.Keys(value)) {
			shown := name
			if !allowedNames[name] {
				shown = "<name>"
			}
			object[shown] = structure(value[name], depth+1)
			if places[name] {
				object[shown] = "<place>"
			}
		}
		return object
	}
	return "<other>"
}

// isCode reports whether a text is a code of plain words: not the name of a person or a workspace.
func isCode(text string) bool {
	const maxWords = 6
	words := strings.Split(text, "_")
	if upper := strings.ToUpper(text); len(words) > maxWords || text != upper && text != strings.ToLower(text) {
		return false
	}
	return !slices.ContainsFunc(words, func(word string) bool { return !codeWords[strings.ToLower(word)] })
}

// evidence returns the structure of a response.
func (a *answer) evidence() any {
	switch {
	case a.json != nil:
		return structure(a.json, 0)
	case a.empty():
		return nil
	}
	return "<" + a.shape() + ">"
}
