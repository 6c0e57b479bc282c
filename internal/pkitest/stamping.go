package pkitest

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/oid"
	"github.com/elicence/elicence/pki/tsa"
)

// StampPolicy is the policy of the fixtures' time stamps.
var StampPolicy = oid.Of(1, 2, 156, 10197, 6, 9999, 1)

// Stamping is what a time-stamping authority needs, under a root of its own.
type Stamping struct {
	Root        *cert.Certificate
	Certificate *cert.Certificate
	Key         *pki.Key
	Marks       *Marks
	rootKey     *pki.Key
}

// NewStamping makes a root, a key and its certificate, which is valid around a time. The
// change, if there is one, spoils the certificate.
func NewStamping(tb testing.TB, now time.Time, change ...func(*cert.Template)) *Stamping {
	tb.Helper()
	rootKey := NewKey(tb)
	root := cert.Name{Country: "CN", Organization: "测试省", CommonName: "时间戳根"}
	s := &Stamping{rootKey: rootKey}
	s.Root = assemble(tb, cert.Template{
		Issuer: root, Subject: root, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		Key: rootKey.Public(), IssuerKey: rootKey.Public(), IsCA: true, Usage: cert.KeyCertSign,
	}, rootKey)
	return s.Certify(tb, now, change...)
}

// Certify makes another authority under the same root.
func (s *Stamping) Certify(tb testing.TB, now time.Time, change ...func(*cert.Template)) *Stamping {
	tb.Helper()
	key := NewKey(tb)
	template := cert.Template{
		Issuer: s.Root.Subject, Subject: cert.Name{Country: "CN", Organization: "测试省", CommonName: "时间戳服务"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour), Key: key.Public(), IssuerKey: s.rootKey.Public(),
		Usage: cert.DigitalSignature | cert.NonRepudiation, ExtUsages: []oid.ID{oid.UsageTimeStamping}, ExtUsageCritical: true,
	}
	for _, c := range change {
		c(&template)
	}
	return &Stamping{Root: s.Root, Certificate: assemble(tb, template, s.rootKey), Key: key, Marks: new(Marks), rootKey: s.rootKey}
}

func assemble(tb testing.TB, t cert.Template, issuer *pki.Key) *cert.Certificate {
	tb.Helper()
	if _, err := rand.Read(t.Serial[:]); err != nil {
		tb.Fatal(err)
	}
	t.Serial[0] = t.Serial[0]&0x7f | 0x40
	tbs, err := t.TBS()
	if err != nil {
		tb.Fatal(err)
	}
	sig, err := issuer.Sign(tbs)
	if err != nil {
		tb.Fatal(err)
	}
	der, err := cert.Assemble(tbs, sig)
	if err != nil {
		tb.Fatal(err)
	}
	c, err := cert.Parse(der)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// errNotRoot says that a signer is not the fixture's.
var errNotRoot = errors.New("not signed by the fixture's root, or not valid then")

// Chain is a tsa.ChainVerifier with the fixture's root as its only anchor.
func (s *Stamping) Chain(signer *cert.Certificate, at time.Time, _ []*cert.Certificate) error {
	if signer.SignedBy(s.Root.Key, nil) != nil || at.Before(signer.NotBefore()) || at.After(signer.NotAfter()) {
		return errNotRoot
	}
	return nil
}

// Settings returns settings whose clock reads the given function.
func (s *Stamping) Settings(tb testing.TB, read func() tsa.Reading) tsa.Settings {
	tb.Helper()
	clock, err := tsa.NewClock(tsa.ClockSettings{Read: read, Probe: tsa.DeclaredClock(0)})
	if err != nil {
		tb.Fatal(err)
	}
	return tsa.Settings{
		Key: s.Key, Chain: []*cert.Certificate{s.Certificate}, Policy: StampPolicy, Accuracy: 1600 * time.Millisecond, Clock: clock, Marks: s.Marks,
	}
}

// Authority returns an authority with the machine's clock.
func (s *Stamping) Authority(tb testing.TB) *tsa.Authority {
	tb.Helper()
	a, err := tsa.NewAuthority(s.Settings(tb, tsa.SystemClock()))
	if err != nil {
		tb.Fatal(err)
	}
	return a
}

// Marks is a tsa.Marks in memory.
type Marks struct {
	mu   sync.Mutex
	mark time.Time // guarded by mu
	sets int       // guarded by mu
	err  error     // guarded by mu
}

// Mark implements tsa.Marks.
func (m *Marks) Mark(context.Context) (time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.mark, m.err
}

// SetMark implements tsa.Marks.
func (m *Marks) SetMark(_ context.Context, t time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return m.err
	}
	m.mark = t
	m.sets++
	return nil
}

// Sets returns how often a mark was kept.
func (m *Marks) Sets() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sets
}

// Fail makes every later call fail.
func (m *Marks) Fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.err = err
}
