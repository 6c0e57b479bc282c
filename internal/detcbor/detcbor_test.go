package detcbor

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"
)

type record struct {
	Name  string            `cbor:"1,keyasint"`
	Count uint64            `cbor:"2,keyasint,omitempty"`
	Parts [][]byte          `cbor:"3,keyasint"`
	Notes map[string]string `cbor:"4,keyasint,omitempty"`
}

func TestOneEncoding(t *testing.T) {
	t.Parallel()
	r := record{Name: "证", Count: 300, Parts: [][]byte{{1}, {}}, Notes: map[string]string{"bb": "2", "a": "1"}}
	b, err := Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	const want = "a4" + "01" + "63e8af81" + "02" + "19012c" + "03" + "8241" + "0140" + "04" + "a2" + "6161" + "6131" + "626262" + "6132"
	if got := hex.EncodeToString(b); got != want {
		t.Errorf("Marshal = %s, want %s", got, want)
	}
	var back record
	if err := Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
}

// TestRefuses: everything below means the same record, or nearly, in other bytes.
func TestRefuses(t *testing.T) {
	t.Parallel()
	good := "a2" + "01" + "6161" + "03" + "80"
	for name, tc := range map[string]struct {
		hexadecimal string
		want        error // nil: any
	}{
		"long length":          {"a2" + "01" + "780161" + "03" + "80", ErrNotDeterministic},
		"long integer":         {"a3" + "01" + "6161" + "02" + "1805" + "03" + "80", ErrNotDeterministic},
		"long key":             {"a2" + "1801" + "6161" + "03" + "80", ErrNotDeterministic},
		"keys out of order":    {"a2" + "03" + "80" + "01" + "6161", ErrNotDeterministic},
		"a zero that is there": {"a3" + "01" + "6161" + "02" + "00" + "03" + "80", ErrNotDeterministic},
		"null for empty":       {"a2" + "01" + "6161" + "03" + "f6", ErrNotDeterministic},
		"missing key":          {"a1" + "01" + "6161", ErrNotDeterministic},
		"indefinite map":       {"bf" + "01" + "6161" + "03" + "80" + "ff", nil},
		"indefinite string":    {"a2" + "01" + "7f6161ff" + "03" + "80", nil},
		"a key twice":          {"a3" + "01" + "6161" + "01" + "6161" + "03" + "80", nil},
		"unknown key":          {"a3" + "01" + "6161" + "03" + "80" + "09" + "00", nil},
		"tag":                  {"c0" + good, nil},
		"not UTF-8":            {"a2" + "01" + "61ff" + "03" + "80", nil},
		"other type":           {"a2" + "01" + "00" + "03" + "80", nil},
		"negative":             {"a3" + "01" + "6161" + "02" + "20" + "03" + "80", nil},
		"trailing byte":        {good + "00", nil},
		"cut":                  {good[:len(good)-2], nil},
		"empty":                {"", nil},
		"a huge array":         {"a2" + "01" + "6161" + "03" + "9b7fffffffffffffff", nil},
		"a huge string":        {"a2" + "01" + "7b7fffffffffffffff" + "61", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, err := hex.DecodeString(tc.hexadecimal)
			if err != nil {
				t.Fatal(err)
			}
			var r record
			err = Unmarshal(b, &r)
			if err == nil || tc.want != nil && !errors.Is(err, tc.want) {
				t.Errorf("Unmarshal = %v, want an error %v", err, tc.want)
			}
		})
	}
	b, _ := hex.DecodeString(good)
	if err := Unmarshal(b, new(record)); err != nil {
		t.Errorf("the control: %v", err)
	}
}

// TestNesting: depth is bounded.
func TestNesting(t *testing.T) {
	t.Parallel()
	var v any
	deep := append(bytes.Repeat([]byte{0x81}, 1000), 0)
	if err := Unmarshal(deep, &v); err == nil {
		t.Error("a thousand nested arrays are accepted")
	}
}

// FuzzUnmarshal: what is accepted is the encoding of what it means.
func FuzzUnmarshal(f *testing.F) {
	b, err := Marshal(record{Name: "证", Parts: [][]byte{{1}}, Notes: map[string]string{"a": "b"}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte{0xa2, 1, 0x61, 'a', 3, 0x80})
	f.Fuzz(func(t *testing.T, b []byte) {
		var r record
		if Unmarshal(b, &r) != nil {
			return
		}
		again, err := Marshal(r)
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("%x is accepted and encodes as %x, %v", b, again, err)
		}
	})
}
