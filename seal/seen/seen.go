// Package seen is the statement by which a signature on a PDF names what people see of
// it: the page, the rectangle and the SM3 of the appearance of its field and of whatever
// else it put on pages, as the slices of a straddle seal (骑缝章).
//
// The digest that a signature is over covers every byte, and so the appearance too, as it
// was. But what a reader shows is what the newest revision says, and only a comparison of
// revisions finds that a field was moved or dressed anew. The statement says it in so many
// words, to whoever has nothing but the signature and the page.
//
// It travels in what is signed: for seals as an extension of TBS_Sign (GB/T 38540-2020,
// extDatas, not critical), for persons as a signed attribute of CMS (RFC 5652, 5.3), both
// under [oid.Seen]. docs/seen-format.md is the format for other implementers. This package
// is the statement alone; what pages show is found in package seal/pdf.
//
//	Seen  ::= SEQUENCE { version INTEGER (1), places SEQUENCE SIZE (0..10000) OF Place }
//	Place ::= SEQUENCE { page INTEGER (1..8388607), left, bottom, right, top INTEGER,
//	                     look OCTET STRING (SIZE (32)) }
//
// The encoding is DER, and the only one that is read.
package seen

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/emmansun/gmsm/sm3"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// version is that of the statement.
const version = 1

// Limits of a statement.
const (
	MaxPlaces = 10000
	MaxPage   = 8388607         // as many objects as a PDF may have
	MaxSide   = 100_000_000_000 // of a coordinate, in [PerUnit]s: ten million units

	// placeSize and headSize bound what a place and the rest take, in bytes of DER.
	placeSize     = 2 + 5 + 4*7 + 2 + sm3.Size
	smallestPlace = 2 + 5*3 + 2 + sm3.Size
	headSize      = 16

	// MaxSize bounds a statement in bytes.
	MaxSize = headSize + MaxPlaces*placeSize
)

// PerUnit is how finely a rectangle is told: in so many parts of a unit of the page's own
// coordinates (default user space, ISO 32000-1, 8.3.2.3).
const PerUnit = 10_000

// ErrMalformed says that bytes are no statement in its one form.
var ErrMalformed = errors.New("not a statement of what is seen")

// Box is a rectangle of a page, in [PerUnit]s of its own coordinates. Left is not above
// right, and bottom not above top.
type Box struct{ Left, Bottom, Right, Top int64 }

// Empty reports that the box has no area.
func (b Box) Empty() bool { return b.Left == b.Right || b.Bottom == b.Top }

// A Place is where something is seen, and how it looks.
type Place struct {
	Page int // the first is 1
	Box  Box
	Look [sm3.Size]byte
}

// compare is the order of places but for the first.
func compare(a, b Place) int {
	return cmp.Or(cmp.Compare(a.Page, b.Page), cmp.Compare(a.Box.Left, b.Box.Left), cmp.Compare(a.Box.Bottom, b.Box.Bottom),
		cmp.Compare(a.Box.Right, b.Box.Right), cmp.Compare(a.Box.Top, b.Box.Top), bytes.Compare(a.Look[:], b.Look[:]))
}

func (p Place) check() error {
	b := p.Box
	switch {
	case p.Page < 1 || p.Page > MaxPage:
		return fmt.Errorf("page %d: %w", p.Page, ErrMalformed)
	case b.Left > b.Right || b.Bottom > b.Top || min(b.Left, b.Bottom) < -MaxSide || max(b.Right, b.Top) > MaxSide:
		return fmt.Errorf("the rectangle %v on page %d: %w", b, p.Page, ErrMalformed)
	}
	return nil
}

// A Statement is all that a signature names: the place of its field, then the others in
// the order of their pages, rectangles and looks, each once. A signature that shows
// nothing names no place.
type Statement struct{ Places []Place }

// New makes a statement of the field's place and of others in any order.
func New(field Place, others ...Place) Statement {
	sorted := slices.Clone(others)
	slices.SortFunc(sorted, compare)
	return Statement{append([]Place{field}, slices.Compact(sorted)...)}
}

func (s Statement) check() error {
	if len(s.Places) > MaxPlaces {
		return fmt.Errorf("%d places, at most %d are named: %w", len(s.Places), MaxPlaces, ErrMalformed)
	}
	for i, p := range s.Places {
		if err := p.check(); err != nil {
			return err
		}
		if i > 1 && compare(s.Places[i-1], p) >= 0 {
			return fmt.Errorf("place %d is not in its order: %w", i+1, ErrMalformed)
		}
	}
	return nil
}

// Size returns the length in bytes of the statement with what carries it, for a place-holder:
// an extension or an attribute, which is shorter. The error wraps [ErrMalformed].
func (s Statement) Size() (int, error) {
	const name = 2 + 11
	der, err := s.Marshal()
	if err != nil {
		return 0, err
	}
	header := 2
	if n := len(der) + 64; n > math.MaxInt8 { // with the name, and headers of its own
		for ; n > 0; n >>= 8 {
			header++
		}
	}
	return len(der) + name + 4*header, nil
}

// Marshal encodes the statement. The error wraps [ErrMalformed].
func (s Statement) Marshal() ([]byte, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	places := make([]byte, 0, len(s.Places)*placeSize)
	for i := range s.Places {
		places = s.Places[i].append(places)
	}
	b := cryptobyte.NewBuilder(make([]byte, 0, headSize+len(places)))
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(version)
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(places) })
	})
	return b.Bytes()
}

// append writes a place, whose length takes one byte as that of each of its parts does:
// cryptobyte would make seven builders for it, and there are hundreds of places.
func (p *Place) append(out []byte) []byte {
	at := len(out)
	out = append(out, byte(cbasn1.SEQUENCE), 0)
	for _, n := range [...]int64{int64(p.Page), p.Box.Left, p.Box.Bottom, p.Box.Right, p.Box.Top} {
		out = appendInteger(out, n)
	}
	out = append(append(out, byte(cbasn1.OCTET_STRING), sm3.Size), p.Look[:]...)
	out[at+1] = byte(len(out) - at - 2)
	return out
}

// appendInteger writes an INTEGER with as few bytes as it takes (X.690, 8.3).
func appendInteger(out []byte, n int64) []byte {
	length := 1
	for m := n; m < math.MinInt8 || m > math.MaxInt8; m >>= 8 {
		length++
	}
	out = append(out, byte(cbasn1.INTEGER), byte(length))
	for i := length - 1; i >= 0; i-- {
		out = append(out, byte(n>>(8*i)))
	}
	return out
}

// Parse reads a statement in its one form. The error wraps [ErrMalformed].
func Parse(der []byte) (Statement, error) {
	bad := func(what string) (Statement, error) { return Statement{}, fmt.Errorf("%s: %w", what, ErrMalformed) }
	if len(der) > MaxSize {
		return bad(fmt.Sprintf("%d bytes, at most %d are read", len(der), MaxSize))
	}
	input := cryptobyte.String(der)
	var outer, list cryptobyte.String
	var n int
	if !input.ReadASN1(&outer, cbasn1.SEQUENCE) || !input.Empty() || !outer.ReadASN1Integer(&n) {
		return bad("not one SEQUENCE with a version")
	}
	if n != version {
		return bad(fmt.Sprintf("version %d; this program reads version %d", n, version))
	}
	if !outer.ReadASN1(&list, cbasn1.SEQUENCE) || !outer.Empty() {
		return bad("not one list of places")
	}
	var s Statement
	s.Places = slices.Grow(s.Places, min(len(list)/smallestPlace, MaxPlaces))
	for !list.Empty() {
		var p Place
		if len(s.Places) == MaxPlaces || !p.read(&list) {
			return bad(fmt.Sprintf("place %d of at most %d", len(s.Places)+1, MaxPlaces))
		}
		s.Places = append(s.Places, p)
	}
	return s, s.check()
}

func (p *Place) read(list *cryptobyte.String) bool {
	var place, look cryptobyte.String
	return list.ReadASN1(&place, cbasn1.SEQUENCE) && place.ReadASN1Integer(&p.Page) &&
		place.ReadASN1Integer(&p.Box.Left) && place.ReadASN1Integer(&p.Box.Bottom) &&
		place.ReadASN1Integer(&p.Box.Right) && place.ReadASN1Integer(&p.Box.Top) &&
		place.ReadASN1(&look, cbasn1.OCTET_STRING) && look.CopyBytes(p.Look[:]) && look.Empty() && place.Empty()
}
