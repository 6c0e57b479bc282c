package ca

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/cert"
)

// Role is what a key is for: SM3 over the profile and the subject. A key has one role
// for ever; a renewal keeps it.
type Role [sm3.Size]byte

// RoleOf returns the role of a profile's key for a subject.
func RoleOf(profile ProfileName, subject []byte) Role {
	return sm3.Sum(append([]byte(string(profile)+"\x00"), subject...))
}

// Intent is a certificate that is about to be signed.
type Intent struct {
	Issuer   pki.Point // the key that will sign
	Serial   cert.Serial
	Point    pki.Point // the subject's key
	Role     Role
	Profile  ProfileName
	Shard    Shard
	Entry    cert.StatusEntry // zero: none
	NotAfter time.Time        // UTC, whole seconds
	At       time.Time        // when it was intended, UTC, whole seconds; a ledger keeps it while it is unfinished
	// Renews is the certificate of the same key that this one follows; the zero serial
	// for a key's first.
	Renews cert.Serial
	TBS    []byte
}

// Issued is a certificate that was signed, with its entry for the audit log.
type Issued struct {
	Issuer pki.Point
	Serial cert.Serial
	DER    []byte
	Entry  audit.Record
}

// StatusLists allots places in the status lists that terminals keep.
type StatusLists interface {
	// ReserveEntry draws a place that nobody else is given until [StatusLists.ReleaseEntry]
	// gives it back. One that an intent was stored with is taken for ever.
	ReserveEntry(ctx context.Context) (cert.StatusEntry, error)
	// ReleaseEntry gives back a place that no intent was stored with.
	ReleaseEntry(e cert.StatusEntry)
}

// Ledger keeps what the authorities do. A call has returned without an error when it
// is on the disk. A call that returns an error may have been carried out all the same.
type Ledger interface {
	// IntendCertificate stores what is about to be signed, and that its place in a status
	// list is taken. From then on a change of the certificate's status sets the bits there
	// in the same transaction. It refuses with [ErrEntryTaken] a place that was taken, and
	// with [ErrKeyInUse] a key that
	//   - has another role, or
	//   - is intended for another certificate right now, or
	//   - has a certificate, unless that is the newest of this key and the one that
	//     the intent renews.
	IntendCertificate(ctx context.Context, i Intent) error
	// RecordCertificate stores certificates that were intended, all or none, in one
	// transaction with their entries in the audit log.
	RecordCertificate(ctx context.Context, issued ...Issued) error
	// AbandonCertificate marks an intent that will not be recorded. The certificate
	// may exist: its serial number can be revoked for ever. The key may have another
	// certificate in the same role. [ErrNoCertificate] if nothing was intended, and
	// [ErrState] if the intent was recorded or abandoned before.
	AbandonCertificate(ctx context.Context, issuer pki.Point, serial cert.Serial, entry audit.Record) error
	// Unfinished returns the intents that were neither recorded nor abandoned.
	Unfinished(ctx context.Context) ([]Intent, error)
}

// Errors that callers decide on.
var (
	// ErrKeyInUse: one key has one role, and one certificate at a time but for
	// renewals.
	ErrKeyInUse = bilingual.New("该密钥已有证书", "the key already has a certificate")
	// ErrEntryTaken: another process has taken the intent's place in the status list since
	// it was reserved. Nothing is stored, and the next one that is reserved is free.
	ErrEntryTaken = errors.New("the place in the status list was given out before")
	// ErrSpent: a draft was issued before.
	ErrSpent = bilingual.New("该证书已签发过", "the draft was issued before")
	// ErrNoCertificate: the authority never intended a certificate with this serial
	// number.
	ErrNoCertificate = bilingual.New("没有该证书", "no such certificate")
	// ErrWeakKey: anybody can find the private half of a key.
	ErrWeakKey = bilingual.New("该密钥的私钥已为人所知，不能使用", "the key's private half is known to everybody")
	// ErrPersonalNumber: a citizen's number would stand in a certificate.
	ErrPersonalNumber = bilingual.New("证书中不得出现公民身份号码", "a citizen number never stands in a certificate")
	// ErrRequest: a request does not fit its profile.
	ErrRequest = bilingual.New("证书请求不符合该证书模板", "the request does not fit the profile")
)

// Recover finishes what a crash has left: an intent without its certificate is
// abandoned. It is not signed again: SM2 signatures are random, so there would be two
// certificates of one serial number if the first had got out. Nobody else may be
// issuing from the ledger. It returns the serial numbers, each of which may exist and
// can be revoked.
func Recover(ctx context.Context, l Ledger, actor string, now time.Time) ([]cert.Serial, error) {
	return recoverIf(ctx, l, actor, now, func(Intent) bool { return true })
}

// RecoverOlder is [Recover] for a ledger from which others issue at the same time: what
// was intended less than an age ago may be somebody's work, and is left.
func RecoverOlder(ctx context.Context, l Ledger, actor string, now time.Time, age time.Duration) ([]cert.Serial, error) {
	return recoverIf(ctx, l, actor, now, func(i Intent) bool { return now.Sub(i.At) >= age })
}

func recoverIf(ctx context.Context, l Ledger, actor string, now time.Time, cutOff func(Intent) bool) ([]cert.Serial, error) {
	unfinished, err := l.Unfinished(ctx)
	if err != nil {
		return nil, fmt.Errorf("looking for unfinished certificates: %w", err)
	}
	var serials []cert.Serial
	for _, i := range unfinished {
		if !cutOff(i) {
			continue
		}
		if err := abandon(ctx, l, i.Issuer, i.Serial, actor, now); err != nil && !errors.Is(err, ErrState) {
			return serials, err
		}
		serials = append(serials, i.Serial)
	}
	return serials, nil
}

func abandon(ctx context.Context, l Ledger, issuer pki.Point, serial cert.Serial, actor string, now time.Time) error {
	entry, err := audit.NewRecord(audit.Entry{Time: now.Unix(), Actor: actor, Act: audit.ActCertificateAbandon, Subject: serial.String()}, nil)
	if err != nil {
		return err
	}
	if err := l.AbandonCertificate(ctx, issuer, serial, entry); err != nil {
		return fmt.Errorf("abandoning certificate %s: %w", serial, err)
	}
	return nil
}
