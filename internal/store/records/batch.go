package records

import (
	"bytes"
	"cmp"
	"errors"
	"maps"
	"slices"

	"github.com/elicence/elicence/internal/store/kv"
	"github.com/elicence/elicence/internal/store/sealed"
	"github.com/elicence/elicence/licence"
)

// batch are licences that are stored in one transaction. What they have in common is read
// once and written once, by flush: the register's revision, the counts, the windows of the
// status lists, the numbers of their signers. Until then nobody else in the transaction
// reads or writes these.
type batch struct {
	store      *Store
	tx         kv.Tx
	generation sealed.Generation
	schemas    schemas
	revision   uint64 // of the last licence
	before     uint64 // the revision that is stored
	counts     map[counted]int64
	windows    map[window]*placesOf
	signers    map[signer]uint32
}

// counted is what licences are counted by.
type counted struct {
	category uint16
	state    licence.State
}

// window is a window of a status list.
type window struct {
	list   uint32
	number int
}

func windowOf(ref licence.StatusRef) window { return window{ref.List, int(ref.Index / windowSize)} }

func (w window) compare(o window) int {
	return cmp.Or(cmp.Compare(w.list, o.list), cmp.Compare(w.number, o.number))
}

// placesOf are the places of a window that were given out.
type placesOf struct {
	taken [windowBytes]byte
	more  bool // the batch takes some
}

// newBatch begins a batch, with the look-up keys of its licences that the transaction wants.
func (s *Store) newBatch(tx kv.Tx, issues ...*issue) (*batch, error) {
	tx.Table(tableMeta).Fetch([][]byte{metaLookups, metaRevision, metaGeneration, metaAuditSize, settingKey(Schemas)}) // in one trip
	if err := s.keyed(tx, issues...); err != nil {
		return nil, err
	}
	schemas, err := readSchemas(tx)
	if err != nil {
		return nil, err
	}
	revision := getUint(tx.Table(tableMeta), metaRevision)
	return &batch{
		store: s, tx: tx, generation: s.generation(tx), schemas: schemas, revision: revision, before: revision,
		counts: make(map[counted]int64), windows: make(map[window]*placesOf), signers: make(map[signer]uint32),
	}, nil
}

// fetch tells the engine what checking and storing licences will read.
func (b *batch) fetch(issues []*issue) {
	identifiers, numbers := make([][]byte, 0, len(issues)), make([][]byte, 0, len(issues))
	var requests, windows, counts [][]byte
	seen, count := make(map[window]bool), make(map[uint16]bool)
	for _, i := range issues {
		if i == nil {
			continue
		}
		identifiers, numbers = append(identifiers, identifierKey(i.key)), append(numbers, i.numbers()...)
		requests = append(requests, i.requests()...)
		if w := windowOf(i.Licence.Status); !seen[w] {
			seen[w] = true
			windows = append(windows, windowKey(w.list, w.number))
		}
		if c := uint16(i.Licence.Category); !count[c] { //nolint:gosec // categories have three digits
			count[c] = true
			counts = append(counts, countKey(c, licence.Active))
		}
	}
	b.tx.Index(indexIdentifiers).Fetch(identifiers)
	b.tx.Index(indexNumbers).Fetch(numbers)
	b.tx.Index(indexRequests).Fetch(requests)
	b.tx.Table(tableWindows).Fetch(windows)
	b.tx.Table(tableCounts).Fetch(counts)
}

// nextRevision counts the register's changes.
func (b *batch) nextRevision() (uint64, error) {
	if b.revision == maxNumber {
		return 0, errNoNumber
	}
	b.revision++
	return b.revision, nil
}

func (b *batch) numberSigner(by signer) (uint32, error) {
	if n, known := b.signers[by]; known {
		return n, nil
	}
	n, err := b.store.numberSigner(b.tx, by)
	if err == nil {
		b.signers[by] = n
	}
	return n, err
}

// places returns the places of a window.
func (b *batch) places(w window) *placesOf {
	p := b.windows[w]
	if p == nil {
		p = new(placesOf)
		copy(p.taken[:], b.tx.Table(tableWindows).Get(windowKey(w.list, w.number)))
		b.windows[w] = p
	}
	return p
}

// placeFree is [indexFree] with what the batch has taken.
func (b *batch) placeFree(ref licence.StatusRef) error {
	if err := inList(ref); err != nil {
		return err
	}
	if taken(b.places(windowOf(ref)).taken[:], ref) {
		return errTaken(ref)
	}
	return nil
}

// takePlace gives a place out.
func (b *batch) takePlace(ref licence.StatusRef) error {
	if err := b.placeFree(ref); err != nil {
		return err
	}
	p := b.places(windowOf(ref))
	take(p.taken[:], ref)
	p.more = true
	return nil
}

// flush writes what the batch has changed.
func (b *batch) flush() error {
	if b.revision != b.before {
		if err := putUint(b.tx.Table(tableMeta), metaRevision, b.revision); err != nil {
			return err
		}
	}
	for _, c := range slices.SortedFunc(maps.Keys(b.counts), func(x, y counted) int {
		return cmp.Or(cmp.Compare(x.category, y.category), cmp.Compare(x.state, y.state))
	}) {
		if err := count(b.tx, c.category, c.state, b.counts[c]); err != nil {
			return err
		}
	}
	for _, w := range slices.SortedFunc(maps.Keys(b.windows), window.compare) {
		p := b.windows[w]
		if !p.more {
			continue
		}
		err := errors.Join(b.tx.Table(tableWindows).Put(windowKey(w.list, w.number), bytes.Clone(p.taken[:])), raiseMark(b.tx, w))
		if err != nil {
			return err
		}
	}
	b.before = b.revision
	clear(b.counts)
	clear(b.windows)
	return nil
}
