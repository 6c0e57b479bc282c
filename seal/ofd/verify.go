package ofd

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/cms"
	"github.com/elicence/elicence/pki/path"
	ses "github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/ofd/archive"
)

// Trust says whose seals and signatures count.
type Trust struct {
	Seals   ses.Trust
	Persons *path.Verifier    // the authority for persons
	Second  pki.SecondOpinion // on signatures that are refused; nil: none
	// Now is the clock: a signature that claims no time exists now, and its certificate
	// must be good now.
	Now func() time.Time
}

// moment is the time for which a signer's certificate is judged.
func (t Trust) moment(claimed time.Time) path.Moment {
	if claimed.IsZero() {
		return path.Proven(t.Now())
	}
	return path.Claimed(claimed)
}

// Errors of verification.
var (
	// ErrUnknownFormat: a digest or a signature that this program cannot judge.
	ErrUnknownFormat = errors.New("a format that cannot be judged here")
	// ErrChanged: a file of the package has another digest than was signed.
	ErrChanged = errors.New("the document was changed after it was signed")
	// ErrPartial: files of the document are not protected by the signature.
	ErrPartial = errors.New("the signature protects a part of the document only")
	// ErrOtherSeal: the seal in the package is not the one that signed.
	ErrOtherSeal = errors.New("the seal beside the signature is not the one that signed")
	// ErrProperty: the seal signature is for another Signature.xml.
	ErrProperty = errors.New("the seal signature names another file")
)

// Signed is a signature with everything that was found of it.
type Signed struct {
	Signature
	Signer    *cert.Certificate // nil if the value cannot be read
	Seal      *ses.Seal         // of a seal
	SignedAt  time.Time         // the signer's claim; zero where it makes none
	Proof     ses.Stamped       // what proves that it existed at a time
	Picture   PictureFinding    // of a seal: what readers show
	Uncovered []string          // files of the document that the signature leaves out
	Checks    []ses.Check       // in order; all must have passed
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

// Digest is the SM3 of Signature.xml, which the signature value is over.
func (s *Signed) Digest() [sm3.Size]byte { return s.digest }

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

func (s *Signed) check(name string, err error) {
	s.Checks = append(s.Checks, ses.Check{Name: name, Err: err})
}

// Report is what was found of a package's signatures.
type Report struct {
	Document   Document
	Signatures []Signed
	Cautions   []Caution
	// Integrity is nil where the package has no list of its files by GM/T 0099.
	Integrity *Integrity
}

// Err returns what is wrong, with the signature it breaks.
func (r *Report) Err() error {
	for i := range r.Signatures {
		if err := r.Signatures[i].Err(); err != nil {
			return fmt.Errorf("signature %s: %w", r.Signatures[i].File, err)
		}
	}
	if r.Integrity != nil {
		if err := r.Integrity.Err(); err != nil {
			return fmt.Errorf("list of files: %w", err)
		}
	}
	return nil
}

// Valid reports whether the package has signatures and all of them count.
func (r *Report) Valid() bool { return len(r.Signatures) > 0 && r.Err() == nil }

// Verify judges every signature of the package. An error is about the package as a
// whole and wraps [ErrMalformed]; what is wrong with one signature is in its checks.
func (p *Package) Verify(ctx context.Context, trust Trust) (*Report, error) {
	bodies, err := p.bodies()
	if err != nil {
		return nil, err
	}
	trees, err := p.trees(bodies)
	if err != nil {
		return nil, err
	}
	document, err := describe(bodies, trees)
	if err != nil {
		return nil, err
	}
	list, err := p.entries()
	if err != nil {
		return nil, err
	}
	report := &Report{Document: *document}
	report.noteDocuments(bodies, trees)
	named := make(map[string]bool)
	for i, b := range bodies {
		listed, err := p.listed(b, trees[i], named)
		if err != nil {
			return nil, err
		}
		for _, s := range listed {
			report.Signatures = append(report.Signatures, Signed{Signature: s, Picture: PictureFinding{State: PictureNone}})
		}
	}
	for i := range report.Signatures {
		s := &report.Signatures[i]
		s.check("structure", p.load(&s.Signature))
	}
	for i := range report.Signatures {
		s := &report.Signatures[i]
		if s.Err() != nil {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		s.check("references", p.checkReferences(s.references))
		if s.Kind == KindSeal {
			p.judgeSeal(ctx, s, trust)
		} else {
			s.judgeSign(ctx, trust)
		}
		report.noteSeal(s)
	}
	// Coverage comes last, as it depends on which of the others count.
	machinery := report.machinery()
	if list != nil {
		machinery[list.value] = true
	}
	for i := range report.Signatures {
		if s := &report.Signatures[i]; s.loaded() {
			s.Uncovered = p.uncovered(s, machinery)
			s.check("coverage", partial(s.Uncovered))
		}
	}
	report.Integrity, err = p.integrity(ctx, list, trust)
	return report, err
}

// machinery are the files of the signatures that count: one that is added later cannot be
// covered by an earlier one, and what it draws is shown from the seal that signed. What a
// signature that does not count calls its own may be a file of the document.
func (r *Report) machinery() map[string]bool {
	files := map[string]bool{integrityName: true}
	for i := range r.Signatures {
		s := &r.Signatures[i]
		files[s.list] = true
		if s.Err() != nil {
			continue
		}
		for _, name := range s.own() {
			files[name] = true
		}
		if s.Kind == KindSeal { // which was held to the seal that signed
			files[s.sealFile] = true
		}
	}
	return files
}

// sm3Methods are the names of SM3.
var sm3Methods = []string{"SM3", "1.2.156.10197.1.401"}

func (p *Package) checkReferences(references []reference) error {
	for _, r := range references {
		if !slices.Contains(sm3Methods, strings.ToUpper(r.method)) {
			return fmt.Errorf("digest method %q: %w", r.method, ErrUnknownFormat)
		}
		sum, err := p.Digest(r.file)
		switch {
		case errors.Is(err, archive.ErrNoFile):
			return fmt.Errorf("%s is missing: %w", r.file, ErrChanged)
		case err != nil:
			return err
		case !bytes.Equal(sum[:], r.digest):
			return fmt.Errorf("%s: %w", r.file, ErrChanged)
		}
	}
	return nil
}

// uncovered returns the files of the document that no reference of a signature lists.
func (p *Package) uncovered(s *Signed, machinery map[string]bool) []string {
	covered := make(map[string]bool, len(s.references))
	for _, r := range s.references {
		covered[r.file] = true
	}
	for _, name := range s.own() {
		covered[name] = true
	}
	var left []string
	for _, name := range p.Files() {
		if !covered[name] && !machinery[name] {
			left = append(left, name)
		}
	}
	return left
}

func partial(uncovered []string) error {
	if len(uncovered) == 0 {
		return nil
	}
	const shown = 3
	names := strings.Join(uncovered[:min(shown, len(uncovered))], ", ")
	if more := len(uncovered) - shown; more > 0 {
		names += fmt.Sprintf(" and %d more", more)
	}
	return fmt.Errorf("%s: %w", names, ErrPartial)
}

func (p *Package) judgeSeal(ctx context.Context, s *Signed, trust Trust) {
	signature, err := ses.ParseSignatureTolerant(s.value)
	if err != nil {
		s.check("signature", err)
		return
	}
	s.Signer, s.Seal, s.SignedAt = signature.Signer, signature.Seal, signature.Stamp.Time
	var checks []ses.Check
	checks, s.Proof = signature.Judge(ctx, s.digest, trust.Seals, ses.Stamped{}, trust.Second)
	s.Checks = append(s.Checks, checks...)
	if strings.TrimPrefix(signature.Stamp.Property, "/") != s.File {
		s.check("property", fmt.Errorf("%q: %w", signature.Stamp.Property, ErrProperty))
	}
	if s.sealFile != "" {
		s.check("seal file", p.checkSeal(s))
	}
	p.judgePicture(s)
}

func (p *Package) checkSeal(s *Signed) error {
	b, err := p.Read(s.sealFile, maxValue)
	if err != nil {
		return err
	}
	if !bytes.Equal(b, s.Seal.DER) {
		return ErrOtherSeal
	}
	return nil
}

func (s *Signed) judgeSign(ctx context.Context, trust Trust) {
	signature, err := cms.ParseTolerant(s.value)
	if err != nil {
		s.check("signature", err)
		return
	}
	s.Signer, s.SignedAt = signature.Signer, signature.SigningTime
	s.check("signature", verifyCMS(signature, s.digest, trust.Second))
	if s.sealFile != "" && s.shown() {
		s.check(checkPicture, fmt.Errorf("%s has signed nothing here: %w", s.sealFile, ErrPicture))
	}
	if s.Signer == nil {
		s.check("certificate", fmt.Errorf("%w: %w", path.ErrUntrusted, cms.ErrNoSigner))
		return
	}
	for _, token := range signature.TimeStamps() {
		found := trust.Seals.Prove(ctx, token, signature.SignatureValue(), ses.Stamped{}, trust.Second)
		s.Checks = append(s.Checks, ses.Check{Name: ses.CheckTimeStamp, Err: found.Err, Note: found.Note, Path: found.Path})
		if found.Proven() && !found.At.After(s.Signer.NotAfter()) {
			s.Proof = found
		}
	}
	when := trust.moment(s.SignedAt)
	if s.Proof.Proven() {
		when = s.Proof.Moment(s.SignedAt)
	}
	request := path.Request{Certificate: signature.Signer, Purpose: path.PurposePerson, When: when}
	found := trust.Seals.Person(ctx, trust.Persons, request, signature.Certificates)
	s.Checks = append(s.Checks, found)
	if !s.Proof.Proven() {
		if err := trust.Seals.Unproven(found.Path); err != nil {
			s.check(ses.CheckProof, err)
		}
	}
}

// verifyCMS verifies CMS signed data for a file with a digest. Products differ in what
// they call the content: the file itself, detached, or the digest of the file, attached
// in bytes or in base64.
func verifyCMS(signature *cms.Signed, digest [sm3.Size]byte, second pki.SecondOpinion) error {
	if signature.Content == nil {
		return signature.Verify(digest, second)
	}
	text := base64.StdEncoding.EncodeToString(digest[:])
	if !bytes.Equal(signature.Content, digest[:]) && string(signature.Content) != text {
		return ErrChanged
	}
	return signature.VerifyContent(second)
}
