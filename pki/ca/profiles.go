package ca

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/cleantext"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/oid"
)

//go:embed profiles/*.yaml
var embedded embed.FS

// maxProfile bounds a profile's file, in bytes.
const maxProfile = 16 << 10

// Profiles are all profiles by name.
type Profiles struct{ byName map[ProfileName]*Profile }

// Profile returns one.
func (p *Profiles) Profile(name ProfileName) (*Profile, error) {
	found := p.byName[name]
	if found == nil {
		return nil, fmt.Errorf("%q: %w", name, ErrNoProfile)
	}
	return found, nil
}

// Names lists the profiles in alphabetical order.
func (p *Profiles) Names() []ProfileName {
	var names []ProfileName
	for name := range p.byName {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// ErrNoProfile says that there is no profile of a name.
var ErrNoProfile = bilingual.New("没有该证书模板", "no such profile")

// DefaultProfiles returns the profiles that this program carries.
func DefaultProfiles() (*Profiles, error) {
	entries, err := fs.ReadDir(embedded, "profiles")
	if err != nil {
		return nil, fmt.Errorf("reading the profiles: %w", err)
	}
	all := &Profiles{make(map[ProfileName]*Profile)}
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), ".yaml")
		b, err := fs.ReadFile(embedded, "profiles/"+e.Name())
		if err != nil {
			return nil, fmt.Errorf("profile %s: %w", name, err)
		}
		p, err := parseProfile(ProfileName(name), b)
		if err != nil {
			return nil, fmt.Errorf("profile %s: %w", name, err)
		}
		all.byName[p.name] = p
	}
	for _, p := range all.byName {
		if other := all.byName[p.pair]; p.pair != "" && (other == nil || other.isCA || other.issuedBy != p.issuedBy) {
			return nil, fmt.Errorf("profile %s: pair %q is not a profile of the same issuer", p.name, p.pair)
		}
	}
	return all, nil
}

// LoadProfiles returns the profiles with an operator's changes applied: a folder with
// at most one file NAME.yaml for each profile that this program carries. A folder that
// is not there changes nothing. A file may say only:
//
//	life-days: 365            not longer than the profile's longest-days
//	policies: [1.2.156.…]     certificate policies, in place of the profile's
//	ext-key-usage: [clientAuth, emailProtection, …]
//	                          further usages, where the profile has an open list or none
//	host: status.example.cn   of the URLs of CRLs, responder and issuer
//
// What makes a certificate what it is cannot be changed: whether it is an authority's,
// its path length, key usage, criticality, subject, and where its status is found.
func LoadProfiles(dir fs.FS) (*Profiles, error) {
	all, err := DefaultProfiles()
	if err != nil {
		return nil, err
	}
	entries, err := fs.ReadDir(dir, ".")
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the profiles: %w", err)
	}
	for _, e := range entries {
		name := ProfileName(strings.TrimSuffix(e.Name(), ".yaml"))
		base := all.byName[name]
		if base == nil || string(name)+".yaml" != e.Name() {
			return nil, fmt.Errorf("profiles: %s changes no profile: there are %v", e.Name(), all.Names())
		}
		b, err := readProfile(dir, e.Name())
		if err != nil {
			return nil, fmt.Errorf("profiles: %w", err)
		}
		changed, err := base.override(b)
		if err != nil {
			return nil, fmt.Errorf("profiles: %s: %w", e.Name(), err)
		}
		all.byName[name] = changed
	}
	return all, nil
}

func readProfile(dir fs.FS, name string) ([]byte, error) {
	f, err := dir.Open(name)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(f, maxProfile+1))
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	if len(b) > maxProfile {
		return nil, fmt.Errorf("%s has more than %d bytes", name, maxProfile)
	}
	return b, nil
}

// file is a profile as it is written.
type file struct {
	Title       string `yaml:"title"`
	IssuedBy    string `yaml:"issued-by"`
	LifeDays    int    `yaml:"life-days"`
	LongestDays int    `yaml:"longest-days"`
	Subject     struct {
		Required     []string `yaml:"required"`
		Optional     []string `yaml:"optional"`
		RandomSerial bool     `yaml:"random-serial"`
	} `yaml:"subject"`
	Authority *struct {
		PathLength int  `yaml:"path-length"`
		Foreign    bool `yaml:"foreign"`
		SelfIssued bool `yaml:"self-issued"` // another key under the issuer's name
	} `yaml:"authority"`
	KeyUsage struct {
		Bits     []string `yaml:"bits"`
		Critical string   `yaml:"critical"` // always, or pair
	} `yaml:"key-usage"`
	ExtKeyUsage struct {
		IDs      []string `yaml:"ids"`
		Critical bool     `yaml:"critical"`
		Closed   bool     `yaml:"closed"` // nothing may be added
	} `yaml:"ext-key-usage"`
	Policies         []string    `yaml:"policies"`
	OCSPNoCheck      bool        `yaml:"ocsp-nocheck"`
	Numbers          presence    `yaml:"organization-numbers"`
	AlternativeNames presence    `yaml:"alternative-names"`
	Revocation       string      `yaml:"revocation"`    // crl-and-ocsp, or none
	DeltaByList      bool        `yaml:"delta-by-list"` // only the full CRL names its delta
	StatusList       bool        `yaml:"status-list"`   // an entry of a status list as well
	SecondOpinion    bool        `yaml:"second-opinion"`
	ByRequest        bool        `yaml:"by-request"`
	Pair             ProfileName `yaml:"pair"`
}

// changes is what an operator may write.
type changes struct {
	LifeDays    int      `yaml:"life-days"`
	Policies    []string `yaml:"policies"`
	ExtKeyUsage []string `yaml:"ext-key-usage"`
	Host        string   `yaml:"host"`
}

// decode reads one YAML document with known fields only.
func decode(b []byte, into any) error {
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	var fields *yaml.TypeError
	switch err := d.Decode(into); {
	case errors.As(err, &fields):
		// Each is "line N: field x not found in type …", where our type says nothing.
		return errors.New(typeName.ReplaceAllString(strings.Join(fields.Errors, "; "), ""))
	case err != nil && !errors.Is(err, io.EOF):
		return err
	}
	if err := d.Decode(new(any)); !errors.Is(err, io.EOF) {
		return errors.New("more than one document")
	}
	return nil
}

var typeName = regexp.MustCompile(` in type ca\.[a-z]+`)

const day = 24 * time.Hour

// maxDays bounds every life: a hundred years.
const maxDays = 36500

var keyUsages = map[string]cert.KeyUsage{
	"digitalSignature": cert.DigitalSignature, "nonRepudiation": cert.NonRepudiation, "keyEncipherment": cert.KeyEncipherment,
	"dataEncipherment": cert.DataEncipherment, "keyAgreement": cert.KeyAgreement, "keyCertSign": cert.KeyCertSign, "cRLSign": cert.CRLSign,
}

// extUsage is an extended key usage by name, and whether an operator may add it.
type extUsage struct {
	id   oid.ID
	free bool
}

var extUsages = map[string]extUsage{
	"serverAuth": {oid.UsageServerAuth, true}, "clientAuth": {oid.UsageClientAuth, true},
	"emailProtection": {oid.Of(1, 3, 6, 1, 5, 5, 7, 3, 4), true}, "documentSigning": {oid.Of(1, 3, 6, 1, 5, 5, 7, 3, 36), true},
	"OCSPSigning": {oid.UsageOCSPSigning, false}, "timeStamping": {oid.UsageTimeStamping, false},
}

var subjectLabels = []string{"C", "ST", "L", "O", "OU", "SERIALNUMBER", "CN"}

func parseProfile(name ProfileName, b []byte) (*Profile, error) {
	var f file
	if err := decode(b, &f); err != nil {
		return nil, err
	}
	p := &Profile{
		name: name, title: f.Title, issuedBy: f.IssuedBy, life: time.Duration(f.LifeDays) * day, longest: time.Duration(f.LongestDays) * day,
		subjectRequired: f.Subject.Required, subjectOptional: f.Subject.Optional, randomSerial: f.Subject.RandomSerial,
		extUsageCritical: f.ExtKeyUsage.Critical, extUsagesClosed: f.ExtKeyUsage.Closed, noCheck: f.OCSPNoCheck,
		numbers: f.Numbers, alternativeNames: f.AlternativeNames, precious: f.SecondOpinion, byRequest: f.ByRequest, pair: f.Pair,
		usageCriticalOnlyInPairs: f.KeyUsage.Critical == "pair", revocable: f.Revocation == "crl-and-ocsp", listed: f.StatusList, deltaByList: f.DeltaByList,
	}
	if f.Authority != nil {
		p.isCA, p.pathLen, p.foreign, p.selfIssued = true, f.Authority.PathLength, f.Authority.Foreign, f.Authority.SelfIssued
	}
	for _, bit := range f.KeyUsage.Bits {
		if keyUsages[bit] == 0 || p.usage&keyUsages[bit] != 0 {
			return nil, fmt.Errorf("key-usage: %q is not known or stands twice", bit)
		}
		p.usage |= keyUsages[bit]
	}
	for _, name := range f.ExtKeyUsage.IDs {
		usage, known := extUsages[name]
		if !known || slices.Contains(p.extUsages, usage.id) {
			return nil, fmt.Errorf("ext-key-usage: %q is not known or stands twice", name)
		}
		p.extUsages = append(p.extUsages, usage.id)
	}
	var err error
	if p.policies, err = parsePolicies(f.Policies); err != nil {
		return nil, err
	}
	for _, into := range []*presence{&p.numbers, &p.alternativeNames} {
		if *into == "" {
			*into = absent
		}
	}
	return p, p.check(f)
}

func (p *Profile) check(f file) error {
	certSign := p.usage&cert.KeyCertSign != 0
	switch {
	case p.title == "" || cleantext.Check(p.title) != nil:
		return errors.New("title is missing or cannot be shown")
	case p.issuedBy == "":
		return errors.New("issued-by is missing")
	case f.LifeDays < 1 || f.LongestDays < f.LifeDays || f.LongestDays > maxDays:
		return fmt.Errorf("life-days %d and longest-days %d: want 1 to %d, the longest not shorter", f.LifeDays, f.LongestDays, maxDays)
	case p.usage == 0:
		return errors.New("key-usage has no bits")
	case f.KeyUsage.Critical != "always" && f.KeyUsage.Critical != "pair":
		return errors.New("key-usage: critical must be always or pair")
	case f.Revocation != "crl-and-ocsp" && f.Revocation != "none":
		return errors.New("revocation must be crl-and-ocsp or none")
	case p.isCA != certSign:
		return errors.New("key-usage: keyCertSign is for authorities, and every authority has it")
	case p.isCA && (p.pathLen < 0 || p.pathLen > 5 || p.usageCriticalOnlyInPairs || !p.precious || p.byRequest || len(p.extUsages) > 0):
		return errors.New("authority: path-length 0 to 5, key-usage critical always, a second opinion, no request, no ext-key-usage")
	case p.foreign && p.selfIssued:
		return errors.New("authority: a foreign authority has not the issuer's name")
	case p.extUsageCritical && !p.extUsagesClosed:
		return errors.New("ext-key-usage: a critical list must be closed")
	case p.noCheck != slices.Contains(p.extUsages, oid.UsageOCSPSigning):
		return errors.New("ocsp-nocheck is for OCSP responders, and every one has it")
	case p.deltaByList && !p.revocable:
		return errors.New("delta-by-list is for certificates that can be revoked")
	case p.listed && (!p.revocable || p.isCA):
		return errors.New("status-list is for certificates of holders that can be revoked")
	case p.noCheck && p.revocable:
		return errors.New("ocsp-nocheck: revocation must be none")
	case !p.foreign && !slices.Contains(p.subjectRequired, "CN"):
		return errors.New("subject: CN must be required")
	case !validPresence(p.numbers) || !validPresence(p.alternativeNames):
		return errors.New("organization-numbers and alternative-names must be absent, optional or required")
	case p.randomSerial && !slices.Contains(p.subjectRequired, "SERIALNUMBER"):
		return errors.New("subject: random-serial wants SERIALNUMBER to be required")
	}
	seen := make(map[string]bool)
	for _, label := range slices.Concat(p.subjectRequired, p.subjectOptional) {
		if !slices.Contains(subjectLabels, label) || seen[label] {
			return fmt.Errorf("subject: %q is not known or stands twice", label)
		}
		seen[label] = true
	}
	return nil
}

func validPresence(p presence) bool { return p == absent || p == optional || p == required }

// parsePolicies reads identifiers in dotted decimals.
func parsePolicies(texts []string) ([]oid.ID, error) {
	var ids []oid.ID
	for _, text := range texts {
		id, err := oid.Parse(text)
		if err != nil || slices.Contains(ids, id) {
			return nil, fmt.Errorf("policies: %q is not an object identifier or stands twice", text)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// override applies an operator's file; see [LoadProfiles].
func (p *Profile) override(b []byte) (*Profile, error) {
	var c changes
	if err := decode(b, &c); err != nil {
		return nil, err
	}
	changed := p.clone()
	if c.LifeDays != 0 {
		if c.LifeDays < 1 || time.Duration(c.LifeDays)*day > p.longest {
			return nil, fmt.Errorf("life-days: %d is not 1 to %d", c.LifeDays, p.longest/day)
		}
		changed.life = time.Duration(c.LifeDays) * day
	}
	if c.Policies != nil {
		policies, err := parsePolicies(c.Policies)
		if err != nil {
			return nil, err
		}
		changed.policies = policies
	}
	for _, name := range c.ExtKeyUsage {
		usage, known := extUsages[name]
		switch {
		case !known || !usage.free:
			return nil, fmt.Errorf("ext-key-usage: %q may not be added", name)
		case p.extUsagesClosed || p.isCA:
			return nil, errors.New("ext-key-usage: nothing may be added to this profile")
		case !slices.Contains(changed.extUsages, usage.id):
			changed.extUsages = append(changed.extUsages, usage.id)
		}
	}
	if c.Host != "" {
		if !IsHost(c.Host) {
			return nil, fmt.Errorf("host: %q is not a lower-case host name with an optional port", c.Host)
		}
		changed.host = c.Host
	}
	return changed, nil
}
