package qr

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"math/bits"
	"strings"

	"github.com/emmansun/gmsm/sm3"
)

// Kind is the kind of a code, its second digit.
type Kind int

// The kinds.
const (
	KindLicence  Kind = 1 // printed, signed by the issuing authority
	KindHolder   Kind = 2 // presented by the holder's device
	KindService  Kind = 3 // presented by the service
	KindDocument Kind = 4 // printed on a sealed document
)

// Limits of a code, in bytes before they become digits.
const (
	MaxScreen = 408 // 991 digits: QR version 15 at level M
	MaxPaper  = 700 // level Q
)

// ErrMalformed says that a text or its bytes are not a code of ours, or were
// misread. It never says that anything was forged.
var ErrMalformed = errors.New("malformed code")

// Misread says at which rule of the text a code fails: what to tell the person who
// holds the scanner depends on it.
type Misread int

// The rules of the text, in the order in which they are checked.
const (
	MisreadLength     Misread = iota // too short or too long for any code
	MisreadCharacters                // something else than decimal digits
	MisreadForm                      // a version or kind that is not known
	MisreadCheck                     // the check digits are wrong
	MisreadGroups                    // digits that no bytes have
)

// MisreadError is how [Decode] refuses a text. It wraps [ErrMalformed].
type MisreadError struct {
	Rule   Misread
	Detail string // what is wrong, and where
}

func (e *MisreadError) Error() string { return e.Detail + ": " + ErrMalformed.Error() }

// Unwrap returns [ErrMalformed].
func (e *MisreadError) Unwrap() error { return ErrMalformed }

const (
	textVersion = '1'
	groupBytes  = 17
	groupDigits = 41
	checkDigits = 5
	headDigits  = 2
)

// digitsFor is the number of digits of a group of k bytes: ⌈8k·log₁₀2⌉.
var digitsFor = [groupBytes + 1]int{0, 3, 5, 8, 10, 13, 15, 17, 20, 22, 25, 27, 29, 32, 34, 37, 39, 41}

// bytesFor is the inverse of digitsFor: 0 for a number of digits that no group
// has.
func bytesFor(digits int) int {
	for k, d := range digitsFor {
		if d == digits {
			return k
		}
	}
	return 0
}

// Encode writes the bytes of a code of the given kind as text. The bytes must
// not be more than [MaxPaper].
func Encode(kind Kind, b []byte) (string, error) {
	if kind < KindLicence || kind > KindDocument {
		return "", fmt.Errorf("code of kind %d: %w", kind, ErrMalformed)
	}
	return encode(kind, b)
}

func encode(kind Kind, b []byte) (string, error) {
	if len(b) == 0 || len(b) > MaxPaper {
		return "", fmt.Errorf("code of %d bytes, at most %d are allowed: %w", len(b), MaxPaper, ErrMalformed)
	}
	var out strings.Builder
	out.WriteByte(textVersion)
	out.WriteByte('0' + byte(kind))
	for len(b) > 0 {
		group := b[:min(groupBytes, len(b))]
		b = b[len(group):]
		fmt.Fprintf(&out, "%0*s", digitsFor[len(group)], new(big.Int).SetBytes(group))
	}
	fmt.Fprintf(&out, "%0*d", checkDigits, check(out.String()))
	return out.String(), nil
}

// check returns the number that the five check digits write, of the digits before
// them.
func check(digits string) uint32 {
	sum := sm3.Sum([]byte(digits))
	return binary.BigEndian.Uint32(sum[:4]) % 100000
}

// parseGroup reads a group of at most 41 digits into big-endian bytes. It reports
// whether the value fits.
func parseGroup(digits string, into []byte) bool {
	var limbs [3]uint64 // least significant first; 41 digits take 137 bits
	for len(digits) > 0 {
		// 10^19 is the highest power of ten that a limb holds.
		part := digits[:min(19, len(digits))]
		digits = digits[len(part):]
		value, scale := uint64(0), uint64(1)
		for i := range len(part) {
			value, scale = value*10+uint64(part[i]-'0'), scale*10
		}
		for i := range limbs {
			high, low := bits.Mul64(limbs[i], scale)
			sum, carry := bits.Add64(low, value, 0)
			limbs[i], value = sum, high+carry
		}
	}
	var all [24]byte
	for i, limb := range limbs {
		binary.BigEndian.PutUint64(all[16-8*i:], limb)
	}
	unused := all[:len(all)-len(into)]
	copy(into, all[len(unused):])
	return len(bytes.Trim(unused, "\x00")) == 0
}

// maxDigits bounds a text before anything is computed over it.
const maxDigits = headDigits + (MaxPaper/groupBytes+1)*groupDigits + checkDigits

// Decode reads the text of a code: the digits alone, see [Scanned] for what a
// scanner delivers. The error is a [MisreadError].
func Decode(digits string) (Kind, []byte, error) {
	return decode(digits, KindLicence, KindDocument)
}

// decode reads a text whose kind is between two.
func decode(digits string, least, most Kind) (Kind, []byte, error) {
	bad := func(rule Misread, format string, args ...any) (Kind, []byte, error) {
		return 0, nil, &MisreadError{rule, fmt.Sprintf(format, args...)}
	}
	if len(digits) > maxDigits {
		return bad(MisreadLength, "%d characters, at most %d are read", len(digits), maxDigits)
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return bad(MisreadCharacters, "character %d is not a digit", i+1)
		}
	}
	if len(digits) < headDigits+digitsFor[1]+checkDigits {
		return bad(MisreadLength, "%d digits are too few", len(digits))
	}
	if digits[0] != textVersion {
		return bad(MisreadForm, "text version %c is not known", digits[0])
	}
	body, sum := digits[:len(digits)-checkDigits], digits[len(digits)-checkDigits:]
	var given uint32
	for i := range len(sum) {
		given = given*10 + uint32(sum[i]-'0')
	}
	if check(body) != given {
		return bad(MisreadCheck, "check digits are wrong")
	}
	kind := Kind(digits[1] - '0')
	if kind < least || kind > most {
		return bad(MisreadForm, "kind %d is not known", kind)
	}
	groups := body[headDigits:]
	b := make([]byte, 0, (len(groups)/groupDigits+1)*groupBytes)
	for len(groups) > 0 {
		group := groups[:min(groupDigits, len(groups))]
		groups = groups[len(group):]
		k := bytesFor(len(group))
		if k == 0 {
			return bad(MisreadGroups, "a last group of %d digits does not exist", len(group))
		}
		b = b[:len(b)+k]
		if !parseGroup(group, b[len(b)-k:]) {
			return bad(MisreadGroups, "a group's value does not fit its bytes")
		}
	}
	if len(b) > MaxPaper {
		return bad(MisreadLength, "%d bytes, at most %d are read", len(b), MaxPaper)
	}
	return kind, b, nil
}

// Scanned returns the digits in what a scanner delivers: ASCII white space is
// stripped, and everything after the last '#' is taken, so that the address
// printed on paper and the bare digits read alike.
func Scanned(text string) string {
	text = text[strings.LastIndexByte(text, '#')+1:]
	return strings.Map(func(r rune) rune {
		switch r {
		case ' ', '\t', '\r', '\n', '\v', '\f':
			return -1
		}
		return r
	}, text)
}

// Address returns what the picture on paper holds: an address that any phone
// opens, with the code as the fragment, which never reaches a server.
func Address(host, digits string) string { return "https://" + host + "/v#" + digits }
