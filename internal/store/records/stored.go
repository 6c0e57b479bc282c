package records

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/elicence/elicence/internal/detcbor"
	"github.com/elicence/elicence/internal/store/kv"
	"github.com/elicence/elicence/internal/store/sealed"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
)

// stored is the value of the table records. What is said of a licence is in the clear,
// what the licence says is encrypted.
type stored struct {
	Key      []byte `cbor:"1,keyasint"` // record key
	Category uint16 `cbor:"2,keyasint"`
	State    uint8  `cbor:"3,keyasint"`
	Since    int64  `cbor:"4,keyasint"`           // of the state, UTC seconds
	Revision uint64 `cbor:"5,keyasint,omitempty"` // of the last change; 0: that of the issue, which is the key
	Status   uint64 `cbor:"6,keyasint"`           // place in the status lists, packed
	Signer   uint32 `cbor:"7,keyasint"`
	Request  []byte `cbor:"8,keyasint,omitempty"` // digest of the application that came with a request id
	Reason   []byte `cbor:"9,keyasint,omitempty"` // of the last step, encrypted
	Sealed   []byte `cbor:"10,keyasint"`          // the signed form, encrypted
	Cause    uint8  `cbor:"11,keyasint,omitempty"`
	Publish  int64  `cbor:"12,keyasint,omitempty"` // when a pending one is published by itself, UTC seconds
}

// encode writes what [decode] reads, and compares with what the library would have written.
func (s *stored) encode() []byte {
	pairs := 7
	for _, there := range [5]bool{s.Revision != 0, len(s.Request) > 0, len(s.Reason) > 0, s.Cause != 0, s.Publish != 0} {
		if there {
			pairs++
		}
	}
	b := detcbor.AppendMap(make([]byte, 0, 64+len(s.Key)+len(s.Request)+len(s.Reason)+len(s.Sealed)), pairs)
	b = detcbor.AppendBytes(append(b, 1), s.Key)
	b = detcbor.AppendUint(append(b, 2), uint64(s.Category))
	b = detcbor.AppendUint(append(b, 3), uint64(s.State))
	b = detcbor.AppendInt(append(b, 4), s.Since)
	if s.Revision != 0 {
		b = detcbor.AppendUint(append(b, 5), s.Revision)
	}
	b = detcbor.AppendUint(append(b, 6), s.Status)
	b = detcbor.AppendUint(append(b, 7), uint64(s.Signer))
	if len(s.Request) > 0 {
		b = detcbor.AppendBytes(append(b, 8), s.Request)
	}
	if len(s.Reason) > 0 {
		b = detcbor.AppendBytes(append(b, 9), s.Reason)
	}
	b = detcbor.AppendBytes(append(b, 10), s.Sealed)
	if s.Cause != 0 {
		b = detcbor.AppendUint(append(b, 11), uint64(s.Cause))
	}
	if s.Publish != 0 {
		b = detcbor.AppendInt(append(b, 12), s.Publish)
	}
	return b
}

// found is a stored licence and its number, which is the revision of its issue.
type found struct {
	stored
	number uint64
}

// place is the licence's own place in the status lists, by which its key is found.
func (f found) place() licence.StatusRef { return licence.UnpackStatusRef(f.Status) }

// revision returns the revision of the last change.
func (f found) revision() uint64 { return cmp.Or(f.Revision, f.number) }

// state is the stored state, which is the one that counts in the counts.
func (f found) state() licence.State { return licence.State(f.State) }

// stateAt is the state at a time.
func (f found) stateAt(t time.Time) licence.State { return f.state().At(t, unixUTC(f.Publish)) }

// refOf and numberOf are how indexes refer to licences.
func refOf(number uint64) []byte { return uint64Key(number)[8-refSize:] }

func numberOf(ref []byte) uint64 {
	var n [8]byte
	copy(n[8-refSize:], ref)
	return binary.BigEndian.Uint64(n[:])
}

// maxNumber is the highest number that an index can refer to.
const maxNumber = 1<<(8*refSize) - 1

// at reads the licence of a number.
func at(tx kv.Tx, number uint64) (found, error) {
	f := found{number: number}
	there, err := get(tx.Table(tableRecords), uint64Key(number), &f.stored)
	switch {
	case err != nil:
		return f, fmt.Errorf("licence number %d of the register: %w", number, err)
	case !there:
		return f, fmt.Errorf("licence number %d of the register is missing", number)
	case len(f.Key) != sealed.KeySize:
		return f, fmt.Errorf("licence number %d of the register is damaged", number)
	}
	return f, nil
}

// find reads the licence of a record key. The error is [licence.ErrNotFound] where there
// is none. The identifier's type and issuer are not in the record key: only who opens
// the licence knows that they are the right ones.
func find(tx kv.Tx, key sealed.Key) (found, error) {
	for ref := range tx.Index(indexIdentifiers).Find(identifierKey(key)) {
		f, err := at(tx, numberOf(ref))
		if err != nil || bytes.Equal(f.Key, key[:]) {
			return f, err
		}
	}
	return found{}, licence.ErrNotFound
}

// indexed reads the licences that an index has under look-up keys. Others may be among
// them: the key is a part of an HMAC.
func indexed(tx kv.Tx, index string, keys ...[]byte) ([]found, error) {
	var numbers [][]byte
	for _, key := range keys {
		for ref := range tx.Index(index).Find(key) {
			numbers = append(numbers, uint64Key(numberOf(ref)))
		}
	}
	tx.Table(tableRecords).Fetch(numbers)
	var all []found
	for _, number := range numbers {
		f, err := at(tx, binary.BigEndian.Uint64(number))
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

// write stores a licence as it stands.
func (f found) write(tx kv.Tx) error {
	return tx.Table(tableRecords).Put(uint64Key(f.number), f.encode())
}

// change stores a licence that has changed under the next revision, adds the step to
// the changes, and counts the licence where it belongs now. Before is its earlier state.
func change(tx kv.Tx, f *found, before licence.State, step licence.Step) error {
	revision, err := nextRevision(tx)
	if err != nil {
		return err
	}
	f.Revision = revision
	if f.state() != before {
		if err := errors.Join(count(tx, f.Category, before, -1), count(tx, f.Category, f.state(), 1)); err != nil {
			return err
		}
	}
	value, err := changeValue(f.number, step, f.Since)
	if err != nil {
		return err
	}
	return errors.Join(tx.Table(tableChanges).Put(uint64Key(revision), value), f.write(tx))
}

var errNoNumber = errors.New("the register has no number left")

// nextRevision counts the register's changes.
func nextRevision(tx kv.Tx) (uint64, error) {
	meta := tx.Table(tableMeta)
	n := getUint(meta, metaRevision) + 1
	if n > maxNumber {
		return 0, errNoNumber
	}
	return n, putUint(meta, metaRevision, n)
}

func countKey(category uint16, state licence.State) []byte {
	return append(binary.BigEndian.AppendUint16(nil, category), byte(state))
}

// count adds to the number of a category's licences in a state.
func count(tx kv.Tx, category uint16, state licence.State, by int64) error {
	t, key := tx.Table(tableCounts), countKey(category, state)
	return putUint(t, key, getUint(t, key)+uint64(by)) //nolint:gosec // two's complement subtracts
}

// open decrypts and verifies a stored licence. The signature is verified at every read:
// a record that was exchanged or damaged never gets further than here.
func (s *Store) open(tx kv.Tx, f found) (licence.Record, error) {
	if f.erased() {
		return licence.Record{}, licence.ErrErased
	}
	signed, err := s.box.Open(sealed.Key(f.Key), f.place(), "licence", f.Sealed)
	if errors.Is(err, sealed.ErrDestroyed) {
		err = fmt.Errorf("%w: %w", licence.ErrErased, err)
	}
	if err != nil {
		return licence.Record{}, err
	}
	by, err := s.signer(tx, f.Signer)
	if err != nil {
		return licence.Record{}, err
	}
	l, err := licence.Open(signed, by.public)
	if err != nil {
		return licence.Record{}, err
	}
	if sealed.KeyOf(l.Identifier) != sealed.Key(f.Key) || l.Category != catalogue.ID(f.Category) {
		return licence.Record{}, errors.New("the stored licence is another one than its place says")
	}
	r := licence.Record{Licence: l, Signed: signed, State: f.state(), Cause: licence.Cause(f.Cause), Since: time.Unix(f.Since, 0).UTC(), Revision: f.revision()}
	if f.Publish != 0 {
		r.Publication = unixUTC(f.Publish)
	}
	if len(f.Reason) > 0 {
		reason, err := s.box.Open(sealed.Key(f.Key), f.place(), "reason", f.Reason)
		if err != nil {
			return licence.Record{}, err
		}
		r.Reason = string(reason)
	}
	return r, nil
}

// openAll opens licences, newest change first, without those that were erased.
func (s *Store) openAll(tx kv.Tx, all []found) ([]licence.Record, error) {
	slices.SortFunc(all, func(a, b found) int { return cmp.Compare(b.revision(), a.revision()) })
	var records []licence.Record
	for _, f := range all {
		if f.erased() {
			continue
		}
		r, err := s.open(tx, f)
		if err != nil {
			return nil, err
		}
		records = append(records, r)
	}
	return records, nil
}
