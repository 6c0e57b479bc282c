package cert_test

import (
	"testing"

	"github.com/elicence/elicence/pki/cert"
)

func TestReadStatusEntry(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		der  []byte
		want cert.StatusEntry
	}{
		"the first of the first list":    {[]byte{2, 5, 1, 0, 0, 0, 0}, cert.StatusEntry{List: 1}},
		"a list with the highest bit":    {[]byte{2, 9, 0, 0x80, 0, 0, 2, 0, 0, 0, 7}, cert.StatusEntry{List: 1<<31 + 2, Index: 7}},
		"the last of the last list":      {[]byte{2, 9, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, cert.StatusEntry{List: 1<<32 - 1, Index: 1<<32 - 1}},
		"list 0":                         {[]byte{2, 1, 7}, cert.StatusEntry{}},
		"nothing":                        {nil, cert.StatusEntry{}},
		"below zero":                     {[]byte{2, 8, 0x80, 0, 0, 2, 0, 0, 0, 7}, cert.StatusEntry{}},
		"beyond 64 bits":                 {[]byte{2, 9, 1, 0, 0, 0, 2, 0, 0, 0, 7}, cert.StatusEntry{}},
		"padded":                         {[]byte{2, 6, 0, 1, 0, 0, 0, 0}, cert.StatusEntry{}},
		"with something behind":          {[]byte{2, 5, 1, 0, 0, 0, 0, 5, 0}, cert.StatusEntry{}},
		"cut off":                        {[]byte{2, 5, 1, 0, 0, 0}, cert.StatusEntry{}},
		"length in two bytes":            {[]byte{2, 0x81, 5, 1, 0, 0, 0, 0}, cert.StatusEntry{}},
		"a SEQUENCE of list and index":   {[]byte{0x30, 6, 2, 1, 1, 2, 1, 7}, cert.StatusEntry{}},
		"an OCTET STRING of eight":       {[]byte{4, 8, 0, 0, 0, 1, 0, 0, 0, 7}, cert.StatusEntry{}},
		"an ENUMERATED of the same kind": {[]byte{10, 5, 1, 0, 0, 0, 0}, cert.StatusEntry{}},
	} {
		got, ok := cert.ReadStatusEntry(tt.der)
		if wanted := tt.want != (cert.StatusEntry{}); ok != wanted || ok && got != tt.want {
			t.Errorf("%s: %+v, %v, want %+v", name, got, ok, tt.want)
		}
		if ok && cert.UnpackStatusEntry(got.Packed()) != got {
			t.Errorf("%s: %+v is another when it is packed and unpacked", name, got)
		}
	}
}
