package pdf

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/cms"
	"github.com/elicence/elicence/pki/path"
	ses "github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/likeness"
)

// The signature formats that Verify knows.
const (
	// FilterSeal and SubFilterSeal mark an organisation's seal: an
	// SES_Signature of GB/T 38540 in /Contents, over plain SM3 of the byte range.
	FilterSeal    = "Gomain.GMPkiLite"
	SubFilterSeal = "GM.sm2seal"
	// FilterPerson and SubFilterPerson mark a person's signature: CMS with CAdES
	// attributes.
	FilterPerson    = "Adobe.PPKLite"
	SubFilterPerson = "ETSI.CAdES.detached"
	// subFilterPKCS7 is the older name for detached CMS.
	subFilterPKCS7 = "adbe.pkcs7.detached"
)

// Trust says whose seals and signatures count.
type Trust struct {
	Seals   ses.Trust
	Persons *path.Verifier    // the authority for persons
	Second  pki.SecondOpinion // on signatures that are refused; nil: none
	// Pictures remembers comparisons of fields with their seals; nil: every one is made.
	Pictures *likeness.Memory
}

// Errors of verification.
var (
	// ErrUnknownFormat: a signature in a format that this program cannot judge.
	ErrUnknownFormat = errors.New("a signature format that cannot be judged here")
	// ErrStructure: the signature does not cover what it must.
	ErrStructure = errors.New("the signature's structure is not sound")
	// ErrModified: later revisions changed what was signed.
	ErrModified = errors.New("the document was changed after it was signed")
	// ErrProperty: the seal signature names another byte range than the file.
	ErrProperty = errors.New("the seal signature names another byte range")
)

// SignerKind says who signed.
type SignerKind string

// The kinds of signer.
const (
	SignerSeal    SignerKind = "seal"
	SignerPerson  SignerKind = "person"
	SignerUnknown SignerKind = "unknown"
)

// Signed is a signature of a file with everything that was found of it.
type Signed struct {
	Signature
	Kind     SignerKind
	Signer   *cert.Certificate // nil if the contents cannot be read
	Seal     *ses.Seal         // of a seal
	SignedAt time.Time         // the signer's claim
	Picture  PictureFinding    // of a seal: whether the field shows it
	Checks   []ses.Check       // in order; all must have passed
}

// Err returns why the signature does not count, nil if every check has passed.
func (s *Signed) Err() error {
	for _, c := range s.Checks {
		if c.Err != nil {
			return fmt.Errorf("%s: %w", c.Name, c.Err)
		}
	}
	return nil
}

// RevocationChecked reports whether every certificate that the signature rests on was
// looked up, and whoever was asked had an answer.
func (s *Signed) RevocationChecked() bool {
	checked := false
	for _, c := range s.Checks {
		if c.Path == nil {
			continue
		}
		if !c.Path.RevocationChecked() {
			return false
		}
		checked = true
	}
	return checked
}

// Report is what was found of a file's signatures.
type Report struct {
	Signatures []Signed
	Revisions  int // of the file: how often it was written
	// Uncovered says what follows the last signature, in words; empty: nothing.
	Uncovered string
}

// Valid reports whether the file has signatures, all of them count, and together
// they cover all of it.
func (r *Report) Valid() bool { return len(r.Signatures) > 0 && r.Err() == nil }

// Err returns what is wrong, with the signature it breaks. A signature that is
// itself broken is named before the earlier ones that see its breaking as a change.
func (r *Report) Err() error {
	var changed error
	for i := range r.Signatures {
		s := &r.Signatures[i]
		for _, c := range s.Checks {
			err := fmt.Errorf("signature %s: %s: %w", s.Field, c.Name, c.Err)
			switch {
			case c.Err == nil:
			case c.Name != checkChanges:
				return err
			case changed == nil:
				changed = err
			}
		}
	}
	if changed != nil {
		return changed
	}
	if r.Uncovered != "" {
		return fmt.Errorf("%s: %w", r.Uncovered, ErrModified)
	}
	return nil
}

// Verify judges every signature of the file: structure and coverage, the
// signature itself, seal and certificates as of the time that the signer claims, and
// what later revisions changed. Revocation is looked at where the trust has a source
// of it; time stamps are not in this version. The error is about the file; what is wrong with a signature is in
// the report.
func (d *Document) Verify(ctx context.Context, trust Trust) (*Report, error) {
	signatures, err := d.Signatures()
	if err != nil {
		return nil, err
	}
	r := &Report{Revisions: d.revision(0)}
	covered := false
	for _, s := range signatures {
		signed := Signed{Signature: s, Kind: SignerUnknown, SignedAt: s.Time}
		signed.judge(ctx, trust)
		r.Signatures = append(r.Signatures, signed)
		covered = covered || s.CoversFile
	}
	if !covered && len(r.Signatures) > 0 && !onlyValidationData(r.Signatures) {
		r.Uncovered = "the file goes on behind its last signature"
	}
	return r, nil
}

// onlyValidationData reports whether what follows the newest signature is nothing
// but certificates and revocation lists.
func onlyValidationData(signatures []Signed) bool {
	newest := &signatures[0]
	for i := range signatures {
		if signatures[i].Revision > newest.Revision {
			newest = &signatures[i]
		}
	}
	for _, c := range newest.Changes {
		if c.Kind != ValidationData {
			return false
		}
	}
	return len(newest.Changes) > 0
}

// checkChanges is the name of the check for what came after a signature.
const checkChanges = "changes"

func (s *Signed) judge(ctx context.Context, trust Trust) {
	s.check("structure", s.structure())
	switch s.SubFilter {
	case SubFilterSeal:
		s.judgeSeal(ctx, trust)
	case SubFilterPerson, subFilterPKCS7:
		s.judgePerson(ctx, trust)
	default:
		s.check("format", fmt.Errorf("%s: %w", s.SubFilter, ErrUnknownFormat))
	}
	s.check(checkChanges, s.laterChanges())
}

func (s *Signed) check(name string, err error) {
	s.Checks = append(s.Checks, ses.Check{Name: name, Err: err})
}

func (s *Signed) structure() error {
	if len(s.Faults) > 0 {
		return fmt.Errorf("%s: %w", strings.Join(s.Faults, "; "), ErrStructure)
	}
	return nil
}

func (s *Signed) judgeSeal(ctx context.Context, trust Trust) {
	signature, err := ses.ParseSignature(s.Contents)
	if err != nil {
		s.check("signature", err)
		return
	}
	s.Kind, s.Signer, s.Seal, s.SignedAt = SignerSeal, signature.Signer, signature.Seal, signature.Stamp.Time
	s.Checks = append(s.Checks, signature.Verify(ctx, s.Digest, trust.Seals, trust.Second)...)
	if signature.Stamp.Property != Property([4]int64(append(s.ByteRange, 0, 0, 0, 0))) {
		s.check("property", ErrProperty)
	}
	s.judgePicture(trust.Pictures)
}

func (s *Signed) judgePerson(ctx context.Context, trust Trust) {
	signature, err := cms.Parse(s.Contents)
	if err != nil {
		s.check("signature", err)
		return
	}
	s.Kind, s.Signer = SignerPerson, signature.Signer
	s.check("signature", signature.Verify(s.Digest, trust.Second))
	found := trust.Persons.Verify(ctx, path.Request{
		Certificate: signature.Signer, Purpose: path.PurposePerson, When: path.Claimed(s.SignedAt),
	})
	s.Checks = append(s.Checks, ses.Check{Name: "certificate", Err: found.Err(), Path: found})
}

// laterChanges allows what later signers add, and validation data. Forms and
// comments that nobody signed are changes of the document here; a certifying
// signature that allows nothing (DocMDP, P = 1) is taken at its word.
func (s *Signed) laterChanges() error {
	for _, c := range s.Changes {
		allowed := c.Kind == ValidationData || s.Certifies != 1 && (c.Kind == SignatureAdded || c.Kind == MetadataChanged)
		if c.Kind == SignatureAdded && s.locks.covers(c.Field) {
			return fmt.Errorf("%s, though the field was locked: %w", c.What, ErrModified)
		}
		if !allowed {
			return fmt.Errorf("%s: %w", c.What, ErrModified)
		}
	}
	return nil
}

// Property is what a seal signature says of the bytes it protects.
func Property(byteRange [4]int64) string {
	return fmt.Sprintf("ByteRange%d", byteRange)
}
