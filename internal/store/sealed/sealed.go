// Package sealed says how licence records are keyed and encrypted at rest, the
// same for every engine.
//
// A record's primary key begins with its holder's distribution bucket (12 bits)
// and is the serial of its identifier: it never changes and is never made from
// anything personal but that bucket. Look-up keys for numbers, holders and request
// names are HMAC-SM3 under a secret with a version, so that re-keying never touches
// a primary key; the bucket has a secret of its own that is never rotated.
//
// The signed form of a licence is compressed (see compress.go) and encrypted with SM4-GCM.
// The key is derived for the record's bucket and the secret's version, so that no
// key sees 2^32 random nonces; the associated data is the record's key, so that
// ciphertexts cannot be exchanged.
package sealed

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/pki/keystore"
)

// KeySize is the length in bytes of a record key: bucket, random part, version.
const KeySize = 2 + licence.RandomSize + 2

// Key is the primary key of a record.
type Key [KeySize]byte

// KeyOf returns the record key of an identifier.
func KeyOf(id licence.Identifier) Key {
	var k Key
	binary.BigEndian.PutUint16(k[:], id.Serial.Bucket)
	copy(k[2:], id.Serial.Random[:])
	binary.BigEndian.PutUint16(k[KeySize-2:], uint16(id.Version))
	return k
}

// LookupSize is the length in bytes of a look-up key: version, then 16 bytes of
// HMAC-SM3.
const LookupSize = 1 + 16

// Lookup is a key of an index.
type Lookup [LookupSize]byte

// version is the version of the look-up and record secrets in use.
const version = 1

// Names of the register's secrets in the key store.
const (
	bucketSecret = "bucket"
	lookupSecret = "lookup-1"
	recordSecret = "record-1"
)

// Box keys and encrypts. It is safe for concurrent use.
type Box struct {
	buckets, lookups, records *keystore.Secret
	packer                    *packer

	// byBucket has the ciphers of the version in use that were asked for. Deriving one
	// costs as much as encrypting a licence.
	byBucket [bucketCount]atomic.Pointer[cipher.AEAD]
}

// bucketCount is how many distribution buckets there are.
const bucketCount = 1 << 12

// CreateBox makes the register's secrets in a new key store.
func CreateBox(keys *keystore.Store) (*Box, error) {
	for _, name := range []string{bucketSecret, lookupSecret, recordSecret} {
		if _, err := keys.GenerateSecret(keystore.PurposeRegister, name); err != nil {
			return nil, fmt.Errorf("making the register's secrets: %w", err)
		}
	}
	return OpenBox(keys)
}

// OpenBox takes the register's secrets from a key store.
func OpenBox(keys *keystore.Store) (*Box, error) {
	b := new(Box)
	for name, secret := range map[string]**keystore.Secret{bucketSecret: &b.buckets, lookupSecret: &b.lookups, recordSecret: &b.records} {
		var err error
		if *secret, err = keys.Secret(keystore.PurposeRegister, name); err != nil {
			return nil, fmt.Errorf("opening the register's secrets: %w", err)
		}
	}
	var err error
	if b.packer, err = newPacker(); err != nil {
		return nil, err
	}
	return b, nil
}

// Bucket returns the distribution bucket of a holder, 12 bits.
func (b *Box) Bucket(h licence.Holder) uint16 {
	sum := b.buckets.MAC([]byte("bucket"), []byte(h.IDType), []byte(h.IDNumber))
	return binary.BigEndian.Uint16(sum[:]) >> 4
}

// NumberKey returns the look-up key of a category's licence number.
func (b *Box) NumberKey(category catalogue.ID, number string) Lookup {
	return b.lookup("number", category.String(), number)
}

// HolderKey returns the look-up key of a holder.
func (b *Box) HolderKey(t licence.IDType, number string) Lookup {
	return b.lookup("holder", string(t), number)
}

// RequestKey returns the look-up key of a request's name.
func (b *Box) RequestKey(issuer, id string) Lookup { return b.lookup("request", issuer, id) }

// BindingKey returns the look-up key of a binding code: of its first digits alone.
func (b *Box) BindingKey(c licence.BindingCode) Lookup { return b.lookup("binding", c.Handle(), "") }

// BindingHash returns what is kept of a whole binding code.
func (b *Box) BindingHash(c licence.BindingCode) Lookup {
	return b.lookup("binding code", c.Digits(), "")
}

func (b *Box) lookup(use, first, second string) Lookup {
	sum := b.lookups.MAC([]byte(use), []byte(first), []byte(second))
	var l Lookup
	l[0] = version
	copy(l[1:], sum[:])
	return l
}

// ErrDamaged says that a ciphertext is not what was stored under this key.
var ErrDamaged = errors.New("the record is damaged or belongs to another key")

const nonceSize = 12

// Seal encrypts a record's text for one use ("licence", "reason", the name of a
// credential): version, nonce, ciphertext.
func (b *Box) Seal(k Key, use string, plain []byte) ([]byte, error) {
	return b.seal(k[:2], append(k[:], use...), plain)
}

// Open decrypts what [Box.Seal] made for the same key and use.
func (b *Box) Open(k Key, use string, sealed []byte) ([]byte, error) {
	return b.open(k[:2], append(k[:], use...), sealed)
}

// SealBeside encrypts what lies beside an entry of the audit log.
func (b *Box) SealBeside(index uint64, plain []byte) ([]byte, error) {
	return b.seal(auditBlock(index), auditAssociated(index), plain)
}

// OpenBeside decrypts what [Box.SealBeside] made for the same entry.
func (b *Box) OpenBeside(index uint64, sealed []byte) ([]byte, error) {
	return b.open(auditBlock(index), auditAssociated(index), sealed)
}

// auditBlock names the key of 2^24 entries.
func auditBlock(index uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte("audit"), index>>24)
}

func auditAssociated(index uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte("audit"), index)
}

// aead returns the cipher of a part of the register under a version of the secret.
func (b *Box) aead(part []byte, version byte) (cipher.AEAD, error) {
	var slot *atomic.Pointer[cipher.AEAD]
	if len(part) == 2 && binary.BigEndian.Uint16(part) < bucketCount {
		slot = &b.byBucket[binary.BigEndian.Uint16(part)]
		if known := slot.Load(); known != nil {
			return *known, nil
		}
	}
	aead, err := b.records.AEAD(part, []byte{version})
	if err == nil && slot != nil {
		slot.Store(&aead)
	}
	return aead, err
}

// seal encrypts under the key that is derived for a part of the register.
func (b *Box) seal(part, associated, plain []byte) ([]byte, error) {
	aead, err := b.aead(part, version)
	if err != nil {
		return nil, err
	}
	packed := b.packer.pack(plain)
	out := make([]byte, 1+nonceSize, 1+nonceSize+len(packed)+16)
	out[0] = version
	if _, err := rand.Read(out[1:]); err != nil {
		return nil, fmt.Errorf("drawing a nonce: %w", err)
	}
	return aead.Seal(out, out[1:], packed, associated), nil
}

func (b *Box) open(part, associated, sealed []byte) ([]byte, error) {
	if len(sealed) < 1+nonceSize || sealed[0] != version {
		return nil, ErrDamaged
	}
	aead, err := b.aead(part, sealed[0])
	if err != nil {
		return nil, err
	}
	packed, err := aead.Open(nil, sealed[1:1+nonceSize], sealed[1+nonceSize:], associated)
	if err != nil {
		return nil, ErrDamaged
	}
	plain, err := b.packer.unpack(packed)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return plain, nil
}
