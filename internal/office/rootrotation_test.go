package office_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/datafolder"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/keystore"
	"github.com/elicence/elicence/pki/ocsp"
	"github.com/elicence/elicence/pki/oid"
	"github.com/elicence/elicence/pki/path"
	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/qr/trust"
)

// chains checks that every certificate that has been issued and is no authority's is
// valid under one root alone, with the published certificates of authorities.
func chains(t *testing.T, f *officetest.Fixture, c *clock, root *cert.Certificate, when string) {
	t.Helper()
	published, err := f.Office.AuthorityCertificates(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var further []*cert.Certificate
	for _, c := range published {
		further = append(further, c)
	}
	verifier, err := path.New(path.Options{Anchors: []*cert.Certificate{root}, Intermediates: further, Second: second.Opinion{}})
	if err != nil {
		t.Fatal(err)
	}
	purposes := map[ca.ProfileName]path.Purpose{
		ca.ProfileService: path.PurposeLicence, ca.ProfileAuthority: path.PurposeLicence, ca.ProfileSealMaker: path.PurposeSeal,
		ca.ProfileOrganizationSeal: path.PurposeSeal, ca.ProfilePerson: path.PurposePerson,
	}
	tried := 0
	err = f.Office.Certificates(ctx, func(r office.CertificateRecord) error {
		purpose, known := purposes[r.Profile]
		if r.Certificate == nil || !known {
			return nil
		}
		tried++
		found := verifier.Verify(ctx, path.Request{Certificate: r.Certificate, Purpose: purpose, When: path.Claimed(c.at)})
		if err := found.Err(); err != nil {
			t.Errorf("%s: %s under %s: %v", when, r.Certificate.Subject, root.Serial(), err)
		}
		return nil
	})
	if err != nil || tried < 9 {
		t.Fatalf("%d certificates, %v", tried, err)
	}
}

// TestRootRotation: after the root was rotated, and rotated again, what was signed before
// is valid, and every certificate is valid under each of the roots alone.
func TestRootRotation(t *testing.T) {
	t.Parallel()
	c := &clock{time.Now()} // the fixture's licences are of these days
	f := officetest.At(t, c.now)
	offline := offlineOf(t, f)
	first, err := f.Office.RootCertificate(ctx)
	if err != nil {
		t.Fatal(err)
	}
	before := makeWorks(t, f, c, "066")
	if _, err := f.Office.RotateRoot(ctx, "test", nil); !errors.Is(err, office.ErrNeedsOffline) {
		t.Errorf("without the offline keys: %v", err)
	}
	c.at = c.at.Add(time.Hour)
	secondRoot, err := f.Office.RotateRoot(ctx, "test", offline)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(secondRoot.RawSubject(), first.RawSubject()) || secondRoot.Key.Equal(first.Key) {
		t.Errorf("the new root is %s", secondRoot.Subject)
	}
	before.stands(t, f, c, "after rotating the root")
	chains(t, f, c, first, "after rotating the root")
	chains(t, f, c, secondRoot, "after rotating the root")
	if _, err := f.Office.RotateAuthority(ctx, "test", "seals", offline); err != nil {
		t.Fatal(err)
	}
	c.at = c.at.Add(time.Hour)
	after := makeWorks(t, f, c, "069")
	// Both generations publish what they have revoked, and answer by OCSP.
	for _, name := range []string{"root.crl", "root.2.crl"} {
		if list, found, err := f.Office.Latest(ctx, name); err != nil || !found || list.Number != 1 {
			t.Errorf("%s: found %v, number %d, %v", name, found, list.Number, err)
		}
	}
	if list, err := f.Office.PublishRootCRL(ctx, "test", offline, 0); err != nil || !bytes.Equal(list.Issuer, secondRoot.RawSubject()) {
		t.Errorf("the lists of both roots anew: %v", err)
	}
	if list, found, err := f.Office.Latest(ctx, "root.crl"); err != nil || !found || list.Number != 2 {
		t.Errorf("the old root's list anew: found %v, number %d, %v", found, list.Number, err)
	}
	responder, err := f.Office.OCSP(ctx, "test")
	if err != nil {
		t.Fatal(err)
	}
	for _, authority := range intermediatesOf(t, f) {
		id, err := ocsp.NewCertID(oid.SM3, secondRoot, authority.SerialNumber())
		if err != nil {
			t.Fatal(err)
		}
		question := ocsp.Request{IDs: []ocsp.CertID{id}}
		der, err := question.DER()
		if err != nil {
			t.Fatal(err)
		}
		answer, err := ocsp.ParseResponse(responder.Respond(ctx, der).DER)
		if err != nil {
			t.Fatal(err)
		}
		if err := answer.Verify(secondRoot, c.now(), second.Opinion{}); err != nil {
			t.Errorf("%s: %v", authority.Subject, err)
		}
		if single, found := answer.Find(authority, secondRoot); !found || single.Status != ocsp.Good {
			t.Errorf("%s: found %v, %+v", authority.Subject, found, single)
		}
	}
	third, err := f.Office.RotateRoot(ctx, "test", offline)
	if err != nil {
		t.Fatal(err)
	}
	roots, err := f.Office.Roots(ctx)
	if err != nil || len(roots) != 3 || roots[0].Name != "root" || roots[2].Name != "root.3" || !bytes.Equal(roots[2].Certificate.DER, third.DER) {
		t.Fatalf("roots %+v, %v", roots, err)
	}
	for _, root := range roots {
		chains(t, f, c, root.Certificate, "in the end")
	}
	before.stands(t, f, c, "in the end")
	after.stands(t, f, c, "in the end")
	list := trustList(t, f, c)
	if len(list.Documents.Roots) != 3 || !bytes.Equal(list.Documents.Roots[0], first.DER) || len(list.Documents.Persons) != 3 || len(list.Documents.Seals) != 4 {
		t.Errorf("%d roots, %d and %d anchors", len(list.Documents.Roots), len(list.Documents.Seals), len(list.Documents.Persons))
	}
	published, err := f.Office.AuthorityCertificates(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for name, issuer := range map[string]*cert.Certificate{
		"root": first, "root.2": secondRoot, "root.3": third, "root.2.by.root": first, "root.by.root.2": secondRoot, "root.3.by.root.2": secondRoot,
		"root.2.by.root.3": third, "persons": third, "persons.by.root": first, "persons.by.root.2": secondRoot, "seals.2": third, "seals.2.by.root.2": secondRoot,
		"seals": secondRoot, "seals.by.root": first,
	} {
		c := published[name]
		if c == nil || c.SignedBy(issuer.Key, nil) != nil {
			t.Errorf("%s is missing or not by %s", name, issuer.Serial())
		}
	}
	if c := published["root.2.by.root"]; c != nil && c.CRLPoints()[0] != "http://localhost/crl/root.crl" {
		t.Errorf("the first root's link names %v", c.CRLPoints())
	}
	if c := published["persons"]; c != nil && c.CRLPoints()[0] != "http://localhost/crl/root.3.crl" {
		t.Errorf("the third root's intermediate names %v", c.CRLPoints())
	}
	if shards, err := f.Office.Shards(ctx, "root.3"); err != nil || !slices.Equal(shards, []ca.Shard{{}}) {
		t.Errorf("shards of root.3: %v, %v", shards, err)
	}
	if _, _, err := f.Office.AuditLog().Verify(ctx); err != nil {
		t.Error(err)
	}
	// A root whose key was lost is named no more once a link to it is revoked, and
	// vouches for nobody.
	revoke := func(name string) {
		t.Helper()
		serial, err := cert.ParseSerial(published[name].Serial())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Office.RevokeCertificate(ctx, "test", serial, office.Revocation{Reason: cert.CACompromise}); err != nil {
			t.Fatal(err)
		}
	}
	revoke("root.by.root.2")
	if got := trustList(t, f, c).Documents.Roots; len(got) != 2 || !bytes.Equal(got[0], secondRoot.DER) {
		t.Errorf("%d roots are named after the first was lost", len(got))
	}
	before.stands(t, f, c, "after the first root was lost")
	revoke("root.3.by.root.2")
	if _, err := f.Office.RotateRoot(ctx, "test", offline); !errors.Is(err, ca.ErrState) {
		t.Errorf("a lost root is rotated: %v", err)
	}
}

// TestRootRotationCutOff: wherever a rotation is cut off, the office works as before, and
// the next try finishes it: with one new root and no second certificate for anything.
func TestRootRotationCutOff(t *testing.T) {
	t.Parallel()
	c := &clock{time.Now()} // the fixture's licences are of these days
	f := officetest.At(t, c.now)
	before := makeWorks(t, f, c, "066")
	first, err := f.Office.RootCertificate(ctx)
	if err != nil {
		t.Fatal(err)
	}
	reopen := func() {
		t.Helper()
		if err := f.Office.Close(); err != nil {
			t.Fatal(err)
		}
		if f.Office, err = office.Open(f.Dir, office.Options{Options: datafolder.Options{Now: c.now}}); err != nil {
			t.Fatal(err)
		}
	}
	for steps := 1; steps < office.RotateRootSteps(); steps++ {
		c.at = c.at.Add(time.Minute)
		if err := f.Office.RotateRootUpTo(ctx, "test", offlineOf(t, f), steps); err != nil {
			t.Fatalf("%d steps: %v", steps, err)
		}
		reopen()
		if root, err := f.Office.RootCertificate(ctx); err != nil || !bytes.Equal(root.DER, first.DER) {
			t.Fatalf("after %d steps there is another root, %v", steps, err)
		}
		before.stands(t, f, c, "cut off")
		published, err := f.Office.AuthorityCertificates(ctx)
		if err != nil || len(published) != 5 {
			t.Fatalf("after %d steps %d certificates are published, %v: want the root and four", steps, len(published), err)
		}
		for name, c := range published {
			if c.SignedBy(first.Key, nil) != nil {
				t.Errorf("after %d steps %s is by another root", steps, name)
			}
		}
		chains(t, f, c, first, "cut off")
	}
	made, err := f.Office.RotateRoot(ctx, "test", offlineOf(t, f))
	if err != nil {
		t.Fatal(err)
	}
	reopen()
	before.stands(t, f, c, "after all")
	for _, root := range []*cert.Certificate{first, made} {
		chains(t, f, c, root, "after all")
	}
	counts := make(map[ca.ProfileName]int)
	err = f.Office.Certificates(ctx, func(r office.CertificateRecord) error {
		counts[r.Profile]++
		return nil
	})
	if err != nil || counts[ca.ProfileRoot] != 2 || counts[ca.ProfileRootLink] != 2 || counts[ca.ProfileIntermediate] != 8 {
		t.Errorf("certificates %v, %v: want two roots, two links, eight intermediates", counts, err)
	}
}

// TestTrustRootRotation: a terminal that pins the first root follows every rotation of
// the key that signs the roots, one that was away as well, and no root that the old keys
// or the new ones have not signed.
func TestTrustRootRotation(t *testing.T) {
	t.Parallel()
	c := &clock{time.Now()} // the fixture's licences are of these days
	f := officetest.At(t, c.now)
	offline := offlineOf(t, f)
	before := makeWorks(t, f, c, "066")
	dir := filepath.Join(t.TempDir(), "cache")
	export := func() {
		t.Helper()
		if err := f.Office.ExportTrust(ctx, "test", dir); err != nil {
			t.Fatal(err)
		}
	}
	export()
	pin, err := trust.FirstRoot(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	states := t.TempDir()
	load := func(state string) (*trust.Cache, error) {
		t.Helper()
		s, err := trust.OpenState(filepath.Join(states, state), pin)
		if err != nil {
			t.Fatal(err)
		}
		return trust.Load(os.DirFS(dir), trust.Options{Pin: &pin, State: s, Second: second.Opinion{}, Now: c.now})
	}
	if _, err := load("terminal"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Office.RotateTrustRoot(ctx, "test", nil); !errors.Is(err, office.ErrNeedsOffline) {
		t.Errorf("without the offline keys: %v", err)
	}
	for version := uint64(2); version <= 4; version++ {
		c.at = c.at.Add(time.Hour)
		root, err := f.Office.RotateTrustRoot(ctx, "test", offline)
		if err != nil {
			t.Fatal(err)
		}
		if root.Version != version || root.Roles[0].Threshold != 1 || len(root.Roles[0].Points) != 1 {
			t.Errorf("root %d: %+v", version, root.Roles[0])
		}
	}
	// The key of a role still rotates, by the present key.
	if err := f.Office.RotateKey(ctx, "test", "time", 0, offline); err != nil {
		t.Fatal(err)
	}
	export()
	for _, terminal := range []string{"terminal", "new terminal"} {
		if cache, err := load(terminal); err != nil || cache.Root.Version != 5 || !cache.Pinned {
			t.Errorf("%s: %v", terminal, err)
		}
	}
	before.stands(t, f, c, "after rotating the trust root")
	// A forged root, by the new key alone or by the old one alone.
	last, err := os.ReadFile(filepath.Join(dir, "5.root"))
	if err != nil {
		t.Fatal(err)
	}
	root := openRoots(t, dir, 5)
	stolen, err := offline.Signer(keystore.PurposeTrust, "root.4")
	if err != nil {
		t.Fatal(err)
	}
	own := pkitest.NewKey(t)
	forged := *root
	forged.Version = 6
	forged.Roles = slices.Clone(root.Roles)
	forged.Roles[0].Points = []pki.Point{own.Public().Point()}
	for name, key := range map[string]*pki.Key{"the new key alone": own, "the old key alone": stolen} {
		signed, err := trust.Sign(trust.RoleRoot, &forged, second.Opinion{}, key)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "6.root"), signed, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := load("terminal"); !errors.Is(err, trust.ErrSigned) {
			t.Errorf("a root by %s: %v, want ErrSigned", name, err)
		}
	}
	if err := os.Remove(filepath.Join(dir, "6.root")); err != nil {
		t.Fatal(err)
	}
	if again, err := f.Office.TrustFile(ctx, "5.root"); err != nil || !bytes.Equal(again, last) {
		t.Errorf("the last root changed: %v", err)
	}
}

// openRoots follows the roots of a cache to a version.
func openRoots(t *testing.T, dir string, version int) *trust.Root {
	t.Helper()
	cache, err := trust.Load(os.DirFS(dir), trust.Options{Second: second.Opinion{}, Now: func() time.Time { return time.Now().Add(24 * time.Hour) }})
	if err != nil || cache.Root.Version != uint64(version) {
		t.Fatalf("roots up to %d: %v", version, err)
	}
	return cache.Root
}

// intermediatesOf returns the intermediate authorities' certificates by the newest root.
func intermediatesOf(t *testing.T, f *officetest.Fixture) []*cert.Certificate {
	t.Helper()
	all, err := f.Office.AuthorityCertificates(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var some []*cert.Certificate
	for _, name := range office.Intermediates() {
		some = append(some, all[name])
	}
	return some
}
