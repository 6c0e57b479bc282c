package ofd

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/cms"
	"github.com/elicence/elicence/pki/second"
	ses "github.com/elicence/elicence/seal"
)

const space = ` xmlns:ofd="http://www.ofdspec.org/2016"`

// sealPage is the picture of a seal as an OFD page, with a frame and a bar in it.
func sealPage(tb testing.TB, bar string) []byte {
	tb.Helper()
	path := func(attributes, data string) string {
		return `<ofd:PathObject ID="3" Boundary="0 0 42 42" ` + attributes + `><ofd:StrokeColor Value="255 0 0"/><ofd:FillColor Value="255 0 0"/><ofd:AbbreviatedData>` + data + `</ofd:AbbreviatedData></ofd:PathObject>`
	}
	return pack(tb, []file{
		{"OFD.xml", `<ofd:OFD` + space + `><ofd:DocBody><ofd:DocInfo/><ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot></ofd:DocBody></ofd:OFD>`},
		{"Doc_0/Document.xml", `<ofd:Document` + space + `><ofd:CommonData><ofd:PageArea><ofd:PhysicalBox>0 0 42 42</ofd:PhysicalBox></ofd:PageArea></ofd:CommonData><ofd:Pages><ofd:Page ID="1" BaseLoc="Page.xml"/></ofd:Pages></ofd:Document>`},
		{"Doc_0/Page.xml", `<ofd:Page` + space + `><ofd:Content><ofd:Layer ID="2">` +
			path(`LineWidth="1.2"`, "M 2 2 L 40 2 L 40 40 L 2 40 C") + path(`Fill="true" Stroke="false"`, bar) + `</ofd:Layer></ofd:Content></ofd:Page>`},
	})
}

// clippedPage is the seal's picture for readers that know clips, and has another bar for others.
func clippedPage(tb testing.TB) []byte {
	tb.Helper()
	files := unpack(tb, sealPage(tb, "M 10 18 L 32 18 L 32 24 L 10 24 M 18 30 L 24 30 L 24 36 L 18 36 C"))
	page := &files[len(files)-1]
	const clip = `<ofd:Clips><ofd:Clip><ofd:Area><ofd:Path Boundary="0 0 42 42"><ofd:AbbreviatedData>M 0 0 L 42 0 L 42 26 L 0 26 C</ofd:AbbreviatedData></ofd:Path></ofd:Area></ofd:Clip></ofd:Clips>`
	at := strings.LastIndex(page.content, "<ofd:AbbreviatedData>")
	page.content = page.content[:at] + clip + page.content[at:]
	return pack(tb, files)
}

// whole is a stamp that shows all of a seal.
func whole(page int, box Box) Stamp {
	s := Stamp{Page: page, Box: box, Part: Part{0, 0, 1, 1}, boundary: box}
	if page > 0 {
		s.page = Box{0, 0, 210, 297}
	}
	return s
}

// A desk seals packages with a seal of 42 × 42 mm, drawn as SVG, and signs them as a person.
type desk struct {
	tb             testing.TB
	now            time.Time
	trust          Trust
	der            []byte
	seal           *ses.Seal
	sealer, person signer
}

func newDesk(tb testing.TB) *desk {
	tb.Helper()
	d := &desk{tb: tb, now: time.Now().Add(-time.Minute)}
	p := pkitest.New(tb, d.now)
	persons := p.Authority(tb, "自然人")
	maker := newSigner(tb, p.CA, ca.ProfileSealMaker, "印章制作系统")
	d.sealer, d.person = newSigner(tb, p.CA, ca.ProfileOrganizationSeal, "34010000000001"), newSigner(tb, persons, ca.ProfilePerson, "张样例")
	d.trust = Trust{Seals: ses.Trust{Path: pkitest.Verifier(tb, p.CA), Makers: []pki.Point{maker.key.Public().Point()}}, Persons: pkitest.Verifier(tb, persons), Second: second.Opinion{}, Now: time.Now}
	const drawn = `<svg viewBox="0 0 42 42"><path fill="#ff0000" d="M1.4 1.4H40.6V40.6H1.4ZM2.6 2.6V39.4H39.4V2.6ZM10 18H32V24H10Z"/></svg>`
	var err error
	d.der, err = ses.Make(ses.Particulars{
		ID: "34010000000001", Name: "合肥市样例局", Kind: 1, Certificate: d.sealer.certificate, Created: d.now, ValidFrom: d.now.Add(-time.Hour), ValidUntil: d.now.AddDate(0, 11, 0),
		Picture: ses.Picture{Type: "SVG", Data: []byte(drawn), WidthMM: 42, HeightMM: 42},
	}, maker.certificate, maker.key, second.Opinion{})
	if err != nil {
		tb.Fatal(err)
	}
	if d.seal, err = ses.Parse(d.der); err != nil {
		tb.Fatal(err)
	}
	return d
}

// The files of the signature that a desk makes.
const (
	listFile  = "Doc_0/Signs/Signatures.xml"
	ownFile   = "Doc_0/Signs/Sign_0/Signature.xml"
	valueFile = "Doc_0/Signs/Sign_0/SignedValue.dat"
	sealFile  = "Doc_0/Signs/Sign_0/Seal.esl"
)

// signable are the files of a document that a signature of the desk is for.
func (d *desk) signable(more ...file) []file {
	plain := plainFiles()
	plain[0].content = strings.Replace(entryXML, "</ofd:DocRoot>", "</ofd:DocRoot><ofd:Signatures>"+listFile+"</ofd:Signatures>", 1)
	return append(append(plain, file{sealFile, string(d.der)}), more...)
}

// sign adds a signature of a kind to files, which it covers but for those that are left out.
func (d *desk) sign(kind Kind, files []file, info string, without ...string) []file {
	d.tb.Helper()
	var references strings.Builder
	for _, f := range files {
		if !slices.Contains(without, f.name) {
			sum := sm3.Sum([]byte(f.content))
			fmt.Fprintf(&references, `<ofd:Reference FileRef="/%s"><ofd:CheckValue>%s</ofd:CheckValue></ofd:Reference>`, f.name, base64.StdEncoding.EncodeToString(sum[:]))
		}
	}
	signature := `<ofd:Signature` + space + `><ofd:SignedInfo><ofd:Provider ProviderName="x"/><ofd:References CheckMethod="SM3">` + references.String() + `</ofd:References>` + info +
		`</ofd:SignedInfo><ofd:SignedValue>SignedValue.dat</ofd:SignedValue></ofd:Signature>`
	value, name := d.value(kind, []byte(signature)), map[Kind]string{KindSeal: "Seal", KindSign: "Sign"}[kind]
	return append(slices.Clone(files), file{listFile, `<ofd:Signatures` + space + `><ofd:Signature ID="1" Type="` + name + `" BaseLoc="/` + ownFile + `"/></ofd:Signatures>`},
		file{ownFile, signature}, file{valueFile, string(value)})
}

func (d *desk) value(kind Kind, signature []byte) []byte {
	d.tb.Helper()
	if kind == KindSeal {
		value, err := ses.Sign(d.seal, ses.Stamp{Time: d.now, Document: sm3.Sum(signature), Property: "/" + ownFile}, d.sealer.certificate, d.sealer.key)
		if err != nil {
			d.tb.Fatal(err)
		}
		return value
	}
	attributes, err := cms.Attributes(sm3.Sum(signature), d.person.certificate)
	if err != nil {
		d.tb.Fatal(err)
	}
	signed, err := d.person.key.Sign(attributes)
	if err != nil {
		d.tb.Fatal(err)
	}
	value, err := cms.Assemble(attributes, signed, []*cert.Certificate{d.person.certificate})
	if err != nil {
		d.tb.Fatal(err)
	}
	return value
}

// sealed is what is found of a seal on a document.
func (d *desk) sealed(info string, more ...file) (*Signed, *Report) {
	d.tb.Helper()
	report := verify(d.tb, pack(d.tb, d.sign(KindSeal, d.signable(more...), info)), d.trust)
	return &report.Signatures[0], report
}

// TestPicture: readers draw a seal from itself, where the signature says, or show a picture
// beside it, which must be the same one.
func TestPicture(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	picture, other := sealPage(t, "M 10 18 L 32 18 L 32 24 L 10 24 C"), sealPage(t, "M 18 10 L 24 10 L 24 32 L 18 32 C")
	const all = `<ofd:StampAnnot ID="1" PageRef="1" Boundary="50 60 42 42"/>`
	beside := func(name string) string {
		return all + `<ofd:Seal><ofd:BaseLoc>Seal.esl</ofd:BaseLoc><ofd:ImageLoc>` + name + `</ofd:ImageLoc></ofd:Seal>`
	}
	at := func(name string, content []byte) []file {
		return []file{{"Doc_0/Signs/Sign_0/" + name, string(content)}}
	}
	place := func(boundary, clip string) string {
		return `<ofd:StampAnnot ID="1" PageRef="1" Boundary="` + boundary + `" ` + clip + `/>`
	}
	part := func(box, boundary Box, part Part) Stamp { return Stamp{1, box, part, boundary, Box{0, 0, 210, 297}} }
	var many strings.Builder
	for i := range maxOnPage + 1 {
		many.WriteString(place(fmt.Sprint(i, 0, 1, 1), ""))
	}
	for _, tt := range []struct {
		name, info string
		more       []file
		want       PictureState
		why        string
		err        error
		caution    string
		stamp      *Stamp
	}{
		{name: "from the seal", info: all, want: PictureDrawn, stamp: new(part(Box{50, 60, 42, 42}, Box{50, 60, 42, 42}, Part{0, 0, 1, 1}))},
		{name: "a slice", info: place("200 60 42 42", `Clip="0 0 10.5 42"`), want: PictureSlice, caution: "page 1 shows a part of it only, the left 24 %",
			stamp: new(part(Box{200, 60, 10, 42}, Box{200, 60, 42, 42}, Part{0, 0, 10.0 / 42, 1}))},
		{name: "cut off by the page", info: place("189 60 42 42", ""), want: PictureSlice, caution: "the left 50 %"},
		{name: "cut off below", info: place("60 276 42 42", ""), want: PictureSlice, caution: "the top 50 %"},
		{name: "the middle", info: place("60 60 42 42", `Clip="10.5 0 21 42"`), want: PictureSlice, caution: "25 % to 75 % from the left"},
		{name: "a corner", info: place("60 60 42 42", `Clip="0 0 21 21"`), want: PictureUnknown, why: "PAGE 1 SHOWS", caution: "the left 50 %, of that the top 50 %"},
		{name: "wider than it is", info: place("60 60 60 42", ""), want: PictureUnknown, why: "DISTORTED", caution: "143 % of its width and 100 %"},
		{name: "half as large", info: place("60 60 21 21", ""), want: PictureDrawn, caution: "50 % of its width and 50 %"},
		{name: "at 40 mm", info: place("60 60 40 40", ""), want: PictureDrawn},
		{name: "as small as nothing, and half of it", info: place("60 60 1 1", `Clip="0 0 0.5 1"`), want: PictureSlice, caution: "the left 50 %"},
		{name: "one over the other", info: place("60 60 42 42", "") + place("70 60 42 42", ""), want: PictureUnknown, why: "TWICE"},
		{name: "two beside each other", info: place("60 60 42 42", "") + place("102 60 42 42", ""), want: PictureDrawn},
		{name: "two halves apart", info: place("60 60 42 42", `Clip="0 0 21 42"`) + place("10 60 42 42", `Clip="21 0 21 42"`), want: PictureUnknown, why: "TWO PARTS", caution: "the right 50 %"},
		{name: "a clip that cuts nothing off", info: place("5 6 42 42", `Clip="-1 -1 60 60"`), want: PictureDrawn, stamp: new(whole(1, Box{5, 6, 42, 42}))},
		{name: "a clip that leaves nothing", info: place("5 6 42 42", `Clip="50 0 10 10"`), want: PictureNone, caution: "shows nothing of it"},
		{name: "a clip of less than nothing", info: place("5 6 42 42", `Clip="20 0 -10 42"`), want: PictureNone, caution: "shows nothing of it"},
		{name: "a boundary of less than nothing", info: place("5 6 -42 42", ""), want: PictureNone, caution: "shows nothing of it"},
		{name: "beside the page", info: place("210 6 42 42", ""), want: PictureNone, caution: "shows nothing of it"},
		{name: "no page", info: strings.Replace(all, `PageRef="1"`, `PageRef="9"`, 1), want: PictureNone, caution: "the document has not", stamp: new(whole(0, Box{50, 60, 42, 42}))},
		{name: "no place", want: PictureNone},
		{name: "a place without numbers", info: place("a b c d", ""), want: PictureNone, err: ErrMalformed},
		{name: "too many places", info: strings.Repeat(all, maxStamps+1), want: PictureNone, err: ErrMalformed},
		{name: "many on one page", info: many.String(), want: PictureUnknown, why: "MORE THAN 100", caution: "2 % of its width"},
		{name: "the same beside it", info: beside("a.ofd"), more: at("a.ofd", picture), want: PictureSame},
		{name: "another beside it", info: beside("a.ofd"), more: at("a.ofd", other), want: PictureOther, err: ErrPicture},
		{name: "the same, but for what a clip hides", info: beside("a.ofd"), more: at("a.ofd", clippedPage(t)), want: PictureUnknown, why: "NOT EVERY READER"},
		{name: "one that cannot be read", info: beside("a.emf"), more: at("a.emf", picture), want: PictureUnknown, why: "EMF"},
		{name: "one that nobody signed", info: beside("../../Document.xml"), want: PictureNone, err: ErrMalformed},
	} {
		s, report := d.sealed(tt.info, tt.more...)
		if s.Picture.State != tt.want || !strings.Contains(strings.ToUpper(s.Picture.Why), tt.why) || !errors.Is(s.Err(), tt.err) {
			t.Errorf("%s: %+v, %v, want %s, %v", tt.name, s.Picture, s.Err(), tt.want, tt.err)
		}
		if said := fmt.Sprint(report.Cautions); (len(report.Cautions) > 0) != (tt.caution != "") || !strings.Contains(said, tt.caution) {
			t.Errorf("%s: cautions %s, want %q", tt.name, said, tt.caution)
		}
		if tt.stamp != nil && (len(s.Stamps) != 1 || s.Stamps[0] != *tt.stamp) {
			t.Errorf("%s: stamps %v, want %v", tt.name, s.Stamps, *tt.stamp)
		}
	}
}
