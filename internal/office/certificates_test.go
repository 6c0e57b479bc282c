package office_test

import (
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
	"github.com/elicence/elicence/internal/store/bolt"
	"github.com/elicence/elicence/internal/store/records"
	"github.com/elicence/elicence/internal/store/sealed"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/keystore"
	"github.com/elicence/elicence/qr/verify"
	"github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/placement"
)

func serialOf(t *testing.T, der []byte) cert.Serial {
	t.Helper()
	c, err := cert.Parse(der)
	if err != nil {
		t.Fatal(err)
	}
	serial, ok := cert.SerialOf(c.SerialNumber())
	if !ok {
		t.Fatalf("serial number %s", c.Serial())
	}
	return serial
}

// TestRevokedSealStampsNoMore: nor a held one, until it is released.
func TestRevokedSealStampsNoMore(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	stamp := func() error {
		_, err := f.Office.Stamp(ctx, "test", blank(t, 1), office.StampRequest{SealID: f.Seal.ID, Place: placement.Place{Pages: "1", X: 60, Y: 60}})
		return err
	}
	serial := serialOf(t, f.Seal.Chain[0])
	if _, err := f.Office.HoldCertificate(ctx, "test", serial, ""); err != nil {
		t.Fatal(err)
	}
	if err := stamp(); !errors.Is(err, ca.ErrState) {
		t.Errorf("held: %v, want ErrState", err)
	}
	if _, err := f.Office.ReleaseCertificate(ctx, "test", serial, ""); err != nil {
		t.Fatal(err)
	}
	if err := stamp(); err != nil {
		t.Errorf("released: %v", err)
	}
	if _, err := f.Office.RevokeCertificate(ctx, "test", serial, office.Revocation{Reason: cert.CessationOfOperation}); err != nil {
		t.Fatal(err)
	}
	if err := stamp(); !errors.Is(err, ca.ErrState) {
		t.Errorf("revoked: %v, want ErrState", err)
	}
}

// TestRevokedPersonSignsNoMore: the run does not begin.
func TestRevokedPersonSignsNoMore(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	p := enrol(t, f, "张样例", "1")
	var serial cert.Serial
	err := f.Office.Certificates(ctx, func(c office.CertificateRecord) error {
		if c.Profile == ca.ProfilePerson {
			serial = c.Serial
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Office.HoldCertificate(ctx, "test", serial, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Office.BeginSigning(ctx, "test", p.id, blank(t, 1), placement.Place{Pages: "1", X: 60, Y: 60}, ""); !errors.Is(err, ca.ErrState) {
		t.Errorf("BeginSigning = %v, want ErrState", err)
	}
}

// TestCompromisedAuthority: its key signs nothing more, and what it has signed counts
// no more; a new key takes its place.
func TestCompromisedAuthority(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	r := f.Issue(t, "066")
	code, err := f.Office.Code(ctx, "test", r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Office.RevokeCertificate(ctx, "test", serialOf(t, f.Authority.Certificate), office.Revocation{Reason: cert.KeyCompromise}); err != nil {
		t.Fatal(err)
	}
	if found := inspector(t, f).Code(code.Digits); found.Verdict != verify.Untrusted {
		t.Errorf("its code is %s (%s), want untrusted", found.Verdict, found.Cause)
	}
	if _, err := f.Office.Code(ctx, "test", r); !errors.Is(err, ca.ErrState) {
		t.Errorf("another code: %v, want ErrState", err)
	}
	if err := f.Office.RotateKey(ctx, "test", f.Authority.USCC, 0, nil); err != nil {
		t.Fatal(err)
	}
	again, err := f.Office.Code(ctx, "test", r)
	if err != nil {
		t.Fatal(err)
	}
	i := inspector(t, f)
	if found := i.Code(again.Digits); found.Verdict != verify.Valid {
		t.Errorf("a code by the new key: %s (%s)", found.Verdict, found.Cause)
	}
	if found := i.Code(code.Digits); found.Verdict != verify.Untrusted {
		t.Errorf("a code by the lost key after the rotation: %s (%s)", found.Verdict, found.Cause)
	}
}

// TestCompromisedMaker: seals of a lost key count no more and are made anew.
func TestCompromisedMaker(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	made, err := seal.Parse(f.Seal.SESeal)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Office.RevokeCertificate(ctx, "test", serialOf(t, made.Maker.DER), office.Revocation{Reason: cert.KeyCompromise}); err != nil {
		t.Fatal(err)
	}
	request := office.StampRequest{SealID: f.Seal.ID, Place: placement.Place{Pages: "1", X: 60, Y: 60}}
	if _, err := f.Office.Stamp(ctx, "test", blank(t, 1), request); !errors.Is(err, seal.ErrMaker) {
		t.Errorf("a seal of the lost key: %v, want ErrMaker", err)
	}
	if err := f.Office.RotateKey(ctx, "test", "maker", 0, nil); err != nil {
		t.Fatal(err)
	}
	renewed, err := f.Office.RenewSeals(ctx, "test", 30*24*time.Hour)
	if err != nil || len(renewed) != 1 {
		t.Fatalf("%d seals are made anew, %v", len(renewed), err)
	}
	if _, err := f.Office.Stamp(ctx, "test", blank(t, 1), request); err != nil {
		t.Errorf("made anew: %v", err)
	}
}

// TestMakerRenewal: the maker's own certificate is renewed in time, and its seals are
// made anew.
func TestMakerRenewal(t *testing.T) {
	t.Parallel()
	c := &clock{time.Now()}
	f := officetest.At(t, c.now)
	c.at = c.at.AddDate(0, 0, 5*365-10)
	renewed, err := f.Office.RenewSeals(ctx, "test", 30*24*time.Hour)
	if err != nil || len(renewed) != 1 {
		t.Fatalf("%d seals are made anew, %v", len(renewed), err)
	}
	c.at = c.at.AddDate(0, 1, 0)
	stamped, err := f.Office.Stamp(ctx, "test", blank(t, 1), office.StampRequest{SealID: f.Seal.ID, Place: placement.Place{Pages: "1", X: 60, Y: 60}})
	if err != nil {
		t.Fatal(err)
	}
	if found, err := inspector(t, f).File(ctx, content(t, stamped)); err != nil || found.Verdict != verify.Valid {
		t.Errorf("%s (%s), %v", found.Verdict, found.Cause, err)
	}
}

func TestRevocationOfAuthorities(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	certificates, err := f.Office.AuthorityCertificates(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Office.RevokeCertificate(ctx, "test", serialOf(t, certificates["root"].DER), office.Revocation{Reason: cert.CACompromise}); !errors.Is(err, ca.ErrState) {
		t.Errorf("the root: %v, want ErrState", err)
	}
	if _, err := f.Office.RenewCertificate(ctx, "test", serialOf(t, certificates["seals"].DER), nil); !errors.Is(err, ca.ErrRequest) {
		t.Errorf("renewing an authority: %v, want ErrRequest", err)
	}
	if _, err := f.Office.RevokeCertificate(ctx, "test", serialOf(t, certificates["seals"].DER), office.Revocation{Reason: cert.CACompromise}); err != nil {
		t.Fatal(err)
	}
	applied, err := f.Office.ApplySeal(ctx, officetest.Clerk, office.NewSeal{OwnerUSCC: f.Authority.USCC, Design: f.Seal.Design})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Office.ApproveSeal(ctx, officetest.Approver, applied.ID); !errors.Is(err, ca.ErrState) {
		t.Errorf("a seal's certificate by a revoked authority: %v, want ErrState", err)
	}
}

// TestStartFindsUnfinished: what was cut off is abandoned when the folder is opened.
func TestStartFindsUnfinished(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	o, err := office.Create(ctx, dir, office.CreateOptions{
		Config: datafolder.Config{Host: "localhost", Region: "340000", Domain: "安徽省(测试)"}, RootPassphrase: []byte("test"), Actor: "test",
	})
	if err != nil {
		t.Fatal(err)
	}
	certificates, err := o.AuthorityCertificates(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	keys, err := keystore.Open(filepath.Join(dir, "keys"), keystore.Unlock{File: filepath.Join(dir, "kek")})
	if err != nil {
		t.Fatal(err)
	}
	box, err := sealed.OpenBox(keys, filepath.Join(dir, "record-keys"))
	if err != nil {
		t.Fatal(err)
	}
	db, err := bolt.Open(filepath.Join(dir, "elicence.db"), records.Schema())
	if err != nil {
		t.Fatal(err)
	}
	store, err := records.Open(ctx, db, box)
	if err != nil {
		t.Fatal(err)
	}
	key, err := keys.Signer(keystore.PurposeCA, "services")
	if err != nil {
		t.Fatal(err)
	}
	services, err := ca.New(certificates["services"], key, ca.Environment{Ledger: store, Site: ca.Site{Host: "localhost", Name: "services", Shards: 1}, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	draft, err := services.Prepare(ctx, ca.Request{Profile: ca.ProfileTLSClient, Key: pkitest.NewKey(t).Public(), Subject: cert.Name{Country: "CN", CommonName: "x"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if o, err = office.Open(dir, office.Options{}); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	}()
	c, err := o.Certificate(ctx, draft.Serial())
	if err != nil || !c.Abandoned || c.State != ca.MayExist || c.Certificate != nil {
		t.Errorf("after the start: %+v, %v", c.Record, err)
	}
	if c, err = o.RevokeCertificate(ctx, "test", draft.Serial(), office.Revocation{Reason: cert.Superseded}); err != nil || c.State != ca.Revoked {
		t.Errorf("revoking what may exist: %s, %v", c.State, err)
	}
	if _, _, err := o.AuditLog().Verify(ctx); err != nil {
		t.Error(err)
	}
}

func TestOperatorsProfiles(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	if !slices.Contains(f.Office.Profiles().Names(), ca.ProfileTSA) {
		t.Error("no profile for time stamps")
	}
	dir := filepath.Join(t.TempDir(), "data")
	o, err := office.Create(ctx, dir, office.CreateOptions{Config: datafolder.Config{Host: "localhost", Region: "340000", Domain: "安徽省(测试)"}, RootPassphrase: []byte("test"), Actor: "test"})
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "profiles"), 0o700), os.WriteFile(filepath.Join(dir, "profiles", "person.yaml"), []byte("key-usage: {bits: [keyCertSign]}"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if o, err := office.Open(dir, office.Options{}); err == nil {
		t.Error("a profile that makes authorities of citizens is loaded")
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	}
}
