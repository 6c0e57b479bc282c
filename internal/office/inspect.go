package office

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing/fstest"
	"time"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/answer"
	"github.com/elicence/elicence/licence/evidence"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/path"
	"github.com/elicence/elicence/qr/picture"
	"github.com/elicence/elicence/qr/trust"
	"github.com/elicence/elicence/qr/verify"
	"github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/likeness"
	"github.com/elicence/elicence/seal/ofd"
	"github.com/elicence/elicence/seal/pdf"
)

// Inspector verifies whatever it is given, a code, a picture of one, or a PDF,
// against one set of trust files and without a network.
type Inspector struct {
	cache      *trust.Cache
	verifier   *verify.Verifier
	pdf        pdf.Trust
	ofd        ofd.Trust
	revocation path.Revocation
	// access opens encrypted documents.
	access pdf.Access
	proofs []ProofFinding // of the audit log, given beside what is inspected
	uses   []seal.Use     // that they prove, for each; zero where it proves none
	// proveAll makes such proofs of the house's own seals on a document; nil away from it.
	proveAll func(context.Context, *pdf.Document) ([][]byte, error)
	// disagree is told what the two implementations disagree on.
	disagree func(content []byte)
}

// NewInspector loads and verifies a cache folder. Whether a certificate is revoked is
// said by its status lists, and by the revocation lists that lie beside the trust files;
// where neither say it, nobody can.
func NewInspector(dir fs.FS, o trust.Options) (*Inspector, error) {
	others, err := readImported(dir, o.Second)
	if err != nil {
		return nil, err
	}
	return cachedInspector(dir, o, others)
}

// cachedInspector is [NewInspector] with what was imported, or nothing where whoever made the
// folder must not decide whom to trust beside its roots.
func cachedInspector(dir fs.FS, o trust.Options, others *imported) (*Inspector, error) {
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
	sources := documentSources{o.Second, revocation, likeness.NewMemory(), seal.NewMemory(), nil, o.Now, others}
	return newInspector(cache, sources, verify.Options{}, func([]byte) {})
}

// newInspector asks the sources about what is inspected; the trust files were opened
// before, by whoever may have another second opinion. Codes may have a judge of their own.
func newInspector(cache *trust.Cache, sources documentSources, codes verify.Options, disagree func(content []byte)) (*Inspector, error) {
	if err := sources.imported.refuseOwn(cache.Trust.Documents); err != nil {
		return nil, err
	}
	documents, err := documentRules(cache.Trust.Documents, sources, nil)
	if err != nil {
		return nil, err
	}
	codes.Second, codes.Now, codes.Disagree = sources.second, sources.now, func(digits string) { disagree([]byte(digits)) }
	packages := ofd.Trust{Seals: documents.Seals, Persons: documents.Persons, Second: documents.Second, Now: sources.now}
	return &Inspector{
		cache: cache, verifier: verify.New(cache, codes), pdf: documents, ofd: packages, revocation: sources.revocation, disagree: disagree,
	}, nil
}

// tabledKeys is for how many keys the service has tables: 12 MB of them.
const tabledKeys = 256

// documentSources say who is asked about what a document rests on.
type documentSources struct {
	second     pki.SecondOpinion
	revocation path.Revocation
	pictures   *likeness.Memory
	known      *seal.Memory
	judge      judge
	now        func() time.Time
	imported   *imported // trusted for documents beside the domain's own; nil: nobody
}

// judge decides on one signature, as [pki.Judge] does.
type judge func(key *pki.PublicKey, msg []byte, sig pki.Signature, second pki.SecondOpinion) pki.Outcome

// Inspector returns an inspector over the office's own published trust files, which asks
// the office's ledger what is revoked, and so works while the office is open. The
// second opinion bounds what a stranger's forgeries may cost; the trust files are
// opened with the office's own, so that forgeries cannot keep new ones out.
func (o *Office) Inspector(ctx context.Context, second pki.SecondOpinion) (*Inspector, error) {
	current, err := o.currentTrust(ctx)
	if err != nil {
		return nil, err
	}
	files := make(fstest.MapFS, len(current)) // the standard library's file system in memory
	for name, file := range current {
		files[name] = &fstest.MapFile{Data: file}
	}
	options := trust.Options{Second: o.second, Now: o.now}
	cache, err := trust.Load(files, options)
	if err != nil {
		return nil, err
	}
	others, err := o.imported(ctx, second)
	if err != nil {
		return nil, err
	}
	sources := documentSources{second, ledgerRevocation{o}, o.pictures, o.known, o.tabled.Judge, o.now, others}
	i, err := newInspector(cache, sources, verify.Options{Judge: o.tabled.Judge}, func(content []byte) {
		o.keepDisagreement(context.WithoutCancel(ctx), content)
	})
	if err != nil {
		return nil, err
	}
	i.access.NationalOnly = o.GMOnly()
	i.proveAll = o.proveAll
	return i, nil
}

// documentVerification returns the office's own anchors.
func (o *Office) documentVerification(ctx context.Context) (pdf.Trust, error) {
	// Another node's changes are not counted here, so a shared store is read each time.
	changes, now := o.store.Generation(), o.now()
	if rules := o.rules.asOf(changes, now); rules != nil && !o.shared {
		return *rules, nil
	}
	roots, err := o.rootKeyring(ctx)
	if err != nil {
		return pdf.Trust{}, err
	}
	d, err := o.documentTrust(ctx, roots)
	if err != nil {
		return pdf.Trust{}, err
	}
	return o.rules.of(d, changes, now, func() (pdf.Trust, error) {
		return documentRules(d, documentSources{o.second, ledgerRevocation{o}, o.pictures, o.known, o.tabled.Judge, o.now, nil}, nil)
	})
}

// knownRules are the rules that the house judges documents by, as they were made last. They
// remember which certificates' signatures are good.
type knownRules struct {
	mu        sync.Mutex
	documents trust.Documents // guarded by mu
	rules     *pdf.Trust      // guarded by mu
	changes   uint64          // of the store, before the anchors were read; guarded by mu
	read      time.Time       // when they were; guarded by mu
}

// rulesLife is for how long the anchors are not read again though nothing was changed:
// roots end.
const rulesLife = time.Minute

// asOf returns the rules if their anchors were read a short while ago and the store was not
// changed since, or nil.
func (k *knownRules) asOf(changes uint64, now time.Time) *pdf.Trust {
	k.mu.Lock()
	defer k.mu.Unlock()
	if age := now.Sub(k.read); k.changes != changes || age < 0 || age >= rulesLife {
		return nil
	}
	return k.rules
}

// of returns the rules for these anchors, made anew where they are others than before.
func (k *knownRules) of(d trust.Documents, changes uint64, now time.Time, make func() (pdf.Trust, error)) (pdf.Trust, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.rules == nil || !reflect.DeepEqual(k.documents, d) {
		rules, err := make()
		if err != nil {
			return rules, err
		}
		k.documents, k.rules = d, &rules
	}
	k.changes, k.read = changes, now
	return *k.rules, nil
}

// Inspection is what was found.
type Inspection struct {
	Input     string           `json:"input"` // code, picture, pdf, evidence, answer or number
	Verdict   verify.Verdict   `json:"verdict"`
	CauseCode verify.CauseCode `json:"cause_code"`
	Cause     string           `json:"cause"` // one plain reason, English
	CauseZH   string           `json:"cause_zh"`
	NextEN    string           `json:"next_en"` // one next step
	NextZH    string           `json:"next_zh"`
	Code      *verify.Result   `json:"code"`     // of a code, picture or number, null otherwise
	Document  *PDFInspection   `json:"document"` // of a PDF or OFD document, null otherwise
	Evidence  *EvidenceFinding `json:"evidence"` // of an evidence bundle, null otherwise
	Answer    *AnswerFinding   `json:"answer"`   // of a signed answer, null otherwise
	// Online: the register was asked by a number, and nothing was verified that a
	// terminal could verify without a network.
	Online bool `json:"online"`
}

// because sets the verdict and the words that go with it.
func (i *Inspection) because(v verify.Verdict, c verify.Cause) {
	i.Verdict, i.CauseCode, i.Cause, i.CauseZH = v, c.Code, c.EN, c.ZH
	i.NextZH, i.NextEN = c.Next(v)
}

// Accepted reports whether the verdict is valid, and of a signed answer also that it is
// yes: whoever looks at nothing else must not take a no for a yes.
func (i Inspection) Accepted() bool {
	return i.Verdict == verify.Valid && (i.Answer == nil || i.Answer.Answer == answer.Yes.String())
}

// PDFInspection is what was found of a PDF or an OFD document.
type PDFInspection struct {
	Format     string             `json:"format"`    // PDF or OFD
	Uncovered  string             `json:"uncovered"` // what no signature covers, in words; empty: nothing
	Pages      int                `json:"pages"`
	Encryption *EncryptionFinding `json:"encryption"` // null for a document that is open to all
	Signatures []SignatureFinding `json:"signatures"`
	Cautions   []CautionFinding   `json:"cautions"`
	Integrity  *IntegrityFinding  `json:"integrity"` // of an OFD that has a list of its files, else null
	// Since is what happened after the document code was printed, where one was given;
	// the seal that came with it is the first.
	Since []ChangeFinding `json:"since,omitempty"`
	// Proofs is what proofs of the audit log turned out to be, where some were given.
	Proofs  []ProofFinding  `json:"proofs,omitempty"`
	Licence *LicenceFinding `json:"licence"` // the signed form inside, null if there is none
	Copy    *CopyFinding    `json:"copy"`    // of a purpose-bound copy, null for anything else
}

// LicenceFinding is what the signed form inside a PDF says.
type LicenceFinding struct {
	ID           string         `json:"id"`
	Category     string         `json:"category"`
	CategoryName string         `json:"category_name"`
	Number       string         `json:"number"`
	Holder       string         `json:"holder"`
	Issuer       string         `json:"issuer"`
	ValidFrom    string         `json:"valid_from"`
	ValidUntil   *string        `json:"valid_until"`
	Verdict      verify.Verdict `json:"verdict"`
	Cause        string         `json:"cause"`
}

// Kinds of input.
const (
	InputCode    = "code"
	InputPicture = "picture"
	InputPDF     = "pdf"
	InputOFD     = "ofd"
	InputNumber  = "number"
)

// Code decides on the text of a code.
func (i *Inspector) Code(text string) Inspection {
	r := i.verifier.Text(text)
	return Inspection{
		Input: InputCode, Verdict: r.Verdict, CauseCode: r.CauseCode, Cause: r.Cause, CauseZH: r.CauseZH, NextEN: r.NextEN, NextZH: r.NextZH, Code: &r,
	}
}

// Opening returns an inspector that opens encrypted documents so.
func (i *Inspector) Opening(a pdf.Access) *Inspector {
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
	result.because(documentVerdict(found.Signatures, report.Err()))
	if result.Verdict != verify.Valid {
		return result, nil
	}
	inside, err := attachments(doc)
	if err != nil {
		return Inspection{}, err
	}
	switch {
	case inside.licence == nil && inside.copy != nil:
		result.because(statementForm(errors.New("the licence that it is about is not inside")))
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
	result.because(verdict, cause)
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
	if report != nil && !sealedBy(report, issuer.USCC) {
		return verify.OutOfScope, out(causeNotSealedByIssuer, "文件上没有发证机关的印章", "the document is not sealed by the authority that issued the licence")
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

// sealedBy reports whether one of the document's seals is of an organisation. What an imported
// authority calls an organisation of ours is not ours.
func sealedBy(report *pdf.Report, uscc string) bool {
	for _, s := range report.Signatures {
		if s.Kind == pdf.SignerSeal && s.Signer != nil && s.Signer.OrganizationCode() == uscc && seal.ImportedRoots(s.Checks) == nil {
			return true
		}
	}
	return false
}
