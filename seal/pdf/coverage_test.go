package pdf

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/elicence/elicence/seal/pdf/syntax"
)

// TestFaults takes a stamped file and changes the signature dictionary in a
// way that a careless signer or an attacker would, without moving anything.
func TestFaults(t *testing.T) {
	t.Parallel()
	file := stamped(t, sample{}.bytes(), at(1, 30, 40, 42))
	good := signatures(t, file)[0]
	a, b, c := good.ByteRange[1], good.ByteRange[2], good.ByteRange[3]
	ranges := func(a, b, c int64) func([]byte) []byte {
		return func(file []byte) []byte {
			old := fmt.Sprintf("[0 %010d %010d %010d]", good.ByteRange[1], good.ByteRange[2], good.ByteRange[3])
			return swap(t, file, old, fmt.Sprintf("[0 %010d %010d %010d]", a, b, c))
		}
	}
	text := func(old, new string) func([]byte) []byte {
		return func(file []byte) []byte { return swap(t, file, old, new) }
	}
	contents := string(file[a:b])
	for _, tc := range []struct {
		name   string
		change func([]byte) []byte
		want   string
	}{
		{"gap starts early", ranges(a-1, b, c), "is not the signature's /Contents"},
		{"gap starts late", ranges(a+1, b, c), "is not the signature's /Contents"},
		{"gap ends late", ranges(a, b+1, c-1), "is not the signature's /Contents"},
		{"gap ends early", ranges(a, b-1, c+1), "is not the signature's /Contents"},
		{"gap elsewhere", ranges(10, 20, int64(len(file))-20), "is not the signature's /Contents"},
		{"pieces overlap", ranges(b, a, int64(len(file))-a), "two pieces"},
		{"end cut off", ranges(a, b, c-2), "do not end where a revision"},
		{"end in the middle", ranges(a, b, c-30), "do not end where a revision"},
		{"beyond the end", ranges(a, b, c+1), "two pieces"},
		{"far beyond the end", ranges(a, b, 9999999999), "two pieces"},
		{"nothing covered", ranges(0, 0, 0), "two pieces"},
		{"does not start at 0", text("/ByteRange [0 0", "/ByteRange [1 0"), "two pieces"},
		{"three numbers", text("/ByteRange [0 0", "/ByteRange [  0"), "four whole numbers"},
		{"five numbers", text(fmt.Sprintf("[0 %010d", a), fmt.Sprintf("[0 0 %08d", a)), "four whole numbers"},
		{"no byte range", text("/ByteRange", "/ByteRangf"), "no /Contents or no /ByteRange"},
		{"no contents", text("/Contents <", "/Contentz <"), "no /Contents or no /ByteRange"},
		{"contents a literal string", text(contents, "("+contents[1:len(contents)-1]+")"), "pairs of hexadecimal digits"},
		{"white space in the contents", text(contents, contents[:40]+"\n"+contents[41:]), "pairs of hexadecimal digits"},
		{"padding not zero", text("00>", "01>"), "not zero"},
		{"empty signature", text("<3082", "<0000"), "not one DER value"},
		{"endless length", text("<3082", "<3084"), "not one DER value"},
		{"another type", text("/Type /Sig/", "/Type /Sog/"), "/Type"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := signatures(t, tc.change(bytes.Clone(file)))
			if len(got) != 1 {
				t.Fatalf("got %d signatures, want 1", len(got))
			}
			if !strings.Contains(strings.Join(got[0].Faults, "; "), tc.want) || got[0].Intact() {
				t.Errorf("faults %q, want %q", got[0].Faults, tc.want)
			}
			if got[0].Digest != ([32]byte{}) {
				t.Error("a faulty signature has a digest")
			}
		})
	}
}

// TestEndOfLine covers a file up to its last %%EOF but not the line's end, as
// some programs do.
func TestEndOfLine(t *testing.T) {
	t.Parallel()
	file := stamped(t, sample{}.bytes(), at(1, 30, 40, 42))
	r := signatures(t, file)[0].ByteRange
	file = swap(t, file, fmt.Sprintf(" %010d]", r[3]), fmt.Sprintf(" %010d]", r[3]-1))
	for _, tc := range []struct {
		file   []byte
		covers bool
	}{{file, true}, {append(bytes.Clone(file), '\n'), false}, {stamped(t, file, at(1, 100, 40, 42)), false}} {
		got := signatures(t, tc.file)[0]
		if !got.Intact() || got.CoversFile != tc.covers {
			t.Errorf("faults %q, changes %+v, covers the file %v, want %v", got.Faults, got.Changes, got.CoversFile, tc.covers)
		}
	}
}

// TestEndInTheNextRevision covers the first bytes of what was added later as well.
func TestEndInTheNextRevision(t *testing.T) {
	t.Parallel()
	file := stamped(t, stamped(t, sample{}.bytes(), at(1, 30, 40, 42)), at(1, 100, 40, 42))
	r := signatures(t, file)[0].ByteRange
	file = swap(t, file, fmt.Sprintf(" %010d]", r[3]), fmt.Sprintf(" %010d]", r[3]+10))
	got := signatures(t, file)[0]
	if !strings.Contains(strings.Join(got.Faults, "; "), "do not end where a revision") {
		t.Errorf("faults %q", got.Faults)
	}
}

// swap replaces the last occurrence of some bytes by as many others.
func swap(tb testing.TB, file []byte, old, new string) []byte {
	tb.Helper()
	i := bytes.LastIndex(file, []byte(old))
	if i < 0 || len(old) != len(new) {
		tb.Fatalf("%q cannot be replaced by %q", old, new)
	}
	copy(file[i:], new)
	return file
}

// TestFaultyValues reads fields whose value is no signature dictionary.
func TestFaultyValues(t *testing.T) {
	t.Parallel()
	field := func(v string, more ...string) []byte {
		return sample{catalog: "/AcroForm<</Fields[5 0 R]>>",
			objects: append([]string{"<</FT/Sig/T(f)/V " + v + ">>"}, more...)}.bytes()
	}
	for _, tc := range []struct {
		name string
		file []byte
		want string
	}{
		{"direct dictionary", field("<</Type/Sig/Contents<3000>/ByteRange[0 1 2 3]>>"), "not a reference"},
		{"missing object", field("99 0 R"), "missing"},
		{"an array", field("6 0 R", "[]"), "not a signature dictionary"},
		{"a number", field("7"), "not a reference"},
		{"in an object stream", sample{packed: true, catalog: "/AcroForm<</Fields[5 0 R]>>",
			objects: []string{"<</FT/Sig/T(f)/V 6 0 R>>"}}.bytes(), "object stream"}, // 6 is the page
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := signatures(t, tc.file)
			if len(got) != 1 || !strings.Contains(strings.Join(got[0].Faults, "; "), tc.want) {
				t.Errorf("signatures: %+v, want one with the fault %q", got, tc.want)
			}
		})
	}
}

// TestFieldAddedLater makes a signature the value of a field only after it was
// made.
func TestFieldAddedLater(t *testing.T) {
	t.Parallel()
	file := stamped(t, sample{}.bytes(), at(1, 30, 40, 42))
	attacked := updated(t, file, func(a attacker) {
		form, err := a.doc.now.Form()
		if err != nil {
			panic(err)
		}
		r := a.made(fmt.Sprintf("<</FT/Sig/T(late)/V %d 0 R>>", a.sig.Object))
		a.Put(form.Ref, form.Dict.With("Fields", syntax.Array{r}))
	})
	got := signatures(t, attacked)
	if len(got) != 1 || !strings.Contains(strings.Join(got[0].Faults, "; "), "not the field's value") {
		t.Errorf("signatures: %+v", got)
	}
}

func TestValueLength(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("\x30\x80", 100_000)
	for _, tc := range []struct {
		name string
		in   string
		want int // -1 for an error
	}{
		{"empty sequence", "\x30\x00", 2},
		{"short", "\x30\x03abc", 5},
		{"followed", "\x30\x01a\x00\x00", 3},
		{"long form", "\x30\x81\x02ab", 5},
		{"four length bytes", "\x30\x84\x00\x00\x00\x01a", 7},
		{"indefinite", "\x30\x80\x02\x01\x05\x00\x00\x00\x00", 7},
		{"indefinite in indefinite", "\x30\x80\x30\x80\x00\x00\x00\x00", 8},
		{"definite in indefinite", "\x30\x80\x30\x02\x00\x00\x00\x00", 8},
		{"zeros inside", "\x30\x80\x04\x02\x00\x00\x00\x00", 8},
		{"not closed", "\x30\x80\x30\x80\x00\x00", -1},
		{"deep, not closed", deep, -1},
		{"deep, closed", deep + strings.Repeat("\x00\x00", 100_000), 400_000},
		{"no sequence", "\x04\x00", -1},
		{"nothing", "", -1},
		{"one byte", "\x30", -1},
		{"cut off", "\x30\x04abc", -1},
		{"length cut off", "\x30\x82\x01", -1},
		{"five length bytes", "\x30\x85\x00\x00\x00\x00\x00", -1},
		{"huge", "\x30\x84\xff\xff\xff\xff", -1},
		{"primitive indefinite inside", "\x30\x80\x04\x80\x00\x00\x00\x00", -1},
		{"long tag inside", "\x30\x80\x1f\x01\x00\x00\x00", -1},
	} {
		got, err := valueLength([]byte(tc.in))
		if err != nil {
			got = -1
		}
		if got != tc.want {
			t.Errorf("%s: length %d, want %d", tc.name, got, tc.want)
		}
	}
}
