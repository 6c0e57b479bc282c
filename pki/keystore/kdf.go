package keystore

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"fmt"
	"hash"

	"github.com/emmansun/gmsm/sm3"
	"golang.org/x/crypto/argon2"
)

// Functions that make a key-encryption key from a passphrase.
const (
	kdfArgon2id = "argon2id"        // RFC 9106
	kdfPBKDF2   = "pbkdf2-hmac-sm3" // RFC 8018, 5.2, with HMAC-SM3
)

const saltSize = 16

// Parameters of new stores. Argon2id has the second recommended option of RFC
// 9106, 4: 64 MiB, 3 passes, 4 lanes. PBKDF2 has no memory to make guessing dear,
// only time: 600,000 iterations are what is advised for HMAC-SHA-256, a guess with
// SM3 costs an attacker no less, and one takes about a second of one core here. The
// output is one block of SM3, so no part of the key can be had for less.
const (
	argonPasses  = 3
	argonMemory  = 64 << 10 // KiB
	argonThreads = 4
	iterations   = 600_000
)

// Bounds of what a `store` file may ask for: not less than a new store has, and
// not more than a machine can give.
const (
	maxPasses     = 16
	maxMemory     = 1 << 20 // KiB: 1 GiB
	maxThreads    = 16
	maxIterations = 20_000_000
)

// kdf is how a passphrase becomes a key-encryption key.
type kdf struct {
	Name    string `cbor:"1,keyasint"`
	Salt    []byte `cbor:"2,keyasint"`
	Passes  uint32 `cbor:"3,keyasint"` // argon2id: passes; PBKDF2: iterations
	Memory  uint32 `cbor:"4,keyasint,omitempty"`
	Threads uint8  `cbor:"5,keyasint,omitempty"`
}

func newKDF(gmOnly bool) (*kdf, error) {
	k := &kdf{Name: kdfArgon2id, Salt: make([]byte, saltSize), Passes: argonPasses, Memory: argonMemory, Threads: argonThreads}
	if gmOnly {
		k.Name, k.Passes, k.Memory, k.Threads = kdfPBKDF2, iterations, 0, 0
	}
	if _, err := rand.Read(k.Salt); err != nil {
		return nil, fmt.Errorf("drawing a salt: %w", err)
	}
	return k, nil
}

func (k *kdf) check(gmOnly bool) error {
	within := false
	switch k.Name {
	case kdfArgon2id:
		within = k.Passes >= argonPasses && k.Passes <= maxPasses && k.Memory >= argonMemory && k.Memory <= maxMemory &&
			k.Threads >= 1 && k.Threads <= maxThreads && !gmOnly
	case kdfPBKDF2:
		within = k.Passes >= iterations && k.Passes <= maxIterations && k.Memory == 0 && k.Threads == 0
	}
	if !within || len(k.Salt) != saltSize {
		return fmt.Errorf("the parameters of %q are out of bounds", k.Name)
	}
	return nil
}

// key derives the key-encryption key. The parameters must have been checked.
func (k *kdf) key(passphrase []byte) ([]byte, error) {
	if k.Name == kdfArgon2id {
		return argon2.IDKey(passphrase, k.Salt, k.Passes, k.Memory, k.Threads, kekSize), nil
	}
	key, err := pbkdf2.Key(func() hash.Hash { return sm3.New() }, string(passphrase), k.Salt, int(k.Passes), kekSize)
	if err != nil {
		return nil, fmt.Errorf("deriving a key from the passphrase: %w", err)
	}
	return key, nil
}

// String names the function and its parameters, for people.
func (k *kdf) String() string {
	if k.Name == kdfArgon2id {
		return fmt.Sprintf("%s, %d passes, %d MiB, %d lanes", k.Name, k.Passes, k.Memory>>10, k.Threads)
	}
	return fmt.Sprintf("%s, %d iterations", k.Name, k.Passes)
}
