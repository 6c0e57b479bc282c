package verify

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/qr/trust"
)

// Result is the answer to one scan. Its JSON is the contract of hallscan --json
// and of the API: absent values are null.
type Result struct {
	Verdict      Verdict           `json:"verdict"`
	CauseCode    CauseCode         `json:"cause_code"`
	Cause        string            `json:"cause"` // one plain reason, English
	CauseZH      string            `json:"cause_zh"`
	NextEN       string            `json:"next_en"` // one next step
	NextZH       string            `json:"next_zh"`
	Kind         *int              `json:"kind"`
	Pinned       bool              `json:"pinned"`
	Category     *string           `json:"category"`
	CategoryName *string           `json:"category_name"`
	Holder       *string           `json:"holder"`
	IDMasked     *string           `json:"id_masked"`
	Number       *string           `json:"number"`
	Issuer       *string           `json:"issuer"`
	ValidFrom    *string           `json:"valid_from"`
	ValidUntil   *string           `json:"valid_until"` // null: long-term
	Fields       map[string]string `json:"fields"`
	Document     *Document         `json:"document"` // of a document code
	TrustVersion *uint64           `json:"trust_version"`
	StatusAsOf   *string           `json:"status_as_of"` // RFC 3339
	TookMicros   int64             `json:"took_us"`

	// Status is where the status lists have the credential, list<<32 | index; nil where
	// no signed credential names a place.
	Status *uint64 `json:"-"`

	// Labels are the Chinese and English names of the fields, in order.
	Labels []Label `json:"-"`
}

// Label names a field for people.
type Label struct{ Code, ZH, EN string }

// Document is what a document code says.
type Document struct {
	Number string         `json:"number"`
	Length uint64         `json:"length"` // bytes
	SM3    string         `json:"sm3"`    // hexadecimal
	Seals  []string       `json:"seals"`
	Digest [sm3.Size]byte `json:"-"`
}

// Accepted reports whether the verdict is valid or valid_stale.
func (r Result) Accepted() bool { return r.Verdict == Valid || r.Verdict == ValidStale }

// because sets the verdict and the words that go with it.
func (r *Result) because(v Verdict, c Cause) {
	r.Verdict, r.CauseCode, r.Cause, r.CauseZH = v, c.Code, c.EN, c.ZH
	r.NextZH, r.NextEN = c.Next(v)
}

// show fills in what a credential says. It is called only after all signatures were
// found good.
func (r *Result) show(c *credential) {
	s := &c.Summary
	r.Status = &s.Status
	if home := c.issuer.Home; c.issuer.Granted != nil {
		asOf := home.AsOf().UTC().Format(time.RFC3339)
		r.TrustVersion, r.StatusAsOf = &home.Trust.Version, &asOf
	}
	r.showSummary(said{
		category: s.Category, number: &s.Number, holder: &s.Holder, maskedID: &s.MaskedID, firstDay: &s.FirstDay, lastDay: s.LastDay,
		fields: s.Fields, signer: &c.issuer.Name,
	}, c.category)
}

// said is what a summary of any kind says. What the result points to lies in there, in
// the cache, or in the result's own texts.
type said struct {
	category                 int
	number, holder, maskedID *string // empty: not there
	firstDay, lastDay        *civil.Day
	fields                   []any
	signer                   *string
}

func (r *Result) showSummary(s said, category *trust.Category) {
	text := &struct{ category, from, until string }{category: categoryID(s.category)}
	r.Category, r.Issuer = &text.category, s.signer
	r.Number, r.Holder, r.IDMasked = there(s.number), there(s.holder), there(s.maskedID)
	if s.firstDay != nil {
		text.from = s.firstDay.String()
		r.ValidFrom = &text.from
	}
	if s.lastDay != nil {
		text.until = s.lastDay.String()
		r.ValidUntil = &text.until
	}
	if category == nil {
		return
	}
	r.CategoryName = &category.NameZH
	r.Labels = make([]Label, 0, len(category.Fields))
	for i, f := range category.Fields {
		if i < len(s.fields) && s.fields[i] != nil {
			r.Fields[f.Code] = fieldText(f, s.fields[i])
			r.Labels = append(r.Labels, Label{f.Code, f.NameZH, f.NameEN})
		}
	}
}

// there returns a text that is not empty, or nil.
func there(text *string) *string {
	if *text == "" {
		return nil
	}
	return text
}

// Says returns what the code says in parts for people, Chinese first; nothing
// before a signature was found good.
func (r Result) Says() []string {
	var parts []string
	join := func(values ...*string) {
		var there []string
		for _, v := range values {
			if v != nil {
				there = append(there, *v)
			}
		}
		if len(there) > 0 {
			parts = append(parts, strings.Join(there, " "))
		}
	}
	join(r.Category, r.CategoryName)
	join(r.Holder, r.IDMasked)
	join(r.Number)
	if r.ValidFrom != nil {
		until := "长期 long-term"
		if r.ValidUntil != nil {
			until = *r.ValidUntil
		}
		parts = append(parts, *r.ValidFrom+" 至 "+until)
	}
	for _, l := range r.Labels {
		parts = append(parts, l.ZH+" "+r.Fields[l.Code])
	}
	if r.Document != nil {
		parts = append(parts, fmt.Sprintf("文件 document %s, %d bytes, SM3 %s", r.Document.Number, r.Document.Length, r.Document.SM3))
	}
	return parts
}

// fieldText writes a field's value: a date's day number as 2006-01-02.
func fieldText(f trust.Field, value any) string {
	switch v := value.(type) {
	case string:
		return v
	case int64:
		if f.Type == "date" {
			return civil.Day(v).String()
		}
		return strconv.FormatInt(v, 10)
	default:
		return ""
	}
}
