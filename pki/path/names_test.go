package path

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/pki/cert"
)

// FuzzNameConstraints: no name is both inside a base and outside of it, and letter
// case, which hosts do not have, changes nothing.
func FuzzNameConstraints(f *testing.F) {
	for _, seed := range []struct {
		form       cert.NameForm
		base, name string
	}{
		{cert.FormDNS, "example.cn", "a.example.cn"}, {cert.FormDNS, ".example.cn", "*.example.cn"}, {cert.FormDNS, "", "a"},
		{cert.FormEmail, "a@example.cn", "A@EXAMPLE.CN"}, {cert.FormEmail, ".cn", "a@b.cn"}, {cert.FormURI, ".example.cn", "https://u@a.example.cn:1/"},
		{cert.FormIP, "\x0a\x00\x00\x00\xff\x00\x00\x00", "\x0a\x01\x02\x03"}, {cert.FormDirectory, "\x30\x00", "\x30\x00"},
		{cert.FormDirectory, "\x30\x0d\x31\x0b\x30\x09\x06\x03\x55\x04\x03\x0c\x02Ab", "\x30\x0d\x31\x0b\x30\x09\x06\x03\x55\x04\x03\x13\x02aB"},
		{cert.FormOther, "x", "x"},
	} {
		f.Add(uint8(seed.form), []byte(seed.base), []byte(seed.name))
	}
	f.Fuzz(func(t *testing.T, form uint8, base, value []byte) {
		if form > uint8(cert.FormRegistered) || len(base)+len(value) > 1<<12 {
			return
		}
		s, err := newSubtree(generalName(form, base))
		if err != nil {
			return
		}
		allow := func(value []byte, a authorityConstraints) error {
			name, err := newCandidate(cert.NameForm(form), value)
			if err != nil {
				return err
			}
			left := 10
			n := names{left: &left}
			return n.allow(a, name)
		}
		permitted := allow(value, authorityConstraints{permitted: []subtree{s}})
		excluded := allow(value, authorityConstraints{excluded: []subtree{s}})
		if permitted == nil && excluded == nil {
			t.Errorf("%q is inside and outside of %q", value, base)
		}
		if errors.Is(permitted, errNotPermitted) && errors.Is(excluded, errExcluded) && !strings.HasPrefix(string(value), "*.") {
			t.Errorf("%q is neither inside nor outside of %q", value, base)
		}
		switch cert.NameForm(form) {
		case cert.FormDNS, cert.FormURI:
			upper := allow([]byte(strings.ToUpper(string(value))), authorityConstraints{excluded: []subtree{s}})
			if (upper == nil) != (excluded == nil) && isASCII(value) {
				t.Errorf("%q in capitals: %v, else %v", value, upper, excluded)
			}
		}
	})
}

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

func generalName(form uint8, value []byte) cert.GeneralName {
	tag := cbasn1.Tag(form).ContextSpecific()
	if cert.NameForm(form) == cert.FormDirectory {
		tag = tag.Constructed()
	}
	var b cryptobyte.Builder
	b.AddASN1(tag, func(b *cryptobyte.Builder) { b.AddBytes(value) })
	return cert.GeneralName(b.BytesOrPanic())
}

func TestConstraintPrefix(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{
		"a mask with holes":         "\x0a\x00\x00\x00\xff\x00\xff\x00",
		"bits outside of the mask":  "\x0a\x01\x00\x00\xff\x00\x00\x00",
		"IPv4 in the clothes of v6": strings.Repeat("\x00", 10) + "\xff\xff\x0a\x00\x00\x00" + strings.Repeat("\xff", 16),
	} {
		if p, err := constraintPrefix([]byte(value)); err == nil {
			t.Errorf("%s: %v", name, p)
		}
	}
	if p, err := constraintPrefix([]byte("\x0a\x00\x00\x00\xff\x00\x00\x00")); err != nil || p.String() != "10.0.0.0/8" {
		t.Errorf("%v, %v", p, err)
	}
}
