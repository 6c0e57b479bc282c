package backup_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/backup"
	"github.com/elicence/elicence/pki/keystore"
)

// trace writes down what a backup holds.
type trace struct{ lines []string }

func (l *trace) add(format string, args ...any) error {
	l.lines = append(l.lines, fmt.Sprintf(format, args...))
	return nil
}

func (l *trace) Head(h backup.Head) error         { return l.add("head %d %s", h.Made, h.Domain) }
func (l *trace) File(name string, b []byte) error { return l.add("file %s %q", name, b) }
func (l *trace) Table(name string) error          { return l.add("table %s", name) }
func (l *trace) Index(name string) error          { return l.add("index %s", name) }
func (l *trace) Row(key, value []byte) error      { return l.add("row %q %d", key, len(value)) }
func (l *trace) Document(sum [sm3.Size]byte, object []byte) error {
	return l.add("document %x %d", sum[:4], len(object))
}

// sample writes a backup, and says what must be read.
func sample(t testing.TB, w io.Writer) []string {
	t.Helper()
	want := new(trace)
	both, err := backup.NewWriter(w, backup.Head{Made: 1700000000, Domain: "安徽省(测试)"})
	if err != nil {
		t.Fatal(err)
	}
	var failed []error
	for _, c := range []interface {
		File(name string, content []byte) error
		Table(name string) error
		Index(name string) error
		Row(key, value []byte) error
		Document(sum [sm3.Size]byte, object []byte) error
	}{both, want} {
		if c == want {
			failed = append(failed, want.Head(backup.Head{Made: 1700000000, Domain: "安徽省(测试)"}))
		}
		failed = append(failed, c.File("keys/store", []byte("head")), c.File("kek", nil), c.Table("records"))
		for i := range 3000 {
			failed = append(failed, c.Row(fmt.Appendf(nil, "%05d", i), bytes.Repeat([]byte{byte(i)}, i%200)))
		}
		failed = append(failed, c.Table("empty"), c.Index("numbers"), c.Row([]byte("aa"), []byte("1")), c.Row([]byte("aa"), []byte("2")))
		failed = append(failed, c.Document(sm3.Sum([]byte("a")), bytes.Repeat([]byte{1}, 200000)))
	}
	totals, err := both.Close()
	if err := errors.Join(append(failed, err)...); err != nil {
		t.Fatal(err)
	}
	if totals != (backup.Totals{Files: 2, Rows: 3002, Documents: 1}) {
		t.Errorf("totals are %+v", totals)
	}
	return want.lines
}

func read(r io.Reader, u keystore.Unlock) ([]string, error) {
	plain, err := backup.Decrypt(r, u)
	if err != nil {
		return nil, err
	}
	l := new(trace)
	_, err = backup.Read(plain, l)
	return l.lines, err
}

func keyFile(t testing.TB) keystore.Unlock {
	t.Helper()
	path := filepath.Join(t.TempDir(), "recovery")
	if err := keystore.NewKeyFile(path); err != nil {
		t.Fatal(err)
	}
	return keystore.Unlock{File: path}
}

func encrypted(t testing.TB, u keystore.Unlock) ([]byte, []string) {
	t.Helper()
	var b bytes.Buffer
	e, err := backup.Encrypt(&b, u, false, time.Unix(1700000000, 0))
	if err != nil {
		t.Fatal(err)
	}
	want := sample(t, e)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), want
}

// TestRoundTrip: what was written is read, with what the file was made for and nothing
// else.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for name, u := range map[string]keystore.Unlock{"key file": keyFile(t), "passphrase": {Passphrase: []byte("长长的口令")}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, want := encrypted(t, u)
			got, err := read(bytes.NewReader(b), u)
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("read %d entries, %v, want %d", len(got), err, len(want))
			}
			if bytes.Contains(b, []byte("keys/store")) {
				t.Error("the file tells what is in it")
			}
			for name, wrong := range map[string]keystore.Unlock{"another key file": keyFile(t), "a wrong passphrase": {Passphrase: []byte("x")}} {
				if _, err := read(bytes.NewReader(b), wrong); !errors.Is(err, keystore.ErrLocked) && !errors.Is(err, keystore.ErrMethod) {
					t.Errorf("with %s: %v, want ErrLocked or ErrMethod", name, err)
				}
			}
		})
	}
}

// TestDamage: whatever is changed, left out, moved or added, the backup is refused.
func TestDamage(t *testing.T) {
	t.Parallel()
	u := keyFile(t)
	b, _ := encrypted(t, u)
	other, _ := encrypted(t, u)
	const chunk = 64<<10 + 16
	begin := bytes.Index(b, []byte("\n")) + 1
	begin += 2 + int(b[begin])<<8 + int(b[begin+1])
	first, second := b[begin:begin+chunk], b[begin+chunk:begin+2*chunk]
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	harmed := map[string][]byte{
		"empty":                         nil,
		"another file":                  []byte(strings.Repeat("not a backup\n", 100)),
		"no chunks":                     b[:begin],
		"cut between chunks":            b[:begin+chunk],
		"cut in a chunk":                b[:begin+chunk+100],
		"cut by a byte":                 b[:len(b)-1],
		"a byte more":                   append(slices.Clone(b), 0),
		"chunks in another order":       join(b[:begin], second, first, b[begin+2*chunk:]),
		"a chunk left out":              join(b[:begin], second, b[begin+2*chunk:]),
		"a chunk twice":                 join(b[:begin], first, b[begin:]),
		"a chunk of another backup":     join(b[:begin], other[begin:begin+chunk], b[begin+chunk:]),
		"everything of another backup":  join(b[:begin], other[begin:]),
		"two backups behind each other": join(b, other),
	}
	for at := 0; at < len(b); at += 997 {
		flipped := slices.Clone(b)
		flipped[at] ^= 1
		harmed[fmt.Sprintf("bit of byte %d", at)] = flipped
	}
	for name, b := range harmed {
		if _, err := read(bytes.NewReader(b), u); err == nil {
			t.Errorf("%s is read", name)
		}
	}
}

// TestContent: what is encrypted rightly and is not a content is refused as well.
func TestContent(t *testing.T) {
	t.Parallel()
	var whole bytes.Buffer
	sample(t, &whole)
	head := whole.Bytes()[:2+int(whole.Bytes()[1])]
	for name, b := range map[string][]byte{
		"nothing":                nil,
		"no end":                 head,
		"no head":                []byte("t\x01x"),
		"two heads":              append(slices.Clone(head), head...),
		"unknown":                append(slices.Clone(head), 'z', 0),
		"row without a table":    append(slices.Clone(head), 'r', 2, 1, 'k'),
		"rows out of order":      append(slices.Clone(head), "t\x01xr\x02\x01br\x02\x01a"...),
		"row's key too long":     append(slices.Clone(head), "t\x01xr\x02\x09b"...),
		"far too long":           append(slices.Clone(head), 'd', 0xff, 0xff, 0xff, 0xff, 0x7f),
		"a path out of it":       append(slices.Clone(head), "f\x05\x04../x"...),
		"an absolute path":       append(slices.Clone(head), "f\x03\x02/x"...),
		"something behind it":    append(slices.Clone(whole.Bytes()), 0),
		"cut":                    whole.Bytes()[:whole.Len()-1],
		"an end that counts ill": append(slices.Clone(head), "e\x07\xa3\x01\x01\x02\x00\x03\x00"...),
	} {
		if _, err := backup.Read(bytes.NewReader(b), new(trace)); !errors.Is(err, backup.ErrDamaged) {
			t.Errorf("%s: %v, want ErrDamaged", name, err)
		}
	}
}

// FuzzRead: whatever the content is, reading it ends without more than it may take.
func FuzzRead(f *testing.F) {
	var whole bytes.Buffer
	sample(f, &whole)
	f.Add(whole.Bytes())
	f.Add([]byte("h\x00"))
	f.Fuzz(func(_ *testing.T, b []byte) {
		_, _ = backup.Read(bytes.NewReader(b), new(trace)) // any error will do
	})
}

// FuzzDecrypt: whatever a file is, it is refused without a panic.
func FuzzDecrypt(f *testing.F) {
	u := keyFile(f)
	b, _ := encrypted(f, u)
	f.Add(b)
	f.Add([]byte("elicence/backup/1\n\x00\x01x"))
	f.Fuzz(func(t *testing.T, changed []byte) {
		if lines, err := read(bytes.NewReader(changed), u); err == nil && !bytes.Equal(changed, b) {
			t.Errorf("%d entries of a file that nobody wrote", len(lines))
		}
	})
}

// BenchmarkEncrypt is what a backup costs beside reading the store.
func BenchmarkEncrypt(b *testing.B) {
	e, err := backup.Encrypt(io.Discard, keyFile(b), false, time.Now())
	if err != nil {
		b.Fatal(err)
	}
	data := make([]byte, 1<<20)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := e.Write(data); err != nil {
			b.Fatal(err)
		}
	}
}
