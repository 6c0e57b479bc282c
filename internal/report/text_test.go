package report_test

import (
	"strings"
	"testing"

	"github.com/elicence/elicence/internal/inspect"
	"github.com/elicence/elicence/internal/report"
	"github.com/elicence/elicence/qr/verify"
)

// TestLines: what people must know of a document is said where they see its verdict.
func TestLines(t *testing.T) {
	t.Parallel()
	place := &inspect.PlaceFinding{X: 10, Y: 10, Width: 40, Height: 40}
	on := func(pages ...int) []inspect.SeenFinding {
		var seen []inspect.SeenFinding
		for _, p := range pages {
			seen = append(seen, inspect.SeenFinding{Page: p, State: "same"})
		}
		return seen
	}
	sound := inspect.SignatureFinding{Field: "Seal1", Signer: "某局", Page: 1, Place: place, Valid: true, RevocationChecked: true, CauseZH: "签名有效", Verdict: verify.Valid}
	with := func(change func(*inspect.SignatureFinding)) inspect.PDFInspection {
		s := sound
		change(&s)
		return inspect.PDFInspection{Signatures: []inspect.SignatureFinding{s}}
	}
	title := "赠与"
	for name, tt := range map[string]struct {
		found inspect.PDFInspection
		want  []string
	}{
		"one page":      {with(func(*inspect.SignatureFinding) {}), []string{"第 1 页 page 1  ✓"}},
		"its places":    {with(func(s *inspect.SignatureFinding) { s.Seen = on(1, 1, 2, 3, 7, 9, 8) }), []string{"第 1-3、7-9 页 pages 1-3, 7-9"}},
		"nowhere":       {with(func(s *inspect.SignatureFinding) { s.Place = nil }), []string{"不显示 not shown"}},
		"for a purpose": {with(func(s *inspect.SignatureFinding) { s.Reason = "合同用印" }), []string{"事由 reason  合同用印"}},
		"broken": {with(func(s *inspect.SignatureFinding) {
			s.Valid, s.CauseZH, s.Cause, s.RevocationChecked = false, "签章人的证书不受信任", "certificate: unknown", false
		}), []string{"✗ 签章人的证书不受信任  certificate: unknown  未查吊销 revocation not known"}},
		"proven": {with(func(s *inspect.SignatureFinding) { s.ProvenAt, s.ProvenBy = "2026-05-01T00:00:00Z", "某时间戳" }), []string{"经证明不晚于", "2026-05-01 08:00:00 UTC+8  某时间戳"}},
		"not compared": {with(func(s *inspect.SignatureFinding) {
			s.SealInfo = &inspect.SealFinding{OnPage: "unknown", OnPageWhy: "an OFD page"}
		}), []string{"注意 caution", "无法比对页面图案", "an OFD page"}},
		"not drawn": {with(func(s *inspect.SignatureFinding) {
			s.SealInfo = &inspect.SealFinding{OnPage: "drawn", OnPageWhy: "text in a font of the machine"}
		}), []string{"注意 caution", "印章图案无法绘出", "font of the machine"}},
		"changed": {with(func(s *inspect.SignatureFinding) {
			s.Changes = []inspect.ChangeFinding{
				{Kind: "metadata", Revision: 2, What: "the title", Code: "information_changed", Entries: []inspect.EntryFinding{{Name: "Title", New: &title}}},
				{Kind: "signature", Revision: 3, What: "another one", Code: "signature_added"},
			}
		}), []string{"签署之后 after it  修改文档属性（页面所见未变） Metadata changed, nothing that a page shows  修改了文档属性：标题由无文字改为“赠与”（阅读器的窗口可能显示）  the title"}},
		"a script":      {inspect.PDFInspection{Cautions: []inspect.CautionFinding{{Kind: "script", What: "page 1 runs one"}}}, []string{"注意 caution  含脚本", "page 1 runs one"}},
		"not protected": {inspect.PDFInspection{Uncovered: "one file is not"}, []string{"one file is not"}},
	} {
		text := strings.Join(report.Lines(&tt.found), "\n")
		for _, want := range tt.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q does not say %q", name, text, want)
			}
		}
		if strings.Contains(text, "another one") {
			t.Errorf("%s: %q says twice that there is another signature", name, text)
		}
	}
}

// TestOneLine: a document's words do not write on the terminal what they want.
func TestOneLine(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"合同专用章 Seal 1　✓":       "合同专用章 Seal 1　✓",
		"a\r\n✓ 有效":            "a��✓ 有效",
		"\x1b[2J\u009b31m":     "�[2J�31m",
		"1\u202e0\u200b\u2028": "1�0��",
		"\xff":                 "�",
	} {
		if got := report.OneLine(in); got != want {
			t.Errorf("OneLine(%q) = %q, want %q", in, got, want)
		}
	}
}

// TestQuietPage: no name of a stranger turns the direction of reading on a page.
func TestQuietPage(t *testing.T) {
	t.Parallel()
	turned := "Li\u202e\u2066\x07Ming"
	r := report.Report{File: turned, Inspection: inspect.Inspection{Cause: turned, Document: &inspect.PDFInspection{Signatures: []inspect.SignatureFinding{{
		Signer: turned, Field: turned, Checks: []inspect.Check{{Name: "changes", Cause: turned}}, Certificates: []inspect.CertificateFinding{{Subject: turned}},
	}}}}}
	page, err := r.HTML()
	if err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(string(page), "\u202e\u2066\x07") || strings.Count(string(page), "Li\ufffd\ufffd\ufffdMing") < 6 {
		t.Errorf("the page is %s", page)
	}
}
