package office

import (
	"context"

	"github.com/elicence/elicence/internal/auditlog"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/keystore"
	"github.com/elicence/elicence/qr/trust"
)

// AuditLog returns the audit log, in which every act is an entry.
func (o *Office) AuditLog() *auditlog.Log {
	return auditlog.New(o.store, logKeys{o}, o.config.Domain, o.now)
}

// logKeys are the keys of its checkpoints.
type logKeys struct{ office *Office }

var _ auditlog.Keys = logKeys{}

// Signer implements [auditlog.Keys].
func (k logKeys) Signer(ctx context.Context) (*pki.Key, error) {
	return k.office.currentKey(ctx, keystore.PurposeService, checkpointKey)
}

// Verifiers implements [auditlog.Keys].
func (k logKeys) Verifiers(ctx context.Context) ([]*pki.PublicKey, error) {
	present, past, err := k.office.trustLog(ctx, k.office.now())
	if err != nil {
		return nil, err
	}
	t := trust.Trust{Log: present, PastLogs: past}
	return t.LogKeys()
}
