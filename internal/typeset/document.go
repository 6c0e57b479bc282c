package typeset

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"
)

// language is the natural language of every document (RFC 5646).
const language = "zh-CN"

// Info describes a document. Time and ID make the file's only parts that do not
// come from what is drawn.
type Info struct {
	Title   string
	Author  string
	Subject string
	Time    time.Time // of creation; its zone is kept; left out where zero
	ID      [16]byte  // the file identifier (ISO 32000-1, 14.4)
}

// ErrNoPages is returned for a document without a page: readers refuse such files.
var ErrNoPages = errors.New("document has no pages")

// A Document is a PDF file in the making. It is not safe for use by several
// goroutines at once.
type Document struct {
	info        Info
	res         *resources
	pages       []*Canvas
	attachments []Attachment
}

// New returns a document without pages.
func New(info Info) *Document { return &Document{info: info, res: &resources{}} }

// Page adds a page of the given size in millimetres.
func (d *Document) Page(width, height float64) *Canvas {
	page := &Canvas{width: width, height: height, res: d.res}
	d.pages = append(d.pages, page)
	return page
}

// Form returns a canvas that can be placed on any number of pages with
// [Canvas.Draw] and is written once.
func (d *Document) Form(width, height float64) *Canvas {
	return &Canvas{width: width, height: height, res: d.res}
}

// Attach puts a file into the document. Errors wrap [ErrAttachment]: a name with
// a path or used before, something that is not a media type.
func (d *Document) Attach(a Attachment) error {
	if err := a.check(); err != nil {
		return err
	}
	if slices.ContainsFunc(d.attachments, func(b Attachment) bool { return a.Name == b.Name }) {
		return fmt.Errorf("%w: a second file with the name %q", ErrAttachment, a.Name)
	}
	d.attachments = append(d.attachments, a)
	return nil
}

// PDF writes the document. It may be called again after more has been drawn. The
// error is [ErrNoPages] or that of a face whose glyphs cannot be read.
func (d *Document) PDF() ([]byte, error) {
	if len(d.pages) == 0 {
		return nil, ErrNoPages
	}
	z := newCompressor()
	resources, err := d.res.object(z)
	if err != nil {
		return nil, fmt.Errorf("write PDF: %w", err)
	}
	tree := &Object{}
	tree.printf("<< /Type /Pages /Count %d /Kids [", len(d.pages))
	for _, canvas := range d.pages {
		page := &Object{}
		page.printf("<< /Type /Page /Parent %s /MediaBox [0 0 %s] /Resources %s /Contents %s >>",
			page.ref(tree), appendNumbers(nil, canvas.x(canvas.width), canvas.x(canvas.height)),
			page.ref(resources), page.ref(z.stream(canvas.content, "")))
		tree.printf(" %s", tree.ref(page))
	}
	tree.printf(" ] >>")
	metadata := &Object{Dict: []byte("<< /Type /Metadata /Subtype /XML >>"), Stream: d.info.xmp()}
	catalog := &Object{}
	catalog.printf("<< /Type /Catalog /Pages %s /Metadata %s /OutputIntents [%s] /Lang (%s) /ViewerPreferences << /DisplayDocTitle true >>",
		catalog.ref(tree), catalog.ref(metadata), catalog.ref(outputIntent(z)), language)
	d.addAttachments(catalog, z)
	catalog.printf(" >>")
	return file(catalog, d.info.object(), d.info.ID), nil
}

// addAttachments adds to the catalogue the entries that lead to the attached
// files.
func (d *Document) addAttachments(catalog *Object, z *compressor) {
	if len(d.attachments) == 0 {
		return
	}
	sorted := slices.SortedFunc(slices.Values(d.attachments), func(a, b Attachment) int {
		return cmp.Compare(textString(a.Name), textString(b.Name)) // a name tree is sorted by its keys' bytes
	})
	specifications := make([]string, len(sorted))
	catalog.printf(" /Names << /EmbeddedFiles << /Names [")
	for i, a := range sorted {
		specifications[i] = catalog.ref(a.object(z, d.info))
		catalog.printf(" %s %s", textString(a.Name), specifications[i])
	}
	catalog.printf(" ] >> >> /AF [")
	for _, specification := range specifications {
		catalog.printf(" %s", specification)
	}
	catalog.printf(" ]")
}

// file lays the objects out with a cross-reference table (ISO 32000-1, 7.5).
func file(catalog, info *Object, id [16]byte) []byte {
	list := reachable(catalog, info)
	numbers := make(map[*Object]int, len(list))
	size := 0
	for i, object := range list {
		numbers[object] = i + 1
		size += len(object.Dict) + len(object.Stream) + 128
	}
	b := append(make([]byte, 0, size), "%PDF-1.7\n%\xE2\xE3\xCF\xD3\n"...)
	offsets := make([]int, len(list))
	for i, object := range list {
		offsets[i] = len(b)
		b = fmt.Appendf(b, "%d 0 obj\n", i+1)
		b = object.appendBody(b, numbers)
		b = append(b, "\nendobj\n"...)
	}
	start := len(b)
	b = fmt.Appendf(b, "xref\n0 %d\n0000000000 65535 f \n", len(list)+1)
	for _, offset := range offsets {
		b = fmt.Appendf(b, "%010d 00000 n \n", offset)
	}
	return fmt.Appendf(b, "trailer\n<< /Size %d /Root %d 0 R /Info %d 0 R /ID [<%X> <%X>] >>\nstartxref\n%d\n%%%%EOF\n",
		len(list)+1, numbers[catalog], numbers[info], id, id, start)
}
