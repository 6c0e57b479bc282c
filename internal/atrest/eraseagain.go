package atrest

import (
	"context"
	"fmt"
	"time"

	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/pki/audit"
)

// eraseAgain erases what was erased before, in a store that does not know of it because it
// was put back to an earlier moment: the keys are destroyed, so nothing can be read. It
// returns the identifiers of the licences.
func eraseAgain(ctx context.Context, o Office, actor string) ([]string, error) {
	const reason = "依记录密钥的状态重做 carried out again: the key was destroyed before the store was put back"
	f := o.Folder()
	all, entries, err := f.Records.Destroyed(ctx)
	if err != nil {
		return nil, err
	}
	erased := []string{}
	var erasures []licence.Erasure
	var notes []audit.Record
	now := f.Now().UTC().Truncate(time.Second)
	for _, d := range all {
		category, known := o.Catalogue().Category(catalogue.ID(d.Category))
		if !known {
			return nil, fmt.Errorf("category %03d: %w", d.Category, catalogue.ErrNoCategory)
		}
		id, err := licence.NewIdentifier(category.Code, d.Issuer, d.Serial, d.Version)
		if err != nil {
			return nil, err
		}
		entry, err := audit.NewRecord(audit.Entry{Time: now.Unix(), Actor: actor, Act: audit.ActLicenceErase, Subject: id.String()}, []byte(reason))
		if err != nil {
			return nil, err
		}
		// Whether its number was to be kept from others is not known any more.
		e := licence.Erasure{Identifier: id, KeepNumber: true, AppliedBy: actor, AppliedAt: now, ApprovedBy: actor, ApprovedAt: now}
		erasures, notes, erased = append(erasures, e), append(notes, entry), append(erased, id.String())
	}
	const together = 1000
	for len(erasures) > 0 {
		n := min(together, len(erasures))
		if err := f.Records.EraseAgain(ctx, erasures[:n], notes[:n]); err != nil {
			return nil, err
		}
		erasures, notes = erasures[n:], notes[n:]
	}
	if len(entries) > 0 {
		return erased, o.EraseDetails(ctx, actor, reason, entries...)
	}
	return erased, nil
}
