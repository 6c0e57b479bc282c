package status

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	"github.com/emmansun/gmsm/sm3"
)

const listBits = 20

// ListSize is the number of indices of a list.
const ListSize = 1 << listBits

// CertificateLists is the first number of a list of certificates. Those of licences lie below.
const CertificateLists = 1 << 31

const planeBytes = ListSize / 8

// Plane is the set of indices that have one status.
type Plane [planeBytes]byte

// Has reports whether an index below [ListSize] is in the plane.
func (p *Plane) Has(index uint32) bool { return p[index/8]>>(index%8)&1 == 1 }

// Set puts an index into the plane.
func (p *Plane) Set(index uint32) { p[index/8] |= 1 << (index % 8) }

// Clear takes an index out of the plane.
func (p *Plane) Clear(index uint32) { p[index/8] &^= 1 << (index % 8) }

// Count returns the number of indices in the plane.
func (p *Plane) Count() int {
	n := 0
	for i := 0; i < planeBytes; i += 8 {
		n += bits.OnesCount64(binary.LittleEndian.Uint64(p[i:]))
	}
	return n
}

// appendDifference appends the places of a list in which two planes differ.
func appendDifference(dst []Place, list uint32, a, b *Plane) []Place {
	for i := 0; i < planeBytes; i += 8 {
		for word := binary.LittleEndian.Uint64(a[i:]) ^ binary.LittleEndian.Uint64(b[i:]); word != 0; word &= word - 1 {
			dst = append(dst, PlaceOf(list, uint32(i*8+bits.TrailingZeros64(word))))
		}
	}
	return dst
}

// Hash identifies a set.
type Hash [sm3.Size]byte

// Set is the state of one list.
type Set struct {
	List      uint32
	High      uint32 // end, exclusive, of the last opened window
	Revoked   Plane
	Suspended Plane
}

// Hash returns the set's identity.
func (s *Set) Hash() Hash {
	h := sm3.New()
	h.Write([]byte("elicence/set/1"))
	h.Write(binary.BigEndian.AppendUint32(nil, s.List))
	h.Write(binary.BigEndian.AppendUint32(nil, s.High))
	h.Write(s.Revoked[:])
	h.Write(s.Suspended[:])
	return Hash(h.Sum(nil))
}

// Errors of this package.
var (
	// ErrMalformed: bytes are not a coded set of this version.
	ErrMalformed = errors.New("malformed status list")
	// ErrUnrevoked: a change would take back a revocation or lower the high
	// mark.
	ErrUnrevoked = errors.New("a status list must not take back a revocation")
)

// Check refuses a set that names indices never given out.
func (s *Set) Check() error {
	if s.High > ListSize {
		return fmt.Errorf("list %d: high mark %d is beyond the list: %w", s.List, s.High, ErrMalformed)
	}
	for _, p := range []*Plane{&s.Revoked, &s.Suspended} {
		for i := int(s.High); i < ListSize; i++ {
			if i%64 == 0 && binary.LittleEndian.Uint64(p[i/8:]) == 0 {
				i += 63
				continue
			}
			if p.Has(uint32(i)) {
				return fmt.Errorf("list %d: index %d is at or above the high mark %d: %w", s.List, i, s.High, ErrMalformed)
			}
		}
	}
	return nil
}
