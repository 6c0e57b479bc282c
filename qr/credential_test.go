package qr

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/internal/detcbor"
	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cose"
)

var signedAt = time.Date(2024, 5, 1, 8, 0, 0, 0, time.UTC)

func person() *Credential {
	last := civil.FromDate(signedAt.AddDate(5, 0, 0))
	return &Credential{
		SignedAt: signedAt, Expires: PrintedExpiry(signedAt, &last),
		Summary: Summary{
			Schema: 1, Category: 4, Number: "34************0012", Holder: "张样例", MaskedID: "34************0012",
			FirstDay: civil.FromDate(signedAt), LastDay: &last, Status: 3<<32 | 77, Fields: []any{"C1", nil, int64(19000)},
		},
	}
}

// TestPayloadVector pins the bytes of a payload: a change here is a change of the
// format.
func TestPayloadVector(t *testing.T) {
	t.Parallel()
	last := civil.Day(20000)
	c := &Credential{
		SignedAt: time.Unix(1700000000, 0), Expires: time.Unix(1800000000, 0),
		Summary: Summary{Schema: 1, Category: 4, Number: "N1", Holder: "张三", MaskedID: "1*2", FirstDay: 19000, LastDay: &last, Status: 1 << 32, Fields: []any{"C1", nil, int64(-1)}},
	}
	got, err := c.Payload()
	if err != nil {
		t.Fatal(err)
	}
	want := "a3" +
		"04" + "1a6b49d200" +
		"06" + "1a6553f100" +
		"3a00011170" + "a9" + // -70001: the summary
		"0001" + "0104" + "02624e31" + "0366e5bca0e4b889" + "0463312a32" + "05194a38" + "06194e20" +
		"071b0000000100000000" + "08" + "83" + "624331" + "f6" + "20"
	if hex.EncodeToString(got) != want {
		t.Errorf("payload\n got %x\nwant %s", got, want)
	}
}

func TestCredentialRoundTrip(t *testing.T) {
	t.Parallel()
	key := pkitest.NewKey(t)
	c := person()
	b, err := c.Sign(key)
	if err != nil {
		t.Fatal(err)
	}
	m, err := cose.Parse(b)
	if err != nil || !m.Verify(pki.ObjectCodeLicence, key.Public()) {
		t.Fatalf("the signed credential does not verify: %v", err)
	}
	if m.Verify(pki.ObjectCodeHolder, key.Public()) {
		t.Error("a printed credential verifies as one of a holder's device")
	}
	got, err := ParseCredential(m.Payload)
	if err != nil {
		t.Fatal(err)
	}
	if got.Summary.Holder != c.Summary.Holder || got.Summary.Status != c.Summary.Status || *got.Summary.LastDay != *c.Summary.LastDay ||
		!got.Expires.Equal(c.Expires) || got.Summary.Fields[0] != "C1" || got.Summary.Fields[1] != nil || got.Summary.Fields[2] != int64(19000) {
		t.Errorf("read back %+v, want %+v", got, c)
	}
	// The typical person of DESIGN's table.
	if len(b) < 150 || len(b) > 210 {
		t.Errorf("a typical person takes %d bytes", len(b))
	}
}

func TestParseCredentialRefuses(t *testing.T) {
	t.Parallel()
	summary := func(changes map[int]any) map[int]any {
		s := map[int]any{0: 1, 1: 4, 2: "N", 3: "张三", 5: 19000, 7: 1 << 32}
		for k, v := range changes {
			if v == nil {
				delete(s, k)
			} else {
				s[k] = v
			}
		}
		return s
	}
	claims := func(changes map[int]any) []byte {
		c := map[int]any{4: 1800000000, 6: 1700000000, -70001: summary(nil)}
		for k, v := range changes {
			if v == nil {
				delete(c, k)
			} else {
				c[k] = v
			}
		}
		b, err := detcbor.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if _, err := ParseCredential(claims(nil)); err != nil {
		t.Fatalf("the smallest credential is refused: %v", err)
	}
	for name, b := range map[string][]byte{
		"empty":                    nil,
		"not a map":                {0x80},
		"trailing byte":            append(claims(nil), 0),
		"no expiry":                claims(map[int]any{4: nil}),
		"no time of signing":       claims(map[int]any{6: nil}),
		"ends before it begins":    claims(map[int]any{4: 1700000000}),
		"no summary":               claims(map[int]any{-70001: nil}),
		"unknown claim":            claims(map[int]any{7: 1}),
		"a device key":             claims(map[int]any{-70003: bytes.Repeat([]byte{2}, 33)}),
		"an empty device key":      claims(map[int]any{-70004: []byte{}}),
		"a document too":           claims(map[int]any{-70005: []any{"N", 1, make([]byte, 32), []string{}}}),
		"expiry as text":           claims(map[int]any{4: "1800000000"}),
		"expiry as a fraction":     claims(map[int]any{4: 1800000000.5}),
		"category 0":               claims(map[int]any{-70001: summary(map[int]any{1: 0})}),
		"category 1000":            claims(map[int]any{-70001: summary(map[int]any{1: 1000})}),
		"negative category":        claims(map[int]any{-70001: summary(map[int]any{1: -4})}),
		"schema 0":                 claims(map[int]any{-70001: summary(map[int]any{0: 0})}),
		"no schema":                claims(map[int]any{-70001: summary(map[int]any{0: nil})}),
		"no number":                claims(map[int]any{-70001: summary(map[int]any{2: nil})}),
		"empty number":             claims(map[int]any{-70001: summary(map[int]any{2: ""})}),
		"no holder":                claims(map[int]any{-70001: summary(map[int]any{3: nil})}),
		"no issue day":             claims(map[int]any{-70001: summary(map[int]any{5: nil})}),
		"no status":                claims(map[int]any{-70001: summary(map[int]any{7: nil})}),
		"empty masked id":          claims(map[int]any{-70001: summary(map[int]any{4: ""})}),
		"unknown summary key":      claims(map[int]any{-70001: summary(map[int]any{9: 1})}),
		"issue day out of range":   claims(map[int]any{-70001: summary(map[int]any{5: 1 << 40})}),
		"status index too high":    claims(map[int]any{-70001: summary(map[int]any{7: 1 << 20})}),
		"holder with a control":    claims(map[int]any{-70001: summary(map[int]any{3: "张\n三"})}),
		"holder with bidi":         claims(map[int]any{-70001: summary(map[int]any{3: "张\u202e三"})}),
		"holder with zero width":   claims(map[int]any{-70001: summary(map[int]any{3: "张\u200b三"})}),
		"holder not NFC":           claims(map[int]any{-70001: summary(map[int]any{3: "e\u0301"})}),
		"holder as bytes":          claims(map[int]any{-70001: summary(map[int]any{3: []byte("x")})}),
		"five fields":              claims(map[int]any{-70001: summary(map[int]any{8: []any{1, 2, 3, 4, 5}})}),
		"no fields, but an array":  claims(map[int]any{-70001: summary(map[int]any{8: []any{}})}),
		"a field that is empty":    claims(map[int]any{-70001: summary(map[int]any{8: []any{""}})}),
		"a field that is bytes":    claims(map[int]any{-70001: summary(map[int]any{8: []any{[]byte{1}}})}),
		"a field that is true":     claims(map[int]any{-70001: summary(map[int]any{8: []any{true}})}),
		"a field that is 1.5":      claims(map[int]any{-70001: summary(map[int]any{8: []any{1.5}})}),
		"a field that is an array": claims(map[int]any{-70001: summary(map[int]any{8: []any{[]any{1}}})}),
		"indefinite map":           append(append([]byte{0xbf}, claims(nil)[1:]...), 0xff),
		"a longer integer":         bytes.Replace(claims(nil), []byte{0x01, 0x04}, []byte{0x01, 0x18, 0x04}, 1),
		"keys out of order":        unhexBytes(t, "a2061a6553f100041a6b49d200"),
		"a key twice":              unhexBytes(t, "a4041a6b49d200041a6b49d200061a6553f10005f6"),
		"a tag":                    append([]byte{0xc1}, claims(nil)...),
		"last day null":            bytes.Replace(claims(map[int]any{-70001: summary(map[int]any{6: 20000})}), []byte{0x06, 0x19, 0x4e, 0x20}, []byte{0x06, 0xf6}, 1),
	} {
		if c, err := ParseCredential(b); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: ParseCredential(%x) = %+v, %v, want ErrMalformed", name, b, c, err)
		}
	}
}

func unhexBytes(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func TestPrintedCodeHasNoDeviceKey(t *testing.T) {
	t.Parallel()
	c := person()
	c.Device = newDevice(t, DeviceSM2).key
	if _, err := c.Sign(pkitest.NewKey(t)); !errors.Is(err, ErrMalformed) {
		t.Errorf("Sign = %v, want ErrMalformed", err)
	}
}

func TestPrintedExpiry(t *testing.T) {
	t.Parallel()
	day := func(s string) *civil.Day {
		d, err := civil.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		return &d
	}
	for _, tt := range []struct {
		name string
		last *civil.Day
		want time.Time
	}{
		{"ends with the licence", day("2029-04-30"), time.Date(2029, 4, 30, 15, 59, 59, 0, time.UTC)},
		{"long-term: twenty years", nil, signedAt.Add(MaxPrintedLife)},
		{"beyond twenty years", day("2099-01-01"), signedAt.Add(MaxPrintedLife)},
		{"licence already over", day("2020-01-01"), signedAt.Add(MaxPrintedLife)},
	} {
		if got := PrintedExpiry(signedAt, tt.last); !got.Equal(tt.want) {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestDocumentRoundTrip(t *testing.T) {
	t.Parallel()
	key := pkitest.NewKey(t)
	d := &Document{SignedAt: signedAt, Expires: signedAt.AddDate(20, 0, 0), Number: "皖政〔2024〕1号", Length: 12345, SM3: [32]byte{1}, Seals: []string{"34010000000001"}}
	b, err := d.Sign(key)
	if err != nil {
		t.Fatal(err)
	}
	m, err := cose.Parse(b)
	if err != nil || !m.Verify(pki.ObjectCodeDocument, key.Public()) || m.Verify(pki.ObjectCodeLicence, key.Public()) {
		t.Fatalf("the signature is not that of a document code: %v", err)
	}
	got, err := ParseDocument(m.Payload)
	if err != nil || got.Number != d.Number || got.Length != d.Length || got.SM3 != d.SM3 || len(got.Seals) != 1 {
		t.Errorf("read back %+v, %v, want %+v", got, err, d)
	}
	if _, err := ParseCredential(m.Payload); !errors.Is(err, ErrMalformed) {
		t.Errorf("a document's claims are read as a licence's: %v", err)
	}
	for name, change := range map[string]func(*Document){
		"no number":      func(d *Document) { d.Number = "" },
		"no length":      func(d *Document) { d.Length = 0 },
		"nil seals":      func(d *Document) { d.Seals = nil },
		"too many seals": func(d *Document) { d.Seals = make([]string, 9) },
		"hidden text":    func(d *Document) { d.Number = "a\u200b" },
		"ends at once":   func(d *Document) { d.Expires = d.SignedAt },
	} {
		wrong := *d
		change(&wrong)
		if _, err := wrong.Sign(key); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: Sign = %v, want ErrMalformed", name, err)
		}
	}
}

func FuzzParseCredential(f *testing.F) {
	payload, err := person().Payload()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(payload)
	f.Add(payload[:20])
	f.Add([]byte{0xbf, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := ParseCredential(b)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Errorf("error %v does not wrap ErrMalformed", err)
			}
			return
		}
		again, err := c.Payload()
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("accepted %x, which is not the one encoding %x (%v)", b, again, err)
		}
	})
}
