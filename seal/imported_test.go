package seal_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/path"
	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/seal"
)

// noneRevoked is a source that knows every certificate and revoked none.
type noneRevoked struct{}

func (noneRevoked) Status(context.Context, *cert.Certificate, *cert.Certificate, path.Moment) (path.Answer, error) {
	return path.Answer{Source: "test"}, nil
}

// imports is what is trusted of a workshop beside one's own.
func (w *workshop) imports(tb testing.TB, root *cert.Certificate, revocation path.Revocation, makers ...*cert.Certificate) *seal.Imported {
	tb.Helper()
	v, err := path.New(path.Options{Anchors: []*cert.Certificate{root}, Intermediates: []*cert.Certificate{w.ca.Certificate()}, Revocation: revocation})
	if err != nil {
		tb.Fatal(err)
	}
	return &seal.Imported{Path: v, Roots: []*cert.Certificate{root}, Makers: makers}
}

// TestImportedMakers: a seal of others counts by its maker's certificate and an imported
// root, and each of the two alone does nothing. The authorities have the names of ours, so
// that names decide nothing.
func TestImportedMakers(t *testing.T) {
	t.Parallel()
	ours, theirs := newWorkshop(t), newWorkshop(t)
	root := theirs.root
	document := sm3.Sum([]byte("document"))
	make := func(p seal.Particulars, maker *cert.Certificate, key *pki.Key) *seal.Seal {
		t.Helper()
		der, err := seal.Make(p, maker, key, second.Opinion{})
		if err != nil {
			t.Fatal(err)
		}
		s, err := seal.Parse(der)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	sign := func(s *seal.Seal, at time.Time, signer *cert.Certificate, key *pki.Key) *seal.Signature {
		t.Helper()
		der, err := seal.Sign(s, seal.Stamp{Time: at, Document: document, Property: "p"}, signer, key)
		if err != nil {
			t.Fatal(err)
		}
		out, err := seal.ParseSignature(der)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	good := sign(theirs.make(t), now, theirs.signer, theirs.signerKey)
	imports := theirs.imports(t, root, noneRevoked{}, theirs.maker)

	// Another certificate of the maker's key and name is another maker.
	again := pkitest.NewBare(t, "别的机构", now).Certify(t, cert.Template{
		Subject: theirs.maker.Subject, Key: theirs.makerKey.Public(), Usage: cert.DigitalSignature,
	})
	// Somebody under the imported root makes a seal in the name of an organisation of ours.
	attackerKey := pkitest.NewKey(t)
	attacker := pkitest.Certify(t, theirs.ca, ca.ProfileOrganizationSeal, "34010000000001", attackerKey)
	forged := theirs.particulars()
	forged.Certificate = attacker
	early, mixed := theirs.particulars(), ours.particulars()
	early.Created = theirs.maker.NotBefore().Add(-time.Hour)
	mixed.Certificate = theirs.signer

	for _, test := range []struct {
		name     string
		s        *seal.Signature
		imported *seal.Imported
		fails    string
		why      error
	}{
		{"imported", good, imports, "", nil},
		{"not imported", good, nil, "seal,certificate", seal.ErrMaker},
		{"the root alone", good, theirs.imports(t, root, noneRevoked{}), "seal", seal.ErrMaker},
		{"the root of somebody else", good, theirs.imports(t, ours.root, noneRevoked{}, theirs.maker), "seal,certificate", path.ErrUntrusted},
		{"another certificate of the maker's key", good, theirs.imports(t, root, noneRevoked{}, again), "seal", seal.ErrMaker},
		{"a certificate of the root as maker", sign(make(forged, attacker, attackerKey), now, attacker, attackerKey), imports, "seal", seal.ErrMaker},
		{"nobody says who is revoked", good, theirs.imports(t, root, path.FirstOf{}, theirs.maker), "seal,certificate", path.ErrCannotSay},
		{"used after the seal had ended", sign(theirs.make(t), now.AddDate(0, 11, 1), theirs.signer, theirs.signerKey), imports, "time", seal.ErrSealDates},
		{"made before its maker's certificate", sign(make(early, theirs.maker, theirs.makerKey), now, theirs.signer, theirs.signerKey), imports, "seal", path.ErrDates},
		{"our maker's seal with their signer", sign(make(mixed, ours.maker, ours.makerKey), now, theirs.signer, theirs.signerKey), imports, "certificate", path.ErrUntrusted},
		{"our own", sign(ours.make(t), now, ours.signer, ours.signerKey), imports, "", nil},
	} {
		trust := ours.trust
		trust.Imported = test.imported
		checks := test.s.Verify(context.Background(), document, trust, second.Opinion{})
		if got := failed(checks); got != test.fails {
			t.Errorf("%s: failed %q, want %q", test.name, got, test.fails)
		}
		var err error
		for _, c := range checks {
			err = errors.Join(err, c.Err)
		}
		if !errors.Is(err, test.why) {
			t.Errorf("%s: %v, want %v", test.name, err, test.why)
		}
		roots := seal.ImportedRoots(checks)
		if want := test.name == "imported"; want && (len(roots) != 1 || !roots[0].Equal(root)) || test.name == "our own" && roots != nil {
			t.Errorf("%s: by imported roots %v", test.name, roots)
		}
	}
}
