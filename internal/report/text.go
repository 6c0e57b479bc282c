package report

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/elicence/elicence/internal/inspect"
)

// Lines is what a terminal shows of a document: what may look otherwise than it did to the
// signers, every signature, and what was changed after it.
func Lines(d *inspect.PDFInspection) []string {
	var lines []string
	if e := d.Encryption; e != nil {
		zh, en := e.Words()
		lines = append(lines, zh+"  "+en)
	}
	if w := uncoveredWords(d.Uncovered); w != nil {
		lines = append(lines, "注意 caution  "+w.ZH+"  "+w.EN)
	}
	if l := d.Integrity; l != nil {
		lines = append(lines, "文件清单 list of files (GM/T 0099)  "+integrityText(l))
	}
	for _, c := range d.Cautions {
		w := cautionWords(c.Kind)
		lines = append(lines, fmt.Sprintf("注意 caution  %s  %s: %s", strings.TrimSpace(w.ZH+" "+cautionWhere(c).ZH), w.EN, c.What))
	}
	for i := range d.Signatures {
		lines = append(lines, signatureLines(&d.Signatures[i])...)
	}
	return lines
}

func signatureLines(f *inspect.SignatureFinding) []string {
	mark := "✓"
	if !f.Valid {
		mark = "✗ " + failureWords(f).line()
	}
	if !f.RevocationChecked {
		mark += "  未查吊销 revocation not known"
	}
	lines := []string{fmt.Sprintf("%s  %s  %s  %s  %s", told(f.Field), f.Signer, localText(f.SignedAt), shownOn(f), mark)}
	if f.Reason != "" {
		lines = append(lines, "  事由 reason  "+told(f.Reason))
	}
	if f.ProvenAt != "" {
		lines = append(lines, fmt.Sprintf("  经证明不晚于 proven to exist by  %s  %s", localText(f.ProvenAt), f.ProvenBy))
	}
	if len(f.ImportedRoots) > 0 {
		lines = append(lines, "  凭导入的根证书 by an imported root  "+strings.Join(f.ImportedRoots, "; "))
	}
	if s := f.SealInfo; s != nil && s.OnPage == "unknown" && f.Valid {
		lines = append(lines, "  注意 caution  无法比对页面图案，请在 --report 中核对印章  The picture on the page could not be compared: see the seal with --report. "+s.OnPageWhy)
	}
	if s := f.SealInfo; s != nil && s.OnPage == "drawn" && s.OnPageWhy != "" {
		lines = append(lines, "  注意 caution  印章图案无法绘出  The picture of the seal could not be drawn. "+s.OnPageWhy)
	}
	for _, c := range f.Changes {
		if c.Kind == "signature" || c.Kind == "validation data" { // they have lines of their own, or say nothing to people
			continue
		}
		if why := failed(f); why != nil && why.Change != nil && why.Change.What == c.What {
			continue // it is said above
		}
		lines = append(lines, "  签署之后 after it  "+changeLine(c))
	}
	return lines
}

// SinceLines says what happened to a document since a code was printed on it, one change a
// line, in both languages.
func SinceLines(d *inspect.PDFInspection) []string {
	lines := make([]string, len(d.Since))
	for i, c := range d.Since {
		lines[i] = "印码之后 since the code  " + changeLine(c)
	}
	return lines
}

// changeLine says of which kind a change is, and which it was.
func changeLine(c inspect.ChangeFinding) string {
	w := changeWords(c.Kind)
	return w.ZH + " " + w.EN + "  " + changedWords(c).line()
}

// shownOn says where a signature is to be seen.
func shownOn(f *inspect.SignatureFinding) string {
	pages := pagesText(f)
	switch {
	case pages == "":
		return "不显示 not shown"
	case strings.ContainsAny(pages, "-,"):
		return fmt.Sprintf("第 %s 页 pages %s", strings.ReplaceAll(pages, ", ", "、"), pages)
	default:
		return fmt.Sprintf("第 %s 页 page %s", pages, pages)
	}
}

// pagesText names the pages that show a signature, as "1-5, 8"; empty: none does.
func pagesText(f *inspect.SignatureFinding) string {
	if f.Place == nil || f.Page == 0 {
		return ""
	}
	pages := []int{f.Page}
	for _, s := range f.Seen {
		pages = append(pages, s.Page)
	}
	slices.Sort(pages)
	pages = slices.Compact(pages)
	var runs []string
	for i := 0; i < len(pages); {
		last := i
		for last+1 < len(pages) && pages[last+1] == pages[last]+1 {
			last++
		}
		if last == i {
			runs = append(runs, fmt.Sprint(pages[i]))
		} else {
			runs = append(runs, fmt.Sprintf("%d-%d", pages[i], pages[last]))
		}
		i = last + 1
	}
	return strings.Join(runs, ", ")
}

// OneLine is a text from a document that nobody vouches for, as a terminal may show it: no
// character moves the cursor, begins a line or turns the direction of reading.
func OneLine(s string) string {
	return strings.Map(quiet, s)
}

// quiet is a character that only shows itself.
func quiet(r rune) rune {
	if unicode.In(r, unicode.C, unicode.Zl, unicode.Zp) {
		return unicode.ReplacementChar
	}
	return r
}
