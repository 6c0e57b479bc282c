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
// four modules on each side.
type Code struct {
	Modules [][]bool
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
}

// Page sets a sheet.
func Page(s Sheet) (*Rendered, error) {
	l, err := newLayout(&s)
	if err != nil {
		return nil, err
	}
	l.arrange()

	doc := typeset.New(typeset.Info{Title: s.Title, Author: s.Issuer, Subject: s.Identifier, Time: s.Time, ID: s.ID})
	if a := s.Attachment; a != nil {
		err := doc.Attach(typeset.Attachment{
			Name: a.Name, MediaType: a.MediaType, Data: a.Data,
			Description: "带签名的证照数据 Signed form of the licence", Relationship: typeset.Data,
		})
		if err != nil {
			return nil, err
		}
	}
	l.draw(doc)
	pdf, err := doc.PDF()
	if err != nil {
		return nil, fmt.Errorf("render %s: %w", s.Title, err)
	}
	return &Rendered{PDF: pdf, Pages: len(l.pages), SealPage: 1, SealX: l.sealX, SealY: l.sealY}, nil
}
