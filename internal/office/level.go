package office

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/crl"
	"github.com/elicence/elicence/pki/ocsp"
	"github.com/elicence/elicence/pki/oid"
	"github.com/elicence/elicence/pki/path"
	"github.com/elicence/elicence/pki/tsa"
	"github.com/elicence/elicence/qr/trust"
	"github.com/elicence/elicence/seal/pdf"
)

// Level is how long a signature can be verified (the baseline levels of ETSI EN 319
// 142-1).
type Level string

// The levels.
const (
	// LevelB: while its certificates are valid.
	LevelB Level = "b-b"
	// LevelT: a time stamp proves that the signature was made before.
	LevelT Level = "b-t"
	// LevelLT: the document also holds what says that nothing was revoked then.
	LevelLT Level = "b-lt"
	// LevelLTA: a time stamp over the whole document keeps all of that; it is renewed
	// before the certificate of its authority ends ([Office.Preserve]).
	LevelLTA Level = "b-lta"
)

// Levels lists the levels, the shortest first.
func Levels() []Level { return []Level{LevelB, LevelT, LevelLT, LevelLTA} }

// tokenRoom is how many bytes a time stamp with its chain may have in a signature.
const tokenRoom = 5 << 10

// ErrNotInOrder says that a document is not preserved, as it does not verify.
var ErrNotInOrder = bilingual.New("文件核验无效，不能存档", "only a document that is in order is preserved")

// ErrIncomplete says that not everything that a verifier will need later is at hand.
var ErrIncomplete = bilingual.New("验证资料不齐全", "validation data are not complete")

// timeStampOver returns a time stamp of the office's own authority. It fails while the
// clock is not proven.
func (o *Office) timeStampOver(ctx context.Context, imprint tsa.Imprint) ([]byte, error) {
	request, err := (&tsa.Request{Imprint: imprint, Certificates: true}).Marshal()
	if err != nil {
		return nil, fmt.Errorf("time stamp: %w", err)
	}
	answer, err := o.TimeStamp(ctx, request)
	if err != nil {
		return nil, fmt.Errorf("time stamp: %w", err)
	}
	response, err := tsa.ParseResponse(answer)
	if err != nil {
		return nil, err
	}
	if len(response.Token) == 0 || len(response.Token) > tokenRoom {
		return nil, fmt.Errorf("time stamp of %d bytes, there is room for %d", len(response.Token), tokenRoom)
	}
	return response.Token, nil
}

// Preserve makes a signed document verifiable for longer: it adds the certificates and
// OCSP answers of every signature and, for [LevelLTA], a time stamp over all. Done again
// before the last stamp's authority ends, it renews the proof. The document must verify
// before, and does so afterwards.
func (o *Office) Preserve(ctx context.Context, actor string, doc *pdf.Document, level Level) (*pdf.Prepared, error) {
	if level != LevelLT && level != LevelLTA {
		return nil, fmt.Errorf("level %q adds nothing to a document; possible are %s and %s", level, LevelLT, LevelLTA)
	}
	if err := o.admits(doc); err != nil {
		return nil, err
	}
	rules, err := o.documentVerification(ctx)
	if err != nil {
		return nil, err
	}
	report, err := doc.Verify(ctx, rules)
	if err != nil {
		return nil, err
	}
	if !report.Valid() {
		return nil, fmt.Errorf("%w: %w", ErrNotInOrder, cmp.Or(report.Err(), errors.New("it has no signature")))
	}
	data, err := o.validationData(ctx, actor, report)
	if err != nil {
		return nil, err
	}
	prepared, err := doc.AddDSS(data)
	if err != nil {
		return nil, err
	}
	if level == LevelLTA {
		if doc, err = prepared.Document(); err != nil {
			return nil, err
		}
		if prepared, err = o.stampDocument(ctx, doc); err != nil {
			return nil, err
		}
	}
	return prepared, o.stillValid(ctx, prepared, len(report.Signatures))
}

// stampDocument adds a document time stamp.
func (o *Office) stampDocument(ctx context.Context, doc *pdf.Document) (*pdf.Prepared, error) {
	prepared, err := doc.Prepare(pdf.Stamp{
		Filter: pdf.FilterPerson, SubFilter: pdf.SubFilterStamp, Timestamp: true, Time: o.now(), ContentsSize: tokenRoom,
	})
	if err != nil {
		return nil, err
	}
	token, err := o.timeStampOver(ctx, tsa.SM3(prepared.Digest()))
	if err != nil {
		return nil, err
	}
	return prepared, prepared.Complete(token)
}

// stillValid reads a document back as a stranger would.
func (o *Office) stillValid(ctx context.Context, prepared *pdf.Prepared, atLeast int) error {
	doc, err := prepared.Document()
	if err != nil {
		return fmt.Errorf("reading back the document: %w", err)
	}
	rules, err := o.documentVerification(ctx)
	if err != nil {
		return err
	}
	report, err := doc.Verify(ctx, rules)
	if err != nil {
		return fmt.Errorf("reading back the document: %w", err)
	}
	if err := report.Err(); err != nil || len(report.Signatures) < atLeast {
		return fmt.Errorf("the document does not verify any more: %w", cmp.Or(err, ErrIncomplete))
	}
	return nil
}

// validationData collects what a stranger will need: every certificate of every path,
// and an OCSP answer for each that can be revoked.
func (o *Office) validationData(ctx context.Context, actor string, report *pdf.Report) (pdf.DSS, error) {
	responder, err := o.OCSP(ctx, actor)
	if err != nil {
		return pdf.DSS{}, err
	}
	c := &collected{respond: responder.Respond, now: o.now(), asked: make(map[string]bool)}
	if c.roots, err = o.rootLists(ctx); err != nil {
		return pdf.DSS{}, err
	}
	for i := range report.Signatures {
		for _, check := range report.Signatures[i].Checks {
			if check.Path == nil {
				continue
			}
			if err := c.path(ctx, check.Path); err != nil {
				return pdf.DSS{}, fmt.Errorf("signature %s: %w", report.Signatures[i].Field, err)
			}
		}
	}
	return c.data, nil
}

// rootLists returns the lists in force of every generation of the root, whose own
// responder need not be there.
func (o *Office) rootLists(ctx context.Context) (path.ListsAtHand, error) {
	roots, err := o.Roots(ctx)
	if err != nil {
		return nil, err
	}
	var lists path.ListsAtHand
	for _, root := range roots {
		list, err := o.rootCRL(ctx, root.Name)
		if errors.Is(err, ErrNoCRL) {
			continue
		}
		if err != nil {
			return nil, err
		}
		lists = append(lists, list)
	}
	return lists, nil
}

type collected struct {
	respond func(context.Context, []byte) ocsp.Answer
	roots   path.ListsAtHand
	now     time.Time
	asked   map[string]bool // certificates
	data    pdf.DSS
}

func (c *collected) path(ctx context.Context, found *path.Result) error {
	for i, link := range found.Path {
		if c.asked[string(link.Certificate.DER)] {
			continue
		}
		c.asked[string(link.Certificate.DER)] = true
		c.data.Certificates = append(c.data.Certificates, link.Certificate.DER)
		if i+1 == len(found.Path) || link.Revocation == path.RevocationNotNeeded {
			continue
		}
		if err := c.status(ctx, link.Certificate, found.Path[i+1].Certificate); err != nil {
			return err
		}
	}
	return nil
}

// status asks the house's own responder, or takes a list of the root. What neither
// answers for is not complete.
func (c *collected) status(ctx context.Context, subject, issuer *cert.Certificate) error {
	id, err := ocsp.NewCertID(oid.SM3, issuer, subject.SerialNumber())
	if err != nil {
		return err
	}
	request, err := (&ocsp.Request{IDs: []ocsp.CertID{id}}).DER()
	if err != nil {
		return err
	}
	answer := c.respond(ctx, request)
	refusal, refused := answer.Refusal()
	if !refused {
		c.data.OCSPs = append(c.data.OCSPs, answer.DER)
		return nil
	}
	lists, err := c.roots.Lists(ctx, subject, issuer)
	if err != nil {
		return err
	}
	for _, l := range lists {
		if l.CurrentAt(c.now) && l.Verify(issuer, nil) == nil {
			c.data.CRLs = append(c.data.CRLs, l.DER)
			return nil
		}
	}
	return fmt.Errorf("%s: %w, and no list is current: %w", subject.Subject.CommonName, refusal, ErrIncomplete)
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

// documentRules opens the anchors for documents that a trust list names. With validation
// data of a document they are asked where nobody else has an answer.
func documentRules(d trust.Documents, r documentSources, data *pdf.DSS) (pdf.Trust, error) {
	at := atHand{}
	asks := func(source path.Revocation) path.Revocation { return source }
	if data != nil {
		at = readDSS(*data)
		asks = func(source path.Revocation) path.Revocation {
			return path.FirstOf{source, path.NewOCSP(at, r.second, r.now), path.NewCRL(at.lists, path.CRLOptions{Second: r.second, Now: r.now})}
		}
	}
	revocation := asks(r.revocation)
	verifier := func(what string, ders [][]byte, further []*cert.Certificate) (*path.Verifier, error) {
		var anchors []*cert.Certificate
		for _, der := range ders {
			c, err := cert.Parse(der)
			if err != nil {
				return nil, fmt.Errorf("anchors for %s: %w", what, err)
			}
			anchors = append(anchors, c)
		}
		v, err := path.New(path.Options{Anchors: anchors, Intermediates: further, Second: r.second, Revocation: revocation})
		if err != nil {
			return nil, fmt.Errorf("anchors for %s: %w", what, err)
		}
		return v, nil
	}
	t := pdf.Trust{Second: r.second, Pictures: r.pictures}
	t.Seals.Makers, t.Seals.Now, t.Seals.Judge, t.Seals.Known = d.Makers, r.now, r.judge, r.known
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
	if r.imported != nil {
		t.Imported = r.imported.western
		if t.Seals.Imported, err = r.imported.rules(r, asks); err != nil {
			return t, err
		}
	}
	if data == nil {
		t.With = func(data pdf.DSS) (pdf.Trust, error) { return documentRules(d, r, &data) }
	}
	return t, nil
}
