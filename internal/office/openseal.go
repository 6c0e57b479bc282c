package office

import (
	"bytes"
	"fmt"
	"slices"
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
	chain  [][]byte // of the signer's certificates
	design impression.Spec

	made   *seal.Seal
	signer *cert.Certificate
	whole  pdf.Mark                    // its size and how it looks
	cades  func() (*seal.CAdES, error) // what signs in CMS, made when it is first asked for
}

// maxOpenSeals bounds the seals that are kept ready.
const maxOpenSeals = 1024

// of opens the seal of a record, or returns what was opened of a record that says the same.
func (s *openSeals) of(r seal.Record) (*openSeal, error) {
	s.mu.Lock()
	known := s.all[r.ID]
	s.mu.Unlock()
	if known != nil && bytes.Equal(known.der, r.SESeal) && slices.EqualFunc(known.chain, r.Chain, bytes.Equal) && known.design == r.Design {
		return known, nil
	}
	opened := &openSeal{der: r.SESeal, chain: r.Chain, design: r.Design}
	opened.cades = sync.OnceValues(opened.inCMS)
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
	opened.whole.Appearance = &pdf.Appearance{Content: content, BBox: box, Multiply: true, Opacity: customaryOpacity}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil || len(s.all) >= maxOpenSeals {
		s.all = make(map[string]*openSeal)
	}
	s.all[r.ID] = opened
	return opened, nil
}

// inCMS gathers what a verifier that knows only CMS finds a path with.
func (s *openSeal) inCMS() (*seal.CAdES, error) {
	chain := []*cert.Certificate{s.signer}
	for _, der := range s.chain[1:] {
		c, err := cert.Parse(der)
		if err != nil {
			return nil, fmt.Errorf("seal %s: %w", s.made.ID, err)
		}
		chain = append(chain, c)
	}
	return s.made.CAdES(chain)
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
