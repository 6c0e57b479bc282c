package impression_test

import (
	"fmt"

	"github.com/elicence/elicence/seal/impression"
)

func ExampleDraw() {
	drawing, err := impression.Draw(impression.Company("合肥样例科技有限公司"))
	if err != nil {
		fmt.Println(err)
		return
	}
	width, height := drawing.Size()
	fmt.Println(width, height, len(drawing.SVG()) < 5<<10)

	// The national emblem is regulated: without its drawing no such seal is made.
	fmt.Println(impression.Government(impression.Province, "样例省人民政府").CheckComplete())
	// Output:
	// 40 40 true
	// seal cannot be drawn: centre: the national emblem is missing: its official drawing must be given
}
