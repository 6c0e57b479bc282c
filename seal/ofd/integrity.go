package ofd

import (
	"context"
	"fmt"

	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/cms"
	"github.com/elicence/elicence/pki/path"
	ses "github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/ofd/archive"
)

// Integrity is what was found of a signed list of all files (GM/T 0099-2020, annex D): it
// proves that nothing was added to the package.
type Integrity struct {
	Signer *cert.Certificate
	Checks []ses.Check
}

// Err returns why the list does not count.
func (i *Integrity) Err() error {
	for _, c := range i.Checks {
		if c.Err != nil {
			return fmt.Errorf("%s: %w", c.Name, c.Err)
		}
	}
	return nil
}

// entryList is the list of files as it stands in the package.
type entryList struct {
	value string   // the file with its signature
	files []string // as it names them
}

// entries reads the list of files; nil where the package has none. No signature of the
// document covers the list, so it must be nothing else that anybody could read.
func (p *Package) entries() (*entryList, error) {
	if !p.Has(integrityName) {
		return nil, nil
	}
	root, err := p.XML(integrityName, archive.MaxXML)
	if err != nil {
		return nil, err
	}
	if root.Name != "DocEntries" && root.Name != "OFDEntries" { // after the file, or as ofdrw has it
		return nil, fmt.Errorf("%s begins with %s: %w", integrityName, root.Name, ErrMalformed)
	}
	for _, n := range root.Children {
		if n.Name != "SignedValueLoc" && n.Name != "FileList" {
			return nil, fmt.Errorf("%s holds %s, which a list of files has not: %w", integrityName, n.Name, ErrMalformed)
		}
	}
	at, err := root.Need("SignedValueLoc")
	if err != nil {
		return nil, err
	}
	if len(at.Children) > 0 {
		return nil, fmt.Errorf("%s: its signature's place holds %s: %w", integrityName, at.Children[0].Name, ErrMalformed)
	}
	list, err := root.Need("FileList")
	if err != nil {
		return nil, err
	}
	out := &entryList{}
	if out.value, err = p.Locate(integrityName, at.Value()); err != nil {
		return nil, err
	}
	for _, n := range list.Children {
		if n.Name != "File" {
			return nil, fmt.Errorf("%s lists %s: %w", integrityName, n.Name, ErrMalformed)
		}
		location, err := fileLocation(n)
		if err != nil {
			return nil, err
		}
		name, err := archive.Resolve(integrityName, location)
		if err != nil {
			return nil, err
		}
		out.files = append(out.files, name)
	}
	return out, nil
}

// fileLocation is where a listed file lies: by an attribute as ofdrw has it, or by an element
// of its own, and not by both.
func fileLocation(n *archive.Node) (string, error) {
	location, ok := n.Attrs["FileLoc"]
	switch {
	case ok && len(n.Children) == 0:
		return location, nil
	case !ok && len(n.Children) == 1 && n.Children[0].Name == "FileLoc" && len(n.Children[0].Children) == 0:
		return n.Children[0].Value(), nil
	default:
		return "", fmt.Errorf("%s: the file %q has not one location: %w", integrityName, n.Attrs["ID"], ErrMalformed)
	}
}

// integrity judges the list of files, if there is one.
func (p *Package) integrity(ctx context.Context, list *entryList, trust Trust) (*Integrity, error) {
	if list == nil {
		return nil, nil
	}
	sum, err := p.Digest(integrityName)
	if err != nil {
		return nil, err
	}
	i := &Integrity{}
	i.Checks = append(i.Checks, ses.Check{Name: "files", Err: p.checkListed(list)})
	value, err := p.Read(list.value, maxValue)
	if err != nil {
		return nil, err
	}
	signature, err := cms.ParseTolerant(value)
	if err != nil {
		i.Checks = append(i.Checks, ses.Check{Name: "signature", Err: err})
		return i, nil
	}
	i.Signer = signature.Signer
	i.Checks = append(i.Checks, ses.Check{Name: "signature", Err: verifyCMS(signature, sum, trust.Second)})
	if i.Signer != nil {
		request := path.Request{Certificate: i.Signer, Purpose: path.PurposePerson, When: trust.moment(signature.SigningTime)}
		i.Checks = append(i.Checks, trust.Seals.Person(ctx, trust.Persons, request, signature.Certificates))
	}
	return i, nil
}

// checkListed compares the list with the package, both ways.
func (p *Package) checkListed(list *entryList) error {
	listed := map[string]bool{integrityName: true, list.value: true}
	for _, name := range list.files {
		if !p.Has(name) {
			return fmt.Errorf("%s is missing: %w", name, ErrChanged)
		}
		listed[name] = true
	}
	for _, name := range p.Files() {
		if !listed[name] {
			return fmt.Errorf("%s was added: %w", name, ErrChanged)
		}
	}
	return nil
}
