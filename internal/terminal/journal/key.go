package journal

import (
	"crypto/hmac"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/pki"
)

// Key is what a terminal signs its journal with.
//
// It lies in the state folder, readable by its owner alone and under no passphrase: a
// terminal starts by itself. Whoever has it can write another journal for this terminal
// from then on, but not one that continues an export that was collected before; see
// [Continues].
type Key struct {
	sign   *pki.Key
	secret [32]byte // of the marks
}

const (
	keyFile = "key"
	keyHead = "elicence/terminal-key/1 "
)

// openKey reads the key of a journal's folder and makes it on first use.
func openKey(dir string, random io.Reader) (*Key, error) {
	path := filepath.Join(dir, keyFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if b, err = makeKey(path, random); err != nil {
			return nil, fmt.Errorf("making the terminal's key: %w", err)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("reading the terminal's key: %w", err)
	}
	text, ours := strings.CutPrefix(strings.TrimSuffix(string(b), "\n"), keyHead)
	scalar, err := hex.DecodeString(text)
	if !ours || err != nil || len(scalar) != 32 {
		return nil, fmt.Errorf("%s is not the key of a terminal", path)
	}
	private, err := sm2.NewPrivateKey(scalar)
	if err != nil {
		return nil, fmt.Errorf("%s is not the key of a terminal: %w", path, err)
	}
	key, err := pki.NewKey(private)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	k := &Key{sign: key}
	mac := hmac.New(newSM3, scalar)
	mac.Write([]byte("elicence/journal/marks/1"))
	copy(k.secret[:], mac.Sum(nil))
	return k, nil
}

func makeKey(path string, random io.Reader) ([]byte, error) {
	private, err := sm2.GenerateKey(random)
	if err != nil {
		return nil, err
	}
	b := []byte(keyHead + hex.EncodeToString(private.D.FillBytes(make([]byte, 32))) + "\n")
	return b, durable.CreateFile(path, b, 0o600)
}

func newSM3() hash.Hash { return sm3.New() }

// Public returns the key that the journal's exports are verified with.
func (k *Key) Public() *pki.PublicKey { return k.sign.Public() }

const markSize = 8

// Mark stands for a credential in the journal: the head of HMAC-SM3 over its place in the
// status lists. Only the terminal can tell whether a licence that somebody names has been
// seen; who collects journals can neither count the scans of one licence across
// terminals nor find out whose it was by trying all places.
func (k *Key) Mark(status uint64) []byte {
	mac := hmac.New(newSM3, k.secret[:])
	mac.Write(binary.BigEndian.AppendUint64(nil, status))
	return mac.Sum(nil)[:markSize]
}
