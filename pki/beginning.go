package pki

import (
	"bytes"
	"encoding"
	"sync"

	"github.com/emmansun/gmsm/sm3"
)

// beginnings are what messages for one key often begin with, each with the state of SM3
// behind it: the signatures of a seal repeat the whole seal, its picture included, before
// they come to what is new. Which of them a message begins with is found by all its bytes.
type beginnings struct {
	mu  sync.RWMutex
	all []beginning // guarded by mu; at most maxBeginnings
}

type beginning struct {
	content []byte
	state   []byte // of SM3 after ZA ‖ content
}

// maxBeginnings bounds what is remembered of a key. The DER of a seal's signature says its
// own length at the front, of which a handful are usual.
const maxBeginnings = 8

// leastBeginning is from which length, in bytes, it is worth the while.
const leastBeginning = 1 << 10

// ExpectBeginning tells the key that more messages will begin like this, so that
// [PublicKey.Digest] need not hash it again. The first few are remembered, if they are long.
func (k *PublicKey) ExpectBeginning(content []byte) {
	if len(content) < leastBeginning {
		return
	}
	if known := k.begins(content); known != nil && len(known.content) == len(content) {
		return
	}
	k.often.mu.Lock()
	defer k.often.mu.Unlock()
	if len(k.often.all) == maxBeginnings {
		return
	}
	h := sm3.New()
	h.Write(k.za[:])
	h.Write(content)
	m, ok := h.(encoding.BinaryMarshaler)
	if !ok {
		return
	}
	state, err := m.MarshalBinary()
	if err != nil {
		return
	}
	k.often.all = append(k.often.all, beginning{bytes.Clone(content), state})
}

// begins returns what is remembered of the message's beginning, or nil.
func (k *PublicKey) begins(msg []byte) *beginning {
	k.often.mu.RLock()
	defer k.often.mu.RUnlock()
	for i := range k.often.all {
		if b := &k.often.all[i]; bytes.HasPrefix(msg, b.content) {
			return b
		}
	}
	return nil
}

// Digest returns e = SM3(ZA ‖ msg), the value SM2 signs.
func (k *PublicKey) Digest(msg []byte) [sm3.Size]byte {
	h, rest := sm3.New(), msg
	b := k.begins(msg)
	if u, ok := h.(encoding.BinaryUnmarshaler); ok && b != nil && u.UnmarshalBinary(b.state) == nil {
		rest = msg[len(b.content):]
	} else {
		h.Reset()
		h.Write(k.za[:])
	}
	h.Write(rest)
	var e [sm3.Size]byte
	h.Sum(e[:0])
	return e
}
