package render

import "github.com/elicence/elicence/internal/typeset"

// A look is the general build of a page.
type look uint8

const (
	certificate look = iota // a page in a guilloche frame
	card                    // a panel with a coloured head
	decision                // a title over a double rule, fields in a table
)

// A skin is a look in the colours of a kind of licence.
type skin struct {
	look look
	dark typeset.Colour // title, lines
	pale typeset.Colour // guilloche, rules
	wash typeset.Colour // the watermark behind the fields, label cells
}

// skinOf dresses the nine kinds of licence.
func skinOf(kind string) (skin, bool) {
	var (
		blue   = skin{dark: 0x1F4E79, pale: 0xA9C1DB, wash: 0xEEF3F9}
		gold   = skin{dark: 0x8A5A14, pale: 0xDDBD7C, wash: 0xFAF4E6}
		green  = skin{dark: 0x1E5B4A, pale: 0xA5CBBC, wash: 0xEDF6F2}
		violet = skin{dark: 0x4B3B78, pale: 0xBFB5DB, wash: 0xF3F1F9}
		red    = skin{dark: 0x9B1C1F, pale: 0xE3B1AE, wash: 0xFBF1F0}
	)
	with := func(s skin, l look) (skin, bool) {
		s.look = l
		return s, true
	}
	switch kind {
	case "证件":
		return with(blue, card)
	case "执照":
		return with(gold, certificate)
	case "许可证":
		return with(green, certificate)
	case "资格证书":
		return with(blue, certificate)
	case "资质证书":
		return with(violet, certificate)
	case "登记证书":
		return with(red, certificate)
	case "证明文件", "批文批复", "鉴定报告":
		return with(red, decision)
	}
	return skin{}, false
}

// The colours of text, the same on all skins.
const (
	white typeset.Colour = 0xFFFFFF
	ink   typeset.Colour = 0x161616 // values
	soft  typeset.Colour = 0x4A4A4A // labels
	mute  typeset.Colour = 0x8C8C8C // English labels, small print
)
