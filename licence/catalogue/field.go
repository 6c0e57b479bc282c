package catalogue

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/internal/cleantext"
	"github.com/elicence/elicence/internal/idcode"
)

// Type is the form of a field's value.
type Type string

// The types. A value is written as text in all of them; [Field.Check] says what
// text each accepts.
const (
	String   Type = "string"    // one line
	Text     Type = "text"      // may have line breaks
	Date     Type = "date"      // 2006-01-02
	Integer  Type = "integer"   // digits, optional leading minus
	Decimal  Type = "decimal"   // digits with an optional fraction
	Money    Type = "money"     // yuan, at most two decimals
	Enum     Type = "enum"      // one of the listed values
	Region   Type = "region"    // six digits, GB/T 2260
	IDNumber Type = "id_number" // citizen number, GB 11643
	USCC     Type = "uscc"      // unified social credit code, GB 32100
	Image    Type = "image"     // a JPEG or PNG file
)

// Mapping names the common part of a licence that a category prints under a
// label of its own.
type Mapping string

// The mappings.
const (
	MapsNothing    Mapping = ""
	MapsHolderName Mapping = "holder_name"
	MapsHolderID   Mapping = "holder_id"
	MapsIssuer     Mapping = "issuer"
	MapsIssueDate  Mapping = "issue_date"
	MapsValidFrom  Mapping = "valid_from"
	MapsValidTo    Mapping = "valid_to"
)

// Field is one field of a category.
type Field struct {
	Seq       int
	Code      string // unique within its category only
	NameZH    string
	NameEN    string
	Type      Type
	Required  bool
	MaxLen    int      // characters; bytes for an image; 0 for an enum
	Enum      []string // the values of an enum
	QR        bool     // carried by the code
	Sensitive bool
	Example   string
	MapsTo    Mapping
}

// ErrBadValue says that a value does not have its field's form. Errors that
// wrap it never repeat the value: it may be personal.
var ErrBadValue = errors.New("bad value")

var (
	integerForm = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)
	decimalForm = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`)
	moneyForm   = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]{1,2})?$`)
	regionForm  = regexp.MustCompile(`^[1-9][0-9]{5}$`)
)

// Check says whether value has the form of the field. Image fields hold files
// and are not checked here.
func (f Field) Check(value string) error {
	clean := cleantext.Check
	if f.Type == Text {
		clean = cleantext.CheckLines
	}
	if err := clean(value); err != nil {
		return fmt.Errorf("%w: %w", ErrBadValue, err)
	}
	if value == "" {
		return fmt.Errorf("is empty: %w", ErrBadValue)
	}
	if n := utf8.RuneCountInString(value); f.MaxLen > 0 && n > f.MaxLen {
		return fmt.Errorf("has %d characters, at most %d are allowed: %w", n, f.MaxLen, ErrBadValue)
	}
	switch f.Type {
	case Date:
		if _, err := civil.Parse(value); err != nil {
			return fmt.Errorf("is %w: %w", err, ErrBadValue)
		}
	case Integer:
		return matches(integerForm, value, "a whole number")
	case Decimal:
		return matches(decimalForm, value, "a decimal number")
	case Money:
		return matches(moneyForm, value, "an amount with at most two decimals")
	case Region:
		return matches(regionForm, value, "a six-digit region code")
	case Enum:
		if !slices.Contains(f.Enum, value) {
			return fmt.Errorf("is not one of %s: %w", strings.Join(f.Enum, "|"), ErrBadValue)
		}
	case IDNumber:
		if err := idcode.CheckCitizenNumber(value); err != nil {
			return fmt.Errorf("%w: %w", ErrBadValue, err)
		}
	case USCC:
		if err := idcode.CheckUSCC(value); err != nil {
			return fmt.Errorf("%w: %w", ErrBadValue, err)
		}
	}
	return nil
}

// RuleDateZH is what a day must be.
const RuleDateZH = "应为日期，如 2024-01-31"

// RuleZH says in Chinese what [Field.Check] wants of a value.
func (f Field) RuleZH() string {
	switch f.Type {
	case Date:
		return RuleDateZH
	case Integer:
		return "应为整数"
	case Decimal:
		return "应为数字，可有小数"
	case Money:
		return "应为金额，最多两位小数"
	case Region:
		return "应为六位行政区划代码"
	case Enum:
		return "应为下列之一：" + strings.Join(f.Enum, "、")
	case IDNumber:
		return "应为公民身份号码，校验码须正确"
	case USCC:
		return "应为统一社会信用代码，校验码须正确"
	default:
		if f.MaxLen > 0 {
			return fmt.Sprintf("不得为空或含不可用的字符，最多 %d 个字符", f.MaxLen)
		}
		return "不得为空或含不可用的字符"
	}
}

// Pattern returns a regular expression for the values of the field, anchored, in the
// part of the syntax that RE2 and ECMA-262 share; empty where its type has none.
// [Field.Check] refuses more: check digits, days that no calendar has.
func (f Field) Pattern() string {
	switch f.Type {
	case String:
		return cleantext.LinePattern
	case Date:
		return `^[0-9]{4}-[0-9]{2}-[0-9]{2}$`
	case Integer:
		return integerForm.String()
	case Decimal:
		return decimalForm.String()
	case Money:
		return moneyForm.String()
	case Region:
		return regionForm.String()
	case IDNumber:
		return idcode.CitizenNumberPattern
	case USCC:
		return idcode.USCCPattern
	default:
		return ""
	}
}

func matches(form *regexp.Regexp, value, what string) error {
	if !form.MatchString(value) {
		return fmt.Errorf("is not %s: %w", what, ErrBadValue)
	}
	return nil
}
