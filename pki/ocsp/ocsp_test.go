package ocsp_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/ocsp"
	"github.com/elicence/elicence/pki/oid"
	"github.com/elicence/elicence/pki/second"
)

var now = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

func certID(tb testing.TB, hash oid.ID, issuer *cert.Certificate, serial []byte) ocsp.CertID {
	tb.Helper()
	id, err := ocsp.NewCertID(hash, issuer, serial)
	if err != nil {
		tb.Fatal(err)
	}
	return id
}

func request(tb testing.TB, nonce []byte, ids ...ocsp.CertID) []byte {
	tb.Helper()
	der, err := (&ocsp.Request{IDs: ids, Nonce: nonce}).DER()
	if err != nil {
		tb.Fatal(err)
	}
	return der
}

func parse(tb testing.TB, der []byte) *ocsp.Response {
	tb.Helper()
	r, err := ocsp.ParseResponse(der)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func TestRequestRoundTrip(t *testing.T) {
	t.Parallel()
	a := pkitest.NewBare(t, "测试根", now)
	for _, serial := range [][]byte{{1}, {0x80}, {0}, bytes.Repeat([]byte{0x7f}, 20)} {
		for _, nonce := range [][]byte{nil, {0}, bytes.Repeat([]byte{7}, 32), bytes.Repeat([]byte{7}, ocsp.MaxNonce)} {
			var ids []ocsp.CertID
			for _, hash := range ocsp.Hashes() {
				ids = append(ids, certID(t, hash, a.Certificate, serial))
			}
			der := request(t, nonce, ids...)
			r, err := ocsp.ParseRequest(der)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(r.Nonce, nonce) || len(r.IDs) != len(ids) {
				t.Errorf("nonce %x, %d certificates", r.Nonce, len(r.IDs))
			}
			for i, id := range r.IDs {
				if id.Hash != ids[i].Hash || !bytes.Equal(id.Serial, bytes.TrimLeft(serial, "\x00")) || !bytes.Equal(id.NameHash, ids[i].NameHash) {
					t.Errorf("CertID %d = %+v, want %+v", i, id, ids[i])
				}
			}
			again, err := r.DER()
			if err != nil || !bytes.Equal(again, der) {
				t.Errorf("written again: %v\n%x\n%x", err, again, der)
			}
		}
	}
}

func TestRequestRefused(t *testing.T) {
	t.Parallel()
	a := pkitest.NewBare(t, "测试根", now)
	id := certID(t, oid.SHA1, a.Certificate, []byte{5})
	good := request(t, []byte{1, 2, 3}, id)
	for i := range good {
		if _, err := ocsp.ParseRequest(good[:i]); !errors.Is(err, ocsp.ErrMalformed) {
			t.Errorf("first %d bytes: %v", i, err)
		}
	}
	if _, err := ocsp.ParseRequest(append(bytes.Clone(good), 0)); !errors.Is(err, ocsp.ErrMalformed) {
		t.Errorf("a byte more: %v", err)
	}
	if _, err := ocsp.ParseRequest(make([]byte, ocsp.MaxRequest+1)); !errors.Is(err, ocsp.ErrMalformed) {
		t.Errorf("too long: %v", err)
	}
	ids := make([]ocsp.CertID, ocsp.MaxIDs+1)
	for i := range ids {
		ids[i] = id
	}
	for name, r := range map[string]ocsp.Request{
		"nobody": {}, "too many": {IDs: ids}, "long nonce": {IDs: ids[:1], Nonce: make([]byte, ocsp.MaxNonce+1)},
	} {
		if _, err := r.DER(); err == nil {
			t.Errorf("%s is written", name)
		}
	}
	if _, err := ocsp.NewCertID(oid.SM4, a.Certificate, []byte{5}); err == nil {
		t.Error("a CertID with SM4")
	}
}

func TestResponseRoundTrip(t *testing.T) {
	t.Parallel()
	a := pkitest.NewBare(t, "测试根", now)
	responder, key := a.Responder(t)
	c := []*cert.Certificate{a.Person(t, 10), a.Person(t, 11), a.Person(t, 12), a.Person(t, 13)}
	template := &ocsp.Template{ProducedAt: now, Nonce: []byte{9}, Responder: responder}
	for i, s := range []ocsp.Single{
		{Status: ocsp.Good},
		{Status: ocsp.Revoked, Revocation: cert.Revocation{At: now.Add(-time.Hour), Reason: cert.KeyCompromise, InvalidAt: now.AddDate(-1, 0, 0)}},
		{Status: ocsp.Revoked, Revocation: cert.Revocation{At: now.Add(-time.Hour)}},
		{Status: ocsp.Unknown},
	} {
		s.ID = certID(t, ocsp.Hashes()[i%3], a.Certificate, c[i].SerialNumber())
		s.ThisUpdate, s.NextUpdate = now, now.Add(time.Hour)
		template.Singles = append(template.Singles, s)
	}
	template.Singles[3].NextUpdate = time.Time{}
	der, err := template.Sign(key)
	if err != nil {
		t.Fatal(err)
	}
	r := parse(t, der)
	if err := r.Verify(a.Certificate, now, second.Opinion{}); err != nil {
		t.Error(err)
	}
	if !bytes.Equal(r.Nonce, template.Nonce) || !r.ProducedAt.Equal(now) || len(r.Certificates) != 1 {
		t.Errorf("nonce %x, produced at %s, %d certificates", r.Nonce, r.ProducedAt, len(r.Certificates))
	}
	for i, want := range template.Singles {
		got, found := r.Find(c[i], a.Certificate)
		if !found || got.Status != want.Status || got.Revocation != want.Revocation || !got.ThisUpdate.Equal(now) || !got.NextUpdate.Equal(want.NextUpdate) {
			t.Errorf("certificate %d: %+v, %v, want %+v", i, got, found, want)
		}
	}
	other := pkitest.NewBare(t, "别的根", now)
	if _, found := r.Find(other.Person(t, 10), other.Certificate); found {
		t.Error("a status for a certificate of another issuer with the same serial number")
	}
	if _, found := r.Find(c[0], other.Certificate); found {
		t.Error("a status with another issuer given")
	}
	if _, found := r.Find(a.Person(t, 14), a.Certificate); found {
		t.Error("a status for a certificate that is not there")
	}
}

// TestEveryByte: no single changed byte leaves a response that verifies and says the
// same or anything else.
func TestEveryByte(t *testing.T) {
	t.Parallel()
	a := pkitest.NewBare(t, "测试根", now)
	responder, key := a.Responder(t)
	template := &ocsp.Template{ProducedAt: now, Responder: responder, Singles: []ocsp.Single{{
		ID: certID(t, oid.SM3, a.Certificate, []byte{5}), ThisUpdate: now, NextUpdate: now.Add(time.Hour),
	}}}
	der, err := template.Sign(key)
	if err != nil {
		t.Fatal(err)
	}
	for i := range der {
		changed := bytes.Clone(der)
		changed[i] ^= 1
		r, err := ocsp.ParseResponse(changed)
		if err == nil {
			err = r.Verify(a.Certificate, now, nil)
		}
		if err == nil {
			t.Errorf("byte %d is free to change", i)
		}
		if _, err := ocsp.ParseResponse(der[:i]); !errors.Is(err, ocsp.ErrMalformed) {
			t.Errorf("first %d bytes: %v", i, err)
		}
	}
	if _, err := ocsp.ParseResponse(append(bytes.Clone(der), 0)); !errors.Is(err, ocsp.ErrMalformed) {
		t.Errorf("a byte more: %v", err)
	}
	if _, err := ocsp.ParseResponse(make([]byte, ocsp.MaxResponse+1)); !errors.Is(err, ocsp.ErrMalformed) {
		t.Errorf("too long: %v", err)
	}
}

func TestResponders(t *testing.T) {
	t.Parallel()
	a, other := pkitest.NewBare(t, "测试根", now), pkitest.NewBare(t, "别的根", now)
	sameName := pkitest.NewBare(t, "测试根", now)
	key := pkitest.NewKey(t)
	delegate := func(issuer pkitest.Bare, change func(*cert.Template)) *cert.Certificate {
		template := cert.Template{
			Subject: cert.Name{Country: "CN", CommonName: "OCSP"}, Key: key.Public(), Usage: cert.DigitalSignature,
			ExtUsages: []oid.ID{oid.UsageOCSPSigning}, OCSPNoCheck: true,
		}
		change(&template)
		return issuer.Certify(t, template)
	}
	asIs := func(*cert.Template) {}
	single := ocsp.Single{ID: certID(t, oid.SHA1, a.Certificate, []byte{5}), ThisUpdate: now, NextUpdate: now.Add(time.Hour)}
	for name, tt := range map[string]struct {
		responder *cert.Certificate
		key       *pki.Key
		want      error
	}{
		"the issuer itself":      {nil, a.Key, nil},
		"delegated":              {delegate(a, asIs), key, nil},
		"the issuer is embedded": {a.Certificate, a.Key, nil},
		"another issuer's":       {delegate(other, asIs), key, ocsp.ErrWrongResponder},
		"issuer of same name":    {delegate(sameName, asIs), key, ocsp.ErrWrongResponder},
		"not embedded":           {nil, key, ocsp.ErrWrongResponder},
		"no usage":               {delegate(a, func(t *cert.Template) { t.ExtUsages = nil }), key, ocsp.ErrWrongResponder},
		"another usage":          {delegate(a, func(t *cert.Template) { t.ExtUsages = []oid.ID{oid.UsageTimeStamping} }), key, ocsp.ErrWrongResponder},
		"any usage":              {delegate(a, func(t *cert.Template) { t.ExtUsages = []oid.ID{oid.UsageAny} }), key, ocsp.ErrWrongResponder},
		"may not sign":           {delegate(a, func(t *cert.Template) { t.Usage = cert.KeyAgreement }), key, ocsp.ErrWrongResponder},
		"could be revoked":       {delegate(a, func(t *cert.Template) { t.OCSPNoCheck = false }), key, ocsp.ErrWrongResponder},
		"expired":                {delegate(a, func(t *cert.Template) { t.NotBefore, t.NotAfter = now.AddDate(-2, 0, 0), now.AddDate(-1, 0, 0) }), key, ocsp.ErrWrongResponder},
		"not yet valid":          {delegate(a, func(t *cert.Template) { t.NotBefore, t.NotAfter = now.AddDate(1, 0, 0), now.AddDate(2, 0, 0) }), key, ocsp.ErrWrongResponder},
	} {
		der, err := (&ocsp.Template{ProducedAt: now, Responder: tt.responder, Singles: []ocsp.Single{single}}).Sign(tt.key)
		if err != nil {
			t.Fatal(err)
		}
		if err := parse(t, der).Verify(a.Certificate, now, second.Opinion{}); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
	// The signature of a response under the certificate of another.
	der, err := (&ocsp.Template{ProducedAt: now, Singles: []ocsp.Single{single}}).Sign(a.Key)
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(der)
	flipped[len(flipped)-1] ^= 1
	if err := parse(t, flipped).Verify(a.Certificate, now, second.Opinion{}); !errors.Is(err, ocsp.ErrWrongSignature) {
		t.Errorf("a wrong signature: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for code := range 256 {
		r := ocsp.Refusal(code)
		known := code == 1 || code == 2 || code == 3 || code == 5 || code == 6
		_, err := ocsp.ParseResponse(r.DER())
		if got := err == error(r); got != known {
			t.Errorf("refusal %d: %v", code, err)
		}
	}
}

func TestCurrentAt(t *testing.T) {
	t.Parallel()
	s := ocsp.Single{ThisUpdate: now, NextUpdate: now.Add(time.Hour)}
	for at, want := range map[time.Time]bool{
		now: true, now.Add(-ocsp.ClockTolerance): true, now.Add(-ocsp.ClockTolerance - 1): false,
		now.Add(time.Hour): false, now.Add(time.Hour - 1): true,
	} {
		if s.CurrentAt(at) != want {
			t.Errorf("CurrentAt(%s) = %v", at, !want)
		}
	}
	s.NextUpdate = time.Time{}
	if !s.CurrentAt(now.Add(time.Minute)) || s.CurrentAt(now.Add(time.Hour)) {
		t.Error("a status without nextUpdate is current for ever or never")
	}
}

// TestTheWorstStatusWins: two statuses of one certificate under different hashes.
func TestTheWorstStatusWins(t *testing.T) {
	t.Parallel()
	a := pkitest.NewBare(t, "测试根", now)
	c := a.Person(t, 10)
	good := ocsp.Single{ID: certID(t, oid.SHA1, a.Certificate, c.SerialNumber()), ThisUpdate: now}
	revoked := ocsp.Single{ID: certID(t, oid.SM3, a.Certificate, c.SerialNumber()), ThisUpdate: now, Status: ocsp.Revoked, Revocation: cert.Revocation{At: now}}
	for _, singles := range [][]ocsp.Single{{good, revoked}, {revoked, good}} {
		der, err := (&ocsp.Template{ProducedAt: now, Singles: singles}).Sign(a.Key)
		if err != nil {
			t.Fatal(err)
		}
		if s, found := parse(t, der).Find(c, a.Certificate); !found || s.Status != ocsp.Revoked {
			t.Errorf("Find = %s, %v", s.Status, found)
		}
	}
}
