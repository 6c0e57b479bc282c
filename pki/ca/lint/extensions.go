package lint

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // names a key in SKI and AKI, as the profile says; nothing is protected by it
	"errors"
	"fmt"
	"regexp"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/internal/idcode"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/oid"
)

func once(_ *Rules, c *certificate) error {
	seen := make(map[oid.ID]bool)
	for _, e := range c.extensions {
		if seen[e.id] {
			return fmt.Errorf("%s stands twice", e.id)
		}
		seen[e.id] = true
	}
	return nil
}

func (r *Rules) extension(id oid.ID) (Extension, bool) {
	i := slices.IndexFunc(r.Extensions, func(e Extension) bool { return e.ID == id })
	if i < 0 {
		return Extension{}, false
	}
	return r.Extensions[i], true
}

func known(r *Rules, c *certificate) error {
	for _, e := range c.extensions {
		if _, ok := r.extension(e.id); !ok {
			return fmt.Errorf("%s is not one of the profile", e.id)
		}
	}
	return nil
}

func required(r *Rules, c *certificate) error {
	for _, e := range r.Extensions {
		if _, found := c.value(e.ID); !found && !e.Optional {
			return fmt.Errorf("%s is missing", e.ID)
		}
	}
	return nil
}

func criticality(r *Rules, c *certificate) error {
	for _, e := range c.extensions {
		want, ok := r.extension(e.id)
		switch {
		case e.falseSet:
			return fmt.Errorf("%s says FALSE, which DER leaves out", e.id)
		case ok && e.critical != want.Critical:
			return fmt.Errorf("%s: critical %w", e.id, mismatch(e.critical, want.Critical))
		}
	}
	return nil
}

// keyID is SHA-1 over the 65 bytes of a point (RFC 5280, 4.2.1.2, method 1).
func keyID(point []byte) []byte {
	sum := sha1.Sum(point) //nolint:gosec // see the import
	return sum[:]
}

// authorityKeyID: the issuer's key identifier and nothing else.
func authorityKeyID(r *Rules, c *certificate) error {
	value, found := c.value(oid.AuthorityKeyID)
	if !found {
		return nil
	}
	var body, id cryptobyte.String
	if !value.ReadASN1(&body, cbasn1.SEQUENCE) || !value.Empty() || !body.ReadASN1(&id, cbasn1.Tag(0).ContextSpecific()) || !body.Empty() {
		return errors.New("is not a key identifier alone")
	}
	if !bytes.Equal(id, r.IssuerKeyID) {
		return errors.New("is not the issuer's")
	}
	return nil
}

func subjectKeyID(r *Rules, c *certificate) error {
	value, found := c.value(oid.SubjectKeyID)
	if !found {
		return nil
	}
	want := r.SubjectKeyID
	if want == nil {
		point, ok := c.point()
		if !ok {
			return nil // the rule of the key
		}
		want = keyID(point)
	}
	var id cryptobyte.String
	if !value.ReadASN1(&id, cbasn1.OCTET_STRING) || !value.Empty() || !bytes.Equal(id, want) {
		return errors.New("is not SHA-1 of the key")
	}
	return nil
}

// basicConstraints: an authority's says TRUE and how many may follow.
func basicConstraints(r *Rules, c *certificate) error {
	value, found := c.value(oid.BasicConstraints)
	if !found || !r.CA {
		return nil // the rules of required and known extensions
	}
	var body cryptobyte.String
	var isCA bool
	var pathLen int
	if !value.ReadASN1(&body, cbasn1.SEQUENCE) || !value.Empty() || !body.ReadASN1Boolean(&isCA) || !body.ReadASN1Integer(&pathLen) || !body.Empty() {
		return errors.New("is not cA and pathLenConstraint")
	}
	if !isCA || pathLen != r.PathLen {
		return fmt.Errorf("cA %v with path length %w", isCA, mismatch(pathLen, r.PathLen))
	}
	return nil
}

// keyUsage: exactly the profile's bits, without trailing zeros.
func keyUsage(r *Rules, c *certificate) error {
	value, found := c.value(oid.KeyUsage)
	if !found {
		return nil
	}
	var bits cryptobyte.String
	if !value.ReadASN1(&bits, cbasn1.BIT_STRING) || !value.Empty() || len(bits) < 2 || len(bits) > 3 || bits[0] > 7 {
		return errors.New("is not a BIT STRING of at most 9 bits")
	}
	if bits[len(bits)-1]>>bits[0]&1 == 0 || bits[len(bits)-1]&(1<<bits[0]-1) != 0 {
		return errors.New("has trailing zero bits")
	}
	usage := cert.KeyUsage(bits[1]) << 8
	if len(bits) == 3 {
		usage |= cert.KeyUsage(bits[2])
	}
	if usage != r.Usage {
		return mismatch(fmt.Sprintf("%#04x", uint16(usage)), fmt.Sprintf("%#04x", uint16(r.Usage)))
	}
	return nil
}

func readIDs(list *cryptobyte.String) ([]oid.ID, bool) {
	var body cryptobyte.String
	var ids []oid.ID
	if !list.ReadASN1(&body, cbasn1.SEQUENCE) || body.Empty() {
		return nil, false
	}
	for !body.Empty() {
		id, ok := oid.Read(&body)
		if !ok || slices.Contains(ids, id) {
			return nil, false
		}
		ids = append(ids, id)
	}
	return ids, true
}

func extKeyUsage(r *Rules, c *certificate) error {
	value, found := c.value(oid.ExtKeyUsage)
	if !found {
		return nil
	}
	ids, ok := readIDs(&value)
	if !ok || !value.Empty() {
		return errors.New("is not a list of different identifiers")
	}
	if !slices.Equal(ids, r.ExtUsages) {
		return mismatch(ids, r.ExtUsages)
	}
	return nil
}

// policies: the profile's, without qualifiers.
func policies(r *Rules, c *certificate) error {
	value, found := c.value(oid.Policies)
	if !found {
		return nil
	}
	var body cryptobyte.String
	if !value.ReadASN1(&body, cbasn1.SEQUENCE) || !value.Empty() {
		return errors.New("cannot be read")
	}
	var all []oid.ID
	for !body.Empty() {
		ids, ok := readIDs(&body)
		if !ok || len(ids) != 1 {
			return errors.New("is not a list of identifiers without qualifiers")
		}
		all = append(all, ids[0])
	}
	if !slices.Equal(all, r.Policies) {
		return mismatch(all, r.Policies)
	}
	return nil
}

// Tags of GeneralName (RFC 5280, 4.2.1.6).
var (
	tagDNS       = cbasn1.Tag(2).ContextSpecific()
	tagDirectory = constructed(4)
	tagURI       = cbasn1.Tag(6).ContextSpecific()
	tagIP        = cbasn1.Tag(7).ContextSpecific()
)

var hostForm = regexp.MustCompile(`^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// alternativeNames: host names in lower case and addresses, each once.
func alternativeNames(_ *Rules, c *certificate) error {
	value, found := c.value(oid.SubjectAltName)
	if !found {
		return nil
	}
	var body cryptobyte.String
	if !value.ReadASN1(&body, cbasn1.SEQUENCE) || !value.Empty() || body.Empty() {
		return errors.New("is not a list of names")
	}
	seen := make(map[string]bool)
	for !body.Empty() {
		var name cryptobyte.String
		var tag cbasn1.Tag
		if !body.ReadAnyASN1(&name, &tag) {
			return errors.New("cannot be read")
		}
		switch {
		case seen[string(name)]:
			return errors.New("has a name twice")
		case tag == tagDNS && len(name) <= 253 && hostForm.MatchString(string(name)):
		case tag == tagIP && (len(name) == 4 || len(name) == 16):
		default:
			return errors.New("has something that is neither a host name in lower case nor an address")
		}
		seen[string(name)] = true
	}
	return nil
}

// nameConstraints: at least one subtree, directory names and host names only.
func nameConstraints(_ *Rules, c *certificate) error {
	value, found := c.value(oid.NameConstraints)
	if !found {
		return nil
	}
	var body cryptobyte.String
	if !value.ReadASN1(&body, cbasn1.SEQUENCE) || !value.Empty() || !body.PeekASN1Tag(constructed(0)) {
		return errors.New("permits nothing in particular")
	}
	for _, n := range []uint8{0, 1} {
		var subtrees cryptobyte.String
		if !body.PeekASN1Tag(constructed(n)) {
			continue
		}
		if !body.ReadASN1(&subtrees, constructed(n)) || subtrees.Empty() {
			return errors.New("has an empty list of subtrees")
		}
		for !subtrees.Empty() {
			var subtree, base cryptobyte.String
			var tag cbasn1.Tag
			if !subtrees.ReadASN1(&subtree, cbasn1.SEQUENCE) || !subtree.ReadAnyASN1(&base, &tag) || !subtree.Empty() || tag != tagDNS && tag != tagDirectory {
				return errors.New("has a subtree that is neither a directory name nor a host name alone")
			}
		}
	}
	if !body.Empty() {
		return errors.New("has something besides subtrees")
	}
	return nil
}

// distributionPoint reads one point with one URI as its full name.
func distributionPoint(value cryptobyte.String) (string, bool) {
	var points, point, name, full, uri cryptobyte.String
	ok := value.ReadASN1(&points, cbasn1.SEQUENCE) && value.Empty() && points.ReadASN1(&point, cbasn1.SEQUENCE) && points.Empty() &&
		point.ReadASN1(&name, constructed(0)) && point.Empty() && name.ReadASN1(&full, constructed(0)) && name.Empty() &&
		full.ReadASN1(&uri, tagURI) && full.Empty()
	return string(uri), ok
}

func (r *Rules) checkPoint(c *certificate, id oid.ID, of func(cert.Serial) string) error {
	value, found := c.value(id)
	serial, err := c.serialNumber()
	if !found || err != nil || of == nil {
		return nil // other rules
	}
	uri, ok := distributionPoint(value)
	if !ok {
		return errors.New("is not one point with one URI")
	}
	if want := of(serial); uri != want {
		return mismatch(uri, want)
	}
	return nil
}

func crlPoints(r *Rules, c *certificate) error { return r.checkPoint(c, oid.CRLPoints, r.CRL) }

func freshestCRL(r *Rules, c *certificate) error { return r.checkPoint(c, oid.FreshestCRL, r.Delta) }

// authorityInfo: the responder, then the issuer's certificate.
func authorityInfo(r *Rules, c *certificate) error {
	value, found := c.value(oid.AuthorityInfo)
	if !found {
		return nil
	}
	var body cryptobyte.String
	if !value.ReadASN1(&body, cbasn1.SEQUENCE) || !value.Empty() {
		return errors.New("cannot be read")
	}
	for _, want := range []struct {
		id  oid.ID
		uri string
	}{{oid.AccessOCSP, r.OCSP}, {oid.AccessCAIssuers, r.CAIssuers}} {
		if want.uri == "" {
			continue
		}
		var one, uri cryptobyte.String
		if !body.ReadASN1(&one, cbasn1.SEQUENCE) || !oid.Expect(&one, want.id) || !one.ReadASN1(&uri, tagURI) || !one.Empty() {
			return fmt.Errorf("has no %s with a URI in its place", want.id)
		}
		if string(uri) != want.uri {
			return mismatch(string(uri), want.uri)
		}
	}
	if !body.Empty() {
		return errors.New("has something besides")
	}
	return nil
}

// statusEntry: the place that was reserved.
func statusEntry(r *Rules, c *certificate) error {
	value, found := c.value(oid.StatusEntry)
	if !found {
		return nil
	}
	var entry uint64
	if !value.ReadASN1Integer(&entry) || !value.Empty() {
		return errors.New("is not an INTEGER of 64 bits")
	}
	if entry != r.StatusEntry {
		return mismatch(entry, r.StatusEntry)
	}
	return nil
}

// noCheck: NULL (RFC 6960, 4.2.2.2.1).
func noCheck(_ *Rules, c *certificate) error {
	if value, found := c.value(oid.OCSPNoCheck); found && !bytes.Equal(value, []byte{5, 0}) {
		return errors.New("is not NULL")
	}
	return nil
}

var numberForm = regexp.MustCompile(`^[0-9A-Z-]{1,40}$`)

// organisationNumbers: PrintableString; the code is a unified social credit code.
func organisationNumbers(_ *Rules, c *certificate) error {
	for _, id := range []oid.ID{oid.InsuranceNumber, oid.RegistrationNumber, oid.OrganizationCode, oid.TaxationNumber} {
		value, found := c.value(id)
		if !found {
			continue
		}
		var number cryptobyte.String
		if !value.ReadASN1(&number, cbasn1.PrintableString) || !value.Empty() || !numberForm.Match(number) {
			return fmt.Errorf("%s is not a number in PrintableString", id)
		}
		if id == oid.OrganizationCode {
			if err := idcode.CheckUSCC(string(number)); err != nil {
				return err
			}
		}
	}
	return nil
}
