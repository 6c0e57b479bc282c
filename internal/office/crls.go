package office

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/crl"
	"github.com/elicence/elicence/pki/keystore"
)

// When revocation lists are made. A list is current for a week, so that a terminal
// that hears nothing for that long can still say something of a signature.
const (
	crlEvery      = 24 * time.Hour
	crlDeltaEvery = time.Hour
	crlOverlap    = 6 * 24 * time.Hour
	crlJitter     = 10 * time.Minute
	// crlNotice is how soon a revocation is in a list of a service that runs.
	crlNotice = time.Minute
)

// crlSource is the publisher of one authority's shards of one count.
type crlSource struct {
	*crl.Publisher
	plan      crl.Plan
	authority StatusAuthority
	count     uint32
}

// crlSources returns the publishers of every authority that has a certificate in
// force, under its present key and those before it. The root's list is made when its
// key is at hand, not here.
func (o *Office) crlSources(ctx context.Context, report func(crl.Report)) ([]crlSource, error) {
	authorities, err := o.StatusAuthorities(ctx)
	if err != nil {
		return nil, err
	}
	var all []crlSource
	for _, a := range authorities {
		key, err := o.keys.Signer(keystore.PurposeCA, a.Name)
		if err != nil {
			return nil, err
		}
		counts, err := o.shardCounts(ctx, a.Name)
		if err != nil {
			return nil, err
		}
		for _, count := range counts {
			s := crlSource{plan: o.crlPlan(a.Name, count), authority: a, count: count}
			s.Publisher, err = crl.NewPublisher(a.Certificate(), key, s.plan, crl.Environment{
				Ledger: o.store.CRLLedger(count), Store: o.store.CRLs(), Second: o.second, Now: o.now, Draw: rand.Int64N,
				Report: func(r crl.Report) {
					if r.Err != nil {
						o.observe(Event{Kind: EventCRLKept, Subject: r.Name, Err: r.Err})
					}
					report(r)
				},
			})
			if err != nil {
				return nil, err
			}
			all = append(all, s)
		}
	}
	return all, nil
}

func (o *Office) crlPlan(name string, count uint32) crl.Plan {
	return crl.Plan{
		Name: name, URL: "http://" + o.config.Host + "/crl/", Shards: int(count),
		Every: crlEvery, DeltaEvery: crlDeltaEvery, Overlap: crlOverlap, Jitter: crlJitter,
	}
}

// PublishCRLs makes every list of an authority now, full and delta, by the name of its
// key; empty: of all authorities. It returns what is in force: where a list could not be
// made, the last good one, and the error names every one.
func (o *Office) PublishCRLs(ctx context.Context, name string) ([]crl.Report, error) {
	var reports []crl.Report
	sources, err := o.crlSources(ctx, func(r crl.Report) { reports = append(reports, r) })
	if err != nil {
		return nil, err
	}
	if name != "" {
		sources = slices.DeleteFunc(sources, func(s crlSource) bool { return s.authority.Name != name })
		if len(sources) == 0 {
			return nil, fmt.Errorf("%q publishes no CRL here: %w", name, ErrNoCertificateAuthority)
		}
	}
	var errs []error
	for _, s := range sources {
		for shard := range s.plan.Lists() {
			_, err := s.Full(ctx, shard)
			if err == nil {
				_, err = s.Delta(ctx, shard)
			}
			errs = append(errs, err)
		}
	}
	return reports, errors.Join(errs...)
}

// RunCRLs publishes lists on their schedule, and deltas within a minute of a change,
// until ctx ends. Every try is reported; a failure is [EventCRLKept] and leaves the last
// good list in force.
func (o *Office) RunCRLs(ctx context.Context, report func(crl.Report)) error {
	sources, err := o.crlSources(ctx, report)
	if err != nil {
		return err
	}
	group, running := errgroup.WithContext(ctx)
	for _, s := range sources {
		group.Go(func() error { return s.Run(running) })
	}
	group.Go(func() error {
		for {
			select {
			case <-running.Done():
				return nil
			case <-time.After(crlNotice):
			}
			for _, s := range sources {
				o.publishChanges(running, s)
			}
		}
	})
	if err := group.Wait(); ctx.Err() == nil || !errors.Is(err, context.Canceled) {
		return err
	}
	return nil // it was ended while it read or wrote a list
}

// publishChanges makes a delta of every shard that has changed since its last list. A
// failure is reported by the publisher, and the next minute tries again.
func (o *Office) publishChanges(ctx context.Context, s crlSource) {
	for shard := range s.plan.Lists() {
		changed, err := o.changedSince(ctx, s, shard)
		switch {
		case err != nil && ctx.Err() == nil:
			o.observe(Event{Kind: EventCRLKept, Subject: s.plan.DeltaName(shard), Err: err})
		case changed:
			_, _ = s.Delta(ctx, shard) // the publisher reports what became of it
		}
	}
}

// changedSince reports whether a certificate of a shard changed its status after the
// newest of the shard's lists.
func (o *Office) changedSince(ctx context.Context, s crlSource, shard int) (bool, error) {
	var listed uint64
	for _, name := range []string{s.plan.FileName(shard), s.plan.DeltaName(shard)} {
		last, found, err := o.store.CRLs().Latest(ctx, name)
		if err != nil {
			return false, err
		}
		if found {
			listed = max(listed, last.Sequence)
		}
	}
	want := ca.Shard{}
	if s.count > 0 {
		want = ca.Shard{Count: s.count, Index: uint32(shard)} //nolint:gosec // below the count
	}
	for r, err := range o.store.StatusChanges(ctx, s.authority.Certificate().Key.Point(), listed) {
		if err != nil || r.Shard == want {
			return err == nil, err
		}
	}
	return false, nil
}

// exportCRLs makes the lists anew and writes those in force into a folder.
func (o *Office) exportCRLs(ctx context.Context, to durable.Files, dir string) error {
	// What could not be made was observed, and is the last good one below.
	if _, err := o.PublishCRLs(ctx, ""); ctx.Err() != nil {
		return err
	}
	if err := to.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("exporting CRLs: %w", err)
	}
	names, err := o.store.CRLs().Names(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		list, _, err := o.Latest(ctx, name)
		if err != nil {
			return err
		}
		if err := to.WriteFrom(filepath.Join(dir, name), bytes.NewReader(list.DER), 0o644); err != nil {
			return fmt.Errorf("exporting CRLs: %w", err)
		}
	}
	if err := to.WriteFrom(filepath.Join(dir, crlIndex), bytes.NewReader(CRLIndex(names)), 0o644); err != nil {
		return fmt.Errorf("exporting CRLs: %w", err)
	}
	return nil
}

// crlIndex is the name of the list of lists, for those who cannot look into the folder.
const crlIndex = "index"

// CRLIndex is the content of an index: the names, one a line.
func CRLIndex(names []string) []byte {
	var b []byte
	for _, name := range slices.Sorted(slices.Values(names)) {
		b = append(append(b, name...), '\n')
	}
	return b
}

// CRLNames lists the names of the revocation lists in force.
func (o *Office) CRLNames(ctx context.Context) ([]string, error) { return o.store.CRLs().Names(ctx) }

// ErrNoCRL: no revocation list of this name is published.
var ErrNoCRL = bilingual.New("没有该吊销列表", "no such revocation list")

// Latest returns a list in force by its name within URLs: NAME.crl. A list that has
// ended is returned as well; its dates say so.
func (o *Office) Latest(ctx context.Context, name string) (crl.Published, bool, error) {
	return o.store.CRLs().Latest(ctx, name)
}
