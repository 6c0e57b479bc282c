package sdf

import "fmt"

// Library is an open device: what SDF_OpenDevice answers.
type Library interface {
	OpenSession() (Session, error) // SDF_OpenSession
	Close() error                  // SDF_CloseDevice
}

// KeyHandle names a session key inside the device.
type KeyHandle uintptr

// Session is one session with a device. It is used by one goroutine at a time. An
// error of the device is a [Status].
type Session interface {
	DeviceInfo() (DeviceInfo, error)                                           // SDF_GetDeviceInfo
	AccessPrivateKey(index uint32, password []byte) error                      // SDF_GetPrivateKeyAccessRight
	ReleasePrivateKey(index uint32) error                                      // SDF_ReleasePrivateKeyAccessRight
	ExportSignPublicKey(index uint32) (PublicKey, error)                       // SDF_ExportSignPublicKey_ECC
	InternalSign(index uint32, e []byte) (Signature, error)                    // SDF_InternalSign_ECC
	GenerateKeyWithKEK(bits, algorithm, kek uint32) ([]byte, KeyHandle, error) // SDF_GenerateKeyWithKEK
	ImportKeyWithKEK(algorithm, kek uint32, key []byte) (KeyHandle, error)     // SDF_ImportKeyWithKEK
	DestroyKey(key KeyHandle) error                                            // SDF_DestroyKey
	Encrypt(key KeyHandle, algorithm uint32, iv, data []byte) ([]byte, error)  // SDF_Encrypt
	Decrypt(key KeyHandle, algorithm uint32, iv, data []byte) ([]byte, error)  // SDF_Decrypt
	Close() error                                                              // SDF_CloseSession
}

// DeviceInfo is the part of DEVICEINFO that names a device. The fields are
// padded with zero bytes or spaces.
type DeviceInfo struct {
	Issuer [40]byte
	Name   [16]byte
	Serial [16]byte
}

// Elements is the length in bytes of the numbers in [PublicKey] and
// [Signature]: ECCref_MAX_LEN. SM2's 32 bytes stand at the end.
const Elements = 64

// PublicKey is ECCrefPublicKey.
type PublicKey struct {
	Bits uint32
	X, Y [Elements]byte
}

// Signature is ECCSignature.
type Signature struct{ R, S [Elements]byte }

// Algorithm identifiers (GM/T 0006).
const (
	sgdSM4ECB = 0x00000401
	sgdSM4CBC = 0x00000402
)

// Status is a return value of the interface other than SDR_OK (GM/T 0018-2023,
// annex A).
type Status uint32

// The return values that are told apart.
const (
	StatusCommunication Status = 0x01000003 // SDR_COMMFAIL
	StatusHardware      Status = 0x01000004 // SDR_HARDFAIL
	StatusDenied        Status = 0x01000007 // SDR_PARDENY: no right to use the private key
	StatusNoKey         Status = 0x01000008 // SDR_KEYNOTEXIST
	StatusSign          Status = 0x0100000D // SDR_SIGNERR
	StatusSymmetric     Status = 0x0100000F // SDR_SYMOPERR
	StatusAccess        Status = 0x01000018 // SDR_PRKRERR: wrong access password
	StatusArgument      Status = 0x0100001D // SDR_INARGERR
)

// Error names the return value.
func (s Status) Error() string {
	if name := s.name(); name != "" {
		return "the device answers " + name
	}
	return fmt.Sprintf("the device answers 0x%08X", uint32(s))
}

func (s Status) name() string {
	switch s {
	case StatusCommunication:
		return "SDR_COMMFAIL"
	case StatusHardware:
		return "SDR_HARDFAIL"
	case StatusDenied:
		return "SDR_PARDENY"
	case StatusNoKey:
		return "SDR_KEYNOTEXIST"
	case StatusSign:
		return "SDR_SIGNERR"
	case StatusSymmetric:
		return "SDR_SYMOPERR"
	case StatusAccess:
		return "SDR_PRKRERR"
	case StatusArgument:
		return "SDR_INARGERR"
	default:
		return ""
	}
}
