package ofd

import (
	"errors"
	"fmt"

	"github.com/elicence/elicence/seal/ofd/archive"
)

// Limits of what is read of pages and templates to learn their sizes, of one document.
const (
	maxPageBytes = 64 << 20
	maxPageFiles = 50_000
)

// errSize says that a page has no size, or another one for each reader.
var errSize = errors.New("the size of the page cannot be told")

// pageTree is what is read of a document's root: its pages, what says how large they are, and
// what comes with them.
type pageTree struct {
	file        string // Document.xml
	locations   []string
	numbers     map[string]int      // by ID, from 1; two pages of one ID: -1
	areas       []*archive.Node     // that the document has for all pages
	templates   map[string][]string // their places, by ID
	acts        bool                // something is done with the document
	attachments bool
	sizes       map[int]pageSize // of those that were asked for, by number
	read        int64            // bytes of pages so far, and files
	files       int
}

type pageSize struct {
	box Box
	err error
}

// pages reads a document's root.
func (p *Package) pages(b body) (*pageTree, error) {
	root, err := p.XML(b.root, archive.MaxXML)
	if err != nil {
		return nil, err
	}
	t := &pageTree{
		file: b.root, numbers: make(map[string]int), templates: make(map[string][]string), sizes: make(map[int]pageSize),
		acts: len(root.All("Actions")) > 0, attachments: len(root.All("Attachments")) > 0,
	}
	common, err := root.One("CommonData")
	if err != nil {
		return nil, err
	}
	if common != nil {
		t.areas = common.All("PageArea")
		for _, n := range common.All("TemplatePage") {
			t.templates[n.Attrs["ID"]] = append(t.templates[n.Attrs["ID"]], n.Attrs["BaseLoc"])
		}
	}
	list, err := root.One("Pages")
	if err != nil || list == nil {
		return t, err
	}
	for _, n := range list.All("Page") {
		t.locations = append(t.locations, n.Attrs["BaseLoc"])
		id, number := n.Attrs["ID"], len(t.locations)
		if t.numbers[id] != 0 {
			number = -1
		}
		t.numbers[id] = number
	}
	return t, nil
}

// number finds a page by its ID, from 1; 0: there is none. An ID of two pages is none that
// every reader finds alike.
func (t *pageTree) number(id string) (int, error) {
	number := t.numbers[id]
	if number < 0 {
		return 0, fmt.Errorf("two pages have the ID %.20q: %w", id, ErrMalformed)
	}
	return number, nil
}

// size is a page's box on the medium, in its own coordinates.
func (p *Package) size(t *pageTree, number int) (Box, error) {
	found, known := t.sizes[number]
	if !known {
		if found.box, found.err = p.readSize(t, number); found.err != nil {
			found.err = fmt.Errorf("page %d: %w: %w", number, errSize, found.err)
		}
		t.sizes[number] = found
	}
	return found.box, found.err
}

// readSize finds the area that a page has, or else its templates, or else the document
// (GB/T 33190-2016, 7.7). Readers differ in whether they look at the templates, so these
// must say what the document says.
func (p *Package) readSize(t *pageTree, number int) (Box, error) {
	page, err := p.pageFile(t, t.locations[number-1])
	if err != nil {
		return Box{}, err
	}
	if area, err := page.One("Area"); err != nil || area != nil {
		return physical(area, err)
	}
	var areas []*archive.Node
	for _, use := range page.All("Template") {
		for _, location := range t.templates[use.Attrs["TemplateID"]] {
			template, err := p.pageFile(t, location)
			if err != nil {
				return Box{}, err
			}
			areas = append(areas, template.All("Area")...)
		}
	}
	areas = append(areas, t.areas...)
	if len(areas) == 0 {
		return Box{}, errors.New("nothing says it")
	}
	box, err := physical(areas[0], nil)
	for _, area := range areas[1:] {
		if other, wrong := physical(area, err); wrong != nil || other != box {
			return Box{}, errors.Join(wrong, errors.New("its template and the document do not say the same"))
		}
	}
	return box, err
}

// pageFile reads a page or a template.
func (p *Package) pageFile(t *pageTree, location string) (*archive.Node, error) {
	name, err := p.Locate(t.file, location)
	if err != nil {
		return nil, err
	}
	b, err := p.Read(name, archive.MaxXML)
	if err != nil {
		return nil, err
	}
	t.read += int64(len(b))
	if t.files++; t.read > maxPageBytes || t.files > maxPageFiles {
		return nil, fmt.Errorf("more than %d pages and templates, or %d bytes of them", maxPageFiles, int64(maxPageBytes))
	}
	root, err := archive.ParseXML(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if root.Name != "Page" {
		return nil, fmt.Errorf("%s begins with %s: %w", name, root.Name, ErrMalformed)
	}
	return root, nil
}

func physical(area *archive.Node, err error) (Box, error) {
	if err != nil {
		return Box{}, err
	}
	n, err := area.Need("PhysicalBox")
	if err != nil {
		return Box{}, err
	}
	box, err := parseBox(n.Value())
	if err == nil && !(box.Width > 0 && box.Height > 0) {
		err = fmt.Errorf("a page of %g × %g mm: %w", box.Width, box.Height, ErrMalformed)
	}
	return box, err
}
