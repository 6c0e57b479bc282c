package ceremony

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/crl"
)

// Format names the form of a transcript's JSON.
const Format = "elicence/ceremony/1"

// Kind is a kind of thing that a step made.
type Kind string

// The kinds.
const (
	KindCertificate Kind = "certificate"
	KindCRL         Kind = "crl"
	KindTrustFile   Kind = "trust-file"
	KindKeyStore    Kind = "key-store"
	KindCheck       Kind = "check" // a self-test that passed
)

// Made is a thing that a step made. What does not apply is empty.
type Made struct {
	Kind      Kind       `json:"kind"`
	Name      string     `json:"name"` // of the key, store, list or check
	Subject   string     `json:"subject,omitempty"`
	Serial    string     `json:"serial,omitempty"` // lower-case hexadecimal
	Number    uint64     `json:"number,omitempty"`
	NotBefore *time.Time `json:"not_before,omitempty"` // of a CRL: thisUpdate
	NotAfter  *time.Time `json:"not_after,omitempty"`  // of a CRL: nextUpdate
	SignedBy  string     `json:"signed_by,omitempty"`  // name of the key
	Point     string     `json:"point,omitempty"`      // of the certified key, compressed, hexadecimal
	SM3       string     `json:"sm3,omitempty"`        // of the DER or the file, lower-case hexadecimal
}

// Certified is a certificate for the record.
func Certified(key, signedBy string, c *cert.Certificate) Made {
	digest, from, until := sm3.Sum(c.DER), c.NotBefore(), c.NotAfter()
	return Made{
		Kind: KindCertificate, Name: key, Subject: c.Subject.String(), Serial: c.Serial(), NotBefore: &from, NotAfter: &until,
		SignedBy: signedBy, Point: c.Key.Point().String(), SM3: hex.EncodeToString(digest[:]),
	}
}

// Listed is a CRL for the record.
func Listed(name, signedBy string, l *crl.List) Made {
	digest, from, until := sm3.Sum(l.DER), l.ThisUpdate, l.NextUpdate
	return Made{
		Kind: KindCRL, Name: name, Number: l.Number.Uint64(), NotBefore: &from, NotAfter: &until, SignedBy: signedBy, SM3: hex.EncodeToString(digest[:]),
	}
}

// Done is a step that was done, and when.
type Done struct {
	Step
	Time time.Time `json:"time"` // when it was finished, UTC
	Made []Made    `json:"made"`
}

// Record is what is written down while a ceremony runs.
type Record struct {
	plan    *Plan
	program string
	now     func() time.Time
	began   time.Time
	steps   []Step
	done    []Done
	root    *cert.Certificate
}

// NewRecord begins a record. program names the program with its version.
func NewRecord(p *Plan, program string, now func() time.Time) *Record {
	return &Record{plan: p, program: program, now: now, began: now().UTC().Truncate(time.Second), steps: p.Steps()}
}

// ErrOrder says that something else was done than the plan says.
var ErrOrder = errors.New("the ceremony left its plan")

// Did writes down a step that was done. It must be the next of the plan.
func (r *Record) Did(id StepID, made ...Made) error {
	if len(r.done) == len(r.steps) || r.steps[len(r.done)].ID != id {
		return fmt.Errorf("step %s: %w", id, ErrOrder)
	}
	r.done = append(r.done, Done{r.steps[len(r.done)], r.now().UTC().Truncate(time.Second), made})
	return nil
}

// Root writes down the root, whose fingerprint is read aloud.
func (r *Record) Root(c *cert.Certificate) { r.root = c }

// Transcript is the record of a ceremony in both forms.
type Transcript struct {
	Text []byte // UTF-8, for people; it names the SM3 of JSON
	JSON []byte
}

// Digest is the SM3 of the text, and so commits to both forms.
func (t Transcript) Digest() [sm3.Size]byte { return sm3.Sum(t.Text) }

// document is the JSON form.
type document struct {
	Format      string       `json:"format"`
	Program     string       `json:"program"`
	Plan        documentPlan `json:"plan"`
	Domain      string       `json:"domain"`
	Region      string       `json:"region"`
	Host        string       `json:"host"`
	GMOnly      bool         `json:"gm_only"`
	Protection  string       `json:"protection"`
	Began       time.Time    `json:"began"`
	Ended       time.Time    `json:"ended"`
	Steps       []Done       `json:"steps"`
	Fingerprint string       `json:"root_sm3"`
	Witnesses   []string     `json:"witnesses"`
}

type documentPlan struct {
	File string `json:"file"` // empty: built into the program
	SM3  string `json:"sm3"`
}

// Transcript closes the record. Every step must have been done.
func (r *Record) Transcript() (Transcript, error) {
	if len(r.done) != len(r.steps) || r.root == nil {
		return Transcript{}, fmt.Errorf("%d of %d steps were done: %w", len(r.done), len(r.steps), ErrOrder)
	}
	fingerprint := sm3.Sum(r.root.DER)
	d := document{
		Format: Format, Program: r.program, Domain: r.plan.Domain, Region: r.plan.Region, Host: r.plan.Host, GMOnly: r.plan.GMOnly,
		Protection: r.plan.Protection.String(), Began: r.began, Ended: r.done[len(r.done)-1].Time, Steps: r.done,
		Fingerprint: hex.EncodeToString(fingerprint[:]), Witnesses: r.plan.Witnesses,
	}
	if r.plan.File != "" {
		d.Plan = documentPlan{r.plan.File, hex.EncodeToString(r.plan.Digest[:])}
	}
	if d.Witnesses == nil {
		d.Witnesses = []string{}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(d); err != nil {
		return Transcript{}, fmt.Errorf("writing the transcript: %w", err)
	}
	return Transcript{Text: []byte(r.text(d, sm3.Sum(b.Bytes()), fingerprint)), JSON: b.Bytes()}, nil
}

func (r *Record) text(d document, twin, fingerprint [sm3.Size]byte) string {
	var b strings.Builder
	fmt.Fprintf(&b, "根证书仪式记录 transcript of the key ceremony\n\n")
	r.plan.head(&b)
	fmt.Fprintf(&b, "程序 program: %s\n开始 began: %s\n结束 ended: %s\nJSON SM3 %s\n\n", d.Program, stamp(d.Began), stamp(d.Ended), Groups(twin))
	for i, s := range d.Steps {
		fmt.Fprintf(&b, "%3d. [%s] %s\n     %s\n", i+1, stamp(s.Time), s.Chinese, s.English)
		for _, m := range s.Made {
			m.text(&b)
		}
	}
	fmt.Fprintf(&b, "\n根证书指纹，请逐组朗读 fingerprint of the root, to be read aloud (SM3):\n\n")
	groups := strings.Fields(Groups(fingerprint))
	for ; len(groups) > 0; groups = groups[4:] {
		fmt.Fprintf(&b, "    %s\n", strings.Join(groups[:4], "  "))
	}
	fmt.Fprintf(&b, "\n在场人员签字 signatures of those present:\n")
	for _, w := range d.Witnesses {
		fmt.Fprintf(&b, "\n    %s\n    签字 signature ____________________    日期 date ____________\n", w)
	}
	return b.String()
}

func stamp(t time.Time) string { return t.Format(time.RFC3339) }

var kinds = map[Kind]string{
	KindCertificate: "证书 certificate", KindCRL: "吊销列表 CRL", KindTrustFile: "信任文件 trust file", KindKeyStore: "密钥库 key store", KindCheck: "通过 passed",
}

func (m Made) text(b *strings.Builder) {
	fmt.Fprintf(b, "       %s: %s\n", kinds[m.Kind], m.Name)
	line := func(label, value string) {
		if value != "" {
			fmt.Fprintf(b, "         %s: %s\n", label, value)
		}
	}
	line("主体 subject", m.Subject)
	line("序列号 serial number", m.Serial)
	if m.Number > 0 {
		line("编号 number", fmt.Sprint(m.Number))
	}
	if m.NotBefore != nil && m.NotAfter != nil {
		line("有效期 valid", stamp(*m.NotBefore)+" – "+stamp(*m.NotAfter))
	}
	line("签名密钥 signed by the key", m.SignedBy)
	line("公钥 public point", m.Point)
	line("SM3", m.SM3)
}

// Groups returns a digest in hexadecimal, in groups of four digits.
func Groups(digest [sm3.Size]byte) string {
	text := hex.EncodeToString(digest[:])
	var groups []string
	for ; len(text) > 0; text = text[4:] {
		groups = append(groups, text[:4])
	}
	return strings.Join(groups, " ")
}
