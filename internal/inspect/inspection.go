package inspect

import (
	"github.com/elicence/elicence/licence/answer"
	"github.com/elicence/elicence/qr/verify"
)

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

// Because sets the verdict and the words that go with it.
func (i *Inspection) Because(v verify.Verdict, c verify.Cause) {
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
