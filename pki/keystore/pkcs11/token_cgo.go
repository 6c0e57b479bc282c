//go:build cgo

package pkcs11

import (
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/ThalesGroup/crypto11"

	"github.com/elicence/elicence/pki/keystore"
)

// Token is an open token with a user logged in. It is safe for concurrent use.
type Token struct {
	config  Config
	context *crypto11.Context
}

const (
	nonceSize   = 12
	aesBits     = 256
	maxSessions = 8
)

// Open loads the module, finds the token by its label and logs the user in.
func Open(c Config) (*Token, error) {
	pin, err := c.pin()
	if err != nil {
		return nil, err
	}
	context, err := crypto11.Configure(&crypto11.Config{
		Path: c.Module, TokenLabel: c.Token, Pin: pin, GCMIVLength: nonceSize, MaxSessions: maxSessions,
	})
	if err != nil {
		return nil, fmt.Errorf("opening token %q behind %s: %w", c.Token, c.Module, err)
	}
	return &Token{c, context}, nil
}

// Close logs out and lets the module go.
func (t *Token) Close() error {
	if err := t.context.Close(); err != nil {
		return fmt.Errorf("closing token %q: %w", t.config.Token, err)
	}
	return nil
}

func (t *Token) name() string { return "pkcs11:" + t.config.Token }

// MakeWrappingKey has the token make the wrapping key, unless it has one of that
// label.
func (t *Token) MakeWrappingKey() error {
	found, err := t.context.FindKeys(nil, []byte(t.config.Key))
	if err != nil {
		return fmt.Errorf("looking for key %q in %s: %w", t.config.Key, t.name(), err)
	}
	if len(found) > 0 {
		return nil
	}
	id := make([]byte, 16)
	if _, err := rand.Read(id); err != nil {
		return fmt.Errorf("drawing an identifier: %w", err)
	}
	if _, err := t.context.GenerateSecretKeyWithLabel(id, []byte(t.config.Key), aesBits, crypto11.CipherAES); err != nil {
		return fmt.Errorf("making key %q in %s: %w", t.config.Key, t.name(), err)
	}
	return nil
}

// Wrapper returns the wrapping key. The error wraps keystore.ErrNoKey if the token
// has none of that label.
func (t *Token) Wrapper() (keystore.Wrapper, error) {
	found, err := t.context.FindKeys(nil, []byte(t.config.Key))
	if err != nil {
		return nil, fmt.Errorf("looking for key %q in %s: %w", t.config.Key, t.name(), err)
	}
	switch len(found) {
	case 0:
		return nil, fmt.Errorf("key %q in %s: %w", t.config.Key, t.name(), keystore.ErrNoKey)
	case 1:
	default:
		return nil, fmt.Errorf("%s has %d keys %q: it must be one", t.name(), len(found), t.config.Key)
	}
	if err := t.checkKept(found[0]); err != nil {
		return nil, fmt.Errorf("key %q in %s: %w", t.config.Key, t.name(), err)
	}
	return &wrapper{t, found[0]}, nil
}

// checkKept refuses a key that the token would give away.
func (t *Token) checkKept(key *crypto11.SecretKey) error {
	for _, want := range []struct {
		attribute crypto11.AttributeType
		value     byte
		name      string
	}{{crypto11.CkaSensitive, 1, "sensitive"}, {crypto11.CkaExtractable, 0, "kept inside the token"}} {
		a, err := t.context.GetAttribute(key, want.attribute)
		if err != nil {
			return fmt.Errorf("asking whether it is %s: %w", want.name, err)
		}
		if a == nil || len(a.Value) != 1 || a.Value[0] != want.value {
			return fmt.Errorf("it is not %s", want.name)
		}
	}
	return nil
}

type wrapper struct {
	token *Token
	key   *crypto11.SecretKey
}

// WrappingKey describes the key.
func (w *wrapper) WrappingKey() keystore.WrappingKey {
	return keystore.WrappingKey{Device: w.token.name(), Label: w.token.config.Key, Algorithm: "AES", Bits: aesBits}
}

// Wrap answers nonce ‖ AES-GCM ciphertext.
func (w *wrapper) Wrap(kek, context []byte) ([]byte, error) {
	aead, err := w.key.NewGCM()
	if err != nil {
		return nil, fmt.Errorf("preparing AES-GCM: %w", err)
	}
	nonce := make([]byte, nonceSize)
	if _, err := rand.Read(nonce); err != nil {
		return nil, fmt.Errorf("drawing a nonce: %w", err)
	}
	return seal(aead.Seal, nonce, kek, context)
}

// seal turns the panic by which crypto11 reports what the token refuses into an error:
// cipher.AEAD has no other way out.
func seal(do func(dst, nonce, plain, data []byte) []byte, nonce, plain, data []byte) ([]byte, error) {
	var sealed []byte
	var failed error
	func() {
		defer func() {
			if refused := recover(); refused != nil {
				cause, ok := refused.(error)
				if !ok {
					panic(refused)
				}
				failed = cause
			}
		}()
		sealed = do(nonce, nonce, plain, data)
	}()
	return sealed, failed
}

// Unwrap is the inverse of Wrap.
func (w *wrapper) Unwrap(wrapped, context []byte) ([]byte, error) {
	if len(wrapped) <= nonceSize {
		return nil, errors.New("the wrapped key is cut off")
	}
	aead, err := w.key.NewGCM()
	if err != nil {
		return nil, fmt.Errorf("preparing AES-GCM: %w", err)
	}
	return aead.Open(nil, wrapped[:nonceSize], wrapped[nonceSize:], context)
}
