package report

import (
	"regexp"
	"strings"
)

// contract has the answers that the contract allows, by question: testdata/openapi.yaml, and what the
// question itself says is documented. It allows any answer to the questions that are not here.
var contract = map[string]*regexp.Regexp{
	"agents.shape":         whole(`as documented`),
	"auth.missing":         whole(`refused 401`),
	"channels.unknown":     whole(refused + `|unbound 200`),
	"error.route":          whole(`refused 404`),
	"unknown.update":       whole(refused + `|accepted 200`),
	"unknown.delete":       whole(refused + `|` + deleted),
	"unknown.assign":       whole(refused + `|accepted 200`),
	"agent.unknown":        whole(refused + `|` + created),
	"agent.malformed":      whole(refused + `|` + created),
	"error.malformed_json": whole(`refused 400`),
	"create.status":        whole(created),
	"create.body":          whole(`channels`),
	"create.duplicate":     whole(refused),
	"duplicate.other":      whole(refused),
	"assign.same":          whole(refused + `|accepted 200`),
	"update.status":        whole(`accepted 200`),
	"update.name_empty":    whole(refused + `|accepted 200`),
	"update.port_empty":    whole(`accepted 200`),
	"update.null":          whole(refused + `|accepted 200|varies`),
	"update.unknown_field": whole(refused + `|accepted 200|varies`),
	"update.nothing":       whole(refused + `|accepted 200`),
	"error.query_unknown":  whole(refused + `|accepted 200`),
	"list.paging":          whole(`page and per_page|per_page only|neither|other`),
	"list.after_last":      whole(refused + `|empty|last page|first page`),
	"agent.busy_assign":    whole(refused),
	"delete.status":        whole(deleted),
	"read.after_delete":    whole(refused + `|unbound 200`),
	"delete.twice":         whole(refused + `|` + deleted),
	"agent.busy":           whole(refused),
	"assign.status":        whole(`accepted 200`),
	"whatsapp.trunk":       whole(created),
	"whatsapp.direction":   whole(created),
	"list.times":           whole(`null|absent|RFC 3339`),
	"list.members":         whole(`full|partial|cursor|none`),
	"list.items":           whole(`items`),
	// A page of up to 200 may be asked for. It may have fewer items.
	"list.max":      whole(`200|\d+, larger clamped`),
	"delete.body":   whole(`message|channels|no body`),
	"success.shape": whole(`as documented`),
	// The values of a number are in E.164, UUIDs in lower case, true and false.
	"success.values": whole(`as documented`),
	// An error has a JSON object with a message. What varies may have others.
	"error.shapes": whole(`(4\d\d (envelope|data|framework)(, |$))+`),
}

// The answers that the contract allows to several questions.
const (
	refused = `refused 4\d\d`
	created = `accepted 20[01]`
	deleted = `accepted 20[04]`
)

func whole(pattern string) *regexp.Regexp { return regexp.MustCompile(`^(` + pattern + `)$`) }

// Contradicts reports whether an answer contradicts the contract.
func Contradicts(question, observed string) bool {
	if observed == "" {
		return false
	}
	if allowed := contract[question]; allowed != nil {
		return !allowed.MatchString(observed)
	}
	return strings.HasPrefix(observed, "redirected ") || strings.HasPrefix(observed, "unreadable ")
}
