package oid_test

import (
	"encoding/asn1"
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
