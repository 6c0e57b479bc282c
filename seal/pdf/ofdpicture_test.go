package pdf

import (
	"archive/zip"
	"bytes"
	"context"
	"io"
	"strings"
	"testing"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/pki/oid"
	ses "github.com/elicence/elicence/seal"
)

// ofdPicture is a seal of others as an OFD page: a frame, and what is in it.
func ofdPicture(tb testing.TB, inside string) []byte {
	tb.Helper()
	const space = ` xmlns:ofd="http://www.ofdspec.org/2016"`
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range [][2]string{
		{"OFD.xml", `<ofd:OFD` + space + `><ofd:DocBody><ofd:DocInfo/><ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot></ofd:DocBody></ofd:OFD>`},
		{"Doc_0/Document.xml", `<ofd:Document` + space + `><ofd:CommonData><ofd:PageArea><ofd:PhysicalBox>0 0 42 42</ofd:PhysicalBox></ofd:PageArea></ofd:CommonData><ofd:Pages><ofd:Page ID="1" BaseLoc="Page.xml"/></ofd:Pages></ofd:Document>`},
		{"Doc_0/Page.xml", `<ofd:Page` + space + `><ofd:Content><ofd:Layer ID="2"><ofd:PathObject ID="3" Boundary="0 0 42 42" LineWidth="1.2"><ofd:StrokeColor Value="255 0 0"/>` +
			`<ofd:AbbreviatedData>M 2 2 L 40 2 L 40 40 L 2 40 C</ofd:AbbreviatedData></ofd:PathObject>` + inside + `</ofd:Layer></ofd:Content></ofd:Page>`},
	} {
		entry, err := w.Create(f[0])
		if err != nil {
			tb.Fatal(err)
		}
		if _, err := io.WriteString(entry, f[1]); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// withForeignPicture gives the signers a seal with a picture that is not made here: the maker
// signs its particulars anew.
func (s *signers) withForeignPicture(tb testing.TB, kind string, data []byte) {
	tb.Helper()
	outer, seal, parts := cryptobyte.String(s.seal.DER), cryptobyte.String(nil), cryptobyte.String(nil)
	var kept [3]cryptobyte.String // header, esID, property
	ok := outer.ReadASN1(&seal, cbasn1.SEQUENCE) && seal.ReadASN1(&parts, cbasn1.SEQUENCE)
	for i, tag := range []cbasn1.Tag{cbasn1.SEQUENCE, cbasn1.IA5String, cbasn1.SEQUENCE} {
		ok = ok && parts.ReadASN1Element(&kept[i], tag)
	}
	if !ok {
		tb.Fatal("the seal is not as it is made here")
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, part := range kept {
			b.AddBytes(part)
		}
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.IA5String, func(b *cryptobyte.Builder) { b.AddBytes([]byte(kind)) })
			b.AddASN1OctetString(data)
			b.AddASN1Int64(42)
			b.AddASN1Int64(42)
		})
	})
	info := b.BytesOrPanic()
	sig, err := s.makerKey.Sign(info)
	if err != nil {
		tb.Fatal(err)
	}
	b = cryptobyte.Builder{}
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(info)
		b.AddASN1OctetString(s.maker.DER)
		oid.Add(b, oid.SM2WithSM3)
		b.AddASN1BitString(sig.DER())
	})
	if s.seal, err = ses.Parse(b.BytesOrPanic()); err != nil {
		tb.Fatal(err)
	}
}

// TestSealOfOFD: a seal of others whose picture is an OFD page is compared with what the field
// shows.
func TestSealOfOFD(t *testing.T) {
	t.Parallel()
	const bar = `<ofd:PathObject ID="4" Boundary="0 0 42 42" Fill="true" Stroke="false"><ofd:FillColor Value="255 0 0"/><ofd:AbbreviatedData>M 10 18 L 32 18 L 32 24 L 10 24 C</ofd:AbbreviatedData></ofd:PathObject>`
	const text = `<ofd:TextObject ID="4" Boundary="0 0 42 42" Font="9" Size="5"><ofd:TextCode X="9" Y="9">章</ofd:TextCode></ofd:TextObject>`
	const frame = "1 0 0 rg 1.4 1.4 m 40.6 1.4 l 40.6 40.6 l 1.4 40.6 l h 2.6 2.6 m 2.6 39.4 l 39.4 39.4 l 39.4 2.6 l h f "
	for name, tt := range map[string]struct {
		inside, shown string
		want          PictureState
		why           string
	}{
		"the seal":      {bar, frame + "10 18 22 6 re f", PictureSame, ""},
		"another":       {bar, frame + "18 10 6 22 re f", PictureOther, ""},
		"the frame":     {bar, frame, PictureOther, ""},
		"not to be had": {text, frame + "10 18 22 6 re f", PictureUnknown, "text in a font that is not in the package"},
	} {
		s := newSigners(t)
		s.withForeignPicture(t, "ofd", ofdPicture(t, tt.inside))
		stamp := s.stamp(60)
		stamp.Marks[0].Appearance = &Appearance{Content: []byte(tt.shown), BBox: [4]float64{0, 0, 42, 42}}
		report, err := open(t, put(t, victim.bytes(), stamp, s.sealContents)).Verify(context.Background(), s.trust)
		if err != nil {
			t.Fatal(err)
		}
		found := report.Signatures[0].Picture
		if found.State != tt.want || !strings.Contains(found.Why, tt.why) || report.Valid() != (tt.want != PictureOther) {
			t.Errorf("%s: %+v, valid %v (%v), want %s", name, found, report.Valid(), report.Err(), tt.want)
		}
	}
}
