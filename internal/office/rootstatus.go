package office

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/crl"
	"github.com/elicence/elicence/pki/keystore"
)

// RootCRL returns the present root's list in force. None is [ErrNoCRL].
func (o *Office) RootCRL(ctx context.Context) (*crl.List, error) {
	roots, err := o.Roots(ctx)
	if err != nil {
		return nil, err
	}
	return o.rootCRL(ctx, roots[len(roots)-1].Name)
}

// rootCRL returns the list in force of one generation of the root.
func (o *Office) rootCRL(ctx context.Context, name string) (*crl.List, error) {
	list, found, err := o.Latest(ctx, name+".crl")
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, fmt.Errorf("%s.crl: %w", name, ErrNoCRL)
	}
	return crl.Parse(list.DER)
}

// maxRootCRLLife bounds how long a list of the root may count.
const maxRootCRLLife = 366 * day

// PublishRootCRL has the root, in every generation that has not ended, sign a list of
// what it has revoked, by its key from the offline store. A life of 0 is that of the
// list in force. It returns the present root's. What could not be signed keeps its list.
func (o *Office) PublishRootCRL(ctx context.Context, actor string, offline *keystore.Store, life time.Duration) (*crl.List, error) {
	if offline == nil {
		return nil, ErrNeedsOffline
	}
	if life != 0 && (life < day || life > maxRootCRLLife) {
		return nil, fmt.Errorf("life of %v is not %v to %v: %w", life, day, maxRootCRLLife, ErrOutOfRange)
	}
	roots, err := o.Roots(ctx)
	if err != nil {
		return nil, err
	}
	var present *crl.List
	for _, root := range roots {
		if !root.Certificate.NotAfter().After(o.now()) {
			continue
		}
		key, err := offline.Signer(keystore.PurposeCA, root.Name)
		if err != nil {
			return nil, err
		}
		if !key.Public().Equal(root.Certificate.Key) {
			return nil, fmt.Errorf("certificate of %s does not belong to the key in the offline store", root.Name)
		}
		lifeOf := life
		if lifeOf == 0 {
			last, err := o.rootCRL(ctx, root.Name)
			if err != nil {
				return nil, err
			}
			lifeOf = last.NextUpdate.Sub(last.ThisUpdate)
		}
		if present, err = o.signRootCRL(ctx, actor, root.Name, root.Certificate, key, lifeOf); err != nil {
			return nil, err
		}
	}
	return present, nil
}

// signRootCRL signs the list of one generation of the root and puts it in force.
// Certificates that ended stay in it: an authority's signatures outlive it.
func (o *Office) signRootCRL(ctx context.Context, actor, name string, root *cert.Certificate, key *pki.Key, life time.Duration) (*crl.List, error) {
	plan := o.crlPlan(name, 0)
	plan.Overlap = life / 4
	plan.Every, plan.DeltaEvery = life-plan.Overlap, 0
	publisher, err := crl.NewPublisher(root, key, plan, crl.Environment{
		Ledger: o.store.CRLLedger(0), Store: o.store.CRLs(), Second: o.second, Now: o.now, Draw: rand.Int64N,
	})
	if err != nil {
		return nil, err
	}
	made, err := publisher.Full(ctx, 0)
	if err != nil {
		return nil, err
	}
	digest := sm3.Sum(made.DER)
	entry, err := audit.NewRecord(audit.Entry{
		Time: o.now().Unix(), Actor: actor, Act: audit.ActRootCRL, Subject: name + " " + strconv.FormatUint(made.Number, 10), Digest: digest[:],
	}, nil)
	if err != nil {
		return nil, err
	}
	if _, err := o.store.Append(ctx, entry); err != nil {
		return nil, err
	}
	return crl.Parse(made.DER)
}

// RenewRootResponder has the present root certify the key anew that answers for it by OCSP. A
// life of 0 is that of the certificate before.
func (o *Office) RenewRootResponder(ctx context.Context, actor string, offline *keystore.Store, life time.Duration) (*cert.Certificate, error) {
	root, err := o.root(ctx, offline)
	if err != nil {
		return nil, err
	}
	key, err := o.keys.Signer(keystore.PurposeOCSP, responderKey(root.Site().Name))
	if err != nil {
		return nil, err
	}
	last, err := o.certificateOf(ctx, key.Public())
	if err != nil {
		return nil, err
	}
	if life == 0 {
		life = (last.NotAfter().Sub(last.NotBefore()) + time.Second).Round(day)
	}
	return certify(ctx, root, ca.Request{Profile: ca.ProfileOCSP, Subject: last.Subject, Key: key.Public(), Renews: last, Life: life}, actor)
}
