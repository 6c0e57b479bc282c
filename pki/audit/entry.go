package audit

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/detcbor"
)

// Act names what was done.
type Act string

// The acts of this version.
const (
	ActStoreCreate      Act = "store.create"
	ActCertificateIssue Act = "certificate.issue"
	ActAuthorityAdd     Act = "authority.add"
	ActLicenceIssue     Act = "licence.issue"
	ActLicenceLook      Act = "licence.look"
	ActLicenceCode      Act = "licence.code"
	ActLicenceSuspend   Act = "licence.suspend"
	ActLicenceResume    Act = "licence.resume"
	ActLicenceRevoke    Act = "licence.revoke"
	ActSealMake         Act = "seal.make"
	ActSealApprove      Act = "seal.approve"
	ActSealUse          Act = "seal.use"
	ActCloudSign        Act = "cloud.sign"
	ActCloudTry         Act = "cloud.try"
	ActCloudEnrol       Act = "cloud.enrol"
	ActTrustPublish     Act = "trust.publish"
	ActDetailsErase     Act = "audit.erase"
	ActDisagree         Act = "signature.disagree"
	ActTimeStamp        Act = "time.stamp"
)

// Limits of an entry in bytes.
const (
	MaxActorSize   = 256
	MaxActSize     = 64
	MaxSubjectSize = 512
	MaxEntrySize   = 1024     // the leaf
	MaxDetailsSize = 64 << 10 // what an entry commits to
	commitmentSize = sm3.Size // HMAC-SM3
	blindingSize   = 16       // random bytes in the place of a commitment
	KeySize        = 32       // the key of a commitment
)

// Entry is one leaf of the log. Nothing in it is personal.
type Entry struct {
	_          struct{} `cbor:",toarray"`
	Time       int64    // UTC seconds
	Actor      string   // who: an officer's or a program's name
	Act        Act
	Subject    string // what: a licence identifier, a serial, a seal code
	Digest     []byte // SM3 of the object as signed or sealed; empty if there is none
	Commitment []byte // HMAC-SM3(key, details); without details 16 random bytes, or none
}

// At returns the time of the entry.
func (e Entry) At() time.Time { return time.Unix(e.Time, 0).UTC() }

// Commits reports whether the entry commits to details.
func (e Entry) Commits() bool { return len(e.Commitment) == commitmentSize }

// ErrEntry says that bytes are not an entry in its one form.
var ErrEntry = errors.New("not an entry of the audit log")

func (e Entry) check() error {
	switch {
	case e.Time < 0:
		return fmt.Errorf("its time is before 1970: %w", ErrEntry)
	case e.Actor == "" || len(e.Actor) > MaxActorSize:
		return fmt.Errorf("its actor has %d bytes, want 1 to %d: %w", len(e.Actor), MaxActorSize, ErrEntry)
	case e.Act == "" || len(e.Act) > MaxActSize:
		return fmt.Errorf("its act has %d bytes, want 1 to %d: %w", len(e.Act), MaxActSize, ErrEntry)
	case len(e.Subject) > MaxSubjectSize:
		return fmt.Errorf("its subject has %d bytes, want at most %d: %w", len(e.Subject), MaxSubjectSize, ErrEntry)
	case !utf8.ValidString(e.Actor) || !utf8.ValidString(string(e.Act)) || !utf8.ValidString(e.Subject):
		return fmt.Errorf("it is not UTF-8: %w", ErrEntry)
	case len(e.Digest) != 0 && len(e.Digest) != sm3.Size:
		return fmt.Errorf("its digest has %d bytes, want 0 or %d: %w", len(e.Digest), sm3.Size, ErrEntry)
	}
	switch len(e.Commitment) {
	case 0, blindingSize, commitmentSize:
		return nil
	default:
		return fmt.Errorf("its commitment has %d bytes: %w", len(e.Commitment), ErrEntry)
	}
}

// UsesSeal reports that the entry is the use of a seal on a document, whose digest it has.
func (e Entry) UsesSeal() bool { return e.Act == ActSealUse && len(e.Digest) == sm3.Size }

// ParseEntry decodes a leaf. The error wraps [ErrEntry].
func ParseEntry(leaf []byte) (Entry, error) {
	var e Entry
	if len(leaf) > MaxEntrySize {
		return e, fmt.Errorf("%d bytes, at most %d are read: %w", len(leaf), MaxEntrySize, ErrEntry)
	}
	if err := detcbor.Unmarshal(leaf, &e); err != nil {
		return Entry{}, fmt.Errorf("%w: %w", ErrEntry, err)
	}
	if err := e.check(); err != nil {
		return Entry{}, err
	}
	return e, nil
}

// Record is an entry as it is stored: the leaf's bytes, and beside them the
// erasable key and text of its commitment.
type Record struct {
	Leaf    []byte
	Key     []byte // [KeySize] bytes, or empty: no details, or erased
	Details []byte // what the commitment is over; may be personal
	// ErasedBy is the index of the entry by which the law's erasure of key and
	// details was recorded; 0: they were not erased.
	ErasedBy uint64
	// Destroyed: the storage cannot read key and details any more, because the key under
	// which it keeps them was destroyed by an erasure of which this log does not know. It is
	// of an earlier moment.
	Destroyed bool
}

// NewRecord encodes an entry. Details are committed to under a fresh random key and
// kept beside the leaf. An entry without details gets random bytes in the place of
// the commitment: hashes of entries are public, and without them whoever knows a
// licence could find out by trial who looked at it and when.
func NewRecord(e Entry, details []byte) (Record, error) {
	var r Record
	if len(details) > MaxDetailsSize {
		return r, fmt.Errorf("the details of an audit entry have %d bytes, at most %d are kept", len(details), MaxDetailsSize)
	}
	size := blindingSize
	if len(details) > 0 {
		size = KeySize
	}
	random := make([]byte, size)
	if _, err := rand.Read(random); err != nil {
		return r, fmt.Errorf("drawing the key of an audit entry: %w", err)
	}
	e.Commitment = random
	if len(details) > 0 {
		r.Key, r.Details = random, details
		e.Commitment = commit(r.Key, details)
	}
	if err := e.check(); err != nil {
		return Record{}, fmt.Errorf("making an audit entry: %w", err)
	}
	r.Leaf = e.encode()
	return r, nil
}

// encode writes what [ParseEntry] reads, and compares with what the library would have
// written.
func (e Entry) encode() []byte {
	const around = 6*3 + 9 // the heads of the items, and the time
	b := make([]byte, 0, around+len(e.Actor)+len(e.Act)+len(e.Subject)+len(e.Digest)+len(e.Commitment))
	b = detcbor.AppendInt(detcbor.AppendArray(b, 6), e.Time)
	b = detcbor.AppendText(b, e.Actor)
	b = detcbor.AppendText(b, e.Act)
	b = detcbor.AppendText(b, e.Subject)
	b = detcbor.AppendBytes(b, e.Digest)
	return detcbor.AppendBytes(b, e.Commitment)
}

func commit(key, details []byte) []byte {
	mac := hmac.New(sm3.New, key)
	mac.Write(details)
	return mac.Sum(nil)
}

// Errors of what lies beside an entry.
var (
	// ErrDetails: the text beside an entry is not what the entry commits to.
	ErrDetails = bilingual.New("条目旁的内容与日志所记的摘要不符", "the details beside the entry are not what it commits to")
	// ErrNoDetails: the entry commits to details that are not there, and nothing
	// says that they were erased.
	ErrNoDetails = errors.New("the details that the entry commits to are missing and were not erased")
	// ErrErased: the details were erased before.
	ErrErased = bilingual.New("该内容已删除", "the details were erased")
)

// Entry decodes the leaf and checks what lies beside it against the commitment.
// That an erasure is itself in the log is for [Verify] to find out.
func (r Record) Entry() (Entry, error) {
	e, err := ParseEntry(r.Leaf)
	if err != nil {
		return e, err
	}
	switch {
	case r.ErasedBy > 0 && (len(r.Key) > 0 || !e.Commits()):
		return Entry{}, fmt.Errorf("said to be erased by entry %d: %w", r.ErasedBy, ErrDetails)
	case len(r.Key) > 0 && !opens(e, r.Key, r.Details), len(r.Key) == 0 && len(r.Details) > 0:
		return Entry{}, ErrDetails
	case len(r.Key) == 0 && e.Commits() && r.ErasedBy == 0 && !r.Destroyed:
		return Entry{}, ErrNoDetails
	}
	return e, nil
}

// opens reports whether key and details are what an entry commits to.
func opens(e Entry, key, details []byte) bool {
	return len(key) == KeySize && len(details) > 0 && e.Commits() && subtle.ConstantTimeCompare(commit(key, details), e.Commitment) == 1
}

// NewErasure returns the entry that records the erasure of another entry's
// details. Why it was done is kept as details of its own.
func NewErasure(index uint64, at time.Time, actor, reason string) (Record, error) {
	return NewRecord(Entry{Time: at.Unix(), Actor: actor, Act: ActDetailsErase, Subject: strconv.FormatUint(index, 10)}, []byte(reason))
}

// Erases returns the index of the entry whose details this one erases.
func (e Entry) Erases() (uint64, bool) {
	if e.Act != ActDetailsErase {
		return 0, false
	}
	index, err := strconv.ParseUint(e.Subject, 10, 64)
	return index, err == nil && strconv.FormatUint(index, 10) == e.Subject
}
