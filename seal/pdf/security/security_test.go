package security

import (
	"bytes"
	"errors"
	"testing"
)

// TestSpellings lists the bytes that are tried for a password.
func TestSpellings(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		r        int
		password string
		want     []string
	}{
		{6, "plain", []string{"plain"}},
		{6, "a\u00A0b\u00ADc", []string{"a bc", "a\u00A0b\u00ADc"}},
		{6, "①", []string{"1", "①"}},
		{4, "plain", []string{"plain"}},
		{4, "é", []string{"\xE9", "é", "\xA8\xA6"}},
		{3, "密码", []string{"密码", "\xC3\xDC\xC2\xEB"}},
		{2, "", []string{""}},
	} {
		got := (&Parameters{R: tc.r}).spellings(tc.password)
		if len(got) != len(tc.want) {
			t.Errorf("revision %d, %q: %q, want %q", tc.r, tc.password, got, tc.want)
			continue
		}
		for i := range got {
			if string(got[i]) != tc.want[i] {
				t.Errorf("revision %d, %q: %q, want %q", tc.r, tc.password, got, tc.want)
			}
		}
	}
	long := string(bytes.Repeat([]byte("x"), 200))
	if got := (&Parameters{R: 6}).spellings(long); len(got) != 1 || len(got[0]) != 127 {
		t.Errorf("a long password of revision 6 is cut to %d bytes", len(got[0]))
	}
	if got := (&Parameters{R: 3}).spellings(long); len(got) != 1 || len(got[0]) != 32 {
		t.Errorf("a long password of revision 3 is cut to %d bytes", len(got[0]))
	}
}

// TestCiphertexts encrypts and decrypts with every method, and refuses what is no ciphertext.
func TestCiphertexts(t *testing.T) {
	t.Parallel()
	k := &Key{key: bytes.Repeat([]byte{7}, 32)}
	for _, m := range []Method{Identity, RC4, AESV2, AESV3} {
		for n := range 40 {
			plain := bytes.Repeat([]byte{'a'}, n)
			hidden, err := k.Encrypt(m, 9, 1, 5, plain)
			if err != nil {
				t.Fatal(err)
			}
			other, err := k.Encrypt(m, 9, 1, 6, plain)
			if err != nil {
				t.Fatal(err)
			}
			if aes := m == AESV2 || m == AESV3; aes == bytes.Equal(hidden, other) {
				t.Errorf("%v: the same data at two places: %x and %x", m, hidden, other)
			}
			if m != Identity && n > 8 && bytes.Contains(hidden, plain) {
				t.Errorf("%v hides nothing", m)
			}
			before := bytes.Clone(hidden)
			got, err := k.Decrypt(m, 9, 1, hidden)
			if !bytes.Equal(hidden, before) || !bytes.Equal(plain, bytes.Repeat([]byte{'a'}, n)) {
				t.Errorf("%v changes what it is given", m)
			}
			if err != nil || !bytes.Equal(got, plain) {
				t.Errorf("%v of %d bytes: %q, %v", m, n, got, err)
			}
			if m == AESV2 || m == AESV3 {
				hidden[len(hidden)-1] ^= 1
				if got, err := k.Decrypt(m, 9, 1, hidden); err == nil && bytes.Equal(got, plain) {
					t.Errorf("%v: a changed ciphertext says the same", m)
				}
			}
		}
	}
	for _, data := range [][]byte{make([]byte, 1), make([]byte, 16), make([]byte, 33)} {
		if _, err := k.Decrypt(AESV3, 1, 0, data); !errors.Is(err, ErrCiphertext) {
			t.Errorf("%d bytes: %v", len(data), err)
		}
	}
}

// FuzzOpen opens any parameters with any password: an answer, never a panic.
func FuzzOpen(f *testing.F) {
	f.Add(1, 2, 40, make([]byte, 32), make([]byte, 32), []byte{}, uint32(0), "")
	f.Add(4, 4, 128, make([]byte, 32), make([]byte, 32), []byte("id"), uint32(1<<32-4), "user")
	f.Add(5, 6, 256, make([]byte, 48), make([]byte, 48), make([]byte, 80), uint32(1<<32-4), "密码")
	f.Fuzz(func(t *testing.T, v, r, bits int, o, u, rest []byte, permissions uint32, password string) {
		p := &Parameters{V: v, R: r, Bits: bits, O: o, U: u, P: permissions, ID: rest}
		if len(rest) == 80 {
			p.OE, p.UE, p.Perms = rest[:32], rest[32:64], rest[64:]
		}
		if p.Check() != nil {
			return
		}
		key, err := p.Open(password)
		if (key == nil) == (err == nil) {
			t.Errorf("key %v, error %v", key, err)
		}
	})
}
