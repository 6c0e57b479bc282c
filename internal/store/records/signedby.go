package records

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/elicence/elicence/internal/store/kv"

	"github.com/elicence/elicence/internal/store/sealed"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/pki"
)

// SignedCredential is a credential and where its licence lies.
type SignedCredential struct {
	licence.Credential
	record sealed.Key
}

// signedPage is how many credentials are read in one transaction.
const signedPage = 512

// SignedBy yields every credential that is kept as signed by a key, in no order that
// means anything. It reads page by page: what is stored meanwhile may or may not be
// among them.
func (s *Store) SignedBy(ctx context.Context, point pki.Point) iter.Seq2[SignedCredential, error] {
	return func(yield func(SignedCredential, error) bool) {
		var after []byte
		for {
			page, last, err := s.signedBy(ctx, point, after)
			if err != nil {
				yield(SignedCredential{}, fmt.Errorf("credentials of key %s: %w", point, err))
				return
			}
			for _, c := range page {
				if !yield(c, nil) {
					return
				}
			}
			if last == nil {
				return
			}
			after = last
		}
	}
}

// signedBy reads up to a page behind a key and returns the last key that it has looked
// at, nil at the end.
func (s *Store) signedBy(ctx context.Context, point pki.Point, after []byte) ([]SignedCredential, []byte, error) {
	var page []SignedCredential
	var last []byte
	err := s.db.View(ctx, func(tx kv.Tx) error {
		for k, value := range tx.Table(tableCredentials).Range(behind(after), nil) {
			if len(page) == signedPage {
				return nil
			}
			last = bytes.Clone(k)
			var v credential
			if err := decode(value, &v); err != nil {
				return err
			}
			if !bytes.Equal(v.Point, point[:]) {
				continue
			}
			if len(k) <= sealed.KeySize+licence.DeviceIDSize {
				return errors.New("a stored credential has a damaged key")
			}
			found := SignedCredential{record: sealed.Key(k)}
			found.Device, found.Profile = licence.DeviceID(k[sealed.KeySize:]), string(k[sealed.KeySize+licence.DeviceIDSize:])
			found.Status, found.Point, found.Revoked = licence.UnpackStatusRef(v.Status), point, v.Revoked
			found.SignedAt, found.Expires = unixUTC(v.SignedAt), unixUTC(v.Expires)
			f, err := find(tx, found.record)
			if err != nil {
				return err
			}
			if found.Signed, err = s.box.Open(found.record, f.place(), credentialUse(found.Device, found.Profile), v.Sealed); err != nil {
				return err
			}
			page = append(page, found)
		}
		last = nil
		return nil
	})
	if err == nil {
		err = ctx.Err()
	}
	return page, last, err
}

// RecordOf returns the licence of a credential.
func (s *Store) RecordOf(ctx context.Context, c SignedCredential) (licence.Record, error) {
	var r licence.Record
	err := s.view(ctx, "the licence of a credential", func(tx kv.Tx) error {
		var err error
		r, err = s.record(tx, c.record)
		return err
	})
	return r, err
}
