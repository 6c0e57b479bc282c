package audit

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/detcbor"
)

// Act names what was done.
type Act string

// The acts of this version.
const (
	ActCertificateIssue Act = "certificate.issue"
	ActAuthorityAdd     Act = "authority.add"
	ActLicenceIssue     Act = "licence.issue"
	ActLicenceSuspend   Act = "licence.suspend"
	ActLicenceResume    Act = "licence.resume"
	ActLicenceRevoke    Act = "licence.revoke"
	ActSealMake         Act = "seal.make"
	ActSealApprove      Act = "seal.approve"
	ActSealUse          Act = "seal.use"
	ActCloudSign        Act = "cloud.sign"
	ActCloudEnrol       Act = "cloud.enrol"
	ActTrustPublish     Act = "trust.publish"
)

// Entry is one leaf of the log. Nothing in it is personal.
type Entry struct {
	_          struct{} `cbor:",toarray"`
	Time       int64    // UTC seconds
	Actor      string   // who: an officer's or a program's name
	Act        Act
	Subject    string // what: a licence identifier, a serial, a seal code
	Digest     []byte // SM3 of the object as signed or sealed; empty if there is none
	Commitment []byte // HMAC-SM3(key, details); empty if there are none
}

// At returns the time of the entry.
func (e Entry) At() time.Time { return time.Unix(e.Time, 0).UTC() }

// Record is an entry as it is stored: the leaf's bytes, and beside them the
// erasable key and text of its commitment.
type Record struct {
	Leaf    []byte
	Key     []byte // 32 bytes, or empty: no details, or erased
	Details []byte // what the commitment is over; may be personal
}

// NewRecord encodes an entry. Non-empty details are committed to under a fresh
// random key and kept beside the leaf.
func NewRecord(e Entry, details []byte) (Record, error) {
	var r Record
	if len(details) > 0 {
		r.Key = make([]byte, 32)
		if _, err := rand.Read(r.Key); err != nil {
			return Record{}, fmt.Errorf("drawing the key of an audit entry: %w", err)
		}
		r.Details = details
		e.Commitment = commit(r.Key, details)
	}
	leaf, err := detcbor.Marshal(e)
	if err != nil {
		return Record{}, fmt.Errorf("encoding an audit entry: %w", err)
	}
	r.Leaf = leaf
	return r, nil
}

func commit(key, details []byte) []byte {
	mac := hmac.New(sm3.New, key)
	mac.Write(details)
	return mac.Sum(nil)
}

// ErrDetails says that the text beside an entry is not what the entry commits
// to.
var ErrDetails = errors.New("the details beside the entry are not what it commits to")

// Entry decodes the leaf and checks the details, if they are still there,
// against the commitment.
func (r Record) Entry() (Entry, error) {
	var e Entry
	if err := detcbor.Unmarshal(r.Leaf, &e); err != nil {
		return Entry{}, fmt.Errorf("decoding an audit entry: %w", err)
	}
	erased := len(r.Key) == 0
	if erased && len(r.Details) > 0 || !erased && subtle.ConstantTimeCompare(commit(r.Key, r.Details), e.Commitment) != 1 {
		return Entry{}, ErrDetails
	}
	return e, nil
}
