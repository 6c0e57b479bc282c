package pdf

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/path"
	"github.com/elicence/elicence/pki/tsa"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

// stamper is a time-stamping authority that stamps whatever anybody sends it, as they do.
type stamper struct {
	authority *tsa.Authority
	verifier  *path.Verifier
}

func newStamper(tb testing.TB) *stamper {
	tb.Helper()
	s := pkitest.NewStamping(tb, time.Now())
	verifier, err := path.New(path.Options{Anchors: []*cert.Certificate{s.Root}})
	if err != nil {
		tb.Fatal(err)
	}
	return &stamper{s.Authority(tb), verifier}
}

// token is a time stamp over a digest.
func (s *stamper) token(tb testing.TB, digest [32]byte) []byte {
	tb.Helper()
	request := tsa.Request{Imprint: tsa.SM3(digest), Certificates: true}
	der, err := request.Marshal()
	if err != nil {
		tb.Fatal(err)
	}
	answer, err := s.authority.Respond(context.Background(), der)
	if err != nil {
		tb.Fatal(err)
	}
	response, err := tsa.ParseResponse(answer)
	if err != nil || response.Token == nil {
		tb.Fatalf("the authority's answer: %v", err)
	}
	return response.Token
}

// tokenRoom is enough for a token, in bytes.
const tokenRoom = 4096

// madeStamp writes a signature dictionary of a type for a time stamp, with empty places for
// what [stamper.onto] puts in.
func (a attacker) madeStamp(kind, subFilter string) syntax.Ref {
	return a.made(fmt.Sprintf("<<%s/Filter/Adobe.PPKLite/SubFilter/%s/ByteRange[0 0000000000 0000000000 0000000000]/Contents<%s>>>",
		kind, subFilter, strings.Repeat("00", tokenRoom)))
}

// onto updates a file as the attacker wants and puts a time stamp over all of it.
func (s *stamper) onto(tb testing.TB, file []byte, change func(attacker)) []byte {
	tb.Helper()
	return filled(tb, updatedUnsigned(tb, file, change), func(digest [32]byte) []byte { return s.token(tb, digest) })
}

// filled fills the empty places of the last signature dictionary with what signs the digest.
func filled(tb testing.TB, out []byte, sign func([32]byte) []byte) []byte {
	tb.Helper()
	places := []byte("[0 0000000000 0000000000 0000000000]/Contents<")
	at := bytes.LastIndex(out, places)
	if at < 0 {
		tb.Fatal("the attacker wrote no empty places")
	}
	from := at + len(places) - 1
	to := from + 2*tokenRoom + 2
	copy(out[at:], fmt.Sprintf("[0 %010d %010d %010d]", from, to, len(out)-to))
	digest := sm3.Sum(append(bytes.Clone(out[:from]), out[to:]...))
	copy(out[from+1:], hex.EncodeToString(sign(digest)))
	return out
}

// TestTimeStampAttacks: whoever asks an authority for a time stamp gets it, so a time stamp
// answers for nothing but a time, whether or not the authority is known. What it shows on a
// page nobody has signed, and a file that has nothing else has no signature.
func TestTimeStampAttacks(t *testing.T) { eachProfile(t, testTimeStampAttacks) }

func testTimeStampAttacks(t *testing.T, s *signers) {
	stamper := newStamper(t)
	asks := victim
	asks.catalog, asks.page = "/AcroForm 7 0 R", "/Annots[5 0 R 6 0 R 8 0 R]"
	asks.objects = append(append([]string{}, victim.objects[:2]...), "<</Fields[5 0 R 8 0 R]>>",
		"<</Type/Annot/Subtype/Widget/FT/Sig/T(second)/F 4/Rect[60 380 300 440]/P 9 0 R>>")
	sealed := put(t, asks.bytes(), s.stamp(120), s.sealContents)
	const documentStamp = "/Type/DocTimeStamp"
	// field shows a time stamp as a picture over the text, or whatever the entries say.
	field := func(kind, subFilter, entries string) func(attacker) {
		return func(a attacker) {
			picture := a.Fresh()
			a.PutStream(picture, syntax.DictOf("Type", syntax.Name("XObject"), "Subtype", syntax.Name("Form"), "BBox", numbers([]float64{0, 0, 240, 60})), []byte("1 g 0 0 240 60 re f"))
			v := a.madeStamp(kind, subFilter)
			nothing := a.Fresh()
			a.PutStream(nothing, syntax.DictOf("Type", syntax.Name("XObject"), "Subtype", syntax.Name("Form"), "BBox", numbers([]float64{0, 0, 0, 0})), []byte("% DSBlank\r\n"))
			entries := strings.NewReplacer("PICTURE", fmt.Sprintf("%d 0 R", picture.Num), "NOTHING", fmt.Sprintf("%d 0 R", nothing.Num)).Replace(entries)
			for key, usual := range map[string]string{"/T(": "/T(time)", "/F ": "/F 132", "/Subtype": "/Subtype/Widget"} {
				if !strings.Contains(entries, key) {
					entries += usual
				}
			}
			w := a.made(fmt.Sprintf("<</Type/Annot/FT/Sig/P 9 0 R/V %d 0 R%s>>", v.Num, entries))
			a.add(7, "Fields", w)
			a.add(9, "Annots", w)
		}
	}
	for _, tt := range []struct {
		name   string
		file   []byte
		change func(attacker)
		what   string // "" where the file stays in order
	}{
		{"nothing shown", sealed, field(documentStamp, SubFilterStamp, "/Rect[0 0 0 0]"), ""},
		{"nothing shown, of no type", sealed, field("", SubFilterStamp, "/Rect[0 0 0 0]"), ""},
		{"a picture over the text", sealed, field(documentStamp, SubFilterStamp, "/Rect[60 380 300 440]/AP<</N PICTURE>>"), "shows something"},
		{"a picture, of no type", sealed, field("", SubFilterStamp, "/Rect[60 380 300 440]/AP<</N PICTURE>>"), "shows something"},
		{"a picture, of the type of a signature", sealed, field("/Type/Sig", SubFilterStamp, "/Rect[60 380 300 440]/AP<</N PICTURE>>"), "shows something"},
		{"a colour for the reader to fill", sealed, field(documentStamp, SubFilterStamp, "/Rect[60 380 300 440]/MK<</BG[1 1 1]>>"), "shows something"},
		{"room on a page", sealed, field(documentStamp, SubFilterStamp, "/Rect[60 380 300 440]"), "shows something"},
		{"room that is not seen, but printed", sealed, field(documentStamp, SubFilterStamp, "/F 36/Rect[60 380 300 440]"), "shows something"},
		{"a picture without room", sealed, field(documentStamp, SubFilterStamp, "/Rect[0 0 0 0]/AP<</N PICTURE>>"), "shows something"},
		{"a picture that is hidden", sealed, field(documentStamp, SubFilterStamp, "/F 2/Rect[60 380 300 440]/AP<</N PICTURE>>"), "shows something"},
		{"a picture for the mouse", sealed, field(documentStamp, SubFilterStamp, "/Rect[0 0 0 0]/AP<</D PICTURE>>"), "shows something"},
		{"pictures by state", sealed, field(documentStamp, SubFilterStamp, "/Rect[0 0 0 0]/AP<</N<</a PICTURE>>>>"), "shows something"},
		{"hidden, and nothing to be seen", sealed, field(documentStamp, SubFilterStamp, "/F 2/Rect[60 380 300 440]/MK<<>>/AP<</N NOTHING>>"), ""},
		{"an empty picture", sealed, field(documentStamp, SubFilterStamp, "/Rect[0 0 0 0]/AP<</N NOTHING>>"), ""},
		{"its name spoken", sealed, field(documentStamp, SubFilterStamp, "/Rect[0 0 0 0]/TU(time)"), ""},
		{"what it is, spoken", sealed, field(documentStamp, SubFilterStamp, "/Rect[0 0 0 0]/TU(Document time stamp)"), ""},
		{"something that is no text", sealed, field(documentStamp, SubFilterStamp, "/Rect[0 0 0 0]/TU[(approved)]"), "the entry /TU"},
		{"something spoken that stands elsewhere", sealed, func(a attacker) {
			field(documentStamp, SubFilterStamp, "/Rect[0 0 0 0]/TU "+refText(a.made("(approved)")))(a)
		}, "the entry /TU"},
		{"a note with its sign", sealed, field(documentStamp, SubFilterStamp, "/Subtype/Text/Rect[0 0 0 0]"), "shows something"},
		{"a note whose kind stands elsewhere", sealed, func(a attacker) {
			field(documentStamp, SubFilterStamp, "/Rect[0 0 0 0]/Subtype "+refText(a.made("/Text")))(a)
		}, "shows something"},
		{"no kind at all", sealed, field(documentStamp, SubFilterStamp, "/Subtype null/Rect[0 0 0 0]"), "shows something"},
		{"a note below the field", sealed, func(a attacker) {
			v := a.madeStamp(documentStamp, SubFilterStamp)
			up := a.Fresh()
			w := a.made(fmt.Sprintf("<</Type/Annot/Subtype/Text/F 4/Rect[0 0 0 0]/P 9 0 R/Parent %d 0 R>>", up.Num))
			a.Put(up, syntax.DictOf("FT", syntax.Name("Sig"), "T", syntax.String("time"), "V", v, "Kids", syntax.Array{w}))
			a.add(7, "Fields", up)
			a.add(9, "Annots", w)
		}, "shows something"},
		{"a widget below the field", sealed, func(a attacker) {
			v := a.madeStamp(documentStamp, SubFilterStamp)
			up := a.Fresh()
			w := a.made(fmt.Sprintf("<</Type/Annot/Subtype/Widget/F 4/Rect[0 0 0 0]/P 9 0 R/Parent %d 0 R>>", up.Num))
			a.Put(up, syntax.DictOf("FT", syntax.Name("Sig"), "T", syntax.String("time"), "V", v, "Kids", syntax.Array{w}))
			a.add(7, "Fields", up)
			a.add(9, "Annots", w)
		}, ""},
		{"something else spoken below the field", sealed, func(a attacker) {
			v := a.madeStamp(documentStamp, SubFilterStamp)
			up := a.Fresh()
			w := a.made(fmt.Sprintf("<</Type/Annot/Subtype/Widget/F 4/Rect[0 0 0 0]/TU(approved)/P 9 0 R/Parent %d 0 R>>", up.Num))
			a.Put(up, syntax.DictOf("FT", syntax.Name("Sig"), "T", syntax.String("time"), "V", v, "Kids", syntax.Array{w}))
			a.add(7, "Fields", up)
			a.add(9, "Annots", w)
		}, "the entry /TU"},
		{"something else spoken", sealed, field(documentStamp, SubFilterStamp, "/Rect[0 0 0 0]/TU(approved by the ministry)"), "the entry /TU"},
		{"something for export", sealed, field(documentStamp, SubFilterStamp, "/Rect[0 0 0 0]/TM(approved)"), "the entry /TM"},
		{"contents", sealed, field(documentStamp, SubFilterStamp, "/Rect[0 0 0 0]/Contents(approved)"), "the entry /Contents"},
		{"a layer", sealed, field(documentStamp, SubFilterStamp, "/Rect[0 0 0 0]/OC<</Type/OCG/Name(approved)>>"), "the entry /OC"},
		{"an action", sealed, field(documentStamp, SubFilterStamp, "/Rect[0 0 0 0]/A<</S/URI/URI(http://example.org)>>"), "the entry /A,"},
		{"an action on the page", sealed, field(documentStamp, SubFilterStamp, "/Rect[0 0 0 0]/AA<</E<</S/Named/N/Print>>>>"), "the entry /AA,"},
		{"a lock", sealed, field(documentStamp, SubFilterStamp, "/Rect[0 0 0 0]/Lock<</Type/SigFieldLock/Action/All>>"), "the entry /Lock"},
		{"a reason", sealed, field(documentStamp+"/Reason(approved by the ministry)", SubFilterStamp, "/Rect[0 0 0 0]"), "says something"},
		{"a name", sealed, field(documentStamp+"/Name(ministry)", SubFilterStamp, "/Rect[0 0 0 0]"), "says something"},
		{"an empty name", sealed, field(documentStamp+"/Name()", SubFilterStamp, "/Rect[0 0 0 0]"), ""},
		{"a reason in a field that waited", sealed, func(a attacker) {
			a.Put(syntax.Ref{Num: 8}, a.dict(8).With("V", a.madeStamp(documentStamp+"/Location(Hefei)", SubFilterStamp)))
		}, "says something"},
		{"a long name of the field", sealed, field(documentStamp, SubFilterStamp, "/T("+strings.Repeat("approved ", 20)+")/Rect[0 0 0 0]"), "longer than 100"},
		{"a name of lines", sealed, field(documentStamp, SubFilterStamp, `/T(approved\nby all)/Rect[0 0 0 0]`), "not seen"},
		{"a name that turns around", sealed, field(documentStamp, SubFilterStamp, `/T(\376\377\000a\040\056\000b)/Rect[0 0 0 0]`), "not seen"},
		{"a name of unseen signs", sealed, field(documentStamp, SubFilterStamp, `/T(\376\377\000a\040\013\000b)/Rect[0 0 0 0]`), "not seen"},
		{"a name with a line of another kind", sealed, field(documentStamp, SubFilterStamp, `/T(\376\377\000a\040\050\000b)/Rect[0 0 0 0]`), "not seen"},
		{"a signature called a time stamp", sealed, field(documentStamp, SubFilterPerson, "/Rect[0 0 0 0]"), "time stamp, its /SubFilter"},
		{"a picture in a field that waited", sealed, func(a attacker) {
			picture := a.Fresh()
			a.PutStream(picture, syntax.DictOf("Type", syntax.Name("XObject"), "Subtype", syntax.Name("Form"), "BBox", numbers([]float64{0, 0, 240, 60})), []byte("1 g 0 0 240 60 re f"))
			a.Put(syntax.Ref{Num: 8}, a.dict(8).With("V", a.madeStamp(documentStamp, SubFilterStamp)).With("AP", syntax.DictOf("N", picture)))
		}, "/AP"},
		{"a field that waited is hidden", sealed, func(a attacker) {
			a.Put(syntax.Ref{Num: 8}, a.dict(8).With("V", a.madeStamp(documentStamp, SubFilterStamp)).With("F", int64(2)))
		}, "/F"},
		{"a field that waited", sealed, func(a attacker) {
			a.Put(syntax.Ref{Num: 8}, a.dict(8).With("V", a.madeStamp(documentStamp, SubFilterStamp)))
		}, ""},
		{"a stamp beside it", sealed, func(a attacker) {
			field(documentStamp, SubFilterStamp, "/Rect[0 0 0 0]")(a)
			a.add(10, "Annots", a.made("<</Type/Annot/Subtype/Stamp/F 196/Rect[10 10 500 500]>>"))
		}, "annotation"},
		{"on a file of nobody", asks.bytes(), field(documentStamp, SubFilterStamp, "/Rect[0 0 0 0]"), ErrNobodySigned.Error()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			file := stamper.onto(t, tt.file, tt.change)
			for _, known := range []bool{false, true} {
				trust := s.trust
				if known {
					trust.Seals.Stamps = stamper.verifier
				}
				report, err := open(t, file).Verify(context.Background(), trust)
				if err != nil {
					t.Fatal(err)
				}
				switch err := report.Err(); {
				case tt.what == "" && (err != nil || !report.Valid()):
					t.Errorf("authority known %v: %v, want it in order", known, err)
				case tt.what != "" && (report.Valid() || err == nil || !strings.Contains(err.Error(), tt.what)):
					t.Errorf("authority known %v: valid %v, %v, want something about %q", known, report.Valid(), err, tt.what)
				}
			}
		})
	}
}
