package render

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/internal/typeface"
	"github.com/elicence/elicence/internal/typeset"
)

// arranged lays a sheet out without writing it.
func arranged(t testing.TB, s Sheet) *layout {
	t.Helper()
	l, err := newLayout(&s)
	if err != nil {
		t.Fatalf("%s: %v", s.Title, err)
	}
	l.arrange()
	return l
}

// checkPlaces fails for an item outside the column of text or over another, and
// for anything but issuer and date where the seal goes.
func checkPlaces(t *testing.T, l *layout) {
	t.Helper()
	const slack = 0.01
	foot := smallPrint + 1
	for i, p := range l.pages {
		if l.skin.look == card {
			foot = pageHeight - 10
		}
		for j, a := range p.items {
			quiet := 4 * l.codeSize() / float64(max(len(l.modules), 29))
			if a.x < left-quiet-slack || a.right() > right+slack || a.y < panelY || a.bottom() > foot {
				t.Errorf("%s: page %d: item %d at %+v leaves the column", l.title, i+1, j, a.box)
			}
			for k, b := range p.items[:j] {
				if a.x < b.right()-slack && b.x < a.right()-slack && a.y < b.bottom()-slack && b.y < a.bottom()-slack {
					t.Errorf("%s: page %d: items %d %+v and %d %+v overlap", l.title, i+1, k, b.box, j, a.box)
				}
			}
		}
	}
	for _, a := range l.pages[0].items {
		dx := max(a.x-l.sealX, l.sealX-a.right(), 0)
		dy := max(a.y-l.sealY, l.sealY-a.bottom(), 0)
		if aside := a.x + a.width/2 - l.sealX; math.Hypot(dx, dy) < sealRoom/2 && math.Abs(aside) > slack {
			t.Errorf("%s: an item at %+v lies under the seal and is neither issuer nor date", l.title, a.box)
		}
	}
	if l.sealX+sealRoom/2 > right+12 || l.sealY+sealRoom/2 > pageHeight-bandY-bandHalf-2 {
		t.Errorf("%s: the seal at (%.1f, %.1f) reaches the frame", l.title, l.sealX, l.sealY)
	}
}

// pageText is what poppler reads, without white space.
func pageText(t testing.TB, path string) string {
	t.Helper()
	return squeeze(tooltest.Run(t, "pdftotext", "-enc", "UTF-8", "-raw", path, "-"))
}

func squeeze(s string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(s, "　", "")), "")
}

func save(t testing.TB, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "licence.pdf")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func mustPage(t testing.TB, s Sheet) *Rendered {
	t.Helper()
	r, err := Page(s)
	if err != nil {
		t.Fatalf("%s: %v", s.Title, err)
	}
	return r
}

// All categories of the catalogue, with its example values.
func TestEveryCategory(t *testing.T) {
	t.Parallel()
	sheets := samples(t)
	if len(sheets) != 195 {
		t.Fatalf("the catalogue has %d categories, want 195", len(sheets))
	}
	for i, s := range sheets {
		t.Run(fmt.Sprintf("%03d", i+1), func(t *testing.T) {
			t.Parallel()
			l := arranged(t, s)
			checkPlaces(t, l)
			if len(l.pages) != 1 {
				t.Errorf("%s takes %d pages", s.Title, len(l.pages))
			}
			r := mustPage(t, s)
			path := save(t, r.PDF)
			if out := tooltest.Run(t, "qpdf", "--check", path); !strings.Contains(out, "No syntax or stream encoding errors") {
				t.Errorf("qpdf: %s", out)
			}
			got := pageText(t, path)
			want := []string{s.Title, s.TitleEn, s.Number, s.Identifier, s.Holder, s.HolderID, s.Validity, s.Issuer, s.IssueDate, s.Code.Caption}
			for _, row := range s.Rows {
				want = append(want, row.LabelZh, row.Value)
			}
			for _, text := range want {
				if !strings.Contains(got, squeeze(text)) {
					t.Errorf("%s: pdftotext does not give %q", s.Title, text)
				}
			}
		})
	}
}

// TestTitleLines: a long title breaks where people would break it.
func TestTitleLines(t *testing.T) {
	want := map[string][]string{
		"营业执照": {"营业执照"},
		"公众聚集场所投入使用、营业前消防安全检查合格证": {"公众聚集场所投入使用、", "营业前消防安全检查合格证"},
		"基层群众性自治组织特别法人统一社会信用代码证书": {"基层群众性自治组织特别法人", "统一社会信用代码证书"},
		"房屋建筑和市政基础设施工程竣工验收备案表":    {"房屋建筑和市政基础设施", "工程竣工验收备案表"},
	}
	for _, s := range samples(t) {
		lines, named := want[s.Title]
		if !named {
			continue
		}
		delete(want, s.Title)
		var got []string
		for _, line := range arranged(t, s).titleLines() {
			got = append(got, line.String())
		}
		if !slices.Equal(got, lines) {
			t.Errorf("%s: %q, want %q", s.Title, got, lines)
		}
	}
	if len(want) > 0 {
		t.Errorf("there is no licence with these titles: %v", want)
	}
}

// stretched makes everything as long as it may be.
func stretched(kind string) Sheet {
	long := func(n int) string {
		return string([]rune(strings.Repeat("根据《中华人民共和国行政许可法》第十二条（2019年修正）之规定，", n/20+1))[:n])
	}
	s := Sheet{
		Kind: kind, Title: long(maxTitle), TitleEn: strings.Repeat("Long English ", 12), Number: long(maxName),
		Identifier: strings.Repeat("1.2.156.3005.2", 8), Holder: long(maxHolder), HolderIDType: long(maxName),
		HolderID: strings.Repeat("9", maxHolder), Validity: long(maxHolder), Issuer: long(maxName), IssueDate: long(maxName),
	}
	for range 12 {
		s.Rows = append(s.Rows, Row{long(maxName), strings.Repeat("Label ", 13), long(150)})
	}
	s.Rows = append(s.Rows, Row{"经营范围", "Scope", long(maxValue)})
	return s
}

// Sheets at the limits of what is possible still overflow nowhere.
func TestExtremes(t *testing.T) {
	t.Parallel()
	portrait := portraitJPEG(t)
	var couple bytes.Buffer // a picture of two people is wider than high
	if err := png.Encode(&couple, image.NewGray(image.Rect(0, 0, 53, 35))); err != nil {
		t.Fatal(err)
	}
	wide := &Code{Modules: make([][]bool, maxModules), Caption: strings.Repeat("扫", maxName)}
	for i := range wide.Modules {
		wide.Modules[i] = make([]bool, maxModules)
	}
	for _, kind := range kinds {
		short := Sheet{Kind: kind, Title: "证"}
		scope := Sheet{Kind: kind, Title: "营业执照", Holder: "合肥测试样例科技有限公司", Number: "91340199XN0000012Q", Issuer: "合肥市市场监督管理局"}
		scope.Rows = []Row{{"经营范围", "Business scope", strings.Repeat("软件开发；技术咨询；", 200)}} // 2,000 characters
		lines := Sheet{Kind: kind, Title: "户口簿", Rows: []Row{{"成员", "Members", strings.Repeat("甲\n", 300)}}}
		word := Sheet{Kind: kind, Title: "字母", Rows: []Row{{"代码", "Code", strings.Repeat("W", 1500)}}}
		many := Sheet{Kind: kind, Title: "很多", Code: wide}
		for i := range maxRows {
			many.Rows = append(many.Rows, Row{fmt.Sprintf("第%d项", i+1), "Item", strings.Repeat("值", i)})
		}
		full := stretched(kind)
		full.Code = wide
		full.Photo = &Photo{Data: portrait, Caption: strings.Repeat("照", maxName)}
		for range maxPictures {
			full.Pictures = append(full.Pictures, Photo{Data: portrait, Caption: strings.Repeat("图", maxName)})
		}
		pictures := Sheet{Kind: kind, Title: "图片", Holder: "甲、乙", Photo: &Photo{Data: couple.Bytes(), Caption: "合影"}}
		for i := range 9 {
			pictures.Pictures = append(pictures.Pictures, Photo{Data: portrait, Caption: fmt.Sprintf("图片%d", i+1)})
		}
		tests := []struct {
			name        string
			sheet       Sheet
			least, most int // pages
		}{
			{"almost nothing", short, 1, 1}, {"2,000 characters", scope, 2, 3}, {"300 lines", lines, 5, 9},
			{"one long word", word, 1, 3}, {"100 rows", many, 4, 12}, {"everything at its longest", full, 8, 30},
			{"nine pictures", pictures, 1, 3},
		}
		for _, test := range tests {
			t.Run(kind+"/"+test.name, func(t *testing.T) {
				t.Parallel()
				l := arranged(t, test.sheet)
				checkPlaces(t, l)
				if n := len(l.pages); n < test.least || n > test.most {
					t.Errorf("%d pages, want %d to %d", n, test.least, test.most)
				}
				r := mustPage(t, test.sheet)
				path := save(t, r.PDF)
				if out := tooltest.Run(t, "qpdf", "--check", path); !strings.Contains(out, "No syntax or stream encoding errors") {
					t.Errorf("qpdf: %s", out)
				}
				if out := strings.TrimSpace(tooltest.Run(t, "qpdf", "--show-npages", path)); out != fmt.Sprint(r.Pages) {
					t.Errorf("qpdf counts %s pages, Rendered says %d", out, r.Pages)
				}
			})
		}
	}
}

var kinds = []string{"证件", "执照", "许可证", "资格证书", "资质证书", "登记证书", "证明文件", "批文批复", "鉴定报告"}

// A value that goes on to another page loses no character, and the pages say whose
// they are.
func TestContinuationIsComplete(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"证件", "执照", "批文批复"} {
		var value strings.Builder
		for i := range 500 {
			fmt.Fprintf(&value, "第%d项；", i)
		}
		s := Sheet{Kind: kind, Title: "营业执照", Number: "91340199XN0000012Q", Holder: "合肥测试样例科技有限公司",
			Rows: []Row{{"经营范围", "Business scope", value.String()}, {"备注", "Remarks", "最后一行"}}, Issuer: "合肥市市场监督管理局"}
		r := mustPage(t, s)
		if r.Pages < 2 || r.SealPage != 1 {
			t.Fatalf("%s: %d pages, seal on %d", kind, r.Pages, r.SealPage)
		}
		path := save(t, r.PDF)
		var whole string
		for page := 1; page <= r.Pages; page++ {
			text := squeeze(tooltest.Run(t, "pdftotext", "-enc", "UTF-8", "-raw", "-f", fmt.Sprint(page), "-l", fmt.Sprint(page), path, "-"))
			for _, want := range []string{"营业执照", s.Number, s.Holder, fmt.Sprintf("第%d页，共%d页", page, r.Pages)} {
				if !strings.Contains(text, want) {
					t.Errorf("%s: page %d does not say %s", kind, page, want)
				}
			}
			whole += text
		}
		lost := 0
		for i := range 500 {
			if !strings.Contains(whole, fmt.Sprintf("第%d项；", i)) {
				lost++
			}
		}
		if lost >= r.Pages { // one may be cut at each end of a page
			t.Errorf("%s: %d of 500 items are lost", kind, lost)
		}
		if !strings.Contains(whole, "最后一行") || !strings.Contains(whole, "续见附页") {
			t.Errorf("%s: the last row or the note is missing", kind)
		}
	}
}

func TestPageRefuses(t *testing.T) {
	t.Parallel()
	code := testCode(t, "1")
	uneven := &Code{Modules: slices.Clone(code.Modules)}
	uneven.Modules[3] = nil
	noZone := &Code{Modules: make([][]bool, 29)}
	for i := range noZone.Modules {
		noZone.Modules[i] = make([]bool, 29)
		noZone.Modules[i][0] = true
	}
	tests := []struct {
		name   string
		change func(*Sheet)
		is     error
		want   string
	}{
		{"unknown kind", func(s *Sheet) { s.Kind = "牌照" }, ErrSheet, `kind "牌照"`},
		{"no title", func(s *Sheet) { s.Title = "" }, ErrSheet, "title is empty"},
		{"long title", func(s *Sheet) { s.Title = strings.Repeat("长", 61) }, ErrSheet, "title: 61 characters"},
		{"line end in a label", func(s *Sheet) { s.Rows = []Row{{"甲\n乙", "", "丙"}} }, ErrSheet, "a line end"},
		{"long value", func(s *Sheet) { s.Rows = []Row{{"备注", "", strings.Repeat("长", 5001)}} }, ErrSheet, "备注: 5001 characters"},
		{"too many rows", func(s *Sheet) { s.Rows = make([]Row, 101) }, ErrSheet, "101 rows"},
		{"too many pictures", func(s *Sheet) { s.Pictures = make([]Photo, 21) }, ErrSheet, "21 pictures"},
		{"small code", func(s *Sheet) { s.Code = &Code{} }, ErrSheet, "code: 0 modules"},
		{"uneven code", func(s *Sheet) { s.Code = uneven }, ErrSheet, "row 3 has 0 modules"},
		{"code without a quiet zone", func(s *Sheet) { s.Code = noZone }, ErrSheet, "no quiet zone"},
		{"photograph that is none", func(s *Sheet) { s.Photo = &Photo{Data: []byte("hello")} }, typeset.ErrImage, "photograph"},
		{"picture that is none", func(s *Sheet) { s.Pictures = []Photo{{Caption: "指纹"}} }, typeset.ErrImage, "picture 1 (指纹)"},
		{"attachment with a path", func(s *Sheet) { s.Attachment = &Attachment{Name: "a/b", MediaType: "text/plain"} }, typeset.ErrAttachment, "a/b"},
		{"not UTF-8", func(s *Sheet) { s.Holder = "\xff" }, typeface.ErrNotUTF8, "holder"},
	}
	for _, test := range tests {
		s := Sheet{Kind: "许可证", Title: "样例许可证"}
		test.change(&s)
		if _, err := Page(s); !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: Page = %v, want %v with %q", test.name, err, test.is, test.want)
		}
	}
	var missing *typeface.MissingRuneError
	_, err := Page(Sheet{Kind: "证件", Title: "居民身份证", Rows: []Row{{"姓名", "Name", "王𪚥"}}})
	if !errors.As(err, &missing) || missing.Rune != '𪚥' || !strings.Contains(err.Error(), "姓名: U+2A6A5 '𪚥' in \"王𪚥\"") {
		t.Errorf("Page with a character nobody has = %v, want a MissingRuneError that names the field", err)
	}
}

func TestEmptyRowsAreLeftOut(t *testing.T) {
	t.Parallel()
	s := Sheet{Kind: "许可证", Title: "样例", Rows: []Row{{"空行", "Empty", ""}, {"空白", "Blank", " \n"}, {"项目", "Item", "值"}}}
	got := pageText(t, save(t, mustPage(t, s).PDF))
	if !strings.Contains(got, "项目") || strings.Contains(got, "空") || strings.Contains(got, "持证主体") || strings.Contains(got, "发证") {
		t.Errorf("the page says %q", got)
	}
}

func TestSameSheetSameBytes(t *testing.T) {
	t.Parallel()
	s := samples(t)[0]
	if !bytes.Equal(mustPage(t, s).PDF, mustPage(t, s).PDF) {
		t.Error("the same sheet gives different bytes")
	}
}

func TestSignedFormTravelsInside(t *testing.T) {
	t.Parallel()
	s := samples(t)[65]
	path := save(t, mustPage(t, s).PDF)
	saved := filepath.Join(t.TempDir(), "out")
	tooltest.Run(t, "pdfdetach", "-save", "1", "-o", saved, path)
	got, err := os.ReadFile(saved)
	if err != nil || !bytes.Equal(got, s.Attachment.Data) {
		t.Errorf("pdfdetach saves %q (%v), want %q", got, err, s.Attachment.Data)
	}
}

// The code on the page, drawn by poppler at what a poor printer gives, reads.
func TestCodeReadsFromThePage(t *testing.T) {
	t.Parallel()
	s := samples(t)[0]
	want := "https://localhost/v#" + strings.Repeat("1234567890", 42)
	path := save(t, mustPage(t, s).PDF)
	picture := strings.TrimSuffix(path, ".pdf")
	tooltest.Run(t, "pdftoppm", "-r", "200", "-png", "-singlefile", path, picture)
	got := strings.TrimSpace(tooltest.Run(t, "zbarimg", "--nodbus", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", picture+".png"))
	if got != want {
		t.Errorf("zbarimg reads %q, want %q", got, want)
	}
}

func BenchmarkPage(b *testing.B) {
	sheets := samples(b)
	mustPage(b, sheets[0]) // parse the faces
	for _, i := range []int{0, 65, 159} {
		s := sheets[i]
		b.Run(s.Kind, func(b *testing.B) {
			for b.Loop() {
				mustPage(b, s)
			}
		})
	}
}

// Whatever the texts say, everything keeps its place.
func FuzzPlaces(f *testing.F) {
	f.Add(uint8(0), "营业执照", "Business Licence", "合肥测试样例科技有限公司", "经营范围", "软件开发；技术咨询", uint8(12), uint8(3))
	f.Add(uint8(1), strings.Repeat("长", 40), strings.Repeat("W", 100), "龘", "近三年研发费用占销售收入比例(%)", strings.Repeat("甲\n", 60), uint8(1), uint8(0))
	f.Add(uint8(7), "、、、、", "", "", "“", "    ", uint8(40), uint8(9))
	var dot bytes.Buffer
	if err := png.Encode(&dot, image.NewGray(image.Rect(0, 0, 3, 4))); err != nil {
		f.Fatal(err)
	}
	portrait := dot.Bytes()
	code := testCode(f, "1")
	f.Fuzz(func(t *testing.T, kind uint8, title, titleEn, holder, label, value string, rows, pictures uint8) {
		s := Sheet{Kind: kinds[int(kind)%len(kinds)], Title: title, TitleEn: titleEn, Holder: holder, Number: label,
			Issuer: title, IssueDate: titleEn, Code: code, Validity: holder}
		for i := range rows % 64 {
			s.Rows = append(s.Rows, Row{label, titleEn, strings.Repeat(value, int(i%3)+1)})
		}
		for range pictures % 12 {
			s.Pictures = append(s.Pictures, Photo{Data: portrait, Caption: label})
		}
		if pictures%2 == 1 {
			s.Photo = &Photo{Data: portrait, Caption: holder}
		}
		l, err := newLayout(&s)
		var missing *typeface.MissingRuneError
		if errors.Is(err, ErrSheet) || errors.Is(err, typeface.ErrNotUTF8) || errors.As(err, &missing) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		l.arrange()
		checkPlaces(t, l)
		if err := l.draw(typeset.New(typeset.Info{})); err != nil {
			t.Fatal(err)
		}
	})
}
