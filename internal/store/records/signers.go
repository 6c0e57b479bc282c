package records

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/elicence/elicence/internal/store/kv"
	"github.com/elicence/elicence/pki"
)

// signer is a key that signs licences and whose it is. Records name it by a number: a
// province has a few hundred of them, and millions of licences.
type signer struct {
	point  pki.Point
	issuer string // unified social credit code
	public *pki.PublicKey
}

func (s signer) value() []byte { return append(s.point[:], s.issuer...) }

// signers remembers what is stored of them. A signer's number never changes.
type signers struct {
	mu       sync.Mutex
	byNumber map[uint32]signer // guarded by mu
	byValue  map[string]uint32 // guarded by mu: the stored value → number
	missed   atomic.Bool       // one was read that is not remembered
}

func (c *signers) number(value []byte) (uint32, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, known := c.byValue[string(value)]
	return n, known
}

func (c *signers) remember(number uint32, s signer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byNumber == nil {
		c.byNumber, c.byValue = make(map[uint32]signer), make(map[string]uint32)
	}
	c.byNumber[number], c.byValue[string(s.value())] = s, number
}

func signerKey(number uint32) []byte { return binary.BigEndian.AppendUint32(nil, number) }

func parseSigner(value []byte) (signer, error) {
	if len(value) < pki.PointSize {
		return signer{}, errors.New("the stored signer is damaged")
	}
	s := signer{point: pki.Point(value[:pki.PointSize]), issuer: string(value[pki.PointSize:])}
	var err error
	s.public, err = pki.ParsePoint(s.point[:])
	return s, err
}

// signer returns the signer of a number.
func (s *Store) signer(tx kv.Tx, number uint32) (signer, error) {
	s.signers.mu.Lock()
	by, known := s.signers.byNumber[number]
	s.signers.mu.Unlock()
	if known {
		return by, nil
	}
	s.signers.missed.Store(true)
	value := tx.Table(tableSigners).Get(signerKey(number))
	if value == nil {
		return signer{}, fmt.Errorf("signer %d is missing", number)
	}
	return parseSigner(value)
}

// learnSigners remembers what is stored, for those who read and write later. It must see
// only what is there for good: a number that was lost is given to another.
func (s *Store) learnSigners(tx kv.Tx) error {
	for key, value := range tx.Table(tableSigners).Range(nil, nil) {
		by, err := parseSigner(value)
		if err != nil {
			return err
		}
		if len(key) != 4 {
			return errors.New("the key of a signer is damaged")
		}
		s.signers.remember(binary.BigEndian.Uint32(key), by)
	}
	return nil
}

// numberSigner returns the number of a signer, in the transaction of what it signed. A
// new one gets the next.
func (s *Store) numberSigner(tx kv.Tx, by signer) (uint32, error) {
	value := by.value()
	if n, known := s.signers.number(value); known {
		return n, nil
	}
	t, next := tx.Table(tableSigners), uint32(1)
	for key, other := range t.Range(nil, nil) {
		if len(key) != 4 {
			return 0, errors.New("the key of a signer is damaged")
		}
		next = binary.BigEndian.Uint32(key)
		if string(other) == string(value) {
			return next, nil
		}
		next++
	}
	return next, t.Put(signerKey(next), value)
}
