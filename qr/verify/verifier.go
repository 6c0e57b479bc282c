package verify

import (
	"encoding/hex"
	"slices"
	"time"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cose"
	"github.com/elicence/elicence/qr"
	"github.com/elicence/elicence/qr/trust"
)

// Verifier decides on codes with one cache. It is safe for concurrent use.
type Verifier struct {
	cache    *trust.Cache
	asOf     string // age of the cache's data, RFC 3339
	why      Cause  // without a cache: why not
	second   pki.SecondOpinion
	now      func() time.Time
	disagree func(digits string)
}

// Options say what a verifier works with.
type Options struct {
	// Second is the second opinion on signatures that are refused. Nil only in
	// the browser.
	Second pki.SecondOpinion
	// Now is the clock.
	Now func() time.Time
	// Disagree, if set, is told of every code on whose signature the two
	// implementations disagree, so that it can be counted and kept.
	Disagree func(digits string)
}

// New returns a verifier over a cache.
func New(cache *trust.Cache, o Options) *Verifier {
	asOf := cache.AsOf().UTC().Format(time.RFC3339)
	return &Verifier{cache: cache, asOf: asOf, second: o.Second, now: o.Now, disagree: o.Disagree}
}

// Without returns a verifier that has no usable cache: it answers malformed or
// no_data, with the reason why there is none.
func Without(why error, o Options) *Verifier {
	return &Verifier{why: noCache(why), second: o.Second, now: o.Now, disagree: o.Disagree}
}

// clockTolerance is how far in the future a signature may lie.
const clockTolerance = 5 * time.Minute

// trustedNow is the clock, but never before the last signed time. [trust.Load]
// has refused clocks that are further behind than five minutes.
func (v *Verifier) trustedNow() time.Time {
	now := v.now()
	if last := v.cache.Time.IssuedAt(); now.Before(last) {
		return last
	}
	return now
}

// Text decides on what a scanner delivered: digits, or an address with the digits
// after '#'.
func (v *Verifier) Text(scanned string) Result {
	start := time.Now()
	r := Result{Fields: make(map[string]string)}
	verdict, cause := v.decide(qr.Scanned(scanned), &r)
	r.because(verdict, cause)
	r.TookMicros = time.Since(start).Microseconds()
	return r
}

// Unreadable is the result for a picture or a line in which no code was found:
// malformed, for a cause of its own and an English detail, which may be empty.
func (v *Verifier) Unreadable(code CauseCode, detail string) Result {
	cause := Because(code)
	if detail != "" {
		cause = detailed(code, detail)
	}
	r := Result{Fields: make(map[string]string)}
	r.because(Malformed, cause)
	v.stamp(&r)
	return r
}

// stamp notes what data the decision is based on.
func (v *Verifier) stamp(r *Result) {
	if v.cache == nil {
		return
	}
	r.Pinned = v.cache.Pinned
	r.TrustVersion = &v.cache.Trust.Version
	r.StatusAsOf = &v.asOf
}

func (v *Verifier) decide(digits string, r *Result) (Verdict, Cause) {
	v.stamp(r)
	kind, b, err := qr.Decode(digits)
	if err != nil {
		return Malformed, misread(err)
	}
	number := int(kind)
	r.Kind = &number
	if kind == qr.KindHolder || kind == qr.KindService {
		if err := qr.CheckPresented(kind, b); err != nil {
			return Malformed, misread(err)
		}
		return NoData, Because(CauseKindNotRead, int(kind))
	}
	m, err := cose.Parse(b)
	if err != nil {
		return Malformed, misread(err)
	}
	if v.cache == nil {
		return NoData, v.why
	}
	if kind == qr.KindDocument {
		return v.document(m, digits, r)
	}
	return v.licence(m, digits, r)
}

// licence decides on a printed licence.
func (v *Verifier) licence(m *cose.Sign1, digits string, r *Result) (Verdict, Cause) {
	candidates := v.cache.Issuers(m.KID)
	if len(candidates) == 0 {
		return Untrusted, Because(CauseUnknownIssuer)
	}
	i, verdict, cause := v.signer(len(candidates), func(i int) *pki.PublicKey { return candidates[i].Key }, pki.ObjectCodeLicence, m, digits)
	switch {
	case verdict == Tampered && !slices.ContainsFunc(candidates, notCompromised), verdict == Valid && !notCompromised(candidates[i]):
		// Whatever is or seems to be signed with such a key, nothing is known of it.
		return Untrusted, Because(CauseKeyCompromised)
	case verdict != Valid:
		return verdict, cause
	}
	issuer := candidates[i]
	credential, err := qr.ParseCredential(m.Payload)
	if err != nil {
		return Malformed, misread(err)
	}
	category, known := v.cache.Category(credential.Summary.Category, credential.Summary.Schema)
	if known && !fit(credential.Summary.Fields, category.Fields) {
		return Malformed, Because(CauseFieldList)
	}
	r.show(credential, category, issuer)
	if cause := scope(credential, issuer, category); cause.Code != "" {
		return OutOfScope, cause
	}
	return v.Standing(Claim{
		Category: credential.Summary.Category, Schema: credential.Summary.Schema, Status: credential.Summary.Status,
		SignedAt: credential.SignedAt, Expires: credential.Expires,
		FirstDay: credential.Summary.FirstDay, LastDay: credential.Summary.LastDay,
	})
}

func notCompromised(issuer *trust.IssuerKey) bool { return issuer.State != trust.IssuerCompromised }

// Claim is what a verified object says about its own standing.
type Claim struct {
	Category, Schema int
	Status           uint64 // list<<32 | index
	SignedAt         time.Time
	Expires          time.Time // of the signature; zero: it does not expire
	FirstDay         civil.Day
	LastDay          *civil.Day // nil: long-term
}

// Standing decides whether what is well signed and within its scope is in force:
// status, clock, dates, and the age of the status data.
func (v *Verifier) Standing(c Claim) (Verdict, Cause) {
	category, known := v.cache.Category(c.Category, c.Schema)
	if !known {
		return NoData, Because(CauseUnknownFieldList)
	}
	if verdict, cause := v.status(c); verdict != Valid {
		return verdict, cause
	}
	now := v.trustedNow()
	switch {
	case c.SignedAt.Sub(now) > clockTolerance:
		return Clock, inTheFuture(c.SignedAt.Sub(now))
	case now.Before(c.FirstDay.Start()):
		return NotYetValid, Because(CauseFirstDay, c.FirstDay)
	case c.LastDay != nil && now.After(c.LastDay.End()):
		return Expired, Because(CauseLastDay, *c.LastDay)
	case !c.Expires.IsZero() && now.After(c.Expires):
		return Expired, Because(CausePrintAgain)
	}
	switch age := now.Sub(v.cache.AsOf()); {
	case age > time.Duration(category.Limit)*time.Second:
		return NoData, v.aged(CauseDataTooOld, age)
	case age > time.Duration(category.Fresh)*time.Second:
		return ValidStale, v.aged(CauseDataStale, age)
	default:
		return Valid, Because(CauseInOrder)
	}
}

func inTheFuture(ahead time.Duration) Cause {
	en, zh := span(ahead)
	return Because(CauseFutureSigning, en, zh)
}

// aged words a cause that is the age of the data.
func (v *Verifier) aged(code CauseCode, age time.Duration) Cause {
	en, zh := span(age)
	return Because(code, v.asOf, en, local(v.cache.AsOf()), zh)
}

// status looks up a place in the status lists.
func (v *Verifier) status(c Claim) (Verdict, Cause) {
	list, index := uint32(c.Status>>32), uint32(c.Status)
	set, ok := v.cache.Set(list)
	switch {
	case !ok:
		return NoData, Because(CauseUnknownList, list)
	case index >= set.High && c.SignedAt.After(v.cache.Status.IssuedAt()):
		return NoData, Because(CauseIssuedAfterData)
	case index >= set.High:
		return NotIssued, Because(CauseNeverAllotted)
	case set.Revoked.Has(index):
		return Revoked, Because(CauseRevoked)
	case set.Suspended.Has(index):
		return Suspended, Because(CauseSuspended)
	default:
		return Valid, Cause{}
	}
}

// signer finds which of n candidate keys signed a message: Valid with its
// position, or Tampered or NoData.
func (v *Verifier) signer(n int, key func(int) *pki.PublicKey, object pki.Object, m *cose.Sign1, digits string) (int, Verdict, Cause) {
	message := m.ToBeSigned(object)
	for i := range n {
		switch pki.Judge(key(i), message, m.Signature, v.second) {
		case pki.Good:
			return i, Valid, Cause{}
		case pki.Disagree:
			if v.disagree != nil {
				v.disagree(digits)
			}
			return 0, NoData, Because(CauseDisagree)
		case pki.Busy:
			return 0, NoData, Because(CauseBusy)
		}
	}
	return 0, Tampered, Because(CauseBadSignature)
}

// scope returns why an issuer may not have signed a credential, or no cause.
func scope(c *qr.Credential, issuer *trust.IssuerKey, category *trust.Category) Cause {
	if !slices.Contains(issuer.Categories, uint64(c.Summary.Category)) {
		return Because(CauseIssuerCategory, issuer.Name, categoryID(c.Summary.Category))
	}
	if !mayLive(issuer.Kinds, qr.KindLicence, c.Expires.Sub(c.SignedAt)) {
		return Because(CauseIssuerKind)
	}
	if category != nil && !slices.Contains(category.Kinds, uint64(qr.KindLicence)) {
		return Because(CauseShowLive)
	}
	if refusal := issuer.RefusesList(uint32(c.Summary.Status>>32), c.SignedAt); refusal != "" {
		return ListCause(refusal)
	}
	return Cause{}
}

func mayLive(kinds []trust.KindLife, kind qr.Kind, life time.Duration) bool {
	for _, k := range kinds {
		if k.Kind == uint64(kind) {
			return life <= time.Duration(k.Seconds)*time.Second
		}
	}
	return false
}

// document decides on a document code.
func (v *Verifier) document(m *cose.Sign1, digits string, r *Result) (Verdict, Cause) {
	candidates := v.cache.Services(m.KID)
	if len(candidates) == 0 {
		return Untrusted, Because(CauseUnknownService)
	}
	i, verdict, cause := v.signer(len(candidates), func(i int) *pki.PublicKey { return candidates[i].Key }, pki.ObjectCodeDocument, m, digits)
	if verdict != Valid {
		return verdict, cause
	}
	service := candidates[i]
	d, err := qr.ParseDocument(m.Payload)
	if err != nil {
		return Malformed, misread(err)
	}
	r.Document = &Document{Number: d.Number, Length: d.Length, SM3: hex.EncodeToString(d.SM3[:]), Seals: d.Seals, Digest: d.SM3}
	r.Issuer = &service.Name
	if !mayLive(service.Kinds, qr.KindDocument, d.Expires.Sub(d.SignedAt)) {
		return OutOfScope, Because(CauseServiceKind)
	}
	if at := d.SignedAt.Unix(); at < service.From || service.Until != 0 && at > service.Until {
		return OutOfScope, Because(CauseServiceTime)
	}
	now := v.trustedNow()
	if d.SignedAt.Sub(now) > clockTolerance {
		return Clock, inTheFuture(d.SignedAt.Sub(now))
	}
	if now.After(d.Expires) {
		return Expired, Because(CausePrintAgain)
	}
	return Valid, Because(CauseCompareDocument)
}

// fit reports whether a credential's fields have the number and the forms of a
// category's.
func fit(values []any, fields []trust.Field) bool {
	if len(values) != len(fields) {
		return false
	}
	for i, f := range fields {
		switch values[i].(type) {
		case nil:
		case int64:
			if f.Type != "date" && f.Type != "integer" {
				return false
			}
		default:
			if f.Type == "date" || f.Type == "integer" {
				return false
			}
		}
	}
	return true
}

// categoryID writes a category's number, at most 999, with three digits.
func categoryID(n int) string {
	return string([]byte{'0' + byte(n/100%10), '0' + byte(n/10%10), '0' + byte(n%10)})
}
