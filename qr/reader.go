package qr

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"
	"unicode/utf8"

	"github.com/elicence/elicence/internal/civil"
)

// The major types of CBOR that codes have (RFC 8949, 3.1).
const (
	majorUint  = 0
	majorNeg   = 1
	majorBytes = 2
	majorText  = 3
	majorArray = 4
	majorMap   = 5
)

const cborNull = 0xf6

// reader reads deterministic CBOR once, front to back: heads of the shortest
// length, keys in the order in which the caller asks for them. A terminal reads
// every code with it, and internal/detcbor, which decodes by reflection and encodes
// the result again, takes as long as all the rest but the signature. Both accept
// the same bytes; a fuzz target compares them.
//
// The first fault stays in bad, and everything read after it is zero.
type reader struct {
	b   []byte
	bad string
}

func (r *reader) fail(what string) {
	if r.bad == "" {
		r.bad = what
	}
	r.b = nil
}

// err reports the first fault in what was read, or bytes that are left over.
func (r *reader) err(what string) error {
	if r.bad == "" && len(r.b) != 0 {
		r.fail(fmt.Sprintf("%d bytes too many", len(r.b)))
	}
	if r.bad != "" {
		return fmt.Errorf("%s: %s: %w", what, r.bad, ErrMalformed)
	}
	return nil
}

// major returns the major type of the next item, −1 where there is none.
func (r *reader) major() int {
	if len(r.b) == 0 {
		return -1
	}
	return int(r.b[0] >> 5)
}

// head takes the head of an item of a major type and returns its argument.
func (r *reader) head(major int) uint64 {
	if r.major() != major {
		r.fail("an item is missing or of another type")
		return 0
	}
	info := r.b[0] & 0x1f
	r.b = r.b[1:]
	if info < 24 {
		return uint64(info)
	}
	size := 1 << (info - 24)
	if info > 27 || len(r.b) < size {
		r.fail("a length is indefinite, or its item is cut off")
		return 0
	}
	var padded [8]byte
	copy(padded[8-size:], r.b)
	r.b = r.b[size:]
	n := binary.BigEndian.Uint64(padded[:])
	if least := [...]uint64{24, 1 << 8, 1 << 16, 1 << 32}[info-24]; n < least {
		r.fail("a number or length is longer than it needs to be")
		return 0
	}
	return n
}

// int reads a signed integer of 64 bits.
func (r *reader) int() int64 {
	negative := r.major() == majorNeg
	major := majorUint
	if negative {
		major = majorNeg
	}
	n := r.head(major)
	if n > math.MaxInt64 {
		r.fail("a number is out of range")
		return 0
	}
	if negative {
		return -1 - int64(n)
	}
	return int64(n)
}

// octets reads a byte string; it shares the memory that is read.
func (r *reader) octets() []byte { return r.string(majorBytes) }

func (r *reader) string(major int) []byte {
	n := r.head(major)
	if n > uint64(len(r.b)) {
		r.fail("a text or byte string is cut off")
		return nil
	}
	s := r.b[:n:n]
	r.b = r.b[n:]
	return s
}

// text reads valid UTF-8.
func (r *reader) text() string {
	text := r.string(majorText)
	if !utf8.Valid(text) {
		r.fail("a text is not valid UTF-8")
		return ""
	}
	return string(text)
}

// key takes the next key of a map if it is the wanted one, and counts it off.
func (r *reader) key(left *uint64, want int64) bool {
	if *left == 0 || r.bad != "" {
		return false
	}
	ahead := *r
	if ahead.int() != want || ahead.bad != "" {
		return false
	}
	*r = ahead
	*left--
	return true
}

// require is key for a key that must be there.
func (r *reader) require(left *uint64, want int64) {
	if !r.key(left, want) {
		r.fail(fmt.Sprintf("key %d is missing or out of order", want))
	}
}

// end wants a map to have no further key.
func (r *reader) end(left uint64) {
	if left != 0 {
		r.fail("a key is unknown, stands twice, or is out of order")
	}
}

// fields reads the array of code fields.
func (r *reader) fields() []any {
	n := r.head(majorArray)
	if r.bad == "" && (n < 1 || n > maxFields) {
		r.fail("not one to four fields")
	}
	if r.bad != "" {
		return nil
	}
	fields := make([]any, n)
	for i := range fields {
		switch {
		case r.major() == majorText:
			fields[i] = r.text()
		case r.major() == majorUint || r.major() == majorNeg:
			value := r.int()
			if value > 1<<62 {
				r.fail("a field's number is out of range")
			}
			fields[i] = value
		case len(r.b) > 0 && r.b[0] == cborNull:
			r.b = r.b[1:]
		default:
			r.fail("a field is neither text, integer nor null")
		}
	}
	return fields
}

// life reads the two times that begin all claims: expiry and signature.
func (r *reader) life(left *uint64) (time.Time, time.Time) {
	r.require(left, 4)
	expires := time.Unix(r.int(), 0).UTC()
	r.require(left, 6)
	return expires, time.Unix(r.int(), 0).UTC()
}

// summary reads the summary map of a credential.
func (r *reader) summary() Summary {
	left := r.head(majorMap)
	s := Summary{Schema: r.small(&left, 0, 1<<31), Category: r.small(&left, 1, 1<<16)}
	r.require(&left, 2)
	s.Number = r.text()
	r.require(&left, 3)
	s.Holder = r.text()
	if r.key(&left, 4) {
		s.MaskedID = r.chosen()
	}
	r.require(&left, 5)
	s.FirstDay = civil.Day(r.int())
	if r.key(&left, 6) {
		last := civil.Day(r.int())
		s.LastDay = &last
	}
	r.require(&left, 7)
	s.Status = r.head(majorUint)
	if r.key(&left, 8) {
		s.Fields = r.fields()
	}
	r.end(left)
	return s
}

// small reads a required number that is not negative and at most most.
func (r *reader) small(left *uint64, key, most int64) int {
	r.require(left, key)
	if r.major() != majorUint {
		r.fail("an item is missing or of another type")
	}
	n := r.int()
	if n > most {
		r.fail("schema or category out of range")
	}
	return int(n)
}

// chosen reads a text that stands only where there is one.
func (r *reader) chosen() string {
	text := r.text()
	if text == "" {
		r.fail("an empty text is left out")
	}
	return text
}
