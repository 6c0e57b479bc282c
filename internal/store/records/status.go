package records

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/elicence/elicence/internal/store/kv"

	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
)

// RevokeCertificate revokes a certificate, or holds it where that is the reason, in one
// transaction with its entry in the audit log. What was intended and never recorded can
// be revoked too. The bits of its place in a status list follow. The error wraps [ca.ErrNoCertificate], [ca.ErrState] or
// [ca.ErrReason].
func (s *Store) RevokeCertificate(ctx context.Context, issuer pki.Point, serial cert.Serial, r cert.Revocation, entry audit.Record) error {
	return s.changeStatus(ctx, issuer, serial, entry, func(status ca.Status) (ca.Status, error) { return status.Revoke(r) })
}

// ReleaseCertificate takes a suspension back.
func (s *Store) ReleaseCertificate(ctx context.Context, issuer pki.Point, serial cert.Serial, entry audit.Record) error {
	return s.changeStatus(ctx, issuer, serial, entry, ca.Status.Release)
}

func (s *Store) changeStatus(ctx context.Context, issuer pki.Point, serial cert.Serial, entry audit.Record, change func(ca.Status) (ca.Status, error)) error {
	key := certificateKey(issuer, serial)
	err := s.together(ctx, func(tx kv.Tx) error {
		c, err := getCertificate(tx, key)
		if err != nil {
			return err
		}
		next, err := change(c.status())
		if err != nil {
			return err
		}
		if err := putStatus(tx, key, c, next); err != nil {
			return err
		}
		return s.appendAudit(tx, entry)
	})
	if err != nil {
		return fmt.Errorf("certificate %s: %w", serial, err)
	}
	return nil
}

// putStatus stores a status under the next sequence number, and moves the certificate's
// entry in the changes there from its earlier one.
func putStatus(tx kv.Tx, key []byte, c certificate, next ca.Status) error {
	issuer, serial, err := splitCertificateKey(key)
	if err != nil {
		return err
	}
	meta, changes := tx.Table(tableMeta), tx.Table(tableStatusChanges)
	if c.Sequence != 0 {
		if err := changes.Delete(append(bytes.Clone(issuer[:]), uint64Key(c.Sequence)...)); err != nil {
			return err
		}
	}
	c.Sequence = getUint(meta, metaStatusSequence) + 1
	revoked := append(shardKey(issuer, ca.Shard{Count: c.Shard[0], Index: c.Shard[1]}), serial[:]...)
	c.State, c.Revoked = uint8(next.State), nil
	if next.State == ca.Held || next.State == ca.Revoked {
		c.Revoked = &revocation{At: next.Revocation.At.Unix(), Reason: uint8(next.Revocation.Reason), NotAfter: c.NotAfter}
		if !next.Revocation.InvalidAt.IsZero() {
			c.Revoked.InvalidAt = next.Revocation.InvalidAt.Unix()
		}
		err = put(tx.Table(tableRevocations), revoked, c.Revoked)
	} else {
		err = tx.Table(tableRevocations).Delete(revoked)
	}
	if c.Entry != 0 {
		ref := licence.UnpackStatusRef(c.Entry)
		err = errors.Join(err, setPlane(tx, ref, planeSuspended, next.State == ca.Held))
		if next.State == ca.Revoked {
			err = errors.Join(err, setPlane(tx, ref, planeRevoked, true))
		}
	}
	return errors.Join(
		err,
		putUint(meta, metaStatusSequence, c.Sequence),
		changes.Put(append(bytes.Clone(issuer[:]), uint64Key(c.Sequence)...), serial[:]),
		put(tx.Table(tableCertificates), key, c),
	)
}

// StatusOf returns what an issuer says of a serial number: [ca.Unknown] without an
// error for one that was never intended.
func (s *Store) StatusOf(ctx context.Context, issuer pki.Point, serial cert.Serial) (ca.Status, error) {
	var status ca.Status
	err := s.db.View(ctx, func(tx kv.Tx) error {
		c, err := getCertificate(tx, certificateKey(issuer, serial))
		if errors.Is(err, ca.ErrNoCertificate) {
			return nil
		}
		status = c.status()
		return err
	})
	if err != nil {
		return ca.Status{}, fmt.Errorf("status of certificate %s: %w", serial, err)
	}
	return status, nil
}

// StatusOfKey returns the status of a key's newest certificate: [ca.Unknown] if it has
// none.
func (s *Store) StatusOfKey(ctx context.Context, point pki.Point) (ca.Status, error) {
	var status ca.Status
	err := s.db.View(ctx, func(tx kv.Tx) error {
		var k keyRole
		if _, err := get(tx.Table(tablePoints), point[:], &k); err != nil || k.Newest == nil {
			return err
		}
		c, err := getCertificate(tx, k.Newest)
		status = c.status()
		return err
	})
	if err != nil {
		return ca.Status{}, fmt.Errorf("status of key %s: %w", point, err)
	}
	return status, nil
}

// errStop ends an iteration whose consumer has had enough.
var errStop = errors.New("stop")

// each turns reads within one transaction into an iterator. The transaction lives as
// long as the iteration: its consumer must come to an end, or the file cannot reuse its
// pages, and must not write to the store in between.
func each[T any](ctx context.Context, s *Store, what string, f func(tx kv.Tx, yield func(T) error) error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		err := s.db.View(ctx, func(tx kv.Tx) error {
			return f(tx, func(item T) error {
				if !yield(item, nil) {
					return errStop
				}
				return nil
			})
		})
		if err != nil && !errors.Is(err, errStop) {
			var none T
			yield(none, fmt.Errorf("%s: %w", what, err))
		}
	}
}

// RevokedBy yields the certificates of one shard of an issuer that are held or revoked
// at one moment, ordered by serial number, as a CRL lists them.
func (s *Store) RevokedBy(ctx context.Context, issuer pki.Point, shard ca.Shard) iter.Seq2[ca.RevokedEntry, error] {
	return each(ctx, s, "listing revoked certificates", func(tx kv.Tx, yield func(ca.RevokedEntry) error) error {
		for serial, value := range prefixed(tx.Table(tableRevocations), shardKey(issuer, shard)) {
			r, err := decodeRevocation(value)
			if err != nil {
				return err
			}
			if len(serial) != len(cert.Serial{}) {
				return errors.New("the index of revocations is damaged")
			}
			entry := ca.RevokedEntry{Serial: cert.Serial(serial), Shard: shard, Revocation: r.parse(), NotAfter: unixUTC(r.NotAfter)}
			if err := yield(entry); err != nil {
				return err
			}
		}
		return nil
	})
}

// StatusChanges yields the certificates of an issuer whose status changed after a
// sequence number, each once with its present status, the oldest change first. What was
// released is among them, as [ca.Good]: a delta CRL says removeFromCRL of it.
func (s *Store) StatusChanges(ctx context.Context, issuer pki.Point, after uint64) iter.Seq2[ca.Record, error] {
	return each(ctx, s, "listing changes of certificates", func(tx kv.Tx, yield func(ca.Record) error) error {
		from := append(bytes.Clone(issuer[:]), uint64Key(after+1)...)
		for _, serial := range tx.Table(tableStatusChanges).Range(from, upTo(issuer[:])) {
			r, err := readCertificate(tx, append(bytes.Clone(issuer[:]), serial...))
			if err != nil {
				return err
			}
			if err := yield(r); err != nil {
				return err
			}
		}
		return nil
	})
}

// StatusSequence returns the number of the last change of any certificate's status.
// What is listed after it was read has all changes up to it.
func (s *Store) StatusSequence(ctx context.Context) (uint64, error) {
	var n uint64
	err := s.db.View(ctx, func(tx kv.Tx) error {
		n = getUint(tx.Table(tableMeta), metaStatusSequence)
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("reading the sequence of status changes: %w", err)
	}
	return n, nil
}

// IssuedBy yields what an issuer has intended, ordered by serial number, from the one
// behind a serial number on; from the zero one: all.
func (s *Store) IssuedBy(ctx context.Context, issuer pki.Point, after cert.Serial) iter.Seq2[ca.Record, error] {
	return each(ctx, s, "listing certificates", func(tx kv.Tx, yield func(ca.Record) error) error {
		for k := range tx.Table(tableCertificates).Range(behind(certificateKey(issuer, after)), upTo(issuer[:])) {
			r, err := readCertificate(tx, k)
			if err != nil {
				return err
			}
			if err := yield(r); err != nil {
				return err
			}
		}
		return nil
	})
}
