package office

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/keystore"
	"github.com/elicence/elicence/qr/status"
)

// tokenKey names the key of the status list tokens, for officers and in the key store. It is
// derived from a secret of that name, so that what lies on the disk is a key file like all
// others, and has no certificate.
const tokenKey = "token-status-es256"

// TokenKeys are the keys of the status list tokens at one moment.
type TokenKeys struct {
	current *status.TokenKey
	known   []*status.TokenKey
}

// JWKS returns the public keys as a JWK Set: the one in use, one that is announced, and
// those of before while a token of theirs has not ended.
func (k *TokenKeys) JWKS() ([]byte, error) { return status.JWKS(k.known...) }

// TokenKeys returns the keys of the tokens, and makes the first when there is none yet. A
// store of national algorithms only has none: [keystore.ErrNational].
func (o *Office) TokenKeys(ctx context.Context) (*TokenKeys, error) {
	if o.keys.GMOnly() {
		return nil, fmt.Errorf("status list tokens are signed with ES256: %w", keystore.ErrNational)
	}
	ring, err := o.tokenKeyring(ctx)
	if err != nil {
		return nil, err
	}
	now := o.now()
	keys := new(TokenKeys)
	for _, g := range ring {
		if tokensEnded(g, now) {
			continue
		}
		// Only the first of a ring that never grew may be missing: it is made when it is wanted.
		key, err := o.tokenKeyOf(g.Key, len(ring) == 1)
		if err != nil {
			return nil, fmt.Errorf("key of the status list tokens: %w", err)
		}
		keys.known = append(keys.known, key)
		if g.at(now.Unix()) {
			keys.current = key
		}
	}
	if keys.current == nil {
		return nil, errors.New("no key of the status list tokens is in use now")
	}
	return keys, nil
}

// tokensEnded reports whether every token that a key has signed has ended.
func tokensEnded(g generation, now time.Time) bool {
	_, until := g.times()
	return g.Until != 0 && !now.Before(until.Add(tokenLife))
}

// tokenKeyring is [Office.keyring] of the tokens' key, none of whose generations has a point
// on the curve of SM2.
func (o *Office) tokenKeyring(ctx context.Context) (keyring, error) {
	b, err := o.store.Setting(ctx, keyringSetting(keystore.PurposeService, tokenKey))
	if err != nil {
		return nil, err
	}
	if b == nil {
		return keyring{{Key: tokenKey}}, nil
	}
	var ring keyring
	if err := json.Unmarshal(b, &ring); err != nil || len(ring) < 2 {
		return nil, fmt.Errorf("generations of the key of the status list tokens: %w", errors.Join(err, errors.New("the record is damaged")))
	}
	return ring, nil
}

// tokenKeyOf derives a key from its secret, which it makes if it may and there is none.
func (o *Office) tokenKeyOf(name string, mayMake bool) (*status.TokenKey, error) {
	o.presenting.Lock()
	defer o.presenting.Unlock()
	if key := o.tokenKeys[name]; key != nil {
		return key, nil
	}
	secret, err := o.keys.Secret(keystore.PurposeService, name)
	if mayMake && errors.Is(err, keystore.ErrNoKey) {
		secret, err = o.keys.GenerateSecret(keystore.PurposeService, name)
	}
	if err != nil {
		return nil, err
	}
	for try := range byte(255) { // one number in 2^32 is no scalar of P-256
		scalar := secret.MAC([]byte("elicence/token-status/es256/1"), []byte{try})
		private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar[:])
		if err != nil {
			continue
		}
		key, err := status.NewTokenKey(private)
		if err == nil {
			o.tokenKeys[name] = key
		}
		return key, err
	}
	return nil, errors.New("no scalar was found")
}

// rotateTokenKey is [Office.RotateKey] for the key of the status list tokens. The secrets of
// keys whose tokens have all ended are destroyed on the way.
func (o *Office) rotateTokenKey(ctx context.Context, actor string, notice time.Duration) error {
	if _, err := o.TokenKeys(ctx); err != nil {
		return err
	}
	o.rotating.Lock()
	defer o.rotating.Unlock()
	ring, err := o.tokenKeyring(ctx)
	if err != nil {
		return err
	}
	now := o.now()
	if err := ring.settled(tokenKey, now); err != nil {
		return err
	}
	next := fmt.Sprintf("%s.%d", tokenKey, len(ring)+1)
	if _, err := o.tokenKeyOf(next, true); err != nil { // a try before this one may have made it
		return fmt.Errorf("key of the status list tokens: %w", err)
	}
	value, err := json.Marshal(ring.next(next, pki.Point{}, now.Add(notice).Unix()))
	if err != nil {
		return err
	}
	entry, err := o.folder.Entry(actor, audit.ActKeyRotate, next)
	if err != nil {
		return err
	}
	if err := o.store.PutSettings(ctx, map[string][]byte{keyringSetting(keystore.PurposeService, tokenKey): value}, entry); err != nil {
		return err
	}
	for _, g := range ring {
		if !tokensEnded(g, now) {
			continue
		}
		if err := o.forgetTokenKey(g.Key); err != nil {
			return err
		}
	}
	_, err = o.Publish(ctx, actor) // lists are signed anew with it
	return err
}

// forgetTokenKey destroys the secret of a key that has signed no token that still counts.
func (o *Office) forgetTokenKey(name string) error {
	o.presenting.Lock()
	defer o.presenting.Unlock()
	delete(o.tokenKeys, name)
	return o.keys.DestroySecret(keystore.PurposeService, name)
}

// tokenGenerations lists the keys of the tokens; none where none was made yet.
func (o *Office) tokenGenerations(ctx context.Context) ([]KeyGeneration, error) {
	ring, err := o.tokenKeyring(ctx)
	if err != nil {
		return nil, err
	}
	if len(ring) == 1 {
		if _, err := o.keys.Secret(keystore.PurposeService, tokenKey); errors.Is(err, keystore.ErrNoKey) {
			return nil, nil
		} else if err != nil {
			return nil, err
		}
	}
	var all []KeyGeneration
	for _, g := range ring {
		k := KeyGeneration{Name: g.Key, Purpose: keystore.PurposeService, InUse: g.at(o.now().Unix())}
		k.From, k.Until = g.times()
		all = append(all, k)
	}
	return all, nil
}
