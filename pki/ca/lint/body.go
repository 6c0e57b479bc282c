package lint

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/emmansun/gmsm/sm2"

	"github.com/elicence/elicence/internal/cleantext"
	"github.com/elicence/elicence/internal/idcode"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/oid"
)

// version: v3, which is 2 (RFC 5280, 4.1.2.1).
func version(_ *Rules, c *certificate) error {
	if !bytes.Equal(c.version, []byte{0xa0, 3, 2, 1, 2}) {
		return errors.New("is not 3")
	}
	return nil
}

// serialNumber: positive, 16 bytes, in the shortest form (RFC 5280, 4.1.2.2; ours
// are random and of full length).
func serialNumber(_ *Rules, c *certificate) error {
	_, err := c.serialNumber()
	return err
}

func (c *certificate) serialNumber() (cert.Serial, error) {
	element := c.serial
	var content cryptobyte.String
	if !element.ReadASN1(&content, cbasn1.INTEGER) || len(content) != 16 {
		return cert.Serial{}, fmt.Errorf("has %d bytes, must have 16", len(content))
	}
	if content[0]&0x80 != 0 {
		return cert.Serial{}, errors.New("is negative")
	}
	if content[0]&0x40 == 0 {
		return cert.Serial{}, errors.New("is not of full length")
	}
	return cert.Serial(content), nil
}

// algorithm: SM2 with SM3, parameters absent (GB/T 20518; GM/T 0015).
func algorithm(_ *Rules, c *certificate) error {
	want := append([]byte{0x30, byte(2 + len(oid.SM2WithSM3)), 0x06, byte(len(oid.SM2WithSM3))}, oid.SM2WithSM3...)
	if !bytes.Equal(c.algorithm, want) {
		return errors.New("is not 1.2.156.10197.1.501 without parameters")
	}
	return nil
}

func issuer(r *Rules, c *certificate) error {
	if !bytes.Equal(c.issuer, r.IssuerName) {
		return errors.New("is not the issuer's subject to the byte")
	}
	return nil
}

// dates reads both dates and what is wrong with their form.
func (c *certificate) dates() (from, until time.Time, err error) {
	element := c.validity
	var body cryptobyte.String
	if !element.ReadASN1(&body, cbasn1.SEQUENCE) {
		return from, until, errors.New("validity cannot be read")
	}
	for _, into := range []*time.Time{&from, &until} {
		var text cryptobyte.String
		var tag cbasn1.Tag
		if !body.ReadAnyASN1(&text, &tag) {
			return from, until, errors.New("a date cannot be read")
		}
		layout := "060102150405Z"
		if tag == cbasn1.GeneralizedTime {
			layout = "20060102150405Z"
		} else if tag != cbasn1.UTCTime {
			return from, until, errors.New("a date is neither UTCTime nor GeneralizedTime")
		}
		at, parsing := time.Parse(layout, string(text))
		if parsing != nil || len(text) != len(layout) {
			return from, until, fmt.Errorf("a date is not in whole seconds of UTC, as %s", layout)
		}
		if tag == cbasn1.UTCTime && at.Year() >= 2050 {
			at = at.AddDate(-100, 0, 0) // two digits from 50 on are of the last century
		}
		*into = at
		if tag == cbasn1.GeneralizedTime && at.Year() < 2050 {
			err = errors.New("a date through 2049 is not UTCTime")
		}
	}
	if !body.Empty() {
		return from, until, errors.New("something follows the dates")
	}
	return from, until, err
}

// dateForm: UTCTime through 2049, GeneralizedTime from 2050, whole seconds, Z
// (RFC 5280, 4.1.2.5).
func dateForm(_ *Rules, c *certificate) error {
	_, _, err := c.dates()
	return err
}

// validity: within the issuer's and no longer than the profile's.
func validity(r *Rules, c *certificate) error {
	from, until, err := c.dates()
	if err != nil {
		return nil // the rule before this one
	}
	switch {
	case !until.After(from):
		return errors.New("ends before it begins")
	case until.Sub(from) > r.Longest:
		return fmt.Errorf("is %v, at most %v are allowed", until.Sub(from), r.Longest)
	case r.NotAfter.IsZero():
		return nil
	case until.After(r.NotAfter):
		return fmt.Errorf("ends %s, its issuer %s", until.Format(time.RFC3339), r.NotAfter.Format(time.RFC3339))
	case from.Before(r.NotBefore):
		return fmt.Errorf("begins %s, its issuer %s", from.Format(time.RFC3339), r.NotBefore.Format(time.RFC3339))
	}
	return nil
}

// attribute is a kind of attribute of a name: how it is written, and its upper bound
// in characters (RFC 5280, appendix A).
type attribute struct {
	label string
	id    oid.ID
	tag   cbasn1.Tag
	limit int
}

// attributes in the order in which a name has them (GM/T 0015).
func attributes() []attribute {
	return []attribute{
		{"C", oid.Of(2, 5, 4, 6), cbasn1.PrintableString, 2},
		{"ST", oid.Of(2, 5, 4, 8), cbasn1.UTF8String, 128},
		{"L", oid.Of(2, 5, 4, 7), cbasn1.UTF8String, 128},
		{"O", oid.Of(2, 5, 4, 10), cbasn1.UTF8String, 64},
		{"OU", oid.Of(2, 5, 4, 11), cbasn1.UTF8String, 64},
		{"SERIALNUMBER", oid.Of(2, 5, 4, 5), cbasn1.PrintableString, 64},
		{"CN", oid.Of(2, 5, 4, 3), cbasn1.UTF8String, 64},
	}
}

// subject: the attributes that the profile wants, each once, in order, in its string
// type and within its bound.
func subject(r *Rules, c *certificate) error {
	if r.SubjectDER != nil {
		if !bytes.Equal(c.subject, r.SubjectDER) {
			return errors.New("is not the other authority's name to the byte")
		}
		return nil
	}
	element := c.subject
	var rdns cryptobyte.String
	if !element.ReadASN1(&rdns, cbasn1.SEQUENCE) {
		return errors.New("cannot be read")
	}
	all := attributes()
	var found []string
	last := -1
	for !rdns.Empty() {
		var set, pair, text cryptobyte.String
		var tag cbasn1.Tag
		if !rdns.ReadASN1(&set, cbasn1.SET) || !set.ReadASN1(&pair, cbasn1.SEQUENCE) || !set.Empty() {
			return errors.New("an RDN does not hold one attribute")
		}
		id, ok := oid.Read(&pair)
		if !ok || !pair.ReadAnyASN1(&text, &tag) || !pair.Empty() {
			return errors.New("an attribute cannot be read")
		}
		at := slices.IndexFunc(all, func(a attribute) bool { return a.id == id })
		if at < 0 {
			return fmt.Errorf("attribute %s is not one of the profile", id)
		}
		if at <= last {
			return fmt.Errorf("%s stands twice or out of order", all[at].label)
		}
		last = at
		if err := all[at].check(tag, string(text)); err != nil {
			return fmt.Errorf("%s %w", all[at].label, err)
		}
		found = append(found, all[at].label)
	}
	for _, label := range r.SubjectRequired {
		if !slices.Contains(found, label) {
			return fmt.Errorf("has no %s", label)
		}
	}
	for _, label := range found {
		if !slices.Contains(r.SubjectRequired, label) && !slices.Contains(r.SubjectOptional, label) {
			return fmt.Errorf("has a %s, which the profile does not allow", label)
		}
	}
	return nil
}

func (a attribute) check(tag cbasn1.Tag, text string) error {
	n := utf8.RuneCountInString(text)
	switch {
	case tag != a.tag:
		return errors.New("is not in its string type")
	case n == 0 || n > a.limit:
		return fmt.Errorf("has %d characters, 1 to %d are allowed", n, a.limit)
	case a.label == "C" && (n != 2 || text[0] < 'A' || text[0] > 'Z' || text[1] < 'A' || text[1] > 'Z'):
		return errors.New("is not two capital letters")
	case tag == cbasn1.PrintableString && !printable(text):
		return errors.New("has a character that PrintableString has not")
	}
	return cleantext.Check(text)
}

// printable reports whether a text is of PrintableString's characters (X.680, 41.4).
func printable(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && bytes.IndexByte([]byte(" '()+,-./:=?"), c) < 0 {
			return false
		}
	}
	return true
}

// spkiHead is subjectPublicKeyInfo up to the point: id-ecPublicKey with the curve
// 1.2.156.10197.1.301 as its parameter, no unused bits.
const spkiHead = "\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x81\x1c\xcf\x55\x01\x82\x2d\x03\x42\x00"

// key: an uncompressed point on the SM2 curve.
func key(_ *Rules, c *certificate) error {
	if len(c.spki) != len(spkiHead)+65 || string(c.spki[:len(spkiHead)]) != spkiHead {
		return errors.New("is not an uncompressed SM2 key as id-ecPublicKey")
	}
	point, _ := c.point()
	if _, err := sm2.NewPublicKey(point); err != nil {
		return errors.New("is not a point on the SM2 curve")
	}
	return nil
}

func weakKey(r *Rules, c *certificate) error {
	if point, ok := c.point(); ok && r.WeakKey(point) {
		return errors.New("belongs to a private key that anybody can guess")
	}
	return nil
}

// uniqueIDs: not used (RFC 5280, 4.1.2.8; GM/T 0015).
func uniqueIDs(_ *Rules, c *certificate) error {
	if c.uniqueIDs > 0 {
		return errors.New("are there")
	}
	return nil
}

// personal: no citizen number anywhere in the bytes.
func personal(_ *Rules, c *certificate) error {
	if idcode.ContainsCitizenNumber(onlyASCII(c.whole)) {
		return errors.New("something reads as a citizen number")
	}
	return nil
}

// onlyASCII replaces what is no character of a number, so that lengths and tags do not
// join two texts.
func onlyASCII(b []byte) string {
	out := bytes.Clone(b)
	for i, c := range out {
		if c < '0' || c > 'z' {
			out[i] = '#'
		}
	}
	return string(out)
}
