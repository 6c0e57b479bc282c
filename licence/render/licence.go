package render

import (
	"fmt"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/qr/picture"
)

// AttachmentName and AttachmentType are the signed form's name and media type
// inside the PDF.
const (
	AttachmentName = "licence.cose"
	AttachmentType = "application/cose"
)

// Of makes the sheet of a licence: its category's labels, its values, its code and
// its signed form. Pictures are looked up by their SM3. A field whose value the
// licence prints elsewhere (holder, issuer, dates) is not repeated.
func Of(l *licence.Licence, c *catalogue.Category, signed []byte, code *picture.Symbol, images func([sm3.Size]byte) ([]byte, error)) (Sheet, error) {
	s, err := of(l, c, signed, images)
	if err != nil {
		return Sheet{}, err
	}
	s.Code = &Code{Modules: code.Modules(), Caption: "扫码核验 Scan to verify"}
	return s, nil
}

// of makes a sheet without a code.
func of(l *licence.Licence, c *catalogue.Category, signed []byte, images func([sm3.Size]byte) ([]byte, error)) (Sheet, error) {
	id := sm3.Sum([]byte(l.Identifier.String()))
	s := Sheet{
		Kind: c.Kind, Title: c.NameZH, TitleEn: c.NameEN, Number: l.Number, Identifier: l.Identifier.String(),
		Holder: l.HolderNames(), HolderIDType: l.HolderTypes(), HolderID: l.HolderNumbers(),
		Issuer: l.IssuerName, IssueDate: l.IssueDay.String(), Validity: validity(l),
		Attachment: &Attachment{Name: AttachmentName, MediaType: AttachmentType, Data: signed},
		Time:       l.SignedAt.In(time.UTC), ID: [16]byte(id[:16]),
	}
	for _, f := range c.Fields {
		value, present := l.Fields[f.Code]
		if !present || f.MapsTo != catalogue.MapsNothing {
			continue
		}
		if image, ok := value.Image(); ok {
			data, err := images(image.SM3)
			if err != nil {
				return Sheet{}, fmt.Errorf("picture %s of licence %s: %w", f.Code, l.Identifier, err)
			}
			s.place(f, Photo{Data: data, Caption: f.NameZH})
			continue
		}
		s.Rows = append(s.Rows, Row{LabelZh: f.NameZH, LabelEn: f.NameEN, Value: value.Text(f)})
	}
	return s, nil
}

// place puts the holder's photograph beside the fields and other pictures below
// them.
func (s *Sheet) place(f catalogue.Field, p Photo) {
	if s.Photo == nil && (f.Code == "photo" || f.Code == "couplePhoto") {
		s.Photo = &p
		return
	}
	s.Pictures = append(s.Pictures, p)
}

func validity(l *licence.Licence) string {
	if l.LastDay == nil {
		return l.FirstDay.String() + " 起长期有效"
	}
	return l.FirstDay.String() + " 至 " + l.LastDay.String()
}
