package office

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/cleantext"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/seal"
)

// SuspendSeal stops a seal for a time, and puts its certificates on hold, so that others
// see it too. What was sealed before carries the same certificates and is suspended with
// the seal.
//
// The seal stops first. Where a run is cut off before the certificates are on hold, the
// same act again finishes it.
func (o *Office) SuspendSeal(ctx context.Context, actor, id, reason string) (seal.Record, error) {
	r, err := o.moveSeal(ctx, actor, audit.ActSealSuspend, id, reason, seal.Suspended, seal.InUse)
	if err != nil {
		return r, err
	}
	return r, o.eachSealCertificate(ctx, r, func(c CertificateRecord) error {
		if c.State != ca.Good {
			return nil
		}
		_, err := o.HoldCertificate(ctx, actor, c.Serial, reason)
		return err
	})
}

// ResumeSeal puts a suspended seal into use again: its certificates first.
func (o *Office) ResumeSeal(ctx context.Context, actor, id, reason string) (seal.Record, error) {
	if err := audit.CheckReason(reason); err != nil {
		return seal.Record{}, err
	}
	r, err := o.store.Seal(ctx, id)
	if err != nil {
		return r, err
	}
	if r.State() != seal.Suspended {
		return r, bilingual.Wrap("印章"+r.State().NameZH()+"，不能恢复", fmt.Errorf("seal %s is %s: %w", id, r.State(), seal.ErrState))
	}
	err = o.eachSealCertificate(ctx, r, func(c CertificateRecord) error {
		if c.State != ca.Held {
			return nil
		}
		_, err := o.ReleaseCertificate(ctx, actor, c.Serial, reason)
		return err
	})
	if err != nil {
		return r, err
	}
	return o.moveSeal(ctx, actor, audit.ActSealResume, id, reason, seal.InUse, seal.Suspended)
}

// RevokeSeal ends a seal for ever and revokes its certificates. The reason of RFC 5280
// tells others what to make of earlier documents: after a lost key none is believed. The
// same act again finishes a run that was cut off.
func (o *Office) RevokeSeal(ctx context.Context, actor, id string, why Revocation) (seal.Record, error) {
	if why.Reason == cert.CertificateHold {
		return seal.Record{}, fmt.Errorf("%s is for a suspension, which can be taken back: %w", why.Reason, ca.ErrReason)
	}
	r, err := o.moveSeal(ctx, actor, audit.ActSealRevoke, id, why.Note, seal.Revoked, seal.InUse, seal.Suspended)
	if err != nil {
		return r, err
	}
	return r, o.eachSealCertificate(ctx, r, func(c CertificateRecord) error {
		if c.State == ca.Revoked {
			return nil
		}
		_, err := o.RevokeCertificate(ctx, actor, c.Serial, why)
		return err
	})
}

// moveSeal puts a seal into a state, from one of others. A seal that is in that state
// already stays as it is, unless there is nothing left to finish.
func (o *Office) moveSeal(ctx context.Context, actor string, act audit.Act, id, reason string, to seal.State, from ...seal.State) (seal.Record, error) {
	if err := audit.CheckReason(reason); err != nil {
		return seal.Record{}, err
	}
	now := o.now().UTC().Truncate(time.Second)
	r, err := o.store.Seal(ctx, id)
	if err != nil {
		return r, err
	}
	if r.State() == to && to != seal.InUse {
		unfinished, err := o.unfinished(ctx, r)
		if err != nil || unfinished {
			return r, err
		}
	}
	entry, err := o.onSeal(actor, act, id, reason)
	if err != nil {
		return r, err
	}
	return o.store.ChangeSeal(ctx, id, func(stored *seal.Record) error {
		if !slices.Contains(from, stored.State()) {
			return bilingual.Wrap("印章"+stored.State().NameZH()+"，不能如此变更", fmt.Errorf("is %s: %w", stored.State(), seal.ErrState))
		}
		stored.Standing, stored.Since, stored.Why = to, now, reason
		return nil
	}, entry)
}

// unfinished reports whether a stopped seal has certificates that do not say so.
func (o *Office) unfinished(ctx context.Context, r seal.Record) (bool, error) {
	found := false
	err := o.eachSealCertificate(ctx, r, func(c CertificateRecord) error {
		found = found || c.State == ca.Good || r.State() == seal.Revoked && c.State == ca.Held
		return nil
	})
	return found, err
}

// eachSealCertificate calls f with every certificate that the seal has had and that has
// not ended: all are of its one key.
func (o *Office) eachSealCertificate(ctx context.Context, r seal.Record, f func(CertificateRecord) error) error {
	if !r.Made() {
		return nil
	}
	chains := [][][]byte{r.Chain}
	for _, e := range r.Earlier {
		chains = append(chains, e.Chain)
	}
	for _, chain := range chains {
		c, err := cert.Parse(chain[0])
		if err != nil {
			return fmt.Errorf("seal %s: %w", r.ID, err)
		}
		serial, ok := cert.SerialOf(c.SerialNumber())
		if !ok {
			return fmt.Errorf("seal %s: certificate %s is none of ours", r.ID, c.Serial())
		}
		if !c.NotAfter().After(o.now()) {
			continue
		}
		record, err := o.Certificate(ctx, serial)
		if err != nil {
			return fmt.Errorf("seal %s: %w", r.ID, err)
		}
		if err := f(record); err != nil {
			return fmt.Errorf("seal %s: certificate %s: %w", r.ID, serial, err)
		}
	}
	return nil
}

// AddKeeper names a person who may use a seal. With the first one, everybody else may
// not any more.
func (o *Office) AddKeeper(ctx context.Context, actor, id, keeper string) (seal.Record, error) {
	if err := cleantext.Check(keeper); err != nil || keeper == "" {
		return seal.Record{}, fmt.Errorf("keeper's name is empty or not clean text: %w", ErrOutOfRange)
	}
	return o.changeRules(ctx, actor, id, "keeper added: "+keeper, func(r *seal.Rules) error {
		if slices.Contains(r.Keepers, keeper) {
			return bilingual.Wrap(keeper+"已是该印章的保管人", fmt.Errorf("%s is a keeper already: %w", keeper, seal.ErrState))
		}
		r.Keepers = append(r.Keepers, keeper)
		return nil
	})
}

// RemoveKeeper takes a seal from a person. The last keeper stays: without any, everybody
// could use it. Suspend the seal, or name another one first.
func (o *Office) RemoveKeeper(ctx context.Context, actor, id, keeper string) (seal.Record, error) {
	return o.changeRules(ctx, actor, id, "keeper removed: "+keeper, func(r *seal.Rules) error {
		at := slices.Index(r.Keepers, keeper)
		if at < 0 {
			return bilingual.Wrap(keeper+"不是该印章的保管人", fmt.Errorf("%s %w", keeper, seal.ErrNotKeeper))
		}
		if len(r.Keepers) == 1 {
			return bilingual.Wrap(keeper+"是最后一名保管人，移除后人人可用印；请先增加他人或停用印章", fmt.Errorf("%s is the last keeper, and without one everybody could use it: %w", keeper, seal.ErrState))
		}
		r.Keepers = slices.Delete(r.Keepers, at, at+1)
		return nil
	})
}

// LimitSeal sets how often and at what hours a seal may be used, and whether its purpose must
// be said; its keepers stay.
func (o *Office) LimitSeal(ctx context.Context, actor, id string, limits seal.Rules) (seal.Record, error) {
	if err := limits.Check(); err != nil {
		return seal.Record{}, fmt.Errorf("%w: %w", err, ErrOutOfRange)
	}
	note := fmt.Sprintf("uses: %d, minutes of the day: %d to %d, purpose required: %t", limits.MaxUses, limits.From, limits.Until, limits.PurposeRequired)
	return o.changeRules(ctx, actor, id, note, func(r *seal.Rules) error {
		r.MaxUses, r.From, r.Until, r.PurposeRequired = limits.MaxUses, limits.From, limits.Until, limits.PurposeRequired
		return nil
	})
}

func (o *Office) changeRules(ctx context.Context, actor, id, note string, change func(*seal.Rules) error) (seal.Record, error) {
	entry, err := o.onSeal(actor, audit.ActSealRules, id, note)
	if err != nil {
		return seal.Record{}, err
	}
	return o.store.ChangeSeal(ctx, id, func(stored *seal.Record) error {
		if stored.State() == seal.Revoked {
			return bilingual.Wrap("印章"+seal.Revoked.NameZH()+"，不能变更", fmt.Errorf("is %s: %w", seal.Revoked, seal.ErrState))
		}
		return change(&stored.Rules)
	}, entry)
}

// onSeal is an entry of the audit log about a seal that commits to an officer's words.
func (o *Office) onSeal(actor string, act audit.Act, id, words string) (audit.Record, error) {
	if len(words) > audit.MaxReason {
		return audit.Record{}, fmt.Errorf("reason has more than %d bytes: %w", audit.MaxReason, ErrOutOfRange)
	}
	if err := cleantext.CheckLines(words); err != nil {
		return audit.Record{}, fmt.Errorf("reason: %w", err)
	}
	return audit.NewRecord(audit.Entry{Time: o.now().Unix(), Actor: actor, Act: act, Subject: id}, []byte(words))
}

// Seal returns one seal.
func (o *Office) Seal(ctx context.Context, id string) (seal.Record, error) {
	return o.store.Seal(ctx, id)
}

// SealStatus is what anybody may know of a seal.
type SealStatus struct {
	ID         string    `json:"id" doc:"The seal's code, 14 digits (esID of GB/T 38540)"`
	Name       string    `json:"name" doc:"What stands on it"`
	Class      string    `json:"class" enum:"legal-name,internal-body,branch,special-purpose,personal-name" doc:"法定名称章, 内设机构章, 分支机构章, 业务专用章, 个人名章"`
	Owner      string    `json:"owner" doc:"Unified social credit code of the owner"`
	OwnerName  string    `json:"owner_name"`
	State      string    `json:"state" enum:"approved,suspended,revoked"`
	Since      time.Time `json:"since" doc:"When it came into this state"`
	ValidUntil time.Time `json:"valid_until" doc:"When its present certificate ends"`
}

// SealStatus returns the public status of a seal that was made, else [seal.ErrNotFound]:
// an application is nobody's business yet.
func (o *Office) SealStatus(ctx context.Context, id string) (SealStatus, error) {
	r, err := o.store.Seal(ctx, id)
	if err != nil {
		return SealStatus{}, err
	}
	if !r.Made() {
		return SealStatus{}, fmt.Errorf("seal %q: %w", id, seal.ErrNotFound)
	}
	until, err := r.ValidUntil()
	if err != nil {
		return SealStatus{}, err
	}
	since := r.ApprovedAt
	if !r.Since.IsZero() {
		since = r.Since
	}
	return SealStatus{ID: r.ID, Name: r.Name, Class: string(r.Classified()), Owner: r.OwnerUSCC, OwnerName: r.OwnerName, State: string(r.State()), Since: since.UTC(), ValidUntil: until}, nil
}
