package office

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/keystore"
	"github.com/elicence/elicence/qr/trust"
	"github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/pdf"
)

// Every use of a seal is one entry of the audit log with the document's digest. The proof
// that this entry stood in the log under a checkpoint proves that the document was sealed
// by the time of the checkpoint, as a time stamp over the signature would.

// Errors of proofs of use.
var (
	// ErrNoUse says that the audit log holds no such use of a seal.
	ErrNoUse = errors.New("the audit log holds no such use of a seal")
	// ErrWhichSeal says that it was not said which of several seals is meant.
	ErrWhichSeal = errors.New("the document has several seals: say which field is meant")
)

// ProveUse returns the proof file of the use of a seal on a document, by the name of its
// field; empty where the document has one seal. It is under a checkpoint of this moment, or
// under one that somebody kept: a time file as scanners cache it, a checkpoint or a proof
// file. The earlier it is, the longer the proof is good: it must have been
// made while the seal's certificate was in force.
func (o *Office) ProveUse(ctx context.Context, doc *pdf.Document, field string, kept []byte) ([]byte, error) {
	s, err := sealOn(doc, field)
	if err != nil {
		return nil, err
	}
	signed, size, err := o.keptCheckpoint(ctx, kept)
	if err != nil {
		return nil, err
	}
	key, err := o.currentKey(ctx, keystore.PurposeService, checkpointKey)
	if err != nil {
		return nil, err
	}
	var file []byte
	err = o.readLog(ctx, func(log audit.Storage, present uint64) error {
		index, err := useIn(interruptible{log, ctx}, present, s)
		if err != nil {
			return err
		}
		if kept == nil {
			c, err := o.checkpoint(log, present, key)
			if err != nil {
				return err
			}
			signed, size = c.Signed, present
		}
		if index >= size || size > present {
			return fmt.Errorf("entry %d, and the checkpoint is of a log of %d: %w", index, size, ErrNoEntry)
		}
		p, err := audit.NewProof(log, index, signed, size, false)
		if err != nil {
			return err
		}
		file, err = p.Marshal()
		return err
	})
	return file, err
}

// keptCheckpoint reads a checkpoint of this log that somebody kept, with its size.
func (o *Office) keptCheckpoint(ctx context.Context, kept []byte) ([]byte, uint64, error) {
	if kept == nil {
		return nil, 0, nil
	}
	keys, err := o.LogKeys(ctx)
	if err != nil {
		return nil, 0, err
	}
	if checkpoint, err := trust.Checkpoint(kept); err == nil {
		kept = checkpoint
	} else if p, err := audit.ParseProof(kept); err == nil {
		kept = p.Checkpoint
	}
	w, err := audit.OpenWitnessed("checkpoint", kept, keys...)
	if err != nil {
		return nil, 0, err
	}
	if w.Cosigner != "" {
		return nil, 0, fmt.Errorf("a cosigned checkpoint, not the log's own: %w", audit.ErrCheckpoint)
	}
	c := w.Checkpoint
	if c.Origin != o.config.Domain {
		return nil, 0, fmt.Errorf("the log of %q: %w", c.Origin, audit.ErrCheckpoint)
	}
	err = o.readLog(ctx, func(log audit.Storage, present uint64) error {
		if c.Size > present {
			return fmt.Errorf("a checkpoint of %d entries, the log has %d: %w", c.Size, present, ErrNoEntry)
		}
		root, err := audit.Root(log, c.Size)
		if err == nil && !bytes.Equal(root, c.Root) {
			err = fmt.Errorf("a checkpoint of another log with this name: %w", audit.ErrCheckpoint)
		}
		return err
	})
	return kept, c.Size, err
}

// sealOn finds the seal signature of a field, or the only one.
func sealOn(doc *pdf.Document, field string) (*seal.Signature, error) {
	all, err := doc.Signatures()
	if err != nil {
		return nil, err
	}
	var found *seal.Signature
	for i := range all {
		if field != "" && all[i].Field != field || len(all[i].Faults) > 0 {
			continue
		}
		s, err := seal.ParseSignatureTolerant(all[i].Contents)
		if err != nil || s.Stamp.Document != all[i].Digest {
			continue // a person's, a time stamp, or of another document
		}
		if found != nil {
			return nil, ErrWhichSeal
		}
		found = s
	}
	if found == nil {
		return nil, fmt.Errorf("the document has no seal in order %s: %w", field, ErrNoUse)
	}
	return found, nil
}

// searched is how far around the time that a seal signature claims its entry is looked for
// first: entries stand in the order of their times but for those that came together.
const searched = 10 * time.Minute

// useIn finds the entry of a use: near the time that the signature claims, and if it is
// not there in the whole log.
func useIn(log audit.Storage, size uint64, s *seal.Signature) (uint64, error) {
	var failed error
	at := func(index uint64) audit.Entry {
		r, err := log.Record(index)
		if err == nil {
			var e audit.Entry
			if e, err = r.Entry(); err == nil {
				return e
			}
		}
		failed = errors.Join(failed, fmt.Errorf("audit log entry %d: %w", index, err))
		return audit.Entry{}
	}
	since, until := s.Stamp.Time.Add(-searched).Unix(), s.Stamp.Time.Add(searched).Unix()
	first := uint64(sort.Search(int(min(size, 1<<62)), func(i int) bool { return failed != nil || at(uint64(i)).Time >= since })) //nolint:gosec // bounded
	for _, part := range []struct {
		from    uint64
		bounded bool
	}{{first, true}, {0, false}} {
		for i := part.from; i < size && failed == nil; i++ {
			e := at(i)
			if part.bounded && e.Time > until {
				break
			}
			if isUse(e) && e.Subject == s.Seal.ID && bytes.Equal(e.Digest, s.Stamp.Document[:]) {
				return i, failed
			}
		}
	}
	if failed != nil {
		return 0, failed
	}
	return 0, fmt.Errorf("seal %s on the document of %x: %w", s.Seal.ID, s.Stamp.Document[:8], ErrNoUse)
}

// isUse reports that an entry is the use of a seal on a document.
func isUse(e audit.Entry) bool { return e.Act == audit.ActSealUse && len(e.Digest) == sm3.Size }

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

// MaxUseProofs bounds the proofs that are given beside one document.
const MaxUseProofs = 64

// WithProofs returns an inspector that also knows proof files of the audit log, which must
// be in their form ([audit.ErrProofFile]). One that does not hold, is of another log or of
// something else than a document's seals does not count, and is no fault of the document.
func (i *Inspector) WithProofs(files ...[]byte) (*Inspector, error) {
	if len(files) > MaxUseProofs {
		return nil, fmt.Errorf("%d proofs, at most %d are read: %w", len(files), MaxUseProofs, audit.ErrProofFile)
	}
	with := *i
	with.pdf.Seals.Uses = slices.Clone(i.pdf.Seals.Uses)
	with.proofs = make([]ProofFinding, len(files))
	with.uses = make([]seal.Use, len(files))
	for n, file := range files {
		p, err := audit.ParseProof(file)
		if err != nil {
			return nil, err
		}
		found := &with.proofs[n]
		found.ID = p.Index
		e, c, err := i.logged(p)
		if err != nil {
			found.Cause = err.Error()
			continue
		}
		found.Act, found.Seal, found.Time, found.ProvenAt = string(e.Act), e.Subject, stamp(e.At()), stamp(c.At())
		if !isUse(e) {
			found.Cause = "the entry is not the use of a seal"
			continue
		}
		with.uses[n] = seal.Use{Seal: e.Subject, Document: [sm3.Size]byte(e.Digest), At: c.At(), Log: "审计日志 audit log " + c.Origin}
		with.pdf.Seals.Uses = append(with.pdf.Seals.Uses, with.uses[n])
	}
	return &with, nil
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
