package audit

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/transparency-dev/merkle/compact"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cose"
)

// Witnessed is a checkpoint that somebody kept outside of the log's reach.
type Witnessed struct {
	Name       string // where it comes from, for people: a file
	Checkpoint Checkpoint
	// Entry is an entry that a proof file shows to be in the log of the checkpoint;
	// Leaf nil: none.
	Index uint64
	Leaf  []byte
	// Cosigner is the name that an outside witness has signed with; empty: nobody but the
	// log has signed. Until [Witnessed.VerifyCosignature] says whose key that was, anybody
	// may have written it.
	Cosigner string

	cosigned []byte         // as the witness signed it
	log      *pki.PublicKey // that signed the checkpoint
}

// OpenWitnessed reads what a witness may hold: a signed checkpoint, a cosigned one,
// or a proof file. The log's own signature on the checkpoint counts, by one of its
// keys; a cosignature around it is for [Witnessed.VerifyCosignature]. What is none of these
// is [ErrProofFile], what another key signed [ErrCheckpoint].
func OpenWitnessed(name string, file []byte, keys ...*pki.PublicKey) (Witnessed, error) {
	w := Witnessed{Name: name}
	signed, proof := file, (*Proof)(nil)
	if m, err := cose.Parse(file); err != nil {
		if proof, err = ParseProof(file); err != nil {
			return w, fmt.Errorf("%s: neither a checkpoint nor a proof: %w", name, ErrProofFile)
		}
		signed = proof.Checkpoint
	} else if len(file) <= MaxCheckpointSize {
		if s, err := parseCosignature(m.Payload); err == nil {
			signed, w.Cosigner, w.cosigned = s.Checkpoint, s.Name, file
		}
	}
	refused := fmt.Errorf("%s: no key to verify with: %w", name, ErrCheckpoint)
	for _, key := range keys {
		c, err := OpenCheckpoint(signed, key)
		if err != nil {
			refused = fmt.Errorf("%s: %w", name, err)
			continue
		}
		w.Checkpoint, w.log = c, key
		if proof == nil {
			return w, nil
		}
		w.Index, w.Leaf = proof.Index, proof.Leaf
		if _, _, err := proof.Verify(key); err != nil {
			return w, fmt.Errorf("%s: %w", name, err)
		}
		return w, nil
	}
	return w, refused
}

// VerifyCosignature verifies a cosigned checkpoint by the keys of the witnesses that are
// known, and returns the key that has signed it. It is nil where the header names none of
// them: another witness's, of which nothing is known. What names one of them and is not
// signed by it wraps [ErrCheckpoint], as what the log itself has cosigned does.
func (w Witnessed) VerifyCosignature(witnesses ...*pki.PublicKey) (*pki.PublicKey, error) {
	if w.cosigned == nil {
		return nil, nil
	}
	m, err := cose.Parse(w.cosigned)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", w.Name, ErrCheckpoint, err)
	}
	var refused error
	for _, key := range witnesses {
		if key.KID() != m.KID {
			continue
		}
		if key.Equal(w.log) {
			return nil, fmt.Errorf("%s: the log has cosigned its own checkpoint as %q: %w", w.Name, w.Cosigner, ErrCheckpoint)
		}
		_, _, err := OpenCosignature(w.cosigned, key, w.log)
		if err == nil {
			return key, nil
		}
		refused = fmt.Errorf("%s: cosignature of %q: %w", w.Name, w.Cosigner, err)
	}
	return nil, refused
}

// ContradictionError says that a log is whole in itself but not the one that a
// witness saw: it was cut, rolled back, or made anew from some entry on.
type ContradictionError struct {
	Witness string // the first that contradicts
	Size    uint64 // of the log that it saw
	// The first entry that is not what it was is at least From and less than Until.
	From, Until uint64
	What        string
}

// Error implements error.
func (e *ContradictionError) Error() string {
	which := fmt.Sprintf("entry %d", e.From)
	if e.From+1 < e.Until {
		which = fmt.Sprintf("one of the entries %d to %d", e.From, e.Until-1)
	}
	return fmt.Sprintf("witness %s saw a log of %d entries: %s: %s", e.Witness, e.Size, which, e.What)
}

// VerifyWitnessed is [Verify] that also compares the log with what witnesses saw.
// Every witness's root is recomputed from the entries; the first that contradicts,
// the one of the smallest log, is a [*ContradictionError].
func VerifyWitnessed(s Storage, origin string, witnesses []Witnessed) ([]byte, error) {
	sorted := slices.Clone(witnesses)
	slices.SortStableFunc(sorted, func(a, b Witnessed) int { return cmp.Compare(a.Checkpoint.Size, b.Checkpoint.Size) })
	proven := make(map[uint64][]Witnessed)
	for i, w := range sorted {
		if w.Checkpoint.Origin != origin {
			return nil, fmt.Errorf("witness %s saw the log of %q, not of %q: %w", w.Name, w.Checkpoint.Origin, origin, ErrCheckpoint)
		}
		// Two roots for one size need no log to be a lie.
		if i > 0 && sorted[i-1].Checkpoint.Size == w.Checkpoint.Size && !bytes.Equal(sorted[i-1].Checkpoint.Root, w.Checkpoint.Root) {
			return nil, &ContradictionError{
				Witness: w.Name, Size: w.Checkpoint.Size, Until: w.Checkpoint.Size,
				What: "witness " + sorted[i-1].Name + " was shown another log of the same size",
			}
		}
		if w.Leaf != nil {
			proven[w.Index] = append(proven[w.Index], w)
		}
	}
	next, agreed := 0, uint64(0)
	root, err := walk(s, func(size uint64, leaf []byte, tree *compact.Range) error {
		for _, w := range proven[size-min(size, 1)] {
			if size > 0 && !bytes.Equal(w.Leaf, leaf) {
				return &ContradictionError{w.Name, w.Checkpoint.Size, w.Index, w.Index + 1, "it was another one"}
			}
		}
		for ; next < len(sorted) && sorted[next].Checkpoint.Size == size; next++ {
			root, err := rootOf(tree)
			if err != nil {
				return err
			}
			if w := sorted[next]; !bytes.Equal(root, w.Checkpoint.Root) {
				return &ContradictionError{w.Name, size, agreed, size, "it was another one, or stood elsewhere"}
			}
			agreed = size
		}
		return nil
	})
	var damage *DamageError
	if next < len(sorted) && (err == nil || errors.As(err, &damage)) {
		// A log that was cut is told so even if the cut left a trace.
		size, sizeErr := s.Size()
		if sizeErr != nil {
			return nil, fmt.Errorf("reading the size of the log: %w", sizeErr)
		}
		if w := sorted[next]; w.Checkpoint.Size > size && (err == nil || damage.cut) {
			return nil, &ContradictionError{w.Name, w.Checkpoint.Size, size, size + 1, fmt.Sprintf("it is missing: the log has only %d entries", size)}
		}
	}
	return root, err
}
