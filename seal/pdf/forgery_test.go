package pdf

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/seal/pdf/revision"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

// TestBehindTheEnd appends bytes that belong to no revision, and an end that
// points back to an earlier revision.
func TestBehindTheEnd(t *testing.T) {
	t.Parallel()
	once := stamped(t, victim.bytes(), at(1, 120, 200, 42))
	twice := stamped(t, once, at(1, 20, 200, 42))
	back := fmt.Sprintf("startxref\n%d\n%%%%EOF\n", startxref(once))
	for _, tc := range []struct {
		name   string
		file   []byte
		more   string
		intact bool
	}{
		{"line ends", once, "\r\n\n", true},
		{"a comment", once, "% hello\n", false},
		{"an object", once, "7 0 obj <</Fields[]>> endobj\n", false},
		{"zeros", once, "\x00\x00", true},
		{"the same end again", once, back, false},
		{"an end that hides the second seal", twice, back, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			sig := signatures(t, append(bytes.Clone(tc.file), tc.more...))[0]
			if sig.Intact() != tc.intact || sig.CoversFile {
				t.Errorf("intact %v, covers the file %v, faults %q, changes %+v; want %v, false", sig.Intact(), sig.CoversFile, sig.Faults, sig.Changes, tc.intact)
			}
		})
	}
}

// TestEveryByte flips two bits of every byte of a file with two seals, one
// after the other, and wants each noticed: by an error, a fault, a change, or
// another digest or signature to verify.
func TestEveryByte(t *testing.T) {
	t.Parallel()
	file := stamped(t, stamped(t, sample{}.bytes(), at(1, 120, 200, 42)), at(1, 20, 200, 42))
	want := signatures(t, file)
	for i := range file {
		for _, bit := range []byte{0x01, 0x20} {
			broken := bytes.Clone(file)
			broken[i] ^= bit
			if why := unnoticed(broken, want); why != "" {
				// The digits of the padding and of hexadecimal letters have no meaning beyond their value.
				if file[i] >= 'A' && bit == 0x20 && inGap(want, i) {
					continue
				}
				t.Fatalf("byte %d (%q → %q) flipped: %s", i, file[i], broken[i], why)
			}
		}
	}
}

func inGap(list []Signature, i int) bool {
	for _, s := range list {
		if int64(i) >= s.ByteRange[1] && int64(i) < s.ByteRange[2] {
			return true
		}
	}
	return false
}

// startxref is where the newest cross-reference section of a file begins.
func startxref(file []byte) int64 {
	var at int64
	_, _ = fmt.Sscanf(string(file[bytes.LastIndex(file, []byte("startxref")):]), "startxref\n%d", &at)
	return at
}

// listed is what the newest cross-reference table of a file lists.
func listed(tb testing.TB, file []byte) map[uint32]int64 {
	tb.Helper()
	out := make(map[uint32]int64)
	table, _, _ := strings.Cut(string(file[startxref(file):]), "trailer")
	rest := strings.NewReader(strings.TrimPrefix(table, "xref"))
	for {
		var first, count uint32
		if _, err := fmt.Fscan(rest, &first, &count); err != nil {
			break
		}
		for num := first; num < first+count; num++ {
			var offset, generation, kind string
			if _, err := fmt.Fscan(rest, &offset, &generation, &kind); err != nil {
				tb.Fatal(err)
			}
			at, err := strconv.ParseInt(offset, 10, 64)
			if err != nil {
				tb.Fatal(err)
			}
			if kind == "n" {
				out[num] = at
			}
		}
	}
	if len(out) == 0 {
		tb.Fatal("the file lists nothing in a table")
	}
	return out
}

// unnoticed says that a file looks just like the original.
func unnoticed(file []byte, want []Signature) string {
	d, err := Open(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return ""
	}
	got, err := d.Signatures()
	if err != nil || len(got) != len(want) {
		return ""
	}
	for i, s := range got {
		if !s.Intact() || s.Digest != want[i].Digest || !bytes.Equal(s.Contents, want[i].Contents) || s.CoversFile != want[i].CoversFile {
			return ""
		}
	}
	return "both seals look untouched"
}

// wrapped moves the second signed piece to the end of the file (the SWA attack): the
// digest stays right, and between the pieces there is room for other contents and a
// cross-reference table, at the very offset that the moved end points to. The file is the
// plain sample with one signature.
func wrapped(tb testing.TB, file []byte) []byte {
	tb.Helper()
	honest := signatures(tb, file)[0]
	from, to := honest.ByteRange[1], honest.ByteRange[2]
	doc := open(tb, file)
	build := func(moved int64) []byte {
		out := append(bytes.Clone(file[:to]), bytes.Repeat([]byte(" "), int(startxref(file)-to))...)
		places := map[uint32]int64{}
		for num, at := range listed(tb, file) {
			places[num] = at
			if at >= to {
				places[num] += moved - to
			}
		}
		table := func() string {
			s := "xref\n"
			for n := range uint32(20) {
				if at, ok := places[n]; ok {
					s += fmt.Sprintf("%d 1\n%010d 00000 n \n", n, at)
				}
			}
			return s + fmt.Sprintf("trailer\n<</Size 20/Root 1 0 R/Prev %d>>\n", doc.now.Trailer().Lookup("Prev"))
		}
		object := fmt.Sprintf("3 0 obj\n<</Length %d>>\nstream\n%s\nendstream\nendobj\n", len(evil), evil)
		places[3] = 0
		places[3] = startxref(file) + int64(len(table()))
		places[uint32(honest.Object)] = places[3] + int64(len(object))
		out = append(out, table()+object...)
		out = fmt.Appendf(out, "%d 0 obj\n<</Type/Sig/Filter/F/ByteRange[0 %d %010d %d]/Contents%s>>\nendobj\n",
			honest.Object, from, moved, honest.ByteRange[3], file[from:to])
		return append(out, file[to:]...)
	}
	return build(int64(len(build(0))) - honest.ByteRange[3])
}

// TestSignatureWrapping: the wrapped signature is found out.
func TestSignatureWrapping(t *testing.T) {
	t.Parallel()
	file := stamped(t, sample{}.bytes(), at(1, 120, 200, 42))
	honest, attacked := signatures(t, file)[0], wrapped(t, file)
	list := signatures(t, attacked)
	if len(list) != 1 {
		t.Fatalf("got %d signatures in the attacked file, want 1", len(list))
	}
	r := list[0].ByteRange
	covered := append(bytes.Clone(attacked[:r[1]]), attacked[r[2]:r[2]+r[3]]...)
	if sm3.Sum(covered) != honest.Digest {
		t.Fatal("the attack is not well made: the digest differs")
	}
	if list[0].Intact() || !strings.Contains(list[0].Faults[0], "is not the signature's /Contents") {
		t.Errorf("a wrapped signature passes: faults %q", list[0].Faults)
	}
}

// TestDormantObjects shows a file that its signer was given prepared (a shadow
// attack): other contents lie in it, which nothing leads to when it is signed.
// The attacker adds nothing but a few lines of cross-reference table.
func TestDormantObjects(t *testing.T) {
	t.Parallel()
	original := victim.bytes()
	prepared := updatedUnsigned(t, original, func(a attacker) { a.PutStream(syntax.Ref{Num: 3}, &syntax.Dict{}, []byte(evil)) })
	sleeping := open(t, prepared)
	contents, err := sleeping.now.Load(syntax.Ref{Num: 3})
	if err != nil {
		t.Fatal(err)
	}
	// An end that leads back to the first revision puts the second to sleep.
	asleep := fmt.Appendf(bytes.Clone(prepared), "startxref\n%d\n%%%%EOF\n", startxref(original))
	signed := stamped(t, asleep, at(1, 120, 200, 42))
	if got := signatures(t, signed)[0]; !got.Intact() {
		t.Fatalf("the prepared file does not verify before the attack: %+v", got)
	}
	seal := "xref\n"
	entries := listed(t, signed)
	for _, num := range slices.Sorted(maps.Keys(entries)) {
		seal += fmt.Sprintf("%d 1\n%010d 00000 n \n", num, entries[num])
	}
	for _, tc := range []struct {
		name, table, what string
		prev              int64
		kind              revision.ChangeKind
	}{
		{"one object woken", fmt.Sprintf("xref\n3 1\n%010d 00000 n \n", contents.At), "/Contents", startxref(signed), revision.Modified},
		{"the sleeping revision woken", seal, "no longer part of the file", startxref(prepared), faulty},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			attacked := fmt.Appendf(bytes.Clone(signed), "%strailer\n<</Size 60/Root 1 0 R/ID[(one)(x)]/Prev %d>>\nstartxref\n%d\n%%%%EOF\n", tc.table, tc.prev, len(signed))
			checkChange(t, attacked, tc.kind, tc.what)
		})
	}
}
