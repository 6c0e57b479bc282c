package answer

import (
	"time"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/internal/idcode"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
)

// Result is an answer. The numbers are signed and never change.
type Result uint8

// The results.
const (
	No        Result = 0
	Yes       Result = 1
	CannotSay Result = 2
)

// String returns the result's name.
func (r Result) String() string {
	switch r {
	case No:
		return "no"
	case Yes:
		return "yes"
	default:
		return "cannot_say"
	}
}

// NameZH returns the result's Chinese name.
func (r Result) NameZH() string {
	switch r {
	case No:
		return "否"
	case Yes:
		return "是"
	default:
		return "无法判断"
	}
}

// either is yes if one is, and no only if both are.
func either(a, b Result) Result {
	if a == Yes || b == Yes {
		return Yes
	}
	return max(a, b)
}

// Judge answers questions from the register's records.
type Judge struct {
	Catalogue  *catalogue.Catalogue
	Inclusions *Inclusions
}

// Answer judges a question about records on a day: one licence's, or all of a holder's.
func (j Judge) Answer(q Question, records []licence.Record, day civil.Day) Result {
	if q.Kind == Adult {
		return adult(records, day)
	}
	all := No
	for _, r := range records {
		if q.Kind != Valid && r.Licence.Category != q.Category {
			continue
		}
		standing := Standing(r, day)
		if standing != No && (q.Kind == Field || q.Kind == Includes) && !j.has(q, r.Licence) {
			standing = No
		}
		all = either(all, standing)
	}
	return all
}

// Standing says whether a licence was, is or will be in force on a day, by what the
// register knows now. Before its last step another state held, which it does not know.
func Standing(r licence.Record, day civil.Day) Result {
	l := r.Licence
	since := civil.Of(r.Since)
	switch {
	case day < l.FirstDay, l.LastDay != nil && day > *l.LastDay:
		return No
	case r.Since.After(l.SignedAt) && day < since:
		return CannotSay
	case r.State != licence.Active:
		return No
	default:
		return Yes
	}
}

// has reports whether a licence's field is, or includes, what is asked for.
func (j Judge) has(q Question, l *licence.Licence) bool {
	category, ok := j.Catalogue.Version(l.Category, l.Schema)
	if !ok {
		return false
	}
	f, ok := category.Field(q.Field)
	if !ok {
		return false
	}
	value, ok := l.Fields[q.Field]
	if !ok {
		return false
	}
	text := value.Text(f)
	return text == q.Value || q.Kind == Includes && j.Inclusions.Include(l.Category, q.Field, text, q.Value)
}

// majority is the age of 18 (Civil Code, article 17): reached on the birthday.
const majority = 18

// adult judges by the citizen number of the holder of a licence in force. Another
// document does not tell a birthday, and a number that no licence has is anybody's.
func adult(records []licence.Record, day civil.Day) Result {
	for _, r := range records {
		if Standing(r, day) == No || len(r.Licence.Holders) != 1 {
			continue
		}
		h := r.Licence.Holders[0]
		if h.IDType != licence.IDTypeCitizenNumber || idcode.CheckCitizenNumber(h.IDNumber) != nil {
			continue
		}
		born, err := time.Parse("20060102", h.IDNumber[6:14])
		if err != nil {
			continue
		}
		if day >= civil.FromDate(born.AddDate(majority, 0, 0)) {
			return Yes
		}
		return No
	}
	return CannotSay
}
