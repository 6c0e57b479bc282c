package trust

import (
	"errors"
	"fmt"
	"io"

	cosealg "github.com/veraison/go-cose"

	"github.com/elicence/elicence/internal/detcbor"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cose"
)

// Sign encodes and signs a file for a role: root and trust as COSE_Sign by all
// given keys, the others as COSE_Sign1 by one. For every role but time, which
// is made every quarter of an hour, the signature must pass both
// implementations before it is returned.
func Sign(role Role, file any, second pki.SecondOpinion, keys ...*pki.Key) ([]byte, error) {
	payload, err := detcbor.Marshal(file)
	if err != nil {
		return nil, fmt.Errorf("%s file: %w", role, err)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%s file: no key to sign with", role)
	}
	var signed []byte
	if role.severalSign() {
		signed, err = signSeveral(role, payload, keys)
	} else {
		signed, err = cose.Sign(role.object(), keys[0], payload)
	}
	if err != nil {
		return nil, fmt.Errorf("%s file: %w", role, err)
	}
	if int64(len(signed)) > maxSize[role] {
		return nil, fmt.Errorf("%s file has %d bytes, at most %d are read", role, len(signed), maxSize[role])
	}
	if role == RoleTime {
		second = nil
	}
	check := RoleKeys{Role: role, Threshold: uint64(len(keys))}
	for _, k := range keys {
		check.Points = append(check.Points, k.Public().Point())
	}
	if _, err := verify(check, signed, second); err != nil {
		return nil, fmt.Errorf("%s file just signed: %w", role, err)
	}
	return signed, nil
}

// severalSign reports whether a role's file carries several signatures.
func (r Role) severalSign() bool { return r == RoleRoot || r == RoleTrust }

// ErrSigned says that a file is not signed as its role demands.
var ErrSigned = errors.New("not signed by enough keys of its role")

// verify checks a file's signatures against a role's keys and returns the
// payload. Nothing is read from the payload before.
func verify(keys RoleKeys, signed []byte, second pki.SecondOpinion) ([]byte, error) {
	if keys.Threshold < 1 {
		return nil, fmt.Errorf("role %s has no threshold: %w", keys.Role, ErrSigned)
	}
	if keys.Role.severalSign() {
		return verifySeveral(keys, signed, second)
	}
	if keys.Threshold != 1 {
		return nil, fmt.Errorf("role %s wants %d signatures, its file carries one: %w", keys.Role, keys.Threshold, ErrSigned)
	}
	return verifyOne(keys.Role.object(), keys.Points, signed, second)
}

// verifyOne checks the signature of a COSE_Sign1 by one of several keys and returns the
// payload.
func verifyOne(object pki.Object, points []pki.Point, signed []byte, second pki.SecondOpinion) ([]byte, error) {
	m, err := cose.Parse(signed)
	if err != nil {
		return nil, err
	}
	message := m.ToBeSigned(object)
	for _, point := range points {
		key, err := pki.ParsePoint(point[:])
		if err != nil {
			return nil, err
		}
		if key.KID() == m.KID && pki.Unanimous(key, message, m.Signature, second) == pki.Good {
			return m.Payload, nil
		}
	}
	return nil, ErrSigned
}

// signSeveral makes a COSE_Sign (RFC 9052, 4.1).
func signSeveral(role Role, payload []byte, keys []*pki.Key) ([]byte, error) {
	m := cosealg.NewSignMessage()
	m.Payload = payload
	var signers []cosealg.Signer
	for _, k := range keys {
		kid := k.Public().KID()
		s := cosealg.NewSignature()
		s.Headers.Protected.SetAlgorithm(pki.AlgSM2SM3)
		s.Headers.Protected[cosealg.HeaderLabelKeyID] = kid[:]
		m.Signatures = append(m.Signatures, s)
		signers = append(signers, coseSigner{k})
	}
	if err := m.Sign(nil, []byte(role.object()), signers...); err != nil {
		return nil, err
	}
	return m.MarshalCBOR()
}

// verifySeveral counts the distinct keys of the role whose signature the file
// carries. Signatures by other keys count for nothing: a new root also carries
// those of the keys before it.
func verifySeveral(keys RoleKeys, signed []byte, second pki.SecondOpinion) ([]byte, error) {
	var m cosealg.SignMessage
	if err := m.UnmarshalCBOR(signed); err != nil {
		return nil, fmt.Errorf("reading COSE_Sign: %w", err)
	}
	again, err := m.MarshalCBOR()
	if err != nil {
		return nil, fmt.Errorf("writing COSE_Sign again: %w", err)
	}
	if string(again) != string(signed) {
		return nil, detcbor.ErrNotDeterministic
	}
	if len(m.Headers.Protected) != 0 || len(m.Headers.Unprotected) != 0 {
		return nil, fmt.Errorf("COSE_Sign has headers of its own: %w", ErrSigned)
	}
	signedBy := make(map[pki.Point]bool)
	for _, s := range m.Signatures {
		if len(s.Headers.Protected) != 2 || len(s.Headers.Unprotected) != 0 {
			return nil, fmt.Errorf("a signature has other headers than algorithm and kid: %w", ErrSigned)
		}
		kid, _ := s.Headers.Protected[cosealg.HeaderLabelKeyID].([]byte)
		for _, point := range keys.Points {
			key, err := pki.ParsePoint(point[:])
			if err != nil {
				return nil, fmt.Errorf("key of role %s: %w", keys.Role, err)
			}
			if own := key.KID(); string(own[:]) != string(kid) {
				continue
			}
			if s.Verify(coseVerifier{key, second}, m.Headers.RawProtected, m.Payload, []byte(keys.Role.object())) == nil {
				signedBy[point] = true
			}
		}
	}
	if uint64(len(signedBy)) < keys.Threshold {
		return nil, fmt.Errorf("%d of the %d signatures that role %s wants: %w", len(signedBy), keys.Threshold, keys.Role, ErrSigned)
	}
	return m.Payload, nil
}

// coseSigner lets a key sign for the COSE library.
type coseSigner struct{ key *pki.Key }

// Algorithm implements the library's Signer.
func (coseSigner) Algorithm() cosealg.Algorithm { return pki.AlgSM2SM3 }

// Sign implements the library's Signer. Randomness is the key's own affair.
func (s coseSigner) Sign(_ io.Reader, content []byte) ([]byte, error) {
	sig, err := s.key.Sign(content)
	return sig[:], err
}

// coseVerifier lets both implementations verify for the COSE library.
type coseVerifier struct {
	key    *pki.PublicKey
	second pki.SecondOpinion
}

// Algorithm implements the library's Verifier.
func (coseVerifier) Algorithm() cosealg.Algorithm { return pki.AlgSM2SM3 }

// Verify implements the library's Verifier.
func (v coseVerifier) Verify(content, signature []byte) error {
	sig, err := pki.ParseSignature(signature)
	if err != nil {
		return err
	}
	if pki.Unanimous(v.key, content, sig, v.second) != pki.Good {
		return cosealg.ErrVerification
	}
	return nil
}

// unverifiedPayload returns the payload of a COSE_Sign without verifying it, for
// the one case in which the keys are inside: a root.
func unverifiedPayload(signed []byte) ([]byte, error) {
	if int64(len(signed)) > maxSize[RoleRoot] {
		return nil, fmt.Errorf("%d bytes, at most %d are read: %w", len(signed), maxSize[RoleRoot], ErrInvalid)
	}
	var m cosealg.SignMessage
	if err := m.UnmarshalCBOR(signed); err != nil {
		return nil, fmt.Errorf("reading COSE_Sign: %w", err)
	}
	return m.Payload, nil
}
