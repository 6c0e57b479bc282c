package witness_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/audit/witness"
)

const origin = "安徽省(测试)"

// history is a growing log that needs no storage: its batches in order.
type history struct {
	tb    testing.TB
	key   *pki.Key
	edge  audit.Edge
	nodes map[[2]uint64][]byte
}

// history implements the part of audit.Storage that proofs read.
func (h *history) Size() (uint64, error)                { return h.edge.Size(), nil }
func (h *history) SetSize(uint64) error                 { return nil }
func (h *history) PutRecord(uint64, audit.Record) error { return nil }
func (h *history) Record(uint64) (audit.Record, error)  { return audit.Record{}, errors.New("not kept") }
func (h *history) Node(level uint, index uint64) ([]byte, error) {
	return h.nodes[[2]uint64{uint64(level), index}], nil
}
func (h *history) PutNode(level uint, index uint64, hash []byte) error {
	h.nodes[[2]uint64{uint64(level), index}] = bytes.Clone(hash)
	return nil
}

func newHistory(tb testing.TB, key *pki.Key) *history {
	return &history{tb: tb, key: key, nodes: make(map[[2]uint64][]byte)}
}

// grow appends an entry about a subject and returns a checkpoint.
func (h *history) grow(subject string) []byte {
	h.tb.Helper()
	r, err := audit.NewRecord(audit.Entry{Time: 1, Actor: "test", Act: audit.ActLicenceLook, Subject: subject}, nil)
	if err != nil {
		h.tb.Fatal(err)
	}
	b, err := audit.AppendTo(h, h.edge, []audit.Record{r})
	if err != nil {
		h.tb.Fatal(err)
	}
	h.edge = b.Edge()
	signed, err := audit.Checkpoint{Origin: origin, Size: b.Size(), Root: b.Root(), Time: 1}.Sign(h.key)
	if err != nil {
		h.tb.Fatal(err)
	}
	return signed
}

func (h *history) proof(first, second uint64) *audit.ConsistencyProof {
	h.tb.Helper()
	p, err := audit.NewConsistencyProof(h, first, second)
	if err != nil {
		h.tb.Fatal(err)
	}
	return p
}

func TestWitness(t *testing.T) {
	t.Parallel()
	log, own := pkitest.NewKey(t), pkitest.NewKey(t)
	dir := t.TempDir()
	settings := witness.Settings{Name: "省档案馆", Origin: origin, Log: log.Public()}
	if err := witness.Create(dir, settings, own); err != nil {
		t.Fatal(err)
	}
	if err := witness.Create(dir, settings, own); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second Create: %v, want fs.ErrExist", err)
	}
	open := func() *witness.Witness {
		t.Helper()
		w, err := witness.Open(dir, own)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	h := newHistory(t, log)
	at1 := h.grow("a")
	if last, err := open().Last(); err != nil || last.Root != nil {
		t.Errorf("before anything was seen: %+v, %v", last, err)
	}
	cosigned, err := open().Cosign(at1, nil, time.Unix(2, 0))
	if err != nil {
		t.Fatal(err)
	}
	s, c, err := audit.OpenCosignature(cosigned, own.Public(), log.Public())
	if err != nil || s.Name != "省档案馆" || c.Size != 1 {
		t.Errorf("the cosignature: %+v, %+v, %v", s, c, err)
	}
	at2 := h.grow("b")
	at3 := h.grow("c")
	fork := newHistory(t, log)
	fork.grow("a")
	fork.grow("b")
	fork.grow("c")
	fork4 := fork.grow("d")
	if _, err := open().Cosign(at3, nil, time.Unix(3, 0)); !errors.Is(err, audit.ErrSplitView) {
		t.Errorf("without a proof: %v, want ErrSplitView", err)
	}
	if _, err := open().Cosign(at3, h.proof(1, 3), time.Unix(3, 0)); err != nil {
		t.Error(err)
	}
	if _, err := open().Cosign(at2, nil, time.Unix(4, 0)); !errors.Is(err, audit.ErrRolledBack) {
		t.Errorf("a log that was cut: %v, want ErrRolledBack", err)
	}
	if _, err := open().Cosign(fork4, fork.proof(3, 4), time.Unix(4, 0)); !errors.Is(err, audit.ErrSplitView) {
		t.Errorf("another log: %v, want ErrSplitView", err)
	}
	if _, err := open().Cosign(at3, nil, time.Unix(5, 0)); err != nil {
		t.Errorf("the same again: %v", err)
	}
	if last, err := open().Last(); err != nil || last.Size != 3 {
		t.Errorf("seen last: %+v, %v", last, err)
	}
	seen, err := os.ReadDir(filepath.Join(dir, "seen"))
	if err != nil || len(seen) != 2 {
		t.Errorf("seen: %v, %v, want two files: what was refused and what was the same leave none", seen, err)
	}
	// A memory that was damaged is not a memory of nothing.
	if err := os.WriteFile(filepath.Join(dir, "seen", "00000002"), at3[1:], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := open().Cosign(at3, nil, time.Unix(5, 0)); !errors.Is(err, audit.ErrCheckpoint) {
		t.Errorf("with a damaged memory: %v, want ErrCheckpoint", err)
	}
}

// TestOneOfTwo: of two logs that continue the last checkpoint differently, only one
// is signed, however many ask at once.
func TestOneOfTwo(t *testing.T) {
	t.Parallel()
	log, own := pkitest.NewKey(t), pkitest.NewKey(t)
	dir := t.TempDir()
	if err := witness.Create(dir, witness.Settings{Name: "省档案馆", Origin: origin, Log: log.Public()}, own); err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	var mu sync.Mutex
	roots := make(map[string]bool)
	for range 8 {
		h := newHistory(t, log)
		checkpoint := h.grow("fork")
		wait.Go(func() {
			w, err := witness.Open(dir, own)
			if err != nil {
				t.Error(err)
				return
			}
			cosigned, err := w.Cosign(checkpoint, nil, time.Unix(2, 0))
			if err != nil {
				if !errors.Is(err, witness.ErrBusy) && !errors.Is(err, audit.ErrSplitView) {
					t.Error(err)
				}
				return
			}
			_, c, err := audit.OpenCosignature(cosigned, own.Public(), log.Public())
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			roots[string(c.Root)] = true
		})
	}
	wait.Wait()
	if len(roots) != 1 {
		t.Errorf("%d different logs of one size are signed, want 1", len(roots))
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	key := pkitest.NewKey(t)
	point := key.Public().Point().String()
	for name, content := range map[string]string{
		"empty":            "",
		"the log's own":    `{"name":"w","origin":"o","log":"` + point + `"}`,
		"more than wanted": `{"name":"w","origin":"o","log":"` + point + `","x":1}`,
		"two values":       `{"name":"w","origin":"o","log":"` + pkitest.NewKey(t).Public().Point().String() + `"} {}`,
		"no point":         `{"name":"w","origin":"o","log":"00"}`,
		"no hexadecimal":   `{"name":"w","origin":"o","log":"x"}`,
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "witness.json"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := witness.Open(dir, key); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
	if _, err := witness.Open(t.TempDir(), key); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an empty folder: %v, want fs.ErrNotExist", err)
	}
}
