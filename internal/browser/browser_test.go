package browser

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"maps"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/elicence/elicence/internal/trusttest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/qr"
	"github.com/elicence/elicence/qr/status"
	"github.com/elicence/elicence/qr/trust"
	"github.com/elicence/elicence/qr/verify"
)

var now = time.Date(2024, 5, 1, 8, 0, 0, 0, time.UTC)

// service is where a page fetches from; a test may change the files.
type service struct {
	files fstest.MapFS
	asked []string
	down  error
}

func (s *service) read(_ context.Context, name string) ([]byte, error) {
	s.asked = append(s.asked, name)
	if s.down != nil {
		return nil, s.down
	}
	return fs.ReadFile(s.files, name)
}

// later makes the domain's files of an hour later.
func later(tb testing.TB, d *trusttest.Domain) fstest.MapFS {
	tb.Helper()
	d.Describe(tb, &status.State{Sequence: d.Status.Sequence + 1, Sets: []*status.Set{d.Set}})
	d.Status.Version++
	d.Time.Version++
	d.Status.Issued, d.Time.Issued = d.Status.Issued+3600, d.Time.Issued+3600
	return d.Files(tb)
}

func TestVerifier(t *testing.T) {
	t.Parallel()
	d := trusttest.New(t, now)
	code := trusttest.Code(t, d.Credential(now.Add(-time.Hour)), d.IssuerKey)
	at := now.Add(2 * time.Hour)
	options := Options{Now: func() time.Time { return at }}
	s := &service{files: d.Files(t)}
	first := s.files
	v := New(options)
	verdict := func(want verify.Verdict) {
		t.Helper()
		if a := v.Text(code); a.Verdict != want {
			t.Errorf("%s (%s), want %s", a.Verdict, a.Cause, want)
		}
	}

	verdict(verify.NoData)
	if v.About().Ready {
		t.Error("ready without trust files")
	}
	kept, changed, err := v.Refresh(t.Context(), s.read)
	if err != nil || !changed {
		t.Fatalf("the first visit: %v, changed %v", err, changed)
	}
	verdict(verify.Valid)
	if about := v.About(); !about.Ready || about.BuiltIn || about.RootSM3 != kept.Pin || about.Domain == "" || about.AsOf != "2024-05-01T08:00:00Z" {
		t.Errorf("about %+v", about)
	}
	if len(kept.Files) != len(s.files)+1 || len(kept.State) == 0 {
		t.Errorf("%d files are kept of %d and the base, %d bytes of memory", len(kept.Files), len(s.files), len(kept.State))
	}

	s.asked = nil
	if _, changed, err := v.Refresh(t.Context(), s.read); err != nil || changed {
		t.Errorf("nothing new: %v, changed %v", err, changed)
	}
	if len(s.asked) != 1 {
		t.Errorf("asked for %v although nothing is new", s.asked)
	}

	// A visit without a network.
	v = New(options)
	if err := v.Restore(kept); err != nil {
		t.Fatal(err)
	}
	verdict(verify.Valid)
	s.down = errors.New("no network")
	if _, _, err := v.Refresh(t.Context(), s.read); !errors.Is(err, s.down) {
		t.Errorf("without a network: %v", err)
	}
	verdict(verify.Valid)
	s.down = nil

	d.Set.Suspended.Set(77)
	s.files, s.asked = later(t, d), nil
	second, changed, err := v.Refresh(t.Context(), s.read)
	if err != nil || !changed {
		t.Fatalf("new files: %v, changed %v", err, changed)
	}
	verdict(verify.Suspended)
	if asked := strings.Join(s.asked, " "); strings.Contains(asked, "1.root") {
		t.Errorf("asked for %s, of which the root was kept", asked)
	}

	// The old files come back, now and at the next visit.
	s.files = first
	if _, _, err := v.Refresh(t.Context(), s.read); !errors.Is(err, trust.ErrRollback) {
		t.Errorf("the older files: %v", err)
	}
	verdict(verify.Suspended)
	v = New(options)
	if err := v.Restore(Kept{Pin: kept.Pin, State: second.State, Files: kept.Files}); !errors.Is(err, trust.ErrRollback) {
		t.Errorf("older files in the storage: %v", err)
	}
	verdict(verify.NoData)
}

// TestRefused: what does not verify leaves everything as it was, and what is kept is
// the same, whichever file is wrong.
func TestRefused(t *testing.T) {
	t.Parallel()
	d := trusttest.New(t, now)
	code := trusttest.Code(t, d.Credential(now.Add(-time.Hour)), d.IssuerKey)
	options := Options{Now: func() time.Time { return now.Add(2 * time.Hour) }}
	s := &service{files: d.Files(t)}
	v := New(options)
	kept, _, err := v.Refresh(t.Context(), s.read)
	if err != nil {
		t.Fatal(err)
	}
	next := later(t, d)
	for name := range next {
		if _, old := kept.Files[name]; old && (strings.HasPrefix(name, "set/") || strings.HasSuffix(name, ".root")) {
			continue // it is not asked for again
		}
		for what, damaged := range map[string][]byte{"cut": next[name].Data[:len(next[name].Data)/2], "empty": {}, "changed": flip(next[name].Data)} {
			files := maps.Clone(next)
			files[name] = &fstest.MapFile{Data: damaged}
			s.files = files
			if _, _, err := v.Refresh(t.Context(), s.read); err == nil {
				t.Errorf("%s is %s and was taken", name, what)
			}
			if a := v.Text(code); a.Verdict != verify.Valid {
				t.Errorf("%s is %s: %s", name, what, a.Verdict)
			}
		}
	}
	s.files = next
	if _, changed, err := v.Refresh(t.Context(), s.read); err != nil || !changed {
		t.Errorf("the good files at last: %v, changed %v", err, changed)
	}
}

func flip(b []byte) []byte {
	b = bytes.Clone(b)
	b[len(b)-1] ^= 1
	return b
}

// TestPin: another domain's files are refused, by the pin that was built in and by that
// of the first visit.
func TestPin(t *testing.T) {
	t.Parallel()
	ours, theirs := trusttest.New(t, now), trusttest.New(t, now)
	options := Options{Now: func() time.Time { return now }}
	first := New(options)
	s := &service{files: ours.Files(t)}
	kept, _, err := first.Refresh(t.Context(), s.read)
	if err != nil {
		t.Fatal(err)
	}
	s.files = theirs.Files(t)
	again := New(options)
	if err := again.Restore(Kept{Pin: kept.Pin}); err == nil {
		t.Error("a pin alone was enough")
	}
	if _, _, err := again.Refresh(t.Context(), s.read); !errors.Is(err, trust.ErrPin) {
		t.Errorf("another domain after the first visit: %v", err)
	}
	options.RootSM3 = kept.Pin
	builtIn := New(options)
	if _, _, err := builtIn.Refresh(t.Context(), s.read); !errors.Is(err, trust.ErrPin) {
		t.Errorf("another domain under a pin that was built in: %v", err)
	}
	s.files = ours.Files(t)
	if _, _, err := builtIn.Refresh(t.Context(), s.read); err != nil || !builtIn.About().BuiltIn {
		t.Errorf("our domain under the pin that was built in: %v", err)
	}
}

// TestMemoryDamaged: a memory that cannot be read is not taken for none.
func TestMemoryDamaged(t *testing.T) {
	t.Parallel()
	d := trusttest.New(t, now)
	s := &service{files: d.Files(t)}
	options := Options{Now: func() time.Time { return now }}
	kept, _, err := New(options).Refresh(t.Context(), s.read)
	if err != nil {
		t.Fatal(err)
	}
	kept.State = flip(kept.State)
	v := New(options)
	if err := v.Restore(kept); err == nil {
		t.Error("restored with a damaged memory")
	}
	if _, _, err := v.Refresh(t.Context(), s.read); err == nil {
		t.Error("refreshed with a damaged memory")
	}
}

func TestMeanings(t *testing.T) {
	t.Parallel()
	for _, v := range verify.Verdicts() {
		m, ok := meanings[v]
		if document, other := documentMeanings[v]; other && (document.ZH == m.ZH || document.NextEN == "" || strings.Contains(document.ZH, "证照")) {
			t.Errorf("%s of a document: %+v", v, document)
		}
		if !ok || m.ZH == "" || m.EN == "" || m.NextZH == "" || m.NextEN == "" {
			t.Errorf("%s: %+v", v, m)
		}
		if v.Wording().Colour == verify.Amber && v != verify.ValidStale && !strings.Contains(m.ZH, "不表示证照有问题") {
			t.Errorf("%s accuses somebody: %s", v, m.ZH)
		}
	}
}

// TestCounter: a counter remembers what it was shown from one visit to the next, and
// takes only the answer to its question while it asks.
func TestCounter(t *testing.T) {
	t.Parallel()
	d, device := trusttest.New(t, now), trusttest.NewDevice(t, qr.DeviceP256)
	credential := trusttest.SignedForDevice(t, d.ForDevice(now.Add(-time.Hour), device), d.IssuerKey)
	at := now
	options := Options{Now: func() time.Time { return at }}
	s := &service{files: d.Files(t)}
	counter := New(options)
	counter.Recall(nil)
	kept, _, err := counter.Refresh(t.Context(), s.read)
	if err != nil {
		t.Fatal(err)
	}
	verdict := func(v *Verifier, code string, want verify.Verdict) {
		t.Helper()
		if a := v.Text(code); a.Verdict != want {
			t.Errorf("%s (%s), want %s", a.Verdict, a.Cause, want)
		}
	}
	code := device.Present(t, credential, at, nil)
	verdict(counter, code, verify.Valid)
	at = at.Add(10 * time.Second)
	verdict(counter, code, verify.Replayed)

	next := New(options)
	next.Recall(counter.Shown())
	if err := next.Restore(kept); err != nil {
		t.Fatal(err)
	}
	verdict(next, code, verify.Replayed)
	verdict(next, device.Present(t, credential, at, nil), verify.Valid)

	// A counter that has lost its memory takes nothing from before.
	damaged := New(options)
	damaged.Recall(flip(counter.Shown()))
	if err := damaged.Restore(kept); err != nil {
		t.Fatal(err)
	}
	verdict(damaged, code, verify.Replayed)

	question, err := next.Ask(rand.Reader, "甲厅一号窗口")
	if err != nil {
		t.Fatal(err)
	}
	at = at.Add(5 * time.Second)
	verdict(next, device.Present(t, credential, at, nil), verify.Replayed)
	if hall, err := Hall(question); err != nil || hall != "甲厅一号窗口" {
		t.Errorf("the phone reads %q, %v", hall, err)
	}
	p := Presentation{Credential: credential, At: at, Question: question}
	message, err := p.ToSign()
	if err != nil {
		t.Fatal(err)
	}
	signature := device.Sign(message)
	answer, err := p.Code(signature[:])
	if err != nil {
		t.Fatal(err)
	}
	verdict(next, answer, verify.Valid)
	at = at.Add(5 * time.Second)
	verdict(next, answer, verify.Replayed)
	next.StopAsking()
	verdict(next, device.Present(t, credential, at, nil), verify.Valid)
}

// TestWalletRefuses: nothing is shown that no counter takes.
func TestWalletRefuses(t *testing.T) {
	t.Parallel()
	d, device := trusttest.New(t, now), trusttest.NewDevice(t, qr.DeviceP256)
	credential := trusttest.SignedForDevice(t, d.ForDevice(now.Add(-time.Hour), device), d.IssuerKey)
	p := Presentation{Credential: credential, At: now}
	message, err := p.ToSign()
	if err != nil {
		t.Fatal(err)
	}
	signature := device.Sign(message)
	for name, bad := range map[string][]byte{"another device's": signed(trusttest.NewDevice(t, qr.DeviceP256), message), "short": signature[:63], "none": nil} {
		if code, err := p.Code(bad); err == nil {
			t.Errorf("with the signature of %s: %s", name, code)
		}
	}
	for name, bad := range map[string]Presentation{
		"no credential":    {At: now},
		"not a credential": {Credential: []byte{0x84, 0x40}, At: now},
		"not a question":   {Credential: credential, At: now, Question: "123456"},
	} {
		if code, err := bad.Code(signature[:]); err == nil {
			t.Errorf("%s: %s", name, code)
		}
	}
	point := device.Key.Point()
	if normal, err := NormalSignature(point[:], signature[:]); err != nil || device.Key.Judge(message, pki.Signature(normal), nil) != pki.Good {
		t.Errorf("the accepted form: %x, %v", normal, err)
	}
}

func signed(device *trusttest.Device, message []byte) []byte {
	signature := device.Sign(message)
	return signature[:]
}

// TestDelta: of many changes only the delta is fetched, and the next visit starts from
// what came of it.
func TestDelta(t *testing.T) {
	t.Parallel()
	d := trusttest.New(t, now)
	code := trusttest.Code(t, d.Credential(now.Add(-time.Hour)), d.IssuerKey)
	options := Options{Now: func() time.Time { return now.Add(2 * time.Hour) }}
	for i := uint32(100); i < 4000; i += 3 {
		d.Set.Revoked.Set(i) // so that the snapshot is longer than the delta
	}
	s := &service{files: d.Files(t)}
	v := New(options)
	if _, _, err := v.Refresh(t.Context(), s.read); err != nil {
		t.Fatal(err)
	}
	clone := &status.Set{List: d.Set.List, High: d.Set.High, Revoked: d.Set.Revoked, Suspended: d.Set.Suspended}
	before := &status.State{Sequence: 1, Sets: []*status.Set{clone}}
	d.Set.Revoked.Set(77)
	after := &status.State{Sequence: 2, Sets: []*status.Set{d.Set}}
	changes, err := after.Since(before)
	if err != nil {
		t.Fatal(err)
	}
	delta, err := after.Delta(changes, 1)
	if err != nil {
		t.Fatal(err)
	}
	later(t, d)
	d.Status.Files = append(d.Status.Files, d.AddSet(1, 2, delta))
	s.files, s.asked = d.Files(t), nil
	kept, _, err := v.Refresh(t.Context(), s.read)
	if err != nil {
		t.Fatal(err)
	}
	var sets []string
	for _, name := range s.asked {
		if strings.HasPrefix(name, "set/") {
			sets = append(sets, name)
		}
	}
	if want := trust.SetName(status.FileHash(delta)); len(sets) != 1 || sets[0] != want {
		t.Errorf("asked for %q, want %q alone", sets, want)
	}
	again := New(options)
	if err := again.Restore(kept); err != nil {
		t.Fatal(err)
	}
	for what, v := range map[string]*Verifier{"now": v, "at the next visit": again} {
		if a := v.Text(code); a.Verdict != verify.Revoked {
			t.Errorf("%s: %s (%s)", what, a.Verdict, a.Cause)
		}
	}

	// What is revoked stays so, whoever has signed otherwise.
	d.Set = before.Sets[0]
	s.files = later(t, d)
	if _, _, err := again.Refresh(t.Context(), s.read); err == nil {
		t.Error("a revoked licence came back")
	}
	if a := again.Text(code); a.Verdict != verify.Revoked {
		t.Errorf("after that: %s (%s)", a.Verdict, a.Cause)
	}
}
