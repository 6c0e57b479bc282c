package office

import (
	"context"
	"errors"
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

// rootCRLName is the root's list within URLs.
const rootCRLName = rootKey + ".crl"

// RootCRL returns the root's list in force. None is [ErrNoCRL].
func (o *Office) RootCRL(ctx context.Context) (*crl.List, error) {
	list, found, err := o.Latest(ctx, rootCRLName)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, fmt.Errorf("%s: %w", rootCRLName, ErrNoCRL)
	}
	return crl.Parse(list.DER)
}

// maxRootCRLLife bounds how long a list of the root may count.
const maxRootCRLLife = 366 * day

// PublishRootCRL has the root sign a list of what it has revoked, by its key from the
// offline store. A life of 0 is that of the list in force. The list in force stays where
// signing fails.
func (o *Office) PublishRootCRL(ctx context.Context, actor string, offline *keystore.Store, life time.Duration) (*crl.List, error) {
	last, err := o.RootCRL(ctx)
	if life == 0 {
		if err != nil {
			return nil, err
		}
		life = last.NextUpdate.Sub(last.ThisUpdate)
	}
	if err != nil && !errors.Is(err, ErrNoCRL) {
		return nil, err
	}
	if life < day || life > maxRootCRLLife {
		return nil, fmt.Errorf("life of %v is not %v to %v: %w", life, day, maxRootCRLLife, ErrOutOfRange)
	}
	root, err := o.root(ctx, offline)
	if err != nil {
		return nil, err
	}
	key, err := offline.Signer(keystore.PurposeCA, rootKey)
	if err != nil {
		return nil, err
	}
	return o.signRootCRL(ctx, actor, root.Certificate(), key, life)
}

// signRootCRL signs the root's list and puts it in force. Certificates that ended stay
// in it: an authority's signatures outlive it.
func (o *Office) signRootCRL(ctx context.Context, actor string, root *cert.Certificate, key *pki.Key, life time.Duration) (*crl.List, error) {
	plan := o.crlPlan(rootKey, 0)
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
		Time: o.now().Unix(), Actor: actor, Act: audit.ActRootCRL, Subject: strconv.FormatUint(made.Number, 10), Digest: digest[:],
	}, nil)
	if err != nil {
		return nil, err
	}
	if _, err := o.store.Append(ctx, entry); err != nil {
		return nil, err
	}
	return crl.Parse(made.DER)
}

// RenewRootResponder has the root certify the key anew that answers for it by OCSP. A
// life of 0 is that of the certificate before.
func (o *Office) RenewRootResponder(ctx context.Context, actor string, offline *keystore.Store, life time.Duration) (*cert.Certificate, error) {
	root, err := o.root(ctx, offline)
	if err != nil {
		return nil, err
	}
	key, err := o.keys.Signer(keystore.PurposeOCSP, rootResponder)
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
