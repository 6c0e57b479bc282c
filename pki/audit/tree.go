package audit

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/emmansun/gmsm/sm3"
	"github.com/transparency-dev/merkle"
	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
)

// Hasher is RFC 6962 hashing with SM3: leaves are prefixed with 0x00, inner
// nodes with 0x01, the empty tree is SM3 of nothing.
type Hasher struct{}

var _ merkle.LogHasher = Hasher{}

// EmptyRoot returns the root of a log without entries.
func (Hasher) EmptyRoot() []byte { return sum() }

// HashLeaf returns the hash of a leaf.
func (Hasher) HashLeaf(leaf []byte) []byte { return sum([]byte{0}, leaf) }

// HashChildren returns the hash of an inner node.
func (Hasher) HashChildren(left, right []byte) []byte { return sum([]byte{1}, left, right) }

// Size returns the length of a hash in bytes.
func (Hasher) Size() int { return sm3.Size }

func sum(parts ...[]byte) []byte {
	h := sm3.New()
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// Storage keeps a log within one transaction of its owner. Node hashes are
// addressed by level (0 = leaves) and index; only complete subtrees are kept.
type Storage interface {
	Size() (uint64, error)
	SetSize(uint64) error
	Node(level uint, index uint64) ([]byte, error)
	PutNode(level uint, index uint64, hash []byte) error
	Record(index uint64) (Record, error)
	PutRecord(index uint64, r Record) error
}

var factory = compact.RangeFactory{Hash: Hasher{}.HashChildren}

// Append adds records to the log and returns the index of the first. The caller
// commits the transaction; until then nothing is acknowledged.
func Append(s Storage, records ...Record) (uint64, error) {
	size, err := s.Size()
	if err != nil {
		return 0, fmt.Errorf("reading the size of the log: %w", err)
	}
	tree, err := load(s, size)
	if err != nil {
		return 0, err
	}
	for i, r := range records {
		if err := s.PutRecord(size+uint64(i), r); err != nil {
			return 0, fmt.Errorf("storing log entry %d: %w", size+uint64(i), err)
		}
		var putErr error
		put := func(id compact.NodeID, hash []byte) {
			putErr = errors.Join(putErr, s.PutNode(id.Level, id.Index, hash))
		}
		if err := errors.Join(tree.Append(Hasher{}.HashLeaf(r.Leaf), put), putErr); err != nil {
			return 0, fmt.Errorf("adding log entry %d: %w", size+uint64(i), err)
		}
	}
	if err := s.SetSize(size + uint64(len(records))); err != nil {
		return 0, fmt.Errorf("storing the size of the log: %w", err)
	}
	return size, nil
}

// load returns the compact range of a log's first size entries.
func load(s Storage, size uint64) (*compact.Range, error) {
	ids := compact.RangeNodes(0, size, nil)
	hashes, err := nodes(s, ids)
	if err != nil {
		return nil, err
	}
	tree, err := factory.NewRange(0, size, hashes)
	if err != nil {
		return nil, fmt.Errorf("building the log's range: %w", err)
	}
	return tree, nil
}

func nodes(s Storage, ids []compact.NodeID) ([][]byte, error) {
	hashes := make([][]byte, len(ids))
	for i, id := range ids {
		hash, err := s.Node(id.Level, id.Index)
		if err != nil {
			return nil, fmt.Errorf("reading log node %d/%d: %w", id.Level, id.Index, err)
		}
		hashes[i] = hash
	}
	return hashes, nil
}

// Root returns the root of the log's first size entries.
func Root(s Storage, size uint64) ([]byte, error) {
	if size == 0 {
		return Hasher{}.EmptyRoot(), nil
	}
	tree, err := load(s, size)
	if err != nil {
		return nil, err
	}
	return tree.GetRootHash(nil)
}

// Inclusion returns the proof that entry index is in the log of the given size
// (RFC 6962, 2.1.1). It is checked with proof.VerifyInclusion and [Hasher].
func Inclusion(s Storage, index, size uint64) ([][]byte, error) {
	p, err := proof.Inclusion(index, size)
	if err != nil {
		return nil, fmt.Errorf("proving entry %d of %d: %w", index, size, err)
	}
	return prove(s, p)
}

// Consistency returns the proof that the log of size first is a beginning of
// the log of size second (RFC 6962, 2.1.2).
func Consistency(s Storage, first, second uint64) ([][]byte, error) {
	p, err := proof.Consistency(first, second)
	if err != nil {
		return nil, fmt.Errorf("proving that %d entries begin %d: %w", first, second, err)
	}
	return prove(s, p)
}

func prove(s Storage, p proof.Nodes) ([][]byte, error) {
	hashes, err := nodes(s, p.IDs)
	if err != nil {
		return nil, err
	}
	return p.Rehash(hashes, Hasher{}.HashChildren)
}

// DamageError says that the log is not what was appended.
type DamageError struct {
	Index uint64 // the first entry that is wrong
	What  string
}

// Error implements error.
func (e *DamageError) Error() string {
	return fmt.Sprintf("log entry %d: %s", e.Index, e.What)
}

// Verify reads the whole log, recomputes every hash and returns its root. The
// first difference is a [*DamageError].
func Verify(s Storage) ([]byte, error) {
	size, err := s.Size()
	if err != nil {
		return nil, fmt.Errorf("reading the size of the log: %w", err)
	}
	tree := factory.NewEmptyRange(0)
	for i := range size {
		r, err := s.Record(i)
		if err != nil {
			return nil, &DamageError{i, "cannot be read: " + err.Error()}
		}
		if _, err := r.Entry(); err != nil {
			return nil, &DamageError{i, err.Error()}
		}
		leaf := Hasher{}.HashLeaf(r.Leaf)
		if stored, err := s.Node(0, i); err != nil || !bytes.Equal(stored, leaf) {
			return nil, &DamageError{i, "is not what was hashed"}
		}
		damaged := false
		check := func(id compact.NodeID, hash []byte) {
			stored, err := s.Node(id.Level, id.Index)
			damaged = damaged || err != nil || !bytes.Equal(stored, hash)
		}
		if err := tree.Append(leaf, check); err != nil {
			return nil, fmt.Errorf("adding log entry %d: %w", i, err)
		}
		if damaged {
			return nil, &DamageError{i, "the tree above it was changed"}
		}
	}
	if size == 0 {
		return Hasher{}.EmptyRoot(), nil
	}
	return tree.GetRootHash(nil)
}
