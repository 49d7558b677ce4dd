package mihutest

import (
	"cmp"
	"math"
	"net/http"
	"reflect"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/mihu-go/mihu"
)

// agentChannel is an agent on a channel, which can serve only one number.
type agentChannel struct {
	agent   string
	channel mihu.Channel
}

// channels are the channels of number.bindings, in order.
var channels = [...]mihu.Channel{mihu.ChannelCall, mihu.ChannelSMS, mihu.ChannelWhatsApp}

// binding is one agent on one channel of a number. On an external number it is a trunk. It is
// replaced, never modified.
type binding struct {
	seq       int // orders the trunks by creation
	agent     string
	name      string
	direction mihu.Direction
	sip       mihu.SIPCredentials
	settings  map[string]any
}

type number struct {
	seq       int // orders the numbers by first registration
	uuid      string
	e164      string
	purchased bool
	bindings  [len(channels)]*binding
	settings  *settings // replaced, never modified
	updated   time.Time // the last change
}

// at returns a pointer to the binding of a channel.
func (n *number) at(channel mihu.Channel) **binding {
	return &n.bindings[slices.Index(channels[:], channel)]
}

// change is the fields of a trunk that a request sets; nil leaves a field unchanged. A port of 0
// clears it.
type change struct {
	name, direction, gateway, username, password, secondaryGateway *string
	port                                                           *int
	settings                                                       map[string]any
}

// apply changes b. Like the API, it ignores direction and SIP on channels other than call.
func (c *change) apply(b *binding, channel mihu.Channel) {
	set(&b.name, c.name)
	if c.settings != nil {
		b.settings = c.settings
	}
	if channel != mihu.ChannelCall {
		return
	}
	if c.direction != nil {
		b.direction = mihu.Direction(*c.direction)
	}
	set(&b.sip.Gateway, c.gateway)
	set(&b.sip.Port, c.port)
	set(&b.sip.Username, c.username)
	set(&b.sip.Password, c.password)
	set(&b.sip.SecondaryGateway, c.secondaryGateway)
}

func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

// state is the agents, numbers and trunks of the server.
type state struct {
	rules Rules

	mu        sync.Mutex
	seq       int
	agents    map[string]*agent       // by UUID
	listed    []*agent                // the agents, in order of addition
	rates     []mihu.Rate             // in order of addition
	numbers   map[string]*number      // by E.164 number
	uuids     map[string]*number      // by UUID
	serving   map[agentChannel]string // the number that an agent serves on a channel
	inventory numberList              // all numbers
	external  numberList              // the numbers that have trunks
	past      []pastNumber            // the latest changes, oldest first
	deleted   map[string]bool         // the numbers whose last trunk was deleted
}

func newState(rules Rules) *state {
	return &state{
		rules:   rules,
		agents:  map[string]*agent{},
		numbers: map[string]*number{},
		uuids:   map[string]*number{},
		serving: map[agentChannel]string{},
		deleted: map[string]bool{},
	}
}

func (st *state) next() int {
	st.seq++
	return st.seq
}

// agent returns the agent of a lower-case UUID.
func (st *state) agent(uuid string) (*agent, bool) {
	a, ok := st.agents[uuid]
	if !ok && st.rules.AnyAgent {
		return &agent{Agent: mihu.Agent{UUID: uuid, Name: "Agent " + uuid[:8]}}, true
	}
	return a, ok
}

// available returns nil if an agent can serve a number on a channel.
func (st *state) available(uuid string, id mihu.TrunkID, busy OnBusyAgent, busyStatus int) *problem {
	if _, ok := st.agent(uuid); !ok {
		return refused(st.rules.UnknownAgentStatus, "AGENT_NOT_FOUND", "agent_uuid", "There is no such agent")
	}
	if n, ok := st.serving[agentChannel{uuid, id.Channel}]; ok && n != id.PhoneNumber && busy == RefuseBusyAgent {
		return refused(busyStatus, "AGENT_BUSY", "agent_uuid", "The agent serves another number on this channel")
	}
	return nil
}

// trunk returns the number and the binding of a trunk that a request with a method is about.
func (st *state) trunk(id mihu.TrunkID, method string) (*number, *binding, *problem) {
	if n := st.numbers[id.PhoneNumber]; n != nil && !n.purchased {
		if b := *n.at(id.Channel); b != nil {
			return n, b, nil
		}
	}
	return nil, nil, st.rules.unknownTrunk(method)
}

// register adds a number. If uuid is "", the number gets a random one.
func (st *state) register(e164, uuid string, purchased bool) *number {
	n := &number{seq: st.next(), uuid: cmp.Or(uuid, newUUID()), e164: e164, purchased: purchased, settings: newSettings(purchased)}
	st.numbers[n.e164], st.uuids[n.uuid] = n, n
	delete(st.deleted, e164)
	st.inventory.add(n)
	if !purchased {
		st.external.add(n)
	}
	return n
}

// bind sets the binding of a channel and replaces the previous one.
func (st *state) bind(n *number, channel mihu.Channel, b *binding, busy OnBusyAgent) {
	st.unbind(n, channel)
	if busy == TakeBusyAgent {
		st.take(n, channel, b.agent)
	}
	*n.at(channel) = b
	n.updated = time.Now()
	st.serving[agentChannel{b.agent, channel}] = n.e164
}

// take takes an agent from the number that it serves.
func (st *state) take(n *number, channel mihu.Channel, agent string) {
	holder, serves := st.serving[agentChannel{agent, channel}]
	if !serves || holder == n.e164 {
		return
	}
	if other := st.numbers[holder]; other != nil && !other.purchased {
		st.removeBinding(other, channel)
	}
}

func (st *state) unbind(n *number, channel mihu.Channel) {
	b := *n.at(channel)
	if b == nil {
		return
	}
	if key := (agentChannel{b.agent, channel}); st.serving[key] == n.e164 {
		delete(st.serving, key)
	}
	*n.at(channel) = nil
}

// created is what a registration did: whether it changed anything, and whether there was a trunk.
type created struct{ changed, duplicate bool }

// create registers a trunk. If uuid is not "", it is the UUID that the number has or gets.
func (st *state) create(id mihu.TrunkID, agentUUID string, c *change, uuid string) (data snapshotData, done created, p *problem) {
	st.mu.Lock()
	defer st.mu.Unlock()
	n := st.numbers[id.PhoneNumber]
	if n != nil && n.purchased {
		return snapshotData{}, done, refused(st.rules.PurchasedStatus, "PHONE_NUMBER_PURCHASED", "phone_number", "The number is in the purchased inventory")
	}
	if done.duplicate = n != nil && *n.at(id.Channel) != nil; done.duplicate {
		switch st.rules.OnDuplicate {
		case KeepDuplicate:
			return st.snapshot(n), done, nil
		case RefuseDuplicate:
			return snapshotData{}, done, refused(st.rules.DuplicateStatus, "TRUNK_EXISTS", "phone_number", "The number has a trunk on this channel")
		case UpdateDuplicate: // as if there was none
		}
	}
	if p := st.available(agentUUID, id, st.rules.OnBusyAgent, st.rules.AgentBusyStatus); p != nil {
		return snapshotData{}, done, p
	}
	if holder := st.uuids[uuid]; uuid != "" && holder != n {
		return snapshotData{}, done, invalid("phone_number_uuid", "belongs to another number, or the number has another")
	}
	st.remember(id.PhoneNumber)
	if n == nil {
		n = st.register(id.PhoneNumber, uuid, false)
	}
	b := &binding{seq: st.next(), agent: agentUUID}
	if id.Channel == mihu.ChannelCall {
		b.direction = mihu.DirectionBoth
	}
	c.apply(b, id.Channel)
	if b.name == "" {
		b.name = string(id.Channel) + "_trunk_" + id.PhoneNumber[1:]
	}
	st.bind(n, id.Channel, b, st.rules.OnBusyAgent)
	done.changed = true
	return st.snapshot(n), done, nil
}

// update changes a trunk. changed reports whether any value is different afterwards.
func (st *state) update(id mihu.TrunkID, c *change) (data snapshotData, changed bool, p *problem) {
	st.mu.Lock()
	defer st.mu.Unlock()
	n, b, p := st.trunk(id, http.MethodPatch)
	if p != nil {
		return snapshotData{}, false, p
	}
	if st.rules.UpdatedAt {
		st.remember(n.e164)
	}
	updated := *b
	c.apply(&updated, id.Channel)
	if !st.rules.UpdateKeepsTime {
		n.updated = time.Now()
	}
	*n.at(id.Channel) = &updated // reads return none of its changes, so there is nothing else to remember
	return st.snapshot(n), !reflect.DeepEqual(updated, *b), nil
}

// assign moves a trunk to an agent. changed reports whether it had another agent before.
func (st *state) assign(id mihu.TrunkID, agentUUID string) (data snapshotData, changed bool, p *problem) {
	st.mu.Lock()
	defer st.mu.Unlock()
	n, b, p := st.trunk(id, http.MethodPut)
	if p == nil {
		p = st.available(agentUUID, id, *st.rules.OnBusyAssign, st.rules.AssignBusyStatus)
	}
	if p != nil {
		return snapshotData{}, false, p
	}
	changed = b.agent != agentUUID
	if !changed && st.rules.AssignSameStatus != 0 {
		return snapshotData{}, false, refused(st.rules.AssignSameStatus, "SAME_AGENT", "agent_uuid", "The trunk has this agent")
	}
	if changed {
		st.remember(n.e164)
		moved := *b
		moved.agent = agentUUID
		st.bind(n, id.Channel, &moved, *st.rules.OnBusyAssign)
	}
	return st.snapshot(n), changed, nil
}

// remove removes a trunk, and the number with its last trunk. It returns the channels of the number
// afterwards. changed reports whether there was a trunk.
func (st *state) remove(id mihu.TrunkID) (after snapshotData, changed bool, p *problem) {
	st.mu.Lock()
	defer st.mu.Unlock()
	n, _, p := st.trunk(id, http.MethodDelete)
	switch {
	case p != nil && st.rules.DeleteMissing:
		return st.snapshot(&number{e164: id.PhoneNumber, settings: newSettings(false)}), false, nil
	case p != nil:
		return snapshotData{}, false, p
	}
	st.removeBinding(n, id.Channel)
	return st.snapshot(n), true, nil
}

// removeBinding removes the binding of a channel, and an external number with its last one.
func (st *state) removeBinding(n *number, channel mihu.Channel) {
	st.remember(n.e164)
	st.unbind(n, channel)
	n.updated = time.Now()
	if !n.purchased && n.bindings == [len(channels)]*binding{} {
		st.deleted[n.e164] = true
		delete(st.numbers, n.e164)
		delete(st.uuids, n.uuid)
		st.inventory.remove(n)
		st.external.remove(n)
	}
}

// lookup returns the snapshot of the number that find returns. e164 is "" if it is found by a UUID.
func (st *state) lookup(e164 string, find func() *number) (snapshotData, *problem) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if n := find(); n != nil {
		return st.snapshot(n), nil
	}
	if e164 != "" && (st.rules.UnboundUnknown || st.rules.UnboundDeleted && st.deleted[e164]) {
		return st.snapshot(&number{e164: e164, settings: newSettings(false)}), nil
	}
	p := noNumber()
	p.status = st.rules.UnknownNumberStatus
	return snapshotData{}, p
}

// lister returns the source of a list of numbers, as they were a lag ago.
func (st *state) lister(l *numberList) source {
	return func(in input, part *slice, limit int) {
		st.mu.Lock()
		defer st.mu.Unlock()
		numbers, total := st.part(l, in.lag, part.offset, limit)
		items := make([]itemData, 0, len(numbers))
		for _, n := range numbers {
			items = append(items, st.item(n))
		}
		part.items, part.count, part.total = items, len(items), total
	}
}

// part returns a part of a list in the order of the rules, and the size of the list.
func (st *state) part(l *numberList, lag time.Duration, offset, limit int) (numbers []*number, total int) {
	if !st.rules.NewestFirst {
		return st.numbersAt(l, lag, offset, limit)
	}
	numbers, total = st.numbersAt(l, lag, 0, math.MaxInt)
	slices.Reverse(numbers)
	return window(numbers, offset, limit), total
}

// numberList holds numbers in order of registration. Chunks make it fast to find a page and to
// remove a number.
type numberList struct {
	chunks [][]*number // none is empty
	size   int
}

const chunkSize = 512

func (l *numberList) add(n *number) {
	last := len(l.chunks) - 1
	if last < 0 || len(l.chunks[last]) == chunkSize {
		l.chunks = append(l.chunks, nil)
		last++
	}
	l.chunks[last] = append(l.chunks[last], n)
	l.size++
}

// remove removes a number, which must be in the list.
func (l *numberList) remove(n *number) {
	c := sort.Search(len(l.chunks), func(i int) bool { return l.chunks[i][0].seq > n.seq }) - 1
	i := slices.Index(l.chunks[c], n)
	if l.chunks[c] = slices.Delete(l.chunks[c], i, i+1); len(l.chunks[c]) == 0 {
		l.chunks = slices.Delete(l.chunks, c, c+1)
	}
	l.size--
}

// slice returns up to limit numbers from offset on.
func (l *numberList) slice(offset, limit int) []*number {
	var numbers []*number
	for _, chunk := range l.chunks {
		if limit <= 0 {
			break
		}
		if offset >= len(chunk) {
			offset -= len(chunk)
			continue
		}
		part := chunk[offset:min(len(chunk), offset+limit)]
		numbers = append(numbers, part...)
		offset, limit = 0, limit-len(part)
	}
	return numbers
}

func isE164(s string) bool {
	if len(s) < 3 || len(s) > 16 || s[0] != '+' || s[1] == '0' {
		return false
	}
	return strings.Trim(s[1:], "0123456789") == ""
}
