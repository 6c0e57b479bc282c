package licence

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/internal/cleantext"
	"github.com/elicence/elicence/internal/idcode"
	"github.com/elicence/elicence/licence/catalogue"
)

// Fault is one thing that is wrong with an application.
type Fault struct {
	Field    string `json:"field"`               // for example holder.id_number or fields.gender
	Reason   string `json:"reason"`              // never repeats the value
	ReasonZH string `json:"reason_zh,omitempty"` // the same for the officer who has to mend it, in short
}

// Text is the reason as it is shown to people.
func (f Fault) Text() string {
	if f.ReasonZH == "" {
		return f.Reason
	}
	return f.ReasonZH + " " + f.Reason
}

// InvalidError lists every fault of an application.
type InvalidError struct {
	Faults []Fault
}

// Error implements error.
func (e *InvalidError) Error() string {
	lines := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		lines[i] = f.Field + " " + f.Reason
	}
	return "application is not valid: " + strings.Join(lines, "; ")
}

// TextZH returns the faults in Chinese, by field.
func (e *InvalidError) TextZH() string {
	lines := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		lines[i] = f.Field + " " + cmp.Or(f.ReasonZH, f.Reason)
	}
	return "申请数据有误：" + strings.Join(lines, "；")
}

// Valid is an application that has passed every check, ready to become a
// licence. Only [Validate] makes one.
type Valid struct {
	licence Licence
	images  []picture
}

// picture is the bytes of a picture and how the licence refers to them.
type picture struct {
	ref  Image
	data []byte
}

// Images yields the application's pictures with their bytes, in the order of their
// fields.
func (v *Valid) Images() iter.Seq2[Image, []byte] {
	return func(yield func(Image, []byte) bool) {
		for _, p := range v.images {
			if !yield(p.ref, p.data) {
				return
			}
		}
	}
}

// Holder returns the checked holder, of several the first.
func (v *Valid) Holder() Holder { return v.licence.Holders[0] }

// Number returns the checked number.
func (v *Valid) Number() string { return v.licence.Number }

// Licence returns the licence under its identifier and its place in the status
// lists.
func (v *Valid) Licence(id Identifier, status StatusRef, signedAt time.Time) *Licence {
	l := v.licence
	l.Identifier = id
	l.Status = status
	l.SignedAt = signedAt.UTC().Truncate(time.Second)
	return &l
}

// Limits of the common part, in characters (GB/T 36903-2018).
const (
	maxNumber = 50
	maxHolder = 300
	// maxHolderTypes bounds the names of the kinds of several holders' documents together.
	maxHolderTypes = 80
	// maxHolders is how many may hold a licence together: their names and numbers stay
	// within what a page and a code carry.
	maxHolders = 20
)

// containsCitizenNumber are the categories whose licence number is or contains
// the holder's citizen number. It is masked in codes.
var containsCitizenNumber = []catalogue.ID{1, 3, 4, 29, 50, 72, 110, 111, 117, 120, 121, 153}

// Validate checks an application against its category and its issuer; a nil issuer
// is the first of the faults. Pictures given as files are read through readFile; nil
// refuses them. The error is an [*InvalidError] with every fault.
func Validate(a *Application, c *catalogue.Category, issuer *Authority, readFile func(string) ([]byte, error)) (*Valid, error) {
	nobody := issuer == nil
	if nobody {
		issuer = new(Authority)
	}
	v := &validation{application: a, category: c, issuer: issuer, readFile: readFile, result: &Valid{
		licence: Licence{Category: c.ID, Schema: c.Schema, Number: a.Number, IssuerName: issuer.Name, Fields: make(map[string]Value, len(c.Fields))},
	}}
	if nobody {
		v.fault("issuer", "没有签发该类证照的机构", "is no authority that issues category %s", c.ID)
	} else {
		v.checkIssuer()
	}
	v.checkHolders()
	v.checkNumber()
	v.checkDates()
	v.checkFields()
	if len(v.faults) > 0 {
		return nil, &InvalidError{v.faults}
	}
	return v.result, nil
}

// validation gathers the faults of one application.
type validation struct {
	application *Application
	category    *catalogue.Category
	issuer      *Authority
	readFile    func(string) ([]byte, error)
	result      *Valid
	faults      []Fault
}

func (v *validation) fault(field, zh, format string, args ...any) {
	v.faults = append(v.faults, Fault{field, fmt.Errorf(format, args...).Error(), zh})
}

// fieldFault is [validation.fault] of a category's field.
func (v *validation) fieldFault(code, zh, format string, args ...any) {
	v.fault("fields."+code, zh, format, args...)
}

// missingZH is the fault of what is not there.
const missingZH = "缺失"

func (v *validation) checkIssuer() {
	if v.application.Issuer != "" && v.application.Issuer != v.issuer.USCC {
		v.fault("issuer", "不是该签发机构的代码", "is not %s", v.issuer.USCC)
	}
	if !v.issuer.MayIssue(v.category.ID) {
		v.fault("issuer", "该机构无权签发该类证照", "%s may not issue category %s", v.issuer.Name, v.category.ID)
	}
}

// line checks a required line of text and reports whether it passed.
func (v *validation) line(field, text string, limit int) bool {
	n := utf8.RuneCountInString(text)
	switch err := cleantext.Check(text); {
	case text == "":
		v.fault(field, missingZH, "is missing")
	case err != nil:
		v.fault(field, "含有不可用的字符", "%w", err)
	case n > limit:
		v.fault(field, fmt.Sprintf("过长，最多 %d 个字符", limit), "has %d characters, at most %d are allowed", n, limit)
	default:
		return true
	}
	return false
}

func (v *validation) checkHolders() {
	a := v.application
	switch {
	case len(a.Holders) == 0:
		v.checkHolder("holder.", a.Holder)
	case a.Holder != ApplicationHolder{}:
		v.fault("holders", "holder 与 holders 只能给其一", "stands beside holder: give one of the two")
	case len(a.Holders) > 1 && !v.category.Life.SeveralHolders:
		v.fault("holders", "该类证照只有一个持证主体", "are %d, and %s has one", len(a.Holders), v.category.NameZH)
	case len(a.Holders) > maxHolders:
		v.fault("holders", fmt.Sprintf("持证主体过多，最多 %d 个", maxHolders), "are %d, at most %d are allowed", len(a.Holders), maxHolders)
	default:
		for i, h := range a.Holders {
			name := fmt.Sprintf("holders[%d].", i)
			v.checkHolder(name, h)
			if slices.ContainsFunc(a.Holders[:i], func(o ApplicationHolder) bool { return o.IDType == h.IDType && o.IDNumber == h.IDNumber }) {
				v.fault(name+"id_number", "重复", "stands twice")
			}
		}
		v.checkTogether()
	}
}

// checkTogether bounds what all holders are together: they are one element each of GB/T
// 36903, and stand in one place each of the page.
func (v *validation) checkTogether() {
	l := &v.result.licence
	for _, t := range []struct {
		what, zh, text string
		limit          int
	}{
		{"names", "名称", l.HolderNames(), maxHolder}, {"numbers", "号码", l.HolderNumbers(), maxHolder},
		{"kinds of document", "证件类型", l.HolderTypes(), maxHolderTypes},
	} {
		if n := utf8.RuneCountInString(t.text); n > t.limit {
			v.fault("holders", fmt.Sprintf("持证主体合计过长，%s最多 %d 个字符", t.zh, t.limit), "have %s of %d characters together, at most %d are allowed", t.what, n, t.limit)
		}
	}
}

// checkHolder checks one holder, whose part of the application has a name.
func (v *validation) checkHolder(part string, h ApplicationHolder) {
	v.line(part+"name", h.Name, maxHolder)
	idType := IDType(h.IDType)
	switch {
	case h.IDType == "":
		v.fault(part+"id_type", missingZH, "is missing")
	case idType.NameZH() == "":
		v.fault(part+"id_type", "不是 GB/T 36903 的证件类型代码", "is not a code of GB/T 36903")
	case !slices.Contains(v.category.Holders, catalogue.OtherHolder) && !slices.Contains(v.category.Holders, idType.holderKind()):
		v.fault(part+"id_type", "该类证照的持证主体不能持此种证件", "%s is not held by a %s", v.category.NameZH, strings.ReplaceAll(string(idType.holderKind()), "_", " "))
	case h.IDNumber == "":
		v.fault(part+"id_number", missingZH, "is missing")
	default:
		if err := idType.Check(h.IDNumber); err != nil {
			v.fault(part+"id_number", "不是该证件类型的号码，或校验码错误", "%w", err)
		}
	}
	v.result.licence.Holders = append(v.result.licence.Holders, Holder{Name: h.Name, IDType: idType, IDNumber: h.IDNumber})
}

func (v *validation) checkNumber() {
	number := v.application.Number
	if !v.line("number", number, maxNumber) {
		return
	}
	if v.category.NumberPublished && !v.category.MatchesNumber(number) {
		v.fault("number", "不符合该类证照的编号规则", "is not a number of %s: %s", v.category.NameZH, v.category.NumberRuleZH)
		return
	}
	h := v.application.holders()[0]
	if slices.Contains(containsCitizenNumber, v.category.ID) && IDType(h.IDType) == IDTypeCitizenNumber && !strings.Contains(number, h.IDNumber) {
		v.fault("number", "编号与持证人的公民身份号码不一致", "does not hold the holder's citizen number, as a number of %s does", v.category.NameZH)
	}
}

func (v *validation) checkDates() {
	l := &v.result.licence
	issue, ok := v.day("issue_date", v.application.IssueDate)
	if !ok {
		return
	}
	l.IssueDay, l.FirstDay = issue, issue
	if v.application.ValidFrom != "" {
		if l.FirstDay, ok = v.day("valid_from", v.application.ValidFrom); !ok {
			return
		}
	}
	switch until := v.application.ValidUntil; until {
	case "":
		if last := v.category.Validity.LastDay(l.FirstDay.Date(), v.birth()); !last.IsZero() {
			day := civil.FromDate(last)
			l.LastDay = &day
		}
	case "long-term", longTermZH:
	default:
		last, ok := v.day("valid_until", until)
		if !ok {
			return
		}
		if last < l.FirstDay {
			v.fault("valid_until", "早于有效期起始日", "is before valid_from")
			return
		}
		l.LastDay = &last
	}
}

// longTermZH is how a licence without a last day is printed.
const longTermZH = "长期"

func (v *validation) day(field, text string) (civil.Day, bool) {
	if text == "" {
		v.fault(field, missingZH, "is missing")
		return 0, false
	}
	day, err := civil.Parse(text)
	if err != nil {
		v.fault(field, catalogue.RuleDateZH, "is %w", err)
		return 0, false
	}
	return day, true
}

// birth is the holder's date of birth, where the citizen number tells it.
func (v *validation) birth() time.Time {
	h := v.application.holders()[0]
	if IDType(h.IDType) != IDTypeCitizenNumber || idcode.CheckCitizenNumber(h.IDNumber) != nil {
		return time.Time{}
	}
	born, err := time.Parse("20060102", h.IDNumber[6:14])
	if err != nil {
		return time.Time{}
	}
	return born
}

func (v *validation) checkFields() {
	var unknown []string
	for code := range v.application.Fields {
		if _, known := v.category.Field(code); !known {
			unknown = append(unknown, code)
		}
	}
	slices.Sort(unknown)
	for _, code := range unknown {
		v.fieldFault(code, "不是该类证照的字段", "is not a field of category %s", v.category.ID)
	}
	for i := range v.category.Fields {
		f := &v.category.Fields[i]
		given, isGiven := v.application.Fields[f.Code]
		if given.wrong != "" {
			v.fieldFault(f.Code, "应为字符串、数字，图像为 {\"file\": 路径}", "%s", given.wrong)
			continue
		}
		if f.Type == catalogue.Image {
			v.checkImage(f, given, isGiven)
			continue
		}
		if isGiven && given.File != "" {
			v.fieldFault(f.Code, "不是图像字段", "is not an image")
			continue
		}
		text := given.Text
		if f.MapsTo != catalogue.MapsNothing {
			common := v.common(f.MapsTo)
			// Without the common part there is a fault already.
			if common == "" {
				continue
			}
			if isGiven && text != common {
				v.fieldFault(f.Code, "与证照的同一内容不一致", "differs from the licence's own %s", f.MapsTo)
				continue
			}
			text = common
		}
		if text == "" && !isGiven {
			if f.Required {
				v.fieldFault(f.Code, missingZH, "is missing")
			}
			continue
		}
		if err := v.checkText(f, text); err != nil {
			v.fieldFault(f.Code, f.RuleZH(), "%w", err)
			continue
		}
		value, err := newValue(f, text)
		if err != nil {
			v.fieldFault(f.Code, f.RuleZH(), "%w", err)
			continue
		}
		v.result.licence.Fields[f.Code] = value
	}
}

// checkText checks a field's text. Where it repeats several holders, each is checked.
func (v *validation) checkText(f *catalogue.Field, text string) error {
	if f.MapsTo != catalogue.MapsHolderName && f.MapsTo != catalogue.MapsHolderID {
		return f.Check(text)
	}
	for part := range strings.SplitSeq(text, holderSeparator) {
		if err := f.Check(part); err != nil {
			return err
		}
	}
	return nil
}

// common returns the part of the licence that a field prints under its own
// label, empty if that part is faulty.
func (v *validation) common(m catalogue.Mapping) string {
	l := &v.result.licence
	switch m {
	case catalogue.MapsHolderName:
		return joined(l.Holders, func(h Holder) string { return h.Name })
	case catalogue.MapsHolderID:
		return joined(l.Holders, func(h Holder) string { return h.IDNumber })
	case catalogue.MapsIssuer:
		return v.issuer.Name
	case catalogue.MapsIssueDate:
		return v.application.IssueDate
	case catalogue.MapsValidFrom:
		if v.application.ValidFrom == "" {
			return v.application.IssueDate
		}
		return v.application.ValidFrom
	default:
		if l.LastDay == nil {
			return longTermZH
		}
		return l.LastDay.String()
	}
}

func (v *validation) checkImage(f *catalogue.Field, given ApplicationValue, isGiven bool) {
	if !isGiven {
		if f.Required {
			v.fieldFault(f.Code, missingZH, "is missing")
		}
		return
	}
	data, err := v.imageBytes(given)
	if err != nil {
		v.fieldFault(f.Code, "图像不可读", "%w", err)
		return
	}
	if len(data) > f.MaxLen {
		v.fieldFault(f.Code, fmt.Sprintf("图像过大，最多 %d 字节", f.MaxLen), "has %d bytes, at most %d are allowed", len(data), f.MaxLen)
		return
	}
	image, err := examine(data)
	if err != nil {
		v.fieldFault(f.Code, "不是可用的 JPEG 或 PNG 图像", "%w", err)
		return
	}
	v.result.licence.Fields[f.Code] = Value{kind: imageValue, image: image}
	v.result.images = append(v.result.images, picture{image, data})
}

func (v *validation) imageBytes(given ApplicationValue) ([]byte, error) {
	if given.File == "" {
		return given.decodeImage()
	}
	if v.readFile == nil {
		return nil, errors.New("must be given as base64 here, not as a file")
	}
	data, err := v.readFile(given.File)
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %w", err)
	}
	return data, nil
}
