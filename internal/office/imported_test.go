package office_test

import (
	"bytes"
	"encoding/pem"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/elicence/elicence/internal/inspect"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/qr/trust"
	"github.com/elicence/elicence/qr/verify"
	"github.com/elicence/elicence/seal/placement"
)

// neighbour is another province, with what can be imported of it.
type neighbour struct {
	*officetest.Fixture
	root, seals, maker *cert.Certificate
	sealed             []byte
}

func newNeighbour(t *testing.T) *neighbour {
	t.Helper()
	n := &neighbour{Fixture: officetest.Province(t, time.Now, "320000", "江苏省(测试)")}
	if _, err := n.Office.PublishRootCRL(ctx, "test", offlineOf(t, n.Fixture), 0); err != nil {
		t.Fatal(err)
	}
	authorities, err := n.Office.AuthorityCertificates(ctx)
	if err != nil {
		t.Fatal(err)
	}
	n.root, n.seals, n.maker = authorities["root"], authorities["seals"], n.issued(t, ca.ProfileSealMaker).Certificate
	n.sealed = n.seal(t)
	return n
}

// issued finds the certificate of a profile.
func (n *neighbour) issued(t *testing.T, profile ca.ProfileName) office.CertificateRecord {
	t.Helper()
	var found office.CertificateRecord
	err := n.Office.Certificates(ctx, func(r office.CertificateRecord) error {
		if r.Profile == profile {
			found = r
		}
		return nil
	})
	if err != nil || found.Certificate == nil {
		t.Fatalf("no certificate of %s: %v", profile, err)
	}
	return found
}

func (n *neighbour) seal(t *testing.T) []byte {
	t.Helper()
	stamped, err := n.Office.Stamp(ctx, "test", blank(t, 1), office.StampRequest{SealID: n.Seal.ID, Place: placement.Place{Pages: "1", X: 60, Y: 60}})
	if err != nil {
		t.Fatal(err)
	}
	return content(t, stamped)
}

// lists are its revocation lists as they are now, for an imported folder.
func (n *neighbour) lists(t *testing.T) fstest.MapFS {
	t.Helper()
	dir := t.TempDir()
	if err := n.Office.ExportTrust(ctx, "test", dir); err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{}
	names, err := filepath.Glob(filepath.Join(dir, "crl", "*.crl"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files["imported/"+filepath.Base(name)] = &fstest.MapFile{Data: b}
	}
	root, err := n.Office.RootCRL(ctx)
	if err != nil {
		t.Fatal(err)
	}
	files["imported/root.crl"] = &fstest.MapFile{Data: root.DER}
	return files
}

func inPEM(certificates ...*cert.Certificate) *fstest.MapFile {
	var b bytes.Buffer
	for _, c := range certificates {
		b.Write(c.PEM())
	}
	return &fstest.MapFile{Data: b.Bytes()}
}

// listsInPEM are lists in one file of PEM.
func listsInPEM(lists fstest.MapFS) fstest.MapFS {
	var b []byte
	for _, name := range slices.Sorted(maps.Keys(lists)) {
		b = append(b, pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: lists[name].Data})...)
	}
	return fstest.MapFS{"imported/lists.pem": {Data: b}}
}

// folderOf is an office's trust files.
func folderOf(t *testing.T, f *officetest.Fixture) fstest.MapFS {
	t.Helper()
	dir := t.TempDir()
	if err := f.Office.ExportTrust(ctx, "test", dir); err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(filepath.Join(dir, name))
		files[name] = &fstest.MapFile{Data: b}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func joined(all ...fstest.MapFS) fstest.MapFS {
	out := fstest.MapFS{}
	for _, files := range all {
		maps.Copy(out, files)
	}
	return out
}

func judgedBy(t *testing.T, files fs.FS, document []byte) inspect.Inspection {
	t.Helper()
	i, err := inspect.New(files, trust.Options{Second: second.Opinion{}, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	found, err := i.File(ctx, document)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestImportedSeal: another province's seal counts where its root and its maker were
// imported and its lists say that nobody is revoked, and else it is said what is missing.
func TestImportedSeal(t *testing.T) {
	t.Parallel()
	home, n := officetest.New(t), newNeighbour(t)
	trusted, lists := folderOf(t, home), n.lists(t)
	root := fstest.MapFS{"imported/root.pem": inPEM(n.root, n.seals)}
	maker := fstest.MapFS{"imported/maker.pem": inPEM(n.maker)}
	signer := fstest.MapFS{"imported/signer.pem": inPEM(n.issued(t, ca.ProfileOrganizationSeal).Certificate)}
	only := func(names ...string) fstest.MapFS {
		some := fstest.MapFS{}
		for name, f := range lists {
			if slices.ContainsFunc(names, func(part string) bool { return strings.HasPrefix(name, "imported/"+part) }) {
				some[name] = f
			}
		}
		return some
	}
	for _, test := range []struct {
		name     string
		imported fstest.MapFS
		verdict  verify.Verdict
		cause    verify.CauseCode
		says     string
	}{
		{"all", joined(root, maker, lists), verify.Valid, "signatures_in_order", n.root.Subject.CommonName},
		{"lists in PEM", joined(root, maker, listsInPEM(lists)), verify.Valid, "signatures_in_order", n.root.Subject.CommonName},
		{"nothing", nil, verify.Untrusted, "signer_untrusted", "not a seal maker"},
		{"no maker", joined(root, lists), verify.Untrusted, "signer_untrusted", "not a seal maker"},
		{"no root", joined(maker, lists), verify.Untrusted, "signer_untrusted", "issuer's certificate is not at hand"},
		{"no authority below the root", joined(fstest.MapFS{"imported/root.pem": inPEM(n.root)}, maker, lists), verify.Untrusted, "signer_untrusted", "issuer's certificate is not at hand"},
		{"an authority without its root", joined(fstest.MapFS{"imported/seals.pem": inPEM(n.seals)}, maker, lists), verify.Untrusted, "signer_untrusted", "no valid path"},
		{"another certificate as maker", joined(root, signer, lists), verify.Untrusted, "signer_untrusted", "not a seal maker"},
		{"no lists", joined(root, maker), verify.NoData, "revocation_unknown", "nothing at hand says"},
		{"no list of the root", joined(root, maker, only("seals")), verify.NoData, "revocation_unknown", n.seals.Subject.CommonName},
		{"no list of the authority", joined(root, maker, only("root")), verify.NoData, "revocation_unknown", "no revocation list covers"},
	} {
		found := judgedBy(t, joined(trusted, test.imported), n.sealed)
		if found.Verdict != test.verdict || found.CauseCode != test.cause || !strings.Contains(found.Cause, test.says) {
			t.Errorf("%s: %s, %s: %s", test.name, found.Verdict, found.CauseCode, found.Cause)
		}
		s := found.Document.Signatures[0]
		if s.Valid != (test.verdict == verify.Valid) || s.RevocationChecked && test.verdict == verify.NoData {
			t.Errorf("%s: signature valid %t, revocation checked %t", test.name, s.Valid, s.RevocationChecked)
		}
		if s.Valid && !slices.Equal(s.ImportedRoots, []string{n.root.Subject.String()}) {
			t.Errorf("%s: by %q", test.name, s.ImportedRoots)
		}
	}

	// The service goes by what lies in its data folder.
	if found, err := inspector(t, home).File(ctx, n.sealed); err != nil || found.Verdict != verify.Untrusted {
		t.Errorf("the service without imports: %s, %v", found.Verdict, err)
	}
	if err := os.CopyFS(home.Dir, joined(root, maker, lists)); err != nil {
		t.Fatal(err)
	}
	if found, err := inspector(t, home).File(ctx, n.sealed); err != nil || found.Verdict != verify.Valid || len(found.Document.Signatures[0].ImportedRoots) != 1 {
		t.Errorf("the service with imports: %s (%s), %v", found.Verdict, found.Cause, err)
	}
}

// TestImportedRevocation: a list of the other province that lies in the folder counts, for
// the signer, the maker and the authority between.
func TestImportedRevocation(t *testing.T) {
	t.Parallel()
	home := officetest.New(t)
	trusted := folderOf(t, home)
	for _, profile := range []ca.ProfileName{ca.ProfileOrganizationSeal, ca.ProfileSealMaker} {
		n := newNeighbour(t)
		if _, err := n.Office.RevokeCertificate(ctx, "test", n.issued(t, profile).Serial, office.Revocation{Reason: cert.KeyCompromise}); err != nil {
			t.Fatal(err)
		}
		imported := joined(n.lists(t), fstest.MapFS{"imported/all.pem": inPEM(n.root, n.seals, n.maker)})
		if found := judgedBy(t, joined(trusted, imported), n.sealed); found.Verdict != verify.Revoked || found.CauseCode != "signer_revoked" {
			t.Errorf("%s revoked: %s, %s: %s", profile, found.Verdict, found.CauseCode, found.Cause)
		}
	}
}

// TestImportedIsNoIssuer: a province whose root and maker are imported has an organisation
// with the code of one of ours. Its seal counts as its own, and never as ours on a licence;
// its licences, codes and time stamps count no more than before.
func TestImportedIsNoIssuer(t *testing.T) {
	t.Parallel()
	home, n := officetest.New(t), newNeighbour(t)
	record := home.Issue(t, "066")
	imported := joined(folderOf(t, home), n.lists(t), fstest.MapFS{"imported/all.pem": inPEM(n.root, n.seals, n.maker)})

	// The impostor has our authority's code, and a seal of it.
	impostor, err := n.Office.ApplySeal(ctx, officetest.Clerk, office.NewSeal{OwnerUSCC: home.Authority.USCC, OwnerName: home.Authority.Name, Design: home.Seal.Design})
	if err == nil {
		impostor, err = n.Office.ApproveSeal(ctx, officetest.Approver, impostor.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	if found := judgedBy(t, imported, carrying(t, home, record.Signed, home.Seal.ID)); found.Verdict != verify.Valid {
		t.Fatalf("our own: %s, %s", found.Verdict, found.Cause)
	}
	found := judgedBy(t, imported, carrying(t, n.Fixture, record.Signed, impostor.ID))
	if found.Verdict != verify.OutOfScope || found.CauseCode != "not_sealed_by_issuer" {
		t.Errorf("a licence of ours under their seal: %s, %s: %s", found.Verdict, found.CauseCode, found.Cause)
	}

	theirs := n.Issue(t, "066")
	if found := judgedBy(t, imported, carrying(t, n.Fixture, theirs.Signed, n.Seal.ID)); found.Verdict != verify.Untrusted || found.CauseCode != verify.CauseUnknownIssuer {
		t.Errorf("their licence: %s, %s", found.Verdict, found.CauseCode)
	}
	code, err := n.Office.Code(ctx, "test", theirs)
	if err != nil {
		t.Fatal(err)
	}
	if found := judgedBy(t, imported, []byte(code.Digits)); found.Verdict != verify.Untrusted {
		t.Errorf("their code: %s, %s", found.Verdict, found.CauseCode)
	}
}

// TestImportRefuses: what must not be imported is named with its file.
func TestImportRefuses(t *testing.T) {
	t.Parallel()
	home, n := officetest.New(t), newNeighbour(t)
	trusted := folderOf(t, home)
	own, err := home.Office.AuthorityCertificates(ctx)
	if err != nil {
		t.Fatal(err)
	}
	forged := bytes.Clone(n.root.DER)
	forged[len(forged)-1] ^= 1
	spoiled, err := cert.Parse(forged)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		file fstest.MapFS
		says string
	}{
		"our root":         {fstest.MapFS{"imported/a.pem": inPEM(n.root, own["root"])}, "imported/a.pem: .*the key of an authority of ours"},
		"our authority":    {fstest.MapFS{"imported/b.pem": inPEM(own["seals"])}, "imported/b.pem: "},
		"our maker":        {fstest.MapFS{"imported/c.pem": inPEM((&neighbour{Fixture: home}).issued(t, ca.ProfileSealMaker).Certificate)}, "imported/c.pem: "},
		"not self-signed":  {fstest.MapFS{"imported/d.pem": inPEM(spoiled)}, "imported/d.pem: .*own key has not signed"},
		"no certificate":   {fstest.MapFS{"imported/e.pem": {Data: []byte("hello")}}, "imported/e.pem: no certificate in PEM"},
		"a broken one":     {fstest.MapFS{"imported/f.pem": {Data: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})}}, "imported/f.pem: neither"},
		"no list":          {fstest.MapFS{"imported/g.crl": {Data: []byte("hello")}}, "imported/g.crl: "},
		"a list that ends": {fstest.MapFS{"imported/h.crl": {Data: n.lists(t)["imported/root.crl"].Data[:100]}}, "imported/h.crl: "},
	} {
		_, err := inspect.New(joined(trusted, test.file), trust.Options{Second: second.Opinion{}, Now: time.Now})
		if err == nil || !regexp.MustCompile(test.says).MatchString(err.Error()) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := os.CopyFS(home.Dir, fstest.MapFS{"imported/ours.pem": inPEM(own["root"])}); err != nil {
		t.Fatal(err)
	}
	if _, err := home.Office.Inspector(ctx, second.Opinion{}); err == nil || !strings.Contains(err.Error(), "imported/ours.pem") {
		t.Errorf("the service with its own root: %v", err)
	}
}
