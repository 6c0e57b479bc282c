package office

import (
	"bytes"
	"context"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/qr/verify"
	"github.com/elicence/elicence/seal/pdf"
)

// Original decides whether a PDF is the one that a document code on paper was printed
// from, and says what happened to it since. The PDF itself is judged as [Inspector.File]
// judges it.
func (i *Inspector) Original(ctx context.Context, code string, content []byte) (Inspection, error) {
	said := i.Code(code)
	if !said.Accepted() {
		return said, nil
	}
	if said.Code.Document == nil {
		said.because(verify.Malformed, next(documentCause(causeNoDocumentCode, "这不是文件核验码", "this is no document code", nil), nextAskZH, nextAskEN))
		return said, nil
	}
	n := said.Code.Document.Length
	if n > uint64(len(content)) || sm3.Sum(content[:n]) != said.Code.Document.Digest {
		said.because(verify.Tampered, next(documentCause(causeNotTheOriginal, "电子文件不是印有此码的文件", "the file is not the one that the code was printed for", nil), nextReportZH, nextReportEN))
		return said, nil
	}
	found, err := i.document(ctx, bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return Inspection{}, err
	}
	found.Code = said.Code
	doc, err := pdf.OpenWith(bytes.NewReader(content), int64(len(content)), i.access)
	if err != nil {
		return Inspection{}, err
	}
	changes, err := doc.ChangesSince(int64(n))
	if err != nil {
		return Inspection{}, err
	}
	for _, c := range changes {
		found.Document.Since = append(found.Document.Since, ChangeFinding{string(c.Kind), c.Revision, c.What})
	}
	return found, nil
}
