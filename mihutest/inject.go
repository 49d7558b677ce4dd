package mihutest

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"path"
	"slices"
	"sync"
)

// faults are the faults to come.
type faults struct {
	mu     sync.Mutex
	queue  []*Fault // Skip and Times count down; Times is never 0
	choose func(Request) *Fault
}

// Inject adds faults. They are used in the order in which they were injected: of those that fit a
// request, the first that has uses left is the one. A fault that cannot be, can never fit or
// would do nothing is an error, and then none is added.
func (s *Server) Inject(injected ...Fault) error {
	added := make([]*Fault, 0, len(injected))
	for i, f := range injected {
		violation := cmp.Or(f.On.violation(), f.violation())
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
		added = append(added, &f)
	}
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.queue = append(s.faults.queue, added...)
	return nil
}

// InjectFunc sets a function that is asked about every request for which no injected fault is
// used; nil from it means no fault, and a nil function none at all. It replaces the one before.
// On of its faults is ignored. A fault that cannot be, such as one
// with Status 42, is answered 500 INVALID_FAULT. The function is called from many goroutines at
// once and has to return; the server reads the fault and does not change it.
func (s *Server) InjectFunc(choose func(Request) *Fault) {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.choose = choose
}

// ClearFaults forgets all faults, injected ones and the function of InjectFunc. A fault that a
// request is already waiting in goes on.
func (s *Server) ClearFaults() {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.queue, s.faults.choose = nil, nil
}

// FaultsLeft is the number of injected faults that have uses left. A test can see by it that its
// faults happened. A fault for all requests always counts; the function of InjectFunc does not.
func (s *Server) FaultsLeft() int {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	return len(s.faults.queue)
}

// take is the fault for a request; the zero Fault where there is none.
func (f *faults) take(req *Request) Fault {
	fault, choose := f.next(req)
	if choose == nil {
		return fault
	}
	chosen := choose(req.clone())
	if chosen == nil {
		return Fault{}
	}
	fault = *chosen
	if violation := fault.violation(); violation != "" {
		return Fault{Status: http.StatusInternalServerError, Code: "INVALID_FAULT", Message: "InjectFunc: " + violation}
	}
	return fault
}

// next uses up an injected fault, or hands out the function to ask instead.
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

// selects reports whether the method and the path of a request match. It ignores Times and Skip.
func (m Match) selects(req *Request) bool {
	if m.Method != "" && m.Method != req.Method {
		return false
	}
	ok, _ := path.Match(m.Path, req.Path)
	return ok || m.Path == ""
}
