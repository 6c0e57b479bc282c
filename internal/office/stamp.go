package office

import (
	"context"
	"fmt"

	"github.com/elicence/elicence/internal/typeset"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/keystore"
	"github.com/elicence/elicence/qr"
	"github.com/elicence/elicence/qr/picture"
	"github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/impression"
	"github.com/elicence/elicence/seal/pdf"
)

// Place says where on a document a seal goes. X and Y are millimetres from the top
// left corner of the page, as the reader sees it, to the middle of the seal.
type Place struct {
	Pages []int // 1 is the first, -1 the last; empty: every page
	X, Y  float64
}

// StampRequest asks for a seal on a document.
type StampRequest struct {
	SealID string
	Place  Place
	Field  string // of an existing empty signature field, or of the one to make
	Reason string
	// Number, if given, is the document's number: a code is printed beside the
	// seal that tells a paper print from its electronic original.
	Number string
}

// Stamp seals a document. The use of the seal is on the disk before the sealed
// document is returned, and the result has been read back and verified.
func (o *Office) Stamp(ctx context.Context, actor string, doc *pdf.Document, r StampRequest) (*pdf.Prepared, error) {
	o.rotating.RLock()
	defer o.rotating.RUnlock()
	record, err := o.store.Seal(ctx, r.SealID)
	if err != nil {
		return nil, err
	}
	if !record.Approved() {
		return nil, fmt.Errorf("seal %s waits for approval: %w", r.SealID, seal.ErrState)
	}
	made, err := seal.Parse(record.SESeal)
	if err != nil {
		return nil, err
	}
	signer, err := cert.Parse(record.Chain[0])
	if err != nil {
		return nil, err
	}
	if err := o.inForce(ctx, signer.Key.Point()); err != nil {
		return nil, fmt.Errorf("seal %s: %w", r.SealID, err)
	}
	key, err := o.keys.Signer(keystore.PurposeSeal, record.ID)
	if err != nil {
		return nil, err
	}
	marks, err := o.marks(ctx, doc, record, r)
	if err != nil {
		return nil, err
	}
	now := o.now()
	prepared, err := doc.Prepare(pdf.Stamp{
		Field: r.Field, Filter: pdf.FilterSeal, SubFilter: pdf.SubFilterSeal, Name: record.Name, Reason: r.Reason,
		Time: now, ContentsSize: made.SignatureSize(signer), Marks: marks,
	})
	if err != nil {
		return nil, err
	}
	digest := prepared.Digest()
	stamp := seal.Stamp{Time: now, Document: digest, Property: pdf.Property(prepared.ByteRange())}
	contents, err := seal.Sign(made, stamp, signer, key)
	if err != nil {
		return nil, err
	}
	if err := prepared.Complete(contents); err != nil {
		return nil, err
	}
	if err := o.readBack(ctx, prepared); err != nil {
		return nil, err
	}
	entry, err := audit.NewRecord(audit.Entry{Time: now.Unix(), Actor: actor, Act: audit.ActSealUse, Subject: record.ID, Digest: digest[:]}, []byte(r.Reason))
	if err != nil {
		return nil, err
	}
	return prepared, o.store.UseSeal(ctx, record.ID, entry)
}

// readBack verifies the signature just made as a stranger would, before anything
// is released.
func (o *Office) readBack(ctx context.Context, prepared *pdf.Prepared) error {
	doc, err := prepared.Document()
	if err != nil {
		return fmt.Errorf("reading back the signed document: %w", err)
	}
	trust, err := o.documentVerification(ctx)
	if err != nil {
		return err
	}
	report, err := doc.Verify(ctx, trust)
	if err != nil {
		return fmt.Errorf("reading back the signed document: %w", err)
	}
	for i := range report.Signatures {
		s := &report.Signatures[i]
		if s.Field != prepared.Field() {
			continue
		}
		if err := s.Err(); err != nil {
			return fmt.Errorf("the signature just made does not verify: %w", err)
		}
		return nil
	}
	return fmt.Errorf("the signature just made is not found in the document")
}

// marks places the seal, and the document's code beside it.
func (o *Office) marks(ctx context.Context, doc *pdf.Document, record seal.Record, r StampRequest) ([]pdf.Mark, error) {
	drawing, err := impression.Draw(record.Design)
	if err != nil {
		return nil, err
	}
	content, box := drawing.PDF()
	appearance := &pdf.Appearance{Content: content, BBox: box, Multiply: true, Opacity: 0.9}
	width, height := drawing.Size()
	pages, err := r.Place.pages(doc)
	if err != nil {
		return nil, err
	}
	var marks []pdf.Mark
	for _, page := range pages {
		marks = append(marks, pdf.Mark{Page: page, X: r.Place.X - width/2, Y: r.Place.Y - height/2, Width: width, Height: height, Appearance: appearance})
	}
	if r.Number == "" {
		return marks, nil
	}
	code, err := o.documentCode(ctx, doc, record.ID, r.Number)
	if err != nil {
		return nil, err
	}
	return append(marks, beside(marks[len(marks)-1], code)), nil
}

// pages resolves the place's pages against a document.
func (p Place) pages(doc *pdf.Document) ([]int, error) {
	count, err := doc.NumPages()
	if err != nil {
		return nil, err
	}
	if len(p.Pages) == 0 {
		all := make([]int, count)
		for i := range all {
			all[i] = i + 1
		}
		return all, nil
	}
	var pages []int
	for _, n := range p.Pages {
		if n == -1 {
			n = count
		}
		if n < 1 || n > count {
			return nil, fmt.Errorf("page %d does not exist: the document has %d", n, count)
		}
		pages = append(pages, n)
	}
	return pages, nil
}

// documentLife is how long a document code's signature lives.
const documentLife = qr.MaxPrintedLife

// codeWidth is the width of a document code on paper with its quiet zone, in
// millimetres.
const codeWidth = 38

// documentCode signs a code for the file as it is before it is sealed, and draws it.
func (o *Office) documentCode(ctx context.Context, doc *pdf.Document, sealID, number string) (*pdf.Appearance, error) {
	digest, err := doc.Digest(doc.Size())
	if err != nil {
		return nil, err
	}
	key, err := o.currentKey(ctx, keystore.PurposeService, codeKey)
	if err != nil {
		return nil, err
	}
	now := o.now().UTC()
	d := qr.Document{SignedAt: now, Expires: now.Add(documentLife), Number: number, Length: uint64(doc.Size()), SM3: digest, Seals: []string{sealID}}
	b, err := d.Sign(key)
	if err != nil {
		return nil, fmt.Errorf("document code: %w", err)
	}
	digits, err := qr.Encode(qr.KindDocument, b)
	if err != nil {
		return nil, fmt.Errorf("document code: %w", err)
	}
	symbol, err := picture.Draw(qr.Address(o.config.Host, digits), picture.Paper)
	if err != nil {
		return nil, err
	}
	fragment := typeset.NewFragment(codeWidth, codeWidth)
	white := new(typeset.Path)
	white.Rect(0, 0, codeWidth, codeWidth)
	fragment.Fill(white, typeset.Colour(0xFFFFFF))
	fragment.Fill(typeset.Modules(0, 0, codeWidth, symbol.Modules()), typeset.Colour(0))
	return appearance(fragment)
}

// beside places a code to the left of a seal, or to the right where there is no
// room.
func beside(sealMark pdf.Mark, code *pdf.Appearance) pdf.Mark {
	m := pdf.Mark{Page: sealMark.Page, Width: codeWidth, Height: codeWidth, Y: sealMark.Y + sealMark.Height/2 - codeWidth/2, Appearance: code}
	const gap = 6
	m.X = sealMark.X - gap - codeWidth
	if m.X < gap {
		m.X = sealMark.X + sealMark.Width + gap
	}
	return m
}

// appearance turns a set fragment into what a stamp shows.
func appearance(f *typeset.Fragment) (*pdf.Appearance, error) {
	set, err := f.Appearance()
	if err != nil {
		return nil, err
	}
	objects := make(map[*typeset.Object]*pdf.Object)
	var convert func(*typeset.Object) *pdf.Object
	convert = func(o *typeset.Object) *pdf.Object {
		if done := objects[o]; done != nil {
			return done
		}
		made := &pdf.Object{Dict: string(o.Dict), Stream: o.Stream}
		objects[o] = made
		for _, used := range o.Uses {
			made.Uses = append(made.Uses, convert(used))
		}
		return made
	}
	a := &pdf.Appearance{Content: set.Content, BBox: set.BBox, Resources: set.Resources}
	for _, o := range set.Objects {
		a.Objects = append(a.Objects, convert(o))
	}
	return a, nil
}
