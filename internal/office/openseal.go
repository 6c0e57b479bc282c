package office

import (
	"bytes"
	"sync"

	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/impression"
	"github.com/elicence/elicence/seal/pdf"
)

// openSeals keeps seals ready for their next use. Whether they may be used is asked each
// time, of the record.
type openSeals struct {
	mu  sync.Mutex
	all map[string]*openSeal // by id; guarded by mu
}

// openSeal is what a seal's record says, parsed and drawn. It never changes.
type openSeal struct {
	der    []byte
	design impression.Spec

	made   *seal.Seal
	signer *cert.Certificate
	whole  pdf.Mark // its size and how it looks
}

// maxOpenSeals bounds the seals that are kept ready.
const maxOpenSeals = 1024

// of opens the seal of a record, or returns what was opened of a record that says the same.
func (s *openSeals) of(r seal.Record) (*openSeal, error) {
	s.mu.Lock()
	known := s.all[r.ID]
	s.mu.Unlock()
	if known != nil && bytes.Equal(known.der, r.SESeal) && bytes.Equal(known.signer.DER, r.Chain[0]) && known.design == r.Design {
		return known, nil
	}
	opened := &openSeal{der: r.SESeal, design: r.Design}
	var err error
	if opened.made, err = seal.Parse(r.SESeal); err != nil {
		return nil, err
	}
	if opened.signer, err = cert.Parse(r.Chain[0]); err != nil {
		return nil, err
	}
	drawing, err := draw(opened.made.Picture, r.Design)
	if err != nil {
		return nil, err
	}
	content, box := drawing.PDF()
	opened.whole.Width, opened.whole.Height = drawing.Size()
	opened.whole.Appearance = &pdf.Appearance{Content: content, BBox: box, Multiply: true, Opacity: 0.9}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil || len(s.all) >= maxOpenSeals {
		s.all = make(map[string]*openSeal)
	}
	s.all[r.ID] = opened
	return opened, nil
}

// draw draws a seal as its picture shows it, or anew where that was not drawn by us.
func draw(picture seal.Picture, design impression.Spec) (*impression.Drawing, error) {
	if picture.Type == "SVG" {
		if drawing, err := impression.Reread(picture.Data, design); err == nil {
			return drawing, nil
		}
	}
	return impression.Draw(design)
}
