// Package cloudsign is signing in the cloud with a key in two halves (package
// pki/cosign): one with the person's device, one with the service.
//
// The service's side of a signing run is [Service.Answer]. It counts the try on the
// disk before it answers, because the device's half is masked by a PIN that only an
// answer can test; after [MaxTries] tries without a finished signature the enrolment
// is locked. [Service.Finish] verifies the finished signature, records the act and
// sets the count back.
//
// The message that is signed is computed by each side for itself from the document
// before it: the device's commitment names its digest, and the service refuses
// another. Ceremonies with consent, several documents, and pages for them are not in
// this version.
package cloudsign

import (
	"context"
	"errors"
	"fmt"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/cosign"
)

// MaxTries is how many signing runs an enrolment may begin without finishing one.
const MaxTries = 5

// Errors that callers decide on.
var (
	// ErrNotFound: there is no such enrolment.
	ErrNotFound = errors.New("no such enrolment")
	// ErrLocked: too many signing runs were not finished.
	ErrLocked = errors.New("the key is locked after too many tries with a wrong PIN")
	// ErrRefused: the finished signature does not verify.
	ErrRefused = errors.New("the finished signature does not verify")
)

// Enrolment is a person's key as the service knows it.
type Enrolment struct {
	ID    string   // the random subject serial in the certificate
	Name  string   // the person's name
	Chain [][]byte // DER: the person's certificate, then its authority's
	Tries int      // signing runs begun since the last one that was finished
}

// Ledger keeps enrolments and counts tries. A call has returned when it is on the
// disk.
type Ledger interface {
	// Enrol stores a new enrolment with its entry in the audit log.
	Enrol(ctx context.Context, e Enrolment, entry audit.Record) error
	// Enrolment returns one, or [ErrNotFound].
	Enrolment(ctx context.Context, id string) (Enrolment, error)
	// CountTry adds one to the tries with its entry in the audit log, or returns
	// [ErrLocked] if they have reached limit.
	CountTry(ctx context.Context, id string, limit int, entry audit.Record) error
	// Settle sets the tries back and records a finished signature.
	Settle(ctx context.Context, id string, entry audit.Record) error
}

// Halves gives access to the service's halves by enrolment.
type Halves interface {
	Half(id string) (*cosign.Service, error)
}

// Service is the service's side of signing runs.
type Service struct {
	ledger Ledger
	halves Halves
}

// New returns the service's side over a ledger and the halves.
func New(ledger Ledger, halves Halves) *Service { return &Service{ledger, halves} }

// Request is one signing run: what is signed, under a name of its own.
type Request struct {
	ID        string // binds the device's proof to this run
	Enrolment string
	Message   []byte // what SM2 signs, as the service computed it
}

// Answer counts and records the try and gives the service's part.
func (s *Service) Answer(ctx context.Context, r Request, c cosign.Commitment, entry audit.Record) (cosign.Answer, error) {
	half, err := s.halves.Half(r.Enrolment)
	if err != nil {
		return cosign.Answer{}, fmt.Errorf("signing run %s: %w", r.ID, err)
	}
	if err := s.ledger.CountTry(ctx, r.Enrolment, MaxTries, entry); err != nil {
		return cosign.Answer{}, fmt.Errorf("signing run %s: %w", r.ID, err)
	}
	answer, err := half.Answer([]byte(r.ID), r.Message, c)
	if err != nil {
		return cosign.Answer{}, fmt.Errorf("signing run %s: %w", r.ID, err)
	}
	return answer, nil
}

// Finish verifies the finished signature over the service's own message and
// records it.
func (s *Service) Finish(ctx context.Context, r Request, sig pki.Signature, entry audit.Record) error {
	half, err := s.halves.Half(r.Enrolment)
	if err != nil {
		return fmt.Errorf("signing run %s: %w", r.ID, err)
	}
	if !half.Public().Verify(r.Message, sig) {
		return fmt.Errorf("signing run %s: %w", r.ID, ErrRefused)
	}
	if err := s.ledger.Settle(ctx, r.Enrolment, entry); err != nil {
		return fmt.Errorf("signing run %s: %w", r.ID, err)
	}
	return nil
}
