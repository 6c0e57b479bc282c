package licence

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/elicence/elicence/internal/idcode"
	"github.com/elicence/elicence/licence/catalogue"
)

// IDType is the code of a kind of holder's document (GB/T 36903-2018, annex A).
type IDType string

// The codes that this package treats by themselves.
const (
	IDTypeUSCC          IDType = "001" // unified social credit code
	IDTypeCitizenNumber IDType = "111" // citizen number
)

// idTypes names every code of the table.
var idTypes = map[IDType]string{
	"001": "统一社会信用代码",
	"099": "其他法人或其他组织有效证件代码",
	"111": "公民身份号码",
	"114": "中国人民解放军军官证",
	"115": "中国人民武装警察部队警官证",
	"118": "中国人民解放军士兵证",
	"119": "中国人民武装警察部队士兵证",
	"120": "中国人民解放军文职人员证",
	"122": "中国人民武装警察部队文职人员证",
	"411": "外交护照",
	"412": "公务护照",
	"413": "公务普通护照",
	"414": "普通护照",
	"511": "台湾居民来往大陆通行证",
	"516": "港澳居民来往内地通行证",
	"999": "其他自然人有效证件",
}

// NameZH returns the Chinese name of the kind of document, empty for a code
// outside the table.
func (t IDType) NameZH() string { return idTypes[t] }

// IDTypeNamed returns the kind of document with a Chinese name of the table.
func IDTypeNamed(name string) (IDType, bool) {
	for t, n := range idTypes {
		if n == name {
			return t, true
		}
	}
	return "", false
}

// holderKind says whether the document is an organisation's or a person's.
func (t IDType) holderKind() catalogue.HolderKind {
	if t == IDTypeUSCC || t == "099" {
		return catalogue.LegalPerson
	}
	return catalogue.NaturalPerson
}

// Public reports whether numbers of this kind are public by law: an
// organisation's code. All others are personal and are masked in codes.
func (t IDType) Public() bool { return t.holderKind() == catalogue.LegalPerson }

var documentNumber = regexp.MustCompile(`^[0-9A-Za-z()\-]{1,50}$`)

// Check says whether number has the form of the kind of document, with the check
// character where it has one (GB 11643, GB 32100). The error never repeats the number.
func (t IDType) Check(number string) error {
	switch t {
	case IDTypeUSCC:
		return idcode.CheckUSCC(number)
	case IDTypeCitizenNumber:
		return idcode.CheckCitizenNumber(number)
	default:
		if !documentNumber.MatchString(number) {
			return fmt.Errorf("is not 1 to 50 of 0-9 A-Z a-z ( ) -")
		}
		return nil
	}
}

// holderSeparator stands between several holders where they are one text.
const holderSeparator = "、"

// joined is a part of every holder as one text.
func joined(all []Holder, part func(Holder) string) string {
	texts := make([]string, len(all))
	for i, h := range all {
		texts[i] = part(h)
	}
	return strings.Join(texts, holderSeparator)
}

// HolderNames returns the names of the holders as one text.
func (l *Licence) HolderNames() string {
	return joined(l.Holders, func(h Holder) string { return h.Name })
}

// HolderNumbers returns the numbers of the holders' documents as one text.
func (l *Licence) HolderNumbers() string {
	return joined(l.Holders, func(h Holder) string { return h.IDNumber })
}

// HolderTypes returns the Chinese names of the kinds of the holders' documents as one
// text, each once.
func (l *Licence) HolderTypes() string {
	var kinds []string
	for _, h := range l.Holders {
		if name := h.IDType.NameZH(); !slices.Contains(kinds, name) {
			kinds = append(kinds, name)
		}
	}
	return strings.Join(kinds, holderSeparator)
}

// MaskedIDs returns [Holder.MaskedID] of every holder as one text.
func (l *Licence) MaskedIDs() string { return joined(l.Holders, Holder.MaskedID) }

// Personal reports whether a holder is a person, whose name and number are not public.
func (l *Licence) Personal() bool {
	for _, h := range l.Holders {
		if !h.IDType.Public() {
			return true
		}
	}
	return false
}
