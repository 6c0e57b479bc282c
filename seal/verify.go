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
	Stamps *path.Verifier // authorities for time stamps; nil: none proves a time
	// Now is the verifier's clock: whether a certificate has expired since it signed. Nil:
	// nobody asks.
	Now func() time.Time
	// Judge decides on signatures made with seals; nil: [pki.Judge], which always decides on
	// the makers'.
	Judge func(key *pki.PublicKey, msg []byte, sig pki.Signature, second pki.SecondOpinion) pki.Outcome
	// Uses of seals that an audit log of the trusted domain proves.
	Uses []Use
	// Known are the seals that were in order before; nil: every one is verified anew.
	Known *Memory
	// Imported are others whose seals and signatures count too; nil: nobody's.
	Imported *Imported
}

func (t Trust) judge(key *pki.PublicKey, msg []byte, sig pki.Signature, second pki.SecondOpinion) pki.Outcome {
	if t.Judge == nil {
		return pki.Judge(key, msg, sig, second)
	}
	return t.Judge(key, msg, sig, second)
}

// ErrMaker says that a seal was signed by a key that may not make seals.
var ErrMaker = errors.New("not a seal maker of the trust list")

// Check is the result of one step of verification.
type Check struct {
	Name string // signature, certificate list, seal, certificate, document, time, time stamp
	Err  error  // nil: passed
	Note string // what is to be said although it passed
	// Path is the path of the certificate that the step judged; nil: it judged none.
	Path *path.Result
	// Imported is the root at the end of the path where it is not the domain's own but was
	// imported; nil: it was not.
	Imported *cert.Certificate
}

// Verify runs every step for a document with the given SM3 digest, whatever the
// earlier ones say, and returns them in the standard's order, and what the time stamp
// proves. All have passed when no Err is set.
func (s *Signature) Verify(ctx context.Context, document [sm3.Size]byte, trust Trust, second pki.SecondOpinion) []Check {
	checks, _ := s.Judge(ctx, document, trust, Stamped{}, second)
	return checks
}

// Judge is [Signature.Verify] where something else, such as a time stamp over the whole
// document, may prove that the signature existed at a time. It also returns what proves
// the signature's time in the end.
func (s *Signature) Judge(ctx context.Context, document [sm3.Size]byte, trust Trust, proof Stamped, second pki.SecondOpinion) ([]Check, Stamped) {
	var own Stamped
	if s.TimeStamp != nil {
		own = trust.Prove(ctx, s.TimeStamp, s.value, proof, second)
	}
	if own.Proven() && (!proof.Proven() || own.At.Before(proof.At)) {
		proof = own
	}
	if s.Signer != nil && proof.At.After(s.Signer.NotAfter()) {
		proof = Stamped{} // that it existed when the certificate had ended says nothing of before
	}
	logged := s.logged(ctx, trust)
	if logged.Proven() && (!proof.Proven() || logged.At.Before(proof.At)) {
		proof = logged
	}
	moment := proof.Moment(s.Stamp.Time)
	maker := s.Seal.verify(ctx, moment, trust, second)
	signer := s.judgeSigner(ctx, moment, trust)
	if signer.Err == nil {
		trust.Known.keepCertificate(s.Signer)
		if s.Profile == ProfileCAdES && signer.Path != nil { // which carries the others as well
			for _, link := range signer.Path.Path {
				trust.Known.keepCertificate(link.Certificate)
			}
		}
		s.Signer.Key.ExpectBeginning(s.Seal.beginning(s.toSign))
	}
	checks := []Check{
		{Name: "signature", Err: trust.judge(s.signerKey(), s.toSign, s.signature, second).Err(ErrForged)},
		{Name: "certificate list", Err: s.checkListed()},
		maker,
		signer,
		{Name: "document", Err: s.checkDocument(document)},
		{Name: "time", Err: s.checkTime(moment.At)},
	}
	if s.TimeStamp != nil {
		checks = append(checks, Check{Name: CheckTimeStamp, Err: own.Err, Note: own.Note, Path: own.Path})
	}
	if logged.Proven() {
		checks = append(checks, Check{Name: CheckUse, Note: logged.Signer})
	}
	if !proof.Proven() {
		rests := []*path.Result{signer.Path}
		if maker.Imported != nil {
			// Nothing here proves when others made a seal either.
			rests = append(rests, maker.Path)
		}
		if err := trust.Unproven(rests...); err != nil {
			checks = append(checks, Check{Name: CheckProof, Err: err})
		}
	}
	return checks, proof
}

// Names of checks.
const (
	checkSeal        = "seal"          // the seal and its maker
	checkCertificate = "certificate"   // the signer's
	CheckTimeStamp   = "time stamp"    // the stamp over the signature
	CheckUse         = "log proof"     // that an audit log proves the use of the seal
	CheckProof       = "proof of time" // that one is needed by now
)

func (s *Signature) checkListed() error {
	if !s.Seal.lists(s.signerDER()) {
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

// checkTime wants the time that the signer claims within the seal's validity, and the
// time that is proven too.
func (s *Signature) checkTime(moment time.Time) error {
	for _, t := range []time.Time{s.Stamp.Time, moment} {
		if t.Before(s.Seal.ValidFrom) || t.After(s.Seal.ValidUntil) {
			return ErrSealDates
		}
	}
	return nil
}

// Verify checks the seal itself: the maker's signature, that the maker may make
// seals, and the maker's certificate as of the given time.
func (s *Seal) Verify(ctx context.Context, at time.Time, trust Trust, second pki.SecondOpinion) error {
	return s.verify(ctx, path.Claimed(at), trust, second).Err
}

// verify returns the path of the maker's certificate as well, if it came to that.
func (s *Seal) verify(ctx context.Context, when path.Moment, trust Trust, second pki.SecondOpinion) Check {
	check := Check{Name: checkSeal}
	if !trust.Known.made(s) {
		if err := pki.Judge(s.makerKey(), s.message(), s.signature, second).Err(ErrForged); err != nil {
			check.Err = fmt.Errorf("seal %s: %w", s.ID, err)
			return check
		}
	}
	switch {
	case s.domestic(trust):
		check.Path, check.Err = judgeCertificate(ctx, s.Maker, s.Foreign, when, trust)
		if check.Err != nil {
			check.Err = fmt.Errorf("maker of seal %s: %w", s.ID, check.Err)
		}
	case trust.Imported.makes(s.Maker):
		check = s.importedMaker(ctx, when, trust)
	default:
		check.Err = fmt.Errorf("maker of seal %s: %w", s.ID, ErrMaker)
	}
	if check.Err == nil {
		trust.Known.keepSeal(s)
	}
	return check
}

// domestic reports whether one of the domain's own makers made the seal.
func (s *Seal) domestic(trust Trust) bool {
	return slices.Contains(trust.Makers, s.makerKey().Point())
}

// judgeSigner judges the signer's certificate. With a seal of the domain's own nobody else's
// certificates sign.
func (s *Signature) judgeSigner(ctx context.Context, when path.Moment, trust Trust) Check {
	found, err := judgeCertificate(ctx, s.Signer, s.Foreign, when, trust)
	own := Check{Name: checkCertificate, Err: err, Path: found}
	if s.Signer == nil || s.Seal.domestic(trust) {
		return own
	}
	return trust.orImported(ctx, own, path.Request{Certificate: s.Signer, Purpose: path.PurposeSeal, When: when}, nil)
}

// judgeCertificate judges a certificate as of a time. One that cannot be read has no
// path.
func judgeCertificate(ctx context.Context, c *cert.Certificate, foreign *cert.Foreign, when path.Moment, trust Trust) (*path.Result, error) {
	if c == nil {
		return nil, fmt.Errorf("%w: %w: %w", path.ErrUntrusted, errUnread, foreign.Refused)
	}
	found := trust.Path.Verify(ctx, path.Request{Certificate: c, Purpose: path.PurposeSeal, When: when})
	return found, found.Err()
}
