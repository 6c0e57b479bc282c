package likeness

import "sync"

// A Memory keeps what comparisons found, so that the same seal on the next document of
// an office costs a look-up. Who asks says under which digest: it must cover the seal's
// picture, its size and everything that the drawing is made of. It is safe for
// concurrent use; a nil Memory remembers nothing.
type Memory struct {
	mu    sync.Mutex
	found map[[32]byte]remembered // guarded by mu
}

type remembered struct {
	likeness Likeness
	err      error
}

// remembers is how many comparisons are kept before all are forgotten.
const remembers = 1024

// NewMemory returns an empty memory.
func NewMemory() *Memory { return &Memory{found: make(map[[32]byte]remembered)} }

// Of returns what is remembered under a digest, or what compare finds.
func (m *Memory) Of(digest [32]byte, compare func() (Likeness, error)) (Likeness, error) {
	if m == nil {
		return compare()
	}
	m.mu.Lock()
	r, ok := m.found[digest]
	m.mu.Unlock()
	if ok {
		return r.likeness, r.err
	}
	l, err := compare()
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.found) >= remembers {
		clear(m.found)
	}
	m.found[digest] = remembered{l, err}
	return l, err
}
