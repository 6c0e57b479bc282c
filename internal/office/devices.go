package office

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/licence/disclose"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/qr"
)

const (
	// renewAfter is when a device should renew a credential, long before it ends, so
	// that it can stay without a network for more than three weeks at any time.
	renewAfter = 7 * day
	// renewAtMost is how often a credential is signed anew.
	renewAtMost = day
)

// ErrNotInForce: by its days the licence is not in force.
var ErrNotInForce = bilingual.New("该证照今日不在有效期内", "the licence is not in force today")

// Binding is a code that a licence's holder binds a device with.
type Binding struct {
	Code    licence.BindingCode
	Until   time.Time
	Address string // what its picture holds: the wallet page with the code behind '#'
}

// bindingDraws is how often a code is drawn before one is found whose handle is free.
const bindingDraws = 32

// OfferBinding makes a binding code for the holder of a licence in force, who has been
// identified before.
func (o *Office) OfferBinding(ctx context.Context, actor string, r licence.Record) (Binding, error) {
	until, err := o.TryBinding(r)
	if err != nil {
		return Binding{}, err
	}
	id, now := r.Licence.Identifier, until.Add(-licence.BindingLife)
	for range bindingDraws {
		code, err := licence.NewBindingCode()
		if err != nil {
			return Binding{}, err
		}
		entry, err := audit.NewRecord(audit.Entry{Time: now.Unix(), Actor: actor, Act: audit.ActDeviceOffer, Subject: id.String()}, nil)
		if err != nil {
			return Binding{}, err
		}
		b := Binding{Code: code, Until: until, Address: "https://" + o.config.Host + "/wallet#" + code.Digits()}
		err = o.store.OpenBinding(ctx, licence.Binding{Code: code, Identifier: id, Until: b.Until, Audit: entry})
		if !errors.Is(err, licence.ErrBindingTaken) {
			return b, err
		}
	}
	return Binding{}, fmt.Errorf("too many binding codes are waiting: %w", licence.ErrBindingTaken)
}

// TryBinding answers as [Office.OfferBinding] would, with until when a code would be good and
// without one, and changes nothing.
func (o *Office) TryBinding(r licence.Record) (time.Time, error) {
	return o.now().UTC().Truncate(time.Second).Add(licence.BindingLife), o.mayBind(r)
}

// mayBind says whether devices may carry a licence now.
func (o *Office) mayBind(r licence.Record) error {
	if r = r.At(o.now()); r.State != licence.Active {
		return fmt.Errorf("licence %s is %s: %w", r.Licence.Identifier, r.State, licence.ErrStep)
	}
	if last := r.Licence.LastDay; last != nil && !o.now().Before(last.End()) {
		return fmt.Errorf("licence %s has ended: %w", r.Licence.Identifier, ErrNotInForce)
	}
	return nil
}

// Holding is a licence as a device holds it.
type Holding struct {
	Licence     *licence.Licence
	Category    *catalogue.Category
	Summary     qr.Summary // of the full profile, uncut, for the holder's own eyes
	Device      licence.DeviceID
	Credentials []licence.Credential
	RenewAt     time.Time
	Now         time.Time // by the service's clock
}

// BindDevice binds a device by a code. The same request again, after a lost answer, is
// answered with the same credentials.
func (o *Office) BindDevice(ctx context.Context, q BindRequest) (Holding, error) {
	key, err := o.deviceKey(q)
	if err != nil {
		return Holding{}, err
	}
	if err := checkProfiles(q.Profiles); err != nil {
		return Holding{}, err
	}
	if key.Judge(q.ToBeSigned(o.config.Host), q.Proof, nil) != pki.Good { // see proven
		return Holding{}, ErrProof
	}
	d := deviceOf(key, o.now().UTC().Truncate(time.Second))
	id, err := o.store.TryBinding(ctx, licence.BindingTry{Code: q.Code, Device: d.ID(), At: d.BoundAt, Entry: func(id licence.Identifier) (audit.Record, error) {
		return audit.NewRecord(audit.Entry{Time: d.BoundAt.Unix(), Actor: byDevice(d.ID()), Act: audit.ActDeviceTry, Subject: id.String()}, nil)
	}})
	if err != nil {
		return Holding{}, err
	}
	r, err := o.record(ctx, id)
	if err != nil {
		return Holding{}, err
	}
	if err := o.mayBind(r); err != nil {
		return Holding{}, err
	}
	o.rotating.RLock()
	defer o.rotating.RUnlock()
	s, err := o.signing(ctx, r)
	if err != nil {
		return Holding{}, err
	}
	err = s.bind(ctx, q, d, key)
	for range placeTries {
		if !errors.Is(err, licence.ErrIndexTaken) {
			break
		}
		err = s.bind(ctx, q, d, key)
	}
	if err != nil {
		return Holding{}, err
	}
	return s.hold(ctx, d)
}

// checkProfiles wants one profile or more, each known and once.
func checkProfiles(all []disclose.Profile) error {
	if len(all) == 0 {
		return ErrProfiles
	}
	for i, p := range all {
		if !slices.Contains(disclose.Profiles(), p) || slices.Contains(all[:i], p) {
			return ErrProfiles
		}
	}
	return nil
}

// deviceKey reads the key of a request.
func (o *Office) deviceKey(q BindRequest) (*qr.DeviceKey, error) {
	algorithm := deviceAlgorithmOf(q.Algorithm)
	if !slices.Contains(o.deviceAlgorithms(), int64(algorithm)) {
		return nil, fmt.Errorf("algorithm %q: %w", q.Algorithm, ErrDeviceKey)
	}
	key, err := qr.ParseDeviceKey(algorithm, q.Key)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDeviceKey, err)
	}
	return key, nil
}

// bind signs the credentials of a device that is new and binds it.
func (s *signing) bind(ctx context.Context, q BindRequest, d licence.Device, key *qr.DeviceKey) error {
	n := licence.NewDevice{Code: q.Code, Identifier: s.licence.Identifier, Device: d}
	var made []licence.NewCredential
	var digest []byte
	stored, err := s.store.Device(ctx, n.Identifier, d.ID())
	switch {
	case err == nil && !stored.UnboundAt.IsZero():
		return fmt.Errorf("binding a device to licence %s: %w", n.Identifier, licence.ErrUnbound)
	case err == nil: // it has its credentials, and only uses the code up
	case errors.Is(err, licence.ErrNoDevice):
		for _, profile := range q.Profiles {
			c, _, err := s.make(ctx, draft{device: key, profile: profile})
			if err != nil {
				s.release(made...)
				return err
			}
			made = append(made, c)
			n.Credentials = append(n.Credentials, c.Credential)
		}
		first := made[0].Digest()
		digest = first[:]
	default:
		return err
	}
	n.Audit, err = s.entry(byDevice(d.ID()), audit.ActDeviceBind, digest)
	if err == nil {
		err = s.store.BindDevice(ctx, n)
	}
	if err != nil {
		s.release(made...)
		return err
	}
	s.given(made)
	return s.releaseOther(ctx, made)
}

// releaseOther gives up the places of credentials that were not stored because the same
// request had come twice at once.
func (s *signing) releaseOther(ctx context.Context, made []licence.NewCredential) error {
	for _, c := range made {
		kept, err := s.kept(ctx, c.Device, disclose.Profile(c.Profile))
		if err != nil {
			return err
		}
		if kept.Status != c.Status {
			s.release(c)
		}
	}
	return nil
}

// RenewDevice gives a device credentials that live longer. They keep their places in
// the status lists. Within a day of the last time they are the same.
func (o *Office) RenewDevice(ctx context.Context, q RenewRequest) (Holding, error) {
	r, d, err := o.proven(ctx, q.DeviceRequest, q.ToBeSigned(o.config.Host))
	if err != nil {
		return Holding{}, err
	}
	if err := o.mayBind(r); err != nil {
		return Holding{}, err
	}
	o.rotating.RLock()
	defer o.rotating.RUnlock()
	s, err := o.signing(ctx, r)
	if err != nil {
		return Holding{}, err
	}
	return s.hold(ctx, d)
}

// hold answers a device with its credentials, recorded before they are given away.
func (s *signing) hold(ctx context.Context, d licence.Device) (Holding, error) {
	h, err := s.holding(ctx, d)
	if errors.Is(err, licence.ErrCredentialChanged) { // the same request came twice at once
		h, err = s.holding(ctx, d)
	}
	if err != nil {
		return Holding{}, err
	}
	return h, nil
}

// holding collects a device's credentials, those signed anew that are due.
func (s *signing) holding(ctx context.Context, d licence.Device) (Holding, error) {
	h := Holding{
		Licence: s.licence, Category: s.category, Summary: disclose.Summary(s.licence, s.category, disclose.Full), Device: d.ID(), Now: s.now,
	}
	all, err := s.store.Credentials(ctx, s.licence.Identifier)
	if err != nil {
		return h, err
	}
	var renewed []licence.NewCredential
	for _, c := range all {
		if c.Device != h.Device {
			continue
		}
		n, err := s.renew(ctx, d, c)
		if err != nil {
			return h, err
		}
		if n != nil {
			renewed, c = append(renewed, *n), n.Credential
		}
		h.Credentials = append(h.Credentials, c)
	}
	if len(h.Credentials) == 0 {
		return h, fmt.Errorf("device %s of licence %s has no credential", h.Device, s.licence.Identifier)
	}
	first := h.Credentials[0]
	h.RenewAt = first.SignedAt.Add(renewAfter)
	if h.RenewAt.After(first.Expires) {
		h.RenewAt = first.Expires
	}
	if len(renewed) == 0 {
		return h, s.looked(ctx, byDevice(h.Device), s.record)
	}
	digest := first.Digest()
	entry, err := s.entry(byDevice(h.Device), audit.ActDeviceRenew, digest[:])
	if err != nil {
		return h, err
	}
	return h, s.put(ctx, renewed, entry)
}

// renew signs a device's credential anew if it is due: a day after the last time, and
// at once when the key that signed it is not the authority's any more.
func (s *signing) renew(ctx context.Context, d licence.Device, c licence.Credential) (*licence.NewCredential, error) {
	usable, err := s.usable(ctx, c)
	if err != nil {
		return nil, err
	}
	if usable && c.Point == s.key.Public().Point() && s.now.Sub(c.SignedAt) < renewAtMost {
		return nil, nil
	}
	key, err := qr.ParseDeviceKey(deviceAlgorithmOf(d.Algorithm), d.Point[:])
	if err != nil {
		return nil, fmt.Errorf("bound device: %w", err)
	}
	n, _, err := s.make(ctx, draft{device: key, profile: disclose.Profile(c.Profile), earlier: c})
	if err != nil {
		return nil, err
	}
	return &n, nil
}

// UnbindByDevice ends a binding at the wish of the device itself.
func (o *Office) UnbindByDevice(ctx context.Context, q UnbindRequest) error {
	_, _, err := o.proven(ctx, q.DeviceRequest, q.ToBeSigned(o.config.Host))
	if errors.Is(err, licence.ErrUnbound) {
		return nil // it has what it asks for
	}
	if err != nil {
		return err
	}
	return o.UnbindDevice(ctx, byDevice(q.Device), q.Licence, q.Device)
}

// UnbindDevice ends a device's binding for good: its credentials are revoked, and no
// others. Terminals learn of it with the next publication.
func (o *Office) UnbindDevice(ctx context.Context, actor string, id licence.Identifier, device licence.DeviceID) error {
	now := o.now().UTC().Truncate(time.Second)
	entry, err := audit.NewRecord(audit.Entry{Time: now.Unix(), Actor: actor, Act: audit.ActDeviceUnbind, Subject: id.String()}, []byte(device.String()))
	if err != nil {
		return err
	}
	if err := o.store.UnbindDevice(ctx, id, device, now, entry); err != nil {
		return err
	}
	o.unknown.tell()
	return nil
}

// TryUnbind answers as [Office.UnbindDevice] would, and changes nothing.
func (o *Office) TryUnbind(ctx context.Context, id licence.Identifier, device licence.DeviceID) error {
	d, err := o.store.Device(ctx, id, device)
	if errors.Is(err, licence.ErrNoDevice) {
		err = licence.ErrNoDevice // under the name of the act
	}
	if err == nil && !d.UnboundAt.IsZero() {
		err = licence.ErrUnbound
	}
	if err != nil {
		return fmt.Errorf("unbinding a device of licence %s: %w", id, err)
	}
	return nil
}

// DeviceState is a device that was ever bound to a licence, with its credentials.
type DeviceState struct {
	licence.Device
	Credentials []licence.Credential
}

// Devices lists the devices of a licence that was looked at, the oldest first.
func (o *Office) Devices(ctx context.Context, r licence.Record) ([]DeviceState, error) {
	devices, err := o.store.Devices(ctx, r.Licence.Identifier)
	if err != nil {
		return nil, err
	}
	credentials, err := o.store.Credentials(ctx, r.Licence.Identifier)
	if err != nil {
		return nil, err
	}
	all := make([]DeviceState, len(devices))
	for i, d := range devices {
		all[i].Device = d
		for _, c := range credentials {
			if c.Device == d.ID() {
				all[i].Credentials = append(all[i].Credentials, c)
			}
		}
	}
	return all, nil
}

// digestOf is the digest of a text that was given away.
func digestOf(text string) []byte {
	sum := sm3.Sum([]byte(text))
	return sum[:]
}
