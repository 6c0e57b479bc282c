package render_test

import (
	"fmt"

	"github.com/elicence/elicence/licence/render"
)

func ExamplePage() {
	page, err := render.Page(render.Sheet{
		Kind: "许可证", Title: "食品经营许可证", TitleEn: "Food Business Permit", Number: "JY00000000000001",
		Holder: "合肥测试样例餐饮店", Issuer: "合肥市测试区市场监督管理局", IssueDate: "2024-01-01",
		Rows: []render.Row{{LabelZh: "经营场所", LabelEn: "Premises", Value: "安徽省合肥市测试区样例路1号"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d page, seal on page %d at %.0f mm, %.0f mm\n", page.Pages, page.SealPage, page.SealX, page.SealY)
	// Output: 1 page, seal on page 1 at 144 mm, 242 mm
}
