package licence

import (
	"time"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/licence/catalogue"
)

// Licence is one version of one e-licence, valid in itself.
type Licence struct {
	Category   catalogue.ID
	Schema     int // the category's schema number
	Identifier Identifier
	Number     string // the number people know it by (证照编号)
	IssuerName string // the issuer's code is in the identifier
	Holders    []Holder
	IssueDay   civil.Day
	FirstDay   civil.Day
	LastDay    *civil.Day // nil: long-term
	Fields     map[string]Value
	Status     StatusRef
	SignedAt   time.Time // UTC, whole seconds
}

// Holder is who or what holds a licence.
type Holder struct {
	Name     string
	IDType   IDType
	IDNumber string
}

// StatusRef is a licence's place in the status lists: the licence is revoked or
// suspended when the bit at Index of that plane of List is set.
type StatusRef struct {
	List  uint32
	Index uint32 // below 2^20
}

// Packed returns list<<32 | index, the form in which the place is signed.
func (r StatusRef) Packed() uint64 { return uint64(r.List)<<32 | uint64(r.Index) }

// UnpackStatusRef is the inverse of [StatusRef.Packed].
func UnpackStatusRef(packed uint64) StatusRef {
	return StatusRef{List: uint32(packed >> 32), Index: uint32(packed)}
}
