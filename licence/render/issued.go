package render

import (
	"bytes"

	"github.com/emmansun/gmsm/sm3"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/pki/oid"
	"github.com/elicence/elicence/seal"
)

// issuedVersion is that of the statement of [Issued].
const issuedVersion = 1

// IssuedSize is more than an extension of [Issued] takes in a seal signature, in bytes.
const IssuedSize = 64

// Issued is what a seal says of a page on which [Page] has set a licence or a copy of one, and
// of no other: that this is the page of the licence with this signed form. It is an extension
// of TBS_Sign (GB/T 38540-2020, extDatas), not critical, under [oid.Issued]:
//
//	Issued ::= SEQUENCE { version INTEGER (1), form OCTET STRING (SIZE (32)) } -- SM3 of the signed form
//
// A signed form alone says nothing of a page: whoever has it may put it into a page of their
// own, which the authority seals for another purpose.
func Issued(signed []byte) seal.Extension {
	form := sm3.Sum(signed)
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(issuedVersion)
		b.AddASN1OctetString(form[:])
	})
	return seal.Extension{ID: oid.Issued, Value: b.BytesOrPanic()}
}

// SaysIssued reports whether a seal's extensions say that they are on the page of the licence
// with this signed form.
func SaysIssued(extensions []seal.Extension, signed []byte) bool {
	want := Issued(signed)
	for _, e := range extensions {
		if e.ID == want.ID && bytes.Equal(e.Value, want.Value) {
			return true
		}
	}
	return false
}
