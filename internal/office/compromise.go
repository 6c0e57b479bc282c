package office

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/emmansun/gmsm/sm3"
	"golang.org/x/sync/errgroup"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/store/records"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/disclose"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/cose"
	"github.com/elicence/elicence/pki/keystore"
	"github.com/elicence/elicence/qr/trust"
)

// Loss is an issuing authority's key that was stolen.
type Loss struct {
	USCC    string
	Key     string    // name of the generation
	Since   time.Time // zero: nobody knows
	Genuine int       // credentials that are known to be genuine
	Bytes   int       // of the file that names them
}

// lostKey is what the publisher says of a stolen key.
type lostKey struct {
	Point   pki.Point         `cbor:"1,keyasint"`
	Since   int64             `cbor:"2,keyasint,omitempty"` // UTC seconds
	Genuine trust.GenuineFile `cbor:"3,keyasint"`
}

// ErrWhichKey: an authority has had a stolen key before, so it must be said which one it
// is now.
var ErrWhichKey = bilingual.New("该机构曾有密钥失窃，须指明是哪一个密钥", "name the key: a key of this authority was stolen before")

// CompromiseAuthority says that an issuing authority's key was stolen, and since when (zero: nobody knows). From the
// first step on nothing is signed with it. Its certificate is revoked; the credentials that this register has signed
// with it are published as the only ones that count; and if it was the one in use, the authority goes on with a new
// key. What was cut off is gone on with when it is called again.
//
// The key is named as [Office.KeyGenerations] does; empty: the one in use, unless one
// was stolen before, so that a second call does not take the new key for the stolen one.
func (o *Office) CompromiseAuthority(ctx context.Context, actor, uscc, key string, since time.Time, note string) (Loss, error) {
	loss := Loss{USCC: uscc, Since: since}
	if since.After(o.now()) {
		return loss, fmt.Errorf("since %s, which is to come: %w", since.UTC().Format(time.RFC3339), ErrOutOfRange)
	}
	g, err := o.lostGeneration(ctx, uscc, key)
	if err != nil {
		return loss, err
	}
	loss.Key = g.Key
	for _, step := range o.compromiseSteps(ctx, actor, g, note, &loss) {
		if err := step(); err != nil {
			return loss, err
		}
	}
	return loss, nil
}

// lostGeneration finds the key that was stolen.
func (o *Office) lostGeneration(ctx context.Context, uscc, key string) (generation, error) {
	a, err := o.authorityOf(ctx, uscc)
	if err != nil {
		return generation{}, err
	}
	ring, err := o.issuerKeys(ctx, a)
	if err != nil {
		return generation{}, err
	}
	current, err := ring.current(o.now())
	if err != nil {
		return generation{}, fmt.Errorf("authority %s: %w", uscc, err)
	}
	begun, before := false, false
	for _, g := range ring {
		if key != "" && g.Key == key {
			return g, nil
		}
		lost, err := o.compromised(ctx, g.Point)
		if err != nil {
			return generation{}, err
		}
		begun, before = begun || lost && g == current, before || lost
	}
	switch {
	case key != "":
		return generation{}, fmt.Errorf("authority %s has no key %q: %w", uscc, key, keystore.ErrNoKey)
	case before && !begun:
		return generation{}, fmt.Errorf("authority %s: %w", uscc, ErrWhichKey)
	}
	return current, nil
}

// compromiseSteps are the steps of a compromise, each of which may be the last before
// the process ends.
func (o *Office) compromiseSteps(ctx context.Context, actor string, g generation, note string, loss *Loss) []func() error {
	return []func() error{
		func() error { return o.revokeLost(ctx, actor, g, loss.Since, note) },
		func() error { return o.publishGenuine(ctx, actor, g, loss) },
		func() error {
			if !g.at(o.now().Unix()) {
				return nil // it was not in use any more
			}
			return o.RotateKey(ctx, actor, loss.USCC, 0, nil)
		},
	}
}

// revokeLost revokes the certificate of a stolen key, unless a try before this one has.
func (o *Office) revokeLost(ctx context.Context, actor string, g generation, since time.Time, note string) error {
	// Nobody is signing with it when this returns.
	o.rotating.Lock()
	defer o.rotating.Unlock()
	if done, err := o.compromised(ctx, g.Point); err != nil || done {
		return err
	}
	key, err := pki.ParsePoint(g.Point[:])
	if err != nil {
		return err
	}
	c, err := o.certificateOf(ctx, key)
	if err != nil {
		return err
	}
	serial, ok := cert.SerialOf(c.SerialNumber())
	if !ok {
		return fmt.Errorf("certificate %s has no serial number of ours: %w", c.Serial(), ca.ErrState)
	}
	_, err = o.RevokeCertificate(ctx, actor, serial, Revocation{Reason: cert.KeyCompromise, InvalidAt: since, Note: note})
	return err
}

// publishGenuine publishes what the register has signed with a stolen key.
func (o *Office) publishGenuine(ctx context.Context, actor string, g generation, loss *Loss) error {
	var known []trust.GenuineCredential
	for c, err := range o.store.SignedBy(ctx, g.Point) {
		if err != nil {
			return err
		}
		m, err := cose.Parse(c.Signed)
		if err != nil {
			return fmt.Errorf("kept credential: %w", err)
		}
		known = append(known, trust.GenuineCredential{List: c.Status.List, Index: c.Status.Index, Digest: trust.DigestOf(m.Payload)})
	}
	o.publishing.Lock()
	defer o.publishing.Unlock()
	p, err := o.publication(ctx)
	if err != nil {
		return err
	}
	key, err := o.currentKey(ctx, keystore.PurposeTrust, string(trust.RoleTrust))
	if err != nil {
		return err
	}
	file, err := trust.SignGenuine(g.Point, known, o.second, key)
	if err != nil {
		return err
	}
	named := trust.GenuineFile{SM3: sm3.Sum(file), Length: uint64(len(file))}
	p.files[trust.SetName(named.SM3)] = file
	lost := lostKey{Point: g.Point, Genuine: named}
	if !loss.Since.IsZero() {
		lost.Since = loss.Since.Unix()
	}
	p.state.Lost = append(slices.DeleteFunc(p.state.Lost, func(l lostKey) bool { return l.Point == g.Point }), lost)
	if err := p.run(ctx); err != nil {
		return err
	}
	entry, err := o.folder.Entry(actor, audit.ActKeyLost, "authority/"+g.Key)
	if err != nil {
		return err
	}
	loss.Genuine, loss.Bytes = len(known), len(file)
	return p.release(ctx, actor, nil, entry)
}

// Reissued is a licence whose printed code was signed with a key that was stolen, and the
// code that takes its place.
type Reissued struct {
	Licence licence.Identifier
	Profile disclose.Profile
	Code    Code
}

// reissuers is how many codes are signed at once, so that they share the store's commits.
const reissuers = 16

// ReissueCodes signs anew every printed code that an authority has signed with a key
// which was stolen since, and calls f with each, one at a time. Devices renew theirs by
// themselves. A code that was signed anew before is left out, so that what was cut off
// can be gone on with. Licences that were revoked get none.
func (o *Office) ReissueCodes(ctx context.Context, actor, uscc string, f func(Reissued) error) (int, error) {
	a, err := o.authorityOf(ctx, uscc)
	if err != nil {
		return 0, err
	}
	ring, err := o.issuerKeys(ctx, a)
	if err != nil {
		return 0, err
	}
	done := 0
	for _, g := range ring {
		if lost, err := o.compromised(ctx, g.Point); err != nil {
			return done, err
		} else if !lost {
			continue
		}
		if err := o.reissue(ctx, actor, g.Point, func(r Reissued) error {
			done++
			return f(r)
		}); err != nil {
			return done, err
		}
	}
	return done, nil
}

func (o *Office) reissue(ctx context.Context, actor string, point pki.Point, f func(Reissued) error) error {
	group, ctx := errgroup.WithContext(ctx)
	affected, made := make(chan records.SignedCredential), make(chan Reissued)
	group.Go(func() error {
		defer close(affected)
		for c, err := range o.store.SignedBy(ctx, point) {
			if err != nil {
				return err
			}
			if c.Device != (licence.DeviceID{}) || c.Revoked {
				continue
			}
			select {
			case affected <- c:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	workers, workersCtx := errgroup.WithContext(ctx)
	for range reissuers {
		workers.Go(func() error {
			for c := range affected {
				r, err := o.reissueOne(workersCtx, actor, c)
				if errors.Is(err, licence.ErrStep) {
					continue // revoked meanwhile
				}
				if err != nil {
					return err
				}
				select {
				case made <- r:
				case <-workersCtx.Done():
					return workersCtx.Err()
				}
			}
			return nil
		})
	}
	group.Go(func() error {
		defer close(made)
		return workers.Wait()
	})
	group.Go(func() error {
		for r := range made {
			if err := f(r); err != nil {
				return err
			}
		}
		return nil
	})
	return group.Wait()
}

func (o *Office) reissueOne(ctx context.Context, actor string, c records.SignedCredential) (Reissued, error) {
	profile, err := disclose.ParseProfile(c.Profile)
	if err != nil {
		return Reissued{}, err
	}
	record, err := o.store.RecordOf(ctx, c)
	if err != nil {
		return Reissued{}, err
	}
	code, err := o.CodeOf(ctx, actor, record, profile)
	return Reissued{record.Licence.Identifier, profile, code}, err
}
