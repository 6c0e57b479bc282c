package keystore

import (
	"crypto/hmac"
	"crypto/subtle"
	"errors"
	"fmt"

	"github.com/cloudflare/circl/secretsharing"
	"github.com/emmansun/gmsm/sm3"
)

// shareLock is the head's part for a store that opens with shares. The digests
// tell a share that was changed from one that was handed out; a value has 252
// random bits, so its digest tells nothing of it.
type shareLock struct {
	Set       ID         `cbor:"1,keyasint"`
	Threshold uint8      `cbor:"2,keyasint"`
	Digests   [][32]byte `cbor:"3,keyasint"` // by index, from 1
}

func (f shareFile) digest() [32]byte {
	h := sm3.New()
	h.Write([]byte("elicence/keystore/share-digest/2\x00"))
	h.Write(f.Store[:])
	h.Write(f.Set[:])
	h.Write([]byte{f.Index})
	h.Write(f.Value[:])
	return [32]byte(h.Sum(nil))
}

// newShareLock makes the lock for all shares of a new set.
func newShareLock(store ID, shares []Share) (*shareLock, error) {
	first := shares[0].f
	l := &shareLock{Set: first.Set, Threshold: first.Threshold}
	if len(shares) != int(first.Total) {
		return nil, fmt.Errorf("locking with shares takes all %d, got %d: %w", first.Total, len(shares), ErrSharesTooFew)
	}
	for i, s := range shares {
		if s.f.Store != store || s.f.Set != first.Set {
			return nil, fmt.Errorf("share %d: %w", s.f.Index, ErrShareForeign)
		}
		if int(s.f.Index) != i+1 {
			return nil, fmt.Errorf("share %d stands in place %d: %w", s.f.Index, i+1, ErrShareDuplicate)
		}
		l.Digests = append(l.Digests, s.f.digest())
	}
	return l, nil
}

func (l *shareLock) check() error {
	if l.Threshold < MinThreshold || int(l.Threshold) > len(l.Digests) || len(l.Digests) > MaxShares {
		return fmt.Errorf("%d of %d shares", l.Threshold, len(l.Digests))
	}
	if l.Set == (ID{}) {
		return errors.New("the shares have no identifier")
	}
	return nil
}

// kek recovers the key-encryption key. Every share that is given must be right,
// also beyond the threshold: a wrong one is named, never skipped.
func (l *shareLock) kek(store ID, shares []Share) ([]byte, error) {
	var used uint64
	split := make([]secretsharing.Share, 0, len(shares))
	for _, s := range shares {
		f := s.f
		switch {
		case f.Store != store || f.Set != l.Set || f.Threshold != l.Threshold || int(f.Total) != len(l.Digests):
			return nil, fmt.Errorf("share %d: %w", f.Index, ErrShareForeign)
		case used&(1<<f.Index) != 0:
			return nil, fmt.Errorf("share %d: %w", f.Index, ErrShareDuplicate)
		}
		digest := f.digest()
		if subtle.ConstantTimeCompare(digest[:], l.Digests[f.Index-1][:]) != 1 {
			return nil, fmt.Errorf("share %d: %w", f.Index, ErrShareWrong)
		}
		used |= 1 << f.Index
		value, err := f.scalar()
		if err != nil {
			return nil, fmt.Errorf("share %d: %w: %w", f.Index, ErrShareDamaged, err)
		}
		split = append(split, secretsharing.Share{ID: shareGroup().NewScalar().SetUint64(uint64(f.Index)), Value: value})
	}
	if len(split) < int(l.Threshold) {
		return nil, fmt.Errorf("%d of %d that open the store: %w", len(split), l.Threshold, ErrSharesTooFew)
	}
	secret, err := secretsharing.Recover(uint(l.Threshold-1), split)
	if err != nil {
		return nil, fmt.Errorf("putting the shares together: %w", err)
	}
	b, err := secret.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("putting the shares together: %w", err)
	}
	defer clear(b)
	mac := hmac.New(sm3.New, b)
	mac.Write([]byte("elicence/keystore/shares/2\x00"))
	mac.Write(store[:])
	mac.Write(l.Set[:])
	return mac.Sum(nil), nil
}
