package main

import (
	"fmt"

	"github.com/elicence/elicence/pki/keystore"
	"github.com/elicence/elicence/pki/keystore/pkcs11"
)

// token is a PKCS#11 token that a flag names; the zero value is none. It stays open
// until the program ends.
type token struct {
	flag    string
	opened  *pkcs11.Token
	devices []keystore.Device // the token, if signing keys live in it
}

// openToken opens the token that a file names, if one is named.
func openToken(flag, path string) (token, error) {
	if path == "" {
		return token{}, nil
	}
	c, err := pkcs11.ReadConfig(path)
	if err != nil {
		return token{}, fmt.Errorf("%s: %w", flag, err)
	}
	t := token{flag: flag}
	if t.opened, err = pkcs11.Open(c); err != nil {
		return token{}, fmt.Errorf("%s: %w", flag, err)
	}
	if c.SM2 != nil {
		d, err := t.opened.Device()
		if err != nil {
			return token{}, fmt.Errorf("%s: %w", flag, err)
		}
		t.devices = []keystore.Device{d}
	}
	return t, nil
}

// wrapper returns the token's wrapping key; nil without a token.
func (t token) wrapper() (keystore.Wrapper, error) {
	if t.opened == nil {
		return nil, nil
	}
	w, err := t.opened.Wrapper()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.flag, err)
	}
	return w, nil
}

// newWrapper is wrapper for a store that is locked with it: the token makes the key
// if it has none.
func (t token) newWrapper() (keystore.Wrapper, error) {
	if t.opened == nil {
		return nil, nil
	}
	if err := t.opened.MakeWrappingKey(); err != nil {
		return nil, fmt.Errorf("%s: %w", t.flag, err)
	}
	return t.wrapper()
}
