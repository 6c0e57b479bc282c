package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/detcbor"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/qr/verify"
)

// Entry is what is kept of one scan. Nothing in it says whose licence it was.
type Entry struct {
	_            struct{} `cbor:",toarray"`
	Sequence     uint64   // from 1, without gaps
	At           int64    // UTC seconds
	Verdict      string
	Cause        string // its code
	Kind         uint64 // of the code; 0: not known
	Category     string // "004"; empty: not known
	TrustVersion uint64 // of the trust list; 0: there was none
	Seen         []byte // see [Key.Mark]; empty: the code named no licence
}

// check bounds what is read: a collector reads the journals of many terminals.
func (e *Entry) check() error {
	known := false
	for _, v := range verify.Verdicts() {
		known = known || string(v) == e.Verdict
	}
	switch {
	case !known:
		return errors.New("it has no known verdict")
	case e.At < 0 || e.At > 1<<40, e.Kind > 9, len(e.Cause) > 64, len(e.Category) > 3, len(e.Seen) != 0 && len(e.Seen) != markSize:
		return errors.New("an item is out of range")
	}
	return nil
}

// Time returns when the scan was.
func (e *Entry) Time() time.Time { return time.Unix(e.At, 0).UTC() }

// Chain is the hash that an entry and all before it lead to.
type Chain [sm3.Size]byte

// next is SM3 over the object's name, the chain so far, and the entry's bytes.
func (c Chain) next(entry []byte) Chain {
	h := sm3.New()
	h.Write([]byte(pki.ObjectJournal))
	h.Write(c[:])
	h.Write(entry)
	return Chain(h.Sum(nil))
}

// maxEntry bounds the bytes of an entry.
const maxEntry = 512

// A record is the length of an entry in two bytes, big-endian, the entry in
// deterministic CBOR, and the chain after it.
const recordOverhead = 2 + sm3.Size

func appendRecord(b []byte, before Chain, e *Entry) ([]byte, Chain, error) {
	entry, err := detcbor.Marshal(e)
	if err != nil {
		return nil, Chain{}, err
	}
	if len(entry) > maxEntry {
		return nil, Chain{}, fmt.Errorf("entry of %d bytes, at most %d are kept", len(entry), maxEntry)
	}
	after := before.next(entry)
	b = binary.BigEndian.AppendUint16(b, uint16(len(entry)))
	return append(append(b, entry...), after[:]...), after, nil
}

// errRecord says that bytes are not a whole record that follows.
var errRecord = errors.New("not the next record, or cut off")

// readRecord reads the record that follows a place in the chain.
func readRecord(b []byte, sequence uint64, before Chain) (*Entry, Chain, []byte, error) {
	if len(b) < recordOverhead {
		return nil, before, b, errRecord
	}
	n := int(binary.BigEndian.Uint16(b))
	if n > maxEntry || len(b) < n+recordOverhead {
		return nil, before, b, errRecord
	}
	raw, given := b[2:2+n], Chain(b[2+n:2+n+sm3.Size])
	after := before.next(raw)
	if after != given {
		return nil, before, b, errRecord
	}
	var e Entry
	if err := detcbor.Unmarshal(raw, &e); err != nil {
		return nil, before, b, fmt.Errorf("%w: %w", errRecord, err)
	}
	if err := e.check(); err != nil {
		return nil, before, b, fmt.Errorf("%w: %w", errRecord, err)
	}
	if e.Sequence != sequence {
		return nil, before, b, fmt.Errorf("%w: it has number %d, not %d", errRecord, e.Sequence, sequence)
	}
	return &e, after, b[n+recordOverhead:], nil
}
