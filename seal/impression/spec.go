package impression

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ErrSpec is wrapped by every error about a seal that cannot be drawn as asked.
var ErrSpec = errors.New("seal cannot be drawn")

// Kind is the shape of a seal.
type Kind uint8

// The shapes. The zero Kind is none of them.
const (
	Round Kind = iota + 1
	Oval
	Square
	Traced // as in a picture, see [Trace]
)

// Centre is what stands in the middle of a round seal.
type Centre uint8

// The centres. Emblem is the national emblem of the seals of governments: the drawing of
// it comes with [TraceEmblem], and [Draw] shows a place-holder until then.
const (
	None Centre = iota
	Star
	Emblem
)

// A Spec says what a seal shows.
type Spec struct {
	Kind     Kind
	WidthMM  float64 // of the outer edge
	HeightMM float64 // equal to WidthMM but for an oval
	// Text runs along the rim: 4 to 40 characters. On a square seal it is the
	// name, 1 to 20 characters, in columns from right to left.
	Text   string
	Centre Centre
	// Line stands horizontally below the centre, such as 财务专用章: up to 12
	// characters, or none.
	Line string
	// Code is digits and capital letters, up to 20, or none. On a round seal it
	// runs along the lower rim; on an oval one, where it is the taxpayer's
	// number, it stands across the middle.
	Code string
	// Outline is what was traced, an SVG path of moves, lines and ends in relative
	// hundredths of a millimetre: of a traced seal the impression itself, and Text is then
	// the seal's name only; of a seal with the emblem that.
	Outline string `json:",omitempty"`
}

// Rank is the rank of a state organ by 国发〔1999〕25号.
type Rank uint8

// The ranks with the diameter of their seals and what is in its centre.
const (
	StateCouncil   Rank = iota + 1 // 60 mm, emblem
	Province                       // 50 mm, emblem: provinces and ministries
	NationalBureau                 // 45 mm, emblem: bureaus under ministries
	County                         // 45 mm, emblem: prefectures, cities, counties, districts
	Township                       // 42 mm, star
	Department                     // 42 mm, star: departments, inner bodies, public institutions (at most 45 mm)
)

// Government is the seal of a state organ. The zero Spec, which Draw refuses,
// stands for a rank that does not exist.
func Government(rank Rank, name string) Spec {
	round := func(diameter float64, centre Centre) Spec {
		return Spec{Kind: Round, WidthMM: diameter, HeightMM: diameter, Text: name, Centre: centre}
	}
	switch rank {
	case StateCouncil:
		return round(60, Emblem)
	case Province:
		return round(50, Emblem)
	case NationalBureau, County:
		return round(45, Emblem)
	case Township, Department:
		return round(42, Star)
	}
	return Spec{}
}

// Company is the main seal of a company (公章), 40 mm with a star.
func Company(name string) Spec {
	return Spec{Kind: Round, WidthMM: 40, HeightMM: 40, Text: name, Centre: Star}
}

// Finance is a company's seal for its accounts (财务专用章), 38 mm.
func Finance(name string) Spec {
	return Spec{Kind: Round, WidthMM: 38, HeightMM: 38, Text: name, Centre: Star, Line: "财务专用章"}
}

// Contract is a company's seal for contracts (合同专用章), 38 mm.
func Contract(name string) Spec {
	return Spec{Kind: Round, WidthMM: 38, HeightMM: 38, Text: name, Centre: Star, Line: "合同专用章"}
}

// Invoice is a company's seal for invoices (发票专用章), an oval of 40 × 30 mm with
// the taxpayer's number across the middle.
func Invoice(name, taxNumber string) Spec {
	return Spec{Kind: Oval, WidthMM: 40, HeightMM: 30, Text: name, Code: taxNumber, Line: "发票专用章"}
}

// Representative is the name seal of a legal representative (法定代表人名章), 18 ×
// 18 mm. Names of two and three characters are filled up to four with 之印 and 印,
// as custom has it.
func Representative(name string) Spec {
	switch utf8.RuneCountInString(name) {
	case 2:
		name += "之印"
	case 3:
		name += "印"
	}
	return Spec{Kind: Square, WidthMM: 18, HeightMM: 18, Text: name}
}

// Set returns the five seals that a company is founded with: of the company, for
// finance, for contracts, for invoices, and of its legal representative.
func Set(name, taxNumber, representative string) []Spec {
	return []Spec{Company(name), Finance(name), Contract(name), Invoice(name, taxNumber), Representative(representative)}
}

// CheckComplete says whether a seal can be made of the design: a place-holder for the
// emblem is for looking at. Errors wrap [ErrSpec].
func (s Spec) CheckComplete() error {
	if s.Centre == Emblem && s.Outline == "" {
		return fmt.Errorf("%w: centre: the national emblem is missing: its official drawing must be given", ErrSpec)
	}
	return nil
}

// check refuses what no drawing should be tried of.
func (s Spec) check() error {
	refuse := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrSpec, fmt.Sprintf(format, args...))
	}
	if s.Centre > Emblem {
		return refuse("centre: %d is unknown", s.Centre)
	}
	shortest, longest := 4, 40
	smallest, largest := 20.0, 60.0
	switch s.Kind {
	case Round:
	case Oval:
		if s.Centre != None {
			return refuse("centre: an oval seal has none")
		}
	case Square:
		shortest, longest, smallest, largest = 1, 20, 10, 40
		if s.Centre != None || s.Line != "" || s.Code != "" {
			return refuse("a square seal has only a text")
		}
	case Traced:
		return s.checkTraced()
	default:
		return refuse("kind: %d is unknown", s.Kind)
	}
	if s.Outline != "" && s.Centre != Emblem {
		return refuse("an outline is for a traced seal or an emblem")
	}
	if !(s.WidthMM >= smallest && s.WidthMM <= largest) { // NaN fails too
		return refuse("width: %g mm, possible are %g to %g", s.WidthMM, smallest, largest)
	}
	if s.Kind == Oval && !(s.HeightMM >= 0.6*s.WidthMM && s.HeightMM <= 0.9*s.WidthMM) {
		return refuse("height: %g mm, an oval of %g mm may have %g to %g", s.HeightMM, s.WidthMM, 0.6*s.WidthMM, 0.9*s.WidthMM)
	}
	if s.Kind != Oval && s.HeightMM != s.WidthMM {
		return refuse("height: %g mm, not equal to the width of %g mm", s.HeightMM, s.WidthMM)
	}
	if n := utf8.RuneCountInString(s.Text); n < shortest || n > longest {
		return refuse("text: %d characters, possible are %d to %d", n, shortest, longest)
	}
	if n := utf8.RuneCountInString(s.Line); n > 12 {
		return refuse("line: %d characters, possible are 12", n)
	}
	if strings.ContainsFunc(s.Text+s.Line, unicode.IsSpace) {
		return refuse("text and line may not hold white space")
	}
	if len(s.Code) > 20 {
		return refuse("code: %d characters, possible are 20", len(s.Code))
	}
	if strings.Trim(s.Code, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return refuse("code: %q holds more than digits and capital letters", s.Code)
	}
	return nil
}

// checkTraced is check for a design that was traced.
func (s Spec) checkTraced() error {
	refuse := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrSpec, fmt.Sprintf(format, args...))
	}
	const smallest, largest = 8.0, 60.0
	for _, side := range []float64{s.WidthMM, s.HeightMM} {
		if !(side >= smallest && side <= largest) {
			return refuse("size: %g mm, possible are %g to %g", side, smallest, largest)
		}
	}
	if n := utf8.RuneCountInString(s.Text); n < 1 || n > 60 {
		return refuse("name: %d characters, possible are 1 to 60", n)
	}
	if s.Centre != None || s.Line != "" || s.Code != "" {
		return refuse("a traced seal shows what its picture shows")
	}
	if s.Outline == "" {
		return refuse("a traced seal has an outline")
	}
	return nil
}
