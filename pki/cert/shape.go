package cert

import (
	"bytes"
	"errors"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// checkShape reads the frame of a certificate, which the library's parser takes
// loosely: three elements and nothing behind them, one signature algorithm inside
// and outside, a signature of whole octets, dates in one form, and a signed part that
// ends with its extensions. What is outside the signed part could otherwise be changed by
// anybody, and one certificate would have many digests.
func checkShape(der []byte) error {
	input := cryptobyte.String(der)
	var outer, tbs, algorithm, inner cryptobyte.String
	var signature []byte
	if !input.ReadASN1(&outer, cbasn1.SEQUENCE) || !input.Empty() {
		return errors.New("not one SEQUENCE")
	}
	if !outer.ReadASN1(&tbs, cbasn1.SEQUENCE) || !outer.ReadASN1Element(&algorithm, cbasn1.SEQUENCE) ||
		!outer.ReadASN1BitStringAsBytes(&signature) || !outer.Empty() {
		return errors.New("not a signed part, an algorithm and a signature of whole octets")
	}
	if !tbs.SkipOptionalASN1(context(0)) || !tbs.SkipASN1(cbasn1.INTEGER) || !tbs.ReadASN1Element(&inner, cbasn1.SEQUENCE) {
		return errors.New("the signed part does not begin with version, serial number and algorithm")
	}
	if !bytes.Equal(inner, algorithm) {
		return errors.New("the signature algorithm inside is not the one outside")
	}
	var issuer, validity, subject, key cryptobyte.String
	for _, part := range []*cryptobyte.String{&issuer, &validity, &subject, &key} {
		if !tbs.ReadASN1(part, cbasn1.SEQUENCE) {
			return errors.New("the signed part lacks a name, its dates or its key")
		}
	}
	for range 2 { // notBefore, notAfter
		if !skipDate(&validity) {
			return errors.New("a date is not in whole seconds of UTC")
		}
	}
	if !validity.Empty() {
		return errors.New("more than two dates")
	}
	var frame, list cryptobyte.String
	var present bool
	if !tbs.SkipOptionalASN1(cbasn1.Tag(1).ContextSpecific()) || !tbs.SkipOptionalASN1(cbasn1.Tag(2).ContextSpecific()) ||
		!tbs.ReadOptionalASN1(&frame, &present, context(3)) || !tbs.Empty() {
		return errors.New("something stands behind the signed part")
	}
	if present && (!frame.ReadASN1(&list, cbasn1.SEQUENCE) || !frame.Empty() || list.Empty()) {
		return errors.New("extensions are not a list of at least one")
	}
	return nil
}

// skipDate accepts a time with seconds and Z. Unlike in what we write, GeneralizedTime
// may be before 2050.
func skipDate(s *cryptobyte.String) bool {
	var ok bool
	if s.PeekASN1Tag(cbasn1.GeneralizedTime) {
		_, ok = ReadGeneralizedTime(s)
	} else {
		_, ok = ReadTime(s)
	}
	return ok
}
