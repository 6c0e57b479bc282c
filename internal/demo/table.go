package demo

import (
	"bufio"
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/elicence/elicence/internal/columns"
	"github.com/elicence/elicence/qr/verify"
)

// printTable prints one line a category, then what else was found, then how long
// each step took.
func (r *run) printTable(e *examination) error {
	out := bufio.NewWriter(r.Print)
	p := func(format string, args ...any) { fmt.Fprintf(out, format, args...) }
	p("\n证照 licences  (码 code text · 图 picture · 版式文件 PDF)\n\n")
	for _, f := range e.findings {
		p("  %s  %s  %s  %3d B  %s\n", f.category.ID, columns.Fit(f.category.NameZH, 42), columns.Fit(f.holder, 34), f.codeBytes, verdicts(f))
	}
	counts := make(map[verify.Verdict]int)
	for _, f := range e.findings {
		counts[f.text]++
	}
	p("\n  %d 类 categories: %s\n", len(e.findings), tally(counts))

	p("\n文件 document  documents/stamped.pdf: %s，%s %s, %s\n\n", e.agreement.Verdict.Wording().ZH, e.agreement.CauseZH, e.agreement.Verdict, e.agreement.Cause)
	for _, s := range e.agreement.Document.Signatures {
		p("  %s  %s  %s  %s\n", columns.Fit(s.Field, 8), columns.Fit(s.Kind, 8), columns.Fit(s.Signer, 44), mark(s.Valid))
	}
	p("\n  改动一字节 one byte changed:\n")
	for _, b := range e.broken {
		p("  %s  %s  %s %s\n", columns.Fit(b.what, 56), columns.Fit(string(b.verdict), 10), b.causeZH, b.cause)
	}

	p("\n伪造 forgeries  (code 001, every bit flipped, check digits made anew)\n\n")
	for _, f := range e.flips {
		p("  %s  %4d 位 bits: %s\n", columns.Fit(f.part, 32), f.bits, tally(f.by))
	}
	p("  %s            %s\n", columns.Fit("误读一位数字 one wrong digit", 32), tally(e.misreads))

	p("\n用时 time\n\n")
	var all time.Duration
	for _, s := range r.steps {
		all += s.took
		p("  %s  %4d  %7.2f s\n", columns.Fit(s.name, 68), s.parts, s.took.Seconds())
	}
	p("  %s        %7.2f s\n", columns.Fit("合计 in all", 68), all.Seconds())
	return out.Flush()
}

func verdicts(f finding) string {
	if f.text == f.picture && f.text == f.pdf {
		w := f.text.Wording()
		return w.Symbol + " " + w.ZH + " " + string(f.text)
	}
	return fmt.Sprintf("%s / %s / %s", f.text, f.picture, f.pdf)
}

func mark(ok bool) string {
	if ok {
		return "✓ 有效 valid"
	}
	return "✗ 无效 not valid"
}

// tally writes counts as "193 valid, 1 revoked, 1 suspended": the most first, and
// equals by name.
func tally(counts map[verify.Verdict]int) string {
	var parts []string
	for _, v := range slices.SortedFunc(maps.Keys(counts), func(a, b verify.Verdict) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	}) {
		parts = append(parts, fmt.Sprintf("%d %s", counts[v], v))
	}
	return strings.Join(parts, ", ")
}

// printWhereToLook says in one line each what a newcomer may do next.
func (r *run) printWhereToLook() error {
	at := func(parts ...string) string { return filepath.Join(append([]string{r.Out}, parts...)...) }
	_, err := fmt.Fprintf(r.Print, `
接下来 where to look next

  看一张证照 look at a licence            %s   (%s, %s: the same code)
  看盖章的文件 look at the agreement      %s
  大厅终端核验 scan as a hall terminal    go run ./cmd/hallscan --trust %s %s
  核验任意文件 verify any file            go run ./cmd/elicence verify --trust %s FILE
  打开服务 open the service               go run ./cmd/elicence serve --data %s     then http://127.0.0.1:8080/verify
  证书链 the certificates                 %s

  %s 的密钥由同一文件夹中的 kek 文件保护，只适合演示；离线密钥在 offline 中，应移出本机。
  The keys in %s are protected by the file kek beside them, which is right for a demo only;
  its folder offline holds the root's keys and should leave the machine.
`,
		at("licences", "004.pdf"), at("licences", "004.png"), at("licences", "004.txt"), at("documents", "stamped.pdf"),
		at("trust"), at("licences", "*.png"), at("trust"), at("service"), at("ca", "*.pem"), at("service"), at("service"))
	return err
}
