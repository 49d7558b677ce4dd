package provision

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/internal/redact"
	"github.com/mihu-go/mihu/internal/rows"
)

// AgentResolver lists agents and returns a function for [ReadOptions.ResolveAgent] that resolves
// their names without any request:
//
//	resolve, err := provision.AgentResolver(client.Agents.All(ctx, nil))
//
// Names are matched exactly, as by [mihu.AgentsService.Find]. A name that several agents have is a
// problem that lists their UUIDs, and for an unknown name the problem suggests the nearest ones. The
// error is the first that agents yields. The function holds the UUIDs and names, and is safe for
// concurrent use.
func AgentResolver(agents iter.Seq2[mihu.Agent, error]) (resolve func(name string) (uuid, problem string), err error) {
	d := agentNames{uuids: map[string][]string{}}
	for agent, err := range agents {
		if err != nil {
			return nil, err
		}
		if slices.Contains(agent.Unreadable, "name") {
			d.unnamed = agent.UUID
			continue
		}
		d.uuids[agent.Name] = append(d.uuids[agent.Name], agent.UUID)
	}
	return d.resolve, nil
}

// agentNames are the UUIDs of agents by their names.
type agentNames struct {
	uuids   map[string][]string
	unnamed string // the UUID of an agent whose name cannot be read
}

func (d *agentNames) resolve(name string) (uuid, problem string) {
	uuids := d.uuids[name]
	switch {
	case len(uuids) > 1:
		const maxShown = 3
		shown := strings.Join(uuids[:min(len(uuids), maxShown)], ", ")
		if more := len(uuids) - maxShown; more > 0 {
			shown += fmt.Sprintf(" and %d more", more)
		}
		return "", fmt.Sprintf("ambiguous: %d agents have this name; use the UUID of one: %s", len(uuids), shown)
	case d.unnamed != "":
		return "", "the name of agent " + redact.Text(redact.Clip(d.unnamed)) + " cannot be read and may be this one; use the agent's UUID"
	case len(uuids) == 1:
		return uuids[0], ""
	}
	return "", "no agent has this name" + d.didYouMean(name)
}

// didYouMean ends a problem with the names that are nearest to an unknown one.
func (d *agentNames) didYouMean(name string) string {
	const maxNearest = 3
	type near struct {
		name     string
		distance int
	}
	var nearest []near
	wanted := strings.ToLower(rows.Trim(name))
	for known := range d.uuids {
		candidate := strings.ToLower(rows.Trim(known))
		distance := rows.Distance(wanted, candidate)
		contains := min(len(wanted), len(candidate)) > 2 && (strings.Contains(candidate, wanted) || strings.Contains(wanted, candidate))
		if distance <= 1+min(len(wanted), len(candidate))/4 || contains {
			nearest = append(nearest, near{known, distance})
		}
	}
	if len(nearest) == 0 {
		return ""
	}
	slices.SortFunc(nearest, func(a, b near) int {
		if a.distance != b.distance {
			return a.distance - b.distance
		}
		return strings.Compare(a.name, b.name)
	})
	var quoted []string
	for _, each := range nearest[:min(len(nearest), maxNearest)] {
		quoted = append(quoted, "\""+redact.Text(redact.Clip(each.name))+"\"")
	}
	return "; did you mean " + strings.Join(quoted, " or ") + "?"
}
