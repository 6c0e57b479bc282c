package inspect

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/licence/answer"
	"github.com/elicence/elicence/licence/boundcopy"
	"github.com/elicence/elicence/licence/render"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/qr"
	"github.com/elicence/elicence/qr/trust"
	"github.com/elicence/elicence/qr/verify"
	"github.com/elicence/elicence/seal/pdf"
)

// CopyFinding is what a purpose-bound copy says of itself.
type CopyFinding struct {
	Number    string `json:"number"`
	Recipient string `json:"recipient"`
	Purpose   string `json:"purpose"`
	Until     string `json:"until"`
	SignedAt  string `json:"signed_at"`
}

// The causes of verdicts on statements of the service: copies and answers.
const (
	causeCopyInOrder        verify.CauseCode = "copy_in_order"
	causeCopyEnded          verify.CauseCode = "copy_ended"
	causeCopyOfOther        verify.CauseCode = "copy_of_other_licence"
	causeStatementForm      verify.CauseCode = "statement_form"
	causeStatementSignature verify.CauseCode = "statement_signature"
)

// attached are the signed forms that travel in a PDF, each nil if it is not there.
type attached struct{ licence, copy []byte }

// attachments finds the signed forms in a PDF.
func attachments(doc *pdf.Document) (attached, error) {
	files, err := doc.EmbeddedFiles()
	if err != nil {
		return attached{}, err
	}
	var a attached
	for _, f := range files {
		switch {
		case f.Name == render.AttachmentName && f.MediaType == render.AttachmentType && a.licence == nil:
			a.licence = f.Data
		case f.Name == boundcopy.AttachmentName && a.copy == nil:
			a.copy = f.Data
		}
	}
	return a, nil
}

// boundCopy decides on the statement of a copy whose licence is in order, and fills in
// what it says once it is known to be the service's.
func (i *Inspector) boundCopy(a attached, f *PDFInspection) (verify.Verdict, verify.Cause) {
	kid, err := boundcopy.KeyHint(a.copy)
	if err != nil {
		return statementForm(err)
	}
	var c *boundcopy.Copy
	service, verdict, cause := i.statement(a.copy, kid, func(key *pki.PublicKey) (at time.Time, err error) {
		if c, err = boundcopy.Open(a.copy, key, i.pdf.Second); err != nil {
			return at, err
		}
		return c.SignedAt, nil
	})
	if service == nil {
		return verdict, cause
	}
	f.Copy = &CopyFinding{
		Number: c.Number, Recipient: c.Recipient, Purpose: c.Purpose, Until: c.Until.String(), SignedAt: c.SignedAt.Format(time.RFC3339),
	}
	if c.Form != sm3.Sum(a.licence) || f.Licence == nil || f.Licence.ID != c.Licence.String() {
		return verify.Tampered, documentCause(causeCopyOfOther, "加注说明不属于所附证照", "the statement is of another licence", nil)
	}
	if i.verifier.Now().After(c.Until.End()) {
		return verify.Expired, next(documentCause(causeCopyEnded, "加注件有效期至 "+c.Until.String()+"，已过期", "the copy was good until "+c.Until.String()+" and is past", nil),
			"请持证人重新出具加注件", "Ask the holder for a new copy")
	}
	return verify.Valid, next(documentCause(causeCopyInOrder, "加注件：仅供 "+c.Recipient+" 用于 "+c.Purpose+"，有效期至 "+c.Until.String(),
		fmt.Sprintf("a copy for %s, for %s, until %s", c.Recipient, c.Purpose, c.Until), nil), "请核对使用单位和用途", "Check that it is meant for you and for this purpose")
}

// statementForm is the verdict on what is no statement.
func statementForm(err error) (verify.Verdict, verify.Cause) {
	return verify.Malformed, next(documentCause(causeStatementForm, "服务的签名说明不合格式", "not a statement in its one form", err), nextAskZH, nextAskEN)
}

// statement finds the service that signed a statement. Open verifies it by one key and
// returns when it says that it was signed. A nil service comes with the verdict.
func (i *Inspector) statement(signed []byte, kid pki.KID, open func(*pki.PublicKey) (time.Time, error)) (*trust.ServiceKey, verify.Verdict, verify.Cause) {
	candidates := i.cache.Services(kid)
	if len(candidates) == 0 {
		return nil, verify.Untrusted, verify.Because(verify.CauseUnknownService)
	}
	var refused error
	for _, service := range candidates {
		at, err := open(service.Key)
		switch {
		case errors.Is(err, pki.ErrDisagree):
			i.disagree(signed)
			return nil, verify.NoData, undecided(err)
		case errors.Is(err, pki.ErrBusy):
			return nil, verify.NoData, undecided(err)
		case errors.Is(err, boundcopy.ErrNotSigned), errors.Is(err, answer.ErrNotSigned):
			refused = err
			continue
		case err != nil:
			verdict, cause := statementForm(err)
			return nil, verdict, cause
		}
		// A key that may sign document codes signs statements as well, in its time.
		signs := slices.ContainsFunc(service.Kinds, func(k trust.KindLife) bool { return k.Kind == uint64(qr.KindDocument) })
		switch {
		case !signs:
			return nil, verify.OutOfScope, verify.Because(verify.CauseServiceKind)
		case at.Unix() < service.From || service.Until != 0 && at.Unix() > service.Until:
			return nil, verify.OutOfScope, verify.Because(verify.CauseServiceTime)
		case at.Sub(i.verifier.Now()) > statementTolerance:
			return nil, verify.Clock, documentCause(verify.CauseFutureSigning, "签名时间在本机时间之后", "it says that it was signed after this machine's time", nil)
		}
		return service, verify.Valid, verify.Cause{}
	}
	return nil, verify.Tampered, documentCause(causeStatementSignature, "服务的说明与其签名不符", "the statement is not what the service signed", refused)
}

// statementTolerance is how far ahead of this machine's clock a statement may be signed.
const statementTolerance = 5 * time.Minute
