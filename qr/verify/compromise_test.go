package verify_test

import (
	"errors"
	"io/fs"
	"testing"
	"testing/fstest"
	"time"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/internal/trusttest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/qr"
	"github.com/elicence/elicence/qr/trust"
	"github.com/elicence/elicence/qr/verify"
)

// known is a credential as its domain knows it.
func known(tb testing.TB, c *qr.Credential) trust.GenuineCredential {
	tb.Helper()
	payload, err := c.Payload()
	if err != nil {
		tb.Fatal(err)
	}
	return trust.GenuineCredential{List: uint32(c.Summary.Status >> 32), Index: uint32(c.Summary.Status), Digest: trust.DigestOf(payload)}
}

// stolen lets the issuer's key be compromised and what is known of it genuine.
func stolen(tb testing.TB, d *trusttest.Domain, genuine ...trust.GenuineCredential) {
	tb.Helper()
	file, err := trust.SignGenuine(d.Trust.Issuers[0].Point, genuine, second.Opinion{}, d.Keys[trust.RoleTrust])
	if err != nil {
		tb.Fatal(err)
	}
	f := d.AddSet(0, 0, file)
	d.Trust.Issuers[0].State, d.Trust.Issuers[0].Since = trust.IssuerCompromised, now.Add(-2*time.Hour).Unix()
	d.Trust.Issuers[0].Genuine = &trust.GenuineFile{SM3: f.SM3, Length: f.Length}
}

// TestStolenIssuerKey: with the key a thief signs whatever is wanted, at whatever time.
// What counts is what the domain knows to have signed, and what it signs anew with the
// next key.
func TestStolenIssuerKey(t *testing.T) {
	t.Parallel()
	d := trusttest.New(t, now)
	device := trusttest.NewDevice(t, qr.DeviceSM2)
	before := d.Credential(now.Add(-3 * time.Hour))
	reprint := d.Credential(now.Add(-2 * time.Hour))
	live := d.ForDevice(now.Add(-time.Hour), device)
	expiredOne := d.Credential(now.Add(-4 * time.Hour))
	expire(expiredOne)
	expiredOne.Summary.Status++
	next := pkitest.NewKey(t)
	d.Trust.Issuers = append(d.Trust.Issuers, d.Trust.Issuers[0])
	d.Trust.Issuers[1].Point, d.Trust.Issuers[1].KID = next.Public().Point(), next.Public().KID()
	d.Trust.Issuers[0].Lists = []trust.IssuerList{{List: 1, From: now.Unix() - trusttest.Window, Until: now.Unix()}}
	stolen(t, d, known(t, before), known(t, reprint), known(t, live), known(t, expiredOne))
	v := verifier(t, d, now)
	forge := func(change func(*qr.Credential)) string {
		c := d.Credential(now.Add(-3 * time.Hour)) // a time before the theft, signed after it
		change(c)
		return trusttest.Code(t, c, d.IssuerKey)
	}
	for name, tt := range map[string]struct {
		code string
		want verify.Verdict
	}{
		"what was printed before":             {trusttest.Code(t, before, d.IssuerKey), verify.Valid},
		"the same payload signed again":       {trusttest.Code(t, before, d.IssuerKey), verify.Valid},
		"its reprint in the same place":       {trusttest.Code(t, reprint, d.IssuerKey), verify.Valid},
		"one that has ended":                  {trusttest.Code(t, expiredOne, d.IssuerKey), verify.Expired},
		"signed anew by the next key":         {trusttest.Code(t, d.Credential(now), next), verify.Valid},
		"on the holder's device":              {device.Present(t, trusttest.SignedForDevice(t, live, d.IssuerKey), now, nil), verify.Valid},
		"another name in a known place":       {forge(func(c *qr.Credential) { c.Summary.Holder = "李四" }), verify.Untrusted},
		"a known credential in another place": {forge(func(c *qr.Credential) { c.Summary.Status += 5 }), verify.Untrusted},
		"a longer life":                       {forge(func(c *qr.Credential) { *c.Summary.LastDay += 365 }), verify.Untrusted},
		"another time":                        {forge(func(c *qr.Credential) { c.SignedAt = c.SignedAt.Add(-time.Second) }), verify.Untrusted},
		"an index that was never given out":   {forge(func(c *qr.Credential) { c.Summary.Status = 1<<32 | 5000 }), verify.Untrusted},
		"another list":                        {forge(func(c *qr.Credential) { c.Summary.Status = 2<<32 | 77 }), verify.Untrusted},
		"nonsense":                            {signAs(t, pki.ObjectCodeLicence, qr.KindLicence, []byte("nonsense"), d.IssuerKey), verify.Untrusted},
		"a bad signature of what is known":    {forged(t, d), verify.Untrusted},
	} {
		if r := v.Text(tt.code); r.Verdict != tt.want {
			t.Errorf("%s: %s (%s), want %s", name, r.Verdict, r.Cause, tt.want)
		}
	}
}

// TestGenuineRefused: a genuine file counts only as the trust file names it, by a key of
// the role trust and in the one form.
func TestGenuineRefused(t *testing.T) {
	t.Parallel()
	credential := func(d *trusttest.Domain) trust.GenuineCredential { return known(t, d.Credential(now.Add(-time.Hour))) }
	load := func(d *trusttest.Domain, change func(fstest.MapFS)) error {
		t.Helper()
		files := d.Files(t)
		if change != nil {
			change(files)
		}
		_, err := trust.Load(files, trust.Options{Second: second.Opinion{}, Now: func() time.Time { return now }})
		return err
	}
	name := func(d *trusttest.Domain) string { return trust.SetName(d.Trust.Issuers[0].Genuine.SM3) }
	for what, tt := range map[string]struct {
		domain func(*trusttest.Domain)
		files  func(*trusttest.Domain, fstest.MapFS)
		want   error
	}{
		"good":                                 {},
		"none":                                 {domain: func(d *trusttest.Domain) { d.Trust.Issuers[0].Genuine = nil }},
		"of an issuer that is not compromised": {domain: func(d *trusttest.Domain) { d.Trust.Issuers[0].State = trust.IssuerActive }, want: trust.ErrInvalid},
		"missing":                              {files: func(d *trusttest.Domain, f fstest.MapFS) { delete(f, name(d)) }, want: fs.ErrNotExist},
		"other content":                        {files: func(d *trusttest.Domain, f fstest.MapFS) { f[name(d)].Data[9] ^= 1 }, want: trust.ErrMismatch},
		"signed by another role": {domain: func(d *trusttest.Domain) {
			d.Keys[trust.RoleTrust], d.Keys[trust.RoleTime] = d.Keys[trust.RoleTime], d.Keys[trust.RoleTrust]
			stolen(t, d, credential(d))
			d.Keys[trust.RoleTrust], d.Keys[trust.RoleTime] = d.Keys[trust.RoleTime], d.Keys[trust.RoleTrust]
		}, want: trust.ErrSigned},
		"of another key": {domain: func(d *trusttest.Domain) {
			other := *d
			other.Trust.Issuers = append([]trust.Issuer(nil), d.Trust.Issuers...)
			key := pkitest.NewKey(t).Public()
			other.Trust.Issuers[0].Point, other.Trust.Issuers[0].KID = key.Point(), key.KID()
			stolen(t, &other, credential(d))
			d.Trust.Issuers[0].Genuine = other.Trust.Issuers[0].Genuine
		}, want: trust.ErrInvalid},
	} {
		d := trusttest.New(t, now)
		stolen(t, d, credential(d))
		if tt.domain != nil {
			tt.domain(d)
		}
		err := load(d, func(f fstest.MapFS) {
			if tt.files != nil {
				tt.files(d, f)
			}
		})
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", what, err, tt.want)
		}
	}
}

// TestStolenTimeKey: with the key of time a thief keeps a terminal at old files and says
// that it is today. The age of the data is that of the older file, so it shows.
func TestStolenTimeKey(t *testing.T) {
	t.Parallel()
	d := trusttest.New(t, now)
	code := trusttest.Code(t, d.Credential(now.Add(-time.Hour)), d.IssuerKey)
	for after, want := range map[time.Duration]verify.Verdict{
		23 * time.Hour: verify.Valid, 25 * time.Hour: verify.ValidStale, 73 * time.Hour: verify.NoData,
	} {
		d.Time.Version++
		d.Time.Issued = now.Add(after).Unix()
		if r := verifier(t, d, now.Add(after)).Text(code); r.Verdict != want {
			t.Errorf("after %v with a fresh time file and an old status file: %s (%s), want %s", after, r.Verdict, r.Cause, want)
		}
	}
	// Nor does it make a time that is to come.
	d.Time.Issued = now.Add(6 * time.Minute).Unix()
	clock := func() time.Time { return now }
	if _, err := trust.Load(d.Files(t), trust.Options{Second: second.Opinion{}, Now: clock}); !errors.Is(err, trust.ErrClock) {
		t.Errorf("six minutes ahead: %v, want ErrClock", err)
	}
}

// TestStolenStatusKey: with the key of status a thief can have licences refused, and
// makes none.
func TestStolenStatusKey(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		forge func(*trusttest.Domain)
		code  func(*trusttest.Domain) string
		want  verify.Verdict
	}{
		"a licence revoked":    {func(d *trusttest.Domain) { d.Set.Revoked.Set(77) }, nil, verify.Revoked},
		"a licence suspended":  {func(d *trusttest.Domain) { d.Set.Suspended.Set(77) }, nil, verify.Suspended},
		"a licence not issued": {func(d *trusttest.Domain) { d.Set.High = 77 }, nil, verify.NotIssued},
		"an index given out that was not": {func(d *trusttest.Domain) { d.Set.High = 1 << 20 }, func(d *trusttest.Domain) string {
			c := d.Credential(now.Add(-time.Hour))
			c.Summary.Status = 1<<32 | 9000
			return trusttest.Code(t, c, d.Keys[trust.RoleStatus])
		}, verify.Untrusted},
	} {
		d := trusttest.New(t, now)
		tt.forge(d)
		code := trusttest.Code(t, d.Credential(now.Add(-time.Hour)), d.IssuerKey)
		if tt.code != nil {
			code = tt.code(d)
		}
		if r := verifier(t, d, now).Text(code); r.Verdict != tt.want {
			t.Errorf("%s: %s (%s), want %s", name, r.Verdict, r.Cause, tt.want)
		}
	}
}
