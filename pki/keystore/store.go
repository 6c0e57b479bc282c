package keystore

import (
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm3"
	"github.com/emmansun/gmsm/sm4"

	"github.com/elicence/elicence/internal/detcbor"
	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cosign"
)

// Store is an open key store. It is safe for concurrent use.
type Store struct {
	dir string
	kek []byte
}

// Create makes a new key store in a folder that does not exist yet.
func Create(dir string, u Unlock) (*Store, error) {
	h, kek, err := newHead(u)
	if err != nil {
		return nil, err
	}
	b, err := detcbor.Marshal(h)
	if err != nil {
		return nil, err
	}
	if err := durable.Mkdir(dir, 0o700); err != nil {
		return nil, fmt.Errorf("creating the key store: %w", err)
	}
	if err := durable.CreateFile(filepath.Join(dir, headFile), b, 0o600); err != nil {
		return nil, fmt.Errorf("creating the key store: %w", err)
	}
	return &Store{dir, kek}, nil
}

// Open opens an existing key store. A key-encryption key that is not the
// store's is [ErrLocked].
func Open(dir string, u Unlock) (*Store, error) {
	h, err := readHead(dir)
	if err != nil {
		return nil, err
	}
	kek, err := h.kek(u)
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare(check(kek), h.Check) != 1 {
		return nil, ErrLocked
	}
	return &Store{dir, kek}, nil
}

// Purpose is what a key is for. A key opens for its own purpose only.
type Purpose string

// The purposes of this version.
const (
	PurposeCA         Purpose = "ca"         // certificate authorities
	PurposeAuthority  Purpose = "authority"  // issuing authorities: licences and their codes
	PurposeTrust      Purpose = "trust"      // roles of the trust files
	PurposeService    Purpose = "service"    // document codes, audit checkpoints
	PurposeOCSP       Purpose = "ocsp"       // OCSP responders
	PurposeTSA        Purpose = "tsa"        // time stamping authorities
	PurposeSeal       Purpose = "seal"       // seal makers and seals
	PurposePerson     Purpose = "person"     // the service's halves of persons' keys
	PurposeEncryption Purpose = "encryption" // encryption keys of dual certificates
	PurposeRegister   Purpose = "register"   // the register's symmetric secrets
)

type kind string

const (
	kindSigner kind = "sm2"
	kindSecret kind = "secret"
	kindHalf   kind = "cosign-service"
)

// keyFile is one key at rest.
type keyFile struct {
	Version    uint64  `cbor:"1,keyasint"`
	Purpose    Purpose `cbor:"2,keyasint"`
	Name       string  `cbor:"3,keyasint"`
	Kind       kind    `cbor:"4,keyasint"`
	Point      []byte  `cbor:"5,keyasint,omitempty"`
	Nonce      []byte  `cbor:"6,keyasint"`
	Ciphertext []byte  `cbor:"7,keyasint"`
}

const maxKeyFile = 4096

var nameForm = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z._-]{0,99}$`)

// GenerateSigner makes a new SM2 key. A key of this purpose and name that
// exists already is not replaced; the error then wraps fs.ErrExist.
func (s *Store) GenerateSigner(p Purpose, name string) (*pki.Key, error) {
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
	if err := s.put(p, name, kindSigner, point[:], d); err != nil {
		return nil, err
	}
	return key, nil
}

// Signer returns a signing key. The public point in its file must be the
// private key's.
func (s *Store) Signer(p Purpose, name string) (*pki.Key, error) {
	d, point, err := s.take(p, name, kindSigner)
	if err != nil {
		return nil, err
	}
	defer clear(d)
	private, err := sm2.NewPrivateKey(d)
	if err != nil {
		return nil, fmt.Errorf("key %s/%s: %w", p, name, err)
	}
	key, err := pki.NewKey(private)
	if err != nil {
		return nil, fmt.Errorf("key %s/%s: %w", p, name, err)
	}
	if key.Public().Point() != pki.Point(point) {
		return nil, fmt.Errorf("key %s/%s does not belong to the point in its file", p, name)
	}
	return key, nil
}

// GenerateSecret makes a new symmetric secret.
func (s *Store) GenerateSecret(p Purpose, name string) (*Secret, error) {
	secret := new(Secret)
	if _, err := rand.Read(secret.key[:]); err != nil {
		return nil, fmt.Errorf("drawing a secret: %w", err)
	}
	if err := s.put(p, name, kindSecret, nil, secret.key[:]); err != nil {
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
		return nil, fmt.Errorf("secret %s/%s has %d bytes", p, name, len(b))
	}
	return &Secret{key: [32]byte(b)}, nil
}

// PutHalf stores the service's half of a co-signing key.
func (s *Store) PutHalf(p Purpose, name string, half *cosign.Service) error {
	b := half.Bytes()
	defer clear(b)
	point := half.Public().Point()
	return s.put(p, name, kindHalf, point[:], b)
}

// Half returns the service's half of a co-signing key.
func (s *Store) Half(p Purpose, name string) (*cosign.Service, error) {
	b, point, err := s.take(p, name, kindHalf)
	if err != nil {
		return nil, err
	}
	defer clear(b)
	half, err := cosign.ParseService(b)
	if err != nil {
		return nil, fmt.Errorf("half %s/%s: %w", p, name, err)
	}
	if half.Public().Point() != pki.Point(point) {
		return nil, fmt.Errorf("half %s/%s does not belong to the point in its file", p, name)
	}
	return half, nil
}

func (s *Store) path(p Purpose, name string) (string, error) {
	if !nameForm.MatchString(name) {
		return "", fmt.Errorf("%q is not a name for a key", name)
	}
	return filepath.Join(s.dir, string(p), name+".key"), nil
}

// aead is SM4-GCM under the key-encryption key's derivation for one file.
func (s *Store) aead(p Purpose, name string) (cipher.AEAD, error) {
	mac := hmac.New(sm3.New, s.kek)
	mac.Write([]byte("elicence/keystore/1\x00" + string(p) + "\x00" + name))
	return newGCM(mac.Sum(nil)[:16])
}

func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := sm4.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("preparing SM4: %w", err)
	}
	return cipher.NewGCM(block)
}

// associated is everything of the file but its ciphertext.
func (f keyFile) associated() ([]byte, error) {
	f.Ciphertext = nil
	return detcbor.Marshal(f)
}

func (s *Store) put(p Purpose, name string, k kind, point, secret []byte) error {
	path, err := s.path(p, name)
	if err != nil {
		return err
	}
	f := keyFile{Version: 1, Purpose: p, Name: name, Kind: k, Point: point, Nonce: make([]byte, 12)}
	if _, err := rand.Read(f.Nonce); err != nil {
		return fmt.Errorf("drawing a nonce: %w", err)
	}
	associated, err := f.associated()
	if err != nil {
		return err
	}
	aead, err := s.aead(p, name)
	if err != nil {
		return err
	}
	f.Ciphertext = aead.Seal(nil, f.Nonce, secret, associated)
	b, err := detcbor.Marshal(f)
	if err != nil {
		return err
	}
	if err := durable.Mkdir(filepath.Dir(path), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("storing key %s/%s: %w", p, name, err)
	}
	if err := durable.CreateFile(path, b, 0o600); err != nil {
		return fmt.Errorf("storing key %s/%s: %w", p, name, err)
	}
	return nil
}

// take decrypts one key file and returns the secret and the public point.
func (s *Store) take(p Purpose, name string, k kind) ([]byte, []byte, error) {
	path, err := s.path(p, name)
	if err != nil {
		return nil, nil, err
	}
	b, err := readPrivate(path, maxKeyFile)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil, fmt.Errorf("key %s/%s: %w", p, name, ErrNoKey)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("key %s/%s: %w", p, name, err)
	}
	f, err := parseKeyFile(b)
	if err != nil {
		return nil, nil, fmt.Errorf("key %s/%s: %w", p, name, err)
	}
	if f.Purpose != p || f.Name != name || f.Kind != k {
		return nil, nil, fmt.Errorf("the file of key %s/%s holds %s %s/%s", p, name, f.Kind, f.Purpose, f.Name)
	}
	associated, err := f.associated()
	if err != nil {
		return nil, nil, err
	}
	aead, err := s.aead(p, name)
	if err != nil {
		return nil, nil, err
	}
	secret, err := aead.Open(nil, f.Nonce, f.Ciphertext, associated)
	if err != nil {
		return nil, nil, fmt.Errorf("key %s/%s is damaged or was changed: %w", p, name, err)
	}
	return secret, f.Point, nil
}

func parseKeyFile(b []byte) (keyFile, error) {
	var f keyFile
	if err := detcbor.Unmarshal(b, &f); err != nil {
		return f, fmt.Errorf("reading the key file: %w", err)
	}
	if f.Version != 1 {
		return f, fmt.Errorf("key file has version %d, this program knows version 1", f.Version)
	}
	if len(f.Nonce) != 12 {
		return f, errors.New("key file's nonce is not 12 bytes")
	}
	if f.Kind == kindSecret && len(f.Point) != 0 || f.Kind != kindSecret && len(f.Point) != pki.PointSize {
		return f, errors.New("key file's public point is missing or out of place")
	}
	return f, nil
}
