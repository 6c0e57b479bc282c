package office

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/elicence/elicence/internal/store/records"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
)

// bulk is one batch on its way.
type bulk struct {
	office *Office
	actor  string
	opt    BulkOptions
	items  []BulkItem
	drafts []bulkDraft // one for each item

	tried  *trial              // of a dry run
	all    []licence.Authority // as the batch began
	locked bool                // rotating is held for reading
	pieces errgroup.Group      // validate and sign what they were given of the items

	mu       sync.Mutex
	mandates map[mandateKey]*mandateFor // guarded by mu
	issuing  map[string]*issuing        // by the authority's code; guarded by mu
	pictures map[[32]byte]bool          // that are stored, by their SM3; guarded by mu
}

// bulkDraft is what an application has become.
type bulkDraft struct {
	faults   []licence.Fault // none: it is valid
	valid    *licence.Valid  // until it is signed
	draft    licenceDraft
	mandate  *mandateFor
	place    licence.StatusRef
	reserved bool // place is taken
	licence  *licence.Licence
	prepared records.Prepared
}

type mandateKey struct {
	category catalogue.ID
	issuer   string // as the application names it
}

// mandateFor is who issues for applications that ask alike.
type mandateFor struct {
	*issuing
	category *catalogue.Category
	fault    error // of the applications: nobody may issue them
}

// issuing is an authority's mandate, made once for a batch.
type issuing struct{ mandate }

// release ends the batch, when nobody works on it any more: its keys may be exchanged
// again, and what was reserved in vain is free.
func (b *bulk) release() {
	_ = b.pieces.Wait() // whose error was returned, or another ended the work before
	for i := range b.drafts {
		if d := &b.drafts[i]; d.reserved {
			b.office.store.ReleaseIndex(d.place)
			d.reserved = false
		}
	}
	if b.locked {
		b.locked = false
		b.office.rotating.RUnlock()
	}
}

// begin has the batch validated and signed, in pieces on all processors, and returns when
// the last piece was begun. A piece is worked on while it holds one of the processors.
func (b *bulk) begin(ctx context.Context, processors chan struct{}) error {
	b.office.rotating.RLock()
	b.locked = true
	var err error
	if b.all, err = b.office.Authorities(ctx); err != nil {
		return err
	}
	size := max(chunkSize, len(b.items)/(chunks*cap(processors)))
	for begin := 0; begin < len(b.items); begin += size {
		end := min(begin+size, len(b.items))
		select {
		case processors <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		b.pieces.Go(func() error {
			defer func() { <-processors }()
			if err := ctx.Err(); err != nil {
				return err
			}
			return b.chunk(ctx, begin, end)
		})
	}
	return nil
}

// chunk validates and signs the items from begin to end.
func (b *bulk) chunk(ctx context.Context, begin, end int) error {
	passed := make(map[*issuing][]*bulkDraft)
	for i := begin; i < end; i++ {
		d := &b.drafts[i]
		if err := b.validate(ctx, b.items[i], d); err != nil {
			return fmt.Errorf("line %d: %w", b.items[i].Line, err)
		}
		b.items[i].Read = nil // and with it the bytes that it holds
		if len(d.faults) == 0 {
			passed[d.mandate.issuing] = append(passed[d.mandate.issuing], d)
		}
	}
	if b.opt.DryRun {
		return nil
	}
	for by, drafts := range passed {
		if err := b.sign(ctx, by.mandate, drafts); err != nil {
			return err
		}
	}
	return nil
}

// validate checks one application. An error is not the application's.
func (b *bulk) validate(ctx context.Context, item BulkItem, d *bulkDraft) error {
	a, err := item.Read()
	var form *licence.InvalidError
	if err != nil && !errors.As(err, &form) {
		d.faults = []licence.Fault{{Reason: err.Error()}}
		return nil
	}
	if a == nil {
		d.faults = form.Faults
		return nil
	}
	if d.mandate, err = b.mandate(ctx, mandateKey{item.Category, a.Issuer}); err != nil {
		return err
	}
	var issuer *licence.Authority
	if d.mandate.fault == nil {
		issuer = &d.mandate.issuer
	}
	valid, err := licence.Validate(a, d.mandate.category, issuer, b.opt.ReadFile)
	var invalid *licence.InvalidError
	if err != nil && !errors.As(err, &invalid) {
		return err
	}
	if form != nil {
		d.faults = form.Faults
	}
	if invalid != nil {
		if d.mandate.fault != nil {
			invalid.Faults[0].Reason, invalid.Faults[0].ReasonZH = d.mandate.fault.Error(), "没有可签发的机构，或须指明其中之一"
		}
		for _, f := range invalid.Faults {
			// What is wrong with a value's form says more than that it is missing.
			if !slices.ContainsFunc(d.faults, func(known licence.Fault) bool { return known.Field == f.Field }) {
				d.faults = append(d.faults, f)
			}
		}
	}
	if len(d.faults) == 0 {
		d.valid = valid
	}
	return nil
}

// mandate returns who issues for the applications of a category and issuer.
func (b *bulk) mandate(ctx context.Context, key mandateKey) (*mandateFor, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if m := b.mandates[key]; m != nil {
		return m, nil
	}
	category, ok := b.office.Catalogue().Category(key.category)
	if !ok {
		return nil, fmt.Errorf("category %s: %w", key.category, catalogue.ErrNoCategory)
	}
	m := &mandateFor{category: category}
	b.mandates[key] = m
	var issuer licence.Authority
	if issuer, m.fault = chooseIssuer(b.all, key.category, key.issuer); m.fault != nil {
		return m, nil
	}
	if m.issuing = b.issuing[issuer.USCC]; m.issuing != nil {
		return m, nil
	}
	by, err := b.newIssuing(ctx, issuer)
	if err != nil {
		return nil, err
	}
	m.issuing, b.issuing[issuer.USCC] = by, by
	return m, nil
}

// newIssuing opens an authority's key for the batch.
func (b *bulk) newIssuing(ctx context.Context, issuer licence.Authority) (*issuing, error) {
	var err error
	if !b.opt.DryRun {
		if issuer, err = b.office.roomFor(ctx, b.actor, issuer, len(b.items)); err != nil {
			return nil, err
		}
	}
	by := new(issuing)
	by.mandate, err = b.office.bulkMandate(ctx, issuer)
	return by, err
}

// sign signs valid applications of one authority.
func (b *bulk) sign(ctx context.Context, m mandate, drafts []*bulkDraft) error {
	refs, err := b.office.reserveAll(ctx, m.issuer, len(drafts))
	if err != nil {
		return err
	}
	for i, d := range drafts {
		d.place, d.reserved = refs[i], true
	}
	licences := make([]*licence.Licence, len(drafts))
	for i, d := range drafts {
		if err := b.keepPictures(ctx, d.valid); err != nil {
			return err
		}
		if d.draft, err = b.office.firstVersion(ctx, d.mandate.category, m.issuer, d.valid); err != nil {
			return err
		}
		licences[i] = d.valid.Licence(d.draft.identifier, d.place, m.at)
		d.valid, d.draft.valid = nil, nil // and with them the bytes of the pictures
	}
	signed, err := licence.SignAll(licences, m.key)
	if err != nil {
		return err
	}
	for i, d := range drafts {
		s, err := m.submission(b.actor, d.draft, licences[i], signed[i])
		if err != nil {
			return err
		}
		if err := b.ready(d, s); err != nil {
			return err
		}
	}
	return nil
}

// ready prepares a signed licence for the register.
func (b *bulk) ready(d *bulkDraft, s licence.Submission) error {
	d.licence = s.Licence
	var err error
	d.prepared, err = b.office.store.Prepare(s)
	return err
}

// keepPictures stores the pictures of an application, each once a batch: those of a body
// are the same on thousands of licences.
func (b *bulk) keepPictures(ctx context.Context, valid *licence.Valid) error {
	for ref, image := range valid.Images() {
		b.mu.Lock()
		kept := b.pictures[ref.SM3]
		b.mu.Unlock()
		if kept {
			continue
		}
		if err := b.office.documents.Put(ctx, image); err != nil {
			return err
		}
		b.mu.Lock()
		b.pictures[ref.SM3] = true
		b.mu.Unlock()
	}
	return nil
}

// store puts the batch into the register.
func (b *bulk) store(ctx context.Context) error {
	result := BulkBatch{Last: b.items[len(b.items)-1].Line, Lines: len(b.items)}
	var from []int // the items that are stored
	for i := range b.drafts {
		d := &b.drafts[i]
		if len(d.faults) > 0 {
			result.Faulty++
			result.Invalid = appendFaults(result.Invalid, b.items[i].Line, d.faults)
			continue
		}
		result.Passed++
		from = append(from, i)
	}
	if b.opt.Before != nil {
		if err := b.opt.Before(result); err != nil {
			return err
		}
	}
	if b.opt.DryRun {
		if err := b.tried.claim(ctx, b, &result); err != nil {
			return err
		}
	} else if err := b.commit(ctx, &result, from); err != nil {
		return err
	}
	if b.opt.Stored != nil {
		return b.opt.Stored(result)
	}
	return nil
}

// commit stores the licences of items.
func (b *bulk) commit(ctx context.Context, result *BulkBatch, from []int) error {
	// A key that was suspended since the batch began signs nothing more.
	for code, by := range b.issuing {
		if err := b.office.inForce(ctx, by.key.Public().Point()); err != nil {
			return fmt.Errorf("key of authority %s: %w", code, err)
		}
	}
	refused := func(errs map[int]error) []LineFault {
		var faults []LineFault
		for i, err := range errs {
			faults = append(faults, LineFault{b.items[from[i]].Line, refusal(err)})
		}
		slices.SortFunc(faults, func(x, y LineFault) int { return cmp.Compare(x.Line, y.Line) })
		return faults
	}
	var mark *Mark
	if b.opt.Mark != nil {
		mark = b.opt.Mark(*result, refused)
	}
	errs, err := b.issue(ctx, from, mark)
	if err != nil {
		return err
	}
	result.Refused = refused(errs)
	result.Faulty += len(errs)
	highest := make(map[uint32]licence.StatusRef)
	for n, i := range from {
		if errs[n] != nil {
			continue // its place is given back with the batch
		}
		d := &b.drafts[i]
		d.reserved = false
		result.Issued = append(result.Issued, d.licence)
		if d.place.Index >= highest[d.place.List].Index {
			highest[d.place.List] = d.place
		}
	}
	for _, ref := range highest {
		b.office.unknown.issued(ref)
	}
	return nil
}

// issue stores licences of items. Where another process was faster with places in the
// status lists, their licences are signed anew with others.
func (b *bulk) issue(ctx context.Context, from []int, mark *Mark) (map[int]error, error) {
	all := make([]records.Prepared, len(from))
	for try := 0; ; try++ {
		for n, i := range from {
			all[n] = b.drafts[i].prepared
		}
		errs, err := b.office.store.IssueMarked(ctx, all, mark)
		if !errors.Is(err, licence.ErrIndexTaken) || try == placeTries {
			return errs, err
		}
		for n := range errs {
			d := &b.drafts[from[n]]
			refs, err := b.office.reserveAll(ctx, d.mandate.issuer, 1)
			if err != nil {
				return nil, err
			}
			d.place = refs[0] // the one before is somebody else's
			again := *d.licence
			again.Status = d.place
			s, err := d.mandate.sign(b.actor, d.draft, &again)
			if err == nil {
				err = b.ready(d, s)
			}
			if err != nil {
				return nil, err
			}
		}
	}
}

// refusal is the fault by which the register refuses a licence.
func refusal(err error) licence.Fault {
	if errors.Is(err, licence.ErrNumberTaken) {
		return licence.Fault{Field: "number", Reason: licence.ErrNumberTaken.Error(), ReasonZH: "该编号已用于另一份未注销的证照"}
	}
	return licence.Fault{Reason: err.Error()}
}

func appendFaults(faults []LineFault, line int, more []licence.Fault) []LineFault {
	for _, f := range more {
		faults = append(faults, LineFault{line, f})
	}
	return faults
}
