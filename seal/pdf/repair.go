package pdf

import (
	"errors"
	"io"
	"time"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

// ErrIntact means that there is nothing to repair.
var ErrIntact = bilingual.New("PDF 文件没有损坏", "the PDF file is not damaged")

// Repaired is a file that was written anew from what a scan of a damaged one found. It is
// another document: nobody who signed the damaged one has signed this.
type Repaired struct {
	Findings   []syntax.Finding // what was wrong, in the order of the file
	Signatures []LostSignature  // that were taken out
	Objects    int              // that the file has now
	out        []byte
}

// A LostSignature is one that the damaged file had. Its field is there and empty.
type LostSignature struct {
	Field, Name string
	Time        time.Time // as it claimed
}

// WriteTo implements io.WriterTo.
func (r *Repaired) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(r.out)
	return int64(n), err
}

// Repair reads a damaged file by looking for its objects instead of following its cross-reference data, and writes a
// sound file of those that the catalog reaches: of two objects with one number the later counts. It fails with
// ErrIntact for a file that can be read as it is, with syntax.ErrNotPDF, *syntax.EncryptedError and
// syntax.ErrTooComplex as Open does, and with *syntax.DamagedError where what was found makes no document.
func Repair(r io.ReaderAt, size int64) (*Repaired, error) {
	why := readable(r, size)
	if why == nil {
		return nil, ErrIntact
	}
	if !syntax.IsDamage(why) && !errors.Is(why, syntax.ErrNotPDF) {
		return nil, why
	}
	var damaged *syntax.DamagedError
	errors.As(why, &damaged)
	s, err := syntax.Salvage(r, size, damaged)
	if err != nil {
		return nil, err
	}
	return rewrite(s)
}

// readable reads what a stamp would need.
func readable(r io.ReaderAt, size int64) error {
	d, err := Open(r, size)
	if err != nil {
		return err
	}
	if _, err := d.NumPages(); err != nil {
		return err
	}
	_, err = d.Signatures()
	return err
}
