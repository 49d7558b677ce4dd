package probe

import (
	"maps"
	"slices"
)

// The names and texts that reports have. All others are replaced.
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
		"external", "purchased", "call", "sms", "whatsapp", "local", "active",
		"MISSING_AUTH_TOKEN", "INVALID_AUTH_TOKEN", "VALIDATION_ERROR", "NOT_FOUND", "FORBIDDEN", "CONFLICT", "UNAUTHORIZED",
		"TRUNK_EXISTS", "TRUNK_NOT_FOUND", "AGENT_BUSY", "AGENT_NOT_FOUND", "ROUTE_NOT_FOUND", "PHONE_NUMBER_NOT_FOUND", "PAGE_NOT_FOUND",
		"MALFORMED_JSON", "SAME_AGENT", "phone_in_use", "phone_number", "agent_uuid", "channel", "name", "sip.port", "per_page", "x_probe",
		"additional_settings", "Unauthenticated.",
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
		if allowedTexts[value] {
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
