package office

import (
	"context"
	"time"

	"github.com/elicence/elicence/seal/pdf"
	"github.com/elicence/elicence/seal/placement"
)

// CodePlace is the place of a document's code: its top left corner with the quiet zone,
// in millimetres from that of the page.
type CodePlace struct {
	Page    int // from 1; 0: the page of the seal
	X, Y    float64
	Expires time.Time // zero: as long as printed codes live
}

// codeMark places a document's code: where the request says, else beside the last seal.
func (o *Office) codeMark(ctx context.Context, doc *pdf.Document, marks []pdf.Mark, code *pdf.Appearance, r StampRequest) (pdf.Mark, error) {
	p := r.Code
	if p == nil {
		return placement.CodeBeside(ctx, o.words, doc, marks, codeWidth, code)
	}
	m := pdf.Mark{Page: marks[len(marks)-1].Page, X: p.X, Y: p.Y, Width: codeWidth, Height: codeWidth, Appearance: code}
	if p.Page > 0 {
		m.Page = p.Page
	}
	return m, placement.CheckCode(m, marks)
}
