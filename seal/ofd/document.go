package ofd

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/elicence/elicence/seal/ofd/archive"
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
	maxReferences = 50_000  // of one signature
	maxPages      = 200_000 // of all documents
)

// ErrMalformed says that a file is not an OFD package, or not one that every reader
// reads alike.
var ErrMalformed = archive.ErrMalformed

// Package is an open OFD document. It is not safe for use by several goroutines at once.
type Package struct {
	*archive.Package
	pageFiles map[string]pageFile // that were read for their sizes, by name
	pageBytes int64               // of these
}

// Open reads the directory of a package. Nothing is unfolded yet. The error wraps
// [ErrMalformed], or is that of the reader.
func Open(r io.ReaderAt, size int64) (*Package, error) {
	opened, err := archive.Open(r, size)
	if err != nil {
		return nil, err
	}
	return &Package{Package: opened, pageFiles: make(map[string]pageFile)}, nil
}

// Document says what a package is.
type Document struct {
	Title    string
	Metadata map[string]string // CustomDatas: of a licence the elements of GB/T 36903
	Pages    int
}

// body is one document of a package, with the list of its signatures.
type body struct {
	info       *archive.Node
	root       string // Document.xml
	signatures string // Signatures.xml; empty: not signed
	versioned  bool   // it lists versions of the document
}

// bodies reads the package's entry.
func (p *Package) bodies() ([]body, error) {
	root, err := p.XML(entryName, archive.MaxXML)
	if errors.Is(err, archive.ErrNoFile) {
		return nil, fmt.Errorf("%w: %w", err, ErrMalformed)
	}
	if err != nil {
		return nil, err
	}
	if root.Name != "OFD" {
		return nil, fmt.Errorf("%s begins with %s: %w", entryName, root.Name, ErrMalformed)
	}
	all := root.All("DocBody")
	if len(all) == 0 || len(all) > maxBodies {
		return nil, fmt.Errorf("%d documents, possible are 1 to %d: %w", len(all), maxBodies, ErrMalformed)
	}
	bodies := make([]body, len(all))
	for i, n := range all {
		b := &bodies[i]
		if b.info, err = n.One("DocInfo"); err != nil {
			return nil, err
		}
		at, err := n.Need("DocRoot")
		if err != nil {
			return nil, err
		}
		if b.root, err = p.Locate(entryName, at.Value()); err != nil {
			return nil, err
		}
		if slices.ContainsFunc(bodies[:i], func(before body) bool { return before.root == b.root }) {
			return nil, fmt.Errorf("%s is two documents: %w", b.root, ErrMalformed)
		}
		b.versioned = len(n.All("Versions")) > 0
		list, err := n.One("Signatures")
		if err != nil {
			return nil, err
		}
		if list != nil && list.Value() != "" {
			if b.signatures, err = p.Locate(entryName, list.Value()); err != nil {
				return nil, err
			}
		}
	}
	return bodies, nil
}

// Document reads what the package says of itself. Of several documents in one package it
// is the first one.
func (p *Package) Document() (*Document, error) {
	bodies, err := p.bodies()
	if err != nil {
		return nil, err
	}
	trees, err := p.trees(bodies)
	if err != nil {
		return nil, err
	}
	return describe(bodies, trees)
}

// trees reads the roots of all documents.
func (p *Package) trees(bodies []body) ([]*pageTree, error) {
	trees, pages := make([]*pageTree, len(bodies)), 0
	for i, b := range bodies {
		var err error
		if trees[i], err = p.pages(b); err != nil {
			return nil, err
		}
		if pages += len(trees[i].locations); pages > maxPages {
			return nil, fmt.Errorf("more than %d pages: %w", maxPages, ErrMalformed)
		}
	}
	return trees, nil
}

func describe(bodies []body, trees []*pageTree) (*Document, error) {
	d := &Document{Metadata: make(map[string]string)}
	for _, t := range trees {
		d.Pages += len(t.locations)
	}
	if bodies[0].info == nil {
		return d, nil
	}
	if title, err := bodies[0].info.One("Title"); err != nil {
		return nil, err
	} else if title != nil {
		d.Title = title.Value()
	}
	return d, readMetadata(bodies[0].info, d.Metadata)
}

// readMetadata reads the custom data. One library writes the element's name misspelt.
func readMetadata(info *archive.Node, into map[string]string) error {
	list, err := info.One("CustomDatas")
	if err != nil || list == nil {
		return err
	}
	for _, n := range append(list.All("CustomData"), list.All("CuslomData")...) {
		name := n.Attrs["Name"]
		if _, twice := into[name]; twice {
			return fmt.Errorf("custom data %q stands twice: %w", name, ErrMalformed)
		}
		into[name] = n.Value()
	}
	return nil
}

// Box is a place on a page, in millimetres from its top left corner.
type Box struct{ X, Y, Width, Height float64 }

// parseBox reads four decimal numbers.
func parseBox(s string) (Box, error) {
	parts := strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(" \t\r\n", r) })
	if len(parts) != 4 {
		return Box{}, fmt.Errorf("%q is no box of four numbers: %w", s, ErrMalformed)
	}
	var n [4]float64
	for i, part := range parts {
		var err error
		if n[i], err = strconv.ParseFloat(part, 64); err != nil || strings.Trim(part, "+-.0123456789eE") != "" || n[i] > 1e6 || n[i] < -1e6 {
			return Box{}, fmt.Errorf("%q is no box of four numbers: %w", s, ErrMalformed)
		}
	}
	return Box{n[0], n[1], n[2], n[3]}, nil
}
