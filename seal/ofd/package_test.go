package ofd

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"slices"
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
	documentXML = `<ofd:Document xmlns:ofd="http://www.ofdspec.org/2016"><ofd:Pages><ofd:Page ID="1" BaseLoc="Pages/Page_0/Content.xml"/></ofd:Pages></ofd:Document>`
)

func plainFiles() []file {
	return []file{{"OFD.xml", entryXML}, {"Doc_0/Document.xml", documentXML}}
}

func TestDocument(t *testing.T) {
	t.Parallel()
	report := verify(t, pack(t, plainFiles()), Trust{})
	d := report.Document
	if d.Title != "样例" || d.Pages != 1 || d.Metadata["ZZMC"] != "营业执照" || d.Metadata["CYRMC"] != "张样例" || report.Valid() {
		t.Errorf("it is %+v, valid %v", d, report.Valid())
	}
}

// Packages that readers could read differently, and those that would cost too much.
func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	plain := plainFiles()
	with := func(f ...file) []byte { return pack(t, append(plainFiles(), f...)) }
	raw := func(change func(*zip.FileHeader), content string) []byte {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		header := &zip.FileHeader{Name: "OFD.xml", Method: zip.Store, UncompressedSize64: uint64(len(content)), CompressedSize64: uint64(len(content))}
		change(header)
		entry, err := w.CreateRaw(header)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(entry, content); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	good := pack(t, plain)
	hidden := bytes.Replace(good, []byte("Doc_0/Document.xml"), []byte("Doc_0/Dokument.xml"), 1) // in the local header
	tests := []struct {
		name string
		file []byte
		want string
	}{
		{"not a ZIP", []byte("hello"), "not a valid zip file"},
		{"something before it", append([]byte("MZ"), good...), "does not follow"},
		{"another name in the local header", hidden, "does not follow"},
		{"a name twice", with(file{"OFD.xml", entryXML}), "stands twice"},
		{"a name in two cases", with(file{"ofd.XML", entryXML}), "stands twice"},
		{"a path out", with(file{"../x", ""}), "plain path"},
		{"an absolute path", with(file{"/x", ""}), "plain path"},
		{"a back slash", with(file{`Doc_0\x`, ""}), "characters"},
		{"a drive", with(file{"C:x", ""}), "characters"},
		{"a dot", with(file{"Doc_0/./x", ""}), "plain path"},
		{"encrypted", raw(func(h *zip.FileHeader) { h.Flags |= 1 }, entryXML), "encrypted"},
		{"a method nobody has", raw(func(h *zip.FileHeader) { h.Method = 12 }, entryXML), "method 12"},
		{"a bomb", raw(func(h *zip.FileHeader) { h.Method = zip.Deflate; h.UncompressedSize64 = 100 << 20 }, entryXML), "too many times"},
		{"a link", raw(func(h *zip.FileHeader) { h.SetMode(0o777 | 1<<27) }, entryXML), "plain file"},
	}
	for _, test := range tests {
		_, err := Open(bytes.NewReader(test.file), int64(len(test.file)))
		if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}

// localEntry is an entry as it stands in a ZIP file, with its local header.
func localEntry(name, content string) []byte {
	b := binary.LittleEndian.AppendUint32(nil, localSignature)
	for _, field := range []uint16{20, 0, zip.Store, 0, 0} { // version, flags, method, time, date
		b = binary.LittleEndian.AppendUint16(b, field)
	}
	b = binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE([]byte(content)))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(content)))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(content)))
	b = binary.LittleEndian.AppendUint16(b, uint16(len(name)))
	return append(binary.LittleEndian.AppendUint16(b, 0), name+content...)
}

// directoryAt is where the directory of a ZIP file begins by its end record, which has no
// comment.
func directoryAt(b []byte) int { return int(binary.LittleEndian.Uint32(b[len(b)-6:])) }

// TestSmuggledEntries: a reader that goes through the file from its beginning, as streaming
// libraries do, must not find an entry that the directory does not have.
func TestSmuggledEntries(t *testing.T) {
	t.Parallel()
	good := pack(t, plainFiles())
	evil := localEntry("Doc_0/Document.xml", strings.Replace(documentXML, "Page_0", "Page_9", 1))
	// between puts bytes before the directory, to which the end record leads.
	between := func(b, more []byte) []byte {
		at := directoryAt(b)
		out := slices.Concat(b[:at], more, b[at:])
		binary.LittleEndian.PutUint32(out[len(out)-6:], uint32(at+len(more)))
		return out
	}
	// stored is a package in which the second entry holds the evil one, and its sizes by the
	// local header end before that.
	stored := func(change func(local []byte)) []byte {
		hiding := append([]byte("<!--"), append(slices.Clone(evil), "-->"...)...)
		first, second := localEntry("OFD.xml", entryXML), localEntry("Doc_0/x.xml", string(hiding))
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		for _, f := range []file{{"OFD.xml", entryXML}, {"Doc_0/x.xml", string(hiding)}} {
			header := &zip.FileHeader{Name: f.name, Method: zip.Store, CRC32: crc32.ChecksumIEEE([]byte(f.content)),
				UncompressedSize64: uint64(len(f.content)), CompressedSize64: uint64(len(f.content))}
			entry, err := w.CreateRaw(header)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(entry, f.content); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		out := b.Bytes()
		if got := out[:len(first)]; !bytes.Equal(got[localHeader:], first[localHeader:]) {
			t.Fatal("the package is not laid out as expected")
		}
		change(out[len(first) : len(first)+len(second)])
		return out
	}
	// folded has an entry whose compressed bytes go on behind the end of its DEFLATE stream.
	folded := func() []byte {
		var content, b bytes.Buffer
		deflate, err := flate.NewWriter(&content, flate.DefaultCompression)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(deflate, entryXML); err != nil {
			t.Fatal(err)
		}
		if err := deflate.Close(); err != nil {
			t.Fatal(err)
		}
		content.Write(evil)
		w := zip.NewWriter(&b)
		entry, err := w.CreateRaw(&zip.FileHeader{Name: "OFD.xml", Method: zip.Deflate, CRC32: crc32.ChecksumIEEE([]byte(entryXML)),
			UncompressedSize64: uint64(len(entryXML)), CompressedSize64: uint64(content.Len())})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := entry.Write(content.Bytes()); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	short := binary.LittleEndian.PutUint32
	end := bytes.Clone(good[len(good)-22:])
	comment := append(bytes.Clone(good), end...)
	binary.LittleEndian.PutUint16(comment[len(good)-2:], uint16(len(end)))
	for _, tt := range []struct {
		name string
		file []byte
		want string
	}{
		{"an entry before the directory", between(good, evil), "directory"},
		{"a byte before the directory", between(good, []byte{0}), "directory"},
		{"a shorter size in the local header", stored(func(local []byte) { short(local[18:], 4); short(local[22:], 4) }), "does not follow"},
		{"another checksum in the local header", stored(func(local []byte) { local[14] ^= 1 }), "does not follow"},
		{"an entry behind the end of a DEFLATE stream", folded(), "behind its end"},
		{"a directory in the comment", comment, "directory"},
		{"a byte behind the end", append(bytes.Clone(good), 0), ""},
		{"an entry between directory and end", slices.Concat(good[:len(good)-22], evil, end), ""},
		{"another name for some readers",
			packed(t, &zip.FileHeader{Name: "OFD.xml", Method: zip.Deflate, Extra: []byte{0x75, 0x70, 5, 0, 1, 0, 0, 0, 0}}, entryXML), "does not follow"},
	} {
		p, err := Open(bytes.NewReader(tt.file), int64(len(tt.file)))
		if err == nil {
			_, err = p.read("OFD.xml", maxXML)
		}
		if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
	sound := stored(func([]byte) {})
	if _, err := Open(bytes.NewReader(sound), int64(len(sound))); err != nil {
		t.Errorf("stored entries: %v", err)
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

// packed is a package of one entry.
func packed(tb testing.TB, header *zip.FileHeader, content string) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	entry, err := w.CreateHeader(header)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := io.WriteString(entry, content); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func TestXMLRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ xml, want string }{
		"a document type":      {`<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`, "document type"},
		"an entity":            {`<a>&b;</a>`, "entity"},
		"another namespace":    {`<a xmlns="http://example.org/"/>`, "namespace"},
		"an undeclared prefix": {`<ofd:a/>`, "namespace"},
		"two roots":            {`<a/><b/>`, "second root"},
		"text outside":         {`<a/>b`, "outside"},
		"an instruction":       {`<?xml-stylesheet href="x"?><a/>`, "instruction"},
		"too deep":             {strings.Repeat("<a>", maxDepth+1), "levels"},
		"not closed":           {`<a>`, "EOF"},
		"an attribute twice":   {`<a b="1" b="2"/>`, "twice"},
		"another encoding":     {`<?xml version="1.0" encoding="GBK"?><a/>`, "encoding"},
		"nothing":              {``, "EOF"},
		"not UTF-8":            {"<a>\xff</a>", "UTF-8"},
	} {
		if _, err := parseXML([]byte(test.xml)); !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ from, location, want string }{
		{"OFD.xml", "Doc_0/Document.xml", "Doc_0/Document.xml"}, {"OFD.xml", "/Doc_0/Document.xml", "Doc_0/Document.xml"},
		{"Doc_0/Signs/Signatures.xml", "Sign_0/Signature.xml", "Doc_0/Signs/Sign_0/Signature.xml"},
		{"Doc_0/Signs/Signatures.xml", "/Doc_0/a.xml", "Doc_0/a.xml"}, {"Doc_0/a.xml", "./b.xml", "Doc_0/b.xml"},
		{"Doc_0/a.xml", "../b.xml", ""}, {"a.xml", "", ""}, {"a.xml", "/", ""}, {"a.xml", `b\c`, ""}, {"a.xml", "/../b", ""},
	} {
		got, err := resolve(test.from, test.location)
		if got != test.want || (err == nil) != (test.want != "") {
			t.Errorf("resolve(%q, %q) = %q, %v, want %q", test.from, test.location, got, err, test.want)
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
