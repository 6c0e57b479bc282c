package ca

import (
	"slices"
	"time"

	"github.com/elicence/elicence/pki/ca/lint"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/oid"
)

// ProfileName names a profile: its file without the ending.
type ProfileName string

// The profiles that this service issues by.
const (
	ProfileRoot                   ProfileName = "root"
	ProfileRootLink               ProfileName = "root-link"
	ProfileIntermediate           ProfileName = "intermediate"
	ProfileCross                  ProfileName = "cross-ca"
	ProfileAuthority              ProfileName = "authority"
	ProfileService                ProfileName = "service"
	ProfileSealMaker              ProfileName = "seal-maker"
	ProfileOrganizationSeal       ProfileName = "organization-seal"
	ProfileOrganizationEncryption ProfileName = "organization-encryption"
	ProfilePerson                 ProfileName = "person"
	ProfilePersonEncryption       ProfileName = "person-encryption"
	ProfileOCSP                   ProfileName = "ocsp"
	ProfileTSA                    ProfileName = "tsa"
	ProfileTLSServer              ProfileName = "tls-server"
	ProfileTLSClient              ProfileName = "tls-client"
)

// presence says whether something must, may or must not be in a certificate.
type presence string

const (
	absent   presence = "absent"
	optional presence = "optional"
	required presence = "required"
)

// Profile says what certificates of one kind look like. It comes from a file that was
// checked; see [Profiles].
type Profile struct {
	name                              ProfileName
	title, issuedBy                   string
	life, longest                     time.Duration
	subjectRequired, subjectOptional  []string
	randomSerial                      bool
	isCA, foreign, selfIssued         bool
	pathLen                           int
	usage                             cert.KeyUsage
	usageCriticalOnlyInPairs          bool
	extUsages                         []oid.ID
	extUsageCritical, extUsagesClosed bool
	policies                          []oid.ID
	noCheck                           bool
	numbers, alternativeNames         presence
	revocable                         bool // says where its status is to be found
	deltaByList                       bool // leaves it to the full CRL to name the delta
	listed                            bool // has an entry of a status list, where the authority has such lists
	precious                          bool // both implementations must accept the signature
	byRequest                         bool
	pair                              ProfileName
	host                              string // of URLs; empty: the service's
}

// Name returns the profile's name.
func (p *Profile) Name() ProfileName { return p.name }

// Title says in two languages what the certificates are for.
func (p *Profile) Title() string { return p.title }

// Life is how long certificates live where the issuer lives long enough.
func (p *Profile) Life() time.Duration { return p.life }

// Longest is the longest life that a request may ask for.
func (p *Profile) Longest() time.Duration { return p.longest }

// IsCA reports whether the certificates are authorities'.
func (p *Profile) IsCA() bool { return p.isCA }

// IssuedBy names the authority that issues by this profile, or "any".
func (p *Profile) IssuedBy() string { return p.issuedBy }

// ByRequest reports whether the key may be somebody else's, who shows possession of it
// by a PKCS #10 request.
func (p *Profile) ByRequest() bool { return p.byRequest }

// Pair names the profile of the encryption certificate that a holder of a signing
// certificate may have beside it; empty: none.
func (p *Profile) Pair() ProfileName { return p.pair }

// AlternativeNames reports whether certificates carry host names and addresses.
func (p *Profile) AlternativeNames() bool { return p.alternativeNames != absent }

// OrganizationNumbers reports whether certificates carry an organisation's numbers.
func (p *Profile) OrganizationNumbers() bool { return p.numbers != absent }

// usageCritical reports whether keyUsage is critical (GM/T 0015: for holders of two
// certificates it is, for holders of one it need not be).
func (p *Profile) usageCritical(pair bool) bool { return !p.usageCriticalOnlyInPairs || pair }

// namesDelta reports whether certificates name the delta list of a site. Where they do not,
// the full list does, which whoever wants a delta has (RFC 5280, 5.2.6): a seal's
// certificates are in each of its signatures, and every byte counts there.
func (p *Profile) namesDelta(s Site) bool { return p.revocable && !p.deltaByList && s.Shards > 0 }

func (p *Profile) clone() *Profile {
	c := *p
	c.extUsages, c.policies = slices.Clone(p.extUsages), slices.Clone(p.policies)
	return &c
}

// extensions lists the extensions of the profile's certificates (GB/T 20518; RFC 5280,
// 4.2): all of them, and no others.
func (p *Profile) extensions(pair, deltas, listed bool) []lint.Extension {
	all := []lint.Extension{
		{ID: oid.AuthorityKeyID}, {ID: oid.SubjectKeyID}, {ID: oid.KeyUsage, Critical: p.usageCritical(pair)},
	}
	add := func(when bool, e lint.Extension) {
		if when {
			all = append(all, e)
		}
	}
	add(p.isCA, lint.Extension{ID: oid.BasicConstraints, Critical: true})
	add(p.foreign, lint.Extension{ID: oid.NameConstraints, Critical: true})
	add(len(p.extUsages) > 0, lint.Extension{ID: oid.ExtKeyUsage, Critical: p.extUsageCritical})
	add(len(p.policies) > 0, lint.Extension{ID: oid.Policies})
	add(p.alternativeNames != absent, lint.Extension{ID: oid.SubjectAltName, Optional: p.alternativeNames == optional})
	add(p.revocable, lint.Extension{ID: oid.CRLPoints})
	add(deltas, lint.Extension{ID: oid.FreshestCRL})
	add(p.name != ProfileRoot, lint.Extension{ID: oid.AuthorityInfo})
	add(listed, lint.Extension{ID: oid.StatusEntry})
	add(p.noCheck, lint.Extension{ID: oid.OCSPNoCheck})
	if p.numbers != absent {
		all = append(all, lint.Extension{ID: oid.OrganizationCode, Optional: p.numbers == optional})
		for _, id := range []oid.ID{oid.InsuranceNumber, oid.RegistrationNumber, oid.TaxationNumber} {
			all = append(all, lint.Extension{ID: id, Optional: true})
		}
	}
	return all
}
