package ocsp

import (
	"errors"
	"fmt"
	"time"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cert"
)

// Authority is a CA that a responder speaks for, and with which key.
type Authority struct {
	Issuer    *cert.Certificate
	Responder *cert.Certificate // certified by the issuer for OCSP; nil: the issuer signs itself
	Key       *pki.Key
}

func (a *Authority) check() error {
	holder := a.Responder
	if holder == nil {
		holder = a.Issuer
	} else if err := checkDelegate(holder, a.Issuer, nil); err != nil {
		return err
	}
	if !holder.Key.Equal(a.Key.Public()) {
		return errors.New("the key is not the responder's")
	}
	return nil
}

// until returns the last moment that a response may speak of.
func (a *Authority) until() time.Time {
	if a.Responder != nil {
		return a.Responder.NotAfter()
	}
	return a.Issuer.NotAfter()
}

// tables are the authorities by everything that a CertID may say of them.
type tables struct {
	authorities []*Authority
	byIssuer    map[issuerID]*Authority
	byKey       map[pki.Point]*Authority
}

func newTables(authorities []Authority) (*tables, error) {
	t := &tables{byIssuer: make(map[issuerID]*Authority), byKey: make(map[pki.Point]*Authority)}
	for i := range authorities {
		a := &authorities[i]
		if err := a.check(); err != nil {
			return nil, fmt.Errorf("OCSP for %s: %w", a.Issuer.Subject, err)
		}
		if t.byKey[a.Issuer.Key.Point()] != nil {
			return nil, fmt.Errorf("OCSP for %s: its key stands twice", a.Issuer.Subject)
		}
		t.authorities = append(t.authorities, a)
		t.byKey[a.Issuer.Key.Point()] = a
		for _, hash := range Hashes() {
			t.byIssuer[newIssuerID(hash, a.Issuer.RawSubject(), a.Issuer.Key)] = a
		}
	}
	return t, nil
}
