package ocsp

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/elicence/elicence/pki"
)

// batch is how many responses are put on the shelf together.
const batch = 256

// Run keeps a response for every unexpired certificate on the shelf until ctx ends.
// Failures are reported, and tried again with the next pass; until then answers are
// signed on demand.
func (r *Responder) Run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		if _, err := r.Produce(ctx); err != nil && ctx.Err() == nil {
			r.report(err)
		}
		// Twice within the time in which a response is due, so that one failed
		// pass is not seen from outside.
		timer.Reset(r.plan.Renew / 2)
	}
}

// Produce goes over all unexpired certificates once and signs ahead what is missing
// on the shelf or near its end. It returns how many responses it made. A shelf that
// is full ends the pass.
func (r *Responder) Produce(ctx context.Context) (int, error) {
	if err := r.env.Shelf.Prune(ctx, r.env.Now()); err != nil {
		return 0, fmt.Errorf("making OCSP responses ahead: pruning the shelf: %w", err)
	}
	made := 0
	for _, a := range r.tables.Load().authorities {
		n, err := r.produceFor(ctx, a)
		made += n
		if err != nil {
			return made, fmt.Errorf("making OCSP responses of %s ahead: %w", a.Issuer.Subject, err)
		}
	}
	return made, nil
}

func (r *Responder) produceFor(ctx context.Context, a *Authority) (int, error) {
	var due []CertID
	made := 0
	flush := func() error {
		err := r.stock(ctx, a, due)
		if err == nil {
			made += len(due)
		}
		due = due[:0]
		return err
	}
	issuers := r.issuers(a)
	for serial, err := range r.env.Ledger.Unexpired(ctx, a.Issuer.Key.Point()) {
		if err != nil {
			return made, fmt.Errorf("reading the ledger: %w", err)
		}
		for _, issuer := range issuers {
			id, err := issuer.certID(serial)
			if err != nil {
				return made, err
			}
			ready, found, err := r.env.Shelf.Find(ctx, id.der)
			if err != nil {
				return made, fmt.Errorf("looking at the shelf: %w", err)
			}
			if found && ready.NextUpdate.Sub(r.env.Now()) > r.plan.Renew {
				continue
			}
			if due = append(due, id); len(due) == batch {
				if err := flush(); err != nil {
					return made, err
				}
			}
		}
	}
	return made, flush()
}

// issuers returns what CertIDs of an authority are made ahead for.
func (r *Responder) issuers(a *Authority) []issuerID {
	var all []issuerID
	for _, hash := range r.plan.Hashes {
		all = append(all, newIssuerID(hash, a.Issuer.RawSubject(), a.Issuer.Key))
	}
	return all
}

// stock signs responses and puts them on the shelf. The ledger is asked again after
// that: whoever revokes a certificate tells the ledger first and then
// [Responder.Changed], so either the change is seen here, or Changed comes later and
// takes the response away.
func (r *Responder) stock(ctx context.Context, a *Authority, ids []CertID) error {
	now := r.env.Now().UTC()
	var ready []Ready
	var said []Single
	for _, id := range ids {
		// Up to an eighth shorter, so that they do not all end together.
		life := r.plan.Life - time.Duration(r.env.Draw(int64(r.plan.Life/8)+1))
		single, err := r.single(ctx, a, id, now, life)
		if err != nil {
			return err
		}
		if single.Status == Unknown {
			continue // it may be issued at any time
		}
		der, err := (&Template{Singles: []Single{single}, ProducedAt: now, Responder: a.Responder}).Sign(a.Key)
		if err != nil {
			return err
		}
		said = append(said, single)
		ready = append(ready, Ready{ID: id.der, DER: der, ETag: entityTag(der), ThisUpdate: single.ThisUpdate, NextUpdate: single.NextUpdate})
	}
	putErr := r.env.Shelf.Put(ctx, ready...)
	for _, before := range said {
		again, err := r.single(ctx, a, before.ID, now, r.plan.Life)
		if err == nil && again.Status == before.Status && again.Revocation == before.Revocation {
			continue
		}
		// What is not known to be still true goes, even if ctx has ended.
		if removeErr := r.env.Shelf.Remove(context.WithoutCancel(ctx), before.ID.der); removeErr != nil {
			return fmt.Errorf("taking a response from the shelf that is no longer true: %w", errors.Join(removeErr, err, putErr))
		}
	}
	if putErr != nil {
		return fmt.Errorf("putting responses on the shelf: %w", putErr)
	}
	return nil
}

// Changed says that the standing of a certificate is not what it was: its response is
// taken from the shelf and made anew. It must be called after the ledger has the
// change. Even if it fails to make a new one, the old one is gone, unless the error
// says otherwise.
func (r *Responder) Changed(ctx context.Context, issuer pki.Point, serial []byte) error {
	a := r.tables.Load().byKey[issuer]
	if a == nil {
		return fmt.Errorf("OCSP: no authority with key %s", issuer)
	}
	var ids []CertID
	for _, hash := range Hashes() { // an earlier plan may have made others
		id, err := newIssuerID(hash, a.Issuer.RawSubject(), a.Issuer.Key).certID(serial)
		if err != nil {
			return err
		}
		if err := r.env.Shelf.Remove(ctx, id.der); err != nil {
			return fmt.Errorf("OCSP for %s: taking the old response of %x from the shelf: %w", a.Issuer.Subject, serial, err)
		}
		if slices.Contains(r.plan.Hashes, hash) {
			ids = append(ids, id)
		}
	}
	if err := r.stock(ctx, a, ids); err != nil && !errors.Is(err, ErrShelfFull) {
		return fmt.Errorf("OCSP for %s: %w", a.Issuer.Subject, err)
	}
	return nil
}
