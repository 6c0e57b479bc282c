package likeness

import (
	"sync"

	"github.com/emmansun/gmsm/sm3"
)

// A Memory keeps what comparisons found, so that the same seal on the next document of
// an office costs a look-up. Who asks says of what: the description must cover the seal's
// picture, its size and everything that the drawing is made of. Descriptions are compared
// byte by byte. It is safe for concurrent use; a nil Memory remembers nothing.
//
// It also keeps what drawings hash to ([Memory.SM3]).
type Memory struct {
	mu    sync.Mutex
	found map[string]remembered     // by description; guarded by mu
	bytes int                       // of the descriptions; guarded by mu
	sums  map[string][sm3.Size]byte // by what was hashed; guarded by mu
	held  int                       // bytes of what was hashed; guarded by mu
}

type remembered struct {
	likeness Likeness
	err      error
}

const (
	// MaxDescription is the longest description that is remembered, in bytes.
	MaxDescription = 1 << 20
	// remembers is how many bytes of descriptions are kept before all are forgotten.
	remembers = 16 << 20
)

// NewMemory returns an empty memory.
func NewMemory() *Memory {
	return &Memory{found: make(map[string]remembered), sums: make(map[string][sm3.Size]byte)}
}

// Of returns what is remembered of a description, or what compare finds.
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
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.bytes += len(description); m.bytes > remembers {
		clear(m.found)
		m.bytes = len(description)
	}
	m.found[string(description)] = remembered{l, err}
	return l, err
}

// worthKeeping is how long data are in bytes whose hash is worth a look-up.
const worthKeeping = 1 << 10

// SM3 is the hash of some data, which are often the same: the drawing of a seal.
func (m *Memory) SM3(data []byte) [sm3.Size]byte {
	if m == nil || len(data) < worthKeeping || len(data) > MaxDescription {
		return sm3.Sum(data)
	}
	m.mu.Lock()
	sum, ok := m.sums[string(data)]
	m.mu.Unlock()
	if ok {
		return sum
	}
	sum = sm3.Sum(data)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.held += len(data); m.held > remembers {
		clear(m.sums)
		m.held = len(data)
	}
	m.sums[string(data)] = sum
	return sum
}
