package cert

import (
	"golang.org/x/crypto/cryptobyte"

	"github.com/elicence/elicence/pki/oid"
)

// StatusEntry is a certificate's place in the status lists that terminals keep
// (docs/trust-format.md): it is revoked or suspended when its bit there is set. The zero
// value is no place; lists are numbered from 1.
//
// In a certificate it is an extension that is not critical:
//
//	StatusEntry ::= INTEGER (0..18446744073709551615)   -- list × 2^32 + index
type StatusEntry struct {
	List  uint32
	Index uint32
}

// Packed returns list<<32 | index.
func (e StatusEntry) Packed() uint64 { return uint64(e.List)<<32 | uint64(e.Index) }

// UnpackStatusEntry is the inverse of [StatusEntry.Packed].
func UnpackStatusEntry(n uint64) StatusEntry {
	return StatusEntry{List: uint32(n >> 32), Index: uint32(n)} //nolint:gosec // the two halves
}

// StatusEntry returns the certificate's place in the status lists of its issuer. There is
// none in what cannot be read: other sources speak of such a certificate.
func (c *Certificate) StatusEntry() (StatusEntry, bool) {
	value, _, found := c.Extension(oid.StatusEntry)
	if !found {
		return StatusEntry{}, false
	}
	return ReadStatusEntry(value)
}

// ReadStatusEntry reads the value of the extension.
func ReadStatusEntry(value cryptobyte.String) (StatusEntry, bool) {
	var n uint64
	ok := value.ReadASN1Integer(&n) && value.Empty()
	e := UnpackStatusEntry(n)
	return e, ok && e.List != 0
}

func addStatusEntry(b *cryptobyte.Builder, e StatusEntry) {
	AddExtension(b, oid.StatusEntry, false, func(b *cryptobyte.Builder) { b.AddASN1Uint64(e.Packed()) })
}
