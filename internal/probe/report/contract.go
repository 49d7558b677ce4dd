package report

import (
	"regexp"
	"strings"
)

// contract has the answers that the contract allows, by question. It allows any answer to the
// questions that are not here.
var contract = map[string]*regexp.Regexp{
	"agents.shape":      whole(`as documented`),
	"auth.missing":      whole(`refused 4\d\d`),
	"error.route":       whole(`refused 4\d\d`),
	"channels.unknown":  whole(`refused 4\d\d|unbound 200`),
	"create.status":     whole(`accepted 20[01]`),
	"create.body":       whole(`channels|no body`),
	"create.duplicate":  whole(`refused 4\d\d|accepted 20[01]`),
	"duplicate.other":   whole(`refused 4\d\d|(updated|kept) 20[01]`),
	"agent.unknown":     whole(`refused 4\d\d|accepted 20[01]`),
	"agent.busy":        whole(`refused 4\d\d`),
	"agent.busy_assign": whole(`refused 4\d\d`),
	"update.status":     whole(`accepted 200`),
	"update.name_empty": whole(`refused 4\d\d|accepted 200`),
	"update.port_empty": whole(`accepted 200`),
	"assign.status":     whole(`accepted 200`),
	"assign.same":       whole(`refused 4\d\d|accepted 200`),
	"delete.status":     whole(`accepted (200|204)`),
	"delete.body":       whole(`message|channels|no body`),
	"delete.twice":      whole(`refused 4\d\d|accepted (200|204)`),
	"list.members":      whole(`full|partial|cursor|none`),
	"list.items":        whole(`items`),
	"list.times":        whole(`null|absent|RFC 3339`),
	"list.shows":        whole(`each once`),
	"success.shape":     whole(`as documented`),
	"success.values":    whole(`as documented`),
}

func whole(pattern string) *regexp.Regexp { return regexp.MustCompile(`^(` + pattern + `)$`) }

// Contradicts reports whether an answer contradicts the contract.
func Contradicts(question, observed string) bool {
	if observed == "" {
		return false
	}
	if question == "error.shapes" {
		return strings.Contains(observed, "other") || strings.Contains(observed, "html") ||
			strings.Contains(observed, "empty") || strings.Contains(observed, "text")
	}
	if allowed := contract[question]; allowed != nil && !allowed.MatchString(observed) {
		return true
	}
	return strings.HasPrefix(observed, "redirected ") || strings.HasPrefix(observed, "unreadable ")
}
