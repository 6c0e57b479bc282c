package audit

import (
	"bytes"
	"fmt"
)

// Examined is one entry with what lies beside it, and whether both are what was appended.
type Examined struct {
	Entry
	// Beside is what lies beside the entry, the details among it as they were read: where
	// they are not what the entry commits to, Damage says so.
	Beside Record
	// Damage is a difference from what was appended, or nil. The leaf was compared with the
	// hash in the tree, the details with the commitment, an erasure with the entry that is
	// said to be it. That the tree itself is what others have seen is for [VerifyWitnessed].
	Damage *DamageError
}

// Examine reads one entry of a log, damaged or not. The error says that there is none that
// could be shown: it is missing, cannot be read, or is no entry (then it wraps [ErrEntry]).
func Examine(s Storage, index uint64) (Examined, error) {
	size, err := s.Size()
	if err != nil {
		return Examined{}, fmt.Errorf("reading the size of the log: %w", err)
	}
	r, err := s.Record(index)
	if err != nil {
		return Examined{}, fmt.Errorf("reading log entry %d: %w", index, err)
	}
	e, err := ParseEntry(r.Leaf)
	if err != nil {
		return Examined{}, fmt.Errorf("reading log entry %d: %w", index, err)
	}
	x := Examined{Entry: e, Beside: r}
	hash, err := s.Node(0, index)
	if err != nil {
		return Examined{}, fmt.Errorf("reading the hash of log entry %d: %w", index, err)
	}
	if leaf := (Hasher{}).HashLeaf(r.Leaf); !bytes.Equal(leaf, hash) {
		x.Damage = &DamageError{Index: index, What: "is not what was hashed"}
		return x, nil
	}
	if _, err := r.Entry(); err != nil {
		x.Damage = &DamageError{Index: index, What: err.Error()}
		return x, nil
	}
	x.Damage = checkErasure(s, index, size, r, e)
	return x, nil
}
