package keytree

import (
	"errors"
	"fmt"
	"slices"
)

// ErrDestroyed says that a key was destroyed.
var ErrDestroyed = errors.New("the key was destroyed")

// tree is one generation. Whoever changes it puts another part in the place of one: a part
// is never changed once it is here.
type tree struct {
	top    part
	blocks map[block]part
	// near are keys of nodes of blocks of which nothing was destroyed: of the blocks, and
	// some levels above leaves. They save most of the way from the root.
	near map[nearby]Key
}

func newTree() *tree { return &tree{blocks: make(map[block]part), near: make(map[nearby]Key)} }

// nearby is a node of a block: so many levels above the leaves, and its number among those
// of its level.
type nearby struct {
	block block
	above int
	index uint64
}

const (
	// nearLevels is how far above licences and entries a node is remembered: 16 leaves. In
	// bulk nearly all leaves of the open windows are used, some thousands at once.
	nearLevels = 1
	// maxNear bounds the nodes that are remembered.
	maxNear = 1 << 14
)

// nearTo returns the node that is remembered for a leaf, and that of its block. A document
// is alone in its neighbourhood: both are its block.
func nearTo(l Leaf) (near, whole nearby) {
	whole = nearby{block: l.block, above: l.block.space.levels()}
	if l.block.space == Documents {
		return whole, whole
	}
	return nearby{l.block, nearLevels, l.index >> (4 * nearLevels)}, whole
}

// found are nodes that were derived and are worth remembering.
type found map[nearby]Key

// derive makes the key of a leaf.
func (t *tree) derive(l Leaf) (Key, found, error) {
	path := l.path()
	if b, broken := t.blocks[l.block]; broken {
		key, there, err := b.find(path)
		if err == nil && !there {
			err = ErrDestroyed
		}
		return key, nil, err
	}
	near, whole := nearTo(l)
	key, known := t.near[near]
	var derived found
	if !known {
		of, known := t.near[whole]
		if !known {
			var there bool
			var err error
			of, there, err = t.top.find(l.block.path())
			if err == nil && !there {
				err = fmt.Errorf("the file of block %x of space %d is missing: %w", l.block.number, l.block.space, ErrDamaged)
			}
			if err != nil {
				return Key{}, nil, err
			}
		}
		var err error
		if key, err = of.below(path[:len(path)-near.above]); err != nil {
			return Key{}, nil, err
		}
		derived = found{whole: of, near: key}
	}
	key, err := key.below(path[len(path)-near.above:])
	return key, derived, err
}

// remember keeps what was derived. The tree is locked.
func (t *tree) remember(derived found) {
	if len(t.near) >= maxNear {
		t.forget(func(nearby) bool { return true })
	}
	for n, key := range derived {
		if _, broken := t.blocks[n.block]; !broken { // it may have been destroyed meanwhile
			t.near[n] = key
		}
	}
}

func (t *tree) forget(which func(nearby) bool) {
	for n := range t.near {
		if which(n) {
			t.near[n] = Key{}
			delete(t.near, n)
		}
	}
}

// replace puts parts in the place of what they came from. The tree is locked.
func (t *tree) replace(top part, blocks map[block]part) {
	t.top = top
	for b, p := range blocks {
		t.blocks[b] = p
		t.forget(func(n nearby) bool { return n.block == b })
	}
}

// byBlock sorts leaves by their blocks.
func byBlock(leaves []Leaf) map[block][]Leaf {
	all := make(map[block][]Leaf)
	for _, l := range leaves {
		if !slices.Contains(all[l.block], l) {
			all[l.block] = append(all[l.block], l)
		}
	}
	return all
}
