package likeness

import (
	"errors"
	"sync"
)

// A Memory keeps what comparisons found and what drawings hash to, so that the same seal on
// the next document of an office costs a look-up. Who asks says of what: the description must cover the seal's
// picture, its size and everything that the drawing is made of. Descriptions are compared
// byte by byte. It is safe for concurrent use; a nil Memory remembers nothing.
type Memory struct {
	mu    sync.Mutex
	found map[string]remembered // by description; guarded by mu
	sums  map[string][32]byte   // by what was hashed; guarded by mu
	bytes int                   // of both; guarded by mu
}

type remembered struct {
	likeness Likeness
	err      error
}

const (
	// MaxDescription is the longest description that is remembered, in bytes.
	MaxDescription = 1 << 20
	// remembers is how many bytes are kept before all are forgotten.
	remembers = 16 << 20
)

// NewMemory returns an empty memory.
func NewMemory() *Memory {
	return &Memory{found: make(map[string]remembered), sums: make(map[string][32]byte)}
}

// Of returns what is remembered of a description, or what compare finds. Of its errors only
// [ErrNotDrawn] is remembered: others may be of the one document, whose limits were spent or
// which could not be read, and say nothing of the next.
func (m *Memory) Of(description []byte, compare func() (Likeness, error)) (Likeness, error) {
	if m == nil || len(description) > MaxDescription {
		return compare()
	}
	m.mu.Lock()
	r, ok := m.found[string(description)]
	m.mu.Unlock()
	if ok {
		return r.likeness, r.err
	}
	l, err := compare()
	if err != nil && !errors.Is(err, ErrNotDrawn) {
		return l, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.room(len(description))
	m.found[string(description)] = remembered{l, err}
	return l, err
}

// Sum returns what is remembered of the digest of a drawing, or what hash finds.
func (m *Memory) Sum(drawing []byte, hash func([]byte) [32]byte) [32]byte {
	if m == nil || len(drawing) > MaxDescription {
		return hash(drawing)
	}
	m.mu.Lock()
	sum, ok := m.sums[string(drawing)]
	m.mu.Unlock()
	if ok {
		return sum
	}
	sum = hash(drawing)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.room(len(drawing))
	m.sums[string(drawing)] = sum
	return sum
}

// room is called under mu.
func (m *Memory) room(n int) {
	if m.bytes += n; m.bytes > remembers {
		clear(m.found)
		clear(m.sums)
		m.bytes = n
	}
}
