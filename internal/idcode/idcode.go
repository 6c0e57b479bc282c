// Package idcode checks the identity codes that licences are made of: citizen
// numbers (GB 11643-1999), unified social credit codes (GB 32100-2015) with the
// organisation code inside (GB 11714-1997), the check character of the e-licence
// identifier and the check digit of binding codes (GB/T 17710-2008, ISO/IEC 7064
// MOD 37,36 and MOD 11,10).
//
// It says whether a code is well formed, never whether it was given to anybody.
package idcode

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrBadCode says that a code is not well formed. Errors that wrap it say what
// is wrong and where, and never repeat the code: it may be somebody's citizen
// number.
var ErrBadCode = errors.New("not a well-formed code")

const citizenRemainders = "10X98765432"

// CheckCitizenNumber checks an 18-character citizen number: digits, a date of
// birth that exists, and the MOD 11-2 check character. The region is not
// checked, because numbers outlive the districts they name.
func CheckCitizenNumber(number string) error {
	if len(number) != 18 {
		return fmt.Errorf("citizen number has %d characters, wants 18: %w", len(number), ErrBadCode)
	}
	sum := 0
	for i := range 17 {
		c := number[i]
		if c < '0' || c > '9' {
			return fmt.Errorf("character %d of the citizen number is not a digit: %w", i+1, ErrBadCode)
		}
		sum += int(c-'0') * (1 << (17 - i) % 11)
	}
	if _, err := time.Parse("20060102", number[6:14]); err != nil {
		return fmt.Errorf("characters 7 to 14 of the citizen number are not a date: %w", ErrBadCode)
	}
	if number[17] != citizenRemainders[sum%11] {
		return fmt.Errorf("check character of the citizen number is wrong: %w", ErrBadCode)
	}
	return nil
}

// What the codes look like, without their check characters, for descriptions that can
// say no more.
const (
	CitizenNumberPattern = `^[0-9]{17}[0-9X]$`
	USCCPattern          = `^[0-9A-HJ-NPQRTUWXY]{18}$`
)

const (
	usccAlphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
	usccLength   = 18
)

// CheckUSCC checks an 18-character unified social credit code: its alphabet
// (no I O S V Z), its check character, and that of the organisation code inside.
func CheckUSCC(code string) error {
	if len(code) != usccLength {
		return fmt.Errorf("unified social credit code has %d characters, wants %d: %w", len(code), usccLength, ErrBadCode)
	}
	for i := range usccLength {
		if strings.IndexByte(usccAlphabet, code[i]) < 0 {
			return fmt.Errorf("character %d of the unified social credit code is not in its alphabet: %w", i+1, ErrBadCode)
		}
	}
	if code[16] != organisationCheck(code[8:16]) {
		return fmt.Errorf("check character of the organisation code (character 17) is wrong: %w", ErrBadCode)
	}
	if code[17] != usccCheck(code[:17]) {
		return fmt.Errorf("check character of the unified social credit code (character 18) is wrong: %w", ErrBadCode)
	}
	return nil
}

// USCC completes a unified social credit code from its first 16 characters:
// department, type, six digits of region, eight characters of organisation
// body. It adds both check characters.
func USCC(head string) (string, error) {
	if len(head) != 16 {
		return "", fmt.Errorf("head of a unified social credit code has %d characters, wants 16: %w", len(head), ErrBadCode)
	}
	for i := range len(head) {
		if strings.IndexByte(usccAlphabet, head[i]) < 0 {
			return "", fmt.Errorf("character %d of the unified social credit code is not in its alphabet: %w", i+1, ErrBadCode)
		}
	}
	code := head + string(organisationCheck(head[8:]))
	return code + string(usccCheck(code)), nil
}

// organisationCheck is GB 11714: letters count 10…35, weights 3 7 9 10 5 8 4 2.
func organisationCheck(body string) byte {
	weights := [8]int{3, 7, 9, 10, 5, 8, 4, 2}
	sum := 0
	for i, w := range weights {
		sum += alphanumeric(body[i]) * w
	}
	switch c := 11 - sum%11; c {
	case 10:
		return 'X'
	case 11:
		return '0'
	default:
		return byte('0' + c)
	}
}

func usccCheck(head string) byte {
	sum, weight := 0, 1
	for i := range len(head) {
		sum += strings.IndexByte(usccAlphabet, head[i]) * weight
		weight = weight * 3 % 31
	}
	return usccAlphabet[(31-sum%31)%31]
}

// alphanumeric is the value of 0-9 as 0…9 and A-Z as 10…35, or -1.
func alphanumeric(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'A' && c <= 'Z':
		return int(c-'A') + 10
	default:
		return -1
	}
}

// Check37 returns the ISO/IEC 7064 MOD 37,36 check character of s, which may
// hold 0-9 and A-Z only.
func Check37[text string | []byte](s text) (byte, error) {
	p := 36
	for i := range len(s) {
		v := alphanumeric(s[i])
		if v < 0 {
			return 0, fmt.Errorf("character %d is not 0-9 or A-Z: %w", i+1, ErrBadCode)
		}
		// p + v modulo 36, with 36 for 0, then doubled modulo 37: both sums are below twice
		// the modulus.
		if p += v; p > 36 {
			p -= 36
		}
		if p *= 2; p > 37 {
			p -= 37
		}
	}
	const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	return alphabet[(37-p)%36], nil
}

// Check11 returns the ISO/IEC 7064 MOD 11,10 check digit of s, which may hold digits
// only. It finds every wrong digit and nearly every exchange of two neighbours.
func Check11(s string) (byte, error) {
	p := 10
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, fmt.Errorf("character %d is not a digit: %w", i+1, ErrBadCode)
		}
		p = (p + int(s[i]-'0')) % 10
		if p == 0 {
			p = 10
		}
		p = 2 * p % 11
	}
	return byte('0' + (11-p)%10), nil
}

// Mask hides the middle of a personal code: the first 2 and last 4 characters
// stay, so that region and date of birth of a citizen number are hidden. Codes
// of six characters or fewer are hidden whole.
func Mask(code string) string {
	r := []rune(code)
	for i := range r {
		if len(r) <= 6 || i >= 2 && i < len(r)-4 {
			r[i] = '*'
		}
	}
	return string(r)
}
