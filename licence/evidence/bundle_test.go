package evidence_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/evidence"
)

func sample(t testing.TB) *evidence.Bundle {
	t.Helper()
	id, err := licence.NewIdentifier("11100000000013127D903", "11340100XN0000012K", licence.Serial{Bucket: 7}, 1)
	if err != nil {
		t.Fatal(err)
	}
	b, err := evidence.New(id, time.Unix(1767225600, 0), []evidence.File{
		{Name: "trust/1.root", Data: []byte("root")}, {Name: "README.txt", Data: []byte("说明\n")}, {Name: "licence.cose", Data: []byte("licence")}, {Name: "empty"},
	})
	if err != nil {
		t.Fatal(err)
	}
	b.Stamp = []byte("stamp")
	return b
}

func marshal(t testing.TB, b *evidence.Bundle) []byte {
	t.Helper()
	archive, err := b.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return archive
}

func TestBundleWrittenAndRead(t *testing.T) {
	t.Parallel()
	b := sample(t)
	archive := marshal(t, b)
	got, err := evidence.Parse(archive)
	if err != nil {
		t.Fatal(err)
	}
	if got.Digest() != b.Digest() || string(got.Stamp) != "stamp" || string(got.File("licence.cose")) != "licence" || got.File("none") != nil {
		t.Errorf("read: %+v", got)
	}
	f, err := got.Folder("trust").Open("1.root")
	if err != nil {
		t.Fatal(err)
	}
	if data, err := io.ReadAll(f); err != nil || string(data) != "root" {
		t.Errorf("folder: %q, %v", data, err)
	}
	if !evidence.Looks(archive) || evidence.Looks([]byte("PK\x03\x04")) || evidence.Looks(nil) {
		t.Error("Looks does not tell a bundle")
	}
}

// TestEveryByteCounts: nothing of an archive can be changed, cut or added to.
func TestEveryByteCounts(t *testing.T) {
	t.Parallel()
	archive := marshal(t, sample(t))
	stamp := bytes.Index(archive, []byte("stamp"))
	for i := range archive {
		for bit := range 8 {
			changed := bytes.Clone(archive)
			changed[i] ^= 1 << bit
			// The stamp is the caller's to verify, with its CRC.
			if _, err := evidence.Parse(changed); !errors.Is(err, evidence.ErrForm) && !errors.Is(err, evidence.ErrContent) {
				t.Errorf("byte %d, bit %d: %v", i, bit, err)
			}
		}
		if _, err := evidence.Parse(archive[:i]); !errors.Is(err, evidence.ErrForm) {
			t.Errorf("cut at %d: %v", i, err)
		}
	}
	if stamp < 0 {
		t.Error("no stamp in the archive")
	}
	for _, longer := range [][]byte{append(bytes.Clone(archive), 0), append([]byte{0}, archive...)} {
		if _, err := evidence.Parse(longer); !errors.Is(err, evidence.ErrForm) {
			t.Errorf("a byte more: %v", err)
		}
	}
}

// TestOtherArchives: what other programs write is not the one form, however harmless.
func TestOtherArchives(t *testing.T) {
	t.Parallel()
	files := func(w *zip.Writer, method uint16, names ...string) {
		for _, name := range append([]string{"manifest.cbor", "manifest.tst"}, names...) {
			f, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: method})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.Write([]byte(strings.Repeat("0", 4096))); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, write := range map[string]func(*zip.Writer){
		"nothing":         func(*zip.Writer) {},
		"compressed":      func(w *zip.Writer) { files(w, zip.Deflate, "a") },
		"data descriptor": func(w *zip.Writer) { files(w, zip.Store, "a") },
		"twice":           func(w *zip.Writer) { files(w, zip.Store, "a", "a") },
		"out of folder":   func(w *zip.Writer) { files(w, zip.Store, "../a") },
		"comment": func(w *zip.Writer) {
			files(w, zip.Store, "a")
			if err := w.SetComment("x"); err != nil {
				t.Fatal(err)
			}
		},
	} {
		var out bytes.Buffer
		w := zip.NewWriter(&out)
		write(w)
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := evidence.Parse(out.Bytes()); !errors.Is(err, evidence.ErrForm) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNamesRefused(t *testing.T) {
	t.Parallel()
	id, err := licence.ParseIdentifier(sample(t).Manifest.Licence)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "../a", "a/../b", "/a", "a//b", "a/", ".a", "a/.b", `a\b`, "a:b", "a b", "证照", "manifest.cbor", "manifest.tst", strings.Repeat("a", 121)} {
		if _, err := evidence.New(id, time.Unix(0, 0), []evidence.File{{Name: name}}); !errors.Is(err, evidence.ErrForm) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := evidence.New(id, time.Unix(0, 0), []evidence.File{{Name: "a"}, {Name: "a"}}); !errors.Is(err, evidence.ErrForm) {
		t.Errorf("twice: %v", err)
	}
}

// TestOthersUnpack: everybody can look inside.
func TestOthersUnpack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := dir + "/evidence.zip"
	if err := os.WriteFile(path, marshal(t, sample(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	program := "import sys, zipfile\nz = zipfile.ZipFile(sys.argv[1])\nassert z.testzip() is None\nprint(z.read('licence.cose').decode(), len(z.namelist()), {i.date_time for i in z.infolist()})\n"
	if out := tooltest.Run(t, "python3", "-c", program, path); out != "licence 6 {(2026, 1, 1, 0, 0, 0)}\n" {
		t.Errorf("python3: %q", out)
	}
	if out := tooltest.Run(t, "unzip", "-lv", path); strings.Count(out, "2026-01-01 00:00") != 6 {
		t.Errorf("unzip: %s", out)
	}
}

// TestEntriesAreDated: entries have the bundle's time, as others read it, and the bundle of
// before, which had none, is read as it was.
func TestEntriesAreDated(t *testing.T) {
	t.Parallel()
	id, err := licence.ParseIdentifier(sample(t).Manifest.Licence)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ made, want string }{
		{"2026-11-27T03:04:05Z", "2026-11-27T03:04:04Z"},
		{"2026-11-27T23:59:59+08:00", "2026-11-27T15:59:58Z"},
		{"1970-01-01T00:00:00Z", "1980-01-01T00:00:00Z"},
		{"2107-12-31T23:59:59Z", "2107-12-31T23:59:58Z"},
		{"2200-01-01T00:00:00Z", "2107-12-31T23:59:58Z"},
	} {
		at, err := time.Parse(time.RFC3339, test.made)
		if err != nil {
			t.Fatal(err)
		}
		b, err := evidence.New(id, at, []evidence.File{{Name: "a", Data: []byte("a")}})
		if err != nil {
			t.Fatal(err)
		}
		b.Stamp = []byte("stamp")
		archive := marshal(t, b)
		z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range z.File {
			if got := f.Modified.UTC().Format(time.RFC3339); got != test.want {
				t.Errorf("%s, made %s, has %s, want %s", f.Name, test.made, got, test.want)
			}
		}
		// Both headers of each entry, with another time and with none.
		now := archive[10:14]
		for name, other := range map[string][]byte{"another": {now[0], now[1], now[2] ^ 1, now[3]}, "no": {0, 0, 0, 0}} {
			changed := bytes.Clone(archive)
			for mark, when := range map[string]int{"PK\x03\x04": 10, "PK\x01\x02": 12} {
				for at := range changed {
					if bytes.HasPrefix(changed[at:], []byte(mark)) {
						copy(changed[at+when:], other)
					}
				}
			}
			read, err := evidence.Parse(changed)
			if name == "another" {
				if !errors.Is(err, evidence.ErrForm) {
					t.Errorf("made %s, with another time: %v, want ErrForm", test.made, err)
				}
				continue
			}
			if err != nil {
				t.Errorf("made %s, undated: %v", test.made, err)
				continue
			}
			if !bytes.Equal(marshal(t, read), changed) {
				t.Error("an undated bundle is written as another one")
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(marshal(f, sample(f)))
	f.Add([]byte("PK\x05\x06\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, archive []byte) {
		b, err := evidence.Parse(archive)
		if err != nil {
			if !errors.Is(err, evidence.ErrForm) && !errors.Is(err, evidence.ErrContent) {
				t.Errorf("untyped error: %v", err)
			}
			return
		}
		again, err := b.Marshal()
		if err != nil || !bytes.Equal(again, archive) {
			t.Errorf("read and written as something else, %v", err)
		}
	})
}
