package pdf

import (
	"context"
	"errors"
	"testing"

	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/path"
	ses "github.com/elicence/elicence/seal"
)

// imported is what is trusted of these signers where their root was imported.
func (s *signers) imported(tb testing.TB, makers ...*cert.Certificate) *ses.Imported {
	tb.Helper()
	roots := []*cert.Certificate{s.root}
	v, err := path.New(path.Options{Anchors: roots, Intermediates: []*cert.Certificate{s.sealsCA}})
	if err != nil {
		tb.Fatal(err)
	}
	return &ses.Imported{Path: v, Roots: roots, Makers: makers}
}

// allRevoked is a source by which every certificate is revoked.
type allRevoked struct{}

func (allRevoked) Status(context.Context, *cert.Certificate, *cert.Certificate, path.Moment) (path.Answer, error) {
	return path.Answer{Source: "test", Revocation: &cert.Revocation{At: signingTime.AddDate(-1, 0, 0)}}, nil
}

// TestImported: seals and signatures of strangers count by an imported root, the latter with
// the authorities that came with them. Nothing that is ours is judged by it.
func TestImported(t *testing.T) { eachProfile(t, testImported) }

func testImported(t *testing.T, s *signers) {
	strangers := newSigners(t)
	sealed := put(t, victim.bytes(), s.stamp(120), s.sealContents)
	both := put(t, sealed, personStamp(), s.personContents)
	with := func(imported *ses.Imported) Trust {
		trust := strangers.trust
		trust.Seals.Imported = imported
		return trust
	}
	revoked, err := path.New(path.Options{Anchors: s.chain[1:], Revocation: allRevoked{}})
	if err != nil {
		t.Fatal(err)
	}
	ended := s.trust
	ended.Persons, ended.Seals.Imported = revoked, s.imported(t)
	for _, test := range []struct {
		name  string
		file  []byte
		trust Trust
		want  error
		roots int // imported ones, of the last signature
	}{
		{"root and maker", both, with(s.imported(t, s.maker)), nil, 1},
		{"the root alone, of a person", put(t, victim.bytes(), personStamp(), s.personContents), with(s.imported(t)), nil, 1},
		{"the root alone, of a seal", sealed, with(s.imported(t)), ses.ErrMaker, 1},
		{"nothing", both, with(nil), ses.ErrMaker, 0},
		{"another root", put(t, victim.bytes(), personStamp(), s.personContents), with(strangers.imported(t)), path.ErrUntrusted, 0},
		{"revoked by our own authority", put(t, victim.bytes(), personStamp(), s.personContents), ended, path.ErrRevoked, 0},
	} {
		report, err := open(t, test.file).Verify(context.Background(), test.trust)
		if err != nil {
			t.Fatal(err)
		}
		if err := report.Err(); !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
		if roots := ses.ImportedRoots(report.Signatures[len(report.Signatures)-1].Checks); len(roots) != test.roots {
			t.Errorf("%s: by %d imported roots, want %d", test.name, len(roots), test.roots)
		}
	}
}
