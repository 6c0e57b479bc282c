package inspect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/answer"
	"github.com/elicence/elicence/licence/evidence"
	"github.com/elicence/elicence/licence/render"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/path"
	"github.com/elicence/elicence/qr/picture"
	"github.com/elicence/elicence/qr/trust"
	"github.com/elicence/elicence/qr/verify"
	"github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/likeness"
	"github.com/elicence/elicence/seal/ofd"
	"github.com/elicence/elicence/seal/pdf"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

// Inspector verifies whatever it is given, a code, a picture of one, a document or a
// file of ours, against one set of trust files and without a network.
type Inspector struct {
	cache      *trust.Cache
	verifier   *verify.Verifier
	pdf        pdf.Trust
	ofd        ofd.Trust
	revocation path.Revocation
	// access opens encrypted documents.
	access   syntax.Access
	proofs   []ProofFinding // of the audit log, given beside what is inspected
	uses     []seal.Use     // that they prove, for each; zero where it proves none
	proveAll func(context.Context, *pdf.Document) ([][]byte, error)
	disagree func(content []byte)
}

// New loads and verifies a cache folder. Whether a certificate is revoked is said by its
// status lists, and by the revocation lists that lie beside the trust files; where neither
// say it, nobody can.
func New(dir fs.FS, o trust.Options) (*Inspector, error) {
	others, err := ReadImported(dir, o.Second)
	if err != nil {
		return nil, err
	}
	return cached(dir, o, others)
}

// cached is [New] with what was imported, or nothing where whoever made the folder must not
// decide whom to trust beside its roots.
func cached(dir fs.FS, o trust.Options, others *Imported) (*Inspector, error) {
	lists, err := readCRLs(dir)
	if err != nil {
		return nil, err
	}
	cache, err := trust.Load(dir, o)
	if err != nil {
		return nil, err
	}
	revocation, err := cachedRevocation(cache, path.NewCRL(lists, path.CRLOptions{KeepsExpired: true, Second: o.Second, Now: o.Now}), o.Now)
	if err != nil {
		return nil, err
	}
	return Over(cache, Sources{
		Second: o.Second, Revocation: revocation, Pictures: likeness.NewMemory(), Known: seal.NewMemory(), Now: o.Now, Imported: others,
	})
}

// Over returns an inspector over trust files that were opened before, by whoever may have
// another second opinion than its sources.
func Over(cache *trust.Cache, s Sources) (*Inspector, error) {
	if err := s.Imported.refuseOwn(cache.Trust.Documents); err != nil {
		return nil, err
	}
	documents, err := s.Rules(cache.Trust.Documents)
	if err != nil {
		return nil, err
	}
	disagree := s.Disagree
	if disagree == nil {
		disagree = func([]byte) {}
	}
	codes := verify.Options{Second: s.Second, Judge: s.Judge, Now: s.Now, Disagree: func(digits string) { disagree([]byte(digits)) }}
	return &Inspector{
		cache: cache, verifier: verify.New(cache, codes), pdf: documents,
		ofd:        ofd.Trust{Seals: documents.Seals, Persons: documents.Persons, Second: documents.Second, Now: s.Now},
		revocation: s.Revocation, access: syntax.Access{NationalOnly: s.NationalOnly}, proveAll: s.ProveAll, disagree: disagree,
	}, nil
}

// Cache returns the trust files that it goes by.
func (i *Inspector) Cache() *trust.Cache { return i.cache }

// StatusLists returns the numbers of the published lists, ascending.
func (i *Inspector) StatusLists() []uint32 {
	var lists []uint32
	for _, l := range i.cache.Status.Lists {
		lists = append(lists, uint32(l.List))
	}
	return lists
}

// Code decides on the text of a code.
func (i *Inspector) Code(text string) Inspection {
	r := i.verifier.Text(text)
	return Inspection{
		Input: InputCode, Verdict: r.Verdict, CauseCode: r.CauseCode, Cause: r.Cause, CauseZH: r.CauseZH, NextEN: r.NextEN, NextZH: r.NextZH, Code: &r,
	}
}

// Opening returns an inspector that opens encrypted documents so.
func (i *Inspector) Opening(a syntax.Access) *Inspector {
	other := *i
	other.access.Password = a.Password
	other.access.NationalOnly = i.access.NationalOnly || a.NationalOnly
	return &other
}

// ErrInput says that bytes are nothing that is verified here.
var ErrInput = bilingual.New("不是核验码、码图、PDF、OFD、证据包或签名答复", "neither a code, a PNG or JPEG picture, a PDF, an OFD document, an evidence bundle, nor a signed answer")

// maxCodeFile is the longest text file that is taken for a code.
const maxCodeFile = 64 << 10

// File decides on a file by its content: PDF, OFD, PNG or JPEG picture, evidence bundle,
// signed answer, or the text of a code. The error is about a file that cannot be judged at
// all.
func (i *Inspector) File(ctx context.Context, content []byte) (Inspection, error) {
	return i.ReaderAt(ctx, bytes.NewReader(content), int64(len(content)))
}

const (
	// maxHead is in how many bytes a file shows what it is.
	maxHead = 1024
	// maxWhole bounds what is read into memory, in bytes: everything but PDF.
	maxWhole = 512 << 20
)

// ReaderAt is [Inspector.File] for a file that need not be in memory: a PDF is read as it is
// needed, so that a large one takes no more memory than a small one. It must not change
// meanwhile.
func (i *Inspector) ReaderAt(ctx context.Context, file io.ReaderAt, size int64) (Inspection, error) {
	head, err := io.ReadAll(io.NewSectionReader(file, 0, min(size, maxHead)))
	if err != nil {
		return Inspection{}, err
	}
	if !evidence.Looks(head) && bytes.Contains(head, []byte("%PDF-")) {
		doc, err := pdf.OpenWith(file, size, i.access)
		if err != nil {
			return Inspection{}, err
		}
		return i.document(ctx, doc)
	}
	if size > maxWhole {
		return Inspection{}, fmt.Errorf("%d bytes, and at most %d of anything but a PDF: %w", size, maxWhole, ErrInput)
	}
	content := make([]byte, size)
	if _, err := io.ReadFull(io.NewSectionReader(file, 0, size), content); err != nil {
		return Inspection{}, err
	}
	switch {
	case evidence.Looks(content):
		return i.evidence(ctx, content)
	case bytes.HasPrefix(content, []byte("\x89PNG")), bytes.HasPrefix(content, []byte("\xff\xd8")):
		text, err := picture.Read(content)
		if err != nil {
			return Inspection{}, err
		}
		found := i.Code(text)
		found.Input = InputPicture
		return found, nil
	case answer.Looks(content):
		return i.Answer(content, nil), nil
	case bytes.HasPrefix(content, []byte("PK\x03\x04")):
		return i.packaged(ctx, content)
	case len(content) <= maxCodeFile && LooksLikeCode(string(content)):
		return i.Code(string(content)), nil
	default:
		return Inspection{}, ErrInput
	}
}

// LooksLikeCode reports whether a text is digits, alone or behind '#'.
func LooksLikeCode(text string) bool {
	text = strings.TrimSpace(text[strings.LastIndexByte(text, '#')+1:])
	return text != "" && strings.Trim(text, "0123456789 \t\r\n") == ""
}

// document decides on a PDF. Where only the proof of a time is missing, the house looks into
// its own log.
func (i *Inspector) document(ctx context.Context, doc *pdf.Document) (Inspection, error) {
	found, err := i.judge(ctx, doc)
	if err != nil || found.CauseCode != causeTimeNotProven || i.proveAll == nil {
		return found, err
	}
	proofs, err := i.proveAll(ctx, doc)
	if err != nil || len(proofs) == 0 {
		return found, err
	}
	with, err := i.WithProofs(proofs...)
	if err != nil {
		return found, err
	}
	proven, err := with.judge(ctx, doc)
	if err != nil || proven.CauseCode == causeTimeNotProven {
		return found, err
	}
	return proven, nil
}

// judge decides on a PDF: every signature must count and together they must
// cover the file; a licence inside must be its issuer's, sealed by its issuer, and
// in force.
func (i *Inspector) judge(ctx context.Context, doc *pdf.Document) (Inspection, error) {
	pages, err := doc.NumPages()
	if err != nil {
		return Inspection{}, err
	}
	report, err := doc.Verify(ctx, i.pdf)
	if err != nil {
		return Inspection{}, err
	}
	found := &PDFInspection{Format: "PDF", Pages: pages, Encryption: encryptionFinding(doc.Encryption()), Uncovered: report.Uncovered, Signatures: []SignatureFinding{}}
	for s := range report.Signatures {
		found.Signatures = append(found.Signatures, finding(&report.Signatures[s], report.Revisions))
	}
	cautions, err := doc.Cautions()
	if err != nil {
		return Inspection{}, err
	}
	found.Cautions, found.Proofs = cautionFindings(cautions), i.proofFindings(report)
	result := Inspection{Input: InputPDF, Document: found}
	if errors.Is(report.Err(), pki.ErrDisagree) {
		if err := i.disagreeOn(doc, report); err != nil {
			return Inspection{}, err
		}
	}
	result.Because(documentVerdict(found.Signatures, report.Err()))
	if result.Verdict != verify.Valid {
		return result, nil
	}
	inside, err := attachments(doc)
	if err != nil {
		return Inspection{}, err
	}
	switch {
	case inside.licence == nil && inside.copy != nil:
		result.Because(statementForm(errors.New("the licence that it is about is not inside")))
		return result, nil
	case inside.licence == nil:
		return result, nil
	}
	found.Licence, found.Cautions = &LicenceFinding{}, withoutAttachment(found.Cautions)
	verdict, cause := i.licence(inside.licence, report, found.Licence)
	found.Licence.Verdict, found.Licence.Cause = verdict, cause.EN
	if inside.copy != nil {
		// A licence that is not in force has no copies that are; of one that is, the
		// copy's own verdict counts.
		own, why := i.boundCopy(inside, found)
		if verdict == verify.Valid || verdict == verify.ValidStale && own != verify.Valid {
			verdict, cause = own, why
		}
	}
	result.Because(verdict, cause)
	return result, nil
}

// maxKept is up to which size, in bytes, a document is kept whole.
const maxKept = 64 << 20

// disagreeOn tells of the document that the two implementations disagree on, or, where it
// is large, of the signatures.
func (i *Inspector) disagreeOn(doc *pdf.Document, report *pdf.Report) error {
	if doc.Size() > maxKept {
		for s := range report.Signatures {
			if signed := &report.Signatures[s]; errors.Is(signed.Err(), pki.ErrDisagree) {
				i.disagree(signed.Contents)
			}
		}
		return nil
	}
	content, err := io.ReadAll(io.NewSectionReader(doc, 0, doc.Size()))
	if err != nil {
		return err
	}
	i.disagree(content)
	return nil
}

// licence decides on the signed form inside a PDF whose signatures are in order, or on one
// alone (no report), and fills in what it says once it is known to be its issuer's.
func (i *Inspector) licence(signed []byte, report *pdf.Report, f *LicenceFinding) (verify.Verdict, verify.Cause) {
	notLicence := func(err error) (verify.Verdict, verify.Cause) {
		return verify.Malformed, next(documentCause(causeLicenceForm, "文件所附的证照数据不合格式", "the licence inside has not the form of one", err), nextAskZH, nextAskEN)
	}
	kid, err := licence.KeyHint(signed)
	if err != nil {
		return notLicence(err)
	}
	var l *licence.Licence
	var issuer *trust.IssuerKey
	candidates := i.cache.Issuers(kid)
	// Another domain's codes may count here; its pages are sealed by authorities that are
	// unknown here.
	candidates = slices.DeleteFunc(slices.Clone(candidates), func(k *trust.IssuerKey) bool { return k.Granted != nil })
	for _, candidate := range candidates {
		if l, err = licence.OpenJudged(signed, candidate.Key, i.pdf.Second); !errors.Is(err, licence.ErrNotSigned) {
			issuer = candidate
			break
		}
	}
	switch {
	case len(candidates) == 0:
		return verify.Untrusted, verify.Because(verify.CauseUnknownIssuer)
	case errors.Is(err, pki.ErrDisagree):
		i.disagree(signed)
		return verify.NoData, undecided(err)
	case errors.Is(err, pki.ErrBusy):
		return verify.NoData, undecided(err)
	case err != nil && issuer != nil: // signed, and not a licence
		return notLicence(err)
	case issuer == nil && !slices.ContainsFunc(candidates, notCompromised), issuer != nil && !notCompromised(issuer):
		// Whoever stole the key can sign: a bad signature says no more than a good one.
		return verify.Untrusted, verify.Because(verify.CauseKeyCompromised)
	case issuer == nil:
		return verify.Tampered, documentCause(causeLicenceSignature, "所附证照数据的签名与内容不符", "the licence inside is not what its issuer signed", err)
	}
	f.show(l, i.cache)
	if l.Identifier.Issuer != issuer.USCC {
		return verify.OutOfScope, out(causeIdentifierIssuer, "证照标识中的发证机关与签名者不符", "the identifier names another issuing authority than the one that signed")
	}
	if !slices.Contains(issuer.Categories, uint64(l.Category)) {
		return verify.OutOfScope, verify.Because(verify.CauseIssuerCategory, issuer.Name, l.Category.String())
	}
	if refusal := issuer.RefusesList(l.Status.List, l.SignedAt); refusal != "" {
		return verify.OutOfScope, verify.ListCause(refusal)
	}
	if report != nil {
		seals := sealsOf(report, issuer.USCC)
		switch {
		case len(seals) == 0:
			return verify.OutOfScope, out(causeNotSealedByIssuer, "文件上没有发证机关的印章", "the document is not sealed by the authority that issued the licence")
		case !slices.ContainsFunc(seals, func(s *pdf.Signed) bool { return render.SaysIssued(s.Extensions, signed) }):
			return verify.NoData, next(documentCause(causeNotIssuedPage, "发证机关的印章不是作为这份证照的证照章盖的，页面内容未必出自发证机关",
				"the authority's seal does not say that this is the page of the licence inside: what the page says may be anybody's", nil), nextByCodeZH, nextByCodeEN)
		}
	}
	return i.verifier.Standing(verify.Claim{
		Category: int(l.Category), Schema: l.Schema, Status: l.Status.Packed(), SignedAt: l.SignedAt, FirstDay: l.FirstDay, LastDay: l.LastDay,
	})
}

func notCompromised(issuer *trust.IssuerKey) bool { return issuer.State != trust.IssuerCompromised }

func (f *LicenceFinding) show(l *licence.Licence, cache *trust.Cache) {
	f.ID, f.Category, f.Number, f.Holder, f.Issuer, f.ValidFrom = l.Identifier.String(), l.Category.String(), l.Number, l.HolderNames(), l.IssuerName, l.FirstDay.String()
	if l.LastDay != nil {
		until := l.LastDay.String()
		f.ValidUntil = &until
	}
	if c, ok := cache.Category(int(l.Category), l.Schema); ok {
		f.CategoryName = c.NameZH
	}
}

// sealsOf are the document's seals that are of an organisation. What an imported authority
// calls an organisation of ours is not ours.
func sealsOf(report *pdf.Report, uscc string) []*pdf.Signed {
	var seals []*pdf.Signed
	for i := range report.Signatures {
		s := &report.Signatures[i]
		if s.Kind == pdf.SignerSeal && s.Signer != nil && s.Signer.OrganizationCode() == uscc && seal.ImportedRoots(s.Checks) == nil {
			seals = append(seals, s)
		}
	}
	return seals
}
