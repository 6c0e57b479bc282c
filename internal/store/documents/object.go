package documents

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/emmansun/gmsm/sm3"
)

// An object under a key of its own is
//
//	nonce ‖ SM4-GCM of the document ‖ seal
//
// with, from the store's secret and the SM3 of the document, under a label each, the name
// HMAC-SM3(…) and the key of the GCM, whose associated data is the name. Nothing but this one
// document is ever encrypted under the key. The seal is a tag of SM4-GCM over name, nonce and
// ciphertext (with no plaintext, so a GMAC), under a key of the store's and the same nonce: who
// copies objects verifies by it what he cannot read.
//
// An object under a shared key, as they all were before, is nonce ‖ SM4-GCM under a key
// for the first byte of the SM3, which is the name and the associated data. Whoever has
// the secret reads it; [Store.TakeOver] leaves none.
const (
	nonceSize = 12
	tagSize   = 16
	// maxObject is what a document of [MaxSize] has when it is encrypted and sealed.
	maxObject = MaxSize + nonceSize + 2*tagSize
)

// ownSuffix tells the two kinds apart in a folder or bucket.
const ownSuffix = "-own"

// Name is the name of an object.
type Name struct {
	id  [sm3.Size]byte
	own bool // under a key of its own: else the id is the SM3 of the document
}

// ID is what a backup names the object by.
func (n Name) ID() [sm3.Size]byte { return n.id }

// String is the name in a folder or bucket: the first two hexadecimal digits, a slash, all
// of them, and "-own" if the object has a key of its own.
func (n Name) String() string {
	digits := hex.EncodeToString(n.id[:])
	if n.own {
		return digits[:2] + "/" + digits + ownSuffix
	}
	return digits[:2] + "/" + digits
}

// parseName reads what [Name.String] has made, and nothing else.
func parseName(text string) (Name, bool) {
	digits, own := strings.CutSuffix(text, ownSuffix)
	n := Name{own: own}
	if len(digits) != 3+2*sm3.Size {
		return n, false
	}
	_, err := hex.Decode(n.id[:], []byte(digits[3:]))
	return n, err == nil && n.String() == text
}

// NamesOf returns the names that a document can have, by the SM3 of its content: under a
// key of its own, and as documents were named before there were such keys.
func (s *Store) NamesOf(sum [sm3.Size]byte) (own, shared Name) { return s.own(sum), Name{id: sum} }

func (s *Store) own(sum [sm3.Size]byte) Name {
	return Name{id: s.secret.MAC([]byte("document name"), sum[:]), own: true}
}

// seal encrypts a document under its own key.
func (s *Store) seal(name Name, sum [sm3.Size]byte, data []byte) ([]byte, error) {
	aead, err := s.secret.AEAD([]byte("document content"), sum[:])
	if err != nil {
		return nil, err
	}
	object := make([]byte, nonceSize, nonceSize+len(data)+2*tagSize)
	if _, err := rand.Read(object); err != nil {
		return nil, fmt.Errorf("drawing a nonce: %w", err)
	}
	object = aead.Seal(object, object, data, name.id[:])
	tag, err := s.tag(name, object)
	return append(object, tag...), err
}

// sealed cuts the seal off an object, and verifies it.
func (s *Store) sealed(name Name, object []byte) ([]byte, error) {
	if len(object) < nonceSize+2*tagSize || len(object) > maxObject {
		return nil, ErrDamaged
	}
	inside, tag := object[:len(object)-tagSize], object[len(object)-tagSize:]
	aead, err := s.secret.AEAD([]byte("document seal"), name.id[:1])
	if err != nil {
		return nil, err
	}
	if _, err := aead.Open(nil, inside[:nonceSize], tag, sealedText(name, inside)); err != nil {
		return nil, ErrDamaged
	}
	return inside, nil
}

// tag is the seal of an object.
func (s *Store) tag(name Name, inside []byte) ([]byte, error) {
	aead, err := s.secret.AEAD([]byte("document seal"), name.id[:1])
	if err != nil {
		return nil, err
	}
	return aead.Seal(nil, inside[:nonceSize], nil, sealedText(name, inside)), nil
}

// sealedText is what a seal is over.
func sealedText(name Name, inside []byte) []byte {
	return append(append(make([]byte, 0, len(name.id)+len(inside)), name.id[:]...), inside...)
}

// open decrypts an object to the document with an SM3.
func (s *Store) open(name Name, sum [sm3.Size]byte, object []byte) ([]byte, error) {
	if !name.own {
		return s.openShared(sum, object)
	}
	inside, err := s.sealed(name, object)
	if err != nil {
		return nil, err
	}
	aead, err := s.secret.AEAD([]byte("document content"), sum[:])
	if err != nil {
		return nil, err
	}
	data, err := aead.Open(nil, inside[:nonceSize], inside[nonceSize:], name.id[:])
	if err != nil || sm3.Sum(data) != sum {
		return nil, ErrDamaged
	}
	return data, nil
}

// openShared decrypts an object under a shared key.
func (s *Store) openShared(sum [sm3.Size]byte, object []byte) ([]byte, error) {
	if len(object) < nonceSize+tagSize || len(object) > MaxSize+nonceSize+tagSize {
		return nil, ErrDamaged
	}
	aead, err := s.secret.AEAD([]byte("document"), sum[:1])
	if err != nil {
		return nil, err
	}
	data, err := aead.Open(nil, object[:nonceSize], object[nonceSize:], sum[:])
	if err != nil || sm3.Sum(data) != sum {
		return nil, ErrDamaged
	}
	return data, nil
}

// verify says whether an object is whole.
func (s *Store) verify(name Name, object []byte) error {
	var err error
	if name.own {
		_, err = s.sealed(name, object)
	} else {
		_, err = s.openShared(name.id, object)
	}
	return err
}
