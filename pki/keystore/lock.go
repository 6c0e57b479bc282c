package keystore

import (
	"crypto/rand"
	"errors"
	"fmt"
)

// lock is the head's part that says how the key-encryption key is found.
type lock struct {
	Method Method     `cbor:"1,keyasint"`
	Since  int64      `cbor:"2,keyasint"` // Unix seconds
	KDF    *kdf       `cbor:"3,keyasint,omitempty"`
	Token  *tokenLock `cbor:"4,keyasint,omitempty"`
	Shares *shareLock `cbor:"5,keyasint,omitempty"`
}

// tokenLock is a key-encryption key that a token has wrapped.
type tokenLock struct {
	Device    string `cbor:"1,keyasint"`
	Label     string `cbor:"2,keyasint"`
	Algorithm string `cbor:"3,keyasint"`
	Bits      uint32 `cbor:"4,keyasint"`
	Wrapped   []byte `cbor:"5,keyasint"`
}

const (
	maxWrapped = 1024
	maxLabel   = 200
)

// check says whether the lock is one that this program makes.
func (l lock) check(gmOnly bool) error {
	if l.Since < 0 {
		return errors.New("the store was locked before 1970")
	}
	if (l.KDF != nil) != (l.Method == MethodPassphrase) || (l.Token != nil) != (l.Method == MethodToken) || (l.Shares != nil) != (l.Method == MethodShares) {
		return errors.New("the lock does not belong to its method")
	}
	switch l.Method {
	case MethodFile:
		return nil
	case MethodPassphrase:
		return l.KDF.check(gmOnly)
	case MethodToken:
		return l.Token.check(gmOnly)
	case MethodShares:
		return l.Shares.check()
	default:
		return fmt.Errorf("%q is not a method", l.Method)
	}
}

func (t *tokenLock) check(gmOnly bool) error {
	switch {
	case t.Device == "" || len(t.Device) > maxLabel || len(t.Label) > maxLabel || len(t.Algorithm) > maxLabel:
		return errors.New("the token is not named")
	case len(t.Wrapped) == 0 || len(t.Wrapped) > maxWrapped:
		return fmt.Errorf("the wrapped key-encryption key has %d bytes", len(t.Wrapped))
	case gmOnly && t.Algorithm != AlgorithmSM4:
		return fmt.Errorf("the key-encryption key is wrapped with %q: %w", t.Algorithm, ErrNational)
	}
	return nil
}

// newLock makes a lock for an unlock and finds or draws its key-encryption key.
func newLock(u Unlock, store ID, gmOnly bool, now int64) (lock, []byte, error) {
	method, err := u.method()
	if err != nil {
		return lock{}, nil, err
	}
	l := lock{Method: method, Since: now}
	var kek []byte
	switch method {
	case MethodFile:
		kek, err = readKeyFile(u.File)
	case MethodPassphrase:
		if l.KDF, err = newKDF(gmOnly); err == nil {
			kek, err = l.KDF.key(u.Passphrase)
		}
	case MethodToken:
		l.Token, kek, err = wrapNew(u.Token, store, gmOnly)
	case MethodShares:
		if l.Shares, err = newShareLock(store, u.Shares); err == nil {
			kek, err = l.Shares.kek(store, u.Shares)
		}
	}
	if err != nil {
		return lock{}, nil, err
	}
	return l, kek, nil
}

// wrapNew draws a key-encryption key and has the token wrap it.
func wrapNew(token Wrapper, store ID, gmOnly bool) (*tokenLock, []byte, error) {
	key := token.WrappingKey()
	if gmOnly && key.Algorithm != AlgorithmSM4 {
		return nil, nil, fmt.Errorf("wrapping with %s in %s: %w", key.Algorithm, key.Device, ErrNational)
	}
	kek := make([]byte, kekSize)
	if _, err := rand.Read(kek); err != nil {
		return nil, nil, fmt.Errorf("drawing a key-encryption key: %w", err)
	}
	wrapped, err := token.Wrap(kek, store[:])
	if err != nil {
		clear(kek)
		return nil, nil, fmt.Errorf("wrapping the key-encryption key in %s: %w", key.Device, err)
	}
	t := &tokenLock{Device: key.Device, Label: key.Label, Algorithm: key.Algorithm, Bits: uint32(key.Bits), Wrapped: wrapped}
	if err := t.check(gmOnly); err != nil {
		clear(kek)
		return nil, nil, err
	}
	return t, kek, nil
}

// kek finds the key-encryption key as the lock says. A right answer shows only
// when the keyring opens.
func (l lock) kek(u Unlock, store ID) ([]byte, error) {
	method, err := u.method()
	if l.Method == MethodPassphrase && method != MethodPassphrase {
		return nil, fmt.Errorf("%w: %w", ErrMethod, ErrNeedsPassphrase)
	}
	if err != nil {
		return nil, err
	}
	if method != l.Method {
		return nil, fmt.Errorf("it opens with %s, not with %s: %w", l.Method.thing(), method.thing(), ErrMethod)
	}
	switch l.Method {
	case MethodFile:
		return readKeyFile(u.File)
	case MethodPassphrase:
		return l.KDF.key(u.Passphrase)
	case MethodToken:
		return l.Token.kek(u.Token, store)
	default:
		return l.Shares.kek(store, u.Shares)
	}
}

func (t *tokenLock) kek(token Wrapper, store ID) ([]byte, error) {
	if key := token.WrappingKey(); key.Device != t.Device || key.Label != t.Label {
		return nil, fmt.Errorf("it opens with key %q in %s, not with %q in %s: %w", t.Label, t.Device, key.Label, key.Device, ErrMethod)
	}
	kek, err := token.Unwrap(t.Wrapped, store[:])
	if err != nil {
		return nil, fmt.Errorf("unwrapping the key-encryption key in %s: %w: %w", t.Device, ErrLocked, err)
	}
	if len(kek) != kekSize {
		clear(kek)
		return nil, ErrLocked
	}
	return kek, nil
}

func (m Method) thing() string {
	switch m {
	case MethodFile:
		return "a key file"
	case MethodPassphrase:
		return "a passphrase"
	case MethodToken:
		return "a token"
	default:
		return "shares"
	}
}
