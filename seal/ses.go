package seal

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/internal/cleantext"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/oid"
)

// Version is the version of the structure that is written: GB/T 38540-2020.
const Version = 4

// vendorID is our Vid in SES_Header.
const vendorID = "elicence"

// MaxSize bounds a seal or a seal signature that is read, in bytes.
const MaxSize = 4 << 20

var (
	// ErrMalformed: not a seal or a seal signature in a form that is read.
	ErrMalformed = errors.New("malformed seal structure")
	// ErrForged: a signature in a seal structure does not verify.
	ErrForged = errors.New("signature does not verify")
)

// Picture is what the seal looks like.
type Picture struct {
	Type     string // SVG or PNG, as the standard spells it
	Data     []byte // of an SVG the plain form or the compressed one (package svgz)
	WidthMM  int
	HeightMM int
}

// Particulars are what a seal says.
type Particulars struct {
	ID          string // esID: 14 digits, region and serial
	Name        string
	Kind        int // property.type: information only, vendors differ
	Certificate *cert.Certificate
	Created     time.Time
	ValidFrom   time.Time
	ValidUntil  time.Time
	Picture     Picture
}

var idForm = regexp.MustCompile(`^[0-9]{14}$`)

func (p Particulars) check() error {
	switch {
	case !idForm.MatchString(p.ID):
		return fmt.Errorf("seal code %q is not 14 digits", p.ID)
	case p.Name == "":
		return errors.New("seal has no name")
	case p.Certificate == nil:
		return errors.New("seal has no certificate to sign with")
	case p.Picture.WidthMM < 1 || p.Picture.HeightMM < 1 || p.Picture.WidthMM > 100 || p.Picture.HeightMM > 100:
		return fmt.Errorf("seal of %d × %d mm", p.Picture.WidthMM, p.Picture.HeightMM)
	case p.Picture.Type != "SVG" && p.Picture.Type != "PNG" || len(p.Picture.Data) == 0:
		return fmt.Errorf("seal's picture is not SVG or PNG but %q", p.Picture.Type)
	case !p.ValidUntil.After(p.ValidFrom):
		return errors.New("seal ends before it begins")
	}
	return cleantext.Check(p.Name)
}

// Make builds a seal, signs it with the maker's key, and verifies the result
// with both implementations before it returns the DER of the SESeal.
func Make(p Particulars, maker *cert.Certificate, key *pki.Key, second pki.SecondOpinion) ([]byte, error) {
	if err := p.check(); err != nil {
		return nil, fmt.Errorf("making a seal: %w", err)
	}
	info, err := p.info()
	if err != nil {
		return nil, fmt.Errorf("making seal %s: %w", p.ID, err)
	}
	sig, err := key.Sign(info)
	if err != nil {
		return nil, fmt.Errorf("making seal %s: %w", p.ID, err)
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(info)
		b.AddASN1OctetString(maker.DER)
		oid.Add(b, oid.SM2WithSM3)
		b.AddASN1BitString(sig.DER())
	})
	der, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("making seal %s: %w", p.ID, err)
	}
	s, err := Parse(der)
	if err != nil {
		return nil, fmt.Errorf("reading back seal %s: %w", p.ID, err)
	}
	if pki.Unanimous(maker.Key, s.info, s.signature, second) != pki.Good {
		return nil, fmt.Errorf("seal %s: %w", p.ID, pki.ErrSelfCheck)
	}
	return der, nil
}

// info is the DER of SES_SealInfo, the part that is signed.
func (p Particulars) info() ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { // SES_Header
			addIA5(b, "ES")
			b.AddASN1Int64(Version)
			addIA5(b, vendorID)
		})
		addIA5(b, p.ID)
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { // SES_ESPropertyInfo
			b.AddASN1Int64(int64(p.Kind))
			b.AddASN1(cbasn1.UTF8String, func(b *cryptobyte.Builder) { b.AddBytes([]byte(p.Name)) })
			b.AddASN1Int64(1) // certListType: certificates
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1OctetString(p.Certificate.DER) })
			for _, t := range []time.Time{p.Created, p.ValidFrom, p.ValidUntil} {
				b.AddASN1GeneralizedTime(t.UTC())
			}
		})
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { // SES_ESPictrueInfo
			addIA5(b, p.Picture.Type)
			b.AddASN1OctetString(p.Picture.Data)
			b.AddASN1Int64(int64(p.Picture.WidthMM))
			b.AddASN1Int64(int64(p.Picture.HeightMM))
		})
	})
	return b.Bytes()
}

func addIA5(b *cryptobyte.Builder, s string) {
	b.AddASN1(cbasn1.IA5String, func(b *cryptobyte.Builder) { b.AddBytes([]byte(s)) })
}

// Seal is a parsed seal. Nothing about it is verified until [Seal.Verify].
type Seal struct {
	DER          []byte
	ID           string
	Name         string
	Kind         int
	Certificates [][]byte // DER of those that may sign
	Created      time.Time
	ValidFrom    time.Time
	ValidUntil   time.Time
	Picture      Picture
	Maker        *cert.Certificate // nil: Foreign

	// What only tolerant reading finds.
	Version    int
	Vendor     string
	Digests    []Listed      // of certificates that may sign
	Foreign    *cert.Foreign // the maker's certificate where [cert.Parse] refuses it
	Extensions []Extension

	info      []byte // as received
	signed    []byte // what the maker signed; nil: info
	value     []byte // the maker's signature as received
	signature pki.Signature
	timeStamp []byte // of version 5, over value
	strict    bool   // read by [Parse]
}

// Ours reports whether the seal was written by this software.
func (s *Seal) Ours() bool { return s.Vendor == vendorID }

// MakerName names the maker for people, as its certificate says.
func (s *Seal) MakerName() string {
	if s.Maker != nil {
		return s.Maker.Subject.CommonName
	}
	return s.Foreign.Subject
}

// makerKey is the key that made the seal.
func (s *Seal) makerKey() *pki.PublicKey {
	if s.Maker != nil {
		return s.Maker.Key
	}
	return s.Foreign.Key
}

// message is what the maker signed.
func (s *Seal) message() []byte {
	if s.signed != nil {
		return s.signed
	}
	return s.info
}

// Parse reads the DER of a version 4 SESeal. It verifies nothing.
func Parse(der []byte) (*Seal, error) {
	if len(der) > MaxSize {
		return nil, fmt.Errorf("seal of %d bytes, at most %d are read: %w", len(der), MaxSize, ErrMalformed)
	}
	input := cryptobyte.String(der)
	s, err := readSeal(&input)
	if err != nil {
		return nil, err
	}
	if !input.Empty() {
		return nil, fmt.Errorf("something follows the seal: %w", ErrMalformed)
	}
	return s, nil
}

func readSeal(input *cryptobyte.String) (*Seal, error) {
	bad := func(what string) (*Seal, error) { return nil, fmt.Errorf("seal: %s: %w", what, ErrMalformed) }
	var element, outer, info, maker, signature cryptobyte.String
	if !input.ReadASN1Element(&element, cbasn1.SEQUENCE) {
		return bad("not a SEQUENCE")
	}
	s := &Seal{DER: bytes.Clone(element), strict: true}
	whole := cryptobyte.String(s.DER)
	if !whole.ReadASN1(&outer, cbasn1.SEQUENCE) || !outer.ReadASN1Element(&info, cbasn1.SEQUENCE) ||
		!outer.ReadASN1(&maker, cbasn1.OCTET_STRING) {
		return bad("not the four members of version 4")
	}
	if !oid.Expect(&outer, oid.SM2WithSM3) {
		return bad("signature algorithm is not SM2 with SM3")
	}
	if !outer.ReadASN1(&signature, cbasn1.BIT_STRING) || !outer.Empty() {
		return bad("not the four members of version 4")
	}
	s.info = info
	var err error
	s.Version, s.value = Version, signature[min(1, len(signature)):]
	if s.signature, err = readBitString(signature); err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	if s.Maker, err = cert.Parse(maker); err != nil {
		return nil, fmt.Errorf("seal: maker's certificate: %w: %w", ErrMalformed, err)
	}
	return s, s.readInfo(info)
}

// readBitString takes the DER signature out of a BIT STRING's content.
func readBitString(content cryptobyte.String) (pki.Signature, error) {
	var unused uint8
	if !content.ReadUint8(&unused) || unused != 0 {
		return pki.Signature{}, fmt.Errorf("signature's BIT STRING has unused bits: %w", ErrMalformed)
	}
	sig, err := pki.ParseSignatureDER(content)
	if err != nil {
		return sig, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return sig, nil
}

func (s *Seal) readInfo(element cryptobyte.String) error {
	bad := func(what string) error { return fmt.Errorf("seal: %s: %w", what, ErrMalformed) }
	var info, header, id, vendor, esID, property, name, list, picture, pictureType, data cryptobyte.String
	var version, listType int
	if !element.ReadASN1(&info, cbasn1.SEQUENCE) ||
		!info.ReadASN1(&header, cbasn1.SEQUENCE) || !header.ReadASN1(&id, cbasn1.IA5String) || string(id) != "ES" ||
		!header.ReadASN1Integer(&version) || !header.ReadASN1(&vendor, cbasn1.IA5String) || !header.Empty() {
		return bad("not SES_SealInfo with a header of an electronic seal")
	}
	if version != Version {
		return bad(fmt.Sprintf("version %d; this program reads version %d", version, Version))
	}
	if !info.ReadASN1(&esID, cbasn1.IA5String) || !info.ReadASN1(&property, cbasn1.SEQUENCE) ||
		!property.ReadASN1Integer(&s.Kind) || !property.ReadASN1(&name, cbasn1.UTF8String) ||
		!property.ReadASN1Integer(&listType) || !property.ReadASN1(&list, cbasn1.SEQUENCE) {
		return bad("code or property")
	}
	if listType != 1 {
		return bad(fmt.Sprintf("certListType %d; this program reads certificates, type 1", listType))
	}
	for !list.Empty() {
		var c cryptobyte.String
		if len(s.Certificates) == 16 || !list.ReadASN1(&c, cbasn1.OCTET_STRING) {
			return bad("certList is not a list of at most 16 certificates")
		}
		s.Certificates = append(s.Certificates, c)
	}
	for _, t := range []*time.Time{&s.Created, &s.ValidFrom, &s.ValidUntil} {
		if !property.ReadASN1GeneralizedTime(t) {
			return bad("a date is not GeneralizedTime")
		}
	}
	if !property.Empty() || !info.ReadASN1(&picture, cbasn1.SEQUENCE) || !picture.ReadASN1(&pictureType, cbasn1.IA5String) ||
		!picture.ReadASN1(&data, cbasn1.OCTET_STRING) || !picture.ReadASN1Integer(&s.Picture.WidthMM) ||
		!picture.ReadASN1Integer(&s.Picture.HeightMM) || !picture.Empty() {
		return bad("picture")
	}
	// extDatas may follow, as a SEQUENCE; what it says is for others.
	r, rest := &tolerant{what: "seal"}, info
	var extensions cryptobyte.String
	if !info.Empty() && (!info.ReadASN1(&extensions, cbasn1.SEQUENCE) || !info.Empty()) {
		return bad("something other than extDatas follows the picture")
	}
	if s.Extensions = r.extensions(&rest); r.err != nil {
		return r.err
	}
	s.ID, s.Name, s.Vendor = string(esID), string(name), string(vendor)
	s.Picture.Type, s.Picture.Data = string(pictureType), data
	for what, text := range map[string]string{"name": s.Name, "code": s.ID, "vendor": s.Vendor, "picture's type": s.Picture.Type} {
		if err := cleantext.Check(text); err != nil {
			return fmt.Errorf("seal's %s: %w: %w", what, ErrMalformed, err)
		}
	}
	return nil
}

// lists reports whether the seal names a certificate as one that may sign.
func (s *Seal) lists(der []byte) bool {
	return slices.ContainsFunc(s.Certificates, func(c []byte) bool { return bytes.Equal(c, der) }) ||
		slices.ContainsFunc(s.Digests, func(l Listed) bool { return l.names(der) })
}
