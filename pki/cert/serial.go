package cert

import (
	"encoding/hex"
	"fmt"
	"io"

	"github.com/elicence/elicence/internal/bilingual"
)

// Serial is a certificate's serial number: 128 bits, of which the first is zero
// and the second one, so that it is positive and of full length (RFC 5280, 4.1.2.2).
type Serial [16]byte

// ErrBadSerial says that a text is not a serial number of ours.
var ErrBadSerial = bilingual.New("不是证书序列号，应为 32 位十六进制数", "not a serial number of 32 hexadecimal digits")

// NewSerial draws a serial number with 126 random bits.
func NewSerial(random io.Reader) (Serial, error) {
	var s Serial
	if _, err := io.ReadFull(random, s[:]); err != nil {
		return s, fmt.Errorf("drawing a serial number: %w", err)
	}
	s[0] = s[0]&0x7f | 0x40
	return s, nil
}

// ParseSerial reads a serial number as [Serial.String] writes it.
func ParseSerial(text string) (Serial, error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(Serial{}) || b[0]&0x80 != 0 {
		return Serial{}, ErrBadSerial
	}
	return Serial(b), nil
}

// SerialOf takes a serial number as it stands in CRLs and OCSP, its magnitude
// without leading zeros, and reports whether it can be one of ours.
func SerialOf(magnitude []byte) (Serial, bool) {
	if len(magnitude) != len(Serial{}) || magnitude[0]&0x80 != 0 {
		return Serial{}, false
	}
	return Serial(magnitude), true
}

// String returns the serial number in lower-case hexadecimal.
func (s Serial) String() string { return hex.EncodeToString(s[:]) }

// Mod returns the serial number modulo n, which is not 0.
func (s Serial) Mod(n uint32) uint32 {
	var rest uint64
	for _, b := range s {
		rest = (rest<<8 | uint64(b)) % uint64(n)
	}
	return uint32(rest)
}
