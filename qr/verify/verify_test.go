package verify_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/internal/trusttest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cose"
	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/qr"
	"github.com/elicence/elicence/qr/trust"
	"github.com/elicence/elicence/qr/verify"
)

var now = time.Date(2024, 5, 1, 8, 0, 0, 0, time.UTC)

func verifier(tb testing.TB, d *trusttest.Domain, at time.Time) *verify.Verifier {
	tb.Helper()
	clock := func() time.Time { return at }
	cache, err := trust.Load(d.Files(tb), trust.Options{Second: second.Opinion{}, Now: clock})
	if err != nil {
		tb.Fatal(err)
	}
	return verify.New(cache, verify.Options{Second: second.Opinion{}, Now: clock})
}

// signAs signs a credential's payload as another kind of object.
func signAs(tb testing.TB, object pki.Object, kind qr.Kind, payload []byte, key *pki.Key) string {
	tb.Helper()
	b, err := cose.Sign(object, key, payload)
	if err != nil {
		tb.Fatal(err)
	}
	digits, err := qr.Encode(kind, b)
	if err != nil {
		tb.Fatal(err)
	}
	return digits
}

// TestVerdicts has one row for every way to a verdict.
func TestVerdicts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		domain func(*trusttest.Domain)
		change func(*qr.Credential)
		code   func(testing.TB, *trusttest.Domain) string // instead of a credential
		after  time.Duration                              // of the scan after the files
		want   verify.Verdict
		cause  string
	}{
		{name: "good", want: verify.Valid},
		{name: "last hour of freshness", after: 24*time.Hour - time.Second, want: verify.Valid},
		{name: "status a day old", after: 24*time.Hour + time.Second, want: verify.ValidStale, cause: "status as of 2024-05-01T08:00:00Z"},
		{name: "status three days old", after: 72*time.Hour + time.Second, want: verify.NoData, cause: "too old"},
		{name: "revoked", domain: func(d *trusttest.Domain) { d.Set.Revoked.Set(77) }, want: verify.Revoked},
		{name: "revoked and suspended", domain: func(d *trusttest.Domain) { d.Set.Revoked.Set(77); d.Set.Suspended.Set(77) }, want: verify.Revoked},
		{name: "suspended", domain: func(d *trusttest.Domain) { d.Set.Suspended.Set(77) }, want: verify.Suspended},
		{name: "revoked and expired", domain: func(d *trusttest.Domain) { d.Set.Revoked.Set(77) }, change: expire, want: verify.Revoked},
		{name: "a neighbour is revoked", domain: func(d *trusttest.Domain) { d.Set.Revoked.Set(76); d.Set.Revoked.Set(78) }, want: verify.Valid},
		{name: "index never given out", domain: func(d *trusttest.Domain) { d.Set.High = 77 }, want: verify.NotIssued},
		{name: "index of a later window, signed in the data's second", domain: func(d *trusttest.Domain) { d.Set.High = 77 },
			change: func(c *qr.Credential) { c.SignedAt = now }, want: verify.NoData, cause: "issued after this terminal's data"},
		{name: "index of a later window, signed the second before the data", domain: func(d *trusttest.Domain) { d.Set.High = 77 },
			change: func(c *qr.Credential) { c.SignedAt = now.Add(-time.Second) }, want: verify.NotIssued},
		{name: "index of a later window, signed after the data", domain: func(d *trusttest.Domain) { d.Set.High = 77 },
			change: func(c *qr.Credential) { c.SignedAt = now.Add(time.Minute) }, after: 2 * time.Minute, want: verify.NoData, cause: "issued after this terminal's data"},
		{name: "expired", change: expire, want: verify.Expired, cause: "last day was 2024-04-30"},
		{name: "last day", change: func(c *qr.Credential) { c.Summary.LastDay = dayOf(now) }, want: verify.Valid},
		{name: "last second of the last day", change: func(c *qr.Credential) { c.Summary.LastDay = dayOf(now) }, after: 8*time.Hour - time.Second, want: verify.Valid},
		{name: "first second after the last day", change: func(c *qr.Credential) { c.Summary.LastDay = dayOf(now) }, after: 8 * time.Hour, want: verify.Expired},
		{name: "long-term", change: func(c *qr.Credential) { c.Summary.LastDay = nil }, want: verify.Valid},
		{name: "signature over, licence not", change: func(c *qr.Credential) { c.Expires = now.Add(time.Hour) }, after: 2 * time.Hour, want: verify.Expired, cause: "print again"},
		{name: "not yet valid", change: func(c *qr.Credential) { c.Summary.FirstDay = *dayOf(now) + 1 }, want: verify.NotYetValid, cause: "valid from 2024-05-02"},
		{name: "first second of the first day", change: func(c *qr.Credential) { c.Summary.FirstDay = *dayOf(now) + 1 }, after: 8 * time.Hour, want: verify.Valid},
		{name: "signed in the future", change: func(c *qr.Credential) { c.SignedAt = now.Add(10 * time.Minute) }, want: verify.Clock, cause: "600 seconds"},
		{name: "signed five minutes ahead", change: func(c *qr.Credential) { c.SignedAt = now.Add(5 * time.Minute) }, want: verify.Valid},
		{name: "a category that the issuer may not issue", change: func(c *qr.Credential) { c.Summary.Category = 5; c.Summary.Fields = nil }, want: verify.OutOfScope, cause: "005"},
		{name: "a status list of nobody", change: func(c *qr.Credential) { c.Summary.Status = 2<<32 | 77 }, want: verify.OutOfScope},
		{name: "signed before its list was in use", change: func(c *qr.Credential) { c.SignedAt = now.Add(-25 * time.Hour) }, want: verify.OutOfScope},
		{name: "signed after its list was closed", domain: func(d *trusttest.Domain) { d.Trust.Issuers[0].Lists[0].Until = now.Unix() - 7200 }, want: verify.OutOfScope},
		{name: "a longer life than the key may give", domain: func(d *trusttest.Domain) { d.Trust.Issuers[0].Kinds[0].Seconds = 60 }, want: verify.OutOfScope},
		{name: "a key that may not sign printed codes", domain: func(d *trusttest.Domain) { d.Trust.Issuers[0].Kinds = d.Trust.Issuers[0].Kinds[1:] }, want: verify.OutOfScope},
		{name: "a category that is only shown live", domain: func(d *trusttest.Domain) { d.Catalogue.Categories[0].Kinds = []uint64{2, 3} }, want: verify.OutOfScope, cause: "show it live"},
		{name: "a schema that the terminal does not know", change: func(c *qr.Credential) { c.Summary.Schema = 2 }, want: verify.NoData, cause: "field list"},
		{name: "a key compromised", domain: func(d *trusttest.Domain) { d.Trust.Issuers[0].State = trust.IssuerCompromised }, want: verify.Untrusted, cause: "compromised"},
		{name: "a key retired", domain: func(d *trusttest.Domain) { d.Trust.Issuers[0].State = trust.IssuerRetired }, want: verify.Valid},
		{name: "one field too few", change: func(c *qr.Credential) { c.Summary.Fields = c.Summary.Fields[:1] }, want: verify.Malformed},
		{name: "a number where text belongs", change: func(c *qr.Credential) { c.Summary.Fields[0] = int64(1) }, want: verify.Malformed},
		{name: "text where a date belongs", change: func(c *qr.Credential) { c.Summary.Fields[1] = "2020-01-01" }, want: verify.Malformed},
		// Of two faults the first in the order of the verdicts is told.
		{name: "a forged signature under a compromised key", domain: func(d *trusttest.Domain) { d.Trust.Issuers[0].State = trust.IssuerCompromised },
			code: forged, want: verify.Untrusted, cause: "compromised"},
		{name: "a forged signature of what is revoked", domain: func(d *trusttest.Domain) { d.Set.Revoked.Set(77) }, code: forged, want: verify.Tampered},
		{name: "out of scope and revoked", domain: func(d *trusttest.Domain) { d.Trust.Issuers[0].Kinds[0].Seconds = 60; d.Set.Revoked.Set(77) }, want: verify.OutOfScope},
		{name: "never given out and expired", domain: func(d *trusttest.Domain) { d.Set.High = 77 }, change: expire, want: verify.NotIssued},
		{name: "suspended and in the future", domain: func(d *trusttest.Domain) { d.Set.Suspended.Set(77) },
			change: func(c *qr.Credential) { c.SignedAt = now.Add(10 * time.Minute) }, want: verify.Suspended},
		{name: "in the future and not yet valid", change: func(c *qr.Credential) { c.SignedAt = now.Add(10 * time.Minute); c.Summary.FirstDay = *dayOf(now) + 1 }, want: verify.Clock},
		{name: "not yet valid and status too old", change: func(c *qr.Credential) { c.Summary.FirstDay = *dayOf(now) + 9 }, after: 72*time.Hour + time.Second, want: verify.NotYetValid},
		{name: "expired and status too old", change: expire, after: 72*time.Hour + time.Second, want: verify.Expired},
		{name: "this clock four minutes behind the last signed time", change: func(c *qr.Credential) { c.SignedAt = now.Add(4 * time.Minute) }, after: -4 * time.Minute, want: verify.Valid},
		{name: "fields left out", change: func(c *qr.Credential) { c.Summary.Fields = []any{nil, nil} }, want: verify.Valid},
		{name: "an unknown key", code: func(tb testing.TB, d *trusttest.Domain) string {
			return trusttest.Code(tb, d.Credential(now.Add(-time.Hour)), pkitest.NewKey(tb))
		}, want: verify.Untrusted},
		{name: "the service's key for a licence", code: func(tb testing.TB, d *trusttest.Domain) string {
			return trusttest.Code(tb, d.Credential(now.Add(-time.Hour)), d.CodeKey)
		}, want: verify.Untrusted},
		{name: "a licence's signed form as a code", code: func(tb testing.TB, d *trusttest.Domain) string {
			return signAs(tb, pki.ObjectLicence, qr.KindLicence, payload(tb, d), d.IssuerKey)
		}, want: verify.Tampered},
		{name: "a holder's credential as a printed code", code: func(tb testing.TB, d *trusttest.Domain) string {
			return signAs(tb, pki.ObjectCodeHolder, qr.KindLicence, payload(tb, d), d.IssuerKey)
		}, want: verify.Tampered},
		{name: "well signed nonsense", code: func(tb testing.TB, d *trusttest.Domain) string {
			return signAs(tb, pki.ObjectCodeLicence, qr.KindLicence, []byte("nonsense"), d.IssuerKey)
		}, want: verify.Malformed},
		{name: "a device key in a printed code", code: func(tb testing.TB, d *trusttest.Domain) string {
			c := d.Credential(now.Add(-time.Hour))
			c.Device = trusttest.NewDevice(tb, qr.DeviceSM2).Key
			b, err := c.Payload()
			if err != nil {
				tb.Fatal(err)
			}
			return signAs(tb, pki.ObjectCodeLicence, qr.KindLicence, b, d.IssuerKey)
		}, want: verify.Malformed},
		{name: "a printed code called a document's", code: func(tb testing.TB, d *trusttest.Domain) string {
			return signAs(tb, pki.ObjectCodeLicence, qr.KindDocument, payload(tb, d), d.IssuerKey)
		}, want: verify.Untrusted},
		{name: "kind 2 of no shape", code: func(tb testing.TB, d *trusttest.Domain) string {
			return signAs(tb, pki.ObjectCodeHolder, qr.KindHolder, payload(tb, d), d.IssuerKey)
		}, want: verify.Malformed},
		{name: "no code at all", code: func(testing.TB, *trusttest.Domain) string { return "https://example.org/" }, want: verify.Malformed},
		{name: "empty", code: func(testing.TB, *trusttest.Domain) string { return "" }, want: verify.Malformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := trusttest.New(t, now)
			if tt.domain != nil {
				tt.domain(d)
			}
			var code string
			if tt.code != nil {
				code = tt.code(t, d)
			} else {
				c := d.Credential(now.Add(-time.Hour))
				if tt.change != nil {
					tt.change(c)
				}
				code = trusttest.Code(t, c, d.IssuerKey)
			}
			r := verifier(t, d, now.Add(tt.after)).Text(code)
			if r.Verdict != tt.want || !strings.Contains(r.Cause, tt.cause) {
				t.Errorf("verdict %s (%s), want %s (%s)", r.Verdict, r.Cause, tt.want, tt.cause)
			}
			if r.Cause == "" {
				t.Error("no cause is given")
			}
			switch r.Verdict {
			case verify.Malformed, verify.Tampered, verify.Untrusted:
				if r.Holder != nil || r.Number != nil || len(r.Fields) > 0 {
					t.Error("a claim is shown that nobody trusted has signed")
				}
			}
		})
	}
}

// forged is a code whose signature is well formed and wrong.
func forged(tb testing.TB, d *trusttest.Domain) string {
	tb.Helper()
	kind, b, err := qr.Decode(trusttest.Code(tb, d.Credential(now.Add(-time.Hour)), d.IssuerKey))
	if err != nil {
		tb.Fatal(err)
	}
	b[len(b)-1] ^= 1
	digits, err := qr.Encode(kind, b)
	if err != nil {
		tb.Fatal(err)
	}
	return digits
}

func payload(tb testing.TB, d *trusttest.Domain) []byte {
	tb.Helper()
	b, err := d.Credential(now.Add(-time.Hour)).Payload()
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func dayOf(t time.Time) *civil.Day {
	d := civil.Of(t)
	return &d
}

func expire(c *qr.Credential) {
	c.Summary.FirstDay -= 100
	c.Summary.LastDay = dayOf(now.AddDate(0, 0, -1))
}

// TestEveryBit flips every bit of the bytes of a printed code, and every third of one of
// each other kind, and makes the check digits anew, as a forger would.
func TestEveryBit(t *testing.T) {
	t.Parallel()
	d := trusttest.New(t, now)
	v := verifier(t, d, now)
	for _, c := range benchCases(t, d) {
		kind, b, err := qr.Decode(c.code)
		if err != nil {
			t.Fatal(err)
		}
		if r := v.Text(c.code); r.Verdict != verify.Valid {
			t.Fatalf("%s: %s (%s)", c.name, r.Verdict, r.Cause)
		}
		name := strings.Index(string(b), "张样例")
		counts := make(map[verify.Verdict]int)
		step := map[bool]int{true: 1, false: 3}[kind == qr.KindLicence]
		for bit := 0; bit < 8*len(b); bit += step {
			b[bit/8] ^= 1 << (bit % 8)
			digits, err := qr.Encode(kind, b)
			if err != nil {
				t.Fatal(err)
			}
			b[bit/8] ^= 1 << (bit % 8)
			r := v.Text(digits)
			counts[r.Verdict]++
			inName := bit/8 >= name && bit/8 < name+len("张样例")
			inSignature := bit/8 >= len(b)-64
			if (inName || inSignature) && r.Verdict != verify.Tampered {
				t.Errorf("%s: bit %d of the name or the signature: %s (%s), want tampered", c.name, bit, r.Verdict, r.Cause)
			}
			switch r.Verdict {
			case verify.Tampered, verify.Malformed, verify.Untrusted:
			default:
				t.Errorf("%s: bit %d: %s (%s)", c.name, bit, r.Verdict, r.Cause)
			}
		}
		if counts[verify.Tampered] < 8*(64+9)/step {
			t.Errorf("%s: counts %v", c.name, counts)
		}
	}
}

func TestDocumentCode(t *testing.T) {
	t.Parallel()
	d := trusttest.New(t, now)
	document := &qr.Document{SignedAt: now, Expires: now.AddDate(1, 0, 0), Number: "皖文〔2024〕1号", Length: 9, SM3: [32]byte{7}, Seals: []string{"34010000000001"}}
	code := func(key *pki.Key) string {
		t.Helper()
		b, err := document.Sign(key)
		if err != nil {
			t.Fatal(err)
		}
		digits, err := qr.Encode(qr.KindDocument, b)
		if err != nil {
			t.Fatal(err)
		}
		return digits
	}
	r := verifier(t, d, now).Text(code(d.CodeKey))
	if r.Verdict != verify.Valid || r.Document == nil || r.Document.Number != document.Number || r.Document.Digest != document.SM3 || r.Category != nil {
		t.Errorf("%+v", r)
	}
	if r := verifier(t, d, now).Text(code(d.IssuerKey)); r.Verdict != verify.Untrusted {
		t.Errorf("a document code by an issuer: %s, want untrusted", r.Verdict)
	}
	if r := verifier(t, d, now.AddDate(0, 1, 0)).Text(code(d.CodeKey)); r.Verdict != verify.Valid {
		t.Errorf("with old status data, which a document does not need: %s", r.Verdict)
	}
	document.Expires = now.Add(time.Minute)
	if r := verifier(t, d, now.Add(time.Hour)).Text(code(d.CodeKey)); r.Verdict != verify.Expired {
		t.Errorf("after its end: %s, want expired", r.Verdict)
	}
}

// opinion answers always the same.
type opinion struct {
	accepts bool
	err     error
}

func (o opinion) Verify(pki.Point, []byte, pki.Signature) (bool, error) { return o.accepts, o.err }

func TestDisagreement(t *testing.T) {
	t.Parallel()
	d := trusttest.New(t, now)
	cache, err := trust.Load(d.Files(t), trust.Options{Second: second.Opinion{}, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	digits := forged(t, d) // the fast implementation refuses it
	for _, tt := range []struct {
		name   string
		second pki.SecondOpinion
		want   verify.Verdict
		cause  string
		told   int
	}{
		{"both refuse", opinion{}, verify.Tampered, "", 0},
		{"the second accepts", opinion{accepts: true}, verify.NoData, "implementations disagree", 1},
		{"the second is busy", opinion{err: pki.ErrBusy}, verify.NoData, "busy", 0},
		{"no second", nil, verify.Tampered, "", 0},
	} {
		var told []string
		v := verify.New(cache, verify.Options{Second: tt.second, Now: func() time.Time { return now }, Disagree: func(digits string) { told = append(told, digits) }})
		r := v.Text(digits)
		if r.Verdict != tt.want || !strings.Contains(r.Cause, tt.cause) || len(told) != tt.told {
			t.Errorf("%s: %s (%s), told %d times; want %s (%s), %d", tt.name, r.Verdict, r.Cause, len(told), tt.want, tt.cause, tt.told)
		}
	}
}

func TestWithoutCache(t *testing.T) {
	t.Parallel()
	d := trusttest.New(t, now)
	v := verify.Without(errors.New("the root is not the pinned one"), verify.Options{Now: time.Now})
	if r := v.Text(trusttest.Code(t, d.Credential(now), d.IssuerKey)); r.Verdict != verify.NoData || r.CauseCode != verify.CauseDataUnusable || !strings.HasSuffix(r.Cause, ": the root is not the pinned one") {
		t.Errorf("%s (%s)", r.Verdict, r.Cause)
	}
	if r := v.Text("12"); r.Verdict != verify.Malformed {
		t.Errorf("a misread without a cache: %s, want malformed", r.Verdict)
	}
}

// TestJSON pins the contract of hallscan --json.
func TestJSON(t *testing.T) {
	t.Parallel()
	d := trusttest.New(t, now)
	v := verifier(t, d, now)
	r := v.Text("https://localhost/v#" + trusttest.Code(t, d.Credential(now.Add(-time.Hour)), d.IssuerKey) + "\r\n")
	r.TookMicros = 0
	got, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"verdict":"valid","cause_code":"in_order","cause":"signature, scope, status and dates are in order",` +
		`"cause_zh":"签名、范围、状态和日期均相符","next_en":"Check that this is the holder","next_zh":"请核对持证人","kind":1,"pinned":false,` +
		`"category":"004","category_name":"机动车驾驶证","holder":"张样例","id_masked":"34************0012","number":"34************0012",` +
		`"issuer":"测试局","valid_from":"2024-05-01","valid_until":"2025-05-01","fields":{"firstIssueDate":"2010-01-01","vehicleClass":"C1"},` +
		`"document":null,"trust_version":1,"status_as_of":"2024-05-01T08:00:00Z","took_us":0}`
	if string(got) != want {
		t.Errorf("JSON\n got %s\nwant %s", got, want)
	}
	bad := v.Text("12")
	bad.TookMicros = 0
	got, err = json.Marshal(bad)
	if err != nil {
		t.Fatal(err)
	}
	const wantBad = `{"verdict":"malformed","cause_code":"length","cause":"cut off, or not a code of ours: 2 digits are too few",` +
		`"cause_zh":"码不完整，或不是本系统的码","next_en":"Scan the whole code again","next_zh":"请完整地重新扫描","kind":null,"pinned":false,"category":null,"category_name":null,` +
		`"holder":null,"id_masked":null,"number":null,"issuer":null,"valid_from":null,"valid_until":null,"fields":{},"document":null,` +
		`"trust_version":1,"status_as_of":"2024-05-01T08:00:00Z","took_us":0}`
	if string(got) != wantBad {
		t.Errorf("JSON\n got %s\nwant %s", got, wantBad)
	}
}

func TestWordings(t *testing.T) {
	t.Parallel()
	seen := make(map[string]verify.Verdict)
	for _, v := range verify.Verdicts() {
		w := v.Wording()
		if w.ZH == "" || w.EN == "" || w.NextZH == "" || w.NextEN == "" || w.Symbol == "" || w.Colour == "" {
			t.Errorf("%s has no full wording: %+v", v, w)
		}
		if other, twice := seen[w.ZH]; twice {
			t.Errorf("%s and %s are worded alike", v, other)
		}
		seen[w.ZH] = v
		if good := v == verify.Valid; good != (w.Colour == verify.Green) {
			t.Errorf("%s is %s", v, w.Colour)
		}
	}
	if verify.Malformed.Wording().Colour == verify.Red || verify.NoData.Wording().Colour == verify.Red {
		t.Error("a misread or missing data is shown as a refusal of the citizen")
	}
}

func FuzzText(f *testing.F) {
	d := trusttest.New(f, now)
	v := verifier(f, d, now)
	good := trusttest.Code(f, d.Credential(now.Add(-time.Hour)), d.IssuerKey)
	f.Add(good)
	f.Add("https://localhost/v#" + good)
	f.Add("1100000000")
	f.Fuzz(func(t *testing.T, scanned string) {
		r := v.Text(scanned)
		if r.Accepted() && qr.Scanned(scanned) != good {
			t.Errorf("%q is accepted", scanned)
		}
	})
}

// FuzzBytes feeds the bytes of a code of any kind, with good check digits.
func FuzzBytes(f *testing.F) {
	d := trusttest.New(f, now)
	v := verifier(f, d, now)
	device := trusttest.NewDevice(f, qr.DeviceP256)
	credential := trusttest.SignedForDevice(f, d.ForDevice(now.Add(-time.Hour), device), d.IssuerKey)
	good := make(map[string]bool)
	for _, code := range []string{
		trusttest.Code(f, d.Credential(now.Add(-time.Hour)), d.IssuerKey),
		device.Present(f, credential, now, nil),
		device.Present(f, credential, now, &qr.Challenge{Hall: "甲厅"}),
		trusttest.ShownCode(f, d.Shown(now, qr.Choice{Holder: true, Fields: []bool{true}}), d.ShownKey),
	} {
		kind, b, err := qr.Decode(code)
		if err != nil {
			f.Fatal(err)
		}
		good[code] = true
		f.Add(int(kind), b)
	}
	f.Fuzz(func(t *testing.T, kind int, b []byte) {
		digits, err := qr.Encode(qr.Kind(kind), b)
		if err != nil {
			return
		}
		if r := v.Text(digits); r.Accepted() && !good[digits] {
			t.Errorf("kind %d, %x is accepted", kind, b)
		}
	})
}
