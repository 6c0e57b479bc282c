package cert_test

import (
	"testing"
	"time"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
)

func seeds(f *testing.F) {
	p := pkitest.New(f, time.Unix(1700000000, 0))
	f.Add(p.Root.Certificate().DER)
	f.Add(pkitest.Certify(f, p.CA, ca.ProfilePerson, "张样例", pkitest.NewKey(f)).DER)
	f.Add(pkitest.NewBare(f, "CA", time.Unix(1700000000, 0)).Certify(f, cert.Template{
		Subject: cert.Name{Country: "CN", CommonName: "张样例"}, Key: pkitest.NewKey(f).Public(), Usage: cert.DigitalSignature, StatusEntry: cert.StatusEntry{List: 1 << 31, Index: 7},
	}).DER)
	f.Add([]byte{0x30, 0x80, 0, 0})
	key := pkitest.NewKey(f)
	for _, s := range []strange{
		{}, {parameters: []byte{5, 0}}, {email: []byte("张三@example.cn")}, {orgTag: 30, org: []byte{0x67, 0xd0}}, {serial: []byte{0x80}},
		{altName: []byte{0x30, 3, 0x82, 1, 'a'}}, {altName: []byte{0x30, 3, 0x8b, 1, 'x'}}, {dates: []byte("\x18\x0f20500101000000Z\x18\x0f20510101000000Z")},
	} {
		f.Add(s.der(f, key))
	}
}

func FuzzParseCertificate(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, der []byte) {
		c, err := cert.Parse(der)
		if err != nil {
			return
		}
		// What is accepted has a usable key and can be asked everything.
		if c.Key == nil || len(c.TBS()) == 0 {
			t.Error("a certificate without a key or a signed part")
		}
		if !c.CanonicalSubject().Begins(c.CanonicalSubject()) || c.SelfIssued() != c.CanonicalIssuer().Equal(c.CanonicalSubject()) {
			t.Error("a name that is not itself")
		}
		if n := c.PathLen(); n < -1 {
			t.Errorf("path length %d", n)
		}
		for _, g := range c.AltNames() {
			if g.Form() > cert.FormRegistered {
				t.Errorf("an alternative name of form %d", g.Form())
			}
		}
		if e, found := c.StatusEntry(); found && (e.List == 0 || cert.UnpackStatusEntry(e.Packed()) != e) {
			t.Errorf("a place %+v in the status lists", e)
		}
		_, _, _, _, _ = c.Serial(), c.OrganizationCode(), c.MaySign(), c.Policy(), c.CriticalExtensions()
		foreign, err := cert.ReadForeign(der)
		if err != nil || foreign.Refused != nil || !foreign.Key.Equal(c.Key) {
			t.Errorf("the lenient reader does not read what the strict one does: %v", err)
		}
	})
}

func FuzzReadForeign(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, der []byte) {
		c, err := cert.ReadForeign(der)
		if err != nil {
			return
		}
		if len(c.RawIssuer) == 0 || len(c.RawSubject) == 0 || len(c.SPKI) == 0 {
			t.Error("a part is missing")
		}
		for _, r := range c.Subject + c.Issuer {
			if r < ' ' || r == '\u202e' {
				t.Errorf("a name for people has the character %U", r)
			}
		}
	})
}

// FuzzCanonical: the canonical form is one for all spellings, and never the same for
// names of another length.
func FuzzCanonical(f *testing.F) {
	f.Add([]byte{0x30, 0})
	f.Add([]byte("\x30\x0d\x31\x0b\x30\x09\x06\x03\x55\x04\x03\x0c\x02Ab"))
	f.Add([]byte("\x30\x0f\x31\x0d\x30\x0b\x06\x03\x55\x04\x03\x1e\x04\x67\xd0\x5c\x40"))
	f.Fuzz(func(t *testing.T, der []byte) {
		n, err := cert.Canonical(der)
		if err != nil {
			return
		}
		again, err := cert.Canonical(der)
		if err != nil || !n.Equal(again) || n.Key() != again.Key() || !n.Begins(n[:len(n)/2]) {
			t.Error("not the same twice")
		}
	})
}
