package inspect

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/evidence"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/path"
	"github.com/elicence/elicence/pki/tsa"
	"github.com/elicence/elicence/qr/trust"
	"github.com/elicence/elicence/qr/verify"
	"github.com/elicence/elicence/seal/pdf"
)

// InputEvidence is the kind of input that an evidence bundle is.
const InputEvidence = "evidence"

// EvidenceFinding is what an evidence bundle proves, as of the stamped time.
type EvidenceFinding struct {
	Licence   *LicenceFinding `json:"licence"`
	StampedAt *string         `json:"stamped_at"` // null: not proven
	StampedBy *string         `json:"stamped_by"`
	AsOf      *string         `json:"as_of"`    // of the trust files inside: the licence stood so then
	RootSM3   *string         `json:"root_sm3"` // of the root file that everything rests on
	Chain     []string        `json:"chain"`    // names, from the issuing authority to the root
	Log       []EvidenceEntry `json:"log"`
	Witnesses []Witness       `json:"witnesses"`
	Files     int             `json:"files"`
	Pages     bool            `json:"pages"` // the sealed PDF is inside and in order
}

// EvidenceEntry is an entry of the audit log that a bundle proves.
type EvidenceEntry struct {
	ID    uint64 `json:"id"`
	Time  string `json:"time"`
	Actor string `json:"actor"`
	Act   string `json:"act"`
}

// Witness is an outside witness who has cosigned the log of a bundle at a size.
type Witness struct {
	Name string  `json:"name"` // as the witness says
	Size uint64  `json:"size"`
	Key  *string `json:"key"` // that has signed; null: none of those that were given
}

// EvidenceOptions say what is trusted beside a bundle.
type EvidenceOptions struct {
	// Pin is SM3 of a root file of the bundle, from elsewhere.
	Pin *[sm3.Size]byte
	// Witnesses are the keys of outside witnesses that are known.
	Witnesses []*pki.PublicKey
	Second    pki.SecondOpinion
}

// The causes of verdicts on evidence bundles.
const (
	causeEvidenceInOrder verify.CauseCode = "evidence_in_order"
	causeEvidenceForm    verify.CauseCode = "evidence_form"
	causeEvidenceContent verify.CauseCode = "evidence_content"
	causeEvidenceRoot    verify.CauseCode = "evidence_root"
	causeEvidenceStamp   verify.CauseCode = "evidence_stamp"
	causeEvidenceChain   verify.CauseCode = "evidence_chain"
	causeEvidencePages   verify.CauseCode = "evidence_pages"
	causeEvidenceLog     verify.CauseCode = "evidence_log"
)

// evidence decides on a bundle by the root that this inspector's trust files begin with.
func (i *Inspector) evidence(ctx context.Context, archive []byte) (Inspection, error) {
	return Evidence(ctx, archive, EvidenceOptions{Pin: &i.cache.RootSM3, Second: i.pdf.Second})
}

// Evidence decides on an evidence bundle by nothing but a pinned root. Everything
// inside is judged as of the time that the stamp proves; the verdict is the licence's at
// that time, unless something of the bundle does not hold.
func Evidence(ctx context.Context, archive []byte, o EvidenceOptions) (Inspection, error) {
	if o.Pin == nil {
		return Inspection{}, errors.New("an evidence bundle is judged by a pinned root only")
	}
	j := &evidenceJudge{ctx: ctx, options: o, found: &EvidenceFinding{Chain: []string{}, Log: []EvidenceEntry{}, Witnesses: []Witness{}}}
	result := Inspection{Input: InputEvidence, Evidence: j.found}
	result.Because(j.judge(archive))
	return result, nil
}

// evidenceJudge is one look at a bundle.
type evidenceJudge struct {
	ctx     context.Context
	options EvidenceOptions
	found   *EvidenceFinding

	bundle *evidence.Bundle
	token  *tsa.Token
	inner  *Inspector // over the trust files inside, at the stamped time
}

// failed is a verdict that ends the judgement.
type failed struct {
	verdict verify.Verdict
	cause   verify.Cause
}

func fails(v verify.Verdict, code verify.CauseCode, zh, en string, detail error) *failed {
	return &failed{v, next(documentCause(code, zh, en, detail), nextReportZH, nextReportEN)}
}

func (j *evidenceJudge) judge(archive []byte) (verify.Verdict, verify.Cause) {
	for _, step := range []func() *failed{func() *failed { return j.open(archive) }, j.trust, j.stamp} {
		if f := step(); f != nil {
			return f.verdict, f.cause
		}
	}
	verdict, cause := j.licence()
	if j.found.Licence.ID == "" { // nobody knows that it is its issuer's
		return verdict, cause
	}
	for _, step := range []func() *failed{j.log, j.chain, j.pages} {
		if f := step(); f != nil {
			return f.verdict, f.cause
		}
	}
	if verdict == verify.Valid {
		// Anybody gets a stamp: files from before a revocation can have one from after it.
		at := *j.found.AsOf
		return verify.Valid, next(documentCause(causeEvidenceInOrder, "证据齐全，证照在 "+at+" 有效", "everything holds: the licence was in force at "+at, nil),
			"这是当时的状态，现状请另行查询", "This is how it stood then; look up how it stands now")
	}
	return verdict, cause
}

// open reads the archive and the token, which says as of when everything is judged.
func (j *evidenceJudge) open(archive []byte) *failed {
	var err error
	j.bundle, err = evidence.Parse(archive)
	if errors.Is(err, evidence.ErrContent) {
		return fails(verify.Tampered, causeEvidenceContent, "包内文件与清单不符", "a file is not what the manifest says", err)
	}
	if err == nil {
		j.found.Files = len(j.bundle.Files)
		j.token, err = tsa.ParseToken(j.bundle.Stamp)
	}
	if err != nil {
		return &failed{verify.Malformed, next(documentCause(causeEvidenceForm, "不是格式正确的证据包", "not an evidence bundle in its one form", err), nextAskZH, nextAskEN)}
	}
	return nil
}

// trust loads the trust files inside by the pinned root, as of the stamped time. Whoever made
// the bundle imports nothing.
func (j *evidenceJudge) trust() *failed {
	var err error
	j.inner, err = cached(j.bundle.Folder(evidence.TrustFolder), trust.Options{
		Pin: j.options.Pin, Second: j.options.Second, Now: func() time.Time { return j.token.Time },
	}, nil)
	switch {
	case errors.Is(err, pki.ErrDisagree), errors.Is(err, pki.ErrBusy):
		return &failed{verify.NoData, undecided(err)}
	case err != nil:
		return fails(verify.Untrusted, causeEvidenceRoot, "包内的信任文件不能由给定的信任根认定", "the trust files inside do not follow from the pinned root", err)
	}
	pin := hex.EncodeToString(j.options.Pin[:])
	asOf := j.inner.cache.AsOf().UTC().Format(time.RFC3339)
	j.found.RootSM3, j.found.AsOf = &pin, &asOf
	return nil
}

// stamp verifies the time stamp, whose authority must lead to a root of the trust list.
func (j *evidenceJudge) stamp() *failed {
	roots, err := j.inner.roots()
	if err != nil {
		return fails(verify.Untrusted, causeEvidenceStamp, "信任列表中没有可用的根证书", "the trust list has no root certificates to go by", err)
	}
	judged := func(signer *cert.Certificate, at time.Time, further []*cert.Certificate) error {
		return roots.Verify(j.ctx, path.Request{Certificate: signer, Purpose: path.PurposeTimeStamp, When: path.Proven(at), Further: further}).Err()
	}
	err = j.token.Verify(tsa.SM3(j.bundle.Digest()), judged, j.options.Second)
	switch {
	case err == nil:
		at, by := j.token.Time.UTC().Format(time.RFC3339), j.token.Signer().Subject.CommonName
		j.found.StampedAt, j.found.StampedBy = &at, &by
		return nil
	case errors.Is(err, pki.ErrDisagree), errors.Is(err, pki.ErrBusy):
		return &failed{verify.NoData, undecided(err)}
	case errors.Is(err, tsa.ErrForged), errors.Is(err, tsa.ErrOtherImprint):
		return fails(verify.Tampered, causeEvidenceStamp, "时间戳与清单不符", "the time stamp is not over this manifest", err)
	case errors.Is(err, path.ErrCannotSay):
		return fails(verify.NoData, causeEvidenceStamp, "无法得知时间戳服务的证书是否已吊销", "whether the time-stamping service's certificate is revoked is not known", err)
	default:
		return fails(verify.Untrusted, causeEvidenceStamp, "时间戳服务不受信任", "the time-stamping service is not trusted", err)
	}
}

// roots is the verifier of certificates that lead to the roots of the trust list.
func (i *Inspector) roots() (*path.Verifier, error) {
	var anchors []*cert.Certificate
	for _, der := range i.cache.Trust.Documents.Roots {
		c, err := cert.Parse(der)
		if err != nil {
			return nil, err
		}
		anchors = append(anchors, c)
	}
	return path.New(path.Options{Anchors: anchors, Second: i.pdf.Second, Revocation: i.revocation})
}

// licence decides on the signed form by the trust files inside.
func (j *evidenceJudge) licence() (verify.Verdict, verify.Cause) {
	signed := j.bundle.File(evidence.LicenceName)
	f := &LicenceFinding{}
	j.found.Licence = f
	verdict, cause := j.inner.licence(signed, nil, f)
	if f.ID != "" && f.ID != j.bundle.Manifest.Licence {
		return verify.Tampered, documentCause(causeEvidenceContent, "清单所述不是包内的证照", "the manifest is of another licence", nil)
	}
	f.Verdict, f.Cause = verdict, cause.EN
	return verdict, cause
}

// log verifies every proof in the folder of the log, and every witness. One of the entries
// must be the licence's issue, and none may be about anything else.
func (j *evidenceJudge) log() *failed {
	err := j.proofs()
	if err == nil {
		return nil
	}
	return fails(verify.Tampered, causeEvidenceLog, "审计日志的证明不成立", "the audit log does not prove the licence's issue", err)
}

func (j *evidenceJudge) proofs() error {
	keys, err := j.inner.cache.Trust.LogKeys()
	if err != nil {
		return err
	}
	form := sm3.Sum(j.bundle.File(evidence.LicenceName))
	issued := false
	var under audit.Checkpoint
	for _, f := range j.bundle.Files {
		if !strings.HasPrefix(f.Name, evidence.LogFolder) {
			continue
		}
		p, err := audit.ParseProof(f.Data)
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		e, c, err := j.inner.logged(p)
		if err == nil && e.Subject != j.bundle.Manifest.Licence {
			err = fmt.Errorf("entry %d is about something else: %w", p.Index, audit.ErrProof)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		issued, under = issued || bytes.Equal(e.Digest, form[:]), c
		j.found.Log = append(j.found.Log, EvidenceEntry{ID: p.Index, Time: e.At().Format(time.RFC3339), Actor: e.Actor, Act: string(e.Act)})
	}
	if !issued {
		return evidence.ErrNoIssueEntry
	}
	return j.witnesses(under, keys)
}

// witnesses verifies that the log of a checkpoint continues what witnesses have signed.
func (j *evidenceJudge) witnesses(c audit.Checkpoint, keys []*pki.PublicKey) error {
	for _, f := range j.bundle.Files {
		name, isWitness := strings.CutPrefix(f.Name, evidence.WitnessFolder)
		name, isCheckpoint := strings.CutSuffix(name, evidence.WitnessSuffix)
		if !isWitness || !isCheckpoint {
			continue
		}
		w, err := audit.OpenWitnessed(f.Name, f.Data, keys...)
		if err != nil {
			return err
		}
		way, err := audit.ParseConsistencyProof(j.bundle.File(evidence.WitnessFolder + name + evidence.ConsistencySuffix))
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		if err := audit.VerifyConsistency(w.Checkpoint.Size, w.Checkpoint.Root, c.Size, c.Root, way.Path); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		key, err := w.VerifyCosignature(j.options.Witnesses...)
		if err != nil {
			return err
		}
		found := Witness{Name: w.Cosigner, Size: w.Checkpoint.Size}
		if key != nil {
			point := key.Point().String()
			found.Key = &point
		}
		j.found.Witnesses = append(j.found.Witnesses, found)
	}
	return nil
}

// maxIssuerCertificates bounds the certificates of the key that signed.
const maxIssuerCertificates = 16

// chain verifies the certificate of the key that signed the licence, up to a root.
func (j *evidenceJudge) chain() *failed {
	bad := func(v verify.Verdict, err error) *failed {
		return fails(v, causeEvidenceChain, "发证机关的证书链不成立", "the issuing authority's certificate does not lead to a root", err)
	}
	kid, err := licence.KeyHint(j.bundle.File(evidence.LicenceName))
	if err != nil {
		return bad(verify.Malformed, err)
	}
	own, err := certificatesIn(j.bundle.File(evidence.IssuerName))
	if err != nil {
		return bad(verify.Malformed, err)
	}
	var further []*cert.Certificate
	for _, f := range j.bundle.Files {
		if !strings.HasPrefix(f.Name, evidence.CertificatesFolder) || f.Name == evidence.IssuerName {
			continue
		}
		some, err := certificatesIn(f.Data)
		if err != nil {
			return bad(verify.Malformed, fmt.Errorf("%s: %w", f.Name, err))
		}
		further = append(further, some...)
	}
	roots, err := j.inner.roots()
	if err != nil {
		return bad(verify.Untrusted, err)
	}
	err = errors.New("the certificate of the key that signed is not inside")
	for _, c := range own {
		if c.Key.KID() != kid || !slices.ContainsFunc(j.inner.cache.Issuers(kid), func(k *trust.IssuerKey) bool { return k.Key.Equal(c.Key) }) {
			continue
		}
		result := roots.Verify(j.ctx, path.Request{Certificate: c, Purpose: path.PurposeLicence, When: path.Proven(j.token.Time), Further: further})
		if err = result.Err(); err != nil {
			continue
		}
		for _, l := range result.Path {
			j.found.Chain = append(j.found.Chain, l.Certificate.Subject.CommonName)
		}
		return nil
	}
	if errors.Is(err, path.ErrCannotSay) {
		return bad(verify.NoData, err)
	}
	return bad(verify.Untrusted, err)
}

// certificatesIn reads certificates in PEM with nothing between them.
func certificatesIn(file []byte) ([]*cert.Certificate, error) {
	var all []*cert.Certificate
	for rest := file; len(rest) > 0; {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		if block == nil || block.Type != "CERTIFICATE" || len(all) == maxIssuerCertificates {
			return nil, errors.New("not certificates in PEM")
		}
		c, err := cert.Parse(block.Bytes)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

// pages verifies the PDF: its seals, and that it carries this licence.
func (j *evidenceJudge) pages() *failed {
	file := j.bundle.File(evidence.PagesName)
	if file == nil {
		return nil
	}
	bad := func(v verify.Verdict, err error) *failed {
		return fails(v, causeEvidencePages, "包内版式文件的签章不成立", "the pages inside are not in order", err)
	}
	doc, err := pdf.Open(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return bad(verify.Malformed, err)
	}
	found, err := j.inner.document(j.ctx, doc)
	switch {
	case err != nil:
		return bad(verify.Malformed, err)
	case found.Document.Licence == nil:
		return bad(found.Verdict, errors.New(found.Cause))
	case found.Document.Licence.ID != j.bundle.Manifest.Licence || found.Document.Copy != nil:
		return bad(verify.Tampered, errors.New("they are of another licence, or a copy"))
	case found.Verdict != j.found.Licence.Verdict:
		return bad(found.Verdict, errors.New(found.Cause))
	}
	j.found.Pages = true
	return nil
}
