package licence_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/elicence/elicence/licence"
)

func TestBindingCode(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for range 100 {
		c, err := licence.NewBindingCode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := licence.ParseBindingCode(c.Digits())
		if err != nil || again != c || seen[c.Digits()] || strings.ReplaceAll(c.Grouped(), " ", "") != c.Digits() || len(c.Grouped()) != 19 {
			t.Fatalf("%q, read again %v, grouped %q", c.Digits(), err, c.Grouped())
		}
		seen[c.Digits()] = true
		for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			if printed := fmt.Sprintf(format, c); strings.Contains(printed, c.Digits()[:6]) {
				t.Errorf("%s prints the code: %s", format, printed)
			}
		}
		for i := range c.Digits() {
			slip := []byte(c.Digits())
			slip[i] = '0' + (slip[i]-'0'+1)%10
			if _, err := licence.ParseBindingCode(string(slip)); !errors.Is(err, licence.ErrBadBindingCode) {
				t.Errorf("a slip in digit %d: %v, want ErrBadBindingCode", i+1, err)
			}
		}
	}
	var none licence.BindingCode
	if none.Handle() != "" || none.Grouped() != "" {
		t.Error("a code of nothing has a handle")
	}
}

func TestDeviceID(t *testing.T) {
	t.Parallel()
	d := licence.Device{Algorithm: licence.AlgorithmSM2, Point: [33]byte{2, 1}}
	other := d
	other.Algorithm = licence.AlgorithmP256
	if d.ID() == other.ID() {
		t.Error("the same point on two curves is one device")
	}
	got, err := licence.ParseDeviceID(d.ID().String())
	if err != nil || got != d.ID() {
		t.Errorf("%s is read as %s, %v", d.ID(), got, err)
	}
	for _, bad := range []string{"", "0000000000000000", "0123456789ABCDEF", "0123456789abcde", "0123456789abcdef0", "g123456789abcdef"} {
		if _, err := licence.ParseDeviceID(bad); !errors.Is(err, licence.ErrBadDeviceID) {
			t.Errorf("%q: %v, want ErrBadDeviceID", bad, err)
		}
	}
}

func FuzzParseBindingCode(f *testing.F) {
	f.Add("4831229077150366")
	f.Add("")
	f.Add("0000000000000000")
	f.Add("483122907715036\uff13")
	f.Fuzz(func(t *testing.T, s string) {
		c, err := licence.ParseBindingCode(s)
		if err == nil && c.Digits() != s {
			t.Errorf("%q is read as %q", s, c.Digits())
		}
		if id, err := licence.ParseDeviceID(s); err == nil && id.String() != s {
			t.Errorf("%q is read as %s", s, id)
		}
	})
}
