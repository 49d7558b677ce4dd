package mihu

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"strconv"
	"strings"

	"github.com/mihu-go/mihu/internal/lenient"
	"github.com/mihu-go/mihu/internal/redact"
)

// AgentsService lists and finds the agents of the workspace. It is a field of [Client].
//
// The API shows the list of agents in an example only: its method, its path, and the fields
// agent_uuid and name. Its paging is not documented; this package expects that of the other lists.
type AgentsService struct{ client *Client }

// Agent is an item of the list of agents, and what [AgentsService.Find] returns. The API does not
// document it: the UUID and the name are what the vendor's own client reads, and the other fields
// are seen in examples. A field that the API does not send, or sends as null, is "".
//
// It prints with its UUID, name and status only.
type Agent struct {
	// UUID identifies the agent: it is the AgentUUID of trunks. It is never "". Compare UUIDs with
	// strings.EqualFold, since upper and lower case mean the same.
	UUID string `json:"agent_uuid"`
	// Name is a label for people. It need not be unique, and it can change. It is "" only if the
	// API sends null or an empty name, or if Unreadable contains "name".
	Name        string `json:"name"`
	Status      string `json:"status"`
	Description string `json:"description"`
	CompanyName string `json:"company_name"`
	Role        string `json:"role"`
	Language    string `json:"language"`
	Timezone    string `json:"timezone"`
	// Raw is the item's JSON as it was received, with the fields that this type does not have. If the
	// page deviates from the documented form, Raw is encoded again, with the same names and values.
	Raw json.RawMessage `json:"-"`
	// Unreadable names the fields that the API sent in a form that cannot be read, such as "role";
	// they are "". It also contains "name" if the API omits it. nil is none.
	Unreadable []string `json:"-"`
}

// LogValue shows the UUID, the name and the status, with phone numbers masked.
func (a Agent) LogValue() slog.Value {
	shown := attrs{slog.String("agent_uuid", shownUUID(a.UUID))}
	shown.text("name", redact.OneLine(a.Name, maxShownName))
	shown.text("status", redact.OneLine(a.Status, maxShownName))
	return slog.GroupValue(shown...)
}

// Format prints what LogValue shows, under every verb.
func (a Agent) Format(f fmt.State, verb rune) { formatGroup(f, verb, "Agent", a) }

// agentItem is an agent as it is decoded. It has methods that Agent does not: embedding an Agent
// would inherit its decoding.
type agentItem struct{ Agent }

type agentPage = pageTarget[agentItem, *agentItem]

func (a *agentItem) identity() string          { return strings.ToLower(a.UUID) }
func (a *agentItem) isWhole() bool             { return a.Name != "" }
func (*agentItem) isListed([]byte, int) bool   { return true }
func (a *agentItem) unreadable(paths []string) { a.Unreadable = paths }
func (a *agentItem) keep(raw json.RawMessage)  { a.Raw = raw }

// prepare notes a missing name: null is none.
func (*agentItem) prepare(fields map[string]any, r *lenient.Reader) {
	if _, ok := fields["name"]; !ok {
		r.Problems = append(r.Problems, lenient.Problem{Path: "name"})
	}
}

// UnmarshalJSON keeps the JSON.
func (a *agentItem) UnmarshalJSON(b []byte) error {
	a.Raw = bytes.Clone(b)
	return json.Unmarshal(b, &a.Agent)
}

func agentOf(a agentItem) Agent { return a.Agent }

// List returns one page of the agents. nil options are those of the first page.
//
// API: GET /agents, which is seen in an example only.
func (s AgentsService) List(ctx context.Context, options *ListOptions, opts ...CallOption) (*Page[Agent], error) {
	if options == nil {
		options = new(ListOptions)
	}
	if err := options.check(OpAgentsList); err != nil {
		return nil, err
	}
	page, err := s.page(ctx, *options, opts)
	if err != nil {
		return nil, err
	}
	return mapPage(page.page(), agentOf), nil
}

func (s AgentsService) page(ctx context.Context, options ListOptions, opts []CallOption) (*agentPage, error) {
	return fetchPage[agentItem, *agentItem](ctx, s.client, OpAgentsList, "/agents", options, opts)
}

// All iterates over every agent, each once, as [TrunksService.All] does over the numbers that have
// trunks: the list is whole, or All yields an error, once and with a zero Agent.
//
// API: GET /agents, which is seen in an example only.
func (s AgentsService) All(ctx context.Context, options *AllOptions, opts ...CallOption) iter.Seq2[Agent, error] {
	return s.all(ctx, OpAgentsAll, options, opts)
}

func (s AgentsService) all(ctx context.Context, op string, options *AllOptions, opts []CallOption) iter.Seq2[Agent, error] {
	return mapItems(allItems(ctx, op, value(options), opts, func(ctx context.Context, page ListOptions) (*agentPage, error) {
		return s.page(ctx, page, opts)
	}), agentOf)
}

// Find returns the agent with that UUID, in upper or lower case, or else the only agent with
// exactly that name. If there is none, or several agents have the name, it returns an
// *AgentLookupError, which matches ErrNotFound or ErrAmbiguous and lists the agents that were
// probably meant.
//
// There is no documented page for one agent, so Find lists the agents, up to the UUID or, for a
// name, all of them. A list that is not whole is an error: nothing is known of the agents that it
// lacks. An API without the list responds with a 404, which matches ErrNotFound too; that is an
// *APIError.
//
// Store the UUID, not the name: names can change.
//
// API: GET /agents, which is seen in an example only.
func (s AgentsService) Find(ctx context.Context, nameOrUUID string, opts ...CallOption) (*Agent, error) {
	const op = OpAgentsFind
	var found violations
	if nameOrUUID == "" {
		found.add("agent", "", "empty; want the name or the UUID of an agent")
	}
	found.text("agent", nameOrUUID)
	if err := found.err(op); err != nil {
		return nil, err
	}
	lookup := agentLookup{wanted: nameOrUUID, isUUID: isUUID(nameOrUUID)}
	for agent, err := range s.all(ctx, op, nil, opts) {
		if err != nil {
			return nil, err
		}
		if lookup.isUUID && strings.EqualFold(agent.UUID, nameOrUUID) {
			return &agent, nil
		}
		lookup.see(agent)
	}
	return lookup.result(op)
}

// ByAgent returns the trunks that an agent serves, in the order of the list. It returns an empty
// list if the agent has none, or if there is no such agent. Since an agent serves one number per
// channel, these are at most two, unless the API changes. Purchased numbers are not trunks; use
// [NumbersService.All] for them.
//
// No page of the API lists the numbers of an agent, so ByAgent lists all trunks. A list that is not
// whole, or that lacks a binding, is an error: it proves nothing.
//
// API: GET /phone-numbers/trunks.
func (s TrunksService) ByAgent(ctx context.Context, agentUUID string, opts ...CallOption) ([]TrunkID, error) {
	const op = OpTrunksByAgent
	var found violations
	found.uuid("agent_uuid", agentUUID)
	if err := found.err(op); err != nil {
		return nil, err
	}
	trunks := []TrunkID{}
	for number, err := range s.All(ctx, nil, opts...) {
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(number.Unreadable, isBindingPath) {
			return nil, &incompleteError{op, notWhole + "the bindings of " + redact.AnyNumber(number.Number) + " are missing or cannot be read"}
		}
		for id, binding := range number.Trunks() {
			if strings.EqualFold(binding.AgentUUID, agentUUID) {
				trunks = append(trunks, id)
			}
		}
	}
	return trunks, nil
}

// isBindingPath reports whether a field that cannot be read decides which agent a number is on.
func isBindingPath(path string) bool {
	return path == "bindings" || strings.HasPrefix(path, "bindings.") && !strings.HasSuffix(path, ".agent_name") ||
		path == "is_external" || path == "source"
}

const (
	maxShownName  = 64 // of an agent, in bytes
	maxCandidates = 20 // that an AgentLookupError keeps
	maxNearest    = 3  // that an AgentLookupError suggests
	maxShown      = 5  // candidates in the text of an error
)

// agentLookup is a search for an agent. It keeps a few agents, however many there are.
type agentLookup struct {
	wanted  string
	isUUID  bool
	named   []Agent // with that name
	count   int     // of named, including those that are not kept
	unnamed string  // the UUID of an agent whose name cannot be read
	nearest []nearAgent
}

type nearAgent struct {
	agent    Agent
	distance int
}

// see considers one more agent.
func (l *agentLookup) see(agent Agent) {
	if agent.Name == l.wanted {
		if l.count++; len(l.named) < maxCandidates {
			l.named = append(l.named, agent)
		}
		return
	}
	if slices.Contains(agent.Unreadable, "name") {
		l.unnamed = agent.UUID
	}
	distance, isNear := nameDistance(l.wanted, agent.Name)
	if l.isUUID || !isNear {
		return
	}
	at, _ := slices.BinarySearchFunc(l.nearest, distance+1, func(near nearAgent, d int) int { return near.distance - d })
	l.nearest = slices.Insert(l.nearest, at, nearAgent{agent, distance})
	l.nearest = l.nearest[:min(len(l.nearest), maxNearest)]
}

// result returns the only agent, or why there is none.
func (l *agentLookup) result(op string) (*Agent, error) {
	if l.unnamed != "" && !l.isUUID && l.count <= 1 {
		return nil, &incompleteError{op, notWhole + "the name of agent " + shownUUID(l.unnamed) + " is missing or cannot be read, and may be this one"}
	}
	if l.count == 1 {
		return &l.named[0], nil
	}
	failed := &AgentLookupError{Op: op, Wanted: l.wanted, Candidates: l.named, Count: l.count}
	for _, near := range l.nearest {
		failed.Nearest = append(failed.Nearest, near.agent)
	}
	if l.count > 1 {
		failed.Nearest = nil
	}
	return nil, failed
}

// AgentLookupError is a name or a UUID that does not identify exactly one agent. It matches
// ErrNotFound if no agent has it, and ErrAmbiguous if several agents have the name.
type AgentLookupError struct {
	// Op is OpAgentsFind.
	Op string
	// Wanted is the name or the UUID that was looked for.
	Wanted string
	// Candidates are the agents with that name, if there are several: the first 20 of the list. Use
	// the UUID of one of them. nil if there is none.
	Candidates []Agent
	// Count is how many agents have that name: 0, or 2 or more.
	Count int
	// Nearest are up to 3 agents with similar names, the nearest first, if no agent has that name. nil
	// if there is none.
	Nearest []Agent
}

// Error returns what was looked for, and the agents that were probably meant, by UUID and name.
func (e *AgentLookupError) Error() string {
	wanted := shownName(e.Wanted)
	if e.Count > 1 {
		text := fmt.Sprintf("mihu: %s: ambiguous: %d agents are named %s: ", e.Op, e.Count, wanted)
		return text + shownAgents(e.Candidates, e.Count, false) + "; use the UUID of one of them"
	}
	text := "mihu: " + e.Op + ": not found: no agent has the name or UUID " + wanted
	if len(e.Nearest) > 0 {
		text += "; did you mean " + shownAgents(e.Nearest, len(e.Nearest), true) + "?"
	}
	return text
}

// shownAgents lists the first agents of count.
func shownAgents(agents []Agent, count int, withName bool) string {
	var shown []string
	for _, agent := range agents[:min(len(agents), maxShown)] {
		text := shownUUID(agent.UUID)
		if withName {
			text = shownName(agent.Name) + " (" + text + ")"
		}
		shown = append(shown, text)
	}
	text := strings.Join(shown, ", ")
	if more := count - len(shown); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// shownName quotes a name on one line, with phone numbers masked.
func shownName(name string) string {
	return strconv.Quote(redact.Text(redact.OneLine(name, maxShownName)))
}

// Is matches ErrNotFound or ErrAmbiguous.
func (e *AgentLookupError) Is(target error) bool {
	if e.Count > 1 {
		return target == ErrAmbiguous
	}
	return target == ErrNotFound
}

// LogValue is the error as a group.
func (e *AgentLookupError) LogValue() slog.Value {
	return slog.GroupValue(slog.String("error", e.Error()), slog.String("op", e.Op))
}

// Format prints the text of Error under every verb.
func (e *AgentLookupError) Format(f fmt.State, verb rune) { formatText(f, verb, e.Error()) }

// nameDistance returns how far two names are apart, and whether they are near: the letters to
// change, insert or delete, in any case. A name of three letters or more that the other contains is
// near.
func nameDistance(wanted, name string) (distance int, isNear bool) {
	const longest = 64
	a, b := []rune(strings.ToLower(strings.TrimSpace(wanted))), []rune(strings.ToLower(strings.TrimSpace(name)))
	if len(a) == 0 || len(b) == 0 || len(a) > longest || len(b) > longest {
		return 0, false
	}
	limit := 1 + min(len(a), len(b))/4
	if min(len(a), len(b)) > 2 && (strings.Contains(string(b), string(a)) || strings.Contains(string(a), string(b))) {
		limit = longest
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j := range b {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)], row[len(b)] <= limit
}
