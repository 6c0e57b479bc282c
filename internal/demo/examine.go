package demo

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/inspect"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/qr"
	"github.com/elicence/elicence/qr/trust"
	"github.com/elicence/elicence/qr/verify"
)

// finding is what the examination says of one category's three files.
type finding struct {
	category           *catalogue.Category
	holder             string
	text, picture, pdf verify.Verdict
	codeBytes          int
}

// flips counts the verdicts on a code of which one bit was changed.
type flips struct {
	part string
	bits int
	by   map[verify.Verdict]int
}

// examination is what was found with fresh eyes.
type examination struct {
	findings  []finding
	flips     []flips
	misreads  map[verify.Verdict]int // one wrong digit
	agreement inspect.Inspection
	broken    []brokenByte
}

// brokenByte is a PDF of which one byte was changed.
type brokenByte struct {
	what    string
	verdict verify.Verdict
	cause   string
	causeZH string
}

// ErrNotAsItMustBe says that the examination found something wrong.
var ErrNotAsItMustBe = bilingual.New("检查发现不应有的情况", "the examination found something that is not as it must be")

// examine verifies everything through the files alone, offline, as a terminal
// would: what was exported, not what is in memory.
func (r *run) examine(ctx context.Context) error {
	var e examination
	var inspector *inspect.Inspector
	for _, s := range []struct {
		name  string
		parts int
		do    func(context.Context) error
	}{
		{"离线核验 every code, picture and PDF verified offline", len(r.records), func(ctx context.Context) error {
			var err error
			if inspector, err = r.freshEyes(); err != nil {
				return err
			}
			return r.examineLicences(ctx, inspector, &e)
		}},
		{"协议核验 the agreement, and forgeries of it", 4, func(ctx context.Context) error { return r.examineAgreement(ctx, inspector, &e) }},
		{"伪造与误读 every bit of a code flipped, every digit misread", 1, func(context.Context) error { return r.examineForgeries(inspector, &e) }},
	} {
		if err := r.step(ctx, s.name, s.parts, s.do); err != nil {
			return err
		}
	}
	r.found = &e
	return r.judge(&e)
}

// freshEyes loads the exported trust files, pinned to their root.
func (r *run) freshEyes() (*inspect.Inspector, error) {
	dir := os.DirFS(filepath.Join(r.dir, "trust"))
	pin, err := trust.FirstRoot(dir)
	if err != nil {
		return nil, err
	}
	return inspect.New(dir, trust.Options{Pin: &pin, Second: second.Opinion{}, Now: time.Now})
}

func (r *run) examineLicences(ctx context.Context, i *inspect.Inspector, e *examination) error {
	e.findings = make([]finding, len(r.records))
	return r.eachCategory(ctx, func(n int, c *catalogue.Category) error {
		f := finding{category: c}
		for suffix, into := range map[string]*verify.Verdict{".txt": &f.text, ".png": &f.picture, ".pdf": &f.pdf} {
			content, err := os.ReadFile(r.licencePath(c.ID, suffix))
			if err != nil {
				return err
			}
			found, err := i.File(ctx, content)
			if err != nil {
				return fmt.Errorf("%s%s: %w", c.ID, suffix, err)
			}
			*into = found.Verdict
			if suffix == ".txt" && found.Code.Holder != nil {
				f.holder = *found.Code.Holder
			}
		}
		_, b, err := qr.Decode(r.codes[n].Digits)
		if err != nil {
			return err
		}
		f.codeBytes = len(b)
		e.findings[n] = f
		return nil
	})
}

func (r *run) examineAgreement(ctx context.Context, i *inspect.Inspector, e *examination) error {
	content, err := os.ReadFile(filepath.Join(r.dir, "documents", "stamped.pdf"))
	if err != nil {
		return err
	}
	if e.agreement, err = i.File(ctx, content); err != nil {
		return err
	}
	r.Progress.Did()
	// One byte of a page, of each increment; where it lies says whom it breaks.
	first := bytes.Index(content, []byte("%%EOF"))
	second := first + 6 + bytes.Index(content[first+6:], []byte("%%EOF"))
	third := second + 6 + bytes.Index(content[second+6:], []byte("%%EOF"))
	// A digit of the date that the increment says it was signed at: a byte anywhere may
	// be one of the signature itself, which then is none at all rather than a wrong one.
	date := func(from int) int { return from + bytes.Index(content[from:], []byte("/M (D:")) + len("/M (D:") }
	for _, at := range []struct {
		what   string
		offset int
	}{
		{"正文一字节 a byte of the text", first / 2},
		{"第二个印章的增量 a byte of the second seal's increment", date(second)},
		{"签名的增量 a byte of the signature's increment", date(third)},
	} {
		wrong := bytes.Clone(content)
		wrong[at.offset] ^= 0x01
		b := brokenByte{what: at.what}
		if found, err := i.File(ctx, wrong); err != nil {
			b.verdict, b.cause = "refused", err.Error()
		} else {
			b.verdict, b.cause, b.causeZH = found.Verdict, found.Cause, found.CauseZH
		}
		e.broken = append(e.broken, b)
		r.Progress.Did()
	}
	return nil
}

// examineForgeries flips every bit of one code's bytes, with the check digits made
// anew as a forger would, and then misreads every digit of the text.
func (r *run) examineForgeries(i *inspect.Inspector, e *examination) error {
	const sample = 1 // category 001
	digits := r.codes[sample-1].Digits
	holder := r.records[sample-1].Licence.Holders[0].Name
	kind, b, err := qr.Decode(digits)
	if err != nil {
		return err
	}
	name := bytes.Index(b, []byte(holder))
	if name < 0 {
		return fmt.Errorf("the code of category %03d does not hold the name %s", sample, holder)
	}
	parts := []flips{{part: "签名 the signature"}, {part: "姓名 the holder's name"}, {part: "其他 everything else"}}
	for n := range parts {
		parts[n].by = make(map[verify.Verdict]int)
	}
	for bit := range 8 * len(b) {
		part := &parts[2]
		switch at := bit / 8; {
		case at >= len(b)-64:
			part = &parts[0]
		case at >= name && at < name+len(holder):
			part = &parts[1]
		}
		b[bit/8] ^= 1 << (bit % 8)
		forged, err := qr.Encode(kind, b)
		b[bit/8] ^= 1 << (bit % 8)
		if err != nil {
			return err
		}
		part.bits++
		part.by[i.Code(forged).Verdict]++
	}
	e.flips = parts
	e.misreads = make(map[verify.Verdict]int)
	for n := range digits {
		wrong := '0' + (digits[n]-'0'+1)%10
		e.misreads[i.Code(digits[:n]+string(wrong)+digits[n+1:]).Verdict]++
	}
	r.Progress.Did()
	return nil
}

// judge says whether everything was as it must be.
func (r *run) judge(e *examination) error {
	var wrong []string
	for _, f := range e.findings {
		want := verify.Valid
		switch f.category.ID {
		case r.revoked:
			want = verify.Revoked
		case r.suspended:
			want = verify.Suspended
		}
		for what, got := range map[string]verify.Verdict{"text": f.text, "picture": f.picture, "PDF": f.pdf} {
			if got != want {
				wrong = append(wrong, fmt.Sprintf("category %s: the %s is %s, want %s", f.category.ID, what, got, want))
			}
		}
	}
	for n, part := range e.flips {
		for verdict, count := range part.by {
			mayBe := verdict == verify.Tampered || n == 2 && (verdict == verify.Malformed || verdict == verify.Untrusted)
			if !mayBe {
				wrong = append(wrong, fmt.Sprintf("%d flipped bits of %s are %s", count, part.part, verdict))
			}
		}
	}
	for verdict, count := range e.misreads {
		if verdict != verify.Malformed {
			wrong = append(wrong, fmt.Sprintf("%d wrong digits are %s", count, verdict))
		}
	}
	if e.agreement.Verdict != verify.Valid || len(e.agreement.Document.Signatures) != 3 {
		wrong = append(wrong, "the agreement is "+string(e.agreement.Verdict)+": "+e.agreement.Cause)
	}
	for _, b := range e.broken {
		if b.verdict != verify.Tampered || !strings.Contains(b.cause, "signature ") {
			wrong = append(wrong, fmt.Sprintf("%s: %s (%s)", b.what, b.verdict, b.cause))
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%w: %s", ErrNotAsItMustBe, strings.Join(wrong, "; "))
	}
	return nil
}
