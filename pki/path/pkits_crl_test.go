package path_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/crl"
	"github.com/elicence/elicence/pki/oid"
	"github.com/elicence/elicence/pki/path"
)

// rawList is a CRL to be, defects and all.
type rawList struct {
	issuer           []byte
	from, to         time.Time
	revoked          []*cert.Certificate
	entryExtension   bool // an unknown critical one
	listExtension    bool
	negative, spoilt bool
}

func (l rawList) der(tb testing.TB, signer *original) []byte {
	tb.Helper()
	unknown := func(b *cryptobyte.Builder) {
		cert.AddExtension(b, strange, true, func(b *cryptobyte.Builder) { b.AddASN1NULL() })
	}
	tbs := sequence(func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		oid.AddAlgorithm(b, oid.SM2WithSM3)
		b.AddBytes(l.issuer)
		cert.AddTime(b, l.from)
		cert.AddTime(b, l.to)
		if len(l.revoked) > 0 || l.negative {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				if l.negative {
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1Int64(-1); cert.AddTime(b, l.from) })
				}
				for _, c := range l.revoked {
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
						serial, err := c.SerialDER()
						if err != nil {
							tb.Fatal(err)
						}
						b.AddBytes(serial)
						cert.AddTime(b, pkitsAt.AddDate(-1, 0, 0))
						if l.entryExtension {
							b.AddASN1(cbasn1.SEQUENCE, unknown)
						}
					})
				}
			})
		}
		b.AddASN1(cbasn1.Tag(0).Constructed().ContextSpecific(), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				cert.AddAuthorityKeyID(b, signer.subjectKeyID)
				cert.AddExtension(b, oid.CRLNumber, false, func(b *cryptobyte.Builder) { b.AddASN1Int64(1) })
				if l.listExtension {
					unknown(b)
				}
			})
		})
	})
	signed := tbs
	if l.spoilt {
		signed = append(bytes.Clone(tbs), 0)
	}
	sig, err := signer.key(tb).Sign(signed)
	if err != nil {
		tb.Fatal(err)
	}
	der, err := cert.Assemble(tbs, sig)
	if err != nil {
		tb.Fatal(err)
	}
	return der
}

// TestPKITSRevocation: section 4.4, basic revocation, with CRLs made here as the suite
// describes its own. Vectors 19 to 21, of an authority with another key for its CRLs,
// are not claimed.
func TestPKITSRevocation(t *testing.T) {
	t.Parallel()
	cases, suite, certificates := pkits(t)
	revokedEnd := func(l *rawList, end *cert.Certificate) { l.revoked = append(l.revoked, end) }
	// change is what is wrong with the CRL that the end certificate's authority gives.
	changes := map[string]struct {
		change func(l *rawList, end *cert.Certificate)
		want   path.Verdict
	}{
		"4.4.1 ":  {nil, path.CannotSay},
		"4.4.2 ":  {func(*rawList, *cert.Certificate) {}, path.Invalid}, // its authority is revoked, below
		"4.4.3 ":  {revokedEnd, path.Invalid},
		"4.4.4 ":  {func(l *rawList, _ *cert.Certificate) { l.spoilt = true }, path.CannotSay},
		"4.4.5 ":  {func(l *rawList, _ *cert.Certificate) { l.issuer = dn("another") }, path.CannotSay},
		"4.4.6 ":  {nil, path.CannotSay}, // only the root's list is there
		"4.4.7 ":  {func(*rawList, *cert.Certificate) {}, path.Valid},
		"4.4.8 ":  {func(l *rawList, end *cert.Certificate) { revokedEnd(l, end); l.entryExtension = true }, path.CannotSay},
		"4.4.9 ":  {func(l *rawList, end *cert.Certificate) { revokedEnd(l, end); l.listExtension = true }, path.CannotSay},
		"4.4.10 ": {func(l *rawList, _ *cert.Certificate) { l.listExtension = true }, path.CannotSay},
		"4.4.11 ": {func(l *rawList, _ *cert.Certificate) {
			l.from, l.to = pkitsAt.AddDate(-1, 0, 0), pkitsAt.AddDate(0, -1, 0)
		}, path.CannotSay},
		"4.4.12 ": {func(l *rawList, _ *cert.Certificate) {
			l.from, l.to = time.Date(1998, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(1999, 1, 1, 12, 1, 0, 0, time.UTC)
		}, path.CannotSay},
		"4.4.13 ": {func(l *rawList, _ *cert.Certificate) { l.to = time.Date(2050, 1, 1, 12, 1, 0, 0, time.UTC) }, path.Valid},
		// The suite wants it valid; a list with a negative serial number is refused here.
		"4.4.14 ": {func(l *rawList, _ *cert.Certificate) { l.negative = true }, path.CannotSay},
		"4.4.16 ": {func(*rawList, *cert.Certificate) {}, path.Valid},
		"4.4.17 ": {func(*rawList, *cert.Certificate) {}, path.Valid},
		"4.4.18 ": {revokedEnd, path.Invalid},
	}
	ran := 0
	for _, c := range cases {
		number, _, _ := strings.Cut(c.Name, " ")
		row, claimed := changes[number+" "]
		if !claimed {
			continue
		}
		ran++
		var lists path.ListsAtHand
		give := func(file string, l rawList) {
			parsed, err := crl.Parse(l.der(t, suite[file]))
			if err == nil { // what cannot be read is as good as missing
				lists = append(lists, parsed)
			}
		}
		chain := make([]*cert.Certificate, len(c.CertPath))
		for i, file := range c.CertPath {
			parsed, err := cert.Parse(certificates[file])
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			chain[i] = parsed
		}
		last := len(chain) - 1
		for i, file := range c.CertPath[:last] {
			l := rawList{issuer: chain[i].RawSubject(), from: pkitsAt.AddDate(0, 0, -1), to: pkitsAt.AddDate(0, 0, 1)}
			if number == "4.4.2" && i == last-2 {
				l.revoked = append(l.revoked, chain[last-1])
			}
			if i == last-1 {
				if row.change == nil {
					continue
				}
				row.change(&l, chain[last])
			}
			give(file, l)
			if number == "4.4.7" && i == last-1 {
				l.revoked = chain[last:]
				l.spoilt = true
				give(file, l)
			}
		}
		source := path.NewCRL(lists, path.CRLOptions{Now: func() time.Time { return pkitsAt }})
		got, err := c.ask(t, certificates, path.Options{Revocation: source})
		if err != nil {
			t.Fatal(err)
		}
		if got.Verdict != row.want || (row.want == path.Valid) != c.ShouldValidate && number != "4.4.14" {
			t.Errorf("%s: %v: %v, want %v", c.Name, got.Verdict, got.Err(), row.want)
		}
	}
	if ran != len(changes) {
		t.Errorf("%d vectors ran, want %d", ran, len(changes))
	}
}
