package audit

import (
	"github.com/emmansun/gmsm/sm3"
	"github.com/transparency-dev/merkle"
)

// Hasher is RFC 6962 hashing with SM3: leaves are prefixed with 0x00, inner
// nodes with 0x01, the empty tree is SM3 of nothing.
type Hasher struct{}

var _ merkle.LogHasher = Hasher{}

// EmptyRoot returns the root of a log without entries.
func (Hasher) EmptyRoot() []byte { return sum(nil) }

// HashLeaf returns the hash of a leaf.
func (Hasher) HashLeaf(leaf []byte) []byte {
	b := append(make([]byte, 0, 1+MaxEntrySize), 0)
	return sum(append(b, leaf...))
}

// HashChildren returns the hash of an inner node.
func (Hasher) HashChildren(left, right []byte) []byte {
	b := append(make([]byte, 0, 1+2*sm3.Size), 1)
	return sum(append(append(b, left...), right...))
}

// Size returns the length of a hash in bytes.
func (Hasher) Size() int { return sm3.Size }

func sum(b []byte) []byte {
	hash := sm3.Sum(b)
	return hash[:]
}
