package office

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/seal/pdf"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

// ArchiveWithin is how long before the end of its proof a document of an archive is
// renewed, where nobody says otherwise.
const ArchiveWithin = 90 * 24 * time.Hour

// Bounds of it. The longest leaves a time stamp's certificate, of five years, time to be of
// use.
const (
	minArchiveWithin = 24 * time.Hour
	maxArchiveWithin = 2 * 365 * 24 * time.Hour
)

// leftover is how old a half-written file must be to be one that nobody writes any more.
const leftover = 24 * time.Hour

// ErrShortStamp says that a new time stamp would end as soon as the old one.
var ErrShortStamp = errors.New("the time stamping authority's own certificate ends so soon that a new time stamp is no use: renew it or rotate its key")

var errChanged = errors.New("the file was changed while it was renewed, and is left as it is")

// Archived is a document of an archive as it was found, or as it was left.
type Archived struct {
	File string // within the archive, with slashes
	// Until is when the certificates behind the time stamp over the whole document end;
	// zero: there is none, or not of an authority of ours, by today's algorithm.
	Until   time.Time
	Due     bool
	Renewed bool
	Err     error // why it is not kept; it needs somebody's attention
}

// Archive is a folder of signed PDF files that are kept verifiable: each gets a time stamp
// over the whole, and another before the certificates behind that end ([Office.Preserve]).
//
// A file is exchanged as a whole, after the new one was read back and verified and is in
// the audit log: where the machine stops, the old one is there, and is renewed again. A
// document that is not in order is left alone and named. Whoever puts files there must
// move them there whole. One pass at a time works on a folder.
type Archive struct {
	office *Office
	dir    string
	within time.Duration
	known  map[string]examined // what need not be read again; for one goroutine
}

type examined struct {
	size     int64
	modified time.Time
	until    time.Time
}

// Archive looks after a folder. Within says how long before its end a proof is renewed, a
// day to two years.
func (o *Office) Archive(dir string, within time.Duration) (*Archive, error) {
	if within < minArchiveWithin || within > maxArchiveWithin {
		return nil, fmt.Errorf("renewing proofs within %v: %w", within, ErrOutOfRange)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("archive: %s is not a folder", dir)
	}
	return &Archive{office: o, dir: dir, within: within, known: make(map[string]examined)}, nil
}

// Examine calls f with every document of the archive, in the order of their names, and
// changes nothing.
func (a *Archive) Examine(ctx context.Context, f func(Archived) error) error {
	return a.walk(ctx, func(path string, info fs.FileInfo) error {
		return f(a.examine(ctx, path, info))
	})
}

// Renew renews what is due and calls f with every document of the archive. The error is
// about the archive as a whole, or says why no document can be renewed now; f is told why a
// single one is not. Where another process is at it the error wraps [durable.ErrInUse].
func (a *Archive) Renew(ctx context.Context, actor string, f func(Archived) error) error {
	unlock, err := durable.LockDir(a.dir)
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	defer unlock()
	return a.walk(ctx, func(path string, info fs.FileInfo) error {
		found := a.examine(ctx, path, info)
		if found.Due && found.Err == nil {
			err := a.renew(ctx, actor, path, info, &found)
			if err != nil && !aboutDocument(err) {
				return fmt.Errorf("renewing a document of the archive: %w", err)
			}
			found.Err = err
		}
		return f(found)
	})
}

// walk calls f with every regular file that is named as a PDF, and removes what a crash left
// half-written.
func (a *Archive) walk(ctx context.Context, f func(path string, info fs.FileInfo) error) error {
	return filepath.WalkDir(a.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("archive: %w", err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if !d.Type().IsRegular() {
			return nil
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it was taken away
		}
		if err != nil {
			return fmt.Errorf("archive: %w", err)
		}
		switch {
		case strings.HasPrefix(d.Name(), ".tmp-") && a.office.now().Sub(info.ModTime()) > leftover:
			if err := os.Remove(path); err != nil {
				return fmt.Errorf("archive: removing what was left half-written: %w", err)
			}
		case strings.EqualFold(filepath.Ext(d.Name()), ".pdf") && !strings.HasPrefix(d.Name(), "."):
			return f(path, info)
		}
		return nil
	})
}

func (a *Archive) examine(ctx context.Context, path string, info fs.FileInfo) Archived {
	name, err := filepath.Rel(a.dir, path)
	found := Archived{File: filepath.ToSlash(name), Err: err}
	if known, ok := a.known[path]; ok && known.size == info.Size() && known.modified.Equal(info.ModTime()) {
		found.Until = known.until
	} else if err == nil {
		found.Until, found.Err = a.read(ctx, path)
		if found.Err == nil {
			a.known[path] = examined{info.Size(), info.ModTime(), found.Until}
		}
	}
	found.Due = a.isDue(found.Until)
	return found
}

func (a *Archive) isDue(until time.Time) bool { return until.Sub(a.office.now()) <= a.within }

func (a *Archive) read(ctx context.Context, path string) (time.Time, error) {
	file, doc, err := openArchived(path)
	if err != nil {
		return time.Time{}, err
	}
	defer func() { _ = file.Close() }() // it was only read
	return a.office.provenUntil(ctx, doc)
}

func openArchived(path string) (*os.File, *pdf.Document, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	info, err := file.Stat()
	if err == nil {
		var doc *pdf.Document
		if doc, err = pdf.Open(file, info.Size()); err == nil {
			return file, doc, nil
		}
	}
	return nil, nil, errors.Join(err, file.Close())
}

// provenUntil returns when the certificates behind the document time stamp end that covers
// all that a document says; zero where its newest signature is something else. A document
// that is not in order is an error.
func (o *Office) provenUntil(ctx context.Context, doc *pdf.Document) (time.Time, error) {
	rules, err := o.documentVerification(ctx)
	if err != nil {
		return time.Time{}, err
	}
	report, err := doc.Verify(ctx, rules)
	if err != nil {
		return time.Time{}, err
	}
	if !report.Valid() {
		return time.Time{}, fmt.Errorf("%w: %w", ErrNotInOrder, cmp.Or(report.Err(), errors.New("it has no signature")))
	}
	newest := &report.Signatures[len(report.Signatures)-1]
	if newest.Kind != pdf.SignerStamp || !newest.Proof.Proven() || newest.Proof.Path == nil {
		return time.Time{}, nil
	}
	var until time.Time
	for _, link := range newest.Proof.Path.Path {
		if end := link.Certificate.NotAfter(); until.IsZero() || end.Before(until) {
			until = end
		}
	}
	return until.UTC(), nil
}

// renew exchanges a document for the same with a new proof.
func (a *Archive) renew(ctx context.Context, actor, path string, info fs.FileInfo, found *Archived) error {
	file, doc, err := openArchived(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was only read
	kept, err := a.office.Preserve(ctx, actor, doc, LevelLTA)
	if err != nil {
		return err
	}
	renewed, err := kept.Document()
	if err != nil {
		return err
	}
	until, err := a.office.provenUntil(ctx, renewed)
	if err != nil {
		return err
	}
	if a.isDue(until) {
		return fmt.Errorf("%w (%s)", ErrShortStamp, until.Format(time.DateOnly))
	}
	if err := a.record(ctx, actor, found.File, file, info.Size(), kept); err != nil {
		return err
	}
	if now, err := os.Lstat(path); err != nil || !os.SameFile(now, info) || now.Size() != info.Size() || !now.ModTime().Equal(info.ModTime()) {
		return errChanged
	}
	if err := durable.WriteFrom(path, kept, info.Mode().Perm()); err != nil {
		return err
	}
	found.Until, found.Due, found.Renewed = until, false, true
	delete(a.known, path)
	return nil
}

// record puts a renewal into the audit log: what the file was and what it will be.
func (a *Archive) record(ctx context.Context, actor, name string, file io.ReaderAt, size int64, kept io.WriterTo) error {
	before, after := sm3.New(), sm3.New()
	if _, err := io.Copy(before, io.NewSectionReader(file, 0, size)); err != nil {
		return err
	}
	if _, err := kept.WriteTo(after); err != nil {
		return err
	}
	entry, err := audit.NewRecord(audit.Entry{
		Time: a.office.now().Unix(), Actor: actor, Act: audit.ActDocumentRenew, Subject: hex.EncodeToString(before.Sum(nil)), Digest: after.Sum(nil),
	}, []byte(name))
	if err != nil {
		return err
	}
	_, err = a.office.store.Append(ctx, entry)
	return err
}

// aboutDocument reports whether an error is a document's own fault and hinders no other.
func aboutDocument(err error) bool {
	var damaged *syntax.DamagedError
	var refused *pdf.RefusedError
	return errors.Is(err, ErrNotInOrder) || errors.Is(err, errChanged) || errors.Is(err, syntax.ErrEncrypted) || errors.Is(err, syntax.ErrTooComplex) ||
		errors.As(err, &damaged) || errors.As(err, &refused)
}
