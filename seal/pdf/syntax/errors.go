package syntax

import (
	"errors"
	"fmt"

	"github.com/elicence/elicence/internal/bilingual"
)

// ErrNotPDF means that the file has no %PDF- header in its first 1,024 bytes.
var ErrNotPDF = bilingual.New("不是 PDF 文件", "not a PDF file")

// ErrEncrypted is what every *EncryptedError is, for errors.Is.
var ErrEncrypted = bilingual.New("PDF 文件已加密", "the PDF file is encrypted")

// ErrNotNational is the *EncryptedError where only national algorithms may be used.
var ErrNotNational error = &EncryptedError{Handler: "Standard", Why: "its algorithms are not the national ones, which are the only ones allowed here"}

// ErrTooComplex means that reading the file would take more work or memory
// than a file of its size can honestly need: deep nesting, a compression bomb,
// the same megabytes asked for again and again.
var ErrTooComplex = bilingual.New("读取此 PDF 文件所需的运算超过其大小所允许的限度", "the PDF file asks for more work than its size allows")

// DamagedError says what is wrong with a file and where. Damage is refused,
// never repaired: two programs repair in two ways, and a signature must mean
// the same to both.
type DamagedError struct {
	Offset int64 // bytes from the start of the file, or of the decoded object stream What names
	What   string
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("damaged PDF file at byte %d: %s", e.Offset, e.What)
}

// TextZH returns the Chinese sentence.
func (e *DamagedError) TextZH() string { return "PDF 文件已损坏" }

// DamagedAt makes a *DamagedError of an offset and, in plain words, what is wrong there.
func DamagedAt(offset int64, format string, args ...any) error {
	return &DamagedError{Offset: offset, What: fmt.Sprintf(format, args...)}
}

// EncryptedError is returned by Open for an encrypted file that stays closed. Nothing else of
// the file is then available.
type EncryptedError struct {
	// NeedsPassword: neither the empty password nor the one that was given opens the file.
	NeedsPassword bool
	// WrongPassword: one was given.
	WrongPassword bool
	// Handler is the security handler the file names, "Standard" for passwords.
	Handler string
	// Why is what else is in the way.
	Why string
}

func (e *EncryptedError) Error() string {
	switch {
	case e.Handler != "Standard":
		return fmt.Sprintf("the PDF file is encrypted for the security handler %q", e.Handler)
	case e.WrongPassword:
		return "the PDF file is encrypted and the password does not open it"
	case e.NeedsPassword:
		return "the PDF file is encrypted and needs a password"
	default:
		return "the PDF file is encrypted: " + e.Why
	}
}

// TextZH returns the Chinese sentence.
func (e *EncryptedError) TextZH() string {
	switch {
	case e.Handler != "Standard":
		return "PDF 文件用此处不支持的方式加密"
	case e.WrongPassword:
		return "PDF 文件已加密，密码不对"
	case e.NeedsPassword:
		return "PDF 文件已加密，须给出密码"
	default:
		return "PDF 文件已加密，不能打开"
	}
}

// Is reports true for ErrEncrypted.
func (e *EncryptedError) Is(target error) bool { return target == ErrEncrypted }

// An UnwritableError says why an increment cannot be written: the format has no room for it.
type UnwritableError struct{ Why string }

func (e *UnwritableError) Error() string { return "cannot write the PDF file: " + e.Why }

func unwritable(format string, args ...any) error {
	return &UnwritableError{Why: fmt.Sprintf(format, args...)}
}

// IsDamage reports that an error is the file's fault, *DamagedError or ErrTooComplex, and not one of reading it.
func IsDamage(err error) bool {
	var damaged *DamagedError
	return errors.As(err, &damaged) || errors.Is(err, ErrTooComplex)
}
