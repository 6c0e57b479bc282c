package crl

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/elicence/elicence/pki/cert"
)

// WithDelta returns this full CRL with a delta CRL on top (RFC 5280, 5.2.4): what
// the delta names has the delta's state, removeFromCRL takes an entry out, number
// and dates are the delta's. Both must be of one issuer, key and scope, and the full
// CRL must be at least the delta's base and older than the delta; else the error
// wraps [ErrWrongBase]. Neither list is changed. [List.Verify] checks both.
func (l *List) WithDelta(delta *List) (*List, error) {
	bad := func(what string) (*List, error) { return nil, fmt.Errorf("%s: %w", what, ErrWrongBase) }
	switch {
	case l.IsDelta() || l.delta != nil:
		return bad("the base is not a full CRL")
	case !delta.IsDelta():
		return bad("not a delta CRL")
	case !bytes.Equal(l.Issuer, delta.Issuer):
		return bad("another issuer")
	case !bytes.Equal(l.AuthorityKeyID, delta.AuthorityKeyID):
		return bad("another key")
	case l.OnlyUsers != delta.OnlyUsers || l.OnlyCAs != delta.OnlyCAs || !samePoints(l.Points, delta.Points):
		return bad("another scope")
	case l.Number == nil || l.Number.Cmp(delta.Base) < 0:
		return bad(fmt.Sprintf("the full CRL has number %v, the delta begins at %v", l.Number, delta.Base))
	case l.Number.Cmp(delta.Number) >= 0:
		return bad(fmt.Sprintf("the full CRL has number %v, the delta only %v", l.Number, delta.Number))
	case delta.ThisUpdate.Before(l.ThisUpdate):
		return bad("the delta is older than the full CRL")
	}
	joined := *l
	joined.delta = delta
	joined.Number, joined.ThisUpdate, joined.NextUpdate = delta.Number, delta.ThisUpdate, delta.NextUpdate
	return &joined, nil
}

// samePoints compares two scopes, whose names may stand in any order.
func samePoints(a, b []cert.GeneralName) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(a, b)
}
