package cert

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/internal/cleantext"
	"github.com/elicence/elicence/pki/oid"
)

// Name is a distinguished name. Empty parts are left out; the others are
// written in this order.
type Name struct {
	Country      string // two letters
	Province     string
	Locality     string
	Organization string
	Unit         string
	Serial       string // serialNumber: a random subject serial
	CommonName   string
}

var (
	oidCountry      = oid.Of(2, 5, 4, 6)
	oidProvince     = oid.Of(2, 5, 4, 8)
	oidLocality     = oid.Of(2, 5, 4, 7)
	oidOrganization = oid.Of(2, 5, 4, 10)
	oidUnit         = oid.Of(2, 5, 4, 11)
	oidSerial       = oid.Of(2, 5, 4, 5)
	oidCommonName   = oid.Of(2, 5, 4, 3)
)

// Check refuses names that cannot be written or that hide something.
func (n Name) Check() error {
	if len(n.Country) != 2 {
		return errors.New("a name's country is not two letters")
	}
	if n.CommonName == "" {
		return errors.New("a name has no common name")
	}
	for _, part := range []string{n.Country, n.Province, n.Locality, n.Organization, n.Unit, n.Serial, n.CommonName} {
		if err := cleantext.Check(part); err != nil {
			return err
		}
		if len(part) > 192 {
			return errors.New("a part of a name is longer than 192 bytes")
		}
	}
	return nil
}

// String returns the name for people: C=CN, O=…, CN=….
func (n Name) String() string {
	var parts []string
	for _, a := range n.attributes() {
		if a.value != "" {
			parts = append(parts, a.label+"="+strings.ReplaceAll(a.value, ",", `\,`))
		}
	}
	return strings.Join(parts, ", ")
}

// ParseName reads a name as [Name.String] writes it: LABEL=value parts with commas
// between them. A comma within a value is written \,.
func ParseName(text string) (Name, error) {
	var n Name
	targets := n.targets()
	const comma = "\x00"
	if strings.Contains(text, comma) {
		return n, errors.New("a name holds a zero character")
	}
parts:
	for part := range strings.SplitSeq(strings.ReplaceAll(text, `\,`, comma), ",") {
		label, value, found := strings.Cut(strings.TrimSpace(part), "=")
		for _, a := range n.attributes() {
			if !found || !strings.EqualFold(label, a.label) {
				continue
			}
			if target := targets[a.id]; *target == "" && value != "" {
				*target = strings.ReplaceAll(value, comma, ",")
				continue parts
			}
			return n, fmt.Errorf("%s has no value or stands twice", a.label)
		}
		return n, fmt.Errorf("%q is not C=, ST=, L=, O=, OU=, SERIALNUMBER= or CN= with a value", strings.ReplaceAll(part, comma, `\,`))
	}
	return n, nil
}

type attribute struct {
	label     string
	id        oid.ID
	value     string
	printable bool
}

func (n Name) attributes() []attribute {
	return []attribute{
		{"C", oidCountry, n.Country, true},
		{"ST", oidProvince, n.Province, false},
		{"L", oidLocality, n.Locality, false},
		{"O", oidOrganization, n.Organization, false},
		{"OU", oidUnit, n.Unit, false},
		{"SERIALNUMBER", oidSerial, n.Serial, true},
		{"CN", oidCommonName, n.CommonName, false},
	}
}

// targets are the parts of a name by the identifiers of their attributes.
func (n *Name) targets() map[oid.ID]*string {
	return map[oid.ID]*string{
		oidCountry: &n.Country, oidProvince: &n.Province, oidLocality: &n.Locality,
		oidOrganization: &n.Organization, oidUnit: &n.Unit, oidSerial: &n.Serial,
		oidCommonName: &n.CommonName,
	}
}

// DER returns the name as certificates carry it.
func (n Name) DER() ([]byte, error) {
	var b cryptobyte.Builder
	n.marshal(&b)
	return b.Bytes()
}

func (n Name) marshal(b *cryptobyte.Builder) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, a := range n.attributes() {
			if a.value == "" {
				continue
			}
			tag := cbasn1.UTF8String
			if a.printable {
				tag = cbasn1.PrintableString
			}
			b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					oid.Add(b, a.id)
					b.AddASN1(tag, func(b *cryptobyte.Builder) { b.AddBytes([]byte(a.value)) })
				})
			})
		}
	})
}
