package pdf

import (
	"fmt"

	"github.com/elicence/elicence/seal/pdf/revision"
)

// changes compares every revision from the first signed one on with the one
// before it and tells each signature what happened after it.
func (d *Document) changes(found []*Signature) error {
	first := -1
	for _, s := range found {
		if len(s.Faults) == 0 {
			first = max(first, s.view)
		}
	}
	sound := sound(found)
	later := make([][]revision.Change, first+1) // by the index of the newer revision
	for i := first - 1; i >= 0; i-- {
		changes, err := revision.Compare(d.file, i, sound)
		if err != nil {
			return err
		}
		later[i] = changes
		d.now.From(i+1, 0).Forget() // no later comparison asks it
	}
	trailing, err := d.trailing()
	if err != nil {
		return err
	}
	for _, s := range found {
		if len(s.Faults) > 0 {
			continue
		}
		for i := s.view - 1; i >= 0; i-- {
			s.Changes = append(s.Changes, later[i]...)
		}
		if s.view == 0 && !d.file.EndsAt(s.end) {
			s.Changes = append(s.Changes, revision.Change{Kind: revision.Modified, Code: revision.ChangeHistoryHidden, Revision: s.Revision,
				What: "what follows the signed revision points back to it and hides later ones"})
		}
		s.Changes = append(s.Changes, trailing...)
	}
	return nil
}

// sound is of the signatures those without faults, as the comparison of revisions asks for them.
func sound(found []*Signature) []revision.Signature {
	var out []revision.Signature
	for _, s := range found {
		if len(s.Faults) == 0 {
			out = append(out, revision.Signature{Ref: s.ref, Section: s.view, End: s.end, Timestamp: s.Timestamp})
		}
	}
	return out
}

// ChangesSince lists what revisions after the first n bytes of the file changed, the
// oldest first: what happened to a document since it had that length. Where no revision
// ends there, or it is no longer part of the file, that is a change too.
func (d *Document) ChangesSince(n int64) ([]revision.Change, error) {
	if n < 0 || n > d.Size() {
		return nil, fmt.Errorf("changes since byte %d of a file of %d", n, d.Size())
	}
	d.file.BeginWork()
	found, err := d.inspected()
	if err != nil {
		return nil, err
	}
	first, closed, err := d.file.RevisionEnding(n)
	if err != nil {
		return nil, err
	}
	if !closed || first < 0 {
		return []revision.Change{{Kind: revision.Modified, Code: revision.ChangeNoRevision, Revision: d.file.Revision(0), What: "the file as it was then is no revision of what it is now"}}, nil
	}
	sound := sound(found)
	var all []revision.Change
	for i := first - 1; i >= 0; i-- {
		changes, err := revision.Compare(d.file, i, sound)
		if err != nil {
			return nil, err
		}
		all = append(all, changes...)
	}
	more, err := d.trailing()
	return append(all, more...), err
}

// trailing finds bytes behind the newest revision. White space there changes
// nothing for any reader; anything else may.
func (d *Document) trailing() ([]revision.Change, error) {
	n, err := d.file.Trailing()
	if err != nil || n == 0 {
		return nil, err
	}
	return []revision.Change{{Kind: revision.Modified, Code: revision.ChangeTrailingBytes, Revision: d.file.Revision(0),
		What: fmt.Sprintf("%d bytes follow the end of the newest revision and belong to none", n)}}, nil
}
