package keytree

import (
	"encoding/binary"
	"fmt"

	"github.com/emmansun/gmsm/sm3"
)

// Space keeps apart what leaves are for.
type Space uint8

// The spaces. Their numbers are in the files' names and in the trees.
const (
	Licences  Space = 1 // what a licence says, by its place in the status lists
	Entries   Space = 2 // what lies beside an entry of the audit log, by its number
	Documents Space = 3 // a document, by its digest
)

// blockBits is how many leaves a block of licences or entries has.
const blockBits = 20

// levels is how many levels of the tree lie below a block of a space.
func (s Space) levels() int {
	if s == Documents {
		return 16
	}
	return blockBits / 4
}

// block is what a file of its own is kept for once one of its leaves is destroyed.
type block struct {
	space  Space
	number uint64
}

// topLevels is how many levels lie above blocks: the space and 64 bits.
const topLevels = 1 + 16

// path is the way from the root to a block, a number below 16 for each level.
func (b block) path() []byte { return nibbles([]byte{byte(b.space)}, b.number, 16) }

// Leaf is the place of a key. Leaves are comparable.
type Leaf struct {
	block block
	index uint64 // within the block
}

func (l Leaf) path() []byte { return nibbles(nil, l.index, l.block.space.levels()) }

// nibbles appends the lowest n half bytes of a number, the highest first.
func nibbles(path []byte, number uint64, n int) []byte {
	for i := n - 1; i >= 0; i-- {
		path = append(path, byte(number>>(4*i))&0xf)
	}
	return path
}

// Licence is the leaf of a licence by its place in the status lists: number of the list
// and index below 2^20. No two licences ever have one place.
func Licence(list, index uint32) Leaf {
	return Leaf{block{Licences, uint64(list)}, uint64(index)}
}

// Entry is the leaf of an entry of the audit log. The epoch is another one after each
// restoration, as the log may then have other entries under the same numbers.
func Entry(epoch uint32, index uint64) Leaf {
	return Leaf{block{Entries, uint64(epoch)<<32 | index>>blockBits}, index & (1<<blockBits - 1)}
}

// Document is the leaf of a document: the first 72 bits of its digest.
func Document(sum [sm3.Size]byte) Leaf {
	return Leaf{block{Documents, uint64(sum[0])}, binary.BigEndian.Uint64(sum[1:])}
}

// LeafSize is the length of a leaf in its binary form.
const LeafSize = 1 + 8 + 8

// AppendBinary implements [encoding.BinaryAppender]: space, block and index, big-endian.
func (l Leaf) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, byte(l.block.space))
	b = binary.BigEndian.AppendUint64(b, l.block.number)
	return binary.BigEndian.AppendUint64(b, l.index), nil
}

// ParseLeaf reads what [Leaf.AppendBinary] has written.
func ParseLeaf(b []byte) (Leaf, error) {
	if len(b) != LeafSize {
		return Leaf{}, fmt.Errorf("a leaf of the record keys has %d bytes, want %d", len(b), LeafSize)
	}
	l := Leaf{block{Space(b[0]), binary.BigEndian.Uint64(b[1:])}, binary.BigEndian.Uint64(b[9:])}
	return l, l.check()
}

func (l Leaf) check() error {
	s := l.block.space
	if s < Licences || s > Documents || s != Documents && l.index>>blockBits != 0 || s == Documents && l.block.number > 0xff || s == Licences && l.block.number>>32 != 0 {
		return fmt.Errorf("space %d, block %d, index %d: there is no such record key", s, l.block.number, l.index)
	}
	return nil
}
