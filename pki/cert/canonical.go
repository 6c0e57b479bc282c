package cert

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/elicence/elicence/pki/oid"
)

// CanonicalName is a distinguished name in a form in which all spellings of one
// name are the same (RFC 5280, 7.1, with the string preparation of RFC 4518): the
// string type, letter case, width, invisible characters, spaces at the ends or in
// a row, and the order inside a relative name do not count. One element is one
// relative distinguished name. It is for comparison only, never for display.
//
// A looser comparison cannot make a forgery, as the issuer's key must have signed;
// a stricter one would let a name slip past an excluded subtree by its spelling.
type CanonicalName []string

// Canonical returns the canonical form of the DER of a Name.
func Canonical(der []byte) (CanonicalName, error) {
	rdns, err := readName(der)
	if err != nil {
		return nil, err
	}
	name := make(CanonicalName, 0, len(rdns))
	for _, rdn := range rdns {
		parts := make([]string, 0, len(rdn))
		for _, a := range rdn {
			parts = append(parts, framed(string(a.id))+framed(a.canonical()))
		}
		slices.Sort(parts) // BER writers do not sort the SET
		name = append(name, strings.Join(parts, ""))
	}
	return name, nil
}

// Equal reports whether two names are the same.
func (n CanonicalName) Equal(other CanonicalName) bool { return slices.Equal(n, other) }

// Begins reports whether the name lies in the subtree of another: its first
// relative names are the other's.
func (n CanonicalName) Begins(subtree CanonicalName) bool {
	return len(n) >= len(subtree) && n[:len(subtree)].Equal(subtree)
}

// Key returns the name as a key of maps.
func (n CanonicalName) Key() string {
	size := 0
	for _, rdn := range n {
		size += 4 + len(rdn)
	}
	key := make([]byte, 0, size)
	for _, rdn := range n {
		key = append(binary.BigEndian.AppendUint32(key, uint32(len(rdn))), rdn...)
	}
	return string(key)
}

// framed puts a length in front, so that no two lists of parts join to one text.
func framed(s string) string {
	return string(binary.BigEndian.AppendUint32(nil, uint32(len(s)))) + s
}

// nameAttribute is one AttributeTypeAndValue.
type nameAttribute struct {
	id    oid.ID
	tag   cbasn1.Tag
	value []byte
}

var errBadName = errors.New("not a distinguished name")

// maxAttributes bounds the attributes of one name.
const maxAttributes = 64

// readName reads a Name into its relative names.
func readName(der []byte) ([][]nameAttribute, error) {
	input := cryptobyte.String(der)
	var sequence cryptobyte.String
	if !input.ReadASN1(&sequence, cbasn1.SEQUENCE) || !input.Empty() {
		return nil, errBadName
	}
	var name [][]nameAttribute
	for total := 0; !sequence.Empty(); {
		var set cryptobyte.String
		if !sequence.ReadASN1(&set, cbasn1.SET) || set.Empty() {
			return nil, errBadName
		}
		var rdn []nameAttribute
		for !set.Empty() {
			var pair, value cryptobyte.String
			var a nameAttribute
			if !set.ReadASN1(&pair, cbasn1.SEQUENCE) {
				return nil, errBadName
			}
			id, ok := oid.Read(&pair)
			if total++; !ok || !pair.ReadAnyASN1(&value, &a.tag) || !pair.Empty() || total > maxAttributes {
				return nil, errBadName
			}
			a.id, a.value = id, value
			rdn = append(rdn, a)
		}
		name = append(name, rdn)
	}
	return name, nil
}

// String types of X.680 that cryptobyte has no name for.
const (
	tagNumericString   = cbasn1.Tag(18)
	tagVisibleString   = cbasn1.Tag(26)
	tagUniversalString = cbasn1.Tag(28)
	tagBMPString       = cbasn1.Tag(30)
)

// text decodes the string types of DirectoryString and IA5String.
func (a nameAttribute) text() (string, bool) {
	switch a.tag {
	case cbasn1.UTF8String:
		return string(a.value), utf8.Valid(a.value)
	case cbasn1.PrintableString, cbasn1.IA5String, tagNumericString, tagVisibleString:
		ascii := !slices.ContainsFunc(a.value, func(b byte) bool { return b >= utf8.RuneSelf })
		return string(a.value), ascii
	case cbasn1.T61String: // read as Latin-1, as everybody does
		var s strings.Builder
		for _, b := range a.value {
			s.WriteRune(rune(b))
		}
		return s.String(), true
	case tagBMPString:
		if len(a.value)%2 != 0 {
			return "", false
		}
		units := make([]uint16, 0, len(a.value)/2)
		for pair := range slices.Chunk(a.value, 2) {
			units = append(units, binary.BigEndian.Uint16(pair))
		}
		s := string(utf16.Decode(units))
		return s, !strings.ContainsRune(s, utf8.RuneError)
	case tagUniversalString:
		if len(a.value)%4 != 0 {
			return "", false
		}
		var s strings.Builder
		for quad := range slices.Chunk(a.value, 4) {
			s.WriteRune(rune(binary.BigEndian.Uint32(quad)))
		}
		return s.String(), !strings.ContainsRune(s.String(), utf8.RuneError)
	default:
		return "", false
	}
}

// canonical returns the prepared text, or the bytes of a value that is no text
// under a tag that no text begins with.
func (a nameAttribute) canonical() string {
	s, ok := a.text()
	if !ok {
		return "\x00" + string([]byte{byte(a.tag)}) + string(a.value)
	}
	return prepare(s)
}

// prepare is the string preparation of RFC 4518 for comparison without regard to
// case.
func prepare(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.Is(unicode.Z, r):
			return ' '
		case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Variation_Selector), r == '\u034f', r == '\ufffc':
			return -1
		default:
			return r
		}
	}, s)
	// Folding can denormalise and normalising can bring a capital, so twice.
	for range 2 {
		s = norm.NFKC.String(cases.Fold().String(s))
	}
	return strings.Join(strings.Fields(s), " ")
}
