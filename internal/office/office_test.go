package office_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/auditlog"
	"github.com/elicence/elicence/internal/datafolder"
	"github.com/elicence/elicence/internal/goldentest"
	"github.com/elicence/elicence/internal/inspect"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/internal/typeset"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/cosign"
	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/qr"
	"github.com/elicence/elicence/qr/picture"
	"github.com/elicence/elicence/qr/verify"
	"github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/cloudsign"
	"github.com/elicence/elicence/seal/impression"
	"github.com/elicence/elicence/seal/pdf"
	"github.com/elicence/elicence/seal/placement"
)

var ctx = context.Background()

// noon is a fixed moment for pictures and dates.
func noon() time.Time { return time.Date(2026, 5, 1, 4, 0, 0, 0, time.UTC) }

func blank(tb testing.TB, pages int) *pdf.Document {
	tb.Helper()
	doc := typeset.New(typeset.Info{Title: "空白", Time: noon()})
	for range pages {
		doc.Page(210, 297)
	}
	b, err := doc.PDF()
	if err != nil {
		tb.Fatal(err)
	}
	return open(tb, b)
}

func open(tb testing.TB, b []byte) *pdf.Document {
	tb.Helper()
	doc, err := pdf.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		tb.Fatal(err)
	}
	return doc
}

func content(tb testing.TB, p *pdf.Prepared) []byte {
	tb.Helper()
	var out bytes.Buffer
	if _, err := p.WriteTo(&out); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

func inspector(tb testing.TB, f *officetest.Fixture) *inspect.Inspector {
	tb.Helper()
	if _, err := f.Office.Publish(ctx, "test"); err != nil {
		tb.Fatal(err)
	}
	i, err := f.Office.Inspector(ctx, second.Opinion{})
	if err != nil {
		tb.Fatal(err)
	}
	return i
}

// phone is a citizen's device.
type phone struct {
	masked cosign.Masked
	id     string
}

func enrol(tb testing.TB, f *officetest.Fixture, name, pin string) phone {
	tb.Helper()
	id := office.NewEnrolmentID()
	enrolling, request, err := cosign.NewDevice([]byte(id))
	if err != nil {
		tb.Fatal(err)
	}
	e, err := f.Office.Enrol(ctx, "test", id, name, request)
	if err != nil {
		tb.Fatal(err)
	}
	key, err := office.EnrolledKey(e)
	if err != nil {
		tb.Fatal(err)
	}
	masked, err := enrolling.Finish(key).Mask([]byte(pin), make([]byte, cosign.SaltSize))
	if err != nil {
		tb.Fatal(err)
	}
	return phone{masked, id}
}

// sign signs as a device does, with the digest that it computes itself.
func (p phone) sign(tb testing.TB, f *officetest.Fixture, doc *pdf.Document, place placement.Place, pin string) (*pdf.Prepared, error) {
	tb.Helper()
	run, err := f.Office.BeginSigning(ctx, "test", p.id, doc, place, "同意")
	if err != nil {
		tb.Fatal(err)
	}
	document, r, err := run.Document()
	if err != nil {
		tb.Fatal(err)
	}
	covered := append(bytes.Clone(document[r[0]:r[0]+r[1]]), document[r[2]:r[2]+r[3]]...)
	waiting, err := pdf.Resume(bytes.NewReader(document), int64(len(document)))
	if err != nil {
		tb.Fatal(err)
	}
	if waiting.Digest() != sm3.Sum(covered) {
		tb.Fatal("the service's document has another digest")
	}
	message, err := waiting.Message(run.Certificate())
	if err != nil {
		tb.Fatal(err)
	}
	device, err := p.masked.Unmask([]byte(pin))
	if err != nil {
		tb.Fatal(err)
	}
	pending, commitment, err := device.Begin([]byte(run.ID()), message)
	if err != nil {
		tb.Fatal(err)
	}
	answer, err := run.Answer(ctx, commitment)
	if err != nil {
		return nil, err
	}
	sig, err := pending.Finish(answer)
	if err != nil {
		return nil, err
	}
	return run.Finish(ctx, sig)
}

// TestGoldenPictures: a sealed licence and a document with a seal, its code and a
// cloud signature, as they look. Codes and random numbers are masked.
func TestGoldenPictures(t *testing.T) {
	t.Parallel()
	f := officetest.At(t, noon)
	_, a := f.Application(t, "066")
	a.IssueDate = "2026-04-30"
	r, err := f.Office.Issue(ctx, "test", 66, a, office.IssueOptions{})
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := f.Office.PDF(ctx, "test", r)
	if err != nil {
		t.Fatal(err)
	}
	dots := func(x0, y0, x1, y1 float64) image.Rectangle { // millimetres
		const scale = 72 / 25.4
		return image.Rect(int(x0*scale), int(y0*scale), int(x1*scale)+1, int(y1*scale)+1)
	}
	goldentest.Compare(t, sealed, 1, "testdata/sealed-licence.png", dots(22, 214, 66, 260), dots(20, 268, 190, 277))

	doc := blank(t, 2)
	stamped, err := f.Office.Stamp(ctx, "test", doc, office.StampRequest{SealID: f.Seal.ID, Place: placement.Place{Pages: placement.LastPage, X: 130, Y: 90}, Number: "皖样〔2026〕1号"})
	if err != nil {
		t.Fatal(err)
	}
	if doc, err = stamped.Document(); err != nil {
		t.Fatal(err)
	}
	signed, err := enrol(t, f, "欧阳龘䶮", "1234").sign(t, f, doc, placement.Place{Pages: "2", X: 100, Y: 180}, "1234")
	if err != nil {
		t.Fatal(err)
	}
	goldentest.Compare(t, content(t, signed), 2, "testdata/stamped-document.png", dots(60, 68, 106, 112))
}

func TestIssueIsIdempotent(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	_, a := f.Application(t, "066")
	first, err := f.Office.Issue(ctx, "test", 66, a, office.IssueOptions{RequestID: "r1"})
	if err != nil {
		t.Fatal(err)
	}
	again, err := f.Office.Issue(ctx, "test", 66, a, office.IssueOptions{RequestID: "r1"})
	if err != nil || again.Licence.Identifier != first.Licence.Identifier || !bytes.Equal(again.Signed, first.Signed) {
		t.Errorf("the same request again: %v, %v", again.Licence, err)
	}
	a.Holder.Name = "另一家公司"
	if _, err := f.Office.Issue(ctx, "test", 66, a, office.IssueOptions{RequestID: "r1"}); !errors.Is(err, licence.ErrRequestReused) {
		t.Errorf("the same request with other content: %v, want ErrRequestReused", err)
	}
	// Many at once: one licence.
	_, b := f.Application(t, "069")
	ids := make(chan licence.Identifier, 16)
	for range cap(ids) {
		go func() {
			r, err := f.Office.Issue(ctx, "test", 69, b, office.IssueOptions{RequestID: "r2"})
			if err != nil {
				t.Errorf("one of many: %v", err)
				ids <- licence.Identifier{}
				return
			}
			ids <- r.Licence.Identifier
		}()
	}
	seen := make(map[licence.Identifier]bool)
	for range cap(ids) {
		seen[<-ids] = true
	}
	if len(seen) != 1 {
		t.Errorf("%d licences for one request", len(seen))
	}
}

// TestEveryCategoryIsIssued: all 195, and their codes within the limit for paper.
func TestEveryCategoryIsIssued(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	for _, c := range f.Office.Catalogue().Categories() {
		r := f.Issue(t, c.ID.String())
		code, err := f.Office.Code(ctx, "test", r)
		if err != nil {
			t.Fatalf("category %s: %v", c.ID, err)
		}
		_, b, err := qr.Decode(code.Digits)
		if err != nil || len(b) > qr.MaxPaper || code.Cut {
			t.Errorf("category %s: %d bytes, cut %v, %v", c.ID, len(b), code.Cut, err)
		}
		// Nobody's citizen number is in a code, and none in an identifier.
		if number := r.Licence.Holders[0].IDNumber; r.Licence.Holders[0].IDType == licence.IDTypeCitizenNumber {
			if bytes.Contains(b, []byte(number)) {
				t.Errorf("category %s: the code holds the holder's citizen number", c.ID)
			}
			if strings.Contains(r.Licence.Identifier.String(), number) {
				t.Errorf("category %s: the identifier holds the holder's citizen number", c.ID)
			}
		}
	}
	if i := inspector(t, f); i == nil {
		t.Error("no inspector")
	}
}

// TestLongestValues: where everything is as long as it may be the code is cut by the
// stated rule, and still verifies.
func TestLongestValues(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	c, a := f.Application(t, "097")
	a.Holder.Name = strings.Repeat("长", 300)
	for _, field := range c.QRFields() {
		if field.Type == "string" {
			a.Fields[field.Code] = licence.ApplicationValue{Text: strings.Repeat("值", field.MaxLen)}
		}
	}
	r, err := f.Office.Issue(ctx, "test", 97, a, office.IssueOptions{})
	if err != nil {
		t.Fatal(err)
	}
	code, err := f.Office.Code(ctx, "test", r)
	if err != nil || !code.Cut {
		t.Fatalf("cut %v, %v, want a cut code", code.Cut, err)
	}
	if found := inspector(t, f).Code(code.Digits); found.Verdict != verify.Valid || !strings.HasSuffix(*found.Code.Holder, "…") {
		t.Errorf("%s (%s)", found.Verdict, found.Cause)
	}
	if _, err := f.Office.PDFWithCode(ctx, "test", r, code); err != nil {
		t.Errorf("the page of a licence with long values: %v", err)
	}
}

func readPicture(tb testing.TB, img image.Image) string {
	tb.Helper()
	var file bytes.Buffer
	if err := png.Encode(&file, img); err != nil {
		tb.Fatal(err)
	}
	text, err := picture.Read(file.Bytes())
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

func TestWrongPINsLock(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	p := enrol(t, f, "张样例", "right")
	place := placement.Place{Pages: "1", X: 60, Y: 60}
	if _, err := p.sign(t, f, blank(t, 1), place, "right"); err != nil {
		t.Fatalf("the right PIN: %v", err)
	}
	for i := range cloudsign.MaxTries {
		if _, err := p.sign(t, f, blank(t, 1), place, "wrong"); !errors.Is(err, cosign.ErrResult) {
			t.Fatalf("wrong PIN %d: %v, want ErrResult", i+1, err)
		}
	}
	if _, err := p.sign(t, f, blank(t, 1), place, "right"); !errors.Is(err, cloudsign.ErrLocked) {
		t.Errorf("the right PIN after %d wrong ones: %v, want ErrLocked", cloudsign.MaxTries, err)
	}
}

// TestPersonalSignature: a person's signature does not pass for a seal, and a
// changed document shows.
func TestPersonalSignature(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	signed, err := enrol(t, f, "张样例", "1").sign(t, f, blank(t, 1), placement.Place{Pages: "1", X: 60, Y: 60}, "1")
	if err != nil {
		t.Fatal(err)
	}
	i := inspector(t, f)
	found, err := i.File(ctx, content(t, signed))
	if err != nil || found.Verdict != verify.Valid || found.Document.Signatures[0].Kind != "person" || found.Document.Signatures[0].Signer != "张样例" {
		t.Errorf("%+v, %v", found, err)
	}
	b := content(t, signed)
	b[len(b)/10] ^= 1
	if found, err := i.File(ctx, b); err == nil && found.Verdict == verify.Valid {
		t.Error("a changed document is valid")
	}
}

// carrying is a sealed document with a licence's signed form inside.
func carrying(tb testing.TB, f *officetest.Fixture, signed []byte, sealID string) []byte {
	tb.Helper()
	doc := typeset.New(typeset.Info{Title: "冒充"})
	doc.Page(210, 297)
	if err := doc.Attach(typeset.Attachment{Name: "licence.cose", MediaType: "application/cose", Data: signed, Relationship: typeset.Data}); err != nil {
		tb.Fatal(err)
	}
	b, err := doc.PDF()
	if err != nil {
		tb.Fatal(err)
	}
	sealed, err := f.Office.Stamp(ctx, "test", open(tb, b), office.StampRequest{SealID: sealID, Place: placement.Place{Pages: "1", X: 60, Y: 60}}.Issuing(signed))
	if err != nil {
		tb.Fatal(err)
	}
	return content(tb, sealed)
}

// opinion is a second opinion that always answers the same.
type opinion struct {
	accepts bool
	err     error
}

func (o opinion) Verify(pki.Point, []byte, pki.Signature) (bool, error) { return o.accepts, o.err }

// TestForgedLicenceInside: a licence whose signature is wrong, in a document that its
// issuer has sealed, is tampered with only if both implementations say so. A second
// opinion without room does not keep the trust files out.
func TestForgedLicenceInside(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	forged := bytes.Clone(f.Issue(t, "066").Signed)
	forged[len(forged)-1] ^= 1
	sealed := carrying(t, f, forged, f.Seal.ID)
	if _, err := f.Office.Publish(ctx, "test"); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		second pki.SecondOpinion
		want   verify.Verdict
		cause  verify.CauseCode
	}{
		{"both refuse", second.Opinion{}, verify.Tampered, "licence_signature"},
		{"the second accepts", opinion{accepts: true}, verify.NoData, verify.CauseDisagree},
		{"the second is busy", opinion{err: pki.ErrBusy}, verify.NoData, verify.CauseBusy},
	} {
		i, err := f.Office.Inspector(ctx, tt.second)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		found, err := i.File(ctx, sealed)
		if err != nil || found.Verdict != tt.want || found.CauseCode != tt.cause {
			t.Errorf("%s: %s (%s), %v, want %s (%s)", tt.name, found.Verdict, found.CauseCode, err, tt.want, tt.cause)
		}
	}
	// The disagreement, and it alone, is told to the operator and stands in the log.
	events := f.Events()
	if len(events) != 1 || events[0].Kind != office.EventDisagreement || events[0].Err != nil {
		t.Fatalf("events %v, want one disagreement", events)
	}
	logged := 0
	err := f.Office.AuditLog().Entries(ctx, func(e auditlog.Entry) error {
		if e.Entry.Act == audit.ActDisagree && e.Entry.Subject == events[0].Subject {
			logged++
		}
		return nil
	})
	if err != nil || logged != 1 {
		t.Errorf("%d entries of it in the log, %v, want 1", logged, err)
	}
}

// TestLicenceSealedByAnotherBody: a true licence's signed form inside a
// document that another body sealed is not that licence's document.
func TestLicenceSealedByAnotherBody(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	applied, err := f.Office.ApplySeal(ctx, officetest.Clerk, office.NewSeal{OwnerUSCC: "91340199XN0000012Q", OwnerName: "某公司", Design: impression.Company("某某样例公司")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Office.ApproveSeal(ctx, officetest.Approver, applied.ID); err != nil {
		t.Fatal(err)
	}
	sealed := carrying(t, f, f.Issue(t, "066").Signed, applied.ID)
	found, err := inspector(t, f).File(ctx, sealed)
	if err != nil || found.Verdict != verify.OutOfScope {
		t.Errorf("%s (%s), %v, want out_of_scope", found.Verdict, found.Cause, err)
	}
}

func TestSealNeedsTwoPeople(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	applied, err := f.Office.ApplySeal(ctx, "甲", office.NewSeal{OwnerUSCC: f.Authority.USCC, Design: impression.Government(impression.Department, "安徽省测试局")})
	if err != nil {
		t.Fatal(err)
	}
	request := office.StampRequest{SealID: applied.ID, Place: placement.Place{Pages: "1", X: 60, Y: 60}}
	if _, err := f.Office.Stamp(ctx, "甲", blank(t, 1), request); !errors.Is(err, seal.ErrState) {
		t.Errorf("before approval: %v, want ErrState", err)
	}
	if _, err := f.Office.ApproveSeal(ctx, "甲", applied.ID); !errors.Is(err, seal.ErrSamePerson) {
		t.Errorf("by the same person: %v, want ErrSamePerson", err)
	}
	if _, err := f.Office.ApproveSeal(ctx, "乙", applied.ID); err != nil {
		t.Errorf("by another: %v", err)
	}
	if _, err := f.Office.Stamp(ctx, "甲", blank(t, 1), request); err != nil {
		t.Errorf("after approval: %v", err)
	}
}

// TestDocumentCode: the code printed beside a seal names exactly the file that was
// sealed.
func TestDocumentCode(t *testing.T) {
	t.Parallel()
	for _, p := range seal.Profiles() {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			testDocumentCode(t, p)
		})
	}
}

func testDocumentCode(t *testing.T, p seal.Profile) {
	t.Helper()
	f := officetest.New(t)
	doc := blank(t, 1)
	original, err := doc.Digest(doc.Size())
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := f.Office.Stamp(ctx, "test", doc, office.StampRequest{SealID: f.Seal.ID, Profile: p, Place: placement.Place{Pages: "1", X: 120, Y: 150}, Number: "皖样〔2026〕2号"})
	if err != nil {
		t.Fatal(err)
	}
	b := content(t, sealed)
	found := inspector(t, f).Code(readPicture(t, goldentest.Draw(t, b, 1, 200)))
	d := found.Code.Document
	if found.Verdict != verify.Valid || d == nil || d.Number != "皖样〔2026〕2号" || len(d.Seals) != 1 || d.Seals[0] != f.Seal.ID {
		t.Fatalf("%s (%s), %+v", found.Verdict, found.Cause, d)
	}
	if d.Digest != original || sm3.Sum(b[:d.Length]) != d.Digest {
		t.Error("the code does not name the bytes of the file as it was before it was sealed")
	}
	isOriginal(t, f, readPicture(t, goldentest.Draw(t, b, 1, 200)), sealed)
}

// isOriginal holds the electronic file against the code of its print: the file, what came
// to it since, and files that are others.
func isOriginal(t *testing.T, f *officetest.Fixture, code string, sealed *pdf.Prepared) {
	t.Helper()
	i := inspector(t, f)
	doc, err := sealed.Document()
	if err != nil {
		t.Fatal(err)
	}
	again, err := f.Office.Stamp(ctx, "test", doc, office.StampRequest{SealID: f.Seal.ID, Place: placement.Place{Pages: "1", X: 60, Y: 60}})
	if err != nil {
		t.Fatal(err)
	}
	changed := append(content(t, sealed), "% more"...)
	another, err := f.Office.Stamp(ctx, "test", blank(t, 2), office.StampRequest{SealID: f.Seal.ID, Place: placement.Place{Pages: "1", X: 60, Y: 60}})
	if err != nil {
		t.Fatal(err)
	}
	// The same text with a seal that the code does not name.
	n := i.Code(code).Code.Document.Length
	bare, err := pdf.Open(bytes.NewReader(content(t, sealed)), int64(n))
	if err != nil {
		t.Fatal(err)
	}
	applied, err := f.Office.ApplySeal(ctx, officetest.Clerk, office.NewSeal{OwnerUSCC: f.Authority.USCC, Design: f.Seal.Design})
	if err != nil {
		t.Fatal(err)
	}
	other, err := f.Office.ApproveSeal(ctx, officetest.Approver, applied.ID)
	if err != nil {
		t.Fatal(err)
	}
	elsewhere, err := f.Office.Stamp(ctx, "test", bare, office.StampRequest{SealID: other.ID, Place: placement.Place{Pages: "1", X: 60, Y: 60}, Reason: "另盖"})
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		file    []byte
		verdict verify.Verdict
		cause   verify.CauseCode
		since   string // the kinds of change
	}{
		"the file":      {content(t, sealed), verify.Valid, "signatures_in_order", "signature"},
		"sealed again":  {content(t, again), verify.Valid, "signatures_in_order", "signature signature"},
		"another seal":  {content(t, elsewhere), verify.NoData, "seal_of_the_code_missing", "signature"},
		"no seal":       {content(t, sealed)[:n], verify.NoData, "no_signature", ""},
		"changed after": {changed, verify.Tampered, "document_changed", "signature modified"},
		"another file":  {content(t, another), verify.Tampered, "not_the_original", ""},
		"a part of it":  {content(t, sealed)[:100], verify.Tampered, "not_the_original", ""},
	} {
		found, err := i.Original(ctx, code, bytes.NewReader(tt.file), int64(len(tt.file)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var since []string
		if found.Document != nil {
			for _, c := range found.Document.Since {
				since = append(since, c.Kind)
			}
		}
		if found.Verdict != tt.verdict || found.CauseCode != tt.cause || strings.Join(since, " ") != tt.since {
			t.Errorf("%s: %s (%s), since %q", name, found.Verdict, found.CauseCode, since)
		}
	}
	if found, err := i.Original(ctx, "110001234567", bytes.NewReader(content(t, sealed)), int64(len(content(t, sealed)))); err != nil || found.Verdict != verify.Malformed {
		t.Errorf("a misread code: %s, %v", found.Verdict, err)
	}
}

func TestCreateRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "mine"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	good := datafolder.Config{Host: "localhost", Region: "340000", Domain: "安徽省"}
	if _, err := office.Create(ctx, dir, office.CreateOptions{Config: good}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over somebody's files: %v, want fs.ErrExist", err)
	}
	for name, c := range map[string]datafolder.Config{
		"no host":     {Region: "340000", Domain: "安徽省"},
		"host":        {Host: "a b", Region: "340000", Domain: "安徽省"},
		"region":      {Host: "localhost", Region: "34", Domain: "安徽省"},
		"no domain":   {Host: "localhost", Region: "340000"},
		"odd domain":  {Host: "localhost", Region: "340000", Domain: "安\u202e徽"},
		"upper case":  {Host: "LOCALHOST", Region: "340000", Domain: "安徽省"},
		"with a path": {Host: "localhost/x", Region: "340000", Domain: "安徽省"},
	} {
		target := filepath.Join(t.TempDir(), "data")
		if _, err := office.Create(ctx, target, office.CreateOptions{Config: c}); err == nil {
			t.Errorf("%s: created", name)
		}
		if _, err := os.Stat(target); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: something is left: %v", name, err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder with somebody's files holds %v, %v", entries, err)
	}
}

// TestOneProcess: a second one is told.
func TestOneProcess(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	if o, err := office.Open(f.Dir, office.Options{}); err == nil {
		t.Error("a data folder is opened twice")
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	}
}
