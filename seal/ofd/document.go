package ofd

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Names within a package.
const (
	entryName     = "OFD.xml"
	integrityName = "OFDEntries.xml"
)

// Limits of what one package is judged for.
const (
	maxBodies     = 100
	maxSignatures = 1000
	maxReferences = 50_000 // of one signature
)

// Document says what a package is.
type Document struct {
	Title    string
	Metadata map[string]string // CustomDatas: of a licence the elements of GB/T 36903
	Pages    int
}

// body is one document of a package, with the list of its signatures.
type body struct {
	info       *node
	root       string // Document.xml
	signatures string // Signatures.xml; empty: not signed
}

func (p *Package) xml(name string) (*node, error) {
	b, err := p.read(name, maxXML)
	if err != nil {
		return nil, err
	}
	root, err := parseXML(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return root, nil
}

// bodies reads the package's entry.
func (p *Package) bodies() ([]body, error) {
	root, err := p.xml(entryName)
	if errors.Is(err, errNoFile) {
		return nil, fmt.Errorf("%w: %w", err, ErrMalformed)
	}
	if err != nil {
		return nil, err
	}
	if root.name != "OFD" {
		return nil, fmt.Errorf("%s begins with %s: %w", entryName, root.name, ErrMalformed)
	}
	all := root.all("DocBody")
	if len(all) == 0 || len(all) > maxBodies {
		return nil, fmt.Errorf("%d documents, possible are 1 to %d: %w", len(all), maxBodies, ErrMalformed)
	}
	bodies := make([]body, len(all))
	for i, n := range all {
		b := &bodies[i]
		if b.info, err = n.one("DocInfo"); err != nil {
			return nil, err
		}
		at, err := n.need("DocRoot")
		if err != nil {
			return nil, err
		}
		if b.root, err = p.locate(entryName, at.value()); err != nil {
			return nil, err
		}
		list, err := n.one("Signatures")
		if err != nil {
			return nil, err
		}
		if list != nil && list.value() != "" {
			if b.signatures, err = p.locate(entryName, list.value()); err != nil {
				return nil, err
			}
		}
	}
	return bodies, nil
}

// locate resolves a location to a file that is there.
func (p *Package) locate(from, location string) (string, error) {
	name, err := resolve(from, location)
	if err != nil {
		return "", err
	}
	if p.files[name] == nil {
		return "", fmt.Errorf("%s refers to %s: %w: %w", from, name, errNoFile, ErrMalformed)
	}
	return name, nil
}

// Document reads what the package says of itself. Of several documents in one package it
// is the first one.
func (p *Package) Document() (*Document, error) {
	bodies, err := p.bodies()
	if err != nil {
		return nil, err
	}
	d := &Document{Metadata: make(map[string]string)}
	for _, b := range bodies {
		pages, err := p.pages(b)
		if err != nil {
			return nil, err
		}
		d.Pages += len(pages)
	}
	if bodies[0].info == nil {
		return d, nil
	}
	if title, err := bodies[0].info.one("Title"); err != nil {
		return nil, err
	} else if title != nil {
		d.Title = title.value()
	}
	return d, readMetadata(bodies[0].info, d.Metadata)
}

// pages returns the IDs of a document's pages, in their order.
func (p *Package) pages(b body) ([]string, error) {
	root, err := p.xml(b.root)
	if err != nil {
		return nil, err
	}
	list, err := root.one("Pages")
	if err != nil || list == nil {
		return nil, err
	}
	var ids []string
	for _, n := range list.all("Page") {
		ids = append(ids, n.attrs["ID"])
	}
	return ids, nil
}

// readMetadata reads the custom data. One library writes the element's name misspelt.
func readMetadata(info *node, into map[string]string) error {
	list, err := info.one("CustomDatas")
	if err != nil || list == nil {
		return err
	}
	for _, n := range append(list.all("CustomData"), list.all("CuslomData")...) {
		name := n.attrs["Name"]
		if _, twice := into[name]; twice {
			return fmt.Errorf("custom data %q stands twice: %w", name, ErrMalformed)
		}
		into[name] = n.value()
	}
	return nil
}

// Box is a place on a page, in millimetres from its top left corner.
type Box struct{ X, Y, Width, Height float64 }

// parseBox reads four numbers.
func parseBox(s string) (Box, error) {
	parts := strings.Fields(s)
	if len(parts) != 4 {
		return Box{}, fmt.Errorf("%q is no box of four numbers: %w", s, ErrMalformed)
	}
	var n [4]float64
	for i, part := range parts {
		var err error
		if n[i], err = strconv.ParseFloat(part, 64); err != nil || n[i] != n[i] || n[i] > 1e6 || n[i] < -1e6 {
			return Box{}, fmt.Errorf("%q is no box of four numbers: %w", s, ErrMalformed)
		}
	}
	return Box{n[0], n[1], n[2], n[3]}, nil
}
