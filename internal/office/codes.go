package office

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/disclose"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/qr"
	"github.com/elicence/elicence/qr/picture"
)

// Code is a licence's printed code.
type Code struct {
	Digits string
	// Cut reports that texts were cut to fit.
	Cut bool
	// Address is what the picture on paper holds.
	Address string
}

// Paper returns the symbol for paper.
func (c Code) Paper() (*picture.Symbol, error) { return picture.Draw(c.Address, picture.Paper) }

// Code is [Office.CodeOf] the full profile.
func (o *Office) Code(ctx context.Context, actor string, r licence.Record) (Code, error) {
	return o.CodeOf(ctx, actor, r, disclose.Full)
}

// CodeOf returns a licence's printed code of a profile, and records it before it gives
// it away. The issuing authority signs it when it is first asked for; a reprint is the
// same code, digit by digit. It is signed anew, in its place in the status lists, only
// when the signature has ended or its key was lost. One that has ended or is not
// published yet gets none.
func (o *Office) CodeOf(ctx context.Context, actor string, r licence.Record, profile disclose.Profile) (Code, error) {
	code, err := o.codeOf(ctx, actor, r, profile)
	for range placeTries {
		// Somebody else printed it first, or took its place in the status list.
		if !errors.Is(err, licence.ErrCredentialChanged) && !errors.Is(err, licence.ErrIndexTaken) {
			break
		}
		code, err = o.codeOf(ctx, actor, r, profile)
	}
	if err != nil {
		return Code{}, fmt.Errorf("code of licence %s: %w", r.Licence.Identifier, err)
	}
	return code, nil
}

func (o *Office) codeOf(ctx context.Context, actor string, r licence.Record, profile disclose.Profile) (Code, error) {
	if err := o.mayPrint(r); err != nil {
		return Code{}, err
	}
	o.rotating.RLock()
	defer o.rotating.RUnlock()
	s, err := o.signing(ctx, r)
	if err != nil {
		return Code{}, err
	}
	kept, err := s.kept(ctx, licence.DeviceID{}, profile)
	if err != nil {
		return Code{}, err
	}
	usable, err := s.usable(ctx, kept)
	if err != nil {
		return Code{}, err
	}
	d := draft{profile: profile, earlier: kept}
	if usable {
		return s.reprint(ctx, actor, d)
	}
	c, cut, err := s.make(ctx, d)
	if err != nil {
		return Code{}, err
	}
	code, entry, err := s.printed(actor, c.Signed, cut)
	if err != nil {
		s.release(c)
		return Code{}, err
	}
	return code, s.put(ctx, []licence.NewCredential{c}, entry)
}

// mayPrint says whether a licence may be on paper now.
func (o *Office) mayPrint(r licence.Record) error {
	switch r = r.At(o.now()); {
	case r.State == licence.Pending:
		return fmt.Errorf("it is pending until %s and gets no code before: %w", r.Publication.Format(time.RFC3339), licence.ErrStep)
	case r.State.Ended():
		return fmt.Errorf("it is %s and gets no code: %w", r.State, licence.ErrStep)
	default:
		return nil
	}
}

// reprint gives a code away once more.
func (s *signing) reprint(ctx context.Context, actor string, d draft) (Code, error) {
	_, cut, err := s.credential(d)
	if err != nil {
		return Code{}, err
	}
	code, entry, err := s.printed(actor, d.earlier.Signed, cut)
	if err != nil {
		return Code{}, err
	}
	_, err = s.store.Append(ctx, entry)
	return code, err
}

// printed writes a credential as a printed code, with the entry that says so.
func (s *signing) printed(actor string, signed []byte, cut bool) (Code, audit.Record, error) {
	digits, err := qr.Encode(qr.KindLicence, signed)
	if err != nil {
		return Code{}, audit.Record{}, err
	}
	entry, err := s.entry(actor, audit.ActLicenceCode, digestOf(digits))
	return Code{Digits: digits, Cut: cut, Address: qr.Address(s.config.Host, digits)}, entry, err
}
