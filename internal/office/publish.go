package office

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/auditlog"
	"github.com/elicence/elicence/internal/detcbor"
	"github.com/elicence/elicence/internal/store/records"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/keystore"
	"github.com/elicence/elicence/qr"
	"github.com/elicence/elicence/qr/status"
	"github.com/elicence/elicence/qr/trust"
)

// Lives of the trust files. How old status data may be is not said by these but by
// each category.
const (
	rootLife      = 10 * 365 * 24 * time.Hour
	trustLife     = 180 * 24 * time.Hour
	catalogueLife = 365 * 24 * time.Hour
	statusLife    = 45 * 24 * time.Hour
	timeLife      = 45 * 24 * time.Hour
)

// publisherState is what the publisher remembers: the versions given out and the
// present content of the files.
type publisherState struct {
	Trust     fileState
	Catalogue fileState
	Status    statusState
	Time      uint64
	Lost      []lostKey
	Domains   []trust.RecognisedDomain
}

// fileState is the version of a file and SM3 of its content without its head.
type fileState struct {
	Version uint64
	Issued  int64
	Content [sm3.Size]byte
}

// Publish brings the trust files up to date with the register and returns the
// names of those that changed. Trust and catalogue get a new version when their
// content changed or half their life is over, status and time always.
//
// Versions are taken from the store before anything is signed, and what is signed is
// released only if nobody else has published since: services that share a store, and
// one that was cut off anywhere, never sign two files with one version.
func (o *Office) Publish(ctx context.Context, actor string) ([]string, error) {
	o.publishing.Lock()
	defer o.publishing.Unlock()
	if err := o.openLists(ctx, actor); err != nil {
		return nil, err
	}
	for {
		p, err := o.publication(ctx)
		if err != nil {
			return nil, err
		}
		if err := p.run(ctx); err != nil {
			if overtaken, readErr := p.overtaken(ctx); !overtaken || readErr != nil || ctx.Err() != nil {
				return nil, errors.Join(err, readErr)
			}
			continue // what it read was of a state that is gone
		}
		err = p.release(ctx, actor, nil)
		switch {
		case errors.Is(err, records.ErrSuperseded) && ctx.Err() == nil:
			continue // what the others gave out is the beginning now
		case err != nil:
			return nil, err
		}
		if err := o.AuditLog().Keep(ctx, p.checkpoint); err != nil {
			return nil, err
		}
		var changed []string
		for name, file := range p.files {
			if file != nil && trustName.MatchString(name) {
				changed = append(changed, name)
			}
		}
		slices.Sort(changed)
		// Of all acts only this one comes by itself. What was revoked does not wait for it.
		return changed, o.store.ForgetNames(ctx, o.now())
	}
}

// publication begins a run of the publisher. The caller holds publishing.
func (o *Office) publication(ctx context.Context) (*publication, error) {
	// A catalogue of before would be given out as the newest.
	if err := o.categories.Follow(ctx); err != nil {
		return nil, err
	}
	p := &publication{office: o, now: o.now().UTC(), files: make(map[string][]byte), keys: make(map[trust.Role]*pki.Key)}
	var err error
	if p.before, err = o.store.Setting(ctx, records.PublisherState); err != nil {
		return nil, err
	}
	if err := detcbor.Unmarshal(p.before, &p.state); err != nil {
		return nil, fmt.Errorf("reading the publisher's state: %w", err)
	}
	return p, nil
}

// overtaken reports whether somebody has published since the run began.
func (p *publication) overtaken(ctx context.Context) (bool, error) {
	now, err := p.office.store.Setting(ctx, records.PublisherState)
	return err == nil && !bytes.Equal(now, p.before), err
}

// run makes every file that is due.
func (p *publication) run(ctx context.Context) error {
	for _, step := range []func(context.Context) error{p.trust, p.catalogue, p.status, p.time} {
		if err := step(ctx); err != nil {
			return fmt.Errorf("publishing trust files: %w", err)
		}
	}
	return nil
}

// release stores the files, the publisher's state and other settings in one
// transaction with their entries in the audit log.
func (p *publication) release(ctx context.Context, actor string, settings map[string][]byte, further ...audit.Record) error {
	o := p.office
	b, err := detcbor.Marshal(p.state)
	if err != nil {
		return err
	}
	sums := sm3.New()
	for _, name := range slices.Sorted(maps.Keys(p.files)) {
		sum := sm3.Sum(p.files[name])
		sums.Write(append([]byte(name), sum[:]...))
	}
	entry, err := audit.NewRecord(audit.Entry{
		Time: o.now().Unix(), Actor: actor, Act: audit.ActTrustPublish, Subject: fmt.Sprintf("time %d", p.state.Time), Digest: sums.Sum(nil),
	}, nil)
	if err != nil {
		return err
	}
	all := maps.Clone(settings)
	if all == nil {
		all = make(map[string][]byte)
	}
	all[records.PublisherState] = b
	if err := o.store.PublishTrust(ctx, p.before, p.files, all, append(further, entry)...); err != nil {
		return err
	}
	if p.lists != nil {
		o.published = p.lists
		o.unknown.givenOut(p.lists)
	}
	return o.folder.KeepHighWater(ctx)
}

// publication is one run of the publisher.
type publication struct {
	office     *Office
	before     []byte // the stored state that it begins with
	state      publisherState
	now        time.Time
	files      map[string][]byte
	lists      *status.State           // the state of the lists that it gives out
	checkpoint auditlog.Checkpoint     // that its time file carries
	keys       map[trust.Role]*pki.Key // of roles whose keys are not those in use
	roots      keyring                 // where it is not the one in force
}

// take takes the next version of a role's file.
func (p *publication) take(ctx context.Context, role trust.Role) (uint64, error) {
	versions, err := p.office.store.TakeVersions(ctx, string(role))
	if err != nil {
		return 0, err
	}
	return versions[0], nil
}

func (p *publication) head(version uint64, life time.Duration) trust.Head {
	return trust.Head{Version: version, Issued: p.now.Unix(), Expires: p.now.Add(life).Unix()}
}

func (p *publication) sign(ctx context.Context, role trust.Role, file any) ([]byte, error) {
	key := p.keys[role]
	if key == nil {
		var err error
		if key, err = p.office.currentKey(ctx, keystore.PurposeTrust, string(role)); err != nil {
			return nil, err
		}
	}
	signed, err := trust.Sign(role, file, p.office.second, key)
	if err != nil {
		return nil, err
	}
	p.files[string(role)] = signed
	return signed, nil
}

// due reports whether a file must be signed again and, if so, takes its next version.
// Content is the file without its head.
func (p *publication) due(ctx context.Context, role trust.Role, f *fileState, content any, life time.Duration) (bool, error) {
	b, err := detcbor.Marshal(content)
	if err != nil {
		return false, err
	}
	sum := sm3.Sum(b)
	if f.Version > 0 && f.Content == sum && p.now.Sub(time.Unix(f.Issued, 0)) < life/2 {
		return false, nil
	}
	version, err := p.take(ctx, role)
	if err != nil {
		return false, err
	}
	*f = fileState{Version: version, Issued: p.now.Unix(), Content: sum}
	return true, nil
}

func (p *publication) trust(ctx context.Context) error {
	o := p.office
	t := &trust.Trust{
		Domain: trust.Domain{Region: o.config.Region, Name: o.config.Domain}, Hosts: []string{o.config.Host}, Devices: o.deviceAlgorithms(),
		Recognised: p.state.Domains,
	}
	authorities, err := o.store.Authorities(ctx)
	if err != nil {
		return err
	}
	for _, a := range authorities {
		issuers, err := o.trustIssuers(ctx, a, p.now, p.state.Lost)
		if err != nil {
			return err
		}
		t.Issuers = append(t.Issuers, issuers...)
	}
	if t.Services, err = o.trustServices(ctx); err != nil {
		return err
	}
	roots := p.roots
	if roots == nil {
		if roots, err = o.rootKeyring(ctx); err != nil {
			return err
		}
	}
	if t.Documents, err = o.documentTrust(ctx, roots); err != nil {
		return err
	}
	if t.Log, t.PastLogs, err = o.trustLog(ctx, p.now); err != nil {
		return err
	}
	due, err := p.due(ctx, trust.RoleTrust, &p.state.Trust, t, trustLife)
	if err != nil || !due {
		return err
	}
	t.Head = p.head(p.state.Trust.Version, trustLife)
	_, err = p.sign(ctx, trust.RoleTrust, t)
	return err
}

// freshness is how old status data may be, by what a licence is about: stale
// beyond the first, useless beyond the second.
var freshness = map[catalogue.Assurance][2]time.Duration{
	catalogue.AssuranceA: {24 * time.Hour, 72 * time.Hour},
	catalogue.AssuranceB: {24 * time.Hour, 7 * 24 * time.Hour},
	catalogue.AssuranceC: {72 * time.Hour, 30 * 24 * time.Hour},
}

// presentationWindow is how far a presentation's time may be from trusted time.
const presentationWindow = 90 * time.Second

func (p *publication) catalogue(ctx context.Context) error {
	file := new(trust.Catalogue)
	for _, c := range p.office.Catalogue().Versions() {
		fresh := freshness[c.Assurance]
		k := trust.Category{
			ID: uint64(c.ID), Schema: uint64(c.Schema), NameZH: c.NameZH, NameEN: c.NameEN,
			Fresh: uint64(fresh[0] / time.Second), Limit: uint64(fresh[1] / time.Second), Window: uint64(presentationWindow / time.Second),
			Kinds: []uint64{uint64(qr.KindLicence), uint64(qr.KindHolder), uint64(qr.KindService)},
		}
		for _, f := range c.QRFields() {
			k.Fields = append(k.Fields, trust.Field{Code: f.Code, NameZH: f.NameZH, NameEN: f.NameEN, Type: string(f.Type), Enum: f.Enum})
		}
		file.Categories = append(file.Categories, k)
	}
	due, err := p.due(ctx, trust.RoleCatalogue, &p.state.Catalogue, file, catalogueLife)
	if err != nil || !due {
		return err
	}
	file.Head = p.head(p.state.Catalogue.Version, catalogueLife)
	_, err = p.sign(ctx, trust.RoleCatalogue, file)
	return err
}

func (p *publication) time(ctx context.Context) error {
	version, err := p.take(ctx, trust.RoleTime)
	if err != nil {
		return err
	}
	p.state.Time = version
	file := &trust.Time{Head: p.head(p.state.Time, timeLife)}
	for _, f := range []struct {
		role    trust.Role
		version uint64
		into    *trust.Current
	}{
		{trust.RoleTrust, p.state.Trust.Version, &file.Trust},
		{trust.RoleCatalogue, p.state.Catalogue.Version, &file.Catalogue},
		{trust.RoleStatus, p.state.Status.Version, &file.Status},
	} {
		signed := p.files[string(f.role)]
		if signed == nil {
			var err error
			if signed, err = p.office.store.TrustFile(ctx, string(f.role)); err != nil {
				return err
			}
		}
		*f.into = trust.Current{Version: f.version, SM3: sm3.Sum(signed)}
	}
	if p.checkpoint, err = p.office.AuditLog().Checkpoint(ctx); err != nil {
		return err
	}
	file.Checkpoint = p.checkpoint.Signed
	_, err = p.sign(ctx, trust.RoleTime, file)
	return err
}
