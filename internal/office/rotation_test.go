package office_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/goldentest"
	"github.com/elicence/elicence/internal/inspect"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/keystore"
	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/qr"
	"github.com/elicence/elicence/qr/trust"
	"github.com/elicence/elicence/qr/verify"
	"github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/placement"
)

// clock is a time that a test moves.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func offlineOf(tb testing.TB, f *officetest.Fixture) *keystore.Store {
	tb.Helper()
	offline, err := keystore.Open(filepath.Join(f.Dir, "offline"), keystore.Unlock{Passphrase: []byte("test")})
	if err != nil {
		tb.Fatal(err)
	}
	return offline
}

// works is everything that a service has signed before a rotation: a licence with its
// code and its sealed page, a document with its code, a citizen's signature and a
// checkpoint.
type works struct {
	code, documentCode string
	page, document     []byte
	checkpoint         []byte
	log                pki.Point
}

func makeWorks(t *testing.T, f *officetest.Fixture, c *clock, category string) works {
	t.Helper()
	var w works
	r := f.Issue(t, category)
	code, err := f.Office.Code(ctx, "test", r)
	if err != nil {
		t.Fatal(err)
	}
	w.code = code.Digits
	if w.page, err = f.Office.PDFWithCode(ctx, "test", r, code); err != nil {
		t.Fatal(err)
	}
	place := placement.Place{Pages: "1", X: 120, Y: 150}
	stamped, err := f.Office.Stamp(ctx, "test", blank(t, 1), office.StampRequest{SealID: f.Seal.ID, Place: place, Number: "1号"})
	if err != nil {
		t.Fatal(err)
	}
	doc, err := stamped.Document()
	if err != nil {
		t.Fatal(err)
	}
	signed, err := enrol(t, f, "张样例", "1").sign(t, f, doc, placement.Place{Pages: "1", X: 60, Y: 60}, "1")
	if err != nil {
		t.Fatal(err)
	}
	w.document = content(t, signed)
	w.documentCode = documentCode(t, w.document)
	checkpoint, err := f.Office.AuditLog().Checkpoint(ctx)
	if err != nil {
		t.Fatal(err)
	}
	w.checkpoint = checkpoint.Signed
	list := trustList(t, f, c)
	w.log = list.Log.Point
	return w
}

// documentCode is the code that is printed beside a seal.
func documentCode(t *testing.T, document []byte) string {
	t.Helper()
	return readPicture(t, goldentest.Draw(t, document, 1, 200))
}

// stands checks that everything is still valid for who looks at it with the trust
// files of now.
func (w works) stands(t *testing.T, f *officetest.Fixture, c *clock, when string) {
	t.Helper()
	i := inspector(t, f)
	for what, found := range map[string]inspect.Inspection{"licence's code": i.Code(w.code), "document's code": i.Code(w.documentCode)} {
		if found.Verdict != verify.Valid {
			t.Errorf("%s: the %s is %s (%s)", when, what, found.Verdict, found.Cause)
		}
	}
	for what, b := range map[string][]byte{"sealed licence": w.page, "sealed and signed document": w.document} {
		if found, err := i.File(ctx, b); err != nil || found.Verdict != verify.Valid {
			t.Errorf("%s: the %s is %s (%s), %v", when, what, found.Verdict, found.Cause, err)
		}
	}
	list := trustList(t, f, c)
	keys, err := list.LogKeys()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(keys, func(key *pki.PublicKey) bool {
		_, err := audit.OpenCheckpoint(w.checkpoint, key)
		return err == nil
	}) {
		t.Errorf("%s: the checkpoint is of no key that the trust list names", when)
	}
}

// trustList reads the published trust list as a terminal does.
func trustList(t *testing.T, f *officetest.Fixture, c *clock) *trust.Trust {
	t.Helper()
	return exported(t, f, c).Trust
}

// exported is what a scanner caches now.
func exported(t *testing.T, f *officetest.Fixture, c *clock) *trust.Cache {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "cache")
	if err := f.Office.ExportTrust(ctx, "test", dir); err != nil {
		t.Fatal(err)
	}
	cache, err := trust.Load(os.DirFS(dir), trust.Options{Second: second.Opinion{}, Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	return cache
}

// forgeCode signs a code for a licence with an authority's first key, at a time.
func forgeCode(t *testing.T, f *officetest.Fixture, r licence.Record, at time.Time) string {
	t.Helper()
	keys, err := keystore.Open(filepath.Join(f.Dir, "keys"), keystore.Unlock{File: filepath.Join(f.Dir, "kek")})
	if err != nil {
		t.Fatal(err)
	}
	key, err := keys.Signer(keystore.PurposeAuthority, f.Authority.USCC)
	if err != nil {
		t.Fatal(err)
	}
	l := r.Licence
	c := &qr.Credential{SignedAt: at, Expires: qr.PrintedExpiry(at, l.LastDay), Summary: qr.Summary{
		Schema: l.Schema, Category: int(l.Category), Number: l.MaskedNumber(), Holder: l.Holders[0].Name, MaskedID: l.Holders[0].MaskedID(),
		FirstDay: l.FirstDay, LastDay: l.LastDay, Status: l.Status.Packed(),
	}}
	category, _ := f.Office.Catalogue().Category(l.Category)
	for range category.QRFields() {
		c.Summary.Fields = append(c.Summary.Fields, nil)
	}
	b, err := c.Sign(key)
	if err != nil {
		t.Fatal(err)
	}
	digits, err := qr.Encode(qr.KindLicence, b)
	if err != nil {
		t.Fatal(err)
	}
	return digits
}

func TestRotation(t *testing.T) {
	t.Parallel()
	c := &clock{time.Now()} // the fixture's licences are of these days
	f := officetest.At(t, c.now)
	offline := offlineOf(t, f)
	before := makeWorks(t, f, c, "066")
	before.stands(t, f, c, "at first")
	root, err := f.Office.TrustFile(ctx, "1.root")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"code", "present", "checkpoint", "maker", f.Authority.USCC, "trust", "catalogue", "status", "time"} {
		c.at = c.at.Add(time.Hour)
		var keys *keystore.Store
		if slices.Contains([]string{"trust", "catalogue", "status", "time"}, name) {
			keys = offline
			if err := f.Office.RotateKey(ctx, "test", name, 0, nil); !errors.Is(err, office.ErrNeedsOffline) {
				t.Errorf("%s without the offline keys: %v", name, err)
			}
		}
		if err := f.Office.RotateKey(ctx, "test", name, 0, keys); err != nil {
			t.Fatalf("rotating %s: %v", name, err)
		}
		before.stands(t, f, c, "after rotating "+name)
	}
	for _, name := range office.Intermediates() {
		c.at = c.at.Add(time.Hour)
		if _, err := f.Office.RotateAuthority(ctx, "test", name, nil); !errors.Is(err, office.ErrNeedsOffline) {
			t.Errorf("authority %s without the offline keys: %v", name, err)
		}
		made, err := f.Office.RotateAuthority(ctx, "test", name, offline)
		if err != nil {
			t.Fatalf("rotating authority %s: %v", name, err)
		}
		if !made.IsCA() || !strings.HasSuffix(made.Subject.CommonName, "G2") {
			t.Errorf("authority %s is now %s", name, made.Subject)
		}
		before.stands(t, f, c, "after rotating authority "+name)
	}
	c.at = c.at.Add(time.Hour)
	// What is signed now is by other keys, and as valid; and a second rotation of all
	// leaves both standing.
	after := makeWorks(t, f, c, "069")
	after.stands(t, f, c, "after all")
	if after.log == before.log {
		t.Error("the log's key is the same")
	}
	for _, name := range []string{"code", "checkpoint", "maker", f.Authority.USCC, "time"} {
		c.at = c.at.Add(time.Hour)
		if err := f.Office.RotateKey(ctx, "test", name, 0, offline); err != nil {
			t.Fatalf("rotating %s again: %v", name, err)
		}
	}
	before.stands(t, f, c, "after the second rotation")
	after.stands(t, f, c, "after the second rotation")

	list := trustList(t, f, c)
	states := make(map[trust.IssuerState]int)
	for _, i := range list.Issuers {
		states[i.State]++
		if i.State == trust.IssuerRetired && i.Lists[0].Until == 0 {
			t.Error("a retired key has an open time")
		}
	}
	if states[trust.IssuerActive] != 1 || states[trust.IssuerRetired] != 2 || len(list.Services) != 5 || len(list.Documents.Makers) != 3 || len(list.PastLogs) != 2 || len(list.Documents.Seals) != 2 || len(list.Documents.Persons) != 2 {
		t.Errorf("issuers %v, %d services, %d makers, %d past logs, %d and %d anchors", states, len(list.Services), len(list.Documents.Makers), len(list.PastLogs), len(list.Documents.Seals), len(list.Documents.Persons))
	}
	// The first root still leads to the last.
	if again, err := f.Office.TrustFile(ctx, "1.root"); err != nil || !bytes.Equal(again, root) {
		t.Errorf("the first root of the trust files changed: %v", err)
	}
	if _, _, err := f.Office.AuditLog().Verify(ctx); err != nil {
		t.Error(err)
	}
	certificates, err := f.Office.AuthorityCertificates(ctx)
	if err != nil || len(certificates) != 9 {
		t.Errorf("%d authorities, %v, want root and two generations of four", len(certificates), err)
	}
	for name, c := range certificates {
		if name == "seals.2" && c.CRLPoints()[0] != "http://localhost/crl/root.crl" {
			t.Errorf("%s names %v", name, c.CRLPoints())
		}
	}
	if len(f.Seal.Chain) != 2 {
		t.Fatal("the fixture's seal has no chain")
	}
	for _, wrong := range []string{"nonsense", "", "root", "issuers", "11100000000013338W"} {
		if err := f.Office.RotateKey(ctx, "test", wrong, 0, offline); err == nil {
			t.Errorf("key %q is rotated", wrong)
		}
	}
	if _, err := f.Office.RotateAuthority(ctx, "test", "nonsense", offline); !errors.Is(err, office.ErrNoCertificateAuthority) {
		t.Errorf("authority of no name: %v", err)
	}
}

// TestRetiredKeySignsNoMore: a code that a retired key signs after its time is refused,
// though the key is known.
func TestRetiredKeySignsNoMore(t *testing.T) {
	t.Parallel()
	c := &clock{time.Now()} // the fixture's licences are of these days
	f := officetest.At(t, c.now)
	r, other := f.Issue(t, "066"), f.Issue(t, "069")
	if err := f.Office.RotateKey(ctx, "test", f.Authority.USCC, 48*time.Hour, nil); err != nil {
		t.Fatal(err)
	}
	list := trustList(t, f, c)
	if len(list.Issuers) != 2 || list.Issuers[1].Lists[0].From != list.Issuers[0].Lists[0].Until || list.Issuers[0].State != trust.IssuerActive {
		t.Fatalf("announced: %+v", list.Issuers)
	}
	// Announced and not yet in use: the old key signs.
	code, err := f.Office.Code(ctx, "test", r)
	if err != nil {
		t.Fatal(err)
	}
	announced := inspector(t, f).Code(code.Digits)
	if announced.Verdict != verify.Valid {
		t.Errorf("while announced: %s (%s)", announced.Verdict, announced.Cause)
	}
	if err := f.Office.RotateKey(ctx, "test", f.Authority.USCC, 0, nil); !errors.Is(err, office.ErrOutOfRange) {
		t.Errorf("a rotation while one is announced: %v", err)
	}
	c.at = c.at.Add(49 * time.Hour)
	later, err := f.Office.Code(ctx, "test", other)
	if err != nil {
		t.Fatal(err)
	}
	if reprint, err := f.Office.Code(ctx, "test", r); err != nil || reprint.Digits != code.Digits {
		t.Errorf("a reprint after the key has retired is another code: %v", err)
	}
	i := inspector(t, f)
	for when, digits := range map[string]string{"before": code.Digits, "after": later.Digits} {
		if found := i.Code(digits); found.Verdict != verify.Valid {
			t.Errorf("a code of %s: %s (%s)", when, found.Verdict, found.Cause)
		}
	}
	// Somebody with the old key signs a code today.
	forged := forgeCode(t, f, r, c.at)
	if found := i.Code(forged); found.Verdict != verify.OutOfScope {
		t.Errorf("a code of today by the retired key: %s (%s), want out_of_scope", found.Verdict, found.Cause)
	}
	for name, notice := range map[string]time.Duration{"before now": -1, "in a year": 365 * 24 * time.Hour} {
		if err := f.Office.RotateKey(ctx, "test", "code", notice, nil); !errors.Is(err, office.ErrOutOfRange) {
			t.Errorf("notice %s: %v", name, err)
		}
	}
	if err := f.Office.RotateKey(ctx, "test", "time", time.Hour, offlineOf(t, f)); !errors.Is(err, office.ErrOutOfRange) {
		t.Errorf("notice of a trust file's key: %v", err)
	}
}

// TestRotatedAuthorityAnswers: the old authority stands for the status of what it issued
// until that has ended.
func TestRotatedAuthorityAnswers(t *testing.T) {
	t.Parallel()
	c := &clock{time.Now()} // the fixture's licences are of these days
	f := officetest.At(t, c.now)
	if _, err := f.Office.RotateAuthority(ctx, "test", "seals", offlineOf(t, f)); err != nil {
		t.Fatal(err)
	}
	names := func() []string {
		t.Helper()
		all, err := f.Office.StatusAuthorities(ctx)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, a := range all {
			names = append(names, a.Name)
			if len(a.Shards) != 1 || a.Site().Name != a.Name {
				t.Errorf("authority %s: shards %v, site %+v", a.Name, a.Shards, a.Site())
			}
		}
		return names
	}
	if got := names(); !slices.Contains(got, "seals") || !slices.Contains(got, "seals.2") {
		t.Errorf("now: %v", got)
	}
	c.at = c.at.AddDate(6, 0, 0) // the maker's certificate lives five years
	if got := names(); slices.Contains(got, "seals") || !slices.Contains(got, "seals.2") {
		t.Errorf("when all has ended: %v", got)
	}
}

// TestSealRenewal: a seal is made anew before its certificate runs out, documents of
// before stay valid, and new ones are sealed with the new.
func TestSealRenewal(t *testing.T) {
	t.Parallel()
	c := &clock{time.Now()} // the fixture's licences are of these days
	f := officetest.At(t, c.now)
	stamp := func() []byte {
		t.Helper()
		p, err := f.Office.Stamp(ctx, "test", blank(t, 1), office.StampRequest{SealID: f.Seal.ID, Place: placement.Place{Pages: "1", X: 120, Y: 150}})
		if err != nil {
			t.Fatal(err)
		}
		return content(t, p)
	}
	early := stamp()
	const within = 30 * 24 * time.Hour
	renew := func() []seal.Record {
		t.Helper()
		renewed, err := f.Office.RenewSeals(ctx, "test", within)
		if err != nil {
			t.Fatal(err)
		}
		return renewed
	}
	if got := renew(); len(got) != 0 {
		t.Errorf("%d seals are renewed at once", len(got))
	}
	c.at = c.at.AddDate(0, 0, 340)
	renewed := renew()
	if len(renewed) != 1 || renewed[0].ID != f.Seal.ID || len(renewed[0].Earlier) != 1 || !bytes.Equal(renewed[0].Earlier[0].SESeal, f.Seal.SESeal) {
		t.Fatalf("renewed: %+v", renewed)
	}
	if got := renew(); len(got) != 0 {
		t.Errorf("%d seals are renewed again", len(got))
	}
	before, err := cert.Parse(f.Seal.Chain[0])
	if err != nil {
		t.Fatal(err)
	}
	after, err := cert.Parse(renewed[0].Chain[0])
	if err != nil {
		t.Fatal(err)
	}
	if !after.Key.Equal(before.Key) || after.Serial() == before.Serial() || after.Subject != before.Subject || after.OrganizationCode() != before.OrganizationCode() {
		t.Errorf("renewed from %s to %s", before.Subject, after.Subject)
	}
	made, err := seal.Parse(renewed[0].SESeal)
	if err != nil || !bytes.Equal(made.Certificates[0], after.DER) {
		t.Errorf("the seal does not list the new certificate: %v", err)
	}
	late := stamp()
	if found, err := inspector(t, f).File(ctx, early); err != nil || found.Verdict != verify.Valid {
		t.Errorf("sealed before, while the old certificate lasts: %s (%s), %v", found.Verdict, found.Cause, err)
	}
	c.at = c.at.AddDate(0, 0, 60) // the old certificate has ended
	lateStill := stamp()
	i := inspector(t, f)
	// What was sealed with the old certificate could have been sealed since it ended: without
	// a time stamp only the house's own log can say.
	if found, err := i.File(ctx, early); err != nil || found.Verdict != verify.Valid || len(found.Document.Proofs) != 1 || found.Document.Signatures[0].ProvenAt == "" {
		t.Errorf("sealed before: %s (%s), %v", found.Verdict, found.Cause, err)
	}
	for when, b := range map[string][]byte{"after": late, "after the old certificate's end": lateStill} {
		if found, err := i.File(ctx, b); err != nil || found.Verdict != verify.Valid {
			t.Errorf("sealed %s: %s (%s), %v", when, found.Verdict, found.Cause, err)
		}
	}
	for name, within := range map[string]time.Duration{"no time": 0, "half a life and more": 200 * 24 * time.Hour} {
		if _, err := f.Office.RenewSeals(ctx, "test", within); !errors.Is(err, office.ErrOutOfRange) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A seal whose certificate is revoked is not renewed, and is named.
	serial, err := cert.ParseSerial(after.Serial())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Office.RevokeCertificate(ctx, "test", serial, office.Revocation{Reason: cert.KeyCompromise}); err != nil {
		t.Fatal(err)
	}
	c.at = c.at.AddDate(0, 0, 280)
	got, err := f.Office.RenewSeals(ctx, "test", within)
	if len(got) != 0 || !errors.Is(err, ca.ErrState) || !strings.Contains(err.Error(), f.Seal.ID) {
		t.Errorf("a revoked seal: %d renewed, %v", len(got), err)
	}
}

// TestSealRenewalAfterACut: the certificate was renewed and the seal was not.
func TestSealRenewalAfterACut(t *testing.T) {
	t.Parallel()
	c := &clock{time.Now()} // the fixture's licences are of these days
	f := officetest.At(t, c.now)
	before, err := cert.Parse(f.Seal.Chain[0])
	if err != nil {
		t.Fatal(err)
	}
	serial, err := cert.ParseSerial(before.Serial())
	if err != nil {
		t.Fatal(err)
	}
	issued, err := f.Office.RenewCertificate(ctx, "test", serial, nil)
	if err != nil {
		t.Fatal(err)
	}
	renewed, err := f.Office.RenewSeals(ctx, "test", 30*24*time.Hour)
	if err != nil || len(renewed) != 1 || !bytes.Equal(renewed[0].Chain[0], issued.Certificate.DER) {
		t.Errorf("%d seals are made anew, %v: want the one with the new certificate", len(renewed), err)
	}
}
