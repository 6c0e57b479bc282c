package catalogue

import (
	"slices"
	"strings"
	"testing"
)

func found(c *Catalogue, query string) []string {
	var ids []string
	for _, category := range c.Search(query) {
		ids = append(ids, category.ID.String())
	}
	return ids
}

func TestSearchFindsFirst(t *testing.T) {
	t.Parallel()
	c := load(t)
	for query, want := range map[string]string{
		// names, short names, aliases, ids, English
		"身份证": "001", "二代证": "001", "驾照": "004", "营业执照": "066", "087": "087", "０８７": "087", "行驶": "005",
		"房本": "087", "红本": "087", "个体户": "066", "个体户执照": "066", "个体工商户": "066", "business licence": "066", "BUSINESS  Licence": "066", " 驾 照 ": "004",
		// pinyin: in full, initials, mixed, a syllable not yet finished, ü both ways, one of several readings
		"jiashizheng": "004", "JiaShiZheng": "004", "jia'zhao": "004", "jiasz": "004", "jsz": "061", "jiashiz": "004", "jiashizh": "004", "yyzz": "066",
		"yingyezhizh": "066", "yingyezz": "066", "lvshizhiye": "170", "lushizhiye": "170", "fangben": "087", "shenfenzheng": "001",
		"xingshizheng": "005", "huzhao": "008",
		// characters between
		"驾证": "004", "不动证": "087",
		// one typing error: wrong, missing, too many, exchanged
		"不动厂权证": "087", "营业热照": "066", "营业执执照": "066", "业营执照": "066", "jiashizhng": "004", "yingyezizhao": "066", "busines licemce": "",
		"busness licence": "066",
	} {
		got := found(c, query)
		if want == "" && len(got) > 0 || want != "" && (len(got) == 0 || got[0] != want) {
			t.Errorf("Search(%q) = %v, want %q first", query, got, want)
		}
	}
}

func TestSearchFindsNothing(t *testing.T) {
	t.Parallel()
	c := load(t)
	for _, query := range []string{"", "  ", "'", "没有这种证照", "xyzzy", "证人驾", strings.Repeat("证", 129), strings.Repeat("a", 1<<16), "\xff\xfe"} {
		if got := found(c, query); len(got) != 0 {
			t.Errorf("Search(%.20q) = %v, want none", query, got)
		}
	}
}

// A guess never stands beside what was surely meant.
func TestSearchGuessesLast(t *testing.T) {
	t.Parallel()
	c := load(t)
	for query, not := range map[string]string{"行驶证": "004", "驾驶证": "005"} {
		if got := found(c, query); slices.Contains(got, not) {
			t.Errorf("Search(%q) = %v, which guesses at %s", query, got, not)
		}
	}
}

// Everyone finds every category by its name, by its name in pinyin, and by the initials.
func TestSearchFindsEveryCategory(t *testing.T) {
	t.Parallel()
	c := load(t)
	for _, category := range c.Categories() {
		var initials strings.Builder
		folded := fold(category.NameZH)
		all := newSpeller([]string{folded}).syllables(folded)
		for _, s := range all {
			initials.WriteString(s[0][:1])
		}
		for _, query := range []string{category.NameZH, inFull(all), initials.String()} {
			if got := found(c, query); !slices.Contains(got, category.ID.String()) {
				t.Errorf("Search(%q) = %v without %s", query, got, category.ID)
			}
		}
		if got := found(c, category.NameZH); got[0] != category.ID.String() {
			t.Errorf("Search(%q) = %v, want %s first", category.NameZH, got, category.ID)
		}
	}
}

func BenchmarkSearch(b *testing.B) {
	c, err := Load()
	if err != nil {
		b.Fatal(err)
	}
	for _, query := range []string{"驾照", "jsz", "不动厂权证", "yingyezizhao"} {
		b.Run(query, func(b *testing.B) {
			for b.Loop() {
				c.Search(query)
			}
		})
	}
}
