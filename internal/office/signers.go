package office

import (
	"sync"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/fixedkey"
)

// signers remembers the keys of issuing authorities, so that not every licence opens a
// key file. Those that sign much one by one get tables for their self-check (package
// fixedkey).
type signers struct {
	mu   sync.Mutex
	all  map[pki.Point]*signer // guarded by mu
	fast int                   // how many have tables; guarded by mu
}

type signer struct {
	mu   sync.Mutex
	key  *pki.Key // guarded by mu
	uses int      // guarded by mu
	fast bool     // guarded by mu
}

const (
	// manySignatures is how often a key is asked for before tables are made for it, which
	// takes as long as some hundred signatures.
	manySignatures = 1000
	// maxFast bounds the keys with tables, of 90 kB each.
	maxFast = 64
)

// key returns a key, opening it the first time. Whoever will sign much with it says so.
func (s *signers) key(point pki.Point, much bool, open func() (*pki.Key, error)) (*pki.Key, error) {
	s.mu.Lock()
	if s.all == nil {
		s.all = make(map[pki.Point]*signer)
	}
	k := s.all[point]
	if k == nil {
		k = new(signer)
		s.all[point] = k
	}
	s.mu.Unlock()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.key == nil {
		key, err := open()
		if err != nil {
			return nil, err
		}
		k.key = key
	}
	k.uses++
	if !k.fast && (much || k.uses >= manySignatures) && s.mayBeFast() {
		k.key, k.fast = k.key.CheckedBy(fixedkey.New(k.key.Public()).VerifyDigest), true
	}
	return k.key, nil
}

func (s *signers) mayBeFast() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fast == maxFast {
		return false
	}
	s.fast++
	return true
}
