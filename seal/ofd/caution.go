package ofd

import (
	"fmt"
	"slices"
)

// A CautionKind says what of a package can look otherwise than it looked to its signer, or
// than its seals are, although not a byte was changed.
type CautionKind string

const (
	// CautionSeal is a seal that is not seen whole, once, and in its size.
	CautionSeal CautionKind = "seal"
	// CautionAction is something that a reader opens, plays or fetches with the document.
	CautionAction CautionKind = "action"
	// CautionAttachment is a file inside the document: it is signed, and nobody saw it on a
	// page.
	CautionAttachment CautionKind = "attachment"
	// CautionVersion is another document in the package, or another version of one: readers
	// show one of them.
	CautionVersion CautionKind = "version"
)

// A Caution is one such thing. It is no fault of a signature.
type Caution struct {
	Kind CautionKind
	Page int    // 0: not of one page
	What string // in plain words
}

// maxResized is how much larger or smaller than it says a seal may be seen without a word.
// Others draw a seal of 42 mm at 40.
const maxResized = 1.1

// maxCautions, of one kind, is more than anybody will read.
const maxCautions = 20

func (r *Report) note(kind CautionKind, format string, args ...any) {
	r.noteOn(0, kind, format, args...)
}

// noteOn is note of a page.
func (r *Report) noteOn(page int, kind CautionKind, format string, args ...any) {
	c := Caution{kind, page, fmt.Sprintf(format, args...)}
	same := 0
	for _, known := range r.Cautions {
		if known.Kind == kind {
			same++
		}
	}
	if same < maxCautions && !slices.Contains(r.Cautions, c) {
		r.Cautions = append(r.Cautions, c)
	}
}

// noteDocuments looks at the documents of the package, not at what their pages hold.
func (r *Report) noteDocuments(bodies []body, trees []*pageTree) {
	if len(bodies) > 1 {
		r.note(CautionVersion, "%d documents are in the package: most readers show the first one", len(bodies))
	}
	for i, b := range bodies {
		if b.versioned {
			r.note(CautionVersion, "%s has versions: readers may show another one", b.root)
		}
		if trees[i].acts {
			r.note(CautionAction, "%s acts when it is opened", b.root)
		}
		if trees[i].attachments {
			r.note(CautionAttachment, "files travel with %s", b.root)
		}
	}
}

// noteSeal says of a seal that counts where it is not seen as it is.
func (r *Report) noteSeal(s *Signed) {
	if s.Kind == KindSign {
		if s.shown() && s.imageFile != "" {
			r.note(CautionSeal, "%s is no seal, and has readers show %s: nobody vouches for that picture", s.File, s.imageFile)
		}
		return
	}
	if s.Seal == nil || s.Err() != nil {
		return
	}
	for _, at := range s.Stamps {
		w, h := s.scale(at)
		switch {
		case at.Page == 0:
			r.note(CautionSeal, "seal %.40q: a place is on a page that the document has not", s.Seal.Name)
		case at.Part.Empty():
			r.noteOn(at.Page, CautionSeal, "seal %.40q: page %d shows nothing of it where it should stand", s.Seal.Name, at.Page)
		case !at.whole() && s.Picture.Slices == 0:
			r.noteOn(at.Page, CautionSeal, "seal %.40q: page %d shows a part of it only, %v", s.Seal.Name, at.Page, at.Part)
		case max(w, h) > maxResized || min(w, h) < 1/maxResized:
			r.noteOn(at.Page, CautionSeal, "seal %.40q: page %d shows it at %.0f %% of its width and %.0f %% of its height", s.Seal.Name, at.Page, 100*w, 100*h)
		}
	}
}
