package inspect

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/crl"
	"github.com/elicence/elicence/pki/ocsp"
	"github.com/elicence/elicence/pki/path"
	"github.com/elicence/elicence/qr/trust"
	"github.com/elicence/elicence/qr/verify"
	"github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/likeness"
	"github.com/elicence/elicence/seal/pdf"
)

// Sources say who is asked about what a code or a document rests on.
type Sources struct {
	Second     pki.SecondOpinion
	Revocation path.Revocation // says whether a certificate is revoked
	Judge      verify.Judge    // of the signatures of codes and seals; nil: [pki.Judge]
	Pictures   *likeness.Memory
	Known      *seal.Memory
	Now        func() time.Time
	Imported   *Imported // trusted for documents beside the domain's own; nil: nobody
	// NationalOnly refuses documents that foreign algorithms encrypt.
	NationalOnly bool
	// ProveAll makes proofs of the house's own seals on a document, from its audit log,
	// for [Inspector.WithProofs]; nil away from it.
	ProveAll func(context.Context, *pdf.Document) ([][]byte, error)
	// Disagree is told what the two implementations disagree on. Nil: nobody is told.
	Disagree func(content []byte)
}

// Rules opens the anchors for documents that a trust list names.
func (s Sources) Rules(d trust.Documents) (pdf.Trust, error) { return s.rules(d, nil) }

// rules is [Sources.Rules]. With validation data of a document they are asked where nobody
// else has an answer.
func (s Sources) rules(d trust.Documents, data *pdf.DSS) (pdf.Trust, error) {
	at := atHand{}
	asks := func(source path.Revocation) path.Revocation { return source }
	if data != nil {
		at = readDSS(*data)
		asks = func(source path.Revocation) path.Revocation {
			return path.FirstOf{source, path.NewOCSP(at, s.Second, s.Now), path.NewCRL(at.lists, path.CRLOptions{Second: s.Second, Now: s.Now})}
		}
	}
	revocation := asks(s.Revocation)
	verifier := func(what string, ders [][]byte, further []*cert.Certificate) (*path.Verifier, error) {
		var anchors []*cert.Certificate
		for _, der := range ders {
			c, err := cert.Parse(der)
			if err != nil {
				return nil, fmt.Errorf("anchors for %s: %w", what, err)
			}
			anchors = append(anchors, c)
		}
		v, err := path.New(path.Options{Anchors: anchors, Intermediates: further, Second: s.Second, Revocation: revocation})
		if err != nil {
			return nil, fmt.Errorf("anchors for %s: %w", what, err)
		}
		return v, nil
	}
	t := pdf.Trust{Second: s.Second, Pictures: s.Pictures}
	t.Seals.Makers, t.Seals.Now, t.Seals.Judge, t.Seals.Known = d.Makers, s.Now, s.Judge, s.Known
	var err error
	if t.Seals.Path, err = verifier("seals", d.Seals, nil); err != nil {
		return t, err
	}
	if t.Persons, err = verifier("persons", d.Persons, nil); err != nil {
		return t, err
	}
	if t.Seals.Stamps, err = verifier("time stamps", d.Roots, at.certificates); err != nil {
		return t, err
	}
	if s.Imported != nil {
		t.Imported = s.Imported.western
		if t.Seals.Imported, err = s.Imported.rules(s, asks); err != nil {
			return t, err
		}
	}
	if data == nil {
		t.With = func(data pdf.DSS) (pdf.Trust, error) { return s.rules(d, &data) }
	}
	return t, nil
}

// atHand makes sources of revocation from what a document brings along. What cannot be
// read is left out: it proves nothing.
type atHand struct {
	certificates []*cert.Certificate
	lists        path.ListsAtHand
	responses    []*ocsp.Response
}

func readDSS(data pdf.DSS) atHand {
	var out atHand
	for _, der := range data.Certificates {
		if c, err := cert.Parse(der); err == nil {
			out.certificates = append(out.certificates, c)
		}
	}
	for _, der := range data.CRLs {
		if l, err := crl.Parse(der); err == nil {
			out.lists = append(out.lists, l)
		}
	}
	for _, der := range data.OCSPs {
		if r, err := ocsp.ParseResponse(der); err == nil {
			out.responses = append(out.responses, r)
		}
	}
	return out
}

// Response implements path.Responses: the answers that speak of a certificate.
func (a atHand) Response(_ context.Context, c, issuer *cert.Certificate) (*ocsp.Response, error) {
	i := slices.IndexFunc(a.responses, func(r *ocsp.Response) bool {
		_, ok := r.Find(c, issuer)
		return ok
	})
	if i < 0 {
		return nil, path.ErrNoResponse
	}
	return a.responses[i], nil
}
