// Package sealed says how licence records are keyed and encrypted at rest, the
// same for every engine.
//
// A record's primary key begins with its holder's distribution bucket (12 bits)
// and is the serial of its identifier: it never changes and is never made from
// anything personal but that bucket. Look-up keys for numbers, holders and request
// names are HMAC-SM3, so that re-keying never touches a primary key; the bucket has a
// secret of its own that is never rotated.
//
// A look-up key of generation 1 is a part of the HMAC of what is looked up; one of a later
// generation is a part of the HMAC, under that generation's secret, of the look-up key in the
// generation before:
//
//	1 ‖ HMAC-SM3(secret 1, use, parts)
//	g ‖ HMAC-SM3(secret g, "renewed", look-up key of generation g − 1)
//
// So everything has exactly one look-up key in each generation, and who has the one of
// before makes that of the next without knowing what was looked up: erased licences and
// names of requests are known by it alone. Who has the secrets of before, and not the last
// one, makes no key that lies in the register now.
//
// What a licence says is compressed (see compress.go) and encrypted with SM4-GCM under a
// key of the licence's own, which can be destroyed (package keytree); so is what lies
// beside an entry of the audit log. The associated data is the record's key and the use,
// so that ciphertexts cannot be exchanged.
//
// A ciphertext begins with the generation of its keys:
//
//	generation ‖ nonce ‖ SM4-GCM            of a licence, or of what is not one licence's
//	generation ‖ epoch ‖ nonce ‖ SM4-GCM    of what lies beside an entry
//
// In generation 1, of before there were keys that can be destroyed, a key is derived for
// the record's bucket, or for 2^24 entries, so that none sees 2^32 random nonces, and
// nothing has an epoch. What is not one licence's is encrypted so in every generation,
// under that generation's secret.
package sealed

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/store/keytree"
	"github.com/elicence/elicence/licence"
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

// Names of the register's secrets in the key store.
const (
	bucketSecret = "bucket"
	recordSecret = "record-" // and the generation
)

// Generation numbers the keys that records are encrypted under.
type Generation uint8

// Shared is the generation whose keys many records share: none of them can be destroyed.
const Shared Generation = 1

// First is the first generation with a key for each licence.
const First Generation = 2

// Errors that callers decide on.
var (
	// ErrDamaged says that a ciphertext is not what was stored under this key.
	ErrDamaged = bilingual.New("记录已损坏，或不是用此密钥加密的", "the record is damaged or belongs to another key")
	// ErrDestroyed says that the key of a record was destroyed.
	ErrDestroyed = keytree.ErrDestroyed
	// ErrNoKeys says that the keys of a generation are not there.
	ErrNoKeys = bilingual.New("缺少记录密钥", "the record keys are not there")
)

// Box keys and encrypts. It is safe for concurrent use.
type Box struct {
	keys             *keystore.Store
	buckets          *keystore.Secret
	packer           *packer
	dir              string    // of the record keys
	rooms            sync.Pool // of *[]byte, for packed texts
	generation       atomic.Uint32
	trees            atomic.Pointer[keytree.Folder] // nil: none yet
	lookups          atomic.Pointer[lookups]
	lookupGeneration atomic.Uint32

	mu    sync.RWMutex
	parts map[part]cipher.AEAD            // guarded by mu
	held  map[Generation]*keystore.Secret // guarded by mu
}

// part is what shares a key that is derived from a generation's secret.
type part struct {
	generation Generation
	name       string
}

// CreateBox makes the register's secrets in a new key store, and the folder of the record
// keys, which must not exist.
func CreateBox(keys *keystore.Store, dir string) (*Box, error) {
	for _, name := range []string{bucketSecret, lookupSecretOf(FirstLookups)} {
		if _, err := keys.GenerateSecret(keystore.PurposeRegister, name); err != nil {
			return nil, fmt.Errorf("making the register's secrets: %w", err)
		}
	}
	b, err := OpenBox(keys, dir)
	if err != nil {
		return nil, err
	}
	return b, b.Begin(First)
}

// OpenBox takes the register's secrets from a key store, and the record keys from their
// folder if there is one. Generation [Shared] is in use until [Box.Use] says another.
func OpenBox(keys *keystore.Store, dir string) (*Box, error) {
	b := &Box{keys: keys, dir: dir, parts: make(map[part]cipher.AEAD), held: make(map[Generation]*keystore.Secret)}
	b.rooms.New = func() any { return new([]byte) }
	b.generation.Store(uint32(Shared))
	b.lookupGeneration.Store(uint32(FirstLookups))
	var err error
	if b.buckets, err = keys.Secret(keystore.PurposeRegister, bucketSecret); err != nil {
		return nil, fmt.Errorf("opening the register's secrets: %w", err)
	}
	if err := b.openLookups(); err != nil {
		return nil, fmt.Errorf("opening the register's secrets: %w", err)
	}
	if _, err := b.folder(); err != nil && !errors.Is(err, ErrNoKeys) {
		return nil, err
	}
	for _, g := range b.Generations() { // a key store may be closed when they are wanted
		if _, err := b.secret(g); err != nil {
			return nil, err
		}
	}
	if b.packer, err = newPacker(); err != nil {
		return nil, err
	}
	return b, nil
}

// Begin makes the keys of a generation; what is there already stays.
func (b *Box) Begin(g Generation) error {
	_, err := b.keys.GenerateSecret(keystore.PurposeRegister, secretOf(g))
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("making the record keys of generation %d: %w", g, err)
	}
	trees, err := b.folder()
	if errors.Is(err, ErrNoKeys) {
		if trees, err = keytree.Create(b.dir, b.keys); err == nil {
			b.trees.Store(trees)
		}
	}
	if err != nil {
		return err
	}
	return trees.Begin(uint8(g))
}

// End destroys the keys of a generation: what is encrypted under it is lost.
func (b *Box) End(g Generation) error {
	if g != Shared {
		trees, err := b.folder()
		if err == nil {
			err = trees.End(uint8(g))
		}
		if err != nil {
			return err
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	maps.DeleteFunc(b.parts, func(p part, _ cipher.AEAD) bool { return p.generation == g })
	delete(b.held, g)
	return b.keys.DestroySecret(keystore.PurposeRegister, secretOf(g))
}

// Generations returns the generations whose keys are there, in ascending order.
func (b *Box) Generations() []Generation {
	var all []Generation
	if _, err := b.secret(Shared); err == nil {
		all = append(all, Shared)
	}
	if trees, err := b.folder(); err == nil {
		for _, g := range trees.Generations() {
			all = append(all, Generation(g))
		}
	}
	return all
}

// Newest is the newest generation whose keys are there.
func (b *Box) Newest() Generation { return slices.Max(append(b.Generations(), Shared)) }

// Has says what is missing of a generation's keys.
func (b *Box) Has(g Generation) error {
	if _, err := b.secret(g); err != nil {
		return err
	}
	if g == Shared {
		return nil
	}
	_, err := b.key(g, keytree.Licence(0, 0))
	if errors.Is(err, ErrDestroyed) {
		return nil
	}
	return err
}

// Use says under which generation new ciphertexts are made from now on.
func (b *Box) Use(g Generation) { b.generation.Store(uint32(g)) }

// Generation is the one in use.
func (b *Box) Generation() Generation { return Generation(b.generation.Load()) } //nolint:gosec // was one

// GenerationOf tells the generation of a ciphertext.
func GenerationOf(ciphertext []byte) Generation {
	if len(ciphertext) == 0 {
		return 0
	}
	return Generation(ciphertext[0])
}

// Destroy destroys the keys of leaves in a generation and all before it, durably.
func (b *Box) Destroy(through Generation, leaves ...keytree.Leaf) error {
	trees, err := b.folder()
	if errors.Is(err, ErrNoKeys) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, g := range trees.Generations() {
		if Generation(g) > through {
			break
		}
		if err := trees.Destroy(g, leaves...); err != nil {
			return err
		}
	}
	return nil
}

// Destroyed reports whether the key of a ciphertext with this leaf was destroyed.
func (b *Box) Destroyed(ciphertext []byte, l keytree.Leaf) (bool, error) {
	g := GenerationOf(ciphertext)
	if g == Shared {
		return false, nil
	}
	_, err := b.key(g, l)
	if errors.Is(err, ErrDestroyed) {
		return true, nil
	}
	return false, err
}

// StopAt has f called before each file of the record keys is changed; its error is that of
// the change. Nil: no more. Tests stop there.
func (b *Box) StopAt(f func(step string) error) {
	if trees := b.trees.Load(); trees != nil {
		trees.StopAt(f)
	}
}

// folder opens the folder of the record keys, once it is there.
func (b *Box) folder() (*keytree.Folder, error) {
	if trees := b.trees.Load(); trees != nil {
		return trees, nil
	}
	trees, err := keytree.Open(b.dir, b.keys)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", b.dir, ErrNoKeys)
	}
	if err != nil {
		return nil, err
	}
	if !b.trees.CompareAndSwap(nil, trees) {
		trees = b.trees.Load() // another caller was first, and each folder remembers for itself
	}
	return trees, nil
}

// key is the key of a leaf.
func (b *Box) key(g Generation, l keytree.Leaf) (keytree.Key, error) {
	trees, err := b.folder()
	if err != nil {
		return keytree.Key{}, err
	}
	k, err := trees.Key(uint8(g), l)
	if errors.Is(err, keytree.ErrNoGeneration) {
		err = fmt.Errorf("%w: %w", ErrNoKeys, err)
	}
	return k, err
}

func secretOf(g Generation) string { return recordSecret + strconv.Itoa(int(g)) }

// secret is what the keys that records share are derived from.
func (b *Box) secret(g Generation) (*keystore.Secret, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := b.held[g]; s != nil {
		return s, nil
	}
	s, err := b.keys.Secret(keystore.PurposeRegister, secretOf(g))
	if errors.Is(err, keystore.ErrNoKey) {
		err = fmt.Errorf("%w: %w", ErrNoKeys, err)
	}
	if err != nil {
		return nil, err
	}
	b.held[g] = s
	return s, nil
}

// Bucket returns the distribution bucket of a holder, 12 bits.
func (b *Box) Bucket(h licence.Holder) uint16 {
	sum := b.buckets.MAC([]byte("bucket"), []byte(h.IDType), []byte(h.IDNumber))
	return binary.BigEndian.Uint16(sum[:]) >> 4
}

const nonceSize = 12

// Seal encrypts what belongs to a licence, under its key, for one use ("licence",
// "reason", the name of a credential).
func (b *Box) Seal(g Generation, k Key, place licence.StatusRef, use string, plain []byte) ([]byte, error) {
	aead, err := b.ofLicence(g, k, place)
	if err != nil {
		return nil, err
	}
	return b.seal(aead, []byte{byte(g)}, append(k[:], use...), plain)
}

// Open decrypts what [Box.Seal] made for the same key, place and use.
func (b *Box) Open(k Key, place licence.StatusRef, use string, sealed []byte) ([]byte, error) {
	g := GenerationOf(sealed)
	if g == 0 {
		return nil, ErrDamaged
	}
	aead, err := b.ofLicence(g, k, place)
	if err != nil {
		return nil, err
	}
	return b.open(aead, 1, append(k[:], use...), sealed)
}

// SealShared encrypts what is not one licence's.
func (b *Box) SealShared(g Generation, k Key, use string, plain []byte) ([]byte, error) {
	aead, err := b.shared(g, k[:2])
	if err != nil {
		return nil, err
	}
	return b.seal(aead, []byte{byte(g)}, append(k[:], use...), plain)
}

// OpenShared decrypts what [Box.SealShared] made for the same key and use.
func (b *Box) OpenShared(k Key, use string, sealed []byte) ([]byte, error) {
	g := GenerationOf(sealed)
	if g == 0 {
		return nil, ErrDamaged
	}
	aead, err := b.shared(g, k[:2])
	if err != nil {
		return nil, err
	}
	return b.open(aead, 1, append(k[:], use...), sealed)
}

// epochSize is the length in bytes of the epoch of the audit log.
const epochSize = 4

// SealBeside encrypts what lies beside an entry of the audit log.
func (b *Box) SealBeside(g Generation, epoch uint32, index uint64, plain []byte) ([]byte, error) {
	head := []byte{byte(g)}
	aead, err := b.ofEntry(g, epoch, index)
	if err != nil {
		return nil, err
	}
	if g != Shared {
		head = binary.BigEndian.AppendUint32(head, epoch)
	}
	return b.seal(aead, head, auditAssociated(index), plain)
}

// OpenBeside decrypts what [Box.SealBeside] made for the same entry.
func (b *Box) OpenBeside(index uint64, sealed []byte) ([]byte, error) {
	leaf, g, err := b.LeafBeside(index, sealed)
	if err != nil {
		return nil, err
	}
	if g == Shared {
		aead, err := b.shared(g, auditBlock(index))
		if err != nil {
			return nil, err
		}
		return b.open(aead, 1, auditAssociated(index), sealed)
	}
	aead, err := b.ofLeaf(g, leaf)
	if err != nil {
		return nil, err
	}
	return b.open(aead, 1+epochSize, auditAssociated(index), sealed)
}

// LeafBeside tells the leaf of what lies beside an entry, and the generation.
func (b *Box) LeafBeside(index uint64, sealed []byte) (keytree.Leaf, Generation, error) {
	switch g := GenerationOf(sealed); {
	case g == 0 || g != Shared && len(sealed) < 1+epochSize:
		return keytree.Leaf{}, 0, ErrDamaged
	case g == Shared:
		return keytree.Leaf{}, g, nil
	default:
		return keytree.Entry(binary.BigEndian.Uint32(sealed[1:]), index), g, nil
	}
}

// EpochOf is the epoch of what lies beside an entry, if its key is its own.
func EpochOf(sealed []byte) uint32 { return binary.BigEndian.Uint32(sealed[1:]) }

// auditBlock names the key of 2^24 entries.
func auditBlock(index uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte("audit"), index>>24)
}

func auditAssociated(index uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte("audit"), index)
}

// LeafOf is the leaf of a licence by its place in the status lists.
func LeafOf(place licence.StatusRef) keytree.Leaf { return keytree.Licence(place.List, place.Index) }

// ofLicence is the cipher of a licence.
func (b *Box) ofLicence(g Generation, k Key, place licence.StatusRef) (cipher.AEAD, error) {
	if g == Shared {
		return b.shared(g, k[:2])
	}
	return b.ofLeaf(g, LeafOf(place))
}

// ofEntry is the cipher of what lies beside an entry.
func (b *Box) ofEntry(g Generation, epoch uint32, index uint64) (cipher.AEAD, error) {
	if g == Shared {
		return b.shared(g, auditBlock(index))
	}
	return b.ofLeaf(g, keytree.Entry(epoch, index))
}

func (b *Box) ofLeaf(g Generation, l keytree.Leaf) (cipher.AEAD, error) {
	key, err := b.key(g, l)
	if err != nil {
		return nil, err
	}
	return key.AEAD()
}

// maxParts bounds the ciphers that are remembered: one for each distribution bucket.
const maxParts = 1 << 12

// shared is the cipher of a part of the register. It is remembered, as deriving it costs
// as much as encrypting a licence.
func (b *Box) shared(g Generation, name []byte) (cipher.AEAD, error) {
	p := part{g, string(name)}
	b.mu.RLock()
	known := b.parts[p]
	b.mu.RUnlock()
	if known != nil {
		return known, nil
	}
	secret, err := b.secret(g)
	if err != nil {
		return nil, err
	}
	aead, err := secret.AEAD(name, []byte{byte(g)})
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.parts) >= maxParts {
		clear(b.parts)
	}
	b.parts[p] = aead
	return aead, nil
}

// seal packs and encrypts, behind a head.
func (b *Box) seal(aead cipher.AEAD, head, associated, plain []byte) ([]byte, error) {
	// The packed text is gone when it is encrypted, so its memory is for the next one.
	room := b.rooms.Get().(*[]byte)
	defer b.rooms.Put(room)
	packed := b.packer.pack(*room, plain)
	*room = packed
	out := make([]byte, len(head)+nonceSize, len(head)+nonceSize+len(packed)+16)
	nonce := out[copy(out, head):]
	if _, err := rand.Read(nonce); err != nil {
		return nil, fmt.Errorf("drawing a nonce: %w", err)
	}
	return aead.Seal(out, nonce, packed, associated), nil
}

func (b *Box) open(aead cipher.AEAD, head int, associated, sealed []byte) ([]byte, error) {
	if len(sealed) < head+nonceSize {
		return nil, ErrDamaged
	}
	packed, err := aead.Open(nil, sealed[head:head+nonceSize], sealed[head+nonceSize:], associated)
	if err != nil {
		return nil, ErrDamaged
	}
	plain, err := b.packer.unpack(packed)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return plain, nil
}
