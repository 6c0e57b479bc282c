package office_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/auditlog"
	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/internal/typeset"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/qr/verify"
	"github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/pdf"
	"github.com/elicence/elicence/seal/placement"
)

// released are sealed documents that were handed out, by their place in the batch.
type released struct {
	first int // number of the first
	mu    sync.Mutex
	files map[int][]byte // guarded by mu
}

// numberedPage is the file of a page that is another document than one with another number.
func numberedPage(tb testing.TB, n int) []byte {
	tb.Helper()
	doc := typeset.New(typeset.Info{Title: fmt.Sprint(n), Time: noon()})
	doc.Page(210, 297)
	b, err := doc.PDF()
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func numbered(tb testing.TB, n int) *pdf.Document {
	tb.Helper()
	return open(tb, numberedPage(tb, n))
}

// documents are n pages, which are kept when they are released. before is called first.
func (r *released) documents(t *testing.T, n int, before func(i int, p *pdf.Prepared) error) []office.BatchDocument {
	t.Helper()
	r.files = make(map[int][]byte)
	all := make([]office.BatchDocument, n)
	for i := range all {
		all[i] = office.BatchDocument{
			Open: func() (*pdf.Document, error) { return numbered(t, r.first+i), nil },
			Release: func(_ context.Context, p *pdf.Prepared) error {
				if before != nil {
					if err := before(i, p); err != nil {
						return err
					}
				}
				r.mu.Lock()
				defer r.mu.Unlock()
				r.files[i] = content(t, p)
				return nil
			},
			Close: func() {},
		}
	}
	return all
}

// batchOf seals documents and returns the errors, which are told in the order of the documents.
func batchOf(t *testing.T, f *officetest.Fixture, r office.StampRequest, documents []office.BatchDocument) []error {
	t.Helper()
	var errs []error
	err := f.Office.StampBatch(ctx, officetest.Clerk, r, documents, func(i int, field string, err error) {
		if i != len(errs) || (field == "") != (err != nil) {
			t.Errorf("document %d is told of behind %d, field %q, %v", i, len(errs), field, err)
		}
		errs = append(errs, err)
	})
	if err != nil || len(errs) != len(documents) {
		t.Fatalf("%d of %d documents, %v", len(errs), len(documents), err)
	}
	return errs
}

// usesOf returns what the uses of seals in the log are over.
func usesOf(t *testing.T, f *officetest.Fixture) map[string]bool {
	t.Helper()
	digests := make(map[string]bool)
	err := f.Office.AuditLog().Entries(ctx, func(e auditlog.Entry) error {
		if e.Act == audit.ActSealUse {
			digests[string(e.Digest)] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return digests
}

func onFirst(f *officetest.Fixture) office.StampRequest {
	return office.StampRequest{SealID: f.Seal.ID, Place: placement.Place{Pages: "1", X: 60, Y: 60}}
}

// TestStampBatch: every document verifies for a stranger, and when it is handed out its entry is in
// the log, in both profiles and with time stamps.
func TestStampBatch(t *testing.T) {
	t.Parallel()
	for _, profile := range seal.Profiles() {
		t.Run(string(profile), func(t *testing.T) {
			t.Parallel()
			f := officetest.New(t)
			request := onFirst(f)
			request.Profile, request.Reason = profile, "归档"
			const n = 150 // some lots
			var out released
			errs := batchOf(t, f, request, out.documents(t, n, func(i int, p *pdf.Prepared) error {
				digest := p.Digest()
				if i%17 == 0 && !usesOf(t, f)[string(digest[:])] {
					t.Errorf("document %d is handed out before its use is in the log", i)
				}
				return nil
			}))
			inspector, err := f.Office.Inspector(ctx, nil)
			if err != nil {
				t.Fatal(err)
			}
			for i, err := range errs {
				if err != nil {
					t.Errorf("document %d: %v", i, err)
					continue
				}
				if i%10 > 0 {
					continue
				}
				if found, err := inspector.File(ctx, out.files[i]); err != nil || found.Verdict != verify.Valid {
					t.Errorf("document %d is %s, %v", i, found.Verdict, err)
				}
			}
			if uses := len(usesOf(t, f)); uses != n {
				t.Errorf("%d uses are in the log, want %d", uses, n)
			}
			if r, err := f.Office.Seal(ctx, f.Seal.ID); err != nil || r.Uses != n {
				t.Errorf("%d uses are counted, %v", r.Uses, err)
			}
		})
	}
}

// TestStampBatchRefuses: a limit lets the first ones through, however many lots there are and
// whoever uses the seal beside them; what is wrong with one document is no other's.
func TestStampBatchRefuses(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	const n, limit = 100, 70
	var out released
	documents := out.documents(t, n, func(i int, _ *pdf.Prepared) error {
		if i == 20 {
			return errSpoilt
		}
		return nil
	})
	documents[10].Open = func() (*pdf.Document, error) { return nil, errSpoilt }
	if _, err := f.Office.LimitSeal(ctx, "乙", f.Seal.ID, seal.Rules{MaxUses: limit}); err != nil {
		t.Fatal(err)
	}
	for i, err := range batchOf(t, f, onFirst(f), documents) {
		var want error
		switch {
		case i == 10, i == 20:
			want = errSpoilt
		case i > limit: // the one that could not be opened was no use
			want = seal.ErrRules
		}
		if !errors.Is(err, want) {
			t.Errorf("document %d: %v, want %v", i, err, want)
		}
		if _, there := out.files[i]; there != (err == nil) {
			t.Errorf("document %d is handed out: %t, %v", i, there, err)
		}
	}
	if uses := len(usesOf(t, f)); uses != limit {
		t.Errorf("%d uses are in the log, want %d", uses, limit)
	}
	for _, refused := range []struct {
		request func(*office.StampRequest)
		want    error
	}{
		{func(r *office.StampRequest) { r.SealID = "11000000000099" }, seal.ErrNotFound},
		{func(*office.StampRequest) {}, seal.ErrRules},
	} {
		request := onFirst(f)
		refused.request(&request)
		for i, err := range batchOf(t, f, request, out.documents(t, 3, nil)) {
			if !errors.Is(err, refused.want) {
				t.Errorf("document %d: %v, want %v", i, err, refused.want)
			}
		}
	}
}

var errSpoilt = errors.New("spoilt")

// sealStops are what an officer does at an office against a seal in wrong hands.
func sealStops() map[string]func(*office.Office, seal.Record) error {
	return map[string]func(*office.Office, seal.Record) error{
		"seal": func(o *office.Office, r seal.Record) error {
			_, err := o.SuspendSeal(ctx, "乙", r.ID, "印章遗失")
			return err
		},
		"certificate": func(o *office.Office, r seal.Record) error {
			c, err := cert.Parse(r.Chain[0])
			if err != nil {
				return err
			}
			serial, _ := cert.SerialOf(c.SerialNumber())
			_, err = o.HoldCertificate(ctx, "乙", serial, "印章遗失")
			return err
		},
		"keeper": func(o *office.Office, r seal.Record) error {
			_, err := o.AddKeeper(ctx, "乙", r.ID, "丙") // and nobody else
			return err
		},
	}
}

// TestStampBatchStops: what an officer stops while a batch is under way stops the rest of it, and
// none is out without its entry.
func TestStampBatchStops(t *testing.T) {
	t.Parallel()
	for name, stop := range sealStops() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := officetest.New(t)
			stopsBatch(t, f, f.Office, stop)
		})
	}
}

// stopsBatch has a seal stopped at an office when the first document of a batch is out.
func stopsBatch(t *testing.T, f *officetest.Fixture, at *office.Office, stop func(*office.Office, seal.Record) error) {
	t.Helper()
	const n = 200
	var out released
	var once sync.Once
	stopped := make(chan struct{})
	before := len(usesOf(t, f))
	errs := batchOf(t, f, onFirst(f), out.documents(t, n, func(int, *pdf.Prepared) error {
		once.Do(func() {
			if err := stop(at, f.Seal); err != nil {
				t.Error(err)
			}
			close(stopped)
		})
		<-stopped
		return nil
	}))
	uses, refused := len(usesOf(t, f))-before, 0
	for _, err := range errs {
		if err != nil {
			refused++
		}
	}
	if refused == 0 || uses != n-refused || len(out.files) != n-refused {
		t.Errorf("of %d documents %d are refused, %d handed out, %d in the log", n, refused, len(out.files), uses)
	}
	if err := errs[n-1]; err == nil {
		t.Error("the last document is sealed")
	}
	if i := slices.IndexFunc(errs, func(err error) bool { return err != nil }); i >= 0 && slices.Contains(errs[i:], nil) {
		t.Error("a document behind a refused one is sealed")
	}
}

// slowPage is a page that is read so slowly that the clock goes on meanwhile.
type slowPage struct {
	io.ReaderAt
	read func()
}

func (s *slowPage) ReadAt(b []byte, at int64) (int, error) {
	s.read()
	return s.ReaderAt.ReadAt(b, at)
}

// TestHoursEndWhileSealing: what is not recorded when the hours of use end is refused, however
// early it began.
func TestHoursEndWhileSealing(t *testing.T) {
	t.Parallel()
	var at, late atomic.Int64
	now := func() time.Time { return noon().Add(time.Duration(at.Load())) }
	f := officetest.At(t, now)
	if _, err := f.Office.LimitSeal(ctx, "乙", f.Seal.ID, seal.Rules{From: 0, Until: 12*60 + 1}); err != nil {
		t.Fatal(err)
	}
	slow := func() *pdf.Document {
		b := numberedPage(t, 0)
		doc, err := pdf.Open(&slowPage{bytes.NewReader(b), func() { at.Store(late.Load()) }}, int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		return doc
	}
	if _, err := f.Office.Stamp(ctx, officetest.Clerk, slow(), onFirst(f)); err != nil {
		t.Errorf("within the hours: %v", err)
	}
	single := slow()
	var out released
	batch := out.documents(t, 1, nil)
	batch[0].Open = func() (*pdf.Document, error) {
		at.Store(0)
		late.Store(0)
		doc := slow()
		late.Store(int64(2 * time.Minute))
		return doc, nil
	}
	late.Store(int64(2 * time.Minute))
	if _, err := f.Office.Stamp(ctx, officetest.Clerk, single, onFirst(f)); !errors.Is(err, seal.ErrRules) {
		t.Errorf("a single use: %v, want %v", err, seal.ErrRules)
	}
	if errs := batchOf(t, f, onFirst(f), batch); !errors.Is(errs[0], seal.ErrRules) || len(out.files) > 0 {
		t.Errorf("a batch: %v, want %v", errs[0], seal.ErrRules)
	}
	if uses := len(usesOf(t, f)); uses != 1 {
		t.Errorf("%d uses are in the log, want 1", uses)
	}
}

// TestStampBatchPanics: a panic of a batch is one of its caller, who may be a service, and leaves
// keys and seals to others.
func TestStampBatchPanics(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	var out released
	for name, spoil := range map[string]func([]office.BatchDocument){
		"opening": func(all []office.BatchDocument) {
			all[20].Open = func() (*pdf.Document, error) { panic("spoilt") }
		},
		"reading": func(all []office.BatchDocument) {
			all[20].Open = func() (*pdf.Document, error) {
				b, whole := numberedPage(t, 0), false
				doc, err := pdf.Open(&slowPage{bytes.NewReader(b), func() {
					if whole {
						panic("spoilt")
					}
				}}, int64(len(b)))
				whole = true
				return doc, err
			}
		},
		"releasing": func(all []office.BatchDocument) {
			all[20].Release = func(context.Context, *pdf.Prepared) error { panic("spoilt") }
		},
	} {
		documents := out.documents(t, 40, nil)
		spoil(documents)
		var telling sync.Mutex
		func() {
			defer func() {
				if r := recover(); r == nil || !strings.Contains(fmt.Sprint(r), "spoilt") {
					t.Errorf("%s: the caller's panic is %v", name, r)
				}
			}()
			_ = f.Office.StampBatch(ctx, officetest.Clerk, onFirst(f), documents, func(int, string, error) {
				if !telling.TryLock() {
					t.Errorf("%s: told of two at once", name)
				}
				telling.Unlock()
			})
		}()
		if err := f.Office.RotateKey(ctx, "test", "checkpoint", 0, nil); err != nil {
			t.Errorf("%s: keys cannot be exchanged behind it: %v", name, err)
		}
	}
}

// TestStampBatchBesideUses: single uses beside a batch are within the limit together with it.
func TestStampBatchBesideUses(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	const limit = 60
	if _, err := f.Office.LimitSeal(ctx, "乙", f.Seal.ID, seal.Rules{MaxUses: limit}); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	sealed := 0
	count := func(err error) {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case err == nil:
			sealed++
		case !errors.Is(err, seal.ErrRules):
			t.Error(err)
		}
	}
	var wait sync.WaitGroup
	for k := range 2 {
		wait.Go(func() {
			out := released{first: 1000 * k}
			for _, err := range batchOf(t, f, onFirst(f), out.documents(t, 40, nil)) {
				count(err)
			}
		})
		wait.Go(func() {
			for i := range 10 {
				_, err := f.Office.Stamp(ctx, officetest.Clerk, numbered(t, 1000*k+500+i), onFirst(f))
				count(err)
			}
		})
	}
	wait.Wait()
	if uses := len(usesOf(t, f)); sealed != limit || uses != limit {
		t.Errorf("%d documents are sealed and %d uses in the log, the limit is %d", sealed, uses, limit)
	}
}

// TestStampBatchCancelled: who loses patience has of each document either the document with its entry,
// or neither and no word of it.
func TestStampBatchCancelled(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	impatient, cancel := context.WithCancel(ctx)
	defer cancel()
	var out released
	told := 0
	err := f.Office.StampBatch(impatient, officetest.Clerk, onFirst(f), out.documents(t, 300, func(int, *pdf.Prepared) error { cancel(); return nil }), func(_ int, _ string, err error) {
		if err == nil {
			told++
		}
	})
	if !errors.Is(err, context.Canceled) || told == 0 || told == 300 || told != len(out.files) || told != len(usesOf(t, f)) {
		t.Errorf("%v: %d told of, %d handed out, %d in the log", err, told, len(out.files), len(usesOf(t, f)))
	}
}

// sealedDocuments is where [batchAct] has the documents that it seals.
const sealedDocuments = "sealed-documents"

// batchAct seals documents in two lots and writes them beside the data: none without its entry.
func batchAct() act {
	const n = 16
	place := func(f *officetest.Fixture, i int) string {
		return filepath.Join(f.Dir, sealedDocuments, fmt.Sprintf("%d.pdf", i))
	}
	return act{
		"seal many",
		func(t *testing.T, f *officetest.Fixture, _ string) error {
			seals, err := f.Office.Seals(ctx)
			if err != nil {
				return err
			}
			if err := os.MkdirAll(filepath.Dir(place(f, 0)), 0o700); err != nil {
				return err
			}
			all := make([]office.BatchDocument, n)
			for i := range all {
				all[i] = office.BatchDocument{
					Open: func() (*pdf.Document, error) {
						if _, err := os.Stat(place(f, i)); err == nil {
							return nil, os.ErrExist
						}
						return numbered(t, i), nil
					},
					Release: func(_ context.Context, p *pdf.Prepared) error { return durable.WriteFrom(place(f, i), p, 0o600) },
					Close:   func() {},
				}
			}
			var faults []error
			err = f.Office.StampBatch(ctx, officetest.Clerk, office.StampRequest{SealID: seals[0].ID, Place: placement.Place{Pages: "1", X: 60, Y: 60}}, all, func(_ int, _ string, err error) {
				if !errors.Is(err, os.ErrExist) {
					faults = append(faults, err)
				}
			})
			return errors.Join(append(faults, err)...)
		},
		func(t *testing.T, f *officetest.Fixture, _ string) bool {
			uses, there := usesOf(t, f), 0
			for i := range n {
				b, err := os.ReadFile(place(f, i))
				if errors.Is(err, os.ErrNotExist) {
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				there++
				found, err := open(t, b).Signatures()
				if err != nil || len(found) != 1 {
					t.Fatalf("document %d: %d signatures, %v", i, len(found), err)
				}
				if digest := found[0].Digest; !uses[string(digest[:])] {
					t.Errorf("document %d is there without its entry", i)
				}
			}
			return there == n
		},
	}
}
