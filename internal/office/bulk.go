package office

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/elicence/elicence/internal/store/records"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
)

// BulkItem is one of many applications.
type BulkItem struct {
	Line     int // where it stands in its source
	Category catalogue.ID
	// Read returns the application. It is called once, by any of several goroutines. An
	// [*licence.InvalidError] is what is wrong with its form; where there is an application
	// beside it, the faults of its content are found as well.
	Read func() (*licence.Application, error)
}

// LineFault is one thing that is wrong with an application of a source.
type LineFault struct {
	Line int
	licence.Fault
}

// BulkBatch is what became of applications that followed one another.
type BulkBatch struct {
	Last   int // line of the last one
	Lines  int // how many applications there are
	Passed int // how many of them have no fault in themselves
	Issued []*licence.Licence
	// Invalid are the faults that the applications had in themselves, Refused those by
	// which the register refused a licence. Both are in the order of the source.
	Invalid, Refused []LineFault
	// Faulty is how many applications have faults.
	Faulty int
}

// BulkOptions go with many applications.
type BulkOptions struct {
	ReadFile func(path string) ([]byte, error) // see [IssueOptions]
	// Size is how many applications share a transaction; 0: [BulkSize].
	Size int
	// DryRun checks all and changes nothing; Issued stays empty.
	DryRun bool
	// Before is told of a batch before it is stored: its licences are not issued yet, and
	// Refused is not known. An error ends the work.
	Before func(BulkBatch) error
	// Mark is stored in the transaction of the batch. Refused tells it what the register
	// has refused, when that is known.
	Mark func(b BulkBatch, refused func(map[int]error) []LineFault) *Mark
	// Stored is told of a batch when it is on the disk.
	Stored func(BulkBatch) error
}

// Mark is a setting that is stored with a batch if it still is what it was.
type Mark = records.Mark

// ErrSuperseded: a mark is not what it was.
var ErrSuperseded = records.ErrSuperseded

// BulkSize is how many applications share a transaction where nothing else is said: so
// many that the disk's part in each is small.
const BulkSize = 8192

// chunkSize is how many applications a goroutine takes at a time at least, and chunks how
// many pieces a processor takes of a batch where it is large enough: signatures are verified
// for less the more there are together, and processors that wait for the last one are idle.
const (
	chunkSize = 512
	chunks    = 4
)

// IssueAll issues licences by the thousand: the same checks, signatures and entries as
// [Office.Issue], on all processors, and one transaction for many. Batches are stored in
// the order of the source; three are in memory at most, so a source is read no faster than
// the disk can follow. What is wrong with one application touches no other.
//
// An error means that the work has ended; the batches that Stored was told of are issued,
// and perhaps the one after them, which the mark tells.
func (o *Office) IssueAll(ctx context.Context, actor string, source iter.Seq2[BulkItem, error], opt BulkOptions) error {
	if opt.Size <= 0 {
		opt.Size = BulkSize
	}
	tried := newTrial()
	g, ctx := errgroup.WithContext(ctx)
	filled, signed := make(chan *bulk), make(chan *bulk)
	var end error // of the source; what came before it is issued all the same
	g.Go(func() error {
		defer close(filled)
		end = o.fill(ctx, actor, source, opt, tried, filled)
		return nil
	})
	g.Go(func() error {
		defer close(signed)
		processors := make(chan struct{}, runtime.GOMAXPROCS(0))
		for b := range filled {
			// The next batch begins while the last pieces of this one are worked on, so that
			// no processor waits for another.
			if err := b.begin(ctx, processors); err != nil {
				b.release()
				return err
			}
			select {
			case signed <- b:
			case <-ctx.Done():
				b.release()
				return ctx.Err()
			}
		}
		return nil
	})
	g.Go(func() error {
		for b := range signed {
			err := b.pieces.Wait()
			if err == nil {
				err = b.store(ctx)
			}
			b.release()
			if err != nil {
				return err
			}
		}
		return nil
	})
	return cmp.Or(g.Wait(), end)
}

// fill reads the source into batches.
func (o *Office) fill(ctx context.Context, actor string, source iter.Seq2[BulkItem, error], opt BulkOptions, tried *trial, filled chan<- *bulk) error {
	var items []BulkItem
	send := func() error {
		if len(items) == 0 {
			return nil
		}
		b := &bulk{office: o, actor: actor, opt: opt, tried: tried, items: items, drafts: make([]bulkDraft, len(items)), mandates: make(map[mandateKey]*mandateFor), issuing: make(map[string]*issuing), pictures: make(map[[32]byte]bool)}
		items = nil
		select {
		case filled <- b:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for item, err := range source {
		if err != nil {
			return errors.Join(send(), err)
		}
		if items == nil {
			items = make([]BulkItem, 0, opt.Size)
		}
		if items = append(items, item); len(items) == opt.Size {
			if err := send(); err != nil {
				return err
			}
		}
	}
	return send()
}
