package seal

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/emmansun/gmsm/sm3"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/internal/cleantext"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/oid"
)

// The versions of the structure that are read.
const (
	VersionGMT0031 = 1 // GM/T 0031-2014
	VersionGBT     = 4 // GB/T 38540-2020, the one that is written
	VersionGMT2025 = 5 // as version 4, with a time stamp of the seal's own
)

// maxListed bounds the certificates that a seal lists, and its extensions.
const maxListed = 64

// Extension is an entry of extDatas. What it says is for others; a critical one that
// nobody knows is said in the report and is no reason to refuse, as real ones are.
type Extension struct {
	ID       oid.ID
	Critical bool
	Value    []byte
}

// Listed is the digest of a certificate that may sign with a seal (certListType 2).
type Listed struct {
	Algorithm string // free text: a name or an object identifier
	Digest    []byte
}

// tolerant reads what is in the field. The first fault stays.
type tolerant struct {
	what  string // seal or seal signature
	known *Memory
	err   error
}

func (r *tolerant) bad(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%s: %s: %w", r.what, fmt.Sprintf(format, args...), ErrMalformed)
	}
}

// sequence reads a SEQUENCE; element is it as received.
func (r *tolerant) sequence(s *cryptobyte.String, what string) (element, content cryptobyte.String) {
	if r.err != nil {
		return nil, nil
	}
	if !s.ReadASN1Element(&element, cbasn1.SEQUENCE) {
		r.bad("%s is not a SEQUENCE", what)
		return nil, nil
	}
	inner := element
	if !inner.ReadASN1(&content, cbasn1.SEQUENCE) {
		r.bad("%s is not a SEQUENCE", what)
	}
	return element, content
}

func (r *tolerant) octets(s *cryptobyte.String, what string) []byte {
	var out cryptobyte.String
	if r.err == nil && !s.ReadASN1(&out, cbasn1.OCTET_STRING) {
		r.bad("%s is not an OCTET STRING", what)
	}
	return out
}

// bits reads a BIT STRING of whole bytes, or the OCTET STRING that some write.
func (r *tolerant) bits(s *cryptobyte.String, what string) []byte {
	var out cryptobyte.String
	if r.err != nil || s.PeekASN1Tag(cbasn1.OCTET_STRING) && s.ReadASN1(&out, cbasn1.OCTET_STRING) {
		return out
	}
	var unused uint8
	if !s.ReadASN1(&out, cbasn1.BIT_STRING) || !out.ReadUint8(&unused) || unused != 0 {
		r.bad("%s is not a BIT STRING of whole bytes", what)
	}
	return out
}

func (r *tolerant) integer(s *cryptobyte.String, what string) int {
	var n int
	if r.err == nil && !s.ReadASN1Integer(&n) {
		r.bad("%s is not a small INTEGER", what)
	}
	return n
}

// text reads a string of any of the types that are used for text.
func (r *tolerant) text(s *cryptobyte.String, what string) string {
	const visible, universal, bmp = cbasn1.Tag(26), cbasn1.Tag(28), cbasn1.Tag(30)
	var out cryptobyte.String
	var tag cbasn1.Tag
	if r.err != nil {
		return ""
	}
	if !s.ReadAnyASN1(&out, &tag) {
		r.bad("%s is missing", what)
		return ""
	}
	switch tag {
	case cbasn1.IA5String, cbasn1.UTF8String, cbasn1.PrintableString, cbasn1.T61String, visible:
		if utf8.Valid(out) {
			return string(out)
		}
	case universal, bmp:
	}
	r.bad("%s is not text in ASCII or UTF-8", what)
	return ""
}

// time reads UTCTime and GeneralizedTime, with fractions and offsets.
func (r *tolerant) time(s *cryptobyte.String, what string) time.Time {
	var out cryptobyte.String
	var tag cbasn1.Tag
	if r.err != nil {
		return time.Time{}
	}
	if !s.ReadAnyASN1(&out, &tag) || tag != cbasn1.UTCTime && tag != cbasn1.GeneralizedTime {
		r.bad("%s is not a time", what)
		return time.Time{}
	}
	text := string(out)
	if tag == cbasn1.UTCTime && text != "" {
		century := "20"
		if text[0] >= '5' {
			century = "19"
		}
		text = century + text
	}
	t, ok := parseTime(text)
	if !ok {
		r.bad("%s is not a time: %.30q", what, text)
	}
	return t
}

// parseTime reads the forms of time that occur: those of ASN.1, and text. Without an
// offset it is the time of China.
func parseTime(text string) (time.Time, bool) {
	china := time.FixedZone("UTC+8", 8*3600)
	for _, layout := range []string{
		"20060102150405Z0700", "200601021504Z0700", "20060102150405.999999999Z0700", time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700",
		"20060102150405", "2006-01-02 15:04:05", "2006-01-02T15:04:05",
	} {
		if t, err := time.ParseInLocation(layout, text, china); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// algorithm reads a bare object identifier; the element is it as received.
func (r *tolerant) algorithm(s *cryptobyte.String) cryptobyte.String {
	var element cryptobyte.String
	if r.err != nil {
		return nil
	}
	if !s.ReadASN1Element(&element, cbasn1.OBJECT_IDENTIFIER) {
		r.bad("the signature algorithm is not an object identifier")
		return nil
	}
	inner := element
	if id, ok := oid.Read(&inner); !ok || id != oid.SM2WithSM3 && id != oid.SM2Sign {
		r.bad("the signature algorithm %v is not SM2 with SM3", id)
	}
	return element
}

// signature reads a signature's bytes: DER, integers with one byte too many, or 64 raw
// bytes r ‖ s.
func (r *tolerant) signature(value []byte) pki.Signature {
	if r.err != nil {
		return pki.Signature{}
	}
	if sig, err := pki.ParseSignatureDER(value); err == nil {
		return sig
	}
	if sig, err := pki.ParseSignature(value); err == nil {
		return sig
	}
	input := cryptobyte.String(value)
	var inner, x, y cryptobyte.String
	if input.ReadASN1(&inner, cbasn1.SEQUENCE) && input.Empty() && readLoose(&inner, &x) && readLoose(&inner, &y) && inner.Empty() {
		var sig pki.Signature
		copy(sig[32-len(x):32], x)
		copy(sig[64-len(y):], y)
		return sig
	}
	r.bad("a signature is neither DER nor 64 raw bytes")
	return pki.Signature{}
}

// readLoose reads an INTEGER whose padding is wrong as a number of at most 32 bytes.
func readLoose(s, out *cryptobyte.String) bool {
	if !s.ReadASN1(out, cbasn1.INTEGER) {
		return false
	}
	*out = bytes.TrimLeft(*out, "\x00")
	return len(*out) <= 32
}

// certificate reads a certificate that [cert.Parse] takes, or else as much of it as shows.
func (r *tolerant) certificate(der []byte, what string) (*cert.Certificate, *cert.Foreign) {
	if r.err != nil {
		return nil, nil
	}
	if c := r.known.certificate(der); c != nil {
		return c, nil
	}
	if c, err := cert.Parse(der); err == nil {
		return c, nil
	}
	f, err := cert.ReadForeign(der)
	if err != nil {
		r.bad("%s: %v", what, err)
		return nil, nil
	}
	if f.Key == nil {
		r.bad("%s has no SM2 key", what)
	}
	return nil, f
}

// extensions reads extDatas: a SEQUENCE, also one that is tagged [0].
func (r *tolerant) extensions(s *cryptobyte.String) []Extension {
	if r.err != nil || s.Empty() {
		return nil
	}
	tag := cbasn1.Tag(0).Constructed().ContextSpecific()
	var tagged, list cryptobyte.String
	if s.PeekASN1Tag(tag) && s.ReadASN1(&tagged, tag) {
		if !tagged.PeekASN1Tag(cbasn1.SEQUENCE) {
			r.bad("extDatas are not a SEQUENCE")
			return nil
		}
		if !tagged.ReadASN1(&list, cbasn1.SEQUENCE) || !tagged.Empty() {
			r.bad("extDatas are not one SEQUENCE")
		}
	} else if !s.ReadASN1(&list, cbasn1.SEQUENCE) {
		r.bad("extDatas are not a SEQUENCE")
	}
	var out []Extension
	for r.err == nil && !list.Empty() {
		var e Extension
		var ok bool
		_, item := r.sequence(&list, "an entry of extDatas")
		if e.ID, ok = oid.Read(&item); !ok || len(out) == maxListed {
			r.bad("extDatas have an entry without a name, or more than %d", maxListed)
		}
		var critical cryptobyte.String
		if item.PeekASN1Tag(cbasn1.BOOLEAN) && item.ReadASN1(&critical, cbasn1.BOOLEAN) {
			e.Critical = len(critical) == 1 && critical[0] != 0 // FALSE is written out by some
		}
		e.Value = r.octets(&item, "the value of an entry of extDatas")
		out = append(out, e)
	}
	return out
}

// ParseTolerant reads a seal of version 1, 4 or 5 as they are in the field: signatures
// as raw bytes or with wrong padding, times of either type, text in other string types,
// digests in place of certificates, unknown extensions, certificates that are not read
// here ([Seal.Foreign]). What is verified is the same, over the bytes received. It
// verifies nothing.
func ParseTolerant(der []byte) (*Seal, error) {
	if len(der) > MaxSize {
		return nil, fmt.Errorf("seal of %d bytes, at most %d are read: %w", len(der), MaxSize, ErrMalformed)
	}
	r := &tolerant{what: "seal"}
	input := cryptobyte.String(bytes.Clone(der))
	s := r.seal(&input)
	if !input.Empty() {
		r.bad("something follows it")
	}
	return s, r.err
}

func (r *tolerant) seal(input *cryptobyte.String) *Seal {
	element, outer := r.sequence(input, "the structure")
	if s := r.known.seal(element); s != nil && r.err == nil {
		return s
	}
	info, _ := r.sequence(&outer, "eSealInfo")
	s := &Seal{DER: element, info: info}
	if outer.PeekASN1Tag(cbasn1.SEQUENCE) {
		s.Version = VersionGMT0031
		r.sealVersion1(s, &outer)
	} else {
		certificate := r.octets(&outer, "the maker's certificate")
		r.algorithm(&outer)
		s.value = r.bits(&outer, "the signature")
		s.signature = r.signature(s.value)
		s.Maker, s.Foreign = r.certificate(certificate, "the maker's certificate")
		s.timeStamp = r.timeStamp(&outer)
	}
	if r.err == nil && !outer.Empty() {
		r.bad("something follows its members")
	}
	r.info(s)
	return s
}

// sealVersion1 reads signInfo. What it signs is eSealInfo with the maker's certificate
// and the algorithm.
func (r *tolerant) sealVersion1(s *Seal, outer *cryptobyte.String) {
	_, sign := r.sequence(outer, "signInfo")
	var certificate cryptobyte.String
	whole := sign
	if r.err == nil && !whole.ReadASN1Element(&certificate, cbasn1.OCTET_STRING) {
		r.bad("the maker's certificate is not an OCTET STRING")
	}
	der := r.octets(&sign, "the maker's certificate")
	algorithm := r.algorithm(&sign)
	s.value = r.bits(&sign, "the signature")
	s.signature = r.signature(s.value)
	s.Maker, s.Foreign = r.certificate(der, "the maker's certificate")
	if r.err == nil && !sign.Empty() {
		r.bad("something follows signInfo")
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(s.info)
		b.AddBytes(certificate)
		b.AddBytes(algorithm)
	})
	signed, err := b.Bytes()
	if err != nil {
		r.bad("%v", err)
	}
	s.signed = signed
}

// timeStamp reads the optional [0] EXPLICIT BIT STRING.
func (r *tolerant) timeStamp(s *cryptobyte.String) []byte {
	tag := cbasn1.Tag(0).Constructed().ContextSpecific()
	var inner cryptobyte.String
	if r.err != nil || !s.PeekASN1Tag(tag) {
		return nil
	}
	if !s.ReadASN1(&inner, tag) {
		r.bad("the time stamp is not [0]")
		return nil
	}
	out := r.bits(&inner, "the time stamp")
	if r.err == nil && !inner.Empty() {
		r.bad("something follows the time stamp")
	}
	return out
}

func (r *tolerant) info(s *Seal) {
	element := cryptobyte.String(s.info)
	_, info := r.sequence(&element, "eSealInfo")
	_, header := r.sequence(&info, "the header")
	if id := r.text(&header, "the header's ID"); r.err == nil && id != "ES" {
		r.bad("the header is of %.20q, not of an electronic seal", id)
	}
	version := r.integer(&header, "the version")
	s.Vendor = r.text(&header, "the vendor")
	switch {
	case r.err != nil:
	case s.Version == VersionGMT0031 && version != VersionGMT0031 && version != 11:
		r.bad("version %d in the structure of version 1", version)
	case s.Version == 0 && version != VersionGBT && version != VersionGMT2025:
		r.bad("version %d; versions 1, 4 and 5 are read", version)
	case s.Version == 0:
		s.Version = version
	}
	if s.Version == VersionGBT && s.timeStamp != nil {
		r.bad("a seal of version 4 with a time stamp")
	}
	s.ID = r.text(&info, "the seal's code")
	_, property := r.sequence(&info, "the property")
	s.Kind = r.integer(&property, "the seal's type")
	s.Name = r.text(&property, "the seal's name")
	r.certificates(s, &property)
	for _, t := range []*time.Time{&s.Created, &s.ValidFrom, &s.ValidUntil} {
		*t = r.time(&property, "a date of the seal")
	}
	_, picture := r.sequence(&info, "the picture")
	s.Picture.Type = r.text(&picture, "the picture's type")
	s.Picture.Data = r.octets(&picture, "the picture")
	s.Picture.WidthMM, s.Picture.HeightMM = r.integer(&picture, "the picture's width"), r.integer(&picture, "the picture's height")
	s.Extensions = r.extensions(&info)
	if r.err == nil && !info.Empty() {
		r.bad("something follows extDatas")
	}
	if r.err != nil {
		return
	}
	for _, text := range []string{s.Name, s.ID} {
		if err := cleantext.Check(text); err != nil {
			r.bad("name or code: %v", err)
		}
	}
}

// certificates reads certList. Its form is said by certListType; where octet strings
// stand they are certificates, whatever is said.
func (r *tolerant) certificates(s *Seal, property *cryptobyte.String) {
	if s.Version != VersionGMT0031 {
		if kind := r.integer(property, "certListType"); r.err == nil && kind != 1 && kind != 2 {
			r.bad("certListType %d", kind)
		}
	}
	_, list := r.sequence(property, "certList")
	for r.err == nil && !list.Empty() {
		if len(s.Certificates)+len(s.Digests) == maxListed {
			r.bad("certList has more than %d entries", maxListed)
			return
		}
		if list.PeekASN1Tag(cbasn1.OCTET_STRING) {
			s.Certificates = append(s.Certificates, r.octets(&list, "an entry of certList"))
			continue
		}
		_, item := r.sequence(&list, "an entry of certList")
		s.Digests = append(s.Digests, Listed{r.text(&item, "the name of a digest"), r.octets(&item, "a digest")})
	}
}

// ParseSignatureTolerant reads a seal signature of version 1, 4 or 5 as [ParseTolerant]
// reads seals. It verifies nothing.
func ParseSignatureTolerant(der []byte) (*Signature, error) { return parseTolerant(der, nil) }

func parseTolerant(der []byte, known *Memory) (*Signature, error) {
	r := &tolerant{what: "seal signature", known: known}
	if len(der) > MaxSize {
		r.bad("%d bytes, at most %d are read", len(der), MaxSize)
		return nil, r.err
	}
	input := cryptobyte.String(bytes.Clone(der))
	_, outer := r.sequence(&input, "the structure")
	if !input.Empty() {
		r.bad("something follows it")
	}
	element, toSign := r.sequence(&outer, "toSign")
	s := &Signature{Profile: ProfileSES, toSign: element}
	if outer.PeekASN1Tag(cbasn1.BIT_STRING) {
		r.signatureVersion1(s, &outer, toSign)
	} else {
		certificate := r.octets(&outer, "the signer's certificate")
		r.algorithm(&outer)
		s.value = r.bits(&outer, "the signature")
		s.signature = r.signature(s.value)
		s.TimeStamp = r.timeStamp(&outer)
		s.Signer, s.Foreign = r.certificate(certificate, "the signer's certificate")
		version := r.head(s, &toSign)
		s.Stamp.Time = r.time(&toSign, "the time of signing")
		r.tail(s, &toSign)
		s.Stamp.Extensions = r.extensions(&toSign)
		if r.err == nil && (s.Seal.Version == VersionGMT0031 || version != s.Seal.Version) {
			r.bad("version %d with a seal of version %d", version, s.Seal.Version)
		}
		if r.err == nil && !toSign.Empty() {
			r.bad("something follows extDatas")
		}
	}
	if r.err == nil && !outer.Empty() {
		r.bad("something follows its members")
	}
	if r.err != nil {
		return nil, r.err
	}
	return s, nil
}

func (r *tolerant) signatureVersion1(s *Signature, outer *cryptobyte.String, toSign cryptobyte.String) {
	s.value = r.bits(outer, "the signature")
	s.signature = r.signature(s.value)
	r.head(s, &toSign)
	at := r.bits(&toSign, "the time of signing")
	r.tail(s, &toSign)
	certificate := r.octets(&toSign, "the signer's certificate")
	r.algorithm(&toSign)
	s.Signer, s.Foreign = r.certificate(certificate, "the signer's certificate")
	if r.err != nil {
		return
	}
	if s.Seal.Version != VersionGMT0031 {
		r.bad("the structure of version 1 with a seal of version %d", s.Seal.Version)
	}
	if !toSign.Empty() {
		r.bad("something follows the signature algorithm")
	}
	// timeInfo is text, or a time stamp, of what the standard does not say.
	if t, ok := parseTime(strings.TrimSpace(string(at))); ok {
		s.Stamp.Time = t
	}
}

func (r *tolerant) head(s *Signature, toSign *cryptobyte.String) int {
	version := r.integer(toSign, "the version")
	s.Seal = r.seal(toSign)
	return version
}

func (r *tolerant) tail(s *Signature, toSign *cryptobyte.String) {
	digest := r.bits(toSign, "the document's digest")
	if r.err == nil && len(digest) != sm3.Size {
		r.bad("the document's digest has %d bytes, SM3 has %d", len(digest), sm3.Size)
	}
	copy(s.Stamp.Document[:], digest)
	s.Stamp.Property = r.text(toSign, "propertyInfo")
}

// names reports whether a digest is that of a certificate.
func (l Listed) names(der []byte) bool {
	byGM, bySHA := sm3.Sum(der), sha256.Sum256(der)
	return bytes.Equal(l.Digest, byGM[:]) || bytes.Equal(l.Digest, bySHA[:])
}

// errUnread is the reason of a certificate that has no path as it cannot be read.
var errUnread = errors.New("the certificate is not one that is read here")
