package office

import (
	"bytes"
	"context"
	"fmt"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/licence/render"
	"github.com/elicence/elicence/seal/pdf"
	"github.com/elicence/elicence/seal/placement"
)

// PDF renders a licence with its code and seals it with a seal of its issuing
// authority.
func (o *Office) PDF(ctx context.Context, actor string, r licence.Record) ([]byte, error) {
	code, err := o.Code(ctx, actor, r)
	if err != nil {
		return nil, err
	}
	return o.PDFWithCode(ctx, actor, r, code)
}

// PDFWithCode is [Office.PDF] with a code that was signed before, so that paper,
// picture and text carry the same digits.
func (o *Office) PDFWithCode(ctx context.Context, actor string, r licence.Record, code Code) ([]byte, error) {
	l := r.Licence
	if err := o.mayPrint(r); err != nil {
		return nil, fmt.Errorf("licence %s: %w", l.Identifier, err)
	}
	category, ok := o.Catalogue().Version(l.Category, l.Schema)
	if !ok {
		return nil, fmt.Errorf("category %s: %w", l.Category, catalogue.ErrNoCategory)
	}
	symbol, err := code.Paper()
	if err != nil {
		return nil, err
	}
	record, err := o.sealOf(ctx, actor, l.Identifier.Issuer)
	if err != nil {
		return nil, err
	}
	images := func(sum [sm3.Size]byte) ([]byte, error) { return o.documents.Get(ctx, sum) }
	sheet, err := render.Of(l, category, r.Signed, symbol, images)
	if err != nil {
		return nil, err
	}
	page, err := render.Page(sheet)
	if err != nil {
		return nil, fmt.Errorf("licence %s: %w", l.Identifier, err)
	}
	doc, err := pdf.Open(bytes.NewReader(page.PDF), int64(len(page.PDF)))
	if err != nil {
		return nil, fmt.Errorf("licence %s: %w", l.Identifier, err)
	}
	sealed, err := o.Stamp(ctx, actor, doc, StampRequest{
		SealID: record.ID, Place: placement.Place{Pages: placement.OnPage(page.SealPage), X: page.SealX, Y: page.SealY}, Reason: category.NameZH,
		// A licence outlives the certificate of its seal.
		TimeStamp: o.ClockProven(ctx) == nil, IfCan: true, issued: r.Signed,
	})
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if _, err := sealed.WriteTo(&out); err != nil {
		return nil, fmt.Errorf("licence %s: %w", l.Identifier, err)
	}
	return out.Bytes(), nil
}
