package inspect

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/crl"
	"github.com/elicence/elicence/pki/path"
	"github.com/elicence/elicence/qr/trust"
	"github.com/elicence/elicence/seal"
)

// importedFolder holds what an operator decided to trust for documents beside the domain's
// own authorities, in the data folder or beside the trust files: certificates in PEM
// (NAME.pem), and the revocation lists of those on SM2 in PEM or DER (NAME.crl).
const importedFolder = "imported"

// Imported is what lies there. It counts for signatures and seals on documents: licences,
// codes, trust files and time stamps are judged without it.
type Imported struct {
	western  *x509.CertPool // roots on RSA and ECDSA; nil: none
	national []importedCertificate
	lists    listFolder
}

// importedCertificate is a certificate on SM2: a root, an authority below one, or, being no
// authority, a maker of seals.
type importedCertificate struct {
	*cert.Certificate
	file string
}

// ReadImported reads the folder, one and all: what was left out in silence would be believed
// to be trusted, or to be revoked. It returns nil where there is nothing.
func ReadImported(dir fs.FS, second pki.SecondOpinion) (*Imported, error) {
	certificates, err := fs.Glob(dir, importedFolder+"/*.pem")
	if err != nil {
		return nil, err
	}
	lists, err := fs.Glob(dir, importedFolder+"/*.crl")
	if err != nil {
		return nil, err
	}
	if len(certificates)+len(lists) == 0 {
		return nil, nil
	}
	i := &Imported{}
	for _, name := range certificates {
		content, err := fs.ReadFile(dir, name)
		if err != nil {
			return nil, fmt.Errorf("imported certificates: %w", err)
		}
		if err := i.add(name, content, second); err != nil {
			return nil, fmt.Errorf("imported certificates: %s: %w", name, err)
		}
	}
	for _, name := range lists {
		list, err := readCRL(dir, name)
		if err != nil {
			return nil, fmt.Errorf("imported revocation lists: %s: %w", name, err)
		}
		i.lists = append(i.lists, list)
	}
	return i, nil
}

// add adds every certificate and every list of a file.
func (i *Imported) add(file string, content []byte, second pki.SecondOpinion) error {
	added := false
	for block, rest := pem.Decode(content); block != nil; block, rest = pem.Decode(rest) {
		switch block.Type {
		case "CERTIFICATE":
			if err := i.addCertificate(file, block.Bytes, second); err != nil {
				return err
			}
		case "X509 CRL":
			list, err := crl.Parse(block.Bytes)
			if err != nil {
				return err
			}
			i.lists = append(i.lists, list)
		default:
			continue
		}
		added = true
	}
	if !added {
		return errors.New("no certificate in PEM")
	}
	return nil
}

func (i *Imported) addCertificate(file string, der []byte, second pki.SecondOpinion) error {
	c, err := cert.Parse(der)
	if err != nil {
		western, westernErr := x509.ParseCertificate(der)
		if westernErr != nil {
			return fmt.Errorf("neither a certificate on SM2 (%w) nor one on RSA or ECDSA (%w)", err, westernErr)
		}
		if i.western == nil {
			i.western = x509.NewCertPool()
		}
		i.western.AddCert(western)
		return nil
	}
	if c.SelfIssued() {
		if !c.IsCA() {
			return fmt.Errorf("%s: neither a root nor issued by one", c.Subject)
		}
		if err := c.Judge(c.Key, second).Err(errors.New("a root that its own key has not signed")); err != nil {
			return fmt.Errorf("%s: %w", c.Subject, err)
		}
	}
	i.national = append(i.national, importedCertificate{c, file})
	return nil
}

// refuseOwn refuses certificates with a key that the trust list names for documents: their
// rules are there, and a second way to trust them would be one around these.
func (i *Imported) refuseOwn(d trust.Documents) error {
	if i == nil {
		return nil
	}
	own := make(map[pki.Point]bool)
	for _, der := range slices.Concat(d.Roots, d.Seals, d.Persons) {
		c, err := cert.Parse(der)
		if err != nil {
			return fmt.Errorf("authority of the trust list: %w", err)
		}
		own[c.Key.Point()] = true
	}
	for _, maker := range d.Makers {
		own[maker] = true
	}
	return i.Refuse(own)
}

// Refuse refuses certificates with one of these keys.
func (i *Imported) Refuse(own map[pki.Point]bool) error {
	for _, c := range i.national {
		if own[c.Key.Point()] {
			return fmt.Errorf("imported certificates: %s: %s has the key of an authority of ours, which is not imported", c.file, c.Subject)
		}
	}
	return nil
}

// rules opens what is on SM2, nil where nothing is. Who is revoked is said by the lists in
// the folder, and by whoever else is asked where they say nothing.
func (i *Imported) rules(s Sources, asks func(path.Revocation) path.Revocation) (*seal.Imported, error) {
	if len(i.national) == 0 {
		return nil, nil
	}
	out := &seal.Imported{}
	var below []*cert.Certificate
	for _, c := range i.national {
		switch {
		case !c.IsCA():
			out.Makers = append(out.Makers, c.Certificate)
		case c.SelfIssued():
			out.Roots = append(out.Roots, c.Certificate)
		default:
			below = append(below, c.Certificate)
		}
	}
	// Others may take certificates that have ended out of their lists.
	lists := path.NewCRL(i.lists, path.CRLOptions{Second: s.Second, Now: s.Now})
	var err error
	out.Path, err = path.New(path.Options{Anchors: out.Roots, Intermediates: below, Second: s.Second, Revocation: asks(lists)})
	if err != nil {
		return nil, fmt.Errorf("imported certificates: %w", err)
	}
	return out, nil
}
