package office

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/cleantext"
	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/internal/store/bolt"
	"github.com/elicence/elicence/internal/store/documents"
	"github.com/elicence/elicence/internal/store/sealed"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/keystore"
	"github.com/elicence/elicence/qr/trust"
)

// The four intermediate certificate authorities.
const (
	caIssuers  = "issuers"
	caSeals    = "seals"
	caPersons  = "persons"
	caServices = "services"
)

// Intermediates lists the intermediate certificate authorities.
func Intermediates() []string { return []string{caIssuers, caSeals, caPersons, caServices} }

// Names of keys.
const (
	rootKey       = "root"
	codeKey       = "code"       // service: document codes
	checkpointKey = "checkpoint" // service: the audit log
	makerKey      = "maker"      // seal: the seal maker
)

// CreateOptions say how a new data folder is made.
type CreateOptions struct {
	Config Config
	// Passphrase protects the key store. Empty: the key-encryption key is
	// written to DATA/kek.
	Passphrase []byte
	// Token wraps the key-encryption key where there is no passphrase.
	Token keystore.Wrapper
	// Devices hold the service's signing keys.
	Devices []keystore.Device
	// GMOnly makes key stores that use national algorithms only and keep signing
	// keys in Devices and RootDevices only.
	GMOnly bool
	// One of these protects the offline keys: a passphrase, a token, or shares,
	// which are written beside them. None: a passphrase is drawn and written
	// beside them.
	RootPassphrase []byte
	RootToken      keystore.Wrapper
	RootShares     SharePolicy
	// RootDevices hold the offline signing keys.
	RootDevices []keystore.Device
	Actor       string
	Now         func() time.Time // nil: time.Now
	Observe     func(Event)      // see [Options]
}

var (
	hostForm   = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:[0-9]{1,5})?$`)
	regionForm = regexp.MustCompile(`^[1-9][0-9]{5}$`)
)

func (c Config) check() error {
	switch {
	case !hostForm.MatchString(c.Host):
		return fmt.Errorf("host %q is not a lower-case host name with an optional port", c.Host)
	case !regionForm.MatchString(c.Region):
		return fmt.Errorf("region %q is not six digits (GB/T 2260)", c.Region)
	case c.Domain == "":
		return errors.New("domain has no name")
	}
	if err := cleantext.Check(c.Domain); err != nil {
		return fmt.Errorf("domain: %w", err)
	}
	return nil
}

// Create makes a new data folder with its keys, certificate authorities, store
// and first trust files, and opens it. It is built beside its place and moved there
// when it is whole: what is cut off leaves nothing behind under its name.
func Create(ctx context.Context, dir string, o CreateOptions) (*Office, error) {
	if err := o.Config.check(); err != nil {
		return nil, err
	}
	if err := o.checkRoot(); err != nil {
		return nil, err
	}
	err := durable.BuildDir(dir, 0o700, func(building string) error {
		office, err := build(ctx, building, o)
		if err != nil {
			return err
		}
		return office.Close()
	})
	if err != nil {
		return nil, fmt.Errorf("making the data folder: %w", err)
	}
	return Open(dir, Options{Passphrase: o.Passphrase, Token: o.Token, Devices: o.Devices, Now: o.Now, Observe: o.Observe})
}

func build(ctx context.Context, dir string, o CreateOptions) (*Office, error) {
	unlock := Options{Passphrase: o.Passphrase, Token: o.Token}.unlock(dir)
	if unlock.File != "" {
		if err := keystore.NewKeyFile(unlock.File); err != nil {
			return nil, err
		}
	}
	keys, err := keystore.Config{GMOnly: o.GMOnly, Devices: o.Devices, Now: o.Now}.Create(filepath.Join(dir, keysName), unlock)
	if err != nil {
		return nil, err
	}
	box, err := sealed.CreateBox(keys)
	if err != nil {
		return nil, err
	}
	docs, err := documents.Create(filepath.Join(dir, documentsName), keys)
	if err != nil {
		return nil, err
	}
	store, err := bolt.Create(filepath.Join(dir, storeName), box)
	if err != nil {
		return nil, err
	}
	office, err := assemble(dir, keys, store, docs, Options{Now: o.Now})
	if err == nil {
		office.config = o.Config
		err = office.settle(ctx, o)
	}
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return office, nil
}

// settle makes the authorities, the service's keys and the first trust files.
func (o *Office) settle(ctx context.Context, c CreateOptions) error {
	b, err := json.Marshal(c.Config)
	if err != nil {
		return err
	}
	digest := sm3.Sum(b)
	entry, err := audit.NewRecord(audit.Entry{
		Time: o.now().Unix(), Actor: c.Actor, Act: audit.ActStoreCreate, Subject: c.Config.Region, Digest: digest[:],
	}, nil)
	if err != nil {
		return err
	}
	if err := o.store.PutSetting(ctx, configSetting, b, entry); err != nil {
		return err
	}
	offline, err := o.createOffline(c)
	if err != nil {
		return err
	}
	if err := o.createAuthorities(ctx, offline, c.Actor); err != nil {
		return err
	}
	if err := o.createServiceKeys(ctx, c.Actor); err != nil {
		return err
	}
	if err := o.createTrustRoot(ctx, offline, c.Actor); err != nil {
		return err
	}
	_, err = o.Publish(ctx, c.Actor)
	return err
}

func (o *Office) createAuthorities(ctx context.Context, offline *keystore.Store, actor string) error {
	key, err := offline.GenerateSigner(keystore.PurposeCA, rootKey)
	if err != nil {
		return err
	}
	root, err := ca.NewRoot(ctx, o.serviceName(o.config.Domain+"电子证照根证书"), key, actor, o.environment(rootKey, 0))
	if err != nil {
		return fmt.Errorf("making the root: %w", err)
	}
	if err := o.store.PutSetting(ctx, rootSetting, root.Certificate().DER); err != nil {
		return err
	}
	for _, name := range Intermediates() {
		key, err := o.keys.GenerateSigner(keystore.PurposeCA, name)
		if err != nil {
			return err
		}
		r := ca.Request{Profile: ca.ProfileIntermediate, Subject: o.authorityName(name, 1), Key: key.Public()}
		if _, err := certify(ctx, root, r, actor); err != nil {
			return err
		}
	}
	return nil
}

const rootSetting = "root"

func (o *Office) serviceName(commonName string) cert.Name {
	return cert.Name{Country: "CN", Organization: o.config.Domain, Unit: "elicence", CommonName: commonName}
}

var authorityTitles = map[string]string{caIssuers: "发证机关", caSeals: "电子印章", caPersons: "自然人", caServices: "平台服务"}

// authorityName is the name of an intermediate authority. Every generation of its key
// has a name of its own, so that no CRL can be taken for another's.
func (o *Office) authorityName(name string, generation int) cert.Name {
	title := o.config.Domain + "电子证照" + authorityTitles[name] + "证书"
	if generation > 1 {
		title += fmt.Sprintf(" G%d", generation)
	}
	return o.serviceName(title)
}

// certify takes a request through an authority.
func certify(ctx context.Context, a *ca.Authority, r ca.Request, actor string) (*cert.Certificate, error) {
	draft, err := a.Prepare(ctx, r)
	if err != nil {
		return nil, err
	}
	return a.Issue(ctx, draft, actor)
}

// serviceKey is a key that the service signs with, and who certifies it.
type serviceKey struct {
	purpose   keystore.Purpose
	name      string
	authority string
	profile   ca.ProfileName
	title     string
}

// serviceKeys lists the keys that the service signs with.
func serviceKeys() []serviceKey {
	all := []serviceKey{
		{keystore.PurposeService, codeKey, caServices, ca.ProfileService, "文件核验码签名"},
		{keystore.PurposeService, checkpointKey, caServices, ca.ProfileService, "审计日志检查点签名"},
		{keystore.PurposeSeal, makerKey, caSeals, ca.ProfileSealMaker, "电子印章制作系统"},
	}
	for _, role := range trust.Roles()[1:] {
		all = append(all, serviceKey{keystore.PurposeTrust, string(role), caServices, ca.ProfileService, "信任文件签名（" + string(role) + "）"})
	}
	return all
}

// createServiceKeys makes the keys that the service signs with, and their
// certificates.
func (o *Office) createServiceKeys(ctx context.Context, actor string) error {
	for _, s := range serviceKeys() {
		r := ca.Request{Profile: s.profile, Subject: o.serviceName(o.config.Domain + s.title)}
		if _, _, err := o.certified(ctx, actor, s.purpose, s.name, s.authority, r); err != nil {
			return err
		}
	}
	return nil
}

// createTrustRoot makes the first root of the trust files with a key that stays
// offline.
func (o *Office) createTrustRoot(ctx context.Context, offline *keystore.Store, actor string) error {
	key, err := offline.GenerateSigner(keystore.PurposeTrust, string(trust.RoleRoot))
	if err != nil {
		return err
	}
	now := o.now().UTC()
	root := &trust.Root{
		Head:   trust.Head{Version: 1, Issued: now.Unix(), Expires: now.Add(rootLife).Unix()},
		Domain: trust.Domain{Region: o.config.Region, Name: o.config.Domain},
	}
	for _, role := range trust.Roles() {
		roleKey := key
		if role != trust.RoleRoot {
			if roleKey, err = o.keys.Signer(keystore.PurposeTrust, string(role)); err != nil {
				return err
			}
		}
		root.Roles = append(root.Roles, trust.RoleKeys{Role: role, Threshold: 1, Points: []pki.Point{roleKey.Public().Point()}})
	}
	signed, err := trust.Sign(trust.RoleRoot, root, o.second, key)
	if err != nil {
		return err
	}
	return o.release(ctx, map[string][]byte{"1.root": signed}, publisherState{}, actor, nil)
}
