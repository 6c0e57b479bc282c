package pdf

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/elicence/elicence/seal/pdf/revision"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

// A sample is a PDF file that the tests make themselves.
type sample struct {
	pages   int       // 1 where zero
	media   []float64 // A4 where nil
	crop    []float64
	rotate  int
	unit    float64
	stream  bool   // cross-reference stream
	packed  bool   // pages in an object stream, and a cross-reference stream
	folded  bool   // packed, and the object stream deflated, as nearly all are
	hybrid  bool   // packed, with a table for old readers
	ballast int    // bytes of incompressible stream on page 1
	junk    string // before %PDF-
	noEOL   bool   // no end of line after %%EOF
	decoy   string // as long as every, and in its place where packed pages are read with a predictor

	page    string // further entries of page 1
	every   string // further entries of every page
	catalog string // further entries of the catalog
	objects []string
}

const firstExtra = 5 // the number of sample.objects[0]

// bytes writes the sample: 1 catalog, 2 page tree, 3 contents, 4 font, then
// the extra objects, then the pages.
func (s sample) bytes() []byte {
	n := max(1, s.pages)
	w := &syntax.Increment{Next: firstExtra + uint32(len(s.objects)), At: -int64(len(s.junk))} // offsets count from the header
	w.Out = append(w.Out, s.junk+"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n"...)
	raw := func(num int, body string) {
		w.Begin(syntax.Ref{Num: uint32(num)})
		w.Out = append(w.Out, body...)
		w.End()
	}
	var kids bytes.Buffer
	first := int(w.Next)
	var packed []string
	for i := range n {
		fmt.Fprintf(&kids, "%d 0 R ", first+i)
		body := s.pageDict(i)
		if s.packed || s.hybrid {
			packed = append(packed, body)
		} else {
			raw(first+i, body)
		}
	}
	w.Next += uint32(n)
	raw(1, "<</Type/Catalog/Pages 2 0 R"+s.catalog+">>")
	raw(2, fmt.Sprintf("<</Type/Pages/Kids[%s]/Count %d>>", kids.String(), n))
	content := "BT /F1 14 Tf 60 60 Td (The contents of the page) Tj ET 0.9 g 100 100 200 100 re f"
	w.PutStream(syntax.Ref{Num: 3}, &syntax.Dict{}, []byte(content))
	raw(4, "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/FirstChar 32/LastChar 32/Widths[278]/FontDescriptor"+
		"<</Type/FontDescriptor/FontName/Helvetica/Flags 32/FontBBox[-166 -225 1000 931]/ItalicAngle 0/Ascent 718/Descent -207/CapHeight 718/StemV 88>>>>")
	for i, o := range s.objects {
		raw(firstExtra+i, o)
	}
	if s.ballast > 0 {
		data := make([]byte, s.ballast)
		r := rand.NewChaCha8([32]byte{1})
		_, _ = r.Read(data)
		w.PutStream(w.Fresh(), &syntax.Dict{}, data)
	}
	trailer := syntax.DictOf("Root", syntax.Ref{Num: 1}, "ID", syntax.Array{syntax.String("one"), syntax.String("one")})
	switch {
	case s.packed, s.hybrid:
		s.pack(w, first, packed, trailer)
	case s.stream:
		w.Stream(trailer)
	default:
		w.Table(trailer, true)
	}
	if s.noEOL {
		w.Out = bytes.TrimRight(w.Out, "\n")
	}
	return w.Out
}

func (s sample) pageDict(i int) string {
	box := "[0 0 595.28 841.89]"
	if s.media != nil {
		box = string(syntax.AppendValue(nil, numbers(s.media)))
	}
	d := "<</Type/Page/Parent 2 0 R/Contents 3 0 R/Resources<</Font<</F1 4 0 R>>>>/MediaBox" + box
	if s.crop != nil {
		d += "/CropBox" + string(syntax.AppendValue(nil, numbers(s.crop)))
	}
	if s.rotate != 0 {
		d += fmt.Sprintf("/Rotate %d", s.rotate)
	}
	if s.unit != 0 {
		d += fmt.Sprintf("/UserUnit %v", s.unit)
	}
	if i == 0 {
		d += s.page
	}
	return d + s.every + ">>"
}

func numbers(list []float64) syntax.Array {
	var out syntax.Array
	for _, n := range list {
		out = append(out, syntax.Decimal(n))
	}
	return out
}

// pack puts the bodies into one object stream and writes a cross-reference
// stream that says so.
func (s sample) pack(w *syntax.Increment, first int, bodies []string, trailer *syntax.Dict) {
	holder := w.Fresh()
	var head, data bytes.Buffer
	begin := 0
	if s.decoy != "" {
		begin = bothRow
	}
	for i, b := range bodies {
		fmt.Fprintf(&head, "%d %d ", first+i, begin+data.Len())
		data.WriteString(b + " ")
	}
	content, about := append(head.Bytes(), data.Bytes()...), syntax.DictOf("Type", syntax.Name("ObjStm"), "N", int64(len(bodies)), "First", int64(head.Len()))
	if s.decoy != "" {
		content = bothWays(head.String(), data.String(), strings.ReplaceAll(data.String(), s.every, s.decoy))
		about = about.With("First", int64(bothHead)).With("Filter", syntax.Name("FlateDecode")).With("DecodeParms", syntax.Ref{Num: firstExtra})
	}
	if s.folded {
		var err error
		if content, err = deflate(content); err != nil {
			panic(err)
		}
		about = about.With("Filter", syntax.Name("FlateDecode"))
	}
	w.PutStream(holder, about, content)
	self := w.Fresh()
	at := w.Offset()
	rows := make([][3]int64, w.Next)
	for i := range bodies {
		rows[first+i] = [3]int64{2, int64(holder.Num), int64(i)}
	}
	if !s.hybrid {
		for _, o := range append(w.Written, syntax.Written{Ref: self, At: at}) {
			rows[o.Ref.Num] = [3]int64{1, o.At, 0}
		}
	}
	var table []byte
	for _, r := range rows {
		table = append(table, byte(r[0]), byte(r[1]>>24), byte(r[1]>>16), byte(r[1]>>8), byte(r[1]), byte(r[2]>>8), byte(r[2]))
	}
	d := syntax.DictOf("Type", syntax.Name("XRef"), "Size", int64(w.Next), "W", syntax.Array{int64(1), int64(4), int64(2)})
	for _, e := range trailer.Entries {
		d = d.With(e.Key, e.Val)
	}
	w.PutStream(self, d, table)
	if s.hybrid {
		w.Table(trailer.With("XRefStm", at), true)
		return
	}
	w.Out = fmt.Appendf(w.Out, "startxref\n%d\n%%%%EOF\n", at)
}

// bothHead is the head of an object stream that says two things, bothRow a row of its predictor.
const (
	bothHead = 64
	bothRow  = 1024
)

// bothWays is the content of an object stream: the body for who uses no predictor, the other one
// for that of PNG, which adds the first of two rows to the second.
func bothWays(head, body, other string) []byte {
	first, second := make([]byte, bothRow), bytes.Repeat([]byte(" "), bothRow)
	copy(second[bothHead-2:], body)
	copy(first, fmt.Sprintf("%-*s", bothHead, head))
	for i := range other {
		first[bothHead+i] = other[i] - second[bothHead+i]
	}
	packed, err := deflate(slices.Concat([]byte{0}, first, []byte{2}, second))
	if err != nil {
		panic(err)
	}
	return packed
}

func open(tb testing.TB, file []byte) *Document {
	tb.Helper()
	d, err := Open(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		tb.Fatalf("Open: %v", err)
	}
	return d
}

// der is a value that passes for a signature as long as nobody verifies it.
func der(n int) []byte {
	out := make([]byte, n)
	out[0], out[1] = 0x30, byte(n-2)
	if n > 129 {
		out[1], out[2], out[3] = 0x82, byte((n-4)>>8), byte(n-4)
	}
	for i := 4; i < n; i++ {
		out[i] = byte(i)
	}
	return out
}

// seal is a red ring with a mark that shows which way is up.
func seal() *Appearance {
	return &Appearance{
		Content: []byte("0.84 0 0.06 RG 4 w 6 6 88 88 re S 0.84 0 0.06 rg 16 66 18 18 re f"),
		BBox:    [4]float64{0, 0, 100, 100}, Multiply: true, Opacity: 0.9,
	}
}

var signingTime = time.Date(2026, 11, 23, 9, 30, 0, 0, time.FixedZone("CST", 8*3600))

// at is a stamp with one seal.
func at(page int, x, y, size float64) Stamp {
	return Stamp{
		Filter: "Gomain.GMPkiLite", SubFilter: "GM.sm2seal",
		Name: "某某市人民政府", Reason: "(合同) \\ 审批", Location: "Hefei", Time: signingTime, ContentsSize: 600,
		Marks: []Mark{{Page: page, X: x, Y: y, Width: size, Height: size, Appearance: seal()}},
	}
}

func prepare(tb testing.TB, d *Document, s Stamp) *Prepared {
	tb.Helper()
	p, err := d.Prepare(s)
	if err != nil {
		tb.Fatalf("Prepare: %v", err)
	}
	if err := p.Complete(der(300)); err != nil {
		tb.Fatalf("Complete: %v", err)
	}
	return p
}

// stamped returns the file with a stamp.
func stamped(tb testing.TB, file []byte, s Stamp) []byte {
	tb.Helper()
	return fileOf(tb, prepare(tb, open(tb, file), s))
}

func fileOf(tb testing.TB, p *Prepared) []byte {
	tb.Helper()
	var out bytes.Buffer
	if _, err := p.WriteTo(&out); err != nil {
		tb.Fatalf("WriteTo: %v", err)
	}
	return out.Bytes()
}

func signatures(tb testing.TB, file []byte) []Signature {
	tb.Helper()
	list, err := open(tb, file).Signatures()
	if err != nil {
		tb.Fatalf("Signatures: %v", err)
	}
	for _, s := range list {
		for _, c := range s.Changes {
			if !slices.Contains(revision.ChangeCodes(), c.Code) {
				tb.Errorf("the change %q has the code %q", c.What, c.Code)
			}
		}
	}
	return list
}

// saveFile puts the bytes where another program can read them.
func saveFile(tb testing.TB, file []byte) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "file.pdf")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// wantRefused checks that err is a *RefusedError that says why.
func wantRefused(tb testing.TB, err error, why string) {
	tb.Helper()
	var refused *RefusedError
	if !errors.As(err, &refused) {
		tb.Fatalf("error is %v, want a *RefusedError about %q", err, why)
	}
	if !bytes.Contains([]byte(refused.Why), []byte(why)) {
		tb.Errorf("refused because %q, want something about %q", refused.Why, why)
	}
}

var _ io.WriterTo = (*Prepared)(nil)
