package readertest

import (
	"math/big"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tjfoc/gmsm/sm3"
	"golang.org/x/text/unicode/norm"
)

// Judge returns the verdict on what a scanner delivers.
func (r *Reader) Judge(scanned string) string {
	kind, b, err := text(scanned)
	if err != nil {
		return "malformed"
	}
	if kind == 2 || kind == 3 {
		if presented(kind, b) != nil {
			return "malformed"
		}
		return "no_data"
	}
	m, err := parseSign1(b)
	if err != nil {
		return "malformed"
	}
	if !r.usable {
		return "no_data"
	}
	if kind == 4 {
		return r.document(m)
	}
	return r.licence(m)
}

// text turns what a scanner delivers into a kind and bytes.
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
	if head.Mod(head, big.NewInt(100000)).Cmp(given) != 0 || digits[0] != '1' || digits[1] < '1' || digits[1] > '4' {
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

// presented checks the shape of kinds 2 and 3.
func presented(kind int, b []byte) error {
	if kind == 2 {
		v, err := decode(b)
		if err != nil {
			return err
		}
		items, err := list(v, 5)
		if err != nil {
			return err
		}
		credential, err := octets(items[0], -1)
		if err != nil {
			return err
		}
		if _, err := integer(items[1], 0, 1<<62); err != nil {
			return err
		}
		nonce, err := octets(items[2], -1)
		if err != nil {
			return err
		}
		hall, ok := items[3].(string)
		if !ok || len(nonce) != 0 && len(nonce) != 16 || len(nonce) == 0 && hall != "" {
			return errFormat
		}
		if _, err := octets(items[4], 64); err != nil {
			return err
		}
		b = credential
	}
	_, err := parseSign1(b)
	return err
}

func keysOf[T any](all []T, of func(T) key) []key {
	var keys []key
	for _, one := range all {
		keys = append(keys, of(one))
	}
	return keys
}

func (r *Reader) licence(m sign1) string {
	by, hinted := m.signedBy("elicence/code/1/1", keysOf(r.issuers, func(i issuer) key { return i.key }))
	if !hinted {
		return "untrusted"
	}
	if by < 0 {
		for _, i := range r.issuers {
			if string(i.kid) == string(m.kid) && !i.stolen {
				return "tampered"
			}
		}
		return "untrusted" // every key with this hint is stolen
	}
	issuer := r.issuers[by]
	if issuer.stolen {
		return "untrusted"
	}
	claims, err := asFieldsOf(m.payload, []int64{4, 6, -70001}, nil)
	if err != nil {
		return "malformed"
	}
	exp, iat, err := life(claims)
	if err != nil {
		return "malformed"
	}
	s, err := asFields(claims[-70001], []int64{0, 1, 2, 3, 5, 7}, []int64{4, 6, 8})
	if err != nil || summary(s) != nil {
		return "malformed"
	}
	id := [2]int64{s[1].(int64), s[0].(int64)}
	category, known := r.categories[id]
	if known && !fit(s[8], category.types) {
		return "malformed"
	}
	place := s[7].(int64)
	number, index := place>>32, place&(1<<32-1)
	longest, may := issuer.lives[1]
	window, own := issuer.lists[number]
	switch {
	case !issuer.categories[id[0]], !may, exp-iat > longest, known && !category.kinds[1]:
		return "out_of_scope"
	case !own, iat < window[0], window[1] != 0 && iat > window[1]:
		return "out_of_scope"
	case !known:
		return "no_data"
	}
	l, there := r.lists[number]
	first, last := s[5].(int64)*86400-8*3600, int64(1<<62)
	if day, ok := s[6].(int64); ok {
		last = (day+1)*86400 - 8*3600 - 1
	}
	switch age := r.trusted - r.asOf; {
	case !there, index >= l.high && iat > r.statusTime:
		return "no_data"
	case index >= l.high:
		return "not_issued"
	case l.revoked[index]:
		return "revoked"
	case l.suspended[index]:
		return "suspended"
	case iat > r.trusted+300:
		return "clock"
	case r.trusted < first:
		return "not_yet_valid"
	case r.trusted > last, r.trusted > exp:
		return "expired"
	case age > category.limit:
		return "no_data"
	case age > category.fresh:
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
	if s[7].(int64)&(1<<32-1) >= 1<<20 {
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

func (r *Reader) document(m sign1) string {
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
	longest, may := r.services[by].lives[4]
	switch {
	case !may, exp-iat > longest:
		return "out_of_scope"
	case iat > r.trusted+300:
		return "clock"
	case r.trusted > exp:
		return "expired"
	default:
		return "valid"
	}
}
