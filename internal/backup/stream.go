package backup

import (
	"bufio"
	"crypto/cipher"
	"crypto/hmac"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/emmansun/gmsm/sm3"
	"github.com/emmansun/gmsm/sm4"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/pki/keystore"
)

// Errors that callers decide on.
var (
	// ErrNotBackup: the file does not begin as a backup does.
	ErrNotBackup = bilingual.New("不是本系统的备份", "not a backup of elicence")
	// ErrDamaged: the file is not what was written: changed, cut off or put together of
	// several.
	ErrDamaged = bilingual.New("备份已损坏或不完整", "the backup is damaged or incomplete")
)

const (
	magic       = "elicence/backup/1\n"
	chunkSize   = 64 << 10
	tagSize     = 16
	maxEnvelope = 8 << 10
)

// newAEAD derives the key of one file.
func newAEAD(key, preamble []byte) (cipher.AEAD, error) {
	sum := sm3.Sum(preamble)
	mac := hmac.New(sm3.New, key)
	mac.Write([]byte("elicence/backup/1"))
	mac.Write(sum[:])
	block, err := sm4.NewCipher(mac.Sum(nil)[:16])
	if err != nil {
		return nil, fmt.Errorf("preparing SM4: %w", err)
	}
	return cipher.NewGCM(block)
}

// nonces are those of the chunks.
type nonces struct {
	n    uint64
	last bool
}

func (n *nonces) next(last bool) []byte {
	nonce := make([]byte, 12)
	binary.BigEndian.PutUint64(nonce[3:], n.n)
	if last {
		nonce[11] = 1
	}
	n.n++
	n.last = last
	return nonce
}

// Encrypter encrypts what is written to it.
type Encrypter struct {
	w      io.Writer
	aead   cipher.AEAD
	nonces nonces
	plain  []byte // less than a chunk, or a whole one that may be the last
	sealed []byte
}

// Encrypt begins a file that u opens.
func Encrypt(w io.Writer, u keystore.Unlock, gmOnly bool, now time.Time) (*Encrypter, error) {
	envelope, key, err := keystore.NewEnvelope(u, gmOnly, now)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	preamble := binary.BigEndian.AppendUint16([]byte(magic), uint16(len(envelope)))
	preamble = append(preamble, envelope...)
	aead, err := newAEAD(key, preamble)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(preamble); err != nil {
		return nil, fmt.Errorf("writing the backup: %w", err)
	}
	return &Encrypter{w: w, aead: aead, plain: make([]byte, 0, chunkSize), sealed: make([]byte, 0, chunkSize+tagSize)}, nil
}

// Write implements [io.Writer].
func (e *Encrypter) Write(b []byte) (int, error) {
	written := 0
	for len(b) > 0 {
		if len(e.plain) == chunkSize {
			if err := e.chunk(false); err != nil {
				return written, err
			}
		}
		n := min(len(b), chunkSize-len(e.plain))
		e.plain = append(e.plain, b[:n]...)
		b, written = b[n:], written+n
	}
	return written, nil
}

func (e *Encrypter) chunk(last bool) error {
	e.sealed = e.aead.Seal(e.sealed[:0], e.nonces.next(last), e.plain, nil)
	e.plain = e.plain[:0]
	if _, err := e.w.Write(e.sealed); err != nil {
		return fmt.Errorf("writing the backup: %w", err)
	}
	return nil
}

// Close writes the last chunk. Without it the file is not whole.
func (e *Encrypter) Close() error { return e.chunk(true) }

// Decrypter decrypts a file. What it has returned is what was written there; that it is
// all shows when it returns io.EOF.
type Decrypter struct {
	r      *bufio.Reader
	aead   cipher.AEAD
	nonces nonces
	sealed []byte
	plain  []byte // decrypted and not read yet
}

// Decrypt begins to read a file. What does not open it is [keystore.ErrLocked] or
// [keystore.ErrMethod].
func Decrypt(r io.Reader, u keystore.Unlock) (*Decrypter, error) {
	buffered := bufio.NewReaderSize(r, chunkSize+tagSize+1)
	preamble := make([]byte, len(magic)+2)
	if _, err := io.ReadFull(buffered, preamble); err != nil || string(preamble[:len(magic)]) != magic {
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, fmt.Errorf("reading the backup: %w", err)
		}
		return nil, ErrNotBackup
	}
	size := binary.BigEndian.Uint16(preamble[len(magic):])
	if size > maxEnvelope {
		return nil, ErrNotBackup
	}
	envelope := make([]byte, size)
	if _, err := io.ReadFull(buffered, envelope); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	key, err := keystore.OpenEnvelope(envelope, u)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	aead, err := newAEAD(key, append(preamble, envelope...))
	if err != nil {
		return nil, err
	}
	return &Decrypter{r: buffered, aead: aead, sealed: make([]byte, chunkSize+tagSize)}, nil
}

// Read implements [io.Reader]. What is damaged is [ErrDamaged].
func (d *Decrypter) Read(b []byte) (int, error) {
	for len(d.plain) == 0 {
		if d.nonces.last {
			return 0, io.EOF
		}
		if err := d.chunk(); err != nil {
			return 0, err
		}
	}
	n := copy(b, d.plain)
	d.plain = d.plain[n:]
	return n, nil
}

func (d *Decrypter) chunk() error {
	n, err := io.ReadFull(d.r, d.sealed)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return fmt.Errorf("reading the backup: %w", err)
	}
	// The last chunk is the one behind which nothing is.
	_, behind := d.r.Peek(1)
	if behind != nil && !errors.Is(behind, io.EOF) {
		return fmt.Errorf("reading the backup: %w", behind)
	}
	plain, err := d.aead.Open(d.sealed[:0:n], d.nonces.next(behind != nil), d.sealed[:n], nil)
	if err != nil {
		return ErrDamaged
	}
	d.plain = plain
	return nil
}
