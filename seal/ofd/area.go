package ofd

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/elicence/elicence/seal/ofd/archive"
)

// maxPageBytes bounds what is read of pages to learn their sizes, of one package.
const maxPageBytes = 64 << 20

// errSize says that a page has no size, or another one for each reader.
var errSize = errors.New("the size of the page cannot be told")

// pageTree is what is read of a document's root: its pages, what says how large they are, and
// what comes with them.
type pageTree struct {
	file        string // Document.xml
	locations   []string
	numbers     map[string]int      // of pages, by ID; 0: an ID of two
	areas       []*archive.Node     // that the document has for all pages
	templates   map[string][]string // their places, by ID
	acts        bool                // something is done with the document
	attachments bool
	sizes       map[string]pageSize // of those that were asked for, by file
}

type pageSize struct {
	box Box
	err error
}

// pageFile is what a page or a template says of sizes.
type pageFile struct {
	areas     []*archive.Node
	templates []string // that it uses, by ID
	err       error
}

// pages reads a document's root.
func (p *Package) pages(b body) (*pageTree, error) {
	root, err := p.XML(b.root, archive.MaxXML)
	if err != nil {
		return nil, err
	}
	t := &pageTree{
		file: b.root, numbers: make(map[string]int), templates: make(map[string][]string), sizes: make(map[string]pageSize),
		acts: len(root.All("Actions")) > 0, attachments: len(root.All("Attachments")) > 0,
	}
	common, err := root.One("CommonData")
	if err != nil {
		return nil, err
	}
	if common != nil {
		t.areas = common.All("PageArea")
		for _, n := range common.All("TemplatePage") {
			id := identifier(n.Attrs["ID"])
			t.templates[id] = append(t.templates[id], n.Attrs["BaseLoc"])
		}
	}
	list, err := root.One("Pages")
	if err != nil || list == nil {
		return t, err
	}
	for i, n := range list.All("Page") {
		t.locations = append(t.locations, n.Attrs["BaseLoc"])
		id := identifier(n.Attrs["ID"])
		if _, twice := t.numbers[id]; twice {
			t.numbers[id] = 0
		} else {
			t.numbers[id] = i + 1
		}
	}
	return t, nil
}

// identifier is an ID as those compare it who read it as the number that it is (GB/T
// 33190-2016, 7.3): 01 is 1.
func identifier(text string) string {
	text = strings.TrimSpace(text)
	if n, err := strconv.ParseUint(strings.TrimPrefix(text, "+"), 10, 64); err == nil {
		return strconv.FormatUint(n, 10)
	}
	return text
}

// number finds a page by its ID, from 1; 0: there is none. An ID of two pages is none that
// every reader finds alike.
func (t *pageTree) number(id string) (int, error) {
	if id = identifier(id); id == "" {
		return 0, nil
	}
	at, known := t.numbers[id]
	if known && at == 0 {
		return 0, fmt.Errorf("two pages have the ID %.20q: %w", id, ErrMalformed)
	}
	return at, nil
}

// size is a page's box on the medium, in its own coordinates.
func (p *Package) size(t *pageTree, number int) (Box, error) {
	name, err := p.Locate(t.file, t.locations[number-1])
	if err != nil {
		return Box{}, fmt.Errorf("page %d: %w: %w", number, errSize, err)
	}
	found, known := t.sizes[name]
	if !known {
		if found.box, found.err = p.readSize(t, name); found.err != nil {
			found.err = fmt.Errorf("page %d: %w: %w", number, errSize, found.err)
		}
		t.sizes[name] = found
	}
	return found.box, found.err
}

// readSize finds the area that a page has, or else its templates, or else the document
// (GB/T 33190-2016, 7.7). Readers differ in whether they look at the templates, so these
// must say what the document says.
func (p *Package) readSize(t *pageTree, name string) (Box, error) {
	page := p.pageFile(name)
	switch {
	case page.err != nil:
		return Box{}, page.err
	case len(page.areas) == 1:
		return physical(page.areas[0])
	case len(page.areas) > 1:
		return Box{}, fmt.Errorf("%s has its area %d times: %w", name, len(page.areas), ErrMalformed)
	}
	var areas []*archive.Node
	for _, id := range page.templates {
		locations := t.templates[id]
		if len(locations) > 1 {
			return Box{}, fmt.Errorf("two templates have the ID %.20q: %w", id, ErrMalformed)
		}
		for _, location := range locations {
			file, err := p.Locate(t.file, location)
			if err != nil {
				return Box{}, err
			}
			template := p.pageFile(file)
			if template.err != nil {
				return Box{}, template.err
			}
			areas = append(areas, template.areas...)
		}
	}
	areas = append(areas, t.areas...)
	if len(areas) == 0 {
		return Box{}, errors.New("nothing says it")
	}
	box, err := physical(areas[0])
	for _, area := range areas[1:] {
		if err != nil {
			break
		}
		other, wrong := physical(area)
		if wrong != nil || other != box {
			err = errors.Join(wrong, errors.New("its template and the document do not say the same"))
		}
	}
	if err != nil {
		return Box{}, err
	}
	return box, nil
}

// pageFile reads a page or a template, each once.
func (p *Package) pageFile(name string) pageFile {
	found, known := p.pageFiles[name]
	if !known {
		found.areas, found.templates, found.err = p.readPage(name)
		p.pageFiles[name] = found
	}
	return found
}

func (p *Package) readPage(name string) ([]*archive.Node, []string, error) {
	b, err := p.Read(name, archive.MaxXML)
	if err != nil {
		return nil, nil, err
	}
	if p.pageBytes += int64(len(b)); p.pageBytes > maxPageBytes {
		return nil, nil, fmt.Errorf("pages of more than %d bytes", int64(maxPageBytes))
	}
	root, err := archive.ParseXML(b)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	if root.Name != "Page" {
		return nil, nil, fmt.Errorf("%s begins with %s: %w", name, root.Name, ErrMalformed)
	}
	var uses []string
	for _, n := range root.All("Template") {
		uses = append(uses, identifier(n.Attrs["TemplateID"]))
	}
	return root.All("Area"), uses, nil
}

func physical(area *archive.Node) (Box, error) {
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
