package seal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/path"
)

// Errors of verification.
var (
	// ErrNotListed: the seal does not list the signer's certificate.
	ErrNotListed = errors.New("the seal does not list the signer's certificate")
	// ErrChanged: the document has another digest.
	ErrChanged = errors.New("the document was changed after it was sealed")
	// ErrSealDates: the time of signing is outside the seal's validity.
	ErrSealDates = errors.New("the time of signing is outside the seal's validity")
)

// Trust says whose seals count.
type Trust struct {
	Path   *path.Verifier // the authority for seals
	Makers []pki.Point    // the keys that may make seals
}

// ErrMaker says that a seal was signed by a key that may not make seals.
var ErrMaker = errors.New("not a seal maker of the trust list")

// Check is the result of one step of verification.
type Check struct {
	Name string // signature, certificate list, seal, certificate, document, time
	Err  error  // nil: passed
	// Path is the path of the certificate that the step judged; nil: it judged none.
	Path *path.Result
}

// Verify runs every step for a document with the given SM3 digest, whatever the
// earlier ones say, and returns them in the standard's order. All have passed
// when no Err is set.
func (s *Signature) Verify(ctx context.Context, document [sm3.Size]byte, trust Trust, second pki.SecondOpinion) []Check {
	maker, makerErr := s.Seal.verify(ctx, s.Stamp.Time, trust, second)
	signer := checkSigner(ctx, s.Signer, s.Stamp.Time, trust)
	return []Check{
		{Name: "signature", Err: pki.Judge(s.Signer.Key, s.toSign, s.signature, second).Err(ErrForged)},
		{Name: "certificate list", Err: s.checkListed()},
		{Name: "seal", Err: makerErr, Path: maker},
		{Name: "certificate", Err: signer.Err(), Path: signer},
		{Name: "document", Err: s.checkDocument(document)},
		{Name: "time", Err: s.checkTime()},
	}
}

func (s *Signature) checkListed() error {
	if !s.Seal.lists(s.Signer.DER) {
		return ErrNotListed
	}
	return nil
}

func (s *Signature) checkDocument(document [sm3.Size]byte) error {
	if s.Stamp.Document != document {
		return ErrChanged
	}
	return nil
}

func (s *Signature) checkTime() error {
	if s.Stamp.Time.Before(s.Seal.ValidFrom) || s.Stamp.Time.After(s.Seal.ValidUntil) {
		return ErrSealDates
	}
	return nil
}

// Verify checks the seal itself: the maker's signature, that the maker may make
// seals, and the maker's certificate as of the given time.
func (s *Seal) Verify(ctx context.Context, at time.Time, trust Trust, second pki.SecondOpinion) error {
	_, err := s.verify(ctx, at, trust, second)
	return err
}

// verify returns the path of the maker's certificate as well, if it came to that.
func (s *Seal) verify(ctx context.Context, at time.Time, trust Trust, second pki.SecondOpinion) (*path.Result, error) {
	if err := pki.Judge(s.Maker.Key, s.info, s.signature, second).Err(ErrForged); err != nil {
		return nil, fmt.Errorf("seal %s: %w", s.ID, err)
	}
	if !slices.Contains(trust.Makers, s.Maker.Key.Point()) {
		return nil, fmt.Errorf("maker of seal %s: %w", s.ID, ErrMaker)
	}
	found := checkSigner(ctx, s.Maker, at, trust)
	if err := found.Err(); err != nil {
		return found, fmt.Errorf("maker of seal %s: %w", s.ID, err)
	}
	return found, nil
}

// checkSigner judges a certificate as of the time that the signer claims.
func checkSigner(ctx context.Context, c *cert.Certificate, at time.Time, trust Trust) *path.Result {
	return trust.Path.Verify(ctx, path.Request{Certificate: c, Purpose: path.PurposeSeal, When: path.Claimed(at)})
}
