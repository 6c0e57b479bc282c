package office

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/keystore"
)

// environment is what a certificate authority needs from the office. Site is its name
// within URLs: that of its key.
func (o *Office) environment(site string, shards uint32) ca.Environment {
	e := ca.Environment{
		Ledger: o.store, Profiles: o.profiles, Site: ca.Site{Host: o.config.Host, Name: site, Shards: shards}, Second: o.second, Now: o.now,
	}
	if first, found := firstCertificateList(site); found {
		e.StatusLists = certificateLists{o.store, first}
	}
	return e
}

// authority returns one of the four intermediate certificate authorities with the key
// that it signs with now.
func (o *Office) authority(ctx context.Context, name string) (*ca.Authority, error) {
	ring, err := o.keyringOfAuthority(ctx, name)
	if err != nil {
		return nil, err
	}
	g, err := ring.current(o.now())
	if err != nil {
		return nil, fmt.Errorf("authority %s: %w", name, err)
	}
	if err := o.inForce(ctx, g.Point); err != nil {
		return nil, fmt.Errorf("authority %s: %w", name, err)
	}
	return o.authorityOfKey(ctx, g)
}

// authorityOfKey opens an authority by one generation of its key. It is opened once:
// reading a key file costs more than a signature.
func (o *Office) authorityOfKey(ctx context.Context, g generation) (*ca.Authority, error) {
	o.opened.mu.Lock()
	defer o.opened.mu.Unlock()
	if a := o.opened.authorities[g.Key]; a != nil {
		return a, nil
	}
	key, err := o.generationKey(keystore.PurposeCA, g)
	if err != nil {
		return nil, err
	}
	c, err := o.certificateOf(ctx, key.Public())
	if err != nil {
		return nil, err
	}
	shards, err := o.shardCounts(ctx, g.Key)
	if err != nil {
		return nil, err
	}
	a, err := ca.New(c, key, o.environment(g.Key, shards[len(shards)-1]))
	if err != nil {
		return nil, err
	}
	if o.opened.authorities == nil {
		o.opened.authorities = make(map[string]*ca.Authority)
	}
	o.opened.authorities[g.Key] = a
	return a, nil
}

// keyringOfAuthority returns the generations of an intermediate authority's key.
func (o *Office) keyringOfAuthority(ctx context.Context, name string) (keyring, error) {
	for _, known := range Intermediates() {
		if name == known {
			return o.keyring(ctx, keystore.PurposeCA, name)
		}
	}
	return nil, fmt.Errorf("%q: there are %v: %w", name, Intermediates(), ErrNoCertificateAuthority)
}

// ErrNoCertificateAuthority: there is no certificate authority of this name.
var ErrNoCertificateAuthority = bilingual.New("没有该证书认证机构", "no such certificate authority")

// certificateOf returns the newest certificate of one of our keys.
func (o *Office) certificateOf(ctx context.Context, key *pki.PublicKey) (*cert.Certificate, error) {
	der, err := o.store.CertificateOf(ctx, key.Point())
	if err != nil {
		return nil, err
	}
	return cert.Parse(der)
}

// RootCertificate returns the present root's certificate for itself.
func (o *Office) RootCertificate(ctx context.Context) (*cert.Certificate, error) {
	der, err := o.store.Setting(ctx, rootSetting)
	if err != nil {
		return nil, err
	}
	return o.roots.parse(der)
}

// parsedRoots are the certificates of roots, of which there are few and which every
// document is judged by.
type parsedRoots struct {
	mu  sync.Mutex
	all map[string]*cert.Certificate // by DER; guarded by mu
}

func (p *parsedRoots) parse(der []byte) (*cert.Certificate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if known := p.all[string(der)]; known != nil {
		return known, nil
	}
	c, err := cert.Parse(der)
	if err != nil {
		return nil, err
	}
	if p.all == nil {
		p.all = make(map[string]*cert.Certificate)
	}
	p.all[string(der)] = c
	return c, nil
}

// CertificateRecord is a certificate with what its authority says of it.
type CertificateRecord struct {
	ca.Record
	Certificate *cert.Certificate // nil: intended and never recorded
}

func newCertificateRecord(r ca.Record) (CertificateRecord, error) {
	c := CertificateRecord{Record: r}
	if r.DER == nil {
		return c, nil
	}
	var err error
	c.Certificate, err = cert.Parse(r.DER)
	return c, err
}

// Certificates calls f with everything that was intended, in no particular order.
func (o *Office) Certificates(ctx context.Context, f func(CertificateRecord) error) error {
	return o.store.Certificates(ctx, func(r ca.Record) error {
		c, err := newCertificateRecord(r)
		if err != nil {
			return err
		}
		return f(c)
	})
}

// Certificate returns a certificate by its serial number. The error wraps
// [ca.ErrNoCertificate].
func (o *Office) Certificate(ctx context.Context, serial cert.Serial) (CertificateRecord, error) {
	found, err := o.store.CertificatesBySerial(ctx, serial)
	if err != nil {
		return CertificateRecord{}, err
	}
	switch len(found) {
	case 0:
		return CertificateRecord{}, fmt.Errorf("serial number %s: %w", serial, ca.ErrNoCertificate)
	case 1:
		return newCertificateRecord(found[0])
	default:
		return CertificateRecord{}, fmt.Errorf("serial number %s: %d authorities have one", serial, len(found))
	}
}

// shardCounts returns the numbers of CRLs that an authority's certificates name, the
// present one last. Root and its kind have one list without shards.
func (o *Office) shardCounts(ctx context.Context, key string) ([]uint32, error) {
	b, err := o.store.Setting(ctx, shardsSetting+key)
	if err != nil {
		return nil, err
	}
	if b == nil {
		return []uint32{1}, nil
	}
	var counts []uint32
	if err := json.Unmarshal(b, &counts); err != nil || len(counts) == 0 {
		return nil, errors.Join(fmt.Errorf("shards of authority %s: the record is damaged", key), err)
	}
	return counts, nil
}

const shardsSetting = "shards."

// Shards returns the shards of which an authority publishes a CRL, by the name of its
// key: those of the present count, and those of earlier counts that certificates still
// name.
func (o *Office) Shards(ctx context.Context, key string) ([]ca.Shard, error) {
	roots, err := o.rootKeyring(ctx)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(roots, func(g generation) bool { return g.Key == key }) {
		return []ca.Shard{{}}, nil
	}
	counts, err := o.shardCounts(ctx, key)
	if err != nil {
		return nil, err
	}
	var all []ca.Shard
	for _, count := range counts {
		for i := range count {
			all = append(all, ca.Shard{Count: count, Index: i})
		}
	}
	return all, nil
}

// SetShards spreads what an authority issues from now on over more CRLs. What was
// issued before stays in its list.
func (o *Office) SetShards(ctx context.Context, actor, name string, count uint32) error {
	ring, err := o.keyringOfAuthority(ctx, name)
	if err != nil {
		return err
	}
	g, err := ring.current(o.now())
	if err != nil {
		return fmt.Errorf("authority %s: %w", name, err)
	}
	counts, err := o.shardCounts(ctx, g.Key)
	if err != nil {
		return err
	}
	if now := counts[len(counts)-1]; count <= now || count > ca.MaxShards {
		return fmt.Errorf("authority %s has %d shards: want more, at most %d: %w", name, now, ca.MaxShards, ErrOutOfRange)
	}
	b, err := json.Marshal(append(counts, count))
	if err != nil {
		return err
	}
	entry, err := o.folder.Entry(actor, audit.ActCertificateShards, fmt.Sprintf("%s %d", g.Key, count))
	if err != nil {
		return err
	}
	if err := o.store.PutSettings(ctx, map[string][]byte{shardsSetting + g.Key: b}, entry); err != nil {
		return err
	}
	o.opened.mu.Lock()
	defer o.opened.mu.Unlock()
	delete(o.opened.authorities, g.Key)
	return nil
}

// ErrOutOfRange says that a number is not one of those that make sense.
var ErrOutOfRange = bilingual.New("超出范围", "out of range")
