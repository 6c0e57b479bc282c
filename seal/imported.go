package seal

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/path"
)

// Imported are the authorities and makers of seals of others that somebody decided to
// trust. They count for seals and persons' signatures on documents, and for nothing else.
type Imported struct {
	// Path leads to their roots, and to none of the domain's own.
	Path  *path.Verifier
	Roots []*cert.Certificate // the anchors of Path
	// Makers are whose seals count, byte for byte. That a root is trusted does not let
	// whatever it has certified make seals.
	Makers []*cert.Certificate
}

// makes reports whether a certificate is one of the makers'.
func (i *Imported) makes(c *cert.Certificate) bool {
	return i != nil && c != nil && slices.ContainsFunc(i.Makers, c.Equal)
}

// judge judges a certificate by the imported roots.
func (i *Imported) judge(ctx context.Context, name string, r path.Request) Check {
	found := i.Path.Verify(ctx, r)
	c := Check{Name: name, Err: found.Err(), Path: found}
	if end := found.Path[len(found.Path)-1].Certificate; slices.ContainsFunc(i.Roots, end.Equal) {
		c.Imported, c.Note = end, "by an imported root: "+end.Subject.String()
	}
	return c
}

// strange reports whether a path led to none of the domain's authorities. What an authority
// says of a certificate of its own, that it is revoked or has ended, is for no other one to
// take back; of a stranger it has nothing to say.
func strange(found *path.Result) bool {
	err := found.Err()
	return found.Verdict == path.Invalid && (errors.Is(err, path.ErrNoIssuer) || errors.Is(err, path.ErrSignature))
}

// Person judges the certificate of a person's signature on a document: by the domain's own
// authority for persons or, where it leads nowhere there, by the imported roots, with the
// certificates that came with it.
func (t Trust) Person(ctx context.Context, own *path.Verifier, r path.Request, further []*cert.Certificate) Check {
	found := own.Verify(ctx, r)
	return t.orImported(ctx, Check{Name: checkCertificate, Err: found.Err(), Path: found}, r, further)
}

// orImported asks the imported roots where the domain's own authorities know nothing of a
// certificate. Where they know nothing of it either, it stays at what was found first.
func (t Trust) orImported(ctx context.Context, own Check, r path.Request, further []*cert.Certificate) Check {
	if t.Imported == nil || !strange(own.Path) {
		return own
	}
	r.Further = further
	other := t.Imported.judge(ctx, own.Name, r)
	if strange(other.Path) {
		return own
	}
	return other
}

// importedMaker judges the certificate of a maker that was imported: as of the time of
// signing, as every maker's, and it must have been in its time when it says that it made
// the seal.
func (s *Seal) importedMaker(ctx context.Context, when path.Moment, trust Trust) Check {
	c := trust.Imported.judge(ctx, checkSeal, path.Request{Certificate: s.Maker, Purpose: path.PurposeSeal, When: when})
	if c.Err == nil && (s.Created.Before(s.Maker.NotBefore()) || s.Created.After(s.Maker.NotAfter())) {
		c.Err = fmt.Errorf("%w: the seal was made when its maker's certificate was not in force: %w", path.ErrUntrusted, path.ErrDates)
	}
	if c.Err != nil {
		c.Err = fmt.Errorf("maker of seal %s: %w", s.ID, c.Err)
	}
	return c
}

// ImportedRoots returns the imported roots that checks rest on, each once.
func ImportedRoots(checks []Check) []*cert.Certificate {
	var roots []*cert.Certificate
	for _, c := range checks {
		if c.Imported != nil && !slices.ContainsFunc(roots, c.Imported.Equal) {
			roots = append(roots, c.Imported)
		}
	}
	return roots
}
