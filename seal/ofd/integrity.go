package ofd

import (
	"context"
	"fmt"

	"github.com/emmansun/gmsm/sm3"

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

// integrityValue is the file with the signature of the list of files; empty: there is no
// such list, or it cannot be read, which [Package.integrity] reports.
func (p *Package) integrityValue() string {
	if !p.Has(integrityName) {
		return ""
	}
	root, err := p.XML(integrityName, archive.MaxXML)
	if err != nil {
		return ""
	}
	at, err := root.One("SignedValueLoc")
	if err != nil || at == nil {
		return ""
	}
	name, err := p.Locate(integrityName, at.Value())
	if err != nil {
		return ""
	}
	return name
}

// integrity judges the list of files, if there is one.
func (p *Package) integrity(ctx context.Context, trust Trust) (*Integrity, error) {
	if !p.Has(integrityName) {
		return nil, nil
	}
	b, err := p.Read(integrityName, archive.MaxXML)
	if err != nil {
		return nil, err
	}
	root, err := archive.ParseXML(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", integrityName, err)
	}
	i := &Integrity{}
	i.Checks = append(i.Checks, ses.Check{Name: "files", Err: p.checkListed(root)})
	at, err := root.Need("SignedValueLoc")
	if err != nil {
		return nil, err
	}
	name, err := p.Locate(integrityName, at.Value())
	if err != nil {
		return nil, err
	}
	value, err := p.Read(name, maxValue)
	if err != nil {
		return nil, err
	}
	signature, err := cms.ParseTolerant(value)
	if err != nil {
		i.Checks = append(i.Checks, ses.Check{Name: "signature", Err: err})
		return i, nil
	}
	i.Signer = signature.Signer
	i.Checks = append(i.Checks, ses.Check{Name: "signature", Err: verifyCMS(signature, sm3.Sum(b), trust.Second)})
	if i.Signer != nil {
		request := path.Request{Certificate: i.Signer, Purpose: path.PurposePerson, When: trust.moment(signature.SigningTime)}
		i.Checks = append(i.Checks, trust.Seals.Person(ctx, trust.Persons, request, signature.Certificates))
	}
	return i, nil
}

// checkListed compares the list with the package, both ways.
func (p *Package) checkListed(root *archive.Node) error {
	list, err := root.Need("FileList")
	if err != nil {
		return err
	}
	listed := map[string]bool{integrityName: true, p.integrityValue(): true}
	for _, n := range list.All("File") {
		at, err := n.Need("FileLoc")
		if err != nil {
			return err
		}
		name, err := archive.Resolve(integrityName, at.Value())
		if err != nil {
			return err
		}
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
