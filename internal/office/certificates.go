package office

import (
	"context"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/keystore"
)

// environment is what certificate authorities need from the office.
func (o *Office) environment() ca.Environment {
	return ca.Environment{Ledger: o.store, Second: o.second, Now: o.now}
}

// authority opens one of the four intermediate certificate authorities.
func (o *Office) authority(ctx context.Context, name string) (*ca.Authority, error) {
	key, err := o.keys.Signer(keystore.PurposeCA, name)
	if err != nil {
		return nil, err
	}
	c, err := o.certificateOf(ctx, key.Public())
	if err != nil {
		return nil, err
	}
	return ca.New(c, key, o.environment())
}

// certificateOf returns the certificate of one of our keys.
func (o *Office) certificateOf(ctx context.Context, key *pki.PublicKey) (*cert.Certificate, error) {
	der, err := o.store.CertificateOf(ctx, key.Point())
	if err != nil {
		return nil, err
	}
	return cert.Parse(der)
}

// AuthorityCertificates returns the certificates of the root and of the intermediate
// authorities, by name.
func (o *Office) AuthorityCertificates(ctx context.Context) (map[string]*cert.Certificate, error) {
	der, err := o.store.Setting(ctx, rootSetting)
	if err != nil {
		return nil, err
	}
	root, err := cert.Parse(der)
	if err != nil {
		return nil, err
	}
	found := map[string]*cert.Certificate{rootKey: root}
	for _, name := range Intermediates() {
		a, err := o.authority(ctx, name)
		if err != nil {
			return nil, err
		}
		found[name] = a.Certificate()
	}
	return found, nil
}

// Certificates calls f with every certificate that was issued, in no particular
// order.
func (o *Office) Certificates(ctx context.Context, f func(*cert.Certificate) error) error {
	return o.store.Certificates(ctx, func(der []byte) error {
		c, err := cert.Parse(der)
		if err != nil {
			return err
		}
		return f(c)
	})
}
