package mirror

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/crl"
	"github.com/elicence/elicence/qr/trust"
)

// The revocation lists of the authorities are for whoever verifies documents; hallscan
// does not read them. No trust file names them, so the folder has an index, which is not
// signed: each list is judged by itself.
const (
	crlFolder   = "crl/"
	crlIndex    = crlFolder + "index"
	maxIndex    = 64 << 10 // bytes
	maxCRLBytes = 512 << 20
)

var crlName = regexp.MustCompile(`^[a-z][a-z0-9.-]{0,127}\.crl$`)

// errUnknownIssuer says that a list is of an authority that the trust file does not name.
var errUnknownIssuer = errors.New("the list is of nobody whom the trust file names")

// unwanted stands for the hash of a list that is not kept.
const unwanted = "unwanted"

// crls brings the revocation lists into the next cache: newer ones of the source, and
// else those that are in force. What is wrong with a list is told and does not hinder
// anything else. It reports whether one is new.
func (m *run) crls(ctx context.Context, s Source, documents trust.Documents) (bool, error) {
	if err := m.keepCRLs(); err != nil || !m.CRLs {
		return false, err
	}
	b, _, err := m.read(ctx, s, crlIndex, Wanted{Limit: maxIndex})
	if errors.Is(err, ErrMissing) {
		return false, nil
	}
	if err != nil {
		m.result.problem(s.String(), err)
		return false, ctx.Err()
	}
	authorities, err := parseAuthorities(documents)
	if err != nil {
		m.result.problem(s.String(), err)
		return false, nil
	}
	changed, left := false, int64(maxCRLBytes)
	for name := range strings.Lines(string(b)) {
		name = strings.TrimSuffix(name, "\n")
		if !crlName.MatchString(name) {
			m.result.problem(s.String(), fmt.Errorf("%s: %.40q is no name of a list: %w", crlIndex, name, ErrAnswer))
			break
		}
		der, err := m.newCRL(ctx, s, name, authorities, left)
		if err == nil && der != nil {
			left -= int64(len(der))
			changed, err = true, m.work.put(crlFolder+name, der)
		}
		switch {
		case err == nil:
		case errors.Is(err, errLocal), ctx.Err() != nil:
			return changed, err
		default:
			m.result.problem(s.String(), err)
		}
		if errors.Is(err, ErrUnreachable) {
			break // the others would not come either
		}
	}
	if !changed {
		return false, nil
	}
	return true, m.indexCRLs()
}

// indexCRLs names the lists of the next cache, for those who fetch from it.
func (m *run) indexCRLs() error {
	entries, err := os.ReadDir(filepath.Join(m.work.next(), filepath.FromSlash(crlFolder)))
	if err != nil {
		return local("building the next cache", err)
	}
	var index []byte
	for _, e := range entries {
		if crlName.MatchString(e.Name()) {
			index = append(append(index, e.Name()...), '\n')
		}
	}
	return m.work.put(crlIndex, index)
}

// keepCRLs takes the lists in force into the next cache.
func (m *run) keepCRLs() error {
	entries, err := os.ReadDir(m.work.path(crlFolder))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return local("looking at the cache", err)
	}
	for _, e := range entries {
		if name := crlFolder + e.Name(); !crlName.MatchString(e.Name()) && name != crlIndex {
			continue
		}
		if err := m.work.keep(crlFolder + e.Name()); err != nil {
			return err
		}
	}
	return nil
}

func parseAuthorities(d trust.Documents) ([]*cert.Certificate, error) {
	var all []*cert.Certificate
	for _, some := range [][][]byte{d.Roots, d.Seals, d.Persons} {
		for _, der := range some {
			c, err := cert.Parse(der)
			if err != nil {
				return nil, fmt.Errorf("authorities of the trust file: %w", err)
			}
			all = append(all, c)
		}
	}
	return all, nil
}

// newCRL fetches a list that is newer than the one in force, or returns nil. One that
// cannot be read is none.
func (m *run) newCRL(ctx context.Context, s Source, name string, authorities []*cert.Certificate, limit int64) ([]byte, error) {
	kept, err := m.readPresent(crlFolder+name, crl.MaxSize)
	if err != nil {
		kept = nil
	}
	about := s.String() + " " + name
	known, w := m.work.tags()[about], Wanted{Limit: min(limit, crl.MaxSize)}
	if sum := sm3.Sum(kept); known.SM3 == hex.EncodeToString(sum[:]) || kept == nil && known.SM3 == unwanted {
		w.Known = known.Tag
	}
	der, said, err := m.read(ctx, s, crlFolder+name, w)
	if err != nil || der == nil {
		return nil, err
	}
	sum := sm3.Sum(der)
	is := tag{said, hex.EncodeToString(sum[:])}
	err = m.judgeCRL(der, kept, authorities)
	if errors.Is(err, errUnknownIssuer) {
		is.SM3 = unwanted
		return nil, m.work.remember(about, is)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", crlFolder+name, err)
	}
	if err := m.work.remember(about, is); err != nil {
		return nil, err
	}
	if string(der) == string(kept) {
		return nil, nil
	}
	return der, nil
}

// judgeCRL accepts a list that one of the authorities has signed, that is not of the
// future, and that is not older than the one that is kept.
func (m *run) judgeCRL(der, kept []byte, authorities []*cert.Certificate) error {
	list, err := crl.Parse(der)
	if err != nil {
		return err
	}
	err = errUnknownIssuer
	for _, a := range authorities {
		if e := list.Verify(a, m.Second); e == nil || !errors.Is(e, crl.ErrWrongIssuer) {
			err = e
		}
		if err == nil {
			break
		}
	}
	if err != nil {
		return err
	}
	if list.ThisUpdate.After(m.Now().Add(crl.ClockTolerance)) {
		return fmt.Errorf("it is of the future: %w", trust.ErrClock)
	}
	before, err := crl.Parse(kept)
	if err == nil && compareNumbers(list.Number, before.Number) < 0 {
		return fmt.Errorf("list %d, after %d: %w", list.Number, before.Number, trust.ErrRollback)
	}
	return nil
}

// compareNumbers compares the numbers of two lists; one without comes first.
func compareNumbers(a, b *big.Int) int {
	if a == nil || b == nil {
		return 0
	}
	return a.Cmp(b)
}
