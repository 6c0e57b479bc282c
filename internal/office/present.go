package office

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/licence/disclose"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/keystore"
	"github.com/elicence/elicence/qr"
	"github.com/elicence/elicence/qr/picture"
)

// Presentation is a code of kind 3: what a holder chose to show, signed by the service
// just now.
type Presentation struct {
	Digits  string
	Cut     bool // texts were cut to fit
	Expires time.Time
	Now     time.Time // by the service's clock
}

// Screen returns the symbol for a screen.
func (p Presentation) Screen() (*picture.Symbol, error) {
	return picture.Draw(p.Digits, picture.Screen)
}

// ErrChoice: not one of what can be chosen of this licence.
var ErrChoice = bilingual.New("不是该证照可出示的内容", "not one of what the licence can show")

// Names of what can be chosen. A code field is fields.CODE.
const (
	chooseNumber   = "number"
	chooseHolder   = "holder"
	chooseMaskedID = "id_masked"
	chooseValidity = "validity"
	chooseField    = "fields."
)

// Choices names what a holder can choose to show of a summary: what is there.
func choices(s qr.Summary, c *catalogue.Category) []string {
	names := []string{chooseNumber, chooseHolder}
	if s.MaskedID != "" {
		names = append(names, chooseMaskedID)
	}
	names = append(names, chooseValidity)
	for i, f := range c.QRFields() {
		if i < len(s.Fields) && s.Fields[i] != nil {
			names = append(names, chooseField+f.Code)
		}
	}
	return names
}

// Choices names what the holder can choose to present of the licence.
func (h Holding) Choices() []string { return choices(h.Summary, h.Category) }

// choose reads names, each of which must be there and stand once.
func choose(s qr.Summary, c *catalogue.Category, names []string) (qr.Choice, error) {
	fields := c.QRFields()
	choice := qr.Choice{Fields: make([]bool, len(fields))}
	known := choices(s, c)
	for i, name := range names {
		if !slices.Contains(known, name) || slices.Contains(names[:i], name) {
			return choice, fmt.Errorf("field %d, each once out of %s: %w", i+1, strings.Join(known, ", "), ErrChoice)
		}
		switch name {
		case chooseNumber:
			choice.Number = true
		case chooseHolder:
			choice.Holder = true
		case chooseMaskedID:
			choice.MaskedID = true
		case chooseValidity:
			choice.Validity = true
		default:
			code := strings.TrimPrefix(name, chooseField)
			choice.Fields[slices.IndexFunc(fields, func(f catalogue.Field) bool { return f.Code == code })] = true
		}
	}
	return choice, nil
}

// Present gives a holder at a counter a code with the chosen fields.
func (o *Office) Present(ctx context.Context, actor string, r licence.Record, fields []string) (Presentation, error) {
	p, err := o.present(ctx, actor, r, fields)
	if err != nil {
		return Presentation{}, err
	}
	entry, err := o.presented(actor, audit.ActLicencePresent, r, p)
	if err != nil {
		return Presentation{}, err
	}
	if _, err := o.store.Append(ctx, entry); err != nil {
		return Presentation{}, err
	}
	return p, nil
}

// PresentByDevice gives a bound device a code with the chosen fields. A request is good
// for one code.
func (o *Office) PresentByDevice(ctx context.Context, q PresentRequest) (Presentation, error) {
	r, d, err := o.proven(ctx, q.DeviceRequest, q.ToBeSigned(o.config.Host))
	if err != nil {
		return Presentation{}, err
	}
	if q.Time <= d.LastUse {
		return Presentation{}, licence.ErrDeviceTime
	}
	p, err := o.present(ctx, byDevice(q.Device), r, q.Fields)
	if err != nil {
		return Presentation{}, err
	}
	entry, err := o.presented(byDevice(q.Device), audit.ActDevicePresent, r, p)
	if err != nil {
		return Presentation{}, err
	}
	if err := o.store.UseDevice(ctx, q.Licence, q.Device, q.Time, entry); err != nil {
		return Presentation{}, err
	}
	return p, nil
}

func (o *Office) presented(actor string, act audit.Act, r licence.Record, p Presentation) (audit.Record, error) {
	return audit.NewRecord(audit.Entry{Time: p.Now.Unix(), Actor: actor, Act: act, Subject: r.Licence.Identifier.String(), Digest: digestOf(p.Digits)}, nil)
}

// present signs a code of kind 3. A terminal may learn from it neither the licence's
// days nor its place in the status lists, so the service itself says no to what is not
// in force now.
func (o *Office) present(ctx context.Context, actor string, r licence.Record, fields []string) (Presentation, error) {
	now := o.now().UTC().Truncate(time.Second)
	if err := o.mayBind(r); err != nil {
		return Presentation{}, err
	}
	if now.Before(r.Licence.FirstDay.Start()) {
		return Presentation{}, fmt.Errorf("licence %s has not begun: %w", r.Licence.Identifier, ErrNotInForce)
	}
	category, ok := o.Catalogue().Version(r.Licence.Category, r.Licence.Schema)
	if !ok {
		return Presentation{}, fmt.Errorf("category %s: %w", r.Licence.Category, catalogue.ErrNoCategory)
	}
	summary := disclose.Summary(r.Licence, category, disclose.Full)
	choice, err := choose(summary, category, fields)
	if err != nil {
		return Presentation{}, err
	}
	chosen, cut, err := disclose.Choose(summary, category, choice)
	if err != nil {
		return Presentation{}, err
	}
	o.rotating.RLock()
	defer o.rotating.RUnlock()
	key, err := o.presentingKey(ctx, actor)
	if err != nil {
		return Presentation{}, err
	}
	shown := qr.Shown{SignedAt: now, Expires: now.Add(qr.MaxShownLife), Chosen: chosen}
	b, err := shown.Sign(key)
	if err != nil {
		return Presentation{}, err
	}
	digits, err := qr.Encode(qr.KindService, b)
	return Presentation{Digits: digits, Cut: cut, Expires: shown.Expires, Now: now}, err
}

// presentingKey is the key for codes of kind 3. A data folder that is older than these
// codes gets it with the first of them, and publishes it. The caller holds rotating for
// reading.
func (o *Office) presentingKey(ctx context.Context, actor string) (*pki.Key, error) {
	if key, err := o.currentKey(ctx, keystore.PurposeService, presentKey); err == nil {
		return key, nil
	}
	o.presenting.Lock()
	defer o.presenting.Unlock()
	// Whoever held the lock before may have made it.
	key, err := o.currentKey(ctx, keystore.PurposeService, presentKey)
	if !errors.Is(err, keystore.ErrNoKey) && !errors.Is(err, errUncertified) {
		return key, err
	}
	for _, s := range serviceKeys() {
		if s.name != presentKey {
			continue
		}
		if _, _, err := o.certified(ctx, actor, s.purpose, s.name, s.authority, o.serviceRequest(s)); err != nil {
			return nil, err
		}
	}
	if _, err := o.Publish(ctx, actor); err != nil {
		return nil, err
	}
	return o.currentKey(ctx, keystore.PurposeService, presentKey)
}
