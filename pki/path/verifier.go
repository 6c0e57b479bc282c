package path

import (
	"context"
	"fmt"
	"slices"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/oid"
)

// Limits bound the work of one question. Where one is reached the answer is
// [CannotSay] with [ErrLimit], if no valid path was found before.
type Limits struct {
	Depth      int // certificates of a path, with both ends
	Further    int // certificates that the caller brings
	Steps      int // certificates that are tried as issuers
	Signatures int // signatures that are verified, not counting remembered ones
	Names      int // names that are read or compared for name constraints
	Statuses   int // certificates whose revocation is asked about
	Remembered int // signatures remembered over all questions, at least
}

// DefaultLimits returns limits that no honest hierarchy comes near.
func DefaultLimits() Limits {
	return Limits{Depth: 10, Further: 100, Steps: 1000, Signatures: 100, Names: 100_000, Statuses: 20, Remembered: 10_000}
}

// Options make a verifier.
type Options struct {
	Anchors       []*cert.Certificate // authorities that are trusted as they stand
	Intermediates []*cert.Certificate // may stand in a path, not trusted by themselves
	Second        pki.SecondOpinion   // asked about refused signatures; nil: nobody is
	Revocation    Revocation          // nil: not checked, and the result says so
	Limits        Limits              // zero: [DefaultLimits]
}

// Verifier decides about certificates under one set of anchors. It is safe for
// concurrent use.
type Verifier struct {
	anchors    map[string][]*cert.Certificate // by canonical subject
	own        map[string][]*cert.Certificate
	second     pki.SecondOpinion
	revocation Revocation
	limits     Limits
	memory     *memory
	answered   *answered // nil: every request is looked into
}

// New returns a verifier. Every anchor must be an authority.
func New(o Options) (*Verifier, error) {
	if o.Limits == (Limits{}) {
		o.Limits = DefaultLimits()
	}
	for _, a := range o.Anchors {
		if !a.IsCA() {
			return nil, fmt.Errorf("trust anchor %s: %w", a.Subject, ErrNotAuthority)
		}
	}
	return &Verifier{
		anchors: bySubject(o.Anchors), own: bySubject(o.Intermediates),
		second: o.Second, revocation: o.Revocation, limits: o.Limits, memory: newMemory(o.Limits.Remembered),
	}, nil
}

func bySubject(certificates []*cert.Certificate) map[string][]*cert.Certificate {
	index := make(map[string][]*cert.Certificate)
	for _, c := range certificates {
		key := c.CanonicalSubject().Key()
		index[key] = append(index[key], c)
	}
	return index
}

// Request is one question.
type Request struct {
	Certificate *cert.Certificate
	Purpose     Purpose
	When        Moment              // zero times are outside every certificate's dates
	Further     []*cert.Certificate // that came with it and may stand in the path
	Policies    []oid.ID            // the path must be good for one of them; none: for any or none
	// ExplicitPolicy: the path must be good for some policy, whichever.
	ExplicitPolicy bool
}

// Verify looks for a valid path and says what it found. Among several paths the
// first valid one counts, except that a revocation of the certificate in question is
// final: a detour around it does not bring it back.
func (v *Verifier) Verify(ctx context.Context, r Request) *Result {
	if _, known := r.Purpose.rule(); !known {
		return &Result{Verdict: Invalid, Path: []Link{{Certificate: r.Certificate, Err: ErrUsage}},
			err: fmt.Errorf("%s is not known: %w", r.Purpose, ErrUsage)}
	}
	if found := v.answered.recall(r); found != nil {
		return found
	}
	s := &search{
		ctx: ctx, verifier: v, request: r, limits: v.limits, signatures: v.limits.Signatures, steps: v.limits.Steps,
		names: v.limits.Names, statuses: v.limits.Statuses,
		answers: make(map[edge]Link),
	}
	further := r.Further
	if len(further) > v.limits.Further {
		further, s.limited = further[:v.limits.Further], true
	}
	s.further = bySubject(further)
	s.climb([]*cert.Certificate{r.Certificate})
	found := s.result()
	v.answered.keep(r, found)
	return found
}

// isAnchor reports whether a certificate is an anchor, byte for byte.
func (v *Verifier) isAnchor(c *cert.Certificate) bool {
	return slices.ContainsFunc(v.anchors[c.CanonicalSubject().Key()], c.Equal)
}
