package office

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/fixedkey"
	"github.com/elicence/elicence/seal/pdf"
)

// BatchDocument is one of many documents under one seal.
type BatchDocument struct {
	// Open returns the document, which is read until Close is called. It is called once, for
	// one document after the other: people may be asked for a password in it.
	Open func() (*pdf.Document, error)
	// Release is handed the sealed document when the use of the seal is on the disk, and not
	// before. It is called by any of several goroutines.
	Release func(context.Context, *pdf.Prepared) error
	// Close is called when nothing of the document is read any more, if Open gave one.
	Close func()
}

const (
	// lotSize is how many documents are signed and recorded together at most: so many that
	// the part of each in a transaction, and in the check of the signatures, is small.
	lotSize = 64
	// smallestLot is with how many that begins to be so.
	smallestLot = 8
	// lotBytes is how many bytes they may have in the file before no other joins them. What
	// is kept of a document while it waits hardly grows with it, and not to no end.
	lotBytes = 16 << 20
	// waitingWidth is how many documents of a lot are worked on at once where it is not a
	// processor that they wait for, but a disk.
	waitingWidth = 16
)

// StampBatch seals many documents as [Office.Stamp] does, and takes what is common to many
// once: who may use the seal, its certificate and key; the signatures of a lot of documents
// are verified by sums ([fixedkey.Signer.SignDigests]) before each is read back, and their
// uses recorded in one transaction, each an entry of its own. Lots are worked on by all
// processors, and recorded in the order of the documents: a limit on the uses lets the first
// ones through. Before a lot is recorded the seal and its certificate are looked at again.
//
// Done is told what became of each document, in their order and by one goroutine at a time:
// the signature's field, or why it is not sealed, which is no other's failure. An error of
// StampBatch means that the work has ended before the last one; of those that done was not
// told of, none was released.
func (o *Office) StampBatch(ctx context.Context, actor string, r StampRequest, documents []BatchDocument, done func(i int, field string, err error)) error {
	first := make(chan struct{})
	close(first)
	b := &batchStamp{office: o, actor: actor, request: r, documents: documents, done: done, recorded: first, told: first}
	// While one lot waits for the disk, another has its processor.
	workers := runtime.GOMAXPROCS(0) + 1
	// Small batches are for all processors too.
	b.size = min(lotSize, max(smallestLot, len(documents)/workers))
	g, ctx := errgroup.WithContext(ctx)
	for range workers {
		g.Go(func() error {
			return b.safely(func() error {
				for {
					l, err := b.take(ctx)
					if l == nil || err != nil {
						return err
					}
					l.stamp(ctx)
				}
			})
		})
	}
	err := g.Wait()
	if what := b.panicked.Load(); what != nil {
		panic(*what)
	}
	return err
}

// batchStamp is a StampBatch under way.
type batchStamp struct {
	office    *Office
	actor     string
	request   StampRequest
	documents []BatchDocument
	done      func(i int, field string, err error)
	size      int // of a lot
	panicked  atomic.Pointer[string]

	taking   sync.Mutex
	next     int           // the first document that is in no lot; guarded by taking
	recorded chan struct{} // closed when the last lot has recorded its uses; guarded by taking
	told     chan struct{} // closed when done was told of the last lot; guarded by taking
}

// errPanicked is of a document at which a batch has panicked.
var errPanicked = errors.New("internal error")

// safely keeps a panic of one of the goroutines for that of the caller, who may go on with
// others: files of strangers are read here.
func (b *batchStamp) safely(f func() error) error {
	err := errPanicked
	func() {
		defer func() {
			if r := recover(); r != nil {
				what := fmt.Sprintf("%v\n%s", r, debug.Stack())
				b.panicked.CompareAndSwap(nil, &what)
			}
		}()
		err = f()
	}()
	return err
}

// lot are documents that follow one another, and are recorded together.
type lot struct {
	*batchStamp
	first int
	items []lotItem
	// Each lot waits for what the one before it has closed.
	beforeRecorded, recorded, beforeTold, told chan struct{}
}

type lotItem struct {
	BatchDocument
	doc *pdf.Document
	*waiting
	err error
}

// take opens the documents of the next lot, nil behind the last one. The lot has rotating for
// reading: lots take it in their order, as each waits for the one before it.
func (b *batchStamp) take(ctx context.Context) (*lot, error) {
	b.taking.Lock()
	defer b.taking.Unlock()
	if b.next == len(b.documents) {
		return nil, nil //nolint:nilnil // none is left, which is no error
	}
	l := &lot{batchStamp: b, first: b.next, beforeRecorded: b.recorded, recorded: make(chan struct{}), beforeTold: b.told, told: make(chan struct{})}
	for bytes := int64(0); b.next < len(b.documents) && len(l.items) < b.size && bytes < lotBytes; b.next++ {
		if err := ctx.Err(); err != nil {
			l.close()
			return nil, err
		}
		item := lotItem{BatchDocument: b.documents[b.next]}
		if item.doc, item.err = item.Open(); item.err == nil {
			bytes += item.doc.Size()
		}
		l.items = append(l.items, item)
	}
	b.recorded, b.told = l.recorded, l.told
	b.office.rotating.RLock()
	return l, nil
}

func (l *lot) close() {
	for i := range l.items {
		if l.items[i].doc != nil {
			l.items[i].Close()
		}
	}
}

// stamp seals the documents of the lot, and tells what became of them.
func (l *lot) stamp(ctx context.Context) {
	defer l.close()
	defer func() {
		<-l.beforeTold // after a panic too
		close(l.told)
	}()
	l.record(ctx)
	// Who has lost patience gets what is recorded all the same.
	release := context.WithoutCancel(ctx)
	l.each(waitingWidth, func(item *lotItem) error { return item.Release(release, item.prepared) })
	<-l.beforeTold
	for i := range l.items {
		item, field := &l.items[i], ""
		if item.err == nil {
			field = item.prepared.Field()
		}
		l.done(l.first+i, field, item.err)
	}
}

// each works on the documents with which nothing is wrong, several at once.
func (l *lot) each(width int, f func(*lotItem) error) {
	if width == 1 { // goroutines for one document each spend a good part of it on growing their stacks
		for _, item := range l.ready() {
			item.err = f(item)
		}
		return
	}
	var g errgroup.Group
	g.SetLimit(width)
	for i := range l.items {
		if item := &l.items[i]; item.err == nil {
			g.Go(func() error {
				item.err = l.safely(func() error { return f(item) })
				return nil
			})
		}
	}
	_ = g.Wait() // each item has its own error
}

// ready returns the documents with which nothing is wrong.
func (l *lot) ready() []*lotItem {
	var ready []*lotItem
	for i := range l.items {
		if l.items[i].err == nil {
			ready = append(ready, &l.items[i])
		}
	}
	return ready
}

// refuse says why documents are not sealed.
func refuse(items []*lotItem, err error) {
	for _, item := range items {
		item.err = err
	}
}

// record has all that can be sealed ready and its uses on the disk.
func (l *lot) record(ctx context.Context) {
	defer l.office.rotating.RUnlock()
	defer func() {
		<-l.beforeRecorded
		close(l.recorded)
	}()
	act, err := l.office.sealing(ctx, l.actor, l.request, l.office.now())
	if err == nil {
		err = l.seal(ctx, act)
	}
	<-l.beforeRecorded
	ready := l.ready()
	if err == nil && len(ready) > 0 {
		// What was suspended or revoked since the lot began seals nothing more.
		err = l.office.stillGood(ctx, act, ready[0].waiting)
	}
	if err != nil {
		refuse(ready, err)
		return
	}
	var entries []audit.Record
	for _, item := range ready {
		entries = append(entries, item.entry)
	}
	n, err := l.office.store.UseSeals(ctx, l.request.SealID, l.actor, l.office.now(), entries...)
	if err != nil {
		refuse(ready[n:], err)
	}
}

// stillGood looks at the certificates of a seal once more, in a document that was read back.
func (o *Office) stillGood(ctx context.Context, act *sealing, s *waiting) error {
	if err := o.inForce(ctx, act.use.key.Public().Point()); err != nil {
		return fmt.Errorf("seal %s: %w", act.use.record.ID, err)
	}
	rules, err := o.documentVerification(ctx)
	if err != nil {
		return err
	}
	return readBack(ctx, s.prepared, rules)
}

// seal signs the documents and reads them back.
func (l *lot) seal(ctx context.Context, act *sealing) error {
	l.each(1, func(item *lotItem) error {
		if err := l.office.admits(item.doc); err != nil {
			return err
		}
		var err error
		item.waiting, err = act.prepare(ctx, item.doc)
		return err
	})
	// What is behind the limit is not even signed. The record that counts is looked at when
	// the uses are recorded.
	record := act.use.record
	ready := slices.DeleteFunc(l.ready(), func(item *lotItem) bool {
		if err := record.CheckUse(l.actor, act.now); err != nil {
			item.err = fmt.Errorf("seal %s: %w", record.ID, err)
			return true
		}
		record.Uses++
		return false
	})
	sigs, err := act.use.key.SignAll(func(yield func([]byte) bool) {
		for _, item := range ready {
			if !yield(item.message) {
				return
			}
		}
	})
	if err != nil {
		return fmt.Errorf("seal %s: %w", record.ID, err)
	}
	rules, err := l.office.documentVerification(ctx)
	if err != nil {
		return err
	}
	made := &verifiedTogether{key: act.use.key.Public(), messages: make(map[pki.Signature][]byte, len(sigs)), otherwise: l.office.tabled}
	of := make(map[*lotItem]pki.Signature, len(sigs))
	for i, item := range ready {
		made.messages[sigs[i]], of[item] = item.message, sigs[i]
	}
	rules.Seals.Judge, rules.Seals.Path = made.Judge, rules.Seals.Path.ForOneMoment()
	width := 1
	if l.request.TimeStamp {
		width = waitingWidth // each is on the disk before it is given
	}
	l.each(width, func(item *lotItem) error { return act.complete(ctx, item.waiting, of[item], rules) })
	return nil
}

// verifiedTogether judges signatures of which many were verified when they were made.
type verifiedTogether struct {
	key       *pki.PublicKey
	messages  map[pki.Signature][]byte // that were verified, and what they sign; never changes
	otherwise *fixedkey.Keys
}

// Judge is [pki.Judge]: good is what was verified over the very same message.
func (v *verifiedTogether) Judge(key *pki.PublicKey, msg []byte, sig pki.Signature, second pki.SecondOpinion) pki.Outcome {
	if known, ok := v.messages[sig]; ok && key.Equal(v.key) && bytes.Equal(known, msg) {
		return pki.Good
	}
	return v.otherwise.Judge(key, msg, sig, second)
}
