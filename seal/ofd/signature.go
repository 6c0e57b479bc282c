package ofd

import (
	"encoding/base64"
	"fmt"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/seal/ofd/archive"
)

// Kind is what a signature was made with.
type Kind string

// The kinds of signature.
const (
	KindSeal Kind = "seal" // an SES_Signature
	KindSign Kind = "sign" // CMS signed data
)

// Signature is a signature of a package as its Signature.xml tells it. Nothing of it is
// verified.
type Signature struct {
	ID       string
	Kind     Kind
	File     string // its Signature.xml
	Provider string
	Stamps   []Stamp

	list       string    // the Signatures.xml that names it
	pages      *pageTree // of its document
	valueFile  string
	value      []byte
	sealFile   string // Seal.esl; empty: none
	imageFile  string // a picture to show instead of the seal's; empty: none
	digest     [sm3.Size]byte
	references []reference
	unsized    error // why the size of a page with a stamp is not known
}

// reference is a file with the digest that it must have.
type reference struct {
	file   string
	digest []byte
	method string
}

// listed returns the signatures of a document, in the order of its list. The files that lists
// have named so far belong to one document each.
func (p *Package) listed(b body, pages *pageTree, named map[string]bool) ([]Signature, error) {
	if b.signatures == "" {
		return nil, nil
	}
	list := b.signatures
	if named[list] {
		return nil, fmt.Errorf("%s is the list of two documents: %w", list, ErrMalformed)
	}
	named[list] = true
	root, err := p.XML(list, archive.MaxXML)
	if err != nil {
		return nil, err
	}
	if root.Name != "Signatures" {
		return nil, fmt.Errorf("%s begins with %s: %w", list, root.Name, ErrMalformed)
	}
	// No signature protects the list, so it must be nothing else that anybody could read.
	for _, n := range root.Children {
		if n.Name != "MaxSignId" && n.Name != "Signature" || len(n.Children) > 0 {
			return nil, fmt.Errorf("%s holds %s, which a list of signatures has not: %w", list, n.Name, ErrMalformed)
		}
	}
	all := root.All("Signature")
	if len(all) > maxSignatures {
		return nil, fmt.Errorf("%s names %d signatures, at most %d are judged: %w", list, len(all), maxSignatures, ErrMalformed)
	}
	signatures := make([]Signature, len(all))
	ids := make(map[string]bool)
	for i, n := range all {
		s := &signatures[i]
		s.ID, s.list, s.pages = n.Attrs["ID"], list, pages
		if s.ID == "" || ids[s.ID] {
			return nil, fmt.Errorf("%s: signature %d has no ID of its own: %w", list, i+1, ErrMalformed)
		}
		ids[s.ID] = true
		switch n.Attrs["Type"] {
		case "", "Seal":
			s.Kind = KindSeal
		case "Sign":
			s.Kind = KindSign
		default:
			return nil, fmt.Errorf("%s: type %q of signature %s is unknown: %w", list, n.Attrs["Type"], s.ID, ErrMalformed)
		}
		if s.File, err = p.Locate(list, n.Attrs["BaseLoc"]); err != nil {
			return nil, err
		}
		if named[s.File] {
			return nil, fmt.Errorf("%s names %s, which stands twice: %w", list, s.File, ErrMalformed)
		}
		named[s.File] = true
	}
	return signatures, nil
}

// load reads the files of a signature.
func (p *Package) load(s *Signature) error {
	root, err := p.XML(s.File, archive.MaxXML)
	if err != nil {
		return err
	}
	if s.digest, err = p.Digest(s.File); err != nil {
		return err
	}
	if root.Name != "Signature" {
		return fmt.Errorf("%s begins with %s: %w", s.File, root.Name, ErrMalformed)
	}
	// An earlier signature does not protect it, so it must be nothing else that anybody could read.
	for _, n := range root.Children {
		if n.Name != "SignedInfo" && n.Name != "SignedValue" {
			return fmt.Errorf("%s holds %s, which a signature has not: %w", s.File, n.Name, ErrMalformed)
		}
	}
	info, err := root.Need("SignedInfo")
	if err != nil {
		return err
	}
	at, err := root.Need("SignedValue")
	if err != nil {
		return err
	}
	if s.valueFile, err = p.Locate(s.File, at.Value()); err != nil {
		return err
	}
	if s.value, err = p.Read(s.valueFile, maxValue); err != nil {
		return err
	}
	if provider, err := info.One("Provider"); err != nil {
		return err
	} else if provider != nil {
		s.Provider = provider.Attrs["ProviderName"]
	}
	if err := p.loadSeal(s, info); err != nil {
		return err
	}
	if err := s.loadReferences(info); err != nil {
		return err
	}
	return p.loadStamps(s, info)
}

// maxValue bounds a signature value, which holds a whole seal.
const maxValue = 4 << 20

func (p *Package) loadSeal(s *Signature, info *archive.Node) error {
	n, err := info.One("Seal")
	if err != nil || n == nil {
		return err
	}
	at, err := n.Need("BaseLoc")
	if err != nil {
		return err
	}
	if s.sealFile, err = p.Locate(s.File, at.Value()); err != nil {
		return err
	}
	image, err := n.One("ImageLoc")
	if err != nil || image == nil {
		return err
	}
	s.imageFile, err = p.Locate(s.File, image.Value())
	return err
}

func (s *Signature) loadReferences(info *archive.Node) error {
	list, err := info.Need("References")
	if err != nil {
		return err
	}
	all := list.All("Reference")
	if len(all) == 0 || len(all) > maxReferences {
		return fmt.Errorf("%s lists %d files, possible are 1 to %d: %w", s.File, len(all), maxReferences, ErrMalformed)
	}
	seen := make(map[string]bool, len(all))
	for _, n := range all {
		r := reference{method: list.Attrs["CheckMethod"]}
		if r.file, err = archive.Resolve(s.File, n.Attrs["FileRef"]); err != nil {
			return err
		}
		if seen[r.file] {
			return fmt.Errorf("%s lists %s twice: %w", s.File, r.file, ErrMalformed)
		}
		seen[r.file] = true
		value, err := n.Need("CheckValue")
		if err != nil {
			return err
		}
		if r.digest, err = base64.StdEncoding.DecodeString(value.Value()); err != nil {
			return fmt.Errorf("%s: digest of %s: %w: %w", s.File, r.file, ErrMalformed, err)
		}
		s.references = append(s.references, r)
	}
	return nil
}

// loaded reports whether the signature's files were read.
func (s *Signature) loaded() bool { return len(s.references) > 0 }

// own are the files that a signature cannot cover, as they come to be with it.
func (s *Signature) own() []string { return []string{s.File, s.valueFile} }
