package main

import "strings"

// problem is the body of a failure, in one of the shapes of the API, of its framework and of what
// is in front of it. planted is text that no error may show.
func (d *dice) problem(why, planted string) []byte {
	if d.odd("request repeated in a problem") {
		why += " (" + planted + ")"
	}
	if shape := d.IntN(6); shape == 0 {
		d.tag("problem: not JSON")
		return []byte(one(d, "", "<html><body>"+why+"</body></html>", "null", "[]", `"`+strings.ReplaceAll(why, `"`, "")+`"`))
	}
	return d.encode(d.explained(why))
}

// explained is a problem in JSON.
func (d *dice) explained(why string) object {
	type shape struct {
		name string
		body object
	}
	s := one(
		d,
		shape{"error with a code", object{{"success", false}, {"message", why}, {"error", object{{"code", d.code()}, {"details", why}, {"field", "phone_number"}}}}},
		shape{"code in data.error", object{{"success", false}, {"message", why}, {"data", object{{"error", "purchase_limit_reached"}, {"limit", 1}}}}},
		shape{"errors by field", object{{"message", why}, {"errors", object{{"phone_number", []any{why}}}}}},
		shape{"message alone", object{{"message", "Unauthenticated."}}},
		shape{"errors as text", object{{"success", false}, {"errors", why}}},
		shape{"nested errors", object{{"message", why}, {"errors", object{{"sip", object{{"port", []any{why}}}}}}}},
		shape{"error.message", object{{"error", object{{"message", why}}}}},
		shape{"error.details as an object", object{{"error", object{{"code", d.code()}, {"details", object{{"phone_number", []any{why}}}}}}}},
		shape{"error.details as a list", object{{"error", object{{"code", d.code()}, {"details", []any{why}}}}}},
		shape{"fields in data", object{{"success", false}, {"data", object{{"phone_number", []any{why}}}}}},
		shape{"problem+json", object{{"type", "about:blank"}, {"title", why}, {"status", 422}, {"detail", why}}},
		shape{"list of field and message", object{{"success", d.boolean(false)}, {"errors", []any{object{{"field", "phone_number"}, {"message", why}}}}}},
		shape{"error as text", object{{"error", why}}},
		shape{"empty errors", object{{"message", why}, {"errors", []any{}}}},
		shape{"success false alone", object{{"success", d.boolean(false)}}},
	)
	d.tag("problem: " + s.name)
	return d.unknownField(s.body)
}

func (d *dice) code() string {
	return one(d, "TRUNK_EXISTS", "AGENT_BUSY", "validation_error")
}

// refusedUnder200 is a failure that only its body shows. why must be true.
func (d *dice) refusedUnder200(why string, data object) (kind string, body any) {
	base := object{{"success", d.boolean(false)}, {"message", why}}
	switch d.IntN(6) {
	case 0:
		return "success false", base
	case 1:
		return "success false with an error", base.with("error", object{{"code", d.code()}, {"details", why}})
	case 2:
		return "error object without success", object{{"error", object{{"code", d.code()}, {"message", why}}}}
	case 3:
		return "errors without success", object{{"message", why}, {"errors", object{{"phone_number", []any{why}}}}}
	case 4:
		return "success false with fields in data", base.with("data", object{{"phone_number", []any{why}}})
	}
	if data == nil {
		return "success false with null data", base.with("data", nil)
	}
	return "success false with a snapshot that fits", base.with("data", data)
}
