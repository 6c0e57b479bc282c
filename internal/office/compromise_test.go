package office_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/disclose"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cose"
	"github.com/elicence/elicence/pki/keystore"
	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/qr"
	"github.com/elicence/elicence/qr/trust"
	"github.com/elicence/elicence/qr/verify"
)

// hallOf is the verifier of a terminal that has just been brought up to date.
func hallOf(t *testing.T, f *officetest.Fixture, dir string, now func() time.Time) *verify.Verifier {
	t.Helper()
	if err := f.Office.ExportTrust(ctx, "test", dir); err != nil {
		t.Fatal(err)
	}
	c, err := trust.Load(os.DirFS(dir), trust.Options{Second: second.Opinion{}, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return verify.New(c, verify.Options{Second: second.Opinion{}, Now: now})
}

// TestCompromiseDrill: an issuing key is stolen; what was given out goes on counting, what
// the thief signs does not, and everything is signed anew by the next key.
func TestCompromiseDrill(t *testing.T) {
	t.Parallel()
	c := &clock{time.Now()}
	f := officetest.At(t, c.now)
	dir := filepath.Join(t.TempDir(), "trust")
	uscc := f.Authority.USCC
	code := func(r licence.Record, p disclose.Profile) string {
		t.Helper()
		code, err := f.Office.CodeOf(ctx, "test", r, p)
		if err != nil {
			t.Fatal(err)
		}
		return code.Digits
	}
	records := make(map[string]licence.Record)
	before := make(map[string]string)
	for _, category := range []string{"004", "007", "066", "110"} {
		r := f.Issue(t, category)
		records[category] = r
		before[category] = code(r, disclose.Full)
	}
	masked := code(records["004"], disclose.Masked)
	notGiven := f.Issue(t, "029") // no code of it was ever asked for
	if _, err := f.Office.Step(ctx, "test", records["110"].Licence.Identifier, licence.Revoke, "x"); err != nil {
		t.Fatal(err)
	}
	c.at = c.at.Add(time.Hour)
	since := c.at.Add(-30 * time.Minute)
	thief, err := keystore.Open(filepath.Join(f.Dir, "keys"), keystore.Unlock{File: filepath.Join(f.Dir, "kek")})
	if err != nil {
		t.Fatal(err)
	}
	stolen, err := thief.Signer(keystore.PurposeAuthority, uscc)
	if err != nil {
		t.Fatal(err)
	}
	forge := func(change func(*qr.Credential)) string {
		t.Helper()
		forged := credentialOf(t, before["004"])
		change(forged)
		b, err := forged.Sign(stolen)
		if err != nil {
			t.Fatal(err)
		}
		digits, err := qr.Encode(qr.KindLicence, b)
		if err != nil {
			t.Fatal(err)
		}
		return digits
	}
	forgeries := map[string]string{
		"another holder":             forge(func(c *qr.Credential) { c.Summary.Holder = "张三" }),
		"a place of no code":         forge(func(c *qr.Credential) { c.Summary.Status = notGiven.Licence.Status.Packed() }),
		"a time long before":         forge(func(c *qr.Credential) { c.SignedAt = c.SignedAt.Add(-time.Minute) }),
		"a place of another licence": forge(func(c *qr.Credential) { c.Summary.Status = records["066"].Licence.Status.Packed() }),
	}
	// The theft is not known yet: whatever the thief signs within scope is taken. That is
	// the limit; the drill ends it.
	if r := hallOf(t, f, dir, c.now).Text(forgeries["another holder"]); r.Verdict != verify.Valid {
		t.Fatalf("before the theft is known a forgery is %s (%s): this test shows nothing", r.Verdict, r.Cause)
	}

	loss, err := f.Office.CompromiseAuthority(ctx, "test", uscc, "", since, "卡被盗")
	if err != nil {
		t.Fatal(err)
	}
	if loss.Genuine != 5 || loss.Bytes == 0 {
		t.Errorf("%+v, want 5 credentials", loss)
	}
	hall := hallOf(t, f, dir, c.now)
	wants := func(code string, want verify.Verdict, what string) {
		t.Helper()
		if r := hall.Text(code); r.Verdict != want {
			t.Errorf("%s: %s (%s), want %s", what, r.Verdict, r.Cause, want)
		}
	}
	for category, digits := range before {
		want := verify.Valid
		if category == "110" {
			want = verify.Revoked
		}
		wants(digits, want, "given out before: "+category)
	}
	wants(masked, verify.Valid, "given out before: masked")
	for what, digits := range forgeries {
		wants(digits, verify.Untrusted, what)
	}
	after := code(notGiven, disclose.Full)
	hall = hallOf(t, f, dir, c.now)
	wants(after, verify.Valid, "signed by the new key")

	// Called once more by mistake, it does not take the new key for the stolen one.
	if _, err := f.Office.CompromiseAuthority(ctx, "test", uscc, "", since, ""); !errors.Is(err, office.ErrWhichKey) {
		t.Errorf("a second call: %v, want ErrWhichKey", err)
	}
	if again, err := f.Office.CompromiseAuthority(ctx, "test", uscc, uscc, since, ""); err != nil || again.Genuine != 5 {
		t.Errorf("the stolen key named again: %+v, %v", again, err)
	}
	var reissued []office.Reissued
	n, err := f.Office.ReissueCodes(ctx, "test", uscc, func(r office.Reissued) error {
		reissued = append(reissued, r)
		return nil
	})
	if err != nil || n != 4 || len(reissued) != 4 { // three full and one masked; revoked and new ones not
		t.Fatalf("ReissueCodes = %d, %v, want 4", n, err)
	}
	hall = hallOf(t, f, dir, c.now)
	for _, r := range reissued {
		wants(r.Code.Digits, verify.Valid, "signed anew: "+r.Licence.String())
		for category, old := range before {
			if r.Code.Digits == old {
				t.Errorf("the code of %s is the old one", category)
			}
		}
	}
	for category, digits := range before {
		if category != "110" {
			wants(digits, verify.Valid, "the paper from before: "+category)
		}
	}
	if n, err := f.Office.ReissueCodes(ctx, "test", uscc, func(office.Reissued) error { return nil }); err != nil || n != 0 {
		t.Errorf("once more: %d codes, %v", n, err)
	}
	// What is revoked afterwards is revoked on either paper.
	if _, err := f.Office.Step(ctx, "test", records["066"].Licence.Identifier, licence.Revoke, "x"); err != nil {
		t.Fatal(err)
	}
	hall = hallOf(t, f, dir, c.now)
	wants(before["066"], verify.Revoked, "the old paper of a revoked licence")
}

// credentialOf reads the credential of a printed code.
func credentialOf(t *testing.T, digits string) *qr.Credential {
	t.Helper()
	_, b, err := qr.Decode(digits)
	if err != nil {
		t.Fatal(err)
	}
	m, err := cose.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	credential, err := qr.ParseCredential(m.Payload)
	if err != nil {
		t.Fatal(err)
	}
	return credential
}

// TestCompromiseCutOff: after every step the key signs nothing more, and the next call
// goes on.
func TestCompromiseCutOff(t *testing.T) {
	t.Parallel()
	c := &clock{time.Now()}
	f := officetest.At(t, c.now)
	dir := filepath.Join(t.TempDir(), "trust")
	r := f.Issue(t, "066")
	before, err := f.Office.Code(ctx, "test", r)
	if err != nil {
		t.Fatal(err)
	}
	for steps := range office.CompromiseSteps {
		if err := f.Office.CompromiseUpTo(ctx, "test", f.Authority.USCC, steps+1); err != nil {
			t.Fatal(err)
		}
		f.Reopen(t)
		if steps+1 < office.CompromiseSteps {
			if _, err := f.Office.CodeOf(ctx, "test", r, disclose.Minimal); !errors.Is(err, ca.ErrState) {
				t.Errorf("after step %d the stolen key signs: %v", steps+1, err)
			}
		}
		want := verify.Untrusted // known to be stolen, and not yet what is genuine
		if steps > 0 {
			want = verify.Valid
		}
		if got := hallOf(t, f, dir, c.now).Text(before.Digits); got.Verdict != want {
			t.Errorf("after step %d: %s (%s), want %s", steps+1, got.Verdict, got.Cause, want)
		}
	}
	if _, err := f.Office.CodeOf(ctx, "test", r, disclose.Minimal); err != nil {
		t.Errorf("the new key does not sign: %v", err)
	}
	if _, err := f.Office.CompromiseAuthority(ctx, "test", f.Authority.USCC, "", c.now().Add(time.Hour), ""); !errors.Is(err, office.ErrOutOfRange) {
		t.Errorf("stolen in the future: %v", err)
	}
}

// keyInUse is the name of the key that the authority signs with.
func keyInUse(tb testing.TB, f *officetest.Fixture) string {
	tb.Helper()
	all, err := f.Office.KeyGenerations(ctx)
	if err != nil {
		tb.Fatal(err)
	}
	for _, k := range all {
		if k.Purpose == keystore.PurposeAuthority && k.InUse {
			return k.Name
		}
	}
	tb.Fatal("no key is in use")
	return ""
}

// BenchmarkReissue signs the printed codes of a licence of every category anew, which
// take their turns as a million would.
func BenchmarkReissue(b *testing.B) {
	f := officetest.New(b)
	for _, c := range f.Office.Catalogue().Categories() {
		if _, err := f.Office.Code(ctx, "test", f.Issue(b, c.ID.String())); err != nil {
			b.Fatal(err)
		}
	}
	codes := 0
	for b.Loop() {
		b.StopTimer()
		key := keyInUse(b, f)
		if _, err := f.Office.CompromiseAuthority(ctx, "test", f.Authority.USCC, key, time.Time{}, ""); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		n, err := f.Office.ReissueCodes(ctx, "test", f.Authority.USCC, func(office.Reissued) error { return nil })
		if err != nil {
			b.Fatal(err)
		}
		codes += n
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(codes), "µs/code")
}
