package records

import (
	"bytes"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/elicence/elicence/internal/store/kv"

	"github.com/elicence/elicence/internal/store/sealed"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/pki/audit"
)

var _ licence.Devices = (*Store)(nil)

// device is the value of the table devices.
type device struct {
	Algorithm string `cbor:"1,keyasint"`
	Point     []byte `cbor:"2,keyasint"`
	BoundAt   int64  `cbor:"3,keyasint"` // UTC seconds
	UnboundAt int64  `cbor:"4,keyasint"` // 0: it is bound
	LastUse   int64  `cbor:"5,keyasint"`
}

// binding is the value of the table bindings.
type binding struct {
	Licence []byte `cbor:"1,keyasint"` // record key
	Hash    []byte `cbor:"2,keyasint"` // of the whole code
	Until   int64  `cbor:"3,keyasint"` // UTC seconds
	Tries   int    `cbor:"4,keyasint"`
	Device  []byte `cbor:"5,keyasint"` // that it has bound; empty: none yet
}

func deviceKey(id licence.Identifier, d licence.DeviceID) []byte {
	key := sealed.KeyOf(id)
	return append(key[:], d[:]...)
}

// boundDevice reads a device that is bound.
func boundDevice(tx kv.Tx, id licence.Identifier, d licence.DeviceID) (device, error) {
	var v device
	found, err := get(tx.Table(tableDevices), deviceKey(id, d), &v)
	switch {
	case err != nil:
		return v, err
	case !found:
		return v, licence.ErrNoDevice
	case v.UnboundAt != 0:
		return v, licence.ErrUnbound
	default:
		return v, nil
	}
}

// bindingKeys are the look-up key of a binding code and what is kept of the whole of it. All
// codes are under the generation in use: a renewal moves them when it begins.
func (s *Store) bindingKeys(tx kv.Tx, c licence.BindingCode) ([]byte, []byte, error) {
	l, err := s.lookupsIn(tx)
	if err != nil {
		return nil, nil, err
	}
	lookup, err := s.box.BindingKey(l.living()[0], c)
	if err != nil {
		return nil, nil, err
	}
	hash, err := s.box.BindingHash(l.living()[0], c)
	return lookup, hash, err
}

// OpenBinding implements [licence.Devices].
func (s *Store) OpenBinding(ctx context.Context, b licence.Binding) error {
	key := sealed.KeyOf(b.Identifier)
	err := s.together(ctx, func(tx kv.Tx) error {
		if _, err := stateOf(tx, b.Identifier); err != nil {
			return err
		}
		lookup, hash, err := s.bindingKeys(tx, b.Code)
		if err != nil {
			return err
		}
		// As long as the new one lives, whatever has ended before it began is of no use.
		began := b.Until.Add(-licence.BindingLife)
		if err := dropBindings(tx, began); err != nil {
			return err
		}
		bindings := tx.Table(tableBindings)
		if bindings.Get(lookup) != nil {
			return licence.ErrBindingTaken
		}
		if err := put(bindings, lookup, binding{Licence: key[:], Hash: hash, Until: b.Until.Unix()}); err != nil {
			return err
		}
		return s.appendAudit(tx, b.Audit)
	})
	if err != nil {
		return fmt.Errorf("binding code for licence %s: %w", b.Identifier, err)
	}
	return nil
}

// dropBindings removes the codes that ended before a time.
func dropBindings(tx kv.Tx, before time.Time) error {
	b := tx.Table(tableBindings)
	var ended [][]byte
	for key, value := range b.Range(nil, nil) {
		var v binding
		if err := decode(value, &v); err != nil {
			return err
		}
		if v.Until <= before.Unix() {
			ended = append(ended, bytes.Clone(key))
		}
	}
	for _, key := range ended {
		if err := b.Delete(key); err != nil {
			return err
		}
	}
	return nil
}

// live reads the record under the look-up key of a binding code, unless it is too old,
// whatever the code's other digits are.
func live(tx kv.Tx, lookup []byte, at time.Time) (binding, bool, error) {
	var b binding
	found, err := get(tx.Table(tableBindings), lookup, &b)
	return b, found && at.Unix() < b.Until, err
}

// right reports whether a code, of which this hash is kept, is the one that the record was
// made for.
func (b binding) right(hash []byte) bool { return subtle.ConstantTimeCompare(b.Hash, hash) == 1 }

// TryBinding implements [licence.Devices].
func (s *Store) TryBinding(ctx context.Context, t licence.BindingTry) (licence.Identifier, error) {
	var id licence.Identifier
	var refused bool
	err := s.together(ctx, func(tx kv.Tx) error {
		id, refused = licence.Identifier{}, true
		lookup, hash, err := s.bindingKeys(tx, t.Code)
		if err != nil {
			return err
		}
		b, found, err := live(tx, lookup, t.At)
		if err != nil || !found {
			return err
		}
		if len(b.Licence) != sealed.KeySize {
			return errors.New("a stored binding code is damaged")
		}
		r, err := s.record(tx, sealed.Key(b.Licence))
		if errors.Is(err, licence.ErrErased) {
			return nil // like a code that nobody was given
		}
		if err != nil {
			return err
		}
		right, again := b.right(hash), bytes.Equal(b.Device, t.Device[:])
		id = r.Licence.Identifier
		if right && again {
			refused = false
			return nil
		}
		if len(b.Device) > 0 || b.Tries >= licence.BindingTries {
			return nil
		}
		if refused = !right; refused {
			b.Tries++
		}
		if err := put(tx.Table(tableBindings), lookup, b); err != nil {
			return err
		}
		entry, err := t.Entry(id)
		if err != nil {
			return err
		}
		return s.appendAudit(tx, entry)
	})
	if err == nil && refused {
		err = licence.ErrBinding
	}
	if err != nil {
		return licence.Identifier{}, fmt.Errorf("trying a binding code: %w", err)
	}
	return id, nil
}

// BindDevice implements [licence.Devices].
func (s *Store) BindDevice(ctx context.Context, n licence.NewDevice) error {
	first := make([]licence.NewCredential, len(n.Credentials))
	for i, c := range n.Credentials {
		first[i] = licence.NewCredential{Credential: c}
	}
	err := checkProfiles(first)
	if err == nil {
		err = n.Device.Check()
	}
	if err != nil {
		return fmt.Errorf("binding a device to licence %s: %w", n.Identifier, err)
	}
	id := n.Device.ID()
	err = s.together(ctx, func(tx kv.Tx) error {
		lookup, hash, err := s.bindingKeys(tx, n.Code)
		if err != nil {
			return err
		}
		b, found, err := live(tx, lookup, n.Device.BoundAt)
		key := sealed.KeyOf(n.Identifier)
		switch {
		case err != nil:
			return err
		case !found || !b.right(hash) || !bytes.Equal(b.Licence, key[:]) || len(b.Device) > 0 && !bytes.Equal(b.Device, id[:]):
			return licence.ErrBinding
		case len(b.Device) > 0:
			return nil // the same request again
		}
		_, err = boundDevice(tx, n.Identifier, id)
		if err != nil && !errors.Is(err, licence.ErrNoDevice) {
			return err
		}
		if errors.Is(err, licence.ErrNoDevice) {
			if err := s.addDevice(tx, n, first); err != nil {
				return err
			}
		}
		b.Device = id[:]
		if err := put(tx.Table(tableBindings), lookup, b); err != nil {
			return err
		}
		return s.appendAudit(tx, n.Audit)
	})
	if err = s.retaken(ctx, err); err != nil {
		return fmt.Errorf("binding a device to licence %s: %w", n.Identifier, err)
	}
	return nil
}

// addDevice stores a device that is new to its licence, with its credentials.
func (s *Store) addDevice(tx kv.Tx, n licence.NewDevice, first []licence.NewCredential) error {
	l, err := stateOf(tx, n.Identifier)
	if err != nil {
		return err
	}
	if state := l.stateAt(n.Device.BoundAt); state != licence.Active {
		return fmt.Errorf("no device is bound to a licence that is %s: %w", state, licence.ErrStep)
	}
	devices, bound := tx.Table(tableDevices), 0
	key, id := sealed.KeyOf(n.Identifier), n.Device.ID()
	for _, value := range prefixed(devices, key[:]) {
		var v device
		if err := decode(value, &v); err != nil {
			return err
		}
		if v.UnboundAt == 0 {
			bound++
		}
	}
	if bound >= licence.MaxDevices {
		return licence.ErrTooManyDevices
	}
	if len(first) == 0 {
		return errors.New("a new device has no credential")
	}
	for _, c := range first {
		if c.Device != id {
			return errors.New("the first credential of a device is for another one")
		}
	}
	d := device{Algorithm: n.Device.Algorithm, Point: n.Device.Point[:], BoundAt: n.Device.BoundAt.Unix()}
	if err := put(devices, deviceKey(n.Identifier, id), d); err != nil {
		return err
	}
	return s.putCredentials(tx, n.Identifier, l, first)
}

// open is a stored device as package licence knows it.
func (v device) open() (licence.Device, error) {
	d := licence.Device{Algorithm: v.Algorithm, BoundAt: unixUTC(v.BoundAt), LastUse: v.LastUse}
	if len(v.Point) != len(d.Point) {
		return d, errors.New("a stored device is damaged")
	}
	d.Point = [33]byte(v.Point)
	if v.UnboundAt != 0 {
		d.UnboundAt = unixUTC(v.UnboundAt)
	}
	return d, nil
}

// Device implements [licence.Devices].
func (s *Store) Device(ctx context.Context, id licence.Identifier, d licence.DeviceID) (licence.Device, error) {
	var out licence.Device
	err := s.view(ctx, "device of licence "+id.String(), func(tx kv.Tx) error {
		v, err := boundDevice(tx, id, d)
		if err != nil && !errors.Is(err, licence.ErrUnbound) {
			return err
		}
		out, err = v.open()
		return err
	})
	return out, err
}

// Devices implements [licence.Devices].
func (s *Store) Devices(ctx context.Context, id licence.Identifier) ([]licence.Device, error) {
	key := sealed.KeyOf(id)
	var all []licence.Device
	err := s.view(ctx, "devices of licence "+id.String(), func(tx kv.Tx) error {
		if _, err := stateOf(tx, id); err != nil {
			return err
		}
		for _, value := range prefixed(tx.Table(tableDevices), key[:]) {
			var v device
			if err := decode(value, &v); err != nil {
				return err
			}
			d, err := v.open()
			if err != nil {
				return err
			}
			all = append(all, d)
		}
		return nil
	})
	slices.SortStableFunc(all, func(a, b licence.Device) int { return a.BoundAt.Compare(b.BoundAt) })
	return all, err
}

// UseDevice implements [licence.Devices].
func (s *Store) UseDevice(ctx context.Context, id licence.Identifier, d licence.DeviceID, seconds int64, entry audit.Record) error {
	err := s.together(ctx, func(tx kv.Tx) error {
		v, err := boundDevice(tx, id, d)
		if err != nil {
			return err
		}
		if seconds <= v.LastUse {
			return licence.ErrDeviceTime
		}
		v.LastUse = seconds
		if err := put(tx.Table(tableDevices), deviceKey(id, d), v); err != nil {
			return err
		}
		return s.appendAudit(tx, entry)
	})
	if err != nil {
		return fmt.Errorf("device of licence %s: %w", id, err)
	}
	return nil
}

// UnbindDevice implements [licence.Devices].
func (s *Store) UnbindDevice(ctx context.Context, id licence.Identifier, d licence.DeviceID, at time.Time, entry audit.Record) error {
	err := s.together(ctx, func(tx kv.Tx) error {
		v, err := boundDevice(tx, id, d)
		if err != nil {
			return err
		}
		v.UnboundAt = at.Unix()
		if err := put(tx.Table(tableDevices), deviceKey(id, d), v); err != nil {
			return err
		}
		prefix := deviceKey(id, d)
		err = eachCredential(tx, prefix[:sealed.KeySize], func(rest []byte, c credential) error {
			if !bytes.HasPrefix(rest, d[:]) {
				return nil
			}
			c.Revoked = true
			if err := put(tx.Table(tableCredentials), append(bytes.Clone(prefix), rest[licence.DeviceIDSize:]...), c); err != nil {
				return err
			}
			return setPlane(tx, licence.UnpackStatusRef(c.Status), planeRevoked, true)
		})
		if err != nil {
			return err
		}
		return s.appendAudit(tx, entry)
	})
	if err != nil {
		return fmt.Errorf("unbinding a device of licence %s: %w", id, err)
	}
	return nil
}
