package cert

import (
	"errors"

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

// GeneralName is one name of subjectAltName, or the base of a subtree of
// nameConstraints.
type GeneralName struct {
	Form NameForm
	// Value is the text of an e-mail address, DNS name or URI; the 4 or 16 bytes of
	// an IP address, in a constraint followed by as many of its mask; the DER of a
	// directory name; otherwise the content of the element.
	Value []byte
}

// Subtrees are the nameConstraints of an authority (RFC 5280, 4.2.1.10).
type Subtrees struct {
	Permitted, Excluded []GeneralName
}

var (
	errBadAltName     = errors.New("subjectAltName is malformed")
	errBadConstraints = errors.New("nameConstraints are malformed")
)

// readGeneralName reads one GeneralName of any form.
func readGeneralName(s *cryptobyte.String) (GeneralName, bool) {
	var value cryptobyte.String
	var tag cbasn1.Tag
	if !s.ReadAnyASN1(&value, &tag) {
		return GeneralName{}, false
	}
	const classAndForm = 0xe0
	form := NameForm(tag &^ classAndForm)
	constructed := tag&0x20 != 0
	n := GeneralName{form, value}
	switch form {
	case FormDirectory: // EXPLICIT, as Name is a CHOICE
		_, err := readName(value)
		return n, tag&0xc0 == 0x80 && constructed && err == nil
	case FormEmail, FormDNS, FormURI:
		for _, b := range value {
			if b >= 0x80 {
				return n, false
			}
		}
		return n, tag&0xc0 == 0x80 && !constructed
	case FormIP, FormRegistered:
		return n, tag&0xc0 == 0x80 && !constructed
	case FormOther, FormX400, FormEDIParty:
		return n, tag&0xc0 == 0x80 && constructed
	default:
		return n, false
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
		if !ok || n.Form == FormIP && len(n.Value) != 4 && len(n.Value) != 16 {
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
			if !ok || !subtree.Empty() || n.Form == FormIP && len(n.Value) != 8 && len(n.Value) != 32 {
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
