package keystore

import "crypto"

// AlgorithmSM4 is the name of the only national algorithm that wraps keys.
const AlgorithmSM4 = "SM4"

// WrappingKey describes a key inside a token or device that wraps
// key-encryption keys.
type WrappingKey struct {
	Device    string // as [Device.Name]
	Label     string // the key's name inside the device
	Algorithm string // "SM4", "AES"
	Bits      int
}

// Wrapper wraps a key-encryption key with a key that never leaves its token or
// device. What was wrapped for one context does not unwrap for another, or
// unwraps to something else.
type Wrapper interface {
	WrappingKey() WrappingKey
	Wrap(kek, context []byte) ([]byte, error)
	Unwrap(wrapped, context []byte) ([]byte, error)
}

// Place is where a device keeps a signing key.
type Place struct {
	// Ref finds the key in its device: the CKA_ID of a token's key, the index of
	// a key in an SDF device.
	Ref string
	// Access is what the device wants before it signs with the key, such as
	// the password of SDF_GetPrivateKeyAccessRight. The key file keeps it
	// encrypted. Nil where the device wants nothing.
	Access []byte
}

// Device holds SM2 signing keys that never leave it: a PKCS#11 token, an SDF
// device (GM/T 0018).
type Device interface {
	// Name tells the device from all others and stays the same after a restart. It
	// begins with the kind of interface and a colon: "pkcs11:", "sdf:".
	Name() string
	// Signer returns the key at a place. It answers as [pki.NewKey] wants:
	// over e = SM3(ZA ‖ M), in DER. An error that wraps [ErrNoKey] says that
	// nothing is there.
	Signer(at Place) (crypto.Signer, error)
}

// Maker is a Device in which signing keys are taken into use: it makes one, or
// answers one that was made by the device's own tools and is not taken yet.
type Maker interface {
	Device
	MakeSigner(p Purpose, name string, taken func(ref string) bool) (Place, error)
}
