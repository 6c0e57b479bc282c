package archive

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"strings"
	"testing"
)

// file is an entry of a package under test.
type file struct{ name, content string }

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

const (
	entryXML = `<?xml version="1.0" encoding="UTF-8"?><ofd:OFD xmlns:ofd="http://www.ofdspec.org/2016" Version="1.0" DocType="OFD"><ofd:DocBody>` +
		`<ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot></ofd:DocBody></ofd:OFD>`
	documentXML = `<ofd:Document xmlns:ofd="http://www.ofdspec.org/2016"><ofd:Pages><ofd:Page ID="1" BaseLoc="Pages/Page_0/Content.xml"/></ofd:Pages></ofd:Document>`
)

func plainFiles() []file {
	return []file{{"OFD.xml", entryXML}, {"Doc_0/Document.xml", documentXML}}
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
		{"a point at the end", with(file{"Doc_0./x", ""}), "point or a space"},
		{"a space at the end", with(file{"x ", ""}), "point or a space"},
		{"a mark of direction", with(file{"Doc_0/\u202efdp.xml", ""}), "characters"},
		{"a character of no width", with(file{"Doc_0/Docu\u200cment.xml", ""}), "characters"},
		{"too many levels", with(file{strings.Repeat("a/", maxLevels) + "x", ""}), "levels"},
		{"below a file", with(file{"doc_0/DOCUMENT.xml/x", ""}), "below the file"},
		{"a file above others", with(file{"Doc_0", ""}), "stands twice"},
		{"a folder and a file", with(file{"x", ""}, file{"x/", ""}), "stands twice"},
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

// TestXMLOfOnePackage: however many files there are, not more than so much of them is read.
func TestXMLOfOnePackage(t *testing.T) {
	t.Parallel()
	b := pack(t, plainFiles())
	p, err := Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	p.parsed = maxXML - int64(len(entryXML))
	if _, err := p.XML("OFD.xml", MaxXML); err != nil {
		t.Errorf("as much as is read: %v", err)
	}
	if _, err := p.XML("Doc_0/Document.xml", MaxXML); !errors.Is(err, ErrMalformed) {
		t.Errorf("more: %v", err)
	}
}

// TestFolders: folders may be entries, before the files in them or after.
func TestFolders(t *testing.T) {
	t.Parallel()
	b := pack(t, append([]file{{"Doc_0/", ""}}, append(plainFiles(), file{"Doc_0/Pages/Page_0/Content.xml", ""}, file{"Doc_0/Pages/", ""})...))
	p, err := Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Files(); len(got) != 3 {
		t.Errorf("files %q", got)
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
			_, err = p.Read("OFD.xml", MaxXML)
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
		"two namespaces":       {`<a xmlns="http://www.ofdspec.org/2016"><b xmlns=""/></a>`, "than the first"},
		"a prefixed attribute": {`<o:a xmlns:o="http://www.ofdspec.org/2016" o:b="1"/>`, "prefix"},
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
		if _, err := ParseXML([]byte(test.xml)); !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

// TestXML: text is that of all its pieces, and what another namespace says of an element is
// not OFD's.
func TestXML(t *testing.T) {
	t.Parallel()
	n, err := ParseXML([]byte(`<a xmlns:x="http://example.org/" x:b="1" b="2">one<!-- --> two<c>other</c><![CDATA[ three]]></a>`))
	if err != nil || n.Text != "one two three" || n.Children[0].Text != "other" || len(n.Attrs) != 1 || n.Attrs["b"] != "2" {
		t.Errorf("%+v, %v", n, err)
	}
}

// BenchmarkXMLInPieces reads text that is cut into as many pieces as fit: 1 MB must take a
// quarter of the time of 4 MB.
func BenchmarkXMLInPieces(b *testing.B) {
	for _, pieces := range []int{1 << 17, 1 << 19} {
		file := []byte("<a>" + strings.Repeat("a<!---->", pieces) + "</a>")
		b.Run(fmt.Sprint(pieces), func(b *testing.B) {
			b.SetBytes(int64(len(file)))
			for b.Loop() {
				if _, err := ParseXML(file); err != nil {
					b.Fatal(err)
				}
			}
		})
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
		got, err := Resolve(test.from, test.location)
		if got != test.want || (err == nil) != (test.want != "") {
			t.Errorf("Resolve(%q, %q) = %q, %v, want %q", test.from, test.location, got, err, test.want)
		}
	}
}
