package render

import (
	"bytes"
	"encoding/csv"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/skip2/go-qrcode"
)

// readCSV reads a file of the catalogue as one map a row.
func readCSV(t testing.TB, name string) []map[string]string {
	t.Helper()
	file, err := os.ReadFile("../catalogue/" + name)
	if err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(bytes.NewReader(file)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var rows []map[string]string
	for _, record := range records[1:] {
		row := make(map[string]string)
		for i, cell := range record {
			row[records[0][i]] = cell
		}
		rows = append(rows, row)
	}
	return rows
}

// samples are the sheets of all categories with the catalogue's example values.
func samples(t testing.TB) []Sheet {
	t.Helper()
	fields := make(map[string][]map[string]string)
	for _, f := range readCSV(t, "fields.csv") {
		fields[f["id"]] = append(fields[f["id"]], f)
	}
	portrait := portraitJPEG(t)
	code := testCode(t, strings.Repeat("1234567890", 42))
	var sheets []Sheet
	for i, c := range readCSV(t, "categories.csv") {
		s := Sheet{
			Kind: c["kind"], Title: c["name_zh"], TitleEn: c["name_en"], Number: c["number_example"],
			Identifier: "1.2.156.3005.2." + c["code"] + ".11340199XN00000017.7F3A9C0D1E2B4A5F6C7.001.K",
			Issuer:     "合肥市测试区" + strings.TrimPrefix(c["defining_agency_zh"], "国家"), IssueDate: "2024年1月1日",
			Validity: "2024-01-01 至 2029-01-01", Code: code,
			Attachment: &Attachment{Name: c["id"] + ".cbor", MediaType: "application/cose", Data: []byte("signed form " + c["id"])},
			Time:       time.Date(2024, 1, 1, 8, 0, 0, 0, time.FixedZone("", 8*3600)), ID: [16]byte{1, byte(i)},
		}
		if c["validity"] == "long-term" {
			s.Validity = "长期"
		}
		s.Holder, s.HolderIDType, s.HolderID = "欧阳龘䶮", "居民身份证", "340199190001010012"
		if c["holder_type"] != "natural_person" {
			s.Holder, s.HolderIDType, s.HolderID = "合肥测试样例科技有限公司", "统一社会信用代码", "91340199XN0000012Q"
		}
		for _, f := range fields[c["id"]] {
			switch {
			case f["type"] == "image" && s.Photo == nil && strings.Contains(f["name_zh"], "照片"):
				s.Photo = &Photo{Data: portrait}
			case f["type"] == "image":
				s.Pictures = append(s.Pictures, Photo{Data: portrait, Caption: f["name_zh"]})
			default:
				s.Rows = append(s.Rows, Row{f["name_zh"], f["name_en"], f["example"]})
			}
		}
		sheets = append(sheets, s)
	}
	return sheets
}

func testCode(t testing.TB, text string) *Code {
	t.Helper()
	code, err := qrcode.New("https://localhost/v#"+text, qrcode.High) // the library's High is level Q
	if err != nil {
		t.Fatal(err)
	}
	return &Code{Modules: code.Bitmap(), Caption: "扫码核验 Scan to verify"}
}

// portraitJPEG draws somebody who does not exist, with the proportions of a
// citizen's photograph.
func portraitJPEG(t testing.TB) []byte {
	t.Helper()
	const width, height = 358, 441
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	inside := func(x, y, cx, cy, rx, ry float64) bool { return math.Hypot((x-cx)/rx, (y-cy)/ry) < 1 }
	for py := range height {
		for px := range width {
			x, y := float64(px), float64(py)
			c := color.RGBA{236, 240, 245, 255}
			switch {
			case inside(x, y, 179, 190, 78, 104) && y > 120:
				c = color.RGBA{235, 203, 178, 255}
			case inside(x, y, 179, 165, 92, 105):
				c = color.RGBA{40, 36, 34, 255}
			case inside(x, y, 179, 470, 165, 150):
				c = color.RGBA{48, 62, 92, 255}
			}
			m.SetRGBA(px, py, c)
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 85}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
