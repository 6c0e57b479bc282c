package seal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/cms"
	"github.com/elicence/elicence/pki/oid"
	"github.com/elicence/elicence/seal"
)

// inCMS is a template of what SignCAdES signs, for changes of it.
func (w *workshop) inCMS(s *seal.Seal) cms.Template {
	return cms.Template{Chain: []*cert.Certificate{w.signer}, Attributes: []cms.Attribute{{Type: oid.Seal, Values: [][]byte{s.DER}}}}
}

// TestCAdES: what is signed is read back, verifies step by step, and fits into the room that
// is left for it.
func TestCAdES(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	made, chain, document := w.make(t), []*cert.Certificate{w.signer, w.ca.Certificate()}, sm3.Sum([]byte("document"))
	statement := []byte{0x30, 0}
	stamp := seal.Stamp{Document: document, Extensions: []seal.Extension{{ID: oid.Seen, Value: statement}}}
	signs, err := made.CAdES(chain)
	if err != nil {
		t.Fatal(err)
	}
	size := signs.Size()
	plain := stamp
	plain.Extensions = nil
	for range 20 { // a signature's length varies
		der, err := signs.Sign(plain, w.signerKey)
		if err != nil || len(der) > size || len(der) < size-48 {
			t.Fatalf("%d bytes, %v; foreseen are %d", len(der), err, size)
		}
	}
	der, err := seal.SignCAdES(made, stamp, chain, w.signerKey)
	if err != nil {
		t.Fatal(err)
	}
	trust := w.trust
	trust.Known = seal.NewMemory()
	for range 2 { // the second time from memory
		s, err := trust.Known.ParseCAdES(der, now)
		if err != nil {
			t.Fatal(err)
		}
		if found, err := s.Extension(oid.Seen); s.Profile != seal.ProfileCAdES || !bytes.Equal(s.Seal.DER, made.DER) || !s.Stamp.Time.Equal(now) ||
			s.Stamp.Document != document || err != nil || !bytes.Equal(found, statement) || !bytes.Equal(s.Signer.DER, w.signer.DER) {
			t.Errorf("read back %+v", s)
		}
		if got := failed(s.Verify(context.Background(), document, trust, nil)); got != "" {
			t.Errorf("%s failed", got)
		}
		if got := failed(s.Verify(context.Background(), sm3.Sum([]byte("another")), trust, nil)); got != "document" {
			t.Errorf("of another document: %s failed", got)
		}
	}
	for name, tt := range map[string]struct {
		claimed time.Time
		trust   seal.Trust
		want    string
	}{
		"before the seal":   {now.Add(-2 * time.Minute), trust, "seal,certificate,time"},
		"after it":          {now.AddDate(0, 11, 1), trust, "time"},
		"another authority": {now, newWorkshop(t).trust, "seal,certificate"},
	} {
		s, err := seal.ParseCAdES(der, tt.claimed)
		if err != nil {
			t.Fatal(err)
		}
		if got := failed(s.Verify(context.Background(), document, tt.trust, nil)); got != tt.want {
			t.Errorf("%s: %s failed, want %s", name, got, tt.want)
		}
	}
}

// TestCAdESOfAnother: a certificate that the seal does not list, and a key that is not the
// certificate's, sign nothing; and where somebody does so all the same it is found out.
func TestCAdESOfAnother(t *testing.T) {
	t.Parallel()
	w, stamp := newWorkshop(t), seal.Stamp{Document: sm3.Sum([]byte("document"))}
	made, otherKey := w.make(t), pkitest.NewKey(t)
	other := pkitest.Certify(t, w.ca, ca.ProfileOrganizationSeal, "34010000000002", otherKey)
	if _, err := seal.SignCAdES(made, stamp, []*cert.Certificate{other}, otherKey); err == nil || !strings.Contains(err.Error(), "does not list") {
		t.Errorf("a certificate that is not listed: %v", err)
	}
	if _, err := seal.SignCAdES(made, stamp, []*cert.Certificate{w.signer}, otherKey); err == nil {
		t.Error("another key than the certificate's")
	}
	if _, err := seal.SignCAdES(made, stamp, nil, otherKey); err == nil {
		t.Error("no certificate")
	}
	forged := w.inCMS(made)
	forged.Chain = []*cert.Certificate{other}
	der, err := forged.Sign(stamp.Document, otherKey)
	if err != nil {
		t.Fatal(err)
	}
	s, err := seal.ParseCAdES(der, now)
	if err != nil {
		t.Fatal(err)
	}
	checks := s.Verify(context.Background(), stamp.Document, w.trust, nil)
	if got := failed(checks); got != "certificate list" || !errors.Is(checks[1].Err, seal.ErrNotListed) {
		t.Errorf("a seal in somebody else's signature: %s failed", got)
	}
}

// TestCAdESStrictly: one form is read, and what is wrong with another is named.
func TestCAdESStrictly(t *testing.T) {
	t.Parallel()
	w, document := newWorkshop(t), sm3.Sum([]byte("document"))
	made, another := w.make(t), w.make(t)
	signature := w.sign(t, "document")
	digests := usual(4)
	digests.digests = true
	listing, newer := digests.seal(t, w), usual(5).seal(t, w)
	later := oid.Of(1, 3, 6, 1, 4, 1, 32473, 1, 5) // becomes the seal's name
	for name, tt := range map[string]struct {
		change func(*cms.Template)
		after  func([]byte) []byte
		is     error
		want   string
	}{
		"no seal":                   {change: func(t *cms.Template) { t.Attributes = nil }, is: seal.ErrNotSealed},
		"a seal unsigned":           {change: func(t *cms.Template) { t.Attributes, t.Unsigned = nil, t.Attributes }, is: seal.ErrNotSealed},
		"two seals":                 {change: func(t *cms.Template) { t.Attributes[0].Values = [][]byte{made.DER, another.DER} }, want: "2 seals"},
		"no SESeal":                 {change: func(t *cms.Template) { t.Attributes[0].Values = [][]byte{{0x30, 0}} }, want: "four members"},
		"a seal in a string":        {change: func(t *cms.Template) { t.Attributes[0].Values = [][]byte{{4, 2, 0x30, 0}} }, want: "not a SEQUENCE"},
		"a seal signature":          {change: func(t *cms.Template) { t.Attributes[0].Values = [][]byte{signature} }, want: "not SES_SealInfo"},
		"a seal that lists digests": {change: func(t *cms.Template) { t.Attributes[0].Values = [][]byte{listing} }, want: "certListType 2"},
		"a seal of version 5":       {change: func(t *cms.Template) { t.Attributes[0].Values = [][]byte{newer} }, want: "version"},
		"names of GB/T 35275":       {change: func(t *cms.Template) { t.GM = true }, want: "GB/T 35275"},
		"attached":                  {change: func(t *cms.Template) { t.Content = []byte("document") }, want: "not detached"},
		"no certificate":            {change: func(t *cms.Template) { t.OmitCertificates = true }, want: "not embedded"},
		"signing-time":              {change: func(t *cms.Template) { t.SigningTime = now }, want: "signing-time"},
		"two statements": {change: func(t *cms.Template) {
			t.Attributes = append(t.Attributes, cms.Attribute{Type: oid.Seen, Values: [][]byte{{0x30, 0}, {0x30, 2, 5, 0}}})
		}, want: "2 statements"},
		"two time stamps": {change: func(t *cms.Template) {
			t.Unsigned = []cms.Attribute{{Type: oid.TimeStampToken, Values: [][]byte{{0x30, 0}, {0x30, 2, 5, 0}}}}
		}, want: "2 time stamps"},
		"the attribute twice": {
			change: func(t *cms.Template) {
				t.Attributes = append(t.Attributes, cms.Attribute{Type: later, Values: [][]byte{another.DER}})
			},
			after: func(der []byte) []byte { return bytes.Replace(der, []byte(later), []byte(oid.Seal), 1) },
			want:  "attribute",
		},
		"something behind it": {after: func(der []byte) []byte { return append(der, 0) }, want: "CMS"},
		"not DER": {after: func(der []byte) []byte {
			return append(append([]byte{0x30, 0x80}, der[4:]...), 0, 0)
		}, want: "CMS"},
	} {
		template := w.inCMS(made)
		if tt.change != nil {
			tt.change(&template)
		}
		der, err := template.Sign(document, w.signerKey)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if tt.after != nil {
			der = tt.after(der)
		}
		if tt.is == nil {
			tt.is = seal.ErrMalformed
		}
		if _, err := seal.ParseCAdES(der, now); !errors.Is(err, tt.is) || !strings.Contains(fmt.Sprint(err), tt.want) {
			t.Errorf("%s: %v, want %v with %q", name, err, tt.is, tt.want)
		}
	}
	template := w.inCMS(made)
	der, err := template.Sign(document, w.signerKey)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := seal.ParseCAdES(der, time.Time{}); !errors.Is(err, seal.ErrMalformed) {
		t.Errorf("in a file that does not say when: %v", err)
	}
}

// TestCAdESOfRemembered: that a seal is known from a signature of GB/T 38540, which is read
// tolerantly, opens no way around the one form; and one that has that form serves both.
func TestCAdESOfRemembered(t *testing.T) {
	t.Parallel()
	w, document := newWorkshop(t), sm3.Sum([]byte("document"))
	digests := usual(4)
	digests.digests = true
	for name, tt := range map[string]struct {
		vendor vendor
		want   string // "" for one that is read
	}{
		"of version 5":       {usual(5), "version"},
		"that lists digests": {digests, "certListType 2"},
		"of version 4":       {usual(4), ""},
	} {
		trust := w.trust
		trust.Known = seal.NewMemory()
		ses := tt.vendor.seals(t, w, "document")
		for range 2 {
			known, err := trust.Known.ParseSignature(ses)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if got := failed(known.Verify(context.Background(), document, trust, nil)); got != "" {
				t.Fatalf("%s: %s failed", name, got)
			}
			template := w.inCMS(known.Seal)
			der, err := template.Sign(document, w.signerKey)
			if err != nil {
				t.Fatal(err)
			}
			s, err := trust.Known.ParseCAdES(der, now)
			if tt.want != "" {
				if !errors.Is(err, seal.ErrMalformed) || !strings.Contains(fmt.Sprint(err), tt.want) {
					t.Errorf("a known seal %s: %v, want %q", name, err, tt.want)
				}
				continue
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if got := failed(s.Verify(context.Background(), document, trust, nil)); got != "" {
				t.Errorf("%s in CMS: %s failed", name, got)
			}
		}
	}
}

// TestProfiles: each has its name, and no other has one.
func TestProfiles(t *testing.T) {
	t.Parallel()
	for _, p := range seal.Profiles() {
		if got, err := seal.ParseProfile(string(p)); err != nil || got != p {
			t.Errorf("%s: %s, %v", p, got, err)
		}
	}
	for _, name := range []string{"", "SES", "pades", "cades "} {
		if _, err := seal.ParseProfile(name); err == nil {
			t.Errorf("%q is read", name)
		}
	}
}

// FuzzParseCAdES: nothing panics, and nothing that was never signed verifies.
func FuzzParseCAdES(f *testing.F) {
	w := newWorkshop(f)
	made := w.make(f)
	stamp := seal.Stamp{Document: sm3.Sum([]byte("document")), Extensions: []seal.Extension{{ID: oid.Seen, Value: []byte{0x30, 0}}}}
	der, err := seal.SignCAdES(made, stamp, []*cert.Certificate{w.signer, w.ca.Certificate()}, w.signerKey)
	if err != nil {
		f.Fatal(err)
	}
	stamped, err := cms.WithUnsigned(der, cms.TimeStamp([]byte{0x30, 0}))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(der)
	f.Add(stamped)
	f.Add(der[:200])
	f.Fuzz(func(t *testing.T, der []byte) {
		s, err := seal.ParseCAdES(der, now)
		if err != nil {
			if !errors.Is(err, seal.ErrMalformed) && !errors.Is(err, seal.ErrNotSealed) {
				t.Fatal(err)
			}
			return
		}
		if failed(s.Verify(context.Background(), sm3.Sum([]byte("never signed")), w.trust, nil)) == "" {
			t.Error("a document that was never signed verifies")
		}
	})
}
