package web

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	template "github.com/DataDog/datadog-agent/pkg/template/html"
)

func gzipped(tb testing.TB, text string) []byte {
	tb.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := io.WriteString(w, text); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// TestAssetForms: each browser gets the smallest form that it takes, a program that
// takes none gets the plain one, and who has the present one gets nothing.
func TestAssetForms(t *testing.T) {
	t.Parallel()
	assets, err := readAssets(fstest.MapFS{
		"x.wasm.br": {Data: []byte("br form")}, "x.wasm.gz": {Data: gzipped(t, "plain form")}, "y.js": {Data: []byte("a script")}, ".gitignore": {Data: []byte("*")},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(assets) != 2 {
		t.Errorf("%d assets, want x.wasm and y.js", len(assets))
	}
	get := func(name, accept, has string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Accept-Encoding", accept)
		r.Header.Set("If-None-Match", has)
		w := httptest.NewRecorder()
		assets[name].ServeHTTP(w, r)
		return w
	}
	tags := make(map[string]bool)
	for _, tt := range []struct{ name, accept, form, contentType, body string }{
		{"x.wasm", "gzip, deflate, br, zstd", "br", "application/wasm", "br form"},
		{"x.wasm", "br;q=1.0", "br", "application/wasm", "br form"},
		{"x.wasm", "gzip", "gzip", "application/wasm", string(gzipped(t, "plain form"))},
		{"x.wasm", "", "", "application/wasm", "plain form"},
		{"x.wasm", "brotli", "", "application/wasm", "plain form"},
		{"y.js", "gzip, br", "", "text/javascript; charset=utf-8", "a script"},
	} {
		w := get(tt.name, tt.accept, "")
		h := w.Header()
		if w.Code != 200 || h.Get("Content-Encoding") != tt.form || h.Get("Content-Type") != tt.contentType || w.Body.String() != tt.body || !strings.Contains(h.Get("Vary"), "Accept-Encoding") {
			t.Errorf("%s for %q: %d %v %q", tt.name, tt.accept, w.Code, h, w.Body)
		}
		tags[tt.name+h.Get("ETag")] = true
		if again := get(tt.name, tt.accept, h.Get("ETag")); again.Code != 304 || again.Body.Len() != 0 {
			t.Errorf("%s for %q again: %d", tt.name, tt.accept, again.Code)
		}
	}
	if len(tags) != 4 {
		t.Errorf("%d tags for four forms of two files", len(tags))
	}
	if _, err := readAssets(fstest.MapFS{"x.wasm.br": {Data: []byte("br form")}}); err == nil {
		t.Error("a file is there for some browsers only, and nobody says so")
	}
}

// TestServiceWorkerVersion: the version changes with every file that is kept.
func TestServiceWorkerVersion(t *testing.T) {
	t.Parallel()
	script := func(page, asset string) string {
		assets, err := readAssets(fstest.MapFS{"y.js": {Data: []byte(asset)}})
		if err != nil {
			t.Fatal(err)
		}
		worker, err := serviceWorker(map[string][]byte{"/hall": []byte(page)}, assets)
		if err != nil {
			t.Fatal(err)
		}
		return string(worker.plain)
	}
	first := script("a", "b")
	if first != script("a", "b") {
		t.Error("the same files have two versions")
	}
	if first == script("A", "b") || first == script("a", "B") {
		t.Error("a change of a file changes no version")
	}
	if !strings.Contains(first, `const files = ["/hall","y.js",];`) {
		t.Errorf("the list of files is wrong: %.200s", first)
	}
}

// TestModulesAreNamed: a page names every module that its script leads to, in the one
// form of import that is looked for.
func TestModulesAreNamed(t *testing.T) {
	t.Parallel()
	assets, err := prefixed(fstest.MapFS{})
	if err != nil {
		t.Fatal(err)
	}
	for name, a := range assets {
		if !strings.HasSuffix(name, ".js") {
			continue
		}
		if forms, ours := bytes.Count(a.plain, []byte(`from "./`)), len(importLine.FindAll(a.plain, -1)); forms != ours {
			t.Errorf("%s has %d imports, %d of the form that is looked for", name, forms, ours)
		}
	}
	got := strings.Join(imported(assets, "paper.js"), " ")
	if want := "answer.js picture.js server.js words.js worker.js"; got != want {
		t.Errorf("paper.js imports %s, want %s", got, want)
	}
	templates, err := template.ParseFS(files, "templates/*.html")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := renderPages(templates, assets, true)
	if err != nil {
		t.Fatal(err)
	}
	if want := `<link rel="preload" as="fetch" crossorigin="anonymous" href="/wasm/webverify.wasm">`; !bytes.Contains(pages["/v"], []byte(want)) || bytes.Contains(pages["/verify"], []byte("/wasm/")) {
		t.Error("the program is not fetched with the pages that verify, or with others")
	}
	for _, name := range []string{"answer.js", "worker.js"} {
		if want := `<link rel="modulepreload" href="/static/` + name + `">`; !bytes.Contains(pages["/v"], []byte(want)) {
			t.Errorf("the page does not have %s", want)
		}
	}
}
