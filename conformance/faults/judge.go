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

// truth is the state of the server, and how often it created each trunk.
type truth struct {
	trunks        map[mihu.TrunkID]mihutest.Trunk
	registrations map[mihu.TrunkID]int
}

// verdict is the result of judging. A call can be in several lists.
type verdict struct {
	lost        []string // reported as applied, but the trunk is missing or different
	twice       []string // created more than once
	misreported []string // the report is false
	speechless  []string // unknown, without a cause or without advice
	unknown     []string // reported as unknown, with the causes
	gone        []string // reported as not found by a call that a proxy may have retried
}

// judge compares the reports of calls with the truth. Only one call changes each trunk, so the trunk
// shows whether the call was applied.
func judge(entries []entry, t truth) verdict {
	var v verdict
	for i := range entries {
		v.judge(&entries[i], t)
	}
	for id, n := range t.registrations {
		if n > 1 {
			v.twice = append(v.twice, fmt.Sprintf("%v was created %d times", id, n))
		}
	}
	slices.Sort(v.twice)
	return v
}

func (v *verdict) judge(e *entry, t truth) {
	switch e.report() {
	case applied:
		v.judgeApplied(e, t)
	case notApplied:
		v.judgeNotApplied(e, t)
	case unknown:
		v.judgeUnknown(e, t)
	}
}

func (v *verdict) judgeApplied(e *entry, t truth) {
	if e.doomed {
		v.misreported = append(v.misreported, e.line("reported as applied, but the server refuses it"))
		return
	}
	stored := t.holds(e.id)
	asBefore, asWanted := same(stored, e.before), same(stored, e.after)
	if !asWanted {
		v.lost = append(v.lost, e.line("reported as applied, but "+difference(e.after, stored)))
	}
	if asBefore && !asWanted || e.before == nil && e.after != nil && t.registrations[e.id] == 0 {
		v.misreported = append(v.misreported, e.line("reported as applied, but was not"))
	}
	if e.snapshot != nil && e.after != nil && !showsAgent(e.snapshot, e.after) {
		v.misreported = append(v.misreported, e.line("returned the channels of another trunk"))
	}
}

func (v *verdict) judgeNotApplied(e *entry, t truth) {
	stored := t.holds(e.id)
	if e.proxyRetries && stored == nil && errors.Is(e.err, mihu.ErrNotFound) {
		v.gone = append(v.gone, e.line("reported as not found"))
		return
	}
	if !same(stored, e.before) {
		v.misreported = append(v.misreported, e.line("reported as not applied, but "+difference(e.before, stored)))
	}
}

func (v *verdict) judgeUnknown(e *entry, t truth) {
	stored := t.holds(e.id)
	if !same(stored, e.before) && (!same(stored, e.after) || e.doomed) {
		v.misreported = append(v.misreported, e.line("reported as unknown, but the trunk is neither as before nor as wanted"))
	}
	outcome, ok := errors.AsType[*mihu.UnknownOutcomeError](e.err)
	if !ok || len(outcome.Causes) == 0 || outcome.Advice == "" {
		v.speechless = append(v.speechless, e.line("has no cause or no advice"))
	}
	v.unknown = append(v.unknown, e.op+": "+causes(e.err))
}

// line describes what is wrong with a call.
func (e *entry) line(text string) string {
	return fmt.Sprintf("%s %v %s; error: %v", e.op, e.id, text, e.err)
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

// same compares all fields of two trunks but the UUID of the number, which is random.
func same(a, b *mihutest.Trunk) bool {
	if a == nil || b == nil {
		return a == b
	}
	left, right := *a, *b
	left.PhoneNumberUUID, right.PhoneNumberUUID = "", ""
	left.AgentUUID, right.AgentUUID = strings.ToLower(left.AgentUUID), strings.ToLower(right.AgentUUID)
	return reflect.DeepEqual(left, right)
}

// difference describes how the stored trunk differs from the wanted one.
func difference(want, got *mihutest.Trunk) string {
	switch {
	case got == nil:
		return "the trunk does not exist"
	case want == nil:
		return "the trunk exists"
	}
	var fields []string
	for name, differs := range map[string]bool{
		"agent":     !strings.EqualFold(want.AgentUUID, got.AgentUUID),
		"name":      want.Name != got.Name,
		"direction": want.Direction != got.Direction,
		"sip":       want.SIP != got.SIP,
		"settings":  !reflect.DeepEqual(want.AdditionalSettings, got.AdditionalSettings),
	} {
		if differs {
			fields = append(fields, name)
		}
	}
	slices.Sort(fields)
	return "it has a different " + strings.Join(fields, ", ")
}

// causes returns the failures that led to an unknown outcome, short enough to be counted.
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

// kind returns a failure in one or two words.
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

// step returns the last word of an operation, such as "read" of "trunks.create.read".
func step(op string) string { return op[strings.LastIndexByte(op, '.')+1:] }

// tally counts equal lines and sorts them by frequency.
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

// truthOf returns the truth of a server that has kept every request since its start.
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

// maxChains is the maximum number of different causes that are printed in full.
const maxChains = 50

// figures adds the verdict to the table.
func (v *verdict) figures(l *lab) {
	l.none("lost", len(v.lost))
	l.none("created twice", len(v.twice))
	l.none("misreported", len(v.misreported))
	l.none("unknown without cause or advice", len(v.speechless))
	const maxLines = 10
	for _, list := range [][]string{v.lost, v.twice, v.misreported, v.speechless} {
		for _, wrong := range list[:min(len(list), maxLines)] {
			l.note("WRONG %s", wrong)
		}
	}
	lines := tally(v.unknown)
	if len(lines) > maxChains { // group them by the last cause
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
