package cert

import (
	"errors"
	"slices"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/pki/oid"
)

// NameForm is the form of a GeneralName: the number of its tag (RFC 5280, 4.2.1.6).
type NameForm uint8

// The forms.
const (
	FormOther      NameForm = 0
	FormEmail      NameForm = 1
	FormDNS        NameForm = 2
	FormX400       NameForm = 3
	FormDirectory  NameForm = 4
	FormEDIParty   NameForm = 5
	FormURI        NameForm = 6
	FormIP         NameForm = 7
	FormRegistered NameForm = 8
)

// GeneralName is the DER of a GeneralName: a name of subjectAltName, the base of a
// subtree of nameConstraints, or the place of a CRL. Two are the same if their bytes
// are.
type GeneralName string

// newGeneralName writes a name of a form. Directory names and the forms that have
// parts are constructed.
func newGeneralName(form NameForm, value []byte) GeneralName {
	tag := cbasn1.Tag(form).ContextSpecific()
	switch form {
	case FormOther, FormX400, FormDirectory, FormEDIParty:
		tag = tag.Constructed()
	}
	var b cryptobyte.Builder
	b.AddASN1(tag, func(b *cryptobyte.Builder) { b.AddBytes(value) })
	return GeneralName(b.BytesOrPanic())
}

// split reads the tag and the content.
func (n GeneralName) split() (cbasn1.Tag, []byte) {
	s := cryptobyte.String(n)
	var value cryptobyte.String
	var tag cbasn1.Tag
	if !s.ReadAnyASN1(&value, &tag) || !s.Empty() {
		return 0, nil
	}
	return tag, value
}

// Form returns the form of the name.
func (n GeneralName) Form() NameForm {
	tag, _ := n.split()
	return NameForm(tag &^ classAndMethod)
}

// Value returns the text of an e-mail address, DNS name or URI; the 4 or 16 bytes of
// an IP address, in a constraint followed by as many of its mask; the DER of a
// directory name; otherwise the content of the element.
func (n GeneralName) Value() []byte {
	_, value := n.split()
	return value
}

// URI returns the name if it is a uniform resource identifier.
func (n GeneralName) URI() (string, bool) {
	tag, value := n.split()
	return string(value), tag == tagURI
}

// classAndMethod are the bits of a tag that are not its number.
const classAndMethod cbasn1.Tag = 0xe0

// Subtrees are the nameConstraints of an authority (RFC 5280, 4.2.1.10).
type Subtrees struct {
	Permitted, Excluded []GeneralName
}

var (
	errBadAltName     = errors.New("subjectAltName is malformed")
	errBadConstraints = errors.New("nameConstraints are malformed")
)

// readGeneralName reads one GeneralName of any form. Its text must be ASCII.
func readGeneralName(s *cryptobyte.String) (GeneralName, bool) {
	var element cryptobyte.String
	var tag cbasn1.Tag
	if !s.ReadAnyASN1Element(&element, &tag) {
		return "", false
	}
	n := GeneralName(element)
	form, value := n.Form(), n.Value()
	if form > FormRegistered || n != newGeneralName(form, value) {
		return "", false
	}
	switch form {
	case FormDirectory: // EXPLICIT, as Name is a CHOICE
		_, err := readName(value)
		return n, err == nil
	case FormEmail, FormDNS, FormURI:
		ascii := !slices.ContainsFunc(value, func(b byte) bool { return b >= utf8.RuneSelf })
		return n, ascii
	default:
		return n, true
	}
}

// readAltNames reads the value of subjectAltName.
func readAltNames(value []byte) ([]GeneralName, error) {
	input := cryptobyte.String(value)
	var list cryptobyte.String
	if !input.ReadASN1(&list, cbasn1.SEQUENCE) || !input.Empty() || list.Empty() {
		return nil, errBadAltName
	}
	var names []GeneralName
	for !list.Empty() {
		n, ok := readGeneralName(&list)
		if !ok || n.Form() == FormIP && len(n.Value()) != 4 && len(n.Value()) != 16 {
			return nil, errBadAltName
		}
		names = append(names, n)
	}
	return names, nil
}

// readSubtrees reads the value of nameConstraints. Minimum and maximum, which
// RFC 5280 forbids, are refused.
func readSubtrees(value []byte) (*Subtrees, error) {
	input := cryptobyte.String(value)
	var both cryptobyte.String
	if !input.ReadASN1(&both, cbasn1.SEQUENCE) || !input.Empty() || both.Empty() {
		return nil, errBadConstraints
	}
	var trees Subtrees
	for i, into := range []*[]GeneralName{&trees.Permitted, &trees.Excluded} {
		var list cryptobyte.String
		var present bool
		if !both.ReadOptionalASN1(&list, &present, context(uint8(i))) || present && list.Empty() {
			return nil, errBadConstraints
		}
		for !list.Empty() {
			var subtree cryptobyte.String
			if !list.ReadASN1(&subtree, cbasn1.SEQUENCE) {
				return nil, errBadConstraints
			}
			n, ok := readGeneralName(&subtree)
			if !ok || !subtree.Empty() || n.Form() == FormIP && len(n.Value()) != 8 && len(n.Value()) != 32 {
				return nil, errBadConstraints
			}
			*into = append(*into, n)
		}
	}
	if !both.Empty() {
		return nil, errBadConstraints
	}
	return &trees, nil
}

// oidEmail is the attribute of PKCS #9 that holds an e-mail address in a name.
var oidEmail = oid.Of(1, 2, 840, 113549, 1, 9, 1)

// subjectEmails returns the e-mail addresses inside a subject's name.
func subjectEmails(subject []byte) ([]string, error) {
	rdns, err := readName(subject)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, rdn := range rdns {
		for _, a := range rdn {
			if a.id != oidEmail {
				continue
			}
			address, ok := a.text()
			if !ok {
				return nil, errBadName
			}
			all = append(all, address)
		}
	}
	return all, nil
}
