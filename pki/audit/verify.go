package audit

import (
	"bytes"
	"fmt"

	"github.com/transparency-dev/merkle/compact"
)

// DamageError says that the log is not what was appended.
type DamageError struct {
	Index uint64 // the first entry that is wrong
	What  string

	cut bool // what is wrong may be that the end of the log is missing
}

// Error implements error.
func (e *DamageError) Error() string {
	return fmt.Sprintf("log entry %d: %s", e.Index, e.What)
}

// Verify reads the whole log, recomputes every hash and returns its root. The
// first difference is a [*DamageError].
//
// What it cannot find alone is a log that was made anew from some entry on, or cut,
// with every hash put right: that contradicts a checkpoint which somebody else
// holds, see [VerifyWitnessed].
func Verify(s Storage) ([]byte, error) {
	return walk(s, func(uint64, []byte, *compact.Range) error { return nil })
}

// walk is [Verify] that shows every size of the log on its way: after each entry
// see gets the number of entries, the last leaf and the range so far.
func walk(s Storage, see func(size uint64, leaf []byte, tree *compact.Range) error) ([]byte, error) {
	size, err := s.Size()
	if err != nil {
		return nil, fmt.Errorf("reading the size of the log: %w", err)
	}
	factory := compact.RangeFactory{Hash: Hasher{}.HashChildren}
	tree := factory.NewEmptyRange(0)
	if err := see(0, nil, tree); err != nil {
		return nil, err
	}
	// What was erased by entries that are not there is told last: that they are
	// missing is told better by what shows it.
	var erasures *DamageError
	for i := range size {
		r, err := s.Record(i)
		if err != nil {
			return nil, &DamageError{Index: i, What: "cannot be read: " + err.Error()}
		}
		e, err := r.Entry()
		if err != nil {
			return nil, &DamageError{Index: i, What: err.Error()}
		}
		// The range shows the leaf first, then the nodes that it completes.
		leaf, what := Hasher{}.HashLeaf(r.Leaf), ""
		compare := func(id compact.NodeID, hash []byte) {
			stored, err := s.Node(id.Level, id.Index)
			switch {
			case what != "" || err == nil && bytes.Equal(stored, hash):
			case id.Level == 0:
				what = "is not what was hashed"
			default:
				what = "the tree above it was changed"
			}
		}
		if err := tree.Append(leaf, compare); err != nil {
			return nil, fmt.Errorf("adding log entry %d: %w", i, err)
		}
		if what != "" {
			return nil, &DamageError{Index: i, What: what}
		}
		if erasures == nil {
			erasures = checkErasure(s, i, size, r, e)
		}
		if err := see(i+1, r.Leaf, tree); err != nil {
			return nil, err
		}
	}
	if _, err := s.Record(size); err == nil {
		return nil, &DamageError{Index: size, What: "stands behind the end of the log: the size was changed", cut: true}
	}
	if erasures != nil {
		return nil, erasures
	}
	return rootOf(tree)
}

func rootOf(tree *compact.Range) ([]byte, error) {
	if tree.End() == 0 {
		return Hasher{}.EmptyRoot(), nil
	}
	return tree.GetRootHash(nil)
}

// checkErasure checks that details are gone if and only if a later entry says so.
func checkErasure(s Storage, index, size uint64, r Record, e Entry) *DamageError {
	if r.ErasedBy > 0 {
		if r.ErasedBy < size {
			if by, err := s.Record(r.ErasedBy); err == nil {
				if by, err := ParseEntry(by.Leaf); err == nil {
					if erased, ok := by.Erases(); ok && erased == index && r.ErasedBy > index {
						return checkErases(s, index, e)
					}
				}
			}
		}
		return &DamageError{Index: index, What: fmt.Sprintf("its details are said to be erased by entry %d, which does not erase them", r.ErasedBy), cut: r.ErasedBy >= size}
	}
	return checkErases(s, index, e)
}

// checkErases checks that an entry which erases details is obeyed.
func checkErases(s Storage, index uint64, e Entry) *DamageError {
	if e.Act != ActDetailsErase {
		return nil
	}
	erased, ok := e.Erases()
	if !ok || erased >= index {
		return &DamageError{Index: index, What: "it erases the details of no earlier entry"}
	}
	if target, err := s.Record(erased); err != nil || target.ErasedBy != index {
		return &DamageError{Index: erased, What: fmt.Sprintf("entry %d erases its details, but they are still there or erased otherwise", index)}
	}
	return nil
}
