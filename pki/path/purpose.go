package path

import (
	"fmt"
	"slices"

	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/oid"
)

// Purpose is what a certificate is to be used for.
type Purpose int

// The purposes. The zero value is none and refuses everything.
const (
	_                Purpose = iota
	PurposeSeal              // stamps documents, or makes seals
	PurposePerson            // signs for a person
	PurposeLicence           // signs licences, trust files and other data of the service
	PurposeEncrypt           // keys are encrypted to it
	PurposeOCSP              // signs OCSP answers for its issuer (RFC 6960, 4.2.2.2)
	PurposeTimeStamp         // signs time stamps (RFC 3161, 2.3)
	PurposeCRL               // signs certificate revocation lists
	PurposeAuthority         // signs certificates
	PurposeTLSServer         // the name of the host is for the caller to compare
	PurposeTLSClient
)

// rule says what a certificate must have for a purpose.
type rule struct {
	name      string
	usage     cert.KeyUsage // one of these bits
	authority bool          // basicConstraints say CA: must be, or must not
	either    bool          // basicConstraints do not matter
	named     bool          // people are shown the subject, so it must have a name
	// extUsage must be among the extended usages, if it is set. With strict the
	// extension may not be absent, nor any usage stand for it.
	extUsage oid.ID
	strict   bool
	// alone: the extension must be critical and have no other usage.
	alone bool
}

const signing = cert.DigitalSignature | cert.NonRepudiation

func (p Purpose) rule() (rule, bool) {
	switch p {
	case PurposeSeal:
		return rule{name: "seals", usage: signing, named: true}, true
	case PurposePerson:
		return rule{name: "a person's signature", usage: signing, named: true}, true
	case PurposeLicence:
		return rule{name: "licences", usage: signing, named: true}, true
	case PurposeEncrypt:
		return rule{name: "encryption", usage: cert.KeyEncipherment | cert.DataEncipherment | cert.KeyAgreement}, true
	case PurposeOCSP:
		return rule{name: "OCSP", usage: signing, extUsage: oid.UsageOCSPSigning, strict: true}, true
	case PurposeTimeStamp:
		return rule{name: "time stamps", usage: signing, extUsage: oid.UsageTimeStamping, strict: true, alone: true}, true
	case PurposeCRL:
		return rule{name: "revocation lists", usage: cert.CRLSign, either: true}, true
	case PurposeAuthority:
		return rule{name: "an authority", usage: cert.KeyCertSign, authority: true}, true
	case PurposeTLSServer:
		return rule{name: "a TLS server", usage: cert.DigitalSignature | cert.KeyEncipherment | cert.KeyAgreement, extUsage: oid.UsageServerAuth}, true
	case PurposeTLSClient:
		return rule{name: "a TLS client", usage: cert.DigitalSignature | cert.KeyAgreement, extUsage: oid.UsageClientAuth}, true
	default:
		return rule{}, false
	}
}

// String names the purpose in messages.
func (p Purpose) String() string {
	if r, ok := p.rule(); ok {
		return r.name
	}
	return fmt.Sprintf("purpose %d", int(p))
}

// checkEnd checks the certificate in question.
func (r rule) checkEnd(c *cert.Certificate) error {
	if !r.either && c.IsCA() != r.authority {
		if r.authority {
			return ErrNotAuthority
		}
		return fmt.Errorf("an authority's certificate is not for %s: %w", r.name, ErrUsage)
	}
	if r.named && len(c.CanonicalSubject()) == 0 {
		return fmt.Errorf("the subject has no name to show for %s: %w", r.name, ErrName)
	}
	if c.Usage()&r.usage == 0 {
		return fmt.Errorf("key usage is not for %s: %w", r.name, ErrUsage)
	}
	if r.strict && !slices.Contains(c.ExtUsages(), r.extUsage) {
		return fmt.Errorf("extended key usage is not for %s: %w", r.name, ErrUsage)
	}
	if _, critical, _ := c.Extension(oid.ExtKeyUsage); r.alone && (!critical || len(c.ExtUsages()) != 1) {
		return fmt.Errorf("extended key usage for %s is not critical and alone: %w", r.name, ErrUsage)
	}
	return r.checkExtUsages(c)
}

// checkExtUsages checks the extended usages of any certificate of a path: an
// authority that says what it issues for issues for nothing else.
//
// A purpose without an extended usage of its own takes whatever is there. Seal
// certificates of several provinces carry critical clientAuth and emailProtection.
// Only a certificate for nothing but OCSP or time stamps cannot sign anything else.
func (r rule) checkExtUsages(c *cert.Certificate) error {
	usages := c.ExtUsages()
	if len(usages) == 0 {
		return nil
	}
	if r.extUsage != "" {
		if !slices.Contains(usages, r.extUsage) && !slices.Contains(usages, oid.UsageAny) {
			return fmt.Errorf("extended key usage of %s is not for %s: %w", c.Subject, r.name, ErrUsage)
		}
		return nil
	}
	reserved := func(id oid.ID) bool { return id == oid.UsageOCSPSigning || id == oid.UsageTimeStamping }
	if !slices.ContainsFunc(usages, func(id oid.ID) bool { return !reserved(id) }) {
		return fmt.Errorf("extended key usage of %s is for OCSP or time stamps alone, not for %s: %w", c.Subject, r.name, ErrUsage)
	}
	return nil
}
