// Package sdftest is a software stand-in of an SDF device (GM/T 0018-2023), for
// tests: SM2 keys and key-encryption keys at indexes, access passwords, sessions
// that can be lost. It is not a place for real keys.
package sdftest

import (
	"bytes"
	"crypto"
	"crypto/cipher"
	"crypto/rand"
	"sync"
	"testing"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm4"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/keystore/sdf"
)

// Device is the stand-in.
type Device struct {
	Serial string

	mu       sync.Mutex
	keys     map[uint32]*key
	keks     map[uint32][]byte
	sessions map[*session]bool
	handle   sdf.KeyHandle
	opened   int
}

type key struct {
	private  *sm2.PrivateKey
	password []byte
}

// New returns a device with n SM2 keys at the indexes 1…n, each with an access
// password, and a key-encryption key at index 1.
func New(tb testing.TB, serial string, n int) *Device {
	tb.Helper()
	d := &Device{Serial: serial, keys: make(map[uint32]*key), keks: make(map[uint32][]byte), sessions: make(map[*session]bool)}
	for i := range n {
		private, err := sm2.GenerateKey(rand.Reader)
		if err != nil {
			tb.Fatal(err)
		}
		d.keys[uint32(i+1)] = &key{private, []byte(rand.Text())}
	}
	d.keks[1] = make([]byte, sm4.BlockSize)
	if _, err := rand.Read(d.keks[1]); err != nil {
		tb.Fatal(err)
	}
	return d
}

// Open connects the driver to the device.
func (d *Device) Open(tb testing.TB) *sdf.Device {
	tb.Helper()
	opened, err := sdf.Open(sdf.Config{Library: d, Keys: d.Keys(), KEK: 1})
	if err != nil {
		tb.Fatal(err)
	}
	return opened
}

// Keys lists the keys as an operator's configuration would.
func (d *Device) Keys() []sdf.Key {
	var keys []sdf.Key
	for i := range len(d.keys) {
		index := uint32(i + 1)
		keys = append(keys, sdf.Key{Index: index, Password: bytes.Clone(d.keys[index].password)})
	}
	return keys
}

// Restart loses every session, as a power cut does.
func (d *Device) Restart() {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.sessions)
}

// Replace puts a new key at an index, with the password of the old one.
func (d *Device) Replace(tb testing.TB, index uint32) {
	tb.Helper()
	private, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.keys[index].private = private
}

// Sessions says how many sessions were opened so far.
func (d *Device) Sessions() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.opened
}

// OpenSession is SDF_OpenSession.
func (d *Device) OpenSession() (sdf.Session, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := &session{device: d, granted: make(map[uint32]bool), keys: make(map[sdf.KeyHandle][]byte)}
	d.sessions[s] = true
	d.opened++
	return s, nil
}

// Close is SDF_CloseDevice.
func (d *Device) Close() error {
	d.Restart()
	return nil
}

type session struct {
	device  *Device
	granted map[uint32]bool
	keys    map[sdf.KeyHandle][]byte
}

// enter locks the device and refuses a session that was lost.
func (s *session) enter() (func(), error) {
	s.device.mu.Lock()
	if !s.device.sessions[s] {
		s.device.mu.Unlock()
		return nil, sdf.StatusCommunication
	}
	return s.device.mu.Unlock, nil
}

func (s *session) DeviceInfo() (sdf.DeviceInfo, error) {
	leave, err := s.enter()
	if err != nil {
		return sdf.DeviceInfo{}, err
	}
	defer leave()
	var info sdf.DeviceInfo
	copy(info.Issuer[:], "stand-in")
	copy(info.Name[:], "software")
	copy(info.Serial[:], s.device.Serial)
	return info, nil
}

func (s *session) AccessPrivateKey(index uint32, password []byte) error {
	leave, err := s.enter()
	if err != nil {
		return err
	}
	defer leave()
	k := s.device.keys[index]
	if k == nil {
		return sdf.StatusNoKey
	}
	if !bytes.Equal(k.password, password) {
		return sdf.StatusAccess
	}
	s.granted[index] = true
	return nil
}

func (s *session) ReleasePrivateKey(index uint32) error {
	leave, err := s.enter()
	if err != nil {
		return err
	}
	defer leave()
	delete(s.granted, index)
	return nil
}

func (s *session) ExportSignPublicKey(index uint32) (sdf.PublicKey, error) {
	leave, err := s.enter()
	if err != nil {
		return sdf.PublicKey{}, err
	}
	defer leave()
	k := s.device.keys[index]
	if k == nil {
		return sdf.PublicKey{}, sdf.StatusNoKey
	}
	p := sdf.PublicKey{Bits: 256}
	k.private.X.FillBytes(p.X[:])
	k.private.Y.FillBytes(p.Y[:])
	return p, nil
}

func (s *session) InternalSign(index uint32, e []byte) (sdf.Signature, error) {
	leave, err := s.enter()
	if err != nil {
		return sdf.Signature{}, err
	}
	defer leave()
	k := s.device.keys[index]
	switch {
	case k == nil:
		return sdf.Signature{}, sdf.StatusNoKey
	case !s.granted[index]:
		return sdf.Signature{}, sdf.StatusDenied
	case len(e) != 32:
		return sdf.Signature{}, sdf.StatusArgument
	}
	der, err := k.private.Sign(rand.Reader, e, crypto.Hash(0))
	if err != nil {
		return sdf.Signature{}, sdf.StatusSign
	}
	sig, err := pki.ParseSignatureDER(der)
	if err != nil {
		return sdf.Signature{}, sdf.StatusSign
	}
	var answer sdf.Signature
	copy(answer.R[sdf.Elements-32:], sig[:32])
	copy(answer.S[sdf.Elements-32:], sig[32:])
	return answer, nil
}

// The identifiers of GM/T 0006 that the device knows.
const (
	sm4ECB = 0x401
	sm4CBC = 0x402
)

func (s *session) GenerateKeyWithKEK(bits, algorithm, kek uint32) ([]byte, sdf.KeyHandle, error) {
	leave, err := s.enter()
	if err != nil {
		return nil, 0, err
	}
	defer leave()
	outer := s.device.keks[kek]
	switch {
	case outer == nil:
		return nil, 0, sdf.StatusNoKey
	case bits != 128 || algorithm != sm4ECB:
		return nil, 0, sdf.StatusArgument
	}
	fresh, out := make([]byte, sm4.BlockSize), make([]byte, sm4.BlockSize)
	if _, err := rand.Read(fresh); err != nil {
		return nil, 0, sdf.StatusHardware
	}
	block, err := sm4.NewCipher(outer)
	if err != nil {
		return nil, 0, sdf.StatusSymmetric
	}
	block.Encrypt(out, fresh)
	return out, s.keep(fresh), nil
}

func (s *session) keep(key []byte) sdf.KeyHandle {
	s.device.handle++
	s.keys[s.device.handle] = key
	return s.device.handle
}

func (s *session) ImportKeyWithKEK(algorithm, kek uint32, key []byte) (sdf.KeyHandle, error) {
	leave, err := s.enter()
	if err != nil {
		return 0, err
	}
	defer leave()
	outer := s.device.keks[kek]
	switch {
	case outer == nil:
		return 0, sdf.StatusNoKey
	case len(key) != sm4.BlockSize || algorithm != sm4ECB:
		return 0, sdf.StatusArgument
	}
	block, err := sm4.NewCipher(outer)
	if err != nil {
		return 0, sdf.StatusSymmetric
	}
	plain := make([]byte, sm4.BlockSize)
	block.Decrypt(plain, key)
	return s.keep(plain), nil
}

func (s *session) DestroyKey(key sdf.KeyHandle) error {
	leave, err := s.enter()
	if err != nil {
		return err
	}
	defer leave()
	delete(s.keys, key)
	return nil
}

func (s *session) Encrypt(key sdf.KeyHandle, algorithm uint32, iv, data []byte) ([]byte, error) {
	return s.cbc(key, algorithm, iv, data, cipher.NewCBCEncrypter)
}

func (s *session) Decrypt(key sdf.KeyHandle, algorithm uint32, iv, data []byte) ([]byte, error) {
	return s.cbc(key, algorithm, iv, data, cipher.NewCBCDecrypter)
}

func (s *session) cbc(key sdf.KeyHandle, algorithm uint32, iv, data []byte, mode func(cipher.Block, []byte) cipher.BlockMode) ([]byte, error) {
	leave, err := s.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	k := s.keys[key]
	switch {
	case k == nil:
		return nil, sdf.StatusNoKey
	case algorithm != sm4CBC || len(iv) != sm4.BlockSize || len(data)%sm4.BlockSize != 0:
		return nil, sdf.StatusArgument
	}
	block, err := sm4.NewCipher(k)
	if err != nil {
		return nil, sdf.StatusSymmetric
	}
	out := make([]byte, len(data))
	mode(block, iv).CryptBlocks(out, data)
	return out, nil
}

func (s *session) Close() error {
	s.device.mu.Lock()
	defer s.device.mu.Unlock()
	delete(s.device.sessions, s)
	return nil
}
