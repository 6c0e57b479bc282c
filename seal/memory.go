package seal

import (
	"sync"

	"github.com/elicence/elicence/pki/cert"
)

// A Memory keeps seals and signers' certificates that were found in order, so that the next
// document with the same seal costs neither their parsing nor the maker's signature. They
// are known by all their bytes, and only what can never change is kept: that they read as
// they do, and that the maker's signature is good. Whether the maker may make seals, and
// every certificate's path, dates and revocation, are asked each time. It is safe for
// concurrent use; a nil Memory remembers nothing.
type Memory struct {
	mu           sync.Mutex
	seals        map[string]*Seal             // by their DER; guarded by mu
	certificates map[string]*cert.Certificate // by their DER; guarded by mu
	bytes        int                          // of both; guarded by mu
}

// memorySize is how many bytes of DER are kept before all are forgotten.
const memorySize = 16 << 20

// NewMemory returns an empty memory.
func NewMemory() *Memory {
	return &Memory{seals: make(map[string]*Seal), certificates: make(map[string]*cert.Certificate)}
}

// ParseSignature is [ParseSignatureTolerant]. The seal and the certificate may be those of
// an earlier signature, and must not be changed.
func (m *Memory) ParseSignature(der []byte) (*Signature, error) { return parseTolerant(der, m) }

func (m *Memory) seal(der []byte) *Seal {
	if m == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.seals[string(der)]
}

func (m *Memory) certificate(der []byte) *cert.Certificate {
	if m == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.certificates[string(der)]
}

// parseCertificate is [cert.Parse] of a certificate, or what that found before.
func (m *Memory) parseCertificate(der []byte) (*cert.Certificate, error) {
	if known := m.certificate(der); known != nil {
		return known, nil
	}
	return cert.Parse(der)
}

// keepSeal remembers a seal whose maker and whose maker's signature are good. Others are
// not kept: anybody can make them, in any number.
func (m *Memory) keepSeal(s *Seal) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	// One that was read strictly serves both ways of reading.
	if before := m.seals[string(s.DER)]; before == nil || s.strict && !before.strict {
		m.room(len(s.DER))
		m.seals[string(s.DER)] = s
	}
}

// made reports whether the maker's signature of this very seal was found good before.
func (m *Memory) made(s *Seal) bool { return s != nil && m.seal(s.DER) == s }

// keepCertificate remembers a certificate that has a valid path or is part of one.
func (m *Memory) keepCertificate(c *cert.Certificate) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.certificates[string(c.DER)] == nil {
		m.room(len(c.DER))
		m.certificates[string(c.DER)] = c
	}
}

// room is called under mu.
func (m *Memory) room(n int) {
	if m.bytes += n; m.bytes > memorySize {
		clear(m.seals)
		clear(m.certificates)
		m.bytes = n
	}
}
