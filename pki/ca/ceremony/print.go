package ceremony

import (
	"fmt"
	"strings"
)

// Text tells the plan as what will be done, step by step, in two languages.
func (p *Plan) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "根证书仪式计划 plan of the key ceremony\n\n")
	p.head(&b)
	fmt.Fprintf(&b, "\n将依次进行 what will be done, in this order:\n")
	for i, s := range p.Steps() {
		fmt.Fprintf(&b, "%3d. %s\n     %s\n", i+1, s.Chinese, s.English)
	}
	fmt.Fprintf(&b, "\n将新建文件夹 new folders:\n")
	for _, f := range []struct{ label, path string }{
		{"服务 service", p.Output.Data}, {"离线 offline", p.Output.Offline}, {"分份 shares", p.Output.Shares}, {"记录 record", p.Output.Record},
	} {
		if f.path != "" {
			fmt.Fprintf(&b, "  %s: %s\n", f.label, f.path)
		}
	}
	fmt.Fprintf(&b, "\n在场 present: %s\n", strings.Join(p.Witnesses, "、"))
	return b.String()
}

// head names the domain and the file.
func (p *Plan) head(b *strings.Builder) {
	fmt.Fprintf(b, "域 domain: %s (%s), %s\n", p.Domain, p.Region, p.Host)
	if p.GMOnly {
		b.WriteString("仅国密 national algorithms only\n")
	}
	if p.File == "" {
		b.WriteString("仪式文件 ceremony file: 无，内置计划 none, the plan of the program\n")
		return
	}
	fmt.Fprintf(b, "仪式文件 ceremony file: %s\n  SM3 %s\n", p.File, Groups(p.Digest))
}
