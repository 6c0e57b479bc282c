package licence

import (
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/idcode"
)

// Limits of a binding code.
const (
	BindingLife  = 10 * time.Minute
	BindingTries = 5 // wrong ones
)

// Errors about binding codes.
var (
	// ErrBinding: the code is wrong, used, too old, or was tried too often. Which of
	// them is told to nobody.
	ErrBinding = bilingual.New("绑定码不对、已用、过期或试错太多", "the binding code is wrong, used, too old, or was tried too often")
	// ErrBindingTaken: a code that is still good has the same handle.
	ErrBindingTaken = errors.New("a binding code that is still good begins alike")
	// ErrBadBindingCode: a slip, found by the check digit.
	ErrBadBindingCode = errors.New("not a binding code of 16 digits")
)

// A binding code is a handle that finds its record, so that tries can be counted, then
// the secret, then a check digit. With nine digits of secret and five tries somebody
// who tries every handle meets one of a thousand live codes once in 200,000 sweeps.
const (
	bindingHandle = 6
	bindingDigits = 16
)

// BindingCode is the number that a holder types to bind a device: 16 digits, of which
// the last is a check digit (ISO/IEC 7064 MOD 11,10).
type BindingCode struct{ digits string }

// NewBindingCode draws a code.
func NewBindingCode() (BindingCode, error) {
	limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(bindingDigits-1), nil)
	n, err := rand.Int(rand.Reader, limit)
	if err != nil {
		return BindingCode{}, fmt.Errorf("drawing a binding code: %w", err)
	}
	body := fmt.Sprintf("%0*d", bindingDigits-1, n)
	check, err := idcode.Check11(body)
	if err != nil {
		return BindingCode{}, err
	}
	return BindingCode{body + string(check)}, nil
}

// ParseBindingCode reads 16 digits with the right check digit.
func ParseBindingCode(s string) (BindingCode, error) {
	if len(s) != bindingDigits {
		return BindingCode{}, fmt.Errorf("%d characters: %w", len(s), ErrBadBindingCode)
	}
	check, err := idcode.Check11(s[:bindingDigits-1])
	if err != nil {
		return BindingCode{}, ErrBadBindingCode
	}
	if check != s[bindingDigits-1] {
		return BindingCode{}, fmt.Errorf("the check digit is wrong: %w", ErrBadBindingCode)
	}
	return BindingCode{s}, nil
}

// Digits returns the code itself.
func (c BindingCode) Digits() string { return c.digits }

// Grouped returns the code as people read it, in groups of four.
func (c BindingCode) Grouped() string {
	var groups []string
	for group := range slices.Chunk([]byte(c.digits), 4) {
		groups = append(groups, string(group))
	}
	return strings.Join(groups, " ")
}

// Handle returns the digits that find the code's record.
func (c BindingCode) Handle() string { return c.digits[:min(bindingHandle, len(c.digits))] }

// String tells nothing of the code, so that none gets into a log.
func (c BindingCode) String() string { return "binding code(?)" }

// GoString is [BindingCode.String].
func (c BindingCode) GoString() string { return c.String() }
