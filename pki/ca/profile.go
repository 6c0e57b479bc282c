package ca

import (
	"time"

	"github.com/elicence/elicence/pki/cert"
)

// Profile says what certificates of one kind look like.
type Profile struct {
	Name     string
	Life     time.Duration // at most; never beyond the issuer's end
	IsCA     bool
	PathLen  int
	Usage    cert.KeyUsage
	Precious bool // both implementations must accept the signature
}

const year = 365 * 24 * time.Hour

const signing = cert.DigitalSignature | cert.NonRepudiation

// The profiles of this version.
var (
	// ProfileRoot is the province's trust anchor for documents and seals.
	ProfileRoot = Profile{Name: "root", Life: 30 * year, IsCA: true, PathLen: 1, Usage: cert.KeyCertSign | cert.CRLSign, Precious: true}
	// ProfileIntermediate is one of the four authorities under the root.
	ProfileIntermediate = Profile{Name: "intermediate", Life: 20 * year, IsCA: true, PathLen: 0, Usage: cert.KeyCertSign | cert.CRLSign, Precious: true}
	// ProfileAuthority is an issuing authority's licence-signing key.
	ProfileAuthority = Profile{Name: "authority", Life: 5 * year, Usage: signing, Precious: true}
	// ProfileService is a key of the service itself: trust files, document codes,
	// audit checkpoints.
	ProfileService = Profile{Name: "service", Life: 3 * year, Usage: signing, Precious: true}
	// ProfileSealMaker signs seals (制章者).
	ProfileSealMaker = Profile{Name: "seal-maker", Life: 5 * year, Usage: signing, Precious: true}
	// ProfileOrganizationSeal signs with one seal (签章者).
	ProfileOrganizationSeal = Profile{Name: "organization-seal", Life: year, Usage: signing}
	// ProfilePerson signs for a citizen.
	ProfilePerson = Profile{Name: "person", Life: year, Usage: signing}
)
