package status

import (
	"fmt"
	"slices"
)

// MaxLists is how many lists a state may have: 2^30 indices, 256 MiB in memory.
const MaxLists = 1024

// State is the state of all lists of a domain at a sequence number.
type State struct {
	// Sequence numbers the states that were given out; 0: nothing is known yet.
	Sequence uint64
	Sets     []*Set // ascending by their lists

	// shared are sets that another state has too. They are copied before they
	// change.
	shared map[uint32]bool
}

// Share returns the same state. Changing it leaves s as it is: a list is copied
// when something in it changes first.
func (s *State) Share() *State {
	shared := make(map[uint32]bool, len(s.Sets))
	for _, set := range s.Sets {
		shared[set.List] = true
	}
	return &State{Sequence: s.Sequence, Sets: slices.Clone(s.Sets), shared: shared}
}

// Shared reports whether a list is still the one of the state that s was made of
// by [State.Share].
func (s *State) Shared(list uint32) bool { return s.shared[list] }

// Own returns a list that may be changed, nil if the state does not have it.
func (s *State) Own(list uint32) *Set {
	i, ok := slices.BinarySearchFunc(s.Sets, list, func(set *Set, list uint32) int { return compare(set.List, list) })
	if !ok {
		return nil
	}
	if s.shared[list] {
		copied := *s.Sets[i]
		s.Sets[i] = &copied
		delete(s.shared, list)
	}
	return s.Sets[i]
}

// Set returns a list to be looked at.
func (s *State) Set(list uint32) (*Set, bool) {
	i, ok := slices.BinarySearchFunc(s.Sets, list, func(set *Set, list uint32) int { return compare(set.List, list) })
	if !ok {
		return nil, false
	}
	return s.Sets[i], true
}

func compare(a, b uint32) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	default:
		return 0
	}
}

// check refuses states whose lists are not in order, too many, or name indices that
// were never given out.
func (s *State) check() error {
	if len(s.Sets) > MaxLists {
		return fmt.Errorf("%d lists, at most %d: %w", len(s.Sets), MaxLists, ErrMalformed)
	}
	for i, set := range s.Sets {
		if i > 0 && s.Sets[i-1].List >= set.List {
			return fmt.Errorf("list %d is not in order: %w", set.List, ErrMalformed)
		}
		if err := set.Check(); err != nil {
			return err
		}
	}
	return nil
}

// Follows checks that s can be a later state than earlier: in every list that both
// have, nothing that was revoked is revoked no more, and the high mark is no lower.
func (s *State) Follows(earlier *State) error {
	for _, before := range earlier.Sets {
		after, ok := s.Set(before.List)
		if !ok || after == before {
			continue
		}
		if after.High < before.High {
			return fmt.Errorf("list %d: its high mark goes from %d to %d: %w", before.List, before.High, after.High, ErrUnrevoked)
		}
		for i := range planeBytes {
			if before.Revoked[i]&^after.Revoked[i] != 0 {
				return fmt.Errorf("list %d: %w", before.List, ErrUnrevoked)
			}
		}
	}
	return nil
}

// Place is an index of a list: list << 20 | index.
type Place uint64

// PlaceOf returns the place of an index below [ListSize].
func PlaceOf(list, index uint32) Place { return Place(list)<<listBits | Place(index) }

func (p Place) list() uint32  { return uint32(p >> listBits) }
func (p Place) index() uint32 { return uint32(p) % ListSize }

// Changes are the places that changed in one step or several from one state to a
// later one, each ascending.
type Changes struct {
	Revoked []Place // revoked since
	Touched []Place // whose suspension changed, be it twice
}

// Since returns what changed from an earlier state in one step. It refuses what
// [State.Follows] refuses, and a list that is gone.
func (s *State) Since(earlier *State) (Changes, error) {
	var c Changes
	if err := s.check(); err != nil {
		return c, err
	}
	if err := s.Follows(earlier); err != nil {
		return c, err
	}
	for _, before := range earlier.Sets {
		if _, ok := s.Set(before.List); !ok {
			return c, fmt.Errorf("list %d is gone: %w", before.List, ErrUnrevoked)
		}
	}
	none := new(Set)
	for _, set := range s.Sets {
		before, ok := earlier.Set(set.List)
		if !ok {
			before = none
		}
		c.Revoked = appendDifference(c.Revoked, set.List, &before.Revoked, &set.Revoked)
		c.Touched = appendDifference(c.Touched, set.List, &before.Suspended, &set.Suspended)
	}
	return c, nil
}

// Merge returns what changed in runs of steps that follow one another.
func Merge(runs ...Changes) Changes {
	var all Changes
	for _, c := range runs {
		all.Revoked, all.Touched = append(all.Revoked, c.Revoked...), append(all.Touched, c.Touched...)
	}
	for _, places := range []*[]Place{&all.Revoked, &all.Touched} {
		slices.Sort(*places)
		*places = slices.Compact(*places)
	}
	return all
}

// None reports whether nothing changed.
func (c Changes) None() bool { return len(c.Revoked)+len(c.Touched) == 0 }
