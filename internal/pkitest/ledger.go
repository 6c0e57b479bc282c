package pkitest

import (
	"context"
	"sync"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
)

// LedgerKey names a certificate in a [Ledger].
type LedgerKey struct {
	Issuer pki.Point
	Serial cert.Serial
}

// Ledger is a ca.Ledger in memory. It is safe for concurrent use but for its fields.
type Ledger struct {
	Records map[LedgerKey]*ca.Record
	Entries []audit.Record

	mu   sync.Mutex // guards everything
	keys map[pki.Point]*ledgerPoint
}

// ledgerPoint is what is known of one key.
type ledgerPoint struct {
	role    ca.Role
	pending bool
	newest  cert.Serial // recorded
}

var _ ca.Ledger = (*Ledger)(nil)

// NewLedger returns an empty ledger.
func NewLedger() *Ledger {
	return &Ledger{Records: make(map[LedgerKey]*ca.Record), keys: make(map[pki.Point]*ledgerPoint)}
}

// Issued counts the certificates that were recorded.
func (l *Ledger) Issued() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, r := range l.Records {
		if r.DER != nil {
			n++
		}
	}
	return n
}

// IntendCertificate implements ca.Ledger.
func (l *Ledger) IntendCertificate(_ context.Context, i ca.Intent) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := l.keys[i.Point]
	if k == nil {
		k = &ledgerPoint{role: i.Role}
		l.keys[i.Point] = k
	}
	if k.pending || k.role != i.Role || k.newest != i.Renews {
		return ca.ErrKeyInUse
	}
	k.pending = true
	l.Records[LedgerKey{i.Issuer, i.Serial}] = &ca.Record{Intent: i, Status: ca.Status{State: ca.MayExist}}
	return nil
}

// RecordCertificate implements ca.Ledger.
func (l *Ledger) RecordCertificate(_ context.Context, issued ...ca.Issued) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, i := range issued {
		if r := l.Records[LedgerKey{i.Issuer, i.Serial}]; r == nil || r.Abandoned || r.DER != nil {
			return ca.ErrState
		}
	}
	for _, i := range issued {
		r := l.Records[LedgerKey{i.Issuer, i.Serial}]
		r.DER, r.State = i.DER, ca.Good
		l.keys[r.Point].pending, l.keys[r.Point].newest = false, i.Serial
		l.Entries = append(l.Entries, i.Entry)
	}
	return nil
}

// AbandonCertificate implements ca.Ledger.
func (l *Ledger) AbandonCertificate(_ context.Context, issuer pki.Point, serial cert.Serial, entry audit.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.Records[LedgerKey{issuer, serial}]
	switch {
	case r == nil:
		return ca.ErrNoCertificate
	case r.Abandoned || r.DER != nil:
		return ca.ErrState
	}
	r.Abandoned = true
	l.keys[r.Point].pending = false
	l.Entries = append(l.Entries, entry)
	return nil
}

// Unfinished implements ca.Ledger.
func (l *Ledger) Unfinished(context.Context) ([]ca.Intent, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []ca.Intent
	for _, r := range l.Records {
		if r.DER == nil && !r.Abandoned {
			all = append(all, r.Intent)
		}
	}
	return all, nil
}
