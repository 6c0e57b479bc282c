package office_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/qr/verify"
	"github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/pdf"
	"github.com/elicence/elicence/seal/placement"
)

// strangersPage is a page of a stranger's with a genuine signed form inside, which entries of the
// catalog and of the page lead to: 4 0 R is its file specification.
func strangersPage(signed []byte, catalog, page string) []byte {
	return rawPDF([]string{
		"<</Type/Catalog/Pages 2 0 R" + catalog + ">>",
		"<</Type/Pages/Kids[3 0 R]/Count 1>>",
		"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<<>>" + page + ">>",
		"<</Type/Filespec/F(licence.cose)/UF(licence.cose)/AFRelationship/Data/EF<</F 5 0 R>>>>",
		fmt.Sprintf("<</Type/EmbeddedFile/Subtype/application#2Fcose/Length %d>>\nstream\n%s\nendstream", len(signed), signed),
		"<</Type/Annot/Subtype/FileAttachment/Rect[10 10 30 30]/FS 4 0 R/P 3 0 R>>",
	})
}

// TestStrangersPage: whoever has a licence has its signed form, and puts it into a page of their own. When its issuer
// seals that, for whatever purpose and in whatever way, the page is not the licence's.
func TestStrangersPage(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	r := f.Issue(t, "066")
	request := office.StampRequest{SealID: f.Seal.ID, Place: placement.Place{Pages: "1", X: 60, Y: 60}, Reason: "营业执照"}
	sealed := func(file []byte, r office.StampRequest) []byte {
		t.Helper()
		done, err := f.Office.Stamp(ctx, "test", open(t, file), r)
		if err != nil {
			t.Fatal(err)
		}
		return content(t, done)
	}
	const tree, associated = "/Names<</EmbeddedFiles<</Names[(x) 4 0 R]>>>>", "/AF[4 0 R]"
	cades, further := request, request
	cades.Profile, further.Place.Y = seal.ProfileCAdES, 130
	furtherCAdES := further
	furtherCAdES.Profile = seal.ProfileCAdES
	genuine, err := f.Office.PDF(ctx, "test", r)
	if err != nil {
		t.Fatal(err)
	}
	inside, err := open(t, genuine).EmbeddedFiles()
	if err != nil || len(inside) != 1 || !bytes.Equal(inside[0].Data, r.Signed) {
		t.Fatalf("the genuine one carries %d files, %v", len(inside), err)
	}
	const notThePage = "not_the_page_as_issued"
	for name, tc := range map[string]struct {
		file    []byte
		verdict verify.Verdict
		cause   verify.CauseCode
		licence bool // is spoken of
	}{
		"in the tree":             {sealed(strangersPage(r.Signed, tree, ""), request), verify.NoData, notThePage, true},
		"associated":              {sealed(strangersPage(r.Signed, associated, ""), request), verify.NoData, notThePage, true},
		"in both":                 {sealed(strangersPage(r.Signed, tree+associated, ""), request), verify.NoData, notThePage, true},
		"with the page":           {sealed(strangersPage(r.Signed, "", associated), request), verify.Valid, "signatures_in_order", false},
		"in an annotation":        {sealed(strangersPage(r.Signed, "", "/Annots[6 0 R]"), request), verify.Valid, "signatures_in_order", false},
		"there and in the tree":   {sealed(strangersPage(r.Signed, tree, "/Annots[6 0 R]"), request), verify.NoData, notThePage, true},
		"by a seal in CMS":        {sealed(strangersPage(r.Signed, tree, ""), cades), verify.NoData, notThePage, true},
		"sealed twice":            {sealed(sealed(strangersPage(r.Signed, tree, ""), request), further), verify.NoData, notThePage, true},
		"for another licence":     {sealed(strangersPage(r.Signed, tree, ""), request.Issuing(f.Issue(t, "100").Signed)), verify.NoData, notThePage, true},
		"on a digest":             {onDigest(t, f, strangersPage(r.Signed, tree, "")), verify.NoData, notThePage, true},
		"attached later":          {attachedLater(t, sealed(strangersPage(r.Signed, "", ""), request)), verify.Tampered, "document_changed", false},
		"genuine":                 {genuine, verify.Valid, "", true},
		"genuine with one more":   {sealed(genuine, further), verify.Valid, "", true},
		"genuine, in CMS as well": {sealed(genuine, furtherCAdES), verify.Valid, "", true},
	} {
		found, err := inspector(t, f).File(ctx, tc.file)
		if err != nil || found.Verdict != tc.verdict || tc.cause != "" && found.CauseCode != tc.cause {
			t.Errorf("%s: %s, %s (%s), %v, want %s, %s", name, found.Verdict, found.CauseCode, found.Cause, err, tc.verdict, tc.cause)
			continue
		}
		if got := found.Document.Licence; (got != nil) != tc.licence || got != nil && got.Verdict != tc.verdict {
			t.Errorf("%s: the licence %+v", name, got)
		}
	}
}

// onDigest is a file sealed by its digest alone, which its owner puts together.
func onDigest(tb testing.TB, f *officetest.Fixture, file []byte) []byte {
	tb.Helper()
	const room = 40 << 10
	waiting, err := open(tb, file).Prepare(pdf.Stamp{
		Filter: pdf.FilterSeal, SubFilter: pdf.SubFilterSeal, Name: "x", Time: f.Seal.ApprovedAt, ContentsSize: room,
	})
	if err != nil {
		tb.Fatal(err)
	}
	stamp, err := waiting.SealStamp(f.Seal.ApprovedAt)
	if err != nil {
		tb.Fatal(err)
	}
	d := office.SealDigest{SealID: f.Seal.ID, SM3: stamp.Document}
	if _, err := fmt.Sscanf(stamp.Property, "ByteRange[%d %d %d %d]", &d.ByteRange[0], &d.ByteRange[1], &d.ByteRange[2], &d.ByteRange[3]); err != nil {
		tb.Fatal(err)
	}
	contents, err := f.Office.StampDigest(ctx, "test", d)
	if err != nil {
		tb.Fatal(err)
	}
	if err := waiting.Complete(contents); err != nil {
		tb.Fatal(err)
	}
	return content(tb, waiting)
}

// attachedLater puts the file specification of [strangersPage] into the catalog by a later revision.
func attachedLater(tb testing.TB, file []byte) []byte {
	tb.Helper()
	const head = "\n1 0 obj\n<<"
	at, xref := bytes.LastIndex(file, []byte(head)), bytes.LastIndex(file, []byte("startxref\n"))
	if at < 0 || xref < 0 {
		tb.Fatal("the sealed file has no catalog and no table in the clear")
	}
	catalog, _, _ := strings.Cut(string(file[at+len(head):]), "\nendobj")
	var before int
	if _, err := fmt.Sscanf(string(file[xref:]), "startxref\n%d", &before); err != nil {
		tb.Fatal(err)
	}
	b := bytes.NewBuffer(bytes.Clone(file))
	object := b.Len()
	fmt.Fprintf(b, "1 0 obj\n<</Names<</EmbeddedFiles<</Names[(x) 4 0 R]>>>>%s\nendobj\n", catalog)
	table := b.Len()
	fmt.Fprintf(b, "xref\n1 1\n%010d 00000 n \ntrailer\n<</Size 100/Root 1 0 R/ID[<01><02>]/Prev %d>>\nstartxref\n%d\n%%%%EOF\n", object, before, table)
	return b.Bytes()
}
