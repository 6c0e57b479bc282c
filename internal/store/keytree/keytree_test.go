package keytree

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/emmansun/gmsm/sm3"
	tjfoc "github.com/tjfoc/gmsm/sm4"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/pki/keystore"
)

const generation = 2

// newTestFolder makes a folder with one tree.
func newTestFolder(tb testing.TB) (*Folder, *keystore.Store) {
	tb.Helper()
	keys := pkitest.KeyStore(tb)
	f, err := Create(filepath.Join(tb.TempDir(), "record-keys"), keys)
	if err == nil {
		err = f.Begin(generation)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return f, keys
}

func reopen(tb testing.TB, f *Folder, keys *keystore.Store) *Folder {
	tb.Helper()
	again, err := Open(f.dir, keys)
	if err != nil {
		tb.Fatal(err)
	}
	return again
}

// reference makes a leaf's key by the package's page, with another implementation of SM4.
func reference(tb testing.TB, root Key, l Leaf) Key {
	tb.Helper()
	steps := fmt.Sprintf("%x%016x", uint8(l.block.space), l.block.number)
	if l.block.space == Documents {
		steps += fmt.Sprintf("%016x", l.index)
	} else {
		steps += fmt.Sprintf("%05x", l.index)
	}
	for _, c := range steps {
		block, err := tjfoc.NewCipher(root[:])
		if err != nil {
			tb.Fatal(err)
		}
		in := make([]byte, 16)
		in[15] = byte(strings.IndexRune("0123456789abcdef", c))
		block.Encrypt(root[:], in)
	}
	return root
}

// someLeaves are leaves of every space, near to each other and far apart.
func someLeaves(r *rand.Rand, n int) []Leaf {
	all := []Leaf{Licence(0, 0), Licence(0, 1<<20-1), Licence(1<<32-1, 7), Entry(0, 0), Entry(1<<32-1, 1<<40), Document([sm3.Size]byte{})}
	for range n {
		var sum [sm3.Size]byte
		for i := range sum {
			sum[i] = byte(r.Uint32())
		}
		all = append(all, Licence(r.Uint32N(3), r.Uint32N(1<<20)), Licence(5, r.Uint32N(64)), Licence(r.Uint32(), r.Uint32N(1<<20)),
			Entry(r.Uint32N(2), uint64(r.Uint32N(1<<22))), Document(sum))
	}
	slices.SortFunc(all, func(a, b Leaf) int { return bytes.Compare(text(a), text(b)) })
	return slices.Compact(all)
}

func text(l Leaf) []byte {
	b, _ := l.AppendBinary(nil) // no error is possible
	return b
}

// TestDestroy: whatever is destroyed in whatever order, exactly that is gone, in this
// process and in the next, and every other key stays what the root says.
func TestDestroy(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	f, keys := newTestFolder(t)
	root := *f.trees[generation].top.key
	leaves := someLeaves(r, 30)
	want := make(map[Leaf]Key)
	for _, l := range leaves {
		want[l] = reference(t, root, l)
		back, err := ParseLeaf(text(l))
		if err != nil || back != l {
			t.Fatalf("%v is read as %v, %v", l, back, err)
		}
	}
	check := func(f *Folder) {
		t.Helper()
		for _, l := range leaves {
			got, err := f.Key(generation, l)
			key, there := want[l]
			if there && (err != nil || got != key) || !there && !errors.Is(err, ErrDestroyed) {
				t.Fatalf("leaf %x: %x, %v, want %x", text(l), got, err, key)
			}
		}
	}
	check(f)
	check(reopen(t, f, keys))
	order := r.Perm(len(leaves))
	for len(order) > 0 {
		n := min(1+r.IntN(9), len(order))
		var some []Leaf
		for _, i := range order[:n] {
			some = append(some, leaves[i])
			delete(want, leaves[i])
		}
		order = order[n:]
		if err := f.Destroy(generation, some...); err != nil {
			t.Fatal(err)
		}
		if err := f.Destroy(generation, some...); err != nil {
			t.Fatalf("once more: %v", err)
		}
		check(f)
		check(reopen(t, f, keys))
		nowhere(t, f, some)
	}
}

// nowhere looks for a key on the way to leaves in everything that the files hold.
func nowhere(t *testing.T, f *Folder, gone []Leaf) {
	t.Helper()
	for _, l := range gone {
		top, _, err := f.read(place{generation: generation})
		if err != nil {
			t.Fatal(err)
		}
		if _, there, err := top.find(append(l.block.path(), l.path()...)); there || err != nil {
			t.Fatalf("the top leads to leaf %x, %v", text(l), err)
		}
		b, _, err := f.read(place{generation, l.block})
		if err != nil {
			t.Fatal(err)
		}
		if _, there, err := b.find(l.path()); there || err != nil {
			t.Fatalf("the block leads to leaf %x, %v", text(l), err)
		}
	}
}

// TestVector fixes the keys of a known root: what was encrypted once must open for ever.
func TestVector(t *testing.T) {
	t.Parallel()
	root := Key{0: 1, 15: 0xff}
	sum := sm3.Sum([]byte("abc"))
	for want, l := range map[string]Leaf{
		"5ebeee201dd0968654431441227800ee": Licence(3, 70000),
		"4c69e2e1bc353d696a6113427f5751d6": Entry(0xfedcba98, 1<<21+5),
		"b7e6fc9b33c0c0ff2bd8c2947120d624": Document(sum),
	} {
		got, err := root.below(append(l.block.path(), l.path()...))
		if err != nil || hex.EncodeToString(got[:]) != want || got != reference(t, root, l) {
			t.Errorf("leaf %x: %x, %v, want %s", text(l), got, err, want)
		}
	}
}

// TestCutOff: a destruction that is cut off before one of its files has taken place or
// not, destroys nothing else, and is finished by the same again.
func TestCutOff(t *testing.T) {
	t.Parallel()
	cut := errors.New("cut off")
	for _, step := range []string{"block", "top"} {
		for _, again := range []bool{false, true} { // in this process or the next one
			f, keys := newTestFolder(t)
			a, b := Licence(1, 5), Licence(1, 6)
			kept, err := f.Key(generation, b)
			if err != nil {
				t.Fatal(err)
			}
			f.StopAt(func(at string) error {
				if at == step {
					return cut
				}
				return nil
			})
			if err := f.Destroy(generation, a); !errors.Is(err, cut) {
				t.Fatalf("at %s: %v", step, err)
			}
			f.StopAt(nil)
			if again {
				f = reopen(t, f, keys)
			}
			gone, err := f.Destroyed(generation, a)
			if err != nil || gone != (again && step == "top") {
				t.Errorf("cut off at %s: destroyed %t, %v", step, gone, err)
			}
			if err := f.Destroy(generation, a); err != nil {
				t.Fatal(err)
			}
			nowhere(t, f, []Leaf{a})
			if got, err := reopen(t, f, keys).Key(generation, b); err != nil || got != kept {
				t.Errorf("cut off at %s: the neighbour has another key, %v", step, err)
			}
		}
	}
}

// TestTwoProcesses: neither writes back what the other has destroyed.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	a, keys := newTestFolder(t)
	b := reopen(t, a, keys)
	first, second, third := Licence(1, 5), Licence(1, 6), Licence(9, 1)
	for _, step := range []struct {
		f *Folder
		l Leaf
	}{{a, first}, {b, second}, {a, third}, {b, third}} {
		if err := step.f.Destroy(generation, step.l); err != nil {
			t.Fatal(err)
		}
	}
	nowhere(t, a, []Leaf{first, second, third})
	if err := b.Begin(generation + 1); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Key(generation+1, first); err != nil {
		t.Errorf("a generation that another process has begun: %v", err)
	}
	if _, err := a.Key(generation+2, first); !errors.Is(err, ErrNoGeneration) {
		t.Errorf("a generation that nobody has begun: %v, want ErrNoGeneration", err)
	}
	if err := b.End(generation); err != nil {
		t.Fatal(err)
	}
	if got := reopen(t, a, keys).Generations(); !slices.Equal(got, []uint8{generation + 1}) {
		t.Errorf("generations %v", got)
	}
}

// TestWhatIsKept: where all leaves of a neighbourhood are destroyed nothing of it is kept.
func TestWhatIsKept(t *testing.T) {
	t.Parallel()
	f, _ := newTestFolder(t)
	size := func() int64 {
		info, err := os.Stat(filepath.Join(f.dir, place{generation, block{Licences, 1}}.name()))
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	if err := f.Destroy(generation, Licence(1, 0)); err != nil {
		t.Fatal(err)
	}
	one := size()
	all := make([]Leaf, 4096)
	for i := range all {
		all[i] = Licence(1, uint32(i)) //nolint:gosec // small
	}
	if err := f.Destroy(generation, all[:2048]...); err != nil {
		t.Fatal(err)
	}
	if err := f.Destroy(generation, all...); err != nil {
		t.Fatal(err)
	}
	t.Logf("one of a block: %d bytes, 4,096 beside each other: %d", one, size())
	if size() >= one {
		t.Errorf("the file of a block has %d bytes when one leaf is destroyed, %d when 4,096 are", one, size())
	}
}

// TestDamage: a file that was changed, moved or lost is damage, not an erasure.
func TestDamage(t *testing.T) {
	t.Parallel()
	f, keys := newTestFolder(t)
	l, other := Licence(1, 5), Licence(2, 5)
	if err := f.Destroy(generation, l, other); err != nil {
		t.Fatal(err)
	}
	path := func(l Leaf) string { return filepath.Join(f.dir, place{generation, l.block}.name()) }
	whole, err := os.ReadFile(path(l))
	if err != nil {
		t.Fatal(err)
	}
	moved, err := os.ReadFile(path(other))
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(whole)
	flipped[len(flipped)-1] ^= 1
	for name, content := range map[string][]byte{"flipped": flipped, "of another block": moved, "cut": whole[:len(whole)-1], "empty": {}} {
		if err := os.WriteFile(path(l), content, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(f.dir, keys); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v, want ErrDamaged", name, err)
		}
	}
	if err := os.Remove(path(l)); err != nil {
		t.Fatal(err)
	}
	if _, err := reopen(t, f, keys).Key(generation, l); !errors.Is(err, ErrDamaged) || errors.Is(err, ErrDestroyed) {
		t.Errorf("a lost file: %v, want ErrDamaged", err)
	}
	if err := os.WriteFile(path(l), whole, 0o644); err != nil { //nolint:gosec // that is what is refused
		t.Fatal(err)
	}
	if err := os.Chmod(path(l), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(f.dir, keys); !errors.Is(err, keystore.ErrMode) {
		t.Errorf("a file that others may read: %v, want ErrMode", err)
	}
	if _, err := Open(f.dir, pkitest.KeyStore(t)); err == nil {
		t.Error("the folder of another key store opens")
	}
	if _, err := Open(filepath.Join(f.dir, "none"), keys); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
}

// TestCopy: a copy opens like the folder, and is known to be one until something more is
// destroyed.
func TestCopy(t *testing.T) {
	t.Parallel()
	f, keys := newTestFolder(t)
	gone, later := Licence(1, 5), Licence(1, 6)
	if err := f.Destroy(generation, gone); err != nil {
		t.Fatal(err)
	}
	kept := func(want bool) {
		t.Helper()
		if got, err := Kept(f.dir); err != nil || got != want {
			t.Errorf("kept: %t, %v, want %t", got, err, want)
		}
	}
	kept(false)
	place := filepath.Join(t.TempDir(), "copy")
	if err := os.Mkdir(place, 0o700); err != nil {
		t.Fatal(err)
	}
	state, err := Copy(f.dir, func(name string, content []byte) error { return Paste(place, name, content) })
	if err == nil {
		err = Keep(f.dir, state)
	}
	if err != nil {
		t.Fatal(err)
	}
	kept(true)
	copied, err := Open(place, keys)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := copied.Key(generation, gone); !errors.Is(err, ErrDestroyed) {
		t.Errorf("what was destroyed, in the copy: %v", err)
	}
	if err := f.Destroy(generation, later); err != nil {
		t.Fatal(err)
	}
	kept(false)
	if _, err := copied.Key(generation, later); err != nil {
		t.Errorf("what was destroyed after the copy was made: %v", err)
	}
	for _, name := range []string{"", "x", "2-top", "../2-top.keys", "2-1-5.keys", "2-4-0000000000000000.keys", "02-top.keys", "2-3-0000000000000100.keys"} {
		if err := Paste(place, name, nil); err == nil {
			t.Errorf("a file with the name %q is taken", name)
		}
	}
}

// FuzzParsePart: whatever is parsed is written as the same bytes.
func FuzzParsePart(f *testing.F) {
	k := Key{1}
	p := part{key: &k}
	f.Add(p.marshal(), uint8(5))
	for _, path := range [][]byte{{0, 0, 0, 0, 0}, {15, 0, 3, 0, 1}, {0, 0, 0, 0, 2}} {
		if _, _, err := p.destroy(path); err != nil {
			f.Fatal(err)
		}
		f.Add(p.marshal(), uint8(5))
	}
	f.Fuzz(func(t *testing.T, b []byte, height uint8) {
		if height == 0 || height > topLevels {
			return
		}
		p, err := parsePart(b, int(height))
		if err == nil && !bytes.Equal(p.marshal(), b) {
			t.Errorf("%x is written as %x", b, p.marshal())
		}
	})
}

// FuzzParseFile: no bytes are a file in more than one way, and none panic.
func FuzzParseFile(f *testing.F) {
	folder, _ := newTestFolder(f)
	b, err := os.ReadFile(filepath.Join(folder.dir, place{generation: generation}.name()))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := parseFile(b); err == nil {
			if _, _, err := folder.sealer.open(place{generation: generation}, b); err != nil && !errors.Is(err, ErrDamaged) {
				t.Error(err)
			}
		}
	})
}

// BenchmarkKey is the key of a licence as bulk issue asks for it: within windows of 4,096
// places; and of one in a block of which something was destroyed.
func BenchmarkKey(b *testing.B) {
	run := func(b *testing.B, f *Folder) {
		r := rand.New(rand.NewPCG(1, 2))
		for b.Loop() {
			if _, err := f.Key(generation, Licence(1, r.Uint32N(1<<12))); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("whole", func(b *testing.B) {
		f, _ := newTestFolder(b)
		run(b, f)
	})
	b.Run("broken", func(b *testing.B) {
		f, _ := newTestFolder(b)
		if err := f.Destroy(generation, Licence(1, 1<<20-1)); err != nil {
			b.Fatal(err)
		}
		run(b, f)
	})
	b.Run("one step of SM4", func(b *testing.B) { // the floor: a way has two
		var k Key
		for b.Loop() {
			var err error
			if k, err = k.child(3); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("parallel", func(b *testing.B) {
		f, _ := newTestFolder(b)
		b.RunParallel(func(pb *testing.PB) {
			for n := uint32(0); pb.Next(); n++ {
				if _, err := f.Key(generation, Licence(1, n%4096)); err != nil {
					b.Error(err)
				}
			}
		})
	})
}

// BenchmarkDestroy destroys one licence after the other, at random places of a list.
func BenchmarkDestroy(b *testing.B) {
	f, _ := newTestFolder(b)
	r := rand.New(rand.NewPCG(1, 2))
	for b.Loop() {
		if err := f.Destroy(generation, Licence(1, r.Uint32N(1<<20))); err != nil {
			b.Fatal(err)
		}
	}
	info, err := os.Stat(filepath.Join(f.dir, place{generation, block{Licences, 1}}.name()))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(info.Size())/float64(b.N), "bytes/destroyed")
}
