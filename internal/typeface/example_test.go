package typeface_test

import (
	"fmt"

	"github.com/elicence/elicence/internal/typeface"
)

func ExampleStack_Glyphs() {
	stack := typeface.Stack{typeface.Kai(), typeface.Song()}
	glyphs, err := stack.Glyphs("欧阳龘䶮")
	fmt.Println(len(glyphs), err)
	_, err = stack.Glyphs("王𪚥")
	fmt.Println(err)
	// Output:
	// 4 <nil>
	// U+2A6A5 '𪚥' in "王𪚥": no face has a glyph for it
}
