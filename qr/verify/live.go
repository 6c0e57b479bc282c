package verify

import (
	"fmt"
	"slices"
	"time"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cose"
	"github.com/elicence/elicence/qr"
)

// presented decides on what a holder's device presents: a code of kind 2.
func (v *Verifier) presented(s scan, p *qr.Presentation, m *cose.Sign1, r *Result) (Verdict, string) {
	c, verdict, cause := v.credential(s, m, pki.ObjectCodeHolder, qr.ParseDeviceCredential)
	if verdict != Valid {
		return verdict, cause
	}
	message, err := p.ToBeSigned()
	if err != nil {
		return Malformed, err.Error()
	}
	switch c.Device.Judge(message, p.Signature, v.second) {
	case pki.Bad:
		return Tampered, "the signature is not that of the holder's device"
	case pki.Disagree:
		return v.disagreement(s)
	case pki.Busy:
		return NoData, "busy"
	}
	r.show(c)
	if cause := c.scope(s); cause != "" {
		return OutOfScope, cause
	}
	if !slices.Contains(v.cache.Trust.Devices, int64(c.Device.Algorithm())) {
		return OutOfScope, fmt.Sprintf("devices that sign with %s are not taken", c.Device.Algorithm())
	}
	claim := c.claim()
	claim.refresh = "the phone must renew its credential online"
	claim.live = func(now time.Time, window time.Duration) (Verdict, string) {
		switch off := p.At.Sub(now); {
		case off > window:
			return Clock, fmt.Sprintf("presented from %d seconds in this terminal's future", int(off.Seconds()))
		case off < -window:
			return Clock, fmt.Sprintf("presented from %d seconds in this terminal's past", int(-off.Seconds()))
		}
		showing := showingOf(c.Device, p, s.code)
		if s.question == nil && p.Challenge != nil {
			return Replayed, "it answers a hall's question and counts only there"
		}
		if s.question != nil {
			if cause := s.question.refuses(p.Challenge, showing.Code, now); cause != "" {
				return Replayed, cause
			}
		}
		return v.first(showing, now)
	}
	return v.Standing(claim)
}

// shown decides on what the service presents: a code of kind 3.
func (v *Verifier) shown(s scan, m *cose.Sign1, r *Result) (Verdict, string) {
	service, verdict, cause := v.service(s, m, pki.ObjectCodeService)
	if verdict != Valid {
		return verdict, cause
	}
	shown, err := qr.ParseShown(m.Payload)
	if err != nil {
		return Malformed, err.Error()
	}
	chosen := &shown.Chosen
	category, known := v.cache.Category(chosen.Category, chosen.Schema)
	if known && len(chosen.Fields) > 0 && !fit(chosen.Fields, category.Fields) {
		return Malformed, "the fields are not those of the category"
	}
	claim := Claim{
		Category: chosen.Category, Schema: chosen.Schema, SignedAt: shown.SignedAt, Expires: shown.Expires,
		unlisted: chosen.Status == nil, undated: chosen.Validity == nil, refresh: "refresh the code on the phone",
	}
	says := said{category: chosen.Category, number: &chosen.Number, holder: &chosen.Holder, maskedID: &chosen.MaskedID, fields: chosen.Fields, signer: &service.Name}
	if chosen.Status != nil {
		claim.Status = *chosen.Status
	}
	if chosen.Validity != nil {
		claim.FirstDay, claim.LastDay = chosen.Validity.FirstDay, chosen.Validity.LastDay
		says.firstDay, says.lastDay = &claim.FirstDay, claim.LastDay
	}
	r.showSummary(says, category)
	if cause := serviceScope(service, s.kind, shown.SignedAt, shown.Expires); cause != "" {
		return OutOfScope, cause
	}
	if cause := s.refused(category); cause != "" {
		return OutOfScope, cause
	}
	claim.live = func(now time.Time, _ time.Duration) (Verdict, string) {
		if now.After(shown.Expires) {
			return Valid, "" // not live any more: said to be expired
		}
		return v.first(showingOfService(shown, s.code), now)
	}
	return v.Standing(claim)
}

// first wants a showing to be the first of its kind.
func (v *Verifier) first(s Showing, now time.Time) (Verdict, string) {
	if v.replays != nil && v.replays.Seen(s, now) {
		return Replayed, "this code was shown before"
	}
	return Valid, ""
}
