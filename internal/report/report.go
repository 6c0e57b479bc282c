package report

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	template "github.com/DataDog/datadog-agent/pkg/template/html"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/internal/inspect"
	"github.com/elicence/elicence/qr/verify"
	"github.com/elicence/elicence/seal"
)

// A Report is a verification of one file.
type Report struct {
	File       string // its name, for people
	Size       int64
	SM3        string // of the file, in hexadecimal
	At         time.Time
	Inspection inspect.Inspection
}

// words are the same in both languages.
type words struct{ ZH, EN string }

// line is both in one line.
func (w words) line() string { return strings.TrimSpace(w.ZH + "  " + w.EN) }

// page is a report as it is set, in HTML or on paper.
type page struct {
	Title       words
	Colour      string // green, amber or red
	Symbol      string
	Verdict     words
	Cause, Next words
	Facts       []fact
	Licence     []fact
	Signatures  []signature
	Since       []change // what happened to the file since a code was printed on it
	Uncovered   *words   // what no signature covers
	Cautions    []change
	Empty       *words // where there is no signature
}

// fact is a line with a label.
type fact struct {
	Label words
	Value string
}

// signature is one signature of the page.
type signature struct {
	Number       int
	Colour       string // green, amber where nobody can say, or red
	Symbol       string
	Name         string
	Kind, Result words
	Cause        words        // in detail
	Picture      []byte       // PNG
	PictureURL   template.URL // of a picture that was drawn here
	WidthMM      float64
	HeightMM     float64
	OnPage       *words
	OnPageColour string // amber where nobody can say, red where it is another; empty: it is the seal
	Facts        []fact
	Steps        []step
	Changes      []change
	Certificates []certificate
	Expert       []fact
}

// certificate is one of those behind a signature, line by line below its subject.
type certificate struct {
	Subject, Issuer, Serial string
	Validity, Revocation    string
	Cause                   words
}

type step struct {
	Good  bool
	Name  words
	Cause words // why not, or what is to be said although it passed
}

type change struct {
	Kind words
	Bad  bool
	What words
}

// lay puts a report's content in order.
func (r Report) lay() page {
	w := r.Inspection.Verdict.Wording()
	p := page{
		Title: words{"签章核验报告", "Verification of signatures and seals"}, Colour: string(w.Colour), Symbol: w.Symbol,
		Verdict: words{w.ZH, w.EN}, Cause: causeWords(r.Inspection), Next: words{r.Inspection.NextZH, r.Inspection.NextEN},
		Facts: []fact{
			{words{"文件", "File"}, r.File},
			{words{"大小", "Size"}, fmt.Sprintf("%d 字节 bytes", r.Size)},
			{words{"文件 SM3", "SM3 of the file"}, r.SM3},
			{words{"核验时间", "Verified at"}, local(r.At)},
		},
	}
	if c := r.Inspection.Code; c != nil && c.Document != nil {
		p.Facts = append(p.Facts, fact{words{"纸质件上的文件编号", "Document number on paper"}, c.Document.Number})
		p.Facts = append(p.Facts, fact{words{"核验码所记印章", "Seals that the code names"}, strings.Join(c.Document.Seals, ", ")})
	}
	d := r.Inspection.Document
	if d == nil {
		return p
	}
	p.Uncovered = uncoveredWords(d.Uncovered)
	p.Facts = append(p.Facts, fact{words{"格式与页数", "Format and pages"}, fmt.Sprintf("%s，共 %d 页 %s", d.Format, d.Pages, pagesWord(d.Pages))})
	if l := d.Integrity; l != nil {
		p.Facts = append(p.Facts, fact{words{"文件清单（GM/T 0099）", "List of its files (GM/T 0099)"}, integrityText(l)})
	}
	if e := d.Encryption; e != nil {
		zh, en := e.Words()
		p.Facts = append(p.Facts, fact{words{"加密", "Encryption"}, zh + " " + en})
	}
	if l := d.Licence; l != nil {
		p.Licence = licence(l)
	}
	if c := d.Copy; c != nil {
		p.Licence = append(p.Licence, fact{words{"加注件", "Copy for"}, c.Recipient}, fact{words{"用途", "Purpose"}, c.Purpose}, fact{words{"有效期至", "Until"}, c.Until})
	}
	for _, f := range d.Proofs {
		p.Facts = append(p.Facts, fact{words{"日志证明", "Proof of the audit log"}, proofText(f)})
	}
	for _, c := range d.Since {
		p.Since = append(p.Since, layChange(c))
	}
	for _, c := range d.Cautions {
		p.Cautions = append(p.Cautions, change{Kind: cautionWords(c.Kind), Bad: true, What: cautionWhere(c)})
	}
	for i := range d.Signatures {
		p.Signatures = append(p.Signatures, laySignature(i+1, &d.Signatures[i]))
	}
	if len(d.Signatures) == 0 {
		p.Empty = &words{"文件中没有签名或印章。页面上的图案不算印章。", "The document has no signature. A picture on a page is no seal."}
	}
	return p
}

func licence(l *inspect.LicenceFinding) []fact {
	until := "长期 long-term"
	if l.ValidUntil != nil {
		until = *l.ValidUntil
	}
	w := l.Verdict.Wording()
	return []fact{
		{words{"所附证照", "Licence inside"}, l.Category + " " + l.CategoryName},
		{words{"证照编号", "Number"}, l.Number}, {words{"持证主体", "Holder"}, l.Holder}, {words{"颁发机构", "Issuer"}, l.Issuer},
		{words{"有效期", "Validity"}, l.ValidFrom + " – " + until}, {words{"证照状态", "Status"}, w.ZH + " " + w.EN},
	}
}

func laySignature(n int, f *inspect.SignatureFinding) signature {
	w := f.Verdict.Wording()
	s := signature{Number: n, Colour: "green", Symbol: "✓", Name: f.Signer, Cause: failureWords(f), Result: words{f.CauseZH, w.EN}}
	if !f.Valid {
		s.Symbol, s.Colour = w.Symbol, string(w.Colour)
		if f.Verdict == verify.Valid {
			s.Symbol, s.Colour = "✗", "red"
		}
	}
	if s.Name == "" {
		s.Name = told(f.Field)
	}
	s.Kind = kindWords(f.Kind)
	s.Facts = plainFacts(f)
	if f.SealInfo != nil {
		s.Picture, s.WidthMM, s.HeightMM = f.SealInfo.Picture, float64(f.SealInfo.WidthMM), float64(f.SealInfo.HeightMM)
		if len(s.Picture) > 0 {
			s.PictureURL = template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(s.Picture))
		}
		s.OnPage, s.OnPageColour = onPage(f.SealInfo)
	}
	for _, c := range f.Checks {
		s.Steps = append(s.Steps, step{c.Cause == "", stepWords(c.Name), checkWords(c)})
	}
	for _, c := range f.Changes {
		s.Changes = append(s.Changes, layChange(c))
	}
	for _, c := range f.Certificates {
		s.Certificates = append(s.Certificates, layCertificate(c))
	}
	s.Expert = expertFacts(f)
	return s
}

func layCertificate(c inspect.CertificateFinding) certificate {
	w := revocationWords(c.Revocation)
	revocation := strings.TrimSpace(strings.Join([]string{w.ZH, w.EN, c.Source, localText(c.AsOf)}, " "))
	return certificate{c.Subject, c.Issuer, c.Serial, localText(c.NotBefore) + " – " + localText(c.NotAfter), revocation, words{c.CauseZH, c.Cause}}
}

func layChange(c inspect.ChangeFinding) change {
	w := changedWords(c)
	return change{changeWords(c.Kind), c.Kind == "modified", words{fmt.Sprintf("第 %d 版：%s", c.Revision, w.ZH), fmt.Sprintf("version %d: %s", c.Revision, w.EN)}}
}

// plainFacts is what everybody needs of a signature.
func plainFacts(f *inspect.SignatureFinding) []fact {
	facts := []fact{{words{"签署时间（签署人所述）", "Signed at, as the signer says"}, localText(f.SignedAt)}}
	if f.ProvenAt != "" {
		facts = append(facts, fact{words{"经证明不晚于", "Proven to exist by"}, localText(f.ProvenAt) + "  " + f.ProvenBy})
	} else {
		facts = append(facts, fact{words{"签署时间的证明", "Proof of time"}, "无 none"})
	}
	if f.Reason != "" {
		facts = append(facts, fact{words{"事由（签署人所述）", "Reason, as the signer says"}, OneLine(f.Reason)})
	}
	if f.Seal != nil {
		facts = append(facts, fact{words{"印章编码", "Code of the seal"}, *f.Seal})
	}
	facts = append(facts, fact{words{"所在页", "Page"}, cmp.Or(pagesText(f), "不显示 not shown")})
	covers := coverWords(f)
	facts = append(facts, fact{words{"签名覆盖", "Covers"}, covers.ZH + " " + covers.EN})
	known := words{"已查询", "looked up"}
	if !f.RevocationChecked {
		known = words{"未能查明", "not known"}
	}
	facts = append(facts, fact{words{"证书吊销情况", "Revocation"}, known.ZH + " " + known.EN})
	if len(f.ImportedRoots) > 0 {
		facts = append(facts, fact{words{"凭导入的根证书", "Trusted by an imported root"}, strings.Join(f.ImportedRoots, "; ")})
	}
	return facts
}

func expertFacts(f *inspect.SignatureFinding) []fact {
	facts := []fact{
		{words{"字段", "Field"}, told(f.Field)}, {words{"格式", "Format"}, f.Format},
	}
	if len(f.ByteRange) > 0 {
		facts = append(facts, fact{words{"字节范围", "ByteRange"}, fmt.Sprint(f.ByteRange)})
	}
	if f.SM3 != "" {
		facts = append(facts, fact{words{"覆盖内容 SM3", "SM3 of what is covered"}, f.SM3})
	}
	if p := f.Place; p != nil {
		facts = append(facts, fact{words{"位置（毫米）", "Place in mm"}, fmt.Sprintf("%.1f, %.1f; %.1f × %.1f", p.X, p.Y, p.Width, p.Height)})
	}
	if w := seenWords(f.Seen); w != nil {
		facts = append(facts, fact{words{"签名所载的签章位置", "Where the signature says it is seen"}, w.ZH + "  " + w.EN})
	}
	facts = append(facts, placeFacts(f.Seen)...)
	if s := f.SealInfo; s != nil {
		facts = append(facts,
			fact{words{"印章有效期", "Validity of the seal"}, localText(s.ValidFrom) + " – " + localText(s.ValidUntil)},
			profileFact(s.Profile),
			fact{words{"印章结构版本", "Version of the structure"}, fmt.Sprint(s.Version)},
			fact{words{"制章者", "Maker of the seal"}, s.Maker},
			fact{words{"印章尺寸（毫米）", "Size of the seal in mm"}, fmt.Sprintf("%d × %d", s.WidthMM, s.HeightMM)})
	}
	return facts
}

// coverWords says how much of the file a signature is over, and what came after that.
func coverWords(f *inspect.SignatureFinding) words {
	if f.CoversFile {
		return words{"全文", "the whole file"}
	}
	if strings.HasPrefix(f.Format, "OFD") {
		return words{"只是文件的一部分", "a part of the document only"}
	}
	after := words{"之后另有内容", "more came after it"}
	if len(f.Changes) > 0 && !slices.ContainsFunc(f.Changes, func(c inspect.ChangeFinding) bool {
		return c.Kind != "signature" && c.Kind != "seal upon seal" && c.Kind != "validation data"
	}) {
		after = words{"之后只增加了签名或验证资料", "only signatures or validation data came after it"}
	}
	return words{fmt.Sprintf("第 %d 版（共 %d 版），%s", f.Revision, f.Revisions, after.ZH), fmt.Sprintf("version %d of %d, %s", f.Revision, f.Revisions, after.EN)}
}

// pagesWord counts pages in English.
func pagesWord(n int) string {
	if n == 1 {
		return "1 page"
	}
	return fmt.Sprintf("%d pages", n)
}

// profileFact says in which form a seal signed.
func profileFact(profile string) fact {
	value := "GB/T 38540 (SES_Signature)"
	if profile == string(seal.ProfileCAdES) {
		value = "CMS (CAdES)"
	}
	return fact{words{"签章数据形式", "Form of the seal signature"}, value}
}

// local writes a time as people here read it.
func local(t time.Time) string { return t.In(civil.Zone).Format("2006-01-02 15:04:05 UTC+8") }

// localText is local for a time that was written for programs.
func localText(s string) string {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return s
	}
	return local(t)
}
