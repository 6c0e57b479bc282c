package seal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/path"
	"github.com/elicence/elicence/pki/tsa"
)

// ErrTimeNotProven says that nothing proves when a signature was made, and that it
// matters by now: a certificate has expired or was revoked since. Whoever got hold of its
// key later can claim any time.
var ErrTimeNotProven = errors.New("when it was signed is not proven, and a certificate has since expired or been revoked")

// Stamped is what a time stamp over a signature proves.
type Stamped struct {
	At     time.Time // the signature existed then; zero: nothing is proven
	Signer string    // the authority, for people
	Note   string    // why nothing is proven although nothing is wrong: an unknown authority, say
	Err    error     // what is wrong with the stamp
	Path   *path.Result
}

// Proven reports whether a time is proven.
func (s Stamped) Proven() bool { return !s.At.IsZero() }

// Prove verifies a time stamp, a token or a response of RFC 3161 in DER, over the SM3 of
// some bytes. An authority that is not among the trusted ones proves nothing, which is no
// fault of the signature; a stamp of something else, or one that is forged, is one. A
// later stamp may prove that this one existed: then its authority's certificate may have
// ended since.
func (t Trust) Prove(ctx context.Context, der, of []byte, later Stamped, second pki.SecondOpinion) Stamped {
	if foreign, err := tsa.ParseWestern(der); err == nil {
		h := foreign.Hash.New()
		h.Write(of)
		return Foreign(foreign, h.Sum(nil))
	}
	return t.ProveDigest(ctx, der, sm3.Sum(of), later, second)
}

// ProveDigest is [Trust.Prove] for bytes of which the SM3 is known.
func (t Trust) ProveDigest(ctx context.Context, der []byte, digest [sm3.Size]byte, later Stamped, second pki.SecondOpinion) Stamped {
	token, err := readToken(der)
	if err != nil {
		return Stamped{Err: err}
	}
	out := Stamped{}
	if token.Signer() != nil {
		out.Signer = token.Signer().Subject.CommonName
	}
	if token.Imprint != tsa.SM3(digest) {
		if token.Imprint.Algorithm != tsa.SM3(digest).Algorithm {
			out.Note = "the time stamp is over another digest than SM3"
			return out
		}
		out.Err = tsa.ErrOtherImprint
		return out
	}
	judge := func(signer *cert.Certificate, at time.Time, further []*cert.Certificate) error {
		if t.Stamps == nil {
			return path.ErrUntrusted
		}
		out.Path = t.Stamps.Verify(ctx, path.Request{Certificate: signer, Purpose: path.PurposeTimeStamp, When: later.Moment(at), Further: further})
		return out.Path.Err()
	}
	err = token.Verify(token.Imprint, judge, second)
	switch {
	case err == nil && !later.Proven() && t.Unproven(out.Path) != nil:
		out.Note = t.Unproven(out.Path).Error()
	case err == nil:
		out.At = token.Latest().UTC()
	case errors.Is(err, path.ErrUntrusted) && !errors.Is(err, path.ErrRevoked), errors.Is(err, path.ErrCannotSay):
		out.Note = err.Error()
	default:
		out.Err = err
	}
	return out
}

// Foreign verifies the time stamp of a foreign authority over content with a digest by its
// hash. One that is right proves nothing here, and is noted.
func Foreign(stamp *tsa.Western, digest []byte) Stamped {
	out := Stamped{Signer: stamp.Signer().Subject.CommonName, Err: stamp.Verify(digest)}
	if out.Err == nil {
		out.Note = fmt.Sprintf("%s, an authority that is not ours, says %s", out.Signer, stamp.Time.UTC().Format(time.RFC3339))
	}
	return out
}

// readToken takes a token, or the response around it.
func readToken(der []byte) (*tsa.Token, error) {
	token, err := tsa.ParseToken(der)
	if err == nil {
		return token, nil
	}
	response, otherErr := tsa.ParseResponse(der)
	if otherErr != nil || response.Token == nil {
		return nil, fmt.Errorf("time stamp: %w", err)
	}
	return tsa.ParseToken(response.Token)
}

// Moment is when a signature is judged for: the proven time, or what the signer claims.
func (s Stamped) Moment(claimed time.Time) path.Moment {
	if s.Proven() {
		return path.Proven(s.At)
	}
	return path.Claimed(claimed)
}

// Unproven says whether a signature without proof of its time can still be believed: not
// when a certificate of its path has expired by now, or was revoked after the time that
// the signer claims.
func (t Trust) Unproven(found ...*path.Result) error {
	for _, r := range found {
		if r == nil {
			continue
		}
		for _, l := range r.Path[:min(1, len(r.Path))] {
			if l.Revocation == path.RevokedLater || t.Now != nil && t.Now().After(l.Certificate.NotAfter()) {
				return fmt.Errorf("%s: %w", l.Certificate.Subject.CommonName, ErrTimeNotProven)
			}
		}
	}
	return nil
}
