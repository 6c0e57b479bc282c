package office

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
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

const (
	rootCRLSetting       = "root.crl"
	rootCRLNumberSetting = "root.crl.number" // the last number that was taken
)

var errNoCRL = errors.New("the root has signed no list")

// RootCRL returns the root's list in force.
func (o *Office) RootCRL(ctx context.Context) (*crl.List, error) {
	der, err := o.store.Setting(ctx, rootCRLSetting)
	if err != nil {
		return nil, err
	}
	if der == nil {
		return nil, errNoCRL
	}
	return crl.Parse(der)
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
	if err != nil && !errors.Is(err, errNoCRL) {
		return nil, err
	}
	if life < day || life > maxRootCRLLife {
		return nil, fmt.Errorf("life of %v is not %v to %v: %w", life, day, maxRootCRLLife, ErrOutOfRange)
	}
	if last != nil && last.ThisUpdate.After(o.now()) {
		return nil, fmt.Errorf("the root's list: %w", crl.ErrClock)
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

// signRootCRL takes the next number, signs, and puts the list in force.
func (o *Office) signRootCRL(ctx context.Context, actor string, root *cert.Certificate, key *pki.Key, life time.Duration) (*crl.List, error) {
	o.rotating.Lock()
	defer o.rotating.Unlock()
	number, err := o.takeRootCRLNumber(ctx)
	if err != nil {
		return nil, err
	}
	now := o.now().UTC().Truncate(time.Second)
	t := &crl.Template{Issuer: root, Number: number, ThisUpdate: now, NextUpdate: now.Add(life)}
	list, err := crl.Build(t, o.revokedByRoot(ctx, root), key, o.second)
	if err != nil {
		return nil, err
	}
	digest := sm3.Sum(list.DER)
	entry, err := audit.NewRecord(audit.Entry{
		Time: o.now().Unix(), Actor: actor, Act: audit.ActRootCRL, Subject: strconv.FormatUint(number, 10), Digest: digest[:],
	}, nil)
	if err != nil {
		return nil, err
	}
	return list, o.store.PutSetting(ctx, rootCRLSetting, list.DER, entry)
}

// takeRootCRLNumber puts a number on the disk before anything is signed under it, so that
// none is ever used for two lists.
func (o *Office) takeRootCRLNumber(ctx context.Context) (uint64, error) {
	b, err := o.store.Setting(ctx, rootCRLNumberSetting)
	if err != nil {
		return 0, err
	}
	var number uint64
	if b != nil {
		if number, err = strconv.ParseUint(string(b), 10, 63); err != nil {
			return 0, fmt.Errorf("number of the root's list: the record is damaged: %w", err)
		}
	}
	number++
	return number, o.store.PutSetting(ctx, rootCRLNumberSetting, strconv.AppendUint(nil, number, 10))
}

// revokedByRoot yields what the root's list names. Certificates that ended stay in it: an
// authority's signatures outlive it.
func (o *Office) revokedByRoot(ctx context.Context, root *cert.Certificate) iter.Seq2[crl.Entry, error] {
	return func(yield func(crl.Entry, error) bool) {
		for r, err := range o.store.RevokedBy(ctx, root.Key.Point(), ca.Shard{}) {
			if !yield(crl.Entry{Serial: bytes.TrimLeft(r.Serial[:], "\x00"), Revocation: r.Revocation}, err) || err != nil {
				return
			}
		}
	}
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
