package auditlog_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/auditlog"
	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
)

const origin = "安徽省(测试)"

// memory is a store of a log in memory.
type memory struct {
	records []audit.Record
	nodes   map[string][]byte
	kept    map[int64][]byte
}

func (m *memory) ReadLog(_ context.Context, f func(audit.Storage) error) error { return f(m) }

func (m *memory) KeepCheckpoint(_ context.Context, at int64, signed []byte) error {
	m.kept[at] = signed
	return nil
}

func (m *memory) KeptCheckpoints(_ context.Context, from, until int64, f func([]byte) bool) error {
	var times []int64
	for at := range m.kept {
		if from <= at && at <= until {
			times = append(times, at)
		}
	}
	slices.Sort(times)
	for _, at := range times {
		if !f(m.kept[at]) {
			break
		}
	}
	return nil
}

func (m *memory) Size() (uint64, error) { return uint64(len(m.records)), nil }
func (m *memory) SetSize(uint64) error  { return nil }
func (m *memory) PutRecord(_ uint64, r audit.Record) error {
	m.records = append(m.records, r)
	return nil
}

func (m *memory) Record(i uint64) (audit.Record, error) {
	if i >= uint64(len(m.records)) {
		return audit.Record{}, errors.New("missing")
	}
	return m.records[i], nil
}

func (m *memory) Node(level uint, index uint64) ([]byte, error) {
	hash, ok := m.nodes[fmt.Sprint(level, index)]
	if !ok {
		return nil, errors.New("missing")
	}
	return hash, nil
}

func (m *memory) PutNode(level uint, index uint64, hash []byte) error {
	m.nodes[fmt.Sprint(level, index)] = bytes.Clone(hash)
	return nil
}

// oneKey is the key of every checkpoint.
type oneKey struct{ *pki.Key }

func (k oneKey) Signer(context.Context) (*pki.Key, error) { return k.Key, nil }
func (k oneKey) Verifiers(context.Context) ([]*pki.PublicKey, error) {
	return []*pki.PublicKey{k.Public()}, nil
}

type fixture struct {
	*auditlog.Log
	store *memory
	key   *pki.Key
	now   time.Time
}

func newLog(t *testing.T, entries int) *fixture {
	t.Helper()
	f := &fixture{store: &memory{nodes: make(map[string][]byte), kept: make(map[int64][]byte)}, key: pkitest.NewKey(t), now: time.Unix(1700000000, 0)}
	f.Log = auditlog.New(f.store, oneKey{f.key}, origin, func() time.Time { return f.now })
	f.grow(t, entries)
	return f
}

func (f *fixture) grow(t *testing.T, entries int) {
	t.Helper()
	for range entries {
		r, err := audit.NewRecord(audit.Entry{Time: f.now.Unix(), Actor: "officer", Act: audit.ActLicenceRevoke, Subject: fmt.Sprint(len(f.store.records))}, []byte("reason"))
		if err == nil {
			_, err = audit.Append(f.store, r)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestExcerpt: everything in an excerpt holds under one checkpoint, by the formats' own
// verifiers, and each proof is there once.
func TestExcerpt(t *testing.T) {
	t.Parallel()
	f := newLog(t, 4)
	earlier, err := f.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	seen, err := auditlog.OpenWitness("earlier", earlier.Signed, f.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	f.grow(t, 6)
	chosen := []uint64{2, 5}
	x, err := f.Excerpt(t.Context(), func(log audit.Storage, size uint64) ([]uint64, error) {
		if size != 10 {
			t.Errorf("a log of %d entries, want 10", size)
		}
		return chosen, nil
	}, []audit.Witnessed{seen})
	if err != nil || len(x.Proofs) != 2 || len(x.Ways) != 1 {
		t.Fatalf("%d proofs, %d ways, %v", len(x.Proofs), len(x.Ways), err)
	}
	var under audit.Checkpoint
	for i, file := range x.Proofs {
		p, err := audit.ParseProof(file)
		if err != nil {
			t.Fatal(err)
		}
		e, c, err := p.Verify(f.key.Public())
		if err != nil || p.Index != chosen[i] || e.Subject != fmt.Sprint(chosen[i]) || c.Size != 10 || c.Origin != origin {
			t.Errorf("proof %d: entry %d about %s under %d entries of %s, %v", i, p.Index, e.Subject, c.Size, c.Origin, err)
		}
		under = c
	}
	way, err := audit.ParseConsistencyProof(x.Ways[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := audit.VerifyConsistency(4, earlier.Root, under.Size, under.Root, way.Path); err != nil {
		t.Errorf("the way from what was seen: %v", err)
	}
}

// TestBeyondTheEnd: nothing is proven of entries that are not there.
func TestBeyondTheEnd(t *testing.T) {
	t.Parallel()
	f, ctx := newLog(t, 10), t.Context()
	for name, act := range map[string]func() error{
		"entry":                  func() error { _, err := f.Examine(ctx, 10); return err },
		"proof":                  func() error { _, err := f.Prove(ctx, 10, false); return err },
		"inclusion":              func() error { _, err := f.Inclusion(ctx, 10, 0); return err },
		"inclusion in a part":    func() error { _, err := f.Inclusion(ctx, 5, 5); return err },
		"inclusion in too much":  func() error { _, err := f.Inclusion(ctx, 1, 11); return err },
		"consistency with more":  func() error { _, err := f.Consistency(ctx, 3, 11); return err },
		"consistency with fewer": func() error { _, err := f.Consistency(ctx, 5, 3); return err },
	} {
		if err := act(); !errors.Is(err, auditlog.ErrNoEntry) {
			t.Errorf("%s: %v, want ErrNoEntry", name, err)
		}
	}
	if p, err := f.Inclusion(ctx, 9, 0); err != nil || p.Size != 10 {
		t.Errorf("the last entry: %d, %v", p.Size, err)
	}
}

// TestReadingEnds: what the caller gives up is neither damaged nor proven.
func TestReadingEnds(t *testing.T) {
	t.Parallel()
	f := newLog(t, 10)
	for name, act := range map[string]func(context.Context, func()) error{
		"entries": func(ctx context.Context, stop func()) error {
			return f.Entries(ctx, func(auditlog.Entry) error { stop(); return nil })
		},
		"verification": func(ctx context.Context, stop func()) error {
			stop()
			_, _, err := f.Verify(ctx)
			return err
		},
		"excerpt": func(ctx context.Context, stop func()) error {
			_, err := f.Excerpt(ctx, func(log audit.Storage, _ uint64) ([]uint64, error) {
				stop()
				_, err := log.Record(0)
				return nil, err
			}, nil)
			return err
		},
	} {
		ctx, stop := context.WithCancel(t.Context())
		var damage *audit.DamageError
		if err := act(ctx, stop); !errors.Is(err, context.Canceled) || errors.As(err, &damage) {
			t.Errorf("%s: %v, want that it was cancelled", name, err)
		}
	}
}

// TestDamage: an entry that was changed is named.
func TestDamage(t *testing.T) {
	t.Parallel()
	f := newLog(t, 10)
	if size, _, err := f.Verify(t.Context()); err != nil || size != 10 {
		t.Fatalf("a good log: %d, %v", size, err)
	}
	f.store.records[6] = f.store.records[7]
	var damage *audit.DamageError
	if _, _, err := f.Verify(t.Context()); !errors.As(err, &damage) {
		t.Errorf("a changed log: %v", err)
	}
}

// TestKeep: one checkpoint a day is kept of those that are given out.
func TestKeep(t *testing.T) {
	t.Parallel()
	f := newLog(t, 1)
	for i, after := range []time.Duration{0, time.Minute, 12 * time.Hour, 12 * time.Hour, time.Hour} {
		f.now = f.now.Add(after)
		c, err := f.Checkpoint(t.Context())
		if err == nil {
			err = f.Keep(t.Context(), c)
		}
		if err != nil {
			t.Fatalf("checkpoint %d: %v", i, err)
		}
	}
	if len(f.store.kept) != 2 {
		t.Errorf("%d checkpoints are kept, want 2", len(f.store.kept))
	}
}
