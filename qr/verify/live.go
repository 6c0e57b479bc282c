package verify

import (
	"slices"
	"time"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cose"
	"github.com/elicence/elicence/qr"
)

// presented decides on what a holder's device presents: a code of kind 2.
func (v *Verifier) presented(s scan, p *qr.Presentation, m *cose.Sign1, r *Result) (Verdict, Cause) {
	c, verdict, cause := v.credential(s, m, pki.ObjectCodeHolder, qr.ParseDeviceCredential)
	if verdict != Valid {
		return verdict, cause
	}
	message, err := p.ToBeSigned()
	if err != nil {
		return Malformed, misread(err)
	}
	switch c.Device.Judge(message, p.Signature, v.second) {
	case pki.Bad:
		return Tampered, Because(CauseBadDevice)
	case pki.Disagree:
		return v.disagreement(s)
	case pki.Busy:
		return NoData, Because(CauseBusy)
	}
	r.show(c)
	if cause := c.scope(s); cause.Code != "" {
		return OutOfScope, cause
	}
	if !slices.Contains(v.cache.Trust.Devices, int64(c.Device.Algorithm())) {
		return OutOfScope, Because(CauseDeviceKind, c.Device.Algorithm())
	}
	claim := c.claim()
	claim.ended = CauseRenewCredential
	claim.live = func(now time.Time, window time.Duration) (Verdict, Cause) {
		switch off := p.At.Sub(now); {
		case off > window:
			return Clock, offBy(CausePresentedAhead, off)
		case off < -window:
			return Clock, offBy(CausePresentedLate, -off)
		}
		showing := showingOf(c.Device, p, s.code)
		if s.question == nil && p.Challenge != nil {
			return Replayed, Because(CauseAnswerElsewhere)
		}
		if s.question != nil {
			if cause := s.question.refuses(p.Challenge, showing.Code, now); cause.Code != "" {
				return Replayed, cause
			}
		}
		return v.first(showing, now)
	}
	return v.Standing(claim)
}

// shown decides on what the service presents: a code of kind 3.
func (v *Verifier) shown(s scan, m *cose.Sign1, r *Result) (Verdict, Cause) {
	service, verdict, cause := v.service(s, m, pki.ObjectCodeService)
	if verdict != Valid {
		return verdict, cause
	}
	shown, err := qr.ParseShown(m.Payload)
	if err != nil {
		return Malformed, misread(err)
	}
	chosen := &shown.Chosen
	category, known := v.cache.Category(chosen.Category, chosen.Schema)
	if known && len(chosen.Fields) > 0 && !fit(chosen.Fields, category.Fields) {
		return Malformed, Because(CauseFieldList)
	}
	claim := Claim{
		Category: chosen.Category, Schema: chosen.Schema, SignedAt: shown.SignedAt, Expires: shown.Expires,
		unlisted: chosen.Status == nil, undated: chosen.Validity == nil, ended: CauseCodeEnded,
	}
	says := said{category: chosen.Category, number: &chosen.Number, holder: &chosen.Holder, maskedID: &chosen.MaskedID, fields: chosen.Fields, signer: &service.Name}
	if chosen.Status != nil {
		claim.Status = *chosen.Status
	}
	if chosen.Validity != nil {
		claim.FirstDay, claim.LastDay = chosen.Validity.FirstDay, chosen.Validity.LastDay
		says.firstDay, says.lastDay = &claim.FirstDay, claim.LastDay
	}
	r.Status = chosen.Status
	r.showSummary(says, category)
	if cause := serviceScope(service, s.kind, shown.SignedAt, shown.Expires); cause.Code != "" {
		return OutOfScope, cause
	}
	if cause := s.refused(category); cause.Code != "" {
		return OutOfScope, cause
	}
	claim.live = func(now time.Time, _ time.Duration) (Verdict, Cause) {
		if now.After(shown.Expires) {
			return Valid, Cause{} // not live any more: said to be expired
		}
		return v.first(showingOfService(shown, s.code), now)
	}
	return v.Standing(claim)
}

// first wants a showing to be the first of its kind.
func (v *Verifier) first(s Showing, now time.Time) (Verdict, Cause) {
	if v.replays != nil && v.replays.Seen(s, now) {
		return Replayed, Because(CauseShownBefore)
	}
	return Valid, Cause{}
}
