// Package web holds the pages: server-rendered templates, one style sheet and plain
// ES modules, all embedded. Nothing is loaded from another host.
package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"
)

//go:embed static templates
var files embed.FS

// Register adds the pages to a server.
func Register(e *echo.Echo, spec *huma.OpenAPI) error {
	templates, err := template.ParseFS(files, "templates/*.html")
	if err != nil {
		return fmt.Errorf("pages: %w", err)
	}
	verify, err := render(templates, "verify.html", nil)
	if err != nil {
		return err
	}
	docs, err := render(templates, "docs.html", describe(spec))
	if err != nil {
		return err
	}
	static, err := fs.Sub(files, "static")
	if err != nil {
		return fmt.Errorf("pages: %w", err)
	}
	page := func(content []byte) echo.HandlerFunc {
		return func(c echo.Context) error { return c.HTMLBlob(http.StatusOK, content) }
	}
	e.GET("/", func(c echo.Context) error { return c.Redirect(http.StatusSeeOther, "/verify") })
	e.GET("/verify", page(verify))
	// What a phone's camera opens from paper; the code is behind '#'.
	e.GET("/v", page(verify))
	e.GET("/docs", page(docs))
	e.GET("/static/*", echo.WrapHandler(http.StripPrefix("/static/", http.FileServerFS(static))))
	return nil
}

func render(t *template.Template, name string, data any) ([]byte, error) {
	var out bytes.Buffer
	if err := t.ExecuteTemplate(&out, name, data); err != nil {
		return nil, fmt.Errorf("page %s: %w", name, err)
	}
	return out.Bytes(), nil
}
