package keytree

import (
	"crypto/cipher"
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"

	"github.com/emmansun/gmsm/sm4"

	"github.com/elicence/elicence/internal/bilingual"
)

// KeySize is the length of a key in bytes.
const KeySize = sm4.BlockSize

// Key is the key of a node or a leaf.
type Key [KeySize]byte

// AEAD returns SM4-GCM under a leaf's key, with a nonce of 12 bytes and a tag of 16. The key
// is zeroed.
func (k *Key) AEAD() (cipher.AEAD, error) {
	defer clear(k[:])
	block, err := sm4.NewCipher(k[:])
	if err != nil {
		return nil, fmt.Errorf("preparing SM4: %w", err)
	}
	return cipher.NewGCM(block)
}

// fanOut is how many children a node has.
const fanOut = 16

// child makes the key of a child.
func (k *Key) child(c byte) (Key, error) {
	block, err := sm4.NewCipher(k[:])
	if err != nil {
		return Key{}, fmt.Errorf("preparing SM4: %w", err)
	}
	return childOf(block, c), nil
}

// children makes the keys of all children.
func (k *Key) children() ([fanOut]Key, error) {
	var all [fanOut]Key
	block, err := sm4.NewCipher(k[:])
	if err != nil {
		return all, fmt.Errorf("preparing SM4: %w", err)
	}
	for c := range all {
		all[c] = childOf(block, byte(c))
	}
	return all, nil
}

// childOf makes the key of a child under its parent's: the number of the child, encrypted.
func childOf(parent cipher.Block, c byte) Key {
	var k Key
	k[KeySize-1] = c
	parent.Encrypt(k[:], k[:])
	return k
}

// below makes the key at the end of a path below a node.
func (k Key) below(path []byte) (Key, error) {
	for _, c := range path {
		var err error
		if k, err = k.child(c); err != nil {
			return Key{}, err
		}
	}
	return k, nil
}

// node is a node of which something below was destroyed: it has no key any more. Its
// children are whole, or nodes, or gone.
type node struct {
	whole  uint16
	keys   []Key // of the children that are whole, in their order
	broken uint16
	kids   []*node // those that are not, in their order
}

// split is a node in the place of a key, with all its children.
func split(k *Key) (*node, error) {
	all, err := k.children()
	if err != nil {
		return nil, err
	}
	return &node{whole: 0xffff, keys: all[:]}, nil
}

// rank is how many bits of a mask are below one.
func rank(mask uint16, c byte) int { return bits.OnesCount16(mask & (1<<c - 1)) }

func has(mask uint16, c byte) bool { return mask>>c&1 == 1 }

// find returns the key at the end of a path; false: it was destroyed.
func (n *node) find(path []byte) (Key, bool, error) {
	for i, c := range path {
		if has(n.whole, c) {
			k, err := n.keys[rank(n.whole, c)].below(path[i+1:])
			return k, err == nil, err
		}
		if !has(n.broken, c) {
			return Key{}, false, nil
		}
		n = n.kids[rank(n.broken, c)]
	}
	return Key{}, false, nil
}

// destroy forgets what leads to the end of a path and nothing else, and returns the key
// that was there; false: it was destroyed before.
func (n *node) destroy(path []byte) (Key, bool, error) {
	c := path[0]
	if has(n.whole, c) {
		at := rank(n.whole, c)
		k := n.keys[at]
		if len(path) > 1 {
			kid, err := split(&k)
			if err != nil {
				return Key{}, false, err
			}
			n.kids = slices.Insert(n.kids, rank(n.broken, c), kid)
			n.broken |= 1 << c
		}
		copy(n.keys[at:], n.keys[at+1:])
		clear(n.keys[len(n.keys)-1][:])
		n.keys = n.keys[:len(n.keys)-1]
		n.whole &^= 1 << c
		if len(path) == 1 {
			return k, true, nil
		}
	}
	if !has(n.broken, c) || len(path) == 1 {
		return Key{}, false, nil
	}
	at := rank(n.broken, c)
	k, was, err := n.kids[at].destroy(path[1:])
	if err == nil && n.kids[at].whole == 0 && n.kids[at].broken == 0 {
		n.kids = slices.Delete(n.kids, at, at+1)
		n.broken &^= 1 << c
	}
	return k, was, err
}

// ErrDamaged says that a file of the record keys is not what was stored there, or is
// missing.
var ErrDamaged = bilingual.New("记录密钥已损坏", "the record keys are damaged")

// appendTo appends the binary form of a node.
func (n *node) appendTo(b []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, n.whole)
	b = binary.BigEndian.AppendUint16(b, n.broken)
	for i := range n.keys {
		b = append(b, n.keys[i][:]...)
	}
	for _, kid := range n.kids {
		b = kid.appendTo(b)
	}
	return b
}

// parseNode reads a node of a height: how many levels lie below it, at least one.
func parseNode(b []byte, height int) (*node, []byte, error) {
	if len(b) < 4 {
		return nil, nil, fmt.Errorf("a node is cut: %w", ErrDamaged)
	}
	n := &node{whole: binary.BigEndian.Uint16(b), broken: binary.BigEndian.Uint16(b[2:])}
	b = b[4:]
	count := bits.OnesCount16(n.whole)
	switch {
	case n.whole&n.broken != 0:
		return nil, nil, fmt.Errorf("a child is whole and is not: %w", ErrDamaged)
	case height == 1 && n.broken != 0:
		return nil, nil, fmt.Errorf("a leaf has children: %w", ErrDamaged)
	case len(b) < count*KeySize:
		return nil, nil, fmt.Errorf("a node is cut: %w", ErrDamaged)
	}
	n.keys = make([]Key, count)
	for i := range n.keys {
		n.keys[i], b = Key(b), b[KeySize:]
	}
	for range bits.OnesCount16(n.broken) {
		kid, rest, err := parseNode(b, height-1)
		if err != nil {
			return nil, nil, err
		}
		if kid.whole == 0 && kid.broken == 0 {
			return nil, nil, fmt.Errorf("a node below the highest has no children: %w", ErrDamaged)
		}
		n.kids, b = append(n.kids, kid), rest
	}
	return n, b, nil
}
