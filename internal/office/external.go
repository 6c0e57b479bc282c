package office

import (
	"context"
	"errors"
	"fmt"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/cms"
	"github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/pdf"
	"github.com/elicence/elicence/seal/placement"
)

// External is a signature that is made with a key elsewhere: on a token at the signer's
// desk, say. Nothing is kept between its two steps but the prepared file itself.
type External struct {
	Chain  []*cert.Certificate // the signer's certificate first
	Place  placement.Place
	Reason string
}

// PrepareExternal makes the file with room for the signature (pdf.Prepared.WriteUnsigned)
// and the message to be signed: the DER of the signed attributes of a CAdES signature,
// SM2 with SM3 and ZA under the default user ID.
func (o *Office) PrepareExternal(doc *pdf.Document, e External) (*pdf.Prepared, []byte, error) {
	if len(e.Chain) == 0 {
		return nil, nil, errors.New("the signer's certificate is missing")
	}
	if err := o.admits(doc); err != nil {
		return nil, nil, err
	}
	size := tokenRoom
	for _, c := range e.Chain {
		size += len(c.DER)
	}
	spots, err := e.Place.On(doc)
	if err != nil {
		return nil, nil, err
	}
	now, name := o.now(), e.Chain[0].Subject.CommonName
	shown, err := signatureAppearance(name, now)
	if err != nil {
		return nil, nil, err
	}
	prepared, err := doc.Prepare(pdf.Stamp{
		Filter: pdf.FilterPerson, SubFilter: pdf.SubFilterPerson, Name: name, Reason: e.Reason, Time: now, ContentsSize: size,
		Marks: []pdf.Mark{spots[0].Mark(signatureWidth, signatureHeight, shown)},
	})
	if err != nil {
		return nil, nil, err
	}
	message, err := prepared.Message(e.Chain[0])
	return prepared, message, err
}

// ErrNotItsSignature: a signature from elsewhere is not by the certificate's key over the
// document that waits for it.
var ErrNotItsSignature = bilingual.New("签名不是该证书的密钥对此文件所作", "the signature is not by the certificate's key over this document")

// CompleteExternal places a signature that was made elsewhere: over the attributes that
// [Office.PrepareExternal] returned for this very file, which are computed afresh here. A
// signature that is not the certificate's over them is refused ([ErrNotItsSignature]).
// Whether anybody trusts the certificate is for who verifies the file.
func (o *Office) CompleteExternal(ctx context.Context, waiting *pdf.Prepared, chain []*cert.Certificate, sig pki.Signature) (*pdf.Report, error) {
	if len(chain) == 0 {
		return nil, errors.New("the signer's certificate is missing")
	}
	attributes, err := waiting.Message(chain[0])
	if err != nil {
		return nil, err
	}
	contents, err := cms.Assemble(attributes, sig, chain)
	if errors.Is(err, pki.ErrSelfCheck) {
		return nil, ErrNotItsSignature
	}
	if err != nil {
		return nil, err
	}
	if err := waiting.Complete(contents); err != nil {
		return nil, err
	}
	doc, err := waiting.Document()
	if err != nil {
		return nil, fmt.Errorf("reading back the signed document: %w", err)
	}
	rules, err := o.documentVerification(ctx)
	if err != nil {
		return nil, err
	}
	report, err := doc.Verify(ctx, rules)
	if err != nil {
		return nil, fmt.Errorf("reading back the signed document: %w", err)
	}
	for i := range report.Signatures {
		s := &report.Signatures[i]
		if s.Field != waiting.Field() {
			continue
		}
		for _, c := range s.Checks {
			if c.Err != nil && c.Name != "certificate" {
				return nil, fmt.Errorf("the signature does not verify: %s: %w", c.Name, c.Err)
			}
		}
		return report, nil
	}
	return nil, errors.New("the signature is not found in the document")
}

// SealDigest is a seal on a document that stays with its owner: only the SM3 of its byte
// range is known here, so the signature names nothing of what is seen.
type SealDigest struct {
	SealID    string
	SM3       [sm3.Size]byte
	ByteRange [4]int64
	Reason    string
	TimeStamp bool
}

// StampDigest makes the seal signature of a document that is not seen: what its owner
// puts into /Contents. Whoever asks answers for the digest; the use of the seal is on the
// disk before the signature is returned.
func (o *Office) StampDigest(ctx context.Context, actor string, d SealDigest) ([]byte, error) {
	o.rotating.RLock()
	defer o.rotating.RUnlock()
	if r := d.ByteRange; r[0] != 0 || r[1] <= 0 || r[2] <= r[1] || r[3] <= 0 {
		return nil, fmt.Errorf("byte range %v is not two pieces of a file, the first from its start", r)
	}
	now := o.now()
	use, err := o.useOf(ctx, actor, d.SealID, now)
	if err != nil {
		return nil, err
	}
	if err := use.record.Rules.CheckPurpose(d.Reason); err != nil {
		return nil, fmt.Errorf("seal %s: %w", d.SealID, err)
	}
	contents, err := use.sign(seal.Stamp{Time: now, Document: d.SM3, Property: pdf.Property(d.ByteRange)})
	if err != nil {
		return nil, err
	}
	if d.TimeStamp {
		if contents, err = sealTimeStamp(ctx, o, contents); err != nil {
			return nil, err
		}
	}
	entry, err := audit.NewRecord(audit.Entry{Time: now.Unix(), Actor: actor, Act: audit.ActSealUse, Subject: d.SealID, Digest: d.SM3[:]}, []byte(d.Reason))
	if err != nil {
		return nil, err
	}
	if _, err := o.store.UseSeals(ctx, d.SealID, actor, o.now(), entry); err != nil {
		return nil, err
	}
	return contents, nil
}
