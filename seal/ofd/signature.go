package ofd

import (
	"encoding/base64"
	"fmt"
	"slices"

	"github.com/emmansun/gmsm/sm3"
)

// Kind is what a signature was made with.
type Kind string

// The kinds of signature.
const (
	KindSeal Kind = "seal" // an SES_Signature
	KindSign Kind = "sign" // CMS signed data
)

// Stamp is a place where a seal is drawn.
type Stamp struct {
	Page int // from 1 within its document; 0: a page that the document has not
	Box  Box
}

// Signature is a signature of a package as its Signature.xml tells it. Nothing of it is
// verified.
type Signature struct {
	ID       string
	Kind     Kind
	File     string // its Signature.xml
	Provider string
	Stamps   []Stamp

	list       string   // the Signatures.xml that names it
	pages      []string // IDs of its document's pages
	valueFile  string
	value      []byte
	sealFile   string // Seal.esl; empty: none
	digest     [sm3.Size]byte
	references []reference
}

// reference is a file with the digest that it must have.
type reference struct {
	file   string
	digest []byte
	method string
}

// listed returns the signatures of a document, in the order of its list.
func (p *Package) listed(b body) ([]Signature, error) {
	if b.signatures == "" {
		return nil, nil
	}
	pages, err := p.pages(b)
	if err != nil {
		return nil, err
	}
	list := b.signatures
	root, err := p.xml(list)
	if err != nil {
		return nil, err
	}
	if root.name != "Signatures" {
		return nil, fmt.Errorf("%s begins with %s: %w", list, root.name, ErrMalformed)
	}
	// No signature protects the list, so it must be nothing else that anybody could read.
	for _, n := range root.children {
		if n.name != "MaxSignId" && n.name != "Signature" || len(n.children) > 0 {
			return nil, fmt.Errorf("%s holds %s, which a list of signatures has not: %w", list, n.name, ErrMalformed)
		}
	}
	all := root.all("Signature")
	if len(all) > maxSignatures {
		return nil, fmt.Errorf("%s names %d signatures, at most %d are judged: %w", list, len(all), maxSignatures, ErrMalformed)
	}
	signatures := make([]Signature, len(all))
	ids := make(map[string]bool)
	for i, n := range all {
		s := &signatures[i]
		s.ID, s.list, s.pages = n.attrs["ID"], list, pages
		if s.ID == "" || ids[s.ID] {
			return nil, fmt.Errorf("%s: signature %d has no ID of its own: %w", list, i+1, ErrMalformed)
		}
		ids[s.ID] = true
		switch n.attrs["Type"] {
		case "", "Seal":
			s.Kind = KindSeal
		case "Sign":
			s.Kind = KindSign
		default:
			return nil, fmt.Errorf("%s: type %q of signature %s is unknown: %w", list, n.attrs["Type"], s.ID, ErrMalformed)
		}
		if s.File, err = p.locate(list, n.attrs["BaseLoc"]); err != nil {
			return nil, err
		}
	}
	return signatures, nil
}

// load reads the files of a signature.
func (p *Package) load(s *Signature) error {
	b, err := p.read(s.File, maxXML)
	if err != nil {
		return err
	}
	s.digest = sm3.Sum(b)
	root, err := parseXML(b)
	if err != nil {
		return fmt.Errorf("%s: %w", s.File, err)
	}
	if root.name != "Signature" {
		return fmt.Errorf("%s begins with %s: %w", s.File, root.name, ErrMalformed)
	}
	info, err := root.need("SignedInfo")
	if err != nil {
		return err
	}
	at, err := root.need("SignedValue")
	if err != nil {
		return err
	}
	if s.valueFile, err = p.locate(s.File, at.value()); err != nil {
		return err
	}
	if s.value, err = p.read(s.valueFile, maxValue); err != nil {
		return err
	}
	if provider, err := info.one("Provider"); err != nil {
		return err
	} else if provider != nil {
		s.Provider = provider.attrs["ProviderName"]
	}
	if err := p.loadSeal(s, info); err != nil {
		return err
	}
	if err := s.loadReferences(info); err != nil {
		return err
	}
	return s.loadStamps(info)
}

// maxValue bounds a signature value, which holds a whole seal.
const maxValue = 4 << 20

func (p *Package) loadSeal(s *Signature, info *node) error {
	n, err := info.one("Seal")
	if err != nil || n == nil {
		return err
	}
	at, err := n.need("BaseLoc")
	if err != nil {
		return err
	}
	s.sealFile, err = p.locate(s.File, at.value())
	return err
}

func (s *Signature) loadReferences(info *node) error {
	list, err := info.need("References")
	if err != nil {
		return err
	}
	all := list.all("Reference")
	if len(all) == 0 || len(all) > maxReferences {
		return fmt.Errorf("%s lists %d files, possible are 1 to %d: %w", s.File, len(all), maxReferences, ErrMalformed)
	}
	seen := make(map[string]bool, len(all))
	for _, n := range all {
		r := reference{method: list.attrs["CheckMethod"]}
		if r.file, err = resolve(s.File, n.attrs["FileRef"]); err != nil {
			return err
		}
		if seen[r.file] {
			return fmt.Errorf("%s lists %s twice: %w", s.File, r.file, ErrMalformed)
		}
		seen[r.file] = true
		value, err := n.need("CheckValue")
		if err != nil {
			return err
		}
		if r.digest, err = base64.StdEncoding.DecodeString(value.value()); err != nil {
			return fmt.Errorf("%s: digest of %s: %w: %w", s.File, r.file, ErrMalformed, err)
		}
		s.references = append(s.references, r)
	}
	return nil
}

func (s *Signature) loadStamps(info *node) error {
	for _, n := range info.all("StampAnnot") {
		box, err := parseBox(n.attrs["Boundary"])
		if err != nil {
			return fmt.Errorf("%s: %w", s.File, err)
		}
		s.Stamps = append(s.Stamps, Stamp{Page: slices.Index(s.pages, n.attrs["PageRef"]) + 1, Box: box})
	}
	return nil
}

// loaded reports whether the signature's files were read.
func (s *Signature) loaded() bool { return len(s.references) > 0 }

// own are the files that a signature cannot cover, as they come to be with it.
func (s *Signature) own() []string { return []string{s.File, s.valueFile} }
