package cert

import (
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/pki/oid"
)

// DistributionPoint says where a CRL stands (RFC 5280, 4.2.1.13).
type DistributionPoint struct {
	Names   []GeneralName // of one place; URIs of our own authorities, often directory names of others
	Partial bool          // the CRL there speaks of some reasons only, or is another issuer's
}

// CRLDistributionPoints returns the places of the CRL that this certificate would
// stand in. Unlike [Certificate.CRLPoints] it has names that are not URIs as well;
// it returns none if one of the points cannot be read.
func (c *Certificate) CRLDistributionPoints() []DistributionPoint {
	value, _, found := c.Extension(oid.CRLPoints)
	if !found {
		return nil
	}
	points, ok := ReadDistributionPoints(value)
	if !ok {
		return nil
	}
	return points
}

// ReadDistributionPoints reads the value of cRLDistributionPoints or freshestCRL.
// A point that is named relative to its issuer is refused.
func ReadDistributionPoints(value cryptobyte.String) ([]DistributionPoint, bool) {
	var list cryptobyte.String
	var points []DistributionPoint
	if !value.ReadASN1(&list, cbasn1.SEQUENCE) || !value.Empty() || list.Empty() {
		return nil, false
	}
	for !list.Empty() {
		var point, reasons, issuer cryptobyte.String
		var some, other bool
		var p DistributionPoint
		if !list.ReadASN1(&point, cbasn1.SEQUENCE) {
			return nil, false
		}
		if point.PeekASN1Tag(context(0)) {
			names, ok := ReadDistributionPointName(&point)
			if !ok {
				return nil, false
			}
			p.Names = names
		}
		if !point.ReadOptionalASN1(&reasons, &some, cbasn1.Tag(1).ContextSpecific()) ||
			!point.ReadOptionalASN1(&issuer, &other, context(2)) || !point.Empty() {
			return nil, false
		}
		p.Partial = some || other
		points = append(points, p)
	}
	return points, true
}

// ReadDistributionPointName reads a DistributionPointName under its tag 0, which
// must be a full name.
func ReadDistributionPointName(s *cryptobyte.String) ([]GeneralName, bool) {
	var name, full cryptobyte.String
	var names []GeneralName
	if !s.ReadASN1(&name, context(0)) || !name.ReadASN1(&full, context(0)) || !name.Empty() || full.Empty() {
		return nil, false
	}
	for !full.Empty() {
		var one cryptobyte.String
		var tag cbasn1.Tag
		if !full.ReadAnyASN1Element(&one, &tag) {
			return nil, false
		}
		names = append(names, GeneralName(one))
	}
	return names, true
}
