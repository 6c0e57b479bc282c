package security

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/md5" //nolint:gosec // the format's
	"crypto/rc4" //nolint:gosec // the format's
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrPassword means that the password is neither the user's nor the owner's.
var ErrPassword = errors.New("the password does not open the file")

// Parameters are the entries of an encryption dictionary (ISO 32000-2, tables 20 and 21).
type Parameters struct {
	V, R             int
	Bits             int    // of the file's key
	O, U             []byte // 32 bytes, from revision 5 on 48
	OE, UE           []byte // 32 bytes, from revision 5 on
	Perms            []byte // 16 bytes, from revision 5 on
	P                uint32
	ID               []byte // the first half of the file's /ID
	MetadataIsHidden bool   // /EncryptMetadata
}

// Check reports parameters that no file can have.
func (p *Parameters) Check() error {
	bits, long := p.Bits == 128, 32
	switch {
	case p.V == 1 && (p.R == 2 || p.R == 3):
		bits = p.Bits == 40
	case p.V == 2 && p.R == 3:
		bits = p.Bits >= 40 && p.Bits <= 128 && p.Bits%8 == 0
	case p.V == 4 && p.R == 4:
	case p.V == 5 && (p.R == 5 || p.R == 6):
		bits, long = p.Bits == 256, 48
	default:
		return fmt.Errorf("version %d with revision %d is not known", p.V, p.R)
	}
	if !bits {
		return fmt.Errorf("version %d has no keys of %d bits", p.V, p.Bits)
	}
	if len(p.O) != long || len(p.U) != long {
		return fmt.Errorf("/O and /U have %d and %d bytes, not %d", len(p.O), len(p.U), long)
	}
	if p.R >= 5 && (len(p.OE) != 32 || len(p.UE) != 32 || len(p.Perms) != 16) {
		return fmt.Errorf("/OE, /UE and /Perms have %d, %d and %d bytes, not 32, 32 and 16", len(p.OE), len(p.UE), len(p.Perms))
	}
	return nil
}

// Open finds the file's key by the owner's or the user's password, "" for none. It fails
// with ErrPassword, and where the permissions were changed behind the key's back.
func (p *Parameters) Open(password string) (*Key, error) {
	for _, spelled := range p.spellings(password) {
		for _, owner := range []bool{true, false} {
			open := p.byMD5
			if p.R >= 5 {
				open = p.bySHA2
			}
			key, err := open(spelled, owner)
			if err != nil {
				return nil, err
			}
			if key == nil {
				continue
			}
			if p.R >= 5 && !p.permitted(key) {
				return nil, errors.New("/Perms does not confirm /P and /EncryptMetadata")
			}
			return &Key{key: key, Owner: owner, Permissions: Permissions{p.P, p.R}, revision: p.R}, nil
		}
	}
	return nil, ErrPassword
}

// byMD5 is the file's key in revisions 2 to 4, nil where the password is another.
func (p *Parameters) byMD5(password []byte, owner bool) ([]byte, error) {
	if owner {
		var err error
		if password, err = p.userPassword(password); err != nil {
			return nil, err
		}
	}
	key := p.keyOf(password)
	check, err := p.check(key)
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare(check, p.U[:len(check)]) != 1 {
		return nil, nil //nolint:nilnil // another password
	}
	return key, nil
}

// keyOf is algorithm 2 (ISO 32000-1, 7.6.3.3).
func (p *Parameters) keyOf(user []byte) []byte {
	h := md5.New() //nolint:gosec // the format's
	h.Write(padded(user))
	h.Write(p.O)
	h.Write(binary.LittleEndian.AppendUint32(nil, p.P))
	h.Write(p.ID)
	if p.R >= 4 && !p.MetadataIsHidden {
		h.Write([]byte{0xFF, 0xFF, 0xFF, 0xFF})
	}
	return p.hardened(h.Sum(nil))
}

// hardened repeats the digest, and cuts it to the key's length.
func (p *Parameters) hardened(sum []byte) []byte {
	n := p.Bits / 8
	if p.R >= 3 {
		for range 50 {
			again := md5.Sum(sum[:n]) //nolint:gosec // the format's
			sum = again[:]
		}
	}
	return sum[:n]
}

// check is what /U says for a key, as far as it is defined (algorithms 4 and 5).
func (p *Parameters) check(key []byte) ([]byte, error) {
	if p.R == 2 {
		return rounds(key, []byte(padding), 0)
	}
	h := md5.New() //nolint:gosec // the format's
	h.Write([]byte(padding))
	h.Write(p.ID)
	return rounds(key, h.Sum(nil), 19)
}

// userPassword is what the owner's password says the user's is (algorithm 7).
func (p *Parameters) userPassword(owner []byte) ([]byte, error) {
	sum := md5.Sum(padded(owner)) //nolint:gosec // the format's
	key := p.hardened(sum[:])
	out := bytes.Clone(p.O)
	if p.R == 2 {
		return rounds(key, out, 0)
	}
	for i := 19; i >= 0; i-- {
		if err := round(key, out, byte(i)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// rounds encrypts with the key and its last variants.
func rounds(key, data []byte, last byte) ([]byte, error) {
	out := bytes.Clone(data)
	for i := byte(0); i <= last; i++ {
		if err := round(key, out, i); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func round(key, data []byte, variant byte) error {
	k := bytes.Clone(key)
	for i := range k {
		k[i] ^= variant
	}
	c, err := rc4.NewCipher(k) //nolint:gosec // the format's
	if err != nil {
		return err
	}
	c.XORKeyStream(data, data)
	return nil
}

// bySHA2 is the file's key in revisions 5 and 6, nil where the password is another
// (ISO 32000-2, 7.6.4.3.3, algorithm 2.A).
func (p *Parameters) bySHA2(password []byte, owner bool) ([]byte, error) {
	entry, wrapped, user := p.U, p.UE, []byte(nil)
	if owner {
		entry, wrapped, user = p.O, p.OE, p.U
	}
	sum, err := p.hash(password, entry[32:40], user)
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare(sum, entry[:32]) != 1 {
		return nil, nil //nolint:nilnil // another password
	}
	if sum, err = p.hash(password, entry[40:48], user); err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(sum)
	if err != nil {
		return nil, err
	}
	key := make([]byte, len(wrapped))
	cipher.NewCBCDecrypter(block, make([]byte, aes.BlockSize)).CryptBlocks(key, wrapped)
	return key, nil
}

// hash is algorithm 2.B (ISO 32000-2, 7.6.4.3.4); revision 5 has only its first line.
func (p *Parameters) hash(password, salt, user []byte) ([]byte, error) {
	first := sha256.Sum256(bytes.Join([][]byte{password, salt, user}, nil))
	k := first[:]
	if p.R == 5 {
		return k, nil
	}
	for i := 0; ; i++ {
		e := bytes.Repeat(bytes.Join([][]byte{password, k, user}, nil), 64)
		block, err := aes.NewCipher(k[:16])
		if err != nil {
			return nil, err
		}
		cipher.NewCBCEncrypter(block, k[16:32]).CryptBlocks(e, e)
		rest := 0
		for _, b := range e[:16] { // 256 is 1 modulo 3, so the sum of the digits will do
			rest += int(b)
		}
		switch rest % 3 {
		case 0:
			sum := sha256.Sum256(e)
			k = sum[:]
		case 1:
			sum := sha512.Sum384(e)
			k = sum[:]
		default:
			sum := sha512.Sum512(e)
			k = sum[:]
		}
		if i >= 63 && int(e[len(e)-1]) <= i-31 {
			return k[:32], nil
		}
	}
}

// permitted reports that /Perms confirms /P and /EncryptMetadata (algorithm 13).
func (p *Parameters) permitted(key []byte) bool {
	block, err := aes.NewCipher(key)
	if err != nil {
		return false
	}
	var out [16]byte
	block.Decrypt(out[:], p.Perms)
	metadata := byte('F')
	if p.MetadataIsHidden {
		metadata = 'T'
	}
	return binary.LittleEndian.Uint32(out[:]) == p.P && out[8] == metadata && string(out[9:12]) == "adb"
}
