package office

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/elicence/elicence/internal/datafolder"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/ca/ceremony"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/keystore"
	"github.com/elicence/elicence/qr/trust"
)

// The four intermediate certificate authorities.
const (
	caIssuers  = ceremony.Issuers
	caSeals    = ceremony.Seals
	caPersons  = ceremony.Persons
	caServices = ceremony.Services
)

// Intermediates lists the intermediate certificate authorities.
func Intermediates() []string { return ceremony.Intermediates() }

// Names of keys.
const (
	rootKey       = "root"
	codeKey       = "code"       // service: document codes
	presentKey    = "present"    // service: codes that it presents for a holder
	checkpointKey = "checkpoint" // service: the audit log
	makerKey      = "maker"      // seal: the seal maker
	tsaKey        = "tsa"        // tsa: time stamps
)

// CreateOptions say how a new data folder is made.
type CreateOptions struct {
	Config datafolder.Config
	// Plan is the reviewed plan of the ceremony, which then stands in the place of
	// Config, GMOnly and RootShares. Nil: the built-in plan.
	Plan    *ceremony.Plan
	Program string // name and version of the program, for the transcript
	Offline string // folder of the offline keys, for the built-in plan; empty: DATA/offline
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
	// One of these protects the offline keys: a passphrase, a token, or shares, which are written beside them or where
	// the plan says. None: a passphrase is drawn and written beside them.
	RootPassphrase []byte
	RootToken      keystore.Wrapper
	RootShares     SharePolicy
	// Documents is the URL of the bucket for the documents, see [Options].
	Documents string
	// RootDevices hold the offline signing keys.
	RootDevices []keystore.Device
	Actor       string
	Store       string           // see [Options]; a database must be empty
	Now         func() time.Time // nil: time.Now
	Observe     func(Event)      // see [Options]
}

// checkConfig refuses what no data folder is made with.
func checkConfig(c datafolder.Config) error {
	if err := ceremony.CheckHost(c.Host); err != nil {
		return fmt.Errorf("host %w", err)
	}
	if err := ceremony.CheckRegion(c.Region); err != nil {
		return fmt.Errorf("region %w", err)
	}
	if err := ceremony.CheckDomain(c.Domain); err != nil {
		return fmt.Errorf("domain: %w", err)
	}
	if _, err := tsaPolicy(c); err != nil {
		return fmt.Errorf("time stamps: policy %w", err)
	}
	return nil
}

// Create makes a new data folder by a ceremony: its keys, certificate authorities, store
// and first trust files, and opens it. Every folder is built beside its place and moved
// there when all of them are whole, the data folder last: what is cut off leaves nothing
// behind under its name.
func Create(ctx context.Context, dir string, o CreateOptions) (*Office, error) {
	o, err := o.planned()
	if err != nil {
		return nil, err
	}
	err = buildFolders(dir, o.Plan.Output, func(f folders) error {
		office, err := build(ctx, f, o)
		if err != nil {
			return err
		}
		return office.Close()
	})
	if err != nil {
		return nil, fmt.Errorf("making the data folder: %w", err)
	}
	return Open(dir, Options{Options: o.folderOptions(), Observe: o.Observe})
}

func build(ctx context.Context, f folders, o CreateOptions) (*Office, error) {
	folder, err := datafolder.Create(ctx, f.data, datafolder.CreateOptions{Options: o.folderOptions(), Config: o.Config, GMOnly: o.GMOnly, Actor: o.Actor})
	if err != nil {
		return nil, err
	}
	office, err := assemble(ctx, folder, Options{})
	if err == nil {
		err = office.hold(ctx, f, o)
	}
	if err != nil {
		return nil, errors.Join(err, folder.Close())
	}
	return office, nil
}

// folderOptions open the data folder that is made.
func (c CreateOptions) folderOptions() datafolder.Options {
	return datafolder.Options{Passphrase: c.Passphrase, Token: c.Token, Devices: c.Devices, Store: c.Store, Documents: c.Documents, Now: c.Now}
}

// hold holds the ceremony: it makes everything that the plan names and writes the record of it.
func (o *Office) hold(ctx context.Context, f folders, c CreateOptions) error {
	offline, err := createOffline(f, c)
	if err != nil {
		return err
	}
	r := &rite{Office: o, plan: c.Plan, record: ceremony.NewRecord(c.Plan, c.Program, o.now), offline: offline, actor: c.Actor}
	if err := r.run(ctx); err != nil {
		return errors.Join(err, offline.Close())
	}
	if err := offline.Close(); err != nil {
		return err
	}
	return r.write(ctx, f.record)
}

const rootSetting = "root"

func (o *Office) serviceName(commonName string) cert.Name {
	return cert.Name{Country: "CN", Organization: o.config.Domain, CommonName: commonName}
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

const presentTitle = "亮证码签名"

// serviceKeys lists the keys that the service signs with.
func serviceKeys() []serviceKey {
	all := []serviceKey{
		{keystore.PurposeService, codeKey, caServices, ca.ProfileService, "文件核验码签名"},
		{keystore.PurposeService, presentKey, caServices, ca.ProfileService, presentTitle},
		{keystore.PurposeService, checkpointKey, caServices, ca.ProfileService, "审计日志检查点签名"},
		{keystore.PurposeSeal, makerKey, caSeals, ca.ProfileSealMaker, "电子印章制作系统"},
		{keystore.PurposeTSA, tsaKey, caServices, ca.ProfileTSA, "时间戳服务"},
	}
	for _, role := range trust.Roles()[1:] {
		all = append(all, serviceKey{keystore.PurposeTrust, string(role), caServices, ca.ProfileService, "信任文件签名（" + string(role) + "）"})
	}
	return all
}

// serviceRequest asks for the certificate of a key that the service signs with.
func (o *Office) serviceRequest(s serviceKey) ca.Request {
	return ca.Request{Profile: s.profile, Subject: o.serviceName(o.config.Domain + s.title)}
}

// responderRequest asks for the certificate of the OCSP responder of an intermediate
// authority.
func (o *Office) responderRequest(authority string) ca.Request {
	return ca.Request{Profile: ca.ProfileOCSP, Subject: o.serviceName(o.config.Domain + "电子证照" + ceremony.Title(authority) + "状态响应")}
}
