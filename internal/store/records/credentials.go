package records

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/elicence/elicence/internal/store/kv"
	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/store/sealed"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
)

var _ licence.Credentials = (*Store)(nil)

// credential is the value of the table credentials.
type credential struct {
	Status   uint64 `cbor:"1,keyasint"`
	Point    []byte `cbor:"2,keyasint"` // the key that signed
	SignedAt int64  `cbor:"3,keyasint"` // UTC seconds
	Expires  int64  `cbor:"4,keyasint"`
	Revoked  bool   `cbor:"5,keyasint"`
	Sealed   []byte `cbor:"6,keyasint"` // the signed form, encrypted
}

// maxProfile bounds the name of a profile, which is part of a key.
const maxProfile = 32

// credentialKey is where a credential lies: behind the record key of its licence, so
// that a step finds them all.
func credentialKey(key sealed.Key, device licence.DeviceID, profile string) []byte {
	k := append(key[:sealed.KeySize:sealed.KeySize], device[:]...)
	return append(k, profile...)
}

// credentialUse binds a ciphertext to its place among the licence's.
func credentialUse(device licence.DeviceID, profile string) string {
	return "credential " + device.String() + " " + profile
}

// PutCredentials implements [licence.Credentials].
func (s *Store) PutCredentials(ctx context.Context, id licence.Identifier, all []licence.NewCredential, entry audit.Record) error {
	err := checkProfiles(all)
	if err == nil {
		err = ctx.Err() // from here on it is not bound to the caller's deadline
	}
	if err != nil {
		return fmt.Errorf("credentials of licence %s: %w", id, err)
	}
	err = s.together(ctx, func(tx kv.Tx) error {
		f, err := stateOf(tx, id)
		if err != nil {
			return err
		}
		for _, c := range all {
			if c.Device == (licence.DeviceID{}) {
				continue
			}
			if _, err := boundDevice(tx, id, c.Device); err != nil {
				return err
			}
		}
		if err := s.putCredentials(tx, id, f, all); err != nil {
			return err
		}
		return s.appendAudit(tx, entry)
	})
	if err = s.retaken(ctx, err); err != nil {
		return fmt.Errorf("credentials of licence %s: %w", id, err)
	}
	return nil
}

func checkProfiles(all []licence.NewCredential) error {
	for _, c := range all {
		if c.Profile == "" || len(c.Profile) > maxProfile {
			return errors.New("a credential's profile has no name or too long a one")
		}
	}
	return nil
}

// putCredentials stores credentials under a licence of a state.
func (s *Store) putCredentials(tx kv.Tx, id licence.Identifier, l found, all []licence.NewCredential) error {
	if err := mayHaveCredentials(l, all); err != nil {
		return err
	}
	key, b := sealed.KeyOf(id), tx.Table(tableCredentials)
	for _, c := range all {
		at := credentialKey(key, c.Device, c.Profile)
		var earlier credential
		found, err := get(b, at, &earlier)
		if err != nil {
			return err
		}
		var replaced [sm3.Size]byte
		if found {
			signed, err := s.box.Open(key, l.place(), credentialUse(c.Device, c.Profile), earlier.Sealed)
			if err != nil {
				return err
			}
			replaced = sm3.Sum(signed)
		}
		switch {
		case replaced != c.Replaces:
			return licence.ErrCredentialChanged
		case found && earlier.Revoked:
			return fmt.Errorf("the credential itself is revoked: %w", licence.ErrStep)
		case found && earlier.Status != c.Status.Packed():
			return errors.New("a credential keeps its place in the status list")
		case !found:
			if err := takePlace(tx, key, l, c); err != nil {
				return err
			}
		}
		ciphertext, err := s.box.Seal(s.generation(tx), key, l.place(), credentialUse(c.Device, c.Profile), c.Signed)
		if err != nil {
			return err
		}
		v := credential{Status: c.Status.Packed(), Point: c.Point[:], SignedAt: c.SignedAt.Unix(), Expires: c.Expires.Unix(), Sealed: ciphertext}
		if err := put(b, at, v); err != nil {
			return err
		}
	}
	return nil
}

// mayHaveCredentials refuses credentials of a licence that has ended, or was not
// published when they were signed.
func mayHaveCredentials(l found, all []licence.NewCredential) error {
	for _, c := range all {
		if state := l.stateAt(c.SignedAt); state.Ended() || state == licence.Pending {
			return fmt.Errorf("a licence that is %s gets no credential: %w", state, licence.ErrStep)
		}
	}
	return nil
}

// takePlace records the place of a licence's new credential. The licence's own place,
// which was given out when it was issued, is for one printed credential.
func takePlace(tx kv.Tx, key sealed.Key, l found, c licence.NewCredential) error {
	if c.Status.Packed() == l.Status {
		if c.Device != (licence.DeviceID{}) {
			return errors.New("a device's credential has the licence's own place in the status list")
		}
		return eachCredential(tx, key[:], func(_ []byte, other credential) error {
			if other.Status == l.Status {
				return errors.New("another credential has the licence's own place in the status list")
			}
			return nil
		})
	}
	if err := storeIndex(tx, c.Status); err != nil {
		return err
	}
	if l.state() == licence.Suspended {
		return setPlane(tx, c.Status, planeSuspended, true)
	}
	return nil
}

// stateOf reads how a licence stands. The identifier's type and issuer are not in the
// record key, so who asks has read the licence.
func stateOf(tx kv.Tx, id licence.Identifier) (found, error) { return find(tx, sealed.KeyOf(id)) }

// eachCredential walks a licence's credentials. The key is the part behind the
// licence's.
func eachCredential(tx kv.Tx, key []byte, f func(rest []byte, c credential) error) error {
	b := tx.Table(tableCredentials)
	// Read whole first: who is told may write to the bucket.
	type item struct {
		rest []byte
		c    credential
	}
	var items []item
	for rest, value := range prefixed(b, key) {
		if len(rest) <= licence.DeviceIDSize {
			return errors.New("a stored credential has a damaged key")
		}
		var c credential
		if err := decode(value, &c); err != nil {
			return err
		}
		items = append(items, item{bytes.Clone(rest), c})
	}
	for _, i := range items {
		if err := f(i.rest, i.c); err != nil {
			return err
		}
	}
	return nil
}

// setCredentials sets or clears a plane's bit of every credential of a licence that is
// not revoked by itself.
func setCredentials(tx kv.Tx, key sealed.Key, plane byte, on bool) error {
	return eachCredential(tx, key[:], func(_ []byte, c credential) error {
		if c.Revoked {
			return nil
		}
		return setPlane(tx, licence.UnpackStatusRef(c.Status), plane, on)
	})
}

// Credentials implements [licence.Credentials].
func (s *Store) Credentials(ctx context.Context, id licence.Identifier) ([]licence.Credential, error) {
	key := sealed.KeyOf(id)
	var all []licence.Credential
	err := s.view(ctx, "credentials of licence "+id.String(), func(tx kv.Tx) error {
		f, err := stateOf(tx, id)
		if err != nil {
			return err
		}
		return eachCredential(tx, key[:], func(rest []byte, v credential) error {
			c := licence.Credential{
				Device: licence.DeviceID(rest[:licence.DeviceIDSize]), Profile: string(rest[licence.DeviceIDSize:]), Status: licence.UnpackStatusRef(v.Status),
				SignedAt: unixUTC(v.SignedAt), Expires: unixUTC(v.Expires), Revoked: v.Revoked,
			}
			if len(v.Point) != pki.PointSize {
				return errors.New("a stored credential is damaged")
			}
			c.Point = pki.Point(v.Point)
			var err error
			c.Signed, err = s.box.Open(key, f.place(), credentialUse(c.Device, c.Profile), v.Sealed)
			all = append(all, c)
			return err
		})
	})
	return all, err
}
