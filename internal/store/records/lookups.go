package records

import (
	"fmt"

	"github.com/elicence/elicence/internal/store/kv"
	"github.com/elicence/elicence/internal/store/sealed"
	"github.com/elicence/elicence/licence"
)

// Numbers, holders, names of requests and binding codes are looked up by keyed hashes, whose
// secrets are renewed while the register is worked on (renewal.go). What keeps a number or a
// request from being taken twice meanwhile, on every node:
//
//   - An entry of an index is under one generation of look-up keys: the one in use, or, while
//     a renewal is under way, the one before. It is added under the one in use alone, and
//     moved by a transaction that removes and adds it.
//   - Which generation is in use, and whether a renewal is under way, is read in the
//     transaction of every question and of every write, never remembered from another one.
//   - A question asks under the generation in use, and while a renewal is under way under the
//     one before as well; and so does who removes.
//
// So a transaction sees each entry that was there when it began, under one of the keys that
// it asks for; and as engines have one writer at a time, nothing comes between its question
// and its write.

// lookups is the setting keys.lookups; where it is not there, the first generation is in use.
type lookups struct {
	Generation uint8    `cbor:"1,keyasint"`           // in use
	Check      []byte   `cbor:"2,keyasint,omitempty"` // of its secrets
	Renewal    *renewal `cbor:"3,keyasint,omitempty"` // that is under way
}

var metaLookups = []byte("keys.lookups")

// lookupsIn reads which look-up keys are in use, and has the box use them. The error says
// what is missing of their secrets.
func (s *Store) lookupsIn(tx kv.Tx) (lookups, error) {
	l := lookups{Generation: uint8(sealed.FirstLookups)}
	stored, err := get(tx.Table(tableMeta), metaLookups, &l)
	if err == nil && !stored {
		l.Check, err = s.box.LookupCheck(sealed.FirstLookups)
	}
	if err == nil {
		err = s.box.UseLookups(sealed.LookupGeneration(l.Generation), l.Check)
	}
	if err != nil {
		return l, fmt.Errorf("the look-up keys of the register: %w", err)
	}
	return l, nil
}

// living returns the generations that entries are under: the one in use first.
func (l lookups) living() []sealed.LookupGeneration {
	inUse := sealed.LookupGeneration(l.Generation)
	if l.Renewal == nil {
		return []sealed.LookupGeneration{inUse}
	}
	return []sealed.LookupGeneration{inUse, inUse - 1}
}

// keys makes the look-up keys under which one thing may be found in a transaction.
func (s *Store) keys(tx kv.Tx, of func(sealed.LookupGeneration) ([]byte, error)) ([][]byte, error) {
	l, err := s.lookupsIn(tx)
	if err != nil {
		return nil, err
	}
	var keys [][]byte
	for _, g := range l.living() {
		key, err := of(g)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// indexKeys are the look-up keys of a licence in one generation.
type indexKeys struct {
	generation      sealed.LookupGeneration
	request, number []byte // no request: nil
	holders         [][]byte
}

// indexKeys makes the look-up keys of a licence, and of the request that it came with, if
// there was one.
func (s *Store) indexKeys(g sealed.LookupGeneration, l *licence.Licence, q licence.Request) (indexKeys, error) {
	k := indexKeys{generation: g}
	var err error
	if q.ID != "" {
		if k.request, err = s.box.RequestKey(g, q.Issuer, q.ID); err != nil {
			return k, err
		}
	}
	if k.number, err = s.box.NumberKey(g, l.Category, l.Number); err != nil {
		return k, err
	}
	for _, h := range l.Holders {
		key, err := s.box.HolderKey(g, h.IDType, h.IDNumber)
		if err != nil {
			return k, err
		}
		k.holders = append(k.holders, key)
	}
	return k, nil
}

// keyed sees to it that licences have the look-up keys that the transaction wants: they were
// made before it, when another generation may have been in use.
func (s *Store) keyed(tx kv.Tx, issues ...*issue) error {
	l, err := s.lookupsIn(tx)
	if err != nil {
		return err
	}
	living := l.living()
	for _, i := range issues {
		if i == nil {
			continue
		}
		if i.keys.generation != living[0] {
			if i.keys, err = s.indexKeys(living[0], i.Licence, i.Request); err != nil {
				return err
			}
		}
		i.before = nil
		for _, g := range living[1:] {
			k, err := s.indexKeys(g, i.Licence, i.Request)
			if err != nil {
				return err
			}
			i.before = &k
		}
	}
	return nil
}

// requests are the look-up keys under which a licence's request may lie; none: it has none.
func (i *issue) requests() [][]byte {
	if i.keys.request == nil {
		return nil
	}
	if i.before == nil {
		return [][]byte{i.keys.request}
	}
	return [][]byte{i.keys.request, i.before.request}
}

// numbers are those under which its number may.
func (i *issue) numbers() [][]byte {
	if i.before == nil {
		return [][]byte{i.keys.number}
	}
	return [][]byte{i.keys.number, i.before.number}
}
