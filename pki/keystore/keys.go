package keystore

import (
	"crypto"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/emmansun/gmsm/sm2"

	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cosign"
	"github.com/elicence/elicence/pki/fixedkey"
)

// GenerateSigner makes a new SM2 key: in the first device that makes keys, else
// in a file. A key of this purpose and name that exists already is not replaced;
// the error then wraps fs.ErrExist. A store that was made with gm-only answers
// [ErrDeviceOnly] when it has no device.
func (s *Store) GenerateSigner(p Purpose, name string) (*pki.Key, error) {
	for _, d := range s.devices {
		if m, ok := d.(Maker); ok {
			return s.generateIn(m, p, name)
		}
	}
	if s.gmOnly {
		return nil, fmt.Errorf("generating key %s/%s: %w", p, name, ErrDeviceOnly)
	}
	private, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generating a key: %w", err)
	}
	key, err := pki.NewKey(private)
	if err != nil {
		return nil, err
	}
	d := private.D.FillBytes(make([]byte, 32))
	defer clear(d)
	point := key.Public().Point()
	if err := s.put(keyFile{Purpose: p, Name: name, Kind: kindSigner, Point: point[:]}, d); err != nil {
		return nil, err
	}
	return key, nil
}

// generateIn takes a new key of a device into use. The store is locked meanwhile,
// so that no place is taken twice.
func (s *Store) generateIn(m Maker, p Purpose, name string) (*pki.Key, error) {
	if err := checkName(p, name); err != nil {
		return nil, err
	}
	h, release, err := s.alone()
	if err != nil {
		return nil, err
	}
	key, err := s.takeUp(h, m, p, name)
	if err := errors.Join(err, release()); err != nil {
		return nil, err
	}
	return key, nil
}

func (s *Store) takeUp(h head, m Maker, p Purpose, name string) (*pki.Key, error) {
	taken := make(map[string]bool)
	exists := false
	err := s.each(func(path string, f keyFile) error {
		if f.Device == m.Name() {
			taken[f.Ref] = true
		}
		exists = exists || f.Purpose == p && f.Name == name
		return nil
	})
	if err != nil {
		return nil, err
	}
	if exists {
		return nil, fmt.Errorf("storing key %s/%s: %w", p, name, fs.ErrExist)
	}
	at, err := m.MakeSigner(p, name, func(ref string) bool { return taken[ref] })
	if err != nil {
		return nil, fmt.Errorf("making key %s/%s in %s: %w", p, name, m.Name(), err)
	}
	return s.bind(h, m, p, name, at)
}

// BindSigner takes a key that lies in a device already into use under a purpose
// and name.
func (s *Store) BindSigner(p Purpose, name string, d Device, at Place) (*pki.Key, error) {
	if err := checkName(p, name); err != nil {
		return nil, err
	}
	h, release, err := s.sharing()
	if err != nil {
		return nil, err
	}
	key, err := s.bind(h, d, p, name, at)
	if err := errors.Join(err, release()); err != nil {
		return nil, err
	}
	return key, nil
}

func (s *Store) bind(h head, d Device, p Purpose, name string, at Place) (*pki.Key, error) {
	key, err := deviceKey(d, at)
	if err != nil {
		return nil, fmt.Errorf("key %s/%s: %w", p, name, err)
	}
	point := key.Public().Point()
	f := keyFile{Purpose: p, Name: name, Kind: kindDevice, Point: point[:], Device: d.Name(), Ref: at.Ref}
	if err := s.putUnder(h, f, at.Access); err != nil {
		return nil, err
	}
	return key, nil
}

func deviceKey(d Device, at Place) (*pki.Key, error) {
	signer, err := d.Signer(at)
	if err != nil {
		return nil, fmt.Errorf("finding the key in %s: %w", d.Name(), err)
	}
	return pki.NewKey(signer)
}

// Signer returns a signing key. The public point in its file must be the
// private key's, wherever that lies.
func (s *Store) Signer(p Purpose, name string) (*pki.Key, error) {
	return s.openSigner(p, name, func(d []byte) (crypto.Signer, error) { return sm2.NewPrivateKey(d) })
}

// FastSigner is [Store.Signer] for a key that signs much: one that lies in memory signs in
// two thirds of the time and many messages together (package fixedkey), after a tenth of a
// millisecond to prepare. A key in a device signs as it always does.
func (s *Store) FastSigner(p Purpose, name string) (*pki.Key, error) {
	return s.openSigner(p, name, func(d []byte) (crypto.Signer, error) { return fixedkey.NewSigner(d) })
}

// openSigner returns a signing key, of a private key in memory by a function.
func (s *Store) openSigner(p Purpose, name string, by func(d []byte) (crypto.Signer, error)) (*pki.Key, error) {
	secret, f, err := s.take(p, name, kindSigner, kindDevice)
	if err != nil {
		return nil, err
	}
	defer clear(secret)
	key, err := s.signer(f, secret, by)
	if err != nil {
		return nil, fmt.Errorf("key %s/%s: %w", p, name, err)
	}
	if key.Public().Point() != pki.Point(f.Point) {
		return nil, fmt.Errorf("key %s/%s does not belong to the point in its file: %w", p, name, ErrDamaged)
	}
	return key, nil
}

func (s *Store) signer(f keyFile, secret []byte, by func(d []byte) (crypto.Signer, error)) (*pki.Key, error) {
	if f.Kind == kindDevice {
		i := slices.IndexFunc(s.devices, func(d Device) bool { return d.Name() == f.Device })
		if i < 0 {
			return nil, fmt.Errorf("%s: %w", f.Device, ErrNoDevice)
		}
		key, err := deviceKey(s.devices[i], Place{Ref: f.Ref, Access: slices.Clone(secret)})
		if errors.Is(err, ErrNoKey) { // which would tell a caller to make a new one
			return nil, fmt.Errorf("the device has lost it: %w: %v", ErrDamaged, err)
		}
		return key, err
	}
	if s.gmOnly {
		return nil, ErrDeviceOnly
	}
	private, err := by(secret)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return pki.NewKey(private)
}

// GenerateSecret makes a new symmetric secret.
func (s *Store) GenerateSecret(p Purpose, name string) (*Secret, error) {
	secret := new(Secret)
	if _, err := rand.Read(secret.key[:]); err != nil {
		return nil, fmt.Errorf("drawing a secret: %w", err)
	}
	if err := s.put(keyFile{Purpose: p, Name: name, Kind: kindSecret}, secret.key[:]); err != nil {
		return nil, err
	}
	return secret, nil
}

// Secret returns a symmetric secret.
func (s *Store) Secret(p Purpose, name string) (*Secret, error) {
	b, _, err := s.take(p, name, kindSecret)
	if err != nil {
		return nil, err
	}
	defer clear(b)
	if len(b) != len(Secret{}.key) {
		return nil, fmt.Errorf("secret %s/%s has %d bytes: %w", p, name, len(b), ErrDamaged)
	}
	return &Secret{key: [32]byte(b)}, nil
}

// DestroySecret removes a symmetric secret for good; one that is not there is no error.
// What was protected by it is lost.
func (s *Store) DestroySecret(p Purpose, name string) error {
	if err := checkName(p, name); err != nil {
		return err
	}
	_, release, err := s.alone()
	if err != nil {
		return err
	}
	if err := errors.Join(s.removeSecret(p, name), release()); err != nil {
		return fmt.Errorf("destroying secret %s/%s: %w", p, name, err)
	}
	return nil
}

func (s *Store) removeSecret(p Purpose, name string) error {
	path := s.path(p, name)
	f, err := s.read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if f.Kind != kindSecret {
		return fmt.Errorf("its file holds a key of kind %s: %w", f.Kind, ErrDamaged)
	}
	return s.step("remove "+filepath.Base(path), func() error { return errors.Join(os.Remove(path), durable.SyncDir(filepath.Dir(path))) })
}

// PutHalf stores the service's half of a co-signing key. No interface of
// devices has two-party SM2, so a store that was made with gm-only answers
// [ErrDeviceOnly].
func (s *Store) PutHalf(p Purpose, name string, half *cosign.Service) error {
	if s.gmOnly {
		return fmt.Errorf("storing half %s/%s: %w", p, name, ErrDeviceOnly)
	}
	b := half.Bytes()
	defer clear(b)
	point := half.Public().Point()
	return s.put(keyFile{Purpose: p, Name: name, Kind: kindHalf, Point: point[:]}, b)
}

// Half returns the service's half of a co-signing key.
func (s *Store) Half(p Purpose, name string) (*cosign.Service, error) {
	b, f, err := s.take(p, name, kindHalf)
	if err != nil {
		return nil, err
	}
	defer clear(b)
	if s.gmOnly {
		return nil, fmt.Errorf("half %s/%s: %w", p, name, ErrDeviceOnly)
	}
	half, err := cosign.ParseService(b)
	if err != nil {
		return nil, fmt.Errorf("half %s/%s: %w: %w", p, name, ErrDamaged, err)
	}
	if half.Public().Point() != pki.Point(f.Point) {
		return nil, fmt.Errorf("half %s/%s does not belong to the point in its file: %w", p, name, ErrDamaged)
	}
	return half, nil
}

func (s *Store) path(p Purpose, name string) string {
	return filepath.Join(s.dir, string(p), name+keyExt)
}

const keyExt = ".key"

func (s *Store) put(f keyFile, secret []byte) error {
	if err := checkName(f.Purpose, f.Name); err != nil {
		return err
	}
	h, release, err := s.sharing()
	if err != nil {
		return fmt.Errorf("storing key %s/%s: %w", f.Purpose, f.Name, err)
	}
	return errors.Join(s.putUnder(h, f, secret), release())
}

// putUnder stores a key under the newest master key. The store is locked.
func (s *Store) putUnder(h head, f keyFile, secret []byte) error {
	f.Version, f.Created, f.Generation = version, s.now().Unix(), h.Generation
	m, err := s.master(h.Generation)
	if err != nil {
		return fmt.Errorf("storing key %s/%s: %w", f.Purpose, f.Name, err)
	}
	defer clear(m)
	b, err := f.seal(m, s.id, s.gmOnly, secret)
	if err != nil {
		return fmt.Errorf("storing key %s/%s: %w", f.Purpose, f.Name, err)
	}
	if err := s.create(s.path(f.Purpose, f.Name), b); err != nil {
		return fmt.Errorf("storing key %s/%s: %w", f.Purpose, f.Name, err)
	}
	return nil
}

// take decrypts one key file of one of the kinds.
func (s *Store) take(p Purpose, name string, kinds ...kind) ([]byte, keyFile, error) {
	fail := func(err error) ([]byte, keyFile, error) {
		return nil, keyFile{}, fmt.Errorf("key %s/%s: %w", p, name, err)
	}
	if err := checkName(p, name); err != nil {
		return nil, keyFile{}, err
	}
	f, err := s.read(s.path(p, name))
	if errors.Is(err, fs.ErrNotExist) {
		return fail(ErrNoKey)
	}
	if err != nil {
		return fail(err)
	}
	if f.Purpose != p || f.Name != name || !slices.Contains(kinds, f.Kind) {
		return fail(fmt.Errorf("its file holds %s %s/%s: %w", f.Kind, f.Purpose, f.Name, ErrDamaged))
	}
	m, err := s.master(f.Generation)
	if err != nil {
		return fail(err)
	}
	defer clear(m)
	secret, err := f.open(m, s.id, s.gmOnly)
	if err != nil {
		return fail(err)
	}
	return secret, f, nil
}

// read reads a key file without opening it.
func (s *Store) read(path string) (keyFile, error) {
	b, err := readPrivate(path, maxKeyFile)
	if err != nil {
		return keyFile{}, err
	}
	return parseKeyFile(b)
}
