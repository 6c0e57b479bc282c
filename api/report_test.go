package api_test

import (
	"bytes"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/elicence/elicence/internal/tooltest"
)

// asked is an answer to a POST.
type asked struct {
	status int
	header http.Header
	body   []byte
}

func (a asked) is(mediaType string) bool {
	return strings.HasPrefix(a.header.Get("Content-Type"), mediaType)
}

func (s *service) postTo(tb testing.TB, path, contentType, accept string, body []byte) asked {
	tb.Helper()
	request, err := http.NewRequest(http.MethodPost, s.url+path, bytes.NewReader(body)) //nolint:noctx // a test's own server
	if err != nil {
		tb.Fatal(err)
	}
	request.Header.Set("Content-Type", contentType)
	if accept != "" {
		request.Header.Set("Accept", accept)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		tb.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return asked{response.StatusCode, response.Header, content}
}

// form is a form with one file.
func form(tb testing.TB, field, name string, content []byte) (string, []byte) {
	tb.Helper()
	var out bytes.Buffer
	w := multipart.NewWriter(&out)
	part, err := w.CreateFormFile(field, name)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := part.Write(content); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return w.FormDataContentType(), out.Bytes()
}

// TestReport: a document's verification comes as JSON, as a page or as a PDF, as the
// caller asks, and says the same; what is no document has no report.
func TestReport(t *testing.T) {
	t.Parallel()
	s := newService(t)
	const path = "/v1/verifications"
	broken := bytes.Clone(s.pdf)
	broken[len(broken)/3] ^= 1
	for _, tt := range []struct {
		name, path, accept string
		body               []byte
		want, says         string
	}{
		{"nothing said", path, "", s.pdf, "application/json", `"verdict":"valid"`},
		{"anything", path, "*/*", s.pdf, "application/json", `"verdict":"valid"`},
		{"a browser", path, "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", s.pdf, "text/html", "有效"},
		{"HTML is worse", path, "text/html;q=0.5, application/json", s.pdf, "application/json", `"verdict":"valid"`},
		{"by parameter", path + "?format=html&name=%E5%90%88%E5%90%8C.pdf", "application/json", s.pdf, "text/html", "合同.pdf"},
		{"JSON by parameter", path + "?format=json", "text/html", s.pdf, "application/json", `"verdict":"valid"`},
		{"a changed file", path + "?format=html", "", broken, "text/html", "篡改"},
		{"a name that is none", path + "?format=html&name=..%2F..%2Fpasswd", "", s.pdf, "text/html", "passwd"},
	} {
		a := s.postTo(t, tt.path, "application/pdf", tt.accept, tt.body)
		if a.status != http.StatusOK || !a.is(tt.want) || !bytes.Contains(a.body, []byte(tt.says)) || bytes.Contains(a.body, []byte("../")) {
			t.Errorf("%s: %d, %s, %.300s", tt.name, a.status, a.header.Get("Content-Type"), a.body)
		}
		if policy := a.header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "sandbox") != (tt.want == "text/html") {
			t.Errorf("%s: policy %q", tt.name, policy)
		}
	}
	for _, how := range []asked{
		s.postTo(t, path+"?format=pdf&name=%E5%90%88%E5%90%8C.pdf", "application/pdf", "", s.pdf),
		s.postTo(t, path+"?name=%E5%90%88%E5%90%8C.pdf", "application/octet-stream", "application/pdf", s.pdf),
	} {
		if how.status != http.StatusOK || !how.is("application/pdf") || !strings.Contains(how.header.Get("Content-Disposition"), "%E5%90%88%E5%90%8C.pdf.report.pdf") {
			t.Fatalf("as PDF: %d, %v, %.200s", how.status, how.header, how.body)
		}
		file := s.file(t, "report.pdf", how.body)
		tooltest.Run(t, "qpdf", "--check", file)
		if text := tooltest.Run(t, "pdftotext", file, "-"); !strings.Contains(text, "有效") || !strings.Contains(text, "合同.pdf") {
			t.Errorf("the PDF says %s", text)
		}
	}
	for name, tt := range map[string]struct {
		path, contentType string
		body              []byte
		status            int
	}{
		"a code":                    {path + "?format=html", "text/plain", []byte(s.code), http.StatusUnprocessableEntity},
		"a picture":                 {path + "?format=pdf", "image/png", s.png, http.StatusUnprocessableEntity},
		"another format":            {path + "?format=docx", "application/pdf", s.pdf, http.StatusUnprocessableEntity},
		"a long code":               {path, "text/plain", bytes.Repeat([]byte("1"), 70<<10), http.StatusRequestEntityTooLarge},
		"a type that is not judged": {path, "text/html", s.pdf, http.StatusUnsupportedMediaType},
		"nothing":                   {path, "application/pdf", nil, http.StatusBadRequest},
		"an archive that is no OFD": {path, "application/ofd", []byte("PK\x03\x04 and more"), http.StatusUnprocessableEntity},
		"a form to the wrong place": {path, "multipart/form-data; boundary=x", []byte("--x--"), http.StatusUnsupportedMediaType},
		"a document to the form":    {"/verify/report", "application/pdf", s.pdf, http.StatusUnsupportedMediaType},
		"a form that is cut off":    {"/verify/report", "multipart/form-data; boundary=x", []byte("--x\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n%PDF-1.7"), http.StatusBadRequest},
	} {
		if a := s.postTo(t, tt.path, tt.contentType, "", tt.body); a.status != tt.status {
			t.Errorf("%s: %d %s, want %d", name, a.status, a.body, tt.status)
		}
	}
	// A code asked for as a browser asks for anything is still an answer.
	if a := s.postTo(t, path, "text/plain", "text/html", []byte(s.code)); a.status != http.StatusOK || !a.is("application/json") {
		t.Errorf("a code for a browser: %d %s", a.status, a.body)
	}
	var spec struct {
		Paths map[string]map[string]struct {
			Responses map[string]struct{ Content map[string]any }
		}
	}
	if _, body := get(t, s.url+"/openapi.json", nil); json.Unmarshal([]byte(body), &spec) != nil || len(spec.Paths[path]["post"].Responses["200"].Content) != 3 {
		t.Errorf("the description of the answers: %+v", spec.Paths[path])
	}
}

// TestReportForm: the form of the page works without scripts, and says why where there is
// no report.
func TestReportForm(t *testing.T) {
	t.Parallel()
	s := newService(t)
	contentType, body := form(t, "file", `C:\我的\合同.pdf`, s.pdf)
	a := s.postTo(t, "/verify/report", contentType, "text/html", body)
	if a.status != http.StatusOK || !a.is("text/html") || !bytes.Contains(a.body, []byte("合同.pdf")) || bytes.Contains(a.body, []byte("我的")) || !strings.Contains(a.header.Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("a report: %d, %v, %.300s", a.status, a.header, a.body)
	}
	if a := s.postTo(t, "/verify/report?format=pdf", contentType, "text/html", body); a.status != http.StatusOK || !bytes.HasPrefix(a.body, []byte("%PDF-")) {
		t.Errorf("a report as PDF: %d, %.300s", a.status, a.body)
	}
	for name, tt := range map[string]struct {
		field   string
		content []byte
		says    string
	}{
		"a text":       {"file", []byte("<script>alert(1)</script>"), "无法识别的内容"},
		"damaged":      {"file", s.pdf[:len(s.pdf)/2], "PDF 已损坏"},
		"another ZIP":  {"file", []byte("PK\x03\x04 and no OFD"), "OFD 不合格式"},
		"a picture":    {"file", s.png, "报告只用于"},
		"another name": {"other", s.pdf, "没有选择文件"},
	} {
		contentType, body := form(t, tt.field, "x", tt.content)
		a := s.postTo(t, "/verify/report", contentType, "text/html", body)
		if a.status != http.StatusUnprocessableEntity || !a.is("text/html") || !bytes.Contains(a.body, []byte(tt.says)) || bytes.Contains(a.body, []byte("<script>alert")) {
			t.Errorf("%s: %d, %.600s", name, a.status, a.body)
		}
	}
	contentType, body = form(t, "file", "large.pdf", make([]byte, 65<<20))
	if a := s.postTo(t, "/verify/report", contentType, "text/html", body); a.status != http.StatusRequestEntityTooLarge {
		t.Errorf("65 MiB: %d, %.300s", a.status, a.body)
	}
}

// TestNothingIsKept: what is sent leaves no file behind, however it ends.
func TestNothingIsKept(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	s := newService(t)
	before := len(temporary(t, dir))
	for _, body := range [][]byte{s.pdf, s.pdf[:100], s.png, make([]byte, 65<<20)} {
		s.post(t, "application/pdf", body)
	}
	if left := temporary(t, dir); len(left) != before {
		t.Errorf("there stay %q", left)
	}
}

// temporary lists the uploads of a folder.
func temporary(tb testing.TB, dir string) []string {
	tb.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "elicence-upload-*"))
	if err != nil {
		tb.Fatal(err)
	}
	return found
}

// TestReportPage: a person chooses a file and reads the report in a tab of its own, and
// downloads it.
func TestReportPage(t *testing.T) {
	s := newService(t)
	b := newBrowser(t)
	file := s.file(t, "样例证照.pdf", s.pdf)
	b.do(chromedp.Navigate(s.url+"/verify"), chromedp.WaitVisible("#file"), chromedp.SetUploadFiles("#file", []string{file}))
	if a := b.answer(); a.ZH != "有效" {
		t.Fatalf("the page says %+v", a)
	}
	b.screenshot("report-form")
	// In the same tab, as a browser without tabs does, to look at what comes.
	ask(b, chromedp.Evaluate[string](`document.querySelector("#report").formTarget = ""`))
	b.do(chromedp.Click("#report"), chromedp.WaitVisible(".verdict.green"))
	text := ask(b, chromedp.Evaluate[string](`document.body.innerText`))
	for _, want := range []string{"样例证照.pdf", "有效", "张样例", "逐项核验"} {
		if !strings.Contains(text, want) {
			t.Errorf("the report does not say %s:\n%s", want, text)
		}
	}
	if drawn := ask(b, chromedp.Evaluate[bool](`[...document.images].every((i) => i.naturalWidth > 0) && document.images.length > 0`)); !drawn {
		t.Error("the report does not show the seal")
	}
	if width := ask(b, chromedp.Evaluate[int](`document.querySelector(".verdict").getBoundingClientRect().left`)); width < 1 {
		t.Error("the report has no style")
	}
	b.screenshot("report-page")
	if foreign := b.requests(func(r *network.Request) bool {
		return !strings.HasPrefix(r.URL, s.url) && !strings.HasPrefix(r.URL, "data:")
	}); len(foreign) > 0 {
		t.Errorf("the report asks other hosts: %v", foreign)
	}
	// A file that cannot be judged: words, and the way back.
	b.do(chromedp.Navigate(s.url+"/verify"), chromedp.WaitVisible("#file"), chromedp.SetUploadFiles("#file", []string{s.file(t, "note.pdf", []byte("not a PDF"))}))
	b.answer()
	ask(b, chromedp.Evaluate[string](`document.querySelector("#report").formTarget = ""`))
	b.do(chromedp.Click("#report"), chromedp.WaitVisible("[role=alert]"), chromedp.Click("main a"), chromedp.WaitVisible("#file"))
	// Without a file nothing is sent.
	sent := len(b.requests(func(r *network.Request) bool { return r.Method == "POST" }))
	b.do(chromedp.Navigate(s.url+"/verify"), chromedp.WaitVisible("#file"), chromedp.Click("#report"))
	if again := len(b.requests(func(r *network.Request) bool { return r.Method == "POST" })); again != sent {
		t.Error("a report on nothing was asked for")
	}
}
