package office

import (
	"context"
	"errors"

	"github.com/elicence/elicence/internal/store/records"
	"github.com/elicence/elicence/pki/crl"
	"github.com/elicence/elicence/seal"
)

// CheckSigned reads what carries its own signatures, for a check of the storage: the published files, certificates and
// revocation lists, seals. It tells what is wrong with them.
func (o *Office) CheckSigned(ctx context.Context, tell func(records.Fault)) {
	try := func(where string, err error) {
		if err != nil {
			tell(records.Fault{Where: where, What: err.Error()})
		}
	}
	if state, err := o.store.Setting(ctx, records.PublisherState); err != nil || state != nil {
		_, loading := o.Inspector(ctx, o.second)
		try("trust files", errors.Join(err, loading))
	}
	try("certificates", o.Certificates(ctx, func(CertificateRecord) error { return ctx.Err() }))
	names, err := o.CRLNames(ctx)
	try("revocation lists", err)
	for _, name := range names {
		p, _, err := o.Latest(ctx, name)
		if err == nil && len(p.DER) > 0 {
			_, err = crl.Parse(p.DER)
		}
		try("revocation list "+name, err)
	}
	seals, err := o.store.Seals(ctx)
	try("seals", err)
	for _, s := range seals {
		if s.Made() {
			_, err := seal.Parse(s.SESeal)
			try("seal "+s.ID, err)
		}
	}
	_, err = o.store.Authorities(ctx)
	try("authorities", err)
}
