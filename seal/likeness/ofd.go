package likeness

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/elicence/elicence/seal/ofd/archive"
)

// Limits of an OFD picture: a picture of a seal is small.
const (
	maxOFDFile   = 4 << 20  // bytes of one file of the package, unfolded
	maxOFDTotal  = 16 << 20 // of all that are read
	maxOFDUnits  = 20_000   // objects on the page, and what they are made of
	maxOFDImages = 16
	maxOFDGroups = 64   // uses of groups: each is laid out anew
	maxOFDGlyphs = 2000 // characters on the page
	maxOFDDepth  = 8    // blocks inside each other, and drawing parameters that rest on others
)

// ofd lays out a picture that is an OFD package of one page (GB/T 33190-2016), stretched to
// the sheet as readers stretch it to the seal's place. What is laid out are paths, images and
// text in fonts that are in the package, within clips of paths, in layers, blocks, groups and
// templates; everything else of OFD is refused, and so is what readers are known to show
// differently.
func (s *Sheet) ofd(data []byte) error {
	opened, err := archive.Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotDrawn, err)
	}
	o := &ofdPackage{files: opened, templates: make(map[string]ofdTemplate)}
	err = o.page(s)
	if errors.Is(err, archive.ErrMalformed) {
		return fmt.Errorf("%w: %w", ErrNotDrawn, err)
	}
	return err
}

// An ofdPackage is a picture's package and what its page needs of it.
type ofdPackage struct {
	files     *archive.Package
	read      int64 // bytes so far
	resources ofdResources
	templates map[string]ofdTemplate // by ID
}

// An ofdTemplate is a page whose layers others take in: its file, and where they go if the
// list of templates says it.
type ofdTemplate struct{ file, order string }

// content reads a file. What is read is counted.
func (o *ofdPackage) content(name string) ([]byte, error) {
	b, err := o.files.Read(name, maxOFDFile)
	if err != nil {
		return nil, err
	}
	if o.read += int64(len(b)); o.read > maxOFDTotal {
		return nil, fmt.Errorf("an OFD package of more than %d bytes: %w", maxOFDTotal, ErrNotDrawn)
	}
	return b, nil
}

// element reads a file whose root element has a name.
func (o *ofdPackage) element(file, name string) (*archive.Node, error) {
	b, err := o.content(file)
	if err != nil {
		return nil, err
	}
	root, err := archive.ParseXML(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if root.Name != name {
		return nil, fmt.Errorf("%s begins with %s: %w", file, root.Name, ErrNotDrawn)
	}
	return root, nil
}

// onlyChildren refuses an element that holds another one than it may.
func onlyChildren(n *archive.Node, allowed ...string) error {
	for _, c := range n.Children {
		if !slices.Contains(allowed, c.Name) {
			return fmt.Errorf("an OFD page with <%s> in <%s>: %w", c.Name, n.Name, ErrNotDrawn)
		}
	}
	return nil
}

// onlyAttributes refuses an element that has another attribute than it may.
func onlyAttributes(n *archive.Node, allowed ...string) error {
	for name := range n.Attrs {
		if !slices.Contains(allowed, name) {
			return fmt.Errorf("an OFD page with the attribute %s of <%s>: %w", name, n.Name, ErrNotDrawn)
		}
	}
	return nil
}

// page finds the only page and lays it out.
func (o *ofdPackage) page(s *Sheet) error {
	document, root, err := o.document()
	if err != nil {
		return err
	}
	common, err := root.Need("CommonData")
	if err != nil {
		return err
	}
	if err := o.common(document, common); err != nil {
		return err
	}
	pages, err := root.Need("Pages")
	if err != nil {
		return err
	}
	if len(pages.Children) != 1 || pages.Children[0].Name != "Page" {
		return fmt.Errorf("an OFD picture of %d pages: %w", len(pages.Children), ErrNotDrawn)
	}
	file, err := o.files.Locate(document, pages.Children[0].Attrs["BaseLoc"])
	if err != nil {
		return err
	}
	page, err := o.element(file, "Page")
	if err != nil {
		return err
	}
	area, err := ofdArea(page, common)
	if err != nil {
		return err
	}
	layers, err := o.layers(file, page, true)
	if err != nil {
		return err
	}
	return o.draw(s, area, layers)
}

// document reads the entry and the document that it leads to.
func (o *ofdPackage) document() (string, *archive.Node, error) {
	const entry = "OFD.xml"
	root, err := o.element(entry, "OFD")
	if err != nil {
		return "", nil, err
	}
	body, err := root.Need("DocBody")
	if err != nil {
		return "", nil, err
	}
	// Signatures draw seals, and versions are other documents.
	if err := onlyChildren(body, "DocInfo", "DocRoot", "Signatures"); err != nil {
		return "", nil, err
	}
	if signatures, err := body.One("Signatures"); err != nil {
		return "", nil, err
	} else if signatures != nil && signatures.Value() != "" {
		return "", nil, fmt.Errorf("an OFD picture that is signed itself: %w", ErrNotDrawn)
	}
	at, err := body.Need("DocRoot")
	if err != nil {
		return "", nil, err
	}
	name, err := o.files.Locate(entry, at.Value())
	if err != nil {
		return "", nil, err
	}
	document, err := o.element(name, "Document")
	if err != nil {
		return "", nil, err
	}
	// Annotations are drawn; the rest is not.
	return name, document, onlyChildren(document, "CommonData", "Pages", "Outlines", "Permissions", "VPreferences", "Bookmarks", "CustomTags", "Attachments", "Extensions")
}

// common reads what the pages share.
func (o *ofdPackage) common(document string, common *archive.Node) error {
	if err := onlyChildren(common, "MaxUnitID", "PageArea", "PublicRes", "DocumentRes", "TemplatePage", "DefaultCS"); err != nil {
		return err
	}
	for _, c := range common.Children {
		var err error
		switch c.Name {
		case "PublicRes", "DocumentRes":
			err = o.addResources(document, c.Value())
		case "TemplatePage":
			id := c.Attrs["ID"]
			if id == "" || o.templates[id].file != "" {
				return fmt.Errorf("the template %.20q has no identifier of its own: %w", id, ErrNotDrawn)
			}
			t := ofdTemplate{order: c.Attrs["ZOrder"]}
			t.file, err = o.files.Locate(document, c.Attrs["BaseLoc"])
			o.templates[id] = t
		case "DefaultCS":
			return fmt.Errorf("an OFD picture with a colour space of its own: %w", ErrNotDrawn)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// ofdArea is the page's box on the medium, in millimetres.
func ofdArea(page, common *archive.Node) (Box, error) {
	area, err := page.One("Area")
	if err != nil {
		return Box{}, err
	}
	if area == nil {
		if area, err = common.Need("PageArea"); err != nil {
			return Box{}, err
		}
	}
	physical, err := area.Need("PhysicalBox")
	if err != nil {
		return Box{}, err
	}
	box, err := ofdBox(physical.Value())
	if err != nil {
		return Box{}, err
	}
	// What lies outside of this one is not shown (GB/T 33190-2016, 7.5), by some readers.
	shown, err := area.One("ApplicationBox")
	if err != nil || shown == nil {
		return box, err
	}
	if part, err := ofdBox(shown.Value()); err != nil || part != box {
		return Box{}, errors.Join(err, fmt.Errorf("an OFD page of which only a part is shown: %w", ErrNotDrawn))
	}
	return box, nil
}

// ofdBox reads a box with an area: x, y, width and height.
func ofdBox(text string) (Box, error) {
	n, err := ofdArray(text, 4)
	if err == nil && !(n[2] > 0 && n[3] > 0) {
		err = fmt.Errorf("a box without area, %.40q: %w", text, ErrNotDrawn)
	}
	if err != nil {
		return Box{}, err
	}
	return Box{n[0], n[1], n[0] + n[2], n[1] + n[3]}, nil
}

// layers returns a page's layers and those of its templates, in the order in which they are
// drawn (GB/T 33190-2016, 7.7).
func (o *ofdPackage) layers(file string, page *archive.Node, templates bool) ([]*archive.Node, error) {
	if err := onlyChildren(page, "Area", "PageRes", "Template", "Content", "Actions"); err != nil {
		return nil, err
	}
	var below, above []*archive.Node
	for _, c := range page.Children {
		switch c.Name {
		case "PageRes":
			if err := o.addResources(file, c.Value()); err != nil {
				return nil, err
			}
		case "Template":
			t := o.templates[c.Attrs["TemplateID"]]
			if !templates || t.file == "" {
				return nil, fmt.Errorf("a template of a template, or one that is missing: %w", ErrNotDrawn)
			}
			order := cmp.Or(c.Attrs["ZOrder"], "Background")
			if t.order != "" && t.order != order {
				return nil, fmt.Errorf("a template in the order %.20q, and %.20q on the page: %w", t.order, order, ErrNotDrawn)
			}
			root, err := o.element(t.file, "Page")
			if err != nil {
				return nil, err
			}
			layers, err := o.layers(t.file, root, false)
			if err != nil {
				return nil, err
			}
			switch order {
			case "Background":
				below = append(below, layers...)
			case "Foreground":
				above = append(above, layers...)
			default:
				return nil, fmt.Errorf("a template in the order %.20q: %w", order, ErrNotDrawn)
			}
		}
	}
	content, err := page.One("Content")
	if err != nil || content == nil {
		return append(below, above...), err
	}
	if err := onlyChildren(content, "Layer"); err != nil {
		return nil, err
	}
	known := []string{"Background", "Body", "Foreground"}
	kind := func(n *archive.Node) int {
		if n.Attrs["Type"] == "" {
			return 1
		}
		return slices.Index(known, n.Attrs["Type"])
	}
	own := slices.Clone(content.Children)
	for _, n := range own {
		if kind(n) < 0 {
			return nil, fmt.Errorf("a layer of the type %.20q: %w", n.Attrs["Type"], ErrNotDrawn)
		}
	}
	slices.SortStableFunc(own, func(a, b *archive.Node) int { return kind(a) - kind(b) })
	all := slices.Concat(below, own, above)
	if !slices.IsSortedFunc(all, func(a, b *archive.Node) int { return kind(a) - kind(b) }) {
		return nil, fmt.Errorf("layers of a page and its templates, of which readers draw either first: %w", ErrNotDrawn)
	}
	return all, nil
}

// ofdResources are what objects refer to, by ID.
type ofdResources struct {
	params map[string]*archive.Node
	spaces map[string]*archive.Node
	images map[string]string // files
	fonts  map[string]string // files; empty: not in the package
	groups map[string]*archive.Node
}

// addResources reads a file of resources (GB/T 33190-2016, 7.9).
func (o *ofdPackage) addResources(from, location string) error {
	file, err := o.files.Locate(from, location)
	if err != nil {
		return err
	}
	root, err := o.element(file, "Res")
	if err != nil {
		return err
	}
	r := &o.resources
	if r.params == nil {
		*r = ofdResources{make(map[string]*archive.Node), make(map[string]*archive.Node), make(map[string]string), make(map[string]string), make(map[string]*archive.Node)}
	}
	for _, list := range root.Children {
		for _, n := range list.Children {
			id := n.Attrs["ID"]
			if id == "" || r.params[id] != nil || r.spaces[id] != nil || r.groups[id] != nil || r.has(id) {
				return fmt.Errorf("the resource %.20q has no identifier of its own: %w", id, ErrNotDrawn)
			}
			switch n.Name {
			case "DrawParam":
				r.params[id] = n
			case "ColorSpace":
				r.spaces[id] = n
			case "CompositeGraphicUnit":
				r.groups[id] = n
			case "MultiMedia":
				r.images[id], err = o.resourceFile(file, root, n, "MediaFile")
			case "Font":
				r.fonts[id], err = o.resourceFile(file, root, n, "FontFile")
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *ofdResources) has(id string) bool {
	_, image := r.images[id]
	_, font := r.fonts[id]
	return image || font
}

// resourceFile finds the file of a resource: from the package's root, or from the base that
// the list of resources names. Empty: it names none, or one that is not in the package.
func (o *ofdPackage) resourceFile(list string, root, n *archive.Node, name string) (string, error) {
	at, err := n.One(name)
	if err != nil || at == nil || at.Value() == "" {
		return "", err
	}
	location := at.Value()
	if base := strings.TrimSpace(root.Attrs["BaseLoc"]); base != "" && !strings.HasPrefix(location, "/") {
		location = path.Join(base, ".") + "/" + location
	}
	file, err := archive.Resolve(list, location)
	if err != nil || !o.files.Has(file) {
		return "", err
	}
	return file, nil
}
