package bolt

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"github.com/elicence/elicence/internal/detcbor"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/ca"
)

var _ ca.Ledger = (*Store)(nil)

// certificate is the value of the bucket certificates.
type certificate struct {
	TBS []byte `cbor:"1,keyasint"`           // the intent
	DER []byte `cbor:"2,keyasint,omitempty"` // empty: intended, and perhaps signed
}

// IntendCertificate implements [ca.Ledger].
func (s *Store) IntendCertificate(_ context.Context, serial string, point pki.Point, tbs []byte) error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		if tx.Bucket(buckets.points).Get(point[:]) != nil {
			return ca.ErrKeyInUse
		}
		if tx.Bucket(buckets.certificates).Get([]byte(serial)) != nil {
			return errors.New("the serial number was used before")
		}
		return errors.Join(
			tx.Bucket(buckets.points).Put(point[:], []byte(serial)),
			put(tx.Bucket(buckets.certificates), []byte(serial), certificate{TBS: tbs}),
		)
	})
}

// RecordCertificate implements [ca.Ledger].
func (s *Store) RecordCertificate(_ context.Context, serial string, der []byte, entry audit.Record) error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		var c certificate
		found, err := get(tx.Bucket(buckets.certificates), []byte(serial), &c)
		if err != nil {
			return err
		}
		if !found || len(c.DER) > 0 || !bytes.Contains(der, c.TBS) {
			return errors.New("the certificate is not the one that was intended")
		}
		c.DER = der
		if err := put(tx.Bucket(buckets.certificates), []byte(serial), c); err != nil {
			return err
		}
		return s.appendAudit(tx, entry)
	})
}

// CertificateOf returns the DER of the certificate of a key.
func (s *Store) CertificateOf(_ context.Context, point pki.Point) ([]byte, error) {
	var der []byte
	err := s.db.View(func(tx *bbolt.Tx) error {
		serial := tx.Bucket(buckets.points).Get(point[:])
		var c certificate
		found, err := get(tx.Bucket(buckets.certificates), serial, &c)
		if err != nil {
			return err
		}
		if !found || len(c.DER) == 0 {
			return errors.New("there is none")
		}
		der = c.DER
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("certificate of key %s: %w", point, err)
	}
	return der, nil
}

// Certificates calls f with the DER of every certificate that was issued, ordered
// by serial number.
func (s *Store) Certificates(_ context.Context, f func(der []byte) error) error {
	err := s.db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket(buckets.certificates).ForEach(func(serial, value []byte) error {
			var c certificate
			if err := detcbor.Unmarshal(value, &c); err != nil {
				return fmt.Errorf("certificate %s: %w", serial, err)
			}
			if len(c.DER) == 0 {
				return nil
			}
			return f(c.DER)
		})
	})
	if err != nil {
		return fmt.Errorf("listing certificates: %w", err)
	}
	return nil
}
