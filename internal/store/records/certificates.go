package records

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/elicence/elicence/internal/store/kv"

	"github.com/elicence/elicence/internal/detcbor"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
)

var _ ca.Ledger = (*Store)(nil)

// certificate is the value of the table certificates.
type certificate struct {
	Profile   string      `cbor:"1,keyasint"`
	Point     []byte      `cbor:"2,keyasint"`
	Role      []byte      `cbor:"3,keyasint"`
	Shard     []uint32    `cbor:"4,keyasint"` // count, index
	NotAfter  int64       `cbor:"5,keyasint"` // UTC seconds
	Renews    []byte      `cbor:"6,keyasint,omitempty"`
	TBS       []byte      `cbor:"7,keyasint,omitempty"` // the intent; once there is a certificate it is in that
	DER       []byte      `cbor:"8,keyasint,omitempty"` // empty: intended, and perhaps signed
	Abandoned bool        `cbor:"9,keyasint,omitempty"`
	State     uint8       `cbor:"10,keyasint"`
	Sequence  uint64      `cbor:"11,keyasint,omitempty"`
	Revoked   *revocation `cbor:"12,keyasint,omitempty"`
	Entry     uint64      `cbor:"13,keyasint,omitempty"` // in the status lists, packed
}

// revocation is what CRLs and OCSP say of a certificate that is held or revoked, and
// the value of the table revocations.
type revocation struct {
	At        int64 `cbor:"1,keyasint"` // UTC seconds
	Reason    uint8 `cbor:"2,keyasint"`
	InvalidAt int64 `cbor:"3,keyasint,omitempty"`
	NotAfter  int64 `cbor:"4,keyasint"`
}

// keyRole is the value of the table points: what a key is for, and its certificates.
type keyRole struct {
	Role    []byte `cbor:"1,keyasint"`
	Pending []byte `cbor:"2,keyasint,omitempty"` // issuer ‖ serial number that is intended
	Newest  []byte `cbor:"3,keyasint,omitempty"` // issuer ‖ serial number that was recorded last
}

const certificateKeySize = pki.PointSize + len(cert.Serial{})

func certificateKey(issuer pki.Point, serial cert.Serial) []byte {
	return append(bytes.Clone(issuer[:]), serial[:]...)
}

func splitCertificateKey(key []byte) (pki.Point, cert.Serial, error) {
	if len(key) != certificateKeySize {
		return pki.Point{}, cert.Serial{}, errors.New("the key of a certificate is damaged")
	}
	return pki.Point(key[:pki.PointSize]), cert.Serial(key[pki.PointSize:]), nil
}

// IntendCertificate implements [ca.Ledger]. Calls that come together share a
// transaction.
func (s *Store) IntendCertificate(ctx context.Context, i ca.Intent) error {
	key := certificateKey(i.Issuer, i.Serial)
	err := s.together(ctx, func(tx kv.Tx) error {
		var k keyRole
		found, err := get(tx.Table(tablePoints), i.Point[:], &k)
		if err != nil {
			return err
		}
		if found && (!bytes.Equal(k.Role, i.Role[:]) || k.Pending != nil) || !renews(k.Newest, i.Renews) {
			return ca.ErrKeyInUse
		}
		if tx.Table(tableCertificates).Get(key) != nil {
			return errors.New("the serial number was used before")
		}
		k.Role, k.Pending = i.Role[:], key
		c := certificate{
			Profile: string(i.Profile), Point: i.Point[:], Role: i.Role[:], Shard: []uint32{i.Shard.Count, i.Shard.Index}, NotAfter: i.NotAfter.Unix(),
			TBS: i.TBS, State: uint8(ca.MayExist),
		}
		if i.Renews != (cert.Serial{}) {
			c.Renews = i.Renews[:]
		}
		if i.Entry != (cert.StatusEntry{}) {
			c.Entry = i.Entry.Packed()
			if err := storeIndex(tx, licence.StatusRef(i.Entry)); err != nil {
				return err
			}
		}
		return errors.Join(
			put(tx.Table(tablePoints), i.Point[:], k),
			put(tx.Table(tableCertificates), key, c),
			putUint(tx.Table(tableIntents), key, uint64(i.At.Unix())), //nolint:gosec // after 1970
		)
	})
	if err = s.retaken(ctx, err); errors.Is(err, licence.ErrIndexTaken) {
		return fmt.Errorf("%w: %w", ca.ErrEntryTaken, err)
	}
	return err
}

// renews reports whether a serial number is that of a key's newest certificate, or
// zero if the key has none.
func renews(newest []byte, serial cert.Serial) bool {
	if newest == nil {
		return serial == cert.Serial{}
	}
	return bytes.Equal(newest[pki.PointSize:], serial[:])
}

// RecordCertificate implements [ca.Ledger]. Calls that come together share a
// transaction.
func (s *Store) RecordCertificate(ctx context.Context, issued ...ca.Issued) error {
	return s.together(ctx, func(tx kv.Tx) error {
		var entries []audit.Record
		for _, i := range issued {
			if err := recordCertificate(tx, i); err != nil {
				return fmt.Errorf("certificate %s: %w", i.Serial, err)
			}
			entries = append(entries, i.Entry)
		}
		return s.appendAudit(tx, entries...)
	})
}

func recordCertificate(tx kv.Tx, i ca.Issued) error {
	key := certificateKey(i.Issuer, i.Serial)
	c, err := getCertificate(tx, key)
	if err != nil {
		return err
	}
	if len(c.DER) > 0 || c.Abandoned || ca.State(c.State) != ca.MayExist {
		return ca.ErrState
	}
	if !bytes.Contains(i.DER, c.TBS) {
		return errors.New("the certificate is not the one that was intended")
	}
	var k keyRole
	if found, err := get(tx.Table(tablePoints), c.Point, &k); err != nil || !found {
		return errors.Join(err, errors.New("the key of an intent is not there"))
	}
	k.Pending, k.Newest = nil, key
	c.DER, c.TBS, c.State = i.DER, nil, uint8(ca.Good)
	return errors.Join(
		put(tx.Table(tablePoints), c.Point, k),
		put(tx.Table(tableCertificates), key, c),
		tx.Table(tableIntents).Delete(key),
		tx.Table(tableExpiring).Put(append(timeKey(c.NotAfter), key...), []byte{}),
	)
}

// timeKey orders times, UTC seconds, before and after 1970.
func timeKey(seconds int64) []byte { return uint64Key(uint64(seconds) + 1<<63) }

// AbandonCertificate implements [ca.Ledger].
func (s *Store) AbandonCertificate(ctx context.Context, issuer pki.Point, serial cert.Serial, entry audit.Record) error {
	key := certificateKey(issuer, serial)
	return s.db.Update(ctx, func(tx kv.Tx) error {
		c, err := getCertificate(tx, key)
		if err != nil {
			return err
		}
		if len(c.DER) > 0 || c.Abandoned {
			return ca.ErrState
		}
		var k keyRole
		if _, err := get(tx.Table(tablePoints), c.Point, &k); err != nil {
			return err
		}
		if bytes.Equal(k.Pending, key) {
			k.Pending = nil
			if err := put(tx.Table(tablePoints), c.Point, k); err != nil {
				return err
			}
		}
		c.Abandoned = true
		if err := errors.Join(put(tx.Table(tableCertificates), key, c), tx.Table(tableIntents).Delete(key)); err != nil {
			return err
		}
		return s.appendAudit(tx, entry)
	})
}

// Unfinished implements [ca.Ledger].
func (s *Store) Unfinished(ctx context.Context) ([]ca.Intent, error) {
	var all []ca.Intent
	err := s.db.View(ctx, func(tx kv.Tx) error {
		for key, at := range tx.Table(tableIntents).Range(nil, nil) {
			r, err := readCertificate(tx, key)
			if err != nil {
				return err
			}
			if len(at) == 8 { // empty before format 3
				r.At = unixUTC(int64(binary.BigEndian.Uint64(at))) //nolint:gosec // was written from one
			}
			all = append(all, r.Intent)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the unfinished certificates: %w", err)
	}
	return all, nil
}

func getCertificate(tx kv.Tx, key []byte) (certificate, error) {
	var c certificate
	found, err := get(tx.Table(tableCertificates), key, &c)
	if err == nil && !found {
		err = ca.ErrNoCertificate
	}
	if err == nil && (len(c.Point) != pki.PointSize || len(c.Role) != len(ca.Role{}) || len(c.Shard) != 2 || len(c.Renews) != 0 && len(c.Renews) != len(cert.Serial{})) {
		err = errors.New("the stored certificate is damaged")
	}
	return c, err
}

// readCertificate returns what is known of a serial number.
func readCertificate(tx kv.Tx, key []byte) (ca.Record, error) {
	c, err := getCertificate(tx, key)
	if err != nil {
		return ca.Record{}, err
	}
	issuer, serial, err := splitCertificateKey(key)
	if err != nil {
		return ca.Record{}, err
	}
	r := ca.Record{
		Intent: ca.Intent{
			Issuer: issuer, Serial: serial, Point: pki.Point(c.Point), Role: ca.Role(c.Role), Profile: ca.ProfileName(c.Profile),
			Shard: ca.Shard{Count: c.Shard[0], Index: c.Shard[1]}, Entry: cert.UnpackStatusEntry(c.Entry),
			NotAfter: unixUTC(c.NotAfter), TBS: c.TBS,
		},
		Status: c.status(), DER: c.DER, Abandoned: c.Abandoned,
	}
	copy(r.Renews[:], c.Renews)
	return r, nil
}

func (c certificate) status() ca.Status {
	s := ca.Status{State: ca.State(c.State), Sequence: c.Sequence}
	if c.Revoked != nil {
		s.Revocation = c.Revoked.parse()
	}
	return s
}

func (r revocation) parse() cert.Revocation {
	parsed := cert.Revocation{At: unixUTC(r.At), Reason: cert.Reason(r.Reason)}
	if r.InvalidAt != 0 {
		parsed.InvalidAt = unixUTC(r.InvalidAt)
	}
	return parsed
}

// CertificateOf returns the DER of the newest certificate of a key.
func (s *Store) CertificateOf(ctx context.Context, point pki.Point) ([]byte, error) {
	var der []byte
	err := s.db.View(ctx, func(tx kv.Tx) error {
		var k keyRole
		if _, err := get(tx.Table(tablePoints), point[:], &k); err != nil {
			return err
		}
		if k.Newest == nil {
			return errors.New("there is none")
		}
		c, err := getCertificate(tx, k.Newest)
		der = c.DER
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("certificate of key %s: %w", point, err)
	}
	return der, nil
}

// Certificates calls f with every certificate that was intended, ordered by the
// issuer's key and the serial number.
func (s *Store) Certificates(ctx context.Context, f func(ca.Record) error) error {
	err := s.db.View(ctx, func(tx kv.Tx) error {
		for key := range tx.Table(tableCertificates).Range(nil, nil) {
			r, err := readCertificate(tx, key)
			if err != nil {
				return err
			}
			if err := f(r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("listing certificates: %w", err)
	}
	return nil
}

// CertificatesBySerial returns what is known of a serial number under every issuer, of
// whom there are few.
func (s *Store) CertificatesBySerial(ctx context.Context, serial cert.Serial) ([]ca.Record, error) {
	var found []ca.Record
	err := s.db.View(ctx, func(tx kv.Tx) error {
		var from []byte
		for {
			key := first(tx.Table(tableCertificates), from)
			if key == nil {
				return nil
			}
			issuer, _, err := splitCertificateKey(key)
			if err != nil {
				return err
			}
			r, err := readCertificate(tx, certificateKey(issuer, serial))
			switch {
			case err == nil:
				found = append(found, r)
			case !errors.Is(err, ca.ErrNoCertificate):
				return err
			}
			// On to the next issuer.
			from = append(bytes.Clone(issuer[:]), bytes.Repeat([]byte{0xff}, len(cert.Serial{})+1)...)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("looking up certificate %s: %w", serial, err)
	}
	return found, nil
}

// ExpiringCertificates calls f with the certificates that end from one moment on and
// before another, the first to end first. Certificates that were renewed are among
// them.
func (s *Store) ExpiringCertificates(ctx context.Context, from, before time.Time, f func(ca.Record) error) error {
	err := s.db.View(ctx, func(tx kv.Tx) error {
		for k := range tx.Table(tableExpiring).Range(timeKey(from.Unix()), timeKey(before.Unix())) {
			if len(k) != 8+certificateKeySize {
				return errors.New("the index of ends is damaged")
			}
			r, err := readCertificate(tx, k[8:])
			if err != nil {
				return err
			}
			if err := f(r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("listing certificates that expire: %w", err)
	}
	return nil
}

// shardKey is the beginning of the keys of one shard's revocations.
func shardKey(issuer pki.Point, shard ca.Shard) []byte {
	key := bytes.Clone(issuer[:])
	key = binary.BigEndian.AppendUint32(key, shard.Count)
	return binary.BigEndian.AppendUint32(key, shard.Index)
}

// decodeRevocation reads a value of the table revocations.
func decodeRevocation(value []byte) (revocation, error) {
	var r revocation
	if err := detcbor.Unmarshal(value, &r); err != nil {
		return r, fmt.Errorf("stored revocation: %w", err)
	}
	return r, nil
}
