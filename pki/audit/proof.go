package audit

import (
	"fmt"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"

	"github.com/elicence/elicence/internal/bilingual"
)

// ErrProof says that a proof does not prove what it is said to.
var ErrProof = bilingual.New("该证明不成立", "the proof does not hold")

// Inclusion returns the proof that entry index is in the log of the given size
// (RFC 6962, 2.1.1).
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

// VerifyInclusion checks the proof that a leaf is entry index of the log with a
// size and root. The error wraps [ErrProof].
func VerifyInclusion(leaf []byte, index, size uint64, root []byte, path [][]byte) error {
	if err := checkHashes(path, root); err != nil {
		return err
	}
	if err := proof.VerifyInclusion(Hasher{}, index, size, Hasher{}.HashLeaf(leaf), path, root); err != nil {
		return fmt.Errorf("entry %d of %d: %w: %w", index, size, ErrProof, err)
	}
	return nil
}

// VerifyConsistency checks the proof that the log with the first size and root is a
// beginning of the log with the second. The error wraps [ErrProof].
func VerifyConsistency(first uint64, firstRoot []byte, second uint64, secondRoot []byte, path [][]byte) error {
	if err := checkHashes(path, firstRoot, secondRoot); err != nil {
		return err
	}
	// Every log continues the empty one; the library leaves its root unchecked.
	if first == 0 && string(firstRoot) != string(Hasher{}.EmptyRoot()) {
		return fmt.Errorf("the log without entries has another root: %w", ErrProof)
	}
	if err := proof.VerifyConsistency(Hasher{}, first, second, path, firstRoot, secondRoot); err != nil {
		return fmt.Errorf("%d entries to %d: %w: %w", first, second, ErrProof, err)
	}
	return nil
}

// maxPath is the most hashes that a proof can have: two for each of 64 levels.
const maxPath = 128

func checkHashes(path [][]byte, roots ...[]byte) error {
	if len(path) > maxPath {
		return fmt.Errorf("%d hashes, at most %d make a proof: %w", len(path), maxPath, ErrProof)
	}
	for _, hash := range append(path[:len(path):len(path)], roots...) {
		if len(hash) != (Hasher{}).Size() {
			return fmt.Errorf("a hash of %d bytes: %w", len(hash), ErrProof)
		}
	}
	return nil
}
