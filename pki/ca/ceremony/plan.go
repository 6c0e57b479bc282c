package ceremony

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/cleantext"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
)

// The intermediate certificate authorities.
const (
	Issuers  = "issuers"
	Seals    = "seals"
	Persons  = "persons"
	Services = "services"
)

// Intermediates lists the intermediate authorities in the order in which they are made.
func Intermediates() []string { return []string{Issuers, Seals, Persons, Services} }

var titles = map[string]string{Issuers: "发证机关", Seals: "电子印章", Persons: "自然人", Services: "平台服务"}

// Title returns what an intermediate authority is for, as it stands in names.
func Title(intermediate string) string { return titles[intermediate] }

// Plan is what a ceremony makes.
type Plan struct {
	File   string         // its base name; empty: built into the program
	Digest [sm3.Size]byte // SM3 of the file

	Domain string // name of the province or body
	Region string // six digits, GB/T 2260
	Host   string // in codes and in the URLs of certificates
	GMOnly bool   // national algorithms only, keys in devices only

	Root          Certificate
	Protection    Protection
	Intermediates []Intermediate // those of [Intermediates], in that order
	RootOCSP      Certificate    // the responder for certificates that the root signed
	RootCRLLife   time.Duration  // from thisUpdate to nextUpdate
	Recognitions  []Recognition
	Witnesses     []string
	Output        Output
}

// Certificate is what a plan says of one.
type Certificate struct {
	Subject cert.Name
	Life    time.Duration
}

// Intermediate is an intermediate authority.
type Intermediate struct {
	Name string
	Certificate
}

// Method is a way of keeping the root's key.
type Method string

// The methods. Keys lie in the offline store in all of them.
const (
	ByPassphrase Method = "passphrase" // argon2id, or PBKDF2-HMAC-SM3 in gm-only stores
	ByShares     Method = "shares"     // any Threshold of Total shares
	ByToken      Method = "token"      // a PKCS#11 token
)

// Protection says what opens the offline store.
type Protection struct {
	Method           Method
	Threshold, Total int // of shares
}

// String returns the protection as a plan has it.
func (p Protection) String() string {
	if p.Method == ByShares {
		return fmt.Sprintf("%s %d-of-%d", p.Method, p.Threshold, p.Total)
	}
	return string(p.Method)
}

// Recognition is a cross-certificate of another domain's root.
type Recognition struct {
	File            string
	Root            *cert.Certificate
	Permit, Exclude []cert.Name // what subjects must and must not begin with
	PathLen         int
	Life            time.Duration
}

// Constraints returns the names as a certificate carries them.
func (r Recognition) Constraints() (cert.NameConstraints, error) {
	var c cert.NameConstraints
	for _, list := range []struct {
		names []cert.Name
		into  *[][]byte
	}{{r.Permit, &c.PermittedDirectories}, {r.Exclude, &c.ExcludedDirectories}} {
		for _, n := range list.names {
			der, err := n.DER()
			if err != nil {
				return c, fmt.Errorf("name %s: %w", n, err)
			}
			*list.into = append(*list.into, der)
		}
	}
	return c, nil
}

// Output names the folders that a ceremony makes. In a plan that was read all are
// absolute; in a built-in one Offline, Shares and Record are empty, which is within Data.
type Output struct {
	Data    string // of the service
	Offline string // the key store with the root's key, to be carried away
	Shares  string // one file for each keeper
	Record  string // certificates, the root's CRL, the transcript
}

// Lives of a built-in plan; those of authorities are their profiles'.
const (
	day                 = 24 * time.Hour
	builtInRootOCSPLife = 90 * day
	builtInRootCRLLife  = 90 * day
)

// BuiltIn is the plan for a domain about which nothing else is decided. Lives of 0 are
// those of the profiles.
func BuiltIn(domain, region, host string, p Protection) *Plan {
	// Names are short: an issuer's is in all that it issues, and a seal's certificates are in
	// each of its signatures.
	name := func(title string) cert.Name {
		return cert.Name{Country: "CN", Organization: domain, CommonName: domain + title}
	}
	plan := &Plan{
		Domain: domain, Region: region, Host: host, Protection: p, Root: Certificate{Subject: name("电子证照根证书")},
		RootOCSP: Certificate{name("电子证照根证书状态响应"), builtInRootOCSPLife}, RootCRLLife: builtInRootCRLLife,
	}
	for _, i := range Intermediates() {
		plan.Intermediates = append(plan.Intermediates, Intermediate{i, Certificate{Subject: name(titles[i] + "证书")}})
	}
	return plan
}

var regionForm = regexp.MustCompile(`^[1-9][0-9]{5}$`)

// CheckHost refuses what cannot be the host of codes and URLs.
func CheckHost(host string) error {
	if !ca.IsHost(host) {
		return bilingual.Wrap("不是小写的主机名（可带端口）", fmt.Errorf("%q is not a lower-case host name with an optional port", host))
	}
	return nil
}

// CheckRegion refuses what is not the code of a region.
func CheckRegion(region string) error {
	if !regionForm.MatchString(region) {
		return bilingual.Wrap("行政区划代码应为六位数字", fmt.Errorf("%q is not six digits (GB/T 2260)", region))
	}
	return nil
}

// CheckDomain refuses what cannot be the name of a domain.
func CheckDomain(name string) error {
	if strings.TrimSpace(name) == "" {
		return errors.New("has no name")
	}
	return cleantext.Check(name)
}
