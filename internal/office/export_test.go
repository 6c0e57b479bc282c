package office

import (
	"context"
	"math"

	"github.com/elicence/elicence/pki/keystore"
	"github.com/elicence/elicence/qr/trust"
)

// RotateRootSteps is how many steps a rotation of the root has.
func RotateRootSteps() int { return len(new(rootRotation).steps()) }

// RotateRootUpTo is RotateRoot, cut off after some of its steps.
func (o *Office) RotateRootUpTo(ctx context.Context, actor string, offline *keystore.Store, steps int) error {
	r := &rootRotation{office: o, actor: actor, offline: offline}
	for _, step := range r.steps()[:steps] {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// KeptTrust calls f with the name of everything that the publisher keeps.
func (o *Office) KeptTrust(ctx context.Context, f func(name string)) error {
	return o.store.Published(ctx, func(name string, _ []byte) error {
		f(name)
		return nil
	})
}

// Issuing is the request as the issuance of a licence with this signed form makes it.
func (r StampRequest) Issuing(signed []byte) StampRequest {
	r.issued = signed
	return r
}

// Twin is another office on the same store, as another node is on a database.
func (o *Office) Twin() (*Office, error) {
	return assemble(context.Background(), o.folder, Options{})
}

// Publication is a run of the publisher that can be cut off anywhere.
type Publication struct {
	p     *publication
	steps []func(context.Context) error
}

// PublicationSteps is how many steps it has, with the release.
const PublicationSteps = 5

// Begin begins a run.
func (o *Office) Begin(ctx context.Context) (*Publication, error) {
	p, err := o.publication(ctx)
	if err != nil {
		return nil, err
	}
	release := func(ctx context.Context) error { return p.release(ctx, "test", nil) }
	return &Publication{p, []func(context.Context) error{p.trust, p.catalogue, p.status, p.time, release}}, nil
}

// Run does the next steps.
func (p *Publication) Run(ctx context.Context, steps int) error {
	for _, step := range p.steps[:steps] {
		p.steps = p.steps[1:]
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Signed returns what was signed so far, by role, and its versions.
func (p *Publication) Signed() (map[trust.Role][]byte, map[trust.Role]uint64) {
	files := make(map[trust.Role][]byte)
	for _, role := range trust.Roles()[1:] {
		if file := p.p.files[string(role)]; file != nil {
			files[role] = file
		}
	}
	s := p.p.state
	return files, map[trust.Role]uint64{
		trust.RoleTrust: s.Trust.Version, trust.RoleCatalogue: s.Catalogue.Version, trust.RoleStatus: s.Status.Version, trust.RoleTime: s.Time,
	}
}

// CompromiseSteps is how many steps a compromise has.
const CompromiseSteps = 3

// CompromiseUpTo is CompromiseAuthority, cut off after some of its steps.
func (o *Office) CompromiseUpTo(ctx context.Context, actor, uscc string, steps int) error {
	g, err := o.lostGeneration(ctx, uscc, "")
	if err != nil {
		return err
	}
	for _, step := range o.compromiseSteps(ctx, actor, g, "", &Loss{USCC: uscc})[:steps] {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// KeptCheckpoints counts the checkpoints that were kept.
func (o *Office) KeptCheckpoints(ctx context.Context) (int, error) {
	n := 0
	err := o.store.KeptCheckpoints(ctx, 0, math.MaxInt64-1, func([]byte) bool {
		n++
		return true
	})
	return n, err
}

// Room is how many places are free in the newest status list of an authority.
func (o *Office) Room(ctx context.Context, uscc string) (int, error) {
	a, err := o.authorityOf(ctx, uscc)
	if err != nil {
		return 0, err
	}
	return o.store.ListRoom(ctx, a.Lists[len(a.Lists)-1])
}
