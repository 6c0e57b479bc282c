package lint

import (
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/pki/oid"
)

// certificate is the signed part taken to pieces. The pieces are whole elements, with
// tag and length.
type certificate struct {
	whole      []byte
	version    cryptobyte.String // empty: left out
	serial     cryptobyte.String
	algorithm  cryptobyte.String
	issuer     cryptobyte.String
	validity   cryptobyte.String
	subject    cryptobyte.String
	spki       cryptobyte.String
	uniqueIDs  int
	extensions []extension
}

type extension struct {
	id       oid.ID
	critical bool
	falseSet bool // critical is written as FALSE, which DER leaves out
	value    cryptobyte.String
}

// maxExtensions bounds what is read before anything is judged.
const maxExtensions = 64

func constructed(n uint8) cbasn1.Tag { return cbasn1.Tag(n).ContextSpecific().Constructed() }

// read takes a TBSCertificate to pieces (RFC 5280, 4.1).
func read(tbs []byte) (*certificate, error) {
	c := &certificate{whole: tbs}
	input := cryptobyte.String(tbs)
	var body cryptobyte.String
	if !input.ReadASN1(&body, cbasn1.SEQUENCE) || !input.Empty() {
		return nil, errors.New("not one SEQUENCE in DER")
	}
	if body.PeekASN1Tag(constructed(0)) && !body.ReadASN1Element(&c.version, constructed(0)) {
		return nil, errors.New("version cannot be read")
	}
	for _, part := range []struct {
		name string
		into *cryptobyte.String
		tag  cbasn1.Tag
	}{
		{"serialNumber", &c.serial, cbasn1.INTEGER}, {"signature", &c.algorithm, cbasn1.SEQUENCE}, {"issuer", &c.issuer, cbasn1.SEQUENCE},
		{"validity", &c.validity, cbasn1.SEQUENCE}, {"subject", &c.subject, cbasn1.SEQUENCE}, {"subjectPublicKeyInfo", &c.spki, cbasn1.SEQUENCE},
	} {
		if !body.ReadASN1Element(part.into, part.tag) {
			return nil, fmt.Errorf("%s cannot be read", part.name)
		}
	}
	for _, n := range []uint8{1, 2} {
		if tag := cbasn1.Tag(n).ContextSpecific(); body.PeekASN1Tag(tag) {
			body.SkipASN1(tag)
			c.uniqueIDs++
		}
	}
	if body.Empty() {
		return c, nil
	}
	var wrapped, list cryptobyte.String
	if !body.ReadASN1(&wrapped, constructed(3)) || !body.Empty() || !wrapped.ReadASN1(&list, cbasn1.SEQUENCE) || !wrapped.Empty() {
		return nil, errors.New("extensions cannot be read, or something follows them")
	}
	for !list.Empty() {
		if len(c.extensions) == maxExtensions {
			return nil, fmt.Errorf("more than %d extensions", maxExtensions)
		}
		var one cryptobyte.String
		var e extension
		ok := list.ReadASN1(&one, cbasn1.SEQUENCE)
		if ok {
			e.id, ok = oid.Read(&one)
		}
		if ok && one.PeekASN1Tag(cbasn1.BOOLEAN) {
			ok = one.ReadASN1Boolean(&e.critical)
			e.falseSet = ok && !e.critical
		}
		if !ok || !one.ReadASN1(&e.value, cbasn1.OCTET_STRING) || !one.Empty() {
			return nil, fmt.Errorf("extension %d cannot be read", len(c.extensions)+1)
		}
		c.extensions = append(c.extensions, e)
	}
	return c, nil
}

// value returns the first extension with an identifier.
func (c *certificate) value(id oid.ID) (cryptobyte.String, bool) {
	for _, e := range c.extensions {
		if e.id == id {
			return e.value, true
		}
	}
	return nil, false
}

// point returns the last 65 bytes of the subjectPublicKeyInfo, which are 0x04 ‖ x ‖ y
// if the rule "key" is kept.
func (c *certificate) point() ([]byte, bool) {
	if len(c.spki) < 65 {
		return nil, false
	}
	return c.spki[len(c.spki)-65:], true
}
