package seen_test

import (
	"bytes"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/emmansun/gmsm/sm3"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/pki/oid"
	"github.com/elicence/elicence/seal/seen"
)

func place(page int, left, bottom, right, top int64) seen.Place {
	return seen.Place{Page: page, Box: seen.Box{Left: left, Bottom: bottom, Right: right, Top: top}, Look: sm3.Sum([]byte{byte(page)})}
}

func marshal(tb testing.TB, s seen.Statement) []byte {
	tb.Helper()
	der, err := s.Marshal()
	if err != nil {
		tb.Fatal(err)
	}
	return der
}

// TestStatement writes statements and reads them back, in one order whatever they were
// made in, and as small as was said.
func TestStatement(t *testing.T) {
	t.Parallel()
	largest := make([]seen.Place, seen.MaxPlaces-1)
	for i := range largest {
		largest[i] = place(seen.MaxPage, -seen.MaxSide, int64(i)-seen.MaxSide, seen.MaxSide, seen.MaxSide)
	}
	for name, s := range map[string]seen.Statement{
		"nothing":  {},
		"a field":  seen.New(place(1, 2_976_400, 0, 5_952_800, 1)),
		"slices":   seen.New(place(3, -5, -6, 7, 8), place(2, 0, 0, 1, 1), place(1, 0, 0, 1, 1), place(2, 0, 0, 1, 1), place(2, 0, -1, 1, 1)),
		"the most": seen.New(place(1, 0, 0, 1, 1), largest...),
	} {
		der := marshal(t, s)
		got, err := seen.Parse(der)
		if err != nil || !reflect.DeepEqual(got, s) {
			t.Errorf("%s: read back as %d places, %v", name, len(got.Places), err)
		}
		// As SES carries it, which is the longer form: [0] { SEQUENCE { SEQUENCE { name, OCTET STRING } } }.
		var b cryptobyte.Builder
		b.AddASN1(cbasn1.Tag(0).Constructed().ContextSpecific(), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					oid.Add(b, oid.Seen)
					b.AddASN1OctetString(der)
				})
			})
		})
		limit, err := s.Size()
		if carried := len(b.BytesOrPanic()); err != nil || carried > limit || carried < limit-8 || len(der) > seen.MaxSize {
			t.Errorf("%s: %d bytes, %d were said, %v", name, carried, limit, err)
		}
	}
	if n := len(seen.New(place(3, -5, -6, 7, 8), place(2, 0, 0, 1, 1), place(2, 0, 0, 1, 1)).Places); n != 2 {
		t.Errorf("the same place twice: %d places", n)
	}
	hundred := make([]seen.Place, 99)
	for i := range hundred {
		hundred[i] = place(i+2, 5_947_000, 3_600_000, 5_952_800, 4_800_000)
	}
	if n := len(marshal(t, seen.New(place(1, 5_947_000, 3_600_000, 5_952_800, 4_800_000), hundred...))); n > 6200 {
		t.Errorf("a hundred slices take %d bytes", n)
	}
}

// TestOneForm: what is not the one encoding is refused.
func TestOneForm(t *testing.T) {
	t.Parallel()
	good := marshal(t, seen.New(place(1, 0, 0, 9, 9), place(1, 1, 1, 2, 2), place(2, 1, 1, 2, 2)))
	b := func(old, new string) []byte {
		t.Helper()
		from, err1 := hex.DecodeString(strings.ReplaceAll(old, " ", ""))
		to, err2 := hex.DecodeString(strings.ReplaceAll(new, " ", ""))
		out := bytes.Replace(good, from, to, 1)
		if err1 != nil || err2 != nil || bytes.Equal(out, good) {
			t.Fatalf("%s is not there", old)
		}
		return out
	}
	for name, der := range map[string][]byte{
		"empty":                 nil,
		"cut off":               good[:len(good)-1],
		"something behind":      append(bytes.Clone(good), 0),
		"version 2":             b("020101", "020102"),
		"page 0":                b("020101 020100 020100", "020100 020100 020100"),
		"left above right":      b("020109 020109", "0201ff 020109"),
		"a look of 31 bytes":    b("0420", "041f"),
		"the order":             b("020102 020101", "020101 020100"),
		"a long form of length": append([]byte{0x30, 0x82, 0, good[2]}, good[3:]...),
	} {
		if _, err := seen.Parse(der); !errors.Is(err, seen.ErrMalformed) {
			t.Errorf("%s: %v, want %v", name, err, seen.ErrMalformed)
		}
	}
	for name, s := range map[string]seen.Statement{
		"too many":       {Places: make([]seen.Place, seen.MaxPlaces+1)},
		"no page":        {Places: []seen.Place{{}}},
		"no rectangle":   {Places: []seen.Place{place(1, 2, 0, 1, 0)}},
		"not in order":   {Places: []seen.Place{place(1, 0, 0, 1, 1), place(3, 0, 0, 1, 1), place(2, 0, 0, 1, 1)}},
		"twice":          {Places: []seen.Place{place(1, 0, 0, 1, 1), place(3, 0, 0, 1, 1), place(3, 0, 0, 1, 1)}},
		"beyond a sheet": {Places: []seen.Place{place(1, 0, 0, 1, seen.MaxSide+1)}},
	} {
		if _, err := s.Marshal(); !errors.Is(err, seen.ErrMalformed) {
			t.Errorf("%s is written: %v", name, err)
		}
	}
}

// TestOpenSSL reads a statement as plain DER.
func TestOpenSSL(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "seen.der")
	p := place(7, -70_000, 12_345, 5_952_800, 8_418_900)
	if err := os.WriteFile(file, marshal(t, seen.New(p)), 0o600); err != nil {
		t.Fatal(err)
	}
	text := tooltest.Run(t, "openssl", "asn1parse", "-inform", "DER", "-in", file)
	for _, want := range []string{"INTEGER           :07", "INTEGER           :-011170", "INTEGER           :3039", "INTEGER           :5AD520", "INTEGER           :807654",
		"[HEX DUMP]:" + strings.ToUpper(hex.EncodeToString(p.Look[:]))} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// FuzzParse: what is read is written the same.
func FuzzParse(f *testing.F) {
	f.Add(marshal(f, seen.Statement{}))
	f.Add(marshal(f, seen.New(place(1, -1, 0, 300, 70_000), place(2, 1, 1, 2, 2), place(3, 1, 1, 2, 2))))
	f.Fuzz(func(t *testing.T, der []byte) {
		s, err := seen.Parse(der)
		if err != nil {
			if !errors.Is(err, seen.ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		if again, err := s.Marshal(); err != nil || !bytes.Equal(again, der) {
			t.Errorf("%x was read, and is written as %x, %v", der, again, err)
		}
	})
}

// TestIntegers: numbers take as many bytes as another encoder gives them.
func TestIntegers(t *testing.T) {
	t.Parallel()
	type box struct {
		Page                     int
		Left, Bottom, Right, Top int64
		Look                     []byte
	}
	for _, n := range []int64{0, 1, 127, 128, 129, 255, 256, 32767, 32768, 8388607, 8388608, 1<<31 - 1, 1 << 31, 1<<32 - 1, 1 << 32, seen.MaxSide} {
		for _, page := range []int{1, 127, 128, 255, 256, seen.MaxPage} {
			p := place(page, -n, max(-n-1, -seen.MaxSide), n, min(n+1, seen.MaxSide))
			want, err := asn1.Marshal(struct {
				Version int
				Places  []box
			}{1, []box{{p.Page, p.Box.Left, p.Box.Bottom, p.Box.Right, p.Box.Top, p.Look[:]}}})
			if err != nil {
				t.Fatal(err)
			}
			if got := marshal(t, seen.Statement{Places: []seen.Place{p}}); !bytes.Equal(got, want) {
				t.Errorf("%d on page %d: %x, want %x", n, page, got, want)
			}
		}
	}
}
