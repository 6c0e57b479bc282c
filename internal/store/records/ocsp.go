package records

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/elicence/elicence/internal/store/kv"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/ocsp"
)

// OCSPLedger is what an OCSP responder reads of the authorities' records.
type OCSPLedger struct {
	store *Store
	now   func() time.Time
}

var _ ocsp.Ledger = OCSPLedger{}

// OCSPLedger returns the ledger of a responder with a clock, which says what has
// expired.
func (s *Store) OCSPLedger(now func() time.Time) OCSPLedger { return OCSPLedger{s, now} }

// Standing implements [ocsp.Ledger].
func (l OCSPLedger) Standing(ctx context.Context, issuer pki.Point, magnitude []byte) (ocsp.Standing, error) {
	serial, ok := cert.SerialOf(magnitude)
	if !ok {
		return ocsp.Standing{}, nil // no authority of ours gives such numbers
	}
	status, err := l.store.StatusOf(ctx, issuer, serial)
	if err != nil {
		return ocsp.Standing{}, err
	}
	s := ocsp.Standing{Recorded: status.State == ca.Good}
	if status.State == ca.Held || status.State == ca.Revoked {
		s.Revoked, s.Revocation = true, status.Revocation
	}
	return s, nil
}

// unexpiredPage is how many certificates are read in one transaction. Whoever is
// given them asks the store about them, which must not happen within it.
const unexpiredPage = 512

// Unexpired implements [ocsp.Ledger].
func (l OCSPLedger) Unexpired(ctx context.Context, issuer pki.Point) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		after := certificateKey(issuer, cert.Serial{})
		for after != nil {
			err := ctx.Err()
			var serials [][]byte
			if err == nil {
				serials, after, err = l.page(ctx, issuer, after)
			}
			if err != nil {
				yield(nil, fmt.Errorf("listing unexpired certificates: %w", err))
				return
			}
			for _, serial := range serials {
				if !yield(serial, nil) {
					return
				}
			}
		}
	}
}

// page reads the unexpired certificates of an issuer behind a key, and returns the key
// that it came to; nil: there are no more.
func (l OCSPLedger) page(ctx context.Context, issuer pki.Point, after []byte) ([][]byte, []byte, error) {
	var serials [][]byte
	var last []byte
	now := l.now().Unix()
	err := l.store.db.View(ctx, func(tx kv.Tx) error {
		n := 0
		for k := range tx.Table(tableCertificates).Range(behind(after), upTo(issuer[:])) {
			if n == unexpiredPage {
				return nil
			}
			n++
			if len(k) != certificateKeySize {
				return errors.New("the key of a certificate is damaged")
			}
			r, err := getCertificate(tx, k)
			if err != nil {
				return err
			}
			last = bytes.Clone(k)
			if len(r.DER) > 0 && r.NotAfter >= now {
				serials = append(serials, last[pki.PointSize:])
			}
		}
		last = nil
		return nil
	})
	return serials, last, err
}
