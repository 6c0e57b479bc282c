package inspect

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cms"
	"github.com/elicence/elicence/pki/path"
	"github.com/elicence/elicence/qr/verify"
	"github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/ofd"
	"github.com/elicence/elicence/seal/pdf"
)

// TestDocumentCauses: every way to a verdict on a document has a cause of its own, which
// says what is the matter and what to do next in both languages.
func TestDocumentCauses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err  error // of the one signature
		want verify.Verdict
		code verify.CauseCode
	}{
		{nil, verify.Valid, causeSignaturesInOrder},
		{pki.ErrDisagree, verify.NoData, verify.CauseDisagree},
		{pki.ErrBusy, verify.NoData, verify.CauseBusy},
		{pdf.ErrUnknownFormat, verify.NoData, causeForeignSignature},
		{pdf.ErrNobodySigned, verify.NoData, causeNoSignature},
		{cms.ErrMalformed, verify.NoData, causeForeignSignature},
		{seal.ErrMalformed, verify.NoData, causeForeignSignature},
		{ofd.ErrUnknownFormat, verify.NoData, causeForeignSignature},
		{ofd.ErrPartial, verify.NoData, causePartial},
		{ofd.ErrChanged, verify.Tampered, causeDocumentChanged},
		{path.ErrSuspended, verify.Suspended, causeSignerSuspended},
		{path.ErrCannotSay, verify.NoData, causeRevocationUnknown},
		{path.ErrRevoked, verify.Revoked, causeSignerRevoked},
		{path.ErrUntrusted, verify.Untrusted, causeSignerUntrusted},
		{seal.ErrMaker, verify.Untrusted, causeSignerUntrusted},
		{seal.ErrSealDates, verify.Expired, causeSealDates},
		{seal.ErrTimeNotProven, verify.NoData, causeTimeNotProven},
		{pdf.ErrPicture, verify.Tampered, causePicture},
		{pdf.ErrModified, verify.Tampered, causeDocumentChanged},
		{errors.New("anything else"), verify.Tampered, causeDocumentChanged},
	} {
		report := &pdf.Report{Signatures: []pdf.Signed{{Checks: []seal.Check{{Name: "check", Err: tt.err}}}}}
		verdict, cause := documentVerdict(make([]SignatureFinding, len(report.Signatures)), report.Err())
		if verdict != tt.want || cause.Code != tt.code {
			t.Errorf("%v: %s (%s), want %s (%s)", tt.err, verdict, cause.Code, tt.want, tt.code)
		}
		worded(t, verdict, cause)
		if tt.err != nil && !strings.ContainsFunc(checkZH(tt.err), func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
			t.Errorf("%v: the step says %q", tt.err, checkZH(tt.err))
		}
	}
	if got := checkZH(fmt.Errorf("%w: the list's signer: %w", path.ErrCannotSay, path.ErrDates)); got != "无法得知签章证书是否已吊销" {
		t.Errorf("what nobody can say is %q", got)
	}
	if got := checkZH(fmt.Errorf("%w: %w", path.ErrUntrusted, path.ErrDates)); got != "证书不在有效期内" {
		t.Errorf("a certificate that has ended: %q", got)
	}
	if _, cause := signatureVerdict(&pdf.ModifiedError{}); cause.ZH != "签章后文件被改动" || cause.Code != causeDocumentChanged {
		t.Errorf("a later change: %+v", cause)
	}
	verdict, cause := documentVerdict(nil, nil)
	if verdict != verify.NoData || cause.Code != causeNoSignature {
		t.Errorf("without signatures: %s (%s)", verdict, cause.Code)
	}
	worded(t, verdict, cause)
}

func worded(t *testing.T, verdict verify.Verdict, cause verify.Cause) {
	t.Helper()
	han := func(s string) bool {
		return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Han, r) })
	}
	zh, en := cause.Next(verdict)
	if !han(cause.ZH) || !han(zh) || cause.EN == "" || en == "" || han(cause.EN) || han(en) {
		t.Errorf("%s: %q %q, next %q %q", cause.Code, cause.ZH, cause.EN, zh, en)
	}
}
