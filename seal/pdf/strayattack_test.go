package pdf

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

// strayObject is what an attacker wants a reader to take for the page's contents, and which
// no cross-reference entry leads to.
var strayObject = fmt.Sprintf("3 0 obj\n<</Length %d>>\nstream\n%s\nendstream\nendobj\n", len(evil), evil)

// broken is an entry that leads to no object, so that readers look for objects themselves.
func (a attacker) broken() {
	a.Written = append(a.Written, syntax.Written{Ref: a.Fresh(), At: 900_000_000})
}

// TestStrayObjects: a later revision that changes nothing by its cross-reference data, and
// something for a reader that does not believe them.
func TestStrayObjects(t *testing.T) { eachProfile(t, testStrayObjects) }

func testStrayObjects(t *testing.T, s *signers) {
	signed := put(t, sample{}.bytes(), s.stamp(120), s.sealContents)
	packed := put(t, sample{stream: true}.bytes(), s.stamp(120), s.sealContents)
	const unlisted = "belong to none"
	for _, tt := range []attacked{
		{"an entry that leads nowhere", signed, func(a attacker) { a.broken() }, "where there is none"},
		{"an entry that leads to another object", signed, func(a attacker) {
			a.Written = append(a.Written, syntax.Written{Ref: a.Fresh(), At: a.Written[0].At})
		}, "where there is none"},
		{"an object that is not listed", signed, func(a attacker) { a.Out = append(a.Out, strayObject...) }, unlisted},
		{"the same with an entry that leads nowhere", signed, func(a attacker) { a.Out = append(a.Out, strayObject...); a.broken() }, ""},
		{"a comment in its header", signed, func(a attacker) {
			a.Out = append(a.Out, strings.Replace(strayObject, "3 0 obj", "3 %\n0 %\nobj", 1)...)
		}, unlisted},
		{"an object that is written twice", signed, func(a attacker) {
			a.Out = append(a.Out, strings.Replace(strayObject, "3 0", fmt.Sprintf("%d 0", a.made("<<>>").Num), 1)...)
		}, unlisted},
		{"in a comment", signed, func(a attacker) { a.Out = append(a.Out, "%3 0 obj<<>>endobj\n"...) }, "does not list"},
		{"in a string", signed, func(a attacker) { a.made("<</A(\n" + strayObject + ")>>") }, "does not list"},
		{"in a stream", signed, func(a attacker) { a.PutStream(a.Fresh(), &syntax.Dict{}, []byte("x\n"+strayObject)) }, ""},
		{"behind a stream that ends twice", signed, func(a attacker) {
			a.PutStream(a.Fresh(), &syntax.Dict{}, []byte("x\nendstream\nendobj\n3 %\n0 %\nobj <<>> endobj"))
		}, "endstream"},
		{"behind a cross-reference stream", packed, func(a attacker) { a.Out = append(a.Out, strayObject...) }, unlisted},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			change := tt.change
			tt.change = func(a attacker) { // something harmless, which alone goes through
				a.set(1, "DSS", syntax.DictOf("Certs", syntax.Array{}))
				change(a)
			}
			refused(t, s, tt)
		})
	}
	harmless := updated(t, packed, func(a attacker) {
		a.set(1, "DSS", syntax.DictOf("Certs", syntax.Array{a.made("<<>>")}))
		a.Out = append(a.Out, "% written by a program\n"...)
	})
	if report, err := open(t, harmless).Verify(context.Background(), s.trust); err != nil || !report.Valid() {
		t.Errorf("an increment with a comment: %v, %v", err, report.Err())
	}
}

// TestStrayObjectsAreSeen proves that the attack is one: MuPDF shows the stray object.
func TestStrayObjectsAreSeen(t *testing.T) {
	t.Parallel()
	tooltest.Need(t, "mutool")
	s := newSigners(t)
	file := updated(t, put(t, sample{}.bytes(), s.stamp(120), s.sealContents), func(a attacker) {
		a.set(1, "DSS", syntax.DictOf("Certs", syntax.Array{}))
		a.Out = append(a.Out, strayObject...)
		a.broken()
	})
	path := filepath.Join(t.TempDir(), "stray.pdf")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := tooltest.Run(t, "mutool", "draw", "-q", "-F", "text", path); !strings.Contains(got, "yuan") {
		t.Errorf("MuPDF shows %q, so it is not deceived any more", got)
	}
}
