package mihutest

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"sync"
)

// faults are the injected faults that are not used up, and the function of InjectFunc.
type faults struct {
	mu     sync.Mutex
	queue  []*Fault // On.Skip and On.Times count down; On.Times is never 0
	choose func(Request) *Fault
}

// Inject adds faults. At most one fault affects a request: the first one, in the order of
// injection, that matches the request and is not used up. Inject returns an error, and adds no
// fault, if one of them is impossible, can never match or has no effect.
func (s *Server) Inject(injected ...Fault) error {
	added := make([]*Fault, 0, len(injected))
	for i, f := range injected {
		violation := cmp.Or(f.On.violation(), f.violation(), s.rules.lagViolation(f.ReadLag))
		if violation == "" && !f.hasEffect() {
			violation = "it has no effect"
		}
		if violation != "" {
			return fmt.Errorf("mihutest: Inject: fault %d: %s", i, violation)
		}
		if f.On.Times == 0 {
			f.On.Times = 1
		}
		f.Header, f.Body = f.Header.Clone(), bytes.Clone(f.Body)
		if f.SuccessShape != nil {
			f.SuccessShape = new(*f.SuccessShape)
		}
		added = append(added, &f)
	}
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.queue = append(s.faults.queue, added...)
	return nil
}

// InjectFunc sets a function that chooses a fault for every request that no injected fault
// affects. If it returns nil, nothing goes wrong. InjectFunc replaces the previous function; nil
// removes it.
//
// The function is called concurrently and must return. The On field of its faults is ignored. The
// server reads a fault and does not modify it. It responds with 500 INVALID_FAULT if a fault is
// impossible, such as one with Status 42.
func (s *Server) InjectFunc(choose func(Request) *Fault) {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.choose = choose
}

// ClearFaults removes all injected faults and the function of InjectFunc. It does not end a fault
// that is already delaying a request.
func (s *Server) ClearFaults() {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.queue, s.faults.choose = nil, nil
}

// FaultsLeft returns the number of injected faults that are not used up, so that a test can check
// that its faults happened. A fault for all requests always counts; the function of InjectFunc
// does not.
func (s *Server) FaultsLeft() int {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	return len(s.faults.queue)
}

// take returns the fault of a request; the zero Fault means none.
func (f *faults) take(req *Request, rules *Rules) Fault {
	fault, choose := f.next(req)
	if choose == nil {
		return fault
	}
	chosen := choose(req.clone())
	if chosen == nil {
		return Fault{}
	}
	if violation := cmp.Or(chosen.violation(), rules.lagViolation(chosen.ReadLag)); violation != "" {
		return Fault{Status: http.StatusInternalServerError, Code: "INVALID_FAULT", Message: "InjectFunc: " + violation}
	}
	return *chosen
}

// next uses one injected fault. If none matches, it returns the function of InjectFunc instead.
func (f *faults) next(req *Request) (Fault, func(Request) *Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, fault := range f.queue {
		if !fault.On.selects(req) {
			continue
		}
		if fault.On.Skip > 0 {
			fault.On.Skip--
			continue
		}
		if fault.On.Times > 0 {
			fault.On.Times--
		}
		if fault.On.Times == 0 {
			f.queue = slices.Delete(f.queue, i, i+1)
		}
		return *fault, nil
	}
	return Fault{}, f.choose
}
