package provision

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/mihu-go/mihu"
)

// lock waits until nobody else changes a trunk, and returns what ends the lock.
func (s *State) lock(ctx context.Context, key trunkKey) (free func(), err error) {
	for {
		s.mu.Lock()
		other, busy := s.busy[key]
		if !busy {
			mine := make(chan struct{})
			s.busy[key] = mine
			s.mu.Unlock()
			return func() {
				s.mu.Lock()
				defer s.mu.Unlock()
				delete(s.busy, key)
				close(mine)
			}, nil
		}
		s.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, contextError(ctx)
		}
	}
}

// begin is called before every write. The first writes the head, so that another process which has
// read the same state is refused. The others make sure that no such process has written.
func (s *State) begin(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.began {
		switch head, err := s.store.Head(ctx); {
		case err != nil:
			return err
		case head != s.head:
			return fmt.Errorf("%w: serial %d is stored, and this process has written %d; open it again", ErrStateStale, head.Serial, s.head.Serial)
		}
		return nil
	}
	head := s.head
	head.Serial++
	if err := s.store.SetHead(ctx, head); err != nil {
		return err
	}
	s.head, s.began = head, true
	return nil
}

// put stores an entry under the generation of the key.
func (s *State) put(ctx context.Context, entry StateEntry) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	entry.Generation = s.generation()
	s.discardLater(entry.Trunk)
	return s.store.Put(ctx, entry)
}

// remove removes the entry of a trunk.
func (s *State) remove(ctx context.Context, id mihu.TrunkID) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	s.discardLater(id)
	return s.store.Delete(ctx, id)
}

// discardLater discards what putLater has left of a trunk, so that it cannot replace what is newer.
func (s *State) discardLater(id mihu.TrunkID) {
	key, _ := keyOf(id)
	s.mu.Lock()
	_, waits := s.later[key]
	s.mu.Unlock()
	if !waits {
		return
	}
	s.flushing.Lock()
	defer s.flushing.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.later, key)
}

// maxLater is the number of entries that are written together.
const maxLater = 256

// putLater stores an entry that can be lost, since the API shows it: together with others, or when
// flush is called.
func (s *State) putLater(ctx context.Context, entry StateEntry) error {
	key, _ := keyOf(entry.Trunk)
	entry.Generation = s.generation()
	s.mu.Lock()
	s.later[key] = entry
	full := len(s.later) >= maxLater
	s.mu.Unlock()
	if !full {
		return nil
	}
	return s.flush(ctx)
}

// flush writes what putLater has left.
func (s *State) flush(ctx context.Context) error {
	if s == nil {
		return nil
	}
	s.flushing.Lock()
	defer s.flushing.Unlock()
	s.mu.Lock()
	entries := slices.Collect(maps.Values(s.later))
	s.mu.Unlock()
	if len(entries) == 0 {
		return nil
	}
	if err := s.begin(ctx); err != nil {
		return err
	}
	if err := s.store.Put(ctx, entries...); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, entry := range entries {
		if key, _ := keyOf(entry.Trunk); s.later[key] == entry {
			delete(s.later, key)
		}
	}
	return nil
}
