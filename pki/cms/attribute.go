package cms

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/pki/oid"
)

// Attribute is one signed or unsigned attribute (RFC 5652, 5.3).
type Attribute struct {
	Type   oid.ID
	Values [][]byte // the DER of each value; at least one
}

// maxAttributes bounds the attributes of a signature, and the values of one.
const maxAttributes = 64

func (a Attribute) marshal() ([]byte, error) {
	if len(a.Values) == 0 {
		return nil, fmt.Errorf("attribute %s has no value", a.Type)
	}
	size := 2*headerRoom + len(a.Type)
	for _, v := range a.Values {
		size += len(v)
	}
	b := cryptobyte.NewBuilder(make([]byte, 0, size))
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		oid.Add(b, a.Type)
		addSetOf(b, cbasn1.SET, a.Values)
	})
	return b.Bytes()
}

// headerRoom is what the tag and the length of a value take, in bytes.
const headerRoom = 8

// addSetOf writes a SET OF in DER: the members in ascending order of their
// encodings (X.690, 11.6).
func addSetOf(b *cryptobyte.Builder, tag cbasn1.Tag, members [][]byte) {
	sorted := slices.Clone(members)
	slices.SortFunc(sorted, bytes.Compare)
	b.AddASN1(tag, func(b *cryptobyte.Builder) {
		for _, m := range sorted {
			b.AddBytes(m)
		}
	})
}

// addAttributes writes a SET OF Attribute: some that are written already, none of which
// has the type of another, and others.
func addAttributes(b *cryptobyte.Builder, tag cbasn1.Tag, written []member, others []Attribute) error {
	if len(written)+len(others) > maxAttributes {
		return fmt.Errorf("%d attributes, at most %d are read", len(written)+len(others), maxAttributes)
	}
	types := make([]oid.ID, 0, len(written)+len(others))
	members := make([][]byte, 0, len(written)+len(others))
	for _, m := range written {
		types, members = append(types, m.id), append(members, m.der)
	}
	for _, a := range others {
		if slices.Contains(types, a.Type) {
			return fmt.Errorf("attribute %s stands twice", a.Type)
		}
		der, err := a.marshal()
		if err != nil {
			return err
		}
		types, members = append(types, a.Type), append(members, der)
	}
	addSetOf(b, tag, members)
	return nil
}

// member is the DER of an attribute of one value.
type member struct {
	id  oid.ID
	der []byte
}

func newMember(id oid.ID, value func(*cryptobyte.Builder)) (member, error) {
	b := cryptobyte.NewBuilder(make([]byte, 0, 128))
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		oid.Add(b, id)
		b.AddASN1(cbasn1.SET, value)
	})
	der, err := b.Bytes()
	if err != nil {
		return member{}, fmt.Errorf("attribute %s: %w", id, err)
	}
	return member{id, der}, nil
}

// readAttributes reads the content of a SET OF Attribute. An attribute type
// stands once. With sorted the members must be in the order of DER.
func readAttributes(content cryptobyte.String, sorted bool) ([]Attribute, error) {
	var all []Attribute
	var before []byte
	for !content.Empty() {
		var element, attribute, values cryptobyte.String
		if len(all) == maxAttributes || !content.ReadASN1Element(&element, cbasn1.SEQUENCE) {
			return nil, fmt.Errorf("attributes are not a list of at most %d", maxAttributes)
		}
		if sorted && bytes.Compare(before, element) >= 0 {
			return nil, errors.New("attributes are not in the order of DER")
		}
		before = element
		if !element.ReadASN1(&attribute, cbasn1.SEQUENCE) {
			return nil, errors.New("attributes hold something else")
		}
		id, ok := oid.Read(&attribute)
		if !ok || !attribute.ReadASN1(&values, cbasn1.SET) || !attribute.Empty() {
			return nil, errors.New("attributes hold something else")
		}
		a := Attribute{Type: id}
		for !values.Empty() {
			var value cryptobyte.String
			var tag cbasn1.Tag
			if len(a.Values) == maxAttributes || !values.ReadAnyASN1Element(&value, &tag) {
				return nil, fmt.Errorf("values of attribute %s are not a list of at most %d", id, maxAttributes)
			}
			a.Values = append(a.Values, value)
		}
		if len(a.Values) == 0 {
			return nil, fmt.Errorf("attribute %s has no value", id)
		}
		if _, twice := find(all, id); twice {
			return nil, fmt.Errorf("attribute %s stands twice", id)
		}
		all = append(all, a)
	}
	return all, nil
}

// find returns the attribute of a type.
func find(attributes []Attribute, id oid.ID) (Attribute, bool) {
	i := slices.IndexFunc(attributes, func(a Attribute) bool { return a.Type == id })
	if i < 0 {
		return Attribute{}, false
	}
	return attributes[i], true
}

// single returns the value of an attribute that must stand there with one value.
func single(attributes []Attribute, id oid.ID) (cryptobyte.String, bool) {
	a, found := find(attributes, id)
	if !found || len(a.Values) != 1 {
		return nil, false
	}
	return a.Values[0], true
}
