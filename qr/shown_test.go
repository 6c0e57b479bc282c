package qr

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/internal/detcbor"
	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cose"
)

var everything = Choice{Number: true, Holder: true, MaskedID: true, Validity: true, Status: true, Fields: []bool{true, true, true, true}}

// TestShownVector pins the bytes of what a service signs.
func TestShownVector(t *testing.T) {
	t.Parallel()
	last := civil.Day(20000)
	s := Summary{Schema: 1, Category: 4, Number: "N1", Holder: "张三", MaskedID: "1*2", FirstDay: 19000, LastDay: &last, Status: 1 << 32, Fields: []any{"C1", nil, int64(-1)}}
	for _, tt := range []struct {
		name   string
		choice Choice
		want   string // of the summary
	}{
		{"nothing", Choice{}, "a2" + "0001" + "0104"},
		{"the name", Choice{Holder: true}, "a3" + "0001" + "0104" + "0366e5bca0e4b889"},
		{"the days", Choice{Validity: true}, "a4" + "0001" + "0104" + "05194a38" + "06194e20"},
		{"a field", Choice{Fields: []bool{true, true}}, "a3" + "0001" + "0104" + "08" + "83" + "624331" + "f6" + "f6"},
		{"a field that is not there", Choice{Fields: []bool{false, true}}, "a2" + "0001" + "0104"},
		{"everything", everything, "a9" + "0001" + "0104" + "02624e31" + "0366e5bca0e4b889" + "0463312a32" + "05194a38" + "06194e20" +
			"071b0000000100000000" + "08" + "83" + "624331" + "f6" + "20"},
	} {
		shown := &Shown{SignedAt: time.Unix(1700000000, 0), Expires: time.Unix(1700000060, 0), Chosen: s.Choose(tt.choice)}
		got, err := shown.Payload()
		want := "a3" + "04" + "1a6553f13c" + "06" + "1a6553f100" + "3a00011170" + tt.want
		if err != nil || hex.EncodeToString(got) != want {
			t.Errorf("%s: payload\n got %x, %v\nwant %s", tt.name, got, err, want)
		}
		back, err := ParseShown(got)
		if err != nil || !reflect.DeepEqual(back.Chosen, shown.Chosen) || !back.SignedAt.Equal(shown.SignedAt) || !back.Expires.Equal(shown.Expires) {
			t.Errorf("%s: read back %+v, %v, want %+v", tt.name, back, err, shown)
		}
	}
}

func TestShownSign(t *testing.T) {
	t.Parallel()
	key := pkitest.NewKey(t)
	s := &Shown{SignedAt: signedAt, Expires: signedAt.Add(MaxShownLife), Chosen: person().Summary.Choose(everything)}
	b, err := s.Sign(key)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := s.Size(); err != nil || n != len(b) {
		t.Errorf("Size = %d, %v, the code has %d bytes", n, err, len(b))
	}
	m, err := cose.Parse(b)
	if err != nil || !m.Verify(pki.ObjectCodeService, key.Public()) || m.Verify(pki.ObjectCodeLicence, key.Public()) {
		t.Errorf("the signature is not that of a code of kind 3: %v", err)
	}
	s.Expires = s.Expires.Add(time.Second)
	if _, err := s.Sign(key); !errors.Is(err, ErrMalformed) {
		t.Errorf("61 seconds: %v, want ErrMalformed", err)
	}
}

func TestParseShownRefuses(t *testing.T) {
	t.Parallel()
	claims := func(summary map[int]any) []byte {
		b, err := detcbor.Marshal(map[int]any{4: 1700000060, 6: 1700000000, -70001: summary})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	good := claims(map[int]any{0: 1, 1: 4})
	if _, err := ParseShown(good); err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"empty":                            nil,
		"a byte more":                      append(bytes.Clone(good), 0),
		"no category":                      claims(map[int]any{0: 1}),
		"no schema":                        claims(map[int]any{1: 4}),
		"an empty number":                  claims(map[int]any{0: 1, 1: 4, 2: ""}),
		"null for the holder":              claims(map[int]any{0: 1, 1: 4, 3: nil}),
		"a last day without a first":       claims(map[int]any{0: 1, 1: 4, 6: 19000}),
		"no field is shown":                claims(map[int]any{0: 1, 1: 4, 8: []any{nil, nil}}),
		"an array of no fields":            claims(map[int]any{0: 1, 1: 4, 8: []any{}}),
		"an index beyond its list":         claims(map[int]any{0: 1, 1: 4, 7: 1 << 20}),
		"a day out of range":               claims(map[int]any{0: 1, 1: 4, 5: 1 << 40}),
		"an unknown key":                   claims(map[int]any{0: 1, 1: 4, 9: 1}),
		"a hidden character":               claims(map[int]any{0: 1, 1: 4, 3: "张\u200b三"}),
		"keys out of order":                bytes.Replace(good, []byte{0x00, 0x01, 0x01, 0x04}, []byte{0x01, 0x04, 0x00, 0x01}, 1),
		"the claims of a device's licence": devicePayload(t),
	} {
		if s, err := ParseShown(b); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: ParseShown = %+v, %v, want ErrMalformed", name, s, err)
		}
	}
}

func devicePayload(tb testing.TB) []byte {
	tb.Helper()
	c := person()
	c.Device = newDevice(tb, DeviceP256).key
	b, err := c.Payload()
	if err != nil {
		tb.Fatal(err)
	}
	return b
}
