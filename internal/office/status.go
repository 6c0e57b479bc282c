package office

import (
	"context"
	"fmt"
	"time"

	"github.com/elicence/elicence/internal/cleantext"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
)

// Revocation is an officer's decision on a certificate.
type Revocation struct {
	Reason    cert.Reason
	InvalidAt time.Time // when the key was lost, if that is known to be earlier; else zero
	Note      string    // why, in words; kept encrypted, and the log commits to it
}

// RevokeCertificate ends a certificate for ever. What was intended and never recorded
// can be revoked as well.
func (o *Office) RevokeCertificate(ctx context.Context, actor string, serial cert.Serial, r Revocation) (CertificateRecord, error) {
	if r.Reason == cert.CertificateHold {
		return CertificateRecord{}, fmt.Errorf("%s is for a suspension, which can be taken back: %w", r.Reason, ca.ErrReason)
	}
	return o.revoke(ctx, actor, audit.ActCertificateRevoke, serial, r)
}

// HoldCertificate suspends a certificate.
func (o *Office) HoldCertificate(ctx context.Context, actor string, serial cert.Serial, note string) (CertificateRecord, error) {
	return o.revoke(ctx, actor, audit.ActCertificateHold, serial, Revocation{Reason: cert.CertificateHold, Note: note})
}

func (o *Office) revoke(ctx context.Context, actor string, act audit.Act, serial cert.Serial, r Revocation) (CertificateRecord, error) {
	c, err := o.Certificate(ctx, serial)
	if err != nil {
		return c, err
	}
	if c.Issuer == c.Point {
		return c, fmt.Errorf("certificate %s is a root: no list could say that it is revoked; terminals drop it with the trust files: %w", serial, ca.ErrState)
	}
	if r.Reason == cert.CACompromise && (c.Certificate == nil || !c.Certificate.IsCA()) {
		return c, fmt.Errorf("%s is for an authority's certificate: %w", r.Reason, ca.ErrReason)
	}
	now := o.now().UTC().Truncate(time.Second)
	entry, err := o.noted(actor, act, serial, r.Note)
	if err != nil {
		return c, err
	}
	revocation := cert.Revocation{At: now, Reason: r.Reason}
	if !r.InvalidAt.IsZero() {
		revocation.InvalidAt = r.InvalidAt.UTC().Truncate(time.Second)
	}
	if err := o.store.RevokeCertificate(ctx, c.Issuer, serial, revocation, entry); err != nil {
		return c, err
	}
	o.statusChanged(ctx, c.Issuer, serial)
	return o.Certificate(ctx, serial)
}

// ReleaseCertificate takes a suspension back.
func (o *Office) ReleaseCertificate(ctx context.Context, actor string, serial cert.Serial, note string) (CertificateRecord, error) {
	c, err := o.Certificate(ctx, serial)
	if err != nil {
		return c, err
	}
	entry, err := o.noted(actor, audit.ActCertificateRelease, serial, note)
	if err != nil {
		return c, err
	}
	if err := o.store.ReleaseCertificate(ctx, c.Issuer, serial, entry); err != nil {
		return c, err
	}
	o.statusChanged(ctx, c.Issuer, serial)
	return o.Certificate(ctx, serial)
}

// noted is an entry of the audit log that commits to an officer's words.
func (o *Office) noted(actor string, act audit.Act, serial cert.Serial, note string) (audit.Record, error) {
	if len(note) > audit.MaxReason {
		return audit.Record{}, fmt.Errorf("note has more than %d bytes: %w", audit.MaxReason, ErrOutOfRange)
	}
	if err := cleantext.CheckLines(note); err != nil {
		return audit.Record{}, fmt.Errorf("note: %w", err)
	}
	return audit.NewRecord(audit.Entry{Time: o.now().Unix(), Actor: actor, Act: act, Subject: serial.String()}, []byte(note))
}

// ExpiringCertificates calls f with the certificates that end within a time and are
// neither revoked nor renewed already, the first to end first.
func (o *Office) ExpiringCertificates(ctx context.Context, within time.Duration, f func(CertificateRecord) error) error {
	now := o.now()
	var all []ca.Record
	err := o.store.ExpiringCertificates(ctx, now, now.Add(within), func(r ca.Record) error {
		if r.State != ca.Revoked {
			all = append(all, r)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, r := range all {
		c, err := newCertificateRecord(r)
		if err != nil {
			return err
		}
		newest, err := o.certificateOf(ctx, c.Certificate.Key)
		if err != nil {
			return err
		}
		if newest.Serial() != c.Certificate.Serial() {
			continue
		}
		if err := f(c); err != nil {
			return err
		}
	}
	return nil
}
