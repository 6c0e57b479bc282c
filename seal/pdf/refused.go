package pdf

import (
	"fmt"

	"github.com/elicence/elicence/seal/pdf/syntax"
)

// RefusedError says why a sound file, or a stamp as it was asked for, cannot
// be stamped. It is the caller's input that is at fault, not the program.
type RefusedError struct {
	Why string
	zh  string // the same in Chinese; empty: it is not said
}

func (e *RefusedError) Error() string { return "cannot stamp: " + e.Why }

// TextZH returns the Chinese sentence.
func (e *RefusedError) TextZH() string {
	if e.zh == "" {
		return "不能如此盖章或签名"
	}
	return "不能盖章或签名：" + e.zh
}

func refuse(format string, args ...any) error {
	return &RefusedError{Why: fmt.Sprintf(format, args...)}
}

// refuseZH is refuse for what people meet, with its Chinese sentence.
func refuseZH(zh, format string, args ...any) error {
	return &RefusedError{Why: fmt.Sprintf(format, args...), zh: zh}
}

// orDamaged is err, or damage where there is none.
func orDamaged(err error, at int64, what string) error {
	if err != nil {
		return err
	}
	return syntax.DamagedAt(at, "%s", what)
}
