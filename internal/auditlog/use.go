package auditlog

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"sort"
	"time"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/pki/audit"
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
	ErrNoUse = bilingual.New("审计日志中没有这次用印", "the audit log holds no such use of a seal")
	// ErrWhichSeal says that it was not said which of several seals is meant.
	ErrWhichSeal = bilingual.New("文件有多枚印章，须用签名域指明", "the document has several seals: say which field is meant")
)

// ProveUse returns the proof file of the use of a seal on a document, by the name of its
// field; empty where the document has one seal. It is under the first checkpoint after the
// use that the house has kept, or under one that somebody else kept: a time file as scanners
// cache it, a checkpoint or a proof file; where there is none it is under one of this moment.
// The checkpoint must be of a time when the seal's certificate was in force.
func (l *Log) ProveUse(ctx context.Context, doc *pdf.Document, field string, kept []byte) ([]byte, error) {
	s, err := sealOn(doc, field)
	if err != nil {
		return nil, err
	}
	u, err := l.entryOf(ctx, s, true)
	if err != nil {
		return nil, err
	}
	if kept == nil {
		if kept, err = l.checkpointOver(ctx, u); err != nil {
			return nil, err
		}
	}
	if kept == nil {
		return l.Prove(ctx, u.index, false)
	}
	return l.proveUnder(ctx, u, kept)
}

// proveUnder returns the proof file of a use under a checkpoint.
func (l *Log) proveUnder(ctx context.Context, u loggedUse, checkpoint []byte) ([]byte, error) {
	signed, size, err := l.keptCheckpoint(ctx, checkpoint)
	if err != nil {
		return nil, err
	}
	var file []byte
	err = l.Read(ctx, func(log audit.Storage, present uint64) error {
		if u.index >= size || size > present {
			return fmt.Errorf("entry %d, and the checkpoint is of a log of %d: %w", u.index, size, ErrNoEntry)
		}
		p, err := audit.NewProof(log, u.index, signed, size, false)
		if err != nil {
			return err
		}
		file, err = p.Marshal()
		return err
	})
	return file, err
}

// checkpointEvery is how often a checkpoint that is given out is kept as well.
const checkpointEvery = 24 * time.Hour

// Keep keeps a checkpoint that was given out, unless there is one of about its
// time.
func (l *Log) Keep(ctx context.Context, c Checkpoint) error {
	recent := false
	err := l.store.KeptCheckpoints(ctx, c.Time-int64((checkpointEvery-time.Minute)/time.Second), c.Time, func([]byte) bool {
		recent = true
		return false
	})
	if err != nil || recent {
		return err
	}
	return l.store.KeepCheckpoint(ctx, c.Time, c.Signed)
}

// checkpointOver returns the first checkpoint that was kept and has a use in it, or nil.
func (l *Log) checkpointOver(ctx context.Context, u loggedUse) ([]byte, error) {
	keys, err := l.keys.Verifiers(ctx)
	if err != nil {
		return nil, err
	}
	var found []byte
	var failed error
	err = l.store.KeptCheckpoints(ctx, u.entry.Time, l.now().Unix(), func(signed []byte) bool {
		w, err := audit.OpenWitnessed("checkpoint that was kept", signed, keys...)
		switch {
		case err != nil:
			failed = err
		case w.Checkpoint.Size > u.index:
			found = signed
		}
		return found == nil && failed == nil
	})
	return found, cmp.Or(err, failed)
}

// ProveUses returns proofs of the uses of the house's own seals on a document, of so many at
// most, under checkpoints that the house has kept: of those that it has.
func (l *Log) ProveUses(ctx context.Context, doc *pdf.Document, most int) ([][]byte, error) {
	seals, err := sealsOn(doc)
	if err != nil {
		return nil, err
	}
	var files [][]byte
	for _, s := range seals[:min(len(seals), most)] {
		u, err := l.entryOf(ctx, s.Signature, false)
		if errors.Is(err, ErrNoUse) {
			continue
		}
		var checkpoint, file []byte
		if err == nil {
			checkpoint, err = l.checkpointOver(ctx, u)
		}
		if err == nil && checkpoint != nil {
			file, err = l.proveUnder(ctx, u, checkpoint)
		}
		if err != nil {
			return nil, err
		}
		if file != nil {
			files = append(files, file)
		}
	}
	return files, nil
}

// keptCheckpoint reads a checkpoint of this log that somebody kept, with its size.
func (l *Log) keptCheckpoint(ctx context.Context, kept []byte) ([]byte, uint64, error) {
	if kept == nil {
		return nil, 0, nil
	}
	keys, err := l.keys.Verifiers(ctx)
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
	if c.Origin != l.origin {
		return nil, 0, fmt.Errorf("the log of %q: %w", c.Origin, audit.ErrCheckpoint)
	}
	err = l.Read(ctx, func(log audit.Storage, present uint64) error {
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
	all, err := sealsOn(doc)
	if err != nil {
		return nil, err
	}
	var found *seal.Signature
	for _, s := range all {
		switch {
		case field != "" && s.field != field:
		case found != nil:
			return nil, ErrWhichSeal
		default:
			found = s.Signature
		}
	}
	if found == nil {
		if field != "" {
			return nil, fmt.Errorf("the document has no seal in order in field %q: %w", field, ErrNoUse)
		}
		return nil, fmt.Errorf("the document has no seal in order: %w", ErrNoUse)
	}
	return found, nil
}

// fieldSeal is the seal signature of a field.
type fieldSeal struct {
	field string
	*seal.Signature
}

// sealsOn returns the seal signatures of a document that are in order.
func sealsOn(doc *pdf.Document) ([]fieldSeal, error) {
	all, err := doc.Signatures()
	if err != nil {
		return nil, err
	}
	var seals []fieldSeal
	for i := range all {
		if len(all[i].Faults) > 0 {
			continue
		}
		s, err := all[i].SealSignature(nil)
		if err != nil || s.Stamp.Document != all[i].Digest {
			continue // a person's, a time stamp, or of another document
		}
		seals = append(seals, fieldSeal{all[i].Field, s})
	}
	return seals, nil
}

// searched is how far around the time that a seal signature claims its entry is looked for
// first: entries stand in the order of their times but for those that came together.
const searched = 10 * time.Minute

// loggedUse is the entry of a use.
type loggedUse struct {
	index uint64
	entry audit.Entry
}

// entryOf finds the entry of a use in the log.
func (l *Log) entryOf(ctx context.Context, s *seal.Signature, thorough bool) (loggedUse, error) {
	var u loggedUse
	err := l.Read(ctx, func(log audit.Storage, size uint64) error {
		var err error
		u, err = useIn(audit.Interruptible(ctx, log), size, s, thorough)
		return err
	})
	return u, err
}

// maxSearched bounds how many entries near a time are looked at where the search is not
// thorough.
const maxSearched = 1 << 16

// useIn finds the entry of a use: near the time that the signature claims, and if it is
// not there and the search is thorough, in the whole log.
func useIn(log audit.Storage, size uint64, s *seal.Signature, thorough bool) (loggedUse, error) {
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
		from, to uint64
		until    int64
	}{{first, min(size, first+maxSearched), until}, {0, size, math.MaxInt64}} {
		for i := part.from; i < part.to && failed == nil; i++ {
			e := at(i)
			if e.Time > part.until {
				break
			}
			if e.UsesSeal() && e.Subject == s.Seal.ID && bytes.Equal(e.Digest, s.Stamp.Document[:]) {
				return loggedUse{i, e}, failed
			}
		}
		if !thorough {
			break
		}
	}
	if failed != nil {
		return loggedUse{}, failed
	}
	return loggedUse{}, fmt.Errorf("seal %s on the document of %x: %w", s.Seal.ID, s.Stamp.Document[:8], ErrNoUse)
}
