package report

import (
	"bytes"
	"embed"
	"fmt"

	template "github.com/DataDog/datadog-agent/pkg/template/html"
)

//go:embed templates/report.html
var templates embed.FS

// HTML writes the report as one page that needs nothing else.
func (r Report) HTML() ([]byte, error) {
	t, err := template.New("report.html").ParseFS(templates, "templates/report.html")
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, r.lay()); err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	return bytes.Map(func(r rune) rune {
		if r == '\n' { // one of the page's own, or as good as a space
			return r
		}
		return quiet(r)
	}, b.Bytes()), nil
}
