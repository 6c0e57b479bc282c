// Package web holds the pages: server-rendered templates, one style sheet and plain
// ES modules, all embedded. Nothing is loaded from another host.
//
// The pages for the counter, for paper and for the phone verify in the browser, with
// the programs that make web builds. Where these were not built the pages verify on
// the server, and say so.
package web

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	template "github.com/DataDog/datadog-agent/pkg/template/html"
	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"
)

//go:embed static templates
var files embed.FS

// built is what make web has put there, perhaps nothing.
//
//go:embed all:wasm
var built embed.FS

// Embedded returns the programs for the browser that were built into this one.
func Embedded() (fs.FS, error) { return fs.Sub(built, "wasm") }

// ReportPath is where the page's form asks for a report on a document.
const ReportPath = "/verify/report"

// verifier is the program that verifies.
const verifier = "webverify.wasm"

// page is what a template is rendered with.
type page struct {
	Title  string
	Script string // the page's module, below /static/
	// Modules are what Script imports, directly or not: the browser need not read one to
	// learn of the next.
	Modules []string
	// Program is what Script compiles at once, below /wasm/; empty: nothing.
	Program string
	// InBrowser: the programs for the browser are there.
	InBrowser bool
}

// Register adds the pages to a server. Programs are those of [Embedded], or others
// for tests.
func Register(e *echo.Echo, spec *huma.OpenAPI, programs fs.FS) error {
	templates, err := template.ParseFS(files, "templates/*.html")
	if err != nil {
		return fmt.Errorf("pages: %w", err)
	}
	assets, err := prefixed(programs)
	if err != nil {
		return err
	}
	_, inBrowser := assets["/wasm/"+verifier]
	pages, err := renderPages(templates, assets, inBrowser)
	if err != nil {
		return err
	}
	docs, err := render(templates, "docs.html", describe(spec))
	if err != nil {
		return err
	}
	e.GET("/docs", send(docs))
	e.GET("/", func(c echo.Context) error { return c.Redirect(http.StatusSeeOther, "/verify") })
	for path, content := range pages {
		e.GET(path, send(content))
	}
	for path, a := range assets {
		e.GET(path, echo.WrapHandler(a))
	}
	if inBrowser {
		script, err := serviceWorker(pages, assets)
		if err != nil {
			return err
		}
		e.GET("/sw.js", echo.WrapHandler(script))
	}
	return nil
}

// ProblemPage tells people why a file that they sent cannot be judged.
func ProblemPage(detail string) ([]byte, error) {
	templates, err := template.ParseFS(files, "templates/problem.html")
	if err != nil {
		return nil, fmt.Errorf("pages: %w", err)
	}
	return render(templates, "problem.html", detail)
}

// prefixed reads everything that pages load, by its path.
func prefixed(programs fs.FS) (map[string]*asset, error) {
	static, err := fs.Sub(files, "static")
	if err != nil {
		return nil, err
	}
	all := make(map[string]*asset)
	for prefix, dir := range map[string]fs.FS{"/static/": static, "/wasm/": programs} {
		assets, err := readAssets(dir)
		if err != nil {
			return nil, err
		}
		for name, a := range assets {
			all[prefix+name] = a
		}
	}
	return all, nil
}

// renderPages renders every page by its path. A page that works in the browser is the
// one that verifies on the server where the programs were not built.
func renderPages(t *template.Template, assets map[string]*asset, inBrowser bool) (map[string][]byte, error) {
	pages := make(map[string][]byte)
	for _, p := range []struct {
		path, template string
		page
	}{
		{"/verify", "verify.html", page{Title: "证照与印章核验 · Verify a licence or a seal", Script: "verify.js"}},
		// What a phone's camera opens from paper; the code is behind '#'.
		{"/v", "paper.html", page{Title: "证照核验 · Check a licence", Script: "paper.js", Program: verifier}},
		{"/hall", "hall.html", page{Title: "窗口核验 · Counter", Script: "hall.js", Program: verifier}},
		{"/wallet", "wallet.html", page{Title: "我的证照 · My licences", Script: "wallet.js"}},
	} {
		if p.template == "wallet.html" && !inBrowser {
			continue // its key would have nothing to sign
		}
		if p.template != "verify.html" && !inBrowser {
			p.template, p.page = "verify.html", page{Title: "证照核验 · Verify a licence", Script: "verify.js"}
		}
		p.InBrowser, p.Modules = inBrowser, imported(assets, p.Script)
		content, err := render(t, p.template, p.page)
		if err != nil {
			return nil, err
		}
		pages[p.path] = content
	}
	return pages, nil
}

// importLine is how our modules import each other.
var importLine = regexp.MustCompile(`(?m)^import .* from "\./([a-z0-9-]+\.js)";$`)

// imported returns the modules that a script imports, directly or through others, sorted.
func imported(assets map[string]*asset, script string) []string {
	found := make(map[string]bool)
	for todo := []string{script}; len(todo) > 0; todo = todo[1:] {
		a := assets["/static/"+todo[0]]
		if a == nil {
			continue
		}
		for _, m := range importLine.FindAllSubmatch(a.plain, -1) {
			if name := string(m[1]); !found[name] {
				found[name] = true
				todo = append(todo, name)
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// serviceWorker makes the script that keeps the pages for when there is no network: its
// source behind a version and the list of what to keep. The version changes with any
// of these.
func serviceWorker(pages map[string][]byte, assets map[string]*asset) (*asset, error) {
	source, err := files.ReadFile("static/sw.js")
	if err != nil {
		return nil, fmt.Errorf("service worker: %w", err)
	}
	var tags, list strings.Builder
	for _, path := range slices.Sorted(maps.Keys(pages)) {
		fmt.Fprintf(&list, "%q,", path)
		tags.WriteString(tagOf(pages[path]))
	}
	for _, path := range slices.Sorted(maps.Keys(assets)) {
		fmt.Fprintf(&list, "%q,", path)
		tags.WriteString(assets[path].tag)
	}
	script := fmt.Appendf(nil, "const version = %q;\nconst files = [%s];\n%s", tagOf([]byte(tags.String())), list.String(), source)
	return &asset{contentType: contentTypes[".js"], tag: tagOf(script), plain: script}, nil
}

func send(content []byte) echo.HandlerFunc {
	a := &asset{contentType: echo.MIMETextHTMLCharsetUTF8, tag: tagOf(content), plain: content}
	return echo.WrapHandler(a)
}

func render(t *template.Template, name string, data any) ([]byte, error) {
	var out bytes.Buffer
	if err := t.ExecuteTemplate(&out, name, data); err != nil {
		return nil, fmt.Errorf("page %s: %w", name, err)
	}
	return out.Bytes(), nil
}
