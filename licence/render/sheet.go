package render

import (
	"errors"
	"fmt"
	"time"

	"github.com/elicence/elicence/internal/typeset"
)

// ErrSheet is wrapped by every error about a sheet that cannot be set, but for
// missing characters, pictures and attachments, which have errors of their own.
var ErrSheet = errors.New("licence cannot be rendered")

// A Sheet is a licence as it is printed. What is empty is left out; only Kind and
// Title must be there.
type Sheet struct {
	Kind       string // one of the nine kinds of the catalogue, such as 许可证
	Title      string
	TitleEn    string
	Number     string // 证照编号
	Identifier string // 电子证照标识

	Holder       string
	HolderIDType string
	HolderID     string
	Rows         []Row
	Validity     string

	Photo    *Photo  // of the holder, beside the fields
	Pictures []Photo // further ones, below the fields, each with its caption

	Issuer    string
	IssueDate string

	Code       *Code
	Attachment *Attachment
	Bound      *Bound // of a purpose-bound copy; nil: it is the licence itself

	Time time.Time // of creation, for the metadata
	ID   [16]byte  // the file identifier
}

// A Row is one field with its two labels. The value may have line ends.
type Row struct{ LabelZh, LabelEn, Value string }

// A Photo is a JPEG or PNG file.
type Photo struct {
	Data    []byte
	Caption string
}

// A Code is the modules of a QR symbol, dark ones true, with the quiet zone of
// four modules on each side; or the room for one that is stamped on the page later.
type Code struct {
	Modules [][]bool
	Room    float64 // width in millimetres, where there are no modules
	Caption string
}

// An Attachment is the licence's signed form, which travels inside the PDF.
type Attachment struct {
	Name      string
	MediaType string
	Data      []byte
}

// Rendered is a finished licence.
type Rendered struct {
	PDF   []byte
	Pages int
	// SealPage counts from 1. SealX and SealY are where the middle of the round
	// seal belongs, in millimetres from the top left corner of that page: over the
	// issuing authority and the date. A seal of up to 50 mm covers nothing else.
	SealPage     int
	SealX, SealY float64
	// CodeX and CodeY are the top left corner of the code or of its room, with the quiet
	// zone, on the same page.
	CodeX, CodeY float64
}

// Page sets a sheet.
func Page(s Sheet) (*Rendered, error) {
	l, err := newLayout(&s)
	if err != nil {
		return nil, err
	}
	l.arrange()

	doc := typeset.New(typeset.Info{Title: s.Title, Author: s.Issuer, Subject: s.Identifier, Time: s.Time, ID: s.ID})
	if s.Attachment != nil {
		if err := attach(doc, *s.Attachment, "带签名的证照数据 Signed form of the licence"); err != nil {
			return nil, err
		}
	}
	if s.Bound != nil {
		if err := attach(doc, s.Bound.Statement, "带签名的加注说明 Signed statement of what the copy is for"); err != nil {
			return nil, err
		}
	}
	if err := l.draw(doc); err != nil {
		return nil, err
	}
	pdf, err := doc.PDF()
	if err != nil {
		return nil, fmt.Errorf("render %s: %w", s.Title, err)
	}
	return &Rendered{PDF: pdf, Pages: len(l.pages), SealPage: 1, SealX: l.sealX, SealY: l.sealY, CodeX: l.codeX, CodeY: l.codeY}, nil
}

func attach(doc *typeset.Document, a Attachment, description string) error {
	return doc.Attach(typeset.Attachment{Name: a.Name, MediaType: a.MediaType, Data: a.Data, Description: description, Relationship: typeset.Data})
}
