package seal

import (
	"context"
	"time"

	"github.com/emmansun/gmsm/sm3"
)

// Use is one use of a seal as an audit log holds it. Whoever makes it has verified that the
// entry stands in the log under a checkpoint that the log's key signed: as good a proof that
// the document was sealed by then as a time stamp of the same domain.
type Use struct {
	Seal     string         // code of the seal
	Document [sm3.Size]byte // what the seal signature is over
	At       time.Time      // of the checkpoint: it was used at the latest then
	Log      string         // whose log, for people
}

// Of reports whether a use is of a signature: by its seal, over its document, and not
// before the time that the signature claims.
func (u Use) Of(s *Signature) bool {
	return u.Seal == s.Seal.ID && u.Document == s.Stamp.Document && !s.Stamp.Time.After(u.At)
}

// logged returns the earliest time that the uses prove of a signature. One at which its
// certificate or its seal was no more in force proves nothing of before.
func (s *Signature) logged(ctx context.Context, trust Trust) Stamped {
	var out Stamped
	for _, u := range trust.Uses {
		if !u.Of(s) || out.Proven() && !u.At.Before(out.At) || u.At.After(s.Seal.ValidUntil) {
			continue
		}
		found := Stamped{At: u.At, Signer: u.Log}
		if _, err := judgeCertificate(ctx, s.Signer, s.Foreign, found.Moment(s.Stamp.Time), trust); err == nil {
			out = found
		}
	}
	return out
}
