package office

import (
	"bytes"
	"context"
	"errors"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/seal/ofd"
)

// packaged decides on an OFD document: every signature must count and cover all of it.
func (i *Inspector) packaged(ctx context.Context, content []byte) (Inspection, error) {
	p, err := ofd.Open(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return Inspection{}, err
	}
	report, err := p.Verify(ctx, i.ofd)
	if err != nil {
		return Inspection{}, err
	}
	found := &PDFInspection{Format: "OFD", Pages: report.Document.Pages, Signatures: []SignatureFinding{}, Cautions: packagedCautions(report.Cautions)}
	for s := range report.Signatures {
		found.Signatures = append(found.Signatures, packagedFinding(&report.Signatures[s]))
	}
	result := Inspection{Input: InputOFD, Document: found}
	if errors.Is(report.Err(), pki.ErrDisagree) {
		i.disagree(content)
	}
	result.because(documentVerdict(found.Signatures, report.Err()))
	return result, nil
}
