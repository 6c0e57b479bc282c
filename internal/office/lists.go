package office

import (
	"context"
	"errors"
	"fmt"

	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/qr/status"
)

// nextListAt is how much room an authority's newest status list has when the next one is
// opened: what a province issues and binds in weeks, so that every terminal knows the
// next list before anything is on it.
const nextListAt = status.ListSize / 8

// reserve reserves a place for a credential of an authority: in the list before the
// newest as long as that has room, then in the newest.
func (o *Office) reserve(ctx context.Context, issuer licence.Authority) (licence.StatusRef, error) {
	if n := len(issuer.Lists); n > 1 {
		ref, err := o.store.ReserveIndex(ctx, issuer.Lists[n-2])
		if !errors.Is(err, licence.ErrListFull) {
			return ref, err
		}
	}
	return o.store.ReserveIndex(ctx, issuer.Lists[len(issuer.Lists)-1])
}

// openLists gives every authority whose newest list is filling up a next one. The caller
// holds publishing, and publishes.
func (o *Office) openLists(ctx context.Context, actor string) error {
	all, err := o.store.Authorities(ctx)
	if err != nil {
		return err
	}
	highest := uint32(0)
	for _, a := range all {
		for _, l := range a.Lists {
			highest = max(highest, l)
		}
	}
	for _, a := range all {
		room, err := o.store.ListRoom(ctx, a.Lists[len(a.Lists)-1])
		if err != nil {
			return err
		}
		if room > nextListAt {
			continue
		}
		highest++
		entry, err := o.folder.Entry(actor, audit.ActListOpen, a.USCC)
		if err != nil {
			return err
		}
		if err := o.store.AddList(ctx, a.USCC, highest, entry); err != nil {
			return fmt.Errorf("opening a status list: %w", err)
		}
	}
	return nil
}

// reserveAll reserves places for many licences of an authority, as [Office.reserve] does
// for one.
func (o *Office) reserveAll(ctx context.Context, issuer licence.Authority, n int) ([]licence.StatusRef, error) {
	var refs []licence.StatusRef
	for _, list := range issuer.Lists[max(0, len(issuer.Lists)-2):] {
		room, err := o.store.ListRoom(ctx, list)
		if err != nil {
			o.releaseAll(refs)
			return nil, err
		}
		more, err := o.store.ReserveIndices(ctx, list, min(n-len(refs), room))
		if err != nil && !errors.Is(err, licence.ErrListFull) { // somebody was faster with the last ones
			o.releaseAll(refs)
			return nil, err
		}
		if refs = append(refs, more...); len(refs) == n {
			return refs, nil
		}
	}
	o.releaseAll(refs)
	return nil, fmt.Errorf("reserving %d places for authority %s: %w", n, issuer.USCC, licence.ErrListFull)
}

func (o *Office) releaseAll(refs []licence.StatusRef) {
	for _, ref := range refs {
		o.store.ReleaseIndex(ref)
	}
}

// roomFor returns an authority whose lists have room for so many licences more than are
// on their way: where its newest list is filling up it is given a next one now, and not
// with the next publication as otherwise, because by then a bulk issue has filled it.
func (o *Office) roomFor(ctx context.Context, actor string, issuer licence.Authority, n int) (licence.Authority, error) {
	room, err := o.store.ListRoom(ctx, issuer.Lists[len(issuer.Lists)-1])
	if err != nil || room > nextListAt && room > 2*n {
		return issuer, err
	}
	o.publishing.Lock()
	err = o.openLists(ctx, actor)
	o.publishing.Unlock()
	if err != nil {
		return issuer, err
	}
	o.unknown.tell()
	return o.authorityOf(ctx, issuer.USCC)
}
