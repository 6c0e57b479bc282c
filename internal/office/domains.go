package office

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/qr/trust"
)

// ErrNotRecognised: no recognised domain has this root.
var ErrNotRecognised = bilingual.New("没有以此为根的互认域", "no recognised domain has this root")

// RecogniseDomain lets terminals take licences of another province: of issuers in some
// regions, of some categories. The file is one of the other domain's roots, compared by
// its SM3 with what the other side says over another channel. Recognising the same root
// again changes what is granted.
func (o *Office) RecogniseDomain(ctx context.Context, actor string, rootFile []byte, regions []string, categories []catalogue.ID) (trust.RecognisedDomain, error) {
	var d trust.RecognisedDomain
	root, err := trust.OpenRoot(rootFile, nil, o.second)
	if err != nil {
		return d, fmt.Errorf("root of the other domain: %w", err)
	}
	d = trust.RecognisedDomain{Domain: root.Domain, RootSM3: sm3.Sum(rootFile), Regions: slices.Clone(regions)}
	for _, id := range categories {
		d.Categories = append(d.Categories, uint64(id))
	}
	slices.Sort(d.Regions)
	slices.Sort(d.Categories)
	d.Regions, d.Categories = slices.Compact(d.Regions), slices.Compact(d.Categories)
	if err := d.Check(trust.Domain{Region: o.config.Region, Name: o.config.Domain}); err != nil {
		return d, fmt.Errorf("recognising %s: %w", d.Domain.Name, err)
	}
	return d, o.changeDomains(ctx, actor, audit.ActDomainRecognise, d.RootSM3, func(p *publication) error {
		p.state.Domains = append(slices.DeleteFunc(p.state.Domains, sameRoot(d.RootSM3)), d)
		return nil
	})
}

// WithdrawDomain ends the recognition of a domain.
func (o *Office) WithdrawDomain(ctx context.Context, actor string, rootSM3 [sm3.Size]byte) error {
	return o.changeDomains(ctx, actor, audit.ActDomainWithdraw, rootSM3, func(p *publication) error {
		if !slices.ContainsFunc(p.state.Domains, sameRoot(rootSM3)) {
			return ErrNotRecognised
		}
		p.state.Domains = slices.DeleteFunc(p.state.Domains, sameRoot(rootSM3))
		return p.dropDomain(ctx, rootSM3, nil)
	})
}

// CarryDomain takes over the files of a recognised domain from a folder that the other
// side has exported or a mirror holds, so that our terminals get them with ours. They
// are verified by the rules of a terminal.
func (o *Office) CarryDomain(ctx context.Context, actor string, dir fs.FS) (trust.RecognisedDomain, error) {
	var carried trust.RecognisedDomain
	p, err := o.publication(ctx)
	if err != nil {
		return carried, err
	}
	for _, d := range p.state.Domains {
		cache, err := trust.Load(dir, trust.Options{Pin: &d.RootSM3, Second: o.second, Now: o.now})
		if errors.Is(err, trust.ErrPin) {
			continue
		}
		if err != nil {
			return d, fmt.Errorf("files of %s: %w", d.Domain.Name, err)
		}
		return d, o.changeDomains(ctx, actor, audit.ActDomainCarry, d.RootSM3, func(p *publication) error {
			files, err := cacheFiles(dir, cache)
			if err != nil {
				return err
			}
			return p.dropDomain(ctx, d.RootSM3, files)
		})
	}
	return carried, ErrNotRecognised
}

// RecognisedDomains returns the domains that are recognised.
func (o *Office) RecognisedDomains(ctx context.Context) ([]trust.RecognisedDomain, error) {
	p, err := o.publication(ctx)
	if err != nil {
		return nil, err
	}
	return p.state.Domains, nil
}

func sameRoot(rootSM3 [sm3.Size]byte) func(trust.RecognisedDomain) bool {
	return func(d trust.RecognisedDomain) bool { return d.RootSM3 == rootSM3 }
}

// changeDomains publishes trust files with other recognised domains.
func (o *Office) changeDomains(ctx context.Context, actor string, act audit.Act, rootSM3 [sm3.Size]byte, change func(*publication) error) error {
	entry, err := o.folder.Entry(actor, act, hex.EncodeToString(rootSM3[:]))
	if err != nil {
		return err
	}
	o.publishing.Lock()
	defer o.publishing.Unlock()
	p, err := o.publication(ctx)
	if err != nil {
		return err
	}
	if err := change(p); err != nil {
		return err
	}
	if err := p.run(ctx); err != nil {
		return err
	}
	return p.release(ctx, actor, nil, entry)
}

// dropDomain puts other files in the place of those that are carried of a domain.
func (p *publication) dropDomain(ctx context.Context, rootSM3 [sm3.Size]byte, files map[string][]byte) error {
	folder := trust.DomainFolder(rootSM3) + "/"
	err := p.office.store.Published(ctx, func(name string, _ []byte) error {
		if strings.HasPrefix(name, folder) {
			p.files[name] = nil
		}
		return nil
	})
	for name, file := range files {
		p.files[folder+name] = file
	}
	return err
}

// cacheFiles reads what a cache was loaded from, but for what it recognises in turn.
func cacheFiles(dir fs.FS, c *trust.Cache) (map[string][]byte, error) {
	files := make(map[string][]byte)
	var names []string
	for n := uint64(1); n <= c.Root.Version; n++ {
		if _, err := fs.Stat(dir, trust.RootName(n)); err == nil {
			names = append(names, trust.RootName(n))
		}
	}
	for _, role := range trust.Roles()[1:] {
		names = append(names, string(role))
	}
	for _, f := range c.Files() {
		if _, err := fs.Stat(dir, trust.SetName(f.SM3)); err == nil {
			names = append(names, trust.SetName(f.SM3))
		}
	}
	for _, name := range names {
		b, err := fs.ReadFile(dir, name)
		if err != nil {
			return nil, err
		}
		files[name] = b
	}
	return files, nil
}
