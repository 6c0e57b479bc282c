package status

import (
	"fmt"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/detcbor"
)

// MaxFileSize bounds a set file, in bytes: both planes at their densest, coded.
const MaxFileSize = 4 * planeBytes

// setFile is the content of a file set/<SM3>: a snapshot (From = 0) or a delta.
type setFile struct {
	_         struct{} `cbor:",toarray"`
	Format    string   // "elicence/setfile/1"
	List      uint64
	From      uint64 // sequence that the delta starts from; 0 for a snapshot
	To        uint64 // sequence that results
	High      uint64 // of the result
	Revoked   coded  // a snapshot's plane, or what a delta adds
	Suspended coded  // a snapshot's plane, or what a delta toggles
}

const fileFormat = "elicence/setfile/1"

// Snapshot returns the file of a whole set at a sequence number.
func (s *Set) Snapshot(sequence uint64) ([]byte, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	return encodeFile(setFile{List: uint64(s.List), To: sequence, High: uint64(s.High)}, &s.Revoked, &s.Suspended)
}

// encodeFile completes a file with its coded planes.
func encodeFile(f setFile, revoked, suspended *Plane) ([]byte, error) {
	f.Format = fileFormat
	var err error
	if f.Revoked, err = revoked.encode(); err != nil {
		return nil, err
	}
	if f.Suspended, err = suspended.encode(); err != nil {
		return nil, err
	}
	return detcbor.Marshal(f)
}

// Delta returns the file of what changed from an earlier state of the same list.
func (s *Set) Delta(earlier *Set, from, to uint64) ([]byte, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	if err := s.follows(earlier, from, to); err != nil {
		return nil, err
	}
	var revoked, suspended Plane
	for i := range planeBytes {
		revoked[i] = s.Revoked[i] ^ earlier.Revoked[i]
		suspended[i] = s.Suspended[i] ^ earlier.Suspended[i]
	}
	return encodeFile(setFile{List: uint64(s.List), From: from, To: to, High: uint64(s.High)}, &revoked, &suspended)
}

// follows checks that s can be a later state than earlier.
func (s *Set) follows(earlier *Set, from, to uint64) error {
	if s.List != earlier.List || s.High < earlier.High || from < 1 || to <= from {
		return fmt.Errorf("list %d: not a later state of list %d: %w", s.List, earlier.List, ErrUnrevoked)
	}
	for i := range planeBytes {
		if earlier.Revoked[i]&^s.Revoked[i] != 0 {
			return fmt.Errorf("list %d: %w", s.List, ErrUnrevoked)
		}
	}
	return nil
}

// Apply takes a set file and returns the state that results: a snapshot stands
// for itself, a delta changes earlier, which is left as it was. The caller
// compares the result's hash with the signed one.
func Apply(file []byte, list uint32, earlier *Set, from, to uint64) (*Set, error) {
	if len(file) > MaxFileSize {
		return nil, fmt.Errorf("set file of %d bytes, at most %d are read: %w", len(file), MaxFileSize, ErrMalformed)
	}
	var f setFile
	if err := detcbor.Unmarshal(file, &f); err != nil {
		return nil, fmt.Errorf("set file: %w: %w", ErrMalformed, err)
	}
	if f.Format != fileFormat || f.List != uint64(list) || f.From != from || f.To != to || f.High > ListSize {
		return nil, fmt.Errorf("set file is not list %d from %d to %d: %w", list, from, to, ErrMalformed)
	}
	result := &Set{List: list, High: uint32(f.High)}
	if err := f.Revoked.decode(&result.Revoked); err != nil {
		return nil, err
	}
	if err := f.Suspended.decode(&result.Suspended); err != nil {
		return nil, err
	}
	if from != 0 {
		if err := result.addTo(earlier); err != nil {
			return nil, err
		}
	}
	return result, result.check()
}

// addTo turns s, which holds a delta's planes, into the state after earlier.
func (s *Set) addTo(earlier *Set) error {
	if earlier == nil || earlier.List != s.List || s.High < earlier.High {
		return fmt.Errorf("list %d: delta does not follow: %w", s.List, ErrUnrevoked)
	}
	for i := range planeBytes {
		if s.Revoked[i]&earlier.Revoked[i] != 0 {
			return fmt.Errorf("list %d: %w", s.List, ErrUnrevoked)
		}
		s.Revoked[i] |= earlier.Revoked[i]
		s.Suspended[i] ^= earlier.Suspended[i]
	}
	return nil
}

// FileHash returns the name of a set file: SM3 of its bytes.
func FileHash(file []byte) [sm3.Size]byte { return sm3.Sum(file) }
