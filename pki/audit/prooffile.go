package audit

import (
	"fmt"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/detcbor"
	"github.com/elicence/elicence/pki"
)

// Names of the files, the first item of each.
const (
	proofName       = "elicence/audit-proof/1"
	consistencyName = "elicence/audit-consistency/1"
)

// Limits of the files in bytes.
const (
	MaxProofSize       = MaxCheckpointSize + MaxEntrySize + MaxDetailsSize + 64*40
	MaxConsistencySize = maxPath * 40
)

// ErrProofFile says that bytes are not a proof file in its one form.
var ErrProofFile = bilingual.New("不是证明文件", "not a proof file")

// Proof is a file that proves, without the log, that an entry is in it: anyone who
// has the key of the log's checkpoints can check it.
type Proof struct {
	_          struct{} `cbor:",toarray"`
	Name       string   // elicence/audit-proof/1
	Checkpoint []byte   // signed
	Index      uint64
	Leaf       []byte   // the entry
	Path       [][]byte // inclusion proof in the log of the checkpoint
	Key        []byte   // of the entry's commitment, if its details are disclosed
	Details    []byte   // disclosed, or empty
}

// NewProof builds a proof of an entry in the log of a signed checkpoint with a size.
// Details and their key go into it only if disclose says so.
func NewProof(s Storage, index uint64, signed []byte, size uint64, disclose bool) (*Proof, error) {
	r, err := s.Record(index)
	if err != nil {
		return nil, fmt.Errorf("proving entry %d: %w", index, err)
	}
	path, err := Inclusion(s, index, size)
	if err != nil {
		return nil, err
	}
	p := &Proof{Name: proofName, Checkpoint: signed, Index: index, Leaf: r.Leaf, Path: path}
	if !disclose {
		return p, nil
	}
	if r.ErasedBy > 0 {
		return nil, fmt.Errorf("disclosing the details of entry %d: by entry %d: %w", index, r.ErasedBy, ErrErased)
	}
	p.Key, p.Details = r.Key, r.Details
	return p, nil
}

// Marshal encodes the file.
func (p *Proof) Marshal() ([]byte, error) { return detcbor.Marshal(p) }

// ParseProof decodes a proof file. It verifies nothing: see [Proof.Verify].
func ParseProof(file []byte) (*Proof, error) {
	p := new(Proof)
	if len(file) > MaxProofSize {
		return nil, fmt.Errorf("%d bytes, at most %d are read: %w", len(file), MaxProofSize, ErrProofFile)
	}
	if err := detcbor.Unmarshal(file, p); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrProofFile, err)
	}
	if p.Name != proofName {
		return nil, fmt.Errorf("it is %.64q, not %q: %w", p.Name, proofName, ErrProofFile)
	}
	if err := checkHashes(p.Path); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrProofFile, err)
	}
	return p, nil
}

// Verify checks the checkpoint's signature, that the entry is in its log, and that
// disclosed details are those the entry commits to.
func (p *Proof) Verify(log *pki.PublicKey) (Entry, Checkpoint, error) {
	c, err := OpenCheckpoint(p.Checkpoint, log)
	if err != nil {
		return Entry{}, Checkpoint{}, err
	}
	if err := VerifyInclusion(p.Leaf, p.Index, c.Size, c.Root, p.Path); err != nil {
		return Entry{}, Checkpoint{}, err
	}
	e, err := ParseEntry(p.Leaf)
	if err != nil {
		return Entry{}, Checkpoint{}, err
	}
	if len(p.Key)+len(p.Details) > 0 && !opens(e, p.Key, p.Details) {
		return Entry{}, Checkpoint{}, ErrDetails
	}
	return e, c, nil
}

// ConsistencyProof is a file that proves that a log continues an earlier state of
// itself. The states are in checkpoints, which go with it.
type ConsistencyProof struct {
	_      struct{} `cbor:",toarray"`
	Name   string   // elicence/audit-consistency/1
	First  uint64
	Second uint64
	Path   [][]byte
}

// NewConsistencyProof builds the proof between two sizes of a log.
func NewConsistencyProof(s Storage, first, second uint64) (*ConsistencyProof, error) {
	path, err := Consistency(s, first, second)
	if err != nil {
		return nil, err
	}
	return &ConsistencyProof{Name: consistencyName, First: first, Second: second, Path: path}, nil
}

// Marshal encodes the file.
func (p *ConsistencyProof) Marshal() ([]byte, error) { return detcbor.Marshal(p) }

// ParseConsistencyProof decodes a consistency proof file.
func ParseConsistencyProof(file []byte) (*ConsistencyProof, error) {
	p := new(ConsistencyProof)
	if len(file) > MaxConsistencySize {
		return nil, fmt.Errorf("%d bytes, at most %d are read: %w", len(file), MaxConsistencySize, ErrProofFile)
	}
	if err := detcbor.Unmarshal(file, p); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrProofFile, err)
	}
	if p.Name != consistencyName {
		return nil, fmt.Errorf("it is %.64q, not %q: %w", p.Name, consistencyName, ErrProofFile)
	}
	if err := checkHashes(p.Path); err != nil || p.First > p.Second {
		return nil, fmt.Errorf("its sizes or hashes: %w", ErrProofFile)
	}
	return p, nil
}
