package office

import (
	"context"
	"errors"
	"io"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/seal/ofd"
)

// packaged decides on an OFD document: every signature must count and cover all of it.
func (i *Inspector) packaged(ctx context.Context, r io.ReaderAt, size int64) (Inspection, error) {
	p, err := ofd.Open(r, size)
	if err != nil {
		return Inspection{}, err
	}
	report, err := p.Verify(ctx, i.ofd)
	if err != nil {
		return Inspection{}, err
	}
	found := &PDFInspection{Format: "OFD", Pages: report.Document.Pages, Signatures: []SignatureFinding{}, Cautions: []CautionFinding{}}
	for s := range report.Signatures {
		found.Signatures = append(found.Signatures, packagedFinding(&report.Signatures[s]))
	}
	result := Inspection{Input: InputOFD, Document: found}
	if errors.Is(report.Err(), pki.ErrDisagree) {
		i.disagreeOn(r, size)
	}
	result.because(documentVerdict(len(report.Signatures), report.Err()))
	return result, nil
}
