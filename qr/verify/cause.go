package verify

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/qr"
	"github.com/elicence/elicence/qr/trust"
)

// CauseCode names a reason for a verdict. Journals and programs go by it: a code
// that was given out keeps its meaning.
type CauseCode string

// The causes, in the order of the verdicts that they belong to.
const (
	CauseInOrder         CauseCode = "in_order"
	CauseCompareDocument CauseCode = "compare_document"

	CauseDataStale CauseCode = "data_stale"

	CauseLastDay    CauseCode = "last_day"
	CausePrintAgain CauseCode = "print_again"
	// Of codes that are shown live.
	CauseRenewCredential CauseCode = "renew_credential"
	CauseCodeEnded       CauseCode = "code_ended"

	CauseFirstDay CauseCode = "first_day"

	CauseSuspended CauseCode = "suspended_by_issuer"
	CauseRevoked   CauseCode = "revoked_by_issuer"

	CauseNeverAllotted CauseCode = "never_allotted"

	CauseIssuerCategory CauseCode = "issuer_category"
	CauseIssuerRegion   CauseCode = "issuer_region"
	CauseDomainCategory CauseCode = "domain_category"
	CauseDomainRegion   CauseCode = "domain_region"
	CauseIssuerKind     CauseCode = "issuer_kind"
	CauseServiceKind    CauseCode = "service_kind"
	CauseServiceTime    CauseCode = "service_time"
	CauseShowLive       CauseCode = "show_live"
	CauseListForeign    CauseCode = "list_foreign"
	CauseListClosed     CauseCode = "list_closed"
	CauseKindNotTaken   CauseCode = "kind_not_taken"
	CauseDeviceKind     CauseCode = "device_kind"
	CauseAnswerWanted   CauseCode = "answer_wanted"

	CauseUnknownIssuer  CauseCode = "unknown_issuer"
	CauseUnknownService CauseCode = "unknown_service"
	CauseKeyCompromised CauseCode = "key_compromised"

	CauseBadSignature CauseCode = "bad_signature"
	CauseBadDevice    CauseCode = "bad_device_signature"

	CauseNotOurs      CauseCode = "not_ours"
	CauseLength       CauseCode = "length"
	CauseUnknownForm  CauseCode = "unknown_form"
	CauseCheckDigits  CauseCode = "check_digits"
	CauseGroups       CauseCode = "groups"
	CauseContent      CauseCode = "content"
	CauseFieldList    CauseCode = "field_list"
	CauseLongLine     CauseCode = "long_line"
	CauseNoPicture    CauseCode = "no_picture"
	CauseNoCode       CauseCode = "no_code"
	CauseSeveralCodes CauseCode = "several_codes"

	CauseFutureSigning  CauseCode = "future_signing"
	CausePresentedAhead CauseCode = "presented_ahead"
	CausePresentedLate  CauseCode = "presented_late"

	CauseShownBefore     CauseCode = "shown_before"
	CauseAnswerMissing   CauseCode = "answer_missing"
	CauseAnswerOther     CauseCode = "answer_other"
	CauseAnsweredBefore  CauseCode = "answered_before"
	CauseQuestionEnded   CauseCode = "question_ended"
	CauseAnswerElsewhere CauseCode = "answer_elsewhere"

	CauseClockBehind      CauseCode = "clock_behind"
	CauseOtherRoot        CauseCode = "other_root"
	CauseDataRolledBack   CauseCode = "data_rolled_back"
	CauseDataExpired      CauseCode = "data_expired"
	CauseDataUnusable     CauseCode = "data_unusable"
	CauseDisagree         CauseCode = "disagree"
	CauseBusy             CauseCode = "busy"
	CauseUnknownFieldList CauseCode = "unknown_field_list"
	CauseUnknownList      CauseCode = "unknown_list"
	CauseIssuedAfterData  CauseCode = "issued_after_data"
	CauseDataTooOld       CauseCode = "data_too_old"
)

// Cause is the one plain reason for a verdict, in English and in Chinese, and the
// next step where it is another than the verdict's.
type Cause struct {
	Code           CauseCode
	EN, ZH         string
	NextEN, NextZH string // empty: see [Verdict.Wording]
}

// Words returns how a cause is put, with an ellipsis for what differs from scan to scan:
// for lists of causes and for who reads a journal. The code of no cause has no words.
func (code CauseCode) Words() Cause {
	w, ok := causes[code]
	if !ok {
		return Cause{}
	}
	open := func(text string) string { return verb.ReplaceAllString(text, "…") }
	return Cause{Code: code, EN: open(w.en), ZH: open(w.zh), NextEN: w.nextEN, NextZH: w.nextZH}
}

// verb is a verb of the wordings.
var verb = regexp.MustCompile(`%(\[[0-9]\])?[sd]`)

// Next returns the one next step after a verdict, Chinese and English.
func (c Cause) Next(v Verdict) (zh, en string) {
	if c.NextZH != "" {
		return c.NextZH, c.NextEN
	}
	w := v.Wording()
	return w.NextZH, w.NextEN
}

// Because words a cause that takes the arguments given in the table. Both wordings are given the same arguments and pick theirs
// by number.
func Because(code CauseCode, args ...any) Cause {
	w := causes[code]
	c := Cause{Code: code, EN: w.en, ZH: w.zh, NextEN: w.nextEN, NextZH: w.nextZH}
	if len(args) > 0 {
		c.EN, c.ZH = fmt.Sprintf(w.en, args...), fmt.Sprintf(w.zh, args...)
	}
	return c
}

// detailed words a cause whose English adds a detail for whoever looks into it.
func detailed(code CauseCode, detail string) Cause {
	c := Because(code)
	c.EN += ": " + detail
	return c
}

// misread is the cause of what is not a code of ours.
func misread(err error) Cause {
	var text *qr.MisreadError
	if !errors.As(err, &text) {
		return detailed(CauseContent, strings.TrimSuffix(err.Error(), ": "+qr.ErrMalformed.Error()))
	}
	switch text.Rule {
	case qr.MisreadCheck:
		return Because(CauseCheckDigits)
	case qr.MisreadCharacters:
		return detailed(CauseNotOurs, text.Detail)
	case qr.MisreadForm:
		return detailed(CauseUnknownForm, text.Detail)
	case qr.MisreadGroups:
		return detailed(CauseGroups, text.Detail)
	default:
		return detailed(CauseLength, text.Detail)
	}
}

// noCache is the cause of having no usable trust files.
func noCache(err error) Cause {
	var clock *trust.ClockError
	switch {
	case errors.As(err, &clock):
		en, zh := span(clock.Last.Sub(clock.Now))
		return Because(CauseClockBehind, en, zh)
	case errors.Is(err, trust.ErrPin):
		return Because(CauseOtherRoot)
	case errors.Is(err, trust.ErrRollback):
		return detailed(CauseDataRolledBack, err.Error())
	case errors.Is(err, trust.ErrExpired):
		return detailed(CauseDataExpired, firstLine(err))
	default:
		return detailed(CauseDataUnusable, firstLine(err))
	}
}

// firstLine is the first of several errors that were joined: a verdict is one line.
func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// ListCause words why a status list is refused.
func ListCause(refusal trust.ListRefusal) Cause {
	if refusal == trust.ListClosed {
		return Because(CauseListClosed)
	}
	return Because(CauseListForeign)
}

// span is a length of time in the largest unit that still says it well, in English
// and in Chinese: seconds up to an hour, hours up to three days, then days.
func span(d time.Duration) (en, zh string) {
	n, unitEN, unitZH := int64(d/time.Second), "second", "秒"
	switch {
	case d >= 72*time.Hour:
		n, unitEN, unitZH = int64(d/(24*time.Hour)), "day", "天"
	case d >= time.Hour:
		n, unitEN, unitZH = int64(d/time.Hour), "hour", "小时"
	}
	if n != 1 {
		unitEN += "s"
	}
	return fmt.Sprintf("%d %s", n, unitEN), fmt.Sprintf("%d %s", n, unitZH)
}

// local writes an instant as the clock on the hall's wall shows it.
func local(t time.Time) string { return t.In(civil.Zone).Format("2006-01-02 15:04") }
