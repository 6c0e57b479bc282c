package pdf

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/seal/pdf/revision"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

// lockings are the ways in which qpdf encrypts: the user's password is "user", the owner's
// "owner".
var lockings = []struct {
	name   string
	args   []string
	method string
	bits   int
	weak   bool
}{
	{"RC4 40", []string{"--allow-weak-crypto", "--encrypt", "user", "owner", "40", "--"}, "RC4", 40, true},
	{"RC4 128", []string{"--allow-weak-crypto", "--encrypt", "user", "owner", "128", "--"}, "RC4", 128, true},
	{"RC4 128 in a crypt filter", []string{"--allow-weak-crypto", "--encrypt", "user", "owner", "128", "--force-V4", "--"}, "RC4", 128, true},
	{"AES 128", []string{"--allow-weak-crypto", "--encrypt", "user", "owner", "128", "--use-aes=y", "--"}, "AES-128", 128, false},
	{"AES 128 without metadata", []string{"--allow-weak-crypto", "--encrypt", "user", "owner", "128", "--use-aes=y", "--cleartext-metadata", "--"}, "AES-128", 128, false},
	{"AES 256 of revision 5", []string{"--allow-weak-crypto", "--encrypt", "user", "owner", "256", "--force-R5", "--"}, "AES-256", 256, true},
	{"AES 256", []string{"--encrypt", "user", "owner", "256", "--"}, "AES-256", 256, false},
	{"AES 256 without metadata", []string{"--encrypt", "user", "owner", "256", "--cleartext-metadata", "--"}, "AES-256", 256, false},
	{"AES 256 with object streams", []string{"--object-streams=generate", "--encrypt", "user", "owner", "256", "--"}, "AES-256", 256, false},
	{"AES 128 with object streams", []string{"--allow-weak-crypto", "--object-streams=generate", "--encrypt", "user", "owner", "128", "--use-aes=y", "--"}, "AES-128", 128, false},
}

// secret is a file with texts, a form, metadata and an attachment.
func secret() sample {
	return sample{pages: 2, catalog: "/Lang(zh-CN)/Metadata 8 0 R/AcroForm<</Fields[5 0 R]>>/Names<</EmbeddedFiles<</Names[(a.txt) 6 0 R]>>>>", page: "/Annots[5 0 R]", objects: []string{
		emptySigField,
		"<</Type/Filespec/F(a.txt)/UF(a.txt)/EF<</F 7 0 R>>>>",
		"<</Type/EmbeddedFile/Subtype/text#2Fplain/Length 9>>\nstream\nthe words\nendstream",
		"<</Type/Metadata/Subtype/XML/Length 37>>\nstream\n<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"/>\nendstream",
	}}
}

// lock has qpdf encrypt a file.
func lock(tb testing.TB, file []byte, args ...string) []byte {
	tb.Helper()
	out := filepath.Join(tb.TempDir(), "out.pdf")
	tooltest.Run(tb, "qpdf", append(append([]string{}, args...), saveFile(tb, file), out)...)
	locked, err := os.ReadFile(out)
	if err != nil {
		tb.Fatal(err)
	}
	return locked
}

func openWith(tb testing.TB, file []byte, password string) *Document {
	tb.Helper()
	d, err := OpenWith(bytes.NewReader(file), int64(len(file)), syntax.Access{Password: password})
	if err != nil {
		tb.Fatalf("OpenWith %q: %v", password, err)
	}
	return d
}

// TestEncrypted opens files that qpdf encrypted in every way, with either password, reads
// what they say, stamps them twice, and has other programs read the result.
func TestEncrypted(t *testing.T) {
	t.Parallel()
	for _, tc := range lockings {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			file := lock(t, secret().bytes(), tc.args...)
			for _, password := range []string{"", "wrong"} {
				_, err := OpenWith(bytes.NewReader(file), int64(len(file)), syntax.Access{Password: password})
				var closed *syntax.EncryptedError
				if !errors.As(err, &closed) || !closed.NeedsPassword || closed.WrongPassword != (password != "") || !errors.Is(err, syntax.ErrEncrypted) {
					t.Errorf("with the password %q: %v", password, err)
				}
			}
			for _, password := range []string{"user", "owner"} {
				d := openWith(t, file, password)
				got := d.Encryption()
				if got == nil || got.Method != tc.method || got.Bits != tc.bits || got.Weak != tc.weak || got.Owner != (password == "owner") {
					t.Errorf("with the password %q: %+v", password, got)
				}
				readSecret(t, d)
			}
			first := stampLocked(t, openWith(t, file, "user"), at(1, 120, 200, 42))
			inField := at(0, 0, 0, 20)
			inField.Field = "sign here"
			second := stampLocked(t, openWith(t, first, "owner"), inField)
			d := openWith(t, second, "user")
			readSecret(t, d)
			list, err := d.Signatures()
			if err != nil || len(list) != 2 {
				t.Fatalf("signatures: %+v, %v", list, err)
			}
			for _, s := range list {
				if !s.Intact() || s.Name != "某某市人民政府" || s.Reason != "(合同) \\ 审批" || !s.Time.Equal(signingTime) || !bytes.Equal(s.Contents, der(300)) {
					t.Errorf("signature %+v", s)
				}
			}
			othersRead(t, second)
		})
	}
}

// stampLocked stamps and goes on with the result in memory, too.
func stampLocked(t *testing.T, d *Document, s Stamp) []byte {
	t.Helper()
	p := prepare(t, d, s)
	next, err := p.Document()
	if err != nil {
		t.Fatal(err)
	}
	readSecret(t, next)
	before := p.Increment()
	last, _ := next.now.Trailer().Lookup("Size").(int64)
	for num := range last { // every stream of the increment
		o, err := next.now.Load(syntax.Ref{Num: uint32(num)})
		if err != nil || o == nil || o.At < d.Size() {
			continue
		}
		if st, ok := o.Val.(*syntax.Stream); ok {
			if _, _, err := next.now.Decode(st, 1<<20); err != nil {
				t.Errorf("object %d: %v", num, err)
			}
		}
	}
	if !bytes.Equal(before, p.Increment()) {
		t.Error("reading the stamped file changed it")
	}
	file := fileOf(t, p)
	list, err := openWith(t, file, d.Password()).Signatures()
	if err != nil || len(list) == 0 || list[len(list)-1].Digest != p.Digest() {
		t.Errorf("the digest of the file is not the one that was signed: %v", err)
	}
	return file
}

func readSecret(t *testing.T, d *Document) {
	t.Helper()
	catalog, err := d.now.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	if lang := catalog.Val.(*syntax.Dict).Lookup("Lang"); lang != syntax.String("zh-CN") {
		t.Errorf("/Lang is %q", lang)
	}
	files, err := d.EmbeddedFiles()
	if err != nil || len(files) != 1 || files[0].Name != "a.txt" || string(files[0].Data) != "the words" {
		t.Errorf("attachments: %+v, %v", files, err)
	}
	meta, err := d.now.Get(catalog.Val.(*syntax.Dict), "Metadata")
	if err != nil {
		t.Fatal(err)
	}
	data, _, err := d.now.Decode(meta.(*syntax.Stream), 1000)
	if err != nil || string(data) != `<x:xmpmeta xmlns:x="adobe:ns:meta/"/>` {
		t.Errorf("metadata: %q, %v", data, err)
	}
	if exists, err := d.HasField("sign here"); !exists || err != nil {
		t.Errorf("the field is not there: %v", err)
	}
}

// othersRead has qpdf, poppler and MuPDF read an encrypted file with two signatures.
func othersRead(t *testing.T, file []byte) {
	t.Helper()
	path := saveFile(t, file)
	said := tooltest.Run(t, "qpdf", "--password=user", "--check", path)
	if strings.Contains(said, "WARNING") || !strings.Contains(said, "No syntax or stream encoding errors") {
		t.Errorf("qpdf says:\n%s", said)
	}
	said, _ = tooltest.Try(t, "pdfsig", "-upw", "user", path) // exit 1: it cannot verify them
	if strings.Count(said, "Signed Ranges:") != 2 || strings.Count(said, "  - Total document signed") != 1 {
		t.Errorf("pdfsig says:\n%s", said)
	}
	if said := tooltest.Run(t, "pdftotext", "-upw", "user", path, "-"); strings.Count(said, "of the page") != 2 {
		t.Errorf("pdftotext says:\n%s", said)
	}
	if said := tooltest.Run(t, "mutool", "show", "-p", "user", path, "trailer/Root/AcroForm/Fields/1/V"); !strings.Contains(said, "ETSI") && !strings.Contains(said, "GM.sm2seal") {
		t.Errorf("mutool says:\n%s", said)
	}
	plain := filepath.Join(t.TempDir(), "plain.pdf")
	tooltest.Run(t, "qpdf", "--password=user", "--decrypt", "--qdf", path, plain)
	content, err := os.ReadFile(plain)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(content, []byte("0.84 0 0.06 RG 4 w")) { // the seal's drawing
		t.Error("qpdf does not find the seal's drawing when it has decrypted the file")
	}
}

// TestEncryptedEmpty opens files whose encryption only carries marks.
func TestEncryptedEmpty(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"--allow-weak-crypto", "--encrypt", "", "owner", "40", "--"},
		{"--allow-weak-crypto", "--encrypt", "", "owner", "128", "--use-aes=y", "--"},
		{"--encrypt", "", "owner", "256", "--"},
	} {
		file := lock(t, secret().bytes(), args...)
		d := open(t, file)
		readSecret(t, d)
		stampLocked(t, d, at(1, 120, 200, 42))
		_, err := OpenWith(bytes.NewReader(file), int64(len(file)), syntax.Access{NationalOnly: true})
		if !errors.Is(err, syntax.ErrEncrypted) || !strings.Contains(err.Error(), "national") {
			t.Errorf("with national algorithms only: %v", err)
		}
	}
}

// TestPermissions stamps where the user may, and only there.
func TestPermissions(t *testing.T) {
	t.Parallel()
	fresh, field := at(1, 120, 200, 42), at(0, 0, 0, 20)
	field.Field = "sign here"
	two := field
	two.Marks = append([]Mark{}, append(field.Marks, fresh.Marks...)...)
	for _, tc := range []struct {
		name   string
		args   []string
		stamp  Stamp
		wanted string
	}{
		{"all", nil, fresh, ""},
		{"nothing, new field", []string{"--modify=none"}, fresh, "new signature fields"},
		{"nothing, field that is there", []string{"--modify=none"}, field, "permits signing"},
		{"forms, new field", []string{"--modify=form"}, fresh, "new signature fields"},
		{"forms, field that is there", []string{"--modify=form"}, field, ""},
		{"forms, field and another mark", []string{"--modify=form"}, two, "annotations"},
		{"annotations, new field", []string{"--modify=annotate"}, fresh, "new signature fields"},
		{"annotations, field and another mark", []string{"--modify=annotate"}, two, ""},
	} {
		args := append(append([]string{"--encrypt", "user", "owner", "256"}, tc.args...), "--")
		file := lock(t, secret().bytes(), args...)
		_, err := openWith(t, file, "user").Prepare(tc.stamp)
		switch {
		case tc.wanted == "" && err != nil:
			t.Errorf("%s: %v", tc.name, err)
		case tc.wanted != "":
			wantRefused(t, err, tc.wanted)
		}
		if _, err := openWith(t, file, "owner").Prepare(tc.stamp); err != nil {
			t.Errorf("%s, the owner: %v", tc.name, err)
		}
	}
	file := lock(t, secret().bytes(), "--encrypt", "user", "owner", "256", "--modify=none", "--")
	_, err := openWith(t, file, "user").AddDSS(DSS{Certificates: [][]byte{der(20)}})
	wantRefused(t, err, "owner's password")
}

// TestEncryptedResume goes on with an encrypted file from nothing but the file.
func TestEncryptedResume(t *testing.T) {
	t.Parallel()
	file := lock(t, secret().bytes(), "--encrypt", "user", "owner", "256", "--")
	p, err := openWith(t, file, "user").Prepare(at(1, 120, 200, 42))
	if err != nil {
		t.Fatal(err)
	}
	var waiting bytes.Buffer
	if _, err := p.WriteUnsigned(&waiting); err != nil {
		t.Fatal(err)
	}
	r := bytes.NewReader(waiting.Bytes())
	if _, err := Resume(r, r.Size()); !errors.Is(err, syntax.ErrEncrypted) {
		t.Errorf("without the password: %v", err)
	}
	resumed, err := ResumeWith(r, r.Size(), syntax.Access{Password: "user"})
	if err != nil {
		t.Fatal(err)
	}
	if resumed.Digest() != p.Digest() {
		t.Error("another digest")
	}
	if err := resumed.Complete(der(300)); err != nil {
		t.Fatal(err)
	}
	d, err := resumed.Document()
	if err != nil {
		t.Fatal(err)
	}
	readSecret(t, d)
	again, err := openWith(t, file, "user").Prepare(at(1, 120, 200, 42))
	if err != nil || again.Digest() != p.Digest() {
		t.Errorf("the same input gave other bytes: %v", err)
	}
}

// TestEncryptedChanges finds changes behind a signature in an encrypted file, and that a
// revision encrypted in another way is damage.
func TestEncryptedChanges(t *testing.T) {
	t.Parallel()
	file := stampLocked(t, openWith(t, lock(t, secret().bytes(), "--allow-weak-crypto", "--encrypt", "user", "owner", "128", "--use-aes=y", "--"), "user"), at(1, 120, 200, 42))
	change := func(f func(d *Document, w *syntax.Increment)) []byte {
		d := openWith(t, file, "user")
		w, err := d.file.NewIncrement()
		if err != nil {
			t.Fatal(err)
		}
		f(d, w)
		if err := w.Finish(d.file); err != nil {
			t.Fatal(err)
		}
		return append(bytes.Clone(file), w.Out...)
	}
	catalog := func(d *Document) *syntax.Object {
		o, err := d.now.Catalog()
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	for _, tc := range []struct {
		name   string
		change func(d *Document, w *syntax.Increment)
		intact bool
	}{
		{"written again", func(d *Document, w *syntax.Increment) {
			w.Put(catalog(d).Ref, catalog(d).Val)
			meta, _ := d.now.Load(catalog(d).Val.(*syntax.Dict).Lookup("Metadata").(syntax.Ref))
			data, _, _ := d.now.Decode(meta.Val.(*syntax.Stream), 1000)
			for range 7 { // other initialization vectors
				w.Hide(meta.Ref, syntax.String("x"))
			}
			w.PutStream(meta.Ref, meta.Val.(*syntax.Stream).Dict.Without("Filter"), data)
		}, true},
		{"another language", func(d *Document, w *syntax.Increment) {
			w.Put(catalog(d).Ref, catalog(d).Val.(*syntax.Dict).With("Lang", syntax.String("en")))
		}, false},
	} {
		list, err := openWith(t, change(tc.change), "user").Signatures()
		if err != nil || len(list) != 1 || list[0].Intact() != tc.intact {
			t.Errorf("%s: %+v, %v", tc.name, list, err)
		}
	}
	d := openWith(t, file, "user")
	replaced := change(func(_ *Document, w *syntax.Increment) {
		w.Put(d.now.Trailer().Lookup("Encrypt").(syntax.Ref), &syntax.Dict{})
	})
	_, err := OpenWith(bytes.NewReader(replaced), int64(len(replaced)), syntax.Access{Password: "user"})
	var damaged *syntax.DamagedError
	if !errors.As(err, &damaged) || !strings.Contains(damaged.What, "replaces the /Encrypt dictionary") {
		t.Errorf("another /Encrypt dictionary in its place: %v", err)
	}
}

// TestCryptFilters reads streams that name a crypt filter of their own.
func TestCryptFilters(t *testing.T) {
	t.Parallel()
	object := "<</Filter[/Crypt/ASCIIHexDecode]/DecodeParms[%s null]/Length 5>>\nstream\n4142>\nendstream"
	d := open(t, sample{objects: []string{strings.Replace(object, "%s", "<</Name/Identity>>", 1), strings.Replace(object, "%s", "<</Name/StdCF>>", 1)}}.bytes())
	plain, _ := d.now.Load(syntax.Ref{Num: firstExtra})
	got, _, err := d.now.Decode(plain.Val.(*syntax.Stream), 100)
	if err != nil || string(got) != "AB" {
		t.Errorf("Identity: %q, %v", got, err)
	}
	unknown, _ := d.now.Load(syntax.Ref{Num: firstExtra + 1})
	if _, _, err := d.now.Decode(unknown.Val.(*syntax.Stream), 100); err == nil || !strings.Contains(err.Error(), "StdCF") {
		t.Errorf("an unknown filter: %v", err)
	}
}

// TestEncryptedOtherwise refuses encryption that nobody here knows.
func TestEncryptedOtherwise(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ encrypt, why string }{
		{"<</Filter/Adobe.PubSec/V 4>>", `handler "Adobe.PubSec"`},
		{"<</Filter/Standard/V 6/R 7/P -1>>", "version 6 with revision 7 is not known"},
		{"<</Filter/Standard/V 1/R 2/P -1/O(x)/U(x)>>", "have 1 and 1 bytes"},
		{"<</Filter/Standard/V 2/R 3/Length 41/P -1>>", "no keys of 41 bits"},
	} {
		file := bytes.Replace(sample{}.bytes(), []byte("/Root 1 0 R"), []byte("/Root 1 0 R/Encrypt"+tc.encrypt), 1)
		_, err := Open(bytes.NewReader(file), int64(len(file)))
		if !errors.Is(err, syntax.ErrEncrypted) || !strings.Contains(err.Error(), tc.why) {
			t.Errorf("%s: %v, want %q", tc.encrypt, err, tc.why)
		}
	}
	for _, tc := range []struct{ encrypt, why string }{
		{"<</Filter/Standard/V 1/R 2>>", "/P is missing"},
		{"<</Filter/Standard/V 1/R 2/P 99999999999>>", "/P is missing or out of range"},
		{"<</Filter/Standard/V 4/R 4/P -1/StmF/X/O<" + strings.Repeat("00", 32) + ">/U<" + strings.Repeat("00", 32) + ">>>", "no crypt filter /X"},
		{"<</Filter/Standard/V 4/R 4/P -1/CF<</X<</CFM/AESV3>>>>/O<" + strings.Repeat("00", 32) + ">/U<" + strings.Repeat("00", 32) + ">>>", "not one of version 4"},
		{"7", "no /Encrypt dictionary"},
	} {
		file := bytes.Replace(sample{}.bytes(), []byte("/Root 1 0 R"), []byte("/Root 1 0 R/Encrypt "+tc.encrypt), 1)
		_, err := Open(bytes.NewReader(file), int64(len(file)))
		var damaged *syntax.DamagedError
		if !errors.As(err, &damaged) || !strings.Contains(damaged.What, tc.why) {
			t.Errorf("%s: %v, want damage about %q", tc.encrypt, err, tc.why)
		}
	}
}

// TestChinesePasswords opens files whose password is Chinese, in the bytes that programs make
// of it.
func TestChinesePasswords(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"--encrypt", "密码1", "owner", "256", "--"},
		{"--allow-weak-crypto", "--password-mode=hex-bytes", "--encrypt", "C3DCC2EB31", "00", "128", "--use-aes=y", "--"}, // GB 18030
		{"--allow-weak-crypto", "--password-mode=hex-bytes", "--encrypt", "E5AF86E7A08131", "00", "128", "--"},            // UTF-8
	} {
		readSecret(t, openWith(t, lock(t, secret().bytes(), args...), "密码1"))
	}
}

// TestLookOfEncrypted: what is remembered of a look is what a stream says, whatever key hides it. By its ciphertext,
// another key would turn a look that was found good into another.
func TestLookOfEncrypted(t *testing.T) {
	t.Parallel()
	var all [][]byte
	for _, password := range []string{"one", "other"} {
		d := openWith(t, lock(t, secret().bytes(), "--encrypt", password, "owner", "256", "--"), password)
		catalog, err := d.now.Catalog()
		if err != nil {
			t.Fatal(err)
		}
		said, err := d.now.looks().append(nil, catalog.Val.(*syntax.Dict).Lookup("Metadata"), 0)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, said)
	}
	if !bytes.Equal(all[0], all[1]) {
		t.Errorf("one stream under two keys looks like %x and %x", all[0], all[1])
	}
}

// TestEncryptedDSS keeps validation data in an encrypted file, and a lock of fields.
func TestEncryptedDSS(t *testing.T) {
	t.Parallel()
	file := lock(t, secret().bytes(), "--encrypt", "user", "owner", "256", "--")
	s := at(1, 120, 200, 42)
	s.Lock = &Lock{Action: LockInclude, Fields: []string{"审批意见"}}
	d, err := prepare(t, openWith(t, file, "user"), s).Document()
	if err != nil {
		t.Fatal(err)
	}
	p, err := d.AddDSS(DSS{Certificates: [][]byte{der(200)}})
	if err != nil {
		t.Fatal(err)
	}
	kept := fileOf(t, p)
	tooltest.Run(t, "qpdf", "--password=user", "--check", saveFile(t, kept))
	d = openWith(t, kept, "owner")
	store, err := d.DSS()
	if err != nil || len(store.Certificates) != 1 || !bytes.Equal(store.Certificates[0], der(200)) {
		t.Errorf("the store is %+v, %v", store, err)
	}
	list, err := d.Signatures()
	if err != nil || len(list) != 1 || !list[0].Intact() || len(list[0].locks.fields) != 1 || list[0].locks.fields[0] != "审批意见" {
		t.Errorf("signatures: %+v, %v", list, err)
	}
	if len(list[0].Changes) != 1 || list[0].Changes[0].Kind != revision.ValidationData {
		t.Errorf("changes: %+v", list[0].Changes)
	}
}
