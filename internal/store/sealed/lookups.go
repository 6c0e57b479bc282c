package sealed

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strconv"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/pki/keystore"
)

// LookupGeneration numbers the secrets that look-up keys are made with.
type LookupGeneration uint8

// FirstLookups is the generation of a new register.
const FirstLookups LookupGeneration = 1

// Sizes of look-up keys, in bytes: their generation, and a part of an HMAC. Eight bytes tell
// a licence from 2^30 others in all but one of 2^34 look-ups, and the record decides; a
// request's are more, as its record does not say the whole id.
const (
	LookupSize  = 1 + 8 // of numbers and holders
	RequestSize = 1 + 12
	BindingSize = 1 + 16
)

// lookupSecret, and the generation, is the name of a secret in the key store.
const lookupSecret = "lookup-"

var (
	// ErrNoLookups says that the secret of a generation of look-up keys is not there.
	ErrNoLookups = bilingual.New("缺少检索密钥", "the look-up keys are not there")
	// ErrOtherLookups says that there is one, and that the register's was another.
	ErrOtherLookups = bilingual.New("检索密钥与登记簿的不符", "the look-up keys are not those of the register")
)

// lookups are the secrets of generations, and what tells them from others.
type lookups struct {
	secrets []*keystore.Secret // of generation 1 and so on
	checks  [][]byte
}

// openLookups reads what secrets of look-up keys there are.
func (b *Box) openLookups() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	var l lookups
	for g := FirstLookups; g != 0; g++ {
		secret, err := b.keys.Secret(keystore.PurposeRegister, lookupSecretOf(g))
		if errors.Is(err, keystore.ErrNoKey) && g > FirstLookups {
			break
		}
		if err != nil {
			return fmt.Errorf("opening the secret of look-up keys %d: %w", g, err)
		}
		l.secrets = append(l.secrets, secret)
		l.checks = append(l.checks, l.key(g, "check", BindingSize, "", ""))
	}
	b.lookups.Store(&l)
	return nil
}

func lookupSecretOf(g LookupGeneration) string { return lookupSecret + strconv.Itoa(int(g)) }

// BeginLookups makes the secret of a generation of look-up keys; one that is there stays.
func (b *Box) BeginLookups(g LookupGeneration) error {
	_, err := b.keys.GenerateSecret(keystore.PurposeRegister, lookupSecretOf(g))
	if err == nil || errors.Is(err, fs.ErrExist) {
		err = b.openLookups()
	}
	if err != nil {
		return fmt.Errorf("making the look-up keys of generation %d: %w", g, err)
	}
	return nil
}

// lookupsOf has the secrets up to a generation.
func (b *Box) lookupsOf(g LookupGeneration) (*lookups, error) {
	l := b.lookups.Load()
	if g > 0 && int(g) <= len(l.secrets) {
		return l, nil
	}
	// They may have been brought since.
	if err := b.openLookups(); err != nil {
		return nil, err
	}
	if l = b.lookups.Load(); g == 0 || int(g) > len(l.secrets) {
		return nil, fmt.Errorf("generation %d: %w", g, ErrNoLookups)
	}
	return l, nil
}

// LookupCheck is what tells the secrets of all generations up to one from others. It says
// nothing of them.
func (b *Box) LookupCheck(g LookupGeneration) ([]byte, error) {
	l, err := b.lookupsOf(g)
	if err != nil {
		return nil, err
	}
	return bytes.Clone(l.checks[g-1]), nil
}

// UseLookups says which generation the register uses, and what its check is. The error is
// [ErrOtherLookups] where the secrets that are there are not the register's.
func (b *Box) UseLookups(g LookupGeneration, check []byte) error {
	l, err := b.lookupsOf(g)
	if err == nil && !bytes.Equal(l.checks[g-1], check) {
		// The right ones may have been brought since.
		if err = b.openLookups(); err == nil {
			l, err = b.lookupsOf(g)
		}
	}
	if err != nil {
		return err
	}
	if !bytes.Equal(l.checks[g-1], check) {
		return fmt.Errorf("generation %d: %w", g, ErrOtherLookups)
	}
	b.lookupGeneration.Store(uint32(g))
	return nil
}

// LookupGeneration is the one in use, as far as this process knows: another one may have
// begun the next.
func (b *Box) LookupGeneration() LookupGeneration {
	return LookupGeneration(b.lookupGeneration.Load()) //nolint:gosec // was one
}

// LookupGenerationOf tells the generation of a look-up key.
func LookupGenerationOf(key []byte) LookupGeneration { return LookupGeneration(key[0]) }

// NumberKey returns the look-up key of a category's licence number.
func (b *Box) NumberKey(g LookupGeneration, category catalogue.ID, number string) ([]byte, error) {
	return b.lookup(g, "number", LookupSize, category.String(), number)
}

// HolderKey returns the look-up key of a holder.
func (b *Box) HolderKey(g LookupGeneration, t licence.IDType, number string) ([]byte, error) {
	return b.lookup(g, "holder", LookupSize, string(t), number)
}

// RequestKey returns the look-up key of a request's name.
func (b *Box) RequestKey(g LookupGeneration, issuer, id string) ([]byte, error) {
	return b.lookup(g, "request", RequestSize, issuer, id)
}

// BindingKey returns the look-up key of a binding code: of its first digits alone.
func (b *Box) BindingKey(g LookupGeneration, c licence.BindingCode) ([]byte, error) {
	return b.lookup(g, "binding", BindingSize, c.Handle(), "")
}

// BindingHash returns what is kept of a whole binding code.
func (b *Box) BindingHash(g LookupGeneration, c licence.BindingCode) ([]byte, error) {
	return b.lookup(g, "binding code", BindingSize, c.Digits(), "")
}

func (b *Box) lookup(g LookupGeneration, use string, size int, first, second string) ([]byte, error) {
	l, err := b.lookupsOf(g)
	if err != nil {
		return nil, err
	}
	return l.key(g, use, size, first, second), nil
}

// key makes a look-up key: that of the first generation, and from it those of the others.
func (l *lookups) key(g LookupGeneration, use string, size int, first, second string) []byte {
	sum := l.secrets[0].MAC([]byte(use), []byte(first), []byte(second))
	key := make([]byte, size)
	key[0] = byte(FirstLookups)
	copy(key[1:], sum[:])
	for next := FirstLookups + 1; next <= g; next++ {
		l.renew(key)
	}
	return key
}

// renew makes a look-up key one of the next generation.
func (l *lookups) renew(key []byte) {
	sum := l.secrets[key[0]].MAC([]byte("renewed"), key)
	key[0]++
	copy(key[1:], sum[:])
}

// RenewedLookup returns the look-up key in the next generation of what has this one in its
// own: what it was made from need not be known.
func (b *Box) RenewedLookup(key []byte) ([]byte, error) {
	if len(key) < LookupSize || len(key) > BindingSize {
		return nil, fmt.Errorf("a look-up key has %d bytes: %w", len(key), ErrDamaged)
	}
	g := LookupGenerationOf(key)
	if g == 0 || g+1 == 0 {
		return nil, fmt.Errorf("a look-up key is of generation %d: %w", g, ErrDamaged)
	}
	l, err := b.lookupsOf(g + 1)
	if err != nil {
		return nil, err
	}
	next := bytes.Clone(key)
	l.renew(next)
	return next, nil
}
