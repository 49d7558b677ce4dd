package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
)

// truth is what the server holds, and how often it registered each trunk.
type truth struct {
	trunks        map[mihu.TrunkID]mihutest.Trunk
	registrations map[mihu.TrunkID]int
}

// verdict is what the judge found. A call can be in several lists.
type verdict struct {
	lost        []string // reported as done, and not there or not as it was to be
	twice       []string // registered more than once
	misreported []string // a report that is not true
	speechless  []string // unknown, without a cause or without a way to find out
	unknown     []string // reported as unknown, with their causes
	gone        []string // reported as not found by a call that may have been repeated on its way
}

// judge compares what calls reported with the truth. Each call is the only one that touched its
// trunk, so that the trunk tells what became of it.
func judge(entries []entry, t truth) verdict {
	var v verdict
	for i := range entries {
		v.hear(&entries[i], t)
	}
	for id, n := range t.registrations {
		if n > 1 {
			v.twice = append(v.twice, fmt.Sprintf("%v was registered %d times", id, n))
		}
	}
	slices.Sort(v.twice)
	return v
}

func (v *verdict) hear(e *entry, t truth) {
	there := t.holds(e.id)
	wrong := func(text string) string { return fmt.Sprintf("%s %v %s; error: %v", e.op, e.id, text, e.err) }
	asBefore, asWanted := same(there, e.before), same(there, e.after)
	switch e.report() {
	case happened:
		if e.doomed {
			v.misreported = append(v.misreported, wrong("reported as done what the server refuses"))
			return
		}
		if !asWanted {
			v.lost = append(v.lost, wrong("reported as done, and "+difference(e.after, there)))
		}
		if asBefore && !asWanted || e.before == nil && e.after != nil && t.registrations[e.id] == 0 {
			v.misreported = append(v.misreported, wrong("reported as done, and was not"))
		}
		if e.snapshot != nil && e.after != nil && !showsAgent(e.snapshot, e.after) {
			v.misreported = append(v.misreported, wrong("gave channels that are not those of the trunk"))
		}
	case didNot:
		if e.repeatable && there == nil && errors.Is(e.err, mihu.ErrNotFound) {
			v.gone = append(v.gone, wrong("reported as not found"))
			return
		}
		if !asBefore {
			v.misreported = append(v.misreported, wrong("reported as not done, and "+difference(e.before, there)))
		}
	case unknown:
		if !asBefore && (!asWanted || e.doomed) {
			v.misreported = append(v.misreported, wrong("reported as unknown, and is neither as before nor as wanted"))
		}
		outcome, ok := errors.AsType[*mihu.UnknownOutcomeError](e.err)
		if !ok || len(outcome.Causes) == 0 || outcome.Advice == "" {
			v.speechless = append(v.speechless, wrong("says no cause or no way to find out"))
		}
		v.unknown = append(v.unknown, e.op+": "+causes(e.err))
	}
}

func (t truth) holds(id mihu.TrunkID) *mihutest.Trunk {
	if trunk, ok := t.trunks[id]; ok {
		return &trunk
	}
	return nil
}

func showsAgent(snap *mihu.ChannelSnapshot, want *mihutest.Trunk) bool {
	binding := snap.Binding(want.ID.Channel)
	return binding.Bound && strings.EqualFold(binding.AgentUUID, want.AgentUUID) && snap.Number == want.ID.PhoneNumber
}

// same compares all that a trunk is, but for the UUID that the server draws for its number.
func same(a, b *mihutest.Trunk) bool {
	if a == nil || b == nil {
		return a == b
	}
	left, right := *a, *b
	left.PhoneNumberUUID, right.PhoneNumberUUID = "", ""
	left.AgentUUID, right.AgentUUID = strings.ToLower(left.AgentUUID), strings.ToLower(right.AgentUUID)
	return reflect.DeepEqual(left, right)
}

// difference says how what is there differs from what should be.
func difference(should, is *mihutest.Trunk) string {
	switch {
	case is == nil:
		return "it is not there"
	case should == nil:
		return "it is there"
	}
	var fields []string
	for name, differs := range map[string]bool{
		"agent":     !strings.EqualFold(should.AgentUUID, is.AgentUUID),
		"name":      should.Name != is.Name,
		"direction": should.Direction != is.Direction,
		"sip":       should.SIP != is.SIP,
		"settings":  !reflect.DeepEqual(should.AdditionalSettings, is.AdditionalSettings),
	} {
		if differs {
			fields = append(fields, name)
		}
	}
	slices.Sort(fields)
	return "it has another " + strings.Join(fields, ", ")
}

// causes is the chain of failures behind an unknown outcome, short enough to be counted by it.
func causes(err error) string {
	outcome, ok := errors.AsType[*mihu.UnknownOutcomeError](err)
	if !ok {
		return err.Error()
	}
	names := make([]string, len(outcome.Causes))
	for i, cause := range outcome.Causes {
		names[i] = kind(cause)
	}
	return strings.Join(names, " > ")
}

// kind is a failure in a word or two.
func kind(err error) string {
	if api, ok := errors.AsType[*mihu.APIError](err); ok {
		text := fmt.Sprintf("%s %d", step(api.Op), api.StatusCode)
		if api.StatusCode < 300 {
			return text + " unreadable"
		}
		return text
	}
	if lost, ok := errors.AsType[*mihu.TransportError](err); ok {
		text := lost.Err.Error()
		for _, known := range [][2]string{
			{"attempt timeout", "timeout"},
			{"connection reset", "reset"},
			{"broken pipe", "reset"},
			{"connection refused", "refused"},
			{"EOF", "EOF"},
			{"server closed", "EOF"},
			{"connection lost", "EOF"},
			{"connection force closed", "reset"},
		} {
			if strings.Contains(text, known[0]) {
				return step(lost.Op) + " " + known[1]
			}
		}
		return step(lost.Op) + " " + text
	}
	return err.Error()
}

// step is the last word of an operation, such as "read" of "trunks.create.read".
func step(op string) string { return op[strings.LastIndexByte(op, '.')+1:] }

// tally counts equal lines, the most frequent first.
func tally(lines []string) []string {
	counts := map[string]int{}
	for _, line := range lines {
		counts[line]++
	}
	sorted := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	for i, line := range sorted {
		sorted[i] = fmt.Sprintf("%d x %s", counts[line], line)
	}
	return sorted
}

// truthOf reads the truth off a server, which has to have kept every request since its start.
func truthOf(srv *mihutest.Server) truth {
	t := truth{trunks: map[mihu.TrunkID]mihutest.Trunk{}, registrations: map[mihu.TrunkID]int{}}
	for _, trunk := range srv.Trunks() {
		t.trunks[trunk.ID] = trunk
	}
	for _, req := range srv.Requests() {
		if req.Method != http.MethodPost || !req.Changed {
			continue
		}
		var id mihu.TrunkID
		if err := json.Unmarshal(req.Body, &id); err == nil {
			t.registrations[id]++
		}
	}
	return t
}

// mostUnknown is how many chains of causes are printed as they are: all of them where no more calls
// are unknown than may be.
const mostUnknown = 50

// figures puts the verdict into the table.
func (v *verdict) figures(l *lab) {
	l.none("lost", len(v.lost))
	l.none("made twice", len(v.twice))
	l.none("misreported", len(v.misreported))
	l.none("unknown without cause or advice", len(v.speechless))
	const most = 10
	for _, lies := range [][]string{v.lost, v.twice, v.misreported, v.speechless} {
		for _, lie := range lies[:min(len(lies), most)] {
			l.note("WRONG %s", lie)
		}
	}
	lines := tally(v.unknown)
	if len(lines) > mostUnknown { // by what they ended with, then
		ends := make([]string, len(v.unknown))
		for i, chain := range v.unknown {
			op, _, _ := strings.Cut(chain, ":")
			ends[i] = op + ": ... > " + chain[strings.LastIndexAny(chain, ">:")+2:]
		}
		lines = tally(ends)
	}
	for _, line := range lines {
		l.note("unknown: %s", line)
	}
}
