package probe

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// past is what a probe has learned, for the questions that build on others.
type past struct {
	answers  []answer // those that are sure
	observed map[string]string
	wrapped  bool // data is wrapped once more
	shaped   bool // wrapped is known
	lag      int  // the sample of samples that showed the last of the writes; -1 is unknown
	listed   int  // how many numbers the list of trunks has
	size     sizes
	head     string // the first item of the list
	tail     string // its last item; "" is unknown
	began    time.Time
	unknown  answer // what the channels of a number without a trunk got last, if they are refused
	shows    shows
	order    string // of the list; "" is unknown
	numbers  map[role]string
}

// otherText stands for a text that is not on a list of allowed ones.
const otherText = "<string>"

const (
	tooFew      = "not observable: fewer than two numbers are listed"
	notListed   = "not observable: the list does not show the number"
	notApplied  = "not observable: the update was refused"
	pageIgnored = "not observable: page is ignored"
)

func readRefusal(_ *past, a []answer) (observed, missing string) { return a[0].result(), "" }

func readAgents(p *past, a []answer) (observed, missing string) {
	l := a[1].list(p.wrapped, p.shaped)
	switch {
	case l == nil:
		return "other", ""
	case len(l.items) == 0:
		return "", "not observable: no agent is listed"
	}
	_, hasUUID := l.items[0]["agent_uuid"].(string)
	if _, hasName := l.items[0]["name"].(string); !hasUUID || !hasName {
		return "other", ""
	}
	return "as documented", ""
}

// readUnbound reads the channels of a number without a trunk.
func readUnbound(_ *past, a []answer) (observed, missing string) { return noTrunk(&a[0]), "" }

func noTrunk(a *answer) string {
	snap := a.snapshot()
	switch {
	case !a.accepted():
		return a.outcome()
	case snap == nil:
		return a.outcome() + ", no channels"
	case digits(snap.number) != digits(a.number):
		return a.outcome() + ", other channels"
	case !snap.isUnbound():
		return fmt.Sprintf("bound %d", a.status)
	}
	return fmt.Sprintf("unbound %d", a.status)
}

// readStatus reads a change that a later read must show.
func readStatus(p *past, a []answer) (observed, missing string) {
	observed = a[0].result()
	if a[0].accepted() && a[1].sent() && !a[1].shown && p.lag < len(samples) {
		observed += ", not shown"
	}
	return observed, ""
}

func readBody(_ *past, a []answer) (observed, missing string) { return bodyOf(&a[0]) }

func bodyOf(a *answer) (observed, missing string) {
	switch {
	case !a.accepted():
		return "", "not observable: refused"
	case a.status == http.StatusNoContent:
		return "no body", ""
	case a.empty():
		return "empty", ""
	case a.snapshot() != nil:
		return "channels", ""
	}
	return "other", ""
}

func readDeleteBody(p *past, _ []answer) (observed, missing string) {
	missing = "not observable: nothing was deleted"
	for i := range p.answers {
		a := &p.answers[i]
		if a.step.method != http.MethodDelete || !a.accepted() {
			continue
		}
		body, _ := bodyOf(a)
		if object, ok := a.json.(map[string]any); ok && body == "other" && object["data"] == nil {
			body = "message"
		}
		if observed != "" && body != observed {
			body = "varies"
		}
		observed, missing = body, ""
	}
	return observed, missing
}

func readAfterDelete(_ *past, a []answer) (observed, missing string) {
	if !a[1].sent() {
		return "", "not observable: refused"
	}
	return noTrunk(&a[1]), ""
}

// readDuplicate reads a trunk that exists, registered with another agent.
func readDuplicate(_ *past, a []answer) (observed, missing string) {
	now := a[1].agentAfter()
	if !a[0].accepted() {
		return unlessApplied(&a[0], now, agent1), ""
	}
	if shown := a[0].snapshot(); shown != nil && (shown.agent(callChannel) != now || digits(shown.number) != digits(a[0].number)) {
		return a[0].outcome() + ", other channels", ""
	}
	return became(&a[0], now, map[role]string{agent1: "kept", agent2: "updated"}), ""
}

// unlessApplied describes what was not accepted, by the agent that the number has afterwards and before.
func unlessApplied(a *answer, now, before role) string {
	switch now {
	case before:
		return a.outcome()
	case stranger:
		return a.outcome() + ", then unclear"
	default:
		return a.outcome() + ", yet applied"
	}
}

// became describes a success by the agent that a number has afterwards.
func became(a *answer, now role, names map[role]string) string {
	verb, ok := names[now]
	if !ok {
		return a.outcome() + ", other agent"
	}
	if result := a.result(); !strings.HasSuffix(result, ", other channels") && result != a.outcome() {
		return result // no proof of its own
	}
	return fmt.Sprintf("%s %d", verb, a.status)
}

// readBusy reads a request for an agent that serves the first number.
func readBusy(_ *past, a []answer) (observed, missing string) {
	if !a[0].accepted() {
		before := agent2
		if a[0].step.method == http.MethodPost {
			before = unbound
		}
		return unlessApplied(&a[0], a[2].agentAfter(), before), ""
	}
	if result := a[0].result(); result != a[0].outcome() {
		return result, ""
	}
	if a[2].agentAfter() != agent1 {
		return a[0].outcome() + ", not shown", ""
	}
	now := a[1].agentAfter()
	return became(&a[0], now, map[role]string{agent1: "shared", unbound: "taken"}), ""
}

// agentAfter returns the agent that a read of channels shows. A number whose channels are refused has
// none.
func (a *answer) agentAfter() role {
	if snap := a.snapshot(); snap != nil {
		return snap.agent(callChannel)
	}
	if a.refused() {
		return unbound
	}
	return stranger
}

// readAlike reads several requests that should get the same.
func readAlike(_ *past, a []answer) (observed, missing string) {
	observed = a[0].result()
	for i := range a {
		if a[i].result() != observed {
			return "varies", ""
		}
	}
	return observed, ""
}

// readAgain reads the channels of a number that a read before has shown with its agent.
func readAgain(_ *past, a []answer) (observed, missing string) {
	for i := range a {
		if a[i].agentAfter() != agent1 {
			return "no", ""
		}
	}
	return "yes", ""
}

// readUpdate reads the update among the responses.
func readUpdate(_ *past, a []answer) (observed, missing string) {
	for i := range a {
		if a[i].sent() && a[i].step.method == http.MethodPatch {
			return a[i].result(), ""
		}
	}
	return "", "not asked: the list was not read"
}
