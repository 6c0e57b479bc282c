package office

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"golang.org/x/time/rate"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/keystore"
	"github.com/elicence/elicence/pki/ocsp"
)

// How OCSP answers live. What is revoked is told at once by the responder itself, and
// after ocspMaxAge by caches on the way.
const (
	ocspLife   = 24 * time.Hour
	ocspRenew  = 6 * time.Hour
	ocspMaxAge = 10 * time.Minute
	// ocspShelf bounds the answers that are made ahead, in bytes of memory, where the
	// operator does not: about three hundred thousand. The others are signed when they are
	// asked for.
	ocspShelf = 512 << 20
	// ocspSigned bounds the answers that are signed for askers, in a second: one costs
	// fifty microseconds of a core, and whoever puts a nonce into a question can make
	// any number of them.
	ocspSigned = 10_000
	// responderRenew is how long before its end a responder's certificate is renewed.
	responderRenew = 10 * 24 * time.Hour
)

// responderKey is the name of the key that answers for an authority.
func responderKey(authority string) string { return "ocsp-" + authority }

// OCSP returns the one responder for every certificate authority of the house. Keys
// and certificates that are missing or near their end are made.
//
// Answers that were made ahead are kept in memory: they are gone when the process
// ends, so that no crash lets one hide a revocation.
func (o *Office) OCSP(ctx context.Context, actor string) (*ocsp.Responder, error) {
	o.answering.mu.Lock()
	defer o.answering.mu.Unlock()
	authorities, err := o.ocspAuthorities(ctx, actor)
	if err != nil {
		return nil, fmt.Errorf("OCSP: %w", err)
	}
	if r := o.answering.responder; r != nil {
		return r, r.SetAuthorities(authorities...)
	}
	var shelf ocsp.Shelf = ocsp.NewMemoryShelf(o.ocspMemory)
	if o.folder.Shared {
		at := o.now()
		sequence, err := o.store.StatusSequence(ctx)
		if err != nil {
			return nil, fmt.Errorf("OCSP: %w", err)
		}
		o.following.set(sequence, at)
		shelf = followedShelf{shelf, func() bool { return o.following.lately(o.now()) }}
	}
	o.answering.responder, err = ocsp.NewResponder(ocsp.Plan{Life: ocspLife, Renew: ocspRenew, MaxAge: ocspMaxAge}, ocsp.Environment{
		Ledger: o.store.OCSPLedger(o.now), Shelf: shelf, Now: o.now, Draw: rand.Int64N,
		MaySign: rate.NewLimiter(ocspSigned, ocspSigned).Allow,
	}, authorities...)
	return o.answering.responder, err
}

// ocspAuthorities returns whom the responder answers for: the intermediate
// authorities, and the root if a key was certified for that when its own was at hand.
func (o *Office) ocspAuthorities(ctx context.Context, actor string) ([]ocsp.Authority, error) {
	issuing, err := o.StatusAuthorities(ctx)
	if err != nil {
		return nil, err
	}
	var all []ocsp.Authority
	for _, a := range issuing {
		key, responder, err := o.delegate(ctx, actor, a)
		if err != nil {
			return nil, fmt.Errorf("responder for %s: %w", a.Name, err)
		}
		all = append(all, ocsp.Authority{Issuer: a.Certificate(), Responder: responder, Key: key})
	}
	roots, err := o.Roots(ctx)
	if err != nil {
		return nil, err
	}
	for _, root := range roots {
		delegate, found, err := o.rootDelegate(ctx, root)
		if err != nil {
			return nil, fmt.Errorf("responder for %s: %w", root.Name, err)
		}
		if found {
			all = append(all, delegate)
		}
	}
	return all, nil
}

// delegate returns the key that answers for an authority and its certificate.
func (o *Office) delegate(ctx context.Context, actor string, a StatusAuthority) (*pki.Key, *cert.Certificate, error) {
	name := responderKey(a.Name)
	key, err := o.responderOf(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	status, err := o.statusOfKey(ctx, key.Public().Point())
	if err != nil {
		return nil, nil, err
	}
	r := ca.Request{Profile: ca.ProfileOCSP, Subject: o.serviceName(a.Certificate().Subject.CommonName + "状态响应"), Key: key.Public()}
	switch status.State {
	case ca.Unknown: // the key's first
	case ca.Good:
		c, err := o.certificateOf(ctx, key.Public())
		if err != nil || c.NotAfter().Sub(o.now()) > responderRenew {
			return key, c, err
		}
		r.Renews, r.Subject = c, c.Subject
	default:
		return nil, nil, fmt.Errorf("key %s/%s: its certificate is %s: %w", keystore.PurposeOCSP, name, status.State, ca.ErrState)
	}
	c, err := certify(ctx, a.Authority, r, actor)
	return key, c, err
}

// responderOf opens the present generation of a responder's key, or makes the first.
func (o *Office) responderOf(ctx context.Context, name string) (*pki.Key, error) {
	ring, err := o.keyring(ctx, keystore.PurposeOCSP, name)
	if errors.Is(err, keystore.ErrNoKey) {
		return o.keys.GenerateSigner(keystore.PurposeOCSP, name)
	}
	if err != nil {
		return nil, err
	}
	g, err := ring.current(o.now())
	if err != nil {
		return nil, err
	}
	return o.generationKey(keystore.PurposeOCSP, g)
}

// rotatableResponder finds the responder of an intermediate authority's present key by
// the name ocsp-NAME. A generation of its key has '-' before its number: with '.' it
// would be the responder of a generation of the authority.
func (o *Office) rotatableResponder(ctx context.Context, name string) (rotatable, bool, error) {
	for _, authority := range Intermediates() {
		if name != responderKey(authority) {
			continue
		}
		ring, err := o.keyringOfAuthority(ctx, authority)
		if err != nil {
			return rotatable{}, false, err
		}
		g, err := ring.current(o.now())
		return rotatable{keystore.PurposeOCSP, responderKey(g.Key), "-", authority, o.responderRequest(authority)}, err == nil, err
	}
	return rotatable{}, false, nil
}

// rootDelegate returns who answers for a generation of the root, if there is one whose certificate has
// not ended: a new one needs the root's own key.
func (o *Office) rootDelegate(ctx context.Context, root RootGeneration) (ocsp.Authority, bool, error) {
	var none ocsp.Authority
	key, err := o.keys.Signer(keystore.PurposeOCSP, responderKey(root.Name))
	if errors.Is(err, keystore.ErrNoKey) {
		return none, false, nil
	}
	if err != nil {
		return none, false, err
	}
	// A key that was lost answers nothing; the others go on.
	if err := o.inForce(ctx, key.Public().Point()); errors.Is(err, ca.ErrState) {
		return none, false, nil
	} else if err != nil {
		return none, false, err
	}
	c, err := o.certificateOf(ctx, key.Public())
	if err != nil {
		return none, false, err
	}
	if !o.now().Before(c.NotAfter()) {
		return none, false, nil
	}
	return ocsp.Authority{Issuer: root.Certificate, Responder: c, Key: key}, true, nil
}

// statusChanged tells the responder, if one answers in this process, that the ledger
// says something else of a certificate. What was made ahead is gone before the act
// returns. A certificate that is new needs no such call: "unknown" is never kept.
func (o *Office) statusChanged(ctx context.Context, issuer pki.Point, serial cert.Serial) {
	o.answering.mu.Lock()
	r := o.answering.responder
	o.answering.mu.Unlock()
	if r == nil || !r.Answers(issuer) {
		return
	}
	// The ledger has it: whoever gave up waiting must not leave the old answer. If no
	// new one can be signed, the old one is gone all the same, and the next pass of the
	// producer meets the same error and reports it.
	_ = r.Changed(context.WithoutCancel(ctx), issuer, serial[:])
}
