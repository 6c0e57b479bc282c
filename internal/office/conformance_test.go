package office_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/placement"
)

// claims is a page without text that keeps what its metadata claim, such as
// `pdfaid:part="1" pdfaid:conformance="B"`. more is for the catalog, objects follow those
// that are there already.
func claims(claim, more string, objects ...string) []byte {
	const space = `xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/" xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/" xmlns:dc="http://purl.org/dc/elements/1.1/"`
	packet := "<?xpacket begin=\"\ufeff\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n" +
		`<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">` +
		`<rdf:Description rdf:about="" ` + space + ` ` + claim + `><dc:title><rdf:Alt><rdf:li xml:lang="x-default">协议</rdf:li></rdf:Alt></dc:title></rdf:Description>` +
		`</rdf:RDF></x:xmpmeta>` + "\n" + `<?xpacket end="w"?>`
	// Of a profile the header is enough here: version 2, a display, RGB (ICC.1:1998, 6.1).
	profile := make([]byte, 132)
	binary.BigEndian.PutUint32(profile, uint32(len(profile)))
	copy(profile[8:], "\x02\x10\x00\x00mntrRGB XYZ ")
	copy(profile[36:], "acsp")
	stream := func(head, data string) string {
		return fmt.Sprintf("<<%s/Length %d>>\nstream\n%s\nendstream", head, len(data), data)
	}
	return rawPDF(append([]string{
		"<</Type/Catalog/Pages 2 0 R/Metadata 5 0 R/OutputIntents[6 0 R]/Lang(zh-CN)/ViewerPreferences<</DisplayDocTitle true>>" + more + ">>",
		"<</Type/Pages/Kids[3 0 R]/Count 1>>",
		"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<<>>>>",
		stream("", "/Artifact BMC 0 0 1 rg 40 700 300 2 re f EMC"),
		stream("/Type/Metadata/Subtype/XML", packet),
		"<</Type/OutputIntent/S/GTS_PDFA1/OutputConditionIdentifier(sRGB)/DestOutputProfile 7 0 R>>",
		stream("/N 3", string(profile)),
	}, objects...))
}

// Files for archives and for everybody stay what they are under seals and signatures, by
// veraPDF. What PDF/A-2 and 3 ask of a signature, to be PKCS #7 (6.4.3), a seal of GB/T
// 38540 cannot be, and one in CMS is.
func TestConformanceIsKept(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	const (
		national = "GB/T 38540"

		tagged = "/MarkInfo<</Marked true>>/StructTreeRoot 8 0 R"
		kids   = "<</Type/StructElem/S/Document/P 8 0 R>>"
	)
	ua := `pdfuaid:part="1"`
	files := map[string]struct {
		flavour string
		file    []byte
	}{
		"1b":                     {"1b", claims(`pdfaid:part="1" pdfaid:conformance="B"`, "")},
		"2b":                     {"2b", claims(`pdfaid:part="2" pdfaid:conformance="B"`, "")},
		"UA, a tree of a level":  {"ua1", claims(ua, tagged, "<</Type/StructTreeRoot/K 9 0 R/ParentTree 10 0 R>>", kids, "<</Nums[]>>")},
		"UA, a tree of two":      {"ua1", claims(ua, tagged, "<</Type/StructTreeRoot/K[9 0 R]/ParentTree<</Kids[10 0 R]>>/ParentTreeNextKey 4>>", kids, "<</Limits[3 3]/Nums[3[9 0 R]]>>")},
		"UA, without a tree yet": {"ua1", claims(ua, tagged, "<</Type/StructTreeRoot/K[9 0 R]>>", kids)},
	}
	judged := make(map[string][]string) // by flavour: paths
	names := make(map[string][]string)
	for name, file := range files {
		stamp := func(doc []byte, r office.StampRequest) []byte {
			t.Helper()
			r.SealID = f.Seal.ID
			sealed, err := f.Office.Stamp(ctx, "test", open(t, doc), r)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			return content(t, sealed)
		}
		one := stamp(file.file, office.StampRequest{Number: "合样〔2026〕1号"})
		two := stamp(one, office.StampRequest{Place: placement.Place{Pages: "1", X: 100, Y: 60}})
		inCMS := stamp(file.file, office.StampRequest{Profile: seal.ProfileCAdES})
		for state, doc := range map[string][]byte{"as it was": file.file, "sealed by " + national: one, "sealed twice by " + national: two, "sealed in CMS": inCMS} {
			path := filepath.Join(t.TempDir(), "file.pdf")
			if err := os.WriteFile(path, doc, 0o600); err != nil {
				t.Fatal(err)
			}
			judged[file.flavour] = append(judged[file.flavour], path)
			names[file.flavour] = append(names[file.flavour], name+", "+state)
		}
		// The first seal sees in the second a signature and nothing else.
		finding, err := inspector(t, f).File(ctx, two)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range finding.Document.Signatures {
			if !s.Valid {
				t.Errorf("%s: %s: %s", name, s.Field, s.Cause)
			}
		}
	}
	for flavour, paths := range judged {
		for i, failed := range tooltest.Maven(t, "verapdf", append([]string{flavour}, paths...)...) {
			left := slices.DeleteFunc(strings.Fields(failed), func(clause string) bool {
				return clause == "ok" || strings.HasPrefix(clause, "6.4.3-") && strings.HasSuffix(names[flavour][i], national)
			})
			if len(left) > 0 {
				t.Errorf("%s: the file fails %v", names[flavour][i], left)
			}
		}
	}
	for name, r := range map[string]office.StampRequest{
		"transparent":   {Opacity: 0.5},
		"too strong":    {Opacity: 1.5},
		"no number":     {Opacity: math.NaN()},
		"and both ways": {Opacity: 0.5, Opaque: true},
	} {
		r.SealID = f.Seal.ID
		if _, err := f.Office.Stamp(ctx, "test", open(t, files["1b"].file), r); !errors.Is(err, office.ErrOutOfRange) {
			t.Errorf("%s on PDF/A-1: %v", name, err)
		}
	}
}
