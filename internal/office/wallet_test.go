package office_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/atrest"
	"github.com/elicence/elicence/internal/auditlog"
	"github.com/elicence/elicence/internal/datafolder"
	"github.com/elicence/elicence/internal/inspect"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/internal/trusttest"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/disclose"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/qr"
	"github.com/elicence/elicence/qr/verify"
)

// wallet is a holder's device in software, with what the service has answered.
type wallet struct {
	*trusttest.Device
	algorithm string
	held      office.Holding
}

func newWallet(t *testing.T, algorithm string) *wallet {
	t.Helper()
	curve := qr.DeviceSM2
	if algorithm == licence.AlgorithmP256 {
		curve = qr.DeviceP256
	}
	return &wallet{Device: trusttest.NewDevice(t, curve), algorithm: algorithm}
}

// bindRequest is a signed request to be bound by a code.
func (w *wallet) bindRequest(code licence.BindingCode, profiles ...disclose.Profile) office.BindRequest {
	point := w.Key.Point()
	q := office.BindRequest{Code: code, Algorithm: w.algorithm, Key: point[:], Profiles: profiles}
	q.Proof = w.Key.Normal(w.Sign(q.ToBeSigned("localhost")))
	return q
}

func (w *wallet) request(at time.Time) office.DeviceRequest {
	return office.DeviceRequest{Licence: w.held.Licence.Identifier, Device: w.held.Device, Time: at.Unix()}
}

func (w *wallet) renewRequest(at time.Time) office.RenewRequest {
	q := office.RenewRequest{DeviceRequest: w.request(at)}
	q.Proof = w.Key.Normal(w.Sign(q.ToBeSigned("localhost")))
	return q
}

func (w *wallet) presentRequest(at time.Time, fields ...string) office.PresentRequest {
	q := office.PresentRequest{DeviceRequest: w.request(at), Fields: fields}
	q.Proof = w.Key.Normal(w.Sign(q.ToBeSigned("localhost")))
	return q
}

func (w *wallet) unbindRequest(at time.Time) office.UnbindRequest {
	q := office.UnbindRequest{DeviceRequest: w.request(at)}
	q.Proof = w.Key.Normal(w.Sign(q.ToBeSigned("localhost")))
	return q
}

// offer makes a binding code for a licence.
func offer(t *testing.T, f *officetest.Fixture, r licence.Record) licence.BindingCode {
	t.Helper()
	b, err := f.Office.OfferBinding(ctx, "officer", r)
	if err != nil {
		t.Fatal(err)
	}
	return b.Code
}

// bind binds a wallet to a licence.
func (w *wallet) bind(t *testing.T, f *officetest.Fixture, r licence.Record, profiles ...disclose.Profile) {
	t.Helper()
	if len(profiles) == 0 {
		profiles = []disclose.Profile{disclose.Full}
	}
	var err error
	if w.held, err = f.Office.BindDevice(ctx, w.bindRequest(offer(t, f, r), profiles...)); err != nil {
		t.Fatal(err)
	}
}

// terminal is the verifier of a hall with the trust files of now, and its memory.
func terminal(t *testing.T, f *officetest.Fixture, c *clock) *verify.Verifier {
	t.Helper()
	return verify.New(exported(t, f, c), verify.Options{Second: second.Opinion{}, Now: c.now, Replays: verify.NewMemory(100)})
}

func wantVerdict(t *testing.T, v *verify.Verifier, what, digits string, want verify.Verdict) verify.Result {
	t.Helper()
	r := v.Text(digits)
	if r.Verdict != want {
		t.Errorf("%s is %s (%v), want %s", what, r.Verdict, r.Cause, want)
	}
	return r
}

// TestWallet is the whole loop: a device is bound, shows the licence in a hall without a
// network in each of its profiles and with chosen fields of the service, is suspended
// with everything else of the licence, and is unbound alone.
func TestWallet(t *testing.T) {
	t.Parallel()
	for _, algorithm := range []string{licence.AlgorithmP256, licence.AlgorithmSM2} {
		t.Run(algorithm, func(t *testing.T) {
			t.Parallel()
			c := &clock{time.Now()}
			f := officetest.At(t, c.now)
			r := f.Issue(t, "004")
			id := r.Licence.Identifier
			w, other := newWallet(t, algorithm), newWallet(t, algorithm)
			w.bind(t, f, r, disclose.Profiles()...)
			other.bind(t, f, r)
			paper, err := f.Office.CodeOf(ctx, "officer", r, disclose.Masked)
			if err != nil {
				t.Fatal(err)
			}
			hall := terminal(t, f, c)
			if len(w.held.Credentials) != 3 {
				t.Fatalf("%d credentials, want one of each profile", len(w.held.Credentials))
			}
			places := map[licence.StatusRef]bool{r.Licence.Status: true}
			for _, credential := range w.held.Credentials {
				places[credential.Status] = true
				c.at = c.at.Add(time.Second)
				says := wantVerdict(t, hall, credential.Profile, w.Present(t, credential.Signed, c.at, nil), verify.Valid)
				if name := *says.Holder; (name == r.Licence.Holders[0].Name) != (credential.Profile == "full") {
					t.Errorf("profile %s shows the holder %q", credential.Profile, name)
				}
			}
			if len(places) != 4 {
				t.Errorf("the licence and three credentials have %d places in the status lists", len(places))
			}
			full := func(w *wallet) string { return w.Present(t, w.held.Credentials[0].Signed, c.at, nil) }

			// A photographed code is worth nothing later, nor is one of another time.
			shown := full(w)
			wantVerdict(t, hall, "what was shown in this second", shown, verify.Replayed)
			c.at = c.at.Add(10 * time.Second)
			shown = full(w)
			wantVerdict(t, hall, "another code", shown, verify.Valid)
			c.at = c.at.Add(10 * time.Second)
			wantVerdict(t, hall, "the same code again", shown, verify.Replayed)
			c.at = c.at.Add(5 * time.Minute)
			wantVerdict(t, hall, "a code of five minutes ago", shown, verify.Clock)

			// Chosen fields, for a minute.
			chosen, err := f.Office.PresentByDevice(ctx, w.presentRequest(c.at, "holder", "fields.vehicleClass"))
			if err != nil {
				t.Fatal(err)
			}
			says := wantVerdict(t, hall, "chosen fields", chosen.Digits, verify.Valid)
			if says.Number != nil || says.IDMasked != nil || says.ValidFrom != nil || *says.Holder != r.Licence.Holders[0].Name || len(says.Fields) != 1 || says.Fields["vehicleClass"] == "" {
				t.Errorf("chosen were holder and vehicle class, shown is %+v", says)
			}
			c.at = c.at.Add(61 * time.Second)
			wantVerdict(t, hall, "chosen fields after a minute", chosen.Digits, verify.Expired)

			// Suspended is everything of the licence at once, and nothing new is given out.
			step := func(step licence.Step) {
				t.Helper()
				if _, err := f.Office.Step(ctx, "officer", id, step, "测试"); err != nil {
					t.Fatal(err)
				}
				c.at = c.at.Add(time.Minute)
				hall = terminal(t, f, c)
			}
			all := func(want verify.Verdict) {
				t.Helper()
				c.at = c.at.Add(time.Second)
				for what, digits := range map[string]string{"this device": full(w), "the other device": full(other), "the paper": paper.Digits} {
					wantVerdict(t, hall, what, digits, want)
				}
			}
			step(licence.Suspend)
			all(verify.Suspended)
			refused(t, f, w, c, licence.ErrStep)
			step(licence.Resume)
			all(verify.Valid)

			// Unbound is one device.
			if err := f.Office.UnbindByDevice(ctx, w.unbindRequest(c.at)); err != nil {
				t.Fatal(err)
			}
			hall = terminal(t, f, c)
			c.at = c.at.Add(time.Second)
			for _, credential := range w.held.Credentials {
				c.at = c.at.Add(time.Second)
				wantVerdict(t, hall, "the unbound device, "+credential.Profile, w.Present(t, credential.Signed, c.at, nil), verify.Revoked)
			}
			wantVerdict(t, hall, "the other device", full(other), verify.Valid)
			wantVerdict(t, hall, "the paper", paper.Digits, verify.Valid)
			refused(t, f, w, c, licence.ErrUnbound)
			if err := f.Office.UnbindByDevice(ctx, w.unbindRequest(c.at)); err != nil {
				t.Errorf("unbinding again: %v", err)
			}
			if _, err := f.Office.BindDevice(ctx, w.bindRequest(offer(t, f, r), disclose.Full)); !errors.Is(err, licence.ErrUnbound) {
				t.Errorf("binding the same key again: %v, want ErrUnbound", err)
			}

			step(licence.Revoke)
			all(verify.Revoked)
			refused(t, f, other, c, licence.ErrStep)
			if now, err := f.Office.Licence(ctx, "officer", id); err != nil {
				t.Error(err)
			} else if _, err := f.Office.OfferBinding(ctx, "officer", now); !errors.Is(err, licence.ErrStep) {
				t.Errorf("a binding code for a revoked licence: %v, want ErrStep", err)
			}
			if _, _, err := f.Office.AuditLog().Verify(ctx); err != nil {
				t.Error(err)
			}
		})
	}
}

// refused wants a bound device to get neither a renewal nor a presentation.
func refused(t *testing.T, f *officetest.Fixture, w *wallet, c *clock, want error) {
	t.Helper()
	if _, err := f.Office.RenewDevice(ctx, w.renewRequest(c.at)); !errors.Is(err, want) {
		t.Errorf("renewing: %v, want %v", err, want)
	}
	if _, err := f.Office.PresentByDevice(ctx, w.presentRequest(c.at, "holder")); !errors.Is(err, want) {
		t.Errorf("presenting: %v, want %v", err, want)
	}
}

// TestBindingAgain: a lost answer is given again, to the same device and to no other.
func TestBindingAgain(t *testing.T) {
	t.Parallel()
	c := &clock{time.Now()}
	f := officetest.At(t, c.now)
	r := f.Issue(t, "004")
	w, thief := newWallet(t, licence.AlgorithmP256), newWallet(t, licence.AlgorithmP256)
	code := offer(t, f, r)
	request := w.bindRequest(code, disclose.Full, disclose.Minimal)
	answers := make([]office.Holding, 6)
	var wait sync.WaitGroup
	for i := range answers {
		wait.Go(func() {
			var err error
			if answers[i], err = f.Office.BindDevice(ctx, request); err != nil {
				t.Errorf("request %d: %v", i, err)
			}
		})
	}
	wait.Wait()
	c.at = c.at.Add(9 * time.Minute)
	last, err := f.Office.BindDevice(ctx, request)
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range answers {
		if fmt.Sprint(a.Credentials) != fmt.Sprint(last.Credentials) {
			t.Errorf("answer %d has other credentials", i)
		}
	}
	if _, err := f.Office.BindDevice(ctx, thief.bindRequest(code, disclose.Full)); !errors.Is(err, licence.ErrBinding) {
		t.Errorf("another device with the code: %v, want ErrBinding", err)
	}
	c.at = c.at.Add(time.Minute)
	if _, err := f.Office.BindDevice(ctx, request); !errors.Is(err, licence.ErrBinding) {
		t.Errorf("the same request when the code is too old: %v, want ErrBinding", err)
	}
	devices, err := f.Office.Devices(ctx, r)
	if err != nil || len(devices) != 1 || len(devices[0].Credentials) != 2 {
		t.Errorf("devices %+v, %v, want one with two credentials", devices, err)
	}
	// A new code for the device that is bound only uses the code up.
	again, err := f.Office.BindDevice(ctx, w.bindRequest(offer(t, f, r), disclose.Full))
	if err != nil || fmt.Sprint(again.Credentials) != fmt.Sprint(last.Credentials) {
		t.Errorf("a new code for a bound device: %v, %v", again.Credentials, err)
	}
}

func TestWalletRefuses(t *testing.T) {
	t.Parallel()
	c := &clock{time.Now()}
	f := officetest.At(t, c.now)
	r := f.Issue(t, "004")
	w := newWallet(t, licence.AlgorithmP256)
	w.bind(t, f, r)
	sm2 := newWallet(t, licence.AlgorithmSM2)
	code := offer(t, f, r)
	for name, tt := range map[string]struct {
		change func(q *office.BindRequest)
		want   error
	}{
		"another host":       {func(q *office.BindRequest) { q.Proof = sm2.Sign(q.ToBeSigned("other.example")) }, office.ErrProof},
		"another key":        {func(q *office.BindRequest) { q.Proof = newWallet(t, "sm2").Sign(q.ToBeSigned("localhost")) }, office.ErrProof},
		"another profile":    {func(q *office.BindRequest) { q.Profiles = []disclose.Profile{disclose.Masked} }, office.ErrProof},
		"no signature":       {func(q *office.BindRequest) { q.Proof = pki.Signature{} }, office.ErrProof},
		"another algorithm":  {func(q *office.BindRequest) { q.Algorithm = "rsa" }, office.ErrDeviceKey},
		"no point":           {func(q *office.BindRequest) { q.Key = make([]byte, 33) }, office.ErrDeviceKey},
		"a short point":      {func(q *office.BindRequest) { q.Key = q.Key[:32] }, office.ErrDeviceKey},
		"no profile":         {func(q *office.BindRequest) { q.Profiles = nil }, office.ErrProfiles},
		"a profile twice":    {func(q *office.BindRequest) { q.Profiles = append(q.Profiles, disclose.Full) }, office.ErrProfiles},
		"an unknown profile": {func(q *office.BindRequest) { q.Profiles = []disclose.Profile{"all"} }, office.ErrProfiles},
	} {
		q := sm2.bindRequest(code, disclose.Full)
		tt.change(&q)
		if _, err := f.Office.BindDevice(ctx, q); !errors.Is(err, tt.want) {
			t.Errorf("binding with %s: %v, want %v", name, err, tt.want)
		}
	}
	// None of these was a try of the code.
	if _, err := f.Office.BindDevice(ctx, sm2.bindRequest(code, disclose.Full)); err != nil {
		t.Errorf("after what was malformed: %v", err)
	}

	for name, tt := range map[string]struct {
		at     time.Time
		change func(q *office.RenewRequest)
		want   error
	}{
		"another device":  {c.at, func(q *office.RenewRequest) { q.Device[0] ^= 1 }, office.ErrProof},
		"another licence": {c.at, func(q *office.RenewRequest) { q.Licence.Serial.Random[0] ^= 1 }, office.ErrProof},
		"another time":    {c.at, func(q *office.RenewRequest) { q.Time++ }, office.ErrProof},
		"an unbinding's proof": {c.at, func(q *office.RenewRequest) {
			q.Proof = w.unbindRequest(c.at).Proof
		}, office.ErrProof},
		"a late time":   {c.at.Add(-6 * time.Minute), func(*office.RenewRequest) {}, office.ErrRequestTime},
		"a future time": {c.at.Add(6 * time.Minute), func(*office.RenewRequest) {}, office.ErrRequestTime},
		"a high s": {c.at, func(q *office.RenewRequest) {
			for range 64 { // every second signature has one by itself
				if q.Proof = w.Sign(q.ToBeSigned("localhost")); q.Proof != w.Key.Normal(q.Proof) {
					return
				}
			}
			t.Error("64 signatures without a high s")
		}, office.ErrProof},
	} {
		q := w.renewRequest(tt.at)
		tt.change(&q)
		if _, err := f.Office.RenewDevice(ctx, q); !errors.Is(err, tt.want) {
			t.Errorf("renewing with %s: %v, want %v", name, err, tt.want)
		}
	}

	first := w.presentRequest(c.at, "holder")
	if _, err := f.Office.PresentByDevice(ctx, first); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Office.PresentByDevice(ctx, first); !errors.Is(err, licence.ErrDeviceTime) {
		t.Errorf("the same request again: %v, want ErrDeviceTime", err)
	}
	for name, fields := range map[string][]string{"an unknown name": {"colour"}, "a field of another category": {"fields.plateNumber"}, "a picture": {"fields.photo"}, "a name twice": {"holder", "holder"}, "an empty name": {""}} {
		c.at = c.at.Add(time.Second)
		if _, err := f.Office.PresentByDevice(ctx, w.presentRequest(c.at, fields...)); !errors.Is(err, office.ErrChoice) {
			t.Errorf("choosing %s: %v, want ErrChoice", name, err)
		}
	}
	c.at = c.at.Add(time.Second)
	nothing, err := f.Office.PresentByDevice(ctx, w.presentRequest(c.at))
	if err != nil {
		t.Fatal(err)
	}
	if says := wantVerdict(t, terminal(t, f, c), "the category alone", nothing.Digits, verify.Valid); *says.Category != "004" || says.Holder != nil {
		t.Errorf("the category alone shows %+v", says)
	}
}

func TestRenewal(t *testing.T) {
	t.Parallel()
	c := &clock{time.Now()}
	f := officetest.At(t, c.now)
	r := f.Issue(t, "004")
	w := newWallet(t, licence.AlgorithmP256)
	w.bind(t, f, r, disclose.Full, disclose.Masked)
	first := w.held.Credentials[0]
	renew := func() licence.Credential {
		t.Helper()
		h, err := f.Office.RenewDevice(ctx, w.renewRequest(c.at))
		if err != nil {
			t.Fatal(err)
		}
		w.held = h
		n := h.Credentials[0]
		if len(h.Credentials) != 2 || n.Status != first.Status || n.Expires.Sub(n.SignedAt) > qr.MaxDeviceLife || h.RenewAt.After(n.Expires) {
			t.Errorf("renewed are %+v, to be renewed %s", h.Credentials, h.RenewAt)
		}
		return n
	}
	c.at = c.at.Add(time.Hour)
	if n := renew(); string(n.Signed) != string(first.Signed) {
		t.Error("within a day the credential is another one")
	}
	c.at = c.at.Add(29 * 24 * time.Hour)
	second := renew()
	if string(second.Signed) == string(first.Signed) || !second.Expires.After(first.Expires) {
		t.Error("after 29 days the credential is the same")
	}
	c.at = c.at.Add(2 * 24 * time.Hour) // the first has ended
	hall := terminal(t, f, c)
	wantVerdict(t, hall, "the first credential", w.Present(t, first.Signed, c.at, nil), verify.Expired)
	c.at = c.at.Add(time.Second)
	wantVerdict(t, hall, "the renewed one", w.Present(t, second.Signed, c.at, nil), verify.Valid)
	// A new key of the authority signs at once.
	if err := f.Office.RotateKey(ctx, "test", f.Authority.USCC, 0, nil); err != nil {
		t.Fatal(err)
	}
	renew()
	third := renew()
	if third.Point == second.Point {
		t.Error("the credential is by the key of before")
	}
	c.at = c.at.Add(time.Second)
	wantVerdict(t, terminal(t, f, c), "the one by the new key", w.Present(t, third.Signed, c.at, nil), verify.Valid)
	// It ends with the licence.
	c.at = r.Licence.LastDay.Start().Add(-time.Hour)
	if last := renew(); !last.Expires.Equal(r.Licence.LastDay.End().UTC().Truncate(time.Second)) {
		t.Errorf("the last credential ends %s, the licence %s", last.Expires, r.Licence.LastDay)
	}
	c.at = r.Licence.LastDay.End().Add(time.Hour)
	refused(t, f, w, c, office.ErrNotInForce)
	if _, err := f.Office.OfferBinding(ctx, "officer", r); !errors.Is(err, office.ErrNotInForce) {
		t.Errorf("a binding code for a licence that has ended: %v, want ErrNotInForce", err)
	}
}

// TestRenewalAfterRestore: a device that was bound before a backup has its codes renewed by the service that was
// restored from it.
func TestRenewalAfterRestore(t *testing.T) {
	t.Parallel()
	c := &clock{time.Now().UTC().Truncate(time.Second)}
	f := officetest.At(t, c.now)
	phone := newWallet(t, licence.AlgorithmSM2)
	phone.bind(t, f, f.Issue(t, "004"), disclose.Full)
	before := phone.held.Credentials
	content := f.Backup(t)
	c.at = c.at.Add(time.Hour)
	dir := filepath.Join(t.TempDir(), "restored")
	if _, err := atrest.Restore(ctx, dir, bytes.NewReader(content), officetest.Restoring(datafolder.Options{Now: c.now}, f.RecordKeys(t))); err != nil {
		t.Fatal(err)
	}
	restored := officetest.Open(t, dir, c.now)
	var err error
	if phone.held, err = restored.Office.RenewDevice(ctx, phone.renewRequest(c.at)); err != nil {
		t.Fatal(err)
	}
	if len(phone.held.Credentials) != len(before) {
		t.Errorf("%d codes, there were %d", len(phone.held.Credentials), len(before))
	}
}

// TestReprint: a licence's code of a profile is one code, whoever prints it and how
// often, with a place in the status lists of its own.
func TestReprint(t *testing.T) {
	t.Parallel()
	c := &clock{time.Now()}
	f := officetest.At(t, c.now)
	r := f.Issue(t, "004")
	codes := make(map[disclose.Profile]string)
	for _, profile := range disclose.Profiles() {
		printed := make([]string, 6)
		var wait sync.WaitGroup
		for i := range printed {
			wait.Go(func() {
				code, err := f.Office.CodeOf(ctx, "officer", r, profile)
				if err != nil {
					t.Error(err)
				}
				printed[i] = code.Digits
			})
		}
		wait.Wait()
		if slices.Sort(printed); len(slices.Compact(printed)) != 1 {
			t.Errorf("six prints of %s are %d codes", profile, len(slices.Compact(printed)))
		}
		codes[profile] = printed[0]
	}
	c.at = c.at.AddDate(0, 1, 0)
	hall := terminal(t, f, c)
	for profile, digits := range codes {
		again, err := f.Office.CodeOf(ctx, "officer", r, profile)
		if err != nil || again.Digits != digits {
			t.Errorf("a reprint of %s a month later is another code: %v", profile, err)
		}
		wantVerdict(t, hall, string(profile), digits, verify.Valid)
	}
	all, err := entriesOfLicence(t, f, r)
	if err != nil {
		t.Fatal(err)
	}
	if n := count(all, audit.ActLicenceCode); n != 3*6+3 {
		t.Errorf("%d codes in the log, want each print", n)
	}
}

// entriesOfLicence are the acts of the log that are about a licence.
func entriesOfLicence(t *testing.T, f *officetest.Fixture, r licence.Record) ([]audit.Act, error) {
	t.Helper()
	var acts []audit.Act
	err := f.Office.AuditLog().Entries(ctx, func(e auditlog.Entry) error {
		if e.Subject == r.Licence.Identifier.String() {
			acts = append(acts, e.Act)
		}
		return nil
	})
	return acts, err
}

func count(acts []audit.Act, act audit.Act) int {
	n := 0
	for _, a := range acts {
		if a == act {
			n++
		}
	}
	return n
}

// TestUsageLog: everything that a wallet is given is in the holder's usage log, once,
// and nothing personal is.
func TestUsageLog(t *testing.T) {
	t.Parallel()
	c := &clock{time.Now()}
	f := officetest.At(t, c.now)
	r := f.Issue(t, "004")
	w := newWallet(t, licence.AlgorithmSM2)
	w.bind(t, f, r)
	c.at = c.at.Add(48 * time.Hour)
	if _, err := f.Office.RenewDevice(ctx, w.renewRequest(c.at)); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Office.RenewDevice(ctx, w.renewRequest(c.at)); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Office.PresentByDevice(ctx, w.presentRequest(c.at, "holder")); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Office.Present(ctx, "officer", r, []string{"number"}); err != nil {
		t.Fatal(err)
	}
	if err := f.Office.UnbindByDevice(ctx, w.unbindRequest(c.at)); err != nil {
		t.Fatal(err)
	}
	got, err := entriesOfLicence(t, f, r)
	if err != nil {
		t.Fatal(err)
	}
	want := []audit.Act{
		audit.ActLicenceIssue, audit.ActDeviceOffer, audit.ActDeviceTry, audit.ActDeviceBind, audit.ActLicenceLook, audit.ActDeviceRenew, audit.ActLicenceLook,
		audit.ActDevicePresent, audit.ActLicencePresent, audit.ActDeviceUnbind,
	}
	if !slices.Equal(got, want) {
		t.Errorf("the usage log is %v, want %v", got, want)
	}
}

// TestPresentingKey: a data folder that is older than codes of kind 3 gets its key with
// the first of them, and terminals learn of it at once.
func TestPresentingKey(t *testing.T) {
	t.Parallel()
	c := &clock{time.Now()}
	f := officetest.At(t, c.now)
	r := f.Issue(t, "004")
	if err := os.Remove(filepath.Join(f.Dir, "keys", "service", "present.key")); err != nil {
		t.Fatal(err)
	}
	if n := len(trustList(t, f, c).Services); n != 1 {
		t.Fatalf("%d services without the key, want 1", n)
	}
	if _, err := f.Office.KeyGenerations(ctx); err != nil {
		t.Errorf("listing the keys: %v", err)
	}
	var wait sync.WaitGroup
	codes := make([]office.Presentation, 4)
	for i := range codes {
		wait.Go(func() {
			var err error
			if codes[i], err = f.Office.Present(ctx, "officer", r, []string{"holder"}); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	i, err := f.Office.Inspector(ctx, second.Opinion{})
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range codes {
		if found := i.Code(code.Digits); found.Verdict != verify.Valid {
			t.Errorf("a code by the new key is %s (%v)", found.Verdict, found.Cause)
		}
	}
}

func TestLookUp(t *testing.T) {
	t.Parallel()
	c := &clock{time.Now()}
	f := officetest.At(t, c.now)
	driver, mark := f.Issue(t, "004"), f.Issue(t, "007")
	person := driver.Licence.Holders[0]
	tail := person.IDNumber[len(person.IDNumber)-4:]
	for name, tt := range map[string]struct {
		query office.NumberQuery
		want  verify.Verdict
		err   error
	}{
		"identifier":            {office.NumberQuery{Identifier: driver.Licence.Identifier.String()}, verify.Valid, nil},
		"number and name":       {office.NumberQuery{Number: driver.Licence.Number, Holder: person.Name}, verify.Valid, nil},
		"with the category":     {office.NumberQuery{Number: driver.Licence.Number, Holder: person.Name, Category: "004"}, verify.Valid, nil},
		"another category":      {office.NumberQuery{Number: driver.Licence.Number, Holder: person.Name, Category: "005"}, verify.NoData, nil},
		"the first character":   {office.NumberQuery{Number: driver.Licence.Number, Holder: string([]rune(person.Name)[:1])}, verify.NoData, nil},
		"another name":          {office.NumberQuery{Number: driver.Licence.Number, Holder: "王五"}, verify.NoData, nil},
		"a tail in the number":  {office.NumberQuery{Number: driver.Licence.Number, IDTail: tail}, verify.NoData, nil},
		"a tail of its own":     {office.NumberQuery{Number: mark.Licence.Number, IDTail: tail}, verify.Valid, nil},
		"another tail":          {office.NumberQuery{Number: mark.Licence.Number, IDTail: "0000"}, verify.NoData, nil},
		"name and another tail": {office.NumberQuery{Number: mark.Licence.Number, Holder: person.Name, IDTail: "0000"}, verify.NoData, nil},
		"a number nobody has":   {office.NumberQuery{Number: "皖Z99999", Holder: person.Name}, verify.NoData, nil},
		"a number alone":        {office.NumberQuery{Number: driver.Licence.Number}, "", office.ErrQuery},
		"nothing":               {office.NumberQuery{}, "", office.ErrQuery},
		"a short tail":          {office.NumberQuery{Number: mark.Licence.Number, IDTail: "1"}, "", office.ErrQuery},
		"no identifier":         {office.NumberQuery{Identifier: "1.2.156"}, "", office.ErrQuery},
		"identifier and more":   {office.NumberQuery{Identifier: driver.Licence.Identifier.String(), Holder: "x"}, "", office.ErrQuery},
		"a long name":           {office.NumberQuery{Number: "1", Holder: strings.Repeat("长", 200)}, "", office.ErrQuery},
		"no category":           {office.NumberQuery{Number: "1", Holder: "x", Category: "4"}, "", office.ErrQuery},
	} {
		found, err := f.Office.LookUp(ctx, "verify", tt.query)
		if !errors.Is(err, tt.err) || found.Verdict != tt.want {
			t.Errorf("%s: %s, %v, want %s, %v", name, found.Verdict, err, tt.want, tt.err)
			continue
		}
		if err == nil && (!found.Online || found.Input != inspect.InputNumber) {
			t.Errorf("%s: it does not say that it was looked up online", name)
		}
		if found.Verdict == verify.NoData && found.Code.Category != nil {
			t.Errorf("%s: what was not found says something", name)
		}
		if found.Verdict == verify.Valid && (strings.Contains(*found.Code.Number, person.IDNumber) || *found.Code.Holder == person.Name) {
			t.Errorf("%s: it shows %s, %s", name, *found.Code.Number, *found.Code.Holder)
		}
	}
	// It tells of the register as it is now, before anything is published.
	if _, err := f.Office.Step(ctx, "officer", driver.Licence.Identifier, licence.Suspend, "测试"); err != nil {
		t.Fatal(err)
	}
	found, err := f.Office.LookUp(ctx, "verify", office.NumberQuery{Number: driver.Licence.Number, Holder: person.Name})
	if err != nil || found.Verdict != verify.Suspended {
		t.Errorf("suspended now: %s, %v", found.Verdict, err)
	}
	acts, err := entriesOfLicence(t, f, driver)
	if err != nil || count(acts, audit.ActLicenceLook) != 4 {
		t.Errorf("%d looks of the driving licence in the log, %v, want 4", count(acts, audit.ActLicenceLook), err)
	}
}
