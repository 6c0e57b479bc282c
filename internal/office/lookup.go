package office

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/inspect"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/licence/disclose"
	"github.com/elicence/elicence/qr/verify"
)

// NumberQuery is what somebody types from a paper whose code cannot be read. Whoever
// asks must know more than a number, or anybody could find out what anybody holds.
type NumberQuery struct {
	// Identifier is the e-licence identifier. It holds 80 random bits, and whoever
	// knows it has seen the licence; nothing else is needed with it.
	Identifier string
	Number     string
	Category   string // three digits; empty: any
	// Holder is the holder's whole name. A first character would be no secret: ten of
	// them begin four names in ten.
	Holder string
	// IDTail is the last four characters of the holder's document number. It does not
	// count for a licence whose own number has them, and not for organisations, whose
	// codes are public.
	IDTail string
}

// Errors of look-ups.
var (
	// ErrQuery: the query is not complete or not well formed.
	ErrQuery = bilingual.New("须给出证照标识，或证照编号加持证人姓名，或证照编号加证件号码后四位", "wants an identifier, or a number with the holder's name or the last four characters of the holder's document number")
	// ErrAmbiguous: licences of several categories fit.
	ErrAmbiguous = bilingual.New("多个类别有此编号，须指明类别", "licences of several categories have this number: give the category")
)

// The causes of a look-up's verdict.
const (
	causeLookedUp verify.CauseCode = "looked_up"
	causeNotFound verify.CauseCode = "not_found"
	causeReplaced verify.CauseCode = "superseded"
)

// lookedUpCause is what is said beside the verdict of a look-up. That a newer version is
// in force is said here; what a terminal reads offline is only that this one is not.
func lookedUpCause(r licence.Record) verify.Cause {
	if r.State == licence.Superseded {
		return verify.Cause{
			Code: causeReplaced, ZH: "该证照已换发，本版本不再有效（联网查询所得）", EN: "a newer version was issued, and this one is no longer valid (looked up online)",
			NextZH: "请出示换发后的新版证照", NextEN: "Ask for the newer version",
		}
	}
	return verify.Cause{Code: causeLookedUp, ZH: "系联网查询所得，未经离线核验", EN: "looked up online, not verified offline"}
}

const tailLength = 4

func (q NumberQuery) check() error {
	for what, text := range map[string]string{"identifier": q.Identifier, "number": q.Number, "holder": q.Holder, "id_tail": q.IDTail, "category": q.Category} {
		if len(text) > 400 {
			return fmt.Errorf("%s is too long: %w", what, ErrQuery)
		}
	}
	switch {
	case q.Identifier != "":
		if q.Number+q.Category+q.Holder+q.IDTail != "" {
			return fmt.Errorf("an identifier stands alone: %w", ErrQuery)
		}
	case q.Number == "" || q.Holder == "" && q.IDTail == "":
		return ErrQuery
	case q.IDTail != "" && len([]rune(q.IDTail)) != tailLength:
		return fmt.Errorf("id_tail has not four characters: %w", ErrQuery)
	}
	return nil
}

// LookUp finds a licence in the register by what is typed and says how it stands now.
// What is found is a look in the audit log. A wrong name and a number that nobody has
// get the same answer.
func (o *Office) LookUp(ctx context.Context, actor string, q NumberQuery) (inspect.Inspection, error) {
	if err := q.check(); err != nil {
		return inspect.Inspection{}, err
	}
	found, err := o.find(ctx, q)
	if err != nil {
		return inspect.Inspection{}, err
	}
	answer := inspect.Inspection{Input: inspect.InputNumber, Online: true, Code: &verify.Result{Fields: map[string]string{}}}
	if found == nil {
		answer.Because(verify.NoData, verify.Cause{
			Code: causeNotFound, ZH: "没有查到与所填内容相符的证照", EN: "no licence was found for what was typed",
			NextZH: "请核对所填内容，或持证照到窗口办理", NextEN: "Check what was typed, or take the paper to a counter",
		})
	} else {
		if err := o.looked(ctx, actor, *found); err != nil {
			return inspect.Inspection{}, err
		}
		if err := o.describe(*found, answer.Code); err != nil {
			return inspect.Inspection{}, err
		}
		answer.Because(verdictOf(*found, o.now()), lookedUpCause(*found))
	}
	c := answer.Code
	c.Verdict, c.CauseCode, c.Cause, c.CauseZH, c.NextEN, c.NextZH = answer.Verdict, answer.CauseCode, answer.Cause, answer.CauseZH, answer.NextEN, answer.NextZH
	return answer, nil
}

// find returns the licence that a query is about, or nil.
func (o *Office) find(ctx context.Context, q NumberQuery) (*licence.Record, error) {
	if q.Identifier != "" {
		typed, err := licence.ReadIdentifier(q.Identifier)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrQuery, err)
		}
		id := typed.Identifier
		r, err := o.record(ctx, id)
		if errors.Is(err, licence.ErrNotFound) || err == nil && !wasGivenOut(r) {
			return nil, nil
		}
		return &r, err
	}
	categories, err := o.queried(q.Category)
	if err != nil {
		return nil, err
	}
	var found *licence.Record
	for _, c := range categories {
		records, err := o.store.ByNumber(ctx, c, q.Number)
		if err != nil {
			return nil, err
		}
		for i := range records {
			records[i] = records[i].At(o.now())
		}
		// One in force stands for those before it, else the newest.
		slices.SortStableFunc(records, func(a, b licence.Record) int { return cmp.Compare(a.State, b.State) })
		i := slices.IndexFunc(records, func(r licence.Record) bool { return wasGivenOut(r) && q.knows(r.Licence) })
		if i < 0 {
			continue
		}
		if found != nil {
			return nil, ErrAmbiguous
		}
		found = &records[i]
	}
	return found, nil
}

// wasGivenOut reports whether anybody but the issuer can have seen a licence. To all
// others one that is not published, or never was, is none.
func wasGivenOut(r licence.Record) bool {
	return r.State != licence.Pending && r.State != licence.Withdrawn
}

// queried returns the categories that a query is about.
func (o *Office) queried(category string) ([]catalogue.ID, error) {
	if category != "" {
		id, err := catalogue.ParseID(category)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrQuery, err)
		}
		return []catalogue.ID{id}, nil
	}
	var all []catalogue.ID
	for _, c := range o.Catalogue().Categories() {
		all = append(all, c.ID)
	}
	return all, nil
}

// knows reports whether everything that was typed is one of the licence's holders.
func (q NumberQuery) knows(l *licence.Licence) bool {
	for _, h := range l.Holders {
		if q.Holder != "" && norm.NFC.String(strings.TrimSpace(q.Holder)) != h.Name {
			continue
		}
		if q.IDTail == "" {
			return true
		}
		r := []rune(h.IDNumber)
		secret := !h.IDType.Public() && len(r) > tailLength && !strings.Contains(l.Number, h.IDNumber)
		if secret && strings.EqualFold(string(r[len(r)-tailLength:]), q.IDTail) {
			return true
		}
	}
	return false
}

// verdictOf is how a licence of the register stands at a time, in the words of a scan.
func verdictOf(r licence.Record, now time.Time) verify.Verdict {
	switch {
	case r.State.ShownRevoked():
		return verify.Revoked
	case r.State == licence.Suspended:
		return verify.Suspended
	case r.State != licence.Active:
		return verify.NoData
	case now.Before(r.Licence.FirstDay.Start()):
		return verify.NotYetValid
	case r.Licence.LastDay != nil && now.After(r.Licence.LastDay.End()):
		return verify.Expired
	default:
		return verify.Valid
	}
}

// describe says what a licence is, no more than the masked profile shows.
func (o *Office) describe(r licence.Record, answer *verify.Result) error {
	l := r.Licence
	c, known := o.Catalogue().Version(l.Category, l.Schema)
	if !known {
		return fmt.Errorf("category %s: %w", l.Category, catalogue.ErrNoCategory)
	}
	shown := disclose.Summary(l, c, disclose.Masked)
	category, from, asOf := l.Category.String(), l.FirstDay.String(), o.now().UTC().Format(time.RFC3339)
	answer.Category, answer.CategoryName, answer.Issuer, answer.ValidFrom, answer.StatusAsOf = &category, &c.NameZH, &l.IssuerName, &from, &asOf
	answer.Number, answer.Holder = &shown.Number, &shown.Holder
	if shown.MaskedID != "" {
		answer.IDMasked = &shown.MaskedID
	}
	if l.LastDay != nil {
		until := l.LastDay.String()
		answer.ValidUntil = &until
	}
	return nil
}
