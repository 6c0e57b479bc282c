package journal

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/elicence/elicence/internal/detcbor"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cose"
)

// An export is a CBOR array of a COSE_Sign1 over the head and of the records as they
// stand in the files.
type exported struct {
	_       struct{} `cbor:",toarray"`
	Signed  []byte
	Records []byte
}

// head says what an export holds.
type head struct {
	Point  pki.Point `cbor:"1,keyasint"` // of the terminal's key
	First  uint64    `cbor:"2,keyasint"` // number of the first entry
	Next   uint64    `cbor:"3,keyasint"` // the one after the last
	Before []byte    `cbor:"4,keyasint"` // chain before the first
	After  []byte    `cbor:"5,keyasint"` // chain after the last
	At     int64     `cbor:"6,keyasint"` // of the export, UTC seconds
}

// maxExport bounds an export: all files that a journal may have.
const maxExport = (maxFiles + 1) * (maxFile + 1<<12)

// Seen returns the entries of one credential, by its place in the status lists. Only the
// terminal's own folder can tell; see [Key.Mark].
func Seen(dir string, status uint64) ([]*Entry, error) {
	all, err := readAll(dir)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	key, err := openKey(dir, rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	mark, found := key.Mark(status), []*Entry(nil)
	for e := range entries(all.before, all.first, all.records) {
		if bytes.Equal(e.Seen, mark) {
			found = append(found, e)
		}
	}
	return found, nil
}

// Export signs what a journal's folder holds. It may be called while the journal is
// written, and then holds what was written before.
func Export(dir string, now time.Time) ([]byte, error) {
	all, err := readAll(dir)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	key, err := openKey(dir, rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	payload, err := detcbor.Marshal(head{
		Point: key.Public().Point(), First: all.first, Next: all.next, Before: all.before[:], After: all.chain[:], At: now.Unix(),
	})
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	signed, err := cose.Sign(pki.ObjectJournal, key.sign, payload)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	return detcbor.Marshal(exported{Signed: signed, Records: all.records})
}

// Collected is an export that was verified.
type Collected struct {
	Point       pki.Point // of the terminal's key: whose journal it is
	First, Next uint64    // number of the first entry, and the one after the last
	At          time.Time // of the export

	before, after Chain
	records       []byte
}

// Why an export is refused.
var (
	// ErrMalformed says that bytes are not an export.
	ErrMalformed = errors.New("not an export of a journal")
	// ErrSignature says that the terminal's key did not sign it.
	ErrSignature = errors.New("not signed by the terminal's key")
	// ErrOther says that an export does not continue another.
	ErrOther = errors.New("does not continue the earlier export")
)

// Verify reads an export. The key that it names has signed it, and every entry is in
// the chain; that the key is a terminal's is for the caller to know.
func Verify(export []byte) (*Collected, error) {
	if len(export) > maxExport {
		return nil, fmt.Errorf("%d bytes, at most %d are read: %w", len(export), maxExport, ErrMalformed)
	}
	var x exported
	if err := detcbor.Unmarshal(export, &x); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	m, err := cose.Parse(x.Signed)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	var h head
	if err := detcbor.Unmarshal(m.Payload, &h); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if len(h.Before) != len(Chain{}) || len(h.After) != len(Chain{}) || h.First == 0 || h.Next < h.First {
		return nil, fmt.Errorf("its head is out of range: %w", ErrMalformed)
	}
	key, err := pki.ParsePoint(h.Point[:])
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if m.KID != key.KID() || !m.Verify(pki.ObjectJournal, key) {
		return nil, ErrSignature
	}
	c := &Collected{Point: h.Point, First: h.First, Next: h.Next, At: time.Unix(h.At, 0).UTC(), before: Chain(h.Before), after: Chain(h.After), records: x.Records}
	chain, next, rest := c.before, c.First, x.Records
	for len(rest) > 0 {
		_, after, left, err := readRecord(rest, next, chain)
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w: %w", next, ErrBroken, err)
		}
		chain, next, rest = after, next+1, left
	}
	if chain != c.after || next != c.Next {
		return nil, fmt.Errorf("its entries do not lead to its head: %w", ErrBroken)
	}
	return c, nil
}

// Entries returns the entries in order.
func (c *Collected) Entries() iter.Seq[*Entry] { return entries(c.before, c.First, c.records) }

// entries yields the entries of records that were read before.
func entries(chain Chain, next uint64, records []byte) iter.Seq[*Entry] {
	return func(yield func(*Entry) bool) {
		for len(records) > 0 {
			e, after, left, err := readRecord(records, next, chain)
			if err != nil || !yield(e) {
				return
			}
			chain, next, records = after, next+1, left
		}
	}
}

// Continues reports whether an export is of the same terminal as an earlier one, leaves
// nothing out between them, and has changed nothing that the earlier one holds. The
// error wraps [ErrOther].
func (c *Collected) Continues(earlier *Collected) error {
	switch {
	case c.Point != earlier.Point:
		return fmt.Errorf("it is another terminal's: %w", ErrOther)
	case c.Next < earlier.Next:
		return fmt.Errorf("it ends with entry %d, the earlier one with %d: %w", c.Next-1, earlier.Next-1, ErrOther)
	case c.First > earlier.Next:
		return fmt.Errorf("entries %d to %d are in neither: %w", earlier.Next, c.First-1, ErrOther)
	}
	chain, next, rest := c.before, c.First, c.records
	for next < earlier.Next {
		_, after, left, err := readRecord(rest, next, chain)
		if err != nil {
			return fmt.Errorf("entry %d: %w", next, err)
		}
		chain, next, rest = after, next+1, left
	}
	if chain != earlier.after {
		return fmt.Errorf("entries up to %d are not those of the earlier one: %w", earlier.Next-1, ErrOther)
	}
	return nil
}
