package verify

import (
	"cmp"
	"encoding/hex"
	"fmt"
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
	judge    Judge
	now      func() time.Time
	disagree func(digits string)
	replays  Replays // nil: nothing is remembered
}

// Options say what a verifier works with.
type Options struct {
	// Second is the second opinion on signatures that are refused. Nil only in
	// the browser.
	Second pki.SecondOpinion
	// Judge judges the signatures of issuers and services. Nil: [pki.Judge]. It outlives
	// the verifier, which is made anew with each cache.
	Judge Judge
	// Now is the clock.
	Now func() time.Time
	// Disagree, if set, is told of every code on whose signature the two
	// implementations disagree, so that it can be counted and kept.
	Disagree func(digits string)
	// Replays, if set, remembers live presentations. It outlives the verifier, which
	// is made anew with each cache. Nil where nobody stands at a window.
	Replays Replays
}

// Judge has the meaning of [pki.Judge]. Package fixedkey has one that is faster for keys
// that sign much.
type Judge func(key *pki.PublicKey, msg []byte, sig pki.Signature, second pki.SecondOpinion) pki.Outcome

// New returns a verifier over a cache.
func New(cache *trust.Cache, o Options) *Verifier {
	asOf := cache.AsOf().UTC().Format(time.RFC3339)
	judge := o.Judge
	if judge == nil {
		judge = pki.Judge
	}
	return &Verifier{cache: cache, asOf: asOf, second: o.Second, judge: judge, now: o.Now, disagree: o.Disagree, replays: o.Replays}
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

// Now returns the time that this verifier judges by: its clock's, but never before the
// last signed time.
func (v *Verifier) Now() time.Time { return v.trustedNow() }

// Text decides on what a scanner delivered: digits, or an address with the digits
// after '#'.
func (v *Verifier) Text(scanned string) Result { return v.Answer(scanned, nil) }

// Answer is [Verifier.Text] for a hall that waits for the answer to its question and
// takes nothing else.
func (v *Verifier) Answer(scanned string, question *Challenge) Result {
	start := time.Now()
	r := Result{Fields: make(map[string]string)}
	verdict, cause := v.decide(scan{digits: qr.Scanned(scanned), question: question}, &r)
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

// scan is what is decided on.
type scan struct {
	digits   string
	kind     qr.Kind
	code     []byte     // the bytes that the digits carry
	question *Challenge // what the code must answer, or nil
}

func (v *Verifier) decide(s scan, r *Result) (Verdict, Cause) {
	v.stamp(r)
	var err error
	s.kind, s.code, err = qr.Decode(s.digits)
	if err != nil {
		return Malformed, misread(err)
	}
	number := int(s.kind)
	r.Kind = &number
	signed := s.code
	var p *qr.Presentation
	if s.kind == qr.KindHolder {
		if p, err = qr.ParsePresentation(s.code); err != nil {
			return Malformed, misread(err)
		}
		signed = p.Credential
	}
	m, err := cose.Parse(signed)
	switch {
	case err != nil:
		return Malformed, misread(err)
	case s.kind == qr.KindService && len(s.code) > qr.MaxScreen:
		return Malformed, detailed(CauseContent, fmt.Sprintf("%d bytes, at most %d are read of this kind", len(s.code), qr.MaxScreen))
	case v.cache == nil:
		return NoData, v.why
	}
	if err := v.cache.Expired(v.trustedNow()); err != nil {
		return NoData, noCache(err)
	}
	switch s.kind {
	case qr.KindHolder:
		return v.presented(s, p, m, r)
	case qr.KindService:
		return v.shown(s, m, r)
	case qr.KindDocument:
		return v.document(s, m, r)
	default:
		return v.licence(s, m, r)
	}
}

// licence decides on a printed licence.
func (v *Verifier) licence(s scan, m *cose.Sign1, r *Result) (Verdict, Cause) {
	c, verdict, cause := v.credential(s, m, pki.ObjectCodeLicence, qr.ParseCredential)
	if verdict != Valid {
		return verdict, cause
	}
	r.show(c)
	if cause := c.scope(s); cause.Code != "" {
		return OutOfScope, cause
	}
	return v.Standing(c.claim())
}

// credential is a credential whose issuing authority has signed it.
type credential struct {
	*qr.Credential
	issuer   *trust.IssuerKey
	category *trust.Category // nil: the terminal does not know it
}

func (c *credential) claim() Claim {
	s := &c.Summary
	return Claim{
		Category: s.Category, Schema: s.Schema, Status: s.Status, SignedAt: c.SignedAt, Expires: c.Expires, FirstDay: s.FirstDay, LastDay: s.LastDay,
		home: c.issuer.Home,
	}
}

// credential finds who signed a credential and reads it. Nothing of it may be shown
// unless the verdict is Valid.
func (v *Verifier) credential(s scan, m *cose.Sign1, object pki.Object, parse func([]byte) (*qr.Credential, error)) (*credential, Verdict, Cause) {
	candidates := v.cache.Issuers(m.KID)
	if len(candidates) == 0 {
		return nil, Untrusted, Because(CauseUnknownIssuer)
	}
	i, verdict, cause := v.signer(len(candidates), func(i int) *pki.PublicKey { return candidates[i].Key }, object, s, m)
	switch {
	case verdict == Tampered && !slices.ContainsFunc(candidates, notCompromised):
		// Whatever seems to be signed with such a key, nothing is known of it.
		return nil, Untrusted, Because(CauseKeyCompromised)
	case verdict != Valid:
		return nil, verdict, cause
	}
	parsed, err := parse(m.Payload)
	if !notCompromised(candidates[i]) && (err != nil || !genuine(candidates[i], parsed, m.Payload)) {
		return nil, Untrusted, Because(CauseKeyCompromised)
	}
	if err != nil {
		return nil, Malformed, misread(err)
	}
	c := &credential{Credential: parsed, issuer: candidates[i]}
	if home := c.issuer.Home; home != v.cache {
		if err := home.Expired(v.trustedNow()); err != nil {
			return nil, NoData, noCache(err)
		}
	}
	if category, known := c.issuer.Home.Category(c.Summary.Category, c.Summary.Schema); known {
		c.category = category
		if !fit(c.Summary.Fields, category.Fields) {
			return nil, Malformed, Because(CauseFieldList)
		}
	}
	return c, Valid, Cause{}
}

func notCompromised(issuer *trust.IssuerKey) bool { return issuer.State != trust.IssuerCompromised }

// genuine reports whether the domain of a compromised key knows that it has signed a
// credential. Its iat says nothing: a thief signs any.
func genuine(issuer *trust.IssuerKey, c *qr.Credential, payload []byte) bool {
	return issuer.Genuine(trust.GenuineCredential{List: uint32(c.Summary.Status >> 32), Index: uint32(c.Summary.Status), Digest: trust.DigestOf(payload)})
}

// Claim is what a verified object says about its own standing.
type Claim struct {
	Category, Schema int
	Status           uint64 // list<<32 | index
	SignedAt         time.Time
	Expires          time.Time // of the signature; zero: it does not expire
	FirstDay         civil.Day
	LastDay          *civil.Day // nil: long-term

	home              *trust.Cache // of the domain that signed; nil: this one
	unlisted, undated bool         // Status, or the days, are not shown
	ended             CauseCode    // where Expires has passed; empty: print again
	// live, if set, decides on when and where a presentation was made.
	live func(now time.Time, window time.Duration) (Verdict, Cause)
}

// Standing decides whether what is well signed and within its scope is in force:
// status, clock, dates, and the age of the status data.
func (v *Verifier) Standing(c Claim) (Verdict, Cause) {
	home := c.home
	if home == nil {
		home = v.cache
	}
	category, known := home.Category(c.Category, c.Schema)
	if !known {
		return NoData, Because(CauseUnknownFieldList)
	}
	if !c.unlisted {
		if verdict, cause := standing(home, c); verdict != Valid {
			return verdict, cause
		}
	}
	now := v.trustedNow()
	if c.SignedAt.Sub(now) > clockTolerance {
		return Clock, offBy(CauseFutureSigning, c.SignedAt.Sub(now))
	}
	if c.live != nil {
		if verdict, cause := c.live(now, time.Duration(category.Window)*time.Second); verdict != Valid {
			return verdict, cause
		}
	}
	switch {
	case !c.undated && now.Before(c.FirstDay.Start()):
		return NotYetValid, Because(CauseFirstDay, c.FirstDay)
	case c.LastDay != nil && now.After(c.LastDay.End()):
		return Expired, Because(CauseLastDay, *c.LastDay)
	case !c.Expires.IsZero() && now.After(c.Expires):
		return Expired, Because(cmp.Or(c.ended, CausePrintAgain))
	}
	switch age := now.Sub(home.AsOf()); {
	case age > time.Duration(category.Limit)*time.Second:
		return NoData, aged(CauseDataTooOld, home.AsOf(), age)
	case age > time.Duration(category.Fresh)*time.Second:
		return ValidStale, aged(CauseDataStale, home.AsOf(), age)
	default:
		return Valid, Because(CauseInOrder)
	}
}

// offBy words a cause that is a difference of clocks.
func offBy(code CauseCode, off time.Duration) Cause {
	en, zh := span(off)
	return Because(code, en, zh)
}

// aged words a cause that is the age of the data.
func aged(code CauseCode, asOf time.Time, age time.Duration) Cause {
	en, zh := span(age)
	return Because(code, asOf.UTC().Format(time.RFC3339), en, local(asOf), zh)
}

// standing looks up a place in a domain's status lists.
func standing(home *trust.Cache, c Claim) (Verdict, Cause) {
	list, index := uint32(c.Status>>32), uint32(c.Status)
	set, ok := home.Set(list)
	switch {
	case !ok:
		return NoData, Because(CauseUnknownList, list)
	case index >= set.High && !c.SignedAt.Before(home.Status.IssuedAt()):
		// Both times are whole seconds: within one, nobody knows which came first.
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
func (v *Verifier) signer(n int, key func(int) *pki.PublicKey, object pki.Object, s scan, m *cose.Sign1) (int, Verdict, Cause) {
	message := m.ToBeSigned(object)
	for i := range n {
		switch v.judge(key(i), message, m.Signature, v.second) {
		case pki.Good:
			return i, Valid, Cause{}
		case pki.Disagree:
			verdict, cause := v.disagreement(s)
			return 0, verdict, cause
		case pki.Busy:
			return 0, NoData, Because(CauseBusy)
		}
	}
	return 0, Tampered, Because(CauseBadSignature)
}

// disagreement is the verdict where the two implementations of SM2 do not agree.
func (v *Verifier) disagreement(s scan) (Verdict, Cause) {
	if v.disagree != nil {
		v.disagree(s.digits)
	}
	return NoData, Because(CauseDisagree)
}

// scope returns why an issuer may not have signed a credential, or why it is not taken
// here, or nothing.
func (c *credential) scope(s scan) Cause {
	if !c.issuer.Home.Trust.Domain.Covers(c.issuer.Region) {
		return Because(CauseIssuerRegion, c.issuer.Name, c.issuer.Region)
	}
	if d := c.issuer.Granted; d != nil {
		switch region, category := d.Grants(c.issuer.Region, uint64(c.Summary.Category)); {
		case !region:
			return Because(CauseDomainRegion, d.Domain.Name, c.issuer.Region)
		case !category:
			return Because(CauseDomainCategory, d.Domain.Name, categoryID(c.Summary.Category))
		}
	}
	if !slices.Contains(c.issuer.Categories, uint64(c.Summary.Category)) {
		return Because(CauseIssuerCategory, c.issuer.Name, categoryID(c.Summary.Category))
	}
	if !mayLive(c.issuer.Kinds, s.kind, c.Expires.Sub(c.SignedAt)) {
		return Because(CauseIssuerKind)
	}
	if cause := s.refused(c.category); cause.Code != "" {
		return cause
	}
	if refusal := c.issuer.RefusesList(uint32(c.Summary.Status>>32), c.SignedAt); refusal != "" {
		return ListCause(refusal)
	}
	return Cause{}
}

// refused says why a code of this kind is not taken here, or nothing.
func (s scan) refused(category *trust.Category) Cause {
	if s.question != nil && s.kind != qr.KindHolder {
		return Because(CauseAnswerWanted)
	}
	if category == nil || slices.Contains(category.Kinds, uint64(s.kind)) {
		return Cause{}
	}
	if s.kind == qr.KindLicence {
		return Because(CauseShowLive)
	}
	return Because(CauseKindNotTaken)
}

// mayLive reports whether a key may sign a kind of code of such a life. Live kinds have
// a bound of their own, whatever the trust list gives the key.
func mayLive(kinds []trust.KindLife, kind qr.Kind, life time.Duration) bool {
	if kind == qr.KindHolder && life > qr.MaxDeviceLife || kind == qr.KindService && life > qr.MaxShownLife {
		return false
	}
	for _, k := range kinds {
		if k.Kind == uint64(kind) {
			return life <= time.Duration(k.Seconds)*time.Second
		}
	}
	return false
}

// document decides on a document code.
func (v *Verifier) document(s scan, m *cose.Sign1, r *Result) (Verdict, Cause) {
	service, verdict, cause := v.service(s, m, pki.ObjectCodeDocument)
	if verdict != Valid {
		return verdict, cause
	}
	d, err := qr.ParseDocument(m.Payload)
	if err != nil {
		return Malformed, misread(err)
	}
	r.Document = &Document{Number: d.Number, Length: d.Length, SM3: hex.EncodeToString(d.SM3[:]), Seals: d.Seals, Digest: d.SM3}
	r.Issuer = &service.Name
	if cause := serviceScope(service, s.kind, d.SignedAt, d.Expires); cause.Code != "" {
		return OutOfScope, cause
	}
	if cause := s.refused(nil); cause.Code != "" {
		return OutOfScope, cause
	}
	now := v.trustedNow()
	if d.SignedAt.Sub(now) > clockTolerance {
		return Clock, offBy(CauseFutureSigning, d.SignedAt.Sub(now))
	}
	if now.After(d.Expires) {
		return Expired, Because(CausePrintAgain)
	}
	return Valid, Because(CauseCompareDocument)
}

// service finds which service signed a code.
func (v *Verifier) service(s scan, m *cose.Sign1, object pki.Object) (*trust.ServiceKey, Verdict, Cause) {
	candidates := v.cache.Services(m.KID)
	if len(candidates) == 0 {
		return nil, Untrusted, Because(CauseUnknownService)
	}
	i, verdict, cause := v.signer(len(candidates), func(i int) *pki.PublicKey { return candidates[i].Key }, object, s, m)
	return candidates[i], verdict, cause
}

// serviceScope returns why a service may not have signed a code, or nothing.
func serviceScope(service *trust.ServiceKey, kind qr.Kind, signedAt, expires time.Time) Cause {
	if !mayLive(service.Kinds, kind, expires.Sub(signedAt)) {
		return Because(CauseServiceKind)
	}
	if at := signedAt.Unix(); at < service.From || service.Until != 0 && at > service.Until {
		return Because(CauseServiceTime)
	}
	return Cause{}
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
