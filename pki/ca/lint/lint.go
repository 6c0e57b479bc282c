package lint

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/oid"
)

// Rules are what must be true of one certificate: what its profile says, applied to
// its issuer and its serial number.
type Rules struct {
	// IssuerName is the DER of the issuer's name, IssuerKeyID the identifier of its
	// key. For a root they are its own.
	IssuerName  []byte
	IssuerKeyID []byte
	// NotBefore and NotAfter are the issuer's validity; zero for a root, which has no
	// issuer but itself.
	NotBefore, NotAfter time.Time
	// Longest is the longest life that the profile allows.
	Longest time.Duration

	// Subject names the attributes of the subject by their labels: those that must
	// be there and those that may. A cross-certificate has the other authority's name
	// to the byte instead, in SubjectDER, and its key identifier in SubjectKeyID; a link
	// between two generations of a root has the issuer's.
	SubjectRequired, SubjectOptional []string
	SubjectDER, SubjectKeyID         []byte

	Extensions []Extension
	CA         bool
	PathLen    int
	Usage      cert.KeyUsage
	ExtUsages  []oid.ID
	Policies   []oid.ID
	// CRL and Delta return the URI of the list in which a serial number would stand.
	CRL, Delta func(cert.Serial) string
	OCSP       string
	CAIssuers  string
	// StatusEntry is list<<32 | index of the certificate's place in the status lists.
	StatusEntry uint64
	// WeakKey reports whether a point, 0x04 ‖ x ‖ y, belongs to a private key that
	// anybody can guess.
	WeakKey func(uncompressed []byte) bool
}

// Extension is an extension that a certificate of a profile has.
type Extension struct {
	ID       oid.ID
	Critical bool
	Optional bool
}

// Finding is one rule that a certificate does not keep.
type Finding struct {
	Rule string
	Err  error
}

// Error is everything that was found.
type Error struct{ Findings []Finding }

// Error names every rule that is broken, and how.
func (e *Error) Error() string {
	var parts []string
	for _, f := range e.Findings {
		parts = append(parts, f.Rule+": "+f.Err.Error())
	}
	return "lint: " + strings.Join(parts, "; ")
}

type rule struct {
	name  string
	check func(*Rules, *certificate) error
}

// rules in the order of the certificate.
func rules() []rule {
	return []rule{
		{"version", version},
		{"serial number", serialNumber},
		{"signature algorithm", algorithm},
		{"issuer", issuer},
		{"form of the dates", dateForm},
		{"validity", validity},
		{"subject", subject},
		{"key", key},
		{"weak key", weakKey},
		{"unique identifiers", uniqueIDs},
		{"extensions once", once},
		{"known extensions", known},
		{"required extensions", required},
		{"criticality", criticality},
		{"authorityKeyIdentifier", authorityKeyID},
		{"subjectKeyIdentifier", subjectKeyID},
		{"basicConstraints", basicConstraints},
		{"keyUsage", keyUsage},
		{"extKeyUsage", extKeyUsage},
		{"certificatePolicies", policies},
		{"subjectAltName", alternativeNames},
		{"nameConstraints", nameConstraints},
		{"cRLDistributionPoints", crlPoints},
		{"freshestCRL", freshestCRL},
		{"authorityInfoAccess", authorityInfo},
		{"status entry", statusEntry},
		{"ocsp-nocheck", noCheck},
		{"organisation numbers", organisationNumbers},
		{"personal numbers", personal},
	}
}

// Check reads the DER of a TBSCertificate and returns an [*Error] with every rule
// that it does not keep.
func (r *Rules) Check(tbs []byte) error {
	c, err := read(tbs)
	if err != nil {
		return &Error{[]Finding{{"structure", err}}}
	}
	found := new(Error)
	for _, rule := range rules() {
		if err := rule.check(r, c); err != nil {
			found.Findings = append(found.Findings, Finding{rule.name, err})
		}
	}
	if len(found.Findings) > 0 {
		return found
	}
	return nil
}

// Broken reports whether err is a finding of the named rule.
func Broken(err error, name string) bool {
	var found *Error
	if !errors.As(err, &found) {
		return false
	}
	for _, f := range found.Findings {
		if f.Rule == name {
			return true
		}
	}
	return false
}

func mismatch(got, want any) error { return fmt.Errorf("is %v, must be %v", got, want) }
