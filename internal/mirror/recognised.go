package mirror

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/elicence/elicence/qr/trust"
)

// domainsFolder has the caches of recognised domains ([trust.DomainFolder]).
const domainsFolder = "domains/"

// within is a folder of a source as a source.
type within struct {
	Source
	at string
}

func (w within) String() string { return w.Source.String() + "/" + strings.TrimSuffix(w.at, "/") }

// Open implements [Source].
func (w within) Open(ctx context.Context, name string, wanted Wanted) (*Content, error) {
	return w.Source.Open(ctx, w.at+name, wanted)
}

// recognised fills the next cache with what there is of the recognised domains, newer
// files or those in force, and returns the domains that have newer ones.
func (m *run) recognised(ctx context.Context, s Source, all []trust.RecognisedDomain) ([]*domain, error) {
	var taken []*domain
	for _, r := range all {
		at := trust.DomainFolder(r.RootSM3) + "/"
		d, err := m.domain(at, r.RootSM3)
		if err != nil { // what is remembered of them cannot be read, say
			m.result.problem(r.Domain.Name, err)
			if err := (&domain{run: m, at: at}).keepAll(); err != nil {
				return nil, err
			}
			continue
		}
		from, ownSource := m.Domains[r.RootSM3]
		if !ownSource {
			from = within{s, d.at}
		}
		next, err := d.fetch(ctx, from)
		switch {
		case err == nil && next.changed:
			d.cache = next.cache
			taken = append(taken, d)
		case err == nil:
			err = d.keepAll()
		case errors.Is(err, errLocal), ctx.Err() != nil:
		default:
			// A source that has nothing of other domains need not say so every time.
			if ownSource || d.cache != nil || !errors.Is(err, ErrMissing) {
				m.result.problem(from.String(), fmt.Errorf("files of %s: %w", r.Domain.Name, err))
			}
			err = errors.Join(os.RemoveAll(filepath.Join(m.work.next(), filepath.FromSlash(d.at))), d.keepAll())
		}
		if err != nil {
			return nil, err
		}
		if next.said == (tag{}) {
			continue
		}
		if err := m.work.remember(from.String(), next.said); err != nil {
			return nil, err
		}
	}
	return taken, nil
}

// keepAll takes all of a domain that is in force into the next cache, but for the
// optional parts, which are there already.
func (d *domain) keepAll() error {
	err := fs.WalkDir(os.DirFS(d.work.path(d.at)), ".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && (name+"/" == crlFolder || name+"/" == domainsFolder):
			return fs.SkipDir
		case !e.Type().IsRegular():
			return nil
		}
		return d.work.keep(d.at + name)
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return local("building the next cache", err)
	}
	return nil
}
