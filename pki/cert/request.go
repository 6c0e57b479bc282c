package cert

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"net/netip"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/oid"
)

// ErrBadRequest says that bytes are not a certificate request that is read here.
var ErrBadRequest = bilingual.New("不是 SM2 证书请求", "not an SM2 certificate request")

// ErrPossession says that a request is not signed by the key that it names: who
// sent it has not shown that they have the private key.
var ErrPossession = bilingual.New("证书请求不是用其自身的密钥签名的", "the request is not signed by its own key")

// maxNames bounds the alternative names of one certificate.
const maxNames = 100

var oidExtensionRequest = oid.Of(1, 2, 840, 113549, 1, 9, 14)

// Request is a certificate request (PKCS #10, RFC 2986) whose signature has been
// verified: its sender has the private key. What it asks for is a wish; an authority
// takes of it what its profile allows.
type Request struct {
	Key      *pki.PublicKey
	Subject  Name
	Untaken  []oid.ID     // attributes of the subject that no certificate of ours carries
	DNSNames []string     // subjectAltName of the extensionRequest
	IPs      []netip.Addr // likewise
}

// ParseRequest reads and verifies a request in DER: version 0, an SM2 key as
// id-ecPublicKey with an uncompressed point, signed with SM2 and SM3 under the
// default user ID. Two forms are accepted where one would do, because certified
// devices and OpenSSL write both: algorithm parameters absent or NULL, and attributes
// empty or left out.
//
// Nothing is read from a request before its signature is verified, but the key. Of its
// attributes only the alternative names in extensionRequest are taken; wishes for
// other extensions are the profile's to decide and are passed over. The error wraps
// [ErrBadRequest] or [ErrPossession].
func ParseRequest(der []byte) (*Request, error) {
	bad := func(what string) (*Request, error) { return nil, fmt.Errorf("%s: %w", what, ErrBadRequest) }
	if len(der) > MaxSize {
		return bad(fmt.Sprintf("%d bytes, at most %d are read", len(der), MaxSize))
	}
	input := cryptobyte.String(der)
	var outer, info, content cryptobyte.String
	if !input.ReadASN1(&outer, cbasn1.SEQUENCE) || !input.Empty() || !outer.ReadASN1Element(&info, cbasn1.SEQUENCE) {
		return bad("not one SEQUENCE that begins with another")
	}
	if !oid.ExpectAlgorithm(&outer, oid.SM2WithSM3) {
		return bad("not signed with SM2 and SM3")
	}
	var sigDER []byte
	if !outer.ReadASN1BitStringAsBytes(&sigDER) || !outer.Empty() {
		return bad("signature is not the last member")
	}
	sig, err := pki.ParseSignatureDER(sigDER)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadRequest, err)
	}
	body := info
	var version int64
	var subject, spki cryptobyte.String
	if !body.ReadASN1(&content, cbasn1.SEQUENCE) || !content.ReadASN1Integer(&version) || version != 0 ||
		!content.ReadASN1Element(&subject, cbasn1.SEQUENCE) || !content.ReadASN1Element(&spki, cbasn1.SEQUENCE) {
		return bad("not version 0 with a subject and a key")
	}
	key, err := pki.ParseSPKI(spki)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadRequest, err)
	}
	if !key.Verify(info, sig) {
		return nil, ErrPossession
	}
	r := &Request{Key: key}
	if err := r.readSubject(subject); err != nil {
		return nil, fmt.Errorf("subject: %w: %w", err, ErrBadRequest)
	}
	if err := r.readAttributes(content); err != nil {
		return nil, fmt.Errorf("attributes: %w: %w", err, ErrBadRequest)
	}
	return r, nil
}

// ParseRequestPEM reads one request in PEM and nothing else.
func ParseRequestPEM(b []byte) (*Request, error) {
	block, rest := pem.Decode(b)
	if block == nil || block.Type != "CERTIFICATE REQUEST" && block.Type != "NEW CERTIFICATE REQUEST" || len(bytes.TrimSpace(rest)) != 0 {
		return nil, fmt.Errorf("not exactly one PEM certificate request: %w", ErrBadRequest)
	}
	return ParseRequest(block.Bytes)
}

// readSubject takes the attributes that a certificate of ours may carry, each once and
// alone in its RDN.
func (r *Request) readSubject(element cryptobyte.String) error {
	var rdns cryptobyte.String
	if !element.ReadASN1(&rdns, cbasn1.SEQUENCE) {
		return errors.New("not a SEQUENCE")
	}
	targets := r.Subject.targets()
	for !rdns.Empty() {
		var set, pair, value cryptobyte.String
		var tag cbasn1.Tag
		if !rdns.ReadASN1(&set, cbasn1.SET) || !set.ReadASN1(&pair, cbasn1.SEQUENCE) || !set.Empty() {
			return errors.New("an RDN does not hold one attribute")
		}
		id, ok := oid.Read(&pair)
		if !ok || !pair.ReadAnyASN1(&value, &tag) || !pair.Empty() {
			return errors.New("an attribute is not a type and a value")
		}
		target := targets[id]
		if target == nil {
			r.Untaken = append(r.Untaken, id)
			continue
		}
		if tag != cbasn1.UTF8String && tag != cbasn1.PrintableString || !utf8.Valid(value) || len(value) == 0 {
			return fmt.Errorf("attribute %s is not text in UTF8String or PrintableString", id)
		}
		if *target != "" {
			return fmt.Errorf("attribute %s stands twice", id)
		}
		*target = string(value)
	}
	return nil
}

func (r *Request) readAttributes(content cryptobyte.String) error {
	if content.Empty() {
		return nil
	}
	var attributes cryptobyte.String
	if !content.ReadASN1(&attributes, context(0)) || !content.Empty() {
		return errors.New("something other than attributes follows the key")
	}
	seen := false
	for !attributes.Empty() {
		var attribute, values cryptobyte.String
		if !attributes.ReadASN1(&attribute, cbasn1.SEQUENCE) {
			return errors.New("one is not a SEQUENCE")
		}
		id, ok := oid.Read(&attribute)
		if !ok || !attribute.ReadASN1(&values, cbasn1.SET) || !attribute.Empty() {
			return errors.New("one is not a type and a SET of values")
		}
		if id != oidExtensionRequest {
			continue
		}
		if seen {
			return errors.New("extensionRequest stands twice")
		}
		seen = true
		if err := r.readExtensions(values); err != nil {
			return fmt.Errorf("extensionRequest: %w", err)
		}
	}
	return nil
}

func (r *Request) readExtensions(values cryptobyte.String) error {
	var extensions cryptobyte.String
	if !values.ReadASN1(&extensions, cbasn1.SEQUENCE) || !values.Empty() {
		return errors.New("not one list of extensions")
	}
	seen := make(map[oid.ID]bool)
	for !extensions.Empty() {
		var one, value cryptobyte.String
		if !extensions.ReadASN1(&one, cbasn1.SEQUENCE) {
			return errors.New("an extension is not a SEQUENCE")
		}
		id, ok := oid.Read(&one)
		if !ok || !one.SkipOptionalASN1(cbasn1.BOOLEAN) || !one.ReadASN1(&value, cbasn1.OCTET_STRING) || !one.Empty() {
			return errors.New("an extension is not an identifier and a value")
		}
		if seen[id] {
			return fmt.Errorf("extension %s stands twice", id)
		}
		seen[id] = true
		if id == oid.SubjectAltName {
			if err := r.readAlternativeNames(value); err != nil {
				return fmt.Errorf("subjectAltName: %w", err)
			}
		}
	}
	return nil
}

func (r *Request) readAlternativeNames(value cryptobyte.String) error {
	var names cryptobyte.String
	if !value.ReadASN1(&names, cbasn1.SEQUENCE) || !value.Empty() {
		return errors.New("not one list of names")
	}
	for !names.Empty() {
		var name cryptobyte.String
		var tag cbasn1.Tag
		if !names.ReadAnyASN1(&name, &tag) || len(r.DNSNames)+len(r.IPs) == maxNames {
			return fmt.Errorf("not a list of at most %d names", maxNames)
		}
		switch tag {
		case tagDNS:
			r.DNSNames = append(r.DNSNames, string(name))
		case tagIP:
			address, ok := netip.AddrFromSlice(name)
			if !ok {
				return errors.New("an address is not of 4 or 16 bytes")
			}
			r.IPs = append(r.IPs, address)
		default:
			return errors.New("a name is neither a host name nor an address")
		}
	}
	return nil
}

// NewRequest makes a request for a key, in DER. The result has been read back.
func NewRequest(subject Name, key *pki.Key, dnsNames []string) ([]byte, error) {
	if err := subject.Check(); err != nil {
		return nil, fmt.Errorf("certificate request: %w", err)
	}
	t := Template{DNSNames: dnsNames}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(0)
		subject.marshal(b)
		b.AddBytes(key.Public().SPKI())
		b.AddASN1(context(0), func(b *cryptobyte.Builder) {
			if len(dnsNames) == 0 {
				return
			}
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				oid.Add(b, oidExtensionRequest)
				b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { b.AddASN1(cbasn1.SEQUENCE, t.addNames) })
			})
		})
	})
	info, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("certificate request: %w", err)
	}
	sig, err := key.Sign(info)
	if err != nil {
		return nil, fmt.Errorf("certificate request: %w", err)
	}
	der, err := Assemble(info, sig)
	if err != nil {
		return nil, fmt.Errorf("certificate request: %w", err)
	}
	if _, err := ParseRequest(der); err != nil {
		return nil, fmt.Errorf("reading back the certificate request: %w", err)
	}
	return der, nil
}
