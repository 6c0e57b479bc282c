package status

import (
	"fmt"
	"time"

	"github.com/elicence/elicence/internal/detcbor"
)

// skipFile is a skip-delta: what changed between two states, in a form that
// leads from every state between them to the later one.
type skipFile struct {
	_         struct{} `cbor:",toarray"`
	Format    string   // "elicence/skipfile/1"
	List      uint64
	From      uint64 // first sequence that it can be applied to
	To        uint64 // sequence that results
	High      uint64 // of the result
	Revoked   coded  // revoked since From
	Suspended coded  // touched since From, and suspended in the result
	Resumed   coded  // touched since From, and not suspended in the result
}

const skipFormat = "elicence/skipfile/1"

// SkipSpans are the times that skip-deltas reach back: an hour, a day, a week and
// 30 days. A terminal that was away takes the shortest that reaches back to its
// own state: one file, however many states it has missed.
func SkipSpans() []time.Duration {
	const day = 24 * time.Hour
	return []time.Duration{time.Hour, day, 7 * day, 30 * day}
}

// Published is a state that was given out, and when.
type Published struct {
	Sequence uint64
	At       time.Time
}

// SkipBases picks, among the published states in ascending order, those that
// skip-deltas to a new state start from, the latest first: for each span the last
// state that is at least as old as the span, so that whoever was up to date within
// it is served; the first of all states where none is that old. A state is named
// once.
func SkipBases(published []Published, now time.Time) []uint64 {
	var bases []uint64
	for _, span := range SkipSpans() {
		for i := len(published) - 1; i >= 0; i-- {
			if i > 0 && now.Sub(published[i].At) < span {
				continue
			}
			if base := published[i].Sequence; len(bases) == 0 || bases[len(bases)-1] != base {
				bases = append(bases, base)
			}
			break
		}
	}
	return bases
}

// Touch adds the indices whose suspension differs between two states to a plane.
// Called for each step from one published state to the next, it collects what
// [Set.Skip] needs to know of the states in between.
func Touch(touched *Plane, before, after *Set) {
	for i := range planeBytes {
		touched[i] |= before.Suspended[i] ^ after.Suspended[i]
	}
}

// Skip returns the skip-delta from an earlier state of the same list. touched
// holds the indices whose suspension changed in any step between the two
// ([Touch]); without them a state in between, in which something was suspended
// that is not suspended in either, would keep it. Nil stands for no state in
// between.
func (s *Set) Skip(earlier *Set, touched *Plane, from, to uint64) ([]byte, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	if err := s.follows(earlier, from, to); err != nil {
		return nil, err
	}
	var revoked, suspended, resumed Plane
	for i := range planeBytes {
		changed := s.Suspended[i] ^ earlier.Suspended[i]
		if touched != nil {
			changed |= touched[i]
		}
		revoked[i] = s.Revoked[i] ^ earlier.Revoked[i]
		suspended[i] = changed & s.Suspended[i]
		resumed[i] = changed &^ s.Suspended[i]
	}
	f := skipFile{Format: skipFormat, List: uint64(s.List), From: from, To: to, High: uint64(s.High)}
	for _, p := range []struct {
		plane *Plane
		into  *coded
	}{{&revoked, &f.Revoked}, {&suspended, &f.Suspended}, {&resumed, &f.Resumed}} {
		var err error
		if *p.into, err = p.plane.encode(); err != nil {
			return nil, err
		}
	}
	return detcbor.Marshal(f)
}

// ApplySkip takes a skip-delta and returns the state that results from earlier,
// the state at a sequence between from and to, which is left as it was. The
// caller compares the result's hash with the signed one.
func ApplySkip(file []byte, list uint32, earlier *Set, at, from, to uint64) (*Set, error) {
	if len(file) > MaxFileSize {
		return nil, fmt.Errorf("skip file of %d bytes, at most %d are read: %w", len(file), MaxFileSize, ErrMalformed)
	}
	var f skipFile
	if err := detcbor.Unmarshal(file, &f); err != nil {
		return nil, fmt.Errorf("skip file: %w: %w", ErrMalformed, err)
	}
	if f.Format != skipFormat || f.List != uint64(list) || f.From != from || f.To != to || from < 1 || to <= from || f.High > ListSize {
		return nil, fmt.Errorf("skip file is not list %d from %d to %d: %w", list, from, to, ErrMalformed)
	}
	if earlier == nil || earlier.List != list || earlier.High > uint32(f.High) || at < from || at > to {
		return nil, fmt.Errorf("list %d: skip from %d to %d does not follow state %d: %w", list, from, to, at, ErrUnrevoked)
	}
	result := &Set{List: list, High: uint32(f.High)}
	var resumed Plane
	if err := f.Revoked.decode(&result.Revoked); err != nil {
		return nil, err
	}
	if err := f.Suspended.decode(&result.Suspended); err != nil {
		return nil, err
	}
	if err := f.Resumed.decode(&resumed); err != nil {
		return nil, err
	}
	for i := range planeBytes {
		if result.Suspended[i]&resumed[i] != 0 {
			return nil, fmt.Errorf("skip file both suspends and resumes an index: %w", ErrMalformed)
		}
		result.Revoked[i] |= earlier.Revoked[i]
		result.Suspended[i] |= earlier.Suspended[i] &^ resumed[i]
	}
	return result, result.check()
}
