package provision

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"sync"

	"github.com/mihu-go/mihu"
)

// Known is how the state of a trunk is known.
type Known string

// The ways to know a trunk.
const (
	// KnownListed means that the list of the workspace showed the trunk, or did not have it.
	KnownListed Known = "listed"
	// KnownRead means that the number was read singly.
	KnownRead Known = "read"
	// KnownWritten means that the response to a change showed the trunk.
	KnownWritten Known = "written"
)

// Reading is what a [Reader] knows of a trunk.
type Reading struct {
	// Exists reports whether there is a trunk.
	Exists bool
	// AgentUUID is the agent that is bound to the number on the channel; "" if none is, or if the
	// API does not name it.
	AgentUUID string
	// PhoneNumberUUID is that of the number; "" if it is not known, or not in the form of a UUID.
	PhoneNumberUUID string
	// Purchased reports whether the number is of the purchased inventory. It has no trunk then, and
	// can have none, though it may have an agent.
	Purchased bool
	// Known is KnownListed or KnownRead.
	Known Known
}

// ReaderOptions are the options of [NewReader]. The zero value of each is its default.
type ReaderOptions struct {
	// Limiter limits every request, in addition to the client's own limiter. nil means no limit.
	Limiter mihu.Limiter
	// Expected is how many trunks will be looked up, if that is known: if the workspace has fewer
	// pages, the Reader lists it at once. 0 means unknown.
	Expected int
}

// Reader finds out which trunks there are and which agents they are on, with few requests: it lists
// the workspace or reads single numbers, whichever is cheaper. The first page of the list, of up to
// 200 numbers, tells how many pages there are. As long as fewer numbers were read singly than pages
// are left, the next is read singly. Then the rest is listed, once. A trunk that a complete list
// does not have is not there.
//
// For n trunks in a workspace of p pages that is at most 2p-1 requests, and at most n+1 if n is
// less than p. A list can be wrong: if it fails, ends early or has fewer numbers than it reported,
// trunks that it did not show are read singly, and it is listed again after as many reads as it has
// pages, three times at most. What a list leaves open of a trunk, such as missing bindings, is read
// singly.
//
// A Reader remembers the list: some 50 bytes for every trunk. It does not see later changes. Report
// those of your own with Wrote, and use a new Reader after a while. It is safe for concurrent use.
type Reader struct {
	workspace
	expected int
	each     bool               // reads every number singly
	keeps    func(binding) bool // which bindings of the list are kept; nil means all
	noUUIDs  bool               // UUIDs of numbers are not kept

	mu      sync.Mutex
	list    listing
	written map[trunkKey]struct{}
	extent  extent
	begun   bool          // the first page is there
	whole   bool          // the whole list is there
	fails   int           // of the list
	gets    int           // trunks that were looked up
	reads   int           // numbers that were read singly since the list began, or last failed
	listing chan struct{} // closed when the list in progress ends; nil if none is
	numbers map[uint64]struct{}
	seed    maphash.Seed
}

const (
	pageOfReader = 200
	// maxLists is how often a list is tried that fails.
	maxLists = 3
	// unknownPages is the number of pages that is assumed if the first page could not be fetched.
	unknownPages = 8
)

// NewReader returns a Reader. It sends nothing. Its client must come from [mihu.New]; otherwise Get
// returns an error.
func NewReader(client *mihu.Client, opts ReaderOptions) *Reader {
	return &Reader{workspace: newWorkspace(client, opts.Limiter), expected: opts.Expected, seed: maphash.MakeSeed()}
}

// Get returns what is known of a trunk. A trunk that does not exist is no error.
//
// Errors: [*mihu.ValidationError] for an invalid ID, and those of a single read. An error of the
// list is not returned, but for the context's and [mihu.ErrUnauthorized]: the trunk is read singly.
func (r *Reader) Get(ctx context.Context, id mihu.TrunkID) (Reading, error) {
	key, ok := keyOf(id)
	switch {
	case r.client == nil || r.client.BaseURL() == "":
		return Reading{}, invalid("get", mihu.FieldViolation{Field: "client", Problem: "not created by mihu.New"})
	case ctx == nil:
		return Reading{}, invalid("get", mihu.FieldViolation{Field: "context", Problem: "nil; use context.Background() if you have none"})
	case !ok:
		return Reading{}, invalid("get", mihu.FieldViolation{Field: "trunk", Value: id.String(), Problem: "not a number in E.164 on call or whatsapp"})
	}
	for first := true; ; first = false {
		at, step, other := r.next(key, first)
		switch step {
		case stepKnown:
			return at.reading(), nil
		case stepRead:
			return r.read(ctx, key)
		case stepWait:
			select {
			case <-other:
			case <-ctx.Done():
				return Reading{}, contextError(ctx)
			}
		case stepList:
			if err := r.fetch(ctx); isFatal(ctx, err) {
				return Reading{}, err
			}
		}
	}
}

// Wrote reports a change of a trunk that the caller has made, or may have made. From then on the
// trunk is read singly.
func (r *Reader) Wrote(id mihu.TrunkID) {
	key, ok := keyOf(id)
	if !ok {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.written == nil {
		r.written = map[trunkKey]struct{}{}
	}
	r.written[key] = struct{}{}
}

// isFatal reports whether an error of a list is one of a single read too.
func isFatal(ctx context.Context, err error) bool {
	return err != nil && (ctx.Err() != nil || errors.Is(err, mihu.ErrUnauthorized))
}

type step int

const (
	stepKnown step = iota // it is known
	stepRead              // read the number singly
	stepList              // fetch the first page, or the rest of the list
	stepWait              // another caller lists; wait for it
)

// next decides how to find out about a trunk. first is false if the caller has asked before.
func (r *Reader) next(key trunkKey, first bool) (binding, step, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if first {
		r.gets++
	}
	if _, own := r.written[key]; own || r.each {
		return binding{}, stepRead, nil
	}
	if r.listing == nil {
		if at, ok := r.list.find(key); ok {
			if at.uncertain {
				return binding{}, stepRead, nil
			}
			return at, stepKnown, nil
		}
	}
	switch {
	case r.listing != nil:
		return binding{}, stepWait, r.listing
	case r.whole:
		return binding{}, stepKnown, nil
	case r.readsNow():
		r.reads++
		return binding{}, stepRead, nil
	}
	r.listing = make(chan struct{})
	return binding{}, stepList, nil
}

// readsNow reports whether a number is read singly, and the list left for later.
func (r *Reader) readsNow() bool {
	left := r.extent.pages - 1
	switch {
	case r.fails >= maxLists:
		return true
	case !r.begun && r.fails == 0:
		return false
	case !r.begun:
		return r.reads < unknownPages
	case r.extent.pages == 0 && r.fails == 0:
		return false
	case r.extent.pages == 0:
		left = unknownPages
	}
	return r.reads+1+max(0, r.expected-r.gets) <= left
}

// read reads one number.
func (r *Reader) read(ctx context.Context, key trunkKey) (Reading, error) {
	id := key.id()
	found, err := r.client.Channels.GetByNumber(ctx, id.PhoneNumber, r.call...)
	switch {
	case errors.Is(err, mihu.ErrNotFound) && !errors.Is(err, mihu.ErrMalformedResponse):
		return Reading{Known: KnownRead}, nil
	case err != nil:
		return Reading{}, err
	}
	reading := Reading{Known: KnownRead, Purchased: !found.External()}
	reading.PhoneNumberUUID = uuidText(uuidOf(found.PhoneNumberUUID))
	bound := found.Binding(id.Channel)
	switch {
	case bound.Bound:
		reading.Exists, reading.AgentUUID = !reading.Purchased, bound.AgentUUID
	case slices.Contains(found.Unreadable, "channels."+string(id.Channel)+".bound"):
		return Reading{}, fmt.Errorf("provision: %w: it does not say whether %s is bound", mihu.ErrMalformedResponse, id)
	}
	return reading, nil
}

// complete lists what was not listed yet.
func (r *Reader) complete(ctx context.Context) error {
	for {
		r.mu.Lock()
		other := r.listing
		whole := other == nil && r.whole
		if other == nil && !whole {
			r.listing = make(chan struct{})
		}
		r.mu.Unlock()
		switch {
		case whole:
			return nil
		case other == nil:
			if err := r.fetch(ctx); err != nil {
				return err
			}
			continue
		}
		select {
		case <-other:
		case <-ctx.Done():
			return contextError(ctx)
		}
	}
}

// fetch fetches the first page, or the rest of the list. The caller has set listing.
func (r *Reader) fetch(ctx context.Context) error {
	var err error
	if r.begun { // no other goroutine changes it while listing is set
		err = r.fetchRest(ctx)
	} else {
		err = r.fetchFirst(ctx)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list.sort()
	if err != nil && !isFatal(ctx, err) {
		r.fails++
		r.reads = 0
	}
	if r.whole || r.fails >= maxLists {
		r.numbers = nil
	}
	close(r.listing)
	r.listing = nil
	return err
}

func (r *Reader) fetchFirst(ctx context.Context) error {
	page, err := r.client.Trunks.List(ctx, &mihu.ListOptions{Page: 1, PerPage: pageOfReader}, r.call...)
	if err != nil {
		return err
	}
	r.numbers = map[uint64]struct{}{}
	for i := range page.Items {
		r.add(&page.Items[i])
	}
	r.begun, r.extent = true, extentOf(page, pageOfReader)
	if r.extent.pages == 1 {
		return r.finish(len(r.numbers))
	}
	return nil
}

// errNotWhole is the error of a list that has less than it reported.
var errNotWhole = fmt.Errorf("provision: the list of trunks is not whole: %w", mihu.ErrMalformedResponse)

// fetchRest lists the pages after the first.
func (r *Reader) fetchRest(ctx context.Context) error {
	numbers, again := make(map[uint64]struct{}, len(r.numbers)), 0
	for number := range r.numbers {
		numbers[number] = struct{}{}
	}
	options := &mihu.AllOptions{Page: 2, PerPage: pageOfReader}
	if r.extent.pages > 0 {
		options.Prefetch = 3 // and no page after the last
	}
	for number, err := range r.client.Trunks.All(ctx, options, r.call...) {
		if err != nil {
			return err
		}
		hash := maphash.String(r.seed, number.Number)
		if _, seen := r.numbers[hash]; seen {
			again++
		}
		numbers[hash] = struct{}{}
		r.keep(&number)
	}
	if r.extent.pages > 1 && again >= len(r.numbers) {
		return errNotWhole // the first page came again
	}
	return r.finish(len(numbers))
}

// finish ends a list with a number of numbers.
func (r *Reader) finish(numbers int) error {
	if numbers < r.extent.total {
		return errNotWhole
	}
	r.whole = true
	return nil
}

// add adds a number of the first page.
func (r *Reader) add(number *mihu.PhoneNumber) {
	r.numbers[maphash.String(r.seed, number.Number)] = struct{}{}
	r.keep(number)
}

// keep keeps what is asked for. Get does not use the list while it grows.
func (r *Reader) keep(number *mihu.PhoneNumber) {
	for _, at := range bindingsOf(number) {
		if r.keeps == nil || r.keeps(at) {
			r.list.add(at)
			if !r.noUUIDs && at.number != [16]byte{} {
				r.list.addNumber(at)
			}
		}
	}
}

// isWhole reports whether the whole list is there, so that Get costs nothing.
func (r *Reader) isWhole() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.listing == nil && r.whole
}

// holder returns the trunk or number that has an agent as far as was listed; 0 if none has.
func (r *Reader) holder(agent agentKey) trunkKey {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.listing != nil {
		return 0
	}
	return r.list.holder(agent)
}

// reading returns what the list shows of a trunk. The zero binding is a trunk that it does not
// have.
func (b binding) reading() Reading {
	reading := Reading{Known: KnownListed, Purchased: b.purchased, Exists: b.trunk != 0 && !b.purchased}
	if b.agent != (agentKey{}) {
		reading.AgentUUID = b.agent.uuid()
	}
	reading.PhoneNumberUUID = uuidText(b.number)
	return reading
}
