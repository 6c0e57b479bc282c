package render

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/elicence/elicence/internal/typeface"
	"github.com/elicence/elicence/internal/typeset"
)

// Limits of a sheet, in characters and pieces. Within them everything has room:
// what is one line shrinks, what is a value wraps and goes on to further pages.
const (
	maxTitle    = 60
	maxEnglish  = 160 // English title, identifier
	maxName     = 80  // number, issuer, dates, labels, captions
	maxHolder   = 300 // and the identifier and validity
	maxValue    = 5000
	maxRows     = 100
	maxPictures = 20
	maxModules  = 185 // a symbol of version 40 with its quiet zone
)

// A field is a row whose texts are set.
type field struct{ zh, en, value typeset.Text }

// A label names what stands beside it, in two lines.
type label struct{ zh, en typeset.Text }

// width is that of its longer line.
func (l label) width() float64 { return max(l.zh.Width(), l.en.Width()) }

// A photograph is a picture that can be drawn, with its caption.
type photograph struct {
	image   *typeset.Image
	caption typeset.Text
}

// texts is everything on a sheet, set; sizes are the largest that will be used.
type texts struct {
	title, titleEn        typeset.Text
	smallTitle            typeset.Text // on continuation pages
	numberLabel, number   typeset.Text
	holder                typeset.Text // on continuation pages
	fields                []field
	photo                 *photograph
	pictures              []photograph
	issuer, date, caption typeset.Text
	issuerLabel           label
	dateLabel             label
	identifier            typeset.Text
	overleaf, again       typeset.Text // notes about continuation
}

// A setter sets texts and keeps the first error.
type setter struct{ err error }

// song is the style of titles and labels, kai that of values.
func song(size float64, colour typeset.Colour) typeset.Style {
	return typeset.Style{Faces: typeface.Stack{typeface.Song(), typeface.Kai()}, Size: size, Colour: colour}
}

func kai(size float64, colour typeset.Colour) typeset.Style {
	return typeset.Style{Faces: typeface.Stack{typeface.Kai(), typeface.Song()}, Size: size, Colour: colour}
}

// value sets a text that may have several lines.
func (s *setter) value(what, text string, most int, style typeset.Style) typeset.Text {
	if n := utf8.RuneCountInString(text); n > most && s.err == nil {
		s.err = fmt.Errorf("%w: %s: %d characters, possible are %d", ErrSheet, what, n, most)
	}
	if s.err != nil {
		return typeset.Text{}
	}
	set, err := style.Set(text)
	if err != nil {
		s.err = fmt.Errorf("render a licence: %s: %w", what, err)
	}
	return set
}

// line sets a text that must be one line.
func (s *setter) line(what, text string, most int, style typeset.Style) typeset.Text {
	if strings.ContainsAny(text, "\r\n") && s.err == nil {
		s.err = fmt.Errorf("%w: %s: a line end in %q", ErrSheet, what, text)
	}
	return s.value(what, text, most, style)
}

func (s *setter) label(zh, en string) label {
	return label{s.line("label", zh, maxName, song(9, soft)), s.line("label", en, maxName, song(6, mute))}
}

func (s *setter) photograph(what string, photo Photo) photograph {
	p := photograph{caption: s.line("caption of "+what, photo.Caption, maxName, song(7.5, soft))}
	image, err := typeset.DecodeImage(photo.Data)
	if err != nil && s.err == nil {
		s.err = fmt.Errorf("render a licence: %s: %w", what, err)
	}
	p.image = image
	return p
}

// setTexts sets everything that a sheet says.
func setTexts(sheet *Sheet, skin skin) (*texts, error) {
	if sheet.Title == "" {
		return nil, fmt.Errorf("%w: the title is empty", ErrSheet)
	}
	if len(sheet.Rows) > maxRows || len(sheet.Pictures) > maxPictures {
		return nil, fmt.Errorf("%w: %d rows and %d pictures, possible are %d and %d",
			ErrSheet, len(sheet.Rows), len(sheet.Pictures), maxRows, maxPictures)
	}
	if err := sheet.Code.check(); err != nil {
		return nil, err
	}
	s := &setter{}
	titleColour := skin.dark
	if skin.look == card {
		titleColour = 0xFFFFFF
	}
	titleStyle := song(32, titleColour)
	titleStyle.Tracking = 0.22
	t := &texts{
		title:       s.line("title", sheet.Title, maxTitle, titleStyle),
		titleEn:     s.line("English title", sheet.TitleEn, maxEnglish, song(10.5, mute)),
		smallTitle:  s.line("title", sheet.Title+"（附页）", maxTitle+4, song(15, skin.dark)),
		numberLabel: s.line("label", "编号 No.", maxName, song(9, soft)),
		number:      s.line("number", sheet.Number, maxName, kai(11.5, ink)),
		holder:      s.line("holder", sheet.Holder, maxHolder, kai(11, ink)),
		issuerLabel: s.label("发证机关", "Issuing authority"),
		issuer:      s.line("issuer", sheet.Issuer, maxName, song(15, ink)),
		dateLabel:   s.label("发证日期", "Date of issue"),
		date:        s.line("issue date", sheet.IssueDate, maxName, kai(13.5, ink)),
		overleaf:    s.line("label", "（续见附页 continued overleaf）", maxName, song(8, mute)),
		again:       s.line("label", "（续 continued）", maxName, song(6.5, mute)),
	}
	if skin.look == card {
		t.titleEn = s.line("English title", sheet.TitleEn, maxEnglish, song(10, skin.wash))
	}
	if sheet.Identifier != "" {
		t.identifier = s.line("identifier", "电子证照标识 Identifier "+sheet.Identifier, maxEnglish, song(6.5, mute))
	}
	if sheet.Code != nil {
		t.caption = s.line("caption of the code", sheet.Code.Caption, maxName, song(8, soft))
	}
	t.fields = s.fields(sheet)
	if sheet.Photo != nil {
		photo := s.photograph("photograph", *sheet.Photo)
		t.photo = &photo
	}
	for i, p := range sheet.Pictures {
		t.pictures = append(t.pictures, s.photograph(fmt.Sprintf("picture %d (%s)", i+1, p.Caption), p))
	}
	return t, s.err
}

// fields sets the holder, the rows and the validity, without those that say
// nothing.
func (s *setter) fields(sheet *Sheet) []field {
	identifier := sheet.HolderID
	if sheet.HolderIDType != "" && identifier != "" {
		identifier = sheet.HolderIDType + "　" + identifier
	}
	rows := []Row{
		{"持证主体", "Holder", sheet.Holder},
		{"持证主体代码", "Identifier of holder", identifier},
	}
	rows = append(rows, sheet.Rows...)
	rows = append(rows, Row{"有效期限", "Validity", sheet.Validity})
	var list []field
	for _, row := range rows {
		if strings.TrimSpace(row.Value) == "" {
			continue
		}
		list = append(list, field{
			zh:    s.line("label "+row.LabelZh, row.LabelZh, maxName, song(11, soft)),
			en:    s.line("English label of "+row.LabelZh, row.LabelEn, maxName, song(6.5, mute)),
			value: s.value(row.LabelZh, row.Value, maxValue, kai(13, ink)),
		})
	}
	return list
}

// check refuses a bitmap that is not a QR symbol with its quiet zone.
func (c *Code) check() error {
	if c == nil {
		return nil
	}
	n := len(c.Modules)
	if n < 29 || n > maxModules { // version 1 has 21 modules
		return fmt.Errorf("%w: code: %d modules with the quiet zone, possible are 29 to %d", ErrSheet, n, maxModules)
	}
	for y, row := range c.Modules {
		if len(row) != n {
			return fmt.Errorf("%w: code: row %d has %d modules, not %d", ErrSheet, y, len(row), n)
		}
		for x, dark := range row {
			if dark && (y < 4 || y >= n-4 || x < 4 || x >= n-4) {
				return fmt.Errorf("%w: code: no quiet zone of four modules", ErrSheet)
			}
		}
	}
	return nil
}
