package pdf

import (
	"bytes"
	"testing"
)

// TestSeedValues stamps fields whose conditions are met or only recommended, and refuses the
// others by name.
func TestSeedValues(t *testing.T) {
	t.Parallel()
	s := at(0, 0, 0, 20)
	s.Field, s.Reason, s.Chain = "f", "审批", [][]byte{[]byte("me"), []byte("my CA")}
	without := s
	without.Reason = ""
	certifying := s
	certifying.Certify = 3
	for _, tc := range []struct {
		seed  string
		stamp Stamp
		why   string // "": stamped
	}{
		{"<<>>", s, ""},
		{"<</Type/SV/Filter/X/SubFilter[/Y]/DigestMethod[(SHA256)]/V 9/Reasons[(z)]/LegalAttestation[(a)]/AddRevInfo true>>", s, ""},
		{"<</Filter/Gomain.GMPkiLite/Ff 1>>", s, ""},
		{"<</Filter/Adobe.PPKLite/Ff 1>>", s, "/Filter"},
		{"<</SubFilter[/ETSI.CAdES.detached/GM.sm2seal]/Ff 2>>", s, ""},
		{"<</SubFilter[/ETSI.CAdES.detached]/Ff 2>>", s, "/SubFilter"},
		{"<</V 3/Ff 4>>", s, ""},
		{"<</V 4/Ff 4>>", s, "/V"},
		{"<</Reasons[(a)<FEFF5BA16279>]/Ff 8>>", s, ""},
		{"<</Reasons[(a)(b)]/Ff 8>>", s, "/Reasons"},
		{"<</Reasons[(.)]/Ff 8>>", s, "no reason"},
		{"<</Reasons[(.)]/Ff 8>>", without, ""},
		{"<</Ff 8>>", s, "no reason"},
		{"<</Ff 8>>", without, ""},
		{"<</LegalAttestation[(a)]/Ff 16>>", s, "/LegalAttestation"},
		{"<</AddRevInfo true/Ff 32>>", s, "/AddRevInfo"},
		{"<</AddRevInfo false/Ff 32>>", s, ""},
		{"<</DigestMethod[(SHA256)(SM3)]/Ff 64>>", s, ""},
		{"<</DigestMethod[(SHA256)]/Ff 64>>", s, "/DigestMethod"},
		{"<</LockDocument/true/Ff 128>>", s, "/LockDocument"},
		{"<</LockDocument/false/Ff 128>>", s, ""},
		{"<</AppearanceFilter(a)/Ff 256>>", s, "/AppearanceFilter"},
		{"<</Ff 512>>", s, "not known here"},
		{"<</Ff/x>>", s, "not known here"},
		{"7", s, "not a dictionary"},
		{"<</MDP<</P 0>>>>", s, ""},
		{"<</MDP<</P 2>>>>", s, ""},
		{"<</MDP<</P 3>>>>", certifying, ""},
		{"<</MDP<</P 0>>>>", certifying, "/MDP"},
		{"<</MDP<</P 7>>>>", s, "/MDP"},
		{"<</TimeStamp<</URL(http://x)/Ff 0>>>>", s, ""},
		{"<</TimeStamp<</URL(http://x)/Ff 1>>>>", s, "/TimeStamp"},
		{"<</Cert<</Subject[(me)]/Ff 1>>>>", s, ""},
		{"<</Cert<</Subject[(my CA)]/Ff 1>>>>", s, "/Cert"},
		{"<</Cert<</Issuer[(other)(my CA)]/Ff 2>>>>", s, ""},
		{"<</Cert<</Issuer[(other)]/Ff 2>>>>", s, "/Issuer"},
		{"<</Cert<</Issuer[(other)]>>>>", s, ""},
		{"<</Cert<</KeyUsage[(1)]/Ff 32>>>>", s, "policies"},
	} {
		file := sample{catalog: "/AcroForm<</Fields[5 0 R]>>", page: "/Annots[5 0 R]", objects: []string{
			"<</Type/Annot/Subtype/Widget/T(f)/FT/Sig/Rect[100 100 250 250]/F 4/SV 6 0 R>>", tc.seed}}.bytes()
		p, err := open(t, file).Prepare(tc.stamp)
		if tc.why != "" {
			if err == nil {
				t.Errorf("%s was stamped, want it refused because of %s", tc.seed, tc.why)
				continue
			}
			wantRefused(t, err, tc.why)
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tc.seed, err)
			continue
		}
		if err := p.Complete(der(300)); err != nil {
			t.Fatal(err)
		}
		checkLast(t, p, 0)
		if certified := bytes.Contains(p.Increment(), []byte("/DocMDP")); certified != (tc.seed == "<</MDP<</P 2>>>>" || tc.stamp.Certify > 0) {
			t.Errorf("%s: certifying is %v", tc.seed, certified)
		}
	}
}
