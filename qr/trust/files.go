package trust

import (
	"fmt"
	"time"

	"github.com/elicence/elicence/pki"
)

// Role is a role of the trust files.
type Role string

// The roles.
const (
	RoleRoot      Role = "root"
	RoleTrust     Role = "trust"
	RoleCatalogue Role = "catalogue"
	RoleStatus    Role = "status"
	RoleTime      Role = "time"
)

// Roles lists the roles in the order in which a root names them.
func Roles() []Role { return []Role{RoleRoot, RoleTrust, RoleCatalogue, RoleStatus, RoleTime} }

// object is the kind of signed object of a role's file.
func (r Role) object() pki.Object { return pki.Object("elicence/" + string(r) + "/1") }

// Limits of the files in bytes, checked before anything is read.
var maxSize = map[Role]int64{
	RoleRoot:      64 << 10,
	RoleTrust:     4 << 20,
	RoleCatalogue: 4 << 20,
	RoleStatus:    4 << 20,
	RoleTime:      16 << 10,
}

// Head begins every file.
type Head struct {
	Version uint64 `cbor:"1,keyasint"` // 1, 2, …; never goes back
	Issued  int64  `cbor:"2,keyasint"` // UTC seconds
	Expires int64  `cbor:"3,keyasint"` // UTC seconds
}

// IssuedAt returns the time of issue.
func (h Head) IssuedAt() time.Time { return time.Unix(h.Issued, 0).UTC() }

// ExpiresAt returns the time of expiry.
func (h Head) ExpiresAt() time.Time { return time.Unix(h.Expires, 0).UTC() }

func (h Head) head() Head { return h }

// Root names the keys of every role.
type Root struct {
	Head
	Domain Domain     `cbor:"4,keyasint"`
	Roles  []RoleKeys `cbor:"5,keyasint"` // in the order of [Roles]
}

// Domain is a province or another body with its own root.
type Domain struct {
	_      struct{} `cbor:",toarray"`
	Region string   // six digits, GB/T 2260
	Name   string
}

// RoleKeys are the keys of one role and how many must sign.
type RoleKeys struct {
	_         struct{} `cbor:",toarray"`
	Role      Role
	Threshold uint64
	Points    []pki.Point
}

// Trust names who may sign codes.
type Trust struct {
	Head
	Domain     Domain             `cbor:"4,keyasint"`
	Hosts      []string           `cbor:"5,keyasint"` // host names that our printed codes carry
	Issuers    []Issuer           `cbor:"6,keyasint"`
	Services   []Service          `cbor:"7,keyasint"`
	Documents  Documents          `cbor:"8,keyasint"`
	Log        LogKey             `cbor:"9,keyasint"`
	Recognised []RecognisedDomain `cbor:"10,keyasint"`
	PastLogs   []PastLogKey       `cbor:"11,keyasint,omitempty"` // after a rotation
	// Devices are the algorithms of holders' devices that count, as COSE numbers
	// them (-7 P-256, -65537 SM2), descending. Empty: none does.
	Devices []int64 `cbor:"12,keyasint,omitempty"`
}

// IssuerState is the state of an issuing authority's key.
type IssuerState uint64

// The states.
const (
	IssuerActive      IssuerState = 1
	IssuerRetired     IssuerState = 2 // signs no more; what it signed stays
	IssuerCompromised IssuerState = 3 // what it signed counts only if listed as genuine
)

// Issuer is the key of an issuing authority.
type Issuer struct {
	Point      pki.Point    `cbor:"1,keyasint"`
	KID        pki.KID      `cbor:"2,keyasint"`
	USCC       string       `cbor:"3,keyasint"`
	Name       string       `cbor:"4,keyasint"`
	Region     string       `cbor:"5,keyasint"`
	Categories []uint64     `cbor:"6,keyasint"` // ascending
	Lists      []IssuerList `cbor:"7,keyasint"`
	State      IssuerState  `cbor:"8,keyasint"`
	Kinds      []KindLife   `cbor:"9,keyasint"`
	// Of a key that was stolen: since when, UTC seconds, 0 where nobody knows; and what
	// of it is known to be genuine. The time is for people: with the key any iat can be
	// signed.
	Since   int64        `cbor:"10,keyasint,omitempty"`
	Genuine *GenuineFile `cbor:"11,keyasint,omitempty"`
}

// IssuerList is a status list of an issuer and when its licences were signed.
type IssuerList struct {
	_     struct{} `cbor:",toarray"`
	List  uint64
	From  int64 // iat of the first licence may not be before, UTC seconds
	Until int64 // iat of the last may not be after; 0: open
}

// ListRefusal is a reason of [Issuer.RefusesList].
type ListRefusal string

// Why what an issuer signed may not stand in a status list.
const (
	ListForeign ListRefusal = "the status list is not the issuing authority's"
	ListClosed  ListRefusal = "signed outside the time in which its status list was in use"
)

// RefusesList says why what an issuer signed at a time may not stand in a status
// list, or nothing.
func (i *Issuer) RefusesList(list uint32, signedAt time.Time) ListRefusal {
	at, owned := signedAt.Unix(), false
	for _, l := range i.Lists {
		if l.List != uint64(list) {
			continue
		}
		if at >= l.From && (l.Until == 0 || at <= l.Until) {
			return ""
		}
		owned = true
	}
	if owned {
		return ListClosed
	}
	return ListForeign
}

// KindLife is a kind of code that a key may sign and the longest life of such a
// signature.
type KindLife struct {
	_       struct{} `cbor:",toarray"`
	Kind    uint64
	Seconds uint64 // longest exp − iat
}

// Service is a key of the service itself.
type Service struct {
	Point pki.Point  `cbor:"1,keyasint"`
	KID   pki.KID    `cbor:"2,keyasint"`
	Name  string     `cbor:"3,keyasint"`
	Kinds []KindLife `cbor:"4,keyasint"`
	// When the key signs, after a rotation: iat must lie within. UTC seconds; 0: open.
	From  int64 `cbor:"5,keyasint,omitempty"`
	Until int64 `cbor:"6,keyasint,omitempty"`
}

// Documents says whose seals and personal signatures on documents count.
type Documents struct {
	Roots   [][]byte    `cbor:"1,keyasint"` // DER; for people and other programs
	Seals   [][]byte    `cbor:"2,keyasint"` // DER of the authorities for seals: the anchors
	Persons [][]byte    `cbor:"3,keyasint"` // DER of the authorities for persons: the anchors
	Makers  []pki.Point `cbor:"4,keyasint"` // keys that may make seals
}

// LogKey is the key of the audit log's checkpoints.
type LogKey struct {
	_      struct{} `cbor:",toarray"`
	Origin string
	Point  pki.Point
}

// LogKeys returns the keys that verify the audit log's checkpoints: the present one,
// then those that signed before it.
func (t *Trust) LogKeys() ([]*pki.PublicKey, error) {
	points := []pki.Point{t.Log.Point}
	for _, past := range t.PastLogs {
		points = append(points, past.Point)
	}
	keys := make([]*pki.PublicKey, len(points))
	for i, point := range points {
		key, err := pki.ParsePoint(point[:])
		if err != nil {
			return nil, fmt.Errorf("key %d of the audit log: %w", i, err)
		}
		keys[i] = key
	}
	return keys, nil
}

// PastLogKey is a key that signed checkpoints before the present one.
type PastLogKey struct {
	_     struct{} `cbor:",toarray"`
	Point pki.Point
	From  int64 // UTC seconds; 0: from the beginning
	Until int64
}

// RecognisedDomain is another domain whose licences are accepted within limits. What it
// recognises in turn is not.
type RecognisedDomain struct {
	_          struct{} `cbor:",toarray"`
	Domain     Domain
	RootSM3    [32]byte // of one of its root files: the pin
	Regions    []string // ascending; of its issuers
	Categories []uint64 // ascending
}

// MaxWindow bounds the window of a category.
const MaxWindow = 10 * time.Minute

// Catalogue names the categories and their code fields.
type Catalogue struct {
	Head
	Categories []Category `cbor:"4,keyasint"`
}

// Category is one schema of one category.
type Category struct {
	ID     uint64   `cbor:"1,keyasint"`
	Schema uint64   `cbor:"2,keyasint"`
	NameZH string   `cbor:"3,keyasint"`
	NameEN string   `cbor:"4,keyasint"`
	Fields []Field  `cbor:"5,keyasint"`
	Fresh  uint64   `cbor:"6,keyasint"` // seconds: older status data is stale
	Limit  uint64   `cbor:"7,keyasint"` // seconds: with older status data nothing can be said
	Window uint64   `cbor:"8,keyasint"` // seconds around trusted time for a presentation, at most [MaxWindow]
	Kinds  []uint64 `cbor:"9,keyasint"` // kinds of code that are accepted
}

// Field is a code field of a category.
type Field struct {
	_      struct{} `cbor:",toarray"`
	Code   string
	NameZH string
	NameEN string
	Type   string // as in the licence catalogue
	Enum   []string
}

// Status describes the state of all status lists and the set files that lead to it.
type Status struct {
	Head
	Sequence uint64    `cbor:"4,keyasint"` // of the state
	Lists    []List    `cbor:"5,keyasint"` // ascending
	Files    []SetFile `cbor:"6,keyasint"` // ascending by From: the snapshot, then deltas
}

// List is the state of one status list.
type List struct {
	_       struct{} `cbor:",toarray"`
	List    uint64
	High    uint64
	SetHash [32]byte
}

// SetFile is a file that leads from every state between two sequence numbers to the
// later one; a snapshot leads from 0, which is no state.
type SetFile struct {
	_      struct{} `cbor:",toarray"`
	From   uint64
	To     uint64
	SM3    [32]byte
	Length uint64
}

// Time says what is current.
type Time struct {
	Head
	Trust      Current `cbor:"4,keyasint"`
	Catalogue  Current `cbor:"5,keyasint"`
	Status     Current `cbor:"6,keyasint"`
	Checkpoint []byte  `cbor:"7,keyasint"` // signed state of the audit log
}

// Current names the current version of a file.
type Current struct {
	_       struct{} `cbor:",toarray"`
	Version uint64
	SM3     [32]byte // of the whole file
}
