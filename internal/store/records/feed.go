package records

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"github.com/elicence/elicence/internal/store/kv"
	"github.com/elicence/elicence/licence"
)

var _ licence.Feed = (*Store)(nil)

// The value of the table changes is the number of a licence and, since format 3, the
// step that was taken and its time (UTC seconds, 40 bits).
const (
	plainChangeSize = 8
	changeSize      = plainChangeSize + 1 + 5
)

func changeValue(number uint64, step licence.Step, at int64) ([]byte, error) {
	place := slices.Index(licence.Steps(), step)
	if place < 0 {
		return nil, errors.New("step is not known")
	}
	v := append(uint64Key(number), byte(place+1))
	return append(v, uint64Key(uint64(at))[3:]...), nil //nolint:gosec // times after 1970
}

// changeEntry is one entry of the feed: a step that is in the table changes, or an
// issue, which is the record itself.
type changeEntry struct {
	revision, number uint64
	step             licence.Step // empty: not known
	at               time.Time
}

func readChange(key, value []byte) (changeEntry, error) {
	if len(key) != 8 || len(value) != plainChangeSize && len(value) != changeSize {
		return changeEntry{}, errors.New("an entry of the changes is damaged")
	}
	e := changeEntry{revision: binary.BigEndian.Uint64(key), number: binary.BigEndian.Uint64(value)}
	if len(value) == changeSize {
		place := int(value[plainChangeSize]) - 1
		if place < 0 || place >= len(licence.Steps()) {
			return e, errors.New("an entry of the changes names no step")
		}
		e.step = licence.Steps()[place]
		e.at = unixUTC(int64(binary.BigEndian.Uint64(append([]byte{0, 0, 0}, value[plainChangeSize+1:]...)))) //nolint:gosec // 40 bits
	}
	return e, nil
}

// maxScanned is how many entries a page of the feed looks at, whatever it finds.
const maxScanned = 4096

// Changes implements [licence.Feed].
func (s *Store) Changes(ctx context.Context, q licence.ChangeQuery) (licence.ChangePage, error) {
	var page licence.ChangePage
	err := s.view(ctx, "reading the changes", func(tx kv.Tx) error {
		page = licence.ChangePage{Next: q.After}
		entries, end, err := entriesAfter(tx, q.After, maxScanned)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if len(page.Changes) >= q.Limit {
				return nil
			}
			f, err := at(tx, e.number)
			if err != nil {
				return err
			}
			page.Next = e.revision
			if f.erased() {
				continue // nothing is left to be told
			}
			if ref := licence.UnpackStatusRef(f.Status); len(q.Lists) > 0 && !slices.Contains(q.Lists, ref.List) {
				continue
			}
			r, err := s.open(tx, f)
			if err != nil {
				return err
			}
			page.Changes = append(page.Changes, e.change(r))
		}
		page.End = end
		return nil
	})
	return page, err
}

// change is an entry as the feed tells it. What an earlier version has stored names no
// step; it was the last one, which the state tells.
func (e changeEntry) change(r licence.Record) licence.Change {
	c := licence.Change{Revision: e.revision, Step: e.step, At: e.at, Record: r}
	if e.step == licence.Issue {
		c.At = r.Licence.SignedAt
	}
	if e.step == "" {
		c.Step = map[licence.State]licence.Step{licence.Suspended: licence.Suspend, licence.Revoked: licence.Revoke}[r.State]
		c.Step = cmp.Or(c.Step, licence.Resume)
		c.At = r.Since
	}
	return c
}

// entriesAfter returns up to limit entries of the feed behind a revision, in order, and
// whether nothing follows. Issues stand in the table of records, all other steps in that
// of changes.
func entriesAfter(tx kv.Tx, after uint64, limit int) ([]changeEntry, bool, error) {
	var issues, steps []changeEntry
	from := uint64Key(after + 1)
	for key := range tx.Table(tableRecords).Range(from, nil) {
		if len(key) != 8 {
			return nil, false, errors.New("the key of a record is damaged")
		}
		n := binary.BigEndian.Uint64(key)
		if issues = append(issues, changeEntry{revision: n, number: n, step: licence.Issue}); len(issues) == limit {
			break
		}
	}
	for key, value := range tx.Table(tableChanges).Range(from, nil) {
		e, err := readChange(key, value)
		if err != nil {
			return nil, false, err
		}
		if steps = append(steps, e); len(steps) == limit {
			break
		}
	}
	end := len(issues) < limit && len(steps) < limit
	all := append(issues, steps...)
	slices.SortFunc(all, func(a, b changeEntry) int { return cmp.Compare(a.revision, b.revision) })
	// Behind the last of a table that was not read to its end there may be more of it.
	if len(all) > limit {
		all, end = all[:limit], false
	}
	return all, end, nil
}
