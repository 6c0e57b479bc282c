package pdf

import (
	"bytes"
	"fmt"

	"github.com/elicence/elicence/seal/pdf/structure"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

// A CautionKind says what of a file can look otherwise than it looked to its signer
// although not a byte was changed.
type CautionKind string

const (
	// CautionScript is a JavaScript that runs in a reader.
	CautionScript CautionKind = "script"
	// CautionAction is an action that opens, fetches, submits or starts something.
	CautionAction CautionKind = "action"
	// CautionLayer is optional content: what shows depends on the reader's settings, on
	// whether it is printed, or on the zoom.
	CautionLayer CautionKind = "layer"
	// CautionXFA is a form whose pages are made by the reader.
	CautionXFA CautionKind = "xfa"
	// CautionAttachment is a file inside the document: it is signed, and nobody saw it on
	// a page.
	CautionAttachment CautionKind = "attachment"
	// CautionHybrid is a file with one table of objects for old readers and another for new ones, which may see
	// different pages, or one that is another kind of file as well.
	CautionHybrid CautionKind = "hybrid"
)

// A Caution is one such thing. It is no fault of a signature.
type Caution struct {
	Kind CautionKind
	Page int    // 0: not of one page
	What string // in plain words
}

// maxCautions is more than anybody will read.
const maxCautions = 20

// Cautions looks for what the newest revision shows only on conditions: scripts and
// actions of the catalog, the form, the pages and their annotations, optional content,
// attachments. Nothing is run and no content stream is read.
func (d *Document) Cautions() ([]Caution, error) {
	d.file.BeginWork()
	catalog, err := d.now.Catalog()
	if err != nil {
		return nil, err
	}
	w := &wary{view: d.now, seen: make(map[syntax.Ref]bool)}
	for i := range d.now.Sections() {
		if d.now.From(i, d.Size()).Hybrid() {
			w.note(CautionHybrid, "the file has one table of objects for old readers and one for new ones")
			break
		}
	}
	if err := d.twofold(w); err != nil {
		return nil, err
	}
	root, ok := catalog.Val.(*syntax.Dict)
	if !ok {
		return nil, syntax.DamagedAt(catalog.At, "the catalog is not a dictionary")
	}
	for _, look := range []func(*syntax.Dict) error{w.catalog, w.layers, w.form} {
		if err := look(root); err != nil {
			return nil, err
		}
	}
	leaves, err := d.pages()
	if err != nil {
		return nil, err
	}
	for i, l := range leaves {
		if err := w.page(i+1, l.Ref); err != nil {
			return nil, err
		}
	}
	return w.found, nil
}

// twofold looks for what other programs take the file for, by its name or by its content, and
// show something else of: what begins before its header, and an archive that ends where they look
// for one, as an OFD document is (APPNOTE 4.3.16: a comment of 64 KiB may follow).
func (d *Document) twofold(w *wary) error {
	if lead := d.file.Lead(); lead > 0 {
		w.note(CautionHybrid, "%d bytes come before the header, so that other programs may take the file for something else", lead)
	}
	const archiveEnd = 22 + 1<<16 - 1
	at := max(0, d.Size()-archiveEnd)
	tail, err := d.file.Bytes(at, int(d.Size()-at))
	if err != nil {
		return err
	}
	if bytes.Contains(tail, []byte("PK\x05\x06")) {
		w.note(CautionHybrid, "a ZIP archive ends in the file, which programs for archives and OFD documents may open")
	}
	return nil
}

type wary struct {
	view  view
	at    int                 // the page that is looked at, 0 for none
	seen  map[syntax.Ref]bool // actions
	found []Caution
}

func (w *wary) note(kind CautionKind, format string, args ...any) {
	c := Caution{kind, w.at, fmt.Sprintf(format, args...)}
	if len(w.found) < maxCautions {
		w.found = append(w.found, c)
	}
}

func (w *wary) catalog(root *syntax.Dict) error {
	if err := w.acts(root, "the document"); err != nil {
		return err
	}
	names, err := w.view.Dict(root.Lookup("Names"))
	if err != nil {
		return err
	}
	if names.Lookup("JavaScript") != nil {
		w.note(CautionScript, "the document carries scripts (/Names /JavaScript)")
	}
	if names.Lookup("EmbeddedFiles") != nil || root.Lookup("AF") != nil {
		w.note(CautionAttachment, "files travel inside the document")
	}
	if root.Lookup("Collection") != nil {
		w.note(CautionAttachment, "the document is a portfolio: its files show, not its pages")
	}
	return nil
}

// layers looks at optional content (ISO 32000-1, 8.11).
func (w *wary) layers(root *syntax.Dict) error {
	properties, err := w.view.Dict(root.Lookup("OCProperties"))
	if err != nil || properties == nil {
		return err
	}
	groups, err := w.view.Array(properties.Lookup("OCGs"))
	if err != nil || len(groups) == 0 {
		return err
	}
	standard, err := w.view.Dict(properties.Lookup("D"))
	if err != nil {
		return err
	}
	events, err := w.view.Array(standard.Lookup("AS"))
	if err != nil {
		return err
	}
	off, err := w.view.Array(standard.Lookup("OFF"))
	if err != nil {
		return err
	}
	w.note(CautionLayer, "%d layers, of which readers may show others; %d are off at first", len(groups), len(off))
	if len(events) > 0 {
		w.note(CautionLayer, "layers change when the document is printed, exported or zoomed")
	}
	return nil
}

func (w *wary) form(root *syntax.Dict) error {
	form, err := w.view.Dict(root.Lookup("AcroForm"))
	if err != nil || form == nil {
		return err
	}
	if form.Lookup("XFA") != nil {
		w.note(CautionXFA, "the form is XFA, whose pages the reader makes itself")
	}
	fields, err := w.view.Form()
	if err != nil {
		return err
	}
	for _, f := range fields.All {
		if err := w.acts(f.Dict, fmt.Sprintf("the field %q", f.Name)); err != nil {
			return err
		}
	}
	return nil
}

func (w *wary) page(n int, r syntax.Ref) error {
	page, err := w.view.Dict(r)
	if err != nil {
		return err
	}
	w.at = n
	where := fmt.Sprintf("page %d", n)
	if err := w.acts(page, where); err != nil {
		return err
	}
	annotations, err := w.view.Annotations(r)
	if err != nil {
		return err
	}
	for _, val := range annotations {
		a, err := w.view.Dict(val)
		if err != nil {
			return err
		}
		if a.Lookup("OC") != nil {
			w.note(CautionLayer, "an annotation on page %d shows on conditions", n)
		}
		switch kind, _ := a.Lookup("Subtype").(syntax.Name); kind {
		case "Screen", "Movie", "Sound", "RichMedia", "3D":
			w.note(CautionAction, "page %d plays or turns something (%s)", n, kind)
		case "FileAttachment":
			w.note(CautionAttachment, "a file travels on page %d", n)
		}
		if err := w.acts(a, "an annotation on "+where); err != nil {
			return err
		}
	}
	return nil
}

// acts looks at the actions of a dictionary: /OpenAction, /A and those of /AA.
func (w *wary) acts(d *syntax.Dict, where string) error {
	for _, key := range []syntax.Name{"OpenAction", "A"} {
		val, err := w.view.Get(d, key)
		if err != nil {
			return err
		}
		if err := w.action(val, where, 0); err != nil {
			return err
		}
	}
	more, err := w.view.Dict(d.Lookup("AA"))
	if err != nil || more == nil {
		return err
	}
	for _, e := range more.Entries {
		val, err := w.view.Resolve(e.Val)
		if err != nil {
			return err
		}
		if err := w.action(val, where, 0); err != nil {
			return err
		}
	}
	return nil
}

// action judges one action and those that follow it (ISO 32000-1, 12.6). Going to a
// place of the document, or to an address that a person clicks, changes nothing shown.
func (w *wary) action(val syntax.Value, where string, depth int) error {
	a, ok := val.(*syntax.Dict)
	if !ok || depth > structure.MaxTree {
		return nil
	}
	kind, err := w.view.Get(a, "S")
	if err != nil {
		return err
	}
	switch kind {
	case syntax.Name("JavaScript"):
		w.note(CautionScript, "%s runs a script", where)
	case syntax.Name("Launch"), syntax.Name("ImportData"), syntax.Name("SubmitForm"), syntax.Name("GoToR"), syntax.Name("GoToE"), syntax.Name("Rendition"), syntax.Name("Movie"), syntax.Name("RichMediaExecute"):
		w.note(CautionAction, "%s has an action of the kind %v", where, kind)
	case syntax.Name("Hide"), syntax.Name("SetOCGState"), syntax.Name("ResetForm"):
		w.note(CautionLayer, "%s shows or hides something (%v)", where, kind)
	}
	next := a.Lookup("Next")
	if list, err := w.view.Array(next); err == nil && list != nil {
		for _, val := range list {
			if err := w.following(val, where, depth); err != nil {
				return err
			}
		}
		return nil
	}
	return w.following(next, where, depth)
}

func (w *wary) following(val syntax.Value, where string, depth int) error {
	if r, ok := val.(syntax.Ref); ok {
		if w.seen[r] {
			return nil
		}
		w.seen[r] = true
	}
	action, err := w.view.Resolve(val)
	if err != nil {
		return err
	}
	return w.action(action, where, depth+1)
}
