package inspect

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
	found.Integrity = integrityFinding(report.Integrity)
	result := Inspection{Input: InputOFD, Document: found}
	if errors.Is(report.Err(), pki.ErrDisagree) {
		i.disagree(content)
	}
	result.Because(documentVerdict(found.Signatures, report.Err()))
	return result, nil
}

// IntegrityFinding is what the signed list of a package's files (GM/T 0099-2020, annex D)
// is worth: that no file was added, and none left out.
type IntegrityFinding struct {
	Valid        bool                 `json:"valid"`
	Cause        string               `json:"cause"` // why not, empty if valid
	Signer       string               `json:"signer"`
	Checks       []Check              `json:"checks"`
	Certificates []CertificateFinding `json:"certificates"`
}

func integrityFinding(list *ofd.Integrity) *IntegrityFinding {
	if list == nil {
		return nil
	}
	f := &IntegrityFinding{Valid: true, Checks: []Check{}, Certificates: []CertificateFinding{}}
	if list.Signer != nil {
		f.Signer = list.Signer.Subject.CommonName
	}
	if err := list.Err(); err != nil {
		f.Valid, f.Cause = false, err.Error()
	}
	for _, c := range list.Checks {
		f.Checks = append(f.Checks, checkOf(c))
		f.Certificates = append(f.Certificates, certificates(c)...)
	}
	return f
}
