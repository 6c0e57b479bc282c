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

// TestPicture: readers draw a seal from itself, where the signature says, or show a picture
// beside it, which must be the same one.
func TestPicture(t *testing.T) {
	t.Parallel()
	now := time.Now().Add(-time.Minute)
	p := pkitest.New(t, now)
	maker, sealer := newSigner(t, p.CA, ca.ProfileSealMaker, "印章制作系统"), newSigner(t, p.CA, ca.ProfileOrganizationSeal, "34010000000001")
	trust := Trust{Seals: ses.Trust{Path: pkitest.Verifier(t, p.CA), Makers: []pki.Point{maker.key.Public().Point()}}, Persons: pkitest.Verifier(t, p.CA), Second: second.Opinion{}, Now: time.Now}
	picture, other := sealPage(t, "M 10 18 L 32 18 L 32 24 L 10 24 C"), sealPage(t, "M 18 10 L 24 10 L 24 32 L 18 32 C")
	const drawn = `<svg viewBox="0 0 42 42"><path fill="#ff0000" d="M1.4 1.4H40.6V40.6H1.4ZM2.6 2.6V39.4H39.4V2.6ZM10 18H32V24H10Z"/></svg>`
	der, err := ses.Make(ses.Particulars{
		ID: "34010000000001", Name: "合肥市样例局", Kind: 1, Certificate: sealer.certificate, Created: now, ValidFrom: now.Add(-time.Hour), ValidUntil: now.AddDate(0, 11, 0),
		Picture: ses.Picture{Type: "SVG", Data: []byte(drawn), WidthMM: 42, HeightMM: 42},
	}, maker.certificate, maker.key, second.Opinion{})
	if err != nil {
		t.Fatal(err)
	}
	seal, err := ses.Parse(der)
	if err != nil {
		t.Fatal(err)
	}
	sign := func(stamps, sealXML string, more ...file) *Signed {
		t.Helper()
		const list, own, value = "Doc_0/Signs/Signatures.xml", "Doc_0/Signs/Sign_0/Signature.xml", "Doc_0/Signs/Sign_0/SignedValue.dat"
		files := append([]file{
			{"OFD.xml", strings.Replace(entryXML, "</ofd:DocRoot>", "</ofd:DocRoot><ofd:Signatures>"+list+"</ofd:Signatures>", 1)}, plainFiles()[1],
			{"Doc_0/Signs/Sign_0/Seal.esl", string(der)},
		}, more...)
		var references strings.Builder
		for _, f := range files {
			sum := sm3.Sum([]byte(f.content))
			fmt.Fprintf(&references, `<ofd:Reference FileRef="/%s"><ofd:CheckValue>%s</ofd:CheckValue></ofd:Reference>`, f.name, base64.StdEncoding.EncodeToString(sum[:]))
		}
		signature := `<ofd:Signature` + space + `><ofd:SignedInfo><ofd:Provider ProviderName="x"/><ofd:References CheckMethod="SM3">` + references.String() + `</ofd:References>` + stamps + sealXML +
			`</ofd:SignedInfo><ofd:SignedValue>SignedValue.dat</ofd:SignedValue></ofd:Signature>`
		signed, err := ses.Sign(seal, ses.Stamp{Time: now, Document: sm3.Sum([]byte(signature)), Property: "/" + own}, sealer.certificate, sealer.key)
		if err != nil {
			t.Fatal(err)
		}
		report := verify(t, pack(t, append(files, file{list, `<ofd:Signatures` + space + `><ofd:Signature ID="1" Type="Seal" BaseLoc="/` + own + `"/></ofd:Signatures>`},
			file{own, signature}, file{value, string(signed)})), trust)
		return &report.Signatures[0]
	}
	const whole = `<ofd:StampAnnot ID="1" PageRef="1" Boundary="50 60 42 42"/>`
	beside := func(name string) string {
		return `<ofd:Seal><ofd:BaseLoc>Seal.esl</ofd:BaseLoc><ofd:ImageLoc>` + name + `</ofd:ImageLoc></ofd:Seal>`
	}
	at := func(name string, content []byte) file { return file{"Doc_0/Signs/Sign_0/" + name, string(content)} }
	for _, tt := range []struct {
		name   string
		signed *Signed
		want   PictureState
		why    string
		err    error
		stamps []Stamp
	}{
		{"from the seal", sign(whole, ""), PictureDrawn, "", nil, []Stamp{{1, Box{50, 60, 42, 42}, false}}},
		{"a slice", sign(`<ofd:StampAnnot ID="1" PageRef="1" Boundary="200 60 42 42" Clip="0 0 10 42"/>`, ""), PictureDrawn, "", nil, []Stamp{{1, Box{200, 60, 10, 42}, true}}},
		{"a clip that cuts nothing off", sign(`<ofd:StampAnnot ID="1" PageRef="1" Boundary="5 6 42 42" Clip="-1 -1 60 60"/>`, ""), PictureDrawn, "", nil, []Stamp{{1, Box{5, 6, 42, 42}, false}}},
		{"a clip that leaves nothing", sign(`<ofd:StampAnnot ID="1" PageRef="1" Boundary="5 6 42 42" Clip="50 0 10 10"/>`, ""), PictureNone, "", nil, []Stamp{{1, Box{55, 6, 0, 10}, true}}},
		{"no page", sign(`<ofd:StampAnnot ID="1" PageRef="9" Boundary="5 6 42 42"/>`, ""), PictureNone, "", nil, []Stamp{{0, Box{5, 6, 42, 42}, false}}},
		{"no place", sign("", ""), PictureNone, "", nil, nil},
		{"the same beside it", sign(whole, beside("a.ofd"), at("a.ofd", picture)), PictureSame, "", nil, nil},
		{"another beside it", sign(whole, beside("a.ofd"), at("a.ofd", other)), PictureOther, "", ErrPicture, nil},
		{"one that cannot be read", sign(whole, beside("a.emf"), at("a.emf", picture)), PictureUnknown, "EMF", nil, nil},
		{"one that nobody signed", sign(whole, beside("../../Document.xml")), PictureNone, "", ErrMalformed, nil},
	} {
		s := tt.signed
		if s.Picture.State != tt.want && tt.err != ErrMalformed || !strings.Contains(strings.ToUpper(s.Picture.Why), tt.why) || !errors.Is(s.Err(), tt.err) {
			t.Errorf("%s: %+v, %v, want %s, %v", tt.name, s.Picture, s.Err(), tt.want, tt.err)
		}
		if tt.stamps != nil && !slices.Equal(s.Stamps, tt.stamps) {
			t.Errorf("%s: stamps %v, want %v", tt.name, s.Stamps, tt.stamps)
		}
	}
}
