package keystore

import (
	"bytes"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/cloudflare/circl/group"
	"github.com/cloudflare/circl/secretsharing"
	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/detcbor"
)

// Bounds of a set of shares. One share that opens alone is a copy of the key.
const (
	MinThreshold = 2
	MaxShares    = 32
)

// Share is one of m shares of a store's key-encryption key, of which any n open
// the store (Shamir's secret sharing over the scalars of ristretto255, a field of
// prime order near 2^252; no curve and no hash is used). Fewer than n tell
// nothing.
type Share struct{ f shareFile }

// shareFile is a share at rest, in PEM of the type ELICENCE KEY SHARE.
type shareFile struct {
	Version   uint64          `cbor:"1,keyasint"`
	Store     ID              `cbor:"2,keyasint"`
	Set       ID              `cbor:"3,keyasint"` // drawn anew with each set of shares
	Threshold uint8           `cbor:"4,keyasint"`
	Total     uint8           `cbor:"5,keyasint"`
	Index     uint8           `cbor:"6,keyasint"` // 1…Total
	Value     [shareSize]byte `cbor:"7,keyasint"`
	Checksum  [8]byte         `cbor:"8,keyasint"` // head of SM3 over the rest
}

const (
	shareSize    = 32
	sharePEM     = "ELICENCE KEY SHARE"
	maxShareFile = 1024
)

// NewShares draws a key-encryption key and splits it into total shares, any
// threshold of which open the store. To lock a store with them, give all of
// them to [Create] or [Store.Rewrap]; a new store takes its identifier from them.
func NewShares(store ID, threshold, total int) ([]Share, error) {
	if threshold < MinThreshold || threshold > total || total > MaxShares {
		return nil, fmt.Errorf("%d of %d shares: want at least %d of at most %d", threshold, total, MinThreshold, MaxShares)
	}
	var set ID
	if _, err := rand.Read(set[:]); err != nil {
		return nil, fmt.Errorf("drawing an identifier: %w", err)
	}
	secret := shareGroup().RandomNonZeroScalar(rand.Reader)
	split := secretsharing.New(rand.Reader, uint(threshold-1), secret).Share(uint(total))
	shares := make([]Share, total)
	for i, s := range split {
		f := shareFile{Version: version, Store: store, Set: set, Threshold: uint8(threshold), Total: uint8(total), Index: uint8(i + 1)}
		value, err := s.Value.MarshalBinary()
		if err != nil {
			return nil, fmt.Errorf("splitting the key-encryption key: %w", err)
		}
		copy(f.Value[:], value)
		clear(value)
		f.Checksum = f.checksum()
		shares[i] = Share{f}
	}
	return shares, nil
}

func shareGroup() group.Group { return group.Ristretto255 }

func (f shareFile) checksum() [8]byte {
	h := sm3.New()
	h.Write([]byte("elicence/keystore/share/2\x00"))
	h.Write([]byte{byte(f.Version), f.Threshold, f.Total, f.Index})
	h.Write(f.Store[:])
	h.Write(f.Set[:])
	h.Write(f.Value[:])
	return [8]byte(h.Sum(nil))
}

// Index is the share's number, 1…Total.
func (s Share) Index() int { return int(s.f.Index) }

// Threshold is how many shares open the store.
func (s Share) Threshold() int { return int(s.f.Threshold) }

// Total is how many shares there are.
func (s Share) Total() int { return int(s.f.Total) }

// Store names the key store that the share belongs to.
func (s Share) Store() ID { return s.f.Store }

// String says which share it is and nothing of its value.
func (s Share) String() string {
	return fmt.Sprintf("share %d of %d (%d open) of key store %s", s.f.Index, s.f.Total, s.f.Threshold, s.f.Store)
}

// GoString is [Share.String].
func (s Share) GoString() string { return s.String() }

// PEM returns the share for its keeper: text that can be printed.
func (s Share) PEM() ([]byte, error) {
	b, err := detcbor.Marshal(s.f)
	if err != nil {
		return nil, err
	}
	defer clear(b)
	return pem.EncodeToMemory(&pem.Block{Type: sharePEM, Bytes: b}), nil
}

// ParseShare reads a share. Whatever is wrong with it is [ErrShareDamaged].
func ParseShare(text []byte) (Share, error) {
	if len(text) > maxShareFile {
		return Share{}, fmt.Errorf("%d bytes: %w", len(text), ErrShareDamaged)
	}
	block, rest := pem.Decode(text)
	if block == nil || block.Type != sharePEM || len(block.Headers) != 0 || len(rest) != 0 || !bytes.Equal(pem.EncodeToMemory(block), text) {
		return Share{}, fmt.Errorf("not one PEM block of type %s: %w", sharePEM, ErrShareDamaged)
	}
	var f shareFile
	if err := detcbor.Unmarshal(block.Bytes, &f); err != nil {
		return Share{}, fmt.Errorf("%w: %w", ErrShareDamaged, err)
	}
	if f.Version != version {
		return Share{}, fmt.Errorf("the share has version %d, this program knows version %d: %w", f.Version, version, ErrShareDamaged)
	}
	if err := f.check(); err != nil {
		return Share{}, fmt.Errorf("%w: %w", ErrShareDamaged, err)
	}
	return Share{f}, nil
}

func (f shareFile) check() error {
	switch {
	case f.Threshold < MinThreshold || f.Threshold > f.Total || f.Total > MaxShares:
		return fmt.Errorf("%d of %d shares", f.Threshold, f.Total)
	case f.Index < 1 || f.Index > f.Total:
		return fmt.Errorf("share %d of %d", f.Index, f.Total)
	case f.Checksum != f.checksum():
		return errors.New("the checksum is wrong")
	}
	_, err := f.scalar()
	return err
}

// scalar decodes the value, which must be the canonical form of a scalar.
func (f shareFile) scalar() (group.Scalar, error) {
	value := shareGroup().NewScalar()
	if err := value.UnmarshalBinary(f.Value[:]); err != nil {
		return nil, fmt.Errorf("the value is out of range: %w", err)
	}
	return value, nil
}

// ReadShare reads a share file, which only its owner may read.
func ReadShare(path string) (Share, error) {
	b, err := readPrivate(path, maxShareFile)
	if err != nil {
		return Share{}, fmt.Errorf("reading a share: %w", err)
	}
	defer clear(b)
	s, err := ParseShare(b)
	if err != nil {
		return Share{}, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}
