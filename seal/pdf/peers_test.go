package pdf

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/pki/cms"
	"github.com/elicence/elicence/pki/path"
	"github.com/elicence/elicence/pki/tsa"
	ses "github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/pdf/revision"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

// western signs with a key of RSA or ECDSA, by OpenSSL.
type western struct{ dir string }

func newWestern(tb testing.TB, key ...string) western {
	tb.Helper()
	w := western{tb.TempDir()}
	tooltest.Run(tb, "openssl", append([]string{
		"req", "-x509", "-nodes", "-subj", "/CN=Jane Doe", "-days", "36500", "-keyout", w.file("key"), "-out", w.file("cert")}, key...)...)
	return w
}

func (w western) file(name string) string { return filepath.Join(w.dir, name) }

// contents signs what a prepared file covers.
func (w western) contents(tb testing.TB, p *Prepared) []byte {
	tb.Helper()
	var waiting bytes.Buffer
	if _, err := p.WriteUnsigned(&waiting); err != nil {
		tb.Fatal(err)
	}
	r := p.ByteRange()
	covered := append(bytes.Clone(waiting.Bytes()[:r[1]]), waiting.Bytes()[r[2]:]...)
	if err := os.WriteFile(w.file("content"), covered, 0o600); err != nil {
		tb.Fatal(err)
	}
	tooltest.Run(tb, "openssl", "cms", "-sign", "-binary", "-md", "sha256", "-outform", "DER",
		"-signer", w.file("cert"), "-inkey", w.file("key"), "-in", w.file("content"), "-out", w.file("cms"))
	der, err := os.ReadFile(w.file("cms"))
	if err != nil {
		tb.Fatal(err)
	}
	return der
}

// exhibit is a file that is shown to other programs.
type exhibit struct {
	name    string
	file    []byte
	sm2     bool   // pyHanko cannot tell whether its signatures are right
	broken  bool   // they do not fit what they cover
	pyHanko string // what it says of later changes where it allows what we do not
	dss     string // likewise
}

// exhibits are files with signatures, good and attacked.
func exhibits(t *testing.T) []exhibit {
	t.Helper()
	s, w := newSigners(t), newWestern(t, "-newkey", "rsa:2048")
	form := victim
	form.objects = slices.Clone(victim.objects)
	form.objects[1] = "<</Type/Annot/Subtype/Text/Rect[200 10 220 30]/Contents(note)>>" // they refuse references to nothing
	stamp := func(x float64) Stamp {
		stamp := personStamp()
		stamp.Marks[0].X = x
		return stamp
	}
	one := put(t, form.bytes(), stamp(60), w.contents)
	plain := put(t, sample{}.bytes(), stamp(60), w.contents)
	preserved, err := open(t, one).AddDSS(DSS{Certificates: [][]byte{s.sealCert.DER}})
	if err != nil {
		t.Fatal(err)
	}
	person := put(t, form.bytes(), stamp(60), s.personContents)
	inCMS := put(t, form.bytes(), s.in(ses.ProfileCAdES).stamp(120), s.in(ses.ProfileCAdES).sealContents)
	after := func(change func(attacker)) []byte { return updated(t, one, change) }
	return []exhibit{
		{name: "one", file: one},
		{name: "two", file: put(t, one, stamp(120), w.contents)},
		{name: "validation data", file: fileOf(t, preserved)},
		{name: "validation data, and two", file: put(t, fileOf(t, preserved), stamp(120), w.contents)},
		{name: "field filled in", file: after(func(a attacker) { a.set(5, "V", syntax.String("Wang Wei")) })},
		{name: "contents overwritten", file: after(func(a attacker) { a.PutStream(syntax.Ref{Num: 3}, &syntax.Dict{}, []byte(evil)) })},
		{name: "page turned", file: after(func(a attacker) { a.set(10, "Rotate", int64(180)) })},
		{name: "widget moved", file: after(func(a attacker) {
			w, _, _ := a.widget()
			a.set(w, "Rect", numbers([]float64{0, 0, 100, 100}))
		}), dss: "allowed"},
		{name: "script added", file: after(func(a attacker) {
			a.set(1, "OpenAction", syntax.DictOf("S", syntax.Name("JavaScript"), "JS", syntax.String("1")))
		})},
		{name: "comment added", file: after(func(a attacker) {
			a.add(10, "Annots", a.made("<</Type/Annot/Subtype/FreeText/Rect[10 10 90 90]/Contents(see me)>>"))
		}), dss: "allowed"},
		// pyHanko has no level for properties of the document.
		{name: "properties changed", file: after(func(a attacker) {
			*a.doc.now.Trailer() = *a.doc.now.Trailer().With("Info", a.made("<</Title(x)>>"))
		}), pyHanko: "LTA_UPDATES"},
		{name: "metadata added", file: after(func(a attacker) { a.set(1, "Metadata", a.made(xmp("x"))) }), pyHanko: "LTA_UPDATES"},
		{name: "metadata that are none", file: after(func(a attacker) {
			a.set(1, "Metadata", a.made("<</Type/Metadata/Subtype/XML/Length 3>>\nstream\n0 g\nendstream"))
		}), dss: "allowed"},
		{name: "marked", file: after(func(a attacker) { a.set(1, "MarkInfo", syntax.DictOf("Marked", true)) }), pyHanko: "LTA_UPDATES"},
		{name: "page mode", file: after(func(a attacker) { a.set(1, "PageMode", syntax.Name("FullScreen")) })},
		// Both compare revisions alone, not what lies behind the last one.
		{name: "bytes behind the end", file: append(bytes.Clone(one), "% more"...), pyHanko: "NONE", dss: "allowed"},
		{name: "a byte flipped", file: swap(t, bytes.Clone(one), "contents of the page", "contents of the pagf"), broken: true},
		{name: "wrapped", file: wrapped(t, plain), broken: true},
		{name: "SM2", file: person, sm2: true},
		{name: "SM2, two", file: put(t, person, stamp(120), s.personContents), sm2: true},
		{name: "SM2, a byte flipped", file: swap(t, bytes.Clone(person), "contents of the page", "contents of the pagf"), sm2: true, broken: true},
		{name: "seal", file: put(t, form.bytes(), s.stamp(120), s.sealContents)},
		{name: "seal, and a person", file: put(t, put(t, form.bytes(), s.stamp(120), s.sealContents), stamp(60), s.personContents), sm2: true},
		{name: "seal in CMS", file: inCMS, sm2: true},
		{name: "seal in CMS, and a person", file: put(t, inCMS, stamp(60), s.personContents), sm2: true},
		{name: "seal in CMS, a byte flipped", file: swap(t, bytes.Clone(inCMS), "contents of the page", "contents of the pagf"), sm2: true, broken: true},
		{name: "seal in CMS, contents overwritten", file: updated(t, inCMS, func(a attacker) { a.PutStream(syntax.Ref{Num: 3}, &syntax.Dict{}, []byte(evil)) }), sm2: true},
		{name: "seal in CMS, another seal in it", file: put(t, form.bytes(), s.in(ses.ProfileCAdES).stamp(120), func(tb testing.TB, p *Prepared) []byte {
			return swap(t, s.in(ses.ProfileCAdES).sealContents(tb, p), "合肥市样例局", "合肥市样列局")
		}), sm2: true, broken: true},
	}
}

// savedAll puts every exhibit where another program can read it.
func savedAll(t *testing.T, all []exhibit) []string {
	t.Helper()
	dir := t.TempDir()
	var paths []string
	for i, e := range all {
		path := filepath.Join(dir, fmt.Sprintf("%02d.pdf", i))
		if err := os.WriteFile(path, e.file, 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

// worst is what came after a signature in pyHanko's words.
func worst(changes []revision.Change) string {
	level := 0
	for _, c := range changes {
		switch c.Kind {
		case revision.ValidationData:
			level = max(level, 1)
		case revision.SignatureAdded, revision.FormFill, revision.MetadataChanged:
			level = max(level, 2)
		case revision.AnnotationAdded, revision.Modified: // comments are suspicious to it as well
			level = 3
		}
	}
	return []string{"NONE", "LTA_UPDATES", "FORM_FILLING", "OTHER"}[level]
}

// TestPyHankoAgrees: pyHanko finds the revisions, coverage and later changes that we find.
func TestPyHankoAgrees(t *testing.T) {
	t.Parallel()
	all := exhibits(t)
	type found struct {
		Field, Coverage, Changes, Signature string
		Range                               []int64
	}
	for i, line := range tooltest.Python(t, "signatures", savedAll(t, all)...) {
		e := all[i]
		var theirs struct {
			Error      string
			Revisions  int
			Signatures []found
		}
		if err := json.Unmarshal([]byte(line), &theirs); err != nil {
			t.Fatalf("%s: %v in %q", e.name, err, line)
		}
		list := signatures(t, e.file)
		if len(list[0].Faults) > 0 {
			if theirs.Error == "" && slices.ContainsFunc(theirs.Signatures, func(f found) bool { return strings.HasPrefix(f.Coverage, "ENTIRE") }) {
				t.Errorf("%s: pyHanko finds whole coverage: %s", e.name, line)
			}
			continue
		}
		var ours []found
		for _, s := range list {
			if s.SubFilter == SubFilterSeal {
				continue // no CMS: it does not list them
			}
			f := found{Field: s.Field, Coverage: "ENTIRE_REVISION", Changes: worst(s.Changes), Signature: "valid", Range: s.ByteRange}
			if s.CoversFile {
				f.Coverage = "ENTIRE_FILE"
			}
			switch {
			case e.pyHanko != "":
				f.Changes = e.pyHanko
			case e.sm2:
				f.Signature = "unknown: AttributeError"
			case e.broken:
				f.Signature = "broken"
			}
			ours = append(ours, f)
		}
		if theirs.Error != "" || theirs.Revisions != open(t, e.file).file.Revision(0) || fmt.Sprint(theirs.Signatures) != fmt.Sprint(ours) {
			t.Errorf("%s: pyHanko says %s, want %+v", e.name, line, ours)
		}
	}
}

// TestDSSAgrees: EU DSS finds the coverage that we find, and knows which later changes
// nothing allows; BouncyCastle accepts the CMS signatures that PDFBox takes out of the
// files, those with SM2 too, and no broken one.
func TestDSSAgrees(t *testing.T) {
	t.Parallel()
	all := exhibits(t)
	answers := strings.Split(strings.Join(tooltest.Maven(t, "dss", savedAll(t, all)...), "\n")+"\n", "\n\n")
	for i, e := range all {
		var dss, bc []string
		list := signatures(t, e.file)
		for _, s := range list {
			r := strings.Trim(strings.ReplaceAll(fmt.Sprint(s.ByteRange), " ", ","), "[]")
			if s.SubFilter == SubFilterSeal {
				bc = append(bc, "bc "+r+" refused")
				continue
			}
			coverage, allowed := "part", "allowed"
			if s.CoversFile {
				coverage = "whole"
			}
			if worst(s.Changes) == "OTHER" {
				allowed = "modified"
			}
			if e.dss != "" {
				allowed = e.dss
			}
			verdict := "accepted"
			if e.broken {
				verdict = "refused"
			}
			dss, bc = append(dss, "dss "+r+" "+coverage+" "+allowed), append(bc, "bc "+r+" "+verdict)
		}
		var theirs []string
		for _, line := range strings.Split(strings.TrimSpace(answers[i]), "\n") {
			if strings.HasPrefix(line, "bc ") {
				line = strings.Join(strings.SplitN(line, " ", 4)[:3], " ") // without the reason
			}
			theirs = append(theirs, line)
		}
		if want := slices.Concat(dss, bc); !slices.Equal(theirs, want) {
			t.Errorf("%s: they say %q, want %q", e.name, theirs, want)
		}
	}
}

// TestTongsuoVerifies: Tongsuo's command accepts the CMS of persons and of seals and refuses
// it over a changed file.
func TestTongsuoVerifies(t *testing.T) {
	t.Parallel()
	s := newSigners(t)
	for name, file := range map[string][]byte{
		"person": put(t, sample{}.bytes(), personStamp(), s.personContents),
		"seal":   put(t, sample{}.bytes(), s.in(ses.ProfileCAdES).stamp(60), s.in(ses.ProfileCAdES).sealContents),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tongsuoVerifies(t, file)
		})
	}
}

func tongsuoVerifies(t *testing.T, file []byte) {
	t.Helper()
	sig := signatures(t, file)[0]
	dir := t.TempDir()
	write := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	covered := append(bytes.Clone(file[:sig.ByteRange[1]]), file[sig.ByteRange[2]:]...)
	broken := swap(t, bytes.Clone(covered), "contents of the page", "contents of the pagf")
	spoilt := bytes.Clone(sig.Contents)
	spoilt[len(spoilt)-1] ^= 1
	for name, tt := range map[string]struct {
		signature, content []byte
		accept             bool
	}{
		"ours":              {sig.Contents, covered, true},
		"a byte flipped":    {sig.Contents, broken, false},
		"another signature": {spoilt, covered, false},
	} {
		out, err := tooltest.Try(t, "tongsuo", "cms", "-verify", "-binary", "-inform", "DER", "-noverify", "-out", os.DevNull,
			"-in", write("signature", tt.signature), "-content", write("content", tt.content))
		if (err == nil) != tt.accept {
			t.Errorf("%s: Tongsuo says %v %s, want accepted %v", name, err, out, tt.accept)
		}
	}
}

// TestPyHankoSigns: files that pyHanko signed, with its own authority, up to B-LTA. Every
// signature and time stamp is found good and noted; as nobody here is asked what that
// authority revoked, the last word is that nobody can say. What was changed is found out.
func TestPyHankoSigns(t *testing.T) {
	t.Parallel()
	s, dir := newSigners(t), t.TempDir()
	cases := tooltest.Python(t, "foreign", saveFile(t, sample{}.bytes()), dir)
	read := func(name string) []byte {
		t.Helper()
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return content
	}
	trust := s.trust
	trust.Imported = x509.NewCertPool()
	if !trust.Imported.AppendCertsFromPEM(read("root.pem")) {
		t.Fatal("no root")
	}
	judge := func(file []byte) *Report {
		t.Helper()
		report, err := open(t, file).Verify(context.Background(), trust)
		if err != nil {
			t.Fatal(err)
		}
		return report
	}
	stamps := map[string]int{"b-t": 1, "b-lt": 1, "b-lta": 2, "stamped": 1}
	if want := []string{"rsa", "pades", "pss", "pss-sha512", "ed25519", "p384", "b-t", "b-lt", "b-lta", "stamped", "stamped-says", "two", "certified"}; !slices.Equal(cases, want) {
		t.Fatalf("pyHanko made %q, want %q", cases, want)
	}
	for _, name := range cases {
		file := read(name + ".pdf")
		report := judge(file)
		if name == "stamped-says" {
			if err := report.Err(); !errors.Is(err, ErrModified) || !strings.Contains(err.Error(), "/TU") {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err := report.Err(); !errors.Is(err, path.ErrCannotSay) || errors.Is(err, path.ErrUntrusted) {
			t.Errorf("%s: %v", name, err)
		}
		noted, persons := 0, 0
		for i := range report.Signatures {
			signed := &report.Signatures[i]
			if signed.Kind == SignerPerson {
				persons++
			}
			for _, c := range signed.Checks {
				if c.Err != nil && c.Name != "certificate" {
					t.Errorf("%s, %s: %s: %v", name, signed.Field, c.Name, c.Err)
				}
				if c.Name == ses.CheckTimeStamp && strings.HasPrefix(c.Note, "Foreign Clock, an authority that is not ours, says 20") {
					noted++
				}
			}
		}
		if want := map[string]int{"two": 2}[name]; noted != stamps[name] || persons != max(1, want) {
			t.Errorf("%s: %d persons, %d time stamps, want %d", name, persons, noted, stamps[name])
		}
		broken := swap(t, bytes.Clone(file), "contents of the page", "contents of the pagf")
		if err := judge(broken).Err(); !errors.Is(err, cms.ErrWrongSignature) {
			t.Errorf("%s, a byte flipped: %v", name, err)
		}
		changed := updated(t, file, func(a attacker) { a.PutStream(syntax.Ref{Num: 3}, &syntax.Dict{}, []byte(evil)) })
		if err := judge(changed).Err(); !errors.Is(err, ErrModified) {
			t.Errorf("%s, changed after: %v", name, err)
		}
	}
	// A document time stamp of something else.
	report := judge(swap(t, read("b-lta.pdf"), "contents of the page", "contents of the pagf"))
	last := report.Signatures[len(report.Signatures)-1]
	if err := last.Err(); last.Kind != SignerStamp || !errors.Is(err, tsa.ErrOtherImprint) {
		t.Errorf("a document time stamp over a changed file: %v, %v", last.Kind, err)
	}
}
