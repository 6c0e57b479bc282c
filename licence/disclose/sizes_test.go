package disclose_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/detcbor"
	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/licence/disclose"
	"github.com/elicence/elicence/qr"
	"github.com/elicence/elicence/qr/picture"
)

var update = flag.Bool("update", false, "write the table of sizes anew")

// measure returns the bytes of a code of a licence and whether anything was cut.
type measure func(testing.TB, *licence.Licence, *catalogue.Category, disclose.Profile) (int, bool)

// form is a way in which a licence is shown.
type form struct {
	name    string
	level   picture.Level
	highest int // version of the symbol that is never exceeded
	size    measure
	address bool // an address stands before the digits
	kind    qr.Kind
}

func forms(tb testing.TB) []form {
	tb.Helper()
	point, _ := pkitest.NewSM2Signer(tb)
	device, err := qr.ParseDeviceKey(qr.DeviceSM2, point)
	if err != nil {
		tb.Fatal(err)
	}
	printed := func(limit int) measure {
		return func(tb testing.TB, l *licence.Licence, c *catalogue.Category, p disclose.Profile) (int, bool) {
			return fitted(tb, &qr.Credential{SignedAt: now, Expires: qr.PrintedExpiry(now, l.LastDay), Summary: disclose.Summary(l, c, p)}, c, limit)
		}
	}
	presented := func(nonce []byte, hall string) measure {
		return func(tb testing.TB, l *licence.Licence, c *catalogue.Category, p disclose.Profile) (int, bool) {
			n, cut := fitted(tb, &qr.Credential{SignedAt: now, Expires: now.Add(qr.MaxDeviceLife), Device: device, Summary: disclose.Summary(l, c, p)}, c, qr.MaxDeviceCredential)
			b, err := detcbor.Marshal([]any{make([]byte, n), now.Unix(), nonce, hall, make([]byte, 64)})
			if err != nil {
				tb.Fatal(err)
			}
			return len(b), cut
		}
	}
	return []form{
		{"paper", picture.Paper, 26, printed(qr.MaxPaper), true, qr.KindLicence},
		{"screen", picture.Screen, 15, printed(qr.MaxScreen), false, qr.KindLicence},
		{"device", picture.Screen, 15, presented([]byte{}, ""), false, qr.KindHolder},
		{"answer", picture.Screen, 15, presented(make([]byte, qr.NonceSize), strings.Repeat("h", qr.MaxHall)), false, qr.KindHolder},
		{"service", picture.Screen, 15, func(tb testing.TB, l *licence.Licence, c *catalogue.Category, p disclose.Profile) (int, bool) {
			all := qr.Choice{Number: true, Holder: true, MaskedID: true, Validity: true, Status: true, Fields: []bool{true, true, true, true}}
			chosen, cut, err := disclose.Choose(disclose.Summary(l, c, p), c, all)
			if err != nil {
				tb.Fatalf("category %s, %s: %v", c.ID, p, err)
			}
			n, err := (&qr.Shown{SignedAt: now, Expires: now.Add(time.Minute), Chosen: chosen}).Size()
			if err != nil {
				tb.Fatal(err)
			}
			return n, cut
		}, false, qr.KindService},
	}
}

func fitted(tb testing.TB, credential *qr.Credential, c *catalogue.Category, limit int) (int, bool) {
	tb.Helper()
	cut, err := disclose.Fit(credential, c, limit)
	if err != nil {
		tb.Fatalf("category %s: %v", c.ID, err)
	}
	n, err := credential.Size()
	if err != nil || n > limit {
		tb.Fatalf("category %s: %d bytes of %d, %v", c.ID, n, limit, err)
	}
	return n, cut
}

// versions draws symbols; bytes of one number make symbols of one version.
type versions map[string]int

func (v versions) of(tb testing.TB, f form, n int) int {
	tb.Helper()
	key := fmt.Sprint(f.level, f.address, n)
	if version, known := v[key]; known {
		return version
	}
	text, err := qr.Encode(f.kind, bytes.Repeat([]byte{0xff}, n))
	if err != nil {
		tb.Fatal(err)
	}
	if f.address {
		text = qr.Address("zwfw.ah.gov.cn", text)
	}
	symbol, err := picture.Draw(text, f.level)
	if err != nil {
		tb.Fatal(err)
	}
	v[key] = symbol.Version()
	return symbol.Version()
}

// TestSizes measures every category in every form and profile: the catalogue's example
// and a licence in which everything is as long as it may be. testdata/sizes.tsv has the
// bytes, the version of the QR symbol, and a star where something was cut.
func TestSizes(t *testing.T) {
	t.Parallel()
	all := newLicences(t)
	symbols := make(versions)
	var out strings.Builder
	out.WriteString("category\tlicence")
	for _, f := range forms(t) {
		for _, p := range disclose.Profiles() {
			fmt.Fprintf(&out, "\t%s %s", f.name, p)
		}
	}
	out.WriteByte('\n')
	count := 0
	shown := forms(t)
	for _, c := range all.catalogue.Categories() {
		for _, l := range []struct {
			name string
			*licence.Licence
		}{{"example", all.example(c, nil)}, {"longest", all.longest(c)}} {
			fmt.Fprintf(&out, "%s\t%s", c.ID, l.name)
			for _, f := range shown {
				for _, p := range disclose.Profiles() {
					n, cut := f.size(t, l.Licence, c, p)
					version := symbols.of(t, f, n)
					if version > f.highest {
						t.Errorf("category %s, %s, %s %s: version %d, never above %d", c.ID, l.name, f.name, p, version, f.highest)
					}
					if cut && l.name == "example" && f.kind != qr.KindHolder {
						t.Errorf("category %s, %s %s: the example is cut", c.ID, f.name, p)
					}
					fmt.Fprintf(&out, "\t%d V%d", n, version)
					if cut {
						out.WriteByte('*')
					}
				}
			}
			out.WriteByte('\n')
			count++
		}
	}
	if count != 2*195 {
		t.Errorf("%d licences are measured, want two of each of 195 categories", count)
	}
	golden := filepath.Join("testdata", "sizes.tsv")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if out.String() != string(want) {
		t.Errorf("the sizes are not those of %s: run with -update and look at the difference", golden)
	}
}
