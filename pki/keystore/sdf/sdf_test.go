package sdf_test

import (
	"bytes"
	"crypto"
	"errors"
	"sync"
	"testing"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/keystore"
	"github.com/elicence/elicence/pki/keystore/sdf"
	"github.com/elicence/elicence/pki/keystore/sdftest"
	"github.com/elicence/elicence/pki/second"
)

func place(k sdf.Key) keystore.Place { return keystore.Place{Ref: "1", Access: k.Password} }

func TestSign(t *testing.T) {
	t.Parallel()
	hardware := sdftest.New(t, "42", 2)
	d := hardware.Open(t)
	if d.Name() != "sdf:stand-in/42" {
		t.Errorf("the device is named %q", d.Name())
	}
	signer, err := d.Signer(place(hardware.Keys()[0]))
	if err != nil {
		t.Fatal(err)
	}
	key, err := pki.NewKey(signer)
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range 32 {
		group.Go(func() {
			sig, err := key.Sign([]byte("m"))
			if err != nil {
				t.Error(err)
				return
			}
			if ok, err := (second.Opinion{}).Verify(key.Public().Point(), []byte("m"), sig); err != nil || !ok {
				t.Errorf("the second implementation refuses it: %v", err)
			}
		})
	}
	group.Wait()
	if n := hardware.Sessions(); n > 4 {
		t.Errorf("%d sessions were opened, at most 4 may be", n)
	}
	hardware.Restart()
	if _, err := key.Sign([]byte("m")); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	for _, c := range []struct {
		e    []byte
		hash crypto.Hash
	}{{make([]byte, 31), 0}, {make([]byte, 33), 0}, {nil, 0}, {make([]byte, 32), crypto.SHA256}} {
		if _, err := signer.Sign(nil, c.e, c.hash); err == nil {
			t.Errorf("%d bytes with hash %v are signed", len(c.e), c.hash)
		}
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

// TestPasswordIsTriedOnce: devices count wrong passwords and lock.
func TestPasswordIsTriedOnce(t *testing.T) {
	t.Parallel()
	hardware := sdftest.New(t, "1", 1)
	d := hardware.Open(t)
	before := hardware.Sessions()
	if _, err := d.Signer(place(hardware.Keys()[0])); err != nil {
		t.Fatal(err)
	}
	_, err := d.Signer(keystore.Place{Ref: "1", Access: []byte("wrong")}) // in a session that has the right
	if !errors.Is(err, sdf.StatusAccess) {
		t.Errorf("a wrong password: %v, want SDR_PRKRERR", err)
	}
	if after := hardware.Sessions(); after != before {
		t.Errorf("%d sessions more: the password was tried again", after-before)
	}
	if _, err := d.Signer(keystore.Place{Ref: "7"}); !errors.Is(err, keystore.ErrNoKey) {
		t.Errorf("an empty index: %v, want ErrNoKey", err)
	}
	signer, err := d.Signer(keystore.Place{Ref: "1"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := signer.Sign(nil, make([]byte, 32), crypto.Hash(0)); !errors.Is(err, sdf.StatusDenied) {
		t.Errorf("signing without a right: %v, want SDR_PARDENY", err)
	}
}

// lying changes what a device answers.
type lying struct {
	*sdftest.Device
	public func(*sdf.PublicKey)
	sig    func(*sdf.Signature)
	info   func(*sdf.DeviceInfo)
}

type lyingSession struct {
	sdf.Session
	l *lying
}

func (l *lying) OpenSession() (sdf.Session, error) {
	s, err := l.Device.OpenSession()
	return lyingSession{s, l}, err
}

func (s lyingSession) DeviceInfo() (sdf.DeviceInfo, error) {
	info, err := s.Session.DeviceInfo()
	if s.l.info != nil {
		s.l.info(&info)
	}
	return info, err
}

func (s lyingSession) ExportSignPublicKey(index uint32) (sdf.PublicKey, error) {
	p, err := s.Session.ExportSignPublicKey(index)
	if s.l.public != nil {
		s.l.public(&p)
	}
	return p, err
}

func (s lyingSession) InternalSign(index uint32, e []byte) (sdf.Signature, error) {
	sig, err := s.Session.InternalSign(index, e)
	if s.l.sig != nil {
		s.l.sig(&sig)
	}
	return sig, err
}

func TestAnswersAreChecked(t *testing.T) {
	t.Parallel()
	l := &lying{Device: sdftest.New(t, "1", 1)}
	d, err := sdf.Open(sdf.Config{Library: l})
	if err != nil {
		t.Fatal(err)
	}
	at := place(l.Keys()[0])
	for name, public := range map[string]func(*sdf.PublicKey){
		"another length": func(p *sdf.PublicKey) { p.Bits = 384 },
		"x too long":     func(p *sdf.PublicKey) { p.X[0] = 1 },
		"y too long":     func(p *sdf.PublicKey) { p.Y[31] = 1 },
		"off the curve":  func(p *sdf.PublicKey) { p.Y[63] ^= 2 },
		"left-aligned":   func(p *sdf.PublicKey) { copy(p.X[:], bytes.Clone(p.X[32:])) },
		"zero":           func(p *sdf.PublicKey) { *p = sdf.PublicKey{Bits: 256} },
	} {
		l.public = public
		if _, err := d.Signer(at); !errors.Is(err, pki.ErrBadPoint) {
			t.Errorf("%s: %v, want ErrBadPoint", name, err)
		}
	}
	l.public = nil
	signer, err := d.Signer(at)
	if err != nil {
		t.Fatal(err)
	}
	key, err := pki.NewKey(signer)
	if err != nil {
		t.Fatal(err)
	}
	for name, sig := range map[string]func(*sdf.Signature){
		"r too long":   func(s *sdf.Signature) { s.R[0] = 1 },
		"s too long":   func(s *sdf.Signature) { s.S[31] = 1 },
		"a wrong bit":  func(s *sdf.Signature) { s.S[63] ^= 1 },
		"zero":         func(s *sdf.Signature) { *s = sdf.Signature{} },
		"left-aligned": func(s *sdf.Signature) { copy(s.R[:32], s.R[32:]) },
	} {
		l.sig = sig
		if _, err := key.Sign([]byte("m")); err == nil {
			t.Errorf("%s: released", name)
		}
	}
	l.info = func(i *sdf.DeviceInfo) { i.Serial = [16]byte{} }
	if _, err := sdf.Open(sdf.Config{Library: l}); err == nil {
		t.Error("a device without a serial number is opened")
	}
}

func TestWrap(t *testing.T) {
	t.Parallel()
	hardware := sdftest.New(t, "1", 0)
	w, err := hardware.Open(t).Wrapper()
	if err != nil {
		t.Fatal(err)
	}
	if key := w.WrappingKey(); key.Algorithm != keystore.AlgorithmSM4 || key.Label != "KEK 1" {
		t.Errorf("the wrapping key is %+v", key)
	}
	kek, context := bytes.Repeat([]byte{7}, 32), []byte("store")
	wrapped, err := w.Wrap(kek, context)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(wrapped, kek[:16]) {
		t.Error("the key stands in what was wrapped")
	}
	if got, err := w.Unwrap(wrapped, context); err != nil || !bytes.Equal(got, kek) {
		t.Errorf("Unwrap = %x, %v", got, err)
	}
	if _, err := w.Unwrap(wrapped, []byte("another")); err == nil {
		t.Error("it unwraps for another store")
	}
	for n := range wrapped {
		if _, err := w.Unwrap(wrapped[:n], context); err == nil {
			t.Errorf("it unwraps cut off at %d", n)
		}
		wrong := bytes.Clone(wrapped)
		wrong[n] ^= 1
		if got, err := w.Unwrap(wrong, context); err == nil && bytes.Equal(got, kek) {
			t.Errorf("byte %d makes no difference", n)
		}
	}
	other, err := sdftest.New(t, "1", 0).Open(t).Wrapper()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Unwrap(wrapped, context); err == nil {
		t.Error("another device unwraps it")
	}
	for _, n := range []int{0, 15, 33} {
		if _, err := w.Wrap(make([]byte, n), context); err == nil {
			t.Errorf("%d bytes are wrapped", n)
		}
	}
	none, err := sdf.Open(sdf.Config{Library: hardware})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := none.Wrapper(); err == nil {
		t.Error("a device without a key-encryption key wraps")
	}
}
