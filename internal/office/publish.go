package office

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/detcbor"
	"github.com/elicence/elicence/internal/store/bolt"
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

// maxDeltas is how many deltas a list collects before a new snapshot.
const maxDeltas = 64

// publisherState is what the publisher remembers: the versions given out and the
// present content of the files.
type publisherState struct {
	Trust     fileState
	Catalogue fileState
	Status    uint64
	Time      uint64
	Lists     map[uint32]trust.List
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
func (o *Office) Publish(ctx context.Context, actor string) ([]string, error) {
	o.publishing.Lock()
	defer o.publishing.Unlock()
	p, err := o.publication(ctx)
	if err != nil {
		return nil, err
	}
	if err := p.run(ctx); err != nil {
		return nil, err
	}
	if err := o.release(ctx, p.files, p.state, actor, nil); err != nil {
		return nil, err
	}
	var changed []string
	for name := range p.files {
		changed = append(changed, name)
	}
	slices.Sort(changed)
	return changed, nil
}

// publication begins a run of the publisher. The caller holds publishing.
func (o *Office) publication(ctx context.Context) (*publication, error) {
	var state publisherState
	b, err := o.store.Setting(ctx, bolt.PublisherState)
	if err != nil {
		return nil, err
	}
	if err := detcbor.Unmarshal(b, &state); err != nil {
		return nil, fmt.Errorf("reading the publisher's state: %w", err)
	}
	return &publication{office: o, state: state, now: o.now().UTC(), files: make(map[string][]byte), keys: make(map[trust.Role]*pki.Key)}, nil
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

// release stores files, the publisher's state and other settings in one transaction
// with their entries in the audit log.
func (o *Office) release(ctx context.Context, files map[string][]byte, state publisherState, actor string, settings map[string][]byte, further ...audit.Record) error {
	b, err := detcbor.Marshal(state)
	if err != nil {
		return err
	}
	sums := sm3.New()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		sum := sm3.Sum(files[name])
		sums.Write(append([]byte(name), sum[:]...))
	}
	entry, err := audit.NewRecord(audit.Entry{
		Time: o.now().Unix(), Actor: actor, Act: audit.ActTrustPublish, Subject: fmt.Sprintf("time %d", state.Time), Digest: sums.Sum(nil),
	}, nil)
	if err != nil {
		return err
	}
	all := maps.Clone(settings)
	if all == nil {
		all = make(map[string][]byte)
	}
	all[bolt.PublisherState] = b
	return o.store.PublishTrust(ctx, files, all, append(further, entry)...)
}

// publication is one run of the publisher.
type publication struct {
	office *Office
	state  publisherState
	now    time.Time
	files  map[string][]byte
	keys   map[trust.Role]*pki.Key // of roles whose keys are not those in use
	roots  keyring                 // where it is not the one in force
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

// due reports whether a file must be signed again and, if so, counts its version
// up. Content is the file without its head.
func (p *publication) due(f *fileState, content any, life time.Duration) (bool, error) {
	b, err := detcbor.Marshal(content)
	if err != nil {
		return false, err
	}
	sum := sm3.Sum(b)
	if f.Version > 0 && f.Content == sum && p.now.Sub(time.Unix(f.Issued, 0)) < life/2 {
		return false, nil
	}
	*f = fileState{Version: f.Version + 1, Issued: p.now.Unix(), Content: sum}
	return true, nil
}

func (p *publication) trust(ctx context.Context) error {
	o := p.office
	t := &trust.Trust{Domain: trust.Domain{Region: o.config.Region, Name: o.config.Domain}, Hosts: []string{o.config.Host}, Devices: o.deviceAlgorithms()}
	authorities, err := o.store.Authorities(ctx)
	if err != nil {
		return err
	}
	for _, a := range authorities {
		issuers, err := o.trustIssuers(ctx, a, p.now)
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
	due, err := p.due(&p.state.Trust, t, trustLife)
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
	for _, c := range p.office.catalogue.Categories() {
		fresh := freshness[c.Assurance]
		k := trust.Category{
			ID: uint64(c.ID), Schema: catalogue.Schema, NameZH: c.NameZH, NameEN: c.NameEN,
			Fresh: uint64(fresh[0] / time.Second), Limit: uint64(fresh[1] / time.Second), Window: uint64(presentationWindow / time.Second),
			Kinds: []uint64{uint64(qr.KindLicence), uint64(qr.KindHolder), uint64(qr.KindService)},
		}
		for _, f := range c.QRFields() {
			k.Fields = append(k.Fields, trust.Field{Code: f.Code, NameZH: f.NameZH, NameEN: f.NameEN, Type: string(f.Type), Enum: f.Enum})
		}
		file.Categories = append(file.Categories, k)
	}
	due, err := p.due(&p.state.Catalogue, file, catalogueLife)
	if err != nil || !due {
		return err
	}
	file.Head = p.head(p.state.Catalogue.Version, catalogueLife)
	_, err = p.sign(ctx, trust.RoleCatalogue, file)
	return err
}

func (p *publication) status(ctx context.Context) error {
	sets, err := p.office.store.StatusSets(ctx)
	if err != nil {
		return err
	}
	if p.state.Lists == nil {
		p.state.Lists = make(map[uint32]trust.List)
	}
	p.state.Status++
	file := &trust.Status{Head: p.head(p.state.Status, statusLife)}
	for _, set := range sets {
		list, err := p.list(ctx, set)
		if err != nil {
			return err
		}
		p.state.Lists[set.List] = list
		file.Lists = append(file.Lists, list)
	}
	_, err = p.sign(ctx, trust.RoleStatus, file)
	return err
}

// list describes a status list: as it was, with one more delta, or with a new
// snapshot.
func (p *publication) list(ctx context.Context, set *status.Set) (trust.List, error) {
	before, known := p.state.Lists[set.List]
	if known && before.SetHash == set.Hash() {
		return before, nil
	}
	list := trust.List{List: uint64(set.List), Sequence: before.Sequence + 1, High: uint64(set.High), SetHash: set.Hash()}
	if known && len(before.Deltas) < maxDeltas {
		earlier, err := p.published(ctx, before)
		if err != nil {
			return list, err
		}
		delta, err := set.Delta(earlier, before.Sequence, list.Sequence)
		if err != nil {
			return list, err
		}
		sum := p.addSet(delta)
		list.Snapshot = before.Snapshot
		list.Deltas = append(slices.Clone(before.Deltas), trust.DeltaFile{From: before.Sequence, To: list.Sequence, SM3: sum, Length: uint64(len(delta))})
		return list, nil
	}
	snapshot, err := set.Snapshot(list.Sequence)
	if err != nil {
		return list, err
	}
	list.Snapshot = trust.SetFile{Sequence: list.Sequence, SM3: p.addSet(snapshot), Length: uint64(len(snapshot))}
	// Nothing refers to the files of the earlier snapshot any more.
	if known {
		p.files[trust.SetName(before.Snapshot.SM3)] = nil
		for _, d := range before.Deltas {
			p.files[trust.SetName(d.SM3)] = nil
		}
	}
	return list, nil
}

func (p *publication) addSet(file []byte) [sm3.Size]byte {
	sum := status.FileHash(file)
	p.files[trust.SetName(sum)] = file
	return sum
}

// published builds the state of a list that the published files lead to.
func (p *publication) published(ctx context.Context, l trust.List) (*status.Set, error) {
	apply := func(sum [sm3.Size]byte, earlier *status.Set, from, to uint64) (*status.Set, error) {
		file, err := p.office.store.TrustFile(ctx, trust.SetName(sum))
		if err != nil {
			return nil, err
		}
		return status.Apply(file, uint32(l.List), earlier, from, to)
	}
	set, err := apply(l.Snapshot.SM3, nil, 0, l.Snapshot.Sequence)
	for _, d := range l.Deltas {
		if err != nil {
			break
		}
		set, err = apply(d.SM3, set, d.From, d.To)
	}
	if err != nil {
		return nil, fmt.Errorf("published status list %d: %w", l.List, err)
	}
	return set, nil
}

func (p *publication) time(ctx context.Context) error {
	p.state.Time++
	file := &trust.Time{Head: p.head(p.state.Time, timeLife)}
	for _, f := range []struct {
		role    trust.Role
		version uint64
		into    *trust.Current
	}{
		{trust.RoleTrust, p.state.Trust.Version, &file.Trust},
		{trust.RoleCatalogue, p.state.Catalogue.Version, &file.Catalogue},
		{trust.RoleStatus, p.state.Status, &file.Status},
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
	checkpoint, err := p.office.Checkpoint(ctx)
	if err != nil {
		return err
	}
	file.Checkpoint = checkpoint.Signed
	_, err = p.sign(ctx, trust.RoleTime, file)
	return err
}
