package probe

import "strings"

// target is a number on a channel that a change was about.
type target struct{ number, channel string }

// ledger is which trunks there are, as far as writes were accepted and reads have shown them.
type ledger struct {
	agents map[target]string
	shown  map[target]bool
}

func newLedger() *ledger { return &ledger{map[target]string{}, map[target]bool{}} }

// wrote notes that a registration or an assignment was accepted. Another number may have lost the agent.
func (l *ledger) wrote(t target, agent string) {
	for other, has := range l.agents {
		if other != t && other.channel == t.channel && strings.EqualFold(has, agent) {
			l.deleted(other)
		}
	}
	l.agents[t] = agent
}

// deleted notes that a deletion was accepted.
func (l *ledger) deleted(t target) {
	delete(l.agents, t)
	delete(l.shown, t)
}

// read notes the agent that a read has shown; "" is none.
func (l *ledger) read(t target, agent string) {
	switch {
	case agent != "":
		l.agents[t], l.shown[t] = agent, true
	case l.shown[t]:
		l.deleted(t)
	}
}

// unsure reports whether a trunk was accepted that no read has shown.
func (l *ledger) unsure(t target) bool { return l.agents[t] != "" && !l.shown[t] }

// note notes a change that was accepted.
func (l *ledger) note(c *Change) {
	t := target{c.Number, c.Channel}
	switch c.Method {
	case "POST", "PUT":
		if c.Agent != "" {
			l.wrote(t, c.Agent)
		}
	case "DELETE":
		l.deleted(t)
	}
}
