package oid_test

import (
	"encoding/asn1"
	"errors"
	"strings"
	"testing"

	"golang.org/x/crypto/cryptobyte"

	"github.com/elicence/elicence/pki/oid"
)

func TestIDs(t *testing.T) {
	t.Parallel()
	for id, text := range map[oid.ID]string{
		oid.SM2WithSM3: "1.2.156.10197.1.501", oid.SM2Curve: "1.2.156.10197.1.301", oid.UsageAny: "2.5.29.37.0",
		oid.OrganizationCode: "1.2.156.10260.4.1.4",
	} {
		if id.String() != text {
			t.Errorf("%x is %s, want %s", string(id), id, text)
		}
		var b cryptobyte.Builder
		oid.Add(&b, id)
		der := b.BytesOrPanic()
		if want, err := asn1.Marshal(id.Arcs()); err != nil || string(want) != string(der) {
			t.Errorf("%s is written as %x, want %x: %v", text, der, want, err)
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"1.2.156.10197.1.501", "0.0", "2.999.1", "2.25.2147483647", "1.39.0", strings.TrimSuffix(strings.Repeat("1.", 32), ".")} {
		if id, err := oid.Parse(text); err != nil || id.String() != text {
			t.Errorf("%s: %s, %v", text, id, err)
		}
	}
	for _, text := range []string{
		"", "1", "1.", ".1", "1..2", "1.2.", "3.1", "1.40", "0.40", "01.2", "1.02", "1.2.+3", "1.2.-3", "1.2. 3", "1.2.x", "1.2.2147483648", "一.二",
		strings.TrimSuffix(strings.Repeat("1.", 33), "."), "1.2." + strings.TrimSuffix(strings.Repeat("2147483647.", 30), "."),
	} {
		if id, err := oid.Parse(text); !errors.Is(err, oid.ErrText) {
			t.Errorf("%q: %s, %v", text, id, err)
		}
	}
}

func TestReadAlgorithm(t *testing.T) {
	t.Parallel()
	sm3 := "\x06\x08\x2a\x81\x1c\xcf\x55\x01\x83\x11"
	for name, tt := range map[string]struct {
		der string
		ok  bool
	}{
		"absent":             {"\x30\x0a" + sm3, true},
		"NULL":               {"\x30\x0c" + sm3 + "\x05\x00", true},
		"NULL with content":  {"\x30\x0d" + sm3 + "\x05\x01\x00", false},
		"other parameters":   {"\x30\x0d" + sm3 + "\x02\x01\x00", false},
		"two parameters":     {"\x30\x0e" + sm3 + "\x05\x00\x05\x00", false},
		"no identifier":      {"\x30\x02\x05\x00", false},
		"empty identifier":   {"\x30\x02\x06\x00", false},
		"identifier cut off": {"\x30\x0a\x06\x08\x2a\x81\x1c\xcf\x55\x01\x83\x91", false},
	} {
		s := cryptobyte.String(tt.der)
		if id, ok := oid.ReadAlgorithm(&s); ok != tt.ok || ok && id != oid.SM3 {
			t.Errorf("%s: %v %s, want %v", name, ok, id, tt.ok)
		}
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		der string
		ok  bool
	}{
		"127 octets":           {"\x06\x7f" + strings.Repeat("\x01", 127), true},
		"128 octets":           {"\x06\x81\x80" + strings.Repeat("\x01", 128), false},
		"an arc of two":        {"\x06\x03\x2a\x81\x1c", true},
		"zero":                 {"\x06\x02\x2a\x00", true},
		"an arc padded":        {"\x06\x04\x2a\x80\x81\x1c", false},
		"the first arc padded": {"\x06\x02\x80\x2a", false},
		"an arc cut off":       {"\x06\x02\x2a\x81", false},
		"empty":                {"\x06\x00", false},
		"another tag":          {"\x04\x01\x2a", false},
	} {
		s := cryptobyte.String(tt.der)
		if id, ok := oid.Read(&s); ok != tt.ok {
			t.Errorf("%s: %x, %v, want %v", name, string(id), ok, tt.ok)
		}
	}
}
