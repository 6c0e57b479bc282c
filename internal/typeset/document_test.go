package typeset

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/internal/typeface"
)

// song and kai are the two styles of the tests.
func song(size float64) Style {
	return Style{Faces: typeface.Stack{typeface.Song(), typeface.Kai()}, Size: size}
}

func kai(size float64) Style {
	return Style{Faces: typeface.Stack{typeface.Kai(), typeface.Song()}, Size: size}
}

func set(t testing.TB, s Style, text string) Text {
	t.Helper()
	set, err := s.Set(text)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// drawLines draws lines five millimetres apart.
func drawLines(page *Canvas, x, y float64, lines []Text) {
	for i, line := range lines {
		page.Text(x, y+5*float64(i), line)
	}
}

func testInfo() Info {
	return Info{
		Title: "居住证 <样例> & “引号” 𠮷", Author: "合肥市公安局", Subject: "测试",
		Time: time.Date(2024, 2, 29, 8, 30, 0, 0, time.FixedZone("", 8*3600)),
		ID:   [16]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
	}
}

func write(t testing.TB, d *Document) string {
	t.Helper()
	data, err := d.PDF()
	if err != nil {
		t.Fatal(err)
	}
	return save(t, data)
}

func save(t testing.TB, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.pdf")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// checkPDF has qpdf and MuPDF read the whole file; MuPDF also says what it does
// not like on the way.
func checkPDF(t testing.TB, path string) {
	t.Helper()
	if out := tooltest.Run(t, "qpdf", "--check", path); !strings.Contains(out, "No syntax or stream encoding errors") {
		t.Errorf("qpdf: %s", out)
	}
	out := tooltest.Run(t, "mutool", "draw", "-q", "-r", "20", "-o", filepath.Join(t.TempDir(), "%d.pgm"), path)
	out = strings.ReplaceAll(out, "warning: ICC support is not available\n", "") // how Debian builds it
	if out != "" {
		t.Errorf("mutool: %s", out)
	}
}

// readBack is the text that poppler finds, without the white space it adds.
func readBack(t testing.TB, path string) string {
	t.Helper()
	out := tooltest.Run(t, "pdftotext", "-enc", "UTF-8", "-raw", path, "-")
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \n\f", r) {
			return -1
		}
		return r
	}, out)
}

func TestTextComesBack(t *testing.T) {
	t.Parallel()
	texts := []string{
		"电子证照标识", "欧阳龘䶮", "𠮷野家与𫖯𬭸", "ABC-123 and 4.5%",
		"⼀一", // a radical and an ideograph that may share a glyph
		"“引号”《书名》〔1999〕25号……——", strings.Repeat("长", 260),
	}
	doc := New(testInfo())
	page := doc.Page(210, 297)
	y := 15.0
	for _, text := range texts {
		for _, style := range []Style{song(10), kai(7)} {
			lines := set(t, style, text).Lines(180)
			drawLines(page, 15, y, lines)
			y += 5*float64(len(lines)) + 3
		}
	}
	path := write(t, doc)
	checkPDF(t, path)
	got := readBack(t, path)
	for _, text := range texts {
		want := strings.ReplaceAll(text, " ", "")
		if strings.Count(got, want) != 2 {
			t.Errorf("pdftotext gives %q %d times, want 2", want, strings.Count(got, want))
		}
	}
	fonts := tooltest.Run(t, "pdffonts", path)
	for _, want := range []string{"+NotoSerifSC-SemiBold", "+LXGWWenKai-Regular"} {
		if !strings.Contains(fonts, want) || !strings.Contains(fonts, "CID TrueType") {
			t.Errorf("pdffonts does not show %s:\n%s", want, fonts)
		}
	}
}

// What poppler measures between the first and the last character is what Width
// says.
func TestWidthIsThatOfTheReader(t *testing.T) {
	t.Parallel()
	doc := New(testInfo())
	page := doc.Page(210, 297)
	style := kai(14)
	style.Tracking = 0.2
	text := set(t, style, "中Amil，.8证")
	page.Text(20, 50, text)
	out := tooltest.Run(t, "pdftotext", "-bbox", write(t, doc), "-")
	at := strings.Index(out, `<word xMin="`)
	if at < 0 {
		t.Fatalf("no word in %s", out)
	}
	var xMin, yMin, xMax float64
	scan(t, out[at:], `<word xMin="%f" yMin="%f" xMax="%f"`, &xMin, &yMin, &xMax)
	if got, want := (xMax-xMin)/pointsPerMM, text.Width(); got < want-0.05 || got > want+0.05 {
		t.Errorf("poppler sees %.3f mm, Width says %.3f mm", got, want)
	}
	if got := xMin / pointsPerMM; got < 19.95 || got > 20.05 {
		t.Errorf("poppler sees the text begin at %.3f mm, want 20", got)
	}
}

func TestDocumentInformation(t *testing.T) {
	t.Parallel()
	info := testInfo()
	doc := New(info)
	doc.Page(210, 297)
	path := write(t, doc)
	checkPDF(t, path)
	out := tooltest.Run(t, "pdfinfo", "-isodates", path)
	for _, want := range []string{info.Title, info.Author, info.Subject, "2024-02-29T08:30:00+08", "PDF version:     1.7", "elicence", "A4"} {
		if !strings.Contains(out, want) {
			t.Errorf("pdfinfo does not say %q:\n%s", want, out)
		}
	}
	xmp := tooltest.Run(t, "pdfinfo", "-meta", path)
	for _, want := range []string{"居住证 &lt;样例&gt; &amp; “引号” 𠮷", "<xmp:CreateDate>2024-02-29T08:30:00+08:00<", "zh-CN"} {
		if !strings.Contains(xmp, want) {
			t.Errorf("the XMP packet does not say %q:\n%s", want, xmp)
		}
	}
	if out := tooltest.Run(t, "qpdf", "--show-object=trailer", path); !strings.Contains(out, `/ID [ <0102030405060708090a0b0c0d0e0f10>`) {
		t.Errorf("the trailer has another identifier: %s", out)
	}
}

func TestNoTimeNoDates(t *testing.T) {
	t.Parallel()
	doc := New(Info{Title: "无日期"})
	doc.Page(210, 297)
	path := write(t, doc)
	checkPDF(t, path)
	if out := tooltest.Run(t, "pdfinfo", path); strings.Contains(out, "CreationDate") {
		t.Errorf("pdfinfo finds a date:\n%s", out)
	}
}

func TestSameCallsGiveSameBytes(t *testing.T) {
	t.Parallel()
	build := func() []byte {
		doc := New(testInfo())
		for i := range 3 {
			page := doc.Page(210, 297)
			page.Text(20, 20, set(t, song(12), "第"+strings.Repeat("一", i+1)+"页"))
		}
		for _, name := range []string{"乙.cbor", "a.cbor"} {
			if err := doc.Attach(Attachment{Name: name, MediaType: "application/cbor", Relationship: Data, Data: []byte(name)}); err != nil {
				t.Fatal(err)
			}
		}
		data, err := doc.PDF()
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	if !bytes.Equal(build(), build()) {
		t.Error("the same calls give different bytes")
	}
}

func TestHundredPagesShareOneFont(t *testing.T) {
	t.Parallel()
	doc := New(testInfo())
	frame := doc.Form(210, 297)
	edge := &Path{}
	edge.Rect(10, 10, 190, 277)
	frame.Stroke(edge, 0.5, 0xB40000)
	for range 100 {
		page := doc.Page(210, 297)
		page.Draw(0, 0, frame)
		page.Text(20, 20, set(t, song(12), "同一页的文字"))
	}
	path := write(t, doc)
	checkPDF(t, path)
	if out := tooltest.Run(t, "qpdf", "--show-npages", path); strings.TrimSpace(out) != "100" {
		t.Errorf("qpdf counts %s pages", out)
	}
	if out := tooltest.Run(t, "pdffonts", path); strings.Count(out, "NotoSerifSC") != 1 {
		t.Errorf("the document has more than one copy of the font:\n%s", out)
	}
	if info, err := os.Stat(path); err != nil || info.Size() > 60_000 {
		t.Errorf("100 pages take %d bytes (%v), want at most 60,000", info.Size(), err)
	}
}

func TestNoPages(t *testing.T) {
	t.Parallel()
	if _, err := New(testInfo()).PDF(); !errors.Is(err, ErrNoPages) {
		t.Errorf("PDF() = %v, want ErrNoPages", err)
	}
}

func TestAttachments(t *testing.T) {
	t.Parallel()
	doc := New(testInfo())
	doc.Page(210, 297)
	content := []byte("签名数据\x00\xff")
	files := []Attachment{
		{Name: "证照数据.cbor", MediaType: "application/cose; no", Relationship: Data, Data: content},
		{Name: "证照数据.cbor", MediaType: "application/cbor", Description: "带签名的证照数据", Relationship: Data, Data: content},
		{Name: "b.json", MediaType: "application/json", Relationship: Alternative, Data: []byte("{}")},
	}
	if err := doc.Attach(files[0]); !errors.Is(err, ErrAttachment) {
		t.Errorf("Attach with a parameter in the media type = %v, want ErrAttachment", err)
	}
	for _, file := range files[1:] {
		if err := doc.Attach(file); err != nil {
			t.Fatal(err)
		}
	}
	path := write(t, doc)
	checkPDF(t, path)
	out := tooltest.Run(t, "pdfdetach", "-list", path)
	if !strings.Contains(out, "证照数据.cbor") || !strings.Contains(out, "2 embedded files") {
		t.Errorf("pdfdetach lists %s", out)
	}
	saved := filepath.Join(t.TempDir(), "out")
	tooltest.Run(t, "pdfdetach", "-save", "2", "-o", saved, path)
	got, err := os.ReadFile(saved)
	if err != nil || !bytes.Equal(got, content) {
		t.Errorf("pdfdetach saves %q (%v), want %q", got, err, content)
	}
	if out := tooltest.Run(t, "qpdf", "--list-attachments", "--verbose", path); !strings.Contains(out, "application/cbor") {
		t.Errorf("qpdf lists %s", out)
	}
	if out := tooltest.Run(t, "qpdf", "--qdf", "--object-streams=disable", path, "-"); !strings.Contains(out, "/AFRelationship /Data") || !strings.Contains(out, "/AF [") {
		t.Error("no /AF or /AFRelationship in the file")
	}
}

func TestAttachRefuses(t *testing.T) {
	t.Parallel()
	good := Attachment{Name: "a.cbor", MediaType: "application/cbor", Relationship: Data}
	tests := []struct {
		name   string
		change func(*Attachment)
	}{
		{"no name", func(a *Attachment) { a.Name = "" }},
		{"a path", func(a *Attachment) { a.Name = "../a.cbor" }},
		{"a path of Windows", func(a *Attachment) { a.Name = `C:\a` }},
		{"a hidden file", func(a *Attachment) { a.Name = ".profile" }},
		{"a control character", func(a *Attachment) { a.Name = "a\nb" }},
		{"a direction mark", func(a *Attachment) { a.Name = "a\u202efdp.exe" }},
		{"no media type", func(a *Attachment) { a.MediaType = "" }},
		{"half a media type", func(a *Attachment) { a.MediaType = "cbor/" }},
		{"no relationship", func(a *Attachment) { a.Relationship = "" }},
		{"an unknown relationship", func(a *Attachment) { a.Relationship = "Friend" }},
		{"the same name again", func(*Attachment) {}},
	}
	doc := New(testInfo())
	if err := doc.Attach(good); err != nil {
		t.Fatal(err)
	}
	for _, test := range tests {
		bad := good
		test.change(&bad)
		if err := doc.Attach(bad); !errors.Is(err, ErrAttachment) {
			t.Errorf("%s: Attach = %v, want ErrAttachment", test.name, err)
		}
	}
}
