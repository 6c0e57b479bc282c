package readertest

import (
	"math/big"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tjfoc/gmsm/sm3"
	"golang.org/x/text/unicode/norm"
)

// Judge returns the verdict on what a scanner delivers in a hall.
func (r *Reader) Judge(scanned string, hall *Hall) string {
	kind, b, err := text(scanned)
	if err != nil || kind > 4 {
		return "malformed"
	}
	var p presentation
	signed := b
	if kind == 2 {
		if p, err = parsePresentation(b); err != nil {
			return "malformed"
		}
		signed = p.credential
	}
	m, err := parseSign1(signed)
	if err != nil || (kind == 2 || kind == 3) && len(b) > 408 {
		return "malformed"
	}
	if !r.usable {
		return "no_data"
	}
	switch kind {
	case 2:
		return r.presented(b, p, m, hall)
	case 3:
		return r.shown(b, m, hall)
	case 4:
		return r.document(m, hall)
	default:
		return r.licence(m, hall)
	}
}

// text turns what a scanner delivers into a kind and bytes; 9 is a hall's question.
func text(scanned string) (int, []byte, error) {
	if i := strings.LastIndex(scanned, "#"); i >= 0 {
		scanned = scanned[i+1:]
	}
	for _, space := range " \t\r\n\v\f" {
		scanned = strings.ReplaceAll(scanned, string(space), "")
	}
	if strings.Trim(scanned, "0123456789") != "" || len(scanned) < 10 {
		return 0, nil, errFormat
	}
	for _, c := range []byte(scanned) {
		if c < '0' || c > '9' {
			return 0, nil, errFormat
		}
	}
	digits, check := scanned[:len(scanned)-5], scanned[len(scanned)-5:]
	head := new(big.Int).SetBytes(sm3.Sm3Sum([]byte(digits))[:4])
	given, _ := new(big.Int).SetString(check, 10)
	if head.Mod(head, big.NewInt(100000)).Cmp(given) != 0 || digits[0] != '1' || !strings.Contains("12349", digits[1:2]) {
		return 0, nil, errFormat
	}
	sizes := map[int]int{3: 1, 5: 2, 8: 3, 10: 4, 13: 5, 15: 6, 17: 7, 20: 8, 22: 9, 25: 10, 27: 11, 29: 12, 32: 13, 34: 14, 37: 15, 39: 16, 41: 17}
	var b []byte
	for groups := digits[2:]; groups != ""; {
		group := groups[:min(41, len(groups))]
		groups = groups[len(group):]
		value, _ := new(big.Int).SetString(group, 10)
		octets := value.Bytes()
		k, ok := sizes[len(group)]
		if !ok || len(octets) > k {
			return 0, nil, errFormat
		}
		b = append(append(b, make([]byte, k-len(octets))...), octets...)
	}
	if len(b) > 700 {
		return 0, nil, errFormat
	}
	return int(digits[1] - '0'), b, nil
}

func keysOf[T any](all []T, of func(T) key) []key {
	var keys []key
	for _, one := range all {
		keys = append(keys, of(one))
	}
	return keys
}

func (r *Reader) licence(m sign1, hall *Hall) string {
	c, verdict := r.credential(m, "elicence/code/1/1", nil)
	if verdict != "" {
		return verdict
	}
	if !c.inScope(1, 1<<62) || hall.question != nil {
		return "out_of_scope"
	}
	return r.standing(c.claim())
}

// credential is what an issuing authority has signed.
type credential struct {
	by       issuer
	exp, iat int64
	claims   fields
	summary  fields
	known    bool
	category category
}

// credential returns what an issuing authority has signed, or the verdict where that
// is already clear. Kind 2 has one of two further claims.
func (r *Reader) credential(m sign1, object string, further []int64) (credential, string) {
	by, hinted := m.signedBy(object, keysOf(r.issuers, func(i issuer) key { return i.key }))
	if !hinted {
		return credential{}, "untrusted"
	}
	if by < 0 {
		for _, i := range r.issuers {
			if string(i.kid) == string(m.kid) && !i.stolen {
				return credential{}, "tampered"
			}
		}
		return credential{}, "untrusted" // every key with this hint is stolen
	}
	c := credential{by: r.issuers[by]}
	if c.by.stolen {
		return c, "untrusted"
	}
	var err error
	if c.claims, err = asFieldsOf(m.payload, []int64{4, 6, -70001}, further); err != nil {
		return c, "malformed"
	}
	if c.exp, c.iat, err = life(c.claims); err != nil {
		return c, "malformed"
	}
	c.summary, err = asFields(c.claims[-70001], []int64{0, 1, 2, 3, 5, 7}, []int64{4, 6, 8})
	if err != nil || summary(c.summary) != nil {
		return c, "malformed"
	}
	c.category, c.known = r.categories[[2]int64{c.summary[1].(int64), c.summary[0].(int64)}]
	if c.known && !fit(c.summary[8], c.category.types) {
		return c, "malformed"
	}
	return c, ""
}

// inScope reports whether the issuer may sign this, and the category counts in this kind
// of code.
func (c credential) inScope(kind, longest int64) bool {
	allowed, may := c.by.lives[kind]
	window, own := c.by.lists[c.summary[7].(int64)>>32]
	return may && c.exp-c.iat <= min(allowed, longest) && c.by.categories[c.summary[1].(int64)] && (!c.known || c.category.kinds[kind]) &&
		own && c.iat >= window[0] && (window[1] == 0 || c.iat <= window[1])
}

func (c credential) claim() claim {
	return claim{known: c.known, category: c.category, exp: c.exp, iat: c.iat, place: c.summary[7], first: c.summary[5], last: c.summary[6]}
}

// claim is what decides whether something is in force.
type claim struct {
	known              bool
	category           category
	exp, iat           int64
	place, first, last any // nil where absent
	live               func() string
}

func (r *Reader) standing(c claim) string {
	if !c.known {
		return "no_data"
	}
	if c.place != nil {
		place := c.place.(int64)
		number, index := place>>32, place&(1<<32-1)
		l, there := r.lists[number]
		switch {
		case !there, index >= l.high && c.iat >= r.statusTime:
			return "no_data"
		case index >= l.high:
			return "not_issued"
		case l.revoked[index]:
			return "revoked"
		case l.suspended[index]:
			return "suspended"
		}
	}
	if c.iat > r.trusted+300 {
		return "clock"
	}
	if c.live != nil {
		if verdict := c.live(); verdict != "" {
			return verdict
		}
	}
	first, last := int64(-1<<62), int64(1<<62)
	if day, ok := c.first.(int64); ok {
		first = day*86400 - 8*3600
	}
	if day, ok := c.last.(int64); ok {
		last = (day+1)*86400 - 8*3600 - 1
	}
	switch age := r.trusted - r.asOf; {
	case r.trusted < first:
		return "not_yet_valid"
	case r.trusted > last, r.trusted > c.exp:
		return "expired"
	case age > c.category.limit:
		return "no_data"
	case age > c.category.fresh:
		return "valid_stale"
	default:
		return "valid"
	}
}

func asFieldsOf(payload []byte, required, optional []int64) (fields, error) {
	v, err := decode(payload)
	if err != nil {
		return nil, err
	}
	return asFields(v, required, optional)
}

// life reads exp and iat.
func life(claims fields) (int64, int64, error) {
	exp, err := integer(claims[4], -1<<62, 1<<62)
	if err != nil {
		return 0, 0, err
	}
	iat, err := integer(claims[6], -1<<62, 1<<62)
	if err != nil || exp <= iat {
		return 0, 0, errFormat
	}
	return exp, iat, nil
}

// summary checks the types and ranges of a summary.
func summary(s fields) error {
	for _, number := range []struct{ key, least, most int64 }{{0, 1, 1 << 31}, {1, 1, 999}, {5, -43829, 2932896}, {6, -43829, 2932896}, {7, 0, 1<<62 - 1}} {
		if v, there := s[number.key]; there {
			if _, err := integer(v, number.least, number.most); err != nil {
				return err
			}
		}
	}
	if place, there := s[7].(int64); there && place&(1<<32-1) >= 1<<20 {
		return errFormat
	}
	for _, at := range []int64{2, 3, 4} {
		if v, there := s[at]; there {
			if err := clean(v); err != nil {
				return err
			}
		}
	}
	v, there := s[8]
	if !there {
		return nil
	}
	items, err := list(v, -1)
	if err != nil || len(items) == 0 || len(items) > 4 {
		return errFormat
	}
	for _, item := range items {
		switch item.(type) {
		case nil:
		case int64:
			if _, err := integer(item, -1<<63, 1<<62); err != nil {
				return err
			}
		default:
			if err := clean(item); err != nil {
				return err
			}
		}
	}
	return nil
}

// clean wants text that is not empty and that hides nothing.
func clean(v any) error {
	s, ok := v.(string)
	if !ok || s == "" || !utf8.ValidString(s) || !norm.NFC.IsNormalString(s) || strings.TrimSpace(s) != s {
		return errFormat
	}
	for _, c := range s {
		if unicode.In(c, unicode.C, unicode.Zl, unicode.Zp, unicode.Variation_Selector) {
			return errFormat
		}
	}
	return nil
}

// fit compares the fields of a code with those of its category.
func fit(v any, types []string) bool {
	items, _ := v.([]any)
	if len(items) != len(types) {
		return false
	}
	for i, item := range items {
		_, number := item.(int64)
		if item != nil && number != (types[i] == "date" || types[i] == "integer") {
			return false
		}
	}
	return true
}

func (r *Reader) document(m sign1, hall *Hall) string {
	by, hinted := m.signedBy("elicence/code/4/1", keysOf(r.services, func(s service) key { return s.key }))
	if !hinted {
		return "untrusted"
	}
	if by < 0 {
		return "tampered"
	}
	claims, err := asFieldsOf(m.payload, []int64{4, 6, -70005}, nil)
	if err != nil {
		return "malformed"
	}
	exp, iat, err := life(claims)
	if err != nil {
		return "malformed"
	}
	items, err := list(claims[-70005], 4)
	if err != nil {
		return "malformed"
	}
	number, _ := items[0].(string)
	_, badLength := integer(items[1], 1, 1<<62)
	_, badDigest := octets(items[2], 32)
	seals, badSeals := list(items[3], -1)
	if clean(items[0]) != nil || len(number) > 200 || badLength != nil || badDigest != nil || badSeals != nil || len(seals) > 8 {
		return "malformed"
	}
	for _, s := range seals {
		if clean(s) != nil {
			return "malformed"
		}
	}
	switch {
	case !r.services[by].may(4, exp, iat, 1<<62), hall.question != nil:
		return "out_of_scope"
	case iat > r.trusted+300:
		return "clock"
	case r.trusted > exp:
		return "expired"
	default:
		return "valid"
	}
}

// may reports whether a service may sign a kind of code with such a life at such a time.
func (s service) may(kind, exp, iat, longest int64) bool {
	allowed, may := s.lives[kind]
	return may && exp-iat <= min(allowed, longest) && iat >= s.times[0] && (s.times[1] == 0 || iat <= s.times[1])
}
