package records

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/elicence/elicence/internal/store/kv"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/crl"
)

// CRLLedger is what a publisher reads of one authority's shards: those of one count, as
// earlier counts have lists of their own.
type CRLLedger struct {
	store *Store
	count uint32
}

var _ crl.Ledger = CRLLedger{}

// CRLLedger returns the ledger of the shards of a count; 0: of authorities without
// shards.
func (s *Store) CRLLedger(count uint32) CRLLedger { return CRLLedger{s, count} }

// Sequence implements [crl.Ledger]. Every authority's changes are numbered together.
func (l CRLLedger) Sequence(ctx context.Context, _ pki.Point) (uint64, error) {
	return l.store.StatusSequence(ctx)
}

// Revoked implements [crl.Ledger]. Expired certificates stay: what they have signed
// is judged long after.
func (l CRLLedger) Revoked(ctx context.Context, issuer pki.Point, shard int) iter.Seq2[crl.Entry, error] {
	return func(yield func(crl.Entry, error) bool) {
		for r, err := range l.store.RevokedBy(ctx, issuer, l.shard(shard)) {
			if err == nil {
				err = ctx.Err()
			}
			if !yield(crl.Entry{Serial: r.Serial[:], Revocation: r.Revocation}, err) || err != nil {
				return
			}
		}
	}
}

// RevokedSince implements [crl.Ledger].
func (l CRLLedger) RevokedSince(ctx context.Context, issuer pki.Point, shard int, sequence uint64) iter.Seq2[crl.Entry, error] {
	return func(yield func(crl.Entry, error) bool) {
		var changed []crl.Entry
		for r, err := range l.store.StatusChanges(ctx, issuer, sequence) {
			if err != nil {
				yield(crl.Entry{}, err)
				return
			}
			if r.Shard != l.shard(shard) {
				continue
			}
			e := crl.Entry{Serial: r.Serial[:], Revocation: r.Revocation}
			if r.State == ca.Good {
				c, err := cert.Parse(r.DER)
				if err != nil {
					yield(crl.Entry{}, err)
					return
				}
				// A line must have a date; nobody reads that of one that goes.
				e.Revocation = cert.Revocation{At: c.NotBefore(), Reason: cert.RemoveFromCRL}
			}
			changed = append(changed, e)
		}
		slices.SortFunc(changed, func(a, b crl.Entry) int { return bytes.Compare(a.Serial, b.Serial) })
		for _, e := range changed {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func (l CRLLedger) shard(index int) ca.Shard {
	if l.count == 0 {
		return ca.Shard{}
	}
	return ca.Shard{Count: l.count, Index: uint32(index)} //nolint:gosec // below the count
}

// published is the value of the table crls.
type published struct {
	Number     uint64 `cbor:"1,keyasint"`
	Sequence   uint64 `cbor:"2,keyasint"`
	Entries    int    `cbor:"3,keyasint"`
	ThisUpdate int64  `cbor:"4,keyasint"` // UTC seconds
	NextUpdate int64  `cbor:"5,keyasint"`
	DER        []byte `cbor:"6,keyasint"`
}

func (p published) parse() crl.Published {
	return crl.Published{
		Number: p.Number, Sequence: p.Sequence, Entries: p.Entries, ThisUpdate: unixUTC(p.ThisUpdate), NextUpdate: unixUTC(p.NextUpdate), DER: p.DER,
	}
}

// CRLStore keeps revocation lists and their numbers.
type CRLStore struct{ store *Store }

var _ crl.Store = CRLStore{}

// CRLs returns the store of revocation lists.
func (s *Store) CRLs() CRLStore { return CRLStore{s} }

// TakeNumber implements [crl.Store].
func (c CRLStore) TakeNumber(ctx context.Context, scope string) (uint64, error) {
	var number uint64
	err := c.store.together(ctx, func(tx kv.Tx) error {
		b := tx.Table(tableCRLNumbers)
		number = getUint(b, []byte(scope)) + 1
		return putUint(b, []byte(scope), number)
	})
	if err != nil {
		return 0, fmt.Errorf("number of CRL %s: %w", scope, err)
	}
	return number, nil
}

// Latest implements [crl.Store].
func (c CRLStore) Latest(ctx context.Context, name string) (crl.Published, bool, error) {
	var p published
	var found bool
	err := c.store.db.View(ctx, func(tx kv.Tx) error {
		var err error
		found, err = get(tx.Table(tableCRLs), []byte(name), &p)
		return err
	})
	if err != nil {
		return crl.Published{}, false, fmt.Errorf("CRL %s: %w", name, err)
	}
	if !found {
		return crl.Published{}, false, nil
	}
	return p.parse(), true, nil
}

// Replace implements [crl.Store].
func (c CRLStore) Replace(ctx context.Context, scope, name string, list crl.Published) error {
	value := published{list.Number, list.Sequence, list.Entries, list.ThisUpdate.Unix(), list.NextUpdate.Unix(), list.DER}
	err := c.store.together(ctx, func(tx kv.Tx) error {
		if list.Number == 0 || getUint(tx.Table(tableCRLNumbers), []byte(scope)) != list.Number {
			return crl.ErrSuperseded
		}
		return put(tx.Table(tableCRLs), []byte(name), value)
	})
	if err != nil {
		return fmt.Errorf("CRL %s: %w", name, err)
	}
	return nil
}

// Names returns the names of the lists in force, in order.
func (c CRLStore) Names(ctx context.Context) ([]string, error) {
	var names []string
	err := c.store.db.View(ctx, func(tx kv.Tx) error {
		for name := range tx.Table(tableCRLs).Range(nil, nil) {
			names = append(names, string(name))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("listing CRLs: %w", err)
	}
	return names, nil
}
