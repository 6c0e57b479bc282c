package office

import (
	"context"
	"errors"
	"time"

	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/keystore"
	"github.com/elicence/elicence/qr"
	"github.com/elicence/elicence/qr/trust"
)

// maySign is a kind of code that a key may sign, and for how long.
func maySign(kind qr.Kind, life time.Duration) trust.KindLife {
	return trust.KindLife{Kind: uint64(kind), Seconds: uint64(life / time.Second)}
}

// deviceAlgorithms are the algorithms of holders' devices that count: in a store of
// national algorithms only, SM2.
func (o *Office) deviceAlgorithms() []int64 {
	if o.keys.GMOnly() {
		return []int64{int64(qr.DeviceSM2)}
	}
	return []int64{int64(qr.DeviceP256), int64(qr.DeviceSM2)}
}

// trustIssuers describes an issuing authority: one entry for every generation of its
// key, with its lists in the time in which that key signed. Of the lost ones is known
// what is genuine.
func (o *Office) trustIssuers(ctx context.Context, a licence.Authority, now time.Time, lostKeys []lostKey) ([]trust.Issuer, error) {
	ring, err := o.issuerKeys(ctx, a)
	if err != nil {
		return nil, err
	}
	// The certificate of the register is the first key's first.
	first, err := cert.Parse(a.Certificate)
	if err != nil {
		return nil, err
	}
	var issuers []trust.Issuer
	for _, g := range ring {
		key, err := pki.ParsePoint(g.Point[:])
		if err != nil {
			return nil, err
		}
		issuer := trust.Issuer{
			Point: g.Point, KID: key.KID(), USCC: a.USCC, Name: a.Name, Region: a.Region, State: trust.IssuerActive,
			Kinds: []trust.KindLife{maySign(qr.KindLicence, qr.MaxPrintedLife), maySign(qr.KindHolder, qr.MaxDeviceLife)},
		}
		if g.Until != 0 && g.Until <= now.Unix() {
			issuer.State = trust.IssuerRetired
		}
		if lost, err := o.compromised(ctx, g.Point); err != nil {
			return nil, err
		} else if lost {
			issuer.State = trust.IssuerCompromised
			for _, l := range lostKeys {
				if l.Point == g.Point {
					issuer.Since, issuer.Genuine = l.Since, &l.Genuine
				}
			}
		}
		for _, id := range a.Categories {
			issuer.Categories = append(issuer.Categories, uint64(id))
		}
		from := g.From
		if from == 0 {
			from = first.NotBefore().Unix()
		}
		for _, l := range a.Lists {
			issuer.Lists = append(issuer.Lists, trust.IssuerList{List: uint64(l), From: from, Until: g.Until})
		}
		issuers = append(issuers, issuer)
	}
	return issuers, nil
}

// trustServices names the keys for codes that the service signs, those before the
// present one with the end of their time, without those that were compromised.
func (o *Office) trustServices(ctx context.Context) ([]trust.Service, error) {
	var services []trust.Service
	for _, s := range []struct {
		key, title string
		may        trust.KindLife
	}{
		{codeKey, "文件核验码签名", maySign(qr.KindDocument, qr.MaxPrintedLife)},
		{presentKey, presentTitle, maySign(qr.KindService, qr.MaxShownLife)},
	} {
		ring, err := o.keyring(ctx, keystore.PurposeService, s.key)
		if errors.Is(err, keystore.ErrNoKey) && s.key == presentKey {
			continue // made when the first code is asked for
		}
		if err != nil {
			return nil, err
		}
		for _, g := range ring {
			if lost, err := o.compromised(ctx, g.Point); err != nil {
				return nil, err
			} else if lost {
				continue
			}
			key, err := pki.ParsePoint(g.Point[:])
			if err != nil {
				return nil, err
			}
			services = append(services, trust.Service{
				Point: g.Point, KID: key.KID(), Name: o.config.Domain + s.title, Kinds: []trust.KindLife{s.may}, From: g.From, Until: g.Until,
			})
		}
	}
	return services, nil
}

// trustLog names the key that signs checkpoints of the audit log, and those that did,
// without those that were compromised.
func (o *Office) trustLog(ctx context.Context, now time.Time) (trust.LogKey, []trust.PastLogKey, error) {
	ring, err := o.keyring(ctx, keystore.PurposeService, checkpointKey)
	if err != nil {
		return trust.LogKey{}, nil, err
	}
	present, err := ring.current(now)
	if err != nil {
		return trust.LogKey{}, nil, err
	}
	var past []trust.PastLogKey
	for _, g := range ring {
		if g.Until == 0 || g.Until > now.Unix() {
			continue
		}
		if lost, err := o.compromised(ctx, g.Point); err != nil {
			return trust.LogKey{}, nil, err
		} else if !lost {
			past = append(past, trust.PastLogKey{Point: g.Point, From: g.From, Until: g.Until})
		}
	}
	return trust.LogKey{Origin: o.config.Domain, Point: present.Point}, past, nil
}

// documentTrust says whose seals and personal signatures count: the authorities for
// seals and for persons and the seal maker, with every key that they have had but
// those that were compromised. The ring has the roots that certify the authorities.
func (o *Office) documentTrust(ctx context.Context, roots keyring) (trust.Documents, error) {
	var d trust.Documents
	var err error
	if d.Roots, err = o.trustedRoots(ctx, roots); err != nil {
		return d, err
	}
	for name, into := range map[string]*[][]byte{caSeals: &d.Seals, caPersons: &d.Persons} {
		ring, err := o.keyringOfAuthority(ctx, name)
		if err != nil {
			return d, err
		}
		for _, g := range ring {
			certificates, err := o.certifiedByRoots(ctx, roots, g.Point)
			if err != nil {
				return d, err
			}
			*into = append(*into, certificates...)
		}
	}
	makers, err := o.keyring(ctx, keystore.PurposeSeal, makerKey)
	if err != nil {
		return d, err
	}
	for _, g := range makers {
		if lost, err := o.compromised(ctx, g.Point); err != nil {
			return d, err
		} else if lost {
			continue
		}
		d.Makers = append(d.Makers, g.Point)
	}
	return d, nil
}
