package inspect

import (
	"errors"
	"fmt"
	"slices"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/pdf"
)

// ProofFinding is what a proof of the audit log, given beside a document, turned out to be.
type ProofFinding struct {
	ID       uint64 `json:"id"` // of the entry
	Act      string `json:"act"`
	Seal     string `json:"seal"`
	Time     string `json:"time"`      // of the entry
	ProvenAt string `json:"proven_at"` // of the checkpoint; empty: nothing is proven
	Counts   bool   `json:"counts"`    // a seal of the document was used so
	Cause    string `json:"cause"`     // why it does not count
}

// MaxProofs bounds the proofs that are given beside one document.
const MaxProofs = 64

// WithProofs returns an inspector that also knows proof files of the audit log, which must
// be in their form ([audit.ErrProofFile]). One that does not hold, is of another log or of
// something else than a document's seals does not count, and is no fault of the document.
func (i *Inspector) WithProofs(files ...[]byte) (*Inspector, error) {
	if len(files) > MaxProofs {
		return nil, fmt.Errorf("%d proofs, at most %d are read: %w", len(files), MaxProofs, audit.ErrProofFile)
	}
	with := *i
	with.proofs, with.uses = slices.Clone(i.proofs), slices.Clone(i.uses)
	for _, file := range files {
		p, err := audit.ParseProof(file)
		if err != nil {
			return nil, err
		}
		found, use := i.proof(p)
		with.proofs, with.uses = append(with.proofs, found), append(with.uses, use)
	}
	with.pdf.Seals.Uses = slices.DeleteFunc(slices.Clone(with.uses), func(u seal.Use) bool { return u.Seal == "" })
	return &with, nil
}

// proof says what a proof proves; a use of no seal: nothing.
func (i *Inspector) proof(p *audit.Proof) (ProofFinding, seal.Use) {
	found := ProofFinding{ID: p.Index}
	e, c, err := i.logged(p)
	if err != nil {
		found.Cause = err.Error()
		return found, seal.Use{}
	}
	found.Act, found.Seal, found.Time, found.ProvenAt = string(e.Act), e.Subject, stamp(e.At()), stamp(c.At())
	if !e.UsesSeal() {
		found.Cause = "the entry is not the use of a seal"
		return found, seal.Use{}
	}
	return found, seal.Use{Seal: e.Subject, Document: [sm3.Size]byte(e.Digest), At: c.At(), Log: "审计日志 audit log " + c.Origin}
}

// logged verifies a proof by the keys of the log that the trust list names, each in its
// time.
func (i *Inspector) logged(p *audit.Proof) (audit.Entry, audit.Checkpoint, error) {
	list := i.cache.Trust
	keys, err := list.LogKeys()
	if err != nil {
		return audit.Entry{}, audit.Checkpoint{}, err
	}
	err = audit.ErrCheckpoint
	for n, key := range keys {
		var e audit.Entry
		var c audit.Checkpoint
		if e, c, err = p.Verify(key); err != nil {
			if errors.Is(err, audit.ErrCheckpoint) {
				continue // perhaps by another key
			}
			return e, c, err
		}
		switch {
		case c.Origin != list.Log.Origin:
			err = fmt.Errorf("the log of %q: %w", c.Origin, audit.ErrCheckpoint)
		case n > 0 && (c.Time < list.PastLogs[n-1].From || c.Time > list.PastLogs[n-1].Until):
			err = fmt.Errorf("the log's key %s was not in use at %s: %w", key.KID(), stamp(c.At()), audit.ErrCheckpoint)
		case c.At().Sub(i.verifier.Now()) > statementTolerance:
			err = fmt.Errorf("the checkpoint is of %s, which is still to come: %w", stamp(c.At()), audit.ErrCheckpoint)
		case e.Time > c.Time:
			err = fmt.Errorf("the entry is later than its checkpoint: %w", audit.ErrCheckpoint)
		}
		return e, c, err
	}
	return audit.Entry{}, audit.Checkpoint{}, err
}

// proofFindings says which of the proofs count for a document.
func (i *Inspector) proofFindings(report *pdf.Report) []ProofFinding {
	out := slices.Clone(i.proofs)
	for n := range out {
		f := &out[n]
		if f.Cause != "" {
			continue
		}
		f.Counts = slices.ContainsFunc(report.Signatures, func(s pdf.Signed) bool {
			u := i.uses[n]
			logged := slices.ContainsFunc(s.Checks, func(c seal.Check) bool { return c.Name == seal.CheckUse })
			return logged && s.Seal != nil && s.Seal.ID == u.Seal && s.Digest == u.Document && !s.SignedAt.After(u.At)
		})
		if !f.Counts {
			f.Cause = "no seal of this document was used so, or the certificate had ended by the time of the checkpoint"
		}
	}
	return out
}
