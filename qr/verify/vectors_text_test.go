package verify_test

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/elicence/elicence/qr"
	"github.com/elicence/elicence/qr/verify"
)

// textRows are about the text: what a scanner delivers until there are bytes.
func textRows(r *rows) {
	good := r.licence(nil)
	head := good[:len(good)-5]
	r.add("text", "a good code", good, verify.Valid, "in order")
	for name, scanned := range map[string]string{
		"a carriage return and line feed at the end": good + "\r\n",
		"a tab at the end":                           good + "\t",
		"spaces at both ends":                        "  " + good + " ",
		"split into lines":                           good[:100] + "\r\n" + good[100:200] + "\n" + good[200:],
		"a vertical tab and a form feed within":      good[:50] + "\v" + good[50:60] + "\f" + good[60:],
	} {
		r.add("text/white-space", name, scanned, verify.Valid, "")
	}
	for name, scanned := range map[string]string{
		"a no-break space":       good + "\u00a0",
		"an ideographic space":   good[:40] + "\u3000" + good[40:],
		"a byte order mark":      "\ufeff" + good,
		"a zero-width space":     good[:9] + "\u200b" + good[9:],
		"a NUL":                  good + "\x00",
		"a letter O for a zero":  strings.Replace(good, "0", "O", 1),
		"a full-width digit":     "１" + good[1:],
		"an Arabic-Indic digit":  "\u0661" + good[1:],
		"a plus sign":            "+" + good,
		"a minus sign":           "-" + good,
		"a decimal point":        good[:20] + "." + good[20:],
		"a group separator":      good[:20] + "," + good[20:],
		"an exponent":            good[:20] + "e5",
		"hexadecimal":            "0x" + good,
		"Chinese text":           "机动车驾驶证",
		"an address without '#'": "https://localhost/v?" + good,
	} {
		r.add("text/digits", name, scanned, verify.Malformed, "not a digit")
	}
	r.add("text/hash", "an address", "https://localhost/v#"+good, verify.Valid, "")
	r.add("text/hash", "an address of another host", "http://example.org/#"+good, verify.Valid, "")
	r.add("text/hash", "the last of two", "https://localhost/v#12345#"+good, verify.Valid, "")
	r.add("text/hash", "a good code before the last", good+"#"+head+"00000", verify.Malformed, "check digits")
	r.add("text/hash", "nothing after it", good+"#", verify.Malformed, "too few")
	r.add("text/hash", "two codes without it", good+good, verify.Malformed, "")
	r.add("text/length", "empty", "", verify.Malformed, "too few")
	r.add("text/length", "only white space", " \r\n", verify.Malformed, "too few")
	r.add("text/length", "nine digits", "110000571", verify.Malformed, "too few")
	r.add("text/length", "the shortest text: one byte, which is no code", "1100005718", verify.Malformed, "")
	r.add("text/length", "cut off", good[:len(good)-1], verify.Malformed, "check digits")
	r.add("text/length", "701 bytes", textOf("11"+strings.Repeat("0", 41*41+10)), verify.Malformed, "at most 700")
	r.add("text/length", "longer than any code", textOf("11"+strings.Repeat("0", 42*41+3)), verify.Malformed, "at most")
	for v := 0; v <= 9; v++ {
		if v != 1 {
			r.add("text/version", fmt.Sprintf("version %d", v), textOf(fmt.Sprint(v)+head[1:]), verify.Malformed, "version")
		}
	}
	for _, k := range []int{0, 5, 6, 7, 8, 9} {
		r.add("text/kind", fmt.Sprintf("kind %d", k), textOf("1"+fmt.Sprint(k)+head[2:]), verify.Malformed, "kind")
	}
	for i := range 5 {
		at := len(head) + i
		digit := '0' + (good[at]-'0'+1)%10
		r.add("text/check", fmt.Sprintf("check digit %d is one more", i+1), good[:at]+string(rune(digit))+good[at+1:], verify.Malformed, "check digits")
	}
	r.add("text/check", "a digit of the bytes is another", good[:30]+string('0'+(good[30]-'0'+5)%10)+good[31:], verify.Malformed, "check digits")
	r.add("text/check", "two digits have changed places", swapped(good), verify.Malformed, "check digits")
	r.add("text/check", "a digit stands twice", good[:30]+good[29:], verify.Malformed, "check digits")
	exists := map[int]int{3: 1, 5: 2, 8: 3, 10: 4, 13: 5, 15: 6, 17: 7, 20: 8, 22: 9, 25: 10, 27: 11, 29: 12, 32: 13, 34: 14, 37: 15, 39: 16, 41: 17}
	for n := 1; n <= 41; n++ {
		full := head[:2+41]
		k, ok := exists[n]
		if !ok {
			r.add("text/group", fmt.Sprintf("a last group of %d digits", n), textOf(full+strings.Repeat("0", n)), verify.Malformed, "does not exist")
			continue
		}
		over := new(big.Int).Lsh(big.NewInt(1), uint(8*k))
		r.add("text/overflow", fmt.Sprintf("a group of %d bytes holds 2^%d", k, 8*k), textOf(full+fmt.Sprintf("%0*s", n, over)), verify.Malformed, "does not fit")
	}
	r.add("text/overflow", "a first group of nines", textOf("11"+strings.Repeat("9", 41)+head[2+41:]), verify.Malformed, "does not fit")
}

// swapped exchanges the first two neighbours that differ.
func swapped(digits string) string {
	b := []byte(digits)
	for i := 20; i+1 < len(b); i++ {
		if b[i] != b[i+1] {
			b[i], b[i+1] = b[i+1], b[i]
			break
		}
	}
	return string(b)
}

// coseRows are about the bytes: COSE_Sign1 in one form.
func coseRows(r *rows) {
	_, b, err := qr.Decode(r.licence(nil))
	if err != nil {
		r.tb.Fatal(err)
	}
	kid := r.domain.issuer.Public().KID()
	protected := append([]byte{0x51, 0xa2, 0x01, 0x3a, 0, 1, 0, 0, 0x04, 0x48}, kid[:]...)
	rest := b[1+len(protected)+1:] // payload and signature
	payload, signature := rest[:len(rest)-66], rest[len(rest)-66:]
	join := func(parts ...any) []byte {
		var out []byte
		for _, p := range parts {
			switch p := p.(type) {
			case []byte:
				out = append(out, p...)
			case string:
				out = append(out, unhex(r.tb, p)...)
			}
		}
		return out
	}
	r.add("cose", "the form", r.digits(1, join("84", protected, "a0", payload, signature)), verify.Valid, "")
	longer := join("84", protected, "a0", "5900", payload[1:], signature)
	for _, row := range []struct {
		rule, name string
		b          []byte
	}{
		{"cose", "one byte", []byte{0}},
		{"cose", "an empty map", []byte{0xa0}},
		{"cose", "tagged 18", join("d2", b)},
		{"cose", "tagged 61, a CWT", join("d83d", b)},
		{"cose", "three items", join("83", protected, "a0", payload)},
		{"cose", "five items", join("85", protected, "a0", payload, signature, "00")},
		{"cose", "an array of indefinite length", join("9f", protected, "a0", payload, signature, "ff")},
		{"cose", "an array with a longer length", join("9804", protected, "a0", payload, signature)},
		{"cose", "a byte more", join(b, "00")},
		{"cose", "a byte less", b[:len(b)-1]},
		{"cose", "twice", join(b, b)},
		{"cose/protected", "empty", join("84", "40", "a0", payload, signature)},
		{"cose/protected", "a map, not a byte string", join("84", protected[1:], "a0", payload, signature)},
		{"cose/protected", "kid before algorithm", join("84", "51a20448", kid[:], "013a00010000", "a0", payload, signature)},
		{"cose/protected", "a kid of seven bytes", join("84", "50a2013a000100000447", kid[:7], "a0", payload, signature)},
		{"cose/protected", "a kid of nine bytes", join("84", "52a2013a000100000449", kid[:], "00", "a0", payload, signature)},
		{"cose/protected", "kid as text", join("84", "51a2013a0001000004683030303030303030", "a0", payload, signature)},
		{"cose/protected", "no kid", join("84", "47a1013a00010000", "a0", payload, signature)},
		{"cose/protected", "a third header", join("84", "53a3013a000100000448", kid[:], "0500", "a0", payload, signature)},
		{"cose/protected", "a longer length", join("84", "5811", protected[1:], "a0", payload, signature)},
		{"cose/algorithm", "ES256", join("84", "4da201260448", kid[:], "a0", payload, signature)},
		{"cose/algorithm", "EdDSA", join("84", "4da201270448", kid[:], "a0", payload, signature)},
		{"cose/algorithm", "-65536", join("84", "4fa20139ffff0448", kid[:], "a0", payload, signature)},
		{"cose/algorithm", "-65538", join("84", "51a2013a000100010448", kid[:], "a0", payload, signature)},
		{"cose/algorithm", "+65537", join("84", "51a2011a000100010448", kid[:], "a0", payload, signature)},
		{"cose/algorithm", "-65537 in nine bytes", join("84", "55a2013b00000000000100000448", kid[:], "a0", payload, signature)},
		{"cose/algorithm", "none", join("84", "4ba10448", kid[:], "a0", payload, signature)},
		{"cose/unprotected", "a header", join("84", protected, "a10500", payload, signature)},
		{"cose/unprotected", "kid again", join("84", protected, "a10448", kid[:], payload, signature)},
		{"cose/unprotected", "of indefinite length", join("84", protected, "bfff", payload, signature)},
		{"cose/unprotected", "null", join("84", protected, "f6", payload, signature)},
		{"cose/payload", "null, a detached payload", join("84", protected, "a0", "f6", signature)},
		{"cose/payload", "text", join("84", protected, "a0", "6170", signature)},
		{"cose/payload", "a map, not a byte string", join("84", protected, "a0", payload[2:], signature)},
		{"cose/payload", "a longer length", longer},
		{"cose/payload", "chunks", join("84", protected, "a0", "5f", payload, "ff", signature)},
		{"cose/payload", "beyond the end", join("84", protected, "a0", "5affffffff", payload[2:], signature)},
		{"cose/payload", "an eight-byte length", join("84", protected, "a0", "5b00000000000000", payload[1:], signature)},
		{"cose/signature", "63 bytes", join("84", protected, "a0", payload, "583f", signature[2:65])},
		{"cose/signature", "65 bytes", join("84", protected, "a0", payload, "5841", signature[2:], "00")},
		{"cose/signature", "empty", join("84", protected, "a0", payload, "40")},
		{"cose/signature", "text", join("84", protected, "a0", payload, "7840", signature[2:])},
		{"cose/signature", "in DER", join("84", protected, "a0", payload, "5846", "3044", "0220", signature[2:34], "0220", signature[34:])},
		{"cose/signature", "a longer length", join("84", protected, "a0", payload, "590040", signature[2:])},
	} {
		r.add(row.rule, row.name, r.digits(1, row.b), verify.Malformed, "malformed")
	}
}
