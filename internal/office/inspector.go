package office

import (
	"context"
	"os"
	"reflect"
	"sync"
	"time"

	"github.com/elicence/elicence/internal/inspect"
	"github.com/elicence/elicence/internal/memfs"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/qr/trust"
	"github.com/elicence/elicence/seal/pdf"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

// tabledKeys is for how many keys the service has tables: 12 MB of them.
const tabledKeys = 256

// sources are the house's own: its ledger says what is revoked.
func (o *Office) sources(second pki.SecondOpinion) inspect.Sources {
	return inspect.Sources{Second: second, Revocation: ledgerRevocation{o}, Judge: o.tabled.Judge, Pictures: o.pictures, Known: o.known, Now: o.now}
}

// Inspector returns an inspector over the office's own published trust files, which asks the office's ledger what is
// revoked, and so works while the office is open. The second opinion bounds what a stranger's forgeries may cost; the
// trust files are opened with the office's own, so that forgeries cannot keep new ones out.
func (o *Office) Inspector(ctx context.Context, second pki.SecondOpinion) (*inspect.Inspector, error) {
	current, err := o.currentTrust(ctx)
	if err != nil {
		return nil, err
	}
	cache, err := trust.Load(memfs.FS(current), trust.Options{Second: o.second, Now: o.now})
	if err != nil {
		return nil, err
	}
	s := o.sources(second)
	if s.Imported, err = o.imported(ctx, second); err != nil {
		return nil, err
	}
	s.NationalOnly = o.GMOnly()
	s.ProveAll = func(ctx context.Context, doc *pdf.Document) ([][]byte, error) {
		return o.AuditLog().ProveUses(ctx, doc, inspect.MaxProofs)
	}
	s.Disagree = func(content []byte) { o.keepDisagreement(context.WithoutCancel(ctx), content) }
	return inspect.Over(cache, s)
}

// imported reads what the operator imported into the data folder.
func (o *Office) imported(ctx context.Context, second pki.SecondOpinion) (*inspect.Imported, error) {
	i, err := inspect.ReadImported(os.DirFS(o.folder.Dir), second)
	if err != nil || i == nil {
		return i, err
	}
	// A root that does not count any more, as its key was lost, does not come back so either.
	roots, err := o.Roots(ctx)
	if err != nil {
		return nil, err
	}
	own := make(map[pki.Point]bool)
	for _, r := range roots {
		own[r.Certificate.Key.Point()] = true
	}
	return i, i.Refuse(own)
}

// documentVerification returns the office's own anchors.
func (o *Office) documentVerification(ctx context.Context) (pdf.Trust, error) {
	// Another node's changes are not counted here, so a shared store is read each time.
	changes, now := o.store.Generation(), o.now()
	if rules := o.rules.asOf(changes, now); rules != nil && !o.folder.Shared {
		return *rules, nil
	}
	roots, err := o.rootKeyring(ctx)
	if err != nil {
		return pdf.Trust{}, err
	}
	d, err := o.documentTrust(ctx, roots)
	if err != nil {
		return pdf.Trust{}, err
	}
	return o.rules.of(d, changes, now, func() (pdf.Trust, error) {
		return o.sources(o.second).Rules(d)
	})
}

// knownRules are the rules that the house judges documents by, as they were made last. They
// remember which certificates' signatures are good.
type knownRules struct {
	mu        sync.Mutex
	documents trust.Documents // guarded by mu
	rules     *pdf.Trust      // guarded by mu
	changes   uint64          // of the store, before the anchors were read; guarded by mu
	read      time.Time       // when they were; guarded by mu
}

// rulesLife is for how long the anchors are not read again though nothing was changed:
// roots end.
const rulesLife = time.Minute

// asOf returns the rules if their anchors were read a short while ago and the store was not
// changed since, or nil.
func (k *knownRules) asOf(changes uint64, now time.Time) *pdf.Trust {
	k.mu.Lock()
	defer k.mu.Unlock()
	if age := now.Sub(k.read); k.changes != changes || age < 0 || age >= rulesLife {
		return nil
	}
	return k.rules
}

// of returns the rules for these anchors, made anew where they are others than before.
func (k *knownRules) of(d trust.Documents, changes uint64, now time.Time, make func() (pdf.Trust, error)) (pdf.Trust, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.rules == nil || !reflect.DeepEqual(k.documents, d) {
		rules, err := make()
		if err != nil {
			return rules, err
		}
		k.documents, k.rules = d, &rules
	}
	k.changes, k.read = changes, now
	return *k.rules, nil
}

// admits refuses an encrypted document where only national algorithms may be used.
func (o *Office) admits(doc *pdf.Document) error {
	if o.GMOnly() && doc.Encryption() != nil {
		return syntax.ErrNotNational
	}
	return nil
}
