package path

import (
	"sync"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cert"
)

// edge is one signature: a certificate under an issuer's key.
type edge struct {
	issuer      pki.Point
	certificate [sm3.Size]byte
}

// memory keeps what is known of signatures. Only what can never change is kept: good
// and bad, not busy or disagreement. It holds between size and twice as many: when the
// young half is full, the old one is dropped.
type memory struct {
	size int

	mu         sync.Mutex
	young, old map[edge]bool // under mu
}

func newMemory(size int) *memory {
	return &memory{size: size, young: make(map[edge]bool)}
}

func (m *memory) recall(e edge) (good, known bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if good, known = m.young[e]; known {
		return good, true
	}
	good, known = m.old[e]
	if known {
		m.keep(e, good)
	}
	return good, known
}

func (m *memory) remember(e edge, outcome pki.Outcome) {
	if outcome != pki.Good && outcome != pki.Bad {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.keep(e, outcome == pki.Good)
}

// keep is called under mu.
func (m *memory) keep(e edge, good bool) {
	if len(m.young) >= m.size {
		m.old, m.young = m.young, make(map[edge]bool)
	}
	m.young[e] = good
}

func edgeOf(issuer, c *cert.Certificate) edge {
	return edge{issuer.Key.Point(), c.SM3()}
}
