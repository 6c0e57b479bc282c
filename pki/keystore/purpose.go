package keystore

import (
	"fmt"
	"regexp"
	"slices"
)

// Purpose is what a key is for. A key opens for its own purpose only.
type Purpose string

// The purposes of this version.
const (
	PurposeCA         Purpose = "ca"         // certificate authorities
	PurposeAuthority  Purpose = "authority"  // issuing authorities: licences and their codes
	PurposeTrust      Purpose = "trust"      // roles of the trust files
	PurposeService    Purpose = "service"    // document codes, audit checkpoints
	PurposeOCSP       Purpose = "ocsp"       // OCSP responders
	PurposeTSA        Purpose = "tsa"        // time stamping authorities
	PurposeSeal       Purpose = "seal"       // seal makers and seals
	PurposePerson     Purpose = "person"     // the service's halves of persons' keys
	PurposeEncryption Purpose = "encryption" // encryption keys of dual certificates
	PurposeRegister   Purpose = "register"   // the register's symmetric secrets
)

// Purposes lists every purpose. A store has one folder for each that is in use.
func Purposes() []Purpose {
	return []Purpose{
		PurposeCA, PurposeAuthority, PurposeTrust, PurposeService, PurposeOCSP, PurposeTSA,
		PurposeSeal, PurposePerson, PurposeEncryption, PurposeRegister,
	}
}

var nameForm = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z._-]{0,99}$`)

// checkName refuses what is not a place for a key.
func checkName(p Purpose, name string) error {
	if !slices.Contains(Purposes(), p) {
		return fmt.Errorf("%q is not a purpose of a key", p)
	}
	if !nameForm.MatchString(name) {
		return fmt.Errorf("%q is not a name for a key", name)
	}
	return nil
}
