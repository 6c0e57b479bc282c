//go:build !cgo

package pkcs11

import "github.com/elicence/elicence/pki/keystore"

// Token is an open token. In a program without cgo there is none.
type Token struct{}

// Open answers [ErrNotBuilt].
func Open(Config) (*Token, error) { return nil, ErrNotBuilt }

// Close does nothing.
func (*Token) Close() error { return ErrNotBuilt }

// MakeWrappingKey answers [ErrNotBuilt].
func (*Token) MakeWrappingKey() error { return ErrNotBuilt }

// Wrapper answers [ErrNotBuilt].
func (*Token) Wrapper() (keystore.Wrapper, error) { return nil, ErrNotBuilt }

// Device answers [ErrNotBuilt].
func (*Token) Device() (keystore.Maker, error) { return nil, ErrNotBuilt }
