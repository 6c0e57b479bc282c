package licence

import (
	"encoding/base32"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/idcode"
)

// root of every e-licence identifier (GB/T 36904-2018).
const identifierRoot = "1.2.156.3005.2"

// ErrBadIdentifier says that a text is not an e-licence identifier of ours.
var ErrBadIdentifier = bilingual.New("不是电子证照标识", "not an e-licence identifier")

// RandomSize is the length in bytes of the random part of a [Serial].
const RandomSize = 10

// Serial is the part of an identifier that we choose.
type Serial struct {
	Bucket uint16 // distribution bucket, 12 bits
	Random [RandomSize]byte
}

// String returns three hexadecimal digits and 16 characters of base 32
// (RFC 4648 extended hexadecimal alphabet), all within 0-9 A-V.
func (s Serial) String() string { return string(s.appendTo(nil)) }

func (s Serial) appendTo(dst []byte) []byte {
	const digits = "0123456789ABCDEF"
	dst = append(dst, digits[s.Bucket>>8&15], digits[s.Bucket>>4&15], digits[s.Bucket&15])
	return serialEncoding.AppendEncode(dst, s.Random[:])
}

var (
	serialEncoding = base32.HexEncoding.WithPadding(base32.NoPadding)
	serialForm     = regexp.MustCompile(`^[0-9A-F]{3}[0-9A-V]{16}$`)
)

func parseSerial(s string) (Serial, error) {
	var serial Serial
	if !serialForm.MatchString(s) {
		return serial, fmt.Errorf("serial is not 19 characters of ours: %w", ErrBadIdentifier)
	}
	bucket, err := strconv.ParseUint(s[:3], 16, 12)
	if err != nil {
		return serial, fmt.Errorf("serial: %w: %w", ErrBadIdentifier, err)
	}
	serial.Bucket = uint16(bucket)
	if _, err := serialEncoding.Decode(serial.Random[:], []byte(s[3:])); err != nil {
		return serial, fmt.Errorf("serial: %w: %w", ErrBadIdentifier, err)
	}
	return serial, nil
}

// Identifier names one version of one licence for ever (GB/T 36904-2018).
type Identifier struct {
	Type    string // 21 characters: the category's type code
	Issuer  string // 18 characters: the issuer's unified social credit code
	Serial  Serial
	Version int // 1…999
}

// String returns the printed form, with its check character.
func (id Identifier) String() string { return string(id.appendTo(make([]byte, 0, identifierSize))) }

// identifierSize is somewhat more than the printed form takes, in bytes.
const identifierSize = 96

// appendTo appends what [Identifier.String] returns.
func (id Identifier) appendTo(text []byte) []byte {
	begin := len(text)
	text = append(text, identifierRoot...)
	text = append(append(text, '.'), id.Type...)
	text = append(append(text, '.'), id.Issuer...)
	text = id.Serial.appendTo(append(text, '.'))
	text = append(text, '.', byte('0'+id.Version/100%10), byte('0'+id.Version/10%10), byte('0'+id.Version%10))
	checked := make([]byte, 0, 64)
	for _, c := range text[begin+len(identifierRoot):] {
		if c != '.' {
			checked = append(checked, c)
		}
	}
	check, err := idcode.Check37(checked)
	if err != nil {
		// Type and Issuer were checked when the identifier was made or parsed.
		panic("licence: identifier holds a character outside 0-9 A-Z: " + err.Error())
	}
	return append(text, '.', check)
}

// typeSize is the length of a category's type code.
const typeSize = 21

func isTypeCode(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return len(s) == typeSize
}

// NewIdentifier checks the parts and puts them together.
func NewIdentifier(typeCode, issuer string, serial Serial, version int) (Identifier, error) {
	if !isTypeCode(typeCode) {
		return Identifier{}, fmt.Errorf("type code is not 21 characters 0-9 A-Z: %w", ErrBadIdentifier)
	}
	if err := idcode.CheckUSCC(issuer); err != nil {
		return Identifier{}, fmt.Errorf("issuer: %w: %w", ErrBadIdentifier, err)
	}
	if serial.Bucket >= 1<<12 {
		return Identifier{}, fmt.Errorf("bucket %d has more than 12 bits: %w", serial.Bucket, ErrBadIdentifier)
	}
	if version < 1 || version > 999 {
		return Identifier{}, fmt.Errorf("version %d is not 1 to 999: %w", version, ErrBadIdentifier)
	}
	return Identifier{typeCode, issuer, serial, version}, nil
}

// ParseIdentifier reads the printed form strictly: every part and the check
// character must be as [Identifier.String] writes them.
func ParseIdentifier(s string) (Identifier, error) {
	rest, ok := strings.CutPrefix(s, identifierRoot+".")
	parts := strings.Split(rest, ".")
	if !ok || len(parts) != 5 {
		return Identifier{}, fmt.Errorf("does not have the form %s.type.issuer.serial.version.check: %w", identifierRoot, ErrBadIdentifier)
	}
	serial, err := parseSerial(parts[2])
	if err != nil {
		return Identifier{}, err
	}
	version, err := strconv.Atoi(parts[3])
	if err != nil || len(parts[3]) != 3 {
		return Identifier{}, fmt.Errorf("version is not three digits: %w", ErrBadIdentifier)
	}
	id, err := NewIdentifier(parts[0], parts[1], serial, version)
	if err != nil {
		return Identifier{}, err
	}
	if id.String() != s {
		return Identifier{}, fmt.Errorf("check character is wrong: %w", ErrBadIdentifier)
	}
	return id, nil
}
