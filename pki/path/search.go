package path

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/oid"
)

// search is the work on one question: depth first from the certificate to an
// anchor, the likeliest issuer first.
type search struct {
	ctx      context.Context
	verifier *Verifier
	request  Request
	limits   Limits
	further  map[string][]*cert.Certificate

	steps, signatures int  // left
	names, statuses   int  // left
	limited           bool // a limit was reached
	answers           map[edge]Link

	valid     *Result
	final     *Result // the certificate in question is revoked
	undecided *Result // the first path of which nobody can say
	invalid   *Result // the path without one that came nearest
	nearest   int     // how near: complete paths before incomplete, longer before shorter
}

// result picks the answer of a finished search.
func (s *search) result() *Result {
	switch {
	case s.final != nil:
		return s.final
	case s.valid != nil:
		return s.valid
	case s.ctx.Err() != nil:
		return &Result{Path: s.pathSoFar(), err: s.ctx.Err()}
	case s.undecided != nil:
		return s.undecided
	case s.limited:
		return &Result{Path: s.pathSoFar(), err: ErrLimit}
	default:
		return s.invalid
	}
}

func (s *search) pathSoFar() []Link {
	if s.invalid != nil {
		return s.invalid.Path
	}
	return []Link{{Certificate: s.request.Certificate}}
}

// over reports whether nothing more can be learned or afforded.
func (s *search) over() bool {
	return s.valid != nil || s.final != nil || s.limited && s.steps <= 0 || s.ctx.Err() != nil
}

// climb extends a path whose signatures hold, until an anchor ends it.
func (s *search) climb(path []*cert.Certificate) {
	top := path[len(path)-1]
	if s.verifier.isAnchor(top) {
		s.judge(path)
		return
	}
	if len(path) >= s.limits.Depth {
		s.limited = true
		return
	}
	why := ErrNoIssuer
	for _, issuer := range s.issuers(top) {
		if s.over() {
			return
		}
		if s.steps--; s.steps < 0 {
			s.limited = true
			return
		}
		if slices.ContainsFunc(path, func(c *cert.Certificate) bool { return sameHolder(c, issuer) }) {
			continue // a loop
		}
		if !issuer.IsCA() {
			why = fmt.Errorf("%s: %w", issuer.Subject, ErrNotAuthority)
			continue
		}
		outcome, affordable := s.signed(top, issuer)
		switch {
		case !affordable:
			s.limited = true
			return
		case outcome == pki.Good:
			s.climb(append(slices.Clip(path), issuer))
		case outcome == pki.Bad:
			if errors.Is(why, ErrNoIssuer) {
				why = ErrSignature
			}
		default:
			s.giveUp(path, len(path)-1, outcome.Err(ErrSignature))
		}
	}
	if s.valid == nil && s.final == nil { // else nobody asks what this one lacks
		s.refuse(path, len(path)-1, why, len(path))
	}
}

// issuers returns the certificates whose subject is the issuer that c names: those
// with the key that c names first, then those that name none, and within each those
// that were valid at the time, anchors before the rest.
func (s *search) issuers(c *cert.Certificate) []*cert.Certificate {
	key := c.CanonicalIssuer().Key()
	all := slices.Concat(s.verifier.anchors[key], s.verifier.own[key], s.further[key])
	at := s.request.When.At
	rank := func(issuer *cert.Certificate) int {
		n := 0
		switch {
		case len(c.AuthorityKeyID()) == 0 || len(issuer.SubjectKeyID()) == 0:
			n = 2
		case !bytes.Equal(c.AuthorityKeyID(), issuer.SubjectKeyID()):
			n = 4
		}
		if at.Before(issuer.NotBefore()) || at.After(issuer.NotAfter()) {
			n++
		}
		return n
	}
	slices.SortStableFunc(all, func(a, b *cert.Certificate) int { return cmp.Compare(rank(a), rank(b)) })
	return all
}

// sameHolder reports whether two certificates are of one name and key. A second one in
// a path would only lead around.
func sameHolder(a, b *cert.Certificate) bool {
	if !a.Key.Equal(b.Key) || !a.CanonicalSubject().Equal(b.CanonicalSubject()) {
		return false
	}
	names, _, _ := a.Extension(oid.SubjectAltName)
	others, _, _ := b.Extension(oid.SubjectAltName)
	return bytes.Equal(names, others)
}

// signed reports whether issuer signed c; affordable is false where the limit does
// not let it be known.
func (s *search) signed(c, issuer *cert.Certificate) (outcome pki.Outcome, affordable bool) {
	e := edgeOf(issuer, c)
	if good, known := s.verifier.memory.recall(e); known {
		if good {
			return pki.Good, true
		}
		return pki.Bad, true
	}
	if s.signatures <= 0 {
		return pki.Bad, false
	}
	s.signatures--
	outcome = c.Judge(issuer.Key, s.verifier.second)
	s.verifier.memory.remember(e, outcome)
	return outcome, true
}

// judge decides about a path that ends at an anchor.
func (s *search) judge(path []*cert.Certificate) {
	at, err := s.validate(path)
	if errors.Is(err, ErrLimit) {
		s.giveUp(path, at, err)
		return
	}
	if err != nil {
		s.refuse(path, at, err, s.limits.Depth+1)
		return
	}
	links, verdict, at := s.revocation(path)
	r := &Result{Verdict: verdict, Path: links}
	if verdict != Valid {
		r.err = links[at].Err
	}
	switch {
	case verdict == Valid:
		s.valid = r
	case verdict == Invalid && at == 0:
		s.final = r
	case verdict == Invalid && s.nearest < s.limits.Depth+2:
		s.invalid, s.nearest = r, s.limits.Depth+2
	case verdict == CannotSay && s.undecided == nil:
		s.undecided = r
	}
}

// refuse keeps the path as the reason for [Invalid], if none came nearer.
func (s *search) refuse(path []*cert.Certificate, at int, why error, near int) {
	if s.invalid != nil && near <= s.nearest {
		return
	}
	s.invalid, s.nearest = fault(Invalid, path, at, why), near
}

// giveUp keeps the path as the reason for [CannotSay].
func (s *search) giveUp(path []*cert.Certificate, at int, why error) {
	if s.undecided == nil {
		s.undecided = fault(CannotSay, path, at, why)
	}
}

func fault(verdict Verdict, path []*cert.Certificate, at int, why error) *Result {
	links := make([]Link, len(path))
	for i, c := range path {
		links[i].Certificate = c
	}
	err := fmt.Errorf("certificate of %s: %w", path[at].Subject, why)
	links[at].Err = err
	return &Result{Verdict: verdict, Path: links, err: err}
}

// revocation asks about every certificate of a path below its anchor, from the
// anchor down, as what an authority says counts only while it is not revoked itself.
func (s *search) revocation(path []*cert.Certificate) (links []Link, verdict Verdict, at int) {
	links = make([]Link, len(path))
	for i, c := range path {
		links[i].Certificate = c
	}
	anchor := len(path) - 1
	links[anchor].Revocation = RevocationNotNeeded
	if s.verifier.revocation == nil {
		return links, Valid, 0
	}
	verdict = Valid
	for i := anchor - 1; i >= 0; i-- {
		found, answer := s.status(path[i], path[i+1])
		links[i] = found
		switch answer {
		case Invalid:
			return links, Invalid, i
		case CannotSay:
			if verdict == Valid {
				verdict, at = CannotSay, i
			}
		}
	}
	return links, verdict, at
}

// status asks about one certificate, once in a search.
func (s *search) status(c, issuer *cert.Certificate) (Link, Verdict) {
	link := Link{Certificate: c}
	if _, _, noCheck := c.Extension(oid.OCSPNoCheck); noCheck && s.request.Purpose == PurposeOCSP && c == s.request.Certificate {
		link.Revocation = RevocationNotNeeded
		return link, Valid
	}
	e := edgeOf(issuer, c)
	if known, asked := s.answers[e]; asked {
		return known, verdictOf(known.Revocation)
	}
	if s.statuses--; s.statuses < 0 {
		link.Revocation, link.Err = RevocationUnknown, fmt.Errorf("certificate of %s: %w", c.Subject, ErrLimit)
		return link, CannotSay
	}
	answer, err := s.verifier.revocation.Status(s.ctx, c, issuer, s.request.When)
	link.Answer = answer
	switch {
	case err != nil:
		link.Answer, link.Revocation = Answer{}, RevocationUnknown
		link.Err = fmt.Errorf("certificate of %s: %w: %w", c.Subject, ErrNoStatus, err)
	case answer.Revocation == nil:
		link.Revocation = NotRevoked
	default:
		switch Judge(*answer.Revocation, s.request.When) {
		case Valid:
			link.Revocation = RevokedLater
		case Invalid:
			link.Revocation, link.Err = Revoked, revocationError(c, *answer.Revocation)
		default:
			link.Revocation, link.Err = RevocationUnknown, revocationError(c, *answer.Revocation)
		}
	}
	s.answers[e] = link
	return link, verdictOf(link.Revocation)
}

func verdictOf(s Status) Verdict {
	switch s {
	case Revoked:
		return Invalid
	case RevocationUnknown:
		return CannotSay
	default:
		return Valid
	}
}
