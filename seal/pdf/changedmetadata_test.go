package pdf

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	ses "github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/pdf/revision"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

// xmp is a metadata stream with a title.
func xmp(title string) string {
	packet := `<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">` +
		`<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title><rdf:Alt><rdf:li xml:lang="x-default">` + title + `</rdf:li></rdf:Alt></dc:title></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>`
	return fmt.Sprintf("<</Type/Metadata/Subtype/XML/Length %d>>\nstream\n%s\nendstream", len(packet), packet)
}

// described is a file with metadata, document information in its trailer, and a picture.
func described(tb testing.TB) []byte {
	tb.Helper()
	file := sample{catalog: "/AcroForm 7 0 R/Metadata 5 0 R/PageMode/UseNone/MarkInfo<</Marked false>>", objects: []string{
		xmp("贷款合同"), "<</Title(Loan)/Producer(x)/Author 9 0 R>>", "<</Fields[]>>", "<</Type/XObject/Subtype/Form/BBox[0 0 595 842]/Length 22>>\nstream\n1 g 0 0 595 842 re f  \nendstream",
		"(Wang)",
	}}.bytes()
	return bytes.Replace(file, []byte("/Root 1 0 R"), []byte("/Root 1 0 R/Info 6 0 R"), 1)
}

// TestMetadataChanges: properties that a later revision changed are named, and leave a
// signature in order; what only looks like them does not.
func TestMetadataChanges(t *testing.T) {
	t.Parallel()
	signed := stamped(t, described(t), at(1, 120, 200, 42))
	info := func(a attacker, v syntax.Value) {
		*a.doc.now.Trailer() = *a.doc.now.Trailer().With("Info", v)
		a.Put(syntax.Ref{Num: 4}, a.dict(4))
	}
	body := func(a attacker, written string) {
		a.Begin(syntax.Ref{Num: 5})
		a.Out = append(a.Out, written...)
		a.End()
	}
	longTitle := strings.Repeat("字", 100)
	for _, tc := range []struct {
		name   string
		change func(attacker)
		kind   revision.ChangeKind
		what   string
	}{
		{"title", func(a attacker) { a.set(6, "Title", syntax.TextString("赠与合同")) }, revision.MetadataChanged, `/Title from "Loan" to "赠与合同", which a window may show`},
		{"a long title", func(a attacker) { a.set(6, "Title", syntax.TextString(longTitle)) }, revision.MetadataChanged, `字…"`},
		{"several entries", func(a attacker) {
			a.Put(syntax.Ref{Num: 6}, syntax.DictOf("Title", syntax.String("Loan"), "Author", syntax.String("Li"), "ModDate", syntax.String("D:20260101")))
		}, revision.MetadataChanged, `/Producer from "x" to nothing; /Author from "Wang" to "Li"; /ModDate`},
		{"an entry in an object of its own", func(a attacker) { a.Put(syntax.Ref{Num: 9}, syntax.String("Li")) }, revision.MetadataChanged, `/Author from "Wang" to "Li"`},
		{"an entry that is no text", func(a attacker) { a.set(6, "Title", syntax.Array{}) }, revision.MetadataChanged, "what is no text"},
		{"information of its own", func(a attacker) { info(a, a.made("<</Title(Gift)>>")) }, revision.MetadataChanged, `to "Gift"`},
		{"no information", func(a attacker) { info(a, nil) }, revision.MetadataChanged, "removed"},
		{"information that is a picture", func(a attacker) { info(a, syntax.Ref{Num: 8}) }, revision.Modified, "older object"},
		{"information that is no dictionary", func(a attacker) { info(a, a.made("[1]")) }, revision.Modified, "no dictionary"},
		{"metadata", func(a attacker) { body(a, xmp("贷款合同 2")) }, revision.MetadataChanged, `the title from "贷款合同" to "贷款合同 2"`},
		{"metadata, but not the title", func(a attacker) { body(a, xmp("贷款合同")+" ") }, "", ""},
		{"metadata of its own", func(a attacker) { a.set(1, "Metadata", a.made(xmp("x"))) }, revision.MetadataChanged, `to "x"`},
		{"no metadata", func(a attacker) { a.unset(1, "Metadata") }, revision.MetadataChanged, "removed"},
		{"metadata that are a picture", func(a attacker) { a.set(1, "Metadata", syntax.Ref{Num: 8}) }, revision.Modified, "older object"},
		{"metadata that become a picture", func(a attacker) {
			body(a, "<</Type/XObject/Subtype/Form/BBox[0 0 595 842]/Length 3>>\nstream\n0 g\nendstream")
		}, revision.Modified, "no XMP"},
		{"metadata that are no XML", func(a attacker) { body(a, "<</Type/Metadata/Subtype/XML/Length 3>>\nstream\n0 g\nendstream") }, revision.Modified, "no XMP"},
		{"metadata that are another XML", func(a attacker) { body(a, "<</Type/Metadata/Subtype/XML/Length 4>>\nstream\n<a/>\nendstream") }, revision.Modified, "no XMP"},
		{"metadata with an entity", func(a attacker) {
			const packet = `<!DOCTYPE a [<!ENTITY b "c">]><x:xmpmeta xmlns:x="adobe:ns:meta/">&b;</x:xmpmeta>`
			body(a, fmt.Sprintf("<</Type/Metadata/Subtype/XML/Length %d>>\nstream\n%s\nendstream", len(packet), packet))
		}, revision.Modified, "no XMP"},
		{"metadata in the catalog itself", func(a attacker) { a.set(1, "Metadata", syntax.DictOf("Type", syntax.Name("Metadata"))) }, revision.Modified, "no XMP"},
		{"tags are said to be there", func(a attacker) { a.set(1, "MarkInfo", syntax.DictOf("Marked", true)) }, revision.Modified, "/MarkInfo"},
		// How a viewer opens the document is what its reader sees: pyHanko refuses it as well.
		{"page mode", func(a attacker) { a.set(1, "PageMode", syntax.Name("FullScreen")) }, revision.Modified, "/PageMode"},
		{"preferences", func(a attacker) { a.set(1, "ViewerPreferences", syntax.DictOf("Direction", syntax.Name("R2L"))) }, revision.Modified, "/ViewerPreferences"},
		{"page labels", func(a attacker) {
			a.set(1, "PageLabels", syntax.DictOf("Nums", syntax.Array{int64(0), syntax.DictOf("P", syntax.String("A"))}))
		}, revision.Modified, "/PageLabels"},
		{"language", func(a attacker) { a.set(1, "Lang", syntax.String("en")) }, revision.Modified, "/Lang"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			checkChange(t, updated(t, signed, tc.change), tc.kind, tc.what)
		})
	}
}

// TestMetadataAttacks: objects that are metadata and something that is drawn as well.
func TestMetadataAttacks(t *testing.T) {
	t.Parallel()
	s := newSigners(t)
	sign := func(f sample) []byte {
		file := bytes.Replace(f.bytes(), []byte("/Root 1 0 R"), []byte("/Root 1 0 R/Info 6 0 R"), 1)
		return put(t, file, s.stamp(120), s.sealContents)
	}
	anotherTitle := func(a attacker) {
		a.Begin(syntax.Ref{Num: 5})
		a.Out = append(a.Out, xmp("x")...)
		a.End()
	}
	const form = "<</Fields[]>>"
	for _, tt := range []attacked{
		{"metadata of the catalog and of a page", sign(sample{page: "/Metadata 5 0 R", catalog: "/AcroForm 7 0 R/Metadata 5 0 R", objects: []string{xmp("a"), "<<>>", form}}), anotherTitle, "page 1"},
		{"metadata that a page draws", sign(sample{page: "/Annots[8 0 R]", catalog: "/AcroForm 7 0 R/Metadata 5 0 R", objects: []string{xmp("a"), "<<>>", form,
			"<</Type/Annot/Subtype/Stamp/F 4/Rect[0 0 9 9]/AP<</N 5 0 R>>>>"}}), anotherTitle, "object 5"},
		{"information that is a page's resources", sign(sample{page: "/Annots[8 0 R]", catalog: "/AcroForm 7 0 R", objects: []string{"<<>>", "<</Title(a)>>", form,
			"<</Type/Annot/Subtype/Stamp/F 4/Rect[0 0 9 9]/AP<</N 9 0 R>>>>", "<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources 6 0 R/Length 1>>\nstream\nq\nendstream"}}),
			func(a attacker) { a.set(6, "Title", syntax.String("b")) }, "object 6"},
		{"information that is an annotation", sign(sample{page: "/Annots[6 0 R]", catalog: "/AcroForm 7 0 R", objects: []string{"<<>>", "<</Type/Annot/Subtype/FreeText/Rect[0 0 90 90]/DA(/Helv 9 Tf)/Contents(1000)>>", form}}),
			func(a attacker) { a.set(6, "Contents", syntax.String("1000000")) }, "object 6"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			refused(t, s, tt)
		})
	}
	// A certifying signature that allows nothing is taken at its word.
	for level, want := range map[int]bool{0: true, 1: false, 2: true, 3: true} {
		stamp := s.stamp(120)
		stamp.Certify = level
		file := updated(t, put(t, described(t), stamp, s.sealContents), func(a attacker) { a.set(6, "Title", syntax.String("Gift")) })
		report, err := open(t, file).Verify(context.Background(), s.trust)
		if err != nil || report.Valid() != want {
			t.Errorf("certified %d: valid %v (%v), %v", level, report.Valid(), report.Err(), err)
		}
	}
}

// foreign is a file that another program sealed, with entries of its own in the signature's
// field, in its value and in the trailer.
func foreign(tb testing.TB, s *signers, field, value, trailer string) []byte {
	tb.Helper()
	file := updatedUnsigned(tb, victim.bytes(), func(a attacker) {
		v := a.made(fmt.Sprintf("<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/%s/M(D:20261123093000+08'00')%s/ByteRange[0 0000000000 0000000000 0000000000]/Contents<%s>>>",
			SubFilterCAdES, value, strings.Repeat("00", tokenRoom)))
		w := a.made(fmt.Sprintf("<</Type/Annot/Subtype/Widget/FT/Sig/T(Seal1)/F 132/Rect[0 0 0 0]/P 10 0 R/V %d 0 R%s>>", v.Num, field))
		a.add(7, "Fields", w)
		a.add(10, "Annots", w)
	})
	const begins = "trailer\n<<"
	at := bytes.LastIndex(file, []byte(begins)) + len(begins)
	return filled(tb, slices.Insert(file, at, []byte(trailer)...), func(digest [32]byte) []byte { return s.sign(tb, ses.Stamp{Document: digest}) })
}

// TestManyHarmlessChanges: what a trailer had of its own may be dropped, and however much that
// is, it hides nothing.
func TestManyHarmlessChanges(t *testing.T) {
	t.Parallel()
	s := newSigners(t).in(ses.ProfileCAdES)
	var own strings.Builder
	for i := range 40 { // twice as many as are told of one kind
		fmt.Fprintf(&own, "/Own%d true", i)
	}
	file := foreign(t, s, "", "", own.String())
	refused(t, s, attacked{"text over it", file, func(a attacker) { a.PutStream(syntax.Ref{Num: 3}, &syntax.Dict{}, []byte(evil)) }, "page 1, /Contents"})
}

// TestClosedByLock: a signature whose field's lock allows no change is taken at its word, as a
// certifying one is.
func TestClosedByLock(t *testing.T) {
	t.Parallel()
	s := newSigners(t).in(ses.ProfileCAdES)
	title := func(a attacker) {
		*a.doc.now.Trailer() = *a.doc.now.Trailer().With("Info", a.made("<</Title(x)>>"))
	}
	const lock, method = "/Lock<</Type/SigFieldLock/Action/Include/Fields[(a)]%s>>", "/Reference[<</TransformMethod/FieldMDP/TransformParams<</Action/Include/Fields[(a)]%s>>>>]"
	for _, tt := range []struct {
		name, field, value string
		closed             bool
	}{
		{"no lock", "", "", false},
		{"a lock of fields", fmt.Sprintf(lock, ""), fmt.Sprintf(method, ""), false},
		{"a lock that allows forms", fmt.Sprintf(lock, "/P 2"), "", false},
		{"a lock of everything", fmt.Sprintf(lock, "/P 1"), "", true},
		{"the same in the signature", "", fmt.Sprintf(method, "/P 1"), true},
		{"a number that the standard has not", fmt.Sprintf(lock, "/P 0"), "", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			file := foreign(t, s, tt.field, tt.value, "")
			report, err := open(t, updated(t, file, title)).Verify(context.Background(), s.trust)
			if err != nil || report.Valid() == tt.closed {
				t.Errorf("another title: valid %v (%v), %v", report.Valid(), report.Err(), err)
			}
			if _, err = open(t, file).Prepare(s.stamp(20)); (err != nil) != tt.closed {
				t.Errorf("another signature: %v", err)
			}
		})
	}
}
