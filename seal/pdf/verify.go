package pdf

import (
	"bytes"
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/cms"
	"github.com/elicence/elicence/pki/oid"
	"github.com/elicence/elicence/pki/path"
	"github.com/elicence/elicence/pki/tsa"
	ses "github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/likeness"
	"github.com/elicence/elicence/seal/pdf/revision"
)

// The signature formats that Verify knows.
const (
	// FilterSeal and SubFilterSeal mark an organisation's seal: an SES_Signature of GB/T 38540 in /Contents, over plain
	// SM3 of the byte range.
	FilterSeal    = "Gomain.GMPkiLite"
	SubFilterSeal = "GM.sm2seal"
	// FilterPerson and SubFilterPerson mark a person's signature: CMS with CAdES
	// attributes.
	FilterPerson    = "Adobe.PPKLite"
	SubFilterPerson = "ETSI.CAdES.detached"
	// FilterCAdES and SubFilterCAdES mark an organisation's seal in CMS
	// ([ses.ProfileCAdES]): what tells it from a person's signature is its attribute.
	FilterCAdES    = FilterPerson
	SubFilterCAdES = SubFilterPerson
	// subFilterPKCS7 is the older name for detached CMS; many put a seal under it.
	subFilterPKCS7 = "adbe.pkcs7.detached"
	// subFilterGM is CMS of GB/T 35275 that holds the digest of the byte range.
	subFilterGM = "GM.sm2cms.detached"
	// SubFilterStamp is a document time stamp: a token of RFC 3161 over the byte range.
	SubFilterStamp = "ETSI.RFC3161"
)

// Trust says whose seals and signatures count.
type Trust struct {
	Seals   ses.Trust
	Persons *path.Verifier    // the authority for persons
	Second  pki.SecondOpinion // on signatures that are refused; nil: none
	// With returns the trust that also asks validation data of a document, which proves
	// itself. Nil: it is not looked at.
	With func(DSS) (Trust, error)
	// Imported are the roots of foreign documents, on RSA and ECDSA, that somebody decided to
	// trust; nil: none. Those on SM2 are in Seals.
	Imported *x509.CertPool
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
	// ErrNobodySigned: there are time stamps, which anybody gets for anything.
	ErrNobodySigned = errors.New("the document has time stamps only, and nobody signed it")
)

// A ModifiedError says which later change a signature does not allow. It is an [ErrModified].
type ModifiedError struct {
	Change revision.Change
	Locked bool // only because the signature locked the field
}

func (e *ModifiedError) Error() string {
	if e.Locked {
		return e.Change.What + ", though the field was locked: " + ErrModified.Error()
	}
	return e.Change.What + ": " + ErrModified.Error()
}

// Unwrap returns [ErrModified].
func (e *ModifiedError) Unwrap() error { return ErrModified }

// SignerKind says who signed.
type SignerKind string

// The kinds of signer.
const (
	SignerSeal    SignerKind = "seal"
	SignerStamp   SignerKind = "timestamp"
	SignerPerson  SignerKind = "person"
	SignerUnknown SignerKind = "unknown"
)

// Signed is a signature of a file with everything that was found of it.
type Signed struct {
	Signature
	Kind     SignerKind
	Signer   *cert.Certificate // nil if the contents cannot be read, or are Western
	Western  *cms.Western      // of a foreign document with RSA or ECDSA
	Seal     *ses.Seal         // of a seal
	Profile  ses.Profile       // of a seal: in which form it signed
	SignedAt time.Time         // the signer's claim
	Proof    ses.Stamped       // what proves that it existed at a time
	Picture  PictureFinding    // of a seal: whether the field shows it
	Seen     []SeenPlace       // what the signature names as seen, the field first; nil: it names nothing
	// Extensions is what else a seal has signed (extDatas of TBS_Sign of GB/T 38540).
	Extensions []ses.Extension
	Checks     []ses.Check // in order; all must have passed

	darkens *bool // what [Signed.pressed] has found
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

// Valid reports whether the file has signatures and not time stamps only, all of them
// count, and together they cover all of it.
func (r *Report) Valid() bool { return len(r.Signatures) > 0 && r.Err() == nil }

// Err returns what is wrong, with the signature it breaks. A signature that is itself broken is named before the
// earlier ones that see its breaking as a change, and what nobody can say after what is certain.
func (r *Report) Err() error {
	var changed, undecided error
	for i := range r.Signatures {
		s := &r.Signatures[i]
		for _, c := range s.Checks {
			if c.Err == nil {
				continue
			}
			err := fmt.Errorf("signature %s: %s: %w", s.Field, c.Name, c.Err)
			switch {
			case isUndecided(c.Err):
				undecided = cmp.Or(undecided, err)
			case c.Name == checkChanges:
				changed = cmp.Or(changed, err)
			default:
				return err
			}
		}
	}
	if changed != nil {
		return changed
	}
	if r.Uncovered != "" {
		return fmt.Errorf("%s: %w", r.Uncovered, ErrModified)
	}
	if len(r.Signatures) > 0 && !slices.ContainsFunc(r.Signatures, func(s Signed) bool { return s.Kind != SignerStamp }) {
		return ErrNobodySigned
	}
	return undecided
}

// Verify judges every signature of the file: structure and coverage, the signature itself, seal and certificates as of
// the time that a time stamp proves or else that the signer claims, whether the field shows the seal, and what later
// revisions changed. A document time stamp proves the time of everything that it covers. Revocation is looked at where
// the trust has a source of it, validation data in the file last. The error is about the file; what is wrong with a
// signature is in the report.
func (d *Document) Verify(ctx context.Context, trust Trust) (*Report, error) {
	signatures, err := d.Signatures()
	if err != nil {
		return nil, err
	}
	if trust.With != nil {
		data, err := d.DSS()
		if err != nil {
			return nil, err
		}
		if !data.Empty() {
			uses := trust.Seals.Uses
			if trust, err = trust.With(data); err != nil {
				return nil, fmt.Errorf("validation data of the file: %w", err)
			}
			trust.Seals.Uses = uses
		}
	}
	r := &Report{Revisions: d.file.Revision(0), Signatures: make([]Signed, len(signatures))}
	covered := false
	// From the newest to the oldest: a document time stamp proves that what it covers
	// existed.
	var proof ses.Stamped
	answered := 0 // the newest revision that a good signature, no time stamp, is over
	for i := len(signatures) - 1; i >= 0; i-- {
		signed := &r.Signatures[i]
		*signed = Signed{Signature: signatures[i], Kind: SignerUnknown, SignedAt: signatures[i].Time, Proof: proof}
		signed.judge(ctx, trust, answered, r.Signatures[i+1:])
		switch good := signed.Err() == nil; {
		case good && signed.Kind != SignerStamp:
			answered = max(answered, signed.Revision)
		case good && signed.Proof.Proven():
			proof = signed.Proof
		}
		covered = covered || signed.CoversFile
	}
	if !covered && len(r.Signatures) > 0 && !harmless(newest(r.Signatures).Changes) {
		r.Uncovered = "the file goes on behind its last signature" + newest(r.Signatures).followed()
	}
	return r, nil
}

// harmless reports whether what follows the newest signature is known, and is certificates,
// revocation lists and properties of the document: nothing that a page shows.
func harmless(changes []revision.Change) bool {
	return len(changes) > 0 && !slices.ContainsFunc(changes, func(c revision.Change) bool {
		return c.Kind != revision.ValidationData && c.Kind != revision.MetadataChanged
	})
}

// newest is the signature of the newest revision that has one.
func newest(signatures []Signed) *Signed {
	found := &signatures[0]
	for i := range signatures {
		if signatures[i].Revision > found.Revision {
			found = &signatures[i]
		}
	}
	return found
}

// followed says in words what followed the signature, as far as it is known: the first of what
// is not harmless, for that is what the rest stands beside.
func (s *Signed) followed() string {
	if len(s.Changes) == 0 {
		return ""
	}
	worst := slices.IndexFunc(s.Changes, func(c revision.Change) bool { return !harmless([]revision.Change{c}) })
	return " (" + s.Changes[max(worst, 0)].What + ")"
}

// Refuses returns the later change that a signature does not allow, nil if there is none.
func (s *Signed) Refuses() *ModifiedError {
	var m *ModifiedError
	for _, c := range s.Checks {
		if c.Name == checkChanges && errors.As(c.Err, &m) {
			return m
		}
	}
	return nil
}

// checkChanges is the name of the check for what came after a signature.
const checkChanges = "changes"

// judge judges a signature. A later one that is good answers for the file as it was at the revision
// answered; 0: there is none. Those of the same revision or later ones were judged before.
func (s *Signed) judge(ctx context.Context, trust Trust, answered int, later []Signed) {
	s.check("structure", s.structure())
	switch s.SubFilter {
	case SubFilterSeal:
		s.judgeSeal(ctx, trust)
	case SubFilterPerson, subFilterPKCS7, subFilterGM:
		s.judgeCMS(ctx, trust)
	case SubFilterStamp:
		s.judgeStamp(ctx, trust)
	default:
		s.check("format", fmt.Errorf("%s: %w", s.SubFilter, ErrUnknownFormat))
	}
	s.check(checkChanges, s.laterChanges(answered, later))
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
	signature, err := s.SealSignature(trust.Seals.Known)
	if err != nil {
		s.check("signature", err)
		return
	}
	s.sealed(ctx, signature, trust)
}

// SealSignature reads the contents as a seal signature in the profile that goes with the
// signature's format. Seals that are known need not be read again; nil: none is. A person's
// signature is [ses.ErrNotSealed]. It verifies nothing.
func (s *Signature) SealSignature(known *ses.Memory) (*ses.Signature, error) {
	switch s.SubFilter {
	case SubFilterCAdES:
		return known.ParseCAdES(s.Contents, s.Time)
	case SubFilterSeal, subFilterPKCS7:
		return known.ParseSignature(s.Contents)
	default:
		return nil, fmt.Errorf("a seal in the format %s: %w", s.SubFilter, ErrUnknownFormat)
	}
}

// sealed judges a seal signature.
func (s *Signed) sealed(ctx context.Context, signature *ses.Signature, trust Trust) {
	s.Kind, s.Signer, s.Seal, s.SignedAt = SignerSeal, signature.Signer, signature.Seal, signature.Stamp.Time
	s.Profile, s.Extensions = signature.Profile, signature.Stamp.Extensions
	var checks []ses.Check
	checks, s.Proof = signature.Judge(ctx, s.Digest, trust.Seals, s.Proof, trust.Second)
	s.Checks = append(s.Checks, checks...)
	// Other vendors name what is protected in their own ways, and CMS does not; the digest says
	// it.
	if signature.Profile == ses.ProfileSES && signature.Seal.Ours() && signature.Stamp.Property != Property([4]int64(append(s.ByteRange, 0, 0, 0, 0))) {
		s.check("property", ErrProperty)
	}
	counts := s.Err()
	statement, err := signature.Extension(oid.Seen)
	if err != nil {
		statement = []byte{} // two statements are none that can be read
	}
	s.judgeSeen(statement, trust.Pictures)
	s.judgePicture(trust.Pictures, counts)
}

// judgeCMS judges what is under the names of CMS: a person's signature, or a seal as
// many products write it.
func (s *Signed) judgeCMS(ctx context.Context, trust Trust) {
	signature, err := trust.Seals.Known.ParseCMS(s.Contents)
	strict := err == nil
	if !strict {
		signature, err = cms.ParseTolerant(s.Contents)
	}
	if err != nil {
		if seal, sealErr := s.SealSignature(trust.Seals.Known); sealErr == nil && s.SubFilter == subFilterPKCS7 {
			s.sealed(ctx, seal, trust)
			return
		}
		if western, westernErr := cms.ParseWestern(s.Contents); westernErr == nil {
			s.judgeWestern(ctx, western, trust)
			return
		}
		s.check("signature", err)
		return
	}
	if _, isSeal := signature.Attribute(oid.Seal); isSeal {
		s.judgeSealInCMS(ctx, signature, strict, trust)
		return
	}
	s.Kind, s.Signer = SignerPerson, signature.Signer
	if s.SignedAt.IsZero() {
		s.SignedAt = signature.SigningTime
	}
	s.check("signature", s.verifyCMS(signature, trust))
	s.proveTime(ctx, signature.TimeStamps(), signature.SignatureValue(), trust)
	if signature.Signer == nil {
		s.check("certificate", fmt.Errorf("%w: %w", path.ErrUntrusted, cms.ErrNoSigner))
		return
	}
	if s.Proof.At.After(signature.Signer.NotAfter()) {
		s.Proof = ses.Stamped{}
	}
	request := path.Request{Certificate: signature.Signer, Purpose: path.PurposePerson, When: s.Proof.Moment(s.SignedAt)}
	found := trust.Seals.Person(ctx, trust.Persons, request, signature.Certificates)
	s.Checks = append(s.Checks, found)
	if !s.Proof.Proven() {
		if err := trust.Seals.Unproven(found.Path); err != nil {
			s.check(ses.CheckProof, err)
		}
	}
	s.judgeSeen(attribute(signature, oid.Seen), trust.Pictures)
}

// judgeSealInCMS judges a CMS signature that names itself a seal's. Under another name of CMS it is none, and no
// person's signature either. What was read strictly is not read again.
func (s *Signed) judgeSealInCMS(ctx context.Context, signature *cms.Signed, strict bool, trust Trust) {
	if s.SubFilter != SubFilterCAdES {
		s.check("format", fmt.Errorf("a seal in CMS under the name %s: %w", s.SubFilter, ErrUnknownFormat))
		return
	}
	if !strict {
		s.judgeSeal(ctx, trust) // which says what is wrong
		return
	}
	seal, err := trust.Seals.Known.SealIn(signature, s.Time)
	if err != nil {
		s.check("signature", err)
		return
	}
	s.sealed(ctx, seal, trust)
}

// attribute returns the value of a signed attribute, nil where there is none. One of
// several values is none that can be read.
func attribute(signature *cms.Signed, id oid.ID) []byte {
	i := slices.IndexFunc(signature.Attributes, func(a cms.Attribute) bool { return a.Type == id })
	if i < 0 {
		return nil
	}
	if values := signature.Attributes[i].Values; len(values) == 1 {
		return values[0]
	}
	return []byte{}
}

// proveTime judges the time stamps over a signature's value; the earliest that proves
// counts.
func (s *Signed) proveTime(ctx context.Context, tokens [][]byte, value []byte, trust Trust) {
	later := s.Proof
	for _, token := range tokens {
		found := trust.Seals.Prove(ctx, token, value, later, trust.Second)
		s.Checks = append(s.Checks, ses.Check{Name: ses.CheckTimeStamp, Err: found.Err, Note: found.Note, Path: found.Path})
		if found.Proven() && (!s.Proof.Proven() || found.At.Before(s.Proof.At)) {
			s.Proof = found
		}
	}
}

// verifyCMS checks the signature over the byte range, or over its digest as content where
// GB/T 35275 is used so.
func (s *Signed) verifyCMS(signature *cms.Signed, trust Trust) error {
	if signature.Content == nil {
		return signature.Verify(s.Digest, trust.Second)
	}
	if s.SubFilter != subFilterGM || !bytes.Equal(signature.Content, s.Digest[:]) {
		return fmt.Errorf("signed content that is not the digest of the file: %w", cms.ErrWrongSignature)
	}
	return signature.VerifyContent(trust.Second)
}

// judgeStamp judges a document time stamp. An authority that nobody here knows proves
// nothing, and breaks nothing.
func (s *Signed) judgeStamp(ctx context.Context, trust Trust) {
	s.Kind = SignerStamp
	if stamp, err := tsa.ParseWestern(s.Contents); err == nil {
		s.SignedAt = stamp.Time
		digest, err := s.westernDigest(stamp.Hash)
		if err != nil {
			s.check(ses.CheckTimeStamp, err)
			return
		}
		found := ses.Foreign(stamp, digest)
		s.Checks = append(s.Checks, ses.Check{Name: ses.CheckTimeStamp, Err: found.Err, Note: found.Note})
		return
	}
	found := trust.Seals.ProveDigest(ctx, s.Contents, s.Digest, s.Proof, trust.Second)
	s.Proof, s.SignedAt = found, found.At
	s.Checks = append(s.Checks, ses.Check{Name: ses.CheckTimeStamp, Err: found.Err, Note: found.Note, Path: found.Path})
}

// laterChanges allows what later signers add, and validation data. A certifying signature also lets fields be filled in
// (DocMDP, P = 2 and 3), but what nobody signed afterwards is a change of the document here, and so is a comment. A
// signature that allows nothing (DocMDP or the lock of its field, P = 1) is taken at its word. A seal upon another is
// allowed where both are of one owner: what is seen there is then that owner's alone.
func (s *Signed) laterChanges(answered int, later []Signed) error {
	var undecided error
	for _, c := range s.Changes {
		allowed := c.Kind == revision.ValidationData
		if !s.locks.unchangeable() {
			switch c.Kind {
			case revision.SignatureAdded, revision.MetadataChanged:
				allowed = true
			case revision.FormFill:
				allowed = s.Certifies > 1 && c.Revision <= answered
			case revision.SealUponSeal:
				err := s.bears(c, later)
				if isUndecided(err) {
					undecided, err = cmp.Or(undecided, err), nil
				}
				if err != nil {
					return err
				}
				allowed = true
			}
		}
		if (c.Kind == revision.SignatureAdded || c.Kind == revision.FormFill) && s.locks.covers(c.Field) {
			return &ModifiedError{Change: c, Locked: true}
		}
		if !allowed {
			return &ModifiedError{Change: c}
		}
	}
	return undecided
}

// bears says why a signature is not in order under a seal that was put upon others, itself perhaps among them; nil: it
// is. That seal must be shown as it is, so that it brings no picture that is nobody's, and hide nothing of what it lies
// upon. Where nobody can say yet whether it counts, nobody can of what lies below.
func (s *Signed) bears(c revision.Change, later []Signed) error {
	i := slices.IndexFunc(later, func(other Signed) bool { return other.Field == c.Field })
	if i < 0 {
		return &ModifiedError{Change: c}
	}
	upper := &later[i]
	var undecided error
	for _, check := range upper.Checks {
		switch {
		case check.Err == nil:
		case isUndecided(check.Err):
			undecided = cmp.Or(undecided, check.Err)
		default:
			return &ModifiedError{Change: c}
		}
	}
	below := slices.Contains(c.Over, s.Field)
	switch {
	case upper.Kind != SignerSeal, below && (upper.owner() == "" || upper.owner() != s.owner()):
		return &ModifiedError{Change: c}
	case undecided != nil && below:
		return fmt.Errorf("the seal of the signature %q was put upon it: %w", c.Field, undecided)
	case undecided == nil && (upper.Picture.State != PictureSame || !upper.pressed()):
		return &ModifiedError{Change: c}
	default:
		return nil
	}
}

// pressed reports whether the field only darkens what lies below, as a seal's ink does what it is
// pressed upon. It is asked of signatures that count: anybody can write others, in any number.
func (s *Signed) pressed() bool {
	if s.darkens == nil {
		sheet, err := s.doc.sheet(s.Page)
		found := err == nil && s.doc.now.pressed(s.widget, sheet.PerMM)
		s.darkens = &found
	}
	return *s.darkens
}

// isUndecided reports that nobody can say, which is no certainty that something is wrong.
func isUndecided(err error) bool {
	return errors.Is(err, path.ErrCannotSay) || errors.Is(err, ses.ErrTimeNotProven)
}

// owner is the code of the organisation whose seal signed, "" where it is no seal or of nobody whose
// code is one of the domain's own.
func (s *Signed) owner() string {
	if s.Kind != SignerSeal || s.Signer == nil || ses.ImportedRoots(s.Checks) != nil {
		return ""
	}
	return s.Signer.OrganizationCode()
}

// Property is what a seal signature says of the bytes it protects.
func Property(byteRange [4]int64) string {
	return fmt.Sprintf("ByteRange%d", byteRange)
}
