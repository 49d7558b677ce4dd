package provision

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"sync"

	"github.com/mihu-go/mihu"
)

// The errors of a state, for errors.Is.
var (
	// ErrOtherWorkspace means that a state belongs to another workspace.
	ErrOtherWorkspace = errors.New("provision: state of another workspace")
	// ErrStateStale means that a state is older than one that has been made from it.
	ErrStateStale = errors.New("provision: state is stale")
	// ErrStateInUse means that another process uses the file of a state.
	ErrStateInUse = errors.New("provision: state in use")
	// ErrStateDamaged means that a line of the file, other than its last, does not match its
	// checksum.
	ErrStateDamaged = errors.New("provision: state damaged")
)

// StateStore keeps the entries of a [State]. [OpenStateFile] keeps them in a file; a service can
// keep them in its own database. It must be safe for concurrent use, and what Put, Delete and
// SetHead store must be durable when they return: a State marks a trunk before the request that
// changes it. Its errors are reported as they are.
type StateStore interface {
	// Head returns the head; the zero StateHead if nothing is stored yet.
	Head(ctx context.Context) (StateHead, error)
	// SetHead replaces the head. If the stored serial is not one less than that of head, somebody
	// else has written meanwhile: it changes nothing and returns [ErrStateStale].
	SetHead(ctx context.Context, head StateHead) error
	// Get returns the entry of a trunk, and false if there is none.
	Get(ctx context.Context, id mihu.TrunkID) (StateEntry, bool, error)
	// Put stores entries, and replaces those of the same trunks.
	Put(ctx context.Context, entries ...StateEntry) error
	// Delete removes entries. To remove what is not there is no error.
	Delete(ctx context.Context, ids ...mihu.TrunkID) error
	// All iterates over all entries, ordered by number, and call before whatsapp. An error ends it.
	All(ctx context.Context) iter.Seq2[StateEntry, error]
}

// StateHead says what a state belongs to.
type StateHead struct {
	// Workspace is the base URL of the workspace, as [mihu.Client.BaseURL] returns it.
	Workspace string `json:"workspace"`
	// KeyID identifies the key of the digests; see [StateKey.ID].
	KeyID string `json:"key_id"`
	// Generation counts the keys that the state has had, from 1. Entries of an earlier generation
	// count as unknown.
	Generation int `json:"generation"`
	// Serial is one more after each process that has written.
	Serial int64 `json:"serial"`
}

// StateEntry is what is remembered of a trunk. It has no name and no secret.
type StateEntry struct {
	// Trunk is the trunk.
	Trunk mihu.TrunkID `json:"-"`
	// PhoneNumberUUID is that of the number, by which a number that was removed and added again is
	// noticed; "" if it is not known.
	PhoneNumberUUID string `json:"phone_number_uuid,omitempty"`
	// AgentUUID is the agent that a response has last shown; "" if it is not known, or if a request
	// was begun that may have changed it.
	AgentUUID string `json:"agent_uuid,omitempty"`
	// Managed reports whether a response has shown the trunk after this program, or another with the
	// same state, has created it, sent something, or found it as a file wants it. Only a managed
	// trunk may be pruned.
	Managed bool `json:"managed,omitempty"`
	// Generation is that of the head when the entry was written.
	Generation int `json:"generation"`
	// Sent has the digests of what was last sent of the fields that cannot be read back.
	Sent SentFields `json:"sent,omitzero"`
}

// Pending reports whether a change was begun whose outcome is not recorded. What it may have changed
// is sent again.
func (e StateEntry) Pending() bool { return e.AgentUUID == "" || len(e.Sent.InDoubt()) > 0 }

// LogValue returns the entry with its number masked and without digests.
func (e StateEntry) LogValue() slog.Value {
	return slog.GroupValue(slog.Any("trunk", e.Trunk), slog.String("agent_uuid", plain(e.AgentUUID)), slog.Any("sent", e.Sent.Names()))
}

// String returns what LogValue returns, as text.
func (e StateEntry) String() string {
	return fmt.Sprintf("StateEntry{%s agent:%s sent:%v}", e.Trunk, plain(e.AgentUUID), e.Sent.Names())
}

// Format prints String for every verb.
func (e StateEntry) Format(f fmt.State, verb rune) { format(f, verb, e.String()) }

// State remembers, for each trunk, what was last sent of the fields that the API does not return:
// name, direction, SIP credentials and additional settings. With it, [Run], [Rotate] and
// [Reconcile] send only what differs, and nothing for a trunk that is as it should be. It holds no
// value: a value is remembered as a digest under a secret key.
//
// It knows what this program and others with the same state have sent. A change that somebody else
// makes to these fields cannot be seen; [Options.Resend] sends everything again. If the number of a
// trunk was removed and added again, or the list shows no trunk, everything is sent.
//
// Before a request, the fields that it sends are marked as being in doubt, and the mark is durable.
// So a program that is killed leaves a field in doubt, which is sent again, and never one that is
// wrongly taken for sent. If the state is lost, or its key, everything is sent once more, and
// nothing is pruned that the new state does not know.
//
// A State is safe for concurrent use. A nil *State remembers nothing, and its methods work.
type State struct {
	store StateStore
	key   StateKey

	mu    sync.Mutex
	head  StateHead
	began bool                       // the head of this process was written
	busy  map[trunkKey]chan struct{} // trunks that are being changed; closed when they are not
	later map[trunkKey]StateEntry    // entries that are not written yet, and can be lost

	flushing sync.Mutex // held while those are written
}

// OpenState opens the state of a workspace, the base URL of which is [mihu.Client.BaseURL]. It
// changes nothing before the first write. A state that was written with another key is opened too:
// its entries count as unknown.
//
// Errors: [ErrOtherWorkspace], and those of the store.
func OpenState(ctx context.Context, store StateStore, key StateKey, workspace string) (*State, error) {
	switch {
	case store == nil:
		return nil, invalid("state", mihu.FieldViolation{Field: "store", Problem: "nil; open one with OpenStateFile"})
	case key.isZero():
		return nil, invalid("state", mihu.FieldViolation{Field: "key", Problem: "empty; make one with NewStateKey, and keep it"})
	case workspace == "":
		return nil, invalid("state", mihu.FieldViolation{Field: "workspace", Problem: "empty; want the client's BaseURL"})
	}
	head, err := store.Head(ctx)
	if err != nil {
		return nil, err
	}
	switch {
	case head.Workspace == "":
		head = StateHead{Workspace: workspace, KeyID: key.ID(), Generation: 1, Serial: head.Serial}
	case head.Workspace != workspace:
		return nil, fmt.Errorf("%w: it belongs to %s, not to %s; use a state of its own for each workspace", ErrOtherWorkspace, plain(head.Workspace), plain(workspace))
	case head.KeyID != key.ID():
		head.KeyID, head.Generation = key.ID(), head.Generation+1
	}
	return &State{store: store, key: key, head: head, busy: map[trunkKey]chan struct{}{}, later: map[trunkKey]StateEntry{}}, nil
}

// Workspace returns the base URL of the workspace that the state belongs to; "" for nil.
func (s *State) Workspace() string {
	if s == nil {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.head.Workspace
}

// violations returns a violation if the client is of another workspace.
func (s *State) violations(client *mihu.Client) []mihu.FieldViolation {
	if s == nil || client == nil || s.Workspace() == client.BaseURL() {
		return nil
	}
	return []mihu.FieldViolation{{Field: "state", Value: plain(s.Workspace()), Problem: "belongs to another workspace than the client; open it with the client's BaseURL"}}
}

// Entry returns what is remembered of a trunk. It returns false if nothing is, or if it was
// remembered under another key.
func (s *State) Entry(ctx context.Context, id mihu.TrunkID) (StateEntry, bool, error) {
	if s == nil {
		return StateEntry{}, false, nil
	}
	if key, ok := keyOf(id); ok {
		s.mu.Lock()
		entry, ok := s.later[key]
		s.mu.Unlock()
		if ok {
			return entry, true, nil
		}
	}
	entry, ok, err := s.store.Get(ctx, id)
	if err != nil || !ok || entry.Generation != s.generation() {
		return StateEntry{}, false, err
	}
	return entry, true, nil
}

func (s *State) generation() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.head.Generation
}

// All iterates over everything that is remembered under the key, ordered by number, and call before
// whatsapp. An error is yielded once, last.
func (s *State) All(ctx context.Context) iter.Seq2[StateEntry, error] {
	return func(yield func(StateEntry, error) bool) {
		if s == nil {
			return
		}
		generation := s.generation()
		for entry, err := range s.store.All(ctx) {
			if err == nil && entry.Generation != generation {
				continue
			}
			if !yield(entry, err) || err != nil {
				return
			}
		}
	}
}

// Forget removes a trunk from the state. It is no longer managed: nothing prunes it, and everything
// is sent the next time a file names it. The trunk itself is not changed.
func (s *State) Forget(ctx context.Context, id mihu.TrunkID) error {
	if s == nil {
		return nil
	}
	key, _ := keyOf(id)
	free, err := s.lock(ctx, key)
	if err != nil {
		return err
	}
	defer free()
	return s.remove(ctx, id)
}
