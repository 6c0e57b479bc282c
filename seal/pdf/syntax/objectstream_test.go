package syntax

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
)

// TestObjectStreamUnderAnotherNumber asks for the object stream at one place by two numbers:
// what the second finds must not depend on whether the first was asked before.
func TestObjectStreamUnderAnotherNumber(t *testing.T) {
	t.Parallel()
	w := &Increment{Out: []byte("%PDF-1.7\n"), Next: 3}
	const num, packed = 2, "1 0 <</Type/Catalog/Pages 9 0 R>>"
	w.PutStream(Ref{Num: num}, DictOf("Type", Name("ObjStm"), "N", int64(1), "First", int64(4)), []byte(packed))
	at, holder := w.Offset(), w.Written[0].At
	row := func(kind byte, where int64) []byte { return []byte{kind, byte(where >> 8), byte(where), 0} }
	w.PutStream(w.Fresh(), DictOf("Type", Name("XRef"), "Size", int64(4), "Root", Ref{Num: 1}, "W", Array{int64(1), int64(2), int64(1)}),
		slices.Concat(row(0, 0), row(2, num), row(1, holder), row(1, at)))
	file := fmt.Appendf(w.Out, "startxref\n%d\n%%%%EOF\n", at)
	d, err := Open(bytes.NewReader(file), int64(len(file)), Access{})
	if err != nil {
		t.Fatal(err)
	}
	clear(d.containers) // the catalog was asked for
	if _, err := d.now.container(holder, num+1); !IsDamage(err) {
		t.Errorf("asked for first: %v", err)
	}
	if _, err := d.now.container(holder, num); err != nil {
		t.Fatal(err)
	}
	if _, err := d.now.container(holder, num+1); !IsDamage(err) {
		t.Errorf("asked for behind the right one: %v", err)
	}
}
