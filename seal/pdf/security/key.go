package security

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // the format's
	"crypto/rc4" //nolint:gosec // the format's
	"crypto/sha256"
	"encoding/binary"
	"errors"
)

// A Method is how a string or stream is encrypted.
type Method int

const (
	Identity Method = iota // not at all
	RC4
	AESV2 // AES-128 in CBC mode
	AESV3 // AES-256 in CBC mode
)

// String names the algorithm.
func (m Method) String() string {
	switch m {
	case RC4:
		return "RC4"
	case AESV2:
		return "AES-128"
	case AESV3:
		return "AES-256"
	}
	return "Identity"
}

// ErrCiphertext means that data are no ciphertext: the wrong length, or the wrong padding.
var ErrCiphertext = errors.New("what should be encrypted with AES is not")

// A Key is the key of an encrypted file that a password has opened.
type Key struct {
	Owner       bool // it was the owner's password, which permits everything
	Permissions Permissions
	key         []byte
	revision    int
}

// Bits is the length of the file's key.
func (k *Key) Bits() int { return 8 * len(k.key) }

// Weak reports that the key falls to anybody with patience: passwords that are checked by MD5
// or by one round of SHA-256.
func (k *Key) Weak() bool { return k.revision < 6 }

// forObject is the key of an object (ISO 32000-1, 7.6.2, algorithm 1).
func (k *Key) forObject(m Method, num uint32, gen uint16) []byte {
	if m == AESV3 {
		return k.key
	}
	h := md5.New() //nolint:gosec // the format's
	h.Write(k.key)
	h.Write([]byte{byte(num), byte(num >> 8), byte(num >> 16), byte(gen), byte(gen >> 8)})
	if m == AESV2 {
		h.Write([]byte("sAlT"))
	}
	return h.Sum(nil)[:min(len(k.key)+5, md5.Size)]
}

// Decrypt returns what a string or the data of a stream in the object say. The data stay as
// they are: they may be the file itself. It fails with ErrCiphertext.
func (k *Key) Decrypt(m Method, num uint32, gen uint16, data []byte) ([]byte, error) {
	if m == Identity || len(data) == 0 {
		return data, nil
	}
	key := k.forObject(m, num, gen)
	if m == RC4 {
		return k.stream(key, data)
	}
	if len(data) < 2*aes.BlockSize || len(data)%aes.BlockSize != 0 {
		return nil, ErrCiphertext
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	out := make([]byte, len(data)-aes.BlockSize)
	cipher.NewCBCDecrypter(block, data[:aes.BlockSize]).CryptBlocks(out, data[aes.BlockSize:])
	pad := int(out[len(out)-1])
	if pad < 1 || pad > aes.BlockSize {
		return nil, ErrCiphertext
	}
	for _, b := range out[len(out)-pad:] {
		if int(b) != pad {
			return nil, ErrCiphertext
		}
	}
	return out[:len(out)-pad], nil
}

// Encrypt is the reverse of Decrypt. The data stay as they are. The initialization vector is
// made of the file's key, the place and the data, so nobody else can foresee it and the same
// input gives the same bytes; place tells apart what would otherwise be the same.
func (k *Key) Encrypt(m Method, num uint32, gen uint16, place int64, data []byte) ([]byte, error) {
	if m == Identity {
		return data, nil
	}
	key := k.forObject(m, num, gen)
	if m == RC4 {
		return k.stream(key, data)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	mac := hmac.New(sha256.New, k.key)
	mac.Write(binary.BigEndian.AppendUint64([]byte("initialization vector"), uint64(place)))
	mac.Write(binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint32(nil, num), gen))
	mac.Write(data)
	out := append(make([]byte, 0, aes.BlockSize+len(data)+aes.BlockSize), mac.Sum(nil)[:aes.BlockSize]...)
	out = append(out, data...)
	pad := aes.BlockSize - len(data)%aes.BlockSize
	for range pad {
		out = append(out, byte(pad))
	}
	cipher.NewCBCEncrypter(block, out[:aes.BlockSize]).CryptBlocks(out[aes.BlockSize:], out[aes.BlockSize:])
	return out, nil
}

func (k *Key) stream(key, data []byte) ([]byte, error) {
	c, err := rc4.NewCipher(key) //nolint:gosec // the format's
	if err != nil {
		return nil, err
	}
	out := make([]byte, len(data))
	c.XORKeyStream(out, data)
	return out, nil
}
