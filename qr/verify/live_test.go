package verify_test

import (
	"bytes"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/internal/trusttest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cose"
	"github.com/elicence/elicence/qr"
	"github.com/elicence/elicence/qr/trust"
	"github.com/elicence/elicence/qr/verify"
)

// remembering is a verifier with a memory of what was shown, over a clock that the test
// moves.
func remembering(tb testing.TB, d *trusttest.Domain, memory verify.Replays, clock *time.Time) *verify.Verifier {
	tb.Helper()
	now := func() time.Time { return *clock }
	cache, err := trust.Load(d.Files(tb), trust.Options{Now: now})
	if err != nil {
		tb.Fatal(err)
	}
	return verify.New(cache, verify.Options{Now: now, Replays: memory})
}

// TestPresentedVerdicts has one row for every way of a code of kind 2 to a verdict.
func TestPresentedVerdicts(t *testing.T) {
	t.Parallel()
	signedAt := now.Add(-time.Hour)
	for _, tt := range []struct {
		name      string
		domain    func(*trusttest.Domain)
		change    func(*qr.Credential)
		at        time.Duration // of the presentation, after the terminal's clock
		challenge *qr.Challenge
		code      func(tb testing.TB, d *trusttest.Domain, device *trusttest.Device, credential []byte) string // instead of Present
		after     time.Duration                                                                                // of the scan after the files
		want      verify.Verdict
		cause     string
	}{
		{name: "good", want: verify.Valid},
		{name: "the window's end in the past", at: -90 * time.Second, want: verify.Valid},
		{name: "the window's end in the future", at: 90 * time.Second, want: verify.Valid},
		{name: "a second too late", at: -91 * time.Second, want: verify.Clock, cause: "91 seconds in this terminal's past"},
		{name: "a second too early", at: 91 * time.Second, want: verify.Clock, cause: "91 seconds in this terminal's future"},
		{name: "a phone in another time zone", at: 8 * time.Hour, want: verify.Clock, cause: "8 hours in this terminal's future"},
		{name: "a window of its own", domain: func(d *trusttest.Domain) { d.Catalogue.Categories[0].Window = 10 }, at: -11 * time.Second, want: verify.Clock},
		{name: "a category that is not shown so", domain: func(d *trusttest.Domain) { d.Catalogue.Categories[0].Kinds = []uint64{1} }, want: verify.OutOfScope, cause: "do not count in this form"},
		{name: "a key that may sign printed codes only", domain: func(d *trusttest.Domain) { d.Trust.Issuers[0].Kinds = d.Trust.Issuers[0].Kinds[:1] }, want: verify.OutOfScope, cause: "kind and life"},
		{name: "a shorter life for the key", domain: func(d *trusttest.Domain) { d.Trust.Issuers[0].Kinds[1].Seconds = 60 }, want: verify.OutOfScope, cause: "kind and life"},
		{name: "no devices are taken", domain: func(d *trusttest.Domain) { d.Trust.Devices = nil }, want: verify.OutOfScope, cause: "devices that sign with"},
		{name: "revoked", domain: func(d *trusttest.Domain) { d.Set.Revoked.Set(78) }, want: verify.Revoked},
		{name: "suspended, and from the past", domain: func(d *trusttest.Domain) { d.Set.Suspended.Set(78) }, at: -time.Hour, want: verify.Suspended},
		{name: "another index of the licence is revoked", domain: func(d *trusttest.Domain) { d.Set.Revoked.Set(77) }, want: verify.Valid},
		{name: "a compromised issuer", domain: func(d *trusttest.Domain) { d.Trust.Issuers[0].State = trust.IssuerCompromised }, want: verify.Untrusted},
		{name: "the licence is over", change: expire, want: verify.Expired, cause: "last day"},
		{name: "the credential is over", change: func(c *qr.Credential) { c.Expires = now.Add(-time.Second) }, want: verify.Expired, cause: "credential has ended"},
		{name: "the credential is over, and from the past", change: func(c *qr.Credential) { c.Expires = now.Add(-time.Second) }, at: -time.Hour, want: verify.Clock},
		{name: "signed in the future", change: func(c *qr.Credential) { c.SignedAt = now.Add(10 * time.Minute) }, want: verify.Clock, cause: "600 seconds"},
		{name: "status data of two days", after: 48 * time.Hour, want: verify.ValidStale},
		{name: "status data of four days", after: 96 * time.Hour, want: verify.NoData, cause: "too old"},
		{name: "an answer that nobody asked for", challenge: &qr.Challenge{Hall: "乙厅"}, want: verify.Replayed, cause: "counts only there"},
		{name: "another device", code: func(tb testing.TB, _ *trusttest.Domain, device *trusttest.Device, credential []byte) string {
			other := trusttest.NewDevice(tb, device.Key.Algorithm())
			return unassembled(tb, other, credential, now)
		}, want: verify.Tampered, cause: "not shown by the phone"},
		{name: "another issuer", code: func(tb testing.TB, d *trusttest.Domain, device *trusttest.Device, _ []byte) string {
			return device.Present(tb, trusttest.SignedForDevice(tb, d.ForDevice(signedAt, device), pkitest.NewKey(tb)), now, nil)
		}, want: verify.Untrusted},
		{name: "another device, and revoked", domain: func(d *trusttest.Domain) { d.Set.Revoked.Set(78) },
			code: func(tb testing.TB, _ *trusttest.Domain, device *trusttest.Device, credential []byte) string {
				return unassembled(tb, trusttest.NewDevice(tb, device.Key.Algorithm()), credential, now)
			}, want: verify.Tampered},
		{name: "the credential as a printed code", code: func(tb testing.TB, _ *trusttest.Domain, _ *trusttest.Device, credential []byte) string {
			return encode(tb, qr.KindLicence, credential)
		}, want: verify.Tampered},
		{name: "the credential as a code of the service", code: func(tb testing.TB, _ *trusttest.Domain, _ *trusttest.Device, credential []byte) string {
			return encode(tb, qr.KindService, credential)
		}, want: verify.Untrusted},
		{name: "a printed credential, presented", code: func(tb testing.TB, d *trusttest.Domain, device *trusttest.Device, _ []byte) string {
			b, err := d.Credential(signedAt).Sign(d.IssuerKey)
			if err != nil {
				tb.Fatal(err)
			}
			return unassembled(tb, device, b, now)
		}, want: verify.Tampered},
		{name: "a printed credential, signed for a device", code: func(tb testing.TB, d *trusttest.Domain, device *trusttest.Device, _ []byte) string {
			b, err := cose.Sign(pki.ObjectCodeHolder, d.IssuerKey, payload(tb, d))
			if err != nil {
				tb.Fatal(err)
			}
			return unassembled(tb, device, b, now)
		}, want: verify.Malformed, cause: "must carry its key"},
		{name: "a credential of 31 days", code: func(tb testing.TB, d *trusttest.Domain, device *trusttest.Device, _ []byte) string {
			c := d.ForDevice(signedAt, device)
			c.Expires = c.Expires.Add(24 * time.Hour)
			d.Trust.Issuers[0].Kinds[1].Seconds *= 2
			return device.Present(tb, signedPayload(tb, c, d.IssuerKey), now, nil)
		}, want: verify.OutOfScope, cause: "kind and life"},
		{name: "without fields that the category has", change: func(c *qr.Credential) { c.Summary.Fields = nil }, want: verify.Malformed},
	} {
		for _, algorithm := range []qr.DeviceAlgorithm{qr.DeviceSM2, qr.DeviceP256} {
			t.Run(tt.name+"/"+algorithm.String(), func(t *testing.T) {
				t.Parallel()
				d, device := trusttest.New(t, now), trusttest.NewDevice(t, algorithm)
				if tt.domain != nil {
					tt.domain(d)
				}
				c := d.ForDevice(signedAt, device)
				if tt.change != nil {
					tt.change(c)
				}
				credential := trusttest.SignedForDevice(t, c, d.IssuerKey)
				clock := now.Add(tt.after)
				var code string
				if tt.code != nil {
					code = tt.code(t, d, device, credential)
				} else {
					code = device.Present(t, credential, clock.Add(tt.at), tt.challenge)
				}
				r := remembering(t, d, verify.NewMemory(10), &clock).Text(code)
				if r.Verdict != tt.want || !strings.Contains(r.Cause, tt.cause) {
					t.Errorf("verdict %s (%s), want %s (%s)", r.Verdict, r.Cause, tt.want, tt.cause)
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
}

// unassembled is a presentation that [qr.Presentation.Assemble] would refuse.
func unassembled(tb testing.TB, device *trusttest.Device, credential []byte, at time.Time) string {
	tb.Helper()
	p := &qr.Presentation{Credential: credential, At: at}
	message, err := p.ToBeSigned()
	if err != nil {
		tb.Fatal(err)
	}
	// ["elicence/present/1", items…] becomes [items…, signature].
	body := message[1+1+len(pki.ObjectPresent):]
	signature := device.Key.Normal(device.Sign(message))
	return encode(tb, qr.KindHolder, append(append(append([]byte{0x85}, body...), 0x58, 64), signature[:]...))
}

func encode(tb testing.TB, kind qr.Kind, b []byte) string {
	tb.Helper()
	digits, err := qr.Encode(kind, b)
	if err != nil {
		tb.Fatal(err)
	}
	return digits
}

// signedPayload signs a credential for a device without the bounds of SignForDevice.
func signedPayload(tb testing.TB, c *qr.Credential, key *pki.Key) []byte {
	tb.Helper()
	payload, err := c.Payload()
	if err != nil {
		tb.Fatal(err)
	}
	b, err := cose.Sign(pki.ObjectCodeHolder, key, payload)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// TestShownVerdicts has one row for every way of a code of kind 3 to a verdict.
func TestShownVerdicts(t *testing.T) {
	t.Parallel()
	all := qr.Choice{Number: true, Holder: true, MaskedID: true, Validity: true, Status: true, Fields: []bool{true, true}}
	for _, tt := range []struct {
		name   string
		domain func(*trusttest.Domain)
		choice *qr.Choice // nil: all
		change func(*qr.Shown)
		key    func(*trusttest.Domain) *pki.Key // nil: the right one
		after  time.Duration                    // of the scan after the code
		want   verify.Verdict
		cause  string
	}{
		{name: "everything", want: verify.Valid},
		{name: "nothing but the category", choice: new(qr.Choice), want: verify.Valid},
		{name: "the last second of its life", after: 60 * time.Second, want: verify.Valid},
		{name: "a second after its life", after: 61 * time.Second, want: verify.Expired, cause: "60 seconds"},
		{name: "five minutes ahead", after: -5 * time.Minute, want: verify.Valid},
		{name: "five minutes and a second ahead", change: func(s *qr.Shown) {
			s.SignedAt, s.Expires = s.SignedAt.Add(301*time.Second), s.Expires.Add(301*time.Second)
		}, want: verify.Clock},
		{name: "revoked", domain: func(d *trusttest.Domain) { d.Set.Revoked.Set(77) }, want: verify.Revoked},
		{name: "revoked, without its place", domain: func(d *trusttest.Domain) { d.Set.Revoked.Set(77) }, choice: &qr.Choice{Holder: true}, want: verify.Valid},
		{name: "an index that was never given out, of a code newer than the data", domain: func(d *trusttest.Domain) { d.Set.High = 77 }, after: time.Second, change: func(s *qr.Shown) { s.SignedAt = s.SignedAt.Add(time.Second) }, want: verify.NoData},
		{name: "the licence is over", change: func(s *qr.Shown) {
			s.Chosen.Validity.FirstDay, s.Chosen.Validity.LastDay = *dayOf(now)-9, dayOf(now.AddDate(0, 0, -1))
		}, want: verify.Expired, cause: "last day"},
		{name: "not yet valid", change: func(s *qr.Shown) { s.Chosen.Validity.FirstDay++ }, want: verify.NotYetValid},
		{name: "a category that is not shown so", domain: func(d *trusttest.Domain) { d.Catalogue.Categories[0].Kinds = []uint64{1, 2} }, want: verify.OutOfScope, cause: "do not count in this form"},
		{name: "a shorter life for the key", domain: func(d *trusttest.Domain) { d.Trust.Services[1].Kinds[0].Seconds = 59 }, want: verify.OutOfScope, cause: "kind and life"},
		{name: "before the key came into use", domain: func(d *trusttest.Domain) { d.Trust.Services[1].From = now.Unix() + 1 }, want: verify.OutOfScope, cause: "in use"},
		{name: "by the service for documents", key: func(d *trusttest.Domain) *pki.Key { return d.CodeKey }, want: verify.OutOfScope, cause: "kind and life"},
		{name: "by an issuing authority", key: func(d *trusttest.Domain) *pki.Key { return d.IssuerKey }, want: verify.Untrusted, cause: "no service"},
		{name: "another field list", change: func(s *qr.Shown) { s.Chosen.Schema = 2 }, want: verify.NoData, cause: "field list"},
		{name: "one field of two", change: func(s *qr.Shown) { s.Chosen.Fields = s.Chosen.Fields[:1] }, want: verify.Malformed},
		{name: "a number where text belongs", change: func(s *qr.Shown) { s.Chosen.Fields = []any{int64(1), nil} }, want: verify.Malformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := trusttest.New(t, now)
			if tt.domain != nil {
				tt.domain(d)
			}
			choice := all
			if tt.choice != nil {
				choice = *tt.choice
			}
			s := d.Shown(now, choice)
			if tt.change != nil {
				tt.change(s)
			}
			key := d.ShownKey
			if tt.key != nil {
				key = tt.key(d)
			}
			clock := now.Add(tt.after)
			r := remembering(t, d, verify.NewMemory(10), &clock).Text(trusttest.ShownCode(t, s, key))
			if r.Verdict != tt.want || !strings.Contains(r.Cause, tt.cause) {
				t.Errorf("verdict %s (%s), want %s (%s)", r.Verdict, r.Cause, tt.want, tt.cause)
			}
		})
	}
}

// TestShownTellsWhatWasChosen: what the holder did not choose is not there.
func TestShownTellsWhatWasChosen(t *testing.T) {
	t.Parallel()
	d := trusttest.New(t, now)
	clock := now
	v := remembering(t, d, nil, &clock)
	r := v.Text(trusttest.ShownCode(t, d.Shown(now, qr.Choice{Holder: true, Fields: []bool{true}}), d.ShownKey))
	if r.Verdict != verify.Valid || *r.Holder != "张样例" || r.Number != nil || r.IDMasked != nil || r.ValidFrom != nil || r.ValidUntil != nil ||
		len(r.Fields) != 1 || r.Fields["vehicleClass"] != "C1" || *r.Category != "004" || *r.Issuer != "亮证服务" {
		t.Errorf("%+v", r)
	}
	if says := strings.Join(r.Says(), "|"); says != "004 机动车驾驶证|张样例|准驾车型 C1" {
		t.Errorf("it says %s", says)
	}
}

// TestReplays: what was shown is not taken again, but a scanner that delivers a code
// twice is no replay.
func TestReplays(t *testing.T) {
	t.Parallel()
	d := trusttest.New(t, now)
	for _, algorithm := range []qr.DeviceAlgorithm{qr.DeviceSM2, qr.DeviceP256} {
		device := trusttest.NewDevice(t, algorithm)
		credential := trusttest.SignedForDevice(t, d.ForDevice(now.Add(-time.Hour), device), d.IssuerKey)
		present := func(at time.Duration) string { return device.Present(t, credential, now.Add(at), nil) }
		first, again, later := present(0), present(0), present(15*time.Second)
		shown := trusttest.ShownCode(t, d.Shown(now, qr.Choice{}), d.ShownKey)
		printed := trusttest.Code(t, d.Credential(now.Add(-time.Hour)), d.IssuerKey)
		if first == again {
			t.Fatal("two signatures are the same: this test shows little")
		}
		clock := now
		v := remembering(t, d, verify.NewMemory(100), &clock)
		for i, step := range []struct {
			after time.Duration
			code  string
			want  verify.Verdict
		}{
			{0, first, verify.Valid},
			{2 * time.Second, first, verify.Valid},    // held before the scanner
			{4 * time.Second, first, verify.Valid},    // and still
			{4 * time.Second, again, verify.Replayed}, // signed anew in the same second
			{8 * time.Second, first, verify.Replayed},
			{9 * time.Second, first, verify.Replayed}, // a refusal is no reading
			{15 * time.Second, later, verify.Valid},
			{30 * time.Second, shown, verify.Valid},
			{31 * time.Second, shown, verify.Valid},
			{35 * time.Second, shown, verify.Replayed},
			{40 * time.Second, printed, verify.Valid},
			{50 * time.Second, printed, verify.Valid}, // paper is scanned as often as one likes
			{60 * time.Second, present(0), verify.Replayed},
			{62 * time.Second, shown, verify.Expired},
			{91 * time.Second, first, verify.Clock},
		} {
			clock = now.Add(step.after)
			if r := v.Text(step.code); r.Verdict != step.want {
				t.Errorf("%s, step %d: %s (%s), want %s", algorithm, i, r.Verdict, r.Cause, step.want)
			}
		}
	}
}

// TestRefusedIsNotRemembered: a presentation that is refused for another reason may be
// shown again once the reason is gone.
func TestRefusedIsNotRemembered(t *testing.T) {
	t.Parallel()
	d, device := trusttest.New(t, now), trusttest.NewDevice(t, qr.DeviceP256)
	credential := trusttest.SignedForDevice(t, d.ForDevice(now.Add(-time.Hour), device), d.IssuerKey)
	memory := verify.NewMemory(10)
	clock := now
	v := remembering(t, d, memory, &clock)
	code := device.Present(t, credential, now.Add(100*time.Second), nil)
	if r := v.Text(code); r.Verdict != verify.Clock || memory.Len() != 0 {
		t.Errorf("%s, %d remembered", r.Verdict, memory.Len())
	}
	clock = now.Add(30 * time.Second)
	if r := v.Text(code); r.Verdict != verify.Valid || memory.Len() != 1 {
		t.Errorf("%s (%s), %d remembered", r.Verdict, r.Cause, memory.Len())
	}
}

// TestTwoWay: a hall that asks takes the answer to its question and nothing else.
func TestTwoWay(t *testing.T) {
	t.Parallel()
	d, device := trusttest.New(t, now), trusttest.NewDevice(t, qr.DeviceP256)
	credential := trusttest.SignedForDevice(t, d.ForDevice(now.Add(-time.Hour), device), d.IssuerKey)
	question, err := verify.NewChallenge(bytes.NewReader(bytes.Repeat([]byte{5}, 16)), "甲厅", now)
	if err != nil {
		t.Fatal(err)
	}
	// What the phone makes of what the hall shows.
	read, err := qr.ParseChallenge(question.Text())
	if err != nil || read.Hall != "甲厅" {
		t.Fatalf("%+v, %v", read, err)
	}
	elsewhere := *read
	elsewhere.Hall = "乙厅"
	older := *read
	older.Nonce[0]++
	answer := device.Present(t, credential, now, read)
	clock := now
	v := remembering(t, d, verify.NewMemory(100), &clock)
	for i, step := range []struct {
		name  string
		after time.Duration
		code  string
		want  verify.Verdict
		cause string
	}{
		{"no answer", 0, device.Present(t, credential, now.Add(1*time.Second), nil), verify.Replayed, "does not answer"},
		{"the answer for another hall", 0, device.Present(t, credential, now.Add(2*time.Second), &elsewhere), verify.Replayed, "another question"},
		{"the answer to an older question", 0, device.Present(t, credential, now.Add(3*time.Second), &older), verify.Replayed, "another question"},
		{"paper", 0, trusttest.Code(t, d.Credential(now.Add(-time.Hour)), d.IssuerKey), verify.OutOfScope, "only a phone can answer"},
		{"the service's code", 0, trusttest.ShownCode(t, d.Shown(now, qr.Choice{}), d.ShownKey), verify.OutOfScope, "only a phone can answer"},
		{"out of its window", 0, device.Present(t, credential, now.Add(-2*time.Minute), read), verify.Clock, ""},
		{"the answer", time.Second, answer, verify.Valid, ""},
		{"read twice", 2 * time.Second, answer, verify.Valid, ""},
		{"a second answer", 3 * time.Second, device.Present(t, credential, now.Add(3*time.Second), read), verify.Replayed, "answered before"},
		{"the answer again", 9 * time.Second, answer, verify.Replayed, "answered before"},
	} {
		clock = now.Add(step.after)
		if waits := question.Waits(clock); waits != (i < 7) {
			t.Errorf("%s: the question waits: %t", step.name, waits)
		}
		if r := v.Answer(step.code, question); r.Verdict != step.want || !strings.Contains(r.Cause, step.cause) {
			t.Errorf("%s: %s (%s), want %s (%s)", step.name, r.Verdict, r.Cause, step.want, step.cause)
		}
	}
	clock = now
	late, err := verify.NewChallenge(bytes.NewReader(bytes.Repeat([]byte{6}, 16)), "甲厅", now)
	if err != nil {
		t.Fatal(err)
	}
	if read, err = qr.ParseChallenge(late.Text()); err != nil {
		t.Fatal(err)
	}
	clock = now.Add(verify.ChallengeLife + time.Second)
	if r := v.Answer(device.Present(t, credential, clock, read), late); r.Verdict != verify.Replayed || !strings.Contains(r.Cause, "run out") || late.Waits(clock) {
		t.Errorf("after its time: %s (%s)", r.Verdict, r.Cause)
	}
}

func TestNewChallengeRefuses(t *testing.T) {
	t.Parallel()
	if _, err := verify.NewChallenge(bytes.NewReader(make([]byte, 15)), "甲厅", now); err == nil {
		t.Error("a challenge is made of too little randomness")
	}
	if _, err := verify.NewChallenge(bytes.NewReader(make([]byte, 16)), "", now); err == nil {
		t.Error("a challenge is made for a hall without a name")
	}
}

// TestDeviceDisagreement: the second opinion is asked about a device's SM2 signature as
// about any other, and not about one on P-256, which is none of its business.
func TestDeviceDisagreement(t *testing.T) {
	t.Parallel()
	d := trusttest.New(t, now)
	cache, err := trust.Load(d.Files(t), trust.Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	for algorithm, want := range map[qr.DeviceAlgorithm]verify.Verdict{qr.DeviceSM2: verify.NoData, qr.DeviceP256: verify.Tampered} {
		device := trusttest.NewDevice(t, algorithm)
		credential := trusttest.SignedForDevice(t, d.ForDevice(now.Add(-time.Hour), device), d.IssuerKey)
		code := unassembled(t, trusttest.NewDevice(t, algorithm), credential, now)
		told := 0
		v := verify.New(cache, verify.Options{Second: opinion{accepts: true}, Now: func() time.Time { return now }, Disagree: func(string) { told++ }})
		if r := v.Text(code); r.Verdict != want || told != map[verify.Verdict]int{verify.NoData: 1}[want] {
			t.Errorf("%s: %s (%s), told %d times, want %s", algorithm, r.Verdict, r.Cause, told, want)
		}
		busy := verify.New(cache, verify.Options{Second: opinion{err: pki.ErrBusy}, Now: func() time.Time { return now }})
		if r := busy.Text(code); r.Verdict != want {
			t.Errorf("%s, a busy second opinion: %s (%s), want %s", algorithm, r.Verdict, r.Cause, want)
		}
	}
}

// TestLiveAcrossDomains: a neighbour's holders present like ours, by the devices that
// count here; what its service presents is not taken, since a service speaks for no
// region and no category.
func TestLiveAcrossDomains(t *testing.T) {
	t.Parallel()
	n, device := newNeighbours(t), trusttest.NewDevice(t, qr.DeviceP256)
	credential := trusttest.SignedForDevice(t, n.theirs.ForDevice(now.Add(-time.Hour), device), n.theirs.IssuerKey)
	live := device.Present(t, credential, now, nil)
	shown := trusttest.ShownCode(t, n.theirs.Shown(now, qr.Choice{Holder: true}), n.theirs.ShownKey)
	for _, tt := range []struct {
		name   string
		change func()
		code   string
		want   verify.Verdict
		cause  verify.CauseCode
	}{
		{"presented", func() {}, live, verify.Valid, verify.CauseInOrder},
		{"shown by their service", func() {}, shown, verify.Untrusted, verify.CauseUnknownService},
		{"their devices do not count here", func() { n.ours.Trust.Devices = []int64{int64(qr.DeviceSM2)} }, live, verify.OutOfScope, verify.CauseDeviceKind},
		{"revoked by them", func() {
			n.ours.Trust.Devices, n.theirs.Trust.Devices = []int64{int64(qr.DeviceP256)}, nil
			n.theirs.Set.Revoked.Set(78)
		},
			live, verify.Revoked, verify.CauseRevoked},
	} {
		tt.change()
		n.theirs.Status.Lists = nil
		if r := n.scan(t, now, tt.code); r.Verdict != tt.want || r.CauseCode != tt.cause {
			t.Errorf("%s: %s (%s), want %s (%s)", tt.name, r.Verdict, r.Cause, tt.want, tt.cause)
		}
	}
}

// TestOneAnswer: of two phones that answer at the same moment one is taken.
func TestOneAnswer(t *testing.T) {
	t.Parallel()
	d := trusttest.New(t, now)
	clock := now
	v := remembering(t, d, verify.NewMemory(100), &clock)
	var codes []func(*qr.Challenge) string
	for range 4 {
		device := trusttest.NewDevice(t, qr.DeviceP256)
		credential := trusttest.SignedForDevice(t, d.ForDevice(now.Add(-time.Hour), device), d.IssuerKey)
		codes = append(codes, func(read *qr.Challenge) string { return device.Present(t, credential, clock, read) })
	}
	for i := range byte(10) {
		question, err := verify.NewChallenge(bytes.NewReader(bytes.Repeat([]byte{i}, 16)), "甲厅", now)
		if err != nil {
			t.Fatal(err)
		}
		read, err := qr.ParseChallenge(question.Text())
		if err != nil {
			t.Fatal(err)
		}
		var group sync.WaitGroup
		var taken atomic.Int32
		clock = now.Add(time.Duration(i) * time.Second)
		for _, code := range codes {
			answer := code(read)
			group.Go(func() {
				if v.Answer(answer, question).Verdict == verify.Valid {
					taken.Add(1)
				}
			})
		}
		group.Wait()
		if taken.Load() != 1 {
			t.Errorf("question %d: %d answers are taken", i, taken.Load())
		}
	}
}
