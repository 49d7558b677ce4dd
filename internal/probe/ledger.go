package probe

import (
	"net/http"
	"strings"
)

// target is a number on a channel that a change was about.
type target struct{ number, channel string }

// ledger is which trunks there are, as far as writes were accepted and reads have shown them.
type ledger struct {
	agents map[target]string
	shown  map[target]bool
	// missed is how many reads in a row have not shown a trunk that one before has.
	missed map[target]int
	// doubted are trunks that a change without a response may have removed.
	doubted map[target]bool
}

func newLedger() *ledger {
	return &ledger{map[target]string{}, map[target]bool{}, map[target]int{}, map[target]bool{}}
}

// wrote notes that a registration or an assignment was accepted. Another number may have lost the agent.
func (l *ledger) wrote(t target, agent string) {
	for _, other := range l.rivals(t, agent) {
		l.deleted(other)
	}
	l.agents[t] = agent
	delete(l.doubted, t)
}

// rivals returns the other numbers that an agent serves on the channel.
func (l *ledger) rivals(t target, agent string) (others []target) {
	for other, has := range l.agents {
		if other != t && other.channel == t.channel && strings.EqualFold(has, agent) {
			others = append(others, other)
		}
	}
	return others
}

// deleted notes that a deletion was accepted.
func (l *ledger) deleted(t target) {
	delete(l.agents, t)
	delete(l.shown, t)
	delete(l.missed, t)
	delete(l.doubted, t)
}

// enoughMisses is how many reads in a row must not show a trunk that one before has shown: a single one
// may return an older state.
const enoughMisses = 3

// read notes the agent that a read has shown; "" is none.
func (l *ledger) read(t target, agent string) {
	if agent != "" {
		l.agents[t], l.shown[t], l.missed[t] = agent, true, 0
		return
	}
	if l.missed[t]++; l.shown[t] && l.missed[t] >= enoughMisses {
		l.deleted(t)
	}
}

// expects reports whether a trunk was shown, and nothing is known to have removed it.
func (l *ledger) expects(t target) bool { return l.shown[t] && !l.doubted[t] }

// unsure reports whether a trunk was accepted that no read has shown, though nothing can have removed
// it.
func (l *ledger) unsure(t target) bool {
	return l.agents[t] != "" && !l.shown[t] && !l.doubted[t]
}

// doubt notes a change without a response: a deletion may have removed its trunk, and a registration or
// an assignment that of another number with the same agent.
func (l *ledger) doubt(c *Change) {
	t := target{c.Number, c.Channel}
	if c.Method == http.MethodDelete {
		l.doubted[t] = true
		return
	}
	for _, other := range l.rivals(t, c.Agent) {
		l.doubted[other] = true
	}
}

// note notes a change that was accepted.
func (l *ledger) note(c *Change) {
	t := target{c.Number, c.Channel}
	switch c.Method {
	case http.MethodPost, http.MethodPut:
		if c.Agent != "" {
			l.wrote(t, c.Agent)
		}
	case http.MethodDelete:
		l.deleted(t)
	}
}
