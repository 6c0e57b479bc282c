package office

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/licence/disclose"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/cose"
	"github.com/elicence/elicence/qr"
)

// signing is what it takes to sign credentials of one licence now. Who makes it holds
// rotating for reading until what was signed is stored.
type signing struct {
	*Office
	record   licence.Record
	licence  *licence.Licence
	category *catalogue.Category
	issuer   licence.Authority
	key      *pki.Key
	now      time.Time
}

func (o *Office) signing(ctx context.Context, r licence.Record) (*signing, error) {
	category, ok := o.Catalogue().Version(r.Licence.Category, r.Licence.Schema)
	if !ok {
		return nil, fmt.Errorf("category %s: %w", r.Licence.Category, catalogue.ErrNoCategory)
	}
	issuer, err := o.authorityOf(ctx, r.Licence.Identifier.Issuer)
	if err != nil {
		return nil, err
	}
	key, err := o.authorityKey(ctx, issuer)
	if err != nil {
		return nil, err
	}
	return &signing{o, r, r.Licence, category, issuer, key, o.now().UTC().Truncate(time.Second)}, nil
}

// kept returns the licence's credential of a device (zero: printed) and profile as the
// register has it; a zero one if there is none.
func (s *signing) kept(ctx context.Context, device licence.DeviceID, profile disclose.Profile) (licence.Credential, error) {
	all, err := s.store.Credentials(ctx, s.licence.Identifier)
	if err != nil {
		return licence.Credential{}, err
	}
	i := slices.IndexFunc(all, func(c licence.Credential) bool { return c.Device == device && c.Profile == string(profile) })
	if i < 0 {
		return licence.Credential{}, nil
	}
	return all[i], nil
}

// usable reports whether a kept credential can be given out as it is. One that is not
// its key's any more was damaged in the store.
func (s *signing) usable(ctx context.Context, c licence.Credential) (bool, error) {
	if c.Signed == nil || !c.Expires.After(s.now) {
		return false, nil
	}
	object := pki.ObjectCodeLicence
	if c.Device != (licence.DeviceID{}) {
		object = pki.ObjectCodeHolder
	}
	m, err := cose.Parse(c.Signed)
	if err != nil {
		return false, fmt.Errorf("kept credential: %w", err)
	}
	key, err := pki.ParsePoint(c.Point[:])
	if err != nil {
		return false, fmt.Errorf("kept credential: %w", err)
	}
	if err := pki.Judge(key, m.ToBeSigned(object), m.Signature, s.second).Err(licence.ErrNotSigned); err != nil {
		return false, fmt.Errorf("kept credential: %w", err)
	}
	lost, err := s.compromised(ctx, c.Point)
	return !lost, err
}

// draft says what credential is made.
type draft struct {
	device  *qr.DeviceKey // nil: printed
	profile disclose.Profile
	earlier licence.Credential // whose place it takes; zero: none
}

// credential is what is signed for a draft, cut to fit, but for its place. It reports
// whether anything was cut.
func (s *signing) credential(d draft) (*qr.Credential, bool, error) {
	c := &qr.Credential{SignedAt: s.now, Summary: disclose.Summary(s.licence, s.category, d.profile), Device: d.device}
	limit := qr.MaxPaper
	if d.device == nil {
		c.Expires = qr.PrintedExpiry(s.now, s.licence.LastDay)
	} else {
		limit, c.Expires = qr.MaxDeviceCredential, s.now.Add(qr.MaxDeviceLife)
		if last := s.licence.LastDay; last != nil && last.End().Before(c.Expires) {
			c.Expires = last.End()
		}
	}
	cut, err := disclose.Fit(c, s.category, limit)
	return c, cut, err
}

// make signs a credential. A new one gets a place in the status lists that is reserved
// for it until it is stored or [signing.release] gives it up; the printed one of the
// full profile has the licence's own.
func (s *signing) make(ctx context.Context, d draft) (licence.NewCredential, bool, error) {
	var made licence.NewCredential
	c, cut, err := s.credential(d)
	if err != nil {
		return made, false, err
	}
	made.Credential = licence.Credential{Profile: string(d.profile), Point: s.key.Public().Point(), SignedAt: c.SignedAt, Expires: c.Expires}
	switch {
	case d.earlier.Signed != nil:
		made.Status, made.Replaces = d.earlier.Status, d.earlier.Digest()
	case d.device == nil && d.profile == disclose.Full:
		made.Status = s.licence.Status
	default:
		if made.Status, err = s.reserve(ctx, s.issuer); err != nil {
			return made, false, err
		}
	}
	c.Summary.Status = made.Status.Packed()
	if d.device == nil {
		made.Signed, err = c.Sign(s.key)
	} else {
		made.Device = deviceOf(d.device, s.now).ID()
		made.Signed, err = c.SignForDevice(s.key)
	}
	if err != nil {
		s.release(made)
	}
	return made, cut, err
}

// put stores credentials, and has those published that terminals cannot know yet.
func (s *signing) put(ctx context.Context, all []licence.NewCredential, entry audit.Record) error {
	if err := s.store.PutCredentials(ctx, s.licence.Identifier, all, entry); err != nil {
		s.release(all...)
		return err
	}
	s.given(all)
	return nil
}

// given tells the publisher of places that were taken.
func (s *signing) given(all []licence.NewCredential) {
	for _, c := range all {
		s.unknown.issued(c.Status)
	}
}

// release gives up the places of credentials that were not stored.
func (s *signing) release(all ...licence.NewCredential) {
	for _, c := range all {
		if c.Replaces == [32]byte{} && c.Status != s.licence.Status {
			s.store.ReleaseIndex(c.Status)
		}
	}
}

// entry is an entry of the audit log about the licence.
func (s *signing) entry(actor string, act audit.Act, digest []byte) (audit.Record, error) {
	return audit.NewRecord(audit.Entry{Time: s.now.Unix(), Actor: actor, Act: act, Subject: s.licence.Identifier.String(), Digest: digest}, nil)
}
