package licence

import (
	"strings"
	"time"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/licence/catalogue"
)

// Element is one element of a licence's metadata under its names in GB/T 36903-2018.
type Element struct {
	Code   string `json:"code"`
	NameZH string `json:"name"`
	Value  string `json:"value"`
}

// severalSeparator stands between several holders in metadata. The standard leaves open
// what it is; implementations in the field use this.
const severalSeparator = "^"

// extensionPrefix begins the names of a category's own fields.
const extensionPrefix = "KZ_"

// Metadata returns a licence in the elements of GB/T 36903-2018: days as YYYY-MM-DD,
// times in UTC+8, a last day that is empty where there is none, and the category's own
// fields behind the prefix KZ_. A picture is named by its digest.
func Metadata(l *Licence, c *catalogue.Category) []Element {
	each := func(part func(Holder) string) string {
		var all []string
		for _, h := range l.Holders {
			all = append(all, part(h))
		}
		return strings.Join(all, severalSeparator)
	}
	last := ""
	if l.LastDay != nil {
		last = l.LastDay.String()
	}
	elements := []Element{
		{"ZZMC", "证照名称", c.NameZH},
		{"ZZLXDM", "证照类型代码", l.Identifier.Type},
		{"ZZBH", "证照编号", l.Number},
		{"ZZBS", "证照标识", l.Identifier.String()},
		{"ZZBFJG", "证照颁发机构", l.IssuerName},
		{"ZZBFJGDM", "证照颁发机构代码", l.Identifier.Issuer},
		{"ZZBFRQ", "证照颁发日期", l.IssueDay.String()},
		{"CZZT", "持证主体", each(func(h Holder) string { return h.Name })},
		{"CZZTDM", "持证主体代码", each(func(h Holder) string { return h.IDNumber })},
		{"CZZTDMLX", "持证主体代码类型", each(func(h Holder) string { return h.IDType.NameZH() })},
		{"CZZTDMLXDM", "持证主体代码类型代码", each(func(h Holder) string { return string(h.IDType) })},
		{"ZZYXQQSRQ", "证照有效期起始日期", l.FirstDay.String()},
		{"ZZYXQJZRQ", "证照有效期截止日期", last},
		{"CJSJ", "创建时间", l.SignedAt.In(civil.Zone).Format(time.DateTime)},
	}
	for _, f := range c.Fields {
		v, present := l.Fields[f.Code]
		if !present || f.MapsTo != catalogue.MapsNothing {
			continue
		}
		elements = append(elements, Element{extensionPrefix + f.Code, f.NameZH, v.Shown(f)})
	}
	return elements
}
