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
