package cert

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
	"golang.org/x/text/encoding/simplifiedchinese"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/oid"
)

// Foreign is what can be read of a certificate that another authority wrote, whether
// or not [Parse] takes it: real ones have Chinese text in IA5String, alternative
// names that are none, NULL where nothing should be, GBK in place of UTF-8. It is for
// showing and for looking at a signature with its key. It is a type of its own so that
// it can never be an anchor, stand in a path or be the subject of a trust decision.
type Foreign struct {
	DER  []byte
	TBS  []byte         // the signed part
	SPKI []byte         // SubjectPublicKeyInfo as it stands
	Key  *pki.PublicKey // nil if it is not an SM2 key with an uncompressed point
	// Serial is the content of the INTEGER as it stands, which may be padded or
	// negative.
	Serial                []byte
	NotBefore, NotAfter   time.Time // UTC; zero where they cannot be read
	RawIssuer, RawSubject []byte
	Issuer, Subject       string // for people: C=CN, O=…, CN=…
	Refused               error  // why Parse refuses it, nil if it does not
}

// ErrNotCertificate says that bytes do not even have the frame of a certificate.
var ErrNotCertificate = bilingual.New("不是证书", "not a certificate")

// ReadForeign reads the frame of an X.509 certificate and does not look into its
// extensions. Only DER lengths are read, and nothing may stand behind the certificate.
// The error wraps [ErrNotCertificate].
func ReadForeign(der []byte) (*Foreign, error) {
	bad := func(what string) (*Foreign, error) { return nil, fmt.Errorf("%s: %w", what, ErrNotCertificate) }
	if len(der) > MaxSize {
		return bad(fmt.Sprintf("%d bytes, at most %d are read", len(der), MaxSize))
	}
	f := &Foreign{DER: bytes.Clone(der)}
	input := cryptobyte.String(f.DER)
	var outer, whole, tbs, serial cryptobyte.String
	if !input.ReadASN1(&outer, cbasn1.SEQUENCE) || !input.Empty() || !outer.ReadASN1Element(&whole, cbasn1.SEQUENCE) {
		return bad("not a SEQUENCE that begins with one")
	}
	f.TBS = whole
	if !whole.ReadASN1(&tbs, cbasn1.SEQUENCE) || !tbs.SkipOptionalASN1(context(0)) || !tbs.ReadASN1(&serial, cbasn1.INTEGER) || !tbs.SkipASN1(cbasn1.SEQUENCE) {
		return bad("no serial number and algorithm")
	}
	f.Serial = serial
	var validity cryptobyte.String
	var issuer, subject, spki cryptobyte.String
	if !tbs.ReadASN1Element(&issuer, cbasn1.SEQUENCE) || !tbs.ReadASN1(&validity, cbasn1.SEQUENCE) ||
		!tbs.ReadASN1Element(&subject, cbasn1.SEQUENCE) || !tbs.ReadASN1Element(&spki, cbasn1.SEQUENCE) {
		return bad("no names, dates and key")
	}
	f.RawIssuer, f.RawSubject, f.SPKI = issuer, subject, spki
	f.Issuer, f.Subject = readableName(issuer), readableName(subject)
	f.NotBefore, f.NotAfter = foreignTime(&validity), foreignTime(&validity)
	f.Key = foreignKey(spki)
	_, f.Refused = Parse(der)
	return f, nil
}

// foreignTime reads UTCTime and GeneralizedTime with or without seconds, fractions
// and an offset.
func foreignTime(s *cryptobyte.String) time.Time {
	var value cryptobyte.String
	var tag cbasn1.Tag
	if !s.ReadAnyASN1(&value, &tag) {
		return time.Time{}
	}
	layouts := []string{"20060102150405Z0700", "200601021504Z0700", "20060102150405"}
	text := string(value)
	switch tag {
	case cbasn1.UTCTime:
		if text == "" {
			return time.Time{}
		}
		century := "20"
		if text[0] >= '5' {
			century = "19"
		}
		text = century + text
	case cbasn1.GeneralizedTime:
	default:
		return time.Time{}
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// foreignKey takes id-ecPublicKey with the SM2 curve, and the SM2 identifier as
// algorithm, which the table of GM/T 0015 has, with whatever parameters.
func foreignKey(spki cryptobyte.String) *pki.PublicKey {
	var inner, algorithm cryptobyte.String
	var point []byte
	if !spki.ReadASN1(&inner, cbasn1.SEQUENCE) || !inner.ReadASN1(&algorithm, cbasn1.SEQUENCE) || !inner.ReadASN1BitStringAsBytes(&point) {
		return nil
	}
	id, ok := oid.Read(&algorithm)
	if !ok || id != oid.SM2Curve && (id != oid.ECPublic || !oid.Expect(&algorithm, oid.SM2Curve)) {
		return nil
	}
	const uncompressed = 65
	if len(point) != uncompressed || point[0] != 4 {
		return nil
	}
	compressed := append([]byte{2 | point[uncompressed-1]&1}, point[1:pki.PointSize]...)
	key, err := pki.ParsePoint(compressed)
	if err != nil || !bytes.Equal(key.Uncompressed(), point) {
		return nil
	}
	return key
}

// readableName writes a name for people. What cannot be read stands there in
// hexadecimal; nothing is left out.
func readableName(der []byte) string {
	rdns, err := readName(der)
	if err != nil {
		return "#" + hex.EncodeToString(der)
	}
	labels := map[oid.ID]string{oidEmail: "EMAIL"}
	for _, a := range (Name{}).attributes() {
		labels[a.id] = a.label
	}
	var parts []string
	for _, rdn := range rdns {
		for _, a := range rdn {
			label := labels[a.id]
			if label == "" {
				label = a.id.String()
			}
			parts = append(parts, label+"="+a.readable())
		}
	}
	return strings.Join(parts, ", ")
}

// readable decodes a value whatever its tag says of it: the text of its type, UTF-8,
// or GB 18030, in this order. Characters that nobody sees become U+FFFD, and a comma
// or an equals sign is escaped, so that no value can pass for two.
func (a nameAttribute) readable() string {
	s, ok := a.text()
	if a.tag == cbasn1.T61String { // in China this is GBK, never Latin-1
		ok = false
	}
	if !ok && utf8.Valid(a.value) {
		s, ok = string(a.value), true
	}
	if !ok {
		decoded, err := simplifiedchinese.GB18030.NewDecoder().Bytes(a.value)
		s, ok = string(decoded), err == nil && !bytes.ContainsRune(decoded, utf8.RuneError)
	}
	if !ok {
		return "#" + hex.EncodeToString(a.value)
	}
	var clean strings.Builder
	for _, r := range s {
		switch {
		case unicode.In(r, unicode.C, unicode.Zl, unicode.Zp, unicode.Variation_Selector):
			clean.WriteRune(utf8.RuneError)
		case strings.ContainsRune(`,=\`, r):
			clean.WriteRune('\\')
			clean.WriteRune(r)
		default:
			clean.WriteRune(r)
		}
	}
	return clean.String()
}
