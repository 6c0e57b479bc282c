package ofd

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/pkitest"
	ses "github.com/elicence/elicence/seal"
)

// file is an entry of a package under test.
type file struct{ name, content string }

// unpack returns the entries of a package in their order.
func unpack(tb testing.TB, b []byte) []file {
	tb.Helper()
	archive, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		tb.Fatal(err)
	}
	var files []file
	for _, f := range archive.File {
		r, err := f.Open()
		if err != nil {
			tb.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			tb.Fatal(err)
		}
		files = append(files, file{f.Name, string(content)})
	}
	return files
}

func pack(tb testing.TB, files []file) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range files {
		entry, err := w.Create(f.name)
		if err != nil {
			tb.Fatal(err)
		}
		if _, err := io.WriteString(entry, f.content); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// tamper changes every file of a signed package, removes it, and adds one: each must be
// found, and none may be valid.
func tamper(t *testing.T, name string, b []byte, trust Trust) {
	t.Helper()
	files := unpack(t, b)
	if report, err := judge(pack(t, files), trust); err != nil || !report.Valid() {
		t.Errorf("%s packed anew: %v", name, err)
	}
	check := func(what string, changed []file) {
		t.Helper()
		report, err := judge(pack(t, changed), trust)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Errorf("%s: %s: %v", name, what, err)
			}
			return
		}
		if report.Valid() {
			t.Errorf("%s: %s: it is still valid", name, what)
		}
	}
	for i, f := range files {
		if strings.HasSuffix(f.name, "/") {
			continue
		}
		flipped := append([]file(nil), files...)
		at := len(f.content) / 2
		flipped[i].content = f.content[:at] + string(f.content[at]^1) + f.content[at+1:]
		longer := append([]file(nil), files...)
		longer[i].content += "\n"
		if f.name != "Doc_0/Signs/Signatures.xml" || name == "person" { // the list itself need not be covered
			check("a bit of "+f.name, flipped)
			check("a line end after "+f.name, longer)
		}
		check("without "+f.name, append(append([]file(nil), files[:i]...), files[i+1:]...))
	}
	check("a file added", append(append([]file(nil), files...), file{"Doc_0/Res/font_9.ttf", "x"}))
}

const (
	entryXML = `<?xml version="1.0" encoding="UTF-8"?><ofd:OFD xmlns:ofd="http://www.ofdspec.org/2016" Version="1.0" DocType="OFD"><ofd:DocBody>` +
		`<ofd:DocInfo><ofd:Title>样例</ofd:Title><ofd:CustomDatas><ofd:CustomData Name="ZZMC">营业执照</ofd:CustomData><ofd:CuslomData Name="CYRMC">张样例</ofd:CuslomData></ofd:CustomDatas></ofd:DocInfo>` +
		`<ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot></ofd:DocBody></ofd:OFD>`
	documentXML = `<ofd:Document xmlns:ofd="http://www.ofdspec.org/2016"><ofd:CommonData><ofd:PageArea><ofd:PhysicalBox>0 0 210 297</ofd:PhysicalBox></ofd:PageArea></ofd:CommonData><ofd:Pages><ofd:Page ID="1" BaseLoc="Pages/Page_0/Content.xml"/></ofd:Pages></ofd:Document>`
)

func plainFiles() []file {
	return []file{{"OFD.xml", entryXML}, {"Doc_0/Document.xml", documentXML}, {"Doc_0/Pages/Page_0/Content.xml", `<ofd:Page xmlns:ofd="http://www.ofdspec.org/2016"/>`}}
}

func TestDocument(t *testing.T) {
	t.Parallel()
	report := verify(t, pack(t, plainFiles()), Trust{})
	d := report.Document
	if d.Title != "样例" || d.Pages != 1 || d.Metadata["ZZMC"] != "营业执照" || d.Metadata["CYRMC"] != "张样例" || report.Valid() {
		t.Errorf("it is %+v, valid %v", d, report.Valid())
	}
}

// TestListIsNothingElse: no signature protects the list of signatures, so it may not be a
// page as well.
func TestListIsNothingElse(t *testing.T) {
	t.Parallel()
	entry := strings.Replace(entryXML, "</ofd:DocBody>", "<ofd:Signatures>Doc_0/Signatures.xml</ofd:Signatures></ofd:DocBody>", 1)
	for content, want := range map[string]string{
		"":                                 "",
		"<ofd:MaxSignId>1</ofd:MaxSignId>": "",
		"<ofd:Content><ofd:Layer/></ofd:Content>":                          "holds Content",
		`<ofd:Signature ID="1" BaseLoc="x"><ofd:Content/></ofd:Signature>`: "holds Signature",
	} {
		list := `<ofd:Signatures xmlns:ofd="http://www.ofdspec.org/2016">` + content + `</ofd:Signatures>`
		_, err := judge(pack(t, append([]file{{"OFD.xml", entry}, {"Doc_0/Signatures.xml", list}}, plainFiles()[1:]...)), Trust{})
		if want == "" && err != nil || want != "" && (!errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), want)) {
			t.Errorf("a list with %q: %v, want %q", content, err, want)
		}
	}
}

// Whatever the bytes are, they are read within bounds or refused, and never valid for
// somebody who trusts nobody.
func FuzzVerify(f *testing.F) {
	f.Add(pack(f, plainFiles()))
	signed := append(plainFiles(),
		file{"Doc_0/Signs/Signatures.xml", `<Signatures><Signature ID="1" Type="Seal" BaseLoc="Sign_0/Signature.xml"/></Signatures>`},
		file{"Doc_0/Signs/Sign_0/Signature.xml", `<Signature><SignedInfo><Provider ProviderName="x"/><References CheckMethod="SM3"><Reference FileRef="/OFD.xml"><CheckValue>AAAA</CheckValue></Reference></References><StampAnnot ID="1" PageRef="1" Boundary="1 2 3 4"/></SignedInfo><SignedValue>SignedValue.dat</SignedValue></Signature>`},
		file{"Doc_0/Signs/Sign_0/SignedValue.dat", "0"})
	signed[0].content = strings.Replace(entryXML, "</ofd:DocRoot>", "</ofd:DocRoot><ofd:Signatures>Doc_0/Signs/Signatures.xml</ofd:Signatures>", 1)
	f.Add(pack(f, signed))
	for _, s := range signed {
		f.Add([]byte(s.content))
	}
	nobody := pkitest.Verifier(f, pkitest.New(f, time.Now()).CA)
	trust := Trust{Seals: ses.Trust{Path: nobody}, Persons: nobody, Now: time.Now}
	f.Fuzz(func(t *testing.T, b []byte) {
		check := func(b []byte) {
			report, err := judge(b, trust)
			if err != nil {
				if !errors.Is(err, ErrMalformed) {
					t.Fatal(err)
				}
				return
			}
			if report.Valid() {
				t.Fatal("valid for somebody who trusts nobody")
			}
		}
		check(b)
		// The bytes as each of the XML files.
		for i := range signed {
			changed := append([]file(nil), signed...)
			changed[i].content = string(b)
			check(pack(t, changed))
		}
	})
}
