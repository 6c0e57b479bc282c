package ca

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/elicence/elicence/pki/cert"
)

// MaxShards bounds the CRLs among which an authority's certificates are spread.
const MaxShards = 4096

// Shard is one of the CRLs of an authority: that of the serial numbers that are Index
// modulo Count. The zero value is the authority's only CRL, without shards and deltas.
//
// The count is part of the name, and the name is baked into the certificate: an
// authority that gets more shards goes on publishing the lists of the earlier count
// until the last certificate that names one has ended.
type Shard struct {
	Count uint32
	Index uint32
}

// ShardOf returns the shard of a serial number among so many; 0: unsharded.
func ShardOf(s cert.Serial, count uint32) Shard {
	if count == 0 {
		return Shard{}
	}
	return Shard{count, s.Mod(count)}
}

// String returns COUNT-INDEX, or the empty string for the only CRL.
func (s Shard) String() string {
	if s.Count == 0 {
		return ""
	}
	return fmt.Sprintf("%d-%d", s.Count, s.Index)
}

// CRL returns the name of the shard's full list: CA-COUNT-INDEX.crl, or CA.crl.
func (s Shard) CRL(authority string) string { return s.prefix(authority) + ".crl" }

// Delta returns the name of the shard's delta list, which an unsharded CRL has not.
func (s Shard) Delta(authority string) string { return s.prefix(authority) + "-delta.crl" }

func (s Shard) prefix(authority string) string {
	if s.Count == 0 {
		return authority
	}
	return authority + "-" + s.String()
}

var errBadShard = errors.New("not COUNT-INDEX of a shard")

// ParseShard reads what [Shard.String] writes.
func ParseShard(text string) (Shard, error) {
	if text == "" {
		return Shard{}, nil
	}
	count, index, found := strings.Cut(text, "-")
	c, errC := strconv.ParseUint(count, 10, 32)
	i, errI := strconv.ParseUint(index, 10, 32)
	s := Shard{uint32(c), uint32(i)}
	if !found || errC != nil || errI != nil || c < 1 || c > MaxShards || i >= c || s.String() != text {
		return Shard{}, fmt.Errorf("%q: %w", text, errBadShard)
	}
	return s, nil
}

// Site says where the status of an authority's certificates is published:
//
//	http://HOST/crl/NAME-COUNT-INDEX.crl         the full CRL of the shard
//	http://HOST/crl/NAME-COUNT-INDEX-delta.crl   its delta
//	http://HOST/crl/NAME.crl                     the only CRL, of an authority without shards
//	http://HOST/ocsp                             the responder
//	http://HOST/ca/NAME.cer                      the authority's certificate
//
// They are http, not https: what they give is signed, and a client that checks a TLS
// certificate by them must not need one.
type Site struct {
	Host   string // with a port where it is not 80
	Name   string // of the authority within the URLs
	Shards uint32 // 0: one CRL without deltas, for an authority that signs few
}

// longestHost is how long a host name may be, in characters (RFC 1035, 2.3.4).
const longestHost = 253

// The length is counted apart: a pattern is compiled with all of its repetitions.
var hostForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?$`)

// IsHost reports whether a text is a host name in lower case with an optional port.
func IsHost(text string) bool {
	name, _, _ := strings.Cut(text, ":")
	return len(name) <= longestHost && hostForm.MatchString(text)
}

var siteNameForm = regexp.MustCompile(`^[a-z][a-z0-9.]{0,63}$`)

func (s Site) check() error {
	if !IsHost(s.Host) {
		return fmt.Errorf("authority's host %q is not a lower-case host name with an optional port", s.Host)
	}
	if !siteNameForm.MatchString(s.Name) {
		return fmt.Errorf("authority's name %q is not of lower-case letters, digits and dots", s.Name)
	}
	if s.Shards > MaxShards {
		return fmt.Errorf("authority %s has %d shards, at most %d are allowed", s.Name, s.Shards, MaxShards)
	}
	return nil
}

// at is the site under a profile's host, if that names one of its own.
func (s Site) at(host string) Site {
	if host != "" {
		s.Host = host
	}
	return s
}

func (s Site) crl(serial cert.Serial) string {
	return "http://" + s.Host + "/crl/" + ShardOf(serial, s.Shards).CRL(s.Name)
}

func (s Site) delta(serial cert.Serial) string {
	return "http://" + s.Host + "/crl/" + ShardOf(serial, s.Shards).Delta(s.Name)
}

func (s Site) ocsp() string { return "http://" + s.Host + "/ocsp" }

func (s Site) issuer() string { return "http://" + s.Host + "/ca/" + s.Name + ".cer" }
