package report

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/elicence/elicence/internal/inspect"
	"github.com/elicence/elicence/seal/pdf/revision"
)

func han(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Han, r) })
}

// TestChangesWorded: every change that there is has Chinese words of its own, which name the
// page and the field that it is about.
func TestChangesWorded(t *testing.T) {
	t.Parallel()
	title := "赠与"
	said := make(map[string]revision.ChangeCode)
	for _, code := range revision.ChangeCodes() {
		c := inspect.ChangeFinding{Kind: "modified", Code: string(code), Page: 7, Field: "Seal9", Over: []string{"Seal7", "Seal8"}, Name: "Key", Entries: []inspect.EntryFinding{{Name: "Title", New: &title}}, What: "english"}
		w := changedWords(c)
		if !han(w.ZH) || w.ZH == changeWords(c.Kind).ZH || w.EN != "english" {
			t.Errorf("%s: %+v", code, w)
		}
		if other, twice := said[w.ZH]; twice {
			t.Errorf("%s and %s are both %q", code, other, w.ZH)
		}
		said[w.ZH] = code
		page := strings.HasPrefix(string(code), "page_") || strings.HasPrefix(string(code), "annotation_") || code == revision.ChangeSealUponSeal
		field := strings.HasPrefix(string(code), "field_") || strings.HasPrefix(string(code), "signature_")
		if page != strings.Contains(w.ZH, "第 7 页") || field && !strings.Contains(w.ZH, "Seal9") {
			t.Errorf("%s: %q does not say where", code, w.ZH)
		}
	}
	for _, kind := range constants(t, "revision/change.go", "ChangeKind") {
		if w := changeWords(kind); !han(w.ZH) || w.EN == "" || han(w.EN) || kind != "modified" && w == changeWords("modified") {
			t.Errorf("changes of the kind %s: %+v", kind, w)
		}
	}
	turned := "a\u202e1"
	for _, c := range []inspect.ChangeFinding{
		{Code: string(revision.ChangeFieldRemoved), Field: turned}, {Code: string(revision.ChangePageEntry), Name: turned},
		{Code: string(revision.ChangeInformation), Entries: []inspect.EntryFinding{{Name: turned, Old: &turned, New: &turned}}},
	} {
		if w := changedWords(c); strings.Contains(w.ZH, "\u202e") {
			t.Errorf("%s: %q turns the direction of reading", c.Code, w.ZH)
		}
	}
	if w := changedWords(inspect.ChangeFinding{Code: string(revision.ChangeFieldFilled), Field: "甲”有效"}); w.ZH != "填写了表单域“甲’有效”" {
		t.Errorf("a name ends its quotes: %q", w.ZH)
	}
	long := changedWords(inspect.ChangeFinding{Code: string(revision.ChangeFieldRemoved), Field: strings.Repeat("字", 1000)})
	if n := len([]rune(long.ZH)); n > 100 {
		t.Errorf("a long name takes %d characters", n)
	}
}

// TestEntriesWorded: what a page is made of is called what people call it.
func TestEntriesWorded(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"Contents": "第 2 页的内容被改动（/Contents）", "Rotate": "第 2 页的方向被改动（/Rotate）", "Q": "第 2 页的设置被改动（/Q）"} {
		if got := changedWords(inspect.ChangeFinding{Code: string(revision.ChangePageEntry), Page: 2, Name: name}); got.ZH != want {
			t.Errorf("%q, want %q", got.ZH, want)
		}
	}
	if got := changedWords(inspect.ChangeFinding{Code: string(revision.ChangeCatalogEntry), Name: "PageMode"}); got.ZH != "打开方式被改动（/PageMode）" {
		t.Errorf("%q", got.ZH)
	}
}

// TestCautionsAndStepsWorded: whatever the packages warn of or check has words in both languages.
func TestCautionsAndStepsWorded(t *testing.T) {
	t.Parallel()
	cautions := append(constants(t, "caution.go", "CautionKind"), constants(t, "../ofd/caution.go", "CautionKind")...)
	if len(cautions) < 7 {
		t.Errorf("cautions: %q", cautions)
	}
	for _, kind := range cautions {
		if w := cautionWords(kind); !han(w.ZH) || w.EN == kind || han(w.EN) {
			t.Errorf("the caution %s: %+v", kind, w)
		}
	}
	steps := regexp.MustCompile(`\bcheck\("([a-z ]+)"|Check\{(?:\{)?Name: "([a-z ]+)"|\{Name: "([a-z ]+)", Err|\bCheck[A-Z]\w* *= "([a-z ]+)"|\bcheck[A-Z]\w* *= "([a-z ]+)"`)
	var names int
	for _, folder := range []string{"../../seal", "../../seal/pdf", "../../seal/ofd"} {
		files, err := filepath.Glob(filepath.Join(folder, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if strings.HasSuffix(f, "_test.go") {
				continue
			}
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range steps.FindAllStringSubmatch(string(text), -1) {
				name := strings.Join(m[1:], "")
				names++
				if w := stepWords(name); !han(w.ZH) || han(w.EN) {
					t.Errorf("%s: the step %q: %+v", f, name, w)
				}
			}
		}
	}
	if names < 20 {
		t.Errorf("only %d steps are found", names)
	}
}

// constants lists the values of the constants of a type in a file below package pdf.
func constants(tb testing.TB, file, kind string) []string {
	tb.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join("../../seal/pdf", file), nil, 0)
	if err != nil {
		tb.Fatal(err)
	}
	var all []string
	ast.Inspect(f, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if typed, ok := v.Type.(*ast.Ident); !ok || typed.Name != kind {
			return true
		}
		text, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, text)
		return true
	})
	if len(all) == 0 {
		tb.Fatalf("%s has no %s", file, kind)
	}
	return all
}
