package keystore

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/elicence/elicence/internal/detcbor"
	"github.com/elicence/elicence/pki"
)

// goodHead is the decoded `store` file of a new store.
func goodHead(tb testing.TB, gmOnly bool, u Unlock) head {
	tb.Helper()
	id := ID{1}
	if len(u.Shares) > 0 {
		id = u.Shares[0].Store()
	}
	l, kek, err := newLock(u, id, gmOnly, 1_700_000_000)
	if err != nil {
		tb.Fatal(err)
	}
	m, err := newMaster(1)
	if err != nil {
		tb.Fatal(err)
	}
	h := head{Version: version, Store: id, GMOnly: gmOnly, Created: 1_700_000_000, Rotated: 1_700_000_000, Generation: 1, Lock: l}
	b, err := h.seal(kek, keyring{m})
	if err != nil {
		tb.Fatal(err)
	}
	h, err = parseHead(b)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := h.open(kek); err != nil {
		tb.Fatal(err)
	}
	return h
}

type fixedWrapper struct{ key WrappingKey }

func (w fixedWrapper) WrappingKey() WrappingKey               { return w.key }
func (fixedWrapper) Wrap(kek, _ []byte) ([]byte, error)       { return bytes.Clone(kek), nil }
func (fixedWrapper) Unwrap(wrapped, _ []byte) ([]byte, error) { return bytes.Clone(wrapped), nil }
func sm4Wrapper() Wrapper                                     { return fixedWrapper{WrappingKey{"sdf:x", "KEK 1", AlgorithmSM4, 128}} }
func newShares(tb testing.TB, threshold, total int) (s []Share) {
	tb.Helper()
	s, err := NewShares(ID{2}, threshold, total)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func TestHeadRefused(t *testing.T) {
	t.Parallel()
	passphrase := goodHead(t, false, Unlock{Passphrase: []byte("p")})
	national := goodHead(t, true, Unlock{Passphrase: []byte("p")})
	token := goodHead(t, true, Unlock{Token: sm4Wrapper()})
	shares := goodHead(t, false, Unlock{Shares: newShares(t, 2, 3)})
	for _, c := range []struct {
		name   string
		of     head
		change func(h *head)
	}{
		{"another version", passphrase, func(h *head) { h.Version = 1 }},
		{"no identifier", passphrase, func(h *head) { h.Store = ID{} }},
		{"no generation", passphrase, func(h *head) { h.Generation = 0 }},
		{"rotating at the first generation", passphrase, func(h *head) { h.Rotating = true }},
		{"rotated before it was made", passphrase, func(h *head) { h.Rotated = 1 }},
		{"times before 1970", passphrase, func(h *head) { h.Created, h.Rotated = -2, -1 }},
		{"short nonce", passphrase, func(h *head) { h.Nonce = h.Nonce[1:] }},
		{"no keyring", passphrase, func(h *head) { h.Keyring = nil }},
		{"too long", passphrase, func(h *head) { h.Keyring = make([]byte, maxHeadFile) }},
		{"no method", passphrase, func(h *head) { h.Lock.Method = "" }},
		{"unknown method", passphrase, func(h *head) { h.Lock.Method, h.Lock.KDF = "retina", nil }},
		{"file with a KDF", passphrase, func(h *head) { h.Lock.Method = MethodFile }},
		{"passphrase without KDF", passphrase, func(h *head) { h.Lock.KDF = nil }},
		{"two locks", passphrase, func(h *head) { h.Lock.Token = token.Lock.Token }},
		{"locked before 1970", passphrase, func(h *head) { h.Lock.Since = -1 }},
		{"unknown KDF", passphrase, func(h *head) { h.Lock.KDF.Name = "md5" }},
		{"short salt", passphrase, func(h *head) { h.Lock.KDF.Salt = h.Lock.KDF.Salt[1:] }},
		{"fewer passes", passphrase, func(h *head) { h.Lock.KDF.Passes-- }},
		{"too many passes", passphrase, func(h *head) { h.Lock.KDF.Passes = maxPasses + 1 }},
		{"less memory", passphrase, func(h *head) { h.Lock.KDF.Memory-- }},
		{"too much memory", passphrase, func(h *head) { h.Lock.KDF.Memory = maxMemory + 1 }},
		{"no lanes", passphrase, func(h *head) { h.Lock.KDF.Threads = 0 }},
		{"too many lanes", passphrase, func(h *head) { h.Lock.KDF.Threads = maxThreads + 1 }},
		{"argon2id in a gm-only store", passphrase, func(h *head) { h.GMOnly = true }},
		{"fewer iterations", national, func(h *head) { h.Lock.KDF.Passes = iterations - 1 }},
		{"too many iterations", national, func(h *head) { h.Lock.KDF.Passes = maxIterations + 1 }},
		{"PBKDF2 with memory", national, func(h *head) { h.Lock.KDF.Memory = argonMemory }},
		{"nothing wrapped", token, func(h *head) { h.Lock.Token.Wrapped = nil }},
		{"too much wrapped", token, func(h *head) { h.Lock.Token.Wrapped = make([]byte, maxWrapped+1) }},
		{"no token", token, func(h *head) { h.Lock.Token.Device = "" }},
		{"endless label", token, func(h *head) { h.Lock.Token.Label = strings.Repeat("x", maxLabel+1) }},
		{"AES in a gm-only store", token, func(h *head) { h.Lock.Token.Algorithm = "AES" }},
		{"one share opens", shares, func(h *head) { h.Lock.Shares.Threshold = 1 }},
		{"more than there are", shares, func(h *head) { h.Lock.Shares.Threshold = 4 }},
		{"too many shares", shares, func(h *head) { h.Lock.Shares.Digests = make([][32]byte, MaxShares+1) }},
		{"no set", shares, func(h *head) { h.Lock.Shares.Set = ID{} }},
	} {
		h := c.of
		for _, part := range []func(){
			func() {
				if h.Lock.KDF != nil {
					k := *h.Lock.KDF
					h.Lock.KDF = &k
				}
			},
			func() {
				if h.Lock.Token != nil {
					k := *h.Lock.Token
					h.Lock.Token = &k
				}
			},
			func() {
				if h.Lock.Shares != nil {
					k := *h.Lock.Shares
					h.Lock.Shares = &k
				}
			},
		} {
			part()
		}
		c.change(&h)
		b, err := detcbor.Marshal(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parseHead(b); err == nil {
			t.Errorf("%s: taken", c.name)
		}
	}
}

func TestKeyFileRefused(t *testing.T) {
	t.Parallel()
	point := pki.Samples()[0].Point
	good := keyFile{
		Version: version, Purpose: PurposeCA, Name: "root", Kind: kindSigner, Point: point[:], Created: 1, Generation: 1,
		Nonce: make([]byte, nonceSize), Ciphertext: make([]byte, 48),
	}
	parse := func(f keyFile) error {
		b, err := detcbor.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		_, err = parseKeyFile(b)
		return err
	}
	if err := parse(good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(f *keyFile){
		"unknown purpose":          func(f *keyFile) { f.Purpose = "misc" },
		"name that climbs":         func(f *keyFile) { f.Name = "../x" },
		"unknown kind":             func(f *keyFile) { f.Kind = "rsa" },
		"no point":                 func(f *keyFile) { f.Point = nil },
		"point off the curve":      func(f *keyFile) { f.Point = make([]byte, pki.PointSize) },
		"secret with a point":      func(f *keyFile) { f.Kind = kindSecret },
		"device key without place": func(f *keyFile) { f.Kind = kindDevice },
		"device key without ref":   func(f *keyFile) { f.Kind, f.Device = kindDevice, "sdf:x" },
		"file key with a device":   func(f *keyFile) { f.Device, f.Ref = "sdf:x", "1" },
		"endless ref":              func(f *keyFile) { f.Kind, f.Device, f.Ref = kindDevice, "sdf:x", strings.Repeat("1", maxLabel+1) },
		"no generation":            func(f *keyFile) { f.Generation = 0 },
		"made before 1970":         func(f *keyFile) { f.Created = -1 },
		"long nonce":               func(f *keyFile) { f.Nonce = make([]byte, nonceSize+1) },
		"no tag":                   func(f *keyFile) { f.Ciphertext = make([]byte, tagSize-1) },
		"too long":                 func(f *keyFile) { f.Ciphertext = make([]byte, maxKeyFile) },
	} {
		f := good
		change(&f)
		if err := parse(f); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v, want ErrDamaged", name, err)
		}
	}
	old := good
	old.Version = 1
	if err := parse(old); err == nil || !strings.Contains(err.Error(), "version 1") {
		t.Errorf("version 1: %v", err)
	}
}

// TestLockOfATokenThatMisbehaves: what a token answers is not believed.
func TestLockOfATokenThatMisbehaves(t *testing.T) {
	t.Parallel()
	h := goodHead(t, true, Unlock{Token: sm4Wrapper()})
	if _, err := h.Lock.kek(Unlock{Token: fixedWrapper{WrappingKey{"sdf:y", "KEK 1", AlgorithmSM4, 128}}}, h.Store); !errors.Is(err, ErrMethod) {
		t.Errorf("another token: %v, want ErrMethod", err)
	}
	h.Lock.Token.Wrapped = []byte("short")
	if _, err := h.Lock.kek(Unlock{Token: sm4Wrapper()}, h.Store); !errors.Is(err, ErrLocked) {
		t.Errorf("a key of 5 bytes: %v, want ErrLocked", err)
	}
	if _, _, err := newLock(Unlock{Token: fixedWrapper{WrappingKey{"pkcs11:x", "kek", "AES", 256}}}, ID{1}, true, 0); !errors.Is(err, ErrNational) {
		t.Errorf("AES for a gm-only store: %v, want ErrNational", err)
	}
}

// TestForgedShare: a keeper who changes his share and mends its checksum is named,
// also when the others would be enough without him.
func TestForgedShare(t *testing.T) {
	t.Parallel()
	shares := newShares(t, 2, 3)
	h := goodHead(t, false, Unlock{Shares: shares})
	forged := shares[1]
	forged.f.Value[0] ^= 1
	forged.f.Checksum = forged.f.checksum()
	text, err := forged.PEM()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseShare(text); err != nil {
		t.Fatalf("the forged share is not well formed: %v", err)
	}
	for _, given := range [][]Share{{forged, shares[0]}, {shares[0], shares[2], forged}} {
		_, err := h.Lock.kek(Unlock{Shares: given}, h.Store)
		if !errors.Is(err, ErrShareWrong) || !strings.Contains(err.Error(), "share 2") {
			t.Errorf("%v: %v, want ErrShareWrong for share 2", given, err)
		}
	}
	renumbered := shares[1]
	renumbered.f.Index = 3
	renumbered.f.Checksum = renumbered.f.checksum()
	if _, err := h.Lock.kek(Unlock{Shares: []Share{renumbered, shares[0]}}, h.Store); !errors.Is(err, ErrShareWrong) {
		t.Errorf("a share under another number: %v, want ErrShareWrong", err)
	}
	tooLarge := shares[1]
	for i := range tooLarge.f.Value {
		tooLarge.f.Value[i] = 0xff
	}
	tooLarge.f.Checksum = tooLarge.f.checksum()
	if text, err = tooLarge.PEM(); err != nil {
		t.Fatal(err)
	}
	if _, err := ParseShare(text); !errors.Is(err, ErrShareDamaged) {
		t.Errorf("a value out of range: %v, want ErrShareDamaged", err)
	}
}

// FuzzHead: a `store` file is refused or is in the one accepted form.
func FuzzHead(f *testing.F) {
	for _, h := range []head{
		goodHead(f, false, Unlock{Passphrase: []byte("p")}), goodHead(f, true, Unlock{Passphrase: []byte("p")}),
		goodHead(f, true, Unlock{Token: sm4Wrapper()}), goodHead(f, false, Unlock{Shares: newShares(f, 2, 3)}),
	} {
		b, err := detcbor.Marshal(h)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := parseHead(b)
		if err != nil {
			return
		}
		again, err := detcbor.Marshal(h)
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("%x is taken and written as %x, %v", b, again, err)
		}
		if _, err := h.open(make([]byte, kekSize)); !errors.Is(err, ErrLocked) {
			t.Errorf("a key of zeros: %v, want ErrLocked", err)
		}
	})
}

// FuzzKeyFile: a key file is refused or is in the one accepted form, and what was not
// written with the master key does not open.
func FuzzKeyFile(f *testing.F) {
	point := pki.Samples()[0].Point
	for _, k := range []keyFile{
		{Kind: kindSigner, Point: point[:]}, {Kind: kindHalf, Point: point[:]}, {Kind: kindSecret},
		{Kind: kindDevice, Point: point[:], Device: "sdf:x", Ref: "1"},
	} {
		k.Version, k.Purpose, k.Name, k.Generation = version, PurposeCA, "root", 1
		b, err := k.seal(make([]byte, masterSize), ID{1}, false, make([]byte, 32))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		k, err := parseKeyFile(b)
		if err != nil {
			return
		}
		again, err := detcbor.Marshal(k)
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("%x is taken and written as %x, %v", b, again, err)
		}
		if _, err := k.open(bytes.Repeat([]byte{1}, masterSize), ID{1}, false); !errors.Is(err, ErrDamaged) {
			t.Errorf("a wrong master key: %v, want ErrDamaged", err)
		}
	})
}

// FuzzShare: a share is refused or is in the one accepted form.
func FuzzShare(f *testing.F) {
	for _, s := range append(newShares(f, 2, 2), newShares(f, MaxShares, MaxShares)[MaxShares-1]) {
		b, err := s.PEM()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ParseShare(b)
		if err != nil {
			if !errors.Is(err, ErrShareDamaged) {
				t.Errorf("%q: %v, want ErrShareDamaged", b, err)
			}
			return
		}
		again, err := s.PEM()
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("%q is taken and written as %q, %v", b, again, err)
		}
	})
}
