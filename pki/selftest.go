package pki

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/emmansun/gmsm/sm3"
	"github.com/emmansun/gmsm/sm4"
)

// ErrSelfTest says that the cryptography of this machine gives wrong answers.
// The program must not go on.
var ErrSelfTest = errors.New("cryptographic self-test failed")

// Sample is one published SM2 verification that start-up self-tests repeat.
type Sample struct {
	Name      string
	Point     Point
	Message   []byte // nil: Digest is signed as it stands, without ZA
	Digest    [32]byte
	Signature Signature
}

// Samples returns the published SM2 signatures that every implementation must
// accept: the one of GB/T 32918.5-2017, Annex A, and one whose verification
// takes a carry that assembly is known to have lost on CPUs with BMI2 and ADX.
func Samples() []Sample {
	return []Sample{
		{
			Name:    "GB/T 32918.5 annex A",
			Point:   Point(unhex("0309F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020")),
			Message: []byte("message digest"),
			Signature: Signature(unhex("F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3" +
				"B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA")),
		},
		{
			Name:  "carry in the field arithmetic",
			Point: Point(unhex("02EF4DE57AF00AE424C00C4CAADFF7193F804A19DD73A7E2954DB9D0D15AB4CBBA")),
			Signature: Signature(unhex("BE0EA64E1EC06F0D247093F3CCBBADCFB6260224272F86DDB78326E7CD6C7560" +
				"E9F6AB2FCC48A2CEF94838E66B5C7E21FD8E4DE25990DD98CA5243F4966F2853")),
		},
	}
}

// SelfTest checks SM2, SM3 and SM4 of the working implementation against
// published vectors. The error wraps [ErrSelfTest] and names the vector.
func SelfTest() error {
	sum := sm3.Sum([]byte("abc"))
	if !bytes.Equal(sum[:], unhex("66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0")) {
		return fmt.Errorf("SM3 of \"abc\": %w", ErrSelfTest)
	}
	key := unhex("0123456789abcdeffedcba9876543210")
	block, err := sm4.NewCipher(key)
	if err != nil {
		return fmt.Errorf("SM4: %w: %w", ErrSelfTest, err)
	}
	out := make([]byte, sm4.BlockSize)
	block.Encrypt(out, key)
	if !bytes.Equal(out, unhex("681edf34d206965e86b3e94f536e4246")) {
		return fmt.Errorf("SM4 of one block: %w", ErrSelfTest)
	}
	for _, s := range Samples() {
		public, err := ParsePoint(s.Point[:])
		if err != nil {
			return fmt.Errorf("SM2 %s: %w: %w", s.Name, ErrSelfTest, err)
		}
		var digest [32]byte
		if s.Message != nil {
			digest = public.Digest(s.Message)
		} else {
			digest = s.Digest
		}
		if !public.verifyDigest(digest, s.Signature) {
			return fmt.Errorf("SM2 %s is refused: %w", s.Name, ErrSelfTest)
		}
		wrong := s.Signature
		wrong[63] ^= 1
		if public.verifyDigest(digest, wrong) {
			return fmt.Errorf("SM2 %s is accepted with a wrong bit: %w", s.Name, ErrSelfTest)
		}
	}
	return nil
}

// unhex decodes constants of this file.
func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic("pki: bad hexadecimal constant " + s)
	}
	return b
}
