package licence

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
)

// Errors about credentials and the devices that carry them.
var (
	// ErrCredentialChanged: the credential is not the one that was to be replaced;
	// another call came first.
	ErrCredentialChanged = errors.New("the credential was changed meanwhile")
	// ErrNoDevice: no such device was ever bound to the licence.
	ErrNoDevice = bilingual.New("该证照没有绑定此设备", "no such device is bound to the licence")
	// ErrUnbound: the device was bound once and is not any more. Its key does not come
	// back.
	ErrUnbound = bilingual.New("该设备已解除绑定", "the device was unbound")
	// ErrTooManyDevices: the licence has [MaxDevices] devices.
	ErrTooManyDevices = bilingual.New("该证照绑定的设备过多", "too many devices are bound to the licence")
	// ErrDeviceTime: the device has signed a request of this time or a later one before.
	ErrDeviceTime = errors.New("a request of this time was answered before")
)

// MaxDevices is how many devices may be bound to a licence at a time.
const MaxDevices = 5

// DeviceIDSize is the length in bytes of a [DeviceID].
const DeviceIDSize = 8

// DeviceID names a device within the register: the first bytes of SM3 over the name of
// the algorithm and the device's point. Zero stands for paper.
type DeviceID [DeviceIDSize]byte

// ErrBadDeviceID says that a text does not name a device.
var ErrBadDeviceID = errors.New("not a device's name of 16 hexadecimal digits")

// ParseDeviceID reads what [DeviceID.String] writes.
func ParseDeviceID(s string) (DeviceID, error) {
	var id DeviceID
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != DeviceIDSize || hex.EncodeToString(b) != s || DeviceID(b) == id {
		return id, ErrBadDeviceID
	}
	return DeviceID(b), nil
}

// String returns 16 lower-case hexadecimal digits.
func (d DeviceID) String() string { return hex.EncodeToString(d[:]) }

// Device is a device that a licence's holder shows it with.
type Device struct {
	Algorithm string // of its key: "sm2" or "p256"
	Point     [33]byte
	BoundAt   time.Time
	UnboundAt time.Time // zero: it is bound
	// LastUse is the time, UTC seconds, of the last request that was good once only.
	LastUse int64
}

// ID returns the device's name.
func (d Device) ID() DeviceID {
	sum := sm3.Sum(append([]byte(d.Algorithm+":"), d.Point[:]...))
	return DeviceID(sum[:DeviceIDSize])
}

// Check refuses a device that is not of a known form.
func (d Device) Check() error {
	if d.Algorithm != AlgorithmSM2 && d.Algorithm != AlgorithmP256 {
		return fmt.Errorf("device algorithm %q is neither %s nor %s", d.Algorithm, AlgorithmSM2, AlgorithmP256)
	}
	if d.Point[0] != 2 && d.Point[0] != 3 {
		return errors.New("the device's key is not a compressed point")
	}
	return nil
}

// Algorithms of a device's key.
const (
	AlgorithmSM2  = "sm2"
	AlgorithmP256 = "p256"
)

// Credential is a signed summary of a licence that was given out: printed, or bound to
// a device. It has a place in the status lists of its own, but for the printed one of
// the full profile, whose place is the licence's.
type Credential struct {
	Device   DeviceID // zero: printed
	Profile  string   // of disclosure
	Status   StatusRef
	Signed   []byte    // COSE_Sign1
	Point    pki.Point // of the key that signed
	SignedAt time.Time
	Expires  time.Time // of the signature
	Revoked  bool      // by itself, whatever the licence's state is
}

// Digest returns SM3 of the signed form.
func (c *Credential) Digest() [sm3.Size]byte { return sm3.Sum(c.Signed) }

// NewCredential is a credential to be stored.
type NewCredential struct {
	Credential
	// Replaces is the digest of the credential with the same device and profile that it
	// takes the place of. Zero: there is none yet.
	Replaces [sm3.Size]byte
}

// Credentials is the register of what was given out of licences. A write has returned
// when it is on the disk, and an error means that nothing was stored.
//
// A step of a licence's life ([Registry.Transition]) holds for all its credentials at
// once: their bits change in the step's transaction, whatever list they are on.
type Credentials interface {
	// PutCredentials stores credentials of a licence that is not revoked, in one
	// transaction with their entry of the audit log. A first one takes its place in the
	// status list, a later one keeps it. A place under a suspended licence is suspended
	// from the start. The error wraps [ErrNotFound], [ErrStep], [ErrCredentialChanged],
	// and for a device [ErrNoDevice] or [ErrUnbound].
	PutCredentials(ctx context.Context, id Identifier, all []NewCredential, entry audit.Record) error
	// Credentials returns those of a licence: printed ones first, then by device, each
	// by profile.
	Credentials(ctx context.Context, id Identifier) ([]Credential, error)
}

// Binding is a binding code that was given to a licence's holder.
type Binding struct {
	Code       BindingCode
	Identifier Identifier
	Until      time.Time
	Audit      audit.Record
}

// BindingTry is somebody's try to bind a device with a code.
type BindingTry struct {
	Code   BindingCode
	Device DeviceID
	At     time.Time
	// Entry makes the try's entry of the audit log, once it is known which licence it
	// is about.
	Entry func(Identifier) (audit.Record, error)
}

// NewDevice is a device that is bound by a code that was tried before.
type NewDevice struct {
	Code        BindingCode
	Identifier  Identifier
	Device      Device
	Credentials []Credential // its first ones
	Audit       audit.Record
}

// Devices is the register of devices and of the codes that bind them.
type Devices interface {
	// OpenBinding stores a binding code, hashed. The error wraps [ErrBindingTaken] if a
	// code that is still good begins alike: draw another.
	OpenBinding(ctx context.Context, b Binding) error
	// TryBinding returns the licence of a code, or [ErrBinding] whatever is wrong. Every
	// try is recorded, and a wrong one counted, on the disk before it is answered. The
	// device that the code has bound may ask again; that is no try.
	TryBinding(ctx context.Context, t BindingTry) (Identifier, error)
	// BindDevice binds a device with its first credentials to a licence in force and
	// uses the code up. A device that is bound already only uses the code up. The error
	// wraps [ErrBinding], [ErrStep], [ErrUnbound] or [ErrTooManyDevices].
	BindDevice(ctx context.Context, d NewDevice) error
	// Device returns one device, or [ErrNoDevice].
	Device(ctx context.Context, id Identifier, device DeviceID) (Device, error)
	// Devices returns all that were ever bound to a licence, the oldest first.
	Devices(ctx context.Context, id Identifier) ([]Device, error)
	// UseDevice records a request of a bound device that is good once only: its time
	// must be later than that of the one before. The error wraps [ErrNoDevice],
	// [ErrUnbound] or [ErrDeviceTime].
	UseDevice(ctx context.Context, id Identifier, device DeviceID, seconds int64, entry audit.Record) error
	// UnbindDevice ends a binding and revokes the device's credentials, and nothing
	// else. The error wraps [ErrNoDevice] or [ErrUnbound].
	UnbindDevice(ctx context.Context, id Identifier, device DeviceID, at time.Time, entry audit.Record) error
}
