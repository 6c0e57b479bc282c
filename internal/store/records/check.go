package records

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/elicence/elicence/internal/store/kv"
	"github.com/elicence/elicence/internal/store/sealed"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/qr/status"
)

// Fault is something that is wrong in a store.
type Fault struct {
	Where string `json:"where"` // a table, an index, the log, with the place in it
	What  string `json:"what"`
}

// Counted says how much a check has looked at.
type Counted struct {
	Licences    uint64 `json:"licences"`
	Credentials uint64 `json:"credentials"`
	LogEntries  uint64 `json:"log_entries"`
	// Destroyed are licences whose key was destroyed and which nobody has erased; only a deep
	// check knows. The records are of an earlier moment than the record keys.
	Destroyed uint64 `json:"-"`
}

// Check compares everything in the store with everything else as of one moment and tells
// of each fault: records that cannot be read, indexes, counts, changes and status lists
// that do not agree with them, places that two have, an audit log that is not whole.
// Deep decrypts every licence and verifies its signature too, and gives it to licence,
// which may be nil. The store is read and written to meanwhile. The error says that it
// could not be checked to the end.
func (s *Store) Check(ctx context.Context, deep bool, each func(*licence.Licence), tell func(Fault)) (Counted, error) {
	c := &checking{store: s, deep: deep, each: each, tell: tell, counts: make(map[string]uint64), places: make(map[uint32]*status.Plane), entries: make(map[string]uint64)}
	if each == nil {
		c.each = func(*licence.Licence) {}
	}
	err := s.db.View(ctx, func(tx kv.Tx) error {
		c.ctx, c.tx = ctx, tx
		lookups, err := s.lookupsIn(tx)
		if err != nil {
			return err
		}
		c.living = lookups.living()
		for _, step := range []func() error{c.records, c.indexes, c.changes, c.countsAgree, c.credentials, c.log} {
			if err := step(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return c.counted, fmt.Errorf("checking the store: %w", err)
	}
	return c.counted, nil
}

// checking is a check under way.
type checking struct {
	store   *Store
	ctx     context.Context
	tx      kv.Tx
	deep    bool
	each    func(*licence.Licence)
	tell    func(Fault)
	counted Counted

	living  []sealed.LookupGeneration // that look-up keys may be of
	counts  map[string]uint64         // of categories and states, as the records say
	entries map[string]uint64         // that indexes must have
	changed uint64                    // records with a change
	// Erased by law, and of them those whose number is free.
	erased, unnumbered uint64
	places             map[uint32]*status.Plane // given out, by list
	rows               int
}

func (c *checking) fault(where, format string, args ...any) {
	c.tell(Fault{where, fmt.Sprintf(format, args...)})
}

// interrupted is asked at every row.
func (c *checking) interrupted() error {
	const often = 1024
	if c.rows++; c.rows%often == 0 {
		return c.ctx.Err()
	}
	return nil
}

func (c *checking) records() error {
	highest := uint64(0)
	for key, value := range c.tx.Table(tableRecords).Range(nil, nil) {
		if err := c.interrupted(); err != nil {
			return err
		}
		c.counted.Licences++
		if len(key) != 8 {
			c.fault("records", "the key %x is damaged", key)
			continue
		}
		f := found{number: binary.BigEndian.Uint64(key)}
		where := fmt.Sprintf("records %d", f.number)
		highest = max(highest, f.number, f.Revision)
		if err := decode(value, &f.stored); err != nil {
			c.fault(where, "%v", err)
			continue
		}
		if len(f.Key) != sealed.KeySize {
			c.fault(where, "the record key is damaged")
			continue
		}
		highest = max(highest, f.revision())
		c.record(where, f)
	}
	if last := getUint(c.tx.Table(tableMeta), metaRevision); last < highest {
		c.fault("meta", "the last revision is said to be %d, a record has %d", last, highest)
	}
	return nil
}

func (c *checking) record(where string, f found) {
	c.counts[string(countKey(f.Category, f.state()))]++
	if f.Request != nil {
		c.entries[indexRequests]++
	}
	if f.Revision != 0 {
		c.changed++
		key := uint64Key(f.Revision)
		if e, err := readChange(key, c.tx.Table(tableChanges).Get(key)); err != nil || e.number != f.number {
			c.fault(where, "the changes do not lead to it from its revision %d", f.Revision)
		}
	}
	if !c.has(indexIdentifiers, identifierKey(sealed.Key(f.Key)), f.number) {
		c.fault(where, "the index %s does not lead to it", indexIdentifiers)
	}
	ref := licence.UnpackStatusRef(f.Status)
	c.place(where, ref)
	revoked, suspended := c.bit(ref, planeRevoked), c.bit(ref, planeSuspended)
	if f.erased() {
		c.erasure(where, f, revoked)
		return
	}
	if f.state().ShownRevoked() != revoked || f.state() == licence.Suspended != suspended && !f.state().ShownRevoked() {
		c.fault(where, "the licence is %s, the status list says revoked %t, suspended %t", f.state(), revoked, suspended)
	}
	if !c.deep {
		return
	}
	r, err := c.store.open(c.tx, f)
	if errors.Is(err, sealed.ErrDestroyed) {
		c.counted.Destroyed++
		return
	}
	if err != nil {
		c.fault(where, "%v", err)
		return
	}
	l := r.Licence
	if l.Status != ref {
		c.fault(where, "the licence names another place in the status lists")
	}
	if err := c.lookedUp(where, l, f.number); err != nil {
		c.fault(where, "%v", err)
	}
	c.each(l)
}

// lookedUp checks that a licence is found by its number and by each holder.
func (c *checking) lookedUp(where string, l *licence.Licence, number uint64) error {
	numbered, held := false, make([]bool, len(l.Holders))
	for _, g := range c.living {
		keys, err := c.store.indexKeys(g, l, licence.Request{})
		if err != nil {
			return err
		}
		numbered = numbered || c.has(indexNumbers, keys.number, number)
		for i, key := range keys.holders {
			held[i] = held[i] || c.has(indexHolders, key, number)
		}
	}
	if !numbered {
		c.fault(where, "the index %s does not lead to it", indexNumbers)
	}
	if slices.Contains(held, false) {
		c.fault(where, "the index %s does not lead to it", indexHolders)
	}
	return nil
}

// erasure checks a licence of which nothing is left but its place.
func (c *checking) erasure(where string, f found, revoked bool) {
	if !revoked {
		c.fault(where, "the licence was erased, the status list does not say that it is revoked")
	}
	var v erasure
	found, err := get(c.tx.Table(tableErasures), f.Key, &v)
	if err != nil || !found || v.ApprovedBy == "" {
		c.fault(where, "its signed form is missing, and nobody has erased it")
	}
	c.erased++
	if !v.KeepNumber {
		c.unnumbered++
	}
}

func (c *checking) has(index string, key []byte, number uint64) bool {
	for ref := range c.tx.Index(index).Find(key) {
		if numberOf(ref) == number {
			return true
		}
	}
	return false
}

// place notes that a place in the status lists is somebody's.
func (c *checking) place(where string, ref licence.StatusRef) {
	if ref.Index >= status.ListSize {
		c.fault(where, "its place in status list %d is beyond the list", ref.List)
		return
	}
	given := c.places[ref.List]
	if given == nil {
		given = new(status.Plane)
		c.places[ref.List] = given
	}
	if given.Has(ref.Index) {
		c.fault(where, "index %d of status list %d is another's too", ref.Index, ref.List)
	}
	given.Set(ref.Index)
	if err := indexFree(c.tx, ref); !errors.Is(err, licence.ErrIndexTaken) {
		c.fault(where, "index %d of status list %d may be given out again", ref.Index, ref.List)
	}
	if high := getUint(c.tx.Table(tableLists), listKey(ref.List)); uint64(ref.Index) >= high {
		c.fault(where, "index %d is not below the high mark %d of status list %d", ref.Index, high, ref.List)
	}
}

func (c *checking) bit(ref licence.StatusRef, plane byte) bool {
	key := binary.BigEndian.AppendUint16(append(listKey(ref.List), plane), uint16(ref.Index/windowSize)) //nolint:gosec // below ListSize
	bits, i := c.tx.Table(tablePlanes).Get(key), ref.Index%windowSize
	return len(bits) == windowBytes && bits[i/8]>>(i%8)&1 == 1
}

// indexes checks that what is in the indexes leads to a record, and how much there is.
func (c *checking) indexes() error {
	records := c.tx.Table(tableRecords)
	for _, i := range Schema().Indexes {
		n := uint64(0)
		for key, ref := range c.tx.Index(i.Name).All() {
			if err := c.interrupted(); err != nil {
				return err
			}
			n++
			value := records.Get(uint64Key(numberOf(ref)))
			if value == nil {
				c.fault("index "+i.Name, "it leads to licence number %d, which is not there", numberOf(ref))
				continue
			}
			if i.Name != indexIdentifiers {
				if g := sealed.LookupGenerationOf(key); !slices.Contains(c.living, g) {
					c.fault("index "+i.Name, "licence number %d is under look-up keys of generation %d, which are not in use", numberOf(ref), g)
				}
				continue
			}
			var f found
			if decode(value, &f.stored) == nil && len(f.Key) == sealed.KeySize && !bytes.Equal(identifierKey(sealed.Key(f.Key)), key) {
				c.fault("index "+i.Name, "it leads to licence number %d, which has another identifier", numberOf(ref))
			}
		}
		want, exact := c.counted.Licences, true
		switch i.Name {
		case indexRequests:
			want = c.entries[i.Name]
		case indexNumbers:
			want -= c.unnumbered
		case indexHolders:
			want -= c.erased
			exact = false // a licence may have several, two of them under one key
		}
		if exact && n != want || n < want && i.Name == indexHolders {
			c.fault("index "+i.Name, "it has %d entries, the records want %d", n, want)
		}
	}
	return nil
}

func (c *checking) changes() error {
	n := uint64(0)
	for key, value := range c.tx.Table(tableChanges).Range(nil, nil) {
		if err := c.interrupted(); err != nil {
			return err
		}
		e, err := readChange(key, value)
		if err != nil {
			c.fault("changes", "the entry %x is damaged", key)
			continue
		}
		f, err := at(c.tx, e.number)
		switch {
		case err != nil:
			c.fault(fmt.Sprintf("changes %d", e.revision), "%v", err)
		case f.Revision == e.revision:
			n++
		case f.Revision < e.revision:
			c.fault(fmt.Sprintf("changes %d", e.revision), "licence number %d was changed last with revision %d", f.number, f.Revision)
		}
	}
	if n != c.changed {
		c.fault("changes", "there are the last changes of %d licences, %d have changed", n, c.changed)
	}
	return nil
}

func (c *checking) countsAgree() error {
	stored := make(map[string]uint64)
	for key, value := range c.tx.Table(tableCounts).Range(nil, nil) {
		if len(key) != 3 || len(value) != 8 {
			c.fault("counts", "the entry %x is damaged", key)
			continue
		}
		if n := binary.BigEndian.Uint64(value); n != 0 {
			stored[string(key)] = n
		}
	}
	all := maps.Clone(c.counts)
	for key := range stored {
		all[key] += 0
	}
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if stored[key] != c.counts[key] {
			c.fault("counts", "category %03d has %d licences that are %s, the count says %d", binary.BigEndian.Uint16([]byte(key)), c.counts[key], licence.State(key[2]), stored[key])
		}
	}
	return nil
}

func (c *checking) credentials() error {
	for key, value := range c.tx.Table(tableCredentials).Range(nil, nil) {
		if err := c.interrupted(); err != nil {
			return err
		}
		c.counted.Credentials++
		where := fmt.Sprintf("credentials %x", key)
		var cr credential
		if err := decode(value, &cr); err != nil || len(key) < sealed.KeySize {
			c.fault(where, "it is damaged")
			continue
		}
		f, err := find(c.tx, sealed.Key(key[:sealed.KeySize]))
		if err != nil {
			c.fault(where, "its licence: %v", err)
			continue
		}
		// The code of a licence in full has the licence's own place.
		if cr.Status != f.Status {
			c.place(where, licence.UnpackStatusRef(cr.Status))
		}
		if ref := licence.UnpackStatusRef(cr.Status); (cr.Revoked || f.state().ShownRevoked()) && !c.bit(ref, planeRevoked) {
			c.fault(where, "it is revoked, and the status list does not say so")
		}
	}
	return nil
}

func (c *checking) log() error {
	log := c.store.log(c.tx)
	size, err := log.Size()
	if err != nil {
		return err
	}
	c.counted.LogEntries = size
	if _, err := audit.Verify(audit.Interruptible(c.ctx, log)); err != nil {
		if ctxErr := c.ctx.Err(); ctxErr != nil {
			return ctxErr
		}
		c.fault("audit log", "%v", err)
	}
	return nil
}
