package keytree

import (
	"fmt"
)

// part is the content of one file: the top of a tree, or a block. It is a key as long as
// nothing of it was destroyed; of a block that has a file something was.
type part struct {
	key  *Key
	node *node // where key is nil
}

// find returns the key at the end of a path; false: it was destroyed, or lies in a part
// of its own.
func (p part) find(path []byte) (Key, bool, error) {
	if p.key == nil {
		return p.node.find(path)
	}
	k, err := p.key.below(path)
	return k, err == nil, err
}

// destroy is [node.destroy].
func (p *part) destroy(path []byte) (Key, bool, error) {
	if p.key != nil {
		n, err := split(p.key)
		if err != nil {
			return Key{}, false, err
		}
		clear(p.key[:])
		p.key, p.node = nil, n
	}
	return p.node.destroy(path)
}

// How the binary form of a part begins.
const (
	partKey  = 0
	partNode = 1
)

func (p part) marshal() []byte {
	if p.key != nil {
		return append([]byte{partKey}, p.key[:]...)
	}
	return p.node.appendTo([]byte{partNode})
}

// parsePart reads a part of a height.
func parsePart(b []byte, height int) (part, error) {
	switch {
	case len(b) == 1+KeySize && b[0] == partKey:
		k := Key(b[1:])
		return part{key: &k}, nil
	case len(b) > 0 && b[0] == partNode:
		n, rest, err := parseNode(b[1:], height)
		if err == nil && len(rest) > 0 {
			err = fmt.Errorf("%d bytes stand behind the last node: %w", len(rest), ErrDamaged)
		}
		return part{node: n}, err
	default:
		return part{}, fmt.Errorf("neither a key nor a node: %w", ErrDamaged)
	}
}
