package report_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/inspect"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/internal/report"
	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/internal/typeset"
	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/qr/verify"
	"github.com/elicence/elicence/seal/pdf"
	"github.com/elicence/elicence/seal/placement"
)

// sealed is a document of an office with its seal, and the office's inspector.
func sealed(tb testing.TB, f *officetest.Fixture) ([]byte, *inspect.Inspector) {
	tb.Helper()
	doc := typeset.New(typeset.Info{Title: "合同"})
	doc.Page(210, 297)
	b, err := doc.PDF()
	if err != nil {
		tb.Fatal(err)
	}
	opened, err := pdf.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		tb.Fatal(err)
	}
	stamped, err := f.Office.Stamp(context.Background(), "test", opened, office.StampRequest{SealID: f.Seal.ID, Place: placement.Place{Pages: "1", X: 60, Y: 60}})
	if err != nil {
		tb.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := stamped.WriteTo(&out); err != nil {
		tb.Fatal(err)
	}
	i, err := f.Office.Inspector(context.Background(), second.Opinion{})
	if err != nil {
		tb.Fatal(err)
	}
	return out.Bytes(), i
}

func of(tb testing.TB, i *inspect.Inspector, name string, content []byte) report.Report {
	tb.Helper()
	found, err := i.File(context.Background(), content)
	if err != nil {
		tb.Fatal(err)
	}
	digest := sm3.Sum(content)
	return report.Report{File: name, Size: int64(len(content)), SM3: hex.EncodeToString(digest[:]), At: time.Date(2026, 11, 26, 2, 3, 4, 0, time.UTC), Inspection: found}
}

var (
	han     = regexp.MustCompile(`\p{Han}`)
	english = regexp.MustCompile(`(?:<span>([^<]*)</span> |>)<span lang="en">([^<]+)</span>`)
)

// inEnglishOnly lists what a page says without saying it in Chinese first.
func inEnglishOnly(page string) []string {
	var all []string
	for _, m := range english.FindAllStringSubmatch(page, -1) {
		if !han.MatchString(m[1]) && !strings.Contains(page, "<br>"+m[0][strings.Index(m[0], "<span"):]) {
			all = append(all, m[2])
		}
	}
	return all
}

// TestReport: the page says what was decided and by whom it was signed, with the seal
// itself, in both forms; a changed file is said to be changed.
func TestReport(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	file, i := sealed(t, f)
	changed := append(bytes.Clone(file), "% more"...)
	for _, tt := range []struct {
		name    string
		content []byte
		verdict verify.Verdict
		want    []string // in both forms
	}{
		{"好.pdf", file, verify.Valid, []string{"安徽省测试局", "签名有效", "the whole file", f.Seal.ID, "10:03:04 UTC+8", "页面图案与印章一致", "Picture on the page", "Step by step", "For experts", "未吊销 not revoked ledger", "字节 bytes"}},
		{"坏.pdf", changed, verify.Tampered, []string{"安徽省测试局", "内容被改动", "belong to none", "签章后文件被改动：文件末尾另有不属于任何一版的数据", "签署之后文件被改动：", "最后一个签名之后文件另有内容"}},
		{`<script>alert(1)</script>\U0001F600`, file, verify.Valid, []string{"签名有效"}},
	} {
		r := of(t, i, tt.name, tt.content)
		for _, line := range report.Lines(r.Inspection.Document) {
			if !han.MatchString(line) {
				t.Errorf("%s: the terminal shows %q", tt.name, line)
			}
		}
		if r.Inspection.Verdict != tt.verdict {
			t.Fatalf("%s: %s, %s", tt.name, r.Inspection.Verdict, r.Inspection.Cause)
		}
		page, err := r.HTML()
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range tt.want {
			if !strings.Contains(html.UnescapeString(string(page)), want) {
				t.Errorf("%s: the page does not say %q", tt.name, want)
			}
		}
		if strings.Contains(string(page), "<script") || !strings.Contains(string(page), `src="data:image/png;base64,iVBOR`) || strings.Contains(string(page), "ZgotmplZ") {
			t.Errorf("%s: a script, or no seal", tt.name)
		}
		for _, english := range inEnglishOnly(string(page)) {
			t.Errorf("%s: the page says %q in English only", tt.name, english)
		}
		paper, err := r.PDF()
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "report.pdf")
		if err := os.WriteFile(path, paper, 0o600); err != nil {
			t.Fatal(err)
		}
		text := strings.Join(strings.Fields(tooltest.Run(t, "pdftotext", "-layout", path, "-")), "")
		for _, want := range tt.want {
			if !strings.Contains(text, strings.ReplaceAll(want, " ", "")) {
				t.Errorf("%s: the paper does not say %q", tt.name, want)
			}
		}
		sheets := strings.Count(tooltest.Run(t, "pdftotext", path, "-"), "\f")
		for page := 1; page <= sheets; page++ {
			if want := fmt.Sprintf("第%d页，共%d页page%dof%d", page, sheets, page, sheets); !strings.Contains(text, want) {
				t.Errorf("%s: no page of the paper says %q", tt.name, want)
			}
		}
		if again, err := r.PDF(); err != nil || !bytes.Equal(again, paper) {
			t.Errorf("%s: the same report is another file", tt.name)
		}
		tooltest.CleanPDF(t, tt.name, paper, 0)
	}
}

// TestReportOfPrint: held against the code on a print, the report says which document the
// code names and what came to the file since.
func TestReportOfPrint(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	file, i := sealed(t, f)
	r := of(t, i, "合同.pdf", file)
	r.Inspection.Code = &verify.Result{Document: &verify.Document{Number: "合采〔2026〕12号", Seals: []string{"34010000000009"}}}
	r.Inspection.Document.Since = []inspect.ChangeFinding{{Kind: "modified", Revision: 3, What: "page 1 was changed", Code: "page_entry", Page: 1, Name: "Contents"}}
	page, err := r.HTML()
	if err != nil {
		t.Fatal(err)
	}
	paper, err := r.PDF()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "report.pdf")
	if err := os.WriteFile(path, paper, 0o600); err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(tooltest.Run(t, "pdftotext", "-layout", path, "-")), "")
	for _, want := range []string{"合采〔2026〕12号", "34010000000009", "印码之后", "第 3 版：第 1 页的内容被改动（/Contents）", "version 3: page 1 was changed"} {
		if !strings.Contains(html.UnescapeString(string(page)), want) {
			t.Errorf("the page does not say %q", want)
		}
		if !strings.Contains(text, strings.ReplaceAll(want, " ", "")) {
			t.Errorf("the paper does not say %q", want)
		}
	}
}

// TestUnsigned: a picture on a page is no seal.
func TestUnsigned(t *testing.T) {
	t.Parallel()
	r := report.Report{File: "x.pdf", Inspection: inspect.Inspection{Verdict: verify.NoData, Document: &inspect.PDFInspection{
		Format: "PDF", Pages: 1, Cautions: []inspect.CautionFinding{{Kind: "script", What: "page 1 runs a script"}},
	}}}
	page, err := r.HTML()
	if err != nil || !strings.Contains(string(page), "页面上的图案不算印章") || !strings.Contains(string(page), "page 1 runs a script") {
		t.Errorf("%v: %s", err, page)
	}
}

// TestIntegrity: what the list of an OFD's files is worth is said whether or not it holds.
func TestIntegrity(t *testing.T) {
	t.Parallel()
	for want, list := range map[string]*inspect.IntegrityFinding{
		"文件无增无减": {Valid: true, Signer: "某局"},
		"不作数":    {Cause: "files: x was added"},
	} {
		d := &inspect.PDFInspection{Format: "OFD", Pages: 1, Integrity: list}
		page, err := report.Report{File: "x.ofd", Inspection: inspect.Inspection{Verdict: verify.NoData, Document: d}}.HTML()
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Join(report.Lines(d), "\n")
		for _, text := range []string{string(page), lines} {
			if !strings.Contains(text, want) || !strings.Contains(text, list.Signer+list.Cause) {
				t.Errorf("%q is not in %s", want, text)
			}
		}
	}
}

// TestLongReport: many signatures with long texts, and characters that no face has, go
// on over pages.
func TestLongReport(t *testing.T) {
	t.Parallel()
	document := &inspect.PDFInspection{Format: "PDF", Pages: 3}
	for range 12 {
		document.Signatures = append(document.Signatures, inspect.SignatureFinding{
			Kind: "unknown", Signer: strings.Repeat("很长的名字😀\u202e\x00", 40), Cause: strings.Repeat("because ", 60), Verdict: verify.NoData,
			Checks: []inspect.Check{{Name: "structure", Cause: strings.Repeat("x", 300)}, {Name: "another"}}, Changes: []inspect.ChangeFinding{{Kind: "modified", What: "everything"}},
			Certificates: []inspect.CertificateFinding{{Subject: "CN=\xff甲"}},
		})
	}
	r := report.Report{File: "x.pdf", Inspection: inspect.Inspection{Verdict: verify.NoData, Document: document}}
	paper, err := r.PDF()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := pdf.Open(bytes.NewReader(paper), int64(len(paper)))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := doc.NumPages(); err != nil || n < 5 {
		t.Errorf("%d pages, %v", n, err)
	}
}

// TestSealNotDrawn: where the seal is not drawn nobody is sent to compare it.
func TestSealNotDrawn(t *testing.T) {
	t.Parallel()
	for picture, want := range map[string]string{"": "nor is the seal drawn here. why", "\x89PNG": "compare it with this seal. why"} {
		r := report.Report{File: "x.ofd", Inspection: inspect.Inspection{Verdict: verify.NoData, Document: &inspect.PDFInspection{
			Signatures: []inspect.SignatureFinding{{Kind: "seal", SealInfo: &inspect.SealFinding{OnPage: "unknown", OnPageWhy: "why", Picture: []byte(picture)}}},
		}}}
		page, err := r.HTML()
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(page), want) || !strings.Contains(string(page), `<p class="amber-ink"><span>无法比对`) {
			t.Errorf("%q: the page does not say %q, in amber", picture, want)
		}
	}
}
