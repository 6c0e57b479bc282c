package keystore_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/keystore"
)

// filled is a store with some keys of every kind that a file holds.
type filled struct {
	store   *keystore.Store
	dir     string
	unlock  keystore.Unlock
	signers map[string]pki.Point
	secret  [32]byte
}

func fill(tb testing.TB) *filled {
	tb.Helper()
	f := &filled{signers: make(map[string]pki.Point)}
	f.store, f.dir, f.unlock = newStore(tb)
	for _, name := range []string{"a", "b", "c"} {
		f.add(tb, name)
	}
	secret, err := f.store.GenerateSecret(keystore.PurposeRegister, "s")
	if err != nil {
		tb.Fatal(err)
	}
	f.secret = secret.MAC([]byte("x"))
	return f
}

func (f *filled) add(tb testing.TB, name string) {
	tb.Helper()
	key, err := f.store.GenerateSigner(keystore.PurposeSeal, name)
	if err != nil {
		tb.Fatal(err)
	}
	f.signers[name] = key.Public().Point()
}

// check says that a store has every key.
func (f *filled) check(tb testing.TB, doing string, s *keystore.Store) {
	tb.Helper()
	for name, point := range f.signers {
		key, err := s.Signer(keystore.PurposeSeal, name)
		if err != nil || key.Public().Point() != point {
			tb.Errorf("%s: key %s: %v", doing, name, err)
		}
	}
	secret, err := s.Secret(keystore.PurposeRegister, "s")
	if err != nil || secret.MAC([]byte("x")) != f.secret {
		tb.Errorf("%s: the secret: %v", doing, err)
	}
}

func (f *filled) reopen(tb testing.TB, u keystore.Unlock) *keystore.Store {
	tb.Helper()
	s, err := keystore.Open(f.dir, u)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// generations says under which master keys the files are.
func (f *filled) generations(tb testing.TB) map[uint64]int {
	tb.Helper()
	a, err := keystore.Assess(f.dir)
	if err != nil || len(a.Faults) > 0 {
		tb.Fatal(err, a.Faults)
	}
	count := make(map[uint64]int)
	for _, k := range a.Keys[2:] {
		count[k.Generation]++
	}
	return count
}

func TestRotate(t *testing.T) {
	t.Parallel()
	f := fill(t)
	running := f.reopen(t, f.unlock)
	old, err := os.ReadFile(filepath.Join(f.dir, "seal", "a.key"))
	if err != nil {
		t.Fatal(err)
	}
	for round := range uint64(3) {
		n, err := f.store.Rotate(t.Context())
		if err != nil || n != len(f.signers)+1 {
			t.Fatalf("Rotate = %d, %v, want %d files", n, err, len(f.signers)+1)
		}
		if got := f.generations(t); len(got) != 1 || got[round+2] == 0 {
			t.Errorf("generations after round %d: %v", round, got)
		}
		f.check(t, "the store that rotated", f.store)
		f.check(t, "a store that was open", running)
		f.check(t, "the store opened again", f.reopen(t, f.unlock))
		f.add(t, fmt.Sprintf("new-%d", round))
	}
	a := filepath.Join(f.dir, "seal", "a.key")
	if err := os.WriteFile(a, old, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.reopen(t, f.unlock).Signer(keystore.PurposeSeal, "a"); !errors.Is(err, keystore.ErrDamaged) {
		t.Errorf("a file under a master key that was given up: %v, want ErrDamaged", err)
	}
}

// stopAfter lets n steps pass and fails from then on, as a machine does that has
// lost its power.
func stopAfter(n int) (func(string) error, *string) {
	last := new(string)
	return func(step string) error {
		if n--; n < 0 {
			return errPowerCut
		}
		*last = step
		return nil
	}, last
}

var errPowerCut = errors.New("power cut")

// TestRotationCutOff stops a rotation at every step. All keys open before it is taken
// up again, while another store is open, and after.
func TestRotationCutOff(t *testing.T) {
	t.Parallel()
	for n := 0; ; n++ {
		f := fill(t)
		running := f.reopen(t, f.unlock)
		stop, last := stopAfter(n)
		f.store.StopAt(stop)
		_, err := f.store.Rotate(t.Context())
		if err == nil {
			if n < 10 {
				t.Errorf("a rotation has only %d steps", n)
			}
			return
		}
		if !errors.Is(err, errPowerCut) {
			t.Fatalf("cut off after %d steps: %v", n, err)
		}
		doing := fmt.Sprintf("after %d steps (%s)", n, *last)
		f.check(t, doing+", a store that was open", running)
		f.store = f.reopen(t, f.unlock)
		f.check(t, doing, f.store)
		f.add(t, "meanwhile") // under the newest master key, whichever that is
		before := f.generations(t)
		if _, err := f.store.Rotate(t.Context()); err != nil {
			t.Errorf("%s: taking the rotation up: %v", doing, err)
		}
		after := f.generations(t)
		if len(after) != 1 || len(before) == 2 && after[2] == 0 {
			t.Errorf("%s: generations %v, then %v", doing, before, after)
		}
		f.check(t, doing+", taken up", f.reopen(t, f.unlock))
		f.check(t, doing+", taken up, a store that was open", running)
	}
}

// TestRotationSweeps: what killed writers left is under the old master key and goes.
func TestRotationSweeps(t *testing.T) {
	t.Parallel()
	f := fill(t)
	left := filepath.Join(f.dir, "seal", ".tmp-a.key-123")
	if err := os.WriteFile(left, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.store.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the leftover is still there: %v", err)
	}
}

// TestRotationStopsAtDamage: a damaged file is named, the old master key is kept, and
// the rotation goes on when the file is right again.
func TestRotationStopsAtDamage(t *testing.T) {
	t.Parallel()
	f := fill(t)
	path := filepath.Join(f.dir, "seal", "b.key")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	wrong := bytes.Clone(good)
	wrong[len(wrong)-1] ^= 1
	if err := os.WriteFile(path, wrong, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.store.Rotate(t.Context()); !errors.Is(err, keystore.ErrDamaged) || !strings.Contains(err.Error(), "seal/b") {
		t.Errorf("a damaged file: %v, want ErrDamaged for seal/b", err)
	}
	if err := os.WriteFile(path, good, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.store.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.check(t, "after the damage", f.reopen(t, f.unlock))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.store.Rotate(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled rotation: %v", err)
	}
	if _, err := f.store.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.check(t, "after the cancelled rotation", f.reopen(t, f.unlock))
}

// TestRewrapDuringARotation: the key-encryption key may change while key files are
// under two master keys.
func TestRewrapDuringARotation(t *testing.T) {
	t.Parallel()
	f := fill(t)
	stop, _ := stopAfter(5)
	f.store.StopAt(stop)
	if _, err := f.store.Rotate(t.Context()); !errors.Is(err, errPowerCut) {
		t.Fatal(err)
	}
	if got := f.generations(t); len(got) != 2 {
		t.Fatalf("generations %v, want two", got)
	}
	next := keystore.Unlock{Passphrase: []byte("next")}
	if err := f.reopen(t, f.unlock).Rewrap(next); err != nil {
		t.Fatal(err)
	}
	s := f.reopen(t, next)
	f.check(t, "under two master keys", s)
	if _, err := s.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.check(t, "at the end", f.reopen(t, next))
}

// TestOldHead: an older copy of the `store` file under an open store is noticed before
// anything is written under the master key it names.
func TestOldHead(t *testing.T) {
	t.Parallel()
	f := fill(t)
	path := filepath.Join(f.dir, "store")
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.store.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, old, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.store.GenerateSigner(keystore.PurposeSeal, "late"); !errors.Is(err, keystore.ErrStale) {
		t.Errorf("a new key: %v, want ErrStale", err)
	}
	if err := f.store.Rewrap(f.unlock); !errors.Is(err, keystore.ErrStale) {
		t.Errorf("a change of the key-encryption key: %v, want ErrStale", err)
	}
	f.check(t, "the keys that are there", f.store)
}

// TestRotationLooksTwice: a file under the old master key that comes back while the
// others are moved, from a backup say, keeps the rotation from forgetting that key.
func TestRotationLooksTwice(t *testing.T) {
	t.Parallel()
	f := fill(t)
	path := filepath.Join(f.dir, "seal", "a.key")
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f.store.StopAt(func(step string) error {
		if step == "after replace s.key" { // the last one
			return os.WriteFile(path, old, 0o600)
		}
		return nil
	})
	if _, err := f.store.Rotate(t.Context()); !errors.Is(err, keystore.ErrStale) {
		t.Errorf("Rotate: %v, want ErrStale", err)
	}
	f.check(t, "with the file that came back", f.reopen(t, f.unlock))
	if n, err := f.store.Rotate(t.Context()); err != nil || n != 1 {
		t.Errorf("Rotate = %d, %v, want the 1 file that is left", n, err)
	}
	f.check(t, "at the end", f.reopen(t, f.unlock))
}

// TestConcurrentRotations: two processes rotate, a third makes keys; nothing is lost.
func TestConcurrentRotations(t *testing.T) {
	t.Parallel()
	f := fill(t)
	done := make(chan error)
	for range 2 {
		s := f.reopen(t, f.unlock)
		go func() {
			for range 5 {
				if _, err := s.Rotate(t.Context()); err != nil && !errors.Is(err, keystore.ErrStale) {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for i := range 20 {
		f.add(t, fmt.Sprint("k", i))
	}
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	f.check(t, "a store that was open", f.store)
	f.check(t, "the store opened again", f.reopen(t, f.unlock))
}

func TestRewrap(t *testing.T) {
	t.Parallel()
	f := fill(t)
	running := f.reopen(t, f.unlock)
	file := filepath.Join(t.TempDir(), "kek2")
	if err := keystore.NewKeyFile(file); err != nil {
		t.Fatal(err)
	}
	was := f.unlock
	for _, next := range []keystore.Unlock{
		{Passphrase: []byte("one")}, {Passphrase: []byte("two")}, {Shares: newShares(t, f.store.ID(), 2, 3)}, {File: file},
	} {
		if err := f.store.Rewrap(next); err != nil {
			t.Fatalf("%v: %v", next, err)
		}
		f.check(t, next.String(), f.reopen(t, next))
		f.check(t, next.String()+", the store that changed it", f.store)
		f.check(t, next.String()+", a store that was open", running)
		if _, err := keystore.Open(f.dir, was); !errors.Is(err, keystore.ErrLocked) && !errors.Is(err, keystore.ErrMethod) {
			t.Errorf("%v still opens: %v", was, err)
		}
		// A store that was open before makes keys too: the master key is the same.
		name := "after-" + strings.Trim(next.String(), "unlock()") + fmt.Sprint(len(f.signers))
		key, err := running.GenerateSigner(keystore.PurposeSeal, name)
		if err != nil {
			t.Fatal(err)
		}
		f.signers[name] = key.Public().Point()
		was = next
	}

	// A change of both keys behind its back is the one thing an open store cannot
	// follow; it says so and loses nothing.
	if _, err := f.store.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := running.Signer(keystore.PurposeSeal, "a"); !errors.Is(err, keystore.ErrStale) {
		t.Errorf("after a change of both keys: %v, want ErrStale", err)
	}
	if _, err := running.GenerateSigner(keystore.PurposeSeal, "late"); !errors.Is(err, keystore.ErrStale) {
		t.Errorf("a new key after a change of both keys: %v, want ErrStale", err)
	}
	if err := running.Rewrap(keystore.Unlock{Passphrase: []byte("x")}); !errors.Is(err, keystore.ErrStale) {
		t.Errorf("a change by a store that was overtaken: %v, want ErrStale", err)
	}
	f.check(t, "at the end", f.reopen(t, was))
	if err := f.store.Rewrap(keystore.Unlock{}); !errors.Is(err, keystore.ErrMethod) {
		t.Errorf("a change to nothing: %v, want ErrMethod", err)
	}
}

// TestRewrapCutOff stops a change of the key-encryption key at every step: the store
// opens in exactly one of the two ways.
func TestRewrapCutOff(t *testing.T) {
	t.Parallel()
	for n := 0; ; n++ {
		f := fill(t)
		next := keystore.Unlock{File: filepath.Join(t.TempDir(), "next")}
		if err := keystore.NewKeyFile(next.File); err != nil {
			t.Fatal(err)
		}
		stop, last := stopAfter(n)
		f.store.StopAt(stop)
		err := f.store.Rewrap(next)
		ways := 0
		for _, u := range []keystore.Unlock{f.unlock, next} {
			s, err := keystore.Open(f.dir, u)
			if err == nil {
				ways++
				f.check(t, *last, s)
			} else if !errors.Is(err, keystore.ErrLocked) {
				t.Errorf("after %d steps (%s): %v", n, *last, err)
			}
		}
		if ways != 1 {
			t.Errorf("after %d steps (%s) the store opens in %d ways", n, *last, ways)
		}
		if err == nil {
			return
		}
	}
}

// TestClosed: a closed store does nothing more.
func TestClosed(t *testing.T) {
	t.Parallel()
	f := fill(t)
	if err := f.store.Close(); err != nil {
		t.Fatal(err)
	}
	_, signer := f.store.Signer(keystore.PurposeSeal, "a")
	_, rotate := f.store.Rotate(t.Context())
	_, generate := f.store.GenerateSigner(keystore.PurposeSeal, "z")
	for name, err := range map[string]error{"Signer": signer, "Rotate": rotate, "GenerateSigner": generate, "Rewrap": f.store.Rewrap(f.unlock)} {
		if !errors.Is(err, keystore.ErrClosed) {
			t.Errorf("%s: %v, want ErrClosed", name, err)
		}
	}
}

// rotateForever is set in the environment of the process that TestRotationKilled kills.
const rotateForever = "KEYSTORE_TEST_ROTATE"

// TestRotationKilled kills a process that does nothing but rotate and make keys, again
// and again; every key that it has named opens.
func TestRotationKilled(t *testing.T) {
	if dir := os.Getenv(rotateForever); dir != "" {
		rotateAndMake(t, dir)
		return
	}
	t.Parallel()
	f := fill(t)
	for round := range 8 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestRotationKilled$", "-test.v")
		cmd.Env = append(os.Environ(), rotateForever+"="+f.dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for kill := time.Duration(0); lines.Scan(); {
			var name string
			var point []byte
			if _, err := fmt.Sscanf(lines.Text(), "made %s %x", &name, &point); err != nil {
				continue
			}
			f.signers[name] = pki.Point(point)
			if kill == 0 { // at another place in each round
				kill = time.Duration(7*round+1) * time.Millisecond
				time.AfterFunc(kill, func() { _ = cmd.Process.Kill() })
			}
		}
		if err := cmd.Wait(); err == nil {
			t.Fatal("the process ended by itself")
		}
		f.check(t, fmt.Sprintf("killed in round %d", round), f.reopen(t, f.unlock))
	}
	if len(f.signers) < 11 {
		t.Errorf("only %d keys were made", len(f.signers))
	}
	s := f.reopen(t, f.unlock)
	if _, err := s.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.check(t, "at the end", f.reopen(t, f.unlock))
	if got := f.generations(t); len(got) != 1 {
		t.Errorf("generations %v", got)
	}
}

// rotateAndMake runs until it is killed.
func rotateAndMake(t *testing.T, dir string) {
	s, err := keystore.Open(dir, keystore.Unlock{File: filepath.Join(filepath.Dir(dir), "kek")})
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; ; i++ {
		name := fmt.Sprintf("p%d-%d", os.Getpid(), i)
		key, err := s.GenerateSigner(keystore.PurposeSeal, name)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("made %s %s\n", name, key.Public().Point())
		if _, err := s.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
