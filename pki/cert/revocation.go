package cert

import (
	"fmt"
	"time"
)

// Reason says why a certificate was revoked: CRLReason (RFC 5280, 5.3.1).
type Reason uint8

// The reasons. Value 7 is not used by the standard.
const (
	Unspecified          Reason = 0
	KeyCompromise        Reason = 1
	CACompromise         Reason = 2
	AffiliationChanged   Reason = 3
	Superseded           Reason = 4
	CessationOfOperation Reason = 5
	CertificateHold      Reason = 6 // suspended: may be taken back
	RemoveFromCRL        Reason = 8 // in a delta CRL: the hold was taken back
	PrivilegeWithdrawn   Reason = 9
	AACompromise         Reason = 10
)

var reasonNames = map[Reason]string{
	Unspecified: "unspecified", KeyCompromise: "keyCompromise", CACompromise: "cACompromise", AffiliationChanged: "affiliationChanged",
	Superseded: "superseded", CessationOfOperation: "cessationOfOperation", CertificateHold: "certificateHold",
	RemoveFromCRL: "removeFromCRL", PrivilegeWithdrawn: "privilegeWithdrawn", AACompromise: "aACompromise",
}

// String returns the name of RFC 5280.
func (r Reason) String() string {
	if name, ok := reasonNames[r]; ok {
		return name
	}
	return fmt.Sprintf("reason %d", uint8(r))
}

// ParseReason reads the name of a reason.
func ParseReason(name string) (Reason, error) {
	for r, n := range reasonNames {
		if n == name {
			return r, nil
		}
	}
	return 0, fmt.Errorf("%q is not a reason of RFC 5280", name)
}

// Known reports whether the standard has this reason.
func (r Reason) Known() bool { return reasonNames[r] != "" }

// Revocation is the end of a certificate, or with [CertificateHold] its suspension.
type Revocation struct {
	At        time.Time // UTC, whole seconds
	Reason    Reason
	InvalidAt time.Time // when the key was lost or the fact ended, if that is known to be earlier; else zero
}
