package office

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/qr/verify"
	"github.com/elicence/elicence/seal/pdf"
)

// Original decides whether a PDF is the one that a document code on paper was printed
// from, and says what happened to it since. The PDF itself is judged as
// [Inspector.ReaderAt] judges it.
func (i *Inspector) Original(ctx context.Context, code string, file io.ReaderAt, size int64) (Inspection, error) {
	said := i.Code(code)
	if !said.Accepted() {
		return said, nil
	}
	if said.Code.Document == nil {
		said.because(verify.Malformed, next(documentCause(causeNoDocumentCode, "这不是文件核验码", "this is no document code", nil), nextAskZH, nextAskEN))
		return said, nil
	}
	n := said.Code.Document.Length
	doc, err := pdf.OpenWith(file, size, i.access)
	same := false
	if n <= uint64(size) { //nolint:gosec // no file is shorter than nothing
		var digestErr error
		if same, digestErr = begins(doc, file, int64(n), said.Code.Document.Digest); digestErr != nil { //nolint:gosec // at most size
			return Inspection{}, digestErr
		}
	}
	if !same {
		said.because(verify.Tampered, next(documentCause(causeNotTheOriginal, "电子文件不是印有此码的文件", "the file is not the one that the code was printed for", nil), nextReportZH, nextReportEN))
		return said, nil
	}
	if err != nil {
		return Inspection{}, err
	}
	found, err := i.document(ctx, doc)
	if err != nil {
		return Inspection{}, err
	}
	found.Code = said.Code
	if missing := slices.IndexFunc(said.Code.Document.Seals, found.Document.lacksSeal); missing >= 0 && found.Accepted() {
		// The same text, sealed by somebody else, is not what the paper shows.
		detail := errors.New(said.Code.Document.Seals[missing])
		found.because(verify.NoData, next(documentCause(causeSealOfTheCode, "文件上没有此码所记的印章", "the file does not have the seal that the code names", detail), nextAskZH, nextAskEN))
	}
	changes, err := doc.ChangesSince(int64(n)) //nolint:gosec // at most size
	if err != nil {
		return Inspection{}, err
	}
	for _, c := range changes {
		found.Document.Since = append(found.Document.Since, changeFinding(c))
	}
	return found, nil
}

// lacksSeal reports that no signature in order is by a seal with a code.
func (f *PDFInspection) lacksSeal(id string) bool {
	return !slices.ContainsFunc(f.Signatures, func(s SignatureFinding) bool { return s.Valid && s.Seal != nil && *s.Seal == id })
}

// begins reports whether the first n bytes of a file have a digest. An open document
// remembers it; what is no PDF, and has no document, is asked all the same.
func begins(doc *pdf.Document, file io.ReaderAt, n int64, digest [sm3.Size]byte) (bool, error) {
	if doc != nil {
		found, err := doc.Digest(n)
		return found == digest, err
	}
	h := sm3.New()
	if _, err := io.Copy(h, io.NewSectionReader(file, 0, n)); err != nil {
		return false, fmt.Errorf("hashing the file: %w", err)
	}
	return [sm3.Size]byte(h.Sum(nil)) == digest, nil
}
