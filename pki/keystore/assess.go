package keystore

import (
	"fmt"
	"strings"
	"time"

	"github.com/elicence/elicence/pki"
)

// Assessment is what a key store says of its keys without being opened, for an
// assessment of commercial cryptography (密评). It is what the files say: only
// an open store proves that they are whole.
type Assessment struct {
	Store      ID
	GMOnly     bool
	Generation uint64 // of the master key
	Rotating   bool   // key files of the generation before are left
	Keys       []KeyInfo
	Faults     []Fault
}

// KeyInfo describes one key.
type KeyInfo struct {
	Purpose    string // a [Purpose], "key-encryption" or "master"
	Name       string
	Algorithm  string
	Bits       int
	Place      Location
	Where      string // the token or device, and the key's name there; empty for files
	Protection string // how the key is protected at rest, with parameters
	Point      *pki.Point
	Created    time.Time
	Generation uint64 // of the master key that protects it; 0 for the key-encryption key
}

// Fault is a file that is not what it must be.
type Fault struct {
	File string
	Err  error
}

// Location is the kind of place where a key lies.
type Location string

// The locations.
const (
	InFile       Location = "file"
	InToken      Location = "token"         // PKCS#11
	InDevice     Location = "device"        // SDF, GM/T 0018
	InShares     Location = "offline share" // in the hands of several people
	InPassphrase Location = "passphrase"    // in a person's head: derived, never stored
)

// Assess lists every key of a store without opening one: the key-encryption key,
// the master key, then the keys by purpose and name. Files that cannot be read
// are faults, not errors.
func Assess(dir string) (Assessment, error) {
	h, err := readHead(dir)
	if err != nil {
		return Assessment{}, err
	}
	a := Assessment{Store: h.Store, GMOnly: h.GMOnly, Generation: h.Generation, Rotating: h.Rotating}
	a.Keys = append(a.Keys, h.Lock.info(), KeyInfo{
		Purpose: "master", Name: fmt.Sprintf("generation-%d", h.Generation), Algorithm: "SM4-GCM, HMAC-SM3", Bits: 8 * masterSize,
		Place: InFile, Protection: "SM4-GCM under the key-encryption key", Created: time.Unix(h.Rotated, 0).UTC(), Generation: h.Generation,
	})
	if err := checkModes(dir); err != nil {
		a.Faults = append(a.Faults, Fault{File: dir, Err: err})
	}
	err = eachPath(dir, func(p Purpose, name, path string) error {
		f, err := readKeyInfo(p, name, path)
		if err != nil {
			a.Faults = append(a.Faults, Fault{File: path, Err: err})
			return nil
		}
		a.Keys = append(a.Keys, f.info())
		return nil
	})
	if err != nil {
		return Assessment{}, fmt.Errorf("assessing the key store: %w", err)
	}
	return a, nil
}

func readKeyInfo(p Purpose, name, path string) (keyFile, error) {
	b, err := readPrivate(path, maxKeyFile)
	if err != nil {
		return keyFile{}, err
	}
	f, err := parseKeyFile(b)
	if err != nil {
		return keyFile{}, err
	}
	if f.Purpose != p || f.Name != name {
		return keyFile{}, fmt.Errorf("the file holds key %s/%s: %w", f.Purpose, f.Name, ErrDamaged)
	}
	return f, nil
}

func (f keyFile) info() KeyInfo {
	k := KeyInfo{
		Purpose: string(f.Purpose), Name: f.Name, Algorithm: "SM2", Bits: 256, Place: InFile, Protection: "SM4-GCM under the master key",
		Created: time.Unix(f.Created, 0).UTC(), Generation: f.Generation,
	}
	switch f.Kind {
	case kindSecret:
		k.Algorithm = "HMAC-SM3, SM4-GCM"
	case kindHalf:
		k.Algorithm = "SM2, half of two"
	case kindDevice:
		k.Place, k.Where, k.Protection = locate(f.Device), f.Device+" "+f.Ref, "the device; its access secret: SM4-GCM under the master key"
	}
	if len(f.Point) > 0 {
		point := pki.Point(f.Point)
		k.Point = &point
	}
	return k
}

// locate tells a token from a device by the prefix of its name.
func locate(device string) Location {
	if strings.HasPrefix(device, "pkcs11:") {
		return InToken
	}
	return InDevice
}

// info describes the key-encryption key.
func (l lock) info() KeyInfo {
	k := KeyInfo{
		Purpose: "key-encryption", Name: string(l.Method), Algorithm: "SM4-GCM, HMAC-SM3", Bits: 8 * kekSize,
		Created: time.Unix(l.Since, 0).UTC(),
	}
	switch l.Method {
	case MethodPassphrase:
		k.Place, k.Protection = InPassphrase, l.KDF.String()
	case MethodToken:
		k.Place, k.Where = locate(l.Token.Device), l.Token.Device+" "+l.Token.Label
		k.Protection = fmt.Sprintf("wrapped by %s of %d bits inside %s", l.Token.Algorithm, l.Token.Bits, l.Token.Device)
	case MethodShares:
		k.Place, k.Protection = InShares, fmt.Sprintf("%d of %d shares", l.Shares.Threshold, len(l.Shares.Digests))
	default:
		k.Place, k.Protection = InFile, "a file of mode 0600 outside the store"
	}
	return k
}
